/* Telling what was judged: verdicts and violations go to the observer, and into the numbers of the rules, once they are final. Violations that
 * batches showed may wait here for the seeded sample of them that is read again by id (docs/DECISIONS.md says what that sample proves).
 * Thread: the replay's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/reservoir.h"
#include "server/replay/run.h"

enum { SAMPLE_FLOOR = 8 }; /* violating traces that are read by id whatever their number */

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

/* A violation in a trace that the searches had ruled out: Tempo's answers or the plan were wrong. It is reported, and the answer is not
 * complete, because others like it were not read. */
static void track_unread(bt_run *run, bt_rule_result *result, const bt_trace_verdict *verdict) {
  if (!verdict->is_settled || !run->decider.rules[verdict->rule].is_answered) return;
  result->unread_sampled++;
  if (verdict->verdict != BT_VIOLATED) return;
  result->unread_differences++;
  run->unread_differences++;
}

static void track(bt_run *run, const bt_trace_verdict *verdict, bool was_wanted) {
  bt_rule_result *result = &run->account.result->rules[verdict->rule];
  if (verdict->verdict == BT_VIOLATED) track_violation(result, verdict);
  if (verdict->is_settled && verdict->exercised == BT_TRUE) result->traces_exercised++;
  if (!was_wanted) {
    track_unread(run, result, verdict);
    return;
  }
  result->traces_read++;
  if (verdict->is_settled && verdict->verdict == BT_INCONCLUSIVE) track_inconclusive(result, verdict);
}

/* Takes the violation. An observer that is full is told nothing more, and the outcome says so; counting goes on. */
static bt_status tell_violation(bt_run *run, size_t rule, bt_violation *violation, bt_error *error) {
  bt_error why = {0};
  if (!violation || !run->account.observer || !run->account.observer->violation || run->observer_full) {
    bt_violation_free(violation);
    return BT_OK;
  }
  bt_status status = run->account.observer->violation(run->account.observer->context, rule, violation, &why);
  if (status == BT_LIMIT) {
    run->observer_full = true;
    snprintf(run->full_reason, sizeof run->full_reason, "%.190s", why.message);
    return BT_OK;
  }
  if (status != BT_OK && error) *error = why;
  return status;
}

bt_status bt_tell_verdict(const bt_run *run, const bt_trace_verdict *verdict, bt_error *error) {
  if (!run->account.observer || !run->account.observer->verdict) return BT_OK;
  return run->account.observer->verdict(run->account.observer->context, verdict, error);
}

/* A trace counts once, whichever rules wait for the rest of it. */
static void track_open(bt_run *run, size_t known, const bt_judged *rules) {
  bool is_open = false;
  for (size_t i = 0; i < run->plan.rule_count; i++) {
    const bt_trace_verdict *verdict = &rules[i].verdict;
    bool is_missing = rules[i].is_usable && verdict->is_settled && verdict->is_young &&
                      verdict->verdict == BT_INCONCLUSIVE && bt_bit_get(run->decider.rules[i].unread, known);
    if (!is_missing) continue;
    if ((!run->account.result->open_traces && !is_open) || verdict->time_ns < run->account.result->open_ns)
      run->account.result->open_ns = verdict->time_ns;
    is_open = true;
  }
  run->account.result->open_traces += is_open;
}

/* Takes the rule's violation. What was not wanted for a rule is not a candidate of it: unless it violates, that is all there is to say. */
static bt_status deliver_rule(bt_run *run, size_t known, bt_judged *judged, bt_error *error) {
  bt_trace_verdict *verdict = &judged->verdict;
  bt_violation *violation = judged->violation;
  judged->violation = NULL;
  if (!judged->is_usable) return BT_OK;
  bool was_wanted = bt_bit_get(run->decider.rules[verdict->rule].unread, known);
  if (!was_wanted && verdict->verdict == BT_INCONCLUSIVE) verdict->verdict = BT_SATISFIED;
  track(run, verdict, was_wanted);
  bt_status status = tell_violation(run, verdict->rule, violation, error);
  return status == BT_OK ? bt_tell_verdict(run, verdict, error) : status;
}

void bt_judged_free(bt_judged *rules, size_t count) {
  for (size_t i = 0; rules && i < count; i++) bt_violation_free(rules[i].violation);
  free(rules);
}

bt_status bt_deliver(bt_run *run, size_t known, bt_judged *rules, bt_error *error) {
  bt_status status = BT_OK;
  track_open(run, known, rules);
  for (size_t i = 0; status == BT_OK && i < run->plan.rule_count; i++)
    status = deliver_rule(run, known, &rules[i], error);
  bt_judged_free(rules, run->plan.rule_count);
  return status;
}

/* ---- the sample that is read again by id ---- */

