/* Arithmetic and comparisons of values and ranges. See outcome.h. */
#include "dsl/evaluate/outcome.h"

#include <math.h>

#include "dsl/trace/text_number.h"

bt_outcome bt_outcome_at_least(bt_value low, unsigned why) {
  return (bt_outcome){.kind = BT_OUTCOME_RANGE, .why = (uint16_t)why, .has_low = true, .low = low};
}

bt_outcome bt_outcome_at_most(bt_value high, unsigned why) {
  return (bt_outcome){.kind = BT_OUTCOME_RANGE, .why = (uint16_t)why, .has_high = true, .high = high};
}

bt_outcome bt_outcome_between(bt_value low, bt_value high, unsigned why) {
  int order = 0;
  if (bt_value_compare_numbers(&low, &high, &order) && order == 0) return bt_outcome_value(low);
  return (bt_outcome){
      .kind = BT_OUTCOME_RANGE, .why = (uint16_t)why, .has_low = true, .has_high = true, .low = low, .high = high};
}

bt_outcome bt_outcome_maybe_between(bt_value low, bt_value high, unsigned why) {
  return (bt_outcome){.kind = BT_OUTCOME_RANGE,
                      .why = (uint16_t)why,
                      .has_low = true,
                      .has_high = true,
                      .may_be_missing = true,
                      .low = low,
                      .high = high};
}

/* That it is, or that and missing. */
static bool is_one_number(const bt_outcome *outcome) {
  int order = 0;
  return outcome->kind == BT_OUTCOME_RANGE && outcome->has_low && outcome->has_high &&
         bt_value_compare_numbers(&outcome->low, &outcome->high, &order) && order == 0;
}

bool bt_outcome_is_known(const bt_outcome *outcome) {
  return outcome->kind == BT_OUTCOME_VALUE || (is_one_number(outcome) && !outcome->may_be_missing);
}

/* ---- arithmetic of two numbers ---- */

static bool integers_combine(bt_expression_kind operator, int64_t a, int64_t b, bt_value *out) {
  out->type = BT_VALUE_INT;
  if (operator== BT_EXPRESSION_ADD) return !__builtin_add_overflow(a, b, &out->integer);
  if (operator== BT_EXPRESSION_SUBTRACT) return !__builtin_sub_overflow(a, b, &out->integer);
  return !__builtin_mul_overflow(a, b, &out->integer);
}

/* A whole number and a decimal. From 2^53 on doubles are more than 1 apart, and 256 ns for times of today: there the
 * sum is a whole number, a half rounded away from zero. False: it is smaller, or too large for one. */
static bool add_far(int64_t whole, double decimal, int64_t *out) {
  static const double most = 4611686018427387904.0; /* 2^62 */
  static const int64_t far = INT64_C(1) << 53;
  if (!(decimal > -most && decimal < most)) return false;
  int64_t part = (int64_t)decimal;
  double rest = decimal - (double)part;
  int64_t step = rest >= 0.5 ? 1 : rest <= -0.5 ? -1 : 0;
  if (__builtin_add_overflow(whole, part, out) || (*out<far && * out> - far)) return false;
  return !__builtin_add_overflow(*out, step, out);
}

/* + and − of a whole number and a decimal, where it is far from 0. */
static bool mixed_combine(bt_expression_kind operator, const bt_value * a, const bt_value *b, bt_value *out) {
  bool is_sum = operator== BT_EXPRESSION_ADD;
  *out = (bt_value){.type = BT_VALUE_INT};
  if (!is_sum && operator!= BT_EXPRESSION_SUBTRACT) return false;
  if (a->type == BT_VALUE_INT) return add_far(a->integer, is_sum ? b->decimal : -b->decimal, &out->integer);
  if (is_sum) return add_far(b->integer, a->decimal, &out->integer);
  /* a − b is −(b − a) */
  return add_far(b->integer, -a->decimal, &out->integer) && !__builtin_sub_overflow(0, out->integer, &out->integer);
}

