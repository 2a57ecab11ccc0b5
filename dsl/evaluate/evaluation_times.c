/* The order of two times under clock skew: of two points of spans, and of the earliest or latest time of several, which
 * is as far off as the clock that it comes from. See evaluation.h and dsl.md §2. */
#include "dsl/evaluate/evaluation.h"

bool bt_are_times(const bt_program_expression *left, const bt_program_expression *right) {
  return (left->is_point || left->is_time_of_some) && (right->is_point || right->is_time_of_some);
}

bool bt_evaluator_doubts_order(const bt_evaluator *evaluator, const bt_program_expression *left,
                               const bt_program_expression *right) {
  return (evaluator->clock_skew_ns > 0 || evaluator->coarse_clocks_unknown) && bt_are_times(left, right);
}

/* What `op` says of two times, by which of them is first. */
static bt_kleene apply_order(bt_comparison_operator op, bt_kleene a_first, bt_kleene b_first) {
  switch (op) {
  case BT_LESS: return a_first;
  case BT_LESS_EQUAL: return bt_kleene_not(b_first);
  case BT_GREATER: return b_first;
  case BT_GREATER_EQUAL: return bt_kleene_not(a_first);
  case BT_NOT_EQUAL: return bt_kleene_or(a_first, b_first);
  case BT_EQUAL: return bt_kleene_not(bt_kleene_or(a_first, b_first));
  case BT_IN:
  case BT_NOT_IN:
  case BT_CONTAINS:
  case BT_STARTS_WITH:
  case BT_ENDS_WITH:
  case BT_MATCHES:
  case BT_MATCHES_WHOLE:
  case BT_NOT_MATCHES_WHOLE: break; /* not of times */
  }
  return bt_kleene_from(false);
}

static uint32_t point_span(const bt_evaluator *evaluator, const bt_program_expression *point, uint32_t span) {
  return point->field.binding == BT_NO_BINDING ? span : evaluator->bound[point->field.binding];
}

/* Nobody set it, and the span is one that has a place in time. */
static bool is_unknown(const bt_evaluator *evaluator, uint32_t span, bool is_end) {
  return !bt_evaluator_has_no_place(evaluator, span) && bt_evaluator_has_no_time(evaluator, span, is_end);
}

static bt_kleene compare_points(bt_evaluator *evaluator, bt_comparison_operator op, const bt_program_expression *left,
                                const bt_program_expression *right, uint32_t span, const bt_span_part *part) {
  uint32_t a = point_span(evaluator, left, span), b = point_span(evaluator, right, span);
  bool a_is_end = left->field.kind == BT_FIELD_END, b_is_end = right->field.kind == BT_FIELD_END;
  if (left->field.kind == BT_FIELD_EVENT_TIME) { /* which stands on the left alone */
    bt_kleene is_first = bt_evaluate_event_order(evaluator, span, part->event, b, b_is_end, true);
    return apply_order(op, is_first, bt_evaluate_event_order(evaluator, span, part->event, b, b_is_end, false));
  }
  if (is_unknown(evaluator, a, a_is_end) || is_unknown(evaluator, b, b_is_end)) /* as two values that are not known */
    return bt_kleene_unknown(BT_WHY_TIME);
  bt_kleene a_first = bt_evaluate_before(evaluator, a, a_is_end, b, b_is_end);
  bt_kleene b_first = bt_evaluate_before(evaluator, b, b_is_end, a, a_is_end);
  return apply_order(op, a_first, b_first);
}

/* ---- the earliest or latest time of several spans ---- */

static bt_kleene compare_values(bt_evaluator *evaluator, bt_comparison_operator op, const bt_outcome *a,
                                const bt_outcome *b) {
  const bt_comparator comparator = {.op = op};
  return bt_outcome_compare(&comparator, a, b, &evaluator->work);
}

/* As measured, or unknown of one whole millisecond. */
static bt_kleene is_first_as_written(bt_evaluator *evaluator, const bt_outcome *a, const bt_outcome *b) {
  if (bt_evaluator_is_tie_of_some(evaluator, a, b)) return bt_kleene_unknown(BT_WHY_TIME);
  return compare_values(evaluator, BT_LESS, a, b);
}

/* Which span it is from may itself hang on clocks, so nothing is known of two times that are at most the skew apart,
 * whatever their services. */
static bt_kleene is_surely_first(bt_evaluator *evaluator, const bt_outcome *a, const bt_outcome *b) {
  if (evaluator->clock_skew_ns <= 0) return is_first_as_written(evaluator, a, b);
  bt_outcome skew = bt_outcome_integer(evaluator->clock_skew_ns);
  bt_outcome a_late = bt_outcome_arithmetic(BT_EXPRESSION_ADD, a, &skew);
  bt_outcome a_early = bt_outcome_arithmetic(BT_EXPRESSION_SUBTRACT, a, &skew);
  if (compare_values(evaluator, BT_LESS, &a_late, b).truth == BT_TRUE) return bt_kleene_from(true);
  if (compare_values(evaluator, BT_GREATER, &a_early, b).truth == BT_TRUE) return bt_kleene_from(false);
  bt_kleene measured = compare_values(evaluator, BT_LESS, a, b);
  return measured.truth == BT_UNKNOWN ? measured : bt_kleene_unknown(BT_WHY_SKEW);
}

static bool is_missing(const bt_outcome *time) {
  return time->kind == BT_OUTCOME_VALUE && bt_value_is_missing(&time->low);
}

bt_kleene bt_evaluate_times(bt_evaluator *evaluator, bt_comparison_operator op, const bt_program_expression *left,
                            const bt_program_expression *right, uint32_t span, const bt_span_part *part) {
  if (left->is_point && right->is_point) return compare_points(evaluator, op, left, right, span, part);
  bt_outcome a = bt_evaluate_expression(evaluator, left, span, part);
  bt_outcome b = bt_evaluate_expression(evaluator, right, span, part);
  if (is_missing(&a) || is_missing(&b)) return bt_kleene_from(false);
  bt_kleene a_first = is_surely_first(evaluator, &a, &b), b_first = is_surely_first(evaluator, &b, &a);
  return apply_order(op, a_first, b_first);
}
