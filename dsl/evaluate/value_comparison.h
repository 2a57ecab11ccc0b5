/* Comparing two known values with an operator of the language (dsl.md §5): missing values, mixed types, arrays, NaN.
 * Shared by the matcher and the evaluator. Thread: no state. */
#ifndef BT_DSL_EVALUATE_VALUE_COMPARISON_H
#define BT_DSL_EVALUATE_VALUE_COMPARISON_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/value.h"

typedef struct bt_comparator {
  bt_comparison_operator op; /* not IN, NOT_IN: those are EQUAL with each item of the list */
  const bt_pattern *pattern; /* of the MATCHES operators */
  bool ignores_case;         /* equality of kinds and statuses */
} bt_comparator;

/* Asked now and then whether to go on: who waits may have left, or time is over. Once it said no it is not asked again.
 */
typedef struct bt_check {
  bool (*may_go_on)(void *context); /* NULL: always */
  void *context;
  bool is_over;
} bt_check;

static inline bool bt_check_passes(bt_check *check) {
  if (!check->is_over && check->may_go_on) check->is_over = !check->may_go_on(check->context);
  return !check->is_over;
}

/* What comparing may still take, and whether it failed. One for each rule on one trace. */
typedef struct bt_work {
  bt_status status; /* BT_LIMIT: the text budget is spent; BT_NO_MEMORY. Of what was compared since nothing is known */
  /* Bytes of text that may still be walked over (bt_pattern_match); `contains` walks too. What is held back comes after
   * the next check. */
  uint64_t text_left, text_held;
  bt_check *check; /* or NULL */
  uint64_t turn;   /* which rule on which trace pays, from 1 */
} bt_work;

/* So much may be walked over from now on. */
void bt_work_allow(bt_work *work, uint64_t bytes);
bool bt_work_pay_more(bt_work *work, uint64_t bytes); /* bt_work_pay's other half */

/* Pays for text. False: that is more than was left; status is BT_LIMIT then. */
static inline bool bt_work_pay(bt_work *work, uint64_t bytes) {
  if (bytes <= work->text_left) {
    work->text_left -= bytes;
    return true;
  }
  return bt_work_pay_more(work, bytes);
}

static inline uint64_t bt_work_text(const bt_work *work) {
  return work->text_left + work->text_held;
}

/* A double that is not a number: like a missing value it makes every comparison false. */
bool bt_value_is_nan(const bt_value *value);
static inline bool bt_value_adds_up(const bt_value *value) { /* a number, and no NaN */
  return value->type == BT_VALUE_INT || (value->type == BT_VALUE_DOUBLE && !bt_value_is_nan(value));
}
/* Whether `left op right` holds. Where that could not be found out, work->status says why; else it stays as it is. */
bool bt_values_meet(const bt_comparator *comparator, const bt_value *left, const bt_value *right, bt_work *work);

#endif
