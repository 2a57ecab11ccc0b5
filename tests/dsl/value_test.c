/* Numbers compare by exact value, whatever their types; and what an expression is worth when only a range is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "dsl/evaluate/outcome.h"

static bt_value whole(int64_t integer) {
  return (bt_value){.type = BT_VALUE_INT, .integer = integer};
}

static bt_value decimal(double number) {
  return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = number};
}

static void check_order(bt_value a, bt_value b, int expected) {
  int order = 7;
  assert_true(bt_value_compare_numbers(&a, &b, &order));
  assert_int_equal(order, expected);
  assert_true(bt_value_compare_numbers(&b, &a, &order));
  assert_int_equal(order, -expected);
}

static void test_exact_order(void **state) {
  (void)state;
  const int64_t two_53 = 9007199254740992;
  check_order(whole(1), whole(2), -1);
  check_order(whole(2), decimal(2.0), 0);
  check_order(whole(2), decimal(2.5), -1);
  check_order(whole(-2), decimal(-2.5), 1);
  check_order(whole(0), decimal(-0.0), 0);
  check_order(whole(two_53), decimal(9007199254740992.0), 0);
  check_order(whole(two_53 + 1), decimal(9007199254740992.0), 1);
  check_order(whole(two_53 - 1), decimal(9007199254740992.0), -1);
  check_order(whole(INT64_MAX), decimal(9223372036854775808.0), -1);
  check_order(whole(INT64_MIN), decimal(-9223372036854775808.0), 0);
  check_order(whole(INT64_MIN), decimal(-9223372036854777856.0), 1);
  check_order(whole(INT64_MAX), decimal(INFINITY), -1);
  check_order(whole(INT64_MIN), decimal(-INFINITY), 1);
  check_order(decimal(1.5), decimal(-1.5), 1);
}

static void test_no_order(void **state) {
  (void)state;
  int order = 0;
  bt_value nan_value = decimal(NAN), one = whole(1), text = {.type = BT_VALUE_STRING, .string = BT_STR("1")};
  assert_false(bt_value_compare_numbers(&nan_value, &one, &order));
  assert_false(bt_value_compare_numbers(&one, &nan_value, &order));
  assert_false(bt_value_compare_numbers(&nan_value, &nan_value, &order));
  assert_false(bt_value_compare_numbers(&text, &one, &order));
  assert_false(bt_value_compare_numbers(&one, &text, &order));
}

typedef struct range_row { /* (low_a … high_a) operator (low_b … high_b); INT64_MIN, INT64_MAX: no end there */
  int64_t low_a, high_a;
  bt_expression_kind operator;
  int64_t low_b, high_b;
  double low, high; /* expected, infinities where there is no end */
  bool is_unknown;
} range_row;

static bt_outcome make_range(int64_t low, int64_t high) {
  if (low == high) return bt_outcome_integer(low);
  if (low == INT64_MIN) return bt_outcome_at_most(whole(high), BT_WHY_INCOMPLETE);
  if (high == INT64_MAX) return bt_outcome_at_least(whole(low), BT_WHY_INCOMPLETE);
  return bt_outcome_between(whole(low), whole(high), BT_WHY_INCOMPLETE);
}

static double end_of(bool has_end, bt_value end, double none) {
  if (!has_end) return none;
  return end.type == BT_VALUE_INT ? (double)end.integer : end.decimal;
}

static void check_range(const range_row *row) {
  bt_outcome a = make_range(row->low_a, row->high_a), b = make_range(row->low_b, row->high_b);
  bt_outcome got = bt_outcome_arithmetic(row->operator, & a, &b);
  assert_int_equal(got.kind, row->is_unknown ? BT_OUTCOME_UNKNOWN : BT_OUTCOME_RANGE);
  assert_int_equal(got.why, BT_WHY_INCOMPLETE);
  if (row->is_unknown) return;
  assert_true(end_of(got.has_low, got.low, -INFINITY) == row->low);
  assert_true(end_of(got.has_high, got.high, INFINITY) == row->high);
}