/* False: overflow, division by zero, or not a number. */
static bool numbers_combine(bt_expression_kind operator, const bt_value * a, const bt_value *b, bt_value *out) {
  bool both_integers = a->type == BT_VALUE_INT && b->type == BT_VALUE_INT;
  if (both_integers && operator!= BT_EXPRESSION_DIVIDE) return integers_combine(operator, a->integer, b->integer, out);
  if (a->type != b->type && mixed_combine(operator, a, b, out)) return true;
  double x = bt_value_as_double(a), y = bt_value_as_double(b), result;
  if (operator== BT_EXPRESSION_ADD)
    result = x + y;
  else if (operator== BT_EXPRESSION_SUBTRACT)
    result = x - y;
  else if (operator== BT_EXPRESSION_MULTIPLY)
    result = x * y;
  else if (y == 0)
    return false;
  else
    result = x / y;
  *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = result};
  /* An infinity out of finite numbers is an overflow. */
  return isfinite(result) || (!isnan(result) && (isinf(x) || isinf(y)));
}

/* ---- arithmetic of ranges ---- */

/* An end of a range: a number, or infinitely far to one side. */
typedef struct bound {
  int infinite; /* −1, 0, 1 */
  bt_value number;
} bound;

typedef struct bounds {
  bound low, high;
} bounds;

static bounds bounds_of(const bt_outcome *outcome) {
  bounds result = {{-1, {0}}, {1, {0}}};
  if (outcome->kind == BT_OUTCOME_VALUE) return (bounds){{0, outcome->low}, {0, outcome->low}};
  if (outcome->has_low) result.low = (bound){0, outcome->low};
  if (outcome->has_high) result.high = (bound){0, outcome->high};
  return result;
}

static int sign_of(const bound *a) {
  if (a->infinite) return a->infinite;
  double x = bt_value_as_double(&a->number);
  return (x > 0) - (x < 0);
}

static bool bound_is_below(const bound *a, const bound *b) {
  int order = 0;
  if (a->infinite || b->infinite) return a->infinite < b->infinite;
  return bt_value_compare_numbers(&a->number, &b->number, &order) && order < 0;
}

static bool bounds_add(const bound *a, const bound *b, bt_expression_kind operator, bound * out) {
  int far = a->infinite ? a->infinite : operator== BT_EXPRESSION_ADD ? b->infinite : - b->infinite;
  *out = (bound){.infinite = far};
  return far || numbers_combine(operator, & a->number, &b->number, &out->number);
}

/* 0 × infinitely far is 0: that end is approached, not reached. 0 × a number that is infinite is none. */
static bool bounds_multiply(const bound *a, const bound *b, bound *out) {
  *out = (bound){.infinite = 0, .number = {.type = BT_VALUE_INT}};
  if (!a->infinite && !b->infinite)
    return numbers_combine(BT_EXPRESSION_MULTIPLY, &a->number, &b->number, &out->number);
  out->infinite = sign_of(a) * sign_of(b);
  return true;
}

static bool bounds_divide(const bound *a, const bound *b, bound *out) {
  *out = (bound){.infinite = a->infinite ? sign_of(a) * sign_of(b) : 0};
  if (out->infinite) return true;
  if (b->infinite) return out->number = (bt_value){.type = BT_VALUE_INT, .integer = 0}, true;
  return numbers_combine(BT_EXPRESSION_DIVIDE, &a->number, &b->number, &out->number);
}

static void widen_bounds(bounds *range, const bound *end) {
  if (bound_is_below(end, &range->low)) range->low = *end;
  if (bound_is_below(&range->high, end)) range->high = *end;
}

/* Products and quotients are extreme at the ends. Both sides infinite in a quotient: it comes as near to 0 as one
 * likes. */
static bool bounds_scale(bt_expression_kind operator, const bounds * a, const bounds *b, bounds *out) {
  const bound *lefts[2] = {&a->low, &a->high}, *rights[2] = {&b->low, &b->high};
  for (int i = 0; i < 4; i++) {
    const bound *x = lefts[i / 2], *y = rights[i % 2];
    bound end, zero = {0, {.type = BT_VALUE_INT}};
    bool ok = operator== BT_EXPRESSION_MULTIPLY ? bounds_multiply(x, y, &end) : bounds_divide(x, y, &end);
    if (!ok) return false;
    if (i == 0) *out = (bounds){end, end};
    widen_bounds(out, &end);
    if (operator== BT_EXPRESSION_DIVIDE && x->infinite && y->infinite) widen_bounds(out, &zero);
  }
  return true;
}

static bool contains_zero(const bounds *range) {
  return sign_of(&range->low) <= 0 && sign_of(&range->high) >= 0;
}

