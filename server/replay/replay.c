/* One replay from its request to its outcome. See replay.h: candidates.c finds what has to be read, confirm.c and judge.c read and judge it,
 * coverage.c says what is missing; here all of it is put together, and the outcome follows from what could be done. */
#include "server/replay/replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/replay/asking.h"
#include "server/replay/project.h"
#include "server/replay/run.h"
#include "server/replay/violation_id.h"

static const int64_t SECOND_NS = 1000000000;
enum { DEFAULT_SAMPLE = 50 };
static const size_t DEFAULT_MEMORY_BYTES = (size_t)256 << 20;

bt_assumptions bt_assumptions_default(void) {
  return (bt_assumptions){.margin_ns = 900 * SECOND_NS,
                          .lateness_ns = 900 * SECOND_NS,
                          .settle_ns = 120 * SECOND_NS,
                          .handover_ns = 3600 * SECOND_NS};
}

bt_assumptions bt_assumptions_over(const bt_assumptions *service, bt_source *source, const bt_cancel *cancel) {
  bt_assumptions all = *service;
  all.settle_floor_ns = bt_source_hidden_tail_ns(source, cancel);
  if (all.settle_ns < all.settle_floor_ns) all.settle_ns = all.settle_floor_ns;
  return all;
}

bt_assumptions bt_assumptions_of(const bt_assumptions *service, const bt_rule_definition *rule) {
  const bt_rule_fields *fields = &rule->fields;
  bt_assumptions own = *service;
  if (fields->margin_ns >= 0) own.margin_ns = fields->margin_ns;
  if (fields->settle_ns >= 0) own.settle_ns = fields->settle_ns;
  if (own.settle_ns < own.settle_floor_ns) own.settle_ns = own.settle_floor_ns;
  if (fields->clock_skew_ns >= 0) own.clock_skew_ns = fields->clock_skew_ns;
  if (fields->require_complete >= 0) own.require_complete = fields->require_complete;
  return own;
}

const char *bt_replay_outcome_name(bt_replay_outcome outcome) {
  switch (outcome) {
  case BT_REPLAY_COMPLETED: return "completed";
  case BT_REPLAY_INCOMPLETE: return "incomplete";
  case BT_REPLAY_CANCELLED: return "cancelled";
  case BT_REPLAY_FAILED: return "failed";
  }
  return "failed";
}

static const char *const strategy_names[] = {"auto", "read", "id_sets", "projection"};

const char *bt_strategy_name(bt_strategy strategy) {
  return strategy_names[strategy];
}

bool bt_strategy_parse(const char *name, bt_strategy *out) {
  for (size_t i = 0; i < sizeof strategy_names / sizeof *strategy_names; i++) {
    if (strcmp(strategy_names[i], name) != 0) continue;
    *out = (bt_strategy)i;
    return true;
  }
  return false;
}

