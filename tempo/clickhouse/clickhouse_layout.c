/* The schemas. See clickhouse_layout.h. */
#include "tempo/clickhouse/clickhouse_layout.h"

#include <string.h>

#include "tempo/clickhouse/row_attributes.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool has_capital(bt_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z') return true;
  return false;
}

/* Names of types have capitals: a JSON column with types of its own is written in another way, and one that skips paths
 * lacks them. */
bool bt_clickhouse_column_is(const bt_clickhouse_column *column, bt_str name, bt_str type) {
  bt_str wanted = bt_str_from(column->type);
  if (!bt_str_equal(name, bt_str_from(column->name)) || !bt_str_starts_with(type, wanted)) return false;
  bt_str rest = {type.ptr + wanted.len, type.len - wanted.len};
  return !bt_str_ends_with(wanted, BT_STR("JSON")) || !has_capital(rest);
}

bool bt_clickhouse_shows(const bt_clickhouse_layout *layout, bt_str name, bt_str type) {
  return bt_str_equal(name, bt_str_from(layout->sign.name)) && bt_str_starts_with(type, bt_str_from(layout->sign.type));
}

/* ---- ranges of time ---- */

/* Of rows that overlap one. The tables are sorted by start, so what began long before the range is looked for by its
 * duration, which has an index. A start of 0 is not known; then the end counts. `bucket`, `before` and `at_zero`
 * say the same of a column that is sorted by, for those that have one. A batch of reads looks a day farther than it has
 * to on both sides (`near`). What has no start may lie anywhere. */
#define START(start)       "toUnixTimestamp64Nano(" start ")"
#define END(start, length) "(" START(start) " + " length ")"
#define BETWEEN(start)                                                                                                 \
  start " >= fromUnixTimestamp64Nano({from:Int64}) AND " start " < fromUnixTimestamp64Nano({end:Int64}) "
#define AT_ZERO(start) start " = fromUnixTimestamp64Nano(toInt64(0)) "
#define BROKEN(start)                                                                                                  \
  "((" start " > fromUnixTimestamp64Nano(toInt64(0)) AND " start " < toDateTime64('2000-01-01', 9)) OR " start         \
  " > now() + INTERVAL 1 DAY)"
#define IS_LONG(duration) duration " > " BT_CLICKHOUSE_LONG_TEXT
#define TIMES(column, duration, length, bucket, before, at_zero)                                                       \
  .start = column,                                                                                                     \
  .within = BETWEEN(column) bucket "AND greatest(" START(column) ", " END(column, length) ") >= {start:Int64}",        \
  .within_rare = {column " < fromUnixTimestamp64Nano({from:Int64}) AND " IS_LONG(duration) " AND " START(              \
                      column) " > 0 " before "AND " END(column, length) " >= {start:Int64}",                           \
                  AT_ZERO(column) at_zero "AND (" END(column, length) " <= 0 OR (" END(                                \
                      column, length) " >= {start:Int64} AND " END(column, length) " < {end:Int64}))"},                \
  .near = "((" BETWEEN(column) bucket ") OR (" AT_ZERO(column) at_zero "))",                                           \
  .rare = {IS_LONG(duration), AT_ZERO(column) at_zero, BROKEN(column)}

/* ---- the exporter of the OpenTelemetry Collector, with attributes as Map or as JSON ---- */

#define EXPORTER_COLUMNS(attributes)                                                                                   \
  {"Timestamp", "DateTime64(9"}, {"TraceId", "String"}, {"SpanId", "String"}, {"ParentSpanId", "String"},              \
      {"TraceState", "String"}, {"SpanName", "LowCardinality(String)"}, {"SpanKind", "LowCardinality(String)"},        \
      {"ServiceName", "LowCardinality(String)"}, {"ResourceAttributes", attributes}, {"ScopeName", "String"},          \
      {"ScopeVersion", "String"}, {"SpanAttributes", attributes}, {"Duration", ""},                                    \
      {"StatusCode", "LowCardinality(String)"}, {"StatusMessage", "String"},                                           \
      {"Events.Timestamp", "Array(DateTime64(9"}, {"Events.Name", "Array(LowCardinality(String))"},                    \
      {"Events.Attributes", "Array(" attributes}, {"Links.TraceId", "Array(String)"},                                  \
      {"Links.SpanId", "Array(String)"}, {                                                                             \
    "Links.Attributes", "Array(" attributes                                                                            \
  }

