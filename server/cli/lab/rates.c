/* Rates of violations. See rates.h. Where the plan does not count the exercising traces exactly by searching, a second
 * rule is replayed in the same pass that exactly those traces violate. */
#include "server/cli/lab/rates.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "server/rules/derived_rule.h"

typedef struct measuring {
  const bt_rule_definition **rules; /* those that were given, then the derived ones */
  bt_rule_definition **derived;     /* of each given rule: owned, or NULL */
  size_t *derived_at;               /* its place in `rules` */
  size_t given, count;
  bool counts_by_search; /* as far as plans can */
} measuring;

/* Files are read whole, so nothing has to be counted by searching. */
static bt_status needs_derived(const measuring *m, const bt_rule_definition *rule, bool *out, bt_error *error) {
  bt_plan *plan = NULL;
  *out = false;
  if (!bt_exercising_count(rule->rule)) return BT_OK; /* every trace */
  bt_status status = bt_plan_new(rule->rule, &plan, error);
  if (!status) *out = !plan->exercising_is_exact || !m->counts_by_search;
  bt_plan_free(plan);
  return status;
}

static bt_status add_derived(measuring *m, size_t index, bt_error *error) {
  bool is_needed = false;
  bt_status status = needs_derived(m, m->rules[index], &is_needed, error);
  if (status || !is_needed) return status;
  status = bt_derived_prefix(m->rules[index], bt_exercising_count(m->rules[index]->rule), &m->derived[index], error);
  if (status) return status;
  m->derived_at[index] = m->count;
  m->rules[m->count++] = m->derived[index];
  return BT_OK;
}

static bt_status prepare(measuring *m, const bt_rule_definition *const *rules, size_t count, bt_error *error) {
  m->rules = calloc(2 * count + 1, sizeof *m->rules);
  m->derived = calloc(count + 1, sizeof *m->derived);
  m->derived_at = calloc(count + 1, sizeof *m->derived_at);
  if (!m->rules || !m->derived || !m->derived_at) return bt_error_no_memory(error);
  memcpy(m->rules, rules, count * sizeof *m->rules);
  m->given = m->count = count;
  bt_status status = BT_OK;
  for (size_t i = 0; i < count && !status; i++) status = add_derived(m, i, error);
  return status;
}

static void dispose(measuring *m) {
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

static void fill_rate(const measuring *m, const bt_replay_result *result, size_t index, bt_rate *rate) {
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
  rate->rate = rate->exercised ? (double)rate->violated / (double)rate->exercised : 0;
  rate->interval =
      bt_wilson_interval(rate->violated < rate->exercised ? rate->violated : rate->exercised, rate->exercised);
}

bt_status bt_rates_measure(bt_source *source, const bt_replay_options *options, const bt_rule_definition *const *rules,
                           size_t count, bt_time_range range, bt_rates *out, bt_error *error) {
  measuring m = {.counts_by_search = bt_source_is_checked(source, bt_replay_interrupt())};
  *out = (bt_rates){.count = count, .items = calloc(count + 1, sizeof *out->items)};
  bt_status status = out->items ? prepare(&m, rules, count, error) : bt_error_no_memory(error);
  if (!status) {
    bt_replay_request request = bt_replay_options_request(options, m.rules, m.count, range);
    request.count = BT_COUNT_EXACT;
    status = bt_collect(source, &request, false, &out->all, error);
  }
  for (size_t i = 0; i < count && !status; i++) fill_rate(&m, &out->all.result, i, &out->items[i]);
  dispose(&m);
  return status;
}

void bt_rates_dispose(bt_rates *rates) {
  free(rates->items);
  bt_collected_dispose(&rates->all);
  *rates = (bt_rates){0};
}

json_t *bt_rate_json(const bt_rate *rate) {
  return json_pack("{s:I, s:I, s:f, s:{s:s, s:f, s:f, s:f}, s:I, s:I, s:b, s:s}", "violated",
                   (json_int_t)rate->violated, "exercised", (json_int_t)rate->exercised, "rate", rate->rate, "interval",
                   "method", "wilson", "confidence", 0.95, "low", rate->interval.low, "high", rate->interval.high,
                   "inconclusive", (json_int_t)rate->inconclusive, "unsettled", (json_int_t)rate->unsettled, "certain",
                   rate->is_certain, "why_not", rate->why_not);
}

static void write_in_part(const bt_rate *rate, const bt_answer *answer, bt_buffer *out) {
  if (!rate->exercised && !rate->violated) {
    bt_buffer_append(out, BT_STR("UNKNOWN: "));
    if (bt_answer_is_unknown(answer)) {
      bt_answer_write_reason(answer, out);
      return;
    }
    bt_buffer_append(out, BT_STR("no trace that was judged exercised the rule"));
  } else if (rate->violated) {
    bt_buffer_printf(out, "%" PRIu64 " violation%s found", rate->violated, bt_cli_plural(rate->violated));
  } else {
    bt_buffer_printf(out,
                     "UNKNOWN: no violation in the %" PRIu64 " trace%s that exercised the rule and could be judged",
                     rate->exercised, bt_cli_plural(rate->exercised));
  }
  bt_buffer_append(out, BT_STR("; not looked at: "));
  bt_answer_write_rest(answer, out);
}

void bt_rate_write(const bt_rate *rate, const bt_answer *answer, bt_buffer *out) {
  if (bt_answer_has_gaps(answer) && !rate->is_whole) {
    write_in_part(rate, answer, out);
    return;
  }
  bt_buffer_printf(out, "%" PRIu64 " of %" PRIu64 " traces that exercised the rule: ", rate->violated, rate->exercised);
  if (rate->exercised)
    bt_buffer_printf(out, "%.3g %% (95 %% interval %.3g %% to %.3g %%)", 100 * rate->rate, 100 * rate->interval.low,
                     100 * rate->interval.high);
  else
    bt_buffer_printf(out, "no rate");
  if (rate->why_not[0]) bt_buffer_printf(out, "; %s", rate->why_not);
}
