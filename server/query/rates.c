/* Rates of violations. See rates.h. */
#include "server/query/rates.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/rules/derived_rule.h"

static bt_status needs_derived(const bt_rule_definition *rule, const bt_dialect *dialect, bool counts_by_search,
                               bool *out, bt_error *error) {
  bt_plan *plan = NULL;
  *out = false;
  if (!bt_exercising_count(rule->rule)) return BT_OK; /* every trace */
  bt_status status = bt_plan_new(rule->rule, dialect, &plan, error);
  if (!status) *out = !plan->exercising_is_exact || !counts_by_search;
  bt_plan_free(plan);
  return status;
}

static bt_status add_derived(bt_rate_rules *m, size_t index, const bt_dialect *dialect, bool counts_by_search,
                             bt_error *error) {
  bool is_needed = false;
  bt_status status = needs_derived(m->rules[index], dialect, counts_by_search, &is_needed, error);
  if (status || !is_needed) return status;
  status = bt_derived_prefix(m->rules[index], bt_exercising_count(m->rules[index]->rule), &m->derived[index], error);
  if (status) return status;
  m->derived_at[index] = m->count;
  m->rules[m->count++] = m->derived[index];
  return BT_OK;
}

bt_status bt_rate_rules_make(const bt_rule_definition *const *rules, size_t count, const bt_dialect *dialect,
                             bool counts_by_search, bt_rate_rules *m, bt_error *error) {
  *m = (bt_rate_rules){0};
  m->rules = calloc(2 * count + 1, sizeof *m->rules);
  m->derived = calloc(count + 1, sizeof *m->derived);
  m->derived_at = calloc(count + 1, sizeof *m->derived_at);
  if (!m->rules || !m->derived || !m->derived_at) return bt_error_no_memory(error);
  memcpy(m->rules, rules, count * sizeof *m->rules);
  m->given = m->count = count;
  bt_status status = BT_OK;
  for (size_t i = 0; i < count && !status; i++) status = add_derived(m, i, dialect, counts_by_search, error);
  return status;
}

void bt_rate_rules_dispose(bt_rate_rules *m) {
  for (size_t i = 0; m->derived && i < m->given; i++) bt_rule_definition_unref(m->derived[i]);
  free(m->rules);
  free(m->derived);
  free(m->derived_at);
}

__attribute__((format(printf, 2, 3))) static void say(bt_rate *rate, const char *format, ...) {
  va_list list;
  rate->is_certain = false;
  if (rate->why_not[0]) return;
  va_start(list, format);
  vsnprintf(rate->why_not, sizeof rate->why_not, format, list);
  va_end(list);
}

static void take_share(const bt_sampled_traces *range, const bt_rule_result *own, const bt_rule_result *counted,
                       bt_rate *rate) {
  rate->counted = (bt_rule_result){.violations_found = rate->violated,
                                   .traces_exercised = rate->exercised,
                                   .violations_kept = own->violations_kept,
                                   .exercised_kept = counted ? counted->violations_kept : own->exercised_kept};
  rate->range = *range;
  bt_kept_share share = bt_kept_share_of(range, &rate->counted);
  rate->basis = share.basis;
  rate->rate = share.share;
  rate->interval = share.interval;
}

bool bt_rate_is_sound(const bt_rate *rate) {
  return rate->is_certain && rate->basis != BT_SHARE_OF_KEPT;
}

void bt_rate_fill(const bt_rate_rules *m, const bt_replay_result *result, size_t index, bt_rate *rate) {
  const bt_rule_result *own = &result->rules[index];
  const bt_rule_result *counted = m->derived[index] ? &result->rules[m->derived_at[index]] : NULL;
  bool is_every_trace = !bt_exercising_count(m->rules[index]->rule);
  *rate = (bt_rate){.violated = own->violations_found - own->violations_provisional,
                    .inconclusive = own->inconclusive,
                    .unsettled = own->unsettled,
                    .is_whole = bt_replay_has_whole(result, index),
                    .is_certain = true};
  if (!rate->is_whole) say(rate, "%s: %s", bt_replay_outcome_name(result->outcome), result->reason);
  if (own->inconclusive) say(rate, "%" PRIu64 " verdicts are inconclusive", own->inconclusive);
  if (counted) {
    rate->exercised = counted->violations_found - counted->violations_provisional;
    if (counted->inconclusive)
      say(rate, "of %" PRIu64 " traces it is not known whether they exercised the rule", counted->inconclusive);
  } else if (is_every_trace) {
    rate->exercised = own->traces_evaluated;
    if (!own->evaluated_is_exact) say(rate, "the traces of the range could not be counted");
  } else {
    rate->exercised = own->traces_exercised;
    if (!own->exercised_is_exact) say(rate, "the traces that exercised the rule could not be counted");
  }
  take_share(&result->coverage.sampling, own, counted, rate);
}

bt_interval bt_rate_difference(const bt_rate *first, const bt_rate *second) {
  if (!first->exercised || !second->exercised) return (bt_interval){-1, 1};
  return bt_difference_interval(first->rate, first->interval, second->rate, second->interval);
}
