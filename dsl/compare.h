/* Comparing two known values with an operator of the language (dsl.md §5): missing values, mixed types, arrays, NaN.
 * Shared by the matcher and the evaluator. Thread: no state. */
#ifndef BT_DSL_COMPARE_H
#define BT_DSL_COMPARE_H

#include "dsl/pattern.h"
#include "dsl/rule.h"

typedef struct bt_comparator {
  bt_comparison_operator op; /* not IN, NOT_IN: those are EQUAL with each item of the list */
  const bt_pattern *pattern; /* of the MATCHES operators */
  bool ignores_case;         /* equality of kinds and statuses */
} bt_comparator;

/* A double that is not a number: like a missing value it makes every comparison false. */
bool bt_value_is_nan(const bt_value *value);
/* Whether `left op right` holds. *status becomes BT_NO_MEMORY when that could not be found out, else it stays as it is. */
bool bt_values_meet(const bt_comparator *comparator, const bt_value *left, const bt_value *right, bt_status *status);

#endif
