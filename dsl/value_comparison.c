/* Comparing two known values. See value_comparison.h. */
#include "dsl/value_comparison.h"

#include "dsl/pattern.h"

enum { TEXT_BETWEEN_CHECKS = 1 << 20 }; /* some milliseconds */

void bt_work_allow(bt_work *work, uint64_t bytes) {
  work->text_left = bytes < TEXT_BETWEEN_CHECKS ? bytes : TEXT_BETWEEN_CHECKS;
  work->text_held = bytes - work->text_left;
}

bool bt_work_pay_more(bt_work *work, uint64_t bytes) {
  uint64_t all = bt_work_text(work);
  bool goes_on = !work->check || bt_check_passes(work->check);
  if (goes_on && bytes <= all) return bt_work_allow(work, all - bytes), true;
  bt_work_allow(work, 0);
  work->status = BT_LIMIT;
  return false;
}

bool bt_value_is_nan(const bt_value *value) {
  return value->type == BT_VALUE_DOUBLE && value->decimal != value->decimal;
}

/* Order of two scalars of one type that has an order; numbers are one type. */
static bool order_scalars(const bt_value *left, const bt_value *right, int *order) {
  if (left->type == BT_VALUE_STRING && right->type == BT_VALUE_STRING) {
    *order = bt_str_compare(left->string, right->string);
    return true;
  }
  return bt_value_compare_numbers(left, right, order);
}

static bool scalars_equal(const bt_comparator *comparator, const bt_value *left, const bt_value *right) {
  int order = 0;
  if (left->type == BT_VALUE_BOOL && right->type == BT_VALUE_BOOL) return left->boolean == right->boolean;
  if (comparator->ignores_case && left->type == BT_VALUE_STRING && right->type == BT_VALUE_STRING)
    return bt_str_equal_nocase(left->string, right->string);
  if (left->type == BT_VALUE_STRING && right->type == BT_VALUE_STRING) return bt_str_equal(left->string, right->string);
  return order_scalars(left, right, &order) && order == 0;
}

static bool scalars_ordered(bt_comparison_operator op, const bt_value *left, const bt_value *right) {
  int order = 0;
  if (!order_scalars(left, right, &order)) return false;
  if (op == BT_LESS) return order < 0;
  if (op == BT_LESS_EQUAL) return order <= 0;
  if (op == BT_GREATER) return order > 0;
  return order >= 0;
}

static bool string_matches(const bt_pattern *pattern, bt_str subject, bt_work *work) {
  bool matches = false;
  uint64_t cost;
  if (subject.len > bt_work_text(work)) return bt_work_pay(work, subject.len);
  bt_status found = bt_pattern_match(pattern, subject, &cost, &matches);
  if (found == BT_LIMIT) cost = UINT64_MAX;
  if (found == BT_NO_MEMORY) return work->status = found, false;
  return bt_work_pay(work, cost) && matches;
}

static bool strings_meet(const bt_comparator *comparator, const bt_value *left, const bt_value *right, bt_work *work) {
  if (left->type != BT_VALUE_STRING || right->type != BT_VALUE_STRING) return false;
  if (comparator->op == BT_CONTAINS)
    return bt_work_pay(work, left->string.len) && bt_str_contains(left->string, right->string);
  if (comparator->op == BT_STARTS_WITH) return bt_str_starts_with(left->string, right->string);
  if (comparator->op == BT_ENDS_WITH) return bt_str_ends_with(left->string, right->string);
  return string_matches(comparator->pattern, left->string, work);
}

/* The positive form of the operator on two scalars: == for !=, =~ for !~. */
static bool scalars_meet(const bt_comparator *comparator, const bt_value *left, const bt_value *right, bt_work *work) {
  switch (comparator->op) {
  case BT_EQUAL:
  case BT_NOT_EQUAL:
  case BT_IN:
  case BT_NOT_IN: return scalars_equal(comparator, left, right);
  case BT_LESS:
  case BT_LESS_EQUAL:
  case BT_GREATER:
  case BT_GREATER_EQUAL: return scalars_ordered(comparator->op, left, right);
  case BT_CONTAINS:
  case BT_STARTS_WITH:
  case BT_ENDS_WITH:
  case BT_MATCHES:
  case BT_MATCHES_WHOLE:
  case BT_NOT_MATCHES_WHOLE: return strings_meet(comparator, left, right, work);
  }
  return false;
}

/* An array stands for its elements: any of them may meet the other side. */
static bool any_meets(const bt_comparator *comparator, const bt_value *left, const bt_value *right, bt_work *work) {
  bool left_is_array = left->type == BT_VALUE_ARRAY, right_is_array = right->type == BT_VALUE_ARRAY;
  if (!left_is_array && !right_is_array) return scalars_meet(comparator, left, right, work);
  const bt_value *lefts = left_is_array ? left->array.items : left;
  const bt_value *rights = right_is_array ? right->array.items : right;
  uint32_t left_count = left_is_array ? left->array.count : 1, right_count = right_is_array ? right->array.count : 1;
  for (uint32_t i = 0; i < left_count; i++)
    for (uint32_t j = 0; j < right_count; j++)
      if (scalars_meet(comparator, &lefts[i], &rights[j], work)) return true;
  return false;
}

static bool is_comparable(const bt_value *value) {
  return !bt_value_is_missing(value) && !bt_value_is_nan(value);
}

bool bt_values_meet(const bt_comparator *comparator, const bt_value *left, const bt_value *right, bt_work *work) {
  if (!is_comparable(left) || !is_comparable(right)) return false;
  bool is_negative = comparator->op == BT_NOT_EQUAL || comparator->op == BT_NOT_MATCHES_WHOLE;
  return any_meets(comparator, left, right, work) != is_negative;
}
