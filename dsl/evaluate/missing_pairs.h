/* Comparisons of an attribute of two spans that both lacked it: such a test does not hold, and in `never` that looks
 * like a rule that is kept. Counts traces in which a span that may be meant on each side lacks it. No verdict depends
 * on it. Left out is what the rule asks for by `exists`, and alternatives of an `or`. Memory: a row for each such
 * comparison of the rule, which is borrowed. Thread: one at a time. */
#ifndef BT_DSL_EVALUATE_MISSING_PAIRS_H
#define BT_DSL_EVALUATE_MISSING_PAIRS_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

typedef struct bt_missing_pairs bt_missing_pairs;

/* *out is new; the rule outlives it. BT_NO_MEMORY alone. */
bt_status bt_missing_pairs_new(const bt_rule *rule, bt_missing_pairs **out, bt_error *error) BT_MUST_CHECK;
void bt_missing_pairs_free(bt_missing_pairs *pairs);
void bt_missing_pairs_look(bt_missing_pairs *pairs, const bt_trace *trace);
/* What others of the same rule have seen. */
void bt_missing_pairs_add(bt_missing_pairs *pairs, const bt_missing_pairs *others);
/* How many comparisons met such spans. */
size_t bt_missing_pairs_count(const bt_missing_pairs *pairs);
/* Number i of them: appends one sentence to `out` and gives the place of the comparison. */
void bt_missing_pairs_say(const bt_missing_pairs *pairs, size_t i, bt_buffer *out, bt_range *place);

#endif