static bool bounds_combine(bt_expression_kind operator, const bounds * a, const bounds *b, bounds *out) {
  if (operator== BT_EXPRESSION_ADD)
    return bounds_add(&a->low, &b->low, operator, & out->low) && bounds_add(&a->high, &b->high, operator, & out->high);
  if (operator== BT_EXPRESSION_SUBTRACT)
    return bounds_add(&a->low, &b->high, operator, & out->low) && bounds_add(&a->high, &b->low, operator, & out->high);
  if (operator== BT_EXPRESSION_DIVIDE && contains_zero(b)) return false;
  return bounds_scale(operator, a, b, out);
}

static bool is_valueless(const bt_outcome *outcome) {
  return outcome->kind == BT_OUTCOME_VALUE && !bt_value_adds_up(&outcome->low);
}

static bool has_one_number(const bt_outcome *outcome) {
  return outcome->kind == BT_OUTCOME_VALUE || is_one_number(outcome);
}

/* Surely 0, if anything; also a range that has shrunk to it, as 0 over a number that can still grow. */
static bool is_zero(const bt_outcome *outcome) {
  if (outcome->kind == BT_OUTCOME_UNKNOWN) return false;
  bounds range = bounds_of(outcome);
  return !range.low.infinite && !range.high.infinite && sign_of(&range.low) == 0 && sign_of(&range.high) == 0;
}

/* A text is what it reads as: where it meets a range, and in arithmetic. */
static bt_outcome read_outcome(const bt_outcome *outcome) {
  bool is_value = outcome->kind == BT_OUTCOME_VALUE;
  return is_value ? bt_outcome_value(bt_value_read(&outcome->low)) : *outcome;
}

static bt_outcome combine_read(bt_expression_kind operator, const bt_outcome * left, const bt_outcome *right) {
  unsigned why = left->why | right->why;
  if (is_valueless(left) || is_valueless(right)) return bt_outcome_missing();
  /* Whatever the left side may be. */
  if (operator== BT_EXPRESSION_DIVIDE && is_zero(right)) return bt_outcome_missing();
  if (left->kind == BT_OUTCOME_VALUE && right->kind == BT_OUTCOME_VALUE) {
    bt_value value;
    return numbers_combine(operator, & left->low, &right->low, &value) ? bt_outcome_value(value) : bt_outcome_missing();
  }
  if (left->kind == BT_OUTCOME_UNKNOWN || right->kind == BT_OUTCOME_UNKNOWN) return bt_outcome_unknown(why);
  bounds a = bounds_of(left), b = bounds_of(right), range;
  /* Where some number of the range cannot be computed with, nothing is sure, unless there is but one. */
  if (!bounds_combine(operator, & a, &b, &range))
    return has_one_number(left) && has_one_number(right) ? bt_outcome_missing() : bt_outcome_unknown(why);
  return (bt_outcome){.kind = BT_OUTCOME_RANGE,
                      .why = (uint16_t)why,
                      .has_low = !range.low.infinite,
                      .has_high = !range.high.infinite,
                      .may_be_missing = left->may_be_missing || right->may_be_missing,
                      .low = range.low.number,
                      .high = range.high.number};
}

bt_outcome bt_outcome_arithmetic(bt_expression_kind operator, const bt_outcome * left, const bt_outcome *right) {
  bt_outcome left_read = read_outcome(left), right_read = read_outcome(right);
  return combine_read(operator, & left_read, &right_read);
}

bt_outcome bt_outcome_negate(const bt_outcome *operand) {
  bt_outcome minus_one = bt_outcome_integer(-1);
  return bt_outcome_arithmetic(BT_EXPRESSION_MULTIPLY, operand, &minus_one); /* unlike 0 − x, it keeps a decimal one */
}

/* ---- comparisons ---- */

/* How far to one side: a number that is infinite is as far as a range without an end goes. */
static int far_side(const bound *a) {
  if (a->infinite || a->number.type != BT_VALUE_DOUBLE || !isinf(a->number.decimal)) return a->infinite;
  return a->number.decimal > 0 ? 1 : -1;
}

static bool end_is_below(const bound *a, const bound *b) {
  int x = far_side(a), y = far_side(b);
  return x || y ? x < y : bound_is_below(a, b);
}

