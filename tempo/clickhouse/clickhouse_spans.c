/* Writing lists of columns. See clickhouse_spans.h. An empty text, map, list or JSON is the same byte in RowBinary. So
 * what is left out in a row is one column of such bytes: a column costs the server time for each span. */
#include "tempo/clickhouse/clickhouse_spans.h"

typedef struct columns {
  const bt_clickhouse_layout *layout;
  const bt_projection *projection; /* NULL: all */
  bool shows_kept;                 /* how the trace was kept is read, too */
  bt_clickhouse_condition *condition;
  bt_buffer *sql;
  size_t left_out; /* values, behind the last column */
} columns;

static void write_left_out(columns *c) {
  if (c->left_out) bt_buffer_printf(c->sql, "%stoFixedString('', %zu)", c->sql->len ? ", " : "", c->left_out);
  c->left_out = 0;
}

static void begin_column(columns *c) {
  write_left_out(c);
  bt_buffer_append(c->sql, c->sql->len ? BT_STR(", ") : BT_STR(""));
}

bool bt_clickhouse_projects(const bt_projection *projection) {
  return projection && !projection->whole_trace;
}

/* ---- attributes ---- */

static bool is_asked(const bt_projected *projected, bt_projected_scope scope) {
  return projected->scope == scope || projected->scope == BT_PROJECTED_EITHER;
}

static void write_key(columns *c, bt_str key, const char *before, const char *after) {
  bt_buffer_append(c->sql, bt_str_from(before));
  bt_clickhouse_condition_name(c->condition, key, c->sql);
  bt_buffer_append(c->sql, bt_str_from(after));
}

/* A path of JSON, as the column itself would give it. */
static void write_path(columns *c, const bt_clickhouse_part *part, bt_str key, bool is_first) {
  write_key(c, key, is_first ? "arrayFilter(p -> isNotNull(p.2), [(" : ", (", ", getSubcolumn(");
  bt_buffer_printf(c->sql, "%s, ", part->column);
  write_key(c, key, "", "))");
}

static void write_whole(const columns *c, const bt_clickhouse_part *part) {
  if (part->column)
    bt_buffer_append(c->sql, bt_str_from(part->column));
  else
    bt_buffer_printf(c->sql, "arrayZip(%s, %s)", part->keys, part->values);
}

/* Every value of a key that stands twice. Of Jaeger's others, which are rare, all. */
static void write_some(columns *c, const bt_clickhouse_part *part, bt_projected_scope scope) {
  bool is_json = part->type == BT_CLICKHOUSE_ANY, is_first = true;
  for (uint32_t i = 0; i < c->projection->attribute_count; i++) {
    const bt_projected *asked = &c->projection->attributes[i];
    if (!is_asked(asked, scope)) continue;
    if (is_json)
      write_path(c, part, asked->key, is_first);
    else
      write_key(c, asked->key,
                !is_first      ? ", "
                : part->column ? "mapFilter((k, v) -> k IN ("
                               : "arrayFilter(p -> p.1 IN (",
                "");
    is_first = false;
  }
  bt_buffer_append(c->sql, is_json ? BT_STR("])") : BT_STR("), "));
  if (is_json) return;
  write_whole(c, part);
  bt_buffer_append_char(c->sql, ')');
}

static bool has_asked(const bt_projection *projection, bt_projected_scope scope) {
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    if (is_asked(&projection->attributes[i], scope)) return true;
  return false;
}

/* Others may be read of keys that are no UTF-8, or no path. */
static bool are_nameable(const columns *c, const bt_clickhouse_part *part) {
  for (uint32_t i = 0; i < c->projection->attribute_count; i++) {
    bt_str key = c->projection->attributes[i].key;
    if (part->type == BT_CLICKHOUSE_ANY ? !bt_clickhouse_is_path(key) : !bt_clickhouse_is_plain(key)) return false;
  }
  return true;
}

static bool is_whole(const columns *c, bt_clickhouse_value value) {
  return !c->projection || (value == BT_ROW_SCOPE && c->shows_kept);
}

static void write_attributes(columns *c, const bt_clickhouse_attributes *kept, bt_clickhouse_value value) {
  bt_projected_scope scope = value == BT_ROW_RESOURCE ? BT_PROJECTED_RESOURCE : BT_PROJECTED_SPAN;
  for (size_t i = 0; i < kept->count; i++) {
    const bt_clickhouse_part *part = &kept->parts[i];
    bool is_asked = is_whole(c, value) || (value != BT_ROW_SCOPE && has_asked(c->projection, scope));
    c->left_out += !is_asked;
    if (!is_asked) continue;
    begin_column(c);
    if (is_whole(c, value) || part->type == BT_CLICKHOUSE_OTHERS || !are_nameable(c, part))
      write_whole(c, part);
    else
      write_some(c, part, scope);
  }
}

