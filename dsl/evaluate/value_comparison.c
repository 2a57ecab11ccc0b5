/* Comparing two known values. See value_comparison.h. */
#include "dsl/evaluate/value_comparison.h"

#include "dsl/pattern/pattern.h"
#include "dsl/trace/text_number.h"

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

typedef struct side { /* a scalar, or what an array stands for: its elements, all of one type */
  const bt_value *items;
  uint32_t count;
} side;

static side side_of(const bt_value *value) {
  return value->type == BT_VALUE_ARRAY ? (side){value->array.items, value->array.count} : (side){value, 1};
}

static bool is_of_text(const side *of) {
  return of->items[0].type == BT_VALUE_STRING;
}

static bool left_meets_any(const bt_comparator *comparator, const bt_value *left, const side *rights, bt_work *work) {
  for (uint32_t i = 0; i < rights->count; i++)
    if (scalars_meet(comparator, left, &rights->items[i], work)) return true;
  return false;
}

static bool right_is_met(const bt_comparator *comparator, const side *lefts, const bt_value *right, bt_work *work) {
  for (uint32_t i = 0; i < lefts->count; i++)
    if (scalars_meet(comparator, &lefts->items[i], right, work)) return true;
  return false;
}

/* Texts against what is no text: each is read, and once. */
static bool any_read_meets(const bt_comparator *comparator, const side *lefts, const side *rights, bt_work *work) {
  bool is_left = is_of_text(lefts);
  const side *texts = is_left ? lefts : rights;
  for (uint32_t i = 0; i < texts->count; i++) {
    bt_value read = bt_value_read(&texts->items[i]);
    if (read.type == BT_VALUE_STRING) continue;
    if (is_left ? left_meets_any(comparator, &read, rights, work) : right_is_met(comparator, lefts, &read, work))
      return true;
  }
  return false;
}

/* Any element may meet the other side. */
static bool any_meets(const bt_comparator *comparator, const bt_value *left, const bt_value *right, bt_work *work) {
  side lefts = side_of(left), rights = side_of(right);
  if (is_of_text(&lefts) != is_of_text(&rights)) return any_read_meets(comparator, &lefts, &rights, work);
  for (uint32_t i = 0; i < lefts.count; i++)
    if (left_meets_any(comparator, &lefts.items[i], &rights, work)) return true;
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
