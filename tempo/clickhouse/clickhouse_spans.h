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
/* Into `sql`; keys become values of the condition, whose SQL stays. NULL: all of a row. shows_kept: also what says how
 * the trace was kept (batches_show_kept of bt_promises). */
void bt_clickhouse_write_columns(const bt_clickhouse_layout *layout, const bt_projection *projection, bool shows_kept,
                                 bt_clickhouse_condition *condition, bt_buffer *sql);

/* For completion (clickhouse_tags.h), of a span's, a resource's or a scope's attributes. Of a key what a row has under
 * it, in the places of the whole; without a key, and of a scope, all. */
void bt_clickhouse_write_values(const bt_clickhouse_layout *layout, bt_clickhouse_value value, bt_str key,
                                bt_clickhouse_condition *condition, bt_buffer *sql);
/* Each key that a row has as a row of its own. */
void bt_clickhouse_write_keys(const bt_clickhouse_layout *layout, bt_clickhouse_value value, bt_buffer *sql);

#endif
