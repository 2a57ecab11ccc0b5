/* Judging one whole trace: its place in the window, the verdicts, and whether a batch is enough to report them. A batch is not enough when
 * a violation rests on absence and the trace is so young that its last spans may not have been handed over to what search sees, or when the
 * trace is longer than margin, so that the batch may lack its beginning. Everything of one trace comes from one read.
 * Of violations that a batch shows, a seeded sample waits here to be read by id. Thread: the replay's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/run.h"
#include "tempo/own_trace.h"

bt_status bt_run_queue_by_id(bt_run *run, size_t known, bt_error *error) {
  if (run->known[known].flags & BT_KNOWN_BY_ID) return BT_OK;
  size_t *queue = bt_grow_array(run->queue, run->queue_count, &run->queue_capacity, sizeof *queue);
  if (!queue) return bt_error_no_memory(error);
  run->queue = queue;
  queue[run->queue_count++] = known;
  run->known[known].flags |= BT_KNOWN_BY_ID;
  return BT_OK;
}

static bool ended_after(const bt_run *run, const bt_trace *trace, int64_t age_ns) {
  return !run->is_static && bt_trace_end_ns(trace) > bt_time_subtract(run->request.now_ns, age_ns);
}

static void set_options(bt_run *run, const bt_trace *trace) {
  for (size_t i = 0; i < run->request.rule_count; i++) {
    const bt_run_rule *rule = &run->rules[i];
    run->options[i].incomplete = trace->partial || ended_after(run, trace, rule->settle_ns) ||
                                 (rule->require_complete && trace->missing_parents);
  }
}

/* A batch cannot speak for a rule that reads what batches do not give. */
static bool is_usable(const bt_run *run, size_t rule, bool is_final) {
  return is_final || !run->rules[rule].whole_trace;
}

static bool needs_by_id(const bt_run *run, const bt_trace *trace, const bt_rule_verdict *verdicts) {
  if (!ended_after(run, trace, run->request.assumptions.handover_ns)) return false;
  for (size_t i = 0; i < run->request.rule_count; i++)
    if (is_usable(run, i, false) && verdicts[i].verdict == BT_VIOLATED && run->rules[i].plan->rests_on_absence)
      return true;
  return false;
}

static bool is_before(const bt_violation *violation, const bt_moment *moment) {
  if (violation->time_ns != moment->time_ns) return violation->time_ns < moment->time_ns;
  return bt_trace_id_compare(&violation->trace_id, &moment->trace_id) < 0;
}

static void track_moments(bt_rule_result *result, const bt_violation *violation) {
  bt_moment moment = {true, violation->trace_id, violation->time_ns};
  if (!result->first_violation.is_set || is_before(violation, &result->first_violation))
    result->first_violation = moment;
  if (!result->last_violation.is_set || !is_before(violation, &result->last_violation)) result->last_violation = moment;
}

/* Takes the violation. An observer that is full is told nothing more, and the outcome says so; counting goes on. */
static bt_status deliver(bt_run *run, size_t rule, bt_violation *violation, bt_error *error) {
  bt_rule_result *result = &run->result->rules[rule];
  bt_error why = {0};
  result->violations_found++;
  if (violation->provisional) result->violations_provisional++;
  track_moments(result, violation);
  if (!run->observer || !run->observer->violation || run->observer_full) {
    bt_violation_free(violation);
    return BT_OK;
  }
  bt_status status = run->observer->violation(run->observer->context, rule, violation, &why);
  if (status == BT_LIMIT) {
    run->observer_full = true;
    snprintf(run->full_reason, sizeof run->full_reason, "%.190s", why.message);
    return BT_OK;
  }
  if (status != BT_OK && error) *error = why;
  return status;
}

static void free_violations(bt_violation **violations, size_t count) {
  for (size_t i = 0; violations && i < count; i++) bt_violation_free(violations[i]);
  free(violations);
}

/* Takes what is in the array, and the array. */
static bt_status deliver_all(bt_run *run, bt_violation **violations, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->request.rule_count; i++) {
    if (!violations[i]) continue;
    bt_violation *violation = violations[i];
    violations[i] = NULL;
    status = deliver(run, i, violation, error);
  }
  free_violations(violations, run->request.rule_count);
  return status;
}

/* A number that depends on seed and id alone. Traces that name parents which the batch did not show come first: they are the ones whose
 * beginning may lie farther back than margin. */
