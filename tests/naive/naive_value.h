/* What is known of a value: nothing that is missing for certain, one exact value, a range of numbers, or nothing at
 * all. Numbers, durations (ns) and times (ns) are all ranges, mostly of one number: the checker has kept the units
 * apart. Only for the naive evaluator. */
#ifndef BT_TESTS_NAIVE_VALUE_H
#define BT_TESTS_NAIVE_VALUE_H

#include "dsl/evaluate/eval.h"

/* Kleene's three values are ordered: false < unknown < true. */
bt_truth naive_and(bt_truth a, bt_truth b);
bt_truth naive_or(bt_truth a, bt_truth b);
bt_truth naive_not(bt_truth a);

typedef enum naive_kind {
  NAIVE_MISSING, /* also what overflowed: every comparison with it is false */
  NAIVE_NAN,     /* it is there, but every comparison with it is false too */
  NAIVE_EXACT,   /* string, boolean or array */
  NAIVE_RANGE,   /* some number of [low, high] */
  NAIVE_ANY      /* anything, or missing */
} naive_kind;

typedef struct naive_bound {
  bool is_open;    /* no bound on this side */
  bt_value number; /* INT or DOUBLE */
} naive_bound;

typedef struct naive_value {
  naive_kind kind;
  bool may_be_missing; /* of RANGE */
  bool may_be_read;    /* a text of an attribute or a literal, which may read as a number or a boolean */
  bool may_be_cut;     /* a text of an attribute that may have lost its end */
  bt_value exact;
  naive_bound low, high;
} naive_value;

naive_value naive_missing(void);
naive_value naive_any(void);
/* Of an attribute or a literal; MISSING and OTHER are missing. */
naive_value naive_known(const bt_value *value);
/* The number or the boolean that a text reads as; any other value, and a text that reads as neither, is itself. */
naive_value naive_read(naive_value value);
naive_value naive_integer(int64_t number);
naive_value naive_range(naive_bound low, naive_bound high);
naive_bound naive_bound_at(bt_value number);
naive_bound naive_bound_none(void);

/* Order of two numbers that are not NaN, by exact value. */
int naive_compare_numbers(const bt_value *a, const bt_value *b);

naive_value naive_negate(naive_value a);
/* kind: ADD, SUBTRACT, MULTIPLY or DIVIDE */
naive_value naive_arithmetic(bt_expression_kind kind, naive_value a, naive_value b);

/* Is it there? (exists) */
bt_truth naive_present(const naive_value *value);
/* All operators but IN and NOT_IN. pattern: of MATCHES*. ignore_case: equality of kinds and statuses. */
bt_truth naive_compare(bt_comparison_operator op, const naive_value *left, const naive_value *right,
                       const bt_pattern *pattern, bool ignore_case);

#endif