static bt_status check_request(const bt_replay_request *request, bt_error *error) {
  const bt_assumptions *a = &request->assumptions;
  if (!request->rule_count) return bt_error_set(error, BT_INVALID, "a replay needs at least one rule");
  if (request->range.start_ns >= request->range.end_ns)
    return bt_error_set(error, BT_INVALID, "the range of a replay has to start before it ends");
  if (a->margin_ns < 0 || a->lateness_ns < 0 || a->settle_ns < 0 || a->clock_skew_ns < 0 || a->handover_ns < 0)
    return bt_error_set(error, BT_INVALID, "margin, lateness, settle, clock_skew and handover must not be negative");
  for (size_t i = 0; i < request->rule_count; i++)
    if (!request->rules[i]->rule)
      return bt_error_set(error, BT_INVALID, "the rule %.128s cannot be evaluated: its text does not compile any more",
                          request->rules[i]->fields.id ? request->rules[i]->fields.id : "");
  return BT_OK;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* Each rule has its own window; those that are the same are one. */
static const bt_window *add_window(bt_run *run, const bt_assumptions *own) {
  const bt_replay_request *request = &run->request;
  int64_t settled_ns = bt_time_subtract(request->now_ns, own->settle_ns);
  bool has_tail = !run->is_static && settled_ns < request->range.end_ns;
  bt_window window = {request->range, own->margin_ns, has_tail ? settled_ns : request->range.end_ns};
  for (size_t i = 0; i < run->window_count; i++) {
    const bt_window *other = &run->windows[i];
    if (other->margin_ns == window.margin_ns && other->effective_end_ns == window.effective_end_ns) return other;
  }
  run->windows[run->window_count] = window;
  return &run->windows[run->window_count++];
}

/* What is searched and read serves all rules: the widest margin and the longest settle among them. */
static void widen_assumptions(bt_run *run) {
  bt_assumptions *all = &run->request.assumptions;
  const bt_assumptions service = *all;
  bool first = true;
  for (size_t i = 0; i < run->request.rule_count; i++) {
    const bt_assumptions own = bt_assumptions_of(&service, run->request.rules[i]);
    bt_run_rule *rule = &run->rules[i];
    rule->definition = run->request.rules[i];
    rule->window = add_window(run, &own);
    run->result->rules[i].effective_end_ns = rule->window->effective_end_ns;
    rule->settle_ns = own.settle_ns;
    rule->require_complete = own.require_complete;
    run->options[i].clock_skew_ns = own.clock_skew_ns;
    run->options[i].step_budget = own.step_budget;
    all->margin_ns = first ? own.margin_ns : larger(all->margin_ns, own.margin_ns);
    all->settle_ns = first ? own.settle_ns : larger(all->settle_ns, own.settle_ns);
    all->clock_skew_ns = first ? own.clock_skew_ns : larger(all->clock_skew_ns, own.clock_skew_ns);
    all->require_complete = (!first && all->require_complete) || rule->require_complete;
    first = false;
  }
}

/* The part that some rule calls settled is looked at as settled; the part that every rule does is what the coverage says. */
static void set_window(bt_run *run) {
  const bt_replay_request *request = &run->request;
  bt_coverage *coverage = &run->result->coverage;
  int64_t latest_ns = INT64_MIN, earliest_ns = INT64_MAX;
  for (size_t i = 0; i < run->window_count; i++) {
    int64_t end_ns = run->windows[i].effective_end_ns;
    if (end_ns > latest_ns) latest_ns = end_ns;
    if (end_ns < earliest_ns) earliest_ns = end_ns;
  }
  run->window = (bt_window){request->range, request->assumptions.margin_ns, latest_ns};
  run->search_range = bt_window_search_range(&run->window, request->assumptions.lateness_ns);
  run->crowds.range = bt_project_range(run);
  int64_t handover_ns = bt_time_subtract(request->now_ns, request->assumptions.handover_ns);
  if (!run->is_static && handover_ns < request->range.end_ns)
    coverage->handover_from_ns = handover_ns > request->range.start_ns ? handover_ns : request->range.start_ns;
  coverage->asked = request->range;
  coverage->effective_end_ns = earliest_ns;
  coverage->assumptions = request->assumptions;
}

static bt_status add_plans(bt_run *run, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->request.rule_count; i++) {
    bt_run_rule *rule = &run->rules[i];
    status = bt_plan_new(rule->definition->rule, &rule->plan, error);
    if (status == BT_OK)
      status = bt_projection_share(&run->projection, rule->definition->rule, &rule->whole_trace, error);
  }
  return status;
}

static bt_status compile_rules(bt_run *run, bt_error *error) {
  size_t count = run->request.rule_count;
  const bt_rule **rules = bt_realloc_array(NULL, count, sizeof *rules);
  if (!rules) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) rules[i] = run->request.rules[i]->rule;
  bt_status status = bt_ruleset_new(rules, count, &run->ruleset, error);
  if (status == BT_OK) status = bt_evaluator_new(run->ruleset, &run->evaluator, error);
  run->limit.cancel = run->request.cancel;
  free(rules);
  return status;
}

static void fill_defaults(bt_replay_request *request) {
  if (!request->now_ns) request->now_ns = bt_clock_wall_ns();
  if (!request->sample_size) request->sample_size = DEFAULT_SAMPLE;
  if (!request->memory_limit_bytes) request->memory_limit_bytes = DEFAULT_MEMORY_BYTES;
}

/* A replay waits for its source anyway. */
static void describe_source(const bt_run *run, bt_source_about *out) {
  static const bt_cancel never = {false};
  bt_source_describe(run->source, run->request.cancel ? run->request.cancel : &never, out);
}

