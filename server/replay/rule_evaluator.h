/* The rules of a replay, compiled, and what they say of one trace after another. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_RULE_EVALUATOR_H
#define BT_SERVER_REPLAY_RULE_EVALUATOR_H

#include "server/base/eval_limit.h"
#include "server/replay/replay_plan.h"

typedef struct bt_rule_evaluator {
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_eval_options *options; /* of the trace that comes next, one for each rule: `incomplete` is the caller's to set */
  bt_eval_limit limit;
} bt_rule_evaluator;

/* Dispose it in every case. */
bt_status bt_rule_evaluator_make(const bt_replay_plan *plan, bt_rule_evaluator *out, bt_error *error) BT_MUST_CHECK;
void bt_rule_evaluator_dispose(bt_rule_evaluator *evaluator);
/* *verdicts: one for each rule, there until the next call. BT_LIMIT: the trace is too much, and nothing is said of
 * it. */
bt_status bt_rule_evaluator_run(bt_rule_evaluator *evaluator, const bt_trace *trace, const bt_rule_verdict **verdicts,
                                bt_error *error) BT_MUST_CHECK;

#endif
