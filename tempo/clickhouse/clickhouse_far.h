/* Finds traces that reach out of the range that was asked for. Spans of a broken clock, as of 1970, are few, and found
 * by their times alone. For traces that last for days there has to be a table of the first and last time of each, which
 * the exporter, SigNoz and Jaeger keep by a view. It is asked where it is as old as the spans; a trace that it lacks is
 * far. Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_FAR_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_FAR_H

#include "tempo/clickhouse/clickhouse_filter.h"
#include "tempo/clickhouse/clickhouse_query.h"

/* Looks for the table of times, and says in `found` whether it is of use. Errors of bt_clickhouse_ask_rows but
 * BT_REFUSED: what is refused is of no use. */
bt_status bt_clickhouse_find_times(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                                   bt_error *error) BT_MUST_CHECK;

/* Looks whether the table has rare rows, unless that was asked at this time of the steady clock or later. Questions
 * leave out what only such rows could answer. They may be there where nobody says. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_clickhouse_find_rare(bt_clickhouse *clickhouse, bt_clickhouse_found *found, int64_t since_ns,
                                  const bt_cancel *cancel, bt_error *error) BT_MUST_CHECK;

typedef struct bt_clickhouse_ids {
  bt_trace_id *ids; /* sorted */
  size_t count, capacity;
} bt_clickhouse_ids;
typedef struct bt_clickhouse_far {
  bt_clickhouse_ids far, unknown; /* the table of times lacks the latter */
} bt_clickhouse_far;
/* Which of the question's ids may have a span that does not begin in the range; its statement and numbers are set here.
 * BT_OK: look at the answer's outcome. BT_CANCELLED, BT_NO_MEMORY. Dispose of both in every case. */
bt_status bt_clickhouse_find_far(bt_clickhouse *clickhouse, const bt_clickhouse_found *found,
                                 bt_clickhouse_question question, bt_time_range range, bt_clickhouse_far *far,
                                 bt_remote_answer *answer, bt_error *error) BT_MUST_CHECK;
/* is_there: some span of it was seen. */
bool bt_clickhouse_is_far(const bt_clickhouse_far *far, const bt_trace_id *id, bool is_there);
void bt_clickhouse_far_dispose(bt_clickhouse_far *far);

/* " UNION ALL SELECT columns …": rows of the range of those traces of which a row of a broken clock meets the
 * condition. Where there is no such row, the server reads none. Nothing where the table has none of a broken clock. */
void bt_clickhouse_write_broken(const bt_clickhouse_found *found, bt_str columns, bt_str condition, bt_buffer *sql);

#endif
