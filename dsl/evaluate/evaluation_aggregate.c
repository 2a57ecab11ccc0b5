/* Aggregates over the members of a selection: the one place that makes their values. Members that are unknown, and
 * spans that were not seen, make the result a range, or unknown. See evaluation.h. */
#include <math.h>

#include "dsl/evaluate/evaluation.h"
#include "dsl/trace/text_number.h"
#include "dsl/trace/untyped_text.h"

/* What the members say. Whole numbers are summed exactly and apart from the others, so that the sum does not depend on
 * their order. */
typedef struct tally {
  uint64_t sure, unsure;                                 /* members */
  uint64_t sure_numbers, unsure_numbers, unknown_values; /* unknown values count as unsure numbers, too */
  __extension__ __int128 whole_sum;                      /* of the sure ones */
  long double decimal_sum; /* wider, so that an average of large numbers does not overflow on its way */
  bool has_decimal, has_infinity;
  bt_value sure_min, sure_max, any_min, any_max; /* any: unsure ones too */
  unsigned why;
} tally;

static void keep_smaller(bt_value *kept, const bt_value *value) {
  int order = 0;
  if (!bt_value_compare_numbers(value, kept, &order) || order < 0) *kept = *value;
}

static void keep_larger(bt_value *kept, const bt_value *value) {
  int order = 0;
  if (!bt_value_compare_numbers(value, kept, &order) || order > 0) *kept = *value;
}

static void add_number(tally *t, const bt_value *value, bool is_sure) {
  keep_smaller(&t->any_min, value);
  keep_larger(&t->any_max, value);
  if (!is_sure) {
    t->unsure_numbers++;
    return;
  }
  keep_smaller(&t->sure_min, value);
  keep_larger(&t->sure_max, value);
  t->sure_numbers++;
  if (value->type == BT_VALUE_INT) {
    t->whole_sum += value->integer;
  } else {
    t->decimal_sum += (long double)value->decimal;
    t->has_decimal = true;
    if (isinf(value->decimal)) t->has_infinity = true;
  }
}

static void add_member(bt_evaluator *evaluator, tally *t, const bt_program_expression *expression,
                       const bt_member *member) {
  bool is_sure = member->truth.truth == BT_TRUE;
  if (is_sure)
    t->sure += evaluator->is_pruned ? bt_pruned_weight(evaluator, expression->selection, member->span) : 1;
  else
    t->unsure++;
  t->why |= member->truth.why;
  if (expression->aggregate == BT_AGGREGATE_COUNT) return;
  if (expression->tests > 1) bt_evaluator_pay_tests(evaluator, expression->tests);
  bt_outcome value = bt_evaluate_expression(evaluator, expression->left, member->span, NULL);
  if (value.kind == BT_OUTCOME_VALUE && bt_may_count_otherwise(&value.low)) value = bt_outcome_unknown(BT_WHY_TYPE);
  if (!bt_outcome_is_known(&value)) {
    t->unsure_numbers++;
    t->unknown_values++;
    t->why |= value.why;
    return;
  }
  bt_value read = bt_value_read(&value.low);
  if (bt_value_adds_up(&read)) add_number(t, &read, is_sure);
}

static bt_value integer_value(int64_t integer) {
  return (bt_value){.type = BT_VALUE_INT, .integer = integer};
}

static bt_outcome count_outcome(const tally *t, bool is_open) {
  bt_value low = integer_value((int64_t)t->sure), high = integer_value((int64_t)(t->sure + t->unsure));
  if (is_open) return bt_outcome_at_least(low, t->why);
  return bt_outcome_between(low, high, t->why);
}

/* Missing when it cannot be said: overflow, or infinities against one another. */
static bt_outcome decimal_outcome(const tally *t, long double exact) {
  double result = (double)exact;
  if (isnan(result) || (isinf(result) && !t->has_infinity)) return bt_outcome_missing();
  return bt_outcome_value((bt_value){.type = BT_VALUE_DOUBLE, .decimal = result});
}

/* Whole numbers and decimals come together as with +. */
static bt_outcome sum_outcome(const tally *t) {
  bool is_whole_in_range = t->whole_sum <= INT64_MAX && t->whole_sum >= INT64_MIN;
  if (t->has_decimal && !is_whole_in_range) return decimal_outcome(t, t->decimal_sum + (long double)t->whole_sum);
  if (!is_whole_in_range) return bt_outcome_missing();
  bt_outcome whole = bt_outcome_integer((int64_t)t->whole_sum);
  if (!t->has_decimal) return whole;
  bt_outcome decimal = decimal_outcome(t, t->decimal_sum);
  return bt_outcome_arithmetic(BT_EXPRESSION_ADD, &whole, &decimal);
}

