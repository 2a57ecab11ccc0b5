/* Deciding a trace from the spans that its rule speaks of: what both projections share. "Does not violate" is taken
 * from spans, and of a violation beyond those that are listed that there is one (counted_violations.h). Thread: the
 * replay's. Errors: BT_CANCELLED, BT_NO_MEMORY. */
#ifndef BT_SERVER_REPLAY_SPANS_VERDICT_H
#define BT_SERVER_REPLAY_SPANS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/trace.h"
#include "server/replay/decision.h"
#include "tempo/wire/source.h"

bt_spans_verdict bt_spans_verdict_of(const bt_decider *decider, const bt_rule_verdict *verdict);
/* Spans of traces that did not end before it decide nothing. */
int64_t bt_spans_steady_before_ns(const bt_decider *decider);
/* Whether these spans can say anything: all of them are there, and more cannot come. */
bool bt_spans_are_clear(const bt_decider *decider, const bt_trace *spans, bool needs_by_id, const bt_found *bounds);
/* The evaluator's options for spans that were shown. A version that was not checked may show fewer than there are, so
 * that only what no further span can change follows from these. */
void bt_spans_expect(bt_decider *decider);
/* *verdicts: of all rules; NULL: the whole trace is read, and that will say why these spans were too much. */
bt_status bt_spans_evaluate(bt_decider *decider, const bt_trace *spans, const bt_rule_verdict **verdicts,
                            bt_error *error) BT_MUST_CHECK;
/* For a replay of one rule: what these spans show of their trace, as long as nothing else is known of it. */
bt_status bt_spans_judge(bt_decider *decider, const bt_found_spans *spans, bt_spans_verdict *out,
                         bt_error *error) BT_MUST_CHECK;
/* Whether what is known of the trace besides lets its spans decide. */
bool bt_spans_may_decide(const bt_decider *decider, size_t known);
/* Whether violations may be counted that nobody reads: somebody wants to be told of so many, and of no verdicts. */
bool bt_spans_may_count(const bt_decider *decider);
/* Takes the trace out of the rule's `unread`, or marks it as one that violates; not for BT_SPANS_UNDECIDED. */
void bt_spans_decide(bt_decider *decider, bt_rule_sets *rule, bt_spans_verdict verdict, size_t known);
/* Takes that back; where nothing was said so, nothing. */
void bt_spans_undecide(bt_decider *decider, bt_rule_sets *rule, size_t known);
/* Makes the rule's sets of decided traces. */
bt_status bt_spans_make_sets(const bt_decider *decider, bt_rule_sets *rule, bt_error *error) BT_MUST_CHECK;

#endif