/* ---- a row ---- */

/* "": it is left out. Of events a projection reads nothing, and of some spans no scopes and trace states. What is no
 * text has to be there. */
static const char *value_of(const columns *c, bt_clickhouse_value value) {
  const bt_projection *projection = c->projection;
  const char *sql = c->layout->row[value];
  bool is_of_link = value >= BT_ROW_LINK_TRACES && value <= BT_ROW_LINKS;
  bool is_of_rest = value == BT_ROW_TRACE_STATE || value == BT_ROW_SCOPE_NAME || value == BT_ROW_SCOPE_VERSION ||
                    (value >= BT_ROW_EVENT_TIMES && value <= BT_ROW_EVENTS);
  if (!projection || !sql || (value == BT_ROW_TRACE_STATE && c->shows_kept)) return sql;
  if (value == BT_ROW_CHECK && !projection->links) return "toUInt8(1)";
  bool is_left_out =
      is_of_rest || (is_of_link && !projection->links) || (value == BT_ROW_MESSAGE && !projection->status_message);
  return is_left_out ? "" : sql;
}

static const bt_clickhouse_attributes *attributes_of(const bt_clickhouse_layout *layout, bt_clickhouse_value value) {
  if (value == BT_ROW_RESOURCE) return &layout->resource;
  if (value == BT_ROW_SCOPE) return &layout->scope;
  return value == BT_ROW_SPAN ? &layout->span : NULL;
}

void bt_clickhouse_write_columns(const bt_clickhouse_layout *layout, const bt_projection *projection, bool shows_kept,
                                 bt_clickhouse_condition *condition, bt_buffer *sql) {
  bt_buffer out = {0};
  columns c = {.layout = layout,
               .projection = bt_clickhouse_projects(projection) ? projection : NULL,
               .shows_kept = shows_kept,
               .condition = condition,
               .sql = &out};
  for (bt_clickhouse_value value = 0; value < BT_ROW_VALUES; value++) {
    const bt_clickhouse_attributes *kept = attributes_of(layout, value);
    const char *one = value_of(&c, value);
    if (kept) write_attributes(&c, kept, value);
    if (!one) continue;
    c.left_out += !one[0];
    if (one[0]) begin_column(&c), bt_buffer_append(&out, bt_str_from(one));
  }
  write_left_out(&c);
  bt_buffer_append(sql, bt_buffer_str(&out));
  if (out.failed) sql->failed = true;
  bt_buffer_dispose(&out);
}

/* ---- for completion ---- */

void bt_clickhouse_write_values(const bt_clickhouse_layout *layout, bt_clickhouse_value value, bt_str key,
                                bt_clickhouse_condition *condition, bt_buffer *sql) {
  bt_projected one = {.scope = BT_PROJECTED_EITHER, .key = key};
  bt_projection projection = {.attributes = &one, .attribute_count = 1};
  bool is_whole = !key.ptr || value == BT_ROW_SCOPE;
  bt_buffer out = {0};
  columns c = {.layout = layout, .projection = is_whole ? NULL : &projection, .condition = condition, .sql = &out};
  write_attributes(&c, attributes_of(layout, value), value);
  bt_buffer_append(sql, bt_buffer_str(&out));
  if (out.failed) sql->failed = true;
  bt_buffer_dispose(&out);
}

static void write_keys_of(const bt_clickhouse_part *part, bt_buffer *sql) {
  if (part->type == BT_CLICKHOUSE_OTHERS)
    bt_buffer_printf(sql, "arrayMap(k -> replaceRegexpOne(k, '^@[a-z]+@', ''), %s)", part->keys);
  else if (part->type == BT_CLICKHOUSE_ANY)
    bt_buffer_printf(sql, "JSONAllPaths(%s)", part->column);
  else if (part->column)
    bt_buffer_printf(sql, "mapKeys(%s)", part->column);
  else
    bt_buffer_append(sql, bt_str_from(part->keys));
}

void bt_clickhouse_write_keys(const bt_clickhouse_layout *layout, bt_clickhouse_value value, bt_buffer *sql) {
  const bt_clickhouse_attributes *kept = attributes_of(layout, value);
  bt_buffer_append(sql, BT_STR("arrayJoin(arrayConcat("));
  for (size_t i = 0; i < kept->count; i++) {
    if (i) bt_buffer_append(sql, BT_STR(", "));
    write_keys_of(&kept->parts[i], sql);
  }
  bt_buffer_append(sql, BT_STR("))"));
}