#define EXPORTER_ROW                                                                                                   \
  .key = "TraceId", TIMES("Timestamp", "Duration", "toInt64(Duration)", "", "", ""),                                   \
  .times = {"_trace_id_ts", "TraceId", "Start", "toInt64(toUnixTimestamp(Start)) * 1000000000",                        \
            "(toInt64(toUnixTimestamp(End)) + 1) * 1000000000"},                                                       \
  .row = {"TraceId",           "SpanId",                                                                               \
          "ParentSpanId",      "TraceState",                                                                           \
          "SpanName",          "SpanKind",                                                                             \
          "ServiceName",       [BT_ROW_SCOPE_NAME] = "ScopeName",                                                      \
          "ScopeVersion",      [BT_ROW_START] = START("Timestamp"),                                                    \
          "toInt64(Duration)", "StatusCode",                                                                           \
          "StatusMessage",     [BT_ROW_EVENT_TIMES] = "arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`)",   \
          "`Events.Name`",     "`Events.Attributes`",                                                                  \
          "`Links.TraceId`",   "`Links.SpanId`",                                                                       \
          "`Links.Attributes`"}
#define ONE_PART(kind, name)                                                                                           \
  { .parts = {{.type = (kind), .column = (name)}}, .count = 1 }

static const bt_clickhouse_column map_columns[] = {EXPORTER_COLUMNS("Map(LowCardinality(String), String)")};
static const bt_clickhouse_column json_columns[] = {EXPORTER_COLUMNS("JSON")};
static const bt_row_form map_form = {
    .resource = bt_row_take_texts, .span = bt_row_take_texts, .event = bt_row_take_texts, .link = bt_row_take_texts};

static const bt_row_form json_form = {
    .resource = bt_row_take_json, .span = bt_row_take_json, .event = bt_row_take_json, .link = bt_row_take_json};

/* ---- SigNoz ---- */

/* Events and links are JSON texts; the first link is the parent. */
#define FOLLOWED "arrayFilter(l -> JSONExtractString(l, 'refType') = 'FOLLOWS_FROM', JSONExtractArrayRaw(links))"
/* ts_bucket_start is the start, cut to half an hour. */
#define BUCKET_SECONDS "1800"
#define BUCKET_WITHIN                                                                                                  \
  "AND ts_bucket_start >= intDiv({from:Int64}, 1000000000) - " BUCKET_SECONDS                                          \
  " AND ts_bucket_start <= intDiv({end:Int64}, 1000000000) "
#define BUCKET_BEFORE  "AND ts_bucket_start <= intDiv({from:Int64}, 1000000000) "
#define BUCKET_AT_ZERO "AND ts_bucket_start = 0 "
static const bt_clickhouse_column signoz_columns[] = {
    {"ts_bucket_start", "UInt64"},
    {"timestamp", "DateTime64(9"},
    {"trace_id", "FixedString(32)"},
    {"span_id", "String"},
    {"trace_state", "String"},
    {"parent_span_id", "String"},
    {"flags", "UInt32"},
    {"name", "LowCardinality(String)"},
    {"kind_string", "String"},
    {"duration_nano", "UInt64"},
    {"status_message", "String"},
    {"status_code_string", "String"},
    {"attributes_string", "Map(LowCardinality(String), String)"},
    {"attributes_number", "Map(LowCardinality(String), Float64)"},
    {"attributes_bool", "Map(LowCardinality(String), Bool)"},
    {"resources_string", "Map(LowCardinality(String), String)"},
    {"resource_string_service$$name", "LowCardinality(String)"},
    {"scope", "JSON("},
    {"events", "Array(String)"},
    {"links", "String"},
};
static const bt_row_form signoz_form = {.resource = bt_row_take_texts,
                                        .span = bt_row_take_three_maps,
                                        .event = bt_row_take_texts,
                                        .has_flags = true,
                                        .has_check = true};

