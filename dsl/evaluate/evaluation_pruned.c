/* Traces in which a processor replaced several spans by a summary (dsl/trace/trace_pruned.h). A summary stands for one
 * span with its name, kind, status, attributes, resource and scope. It hides others with the same name and status:
 * every version of the processor groups spans by these two. So a selection that cannot have a span of that name and
 * status lacks nothing. Start, end, parents, events and links of hidden spans are unknown. See evaluation.h. */
#include "dsl/evaluate/evaluation.h"
#include "dsl/evaluate/matcher.h"
#include "dsl/rule/field.h"
#include "dsl/trace/trace_pruned.h"

bool bt_pruned_knows(const bt_evaluator *evaluator, uint32_t span, bt_field_kind field) {
  if (!bt_evaluator_may_have_moved(evaluator, span)) return true;
  if (field == BT_FIELD_PARENT_ID) return false;
  if (!bt_evaluator_is_summary(evaluator, span)) return true;
  bool is_of_record = field == BT_FIELD_FLAGS || field == BT_FIELD_TRACE_STATE ||
                      field == BT_FIELD_DROPPED_ATTRIBUTES || field == BT_FIELD_DROPPED_EVENTS ||
                      field == BT_FIELD_DROPPED_LINKS;
  return !is_of_record && field != BT_FIELD_START && field != BT_FIELD_END && field != BT_FIELD_DURATION &&
         field != BT_FIELD_ID && !bt_field_is_of_event(field) && !bt_field_is_of_link(field);
}

static bool asks_what_is_known(const bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span) {
  for (uint32_t i = 0; i < predicate->item_count; i++)
    if (!asks_what_is_known(evaluator, predicate->items[i], span)) return false;
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE:
  case BT_PREDICATE_FALSE:
  case BT_PREDICATE_AND:
  case BT_PREDICATE_OR:
  case BT_PREDICATE_NOT:
  case BT_PREDICATE_NAMED: return true;
  case BT_PREDICATE_COMPARE: return bt_pruned_knows(evaluator, span, predicate->comparison.left->field.kind);
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: return bt_pruned_knows(evaluator, span, predicate->field.kind);
  case BT_PREDICATE_EVENT: return bt_pruned_knows(evaluator, span, BT_FIELD_EVENT_NAME);
  case BT_PREDICATE_LINK: return bt_pruned_knows(evaluator, span, BT_FIELD_LINK_SPAN_ID);
  }
  return false;
}

bool bt_pruned_can_test(const bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span) {
  return !bt_evaluator_may_have_moved(evaluator, span) || asks_what_is_known(evaluator, predicate, span);
}

/* ---- the spans that a summary hides ---- */

static bt_kleene hidden_meets(bt_evaluator *evaluator, const bt_program_predicate *predicate, const bt_span *summary);

static bt_kleene hidden_meets_all(bt_evaluator *evaluator, const bt_program_predicate *predicate,
                                  const bt_span *summary) {
  bt_kleene all = bt_kleene_from(true);
  for (uint32_t i = 0; i < predicate->item_count && all.truth != BT_FALSE; i++)
    all = bt_kleene_and(all, hidden_meets(evaluator, predicate->items[i], summary));
  return all;
}

static bt_kleene hidden_meets_any(bt_evaluator *evaluator, const bt_program_predicate *predicate,
                                  const bt_span *summary) {
  bt_kleene any = bt_kleene_from(false);
  for (uint32_t i = 0; i < predicate->item_count && any.truth != BT_TRUE; i++)
    any = bt_kleene_or(any, hidden_meets(evaluator, predicate->items[i], summary));
  return any;
}

/* A test of the name or the status against literals. */
static bool is_known(const bt_program_predicate *predicate) {
  bool is_test = predicate->kind == BT_PREDICATE_COMPARE || predicate->kind == BT_PREDICATE_EXISTS ||
                 predicate->kind == BT_PREDICATE_IS_TRUE;
  if (!is_test || !predicate->is_static) return false;
  bool compares = predicate->kind == BT_PREDICATE_COMPARE;
  bt_field_kind field = compares ? predicate->comparison.left->field.kind : predicate->field.kind;
  return field == BT_FIELD_NAME || field == BT_FIELD_STATUS;
}

static bt_kleene test_known(bt_evaluator *evaluator, const bt_program_predicate *predicate, const bt_span *summary) {
  bool is_met = bt_matcher_test(predicate, summary, NULL, &evaluator->work);
  return bt_evaluator_is_cut(evaluator) ? bt_kleene_unknown(BT_WHY_BUDGET) : bt_kleene_from(is_met);
}

