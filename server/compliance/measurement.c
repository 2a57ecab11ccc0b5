/* Measuring rules over a range. See measurement.h. Where a plan does not count the exercising traces by searching, a
 * derived rule that exactly those traces violate is replayed as well, as `betrace compare` does. */
#include "server/compliance/measurement.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/mix.h"
#include "dsl/base/time_sum.h"
#include "dsl/plan/plan.h"
#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/rules/derived_rule.h"
#include "server/replay/unseen_names.h"

static const int64_t DAY_NS = INT64_C(86400) * 1000000000;

/* Rules that are judged with one window: one replay a day. */
typedef struct group {
  bt_assumptions own;
  const bt_rule_definition **replayed; /* evaluated rules, then derived ones */
  size_t *rule_of;                     /* of each replayed rule: which measured one it speaks of */
  size_t own_count, count;             /* evaluated rules; with the derived ones */
} group;

typedef struct measuring {
  const bt_measure_request *request;
  bt_measured *measured;
  size_t measured_count;
  group *groups; /* the one with the shortest settle first */
  size_t group_count;
  const group *at;              /* under way */
  bt_rule_definition **derived; /* owned, by measured rule; or NULL */
  bt_measurement *out;
  int64_t going_on_ns; /* the earliest trace that goes on */
  double done, part;   /* of all, and what the replay under way adds */
  uint64_t parts;      /* replays that there will be */
} measuring;

uint64_t bt_measured_satisfied(const bt_measured *measured) {
  uint64_t others = measured->violated + measured->exercised_undecided;
  return measured->exercised > others ? measured->exercised - others : 0;
}

uint64_t bt_measured_unsettled(const bt_measured *measured) {
  return measured->exercised_tail + measured->exercised_going_on;
}

uint64_t bt_share_millionths(uint64_t part, uint64_t whole) {
  if (part >= whole) return BT_SHARE_WHOLE;
  uint64_t share = (uint64_t)((long double)part / (long double)whole * BT_SHARE_WHOLE);
  return share < BT_SHARE_WHOLE ? share : BT_SHARE_WHOLE - 1;
}

uint64_t bt_settled_share(const bt_time_range *range, int64_t settled_end_ns) {
  if (settled_end_ns <= range->start_ns) return 0;
  return bt_share_millionths((uint64_t)settled_end_ns - (uint64_t)range->start_ns,
                             (uint64_t)range->end_ns - (uint64_t)range->start_ns);
}

void bt_measurement_dispose(bt_measurement *measurement) {
  bt_coverage_dispose(&measurement->coverage);
  *measurement = (bt_measurement){0};
}

/* ---- samples ---- */