uint64_t bt_seeded_key(uint64_t seed, const bt_trace_id *id) {
  uint64_t halves[2];
  memcpy(halves, id->bytes, sizeof halves);
  uint64_t key = seed ^ halves[0] ^ (halves[1] << 1 | halves[1] >> 63);
  for (int round = 0; round < 2; round++) {
    key += 0x9E3779B97F4A7C15u;
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
    key ^= key >> 31;
  }
  return key;
}

uint64_t bt_sample_key(const bt_run *run, const bt_trace_id *id) {
  return bt_seeded_key(run->plan.request.sample_seed, id);
}

bool bt_judged_violates(const bt_run *run, const bt_judged *rules) {
  for (size_t i = 0; i < run->plan.rule_count; i++)
    if (rules[i].is_usable && rules[i].verdict.verdict == BT_VIOLATED) return true;
  return false;
}

/* In order of time, for who wants the earliest violation: those are worth the reads by id. */
static uint64_t time_key(const bt_run *run, const bt_judged *rules) {
  int64_t time_ns = INT64_MAX;
  for (size_t i = 0; i < run->plan.rule_count; i++) {
    const bt_trace_verdict *verdict = &rules[i].verdict;
    bool violates = rules[i].is_usable && verdict->verdict == BT_VIOLATED;
    if (violates && verdict->violation_ns < time_ns) time_ns = verdict->violation_ns;
  }
  return (uint64_t)time_ns ^ (uint64_t)1 << 63;
}

/* Traces that name parents which the batch did not show come first: they are the ones whose beginning may lie farther back than margin. */
uint64_t bt_violating_key(const bt_run *run, const bt_trace *trace, const bt_judged *rules) {
  if (run->plan.wants_earliest) return time_key(run, rules);
  return bt_sample_key(run, &trace->id) >> 1 | (trace->missing_parents ? 0 : (uint64_t)1 << 63);
}

static uint32_t largest_key(const bt_run *run) {
  uint32_t largest = 0;
  for (uint32_t i = 1; i < run->sample_count; i++)
    if (run->samples[i].key > run->samples[largest].key) largest = i;
  return largest;
}

/* Keeps the traces with the smallest keys, which does not depend on the order in which they come; the others are reported at once. */
bt_status bt_sample_or_deliver(bt_run *run, bt_sampled sampled, bt_error *error) {
  run->sampled_from++;
  if (run->sample_count < run->plan.request.sample_size) {
    run->samples[run->sample_count++] = sampled;
    return BT_OK;
  }
  uint32_t largest = largest_key(run);
  if (sampled.key < run->samples[largest].key) {
    bt_sampled out = run->samples[largest];
    run->samples[largest] = sampled;
    sampled = out;
  }
  return bt_deliver(run, sampled.known, sampled.rules, error);
}

/* Those that name parents which the batch did not show; they have the smallest keys. */
static uint64_t count_orphans(const bt_run *run) {
  uint64_t count = 0, most = SAMPLE_FLOOR * run->plan.sample_times;
  for (uint32_t i = 0; i < run->sample_count; i++) count += run->samples[i].key >> 63 == 0;
  return count < most ? count : most;
}

/* What is still to be read: the root of their number, because what a sample can show follows from its size, and hardly from what it is of. What comes
 * after a part of the sample was read lies near the edges, where beginnings may be missing: of such traces some are read whatever was read before. */
static uint64_t count_wanted(const bt_run *run, uint64_t under_way) {
  uint64_t wanted = SAMPLE_FLOOR, times = run->plan.sample_times;
  while (wanted < run->plan.request.sample_size && wanted * wanted < run->sampled_from + under_way) wanted++;
  wanted *= times;
  if (wanted > run->plan.request.sample_size) wanted = run->plan.request.sample_size;
  uint64_t read = run->samples_read + run->beside.read + under_way;
  wanted -= read < wanted ? read : wanted;
  uint64_t orphans = run->has_sampled_part ? count_orphans(run) : 0;
  return orphans > wanted ? orphans : wanted;
}

size_t bt_sample_preview(const bt_run *run, uint64_t under_way, size_t *known) {
  uint64_t wanted = count_wanted(run, under_way);
  size_t most = wanted < BT_MORE_BY_ID_MAX ? (size_t)wanted : BT_MORE_BY_ID_MAX;
  bt_reservoir smallest = {.count = 0};
  for (uint32_t i = 0; most && i < run->sample_count; i++)
    bt_reservoir_offer(&smallest, most, (bt_keyed){run->samples[i].key, run->samples[i].known});
  for (size_t i = 0; i < smallest.count; i++) known[i] = smallest.items[i].known;
  return smallest.count;
}

bt_status bt_sample_settle(bt_run *run, bt_error *error) {
  uint64_t wanted = count_wanted(run, 0);
  bt_status status = BT_OK;
  while (status == BT_OK && !run->plan.sample_is_fixed && run->sample_count > wanted) {
    uint32_t largest = largest_key(run);
    bt_sampled out = run->samples[largest];
    run->samples[largest] = run->samples[--run->sample_count];
    status = bt_deliver(run, out.known, out.rules, error);
  }
  return status;
}