/* Whether a span meets the predicate of which only the name and the status are known. */
static bt_kleene hidden_meets(bt_evaluator *evaluator, const bt_program_predicate *predicate, const bt_span *summary) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return bt_kleene_from(true);
  case BT_PREDICATE_FALSE: return bt_kleene_from(false);
  case BT_PREDICATE_AND: return hidden_meets_all(evaluator, predicate, summary);
  case BT_PREDICATE_OR: return hidden_meets_any(evaluator, predicate, summary);
  case BT_PREDICATE_NOT: return bt_kleene_not(hidden_meets(evaluator, predicate->items[0], summary));
  case BT_PREDICATE_NAMED: /* else its service may have that name */
    if (bt_str_equal(summary->name, predicate->name)) return bt_kleene_from(true);
    return bt_evaluator_missing(evaluator);
  case BT_PREDICATE_COMPARE:
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE:
    return is_known(predicate) ? test_known(evaluator, predicate, summary) : bt_evaluator_missing(evaluator);
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK: break;
  }
  return bt_evaluator_missing(evaluator);
}

/* Its tests alone, without its relations. */
static bt_kleene hidden_belongs(bt_evaluator *evaluator, const bt_program_selection *selection,
                                const bt_span *summary) {
  bt_kleene belongs = bt_kleene_from(true);
  const bt_program_predicate *fixed = evaluator->ruleset->matchers[selection->matcher].predicate;
  if (selection->matcher != BT_MATCH_ALL) {
    bt_evaluator_pay_tests(evaluator, fixed->tests);
    belongs = hidden_meets(evaluator, fixed, summary);
  }
  if (!selection->rest || belongs.truth == BT_FALSE) return belongs;
  bt_evaluator_pay_tests(evaluator, selection->rest->tests);
  return bt_kleene_and(belongs, hidden_meets(evaluator, selection->rest, summary));
}

bool bt_pruned_may_hide(bt_evaluator *evaluator, const bt_program_selection *selection) {
  bt_truth_slot *slot = &evaluator->hidden_slots[selection->slot];
  const bt_trace *trace = evaluator->index.trace;
  if (slot->turn == evaluator->turn) return slot->truth.truth == BT_TRUE;
  bool may_hide = false;
  for (uint32_t i = 0; i < trace->span_count && !may_hide; i++)
    if (trace->spans[i].pruning != BT_PRUNING_NONE) /* what was kept is as those that were not */
      may_hide = hidden_belongs(evaluator, selection, &trace->spans[i]).truth != BT_FALSE;
  *slot = (bt_truth_slot){bt_kleene_from(may_hide), evaluator->turn};
  return may_hide;
}

/* ---- numbers ---- */

uint64_t bt_pruned_weight(bt_evaluator *evaluator, const bt_program_selection *selection, uint32_t member) {
  bool is_plain = selection->base_binding == BT_NO_BINDING && selection->relation_count == 0;
  if (!is_plain || !bt_evaluator_is_summary(evaluator, member)) return 1;
  const bt_span *summary = bt_evaluator_span(evaluator, member);
  bool all_belong = hidden_belongs(evaluator, selection, summary).truth == BT_TRUE;
  return all_belong ? bt_pruning_span_count(summary) : 1;
}

uint64_t bt_pruned_span_count(const bt_evaluator *evaluator) {
  const bt_trace *trace = evaluator->index.trace;
  uint64_t count = trace->span_count;
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].pruning == BT_PRUNING_SUMMARY) count += bt_pruning_span_count(&trace->spans[i]) - 1;
  return count;
}

/* Without a summary nobody knows since when they were. */
bool bt_pruned_may_hide_root(const bt_evaluator *evaluator, uint32_t root) {
  const bt_trace *trace = evaluator->index.trace;
  bool has_summary = false;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_span *span = &trace->spans[i];
    bool is_earlier = root == BT_NO_SPAN || !trace->spans[root].start_ns ||
                      span->start_ns - (int64_t)trace->spans[root].time_slack_ns <= trace->spans[root].start_ns;
    if (span->pruning == BT_PRUNING_SUMMARY && is_earlier) return true;
    has_summary = has_summary || span->pruning == BT_PRUNING_SUMMARY;
  }
  return !has_summary;
}
