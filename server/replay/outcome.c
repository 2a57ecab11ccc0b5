/* How a replay ended, and what its result says of it. See ledger.h and replay.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/ledger.h"

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
bt_status bt_ledger_begin(const bt_ledger *ledger, bt_error *error) {
  const bt_replay_plan *plan = ledger->plan;
  bt_replay_result *result = ledger->account->result;
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

static void say(bt_replay_result *result, bt_replay_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(bt_replay_result *result, bt_replay_outcome outcome, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(result->reason, sizeof result->reason, format, arguments);
  va_end(arguments);
  result->outcome = outcome;
}

static void say_failed_windows(const bt_ledger *ledger) {
  const bt_coverage *coverage = &ledger->account->result->coverage;
  unsigned long long count = (unsigned long long)coverage->windows_failed_count + ledger->account->failed_beyond;
  say(ledger->account->result, BT_REPLAY_INCOMPLETE,
      "windows_failed: %llu windows or traces could not be read; the first: %.150s", count,
      coverage->windows_failed[0].reason);
}

/* The plan rests on what a version that was checked does, and by the end it was not one. */
static bool was_changed(const bt_ledger *ledger) {
  return ledger->plan->is_checked && !ledger->account->result->coverage.source.is_checked;
}

/* The others' numbers stand: each rule says up to where it is settled. */
static void say_unsettled_rule(const bt_ledger *ledger) {
  const bt_planned_rule *rule = ledger->plan->rules;
  while (rule->window->effective_end_ns > ledger->plan->window.range.start_ns) rule++;
  ledger->account->result->others_stand = true;
  say(ledger->account->result, BT_REPLAY_INCOMPLETE,
      "unsettled: of rule %.80s nothing in the range is final yet: the whole range is younger than its settle",
      rule->definition->fields.id);
}

void bt_ledger_conclude(const bt_ledger *ledger) {
  bt_replay_result *result = ledger->account->result;
  const bt_coverage *coverage = &result->coverage;
  result->outcome = BT_REPLAY_COMPLETED;
  if (bt_questions_all_lost(ledger->questions))
    say(result, BT_REPLAY_FAILED, "source: %.200s", ledger->questions->lost_reason);
  else if (coverage->windows_failed_count)
    say_failed_windows(ledger);
  else if (ledger->judge->sample_differences)
    say(result, BT_REPLAY_INCOMPLETE,
        "sample_differs: %llu of the traces that were read again by id are judged otherwise than in the batch",
        (unsigned long long)ledger->judge->sample_differences);
  else if (ledger->judge->unread_differences)
    say(result, BT_REPLAY_INCOMPLETE,
        "search_differs: %llu violations are in traces that the searches had ruled out; others like them were not read",
        (unsigned long long)ledger->judge->unread_differences);
  else if (was_changed(ledger))
    say(result, BT_REPLAY_INCOMPLETE, "source_changed: it was replaced while it was asked, and is now %.170s",
        coverage->source.note);
  else if (ledger->judge->observer_full)
    say(result, BT_REPLAY_INCOMPLETE, "results_full: %s", ledger->judge->full_reason);
  else if (ledger->plan->window.effective_end_ns <= coverage->asked.start_ns)
    say(result, BT_REPLAY_INCOMPLETE, "unsettled: the whole range is younger than settle, nothing in it is final yet");
  else if (!ledger->has_data)
    say(result, BT_REPLAY_INCOMPLETE,
        "no_data: the source has no trace in this range; a wrong tenant, an outage and a passed retention look the "
        "same");
  else if (result->is_sampled)
    say(result, BT_REPLAY_INCOMPLETE, "sampled: enough traces were judged, in a random order; others were not read");
  else if (coverage->effective_end_ns <= coverage->asked.start_ns)
    say_unsettled_rule(ledger);
  result->coverage.complete = result->outcome == BT_REPLAY_COMPLETED;
}

void bt_ledger_conclude_cut(const bt_ledger *ledger) {
  say(ledger->account->result, BT_REPLAY_INCOMPLETE, "too_many: more traces have to be read than were asked for");
}

/* ---- before its end ---- */

bt_status bt_ledger_cut_off(const bt_ledger *ledger, const bt_error *why, bt_error *error) {
  for (size_t i = 0; i < ledger->plan->rule_count; i++)
    ledger->account->result->rules[i].evaluated_is_exact = ledger->account->result->rules[i].exercised_is_exact = false;
  if (ledger->table->has_no_room) {
    say(ledger->account->result, BT_REPLAY_INCOMPLETE, "results_full: %.230s", why->message);
    return bt_account_fail(ledger->account, ledger->plan->request.range,
                           "there was no room in memory to look at all of it", error);
  }
  say(ledger->account->result, BT_REPLAY_CANCELLED, "cancelled: the replay was cancelled before it was complete");
  return BT_OK;
}

/* It could not be carried to any end: numbers are of what was found until then, and nothing of the range is called
 * read. */
void bt_ledger_end_early(const bt_ledger *ledger, bt_status status, const bt_error *why) {
  bt_replay_result *result = ledger->account->result;
  say(result, BT_REPLAY_FAILED, "%s: %.200s", bt_status_name(status), why->message);
  result->coverage.complete = false;
  bt_status added = bt_account_fail(ledger->account, ledger->plan->request.range, why->message, NULL);
  (void)added; /* without memory for it the outcome still says so */
  for (size_t i = 0; i < result->rule_count; i++)
    result->rules[i].evaluated_is_exact = result->rules[i].exercised_is_exact = false;
}

/* ---- results as values ---- */

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
