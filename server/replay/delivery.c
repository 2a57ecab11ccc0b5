/* Telling what was judged. See delivery.h. */
#include "server/replay/delivery.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_before(const bt_moment *a, const bt_moment *b) {
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns;
  return bt_trace_id_compare(&a->trace_id, &b->trace_id) < 0;
}

static void track_violation(bt_rule_result *result, const bt_trace_verdict *verdict) {
  bt_moment moment = {true, verdict->trace_id, verdict->violation_ns};
  result->violations_found++;
  if (!verdict->is_settled) result->violations_provisional++;
  if (!result->first_violation.is_set || is_before(&moment, &result->first_violation)) result->first_violation = moment;
  if (!result->last_violation.is_set || !is_before(&moment, &result->last_violation)) result->last_violation = moment;
}

static void track_inconclusive(bt_rule_result *result, const bt_trace_verdict *verdict) {
  result->inconclusive++;
  if (verdict->is_young && (!result->inconclusive_open++ || verdict->time_ns < result->open_ns))
    result->open_ns = verdict->time_ns;
  if (!result->first_inconclusive.is_set || verdict->time_ns < result->first_inconclusive.time_ns)
    result->first_inconclusive = (bt_moment){true, verdict->trace_id, verdict->time_ns};
}

/* A violation in a trace that the searches had ruled out: Tempo's answers or the plan were wrong. It is reported,
 * and the answer is not complete, because others like it were not read. */
static void track_unread(bt_judge *judge, bt_rule_result *result, const bt_trace_verdict *verdict) {
  if (!verdict->is_settled || !judge->decider->rules[verdict->rule].is_answered) return;
  result->unread_sampled++;
  if (verdict->verdict != BT_VIOLATED) return;
  result->unread_differences++;
  judge->unread_differences++;
}

static void track_verdict(bt_judge *judge, const bt_trace_verdict *verdict, bool was_wanted) {
  bt_rule_result *result = &judge->account->result->rules[verdict->rule];
  if (verdict->verdict == BT_VIOLATED) track_violation(result, verdict);
  if (verdict->is_settled && verdict->exercised == BT_TRUE) result->traces_exercised++;
  if (!was_wanted) {
    track_unread(judge, result, verdict);
    return;
  }
  result->traces_read++;
  if (verdict->is_settled && verdict->verdict == BT_INCONCLUSIVE) track_inconclusive(result, verdict);
}

/* Takes the violation. An observer that is full is told nothing more, and the outcome says so; counting goes on. */
static bt_status tell_violation(bt_judge *judge, size_t rule, bt_violation *violation, bt_error *error) {
  bt_error why = {0};
  if (!violation || !judge->account->observer || !judge->account->observer->violation || judge->observer_full) {
    bt_violation_free(violation);
    return BT_OK;
  }
  bt_status status = judge->account->observer->violation(judge->account->observer->context, rule, violation, &why);
  if (status == BT_LIMIT) {
    judge->observer_full = true;
    snprintf(judge->full_reason, sizeof judge->full_reason, "%.190s", why.message);
    return BT_OK;
  }
  if (status != BT_OK && error) *error = why;
  return status;
}

bt_status bt_delivery_tell(const bt_replay_account *account, const bt_trace_verdict *verdict, bt_error *error) {
  if (!account->observer || !account->observer->verdict) return BT_OK;
  return account->observer->verdict(account->observer->context, verdict, error);
}

/* A trace counts once, whichever rules wait for the rest of it. */
static void track_open(bt_judge *judge, size_t known, const bt_judged *rules) {
  bool is_open = false;
  for (size_t i = 0; i < judge->plan->rule_count; i++) {
    const bt_trace_verdict *verdict = &rules[i].verdict;
    bool is_missing = rules[i].is_usable && verdict->is_settled && verdict->is_young &&
                      verdict->verdict == BT_INCONCLUSIVE && bt_bit_get(judge->decider->rules[i].unread, known);
    if (!is_missing) continue;
    if ((!judge->account->result->open_traces && !is_open) || verdict->time_ns < judge->account->result->open_ns)
      judge->account->result->open_ns = verdict->time_ns;
    is_open = true;
  }
  judge->account->result->open_traces += is_open;
}

/* Takes the rule's violation. What was not wanted for a rule is not a candidate of it: unless it violates, that is
 * all there is to say. */
static bt_status deliver_rule(bt_judge *judge, size_t known, bt_judged *judged, bt_error *error) {
  bt_trace_verdict *verdict = &judged->verdict;
  bt_violation *violation = judged->violation;
  judged->violation = NULL;
  if (!judged->is_usable) return BT_OK;
  bool was_wanted = bt_bit_get(judge->decider->rules[verdict->rule].unread, known);
  if (!was_wanted && verdict->verdict == BT_INCONCLUSIVE) verdict->verdict = BT_SATISFIED;
  track_verdict(judge, verdict, was_wanted);
  bt_status status = tell_violation(judge, verdict->rule, violation, error);
  return status == BT_OK ? bt_delivery_tell(judge->account, verdict, error) : status;
}

void bt_judged_free(bt_judged *rules, size_t count) {
  for (size_t i = 0; rules && i < count; i++) bt_violation_free(rules[i].violation);
  free(rules);
}

bt_status bt_delivery_take(bt_judge *judge, size_t known, bt_judged *rules, bt_error *error) {
  bt_status status = BT_OK;
  track_open(judge, known, rules);
  for (size_t i = 0; status == BT_OK && i < judge->plan->rule_count; i++)
    status = deliver_rule(judge, known, &rules[i], error);
  bt_judged_free(rules, judge->plan->rule_count);
  return status;
}

bool bt_judged_violates(const bt_judge *judge, const bt_judged *rules) {
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    if (rules[i].is_usable && rules[i].verdict.verdict == BT_VIOLATED) return true;
  return false;
}
