/* Order in time and structure between two spans (dsl.md §2 clock skew, §3, §5). See evaluation.h. */
#include "dsl/evaluate/evaluation.h"

static int64_t point_ns(const bt_span *span, bool is_end) {
  return is_end ? span->end_ns : span->start_ns;
}

static uint64_t distance_ns(int64_t a, int64_t b) {
  return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

static bool services_differ(const bt_span *a, const bt_span *b) {
  const bt_resource *x = a->resource, *y = b->resource;
  if (x == y || (!x->service.ptr && !y->service.ptr)) return false;
  return !x->service.ptr != !y->service.ptr || !bt_str_equal(x->service, y->service);
}

/* Within the skew an ancestor's start is known to come first, and nothing else. */
static bt_kleene order_within_skew(bt_evaluator *evaluator, uint32_t a, uint32_t b, bool are_starts) {
  if (are_starts) {
    bool is_ancestor = bt_evaluate_under(evaluator, b, a).truth == BT_TRUE;
    bool is_descendant = bt_evaluate_under(evaluator, a, b).truth == BT_TRUE;
    if (is_ancestor != is_descendant) return bt_kleene_from(is_ancestor);
  }
  return bt_kleene_unknown(BT_WHY_SKEW);
}

static bool has_skew(const bt_evaluator *evaluator, const bt_span *x, const bt_span *y) {
  return evaluator->clock_skew_ns > 0 && services_differ(x, y);
}

static bool is_within_skew(const bt_evaluator *evaluator, const bt_span *x, int64_t x_ns, const bt_span *y,
                           int64_t y_ns) {
  return has_skew(evaluator, x, y) && distance_ns(x_ns, y_ns) <= (uint64_t)evaluator->clock_skew_ns;
}

/* ---- times that were cut (bt_span.time_slack_ns): x is from x_ns to x_ns + its slack ---- */

static bt_kleene is_at_most(uint64_t least_ns, uint64_t most_ns, int64_t limit_ns) {
  if (most_ns <= (uint64_t)limit_ns) return bt_kleene_from(true);
  return least_ns > (uint64_t)limit_ns ? bt_kleene_from(false) : bt_kleene_unknown(BT_WHY_TIME);
}

/* Whether two times are at most so far from each other. */
static bt_kleene are_near(const bt_span *x, int64_t x_ns, const bt_span *y, int64_t y_ns, int64_t limit_ns) {
  uint64_t apart_ns = distance_ns(x_ns, y_ns), earlier_slack_ns = x_ns < y_ns ? x->time_slack_ns : y->time_slack_ns;
  uint64_t later_slack_ns = x_ns < y_ns ? y->time_slack_ns : x->time_slack_ns;
  uint64_t least_ns = apart_ns > earlier_slack_ns ? apart_ns - earlier_slack_ns : 0,
           most_ns = apart_ns + later_slack_ns;
  if (most_ns < earlier_slack_ns) most_ns = earlier_slack_ns;
  return is_at_most(least_ns, most_ns, limit_ns);
}

/* Unknown where the slacks hide which is first, or whether they are within the skew. */
static bt_kleene is_order_known(const bt_evaluator *evaluator, const bt_span *x, int64_t x_ns, const bt_span *y,
                                int64_t y_ns) {
  if (!x->time_slack_ns && !y->time_slack_ns) return bt_kleene_from(true);
  uint64_t slack_ns = x_ns <= y_ns ? x->time_slack_ns : y->time_slack_ns;
  if (distance_ns(x_ns, y_ns) <= slack_ns) return bt_kleene_unknown(BT_WHY_TIME);
  if (!has_skew(evaluator, x, y)) return bt_kleene_from(true);
  bt_kleene near = are_near(x, x_ns, y, y_ns, evaluator->clock_skew_ns);
  return near.truth == BT_UNKNOWN ? near : bt_kleene_from(true);
}

bt_kleene bt_evaluate_before(bt_evaluator *evaluator, uint32_t a, bool a_is_end, uint32_t b, bool b_is_end) {
  if (bt_evaluator_has_no_place(evaluator, a) || bt_evaluator_has_no_place(evaluator, b))
    return bt_evaluator_missing(evaluator);
  if (a == b && a_is_end == b_is_end) return bt_kleene_from(false); /* also where nobody knows when that was */
  if (bt_evaluator_has_no_time(evaluator, a, a_is_end) || bt_evaluator_has_no_time(evaluator, b, b_is_end))
    return bt_kleene_unknown(BT_WHY_TIME);
  const bt_span *x = bt_evaluator_span(evaluator, a), *y = bt_evaluator_span(evaluator, b);
  int64_t left_ns = point_ns(x, a_is_end), right_ns = point_ns(y, b_is_end);
  bt_kleene is_known = is_order_known(evaluator, x, left_ns, y, right_ns);
  if (is_known.truth != BT_TRUE) return is_known;
  if (is_within_skew(evaluator, x, left_ns, y, right_ns))
    return order_within_skew(evaluator, a, b, !a_is_end && !b_is_end);
  bool are_starts = !a_is_end && !b_is_end;
  if (are_starts && bt_evaluator_is_tie(evaluator, a, left_ns, b, right_ns)) return bt_kleene_unknown(BT_WHY_TIME);
  return bt_kleene_from(left_ns < right_ns);
}

/* Its clock is that of its span's service. */
bt_kleene bt_evaluate_event_order(bt_evaluator *evaluator, uint32_t span, const bt_event *event, uint32_t other,
                                  bool other_is_end, bool is_before) {
  if (bt_evaluator_has_no_place(evaluator, span) || bt_evaluator_has_no_place(evaluator, other))
    return bt_evaluator_missing(evaluator);
  if (bt_evaluator_has_no_time(evaluator, other, other_is_end)) return bt_kleene_unknown(BT_WHY_TIME);
  const bt_span *x = bt_evaluator_span(evaluator, span), *y = bt_evaluator_span(evaluator, other);
  int64_t other_ns = point_ns(y, other_is_end);
  bt_kleene is_known = is_order_known(evaluator, x, event->time_ns, y, other_ns);
  if (is_known.truth != BT_TRUE) return is_known;
  if (is_within_skew(evaluator, x, event->time_ns, y, other_ns)) return bt_kleene_unknown(BT_WHY_SKEW);
  return bt_kleene_from(is_before ? event->time_ns < other_ns : event->time_ns > other_ns);
}

/* A walk from a span up to its ancestors. A span id that several spans share is several parents. */
typedef struct ancestor_walk {
  uint32_t sought;
  bool was_found;
  bool is_unsure; /* it left the trace, or came to a span whose parent is not known */
  uint32_t depth; /* of the stack */
} ancestor_walk;

static void visit_parents(bt_evaluator *evaluator, ancestor_walk *walk, uint32_t span) {
  bt_trace_index *index = &evaluator->index;
  uint32_t parent = index->first_parent[span];
  if (bt_evaluator_may_have_moved(evaluator, span)) {
    walk->is_unsure = true;
    return;
  }
  if (parent == BT_NO_SPAN && !bt_span_id_is_zero(&index->trace->spans[span].parent_id)) walk->is_unsure = true;
  for (; parent != BT_NO_SPAN; parent = index->next_half[parent]) {
    if (index->walk_mark[parent] == index->walk_number) continue;
    index->walk_mark[parent] = index->walk_number;
    index->walk_stack[walk->depth++] = parent;
    if (parent == walk->sought) walk->was_found = true;
  }
}

static void start_walk(bt_trace_index *index, uint32_t span) {
  if (++index->walk_number == 0) { /* wrapped: old marks could be taken for new ones */
    for (uint32_t i = 0; i < index->trace->span_count; i++) index->walk_mark[i] = 0;
    index->walk_number = 1;
  }
  index->walk_mark[span] = index->walk_number; /* in a cycle the span itself is no ancestor */
}

static bt_kleene walk_up(bt_evaluator *evaluator, uint32_t span, uint32_t ancestor) {
  bt_trace_index *index = &evaluator->index;
  ancestor_walk walk = {.sought = ancestor};
  start_walk(index, span);
  visit_parents(evaluator, &walk, span);
  while (walk.depth > 0 && !walk.was_found) {
    if (!bt_evaluator_step(evaluator)) return bt_kleene_unknown(BT_WHY_BUDGET);
    visit_parents(evaluator, &walk, index->walk_stack[--walk.depth]);
  }
  if (walk.was_found) return bt_kleene_from(true);
  if (walk.is_unsure && bt_evaluator_lacks_spans(evaluator)) return bt_evaluator_missing(evaluator);
  return bt_kleene_from(false);
}

static bool has_tree(bt_evaluator *evaluator) {
  if (bt_trace_index_find_tree(&evaluator->index)) return true;
  evaluator->work.status = BT_NO_MEMORY;
  return false;
}

bt_kleene bt_evaluate_under(bt_evaluator *evaluator, uint32_t descendant, uint32_t ancestor) {
  if (bt_evaluator_has_no_place(evaluator, descendant) || bt_evaluator_has_no_place(evaluator, ancestor))
    return bt_evaluator_missing(evaluator);
  if (bt_evaluator_is_abroad(evaluator, descendant) || bt_evaluator_is_abroad(evaluator, ancestor))
    return bt_evaluate_under_abroad(evaluator, descendant, ancestor);
  if (!has_tree(evaluator)) return bt_kleene_unknown(BT_WHY_BUDGET);
  const bt_trace_index *index = &evaluator->index;
  if (descendant == ancestor) return bt_kleene_from(false);
  if (!index->is_forest || evaluator->is_pruned) return walk_up(evaluator, descendant, ancestor);
  bool is_under = index->tree_place[descendant] > index->tree_place[ancestor] &&
                  index->tree_place[descendant] < index->tree_end[ancestor];
  /* Not under it as far as was seen: where spans may be missing, the walk tells whether the chain leaves the trace. */
  if (is_under || !evaluator->is_incomplete) return bt_kleene_from(is_under);
  return walk_up(evaluator, descendant, ancestor);
}

static bool ids_equal(const bt_span_id *a, const bt_span_id *b) {
  bt_str x = {(const char *)a->bytes, sizeof a->bytes}, y = {(const char *)b->bytes, sizeof b->bytes};
  return bt_str_equal(x, y);
}

static bool are_of_one_trace(const bt_evaluator *evaluator, uint32_t a, uint32_t b) {
  return bt_evaluator_trace_of(evaluator, a) == bt_evaluator_trace_of(evaluator, b);
}

static bt_kleene is_child(const bt_evaluator *evaluator, uint32_t child, uint32_t parent) {
  const bt_span *a = bt_evaluator_span(evaluator, child), *b = bt_evaluator_span(evaluator, parent);
  if (child == parent || !are_of_one_trace(evaluator, child, parent)) return bt_kleene_from(false);
  if (bt_evaluator_may_have_moved(evaluator, child)) return bt_evaluator_missing(evaluator);
  return bt_kleene_from(!bt_span_id_is_zero(&a->parent_id) && ids_equal(&a->parent_id, &b->id));
}

static bt_kleene are_siblings(const bt_evaluator *evaluator, uint32_t one, uint32_t other) {
  const bt_span *a = bt_evaluator_span(evaluator, one), *b = bt_evaluator_span(evaluator, other);
  if (one == other || !are_of_one_trace(evaluator, one, other)) return bt_kleene_from(false);
  if (bt_evaluator_may_have_moved(evaluator, one) || bt_evaluator_may_have_moved(evaluator, other))
    return bt_evaluator_missing(evaluator);
  return bt_kleene_from(!bt_span_id_is_zero(&a->parent_id) && ids_equal(&a->parent_id, &b->parent_id));
}

/* Measured times, whatever the skew. Neither span is unseen. A start is no time away from itself, whenever it was. */
static bt_kleene is_within(const bt_evaluator *evaluator, int64_t within_ns, uint32_t span, uint32_t other,
                           bool other_is_end) {
  if (span == other && !other_is_end) return bt_kleene_from(true);
  if (bt_evaluator_has_no_time(evaluator, span, false) || bt_evaluator_has_no_time(evaluator, other, other_is_end))
    return bt_kleene_unknown(BT_WHY_TIME);
  const bt_span *x = bt_evaluator_span(evaluator, span), *y = bt_evaluator_span(evaluator, other);
  return are_near(x, x->start_ns, y, point_ns(y, other_is_end), within_ns);
}

static bt_kleene order_of_pair(bt_evaluator *evaluator, const bt_program_relation *relation, bool is_before,
                               uint32_t span, uint32_t other, bool other_is_end) {
  bt_kleene order = is_before ? bt_evaluate_before(evaluator, span, false, other, other_is_end)
                              : bt_evaluate_before(evaluator, other, other_is_end, span, false);
  if (relation->within_ns < 0) return order;
  return bt_kleene_and(order, is_within(evaluator, relation->within_ns, span, other, other_is_end));
}

bt_kleene bt_evaluate_pair(bt_evaluator *evaluator, const bt_program_relation *relation, bool is_second, uint32_t span,
                           uint32_t other) {
  bool is_end = is_second ? relation->second.is_end : relation->first.is_end;
  if (bt_evaluator_has_no_place(evaluator, span) || bt_evaluator_has_no_place(evaluator, other))
    return bt_evaluator_missing(evaluator);
  switch (relation->kind) {
  case BT_BEFORE: return order_of_pair(evaluator, relation, true, span, other, is_end);
  case BT_AFTER: return order_of_pair(evaluator, relation, false, span, other, is_end);
  case BT_BETWEEN: return order_of_pair(evaluator, relation, is_second, span, other, is_end);
  case BT_WITHIN_OF: return is_within(evaluator, relation->within_ns, span, other, is_end);
  case BT_UNDER: return bt_evaluate_under(evaluator, span, other);
  case BT_ABOVE: return bt_evaluate_under(evaluator, other, span);
  case BT_CHILD_OF: return is_child(evaluator, span, other);
  case BT_PARENT_OF: return is_child(evaluator, other, span);
  case BT_SIBLING_OF: return are_siblings(evaluator, span, other);
  case BT_LINKED_TO:
  case BT_LINKED_FROM:
  case BT_DOWNSTREAM_OF: return bt_evaluate_linked(evaluator, relation, span, other);
  case BT_FIRST_OF:
  case BT_LAST_OF: break; /* a matter of all of them: evaluation_pick.c */
  }
  return bt_kleene_from(false);
}