static bt_outcome average_outcome(const tally *t) {
  if (t->sure_numbers == 0) return bt_outcome_missing();
  return decimal_outcome(t, (t->decimal_sum + (long double)t->whole_sum) / (long double)t->sure_numbers);
}

/* min, or with is_max max. Without a sure number it may be missing, and else be that of any of the unsure ones. */
static bt_outcome extreme_outcome(const tally *t, bool is_max, bool is_unbounded) {
  if (t->sure_numbers == 0) {
    if (is_unbounded) return bt_outcome_unknown(t->why);
    return t->unsure_numbers ? bt_outcome_maybe_between(t->any_min, t->any_max, t->why) : bt_outcome_missing();
  }
  if (is_unbounded && is_max) return bt_outcome_at_least(t->sure_max, t->why);
  if (is_unbounded) return bt_outcome_at_most(t->sure_min, t->why);
  return is_max ? bt_outcome_between(t->sure_max, t->any_max, t->why)
                : bt_outcome_between(t->any_min, t->sure_min, t->why);
}

static bt_outcome tally_outcome(const tally *t, bt_aggregate aggregate, bool is_open) {
  bool is_unknown = is_open || t->unsure_numbers > 0;
  bool is_unbounded = is_open || t->unknown_values > 0;
  switch (aggregate) {
  case BT_AGGREGATE_COUNT: return count_outcome(t, is_open);
  case BT_AGGREGATE_MIN: return extreme_outcome(t, false, is_unbounded);
  case BT_AGGREGATE_MAX: return extreme_outcome(t, true, is_unbounded);
  case BT_AGGREGATE_SUM:
  case BT_AGGREGATE_AVG:
    if (is_unknown) return bt_outcome_unknown(t->why);
    return aggregate == BT_AGGREGATE_SUM ? sum_outcome(t) : average_outcome(t);
  case BT_AGGREGATE_COUNT_DISTINCT: break; /* evaluation_distinct.c */
  }
  return bt_outcome_missing();
}

/* Where all spans that a shared matcher finds are members their number is known without a walk. */
static bt_outcome count_matcher(bt_evaluator *evaluator, const bt_program_selection *selection, bt_kleene unseen) {
  bt_value count = integer_value(bt_trace_index_members(&evaluator->index, selection->matcher, &evaluator->work).count);
  if (bt_evaluator_is_cut(evaluator)) return bt_outcome_unknown(BT_WHY_BUDGET);
  return unseen.truth == BT_UNKNOWN ? bt_outcome_at_least(count, unseen.why) : bt_outcome_value(count);
}

static bt_outcome aggregate_anew(bt_evaluator *evaluator, const bt_program_expression *expression) {
  const bt_program_selection *selection = expression->selection;
  bt_kleene unseen = bt_selection_unseen(evaluator, selection);
  bool is_plain = bt_selection_is_matcher(selection) && !evaluator->is_pruned &&
                  bt_evaluator_trusts_matcher(evaluator, selection->matcher);
  if (expression->aggregate == BT_AGGREGATE_COUNT && is_plain) return count_matcher(evaluator, selection, unseen);
  if (expression->aggregate == BT_AGGREGATE_COUNT_DISTINCT) return bt_evaluate_distinct(evaluator, expression, unseen);
  tally t = {.why = unseen.why};
  bt_cursor cursor;
  bt_member member;
  bt_cursor_open(&cursor, evaluator, selection);
  while (bt_cursor_next(&cursor, evaluator, &member)) add_member(evaluator, &t, expression, &member);
  if (evaluator->is_exhausted) return bt_outcome_unknown(BT_WHY_BUDGET);
  return tally_outcome(&t, expression->aggregate, unseen.truth == BT_UNKNOWN);
}

/* One that depends on no binding is worked out once, however many spans are set against it. What the budget cut short
 * is not kept. */
bt_outcome bt_evaluate_aggregate(bt_evaluator *evaluator, const bt_program_expression *expression) {
  bt_aggregate_slot *slot = &evaluator->aggregate_slots[expression->selection->slot];
  if (expression->depends != 0) return aggregate_anew(evaluator, expression);
  if (slot->turn == evaluator->turn) return slot->outcome;
  bt_outcome outcome = aggregate_anew(evaluator, expression);
  if (!evaluator->is_exhausted && evaluator->work.status == BT_OK)
    *slot = (bt_aggregate_slot){outcome, evaluator->turn};
  return outcome;
}
