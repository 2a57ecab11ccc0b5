/* The numbers of a replay, once everything is read: how many traces the window has, how many of them each rule's verdict follows for, how
 * many exercised it, and whether these numbers are exact. Own traces count nowhere. Thread: the replay's. */
#include "server/replay/run.h"

typedef struct exactness {
  bool evaluated, exercised;
} exactness;

static bool judged_for(const bt_run_rule *rule, const bt_known *known) {
  if (!(known->flags & BT_KNOWN_JUDGED)) return false;
  return !rule->whole_trace || known->flags & BT_KNOWN_BY_ID;
}

/* A verdict follows for a trace that was judged, or that the searches show not to violate. A rule that takes complete traces only cannot
 * tell the latter without reading whether a trace is complete. */
static void count_evaluated(const bt_run_rule *rule, size_t index, bool is_judged, bt_place place,
                            bt_rule_result *result, exactness *exact) {
  bool follows = is_judged || (!bt_bit_get(rule->unread, index) && !rule->require_complete);
  if (place == BT_PLACE_UNDECIDED || !follows)
    exact->evaluated = false;
  else if (place == BT_PLACE_SETTLED)
    result->traces_evaluated++;
}

/* Judged traces that exercised the rule are counted already. */
static void count_exercised(const bt_run_rule *rule, size_t index, bool is_judged, bt_place place,
                            bt_rule_result *result, exactness *exact) {
  if (is_judged || (rule->exercising && !bt_bit_get(rule->exercising, index))) return;
  if (!rule->exercising || !rule->plan->exercising_is_exact || place == BT_PLACE_UNDECIDED)
    exact->exercised = false;
  else if (place == BT_PLACE_SETTLED)
    result->traces_exercised++;
}

static void count_rule(bt_run *run, size_t number) {
  const bt_run_rule *rule = &run->rules[number];
  bt_rule_result *result = &run->result->rules[number];
  exactness exact = {run->is_listed && run->own_are_known, rule->exercising && run->own_are_known};
  for (size_t i = 0; i < run->known_count; i++) {
    const bt_known *known = &run->known[i];
    bt_place place = bt_run_place(run, known);
    if (known->flags & BT_KNOWN_OWN || place == BT_PLACE_OUTSIDE) continue;
    bool is_judged = judged_for(rule, known);
    if (bt_bit_get(rule->candidates, i)) result->traces_candidate++;
    count_evaluated(rule, i, is_judged, place, result, &exact);
    count_exercised(rule, i, is_judged, place, result, &exact);
  }
  result->evaluated_is_exact = exact.evaluated;
  result->exercised_is_exact = exact.exercised;
}

static bool is_candidate(const bt_run *run, size_t index) {
  for (size_t i = 0; i < run->request.rule_count; i++)
    if (bt_bit_get(run->rules[i].candidates, index)) return true;
  return false;
}

void bt_counts_finish(bt_run *run) {
  bt_coverage *coverage = &run->result->coverage;
  for (size_t i = 0; i < run->known_count; i++) {
    bt_place place = bt_run_place(run, &run->known[i]);
    if (run->known[i].flags & BT_KNOWN_OWN) continue;
    if (place == BT_PLACE_TAIL) coverage->unsettled++;
    if (place == BT_PLACE_OUTSIDE && is_candidate(run, i)) coverage->outside++;
  }
  for (size_t i = 0; i < run->request.rule_count; i++) count_rule(run, i);
}
