/* Writing lists of columns. See clickhouse_spans.h. An empty text, map or list is the same byte in RowBinary. */
#include "tempo/clickhouse/clickhouse_spans.h"

#include "tempo/clickhouse/clickhouse_layout.h"

#define NOTHING "''"

bool bt_clickhouse_projects(const bt_projection *projection) {
  return projection && !projection->whole_trace;
}

static bool is_of_map(const bt_projected *projected, bt_projected_scope scope) {
  return projected->scope == scope || projected->scope == BT_PROJECTED_EITHER;
}

/* Others may be read of keys that are no UTF-8. */
static bool are_plain(const bt_projection *projection) {
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    if (!bt_clickhouse_is_plain(projection->attributes[i].key)) return false;
  return true;
}

/* Every value of a key that stands twice. */
static void write_map(const bt_projection *projection, bt_projected_scope scope, const char *map,
                      bt_clickhouse_condition *condition, bt_buffer *sql) {
  bool is_first = true;
  if (!are_plain(projection)) {
    bt_buffer_printf(sql, "%s, ", map);
    return;
  }
  for (uint32_t i = 0; i < projection->attribute_count; i++) {
    if (!is_of_map(&projection->attributes[i], scope)) continue;
    bt_buffer_append(sql, is_first ? BT_STR("mapFilter((k, v) -> k IN (") : BT_STR(", "));
    bt_clickhouse_condition_name(condition, projection->attributes[i].key, sql);
    is_first = false;
  }
  if (is_first)
    bt_buffer_append(sql, BT_STR(NOTHING));
  else
    bt_buffer_printf(sql, "), %s)", map);
  bt_buffer_append(sql, BT_STR(", "));
}

void bt_clickhouse_write_columns(const bt_projection *projection, bt_clickhouse_condition *condition, bt_buffer *sql) {
  if (!bt_clickhouse_projects(projection)) {
    bt_buffer_append(sql, BT_STR(BT_EXPORTER_ROW));
    return;
  }
  bt_buffer_append(sql, BT_STR("TraceId, SpanId, ParentSpanId, " NOTHING ", SpanName, SpanKind, ServiceName, "));
  write_map(projection, BT_PROJECTED_RESOURCE, "ResourceAttributes", condition, sql);
  bt_buffer_append(sql, BT_STR(NOTHING ", " NOTHING ", "));
  write_map(projection, BT_PROJECTED_SPAN, "SpanAttributes", condition, sql);
  bt_buffer_append(sql, BT_STR("toUnixTimestamp64Nano(Timestamp), toInt64(Duration), StatusCode, "));
  bt_buffer_append(sql, projection->status_message ? BT_STR("StatusMessage, ") : BT_STR(NOTHING ", "));
  bt_buffer_append(sql, BT_STR(NOTHING ", " NOTHING ", " NOTHING ", "));
  bt_buffer_append(sql, projection->links ? BT_STR("`Links.TraceId`, `Links.SpanId`, `Links.Attributes`")
                                          : BT_STR(NOTHING ", " NOTHING ", " NOTHING));
}
