/* The same question to both evaluators, and how their answers differ. Only for tests. */
#ifndef BT_TESTS_VERDICT_PAIR_H
#define BT_TESTS_VERDICT_PAIR_H

#include "tests/naive/naive.h"

/* Verdict, reason, exercised, the number of violating choices, and the bound spans of those that are reported, in their
 * order. False, with both answers appended to `out`, when they differ. */
bool verdicts_agree(const bt_rule *rule, const bt_trace *trace, const bt_rule_verdict *fast, const naive_verdict *naive,
                    bt_buffer *out);

/* One rule on one trace, both as text, in a ruleset of its own. True: both can be read, and the answers differ
 * (appended to `out`). */
bool texts_differ(bt_str rule_text, const char *trace_text, const bt_eval_options *options, bt_buffer *out);

/* Makes a difference small: leaves out spans, fields of spans and parts of the rule while it stays. The texts are
 * changed in place. */
void minimise_difference(bt_buffer *rule_text, bt_buffer *trace_text, bt_eval_options *options);

#endif