static uint64_t sample_key(uint64_t seed, const bt_trace_id *id) {
  uint64_t halves[2];
  memcpy(halves, id->bytes, sizeof halves);
  uint64_t key = seed;
  for (int i = 0; i < 2; i++) key = bt_mix_bits((key ^ halves[i]) + UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64 */
  return key;
}

/* Keeps those with the smallest keys. A trace that is longer than margin may be told twice. */
static void add_sample(bt_samples *samples, uint64_t seed, const bt_trace_verdict *verdict, int64_t time_ns) {
  bt_sample sample = {verdict->trace_id, time_ns, sample_key(seed, &verdict->trace_id)};
  size_t at = samples->count;
  while (at && samples->items[at - 1].key > sample.key) at--;
  if (at == BT_SAMPLED_TRACES) return;
  if (at && bt_trace_id_compare(&samples->items[at - 1].trace_id, &sample.trace_id) == 0) return;
  if (samples->count < BT_SAMPLED_TRACES) samples->count++;
  memmove(&samples->items[at + 1], &samples->items[at], (samples->count - at - 1) * sizeof sample);
  samples->items[at] = sample;
}

/* ---- verdicts ---- */

static void note_violation(bt_measured *m, uint64_t seed, const bt_trace_verdict *verdict) {
  bt_moment moment = {true, verdict->trace_id, verdict->violation_ns};
  add_sample(&m->violated_sample, seed, verdict, verdict->violation_ns);
  if (!m->first_violation.is_set || moment.time_ns < m->first_violation.time_ns) m->first_violation = moment;
  if (!m->last_violation.is_set || moment.time_ns > m->last_violation.time_ns) m->last_violation = moment;
}

static void note_undecided(measuring *m, bt_measured *measured, const bt_trace_verdict *verdict) {
  if (verdict->is_young) {
    measured->going_on++;
    measured->exercised_going_on += verdict->exercised == BT_TRUE;
    if (verdict->time_ns < m->going_on_ns) m->going_on_ns = verdict->time_ns;
    return;
  }
  if (verdict->exercised == BT_TRUE) measured->exercised_undecided++;
  add_sample(&measured->inconclusive_sample, m->request->seed, verdict, verdict->time_ns);
}

static bool has_derived(const measuring *m, const bt_measured *measured) {
  return m->derived[measured - m->measured] != NULL;
}

/* In the tail nothing is final. What exercised the rule there is counted, so that a reader sees what is left out. */
static void note_tail(const measuring *m, bt_measured *measured, const bt_trace_verdict *verdict) {
  bool is_derived = verdict->rule >= m->at->own_count;
  bool is_exercised = verdict->exercised == BT_TRUE || !bt_exercising_count(measured->rule->rule);
  if (has_derived(m, measured)) is_exercised = is_derived && verdict->verdict == BT_VIOLATED;
  measured->exercised_tail += is_exercised;
}

static bt_status note_verdict(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  measuring *m = context;
  bt_measured *measured = &m->measured[m->at->rule_of[verdict->rule]];
  (void)error;
  if (!verdict->is_settled) return note_tail(m, measured, verdict), BT_OK;
  if (verdict->rule >= m->at->own_count) return BT_OK;
  if (verdict->verdict == BT_VIOLATED)
    note_violation(measured, m->request->seed, verdict);
  else if (verdict->verdict == BT_INCONCLUSIVE)
    note_undecided(m, measured, verdict);
  else if (verdict->exercised == BT_TRUE)
    add_sample(&measured->satisfied_sample, m->request->seed, verdict, verdict->time_ns);
  return BT_OK;
}

static void show_progress(void *context, double fraction, const bt_replay_result *so_far) {
  const measuring *m = context;
  bt_measure_progress all = {.fraction = m->done + fraction * m->part,
                             .parts_done = m->out->replays,
                             .parts = m->parts,
                             .requests = m->out->requests + (so_far ? so_far->requests : 0)};
  if (m->request->progress) m->request->progress(m->request->context, &all);
}

/* ---- which rules are replayed ---- */

static bt_status needs_derived(const measuring *m, const bt_rule_definition *rule, bool *out, bt_error *error) {
  bt_plan *plan = NULL;
  *out = false;
  if (!bt_exercising_count(rule->rule) || !bt_source_known(m->request->source).filters) return BT_OK;
  bt_status status = bt_plan_new(rule->rule, bt_source_dialect(m->request->source), &plan, error);
  bt_promises promises = bt_source_promises(m->request->source, BT_PROMISES_OF_VERSION, m->request->cancel);
  if (!status) *out = !plan->exercising_is_exact || !promises.about.is_checked;
  bt_plan_free(plan);
  return status;
}

static bt_status add_derived(measuring *m, group *g, size_t index, bt_error *error) {
  const bt_rule_definition *rule = m->measured[index].rule;
  bool is_needed = false;
  bt_status status = needs_derived(m, rule, &is_needed, error);
  if (status || !is_needed) return status;
  status = bt_derived_prefix(rule, bt_exercising_count(rule->rule), &m->derived[index], error);
  if (status) return status;
  g->rule_of[g->count] = index;
  g->replayed[g->count++] = m->derived[index];
  return BT_OK;
}

static bool have_one_window(const bt_assumptions *a, const bt_assumptions *b) {
  return a->settle_ns == b->settle_ns && a->margin_ns == b->margin_ns;
}

static void add_group(measuring *m, const bt_assumptions *own) {
  for (size_t i = 0; i < m->group_count; i++)
    if (have_one_window(&m->groups[i].own, own)) return;
  m->groups[m->group_count++] = (group){.own = *own};
}

static int compare_settles(const void *a, const void *b) {
  const bt_assumptions *x = &((const group *)a)->own, *y = &((const group *)b)->own;
  if (x->settle_ns != y->settle_ns) return x->settle_ns < y->settle_ns ? -1 : 1;
  return (x->margin_ns > y->margin_ns) - (x->margin_ns < y->margin_ns);
}

static bt_status fill_group(measuring *m, group *g, bt_error *error) {
  g->replayed = calloc(2 * m->measured_count + 1, sizeof *g->replayed);
  g->rule_of = calloc(2 * m->measured_count + 1, sizeof *g->rule_of);
  if (!g->replayed || !g->rule_of) return bt_error_no_memory(error);
  for (size_t i = 0; i < m->measured_count; i++) {
    const bt_measured *measured = &m->measured[i];
    if (!measured->is_evaluated || !have_one_window(&measured->assumptions, &g->own)) continue;
    g->rule_of[g->own_count] = i;
    g->replayed[g->own_count++] = measured->rule;
  }
  g->count = g->own_count;
  bt_status status = BT_OK;
  for (size_t i = 0; i < g->own_count && !status; i++) status = add_derived(m, g, g->rule_of[i], error);
  return status;
}

static void begin_rule(const measuring *m, bt_measured *measured) {
  const bt_measure_request *r = m->request;
  measured->assumptions = bt_assumptions_of(&r->assumptions, measured->rule);
  measured->evaluated_is_exact = measured->exercised_is_exact = measured->is_evaluated;
  measured->known_from_ns = bt_time_add(r->range.end_ns, bt_assumptions_decided_ns(&measured->assumptions));
  measured->settled_end_ns = r->range.end_ns;
  int64_t settled_ns = bt_time_subtract(r->now_ns, bt_assumptions_decided_ns(&measured->assumptions));
  if (!bt_source_known(r->source).is_static && settled_ns < r->range.end_ns) measured->settled_end_ns = settled_ns;
}

static bt_status prepare_groups(measuring *m, bt_error *error) {
  bt_status status = BT_OK;
  m->groups = calloc(m->measured_count + 1, sizeof *m->groups);
  m->derived = calloc(m->measured_count + 1, sizeof *m->derived);
  if (!m->groups || !m->derived) return bt_error_no_memory(error);
  for (size_t i = 0; i < m->measured_count; i++) {
    begin_rule(m, &m->measured[i]);
    if (m->measured[i].is_evaluated) add_group(m, &m->measured[i].assumptions);
  }
  qsort(m->groups, m->group_count, sizeof *m->groups, compare_settles);
  for (size_t i = 0; i < m->group_count && !status; i++) status = fill_group(m, &m->groups[i], error);
  return status;
}

static void dispose_measuring(measuring *m) {
  for (size_t i = 0; m->derived && i < m->measured_count; i++) bt_rule_definition_unref(m->derived[i]);
  for (size_t i = 0; i < m->group_count; i++) {
    free(m->groups[i].replayed);
    free(m->groups[i].rule_of);
  }
  free(m->groups);
  free(m->derived);
}

/* ---- what a replay says ---- */

static void say_missing(bt_measurement *out, const char *reason) {
  out->is_missing = true;
  if (!out->reason[0]) snprintf(out->reason, sizeof out->reason, "%s", reason);
}

static bool starts_with(const char *text, const char *word) {
  return strncmp(text, word, strlen(word)) == 0;
}

static bool is_harmless(const bt_replay_result *result) {
  return result->outcome == BT_REPLAY_COMPLETED || starts_with(result->reason, "no_data") ||
         starts_with(result->reason, "unsettled");
}

static void add_own_counts(bt_measured *measured, const bt_rule_result *own) {
  measured->evaluated += own->traces_evaluated;
  measured->violated += own->violations_found - own->violations_provisional;
  measured->provisional += own->violations_provisional;
  measured->inconclusive += own->inconclusive;
  measured->evaluated_is_exact = measured->evaluated_is_exact && own->evaluated_is_exact;
  measured->strategy = own->strategy;
  bt_kept_traces_join(&measured->violations_kept, &own->violations_kept);
  bt_kept_traces_join(&measured->exercised_kept, &own->exercised_kept);
  bt_policy_seen_join(&measured->policy, &own->policy);
}

/* A derived rule's count is exact where everything was read. */
static void add_exercised(bt_measured *measured, const bt_rule_result *own, const bt_rule_result *counted,
                          bool was_read) {
  if (counted) {
    measured->exercised += counted->violations_found - counted->violations_provisional;
    measured->exercised_is_exact = measured->exercised_is_exact && was_read && !counted->inconclusive;
  } else if (!bt_exercising_count(measured->rule->rule)) {
    measured->exercised += own->traces_evaluated;
    measured->exercised_is_exact = measured->exercised_is_exact && own->evaluated_is_exact;
  } else {
    measured->exercised += own->traces_exercised;
    measured->exercised_is_exact = measured->exercised_is_exact && own->exercised_is_exact;
  }
}

static void add_counts(measuring *m, const bt_replay_result *result) {
  const group *g = m->at;
  for (size_t i = 0; i < g->own_count; i++) {
    size_t index = g->rule_of[i], counted = g->own_count;
    while (counted < g->count && g->rule_of[counted] != index) counted++;
    add_own_counts(&m->measured[index], &result->rules[i]);
    add_exercised(&m->measured[index], &result->rules[i], counted < g->count ? &result->rules[counted] : NULL,
                  is_harmless(result));
  }
  m->out->replays++;
  m->out->requests += result->requests;
  m->out->bytes_inspected += result->bytes_inspected;
  m->out->bytes_received += result->bytes_received;
}

static bt_status replay_part(measuring *m, bt_time_range range, bt_replay_outcome *outcome, bt_error *error) {
  const bt_measure_request *r = m->request;
  bool is_first = m->at == m->groups;
  bt_replay_observer observer = {.context = m, .verdict = note_verdict, .progress = show_progress};
  bt_replay_request request = {.rules = m->at->replayed,
                               .rule_count = m->at->count,
                               .range = range,
                               .now_ns = r->now_ns,
                               .assumptions = r->assumptions,
                               .count = BT_COUNT_EXACT,
                               .tenant = r->tenant,
                               .sample_seed = r->seed,
                               .memory_limit_bytes = r->memory_limit_bytes,
                               .memory = r->memory,
                               .priority = r->priority,
                               .cancel = r->cancel};
  bt_replay_result result = {0};
  bt_status status = bt_replay_run(r->source, &request, &observer, &result, error);
  *outcome = result.outcome;
  if (!status && result.outcome == BT_REPLAY_CANCELLED)
    status = bt_error_set(error, BT_CANCELLED, "the report was cancelled");
  if (!status) {
    /* A day without any trace, or younger than settle, is named by the coverage and says nothing bad of the others. */
    bt_coverage part = result.coverage;
    bool is_day = part.asked.end_ns - part.asked.start_ns == DAY_NS;
    if (starts_with(result.reason, "no_data") && is_day && is_first) m->out->empty_days++;
    if (result.outcome == BT_REPLAY_COMPLETED || part.has_data_from) m->out->has_data = true;
    if (!is_harmless(&result)) say_missing(m->out, result.reason[0] ? result.reason : "incomplete");
    add_counts(m, &result);
    /* The first group says of the range what is not about a rule; of others only what they could not read is added. */
    if (!is_first) part.windows_empty_count = part.unsettled = part.outside = 0;
    status = bt_coverage_join(&m->out->coverage, &part, error);
  }
  bt_replay_result_dispose(&result);
  return status;
}

/* Nothing more can be read: the rest is named. */
static bt_status name_rest(measuring *m, bt_time_range rest, bt_error *error) {
  bt_failed_window window = {rest, "not evaluated, because the source was lost before it"};
  bt_coverage coverage = {.windows_failed = &window, .windows_failed_count = rest.start_ns < rest.end_ns};
  for (size_t i = 0; i < m->measured_count; i++)
    m->measured[i].evaluated_is_exact = m->measured[i].exercised_is_exact = false;
  return bt_coverage_join(&m->out->coverage, &coverage, error);
}

/* Group after group; *is_lost: the source was. */
static bt_status replay_day(measuring *m, bt_time_range day, double length, bool *is_lost, bt_error *error) {
  const bt_time_range *whole = &m->request->range;
  bt_status status = BT_OK;
  m->part = ((double)day.end_ns - (double)day.start_ns) / length / (double)m->group_count;
  m->done = ((double)day.start_ns - (double)whole->start_ns) / length;
  for (size_t i = 0; i < m->group_count && !status && !*is_lost; i++) {
    bt_replay_outcome outcome = BT_REPLAY_COMPLETED;
    m->at = &m->groups[i];
    status = replay_part(m, day, &outcome, error);
    m->done += m->part;
    show_progress(m, 0, NULL);
    *is_lost = outcome == BT_REPLAY_FAILED;
  }
  return status;
}

static uint64_t count_days(const bt_time_range *range) {
  uint64_t length = (uint64_t)range->end_ns - (uint64_t)range->start_ns;
  return length / (uint64_t)DAY_NS + (length % (uint64_t)DAY_NS != 0);
}

static bt_status replay_days(measuring *m, bt_error *error) {
  bt_time_range whole = m->request->range, day = {whole.start_ns, whole.start_ns};
  double length = (double)whole.end_ns - (double)whole.start_ns;
  bt_status status = BT_OK;
  m->parts = count_days(&whole) * m->group_count;
  show_progress(m, 0, NULL);
  while (!status && day.end_ns < whole.end_ns) {
    bool is_lost = false;
    day = (bt_time_range){day.end_ns, bt_time_add(day.end_ns, DAY_NS)};
    if (day.end_ns > whole.end_ns) day.end_ns = whole.end_ns;
    status = replay_day(m, day, length, &is_lost, error);
    if (status || !is_lost) continue;
    say_missing(m->out, "failed: the source was lost");
    return name_rest(m, (bt_time_range){day.end_ns, whole.end_ns}, error);
  }
  return status;
}

/* The part that every rule's settings call settled ends there, and before a trace that goes on. */
static void set_ends(measuring *m) {
  const bt_measure_request *r = m->request;
  int64_t end_ns = r->range.end_ns,
          settled_ns = bt_time_subtract(r->now_ns, bt_assumptions_decided_ns(&r->assumptions));
  if (!bt_source_known(r->source).is_static && settled_ns < end_ns) end_ns = settled_ns;
  m->out->settled_end_ns = end_ns;
  for (size_t i = 0; i < m->measured_count; i++) {
    bool is_earlier = m->measured[i].is_evaluated && m->measured[i].settled_end_ns < end_ns;
    if (is_earlier) end_ns = m->measured[i].settled_end_ns;
  }
  m->out->coverage.effective_end_ns = m->going_on_ns < end_ns ? m->going_on_ns : end_ns;
}

static uint64_t subtract_part(uint64_t all, uint64_t part) {
  return all > part ? all - part : 0;
}

/* A trace that goes on exercises nothing yet: else a rule that nothing else exercised would pass by it. */
static void subtract_going_on(measuring *m) {
  for (size_t i = 0; i < m->measured_count; i++) {
    bt_measured *measured = &m->measured[i];
    measured->inconclusive = subtract_part(measured->inconclusive, measured->going_on);
    measured->exercised = subtract_part(measured->exercised, measured->exercised_going_on);
    if (measured->going_on) /* and when it ends nobody knows */
      measured->known_from_ns = bt_time_add(m->request->now_ns, measured->assumptions.settle_ns);
    assert(measured->exercised <= measured->evaluated && measured->violated <= measured->exercised);
  }
}

/* Some traces of the time before are still there, and nobody knows how many. */
static void say_deleted(bt_measurement *out) {
  char from[40], text[160];
  bt_time_format(out->coverage.kept_from_ns, from);
  snprintf(text, sizeof text,
           "partial_data: retention may have deleted traces from before %.19sZ; ask for the time after it", from);
  say_missing(out, text);
}

static void conclude_measurement(measuring *m) {
  bt_measurement *out = m->out;
  out->coverage.asked = m->request->range;
  out->coverage.assumptions = m->request->assumptions;
  set_ends(m);
  subtract_going_on(m);
  if (!out->replays)
    snprintf(out->reason, sizeof out->reason, "no enabled rule stands for this framework: nothing was evaluated");
  else if (!out->has_data && !out->is_missing)
    snprintf(out->reason, sizeof out->reason,
             "no_data: the source has no trace in this range; a wrong tenant, an outage and a passed retention look "
             "the same");
  else if (out->empty_days && !out->is_missing)
    say_missing(
        out,
        "empty_days: the source has no trace at all of whole days of the range (see windows_empty): an outage, or a "
        "passed retention; ask for the days that it has");
  else if (out->coverage.kept_from_ns && !out->is_missing)
    say_deleted(out);
  bool is_settled = out->settled_end_ns >= m->request->range.end_ns;
  out->coverage.complete = out->has_data && !out->is_missing && is_settled;
}

/* Where something forbidden was never seen under its name, that it did not come says little. */
static bt_status find_unseen(const measuring *m, bt_error *error) {
  const bt_measure_request *r = m->request;
  bt_replay_request asked = {.range = r->range, .tenant = r->tenant, .priority = r->priority, .cancel = r->cancel};
  bt_status status = BT_OK;
  for (size_t i = 0; i < m->measured_count && !status; i++) {
    bt_measured *measured = &m->measured[i];
    bt_buffer text = {0};
    bt_range place;
    if (!measured->is_evaluated || measured->violated || !measured->exercised) continue;
    status = bt_unseen_names_write(r->source, &asked, measured->rule->rule, &text, &place, error);
    bt_str kept = bt_text_cut(bt_buffer_str(&text), sizeof measured->unseen - 1);
    if (kept.len) memcpy(measured->unseen, kept.ptr, kept.len);
    bt_buffer_dispose(&text);
  }
  return status;
}

bt_status bt_measure(const bt_measure_request *request, bt_measured *rules, size_t count, bt_measurement *out,
                     bt_error *error) {
  *out = (bt_measurement){0};
  measuring m = {.request = request, .measured = rules, .measured_count = count, .out = out, .going_on_ns = INT64_MAX};
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_status status = prepare_groups(&m, error);
  if (!status && m.group_count) status = replay_days(&m, error);
  if (!status) status = find_unseen(&m, error);
  if (!status) conclude_measurement(&m);
  out->duration_ns = bt_clock_monotonic_ns() - started_ns;
  dispose_measuring(&m);
  if (status) bt_measurement_dispose(out);
  return status;
}
