/* When a trace that watch found is judged again, and when no more. Thread: the watcher's. */
#ifndef BT_SERVER_WATCH_DUE_TIMES_H
#define BT_SERVER_WATCH_DUE_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/trace.h"
#include "server/watch/watch_round.h"
#include "server/watch/watch_rules.h"
#include "server/watch/watch_table.h"

/* Whether the trace ended so long ago. */
bool bt_watch_has_settled(const bt_watch_round *round, const bt_trace *trace, int64_t settle_ns);
/* Since it was found, for as long as lookback: a trace without an end must not hold up all others. */
bool bt_watched_has_waited_long(const bt_watch_round *round, const bt_watched *watched);
void bt_watched_end(const bt_watch_round *round, bt_watched *watched); /* it is judged, and not due any more */
void bt_watched_wait_until(const bt_watch_round *round, bt_watched *watched, int64_t due_ns);
/* Counts one more read that did not give it: whether these are many now, and over a long time. Rounds may take long,
 * so one read that failed is no reason to give it up. */
bool bt_watched_has_missed_often(const bt_watch_round *round, bt_watched *watched);
enum { BT_WATCH_MISSES_MAX = 16 };

typedef struct bt_due_trace {
  bt_trace_id id;
  int64_t start_ns;
} bt_due_trace;
/* new: what is due now, oldest first, so that pages are narrow. A bt_due_trace of each is needed while it is listed.
 * BT_NO_MEMORY alone. */
bt_status bt_watch_list_due(const bt_watch_round *round, const bt_watch_table *table, bt_trace_id **ids, size_t *count,
                            bt_error *error) BT_MUST_CHECK;

/* Whether traces that links tie to this one may decide what it leaves open for some rule, or add choices to those that
 * a violation shows. */
bool bt_watch_awaits_links(const bt_watch_round *round, const bt_trace *trace, const bt_rule_verdict *verdicts);
/* The next time at which a verdict that links leave open may be another one; INT64_MAX: it stays. was_asked: every
 * question about linked traces was answered. */
int64_t bt_watch_next_of_links(const bt_watch_round *round, const bt_watch_rule *rule, const bt_trace *trace,
                               const bt_rule_verdict *verdict, bool was_asked);
/* Once its verdicts were applied: it waits for the first rule that may say something else, or has ended. */
void bt_watched_set_next(const bt_watch_round *round, const bt_trace *trace, const bt_rule_verdict *verdicts,
                         bool was_asked, bt_watched *watched);

#endif
