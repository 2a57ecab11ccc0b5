/* Suggestions as one answer. See suggestion_answer.h. */
#include "server/query/suggestion_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"

/* Other rules might have been proposed of what was not read. */
static void say_sample_gap(bt_suggest_result *result) {
  result->coverage.complete = false;
  if (result->outcome != BT_REPLAY_COMPLETED) return;
  result->outcome = BT_REPLAY_INCOMPLETE;
  snprintf(result->reason, sizeof result->reason, "windows_failed: of the sample: %.200s",
           result->suggestions.sample.unread);
}

/* ---- the replay of all proposals ---- */

/* Keeps the earliest ones. */
static bt_status take_verdict(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  bt_suggest_result *result = context;
  (void)error;
  if (verdict->rule >= result->suggestions.proposal_count || verdict->verdict != BT_VIOLATED) return BT_OK;
  bt_suggest_exceptions *kept = &result->exceptions[verdict->rule];
  bt_moment moment = {true, verdict->trace_id, verdict->violation_ns};
  size_t at = kept->count;
  while (at && kept->items[at - 1].time_ns > moment.time_ns) at--;
  if (at == BT_SUGGEST_EXCEPTIONS) return BT_OK;
  size_t most = kept->count < BT_SUGGEST_EXCEPTIONS ? kept->count++ : BT_SUGGEST_EXCEPTIONS - 1;
  memmove(&kept->items[at + 1], &kept->items[at], (most - at) * sizeof *kept->items);
  kept->items[at] = moment;
  return BT_OK;
}

static void take_replay(bt_suggest_result *result, const bt_rate_rules *rules, bt_replay_result *replayed) {
  result->outcome = replayed->outcome;
  snprintf(result->reason, sizeof result->reason, "%.230s", replayed->reason);
  for (size_t i = 0; i < result->suggestions.proposal_count; i++) bt_rate_fill(rules, replayed, i, &result->rates[i]);
  bt_suggestions_keep(&result->suggestions, result->rates);
  result->requests += replayed->requests;
  result->bytes_inspected += replayed->bytes_inspected;
  result->bytes_received += replayed->bytes_received;
  bt_coverage_dispose(&result->coverage);
  result->coverage = replayed->coverage; /* its windows are this result's now */
  replayed->coverage = (bt_coverage){0};
  if (result->suggestions.sample.unread[0]) say_sample_gap(result);
}

static bt_status count_proposals(bt_source *source, const bt_replay_request *request, bt_suggest_result *result,
                                 bt_error *error) {
  size_t count = result->suggestions.proposal_count;
  bt_rate_rules rules;
  bt_replay_result replayed = {0};
  bt_replay_request replay = *request;
  bt_replay_observer observer = {.context = result, .verdict = take_verdict};
  result->rates = calloc(count, sizeof *result->rates);
  result->exceptions = calloc(count, sizeof *result->exceptions);
  if (!result->rates || !result->exceptions) return bt_error_no_memory(error);
  bt_promises promises = bt_source_promises(source, BT_PROMISES_OF_VERSION, replay.cancel);
  bt_status status = bt_rate_rules_make((const bt_rule_definition *const *)result->suggestions.rules, count,
                                        bt_source_dialect(source), promises.about.is_checked, &rules, error);
  replay.rules = rules.rules;
  replay.rule_count = rules.count;
  replay.count = BT_COUNT_EXACT;
  replay.is_live = true; /* of the traces that were sampled just now */
  if (status == BT_OK) status = bt_replay_run(source, &replay, &observer, &replayed, error);
  if (status == BT_OK) take_replay(result, &rules, &replayed);
  bt_replay_result_dispose(&replayed);
  bt_rate_rules_dispose(&rules);
  return status;
}

/* ---- the whole ---- */

static void say_sample(bt_source *source, const bt_replay_request *replay, bt_suggest_result *result) {
  const bt_suggestions *s = &result->suggestions;
  result->coverage.source = bt_source_promises(source, BT_PROMISES_OF_VERSION, replay->cancel).about;
  result->coverage.asked = replay->range;
  result->coverage.effective_end_ns = replay->range.end_ns;
  result->coverage.assumptions = replay->assumptions;
  result->coverage.complete = true;
  if (s->sample.unread[0]) say_sample_gap(result);
}

static void say_failure(bt_suggest_result *result, bt_status status, const bt_error *why) {
  result->outcome = status == BT_CANCELLED ? BT_REPLAY_CANCELLED : BT_REPLAY_FAILED;
  result->coverage.complete = false;
  snprintf(result->reason, sizeof result->reason, "%s: %.200s", bt_status_name(status), why->message);
}

bt_status bt_suggest_run(bt_source *source, const bt_replay_request *replay, bt_suggest_result *result,
                         bt_error *error) {
  bt_error why = {0};
  bt_suggestions *s = &result->suggestions;
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_status status = bt_suggestions_propose(source, replay, s, &why);
  say_sample(source, replay, result);
  result->requests = s->sample.requests;
  result->bytes_inspected = s->sample.bytes_inspected;
  result->bytes_received = s->sample.bytes_received;
  if (status == BT_OK && s->proposal_count) status = count_proposals(source, replay, result, &why);
  result->duration_ns = bt_clock_monotonic_ns() - started_ns;
  if (status == BT_CANCELLED || status == BT_UNAVAILABLE) {
    say_failure(result, status, &why);
    return BT_OK;
  }
  if (status != BT_OK && error) *error = why;
  return status;
}

void bt_suggest_result_dispose(bt_suggest_result *result) {
  free(result->rates);
  free(result->exceptions);
  bt_coverage_dispose(&result->coverage);
  bt_suggestions_dispose(&result->suggestions);
}
