/* One evaluation of steps: a replay over all of them that tells its verdicts, and what of it may be believed. See
 * series_pool.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/query/series_pool.h"

enum {
  CHECKED_BY_ID = 4, /* violations that are read again, besides those that have to be */
  JOINED_FROM = 2    /* series whose candidates are found together */
};
static const size_t DEFAULT_MEMORY_BYTES = (size_t)64 << 20;

int64_t bt_series_run_step_of(const bt_series_run *run, int64_t time_ns) {
  int64_t since_ns = bt_time_subtract(time_ns, run->origin_ns);
  int64_t step = since_ns / run->step_ns - (since_ns % run->step_ns < 0);
  /* A trace longer than margin may be judged where its time does not lie. */
  if (step < run->first_step) return run->first_step;
  return step >= run->end_step ? run->end_step - 1 : step;
}

static bt_step_count *cell_of(const bt_series_run *run, size_t series, int64_t step) {
  return &run->counts[series * bt_run_steps(run) + (size_t)(step - run->first_step)];
}

/* Of a trace that was not read: it counts in one of the steps from `from` to `to`, or nobody knows whether it counts.
 */
static void set_unsure(bt_series_run *run, size_t series, int64_t from, int64_t to) {
  for (int64_t step = from; step <= to; step++)
    run->is_unsure[series * bt_run_steps(run) + (size_t)(step - run->first_step)] = true;
}

void bt_series_run_count(bt_series_run *run, const bt_trace_verdict *verdict) {
  int64_t from = bt_series_run_step_of(run, verdict->time_ns), to = bt_series_run_step_of(run, verdict->time_latest_ns);
  if (from == to) run->has_trace[from - run->first_step] = true; /* else its bounds say where it is */
  bt_step_count *cell = cell_of(run, verdict->rule, from);
  if (verdict->verdict == BT_VIOLATED) cell->violations++;
  for (int64_t step = from; verdict->verdict == BT_VIOLATED && from < to && step <= to; step++)
    cell_of(run, verdict->rule, step)->is_undecided = true; /* one of these has it */
  bool is_open = verdict->verdict == BT_INCONCLUSIVE && verdict->is_settled;
  cell->is_young = cell->is_young || (is_open && verdict->is_young);
  cell->is_undecided = cell->is_undecided || (is_open && !verdict->is_young);
  cell->is_exhausted = cell->is_exhausted || (is_open && !verdict->is_young && verdict->reason == BT_REASON_BUDGET);
  if (verdict->exercised == BT_FALSE) return;
  if (verdict->exercised == BT_TRUE && from == to)
    cell->exercised++;
  else
    set_unsure(run, verdict->rule, from, to);
}

static bt_status count_trace(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  (void)error;
  bt_series_run_count(context, verdict);
  return BT_OK;
}

static bool starts_with(const char *text, const char *word) {
  return strncmp(text, word, strlen(word)) == 0;
}

/* A trace with a span in the window began at most margin before it. */
static bool is_touched(const bt_series_run *run, const bt_coverage *coverage, int64_t step) {
  int64_t start_ns = bt_series_run_begin_of(run, step), end_ns = bt_series_run_end_of(run, step);
  for (size_t i = 0; i < coverage->windows_failed_count; i++) {
    const bt_time_range *failed = &coverage->windows_failed[i].range;
    if (start_ns < failed->end_ns && end_ns > bt_time_subtract(failed->start_ns, run->margin_ns)) return true;
  }
  return false;
}

static bool is_empty_step(const bt_series_run *run, const bt_coverage *coverage, int64_t step) {
  int64_t start_ns = bt_series_run_begin_of(run, step), end_ns = bt_series_run_end_of(run, step);
  if (run->has_trace[step - run->first_step]) return false;
  for (size_t i = 0; i < coverage->windows_empty_count; i++)
    if (coverage->windows_empty[i].start_ns <= start_ns && coverage->windows_empty[i].end_ns >= end_ns) return true;
  return false;
}

/* Why nothing of the run may be believed, or what it says of single steps and rules. */
typedef struct belief {
  bool in_steps; /* all that is missing is in windows_failed and in the rules' differences */
  bool is_empty; /* there was no trace at all */
} belief;

/* Steps that are not settled for a rule are not shown for it, and another rule's settle takes nothing from it. */
static belief belief_of(const bt_replay_result *result) {
  static const char *const of_steps[] = {"windows_failed", "sample_differs", "search_differs", NULL};
  if (result->outcome == BT_REPLAY_COMPLETED || result->others_stand) return (belief){.in_steps = true};
  if (result->outcome != BT_REPLAY_INCOMPLETE) return (belief){0};
  if (starts_with(result->reason, "no_data")) return (belief){.in_steps = true, .is_empty = true};
  for (size_t i = 0; of_steps[i]; i++)
    if (starts_with(result->reason, of_steps[i])) return (belief){.in_steps = true};
  return (belief){0};
}

