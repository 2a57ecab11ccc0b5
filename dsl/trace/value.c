/* Typed values. See value.h. */
#include "dsl/trace/value.h"

bool bt_value_is_missing(const bt_value *value) {
  return value->type == BT_VALUE_MISSING || value->type == BT_VALUE_OTHER;
}

static int order_of_integers(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

/* Exact: the integer is never rounded to a double. False for NaN. */
static bool compare_integer_with_decimal(int64_t integer, double decimal, int *order) {
  const double two_to_63 = 9223372036854775808.0;
  if (decimal != decimal) return false;
  if (decimal >= two_to_63) return *order = -1, true;
  if (decimal < -two_to_63) return *order = 1, true;
  int64_t whole = (int64_t)decimal; /* cut towards zero */
  *order = order_of_integers(integer, whole);
  if (*order == 0) {
    double rest = decimal - (double)whole; /* exact: below 2^53 there may be a rest, above there is none */
    *order = (rest < 0) - (rest > 0);
  }
  return true;
}

static bool compare_decimals(double a, double b, int *order) {
  if (a != a || b != b) return false;
  *order = (a > b) - (a < b);
  return true;
}

bool bt_value_compare_numbers(const bt_value *a, const bt_value *b, int *order) {
  bool a_is_integer = a->type == BT_VALUE_INT, b_is_integer = b->type == BT_VALUE_INT;
  if (!a_is_integer && a->type != BT_VALUE_DOUBLE) return false;
  if (!b_is_integer && b->type != BT_VALUE_DOUBLE) return false;
  if (a_is_integer && b_is_integer) return *order = order_of_integers(a->integer, b->integer), true;
  if (!a_is_integer && !b_is_integer) return compare_decimals(a->decimal, b->decimal, order);
  if (a_is_integer) return compare_integer_with_decimal(a->integer, b->decimal, order);
  if (!compare_integer_with_decimal(b->integer, a->decimal, order)) return false;
  *order = -*order;
  return true;
}
