/* Which members of a matcher need to be looked at: relations to spans that are already known leave a range of starts,
 * or of places in the tree. A window may only leave out spans for which the relation is certainly false, so it changes
 * no verdict. See evaluation.h. */
#include "dsl/base/time_sum.h"
#include "dsl/evaluate/evaluation.h"

static const bt_window everything = {INT64_MIN, INT64_MAX};

/* Starts after (before) a point; with a bound also not too far from it. Within the skew the order may be unknown, which
 * is not false. */
static bt_window starts_beyond(const bt_evaluator *evaluator, int64_t point_ns, bool is_after, int64_t within_ns) {
  int64_t skew_ns = evaluator->clock_skew_ns > 0 ? evaluator->clock_skew_ns : 0;
  bt_window window = everything;
  if (is_after) {
    window.low = bt_time_add(point_ns, -skew_ns);
    if (within_ns >= 0) window.high = bt_time_add(point_ns, within_ns);
  } else {
    window.high = bt_time_add(point_ns, skew_ns);
    if (within_ns >= 0) window.low = bt_time_add(point_ns, -within_ns);
  }
  return window;
}

bt_window bt_window_around(int64_t point_ns, int64_t within_ns) {
  return (bt_window){bt_time_add(point_ns, -within_ns), bt_time_add(point_ns, within_ns)};
}

bt_window bt_window_meet(bt_window a, bt_window b) {
  return (bt_window){a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}

/* Starts that a span in this relation to a known point can have. Mirrored: starts that the other one can have when the
 * span in the relation starts at that point. */
static bt_window starts_of_relation(const bt_evaluator *evaluator, const bt_program_relation *relation, bool is_second,
                                    int64_t point_ns, bool is_mirrored) {
  switch (relation->kind) {
  case BT_BEFORE: return starts_beyond(evaluator, point_ns, is_mirrored, relation->within_ns);
  case BT_AFTER: return starts_beyond(evaluator, point_ns, !is_mirrored, relation->within_ns);
  case BT_BETWEEN: return starts_beyond(evaluator, point_ns, is_second == is_mirrored, -1);
  case BT_WITHIN_OF: return bt_window_around(point_ns, relation->within_ns);
  case BT_UNDER:
  case BT_ABOVE:
  case BT_CHILD_OF:
  case BT_PARENT_OF:
  case BT_SIBLING_OF:
  case BT_LINKED_TO:
  case BT_LINKED_FROM:
  case BT_DOWNSTREAM_OF:
  case BT_FIRST_OF:
  case BT_LAST_OF: break;
  }
  return everything;
}

static bt_window starts_of_reference(const bt_evaluator *evaluator, const bt_program_relation *relation,
                                     bool is_second) {
  const bt_program_reference *reference = is_second ? &relation->second : &relation->first;
  uint32_t span = reference->binding == BT_NO_BINDING ? BT_NO_SPAN : evaluator->bound[reference->binding];
  if (span == BT_NO_SPAN || bt_evaluator_has_no_place(evaluator, span)) return everything;
  if (bt_evaluator_lacks_point(evaluator, span, reference->is_end)) return everything;
  const bt_span *known = bt_evaluator_span(evaluator, span);
  return starts_of_relation(evaluator, relation, is_second, reference->is_end ? known->end_ns : known->start_ns, false);
}

bt_window bt_window_of_starts(const bt_evaluator *evaluator, const bt_program_selection *selection) {
  bt_window window = everything;
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    const bt_program_relation *relation = &selection->relations[i];
    window = bt_window_meet(window, starts_of_reference(evaluator, relation, false));
    if (relation->kind == BT_BETWEEN) window = bt_window_meet(window, starts_of_reference(evaluator, relation, true));
  }
  return window;
}

/* The other way round: starts that the reference's span can have when the span in relation to it is known. An end says
 * nothing of a start. */
bt_window bt_window_of_others(const bt_evaluator *evaluator, const bt_program_relation *relation, bool is_second,
                              uint32_t span) {
  bool is_end = is_second ? relation->second.is_end : relation->first.is_end;
  if (is_end || bt_evaluator_has_no_place(evaluator, span) || bt_evaluator_lacks_point(evaluator, span, false))
    return everything;
  return starts_of_relation(evaluator, relation, is_second, bt_evaluator_span(evaluator, span)->start_ns, true);
}

/* Members of a sorted list from the first one with key ≥ low up to the last one with key ≤ high. */
typedef int64_t (*key_function)(const bt_trace_index *index, uint32_t span);

static int64_t start_key(const bt_trace_index *index, uint32_t span) {
  return index->trace->spans[span].start_ns;
}

static int64_t tree_key(const bt_trace_index *index, uint32_t span) {
  return index->tree_place[span];
}

/* How many members have a key below the limit. */
static uint32_t count_below(const bt_trace_index *index, bt_span_list list, key_function key, int64_t limit) {
  uint32_t low = 0, high = list.count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (key(index, list.spans[middle]) < limit)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bt_span_list cut_list(const bt_trace_index *index, bt_span_list list, key_function key, bt_window window) {
  uint32_t first = window.low > INT64_MIN ? count_below(index, list, key, window.low) : 0, end = list.count;
  if (window.high < INT64_MAX) end = count_below(index, list, key, window.high + 1);
  return end > first ? (bt_span_list){list.spans + first, end - first} : (bt_span_list){list.spans, 0};
}

bt_span_list bt_window_cut(const bt_trace_index *index, bt_span_list list, const bt_reach *reach) {
  if (reach->order == BT_BY_NUMBER) return list;
  return cut_list(index, list, reach->order == BT_BY_TREE ? tree_key : start_key, reach->window);
}

/* On a trace without gaps the spans under a bound span are one range of places. Where a chain may leave the trace there
 * is no such range. */
static bool find_subtree(bt_evaluator *evaluator, const bt_program_selection *selection, bt_window *places) {
  bt_trace_index *index = &evaluator->index;
  for (uint32_t i = 0; i < selection->relation_count && !bt_evaluator_lacks_spans(evaluator); i++) {
    const bt_program_relation *relation = &selection->relations[i];
    if (relation->kind != BT_UNDER || relation->first.binding == BT_NO_BINDING) continue;
    if (!bt_trace_index_find_tree(index)) {
      evaluator->work.status = BT_NO_MEMORY;
      return false;
    }
    uint32_t ancestor = evaluator->bound[relation->first.binding];
    if (!index->is_forest) return false;
    *places = (bt_window){(int64_t)index->tree_place[ancestor] + 1, (int64_t)index->tree_end[ancestor] - 1};
    return true;
  }
  return false;
}

bt_reach bt_window_reach(bt_evaluator *evaluator, const bt_program_selection *selection, bt_window starts) {
  bt_window places;
  if (find_subtree(evaluator, selection, &places)) return (bt_reach){BT_BY_TREE, places};
  bool is_everything = (starts.low == INT64_MIN && starts.high == INT64_MAX) ||
                       (evaluator->doubts & BT_DOUBT_START); /* a start that is not known may be in any window */
  return (bt_reach){is_everything ? BT_BY_NUMBER : BT_BY_START, starts};
}

bt_span_list bt_window_candidates(bt_evaluator *evaluator, const bt_program_selection *selection,
                                  const bt_reach *reach) {
  bt_span_list list = bt_trace_index_ordered(&evaluator->index, selection->matcher, reach->order, &evaluator->work);
  if (bt_evaluator_is_cut(evaluator)) return (bt_span_list){0};
  return evaluator->work.status == BT_OK ? bt_window_cut(&evaluator->index, list, reach) : list;
}
