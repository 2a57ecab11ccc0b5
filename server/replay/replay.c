/* One replay from its request to its outcome. See replay.h: candidates.c finds what has to be read, confirm.c and judge.c read and judge it,
 * coverage.c says what is missing; here all of it is put together, and the outcome follows from what could be done. */
#include "server/replay/replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/data_gaps.h"
#include "server/replay/run.h"
#include "server/replay/violation_id.h"
#include "server/clock.h"

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

/* What the result says from the beginning on. */
static bt_status begin_result(const bt_replay_plan *plan, bt_replay_result *result, bt_error *error) {
  const bt_replay_request *request = &plan->request;
  bt_coverage *coverage = &result->coverage;
  result->rules = calloc(plan->rule_count, sizeof *result->rules);
  if (!result->rules) return bt_error_no_memory(error);
  result->rule_count = plan->rule_count;
  int64_t handover_ns = bt_time_subtract(request->now_ns, request->assumptions.handover_ns);
  if (!plan->is_static && handover_ns < request->range.end_ns)
    coverage->handover_from_ns = handover_ns > request->range.start_ns ? handover_ns : request->range.start_ns;
  coverage->source = plan->about;
  coverage->asked = request->range;
  coverage->assumptions = request->assumptions;
  coverage->effective_end_ns = INT64_MAX; /* the part that every rule calls settled */
  for (size_t i = 0; i < plan->rule_count; i++) {
    int64_t end_ns = plan->rules[i].window->effective_end_ns;
    result->rules[i].effective_end_ns = end_ns;
    if (end_ns < coverage->effective_end_ns) coverage->effective_end_ns = end_ns;
  }
  return BT_OK;
}

static bool has_enough(const void *context, uint64_t last_key) {
  const bt_run *run = context;
  const bt_replay_observer *observer = run->account.observer;
  bt_part_read so_far = {.last_key = last_key};
  if (!observer || !observer->enough) return false;
  bt_counts_later(run, &so_far);
  return observer->enough(observer->context, &so_far);
}

static bt_status prepare(bt_run *run, bt_error *error) {
  bt_status status = begin_result(&run->plan, run->account.result, error);
  if (status != BT_OK) return status;
  run->table.plan = &run->plan;
  run->questions.plan = &run->plan;
  run->questions.table = &run->table;
  run->questions.account = &run->account;
  status = bt_questions_open(&run->questions, error);
  if (status != BT_OK) return status;
  run->decider.plan = &run->plan;
  run->decider.table = &run->table;
  run->decider.account = &run->account;
  run->decider.questions = &run->questions;
  run->decider.evaluator = &run->evaluator;
  status = bt_decider_open(&run->decider, error);
  if (status != BT_OK) return status;
  run->judge.plan = &run->plan;
  run->judge.table = &run->table;
  run->judge.account = &run->account;
  run->judge.questions = &run->questions;
  run->judge.decider = &run->decider;
  run->judge.evaluator = &run->evaluator;
  run->judge.has_enough = has_enough;
  run->judge.context = run;
  status = bt_judge_open(&run->judge, error);
  if (status != BT_OK) return status;
  return bt_rule_evaluator_make(&run->plan, &run->evaluator, error);
}

bt_status bt_run_open(bt_run *run, const bt_replay_request *request, bt_error *error) {
  run->judge.plan = &run->plan; /* closing looks at it */
  bt_status status = bt_replay_plan_make(run->questions.source, request, &run->plan, error);
  return status == BT_OK ? prepare(run, error) : status;
}

void bt_run_close(bt_run *run) {
  bt_judge_dispose(&run->judge);
  bt_decider_dispose(&run->decider);
  bt_questions_dispose(&run->questions);
  bt_trace_table_dispose(&run->table);
  bt_rule_evaluator_dispose(&run->evaluator);
  bt_replay_plan_dispose(&run->plan);
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
  const bt_coverage *coverage = &run->account.result->coverage;
  unsigned long long count = (unsigned long long)coverage->windows_failed_count + run->account.failed_beyond;
  say(run->account.result, BT_REPLAY_INCOMPLETE,
      "windows_failed: %llu windows or traces could not be read; the first: %.150s", count,
      coverage->windows_failed[0].reason);
}

/* The plan rests on what a version that was checked does, and by the end it was not one. */
static bool was_changed(const bt_run *run) {
  return run->plan.is_checked && !run->account.result->coverage.source.is_checked;
}

/* A Tempo may be replaced while it is asked. One that did not answer at the beginning has been asked nothing before it could say what it is. */
static void look_at_source_again(bt_run *run) {
  bt_source_about *said = &run->account.result->coverage.source, now;
  if (!run->questions.source) return;
  bt_replay_plan_describe(&run->plan, run->questions.source, &now);
  if (!said->is_checked && !said->version[0])
    *said = now;
  else
    bt_source_about_join(said, &now);
}

