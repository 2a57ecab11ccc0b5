/* From a sample to rules that are worth a replay. See suggestions.h. */
#include "server/query/suggestions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/query/behaviour_text.h"

enum { TRACE_BYTES = 16 << 10, MOST_BYTES = 256 << 20, JUDGING_BYTES = 8 << 20, SEED = 1 };

/* ---- the sample ---- */

static bt_status take_trace(void *context, const bt_trace *trace, bt_error *error) {
  return bt_mine_sample_add(context, trace, BT_MINE_BASELINE, error);
}

/* A sample of larger traces has fewer of them. */
static size_t sample_bytes(const bt_suggestions *s) {
  size_t bytes = s->settings.sample * TRACE_BYTES;
  return bytes < MOST_BYTES ? bytes : MOST_BYTES;
}

static bool has_room(bt_suggestions *s) {
  s->has_no_room =
      !bt_memory_hold_set(&s->hold, sample_bytes(s) + JUDGING_BYTES + BT_SUGGEST_LISTED * sizeof(bt_found));
  return !s->has_no_room;
}

static bt_status read_sample(bt_source *source, const bt_replay_request *replay, bt_suggestions *s, bt_error *error) {
  bt_trace_sample_size size = {BT_SUGGEST_LISTED, s->settings.sample, false};
  s->hold = (bt_memory_hold){replay->memory, BT_MEMORY_READS, 0};
  if (!has_room(s)) return bt_error_set(error, BT_LIMIT, "there is no room for the sample in --memory-limit");
  bt_status status = bt_mine_sample_new(SEED, s->settings.sample, sample_bytes(s), &s->traces, error);
  if (!status) status = bt_trace_sample_read(source, replay, size, take_trace, s->traces, &s->sample, error);
  if (!status) status = bt_mine_sample_finish(s->traces, error);
  return status ? status : bt_habits_find(s->traces, s->settings.share, &s->habits, error);
}

size_t bt_suggestions_traces(const bt_suggestions *s) {
  return s->traces ? s->traces->groups[BT_MINE_BASELINE].count : 0;
}

/* ---- proposals as rules ---- */

/* Two behaviours may come to one id. */
static bool is_taken(const bt_suggestions *s, const char *id) {
  for (size_t i = 0; i < s->proposal_count; i++)
    if (strcmp(s->rules[i]->fields.id, id) == 0) return true;
  return false;
}

/* What the language does not take is no proposal. */
static bt_status add_proposal(bt_suggestions *s, const bt_habit *habit, bt_error *error) {
  char head[40] = "suggested-";
  bt_rule_definition *rule = NULL;
  for (bool again = true; again;) {
    bt_rule_fields fields;
    bt_rule_fields_init(&fields);
    fields.severity = BT_SEVERITY_LOW;
    fields.has_severity = true;
    fields.shadow = true;
    bt_rule_definition_unref(rule);
    rule = NULL;
    bt_status status = bt_behaviour_rule(s->traces, habit->behaviour, false, &fields, head, &rule, error);
    if (status) return status == BT_INVALID ? BT_OK : status;
    again = is_taken(s, rule->fields.id);
    snprintf(head, sizeof head, "suggested-%zu-", s->proposal_count + 1);
  }
  s->proposals[s->proposal_count] = habit;
  s->rules[s->proposal_count++] = rule;
  return BT_OK;
}

bt_status bt_suggestions_propose(bt_source *source, const bt_replay_request *replay, bt_suggestions *s,
                                 bt_error *error) {
  bt_status status = read_sample(source, replay, s, error);
  if (status != BT_OK) return status;
  s->proposals = calloc(s->habits.count + 1, sizeof *s->proposals);
  s->rules = calloc(s->habits.count + 1, sizeof *s->rules);
  s->kept = calloc(s->habits.count + 1, sizeof *s->kept);
  if (!s->proposals || !s->rules || !s->kept) return bt_error_no_memory(error);
  /* Twice as many as are wanted: the replay speaks against some. */
  for (size_t i = 0; !status && i < s->habits.count && s->proposal_count < 2 * s->settings.limit; i++)
    status = add_proposal(s, &s->habits.items[i], error);
  return status;
}

void bt_suggestions_keep(bt_suggestions *s, const bt_rate *rates) {
  s->kept_count = 0;
  for (size_t i = 0; i < s->proposal_count && s->kept_count < s->settings.limit; i++) {
    bool is_kept =
        rates[i].is_certain && rates[i].exercised >= s->settings.least && 1 - rates[i].rate >= s->settings.share;
    if (is_kept) s->kept[s->kept_count++] = i;
  }
}

double bt_suggestion_share_at_least(const bt_rate *rate) {
  uint64_t most = rate->exercised < UINT32_MAX ? rate->exercised : UINT32_MAX;
  uint64_t violated = rate->violated < most ? rate->violated : most;
  return bt_share_interval((bt_share){(uint32_t)(most - violated), (uint32_t)most}, 0.95).low;
}

void bt_suggestions_dispose(bt_suggestions *s) {
  for (size_t i = 0; s->rules && i < s->proposal_count; i++) bt_rule_definition_unref(s->rules[i]);
  free(s->rules);
  free(s->kept);
  free(s->proposals);
  bt_habits_dispose(&s->habits);
  bt_mine_sample_free(s->traces);
  bt_memory_hold_shrink(&s->hold, 0);
}