/* ---- Jaeger ---- */

/* Attributes of each type are a list of keys beside one of values; of events and links they are pairs already. */
#define LISTS(kind, name)                                                                                              \
  { .type = (kind), .keys = "`" name "_attributes.key`", .values = "`" name "_attributes.value`" }
#define FIVE_PARTS(prefix)                                                                                             \
  {                                                                                                                    \
    .parts = {LISTS(BT_CLICKHOUSE_BOOLEANS, prefix "bool"), LISTS(BT_CLICKHOUSE_NUMBERS, prefix "double"),             \
              LISTS(BT_CLICKHOUSE_NUMBERS, prefix "int"), LISTS(BT_CLICKHOUSE_TEXTS, prefix "str"),                    \
              LISTS(BT_CLICKHOUSE_OTHERS, prefix "complex")},                                                          \
    .count = 5                                                                                                         \
  }
#define FIVE_OF_EACH(list)                                                                                             \
  "arrayMap((b, d, i, s, c) -> (b, d, i, s, c), `" list ".bool_attributes`, `" list ".double_attributes`, `" list      \
  ".int_attributes`, `" list ".str_attributes`, `" list ".complex_attributes`)"

/* Jaeger lets a span end one nanosecond after it starts where it did not end later; one without times so too. */
#define JAEGER_LENGTH "if(" START("start_time") " = 0 AND duration = 1, 0, duration)"

#define TYPED_COLUMNS(prefix, type, value)                                                                             \
  {prefix type "_attributes.key", "Array(String)"}, {                                                                  \
    prefix type "_attributes.value", "Array(" value ")"                                                                \
  }
#define FIVE_COLUMNS(prefix)                                                                                           \
  TYPED_COLUMNS(prefix, "bool", "Bool"), TYPED_COLUMNS(prefix, "double", "Float64"),                                   \
      TYPED_COLUMNS(prefix, "int", "Int64"), TYPED_COLUMNS(prefix, "str", "String"),                                   \
      TYPED_COLUMNS(prefix, "complex", "String")
#define NESTED_COLUMNS(list)                                                                                           \
  {list ".bool_attributes", "Array("}, {list ".double_attributes", "Array("}, {list ".int_attributes", "Array("},      \
      {list ".str_attributes", "Array("}, {                                                                            \
    list ".complex_attributes", "Array("                                                                               \
  }

static const bt_clickhouse_column jaeger_columns[] = {
    {"trace_id", "String"},
    {"id", "String"},
    {"parent_span_id", "String"},
    {"trace_state", "String"},
    {"name", "String"},
    {"kind", "String"},
    {"start_time", "DateTime64(9"},
    {"duration", "Int64"},
    {"status_code", "String"},
    {"status_message", "String"},
    {"service_name", "String"},
    {"scope_name", "String"},
    {"scope_version", "String"},
    FIVE_COLUMNS(""),
    FIVE_COLUMNS("resource_"),
    FIVE_COLUMNS("scope_"),
    {"events.name", "Array(String)"},
    {"events.timestamp", "Array(DateTime64(9"},
    NESTED_COLUMNS("events"),
    {"links.trace_id", "Array(String)"},
    {"links.span_id", "Array(String)"},
    NESTED_COLUMNS("links"),
};
static const bt_row_form jaeger_form = {.resource = bt_row_take_five_lists,
                                        .scope = bt_row_take_five_lists,
                                        .span = bt_row_take_five_lists,
                                        .event = bt_row_take_five_lists,
                                        .link = bt_row_take_five_lists};

/* ---- the list ---- */