static void take_rule(bt_series_run *run, size_t series, const bt_replay_result *result, belief how) {
  const bt_rule_result *rule = &result->rules[series];
  int64_t provisional_ns = run->provisional[series] = rule->provisional_from_ns;
  bool differs = result->differences_spread && (rule->sample_differences || rule->unread_differences);
  bool is_sound = how.in_steps && !differs;
  bool may_be_exact = rule->exercised_is_exact || rule->evaluated_is_exact;
  double least = 0, most = 0;
  (void)bt_sampled_traces_chance(&result->coverage.sampling, &least, &most);
  for (int64_t step = run->first_step; step < run->end_step; step++) {
    bt_step_count *cell = cell_of(run, series, step);
    bool is_unsure = run->is_unsure[series * bt_run_steps(run) + (size_t)(step - run->first_step)];
    cell->is_read = is_sound && !is_touched(run, &result->coverage, step);
    cell->is_empty = is_empty_step(run, &result->coverage, step);
    cell->is_provisional = provisional_ns && bt_series_run_end_of(run, step) > provisional_ns;
    cell->kept_least = least;
    cell->kept_most = most;
    cell->looked_exercised = run->wants_exercised;
    cell->has_exercised = run->wants_exercised && may_be_exact && !is_unsure;
  }
}

void bt_series_run_conclude(bt_series_run *run, const bt_replay_result *result) {
  belief how = belief_of(result);
  if (result->outcome != BT_REPLAY_COMPLETED && !result->others_stand && !how.is_empty)
    snprintf(run->reason, sizeof run->reason, "%s", result->reason);
  for (size_t i = 0; i < run->series_count; i++) take_rule(run, i, result, how);
  run->sampling = result->coverage.sampling;
  run->requests = result->requests;
  run->bytes_inspected = result->bytes_inspected;
  run->bytes_received = result->bytes_received;
}

/* A tick of many alert rules: one search finds what any of them has to look at. Over longer ranges each rule's own
 * search is worth its price, because what it finds has to be read. */
static bool joins_searches(const bt_series_run *run) {
  int64_t length_ns = (run->end_step - run->first_step) * run->step_ns;
  return run->series_count >= JOINED_FROM && !run->wants_exercised && length_ns <= run->margin_ns;
}

bool bt_series_run_open(bt_series_run *run, bt_memory_account *memory) {
  size_t steps = bt_run_steps(run), cells = run->series_count * steps;
  size_t bytes = cells * (sizeof *run->counts + sizeof *run->is_unsure) + steps * sizeof *run->has_trace +
                 run->series_count * sizeof *run->provisional;
  run->hold = (bt_memory_hold){memory, BT_MEMORY_SERIES, 0};
  if (!bt_memory_hold_set(&run->hold, bytes)) {
    snprintf(run->reason, sizeof run->reason, "results_full: there is no room for the counts in --memory-limit");
    return false;
  }
  run->is_unsure = calloc(cells, sizeof *run->is_unsure);
  run->has_trace = calloc(steps, sizeof *run->has_trace);
  run->provisional = calloc(run->series_count, sizeof *run->provisional);
  if (run->is_unsure && run->has_trace && run->provisional) run->counts = calloc(cells, sizeof *run->counts);
  if (!run->counts)
    snprintf(run->reason, sizeof run->reason, "no_memory: there was not enough memory to evaluate all steps");
  return run->counts != NULL;
}

void bt_series_run_drop_marks(bt_series_run *run) {
  free(run->is_unsure);
  free(run->has_trace);
  free(run->provisional);
}

void bt_series_run_evaluate(const bt_series_options *options, bt_series_run *run) {
  bt_replay_observer observer = {.context = run, .verdict = count_trace, .progress = run->progress};
  bt_replay_request request = {.rules = run->rules,
                               .rule_count = run->series_count,
                               .range = {run->first_step * run->step_ns, run->end_step * run->step_ns},
                               .now_ns = bt_clock_wall_ns(),
                               .assumptions = options->assumptions,
                               .count = run->counts_all        ? BT_COUNT_EXACT
                                        : run->wants_exercised ? BT_COUNT_AUTO
                                                               : BT_COUNT_AT_LEAST,
                               .tenant = run->tenant[0] ? run->tenant : NULL,
                               .sample_size = CHECKED_BY_ID,
                               .memory_limit_bytes =
                                   options->memory_limit_bytes ? options->memory_limit_bytes : DEFAULT_MEMORY_BYTES,
                               .memory = options->memory,
                               .priority = BT_PRIORITY_PEOPLE,
                               .wants_earliest = true,
                               .is_live = !run->is_past,
                               .gap_step_ns = run->step_ns,
                               .joins_searches = joins_searches(run),
                               .strategy = joins_searches(run) ? BT_STRATEGY_READ : BT_STRATEGY_AUTO,
                               .cancel = run->cancel ? run->cancel : &run->scope.cancel};
  bt_replay_result result = {0};
  bt_error why = {0};
  if (!bt_series_run_open(run, options->memory)) return; /* nothing was read, and no count says that it was */
  bt_status status = bt_replay_run(run->source, &request, &observer, &result, &why);
  if (status == BT_OK)
    bt_series_run_conclude(run, &result);
  else
    snprintf(run->reason, sizeof run->reason, "%s: %.200s", bt_status_name(status), why.message);
  bt_replay_result_dispose(&result);
}