static uint64_t sample_key(const bt_run *run, const bt_trace *trace) {
  uint64_t halves[2];
  memcpy(halves, trace->id.bytes, sizeof halves);
  uint64_t key = run->request.sample_seed ^ halves[0] ^ (halves[1] << 1 | halves[1] >> 63);
  for (int round = 0; round < 2; round++) {
    key += 0x9E3779B97F4A7C15u;
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
    key ^= key >> 31;
  }
  return key >> 1 | (trace->missing_parents ? 0 : (uint64_t)1 << 63);
}

/* In order of time, for who wants the earliest violation: those are worth the reads by id. */
static uint64_t time_key(const bt_run *run, bt_violation *const *violations) {
  int64_t time_ns = INT64_MAX;
  for (size_t i = 0; i < run->request.rule_count; i++)
    if (violations[i] && violations[i]->time_ns < time_ns) time_ns = violations[i]->time_ns;
  return (uint64_t)time_ns ^ (uint64_t)1 << 63;
}

/* Keeps the traces with the smallest keys, which does not depend on the order in which they come; the others are reported at once. */
static bt_status sample_or_deliver(bt_run *run, size_t known, const bt_trace *trace, bt_violation **violations,
                                   bt_error *error) {
  uint64_t key = run->request.wants_earliest ? time_key(run, violations) : sample_key(run, trace);
  bt_sampled sampled = {key, known, violations};
  if (run->sample_count < run->request.sample_size) {
    run->samples[run->sample_count++] = sampled;
    return BT_OK;
  }
  uint32_t largest = 0;
  for (uint32_t i = 1; i < run->sample_count; i++)
    if (run->samples[i].key > run->samples[largest].key) largest = i;
  if (sampled.key < run->samples[largest].key) {
    bt_sampled out = run->samples[largest];
    run->samples[largest] = sampled;
    sampled = out;
  }
  return deliver_all(run, sampled.violations, error);
}

static bt_status make_violation(bt_run *run, size_t rule, const bt_trace *trace, const bt_rule_verdict *verdict,
                                bool is_final, bt_place place, bt_violation **out, bt_error *error) {
  bt_status status = bt_violation_new(run->rules[rule].definition, run->request.tenant, trace, verdict, out, error);
  if (status != BT_OK) return status;
  (*out)->confirmed_by_id = is_final;
  (*out)->provisional = place == BT_PLACE_TAIL;
  return BT_OK;
}

/* *any: whether some rule is violated. */
static bt_status make_violations(bt_run *run, const bt_trace *trace, const bt_rule_verdict *verdicts, bool is_final,
                                 bt_place place, bt_violation **out, bool *any, bt_error *error) {
  bt_status status = BT_OK;
  *any = false;
  for (size_t i = 0; status == BT_OK && i < run->request.rule_count; i++) {
    if (verdicts[i].verdict != BT_VIOLATED || !is_usable(run, i, is_final)) continue;
    status = make_violation(run, i, trace, &verdicts[i], is_final, place, &out[i], error);
    *any = true;
  }
  return status;
}

static bt_status report(bt_run *run, size_t known, const bt_trace *trace, const bt_rule_verdict *verdicts,
                        bool is_final, bt_place place, bt_error *error) {
  bool any = false;
  for (size_t i = 0; !any && i < run->request.rule_count; i++) any = verdicts[i].verdict == BT_VIOLATED;
  if (!any) return BT_OK;
  bt_violation **violations = calloc(run->request.rule_count, sizeof *violations);
  if (!violations) return bt_error_no_memory(error);
  bt_status status = make_violations(run, trace, verdicts, is_final, place, violations, &any, error);
  if (status != BT_OK || !any) {
    free_violations(violations, run->request.rule_count);
    return status;
  }
  return is_final ? deliver_all(run, violations, error) : sample_or_deliver(run, known, trace, violations, error);
}

static void count_inconclusive(const bt_run *run, const bt_trace *trace, bt_rule_result *result) {
  int64_t time_ns = bt_window_trace_time(&run->window, bt_trace_start_ns(trace), bt_trace_latest_start_ns(trace));
  result->inconclusive++;
  if (!result->first_inconclusive.is_set || time_ns < result->first_inconclusive.time_ns)
    result->first_inconclusive = (bt_moment){true, trace->id, time_ns};
}

static void count_verdicts(bt_run *run, size_t known, const bt_trace *trace, const bt_rule_verdict *verdicts,
                           bool is_final, bt_place place) {
  for (size_t i = 0; i < run->request.rule_count; i++) {
    bt_rule_result *result = &run->result->rules[i];
    if (!is_usable(run, i, is_final)) continue;
    if (bt_bit_get(run->rules[i].unread, known)) {
      result->traces_read++;
      if (place == BT_PLACE_SETTLED && verdicts[i].verdict == BT_INCONCLUSIVE) count_inconclusive(run, trace, result);
    }
    if (place == BT_PLACE_SETTLED && verdicts[i].exercised == BT_TRUE) result->traces_exercised++;
  }
}

