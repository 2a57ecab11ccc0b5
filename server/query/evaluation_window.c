/* One window of an evaluation: a replay that counts nothing, whose violations join the listing when all of it is done.
 * See evaluation_pool.h. A window that holds too much is cut in two and begins again. One that was cancelled because
 * nobody waits begins again when somebody does. Thread: a worker of the pool. */
#include <stdio.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/query/evaluation_pool.h"

enum {
  CHECKED_BY_ID = 4, /* violations of a window that are read again, besides those that have to be */
  WINDOW_PART = 8,   /* of the memory limit: what one window may hold */
  GAPS_NAMED = 24,   /* so long a part of the range without any trace is named */
  MOST_PART = 2      /* of the memory limit: what one evaluation may hold, whatever its reader does */
};

typedef struct window_run {
  bt_evaluations *evaluations;
  bt_evaluation *evaluation;
  bt_time_range range;
  bt_listed_array found;
  size_t most_bytes;
  int64_t settled_end_ns; /* not after the time of a trace that goes on: what is missing of it may still come */
  uint64_t inconclusive;
  bt_trace_id inconclusive_trace; /* the last of them */
  bool overflows;
  bt_memory_hold hold; /* of what was found */
  bool has_no_room;    /* for it */
} window_run;

static bool has_service(const bt_violation *violation, const char *service) {
  for (size_t i = 0; i < violation->service_count; i++)
    if (strcmp(violation->services[i], service) == 0) return true;
  return false;
}

/* problem: what the violation is of, where it is asked for. */
static bt_status is_asked_for(bt_evaluation *evaluation, size_t rule, const bt_violation *violation, bool *out,
                              char problem[BT_PROBLEM_ID_HEX + 1], bt_error *error) {
  bt_problem_key key;
  bool is_of_trace = !evaluation->has_trace || bt_trace_id_compare(&evaluation->trace_id, &violation->trace_id) == 0;
  *out = is_of_trace && (!evaluation->service || has_service(violation, evaluation->service));
  if (!*out) return BT_OK;
  bt_status status = bt_problem_key_of(&evaluation->namer, rule, violation, &key, error);
  if (!status) status = bt_problem_id_of(evaluation->rules[rule]->fields.id, &key, problem, error);
  *out = !status && (!evaluation->problem || strcmp(problem, evaluation->problem) == 0);
  return status;
}

static bt_status keep_violation(void *context, size_t rule, bt_violation *violation, bt_error *error) {
  window_run *run = context;
  bool is_wanted = false;
  char problem[BT_PROBLEM_ID_HEX + 1];
  bt_status status =
      run->overflows ? BT_OK : is_asked_for(run->evaluation, rule, violation, &is_wanted, problem, error);
  if (!is_wanted) {
    bt_violation_free(violation);
    return status;
  }
  run->has_no_room = !bt_memory_hold_grow(&run->hold, bt_listed_bytes(violation));
  run->overflows = run->has_no_room || run->hold.bytes > run->most_bytes;
  if (run->overflows) bt_work_scope_cancel(&run->evaluation->scope, BT_SCOPE_UNWANTED);
  if (run->has_no_room) {
    bt_violation_free(violation);
    return BT_OK;
  }
  return bt_listed_array_add(&run->found, run->range, run->evaluation->margin_ns, rule, violation, problem, error);
}

/* A trace that may violate: without it the answer is not the whole one. Where it is still going on, the settled part
 * ends before it. */
static bt_status note_verdict(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  window_run *run = context;
  const bt_evaluation *evaluation = run->evaluation;
  (void)error;
  if (verdict->verdict != BT_INCONCLUSIVE || !verdict->is_settled) return BT_OK;
  if (evaluation->has_trace && bt_trace_id_compare(&evaluation->trace_id, &verdict->trace_id) != 0) return BT_OK;
  if (verdict->is_young) {
    if (verdict->time_ns < run->settled_end_ns) run->settled_end_ns = verdict->time_ns;
    return BT_OK;
  }
  run->inconclusive++;
  run->inconclusive_trace = verdict->trace_id;
  return BT_OK;
}

