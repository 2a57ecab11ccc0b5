/* Values against literals. See traceql_value.h. */
#include "tests/support/traceql_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/pattern/pattern.h"

static void stop(const char *what) {
  fprintf(stderr, "traceql model: %s\n", what);
  exit(1);
}

bt_value traceql_attribute(bt_attributes attributes, bt_str key) {
  for (uint32_t i = 0; i < attributes.count; i++)
    if (bt_str_equal(attributes.items[i].key, key)) return attributes.items[i].value;
  return (bt_value){0};
}

static int order_of(int less, int greater) {
  return greater - less;
}

/* Order of a stored number and a number of the query, or false when one does not see the other. */
static bool order_numbers(traceql_numbers numbers, const bt_value *stored, const bt_value *asked, int *order) {
  bool same = stored->type == asked->type;
  if (same && stored->type == BT_VALUE_INT) {
    *order = order_of(stored->integer<asked->integer, stored->integer> asked->integer);
    return true;
  }
  bool are_numbers = (stored->type == BT_VALUE_INT || stored->type == BT_VALUE_DOUBLE) &&
                     (asked->type == BT_VALUE_INT || asked->type == BT_VALUE_DOUBLE);
  if (!are_numbers || (!same && numbers == TRACEQL_NUMBERS_APART)) return false;
  double a = stored->type == BT_VALUE_INT ? (double)stored->integer : stored->decimal;
  double b = asked->type == BT_VALUE_INT ? (double)asked->integer : asked->decimal;
  *order = order_of(a<b, a> b);
  return true;
}

static bool is_nan(const bt_value *value) {
  return value->type == BT_VALUE_DOUBLE && value->decimal != value->decimal;
}

bool traceql_order_meets(const char *op, int order) {
  if (strcmp(op, "=") == 0) return order == 0;
  if (strcmp(op, "!=") == 0) return order != 0;
  if (strcmp(op, "<") == 0) return order < 0;
  if (strcmp(op, "<=") == 0) return order <= 0;
  if (strcmp(op, ">") == 0) return order > 0;
  return strcmp(op, ">=") == 0 && order >= 0;
}

static bool matches_whole(bt_str pattern, bt_str subject) {
  bt_pattern *compiled = NULL;
  bt_error error = {0};
  bool matches = false;
  uint64_t cost;
  if (bt_pattern_new(pattern, true, &compiled, &error) != BT_OK ||
      bt_pattern_match(compiled, subject, &cost, &matches) != BT_OK)
    stop(error.message);
  bt_pattern_free(compiled);
  return matches;
}

bool traceql_scalar_meets(traceql_numbers numbers, const bt_value *stored, const char *op, const bt_value *asked) {
  int order = 0;
  if (stored->type == BT_VALUE_STRING && asked->type == BT_VALUE_STRING) {
    if (strcmp(op, "=~") == 0) return matches_whole(asked->string, stored->string);
    if (strcmp(op, "!~") == 0) return !matches_whole(asked->string, stored->string);
    return traceql_order_meets(op, bt_str_compare(stored->string, asked->string));
  }
  if (stored->type == BT_VALUE_BOOL && asked->type == BT_VALUE_BOOL)
    return (strcmp(op, "=") == 0 && stored->boolean == asked->boolean) ||
           (strcmp(op, "!=") == 0 && stored->boolean != asked->boolean);
  if (stored->type == BT_VALUE_DURATION && asked->type == BT_VALUE_DURATION)
    return traceql_order_meets(
        op, order_of(stored->duration_ns<asked->duration_ns, stored->duration_ns> asked->duration_ns));
  if (!order_numbers(numbers, stored, asked, &order)) return false;
  if (is_nan(stored)) return strcmp(op, "!=") == 0;
  return traceql_order_meets(op, order);
}