static bt_status evaluate(bt_run *run, size_t known, const bt_trace *trace, const bt_rule_verdict **verdicts,
                          bool *is_known, bt_error *error) {
  set_options(run, trace);
  bt_error why = {0};
  bt_status status = bt_evaluator_run(run->evaluator, trace, run->options, verdicts, &why);
  *is_known = status == BT_OK;
  if (status == BT_LIMIT) return bt_coverage_fail_trace(run, &run->known[known], why.message, error);
  if (status != BT_OK && error) *error = why;
  return status;
}

static bool is_long(const bt_run *run, const bt_trace *trace) {
  return bt_window_is_long(&run->window, bt_trace_start_ns(trace), bt_trace_latest_start_ns(trace));
}

/* A sampled trace comes here twice, the second time as it is by id; it is named as long once, because a batch never shows that. */
static bt_status settle_place(bt_run *run, size_t known, const bt_trace *trace, bt_place *place, bt_error *error) {
  bt_known *k = &run->known[known];
  *place = bt_window_place_trace(&run->window, trace, bt_known_bounds(k));
  k->flags &= (uint8_t) ~(BT_KNOWN_OUTSIDE | BT_KNOWN_TAIL);
  k->flags |= BT_KNOWN_JUDGED;
  if (*place == BT_PLACE_OUTSIDE) k->flags |= BT_KNOWN_OUTSIDE;
  if (*place == BT_PLACE_TAIL) k->flags |= BT_KNOWN_TAIL;
  return is_long(run, trace) && *place != BT_PLACE_OUTSIDE ? bt_coverage_add_long(run, &k->matched.id, error) : BT_OK;
}

bt_status bt_judge_trace(bt_run *run, size_t known, const bt_trace *trace, bool is_final, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bool is_known = false;
  bt_place place;
  if (is_final && bt_trace_is_own(trace, bt_str_from(run->request.tenant ? run->request.tenant : ""))) {
    run->known[known].flags |= BT_KNOWN_OWN;
    return BT_OK;
  }
  if (!is_final && is_long(run, trace)) return bt_run_queue_by_id(run, known, error);
  bt_status status = evaluate(run, known, trace, &verdicts, &is_known, error);
  if (status != BT_OK || !is_known) return status;
  if (!is_final && needs_by_id(run, trace, verdicts)) return bt_run_queue_by_id(run, known, error);
  status = settle_place(run, known, trace, &place, error);
  if (status != BT_OK || place == BT_PLACE_OUTSIDE) return status;
  count_verdicts(run, known, trace, verdicts, is_final, place);
  return report(run, known, trace, verdicts, is_final, place, error);
}

/* What the batch said and the whole trace does not say, or the other way round. */
static void count_differences(bt_run *run, const bt_sampled *sampled, const bt_rule_verdict *verdicts, bool is_here) {
  for (size_t i = 0; i < run->request.rule_count; i++) {
    bool violates = is_here && verdicts[i].verdict == BT_VIOLATED;
    if (run->rules[i].whole_trace || violates == (sampled->violations[i] != NULL)) continue;
    run->result->rules[i].sample_differences++;
    run->sample_differences++;
  }
}

/* The sampled trace as it is by id; what the batch said of it is let go. */
static bt_status replace_sampled(bt_run *run, bt_sampled *sampled, const bt_trace *trace,
                                 const bt_rule_verdict *verdicts, bt_error *error) {
  bt_place place;
  bt_status status = settle_place(run, sampled->known, trace, &place, error);
  if (status != BT_OK) return status;
  count_differences(run, sampled, verdicts, place != BT_PLACE_OUTSIDE);
  free_violations(sampled->violations, run->request.rule_count);
  sampled->violations = NULL;
  if (place == BT_PLACE_OUTSIDE) return BT_OK;
  return report(run, sampled->known, trace, verdicts, true, place, error);
}

bt_status bt_judge_sampled(bt_run *run, bt_sampled *sampled, const bt_trace *trace, const char *missing,
                           bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bool is_known = false;
  bt_status status = trace ? evaluate(run, sampled->known, trace, &verdicts, &is_known, error)
                           : bt_coverage_fail_trace(run, &run->known[sampled->known], missing, error);
  if (status != BT_OK) return status;
  if (is_known) return replace_sampled(run, sampled, trace, verdicts, error);
  bt_violation **violations = sampled->violations;
  sampled->violations = NULL;
  return deliver_all(run, violations, error);
}
