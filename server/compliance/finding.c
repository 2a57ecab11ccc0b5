/* What numbers come to. A pass is said only where everything was read, compared and judged, and something exercised the
 * rule. See report_builder.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/compliance/report_builder.h"
#include "server/replay/sampled_text.h"
#include "server/rules/derived_rule.h"

const char *bt_finding_name(bt_finding finding) {
  switch (finding) {
  case BT_FINDING_VIOLATED: return "violated";
  case BT_FINDING_INCONCLUSIVE: return "inconclusive";
  case BT_FINDING_INCOMPLETE: return "incomplete";
  case BT_FINDING_NO_DATA: return "no_data";
  case BT_FINDING_NOT_EVALUATED: return "not_evaluated";
  case BT_FINDING_NOT_EXERCISED: return "not_exercised";
  case BT_FINDING_PARTLY_EXERCISED: return "partly_exercised";
  case BT_FINDING_PASS: return "pass";
  case BT_FINDING_NO_RULES: return "no_rules";
  }
  return "";
}

static bt_finding conclude_unevaluated(const bt_measured *measured, char reason[BT_REASON_BYTES]) {
  const bt_rule_definition *rule = measured->rule;
  if (!rule->fields.enabled) return snprintf(reason, BT_REASON_BYTES, "the rule is disabled"), BT_FINDING_NOT_EVALUATED;
  if (rule->broken)
    snprintf(reason, BT_REASON_BYTES, "the stored rule cannot be evaluated: %.190s", rule->broken);
  else
    snprintf(reason, BT_REASON_BYTES,
             "the rule is of the store %s, which this report did not ask: a report with store=%s asks it",
             measured->elsewhere, measured->elsewhere);
  return BT_FINDING_INCONCLUSIVE;
}

static bt_finding conclude_unexercised(char reason[BT_REASON_BYTES]) {
  snprintf(reason, BT_REASON_BYTES, "no trace in the range exercised the rule: it says nothing of the control");
  return BT_FINDING_NOT_EXERCISED;
}

/* Not all of the range is settled. Says up to where it is, how much that is, and from when on all of it will be known.
 */
static bt_finding conclude_unsettled(const bt_measured *rule, const bt_measurement *all, char reason[BT_REASON_BYTES]) {
  const bt_time_range *range = &all->coverage.asked;
  uint64_t share = bt_settled_share(range, rule->settled_end_ns);
  char until[40], known[40], settle[64], later[120] = "";
  bt_time_format(rule->settled_end_ns, until);
  bt_time_format(rule->known_from_ns, known);
  bt_duration_format(rule->assumptions.settle_ns, settle);
  if (rule->going_on)
    snprintf(later, sizeof later, "; %" PRIu64 " traces of the settled part had not ended", rule->going_on);
  else if (rule->provisional)
    snprintf(later, sizeof later, "; after it %" PRIu64 " violations are found already", rule->provisional);
  if (share)
    snprintf(reason, BT_REASON_BYTES,
             "with its settle of %s the range was settled up to %s, which is %" PRIu64 ".%02" PRIu64
             " %% of it%s; all of it is known from %s on",
             settle, until, share / 10000, share / 100 % 100, later, known);
  else
    snprintf(reason, BT_REASON_BYTES,
             "nothing in the range is settled yet, with a settle of %s%s; it is known from %s on", settle, later,
             known);
  return BT_FINDING_INCOMPLETE;
}

static bool is_settled(const bt_measured *rule, const bt_measurement *all) {
  return rule->settled_end_ns >= all->coverage.asked.end_ns && !rule->going_on && !rule->provisional;
}

static bt_finding conclude_undecided(const bt_measured *rule, char reason[BT_REASON_BYTES]) {
  snprintf(reason, BT_REASON_BYTES, "%" PRIu64 " verdict%s could not be reached: each may be a violation",
           rule->inconclusive, rule->inconclusive == 1 ? "" : "s");
  return BT_FINDING_INCONCLUSIVE;
}

static bt_finding conclude_uncounted(const char *what, char reason[BT_REASON_BYTES]) {
  snprintf(reason, BT_REASON_BYTES, "%s could not be counted", what);
  return BT_FINDING_INCONCLUSIVE;
}

/* ---- where traces were sampled ---- */

/* What the counts stand for, as a replay says it. */
static void say_sampled(const bt_measured *rule, const bt_measurement *all, char reason[BT_REASON_BYTES]) {
  const bt_rule_result counted = {.violations_found = rule->violated,
                                  .traces_exercised = rule->exercised,
                                  .violations_kept = rule->violations_kept,
                                  .exercised_kept = rule->exercised_kept,
                                  .policy = rule->policy};
  bt_buffer said = {0};
  bt_sampled_say_rule(&all->coverage.sampling, &counted, &said);
  if (said.len) snprintf(reason, BT_REASON_BYTES, "sampled: %.*s", BT_FMT(bt_text_cut(bt_buffer_str(&said), 230)));
  bt_buffer_dispose(&said);
}

/* All that may violate it was kept, from the beginning of the range on. */
static bool is_all_kept(const bt_measured *rule, const bt_measurement *all) {
  int64_t since_ns = bt_policy_since(&rule->policy, &all->coverage.sampling.declared);
  return since_ns && since_ns <= all->coverage.asked.start_ns;
}