/* The others' numbers stand: each rule says up to where it is settled. */
static void say_unsettled_rule(bt_run *run) {
  const bt_planned_rule *rule = run->plan.rules;
  while (rule->window->effective_end_ns > run->plan.window.range.start_ns) rule++;
  run->account.result->others_stand = true;
  say(run->account.result, BT_REPLAY_INCOMPLETE,
      "unsettled: of rule %.80s nothing in the range is final yet: the whole range is younger than its settle",
      rule->definition->fields.id);
}

static void conclude(bt_run *run) {
  bt_replay_result *result = run->account.result;
  const bt_coverage *coverage = &result->coverage;
  result->outcome = BT_REPLAY_COMPLETED;
  if (bt_questions_all_lost(&run->questions))
    say(result, BT_REPLAY_FAILED, "source: %.200s", run->questions.lost_reason);
  else if (coverage->windows_failed_count)
    say_failed_windows(run);
  else if (run->judge.sample_differences)
    say(result, BT_REPLAY_INCOMPLETE,
        "sample_differs: %llu of the traces that were read again by id are judged otherwise than in the batch",
        (unsigned long long)run->judge.sample_differences);
  else if (run->judge.unread_differences)
    say(result, BT_REPLAY_INCOMPLETE,
        "search_differs: %llu violations are in traces that the searches had ruled out; others like them were not read",
        (unsigned long long)run->judge.unread_differences);
  else if (was_changed(run))
    say(result, BT_REPLAY_INCOMPLETE, "source_changed: it was replaced while it was asked, and is now %.170s",
        coverage->source.note);
  else if (run->judge.observer_full)
    say(result, BT_REPLAY_INCOMPLETE, "results_full: %s", run->judge.full_reason);
  else if (run->plan.window.effective_end_ns <= coverage->asked.start_ns)
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

/* Cancelled, or without room for more: nothing is known of what was not looked at. */
static bt_status cut_off(bt_run *run, const bt_error *why, bt_error *error) {
  for (size_t i = 0; i < run->plan.rule_count; i++)
    run->account.result->rules[i].evaluated_is_exact = run->account.result->rules[i].exercised_is_exact = false;
  if (run->table.has_no_room) {
    say(run->account.result, BT_REPLAY_INCOMPLETE, "results_full: %.230s", why->message);
    return bt_account_fail(&run->account, run->plan.request.range, "there was no room in memory to look at all of it",
                           error);
  }
  say(run->account.result, BT_REPLAY_CANCELLED, "cancelled: the replay was cancelled before it was complete");
  return BT_OK;
}

static bt_status find_and_confirm(bt_run *run, bt_error *error) {
  bt_status status = bt_decider_find(&run->decider, error);
  if (status == BT_OK) status = bt_judge_cut(&run->judge, error);
  if (status != BT_OK || run->account.result->is_cut) return status;
  status = bt_judge_all(&run->judge, error);
  if (status != BT_OK) return status;
  bt_account_show(&run->account, 0.95);
  return bt_data_gaps_find(&run->questions, &run->has_data, error);
}

static bt_status carry_out(bt_run *run, bt_error *error) {
  bt_error why = {0};
  bt_status status = find_and_confirm(run, &why);
  bool is_cut_off = status == BT_CANCELLED || (status == BT_LIMIT && run->table.has_no_room);
  if (run->account.result->is_cut) {
    say(run->account.result, BT_REPLAY_INCOMPLETE, "too_many: more traces have to be read than were asked for");
    return status;
  }
  look_at_source_again(run);
  if (status == BT_OK) conclude(run);
  /* Numbers are of what was found so far when the replay was cut off. */
  bool has_bits = bt_decider_has_sets(&run->decider);
  bt_status counted = BT_OK;
  if ((status == BT_OK || is_cut_off) && has_bits) counted = bt_counts_finish(run, error);
  if (counted != BT_OK) return counted;
  if (status != BT_OK && error) *error = why;
  return is_cut_off ? cut_off(run, &why, error) : status;
}

/* It could not be carried to any end: numbers are of what was found until then, and nothing of the range is called read. */
static void end_early(bt_run *run, bt_status status, const bt_error *why) {
  bt_replay_result *result = run->account.result;
  say(result, BT_REPLAY_FAILED, "%s: %.200s", bt_status_name(status), why->message);
  result->coverage.complete = false;
  bt_status added = bt_account_fail(&run->account, run->plan.request.range, why->message, NULL);
  (void)added; /* without memory for it the outcome still says so */
  for (size_t i = 0; i < result->rule_count; i++)
    result->rules[i].evaluated_is_exact = result->rules[i].exercised_is_exact = false;
}

bt_status bt_replay_run(bt_source *source, const bt_replay_request *request, const bt_replay_observer *observer,
                        bt_replay_result *result, bt_error *error) {
  *result = (bt_replay_result){.coverage.asked = request->range};
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_run run = {.questions = {.source = source}, .account = {.result = result, .observer = observer}};
  bt_error why = {0};
  bt_violation_ids_install();
  bt_status status = bt_run_open(&run, request, &why);
  bool is_open = status == BT_OK;
  if (is_open) status = carry_out(&run, &why);
  bt_questions_add_untaken(&run.questions);
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
