/* What numbers come to. A pass is said only where everything was read, compared and judged, and something exercised the rule. See report_build.h. */
#include <inttypes.h>
#include <stdio.h>

#include "server/report/report_build.h"

const char *bt_finding_name(bt_finding finding) {
  switch (finding) {
  case BT_FINDING_VIOLATED: return "violated";
  case BT_FINDING_INCONCLUSIVE: return "inconclusive";
  case BT_FINDING_NO_DATA: return "no_data";
  case BT_FINDING_NOT_EVALUATED: return "not_evaluated";
  case BT_FINDING_NOT_EXERCISED: return "not_exercised";
  case BT_FINDING_PARTLY_EXERCISED: return "partly_exercised";
  case BT_FINDING_PASS: return "pass";
  case BT_FINDING_NO_RULES: return "no_rules";
  }
  return "";
}

static bt_finding unevaluated(const bt_rule_definition *rule, char reason[240]) {
  if (!rule->fields.enabled) return snprintf(reason, 240, "the rule is disabled"), BT_FINDING_NOT_EVALUATED;
  snprintf(reason, 240, "the stored rule cannot be evaluated: %.190s", rule->broken ? rule->broken : "");
  return BT_FINDING_INCONCLUSIVE;
}

/* A bare condition without a `not` is exercised by the traces that violate it and by no other (dsl.md §2). */
static bool is_only_violated(const bt_rule *rule) {
  const bt_condition *whole = rule->condition;
  if (!whole || whole->kind == BT_CONDITION_NOT) return false;
  for (uint32_t i = 0; whole->kind == BT_CONDITION_AND && i < whole->item_count; i++)
    if (whole->items[i]->kind == BT_CONDITION_NOT) return false;
  return true;
}

static bt_finding unexercised(const bt_measured *rule, char reason[240]) {
  snprintf(reason, 240, "no trace in the range exercised the rule: it says nothing of the control%s",
           is_only_violated(rule->rule->rule)
               ? ". Only a violation exercises a condition like this; written as when { … } "
                 "never { … } it says which traces it is about"
               : "");
  return BT_FINDING_NOT_EXERCISED;
}

static bt_finding of_unviolated(const bt_measured *rule, const bt_measurement *all, char reason[240]) {
  if (all->is_missing) return snprintf(reason, 240, "%.230s", all->reason), BT_FINDING_INCONCLUSIVE;
  if (!all->has_data) return snprintf(reason, 240, "%.230s", all->reason), BT_FINDING_NO_DATA;
  if (rule->inconclusive) {
    snprintf(reason, 240, "%" PRIu64 " verdict%s could not be reached: each may be a violation", rule->inconclusive,
             rule->inconclusive == 1 ? "" : "s");
    return BT_FINDING_INCONCLUSIVE;
  }
  if (all->coverage.effective_end_ns <= all->coverage.asked.start_ns)
    return snprintf(reason, 240, "nothing in the range is settled yet"), BT_FINDING_INCONCLUSIVE;
  if (rule->exercised) {
    if (rule->provisional)
      snprintf(reason, 240, "up to the effective end; after it %" PRIu64 " violations are not settled yet",
               rule->provisional);
    return BT_FINDING_PASS;
  }
  if (rule->exercised_is_exact) return unexercised(rule, reason);
  snprintf(reason, 240, "the traces that exercised the rule could not be counted");
  return BT_FINDING_INCONCLUSIVE;
}

bt_finding bt_finding_of_rule(const bt_measured *rule, const bt_measurement *all, char reason[240]) {
  reason[0] = '\0';
  if (!rule->is_evaluated) return unevaluated(rule->rule, reason);
  if (!rule->violated) return of_unviolated(rule, all, reason);
  if (all->is_missing) snprintf(reason, 240, "there may be more violations than were counted: %.190s", all->reason);
  return BT_FINDING_VIOLATED;
}

bt_finding bt_finding_of_control(const bt_finding *rules, size_t count) {
  bt_finding worst = BT_FINDING_NO_RULES;
  bool has_pass = false;
  for (size_t i = 0; i < count; i++) {
    if (rules[i] < worst) worst = rules[i];
    if (rules[i] == BT_FINDING_PASS || rules[i] == BT_FINDING_PARTLY_EXERCISED) has_pass = true;
  }
  return worst == BT_FINDING_NOT_EXERCISED && has_pass ? BT_FINDING_PARTLY_EXERCISED : worst;
}

bt_finding bt_finding_beside_unknown(bt_finding finding, bool has_unknown) {
  bool is_good =
      finding == BT_FINDING_PASS || finding == BT_FINDING_PARTLY_EXERCISED || finding == BT_FINDING_NOT_EXERCISED;
  return is_good && has_unknown ? BT_FINDING_INCONCLUSIVE : finding;
}
