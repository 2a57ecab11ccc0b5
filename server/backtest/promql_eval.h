/* What an expression is at a moment, after Prometheus 2.42: instant vectors look back five minutes, ranges have both of
 * their ends, rate and increase extrapolate. Thread: one at a time for a tree, a table and a store. */
#ifndef BT_SERVER_BACKTEST_PROMQL_EVAL_H
#define BT_SERVER_BACKTEST_PROMQL_EVAL_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "server/backtest/label_table.h"
#include "server/backtest/promql.h"
#include "server/backtest/series_store.h"

typedef struct bt_promql_marks { /* what was met in this round, by the number of a label set */
  struct {
    uint64_t round;
    size_t index;
  } * items;
  size_t capacity;
  uint64_t round;
} bt_promql_marks;

typedef struct bt_promql_context { /* all-zero but for the first two; bt_promql_context_dispose */
  bt_label_table *table;           /* borrowed */
  bt_series_store *store;          /* borrowed */
  int64_t time_ms;
  bt_promql_marks marks;
} bt_promql_context;

void bt_promql_context_dispose(bt_promql_context *context);

/* *out is borrowed until the expression is evaluated again; a number is a sample without labels. BT_INVALID: what
 * Prometheus would refuse at this moment (several series that match one, equal label sets). BT_NO_MEMORY. */
bt_status bt_promql_eval(bt_promql_context *context, const bt_promql *expression, const bt_promql_vector **out,
                         bt_error *error) BT_MUST_CHECK;
/* Whether the matcher takes the labels. Where that cannot be found out the table has failed. */
bool bt_promql_takes(bt_label_table *table, const bt_promql_matcher *matcher, bt_label_set set);
/* Takes the series that its matchers take and that it has not seen; false: no memory. */
bool bt_promql_resolve(bt_promql_context *context, bt_promql_node *selector);

/* ---- for promql_range.c and promql_match.c ---- */

bool bt_promql_push(bt_promql_vector *vector, bt_label_set labels, double value);
/* Begins a round of marks over all label sets that there are; false: no memory. */
bool bt_promql_begin_marks(bt_promql_context *context);
/* Whether the set is marked, and with what; else it is now, with `index`. */
bool bt_promql_mark(bt_promql_context *context, bt_label_set set, size_t index, size_t *before);
/* BT_INVALID: two samples have the same labels. */
bt_status bt_promql_check_unique(bt_promql_context *context, const bt_promql_vector *vector,
                                 bt_error *error) BT_MUST_CHECK;
/* The labels without the metric's name. */
bt_label_set bt_promql_drop_name(bt_promql_context *context, bt_promql_node *node, bt_label_set set);
/* What the node's names make of a set: what by, without, on and ignoring leave of it. */
bt_label_set bt_promql_group(bt_promql_context *context, bt_promql_memo *memo, const bt_promql_node *node,
                             bt_label_set set);
/* Of a node whose argument is a range. BT_INVALID and BT_NO_MEMORY as bt_promql_eval. */
bt_status bt_promql_eval_range(bt_promql_context *context, bt_promql_node *node, bt_error *error) BT_MUST_CHECK;
/* Of an operator between two vectors, which are evaluated. BT_INVALID and BT_NO_MEMORY as bt_promql_eval. */
bt_status bt_promql_eval_match(bt_promql_context *context, bt_promql_node *node, bt_error *error) BT_MUST_CHECK;
/* *keeps: of a comparison, whether it holds; else true. */
double bt_promql_operate(bt_promql_operator op, double left, double right, bool *keeps);
/* The labels that absent() and absent_over_time() show of a selector. */
bt_label_set bt_promql_absent_labels(bt_promql_context *context, const bt_promql_node *selector);

#endif
