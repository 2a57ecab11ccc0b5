/* What an expression is worth when not everything has been seen: a value, a range that the value lies in (if it is
 * there), or nothing known. Numbers here are whole (INT) or DOUBLE; durations and times are nanoseconds. The
 * evaluator's files only. Thread: no state. */
#ifndef BT_DSL_EVALUATE_OUTCOME_H
#define BT_DSL_EVALUATE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/evaluate/value_comparison.h"
#include "dsl/evaluate/kleene.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/value.h"

typedef enum bt_outcome_kind {
  BT_OUTCOME_VALUE,  /* low is the value, which may be missing */
  BT_OUTCOME_RANGE,  /* a number from low to high */
  BT_OUTCOME_UNKNOWN /* any value, or none */
} bt_outcome_kind;

typedef struct bt_outcome {
  bt_outcome_kind kind;
  uint16_t why; /* it is not a value */
  bool has_low, has_high;
  bool may_be_missing; /* the number of a range */
  bt_value low, high;
} bt_outcome;

static inline bt_outcome bt_outcome_value(bt_value value) {
  return (bt_outcome){.kind = BT_OUTCOME_VALUE, .low = value};
}

static inline bt_outcome bt_outcome_integer(int64_t integer) {
  return (bt_outcome){.kind = BT_OUTCOME_VALUE, .low.type = BT_VALUE_INT, .low.integer = integer};
}

static inline bt_outcome bt_outcome_missing(void) {
  return (bt_outcome){.kind = BT_OUTCOME_VALUE, .low.type = BT_VALUE_MISSING};
}

static inline bt_outcome bt_outcome_unknown(unsigned why) {
  return (bt_outcome){.kind = BT_OUTCOME_UNKNOWN, .why = (uint16_t)why};
}

bt_outcome bt_outcome_at_least(bt_value low, unsigned why);
bt_outcome bt_outcome_at_most(bt_value high, unsigned why);
/* A value when both are equal. */
bt_outcome bt_outcome_between(bt_value low, bt_value high, unsigned why);
/* Missing, or a number from low to high. */
bt_outcome bt_outcome_maybe_between(bt_value low, bt_value high, unsigned why);

/* One value, or missing for certain; a range of one number is that number, and `low` holds it. */
bool bt_outcome_is_known(const bt_outcome *outcome);

/* ADD, SUBTRACT, MULTIPLY, DIVIDE. What cannot be computed (not a number, overflow, division by zero) is missing. */
bt_outcome bt_outcome_arithmetic(bt_expression_kind operator, const bt_outcome * left, const bt_outcome *right);
bt_outcome bt_outcome_negate(const bt_outcome *operand);
/* Whether `left op right` holds. */
bt_kleene bt_outcome_compare(const bt_comparator *comparator, const bt_outcome *left, const bt_outcome *right,
                             bt_work *work);

#endif
