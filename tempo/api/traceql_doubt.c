/* What Tempo may get wrong about a filter. See traceql_rules.h. */
#include "tempo/api/traceql_rules.h"

bool bt_traceql_compares_doubles(const bt_filter_test *test) {
  return test->field != BT_FILTER_DURATION && test->literal.type == BT_VALUE_DOUBLE && test->op != BT_FILTER_NOT_EQUAL;
}

/* ---- what may be overlooked ---- */

static bool is_of_value(const bt_filter_test *test, const void *nothing) {
  (void)nothing;
  return bt_filter_is_of_attribute(test) && test->op != BT_FILTER_PRESENT && test->op != BT_FILTER_SURELY_PRESENT;
}

bool bt_traceql_may_overlook(const bt_filter *filter) {
  return bt_filter_has_test(filter, is_of_value, NULL);
}

/* ---- what Tempo makes up ---- */

/* The word that Tempo 2.10 and 3 give for a column without a value. */
static bool may_be_met_by_nil(const bt_filter_test *test) {
  if (test->is_reading) return false;
  if (test->op == BT_FILTER_PRESENT || test->op == BT_FILTER_REGEX) return true;
  return test->op == BT_FILTER_EQUAL && test->literal.type == BT_VALUE_STRING &&
         bt_str_equal(test->literal.string, BT_STR("nil"));
}

/* A column without a value passes for 0 and for the empty string where Tempo 2.10 decides what it loads. */
static bool may_load_nothing(const bt_filter_test *test) {
  if (test->op == BT_FILTER_PRESENT) return true;
  if (test->literal.type == BT_VALUE_STRING) return test->op == BT_FILTER_EQUAL && test->literal.string.len == 0;
  return test->literal.type == BT_VALUE_INT || test->literal.type == BT_VALUE_DOUBLE;
}

static bool loads_nothing_beside(const bt_filter_test *test, const void *context) {
  const bt_filter_test *other = context;
  return test->field == other->field && bt_str_equal(test->key, other->key) && may_load_nothing(test);
}

static bool is_met_by_made_up(const bt_filter_test *test, const void *filter) {
  return bt_filter_is_of_attribute(test) && may_be_met_by_nil(test) &&
         bt_filter_has_test(filter, loads_nothing_beside, test);
}

bool bt_traceql_may_take_made_up(const bt_filter *filter) {
  return bt_filter_has_test(filter, is_met_by_made_up, filter);
}