/* Without a source nothing is asked, and what would be is what a version that was checked is asked. */
static void look_at_source(bt_run *run) {
  bt_source_about *about = &run->result->coverage.source;
  if (run->source) describe_source(run, about);
  run->filters = !run->source || run->source->operations->filters;
  run->is_static = run->source && run->source->operations->is_static;
  run->replicates = run->source && bt_source_replicates(run->source);
  run->is_checked = !run->source || about->is_checked;
  run->own_are_known = !run->filters;
}

static bt_status prepare(bt_run *run, bt_error *error) {
  size_t count = run->request.rule_count;
  run->sample_is_fixed = run->request.sample_size != 0;
  fill_defaults(&run->request);
  look_at_source(run);
  run->request.sample_size *= bt_run_sample_times(run);
  /* What no search found can be sampled only where it is listed. */
  if (!run->is_checked && run->request.count == BT_COUNT_AT_LEAST) run->request.count = BT_COUNT_AUTO;
  run->result->rules = calloc(count, sizeof *run->result->rules);
  run->rules = calloc(count, sizeof *run->rules);
  run->options = calloc(count, sizeof *run->options);
  run->windows = calloc(count, sizeof *run->windows);
  run->samples = calloc(run->request.sample_size, sizeof *run->samples);
  if (!run->result->rules || !run->rules || !run->options || !run->windows || !run->samples)
    return bt_error_no_memory(error);
  run->result->rule_count = count;
  if (run->source)
    run->request.assumptions = bt_assumptions_over(&run->request.assumptions, run->source, run->request.cancel);
  widen_assumptions(run);
  set_window(run);
  bt_status status = add_plans(run, error);
  return status == BT_OK ? compile_rules(run, error) : status;
}

bt_status bt_run_open(bt_run *run, bt_error *error) {
  bt_projection_init(&run->projection);
  bt_status status = check_request(&run->request, error);
  return status == BT_OK ? prepare(run, error) : status;
}

void bt_run_close(bt_run *run) {
  bt_confirm_dispose(run);
  bt_candidates_dispose(run);
  bt_run_let_go(run);
  bt_evaluator_free(run->evaluator);
  bt_ruleset_free(run->ruleset);
  bt_projection_dispose(&run->projection);
  bt_crowds_dispose(&run->crowds);
  for (size_t i = 0; run->rules && i < run->request.rule_count; i++) bt_plan_free(run->rules[i].plan);
  free(run->rules);
  free(run->options);
  free(run->windows);
  free(run->judged_times);
}

uint32_t bt_run_sample_times(const bt_run *run) {
  return run->is_checked ? 1 : BT_UNCHECKED_TIMES;
}

bool bt_run_counts_by_search(const bt_run *run, const bt_run_rule *rule) {
  return run->is_checked && rule->plan->exercising_is_exact;
}

/* Whether no search that the rules depend on gave anything. */
static bool all_is_lost(const bt_run *run) {
  size_t needed = 0;
  for (size_t i = 0; i < run->query_count; i++) {
    const bt_query *query = run->queries[i];
    bool is_needed = i == BT_QUERY_ALL ? run->is_all_needed : query->is_over;
    if (is_needed && !query->is_lost) return false;
    if (is_needed) needed++;
  }
  /* Rules that cannot be violated need no search: then the listing alone tells whether the source is there. */
  return needed || run->queries[BT_QUERY_ALL]->is_lost;
}