const bt_clickhouse_layout bt_clickhouse_layouts[BT_CLICKHOUSE_LAYOUTS] = {
    {.name = "exporter, Map",
     .sign = {"SpanAttributes", "Map("},
     .columns = map_columns,
     .column_count = COUNT(map_columns),
     EXPORTER_ROW,
     .resource = ONE_PART(BT_CLICKHOUSE_TEXTS, "ResourceAttributes"),
     .span = ONE_PART(BT_CLICKHOUSE_TEXTS, "SpanAttributes"),
     .event_maps = "`Events.Attributes`",
     .form = &map_form},
    {.name = "SigNoz",
     .sign = {"ts_bucket_start", ""},
     .columns = signoz_columns,
     .column_count = COUNT(signoz_columns),
     .key = "trace_id",
     .times = {"distributed_trace_summary", "trace_id", "start", START("start"), START("end")},
     TIMES("timestamp", "duration_nano", "toInt64(duration_nano)", BUCKET_WITHIN, BUCKET_BEFORE, BUCKET_AT_ZERO),
     .row = {"toStringCutToZero(trace_id)",
             "span_id",
             "parent_span_id",
             "trace_state",
             "name",
             "kind_string",
             "`resource_string_service$$name`",
             [BT_ROW_SCOPE_NAME] = "toString(scope.name)",
             "toString(scope.version)",
             [BT_ROW_START] = START("timestamp"),
             "toInt64(duration_nano)",
             "status_code_string",
             "status_message",
             "toInt64(flags)",
             "toUInt8(arrayAll(e -> isValidJSON(e), events) AND (links = '' OR isValidJSON(links)))",
             "arrayMap(e -> toInt64(JSONExtractUInt(e, 'timeUnixNano')), events)",
             "arrayMap(e -> JSONExtractString(e, 'name'), events)",
             "arrayMap(e -> JSONExtractKeysAndValues(e, 'attributeMap', 'String'), events)",
             "arrayMap(l -> JSONExtractString(l, 'traceId'), " FOLLOWED ")",
             "arrayMap(l -> JSONExtractString(l, 'spanId'), " FOLLOWED ")"},
     .resource = ONE_PART(BT_CLICKHOUSE_TEXTS, "resources_string"),
     .span = {.parts = {{.type = BT_CLICKHOUSE_TEXTS, .column = "attributes_string"},
                        {.type = BT_CLICKHOUSE_NUMBERS, .column = "attributes_number"},
                        {.type = BT_CLICKHOUSE_BOOLEANS, .column = "attributes_bool"}},
              .count = 3},
     .form = &signoz_form},
    {.name = "exporter, JSON",
     .sign = {"SpanAttributes", "JSON"},
     .columns = json_columns,
     .column_count = COUNT(json_columns),
     EXPORTER_ROW,
     .resource = ONE_PART(BT_CLICKHOUSE_ANY, "ResourceAttributes"),
     .span = ONE_PART(BT_CLICKHOUSE_ANY, "SpanAttributes"),
     .form = &json_form},
    {.name = "Jaeger",
     .sign = {"str_attributes.key", ""},
     .columns = jaeger_columns,
     .column_count = COUNT(jaeger_columns),
     .key = "trace_id",
     .times = {"trace_id_timestamps", "trace_id", "start", START("start"), START("end")},
     TIMES("start_time", "duration", JAEGER_LENGTH, "", "", ""),
     .row = {"trace_id", "id", "parent_span_id", "trace_state", "name", "kind",
             "service_name", [BT_ROW_SCOPE_NAME] = "scope_name", "scope_version", [BT_ROW_START] = START("start_time"),
             JAEGER_LENGTH, "status_code",
             "status_message", [BT_ROW_EVENT_TIMES] = "arrayMap(t -> toUnixTimestamp64Nano(t), `events.timestamp`)",
             "`events.name`", FIVE_OF_EACH("events"), "`links.trace_id`", "`links.span_id`", FIVE_OF_EACH("links")},
     .resource = FIVE_PARTS("resource_"),
     .scope = FIVE_PARTS("scope_"),
     .span = FIVE_PARTS(""),
     .form = &jaeger_form},
};
