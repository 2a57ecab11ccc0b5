/* When a trace is judged again. See watch_due_times.h. */
#include "server/watch/watch_due_times.h"

#include <stdlib.h>

#include "dsl/base/time_sum.h"

static int64_t longer_duration(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t waited_ns(const bt_watcher *watcher, const bt_watched *watched) {
  return bt_time_subtract(watcher->now_ns, watched->waits_since_ns);
}

bool bt_watched_has_waited_long(const bt_watcher *watcher, const bt_watched *watched) {
  return waited_ns(watcher, watched) >= watcher->schedule.times.lookback_ns;
}

void bt_watched_end(const bt_watcher *watcher, bt_watched *watched) {
  watched->due_ns = BT_WATCH_NOT_DUE;
  watched->judged_ns = watcher->now_ns;
  watched->was_judged = true;
  watched->misses = 0;
  watched->holds_ns = watched->gap_holds_ns = INT64_MAX;
}

bool bt_watched_has_missed_often(const bt_watcher *watcher, bt_watched *watched) {
  if (watched->misses < BT_WATCH_MISSES_MAX) watched->misses++;
  return watched->misses == BT_WATCH_MISSES_MAX && bt_watched_has_waited_long(watcher, watched);
}

static void wait_at_most(const bt_watcher *watcher, bt_watched *watched, int64_t due_ns, int64_t most_ns) {
  int64_t latest_ns = bt_time_add(watched->waits_since_ns, most_ns), next_ns = bt_time_add(watcher->now_ns, 1);
  watched->due_ns = due_ns < latest_ns ? due_ns : latest_ns;
  if (watched->due_ns < next_ns) watched->due_ns = next_ns;
}

void bt_watched_wait_until(const bt_watcher *watcher, bt_watched *watched, int64_t due_ns) {
  wait_at_most(watcher, watched, due_ns, watcher->schedule.times.lookback_ns);
}

/* ---- what is due ---- */

static int compare_due(const void *a, const void *b) {
  const bt_due_trace *x = a, *y = b;
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

bt_status bt_watch_list_due(const bt_watcher *watcher, bt_trace_id **ids, size_t *count, bt_error *error) {
  const bt_watch_table *table = &watcher->table;
  bt_due_trace *due = bt_realloc_array(NULL, table->count + 1, sizeof *due);
  *ids = bt_realloc_array(NULL, table->count + 1, sizeof **ids);
  *count = 0;
  if (!due || !*ids) {
    free(due);
    return bt_error_no_memory(error);
  }
  for (size_t i = 0; i < table->count; i++)
    if (table->traces[i].due_ns <= watcher->now_ns)
      due[(*count)++] = (bt_due_trace){table->traces[i].id, table->traces[i].start_ns};
  qsort(due, *count, sizeof *due, compare_due);
  for (size_t i = 0; i < *count; i++) (*ids)[i] = due[i].id;
  free(due);
  return BT_OK;
}

/* ---- for linked traces ---- */

static bool is_over_for(const bt_watcher *watcher, const bt_watch_rule *rule, const bt_trace *trace) {
  return bt_trace_end_ns(trace) <= bt_time_subtract(watcher->now_ns, rule->settle_ns);
}

bool bt_watch_awaits_links(const bt_watcher *watcher, size_t rule, const bt_trace *trace,
                           const bt_rule_verdict *verdict) {
  const bt_watch_rule *r = &watcher->rules->items[rule];
  return r->is_linked && !r->definition->fields.shadow && verdict->verdict == BT_INCONCLUSIVE &&
         verdict->reason != BT_REASON_BUDGET && is_over_for(watcher, r, trace);
}

bool bt_watch_awaits_choices(const bt_watcher *watcher, size_t rule, const bt_trace *trace,
                             const bt_rule_verdict *verdict) {
  const bt_watch_rule *r = &watcher->rules->items[rule];
  return r->is_linked && !r->definition->fields.shadow && verdict->verdict == BT_VIOLATED && verdict->lacks_links &&
         is_over_for(watcher, r, trace);
}

/* What links within the bound is stored once the bound and the time to settle are over. What is open then waits as long
 * again as it has waited since: a linked trace may be longer than the others, and a question that failed is asked again
 * for as long as lookback. */
int64_t bt_watch_next_of_links(const bt_watcher *watcher, size_t rule, const bt_trace *trace,
                               const bt_rule_verdict *verdict, bool was_asked) {
  const bt_watch_rule *r = &watcher->rules->items[rule];
  if (!bt_watch_awaits_links(watcher, rule, trace, verdict)) return INT64_MAX;
  int64_t stored_ns = bt_time_add(bt_time_add(bt_trace_end_ns(trace), r->within_ns), r->settle_ns + 1);
  int64_t late_ns = bt_time_subtract(watcher->now_ns, stored_ns);
  if (late_ns < 0) return stored_ns;
  if (late_ns >= (was_asked ? r->settle_ns : watcher->schedule.times.lookback_ns)) return INT64_MAX;
  return bt_time_add(watcher->now_ns, longer_duration(late_ns, watcher->options->interval_ns));
}

/* ---- both ---- */

static int64_t next_of_links(const bt_watcher *watcher, const bt_trace *trace, const bt_rule_verdict *verdicts,
                             bool was_asked) {
  int64_t next_ns = INT64_MAX;
  for (size_t i = 0; i < watcher->rules->count; i++) {
    int64_t own_ns = bt_watch_next_of_links(watcher, i, trace, &verdicts[i], was_asked);
    if (own_ns < next_ns) next_ns = own_ns;
  }
  return next_ns;
}

/* Rules that settle later than this trace's quiet time judge it again then. */
static int64_t next_of_settling(const bt_watcher *watcher, const bt_trace *trace) {
  int64_t next_ns = INT64_MAX;
  for (size_t i = 0; i < watcher->rules->count; i++) {
    const bt_watch_rule *rule = &watcher->rules->items[i];
    int64_t at_ns = bt_time_add(bt_trace_end_ns(trace), rule->settle_ns);
    if (!is_over_for(watcher, rule, trace) && at_ns < next_ns) next_ns = at_ns;
  }
  return next_ns;
}

void bt_watched_set_next(const bt_watcher *watcher, const bt_trace *trace, const bt_rule_verdict *verdicts,
                         bool was_asked, bt_watched *watched) {
  int64_t lookback_ns = watcher->schedule.times.lookback_ns;
  int64_t most_ns = bt_time_add(lookback_ns, watcher->rules->longest_within_ns); /* where links are waited for */
  int64_t settling_ns = next_of_settling(watcher, trace), links_ns = next_of_links(watcher, trace, verdicts, was_asked);
  if (waited_ns(watcher, watched) >= lookback_ns) settling_ns = INT64_MAX;
  if (waited_ns(watcher, watched) >= most_ns) links_ns = INT64_MAX;
  if (links_ns < settling_ns)
    wait_at_most(watcher, watched, links_ns, most_ns);
  else if (settling_ns < INT64_MAX)
    wait_at_most(watcher, watched, settling_ns, lookback_ns);
  else
    bt_watched_end(watcher, watched);
}
