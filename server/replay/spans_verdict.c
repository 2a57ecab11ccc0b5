/* What the spans of one trace show. See spans_verdict.h. What is decided here must not be able to change by more spans.
 * So it takes only traces whose fragments ended more than margin before what is settled, that are not longer than
 * margin, and that no answer left in doubt. docs/ARCHITECTURE.md has the argument. */
#include "server/replay/spans_verdict.h"

#include "dsl/base/time_sum.h"
#include "server/replay/marked_traces.h"

int64_t bt_spans_steady_before_ns(const bt_decider *decider) {
  const bt_replay_request *request = &decider->plan->request;
  int64_t open_ns = bt_time_add(request->assumptions.settle_ns, decider->plan->window.margin_ns);
  int64_t steady_ns = bt_time_subtract(request->now_ns, open_ns);
  int64_t handed_over_ns = bt_time_subtract(request->now_ns, request->assumptions.handover_ns);
  /* What is younger may be the spans that one ingester has. */
  return decider->plan->has_copies && handed_over_ns < steady_ns ? handed_over_ns : steady_ns;
}

/* Whether fragments with these bounds cannot belong to a trace that is judged otherwise later, or that begins before
 * what was searched. */
static bool is_steady(const bt_decider *decider, const bt_found *bounds) {
  return !bounds->in_doubt && bounds->end_ns < bt_spans_steady_before_ns(decider) &&
         bt_time_subtract(bounds->end_ns, bounds->start_ns) <= decider->plan->window.margin_ns;
}

bool bt_spans_may_decide(const bt_decider *decider, size_t index) {
  const bt_known *known = &decider->table->traces[index];
  if (known->flags & (BT_KNOWN_OWN | BT_KNOWN_ASKED) || bt_trace_table_is_outside(decider->table, known)) return false;
  if (bt_pruned_traces_has(decider->questions, index)) return false;
  bool is_clear = known->flags & BT_KNOWN_LISTED ? is_steady(decider, &known->listed) : true;
  if (known->flags & BT_KNOWN_MATCHED) is_clear = is_clear && is_steady(decider, &known->matched);
  return is_clear;
}

bool bt_spans_may_count(const bt_decider *decider) {
  const bt_replay_plan *plan = decider->plan;
  const bt_replay_observer *observer = decider->account->observer;
  if (!plan->request.most_listed || plan->reads_at_random || plan->shows_links || !plan->is_checked) return false;
  return observer && observer->violation && (!observer->verdict || plan->request.tells_counted);
}

/* The rule's verdict on the spans is the one on the trace. */
bt_spans_verdict bt_spans_verdict_of(const bt_decider *decider, const bt_rule_verdict *verdict) {
  if (verdict->exercised == BT_UNKNOWN) return BT_SPANS_UNDECIDED; /* who counts would count it wrong */
  bool violates = verdict->verdict == BT_VIOLATED && verdict->exercised == BT_TRUE;
  if (violates && bt_spans_may_count(decider)) return BT_SPANS_VIOLATION;
  if (verdict->verdict != BT_SATISFIED && verdict->verdict != BT_NOT_APPLICABLE) return BT_SPANS_UNDECIDED;
  return verdict->exercised == BT_TRUE ? BT_SPANS_EXERCISED : BT_SPANS_NO_VIOLATION;
}

static void clear_bit(uint64_t *bits, size_t index) {
  bits[index / 64] &= ~((uint64_t)1 << (index % 64));
}

void bt_spans_decide(bt_decider *decider, bt_rule_sets *rule, bt_spans_verdict verdict, size_t known) {
  if (verdict == BT_SPANS_VIOLATION) {
    bt_bit_set(rule->violating, known);
    return;
  }
  clear_bit(rule->unread, known);
  bt_bit_set(rule->decided, known);
  if (verdict == BT_SPANS_EXERCISED) bt_bit_set(rule->decided_exercised, known);
  decider->account->result->rules[rule - decider->rules].decided_unread++;
}

void bt_spans_undecide(bt_decider *decider, bt_rule_sets *rule, size_t known) {
  if (rule->violating) clear_bit(rule->violating, known);
  if (!bt_bit_get(rule->decided, known)) return;
  bt_bit_set(rule->unread, known);
  clear_bit(rule->decided, known);
  clear_bit(rule->decided_exercised, known);
  decider->account->result->rules[rule - decider->rules].decided_unread--;
}

void bt_spans_expect(bt_decider *decider) {
  bool may_lack = !decider->plan->is_checked;
  for (size_t i = 0; i < decider->plan->rule_count; i++) decider->evaluator->options[i].incomplete = may_lack;
}

/* *verdicts: of all rules; NULL: the whole trace is read, and that will say why these spans were too much. */
bt_status bt_spans_evaluate(bt_decider *decider, const bt_trace *trace, const bt_rule_verdict **verdicts,
                            bt_error *error) {
  bt_error why = {0};
  *verdicts = NULL;
  bt_spans_expect(decider);
  bt_status status = bt_rule_evaluator_run(decider->evaluator, trace, verdicts, &why);
  if (status == BT_OK) return BT_OK;
  *verdicts = NULL;
  if (status == BT_LIMIT) return BT_OK;
  if (error) *error = why;
  return status;
}

bool bt_spans_are_clear(const bt_decider *decider, const bt_trace *spans, bool needs_by_id, const bt_found *bounds) {
  bool is_clear = spans && spans->span_count && !needs_by_id && !spans->partial && !spans->differing_copies;
  return is_clear && is_steady(decider, bounds);
}

bt_status bt_spans_judge(bt_decider *decider, const bt_found_spans *spans, bt_spans_verdict *out, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bt_status status = BT_OK;
  if (bt_spans_are_clear(decider, spans->trace, spans->needs_by_id, &spans->found))
    status = bt_spans_evaluate(decider, spans->trace, &verdicts, error);
  *out = status == BT_OK && verdicts ? bt_spans_verdict_of(decider, &verdicts[0]) : BT_SPANS_UNDECIDED;
  return status;
}

bt_status bt_spans_make_sets(const bt_decider *decider, bt_rule_sets *rule, bt_error *error) {
  if (!rule->decided) rule->decided = bt_bits_new(decider->table);
  if (!rule->decided_exercised) rule->decided_exercised = bt_bits_new(decider->table);
  bool counts = bt_spans_may_count(decider);
  if (counts && !rule->violating) rule->violating = bt_bits_new(decider->table);
  bool has_room = rule->decided && rule->decided_exercised && (rule->violating || !counts);
  return has_room ? BT_OK : bt_error_no_memory(error);
}
