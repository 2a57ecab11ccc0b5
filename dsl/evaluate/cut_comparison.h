/* Comparing texts that may have lost their end (cut_text.h) or their type (untyped_text.h). Thread: no state. */
#ifndef BT_DSL_EVALUATE_CUT_COMPARISON_H
#define BT_DSL_EVALUATE_CUT_COMPARISON_H

#include <stdbool.h>

#include "dsl/evaluate/kleene.h"
#include "dsl/evaluate/value_comparison.h"
#include "dsl/trace/value.h"

/* One side of a comparison, and whether it is an attribute's value. */
typedef struct bt_cut_side {
  const bt_value *value;
  bool is_attribute;
} bt_cut_side;

/* bt_values_meet where either side may have been cut, or is of unknown type. `pattern`, of the MATCHES operators, is
 * the right side's text. */
bt_kleene bt_cut_meets(const bt_comparator *comparator, bt_cut_side left, bt_cut_side right, bt_work *work);

/* Whether the value counts for `not in`: it is there, and no NaN. */
bt_kleene bt_cut_is_there(const bt_value *value);

#endif