static bt_status evaluate_window(window_run *run, bt_replay_result *result, bt_error *error) {
  const bt_evaluation *evaluation = run->evaluation;
  const bt_evaluations_options *options = &run->evaluations->options;
  const bt_time_range *whole = &evaluation->key.range;
  bt_replay_observer observer = {.context = run, .violation = keep_violation, .verdict = note_verdict};
  bt_replay_request request = {.rules = evaluation->rules,
                               .rule_count = evaluation->rule_count,
                               .range = run->range,
                               .now_ns = evaluation->key.now_ns,
                               .assumptions = options->assumptions,
                               .count = BT_COUNT_AT_LEAST,
                               .tenant = evaluation->tenant[0] ? evaluation->tenant : NULL,
                               .sample_size = CHECKED_BY_ID,
                               .memory_limit_bytes = options->memory_limit_bytes,
                               .memory = options->memory,
                               .priority = BT_PRIORITY_PEOPLE,
                               .wants_earliest = true,
                               .is_live = true,
                               .gap_step_ns = bt_time_subtract(whole->end_ns, whole->start_ns) / GAPS_NAMED + 1,
                               .cancel = &evaluation->scope.cancel};
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_status status = bt_replay_run(evaluation->source, &request, &observer, result, error);
  bt_metrics_add_evaluation(options->metrics, BT_EVALUATION_ON_DEMAND, bt_clock_monotonic_ns() - started_ns);
  return status;
}

static bool starts_with(const char *text, const char *word) {
  return strncmp(text, word, strlen(word)) == 0;
}

static void say_reason(bt_evaluation *evaluation, const char *reason) {
  evaluation->is_missing = true;
  if (!evaluation->reason[0]) snprintf(evaluation->reason, sizeof evaluation->reason, "%s", reason);
}

static void fail_evaluation(bt_evaluation *evaluation, bt_status status, const bt_error *why) {
  evaluation->finished = true;
  evaluation->failed = status;
  evaluation->why = *why;
}

/* Coverages join in order of time, whichever way the windows go. */
static bt_status take_coverage(bt_evaluation *evaluation, bt_coverage *window, bt_error *error) {
  if (!evaluation->key.newest_first) return bt_coverage_join(&evaluation->coverage, window, error);
  bt_status status = bt_coverage_join(window, &evaluation->coverage, error);
  if (status != BT_OK) return status;
  bt_coverage_dispose(&evaluation->coverage);
  evaluation->coverage = *window;
  *window = (bt_coverage){0};
  return BT_OK;
}

static bt_status take_window(window_run *run, bt_replay_result *result, bt_error *error) {
  bt_evaluation *evaluation = run->evaluation;
  bt_status status = take_coverage(evaluation, &result->coverage, error);
  if (status != BT_OK) return status;
  /* A window without any trace, or younger than settle, says nothing bad of the whole range. */
  bool is_harmless = starts_with(result->reason, "no_data") || starts_with(result->reason, "unsettled");
  if (result->outcome == BT_REPLAY_COMPLETED || result->coverage.has_data_from) evaluation->has_data = true;
  if (result->outcome != BT_REPLAY_COMPLETED && !is_harmless) say_reason(evaluation, result->reason);
  evaluation->inconclusive += run->inconclusive;
  /* Windows neither overlap nor leave a gap, so their traces add up. Of several rules the one that knows of most traces
   * counts. */
  const bt_rule_result *most = NULL;
  for (size_t i = 0; i < result->rule_count; i++)
    if (!most || result->rules[i].traces_evaluated > most->traces_evaluated) most = &result->rules[i];
  for (size_t i = 0; i < result->rule_count && i < evaluation->rule_count; i++) {
    evaluation->exercised[i].traces += result->rules[i].traces_exercised;
    bool is_exact = result->rules[i].exercised_is_exact;
    evaluation->exercised[i].is_at_least = evaluation->exercised[i].is_at_least || !is_exact;
  }
  if (result->rule_count == 1) bt_kept_traces_join(&evaluation->kept, &result->rules[0].violations_kept);
  if (most) evaluation->traces_evaluated += most->traces_evaluated;
  if (most && !most->evaluated_is_exact) evaluation->evaluated_at_least = true;
  if (run->settled_end_ns < evaluation->effective_end_ns) evaluation->effective_end_ns = run->settled_end_ns;
  if (run->inconclusive) evaluation->inconclusive_trace = run->inconclusive_trace;
  bt_schedule_done(&evaluation->schedule);
  bt_time_range rest = bt_schedule_rest(&evaluation->schedule, evaluation->key.newest_first);
  status = bt_listing_take(&evaluation->listing, &run->found, rest, evaluation->margin_ns, error);
  evaluation->finished = !evaluation->schedule.count;
  return status;
}

