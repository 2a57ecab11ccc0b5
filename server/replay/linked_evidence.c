/* Asking who links, and judging by it. See linked_evidence.h. */
#include "server/replay/linked_evidence.h"

#include "dsl/base/time_sum.h"
#include "server/replay/marked_traces.h"

enum { MOST_LINKERS = 256 };   /* of each candidate: their spans cost what reading it and its family by id costs */
enum { SHARE_OF_LINKERS = 8 }; /* of the memory of a replay */

/* A linked span starts at most D before or after a span of its trace does. */
bt_time_range bt_linked_evidence_range(const bt_rule_sets *rule, bt_time_range of_traces) {
  int64_t within_ns = rule->planned->reach.within_ns;
  return (bt_time_range){bt_time_subtract(of_traces.start_ns, within_ns),
                         bt_time_add(bt_time_add(of_traces.end_ns, within_ns), 1)};
}

/* A search of its own, whose answer is in full or none. */
static bt_status search_traces(bt_decider *decider, bt_query query, bt_time_range range, size_t max_found,
                               bt_found_list *found, bt_error *error) {
  bt_question question = {.query = query, .range = range, .max_found = max_found, .expected = BT_EXPECTS_FEW};
  return bt_questions_ask_apart(decider->questions, &question, found, error);
}

bt_status bt_linked_evidence_probe(bt_decider *decider, const bt_rule_sets *rule, bt_time_range range,
                                   size_t candidates, bt_error *error) {
  bt_found_list found = {0};
  bt_query linked = rule->planned->plan->evidence.linked.asked;
  bt_status status = search_traces(decider, linked, range, candidates * MOST_LINKERS + 1, &found, error);
  bt_found_list_dispose(&found);
  return status;
}

/* Traces with summaries in place of spans show nothing. */
static bt_status take_linker(void *context, const bt_found_spans *spans, bt_error *error) {
  bt_decider *decider = context;
  if (bt_replay_plan_is_cancelled(decider->plan)) return bt_replay_plan_cancelled(error);
  bool is_clear = spans->trace && !spans->needs_by_id && !spans->trace->partial && !spans->trace->differing_copies;
  if (!is_clear || bt_found_list_get(&decider->evidence.pruned, &spans->found.id)) return BT_OK;
  return bt_linker_table_add(&decider->evidence.linkers, spans->trace, error);
}

bt_status bt_linked_evidence_gather(bt_decider *decider, const bt_rule_sets *rule, const bt_gathering *what,
                                    bt_error *error) {
  const bt_replay_request *request = &decider->plan->request;
  bt_linked_evidence *evidence = &decider->evidence;
  bt_spans_request spans = bt_replay_plan_spans(decider->plan, rule->planned->plan->evidence.linked, what->range);
  spans.projection = &rule->planned->linked_fields;
  spans.expected = what->expected;
  spans.is_beside = what->beside != NULL;
  bt_linked_evidence_clear(decider);
  evidence->linkers.most_bytes = request->memory_limit_bytes / SHARE_OF_LINKERS;
  bt_status status = search_traces(decider, bt_pruned_query(), what->range, 0, &evidence->pruned, error);
  bt_found_list_sort(&evidence->pruned);
  if (status == BT_OK)
    status = bt_questions_find_spans(decider->questions, &spans, what->beside, take_linker, decider, error);
  bt_linker_table_sort(&evidence->linkers);
  if (status != BT_OK) bt_linked_evidence_clear(decider);
  return status;
}

bt_status bt_linked_evidence_evaluate(bt_decider *decider, const bt_trace *own, const bt_rule_verdict **verdicts,
                                      bt_error *error) {
  bt_family family;
  bt_error why = {0};
  *verdicts = NULL;
  bt_status status = bt_linker_table_family(&decider->evidence.linkers, own, &family, error);
  if (status != BT_OK) return status;
  status = bt_rule_evaluator_run_family(decider->evaluator, &family, verdicts, &why);
  if (status == BT_OK) return BT_OK;
  *verdicts = NULL;
  if (status == BT_LIMIT) return BT_OK;
  if (error) *error = why;
  return status;
}

bt_status bt_linked_evidence_judge(bt_decider *decider, const bt_rule_sets *rule, const bt_trace *own,
                                   bt_spans_verdict *out, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bt_spans_expect(decider);
  bt_status status = bt_linked_evidence_evaluate(decider, own, &verdicts, error);
  *out =
      status == BT_OK && verdicts ? bt_spans_verdict_of(decider, &verdicts[rule - decider->rules]) : BT_SPANS_UNDECIDED;
  return status;
}

void bt_linked_evidence_clear(bt_decider *decider) {
  bt_linker_table_dispose(&decider->evidence.linkers);
  bt_found_list_dispose(&decider->evidence.pruned);
  decider->evidence.pruned = (bt_found_list){0};
}
