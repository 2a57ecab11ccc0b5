/* The rows of a range, in the parts that the server plans each, and what begins a row of an answer. Thread: no state.
 * Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_ROWS_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_ROWS_H

#include "tempo/clickhouse/clickhouse_query.h"

/* `columns` of the rows of the range that meet the condition. The server plans each part, also one without rows. */
void bt_clickhouse_write_rows(const bt_clickhouse_found *server, bt_str columns, bt_str condition, bt_buffer *sql);
/* The numbers that this takes. */
void bt_clickhouse_set_range(bt_clickhouse_question *question, bt_time_range range);
/* False: it is no id, or written in another way, so that reads would not find it again. */
bool bt_clickhouse_take_id(bt_row_reader *reader, bt_trace_id *id);

#endif
