/* Outcome and reason of the whole. See shard_outcome.h. What is not known goes before what is, and in the order in
 * which a replay says it (ledger.c). */
#include "server/cli/merge/shard_outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/cli/shard_json.h"

/* What is said of a shard because it is no more than a shard. */
static bool is_soft(const bt_replay_result *result) {
  bool is_unsettled = result->outcome == BT_REPLAY_INCOMPLETE && strncmp(result->reason, "unsettled: ", 11) == 0;
  return is_unsettled || bt_shard_is_answered(result);
}

/* ---- what is missing ---- */

static void say_missing(const bt_shard_answer *answers, size_t count, bt_merged *merged) {
  char start[40], end[40], more[64] = "";
  uint32_t number = 1;
  bt_time_range range = {0};
  (void)bt_shards_next_missing(answers, count, &number, &range);
  bt_time_format(range.start_ns, start);
  bt_time_format(range.end_ns, end);
  if (merged->missing > 1) snprintf(more, sizeof more, ", and %zu more were not (coverage)", merged->missing - 1);
  bt_replay_result_conclude(&merged->result, BT_REPLAY_INCOMPLETE,
                            "missing: shard %u/%u, %.19sZ to %.19sZ, was not given%s", number - 1,
                            answers[0].shard.count, start, end, more);
}

/* Its trace got spans between two shards, or their store shows them different things. */
static void say_differing(bt_merged *merged) {
  bt_replay_result_conclude(
      &merged->result, BT_REPLAY_INCOMPLETE,
      "shards_differ: a violation is in two shards, so what the store shows changed between them; replay them again");
}

static bool has_doubles(const bt_merged *merged) {
  uint64_t found = 0;
  for (size_t i = 0; i < merged->result.rule_count; i++) found += merged->result.rules[i].violations_found;
  return json_array_size(merged->violations) != found;
}

/* There is one. */
static const bt_shard_answer *find_hard(const bt_shard_answer *answers, size_t count) {
  size_t at = 0;
  while (at + 1 < count && is_soft(&answers[at].result)) at++;
  return &answers[at];
}

/* Failed where all of them did. */
static void say_hard(const bt_shard_answer *answers, size_t count, bt_replay_result *result) {
  const bt_shard_answer *first = find_hard(answers, count);
  size_t failed = 0;
  for (size_t i = 0; i < count; i++) failed += answers[i].result.outcome == BT_REPLAY_FAILED;
  if (count == 1)
    bt_replay_result_conclude(result, first->result.outcome, "%s", first->result.reason);
  else
    bt_replay_result_conclude(result, failed == count ? BT_REPLAY_FAILED : BT_REPLAY_INCOMPLETE, "%.200s (shard %u/%u)",
                              first->result.reason, first->shard.number, first->shard.count);
}

/* ---- what is not settled ---- */

static uint64_t found_by_all(const bt_replay_result *result) {
  uint64_t found = 0;
  for (size_t i = 0; i < result->rule_count; i++) found += result->rules[i].violations_found;
  return found;
}

static bool is_settled(const bt_replay_result *result, size_t rule) {
  return result->rules[rule].effective_end_ns > result->coverage.asked.start_ns;
}

static void say_unsettled(const bt_shard_answer *answers, size_t count, bt_replay_result *result) {
  char until[40];
  bt_time_format(result->coverage.late_until_ns, until);
  if (count == 1)
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, "%s", answers[0].result.reason);
  else if (!result->coverage.late_until_ns)
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE,
                              "unsettled: the whole range is younger than settle, nothing in it is final yet");
  else if (found_by_all(result))
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_LATE_FOUND, until);
  else
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE,
                              "unsettled: none that it shows; until %.19sZ it may hide late ones", until);
}

static void say_unsettled_rule(const bt_shard_answer *answers, bt_replay_result *result) {
  size_t rule = 0;
  while (is_settled(result, rule)) rule++;
  result->others_stand = true;
  bt_replay_result_conclude(
      result, BT_REPLAY_INCOMPLETE,
      "unsettled: of rule %.80s nothing in the range is final yet: the whole range is younger than its settle",
      answers[0].rules[rule].fields.id);
}

/* ---- all ---- */

static bool has_data(const bt_shard_answer *answers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const bt_replay_result *part = &answers[i].result;
    const bt_coverage *coverage = &part->coverage;
    if (part->outcome == BT_REPLAY_COMPLETED || coverage->has_data_from || coverage->unsettled) return true;
  }
  return false;
}

static void say_soft(const bt_shard_answer *answers, size_t count, bt_replay_result *result) {
  size_t settled = 0;
  for (size_t i = 0; i < result->rule_count; i++) settled += is_settled(result, i);
  if (!settled)
    say_unsettled(answers, count, result);
  else if (!has_data(answers, count))
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_NO_DATA);
  else if (settled < result->rule_count)
    say_unsettled_rule(answers, result);
}

void bt_shards_conclude(const bt_shard_answer *answers, size_t count, bt_merged *merged) {
  bt_replay_result *result = &merged->result;
  bool all_soft = true;
  result->outcome = BT_REPLAY_COMPLETED;
  for (size_t i = 0; i < count; i++) all_soft = all_soft && is_soft(&answers[i].result);
  if (merged->missing)
    say_missing(answers, count, merged);
  else if (has_doubles(merged))
    say_differing(merged);
  else if (all_soft)
    say_soft(answers, count, result);
  else
    say_hard(answers, count, result);
  result->coverage.complete = result->outcome == BT_REPLAY_COMPLETED;
  bt_replay_hold_range(result);
}
