/* The schemas that can be read: the columns that show which it is, its statements, and the form of its rows. They
 * differ in names of columns and in how they keep attributes; all else is the same. Thread: constants. Internal to
 * tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_LAYOUT_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"
#include "tempo/clickhouse/span_rows.h"

/* The columns of the exporter's tables, in the order in which a row has them. */
#define BT_EXPORTER_ROW                                                                                                \
  "TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName, "        \
  "ScopeVersion, SpanAttributes, toUnixTimestamp64Nano(Timestamp), toInt64(Duration), StatusCode, StatusMessage, "     \
  "arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`), `Events.Name`, `Events.Attributes`, "                  \
  "`Links.TraceId`, `Links.SpanId`, `Links.Attributes`"

/* A column, and how its type begins. One that is JSON may say nothing more than how many paths it has. */
typedef struct bt_clickhouse_column {
  const char *name, *type;
} bt_clickhouse_column;
bool bt_clickhouse_column_is(const bt_clickhouse_column *column, bt_str name, bt_str type);

typedef struct bt_clickhouse_layout {
  const char *name;                    /* for people */
  bt_clickhouse_column sign;           /* no other schema has it */
  const bt_clickhouse_column *columns; /* that it is read by */
  size_t column_count;
  /* Statements. Traces of a range: id as text, least start and greatest end, with {start}, {from}, {end} and {most}; of
   * them those with a link to one of `ids`. Spans of `ids`, wherever they lie, or from {from} to {end}. */
  const char *search, *linking, *read, *read_range;
  const bt_row_form *form; /* of the rows that are read */
  bool filters;            /* clickhouse_filter.h speaks of it */
} bt_clickhouse_layout;

/* Whether a column is the layout's sign. */
bool bt_clickhouse_shows(const bt_clickhouse_layout *layout, bt_str name, bt_str type);

enum { BT_CLICKHOUSE_LAYOUTS = 4, BT_CLICKHOUSE_MOST_COLUMNS = 96 };
extern const bt_clickhouse_layout bt_clickhouse_layouts[BT_CLICKHOUSE_LAYOUTS];

#endif