static void say(bt_replay_result *result, bt_replay_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(bt_replay_result *result, bt_replay_outcome outcome, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(result->reason, sizeof result->reason, format, arguments);
  va_end(arguments);
  result->outcome = outcome;
}

static void say_failed_windows(bt_run *run) {
  const bt_coverage *coverage = &run->result->coverage;
  unsigned long long count = (unsigned long long)coverage->windows_failed_count + run->failed_beyond;
  say(run->result, BT_REPLAY_INCOMPLETE, "windows_failed: %llu windows or traces could not be read; the first: %.150s",
      count, coverage->windows_failed[0].reason);
}

/* The plan rests on what a version that was checked does, and by the end it was not one. */
static bool was_changed(const bt_run *run) {
  return run->is_checked && !run->result->coverage.source.is_checked;
}

/* A Tempo may be replaced while it is asked. One that did not answer at the beginning has been asked nothing before it could say what it is. */
static void look_at_source_again(bt_run *run) {
  bt_source_about *said = &run->result->coverage.source, now;
  if (!run->source) return;
  describe_source(run, &now);
  if (!said->is_checked && !said->version[0])
    *said = now;
  else
    bt_source_about_join(said, &now);
}

/* The others' numbers stand: each rule says up to where it is settled. */
static void say_unsettled_rule(bt_run *run) {
  const bt_run_rule *rule = run->rules;
  while (rule->window->effective_end_ns > run->window.range.start_ns) rule++;
  run->result->others_stand = true;
  say(run->result, BT_REPLAY_INCOMPLETE,
      "unsettled: of rule %.80s nothing in the range is final yet: the whole range is younger than its settle",
      rule->definition->fields.id);
}

static void conclude(bt_run *run) {
  bt_replay_result *result = run->result;
  const bt_coverage *coverage = &result->coverage;
  result->outcome = BT_REPLAY_COMPLETED;
  if (all_is_lost(run))
    say(result, BT_REPLAY_FAILED, "source: %.200s", run->lost_reason);
  else if (coverage->windows_failed_count)
    say_failed_windows(run);
  else if (run->sample_differences)
    say(result, BT_REPLAY_INCOMPLETE,
        "sample_differs: %llu of the traces that were read again by id are judged otherwise than in the batch",
        (unsigned long long)run->sample_differences);
  else if (run->unread_differences)
    say(result, BT_REPLAY_INCOMPLETE,
        "search_differs: %llu violations are in traces that the searches had ruled out; others like them were not read",
        (unsigned long long)run->unread_differences);
  else if (was_changed(run))
    say(result, BT_REPLAY_INCOMPLETE, "source_changed: it was replaced while it was asked, and is now %.170s",
        coverage->source.note);
  else if (run->observer_full)
    say(result, BT_REPLAY_INCOMPLETE, "results_full: %s", run->full_reason);
  else if (run->window.effective_end_ns <= coverage->asked.start_ns)
    say(result, BT_REPLAY_INCOMPLETE, "unsettled: the whole range is younger than settle, nothing in it is final yet");
  else if (!run->has_data)
    say(result, BT_REPLAY_INCOMPLETE,
        "no_data: the source has no trace in this range; a wrong tenant, an outage and a passed retention look the "
        "same");
  else if (result->is_sampled)
    say(result, BT_REPLAY_INCOMPLETE, "sampled: enough traces were judged, in a random order; others were not read");
  else if (coverage->effective_end_ns <= coverage->asked.start_ns)
    say_unsettled_rule(run);
  result->coverage.complete = result->outcome == BT_REPLAY_COMPLETED;
}

/* What was cancelled or failed leaves questions that were asked, and whose answers nobody took: they cost what they cost. */
static void add_untaken(bt_run *run) {
  bt_asking_free(run->asking); /* ends what is under way */
  run->asking = NULL;
  for (size_t i = 0; i <= run->query_count; i++) {
    bt_query *query = i < run->query_count ? run->queries[i] : run->edge;
    if (!query || query->is_taken || query->state != BT_QUERY_ANSWERED) continue;
    query->is_taken = true;
    bt_coverage_add_cost(run, &query->account);
  }
}

/* Cancelled, or without room for more: nothing is known of what was not looked at. */
static bt_status cut_off(bt_run *run, const bt_error *why, bt_error *error) {
  for (size_t i = 0; i < run->request.rule_count; i++)
    run->result->rules[i].evaluated_is_exact = run->result->rules[i].exercised_is_exact = false;
  if (run->has_no_room) {
    say(run->result, BT_REPLAY_INCOMPLETE, "results_full: %.230s", why->message);
    return bt_coverage_fail(run, run->request.range, "there was no room in memory to look at all of it", error);
  }
  say(run->result, BT_REPLAY_CANCELLED, "cancelled: the replay was cancelled before it was complete");
  return BT_OK;
}

static bt_status find_and_confirm(bt_run *run, bt_error *error) {
  bt_status status = bt_candidates_find(run, error);
  if (status == BT_OK) status = bt_confirm_cut(run, error);
  if (status != BT_OK || run->result->is_cut) return status;
  status = bt_confirm_all(run, error);
  if (status != BT_OK) return status;
  bt_run_progress(run, 0.95);
  return bt_coverage_find_gaps(run, error);
}

static bt_status carry_out(bt_run *run, bt_error *error) {
  bt_error why = {0};
  bt_status status = find_and_confirm(run, &why);
  bool is_cut_off = status == BT_CANCELLED || (status == BT_LIMIT && run->has_no_room);
  if (run->result->is_cut) {
    say(run->result, BT_REPLAY_INCOMPLETE, "too_many: more traces have to be read than were asked for");
    return status;
  }
  look_at_source_again(run);
  if (status == BT_OK) conclude(run);
  /* Numbers are of what was found so far when the replay was cut off. */
  bool has_bits = run->rules[run->request.rule_count - 1].unread != NULL;
  bt_status counted = BT_OK;
  if ((status == BT_OK || is_cut_off) && has_bits) counted = bt_counts_finish(run, error);
  if (counted != BT_OK) return counted;
  if (status != BT_OK && error) *error = why;
  return is_cut_off ? cut_off(run, &why, error) : status;
}

/* It could not be carried to any end: numbers are of what was found until then, and nothing of the range is called read. */
static void end_early(bt_run *run, bt_status status, const bt_error *why) {
  bt_replay_result *result = run->result;
  say(result, BT_REPLAY_FAILED, "%s: %.200s", bt_status_name(status), why->message);
  result->coverage.complete = false;
  bt_status added = bt_coverage_fail(run, run->request.range, why->message, NULL);
  (void)added; /* without memory for it the outcome still says so */
  for (size_t i = 0; i < result->rule_count; i++)
    result->rules[i].evaluated_is_exact = result->rules[i].exercised_is_exact = false;
}

bt_status bt_replay_run(bt_source *source, const bt_replay_request *request, const bt_replay_observer *observer,
                        bt_replay_result *result, bt_error *error) {
  *result = (bt_replay_result){.coverage.asked = request->range};
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_run run = {.source = source, .request = *request, .observer = observer, .result = result};
  bt_error why = {0};
  bt_violation_ids_install();
  bt_status status = bt_run_open(&run, &why);
  bool is_open = status == BT_OK;
  if (is_open) status = carry_out(&run, &why);
  add_untaken(&run);
  result->duration_ns = bt_clock_monotonic_ns() - started_ns;
  if (is_open) bt_price_feed(&run, result->duration_ns);
  if (status != BT_OK) end_early(&run, status, &why);
  bt_run_close(&run);
  if (status == BT_OK && observer && observer->progress) observer->progress(observer->context, 1, result);
  if (status != BT_OK && error) *error = why;
  return status;
}

bool bt_replay_has_whole(const bt_replay_result *result, size_t rule) {
  if (result->outcome == BT_REPLAY_COMPLETED) return true;
  return result->others_stand && result->rules[rule].effective_end_ns > result->coverage.asked.start_ns;
}

static void leave_rule_open(bt_rule_result *rule) {
  if (!rule->inconclusive_open) return;
  rule->inconclusive -= rule->inconclusive_open;
  rule->unsettled += rule->inconclusive_open;
  rule->inconclusive_open = 0;
  if (rule->open_ns < rule->effective_end_ns) rule->effective_end_ns = rule->open_ns;
}

void bt_replay_leave_open(bt_replay_result *result) {
  bt_coverage *coverage = &result->coverage;
  for (size_t i = 0; i < result->rule_count; i++) leave_rule_open(&result->rules[i]);
  if (!result->open_traces) return;
  coverage->unsettled += result->open_traces;
  result->open_traces = 0;
  if (result->open_ns < coverage->effective_end_ns) coverage->effective_end_ns = result->open_ns;
  if (coverage->effective_end_ns > coverage->asked.start_ns || result->outcome != BT_REPLAY_COMPLETED) return;
  result->others_stand = true;
  say(result, BT_REPLAY_INCOMPLETE, "unsettled: nothing in the range is final yet%s, its first trace goes on",
      result->rule_count > 1 ? " for some rule" : "");
  coverage->complete = false;
}

void bt_replay_result_dispose(bt_replay_result *result) {
  free(result->rules);
  bt_coverage_dispose(&result->coverage);
  *result = (bt_replay_result){0};
}