static bt_kleene is_below(const bounds *a, const bounds *b, bool or_equal, unsigned why) {
  bool surely = or_equal ? !end_is_below(&b->low, &a->high) : end_is_below(&a->high, &b->low);
  bool surely_not = or_equal ? end_is_below(&b->high, &a->low) : !end_is_below(&a->low, &b->high);
  if (surely || surely_not) return bt_kleene_from(surely);
  return bt_kleene_unknown(why);
}

static bt_kleene is_equal(const bounds *a, const bounds *b, unsigned why) {
  bool apart = end_is_below(&a->high, &b->low) || end_is_below(&b->high, &a->low);
  bool one_point = !end_is_below(&a->low, &a->high) && !end_is_below(&b->low, &b->high);
  if (apart) return bt_kleene_from(false);
  return one_point ? bt_kleene_from(true) : bt_kleene_unknown(why);
}

static bt_kleene compare_ranges(bt_comparison_operator op, const bounds *a, const bounds *b, unsigned why) {
  switch (op) {
  case BT_LESS: return is_below(a, b, false, why);
  case BT_LESS_EQUAL: return is_below(a, b, true, why);
  case BT_GREATER: return is_below(b, a, false, why);
  case BT_GREATER_EQUAL: return is_below(b, a, true, why);
  case BT_EQUAL:
  case BT_NOT_EQUAL:
  case BT_IN:
  case BT_NOT_IN: return is_equal(a, b, why);
  case BT_CONTAINS:
  case BT_STARTS_WITH:
  case BT_ENDS_WITH:
  case BT_MATCHES:
  case BT_MATCHES_WHOLE:
  case BT_NOT_MATCHES_WHOLE: return bt_kleene_from(false); /* of strings only */
  }
  return bt_kleene_from(false);
}

/* One element against a range. */
static bt_kleene compare_elements(bt_comparison_operator op, const bt_outcome *left, const bt_outcome *right) {
  bt_outcome left_read = read_outcome(left), right_read = read_outcome(right);
  if (is_valueless(&left_read) || is_valueless(&right_read)) return bt_kleene_from(false);
  bounds a = bounds_of(&left_read), b = bounds_of(&right_read);
  return compare_ranges(op, &a, &b, left->why | right->why);
}

/* The positive form, where one side is a range and the other a range or a value, maybe an array. */
static bt_kleene compare_with_range(bt_comparison_operator op, const bt_outcome *left, const bt_outcome *right) {
  bool left_is_array = left->kind == BT_OUTCOME_VALUE && left->low.type == BT_VALUE_ARRAY;
  bool right_is_array = right->kind == BT_OUTCOME_VALUE && right->low.type == BT_VALUE_ARRAY;
  if (!left_is_array && !right_is_array) return compare_elements(op, left, right);
  const bt_value *array = left_is_array ? &left->low : &right->low;
  bt_kleene any = bt_kleene_from(false);
  for (uint32_t i = 0; i < array->array.count; i++) {
    bt_outcome element = bt_outcome_value(array->array.items[i]);
    any = bt_kleene_or(any, compare_elements(op, left_is_array ? &element : left, right_is_array ? &element : right));
  }
  return any;
}

static bool makes_false(const bt_outcome *outcome) {
  return outcome->kind == BT_OUTCOME_VALUE && (bt_value_is_missing(&outcome->low) || bt_value_is_nan(&outcome->low));
}

bt_kleene bt_outcome_compare(const bt_comparator *comparator, const bt_outcome *left, const bt_outcome *right,
                             bt_work *work) {
  if (makes_false(left) || makes_false(right)) return bt_kleene_from(false);
  if (left->kind == BT_OUTCOME_VALUE && right->kind == BT_OUTCOME_VALUE)
    return bt_kleene_from(bt_values_meet(comparator, &left->low, &right->low, work));
  if (left->kind == BT_OUTCOME_UNKNOWN || right->kind == BT_OUTCOME_UNKNOWN)
    return bt_kleene_unknown(left->why | right->why);
  bt_kleene positive = compare_with_range(comparator->op, left, right);
  bool is_negative = comparator->op == BT_NOT_EQUAL || comparator->op == BT_NOT_MATCHES_WHOLE;
  bt_kleene met = is_negative ? bt_kleene_not(positive) : positive;
  bool may_be_missing = left->may_be_missing || right->may_be_missing;
  return may_be_missing ? bt_kleene_and(met, bt_kleene_unknown(left->why | right->why)) : met;
}
