/* What of a span is asked for: all values, or those that a projection needs, with the attributes of its keys alone.
 * Both have the same places (bt_clickhouse_value), so that one decoder reads them: what is left out is empty. Thread:
 * no state. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SPANS_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SPANS_H

#include <stdbool.h>

#include "dsl/plan/plan.h"
#include "tempo/clickhouse/clickhouse_filter.h"

/* The projection gives less than all. */
bool bt_clickhouse_projects(const bt_projection *projection);
/* Into `sql`; keys become values of the condition, whose SQL stays. NULL: all of a row. */
void bt_clickhouse_write_columns(const bt_clickhouse_layout *layout, const bt_projection *projection,
                                 bt_clickhouse_condition *condition, bt_buffer *sql);

#endif
