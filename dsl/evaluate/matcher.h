/* Static predicates: tests on one span that depend on nothing else. A matcher is one such test, shared by all rules
 * that ask for it. Thread: no state. */
#ifndef BT_DSL_EVALUATE_MATCHER_H
#define BT_DSL_EVALUATE_MATCHER_H

#include <stdbool.h>

#include "dsl/evaluate/value_comparison.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/program.h"
#include "dsl/rule/field.h"
#include "dsl/trace/trace.h"

/* Whether the span (and inside a predicate about one event or link that one, else NULL) meets a static predicate. Where
 * that could not be found out, work->status says why. */
bool bt_matcher_test(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                     bt_work *work);
/* With where to look for spans that can meet it; enters names, services and compared fields into the ruleset. False: no
 * memory. */
bool bt_matcher_make(struct bt_ruleset *ruleset, const bt_program_predicate *predicate, bt_matcher *out) BT_MUST_CHECK;
/* Once all matchers are made: which of them look in groups. */
void bt_matchers_finish(struct bt_ruleset *ruleset);
/* A text that two static predicates share only when they are the same. */
void bt_matcher_write_key(const bt_program_predicate *predicate, bt_buffer *out);

#endif
