/* Small questions about a running replay that several files ask. See run.h. Thread: the replay's. */
#include "server/replay/run.h"

bt_known *bt_run_known(const bt_run *run, const bt_trace_id *id) {
  size_t low = 0, high = run->known_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = bt_trace_id_compare(&run->known[middle].matched.id, id);
    if (order == 0) return &run->known[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

const bt_found *bt_known_bounds(const bt_known *known) {
  return known->flags & BT_KNOWN_MATCHED ? &known->matched : &known->listed;
}

uint32_t bt_known_span_count(const bt_known *known) {
  uint32_t matched = known->flags & BT_KNOWN_MATCHED ? known->matched.span_count : 0;
  uint32_t listed = known->flags & BT_KNOWN_LISTED ? known->listed.span_count : 0;
  return matched > listed ? matched : listed;
}

/* The listing and the filters are asked at different times, so that a filter can show a fragment that the listing did not have yet: then the
 * listing's bounds are not those of all fragments. (An end beyond the listing's is no sign of that, since Tempo 2.8 gives a trace of several
 * fragments the duration of the longest one; it is taken for one all the same, which costs a read at most.) */
bool bt_run_bounds(const bt_run *run, const bt_known *known, bt_found *bounds) {
  *bounds = *bt_known_bounds(known);
  if (!run->is_listed || !(known->flags & BT_KNOWN_LISTED)) return false;
  bool has_all = bounds->start_ns >= known->listed.start_ns && bounds->end_ns <= known->listed.end_ns;
  bt_found_join(bounds, &known->listed);
  return has_all;
}

static bt_place place_in(const bt_run *run, const bt_window *window, const bt_known *known) {
  bt_found bounds;
  if (known->judged) {
    const bt_judged_times *times = &run->judged_times[known->judged - 1];
    bounds = (bt_found){.start_ns = times->found_start_ns, .end_ns = times->found_end_ns};
    return bt_window_place_starts(window, times->first_ns, times->last_ns, &bounds);
  }
  bool are_of_all = bt_run_bounds(run, known, &bounds);
  return are_of_all ? bt_window_place_listed(window, &bounds) : bt_window_place_found(window, &bounds);
}

bt_place bt_run_place_for(const bt_run *run, const bt_run_rule *rule, const bt_known *known) {
  return place_in(run, rule->window, known);
}

bt_place bt_run_place(const bt_run *run, const bt_known *known) {
  bool has[BT_PLACE_UNDECIDED + 1] = {false};
  for (size_t i = 0; i < run->window_count; i++) has[place_in(run, &run->windows[i], known)] = true;
  if (has[BT_PLACE_UNDECIDED]) return BT_PLACE_UNDECIDED;
  if (has[BT_PLACE_SETTLED]) return BT_PLACE_SETTLED;
  return has[BT_PLACE_TAIL] ? BT_PLACE_TAIL : BT_PLACE_OUTSIDE;
}

bool bt_run_is_in_tail(const bt_run *run, const bt_known *known) {
  for (size_t i = 0; i < run->window_count; i++)
    if (place_in(run, &run->windows[i], known) == BT_PLACE_TAIL) return true;
  return false;
}

/* Whose price it is, where one rule alone asks. */
static const char *only_rule(const bt_run *run) {
  return run->request.rule_count == 1 ? run->request.rules[0]->fields.id : NULL;
}

bt_search_request bt_run_search(const bt_run *run, bt_str filter, bt_time_range range) {
  return (bt_search_request){.filter = filter,
                             .range = range,
                             .tenant = run->request.tenant,
                             .cancel = run->request.cancel,
                             .rule_id = only_rule(run),
                             .priority = run->request.priority};
}

bt_read_request bt_run_read(const bt_run *run, const bt_trace_id *ids, size_t count, bt_time_range range) {
  return (bt_read_request){.ids = ids,
                           .count = count,
                           .range = range,
                           .tenant = run->request.tenant,
                           .cancel = run->request.cancel,
                           .rule_id = only_rule(run),
                           .priority = run->request.priority};
}

bool bt_run_is_cancelled(const bt_run *run) {
  const bt_cancel *cancel = run->request.cancel;
  return cancel && atomic_load_explicit(&cancel->requested, memory_order_relaxed);
}

void bt_run_progress(bt_run *run, double fraction) {
  if (fraction > run->progress) run->progress = fraction;
  if (run->observer && run->observer->progress)
    run->observer->progress(run->observer->context, run->progress, run->result);
}