/* The bound of both sides: as many violations as there may have been, of as few traces as there were. */
static bool is_within_rate(const bt_measured *rule, const bt_measurement *all) {
  const bt_sampled_traces *range = &all->coverage.sampling;
  const char *text = rule->assumptions.max_rate;
  bt_estimate violated, exercised;
  double most;
  if (!text || !bt_share_parse(text, &most) || bt_sampled_traces_known(range) != BT_KEPT_BY_CHANCE) return false;
  bool has_both = bt_sampled_traces_estimate(range, &rule->violations_kept, rule->violated, &violated) &&
                  bt_sampled_traces_estimate(range, &rule->exercised_kept, rule->exercised, &exercised);
  return has_both && violated.high != UINT64_MAX && (double)violated.high <= most * (double)exercised.low;
}

/* It passes, and with this. */
static void say_redacted(const bt_measurement *all, char reason[BT_REASON_BYTES]) {
  size_t length = strlen(reason);
  char at[40];
  bt_time_format(all->coverage.redacted_ns, at);
  if (all->coverage.redacted_ns)
    snprintf(reason + length, BT_REASON_BYTES - length,
             "%sof the traces that the source still has: some were redacted, last at %.19sZ", length ? "; " : "", at);
}

/* And with this. */
static void say_unseen(const bt_measured *rule, char reason[BT_REASON_BYTES]) {
  size_t length = strlen(reason);
  if (rule->unseen[0])
    snprintf(reason + length, BT_REASON_BYTES - length, "%s%s: a name that never came cannot be violated",
             length ? "; " : "", rule->unseen);
}

static bt_finding conclude_exercised(const bt_measured *rule, const bt_measurement *all, char reason[BT_REASON_BYTES]) {
  bool is_sampled = bt_sampled_traces_lack(&all->coverage.sampling);
  if (is_sampled) say_sampled(rule, all, reason);
  if (!is_sampled || is_within_rate(rule, all) || is_all_kept(rule, all)) {
    say_unseen(rule, reason);
    say_redacted(all, reason);
    return BT_FINDING_PASS;
  }
  if (!reason[0]) snprintf(reason, BT_REASON_BYTES, "sampled: none seen among the traces that were kept");
  return BT_FINDING_INCONCLUSIVE;
}

static bt_finding of_unviolated(const bt_measured *rule, const bt_measurement *all, char reason[BT_REASON_BYTES]) {
  if (all->is_missing) return snprintf(reason, BT_REASON_BYTES, "%.230s", all->reason), BT_FINDING_INCONCLUSIVE;
  if (rule->inconclusive) return conclude_undecided(rule, reason);
  if (!is_settled(rule, all)) return conclude_unsettled(rule, all, reason);
  if (!all->has_data) return snprintf(reason, BT_REASON_BYTES, "%.230s", all->reason), BT_FINDING_NO_DATA;
  if (!rule->evaluated_is_exact) return conclude_uncounted("the traces whose verdict is known", reason);
  if (rule->exercised) return conclude_exercised(rule, all, reason);
  return rule->exercised_is_exact ? conclude_unexercised(reason)
                                  : conclude_uncounted("the traces that exercised the rule", reason);
}

bt_finding bt_finding_of_rule(const bt_measured *rule, const bt_measurement *all, char reason[BT_REASON_BYTES]) {
  reason[0] = '\0';
  if (!rule->is_evaluated) return conclude_unevaluated(rule, reason);
  if (!rule->violated) return of_unviolated(rule, all, reason);
  say_sampled(rule, all, reason);
  if (all->is_missing)
    snprintf(reason, BT_REASON_BYTES, "there may be more violations than were counted: %.190s", all->reason);
  return BT_FINDING_VIOLATED;
}

/* The settings of its own that a rule has, as "settle 12h". */
static void say_settings(const bt_rule_fields *fields, char out[200]) {
  const struct {
    const char *name;
    int64_t ns;
  } durations[] = {{"settle", fields->settle_ns}, {"margin", fields->margin_ns}, {"clock_skew", fields->clock_skew_ns}};
  size_t length = 0;
  out[0] = '\0';
  for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
    char text[64];
    if (durations[i].ns < 0) continue;
    bt_duration_format(durations[i].ns, text);
    length += (size_t)snprintf(out + length, 200 - length, "%s%s %s", length ? ", " : "", durations[i].name, text);
  }
  const struct {
    const char *name;
    int value;
  } switches[] = {{"require_complete", fields->require_complete}, {"links_sampled", fields->links_sampled}};
  for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
    if (switches[i].value >= 0)
      length += (size_t)snprintf(out + length, 200 - length, "%s%s %s", length ? ", " : "", switches[i].name,
                                 switches[i].value ? "true" : "false");
}

bt_finding bt_finding_of_both(const bt_measured *own, bt_finding by_own, bt_finding by_service,
                              const char *service_reason, char reason[BT_REASON_BYTES]) {
  char settings[200], own_reason[BT_REASON_BYTES];
  snprintf(own_reason, sizeof own_reason, "%s", reason);
  say_settings(&own->rule->fields, settings);
  if (by_service < by_own)
    snprintf(reason, BT_REASON_BYTES,
             "its own settings (%.100s) come to %s, the service's to %s, and the worse one counts%s%.220s", settings,
             bt_finding_name(by_own), bt_finding_name(by_service), service_reason[0] ? ": " : "", service_reason);
  else if (by_own < by_service)
    snprintf(reason, BT_REASON_BYTES, "with its own settings (%.100s; the service's would come to %s)%s%.300s",
             settings, bt_finding_name(by_service), own_reason[0] ? ": " : "", own_reason);
  else
    return by_own;
  return by_service < by_own ? by_service : by_own;
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
