/* Three-valued truth that remembers why it is unknown. For the evaluator's files only. Thread: values, no state. */
#ifndef BT_DSL_EVALUATE_KLEENE_H
#define BT_DSL_EVALUATE_KLEENE_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/evaluate/eval.h"

/* Reasons as bits; bt_reason_of picks the one that is told. */
enum {
  BT_WHY_BUDGET = 1,
  BT_WHY_INCOMPLETE = 2,
  BT_WHY_SKEW = 4,
  BT_WHY_PRUNED = 8,
  BT_WHY_LINKED = 16,
  BT_WHY_TIME = 32,
  BT_WHY_DROPPED = 64,
  BT_WHY_COPIES = 128,
  BT_WHY_TYPE = 256
};

typedef struct bt_kleene {
  bt_truth truth;
  uint32_t why; /* of BT_UNKNOWN; else 0. No padding: the pair is moved as one word */
} bt_kleene;

static inline bt_kleene bt_kleene_from(bool holds) {
  return (bt_kleene){holds ? BT_TRUE : BT_FALSE, 0};
}

static inline bt_kleene bt_kleene_unknown(unsigned why) {
  return (bt_kleene){BT_UNKNOWN, why};
}

static inline bt_kleene bt_kleene_not(bt_kleene a) {
  if (a.truth != BT_UNKNOWN) a.truth = a.truth == BT_TRUE ? BT_FALSE : BT_TRUE;
  return a;
}

static inline bt_kleene bt_kleene_and(bt_kleene a, bt_kleene b) {
  if (a.truth == b.truth) return (bt_kleene){a.truth, a.why | b.why};
  return a.truth < b.truth ? a : b;
}

static inline bt_kleene bt_kleene_or(bt_kleene a, bt_kleene b) {
  if (a.truth == b.truth) return (bt_kleene){a.truth, a.why | b.why};
  return a.truth > b.truth ? a : b;
}

#endif
