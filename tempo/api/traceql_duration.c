/* Tests of a span's duration. See traceql_rules.h. To Tempo a duration is the end less the start, with a sign. Of a
 * span whose end is 0 it is far below 0, of one whose start is 0 some 56 years, and 0 where both are
 * (tests/facts/facts_unknown_durations.py). So of what lies within a year the duration is known, and of nothing else.
 */
#include "tempo/api/traceql_rules.h"

static bool is_known(int64_t duration_ns) {
  return duration_ns > 0 && duration_ns < BT_TRACEQL_UNKNOWN_FROM_NS;
}

bt_filter_operator bt_traceql_opposite(bt_filter_operator op) {
  switch (op) {
  case BT_FILTER_EQUAL: return BT_FILTER_NOT_EQUAL;
  case BT_FILTER_NOT_EQUAL: return BT_FILTER_EQUAL;
  case BT_FILTER_LESS: return BT_FILTER_GREATER_EQUAL;
  case BT_FILTER_LESS_EQUAL: return BT_FILTER_GREATER;
  case BT_FILTER_GREATER: return BT_FILTER_LESS_EQUAL;
  case BT_FILTER_GREATER_EQUAL: return BT_FILTER_LESS;
  case BT_FILTER_REGEX: return BT_FILTER_NOT_REGEX;
  case BT_FILTER_NOT_REGEX:
  case BT_FILTER_PRESENT:
  case BT_FILTER_SURELY_PRESENT: break;
  }
  return BT_FILTER_REGEX;
}

static const bt_filter *test_new(bt_filter_builder *builder, bt_filter_operator op, int64_t duration_ns) {
  bt_filter_test test = {.field = BT_FILTER_DURATION, .op = op};
  test.literal = (bt_value){.type = BT_VALUE_DURATION, .duration_ns = duration_ns};
  return bt_filter_test_new(builder, test);
}

/* Among the durations that are known none meets it; all meet its opposite. */
static bool is_met_by_none(bt_filter_operator op, int64_t duration_ns) {
  switch (op) {
  case BT_FILTER_EQUAL: return !is_known(duration_ns);
  case BT_FILTER_LESS:
  case BT_FILTER_LESS_EQUAL: return duration_ns <= 0;
  case BT_FILTER_GREATER:
  case BT_FILTER_GREATER_EQUAL: return duration_ns >= BT_TRACEQL_UNKNOWN_FROM_NS;
  case BT_FILTER_NOT_EQUAL:
  case BT_FILTER_REGEX:
  case BT_FILTER_NOT_REGEX:
  case BT_FILTER_PRESENT:
  case BT_FILTER_SURELY_PRESENT: break;
  }
  return false;
}

bool bt_traceql_has_lower_bound(bt_filter_operator op) {
  return op == BT_FILTER_EQUAL || op == BT_FILTER_GREATER || op == BT_FILTER_GREATER_EQUAL;
}

bool bt_traceql_has_upper_bound(bt_filter_operator op) {
  return op == BT_FILTER_EQUAL || op == BT_FILTER_LESS || op == BT_FILTER_LESS_EQUAL;
}

const bt_filter *bt_traceql_surely_lasts(bt_filter_builder *builder, bt_filter_operator op, int64_t duration_ns) {
  const bt_filter *items[3];
  uint32_t count = 0;
  if (is_met_by_none(op, duration_ns)) return bt_filter_none();
  bool is_bound = !is_met_by_none(bt_traceql_opposite(op), duration_ns);
  if (is_bound) items[count++] = test_new(builder, op, duration_ns);
  if (!is_bound || !bt_traceql_has_lower_bound(op)) items[count++] = test_new(builder, BT_FILTER_GREATER, 0);
  if (!is_bound || !bt_traceql_has_upper_bound(op))
    items[count++] = test_new(builder, BT_FILTER_LESS, BT_TRACEQL_UNKNOWN_FROM_NS);
  return bt_filter_join(builder, BT_FILTER_AND, items, count);
}

const bt_filter *bt_traceql_may_last(bt_filter_builder *builder, bt_filter_operator op, int64_t duration_ns) {
  bt_filter_test test = {.field = BT_FILTER_DURATION, .op = op, .or_unknown = true};
  test.literal = (bt_value){.type = BT_VALUE_DURATION, .duration_ns = duration_ns};
  if (is_met_by_none(bt_traceql_opposite(op), duration_ns)) return bt_filter_all();
  if (is_met_by_none(op, duration_ns)) {
    test.op = BT_FILTER_EQUAL;
    test.literal.duration_ns = 0;
  }
  return bt_filter_test_new(builder, test);
}

/* ---- what is surely meant ---- */

bool bt_traceql_is_reading(const bt_filter_test *test, const void *nothing) {
  (void)nothing;
  return test->is_reading || test->or_unknown;
}

static const bt_filter *sure_test(bt_filter_builder *builder, const bt_filter *filter) {
  const bt_filter_test *test = &filter->test;
  if (test->or_unknown) return bt_traceql_surely_lasts(builder, test->op, test->literal.duration_ns);
  return test->is_reading ? bt_filter_none() : filter;
}

static const bt_filter *without_readings(bt_filter_builder *builder, const bt_filter *filter) {
  if (filter->kind == BT_FILTER_TEST) return sure_test(builder, filter);
  if (!bt_filter_has_test(filter, bt_traceql_is_reading, NULL)) return filter;
  const bt_filter **items = bt_arena_array(builder->arena, filter->item_count, sizeof *items);
  if (!items) {
    builder->failed = true;
    return bt_filter_none();
  }
  for (uint32_t i = 0; i < filter->item_count; i++) items[i] = without_readings(builder, filter->items[i]);
  return bt_filter_join(builder, filter->kind, items, filter->item_count);
}

const bt_filter *bt_traceql_surely(bt_filter_builder *builder, bt_over_filter over) {
  return without_readings(builder, over.filter);
}
