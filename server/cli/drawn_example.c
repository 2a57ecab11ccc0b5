/* See drawn_example.h. */
#include "server/cli/drawn_example.h"

#include "dsl/evaluate/eval.h"
#include "dsl/example/example.h"
#include "server/cli/trace_drawing.h"

bt_status bt_drawn_example(const bt_trace *trace, const bt_rule_definition *const *rules, size_t rule_count,
                           bt_buffer *out, bt_error *error) {
  enum { MOST_RULES = 2 };
  const bt_rule *compiled[MOST_RULES];
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdicts = NULL;
  bt_family_trace room;
  bt_family family = bt_example_family(trace, &room);
  bt_drawing drawing = {0};
  for (size_t i = 0; i < rule_count; i++) compiled[i] = rules[i]->rule;
  bt_status status = bt_ruleset_new(compiled, rule_count, &ruleset, error);
  if (!status) status = bt_evaluator_new(ruleset, &evaluator, error);
  if (!status) status = bt_evaluator_run_family(evaluator, &family, NULL, &verdicts, error);
  if (!status) status = bt_drawing_new(trace, &family, rules, verdicts, rule_count, &drawing, error);
  if (!status) bt_drawing_print_made_up(&drawing, out);
  if (!status && out->failed) status = bt_error_no_memory(error);
  bt_drawing_dispose(&drawing);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return status;
}