/* Nothing more can be evaluated: all that is found is final, and what is left is named by the coverage of each page. */
static bt_status end_early(bt_evaluation *evaluation, const char *reason, bt_error *error) {
  bt_listed_array none = {0};
  say_reason(evaluation, reason);
  evaluation->finished = true;
  return bt_listing_take(&evaluation->listing, &none, (bt_time_range){0, 0}, evaluation->margin_ns, error);
}

static bt_status split_window(window_run *run, bt_error *error) {
  bt_evaluation *evaluation = run->evaluation;
  bt_error why = {0};
  bt_status status = bt_schedule_split(&evaluation->schedule, evaluation->key.newest_first, &why);
  if (status == BT_LIMIT)
    return end_early(evaluation, "results_full: more violations lie close together than fit into memory", error);
  if (status != BT_OK && error) *error = why;
  return status;
}

static bt_status take_result(window_run *run, bt_replay_result *result, bt_error *error) {
  bt_evaluation *evaluation = run->evaluation;
  if (run->has_no_room)
    return end_early(evaluation, "results_full: what runs and what is kept fills --memory-limit; ask again later",
                     error);
  if (run->overflows) return split_window(run, error);
  if (result->outcome == BT_REPLAY_CANCELLED) return BT_OK; /* it is begun again when somebody waits */
  bool is_lost = result->outcome == BT_REPLAY_FAILED;
  char reason[sizeof result->reason];
  memcpy(reason, result->reason, sizeof reason);
  bt_status status = take_window(run, result, error);
  if (status == BT_OK && is_lost) return end_early(evaluation, reason, error);
  if (status == BT_OK &&
      bt_listing_bytes(&evaluation->listing) > run->evaluations->options.memory_limit_bytes / MOST_PART)
    return end_early(evaluation, "results_full: the violations that are not certain yet take more memory than there is",
                     error);
  return status;
}

void bt_evaluation_run_window(bt_evaluations *evaluations, bt_evaluation *evaluation) {
  window_run run = {.evaluations = evaluations,
                    .evaluation = evaluation,
                    .range = bt_schedule_next(&evaluation->schedule),
                    .settled_end_ns = INT64_MAX,
                    .hold = {evaluations->options.memory, BT_MEMORY_VIOLATIONS, 0},
                    .most_bytes = evaluations->options.memory_limit_bytes / WINDOW_PART};
  bt_replay_result result = {0};
  bt_error why = {0};
  evaluation->running = true;
  bt_work_scope_begin(&evaluation->scope, &evaluations->options.work->root, BT_SCOPE_NO_DEADLINE);
  pthread_mutex_unlock(&evaluations->mutex);
  bt_status status = evaluate_window(&run, &result, &why);
  pthread_mutex_lock(&evaluations->mutex);
  evaluation->running = false;
  bt_work_scope_end(&evaluation->scope);
  if (status == BT_OK) status = take_result(&run, &result, &why);
  if (status != BT_OK) fail_evaluation(evaluation, status, &why);
  bt_listed_array_dispose(&run.found);
  bt_memory_hold_join(&evaluations->hold, &run.hold); /* what was taken of it counts with the listing now */
  bt_evaluations_count(evaluations);
  bt_replay_result_dispose(&result);
  bt_evaluation_wake(evaluation);
}