static void test_ranges(void **state) {
  (void)state;
  const int64_t none_below = INT64_MIN, none_above = INT64_MAX;
  const range_row rows[] = {
      {3, none_above, BT_EXPRESSION_ADD, 1, 1, 4, INFINITY, false},
      {3, none_above, BT_EXPRESSION_SUBTRACT, 1, none_above, -INFINITY, INFINITY, false},
      {10, 10, BT_EXPRESSION_SUBTRACT, 3, none_above, -INFINITY, 7, false},
      {none_below, 5, BT_EXPRESSION_SUBTRACT, 2, 2, -INFINITY, 3, false},
      {3, none_above, BT_EXPRESSION_MULTIPLY, 2, 2, 6, INFINITY, false},
      {3, none_above, BT_EXPRESSION_MULTIPLY, -2, -2, -INFINITY, -6, false},
      {3, none_above, BT_EXPRESSION_MULTIPLY, 0, 0, 0, 0, false},
      {-3, 4, BT_EXPRESSION_MULTIPLY, -5, 2, -20, 15, false},
      {none_below, 5, BT_EXPRESSION_MULTIPLY, 3, none_above, -INFINITY, INFINITY, false},
      {6, none_above, BT_EXPRESSION_DIVIDE, 2, 2, 3, INFINITY, false},
      {6, 6, BT_EXPRESSION_DIVIDE, 2, none_above, 0, 3, false},
      {6, none_above, BT_EXPRESSION_DIVIDE, 2, none_above, 0, INFINITY, false},
      {6, 6, BT_EXPRESSION_DIVIDE, 0, none_above, 0, 0, true},
      {6, 6, BT_EXPRESSION_DIVIDE, -1, 2, 0, 0, true},
      {3, INT64_MAX - 1, BT_EXPRESSION_ADD, 5, 5, 0, 0, true}, /* some number of it overflows */
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_range(&rows[i]);
}

typedef struct truth_row {
  int64_t low_a, high_a;
  bt_comparison_operator op;
  int64_t low_b, high_b;
  bt_truth expected;
} truth_row;

static void test_range_comparisons(void **state) {
  (void)state;
  const int64_t none_below = INT64_MIN, none_above = INT64_MAX;
  const truth_row rows[] = {
      {3, none_above, BT_GREATER, 2, 2, BT_TRUE},
      {3, none_above, BT_GREATER, 3, 3, BT_UNKNOWN},
      {3, none_above, BT_GREATER_EQUAL, 3, 3, BT_TRUE},
      {3, none_above, BT_LESS, 3, 3, BT_FALSE},
      {3, none_above, BT_LESS_EQUAL, 3, 3, BT_UNKNOWN},
      {3, none_above, BT_LESS_EQUAL, 2, 2, BT_FALSE},
      {3, none_above, BT_EQUAL, 2, 2, BT_FALSE},
      {3, none_above, BT_EQUAL, 4, 4, BT_UNKNOWN},
      {3, none_above, BT_NOT_EQUAL, 2, 2, BT_TRUE},
      {3, none_above, BT_NOT_EQUAL, 4, 4, BT_UNKNOWN},
      {3, none_above, BT_CONTAINS, 4, 4, BT_FALSE},
      {none_below, 5, BT_LESS, 6, none_above, BT_TRUE},
      {none_below, 5, BT_LESS, 5, none_above, BT_UNKNOWN},
      {none_below, 5, BT_LESS_EQUAL, 5, none_above, BT_TRUE},
      {none_below, 5, BT_GREATER, 6, none_above, BT_FALSE},
      {1, 3, BT_LESS, 3, 4, BT_UNKNOWN},
      {1, 3, BT_LESS, 4, 5, BT_TRUE},
      {4, 5, BT_LESS, 1, 4, BT_FALSE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_comparator comparator = {.op = rows[i].op};
    bt_work work = {0};
    bt_outcome a = make_range(rows[i].low_a, rows[i].high_a), b = make_range(rows[i].low_b, rows[i].high_b);
    bt_kleene got = bt_outcome_compare(&comparator, &a, &b, &work);
    assert_int_equal(got.truth, rows[i].expected);
    assert_int_equal(got.why, got.truth == BT_UNKNOWN ? BT_WHY_INCOMPLETE : 0);
  }
}

/* A range against an array asks for some element; against a missing value, NaN or a string the answer is no. */
static void test_range_against_values(void **state) {
  (void)state;
  const bt_value items[] = {whole(1), whole(5)};
  const bt_outcome range = bt_outcome_at_least(whole(3), BT_WHY_INCOMPLETE);
  const struct {
    bt_value value;
    bt_comparison_operator op;
    bt_truth expected;
  } rows[] = {
      {{.type = BT_VALUE_ARRAY, .array = {items, 2}}, BT_GREATER, BT_TRUE},
      {{.type = BT_VALUE_ARRAY, .array = {items, 2}}, BT_EQUAL, BT_UNKNOWN},
      {{.type = BT_VALUE_ARRAY, .array = {items, 1}}, BT_NOT_EQUAL, BT_TRUE},
      {{.type = BT_VALUE_MISSING}, BT_NOT_EQUAL, BT_FALSE},
      {{.type = BT_VALUE_OTHER}, BT_NOT_EQUAL, BT_FALSE},
      {{.type = BT_VALUE_DOUBLE, .decimal = NAN}, BT_NOT_EQUAL, BT_FALSE},
      {{.type = BT_VALUE_STRING, .string = {"3x", 2}}, BT_EQUAL, BT_FALSE},
      {{.type = BT_VALUE_STRING, .string = {"3x", 2}}, BT_NOT_EQUAL, BT_TRUE},
      {{.type = BT_VALUE_STRING, .string = {"3x", 1}}, BT_EQUAL, BT_UNKNOWN}, /* a text that reads as 3 */
      {{.type = BT_VALUE_STRING, .string = {"2.5", 3}}, BT_GREATER, BT_TRUE},
      {{.type = BT_VALUE_STRING, .is_name = true, .string = {"2", 1}}, BT_GREATER, BT_FALSE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_comparator comparator = {.op = rows[i].op};
    bt_work work = {0};
    bt_outcome value = bt_outcome_value(rows[i].value);
    assert_int_equal(bt_outcome_compare(&comparator, &range, &value, &work).truth, rows[i].expected);
  }
}

/* A number that may be missing meets nothing for certain, whatever it is; and it may be one that no test meets. */
static void test_numbers_that_may_be_missing(void **state) {
  (void)state;
  const struct {
    int64_t low, high;
    bt_comparison_operator op;
    int64_t other;
    bt_truth expected;
  } rows[] = {
      {3, 5, BT_GREATER, 2, BT_UNKNOWN},   {3, 5, BT_GREATER, 5, BT_FALSE},   {3, 5, BT_LESS, 4, BT_UNKNOWN},
      {3, 3, BT_EQUAL, 3, BT_UNKNOWN},     {3, 3, BT_NOT_EQUAL, 3, BT_FALSE}, {3, 3, BT_NOT_EQUAL, 4, BT_UNKNOWN},
      {3, 5, BT_NOT_EQUAL, 4, BT_UNKNOWN}, {3, 5, BT_CONTAINS, 4, BT_FALSE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_comparator comparator = {.op = rows[i].op};
    bt_work work = {0};
    const bt_outcome maybe = bt_outcome_maybe_between(whole(rows[i].low), whole(rows[i].high), BT_WHY_LINKED);
    const bt_outcome other = bt_outcome_integer(rows[i].other), one = bt_outcome_integer(1);
    bt_kleene got = bt_outcome_compare(&comparator, &maybe, &other, &work);
    assert_int_equal(got.truth, rows[i].expected);
    assert_int_equal(got.why, got.truth == BT_UNKNOWN ? BT_WHY_LINKED : 0);
    assert_false(bt_outcome_is_known(&maybe));
    bt_outcome more = bt_outcome_arithmetic(BT_EXPRESSION_ADD, &maybe, &one), less = bt_outcome_negate(&maybe);
    assert_true(more.may_be_missing && less.may_be_missing);
    assert_int_equal(more.low.integer, rows[i].low + 1);
    assert_int_equal(less.low.integer, -rows[i].high);
  }
  const bt_outcome most = bt_outcome_maybe_between(whole(INT64_MAX), whole(INT64_MAX), BT_WHY_LINKED);
  const bt_outcome one = bt_outcome_integer(1);
  bt_outcome sum = bt_outcome_arithmetic(BT_EXPRESSION_ADD, &most, &one);
  assert_int_equal(sum.kind, BT_OUTCOME_VALUE);
  assert_true(bt_value_is_missing(&sum.low));
}

static void test_values_that_cannot_be_computed(void **state) {
  (void)state;
  const bt_outcome most = bt_outcome_integer(INT64_MAX), least = bt_outcome_integer(INT64_MIN),
                   one = bt_outcome_integer(1), zero = bt_outcome_integer(0), huge = bt_outcome_value(decimal(1e308)),
                   far = bt_outcome_value(decimal(INFINITY)),
                   text = bt_outcome_value((bt_value){.type = BT_VALUE_STRING, .string = BT_STR("1x")}),
                   unknown = bt_outcome_unknown(BT_WHY_SKEW);
  const struct {
    const bt_outcome *left;
    bt_expression_kind operator;
    const bt_outcome *right;
    bool is_missing;
  } rows[] = {
      {&most, BT_EXPRESSION_ADD, &one, true},       {&least, BT_EXPRESSION_SUBTRACT, &one, true},
      {&most, BT_EXPRESSION_MULTIPLY, &most, true}, {&one, BT_EXPRESSION_DIVIDE, &zero, true},
      {&huge, BT_EXPRESSION_MULTIPLY, &huge, true}, {&far, BT_EXPRESSION_SUBTRACT, &far, true},
      {&text, BT_EXPRESSION_ADD, &one, true},       {&text, BT_EXPRESSION_ADD, &unknown, true},
      {&far, BT_EXPRESSION_ADD, &one, false},       {&most, BT_EXPRESSION_SUBTRACT, &one, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_outcome got = bt_outcome_arithmetic(rows[i].operator, rows[i].left, rows[i].right);
    assert_int_equal(got.kind, BT_OUTCOME_VALUE);
    assert_int_equal(bt_value_is_missing(&got.low), rows[i].is_missing);
  }
  bt_outcome negated = bt_outcome_negate(&least);
  assert_true(bt_value_is_missing(&negated.low));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exact_order),
      cmocka_unit_test(test_no_order),
      cmocka_unit_test(test_ranges),
      cmocka_unit_test(test_range_comparisons),
      cmocka_unit_test(test_range_against_values),
      cmocka_unit_test(test_numbers_that_may_be_missing),
      cmocka_unit_test(test_values_that_cannot_be_computed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
