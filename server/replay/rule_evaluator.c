/* Evaluating a replay's rules. See rule_evaluator.h. */
#include "server/replay/rule_evaluator.h"

#include <stdlib.h>

#include "dsl/arena.h"

bt_status bt_rule_evaluator_make(const bt_replay_plan *plan, bt_rule_evaluator *out, bt_error *error) {
  *out = (bt_rule_evaluator){.limit.cancel = plan->request.cancel};
  const bt_rule **rules = bt_realloc_array(NULL, plan->rule_count, sizeof *rules);
  out->options = calloc(plan->rule_count, sizeof *out->options);
  bt_status status = rules && out->options ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < plan->rule_count; i++) {
    rules[i] = plan->rules[i].definition->rule;
    out->options[i] = plan->rules[i].options;
  }
  if (status == BT_OK) status = bt_ruleset_new(rules, plan->rule_count, &out->ruleset, error);
  if (status == BT_OK) status = bt_evaluator_new(out->ruleset, &out->evaluator, error);
  free(rules);
  return status;
}

void bt_rule_evaluator_dispose(bt_rule_evaluator *evaluator) {
  bt_evaluator_free(evaluator->evaluator);
  bt_ruleset_free(evaluator->ruleset);
  free(evaluator->options);
}

bt_status bt_rule_evaluator_run(bt_rule_evaluator *evaluator, const bt_trace *trace, const bt_rule_verdict **verdicts,
                                bt_error *error) {
  return bt_eval_run_within(&evaluator->limit, evaluator->evaluator, trace, evaluator->options, verdicts, error);
}
