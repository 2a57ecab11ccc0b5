/* When a trace is judged again. See watch_due_times.h. */
#include "server/watch/watch_due_times.h"

#include <stdlib.h>

#include "dsl/base/time_sum.h"

bool bt_watch_has_settled(const bt_watch_round *round, const bt_trace *trace, int64_t settle_ns) {
  return bt_trace_end_ns(trace) <= bt_time_subtract(round->now_ns, settle_ns);
}

static int64_t waited_ns(const bt_watch_round *round, const bt_watched *watched) {
  return bt_time_subtract(round->now_ns, watched->waits_since_ns);
}

bool bt_watched_has_waited_long(const bt_watch_round *round, const bt_watched *watched) {
  return waited_ns(round, watched) >= round->times->lookback_ns;
}

void bt_watched_end(const bt_watch_round *round, bt_watched *watched) {
  watched->due_ns = BT_WATCH_NOT_DUE;
  watched->judged_ns = round->now_ns;
  watched->was_judged = true;
  watched->misses = 0;
  watched->hold = BT_WATCH_HOLDS_NOTHING;
}

bool bt_watched_has_missed_often(const bt_watch_round *round, bt_watched *watched) {
  if (watched->misses < BT_WATCH_MISSES_MAX) watched->misses++;
  return watched->misses == BT_WATCH_MISSES_MAX && bt_watched_has_waited_long(round, watched);
}

static void wait_at_most(const bt_watch_round *round, bt_watched *watched, int64_t due_ns, int64_t most_ns) {
  int64_t latest_ns = bt_time_add(watched->waits_since_ns, most_ns), next_ns = bt_time_add(round->now_ns, 1);
  watched->due_ns = due_ns < latest_ns ? due_ns : latest_ns;
  if (watched->due_ns < next_ns) watched->due_ns = next_ns;
}

void bt_watched_wait_until(const bt_watch_round *round, bt_watched *watched, int64_t due_ns) {
  wait_at_most(round, watched, due_ns, round->times->lookback_ns);
}

/* ---- what is due ---- */

static int compare_due(const void *a, const void *b) {
  const bt_due_trace *x = a, *y = b;
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

bt_status bt_watch_list_due(const bt_watch_round *round, const bt_watch_table *table, bt_trace_id **ids, size_t *count,
                            bt_error *error) {
  bt_due_trace *due = bt_realloc_array(NULL, table->count + 1, sizeof *due);
  *ids = bt_realloc_array(NULL, table->count + 1, sizeof **ids);
  *count = 0;
  if (!due || !*ids) {
    free(due);
    return bt_error_no_memory(error);
  }
  for (size_t i = 0; i < table->count; i++)
    if (table->traces[i].due_ns <= round->now_ns)
      due[(*count)++] = (bt_due_trace){table->traces[i].id, table->traces[i].start_ns};
  qsort(due, *count, sizeof *due, compare_due);
  for (size_t i = 0; i < *count; i++) (*ids)[i] = due[i].id;
  free(due);
  return BT_OK;
}

/* ---- for linked traces ---- */

/* Whether traces that links tie to this one may decide what it leaves open for that rule. */
static bool is_left_open(const bt_watch_round *round, const bt_watch_rule *rule, const bt_trace *trace,
                         const bt_rule_verdict *verdict) {
  return rule->is_linked && !rule->definition->fields.shadow && verdict->verdict == BT_INCONCLUSIVE &&
         verdict->reason != BT_REASON_BUDGET && bt_watch_has_settled(round, trace, rule->settle_ns);
}

bool bt_watch_awaits_links(const bt_watch_round *round, const bt_trace *trace, const bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < round->rules->count; i++) {
    const bt_watch_rule *rule = &round->rules->items[i];
    bool may_show_more = rule->is_linked && !rule->definition->fields.shadow && verdicts[i].verdict == BT_VIOLATED &&
                         verdicts[i].lacks_links && bt_watch_has_settled(round, trace, rule->settle_ns);
    if (may_show_more || is_left_open(round, rule, trace, &verdicts[i])) return true;
  }
  return false;
}

/* What links within the bound is stored once the bound and the time to settle are over. What is open then waits as long
 * again as it has waited since: a linked trace may be longer than the others, and a question that failed is asked again
 * for as long as lookback. */
int64_t bt_watch_next_of_links(const bt_watch_round *round, const bt_watch_rule *rule, const bt_trace *trace,
                               const bt_rule_verdict *verdict, bool was_asked) {
  if (!is_left_open(round, rule, trace, verdict)) return INT64_MAX;
  int64_t stored_ns = bt_time_add(bt_time_add(bt_trace_end_ns(trace), rule->within_ns), rule->settle_ns + 1);
  int64_t late_ns = bt_time_subtract(round->now_ns, stored_ns);
  if (late_ns < 0) return stored_ns;
  if (late_ns >= (was_asked ? rule->settle_ns : round->times->lookback_ns)) return INT64_MAX;
  return bt_time_add(round->now_ns, bt_time_later(late_ns, round->options->interval_ns));
}

/* Rules that settle later than this trace's quiet time judge it again then. */
void bt_watched_set_next(const bt_watch_round *round, const bt_trace *trace, const bt_rule_verdict *verdicts,
                         bool was_asked, bt_watched *watched) {
  int64_t lookback_ns = round->times->lookback_ns, waited_so_ns = waited_ns(round, watched);
  int64_t most_ns = bt_time_add(lookback_ns, round->rules->longest_within_ns); /* where links are waited for */
  int64_t settling_ns = INT64_MAX, links_ns = INT64_MAX;
  for (size_t i = 0; i < round->rules->count; i++) {
    const bt_watch_rule *rule = &round->rules->items[i];
    links_ns = bt_time_earlier(links_ns, bt_watch_next_of_links(round, rule, trace, &verdicts[i], was_asked));
    if (!bt_watch_has_settled(round, trace, rule->settle_ns))
      settling_ns = bt_time_earlier(settling_ns, bt_time_add(bt_trace_end_ns(trace), rule->settle_ns));
  }
  if (waited_so_ns >= lookback_ns) settling_ns = INT64_MAX;
  if (waited_so_ns >= most_ns) links_ns = INT64_MAX;
  if (links_ns < settling_ns)
    wait_at_most(round, watched, links_ns, most_ns);
  else if (settling_ns < INT64_MAX)
    wait_at_most(round, watched, settling_ns, lookback_ns);
  else
    bt_watched_end(round, watched);
}
