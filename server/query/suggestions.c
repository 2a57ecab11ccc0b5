/* From a sample to rules that are worth a replay. See suggestions.h. */
#include "server/query/suggestions.h"

#include <stdlib.h>
#include <string.h>

/* ---- the sample ---- */

static bt_status mine_trace(void *context, const bt_trace *trace, bt_error *error) {
  return bt_mining_add(context, trace, error);
}

/* The most that it can hold: of each name two numbers for each trace. */
static bool has_room(bt_suggestions *s) {
  size_t values = s->settings.sample * 2 * sizeof(int64_t) * BT_MINED_NAMES;
  size_t texts = (size_t)BT_MINED_NAMES * BT_MINED_NAME_BYTES;
  s->has_no_room =
      !bt_memory_hold_set(&s->hold, sizeof *s->mining + values + texts + BT_SUGGEST_LISTED * sizeof(bt_found));
  return !s->has_no_room;
}

static bt_status mine_sample(bt_source *source, const bt_replay_request *replay, bt_suggestions *s, bt_error *error) {
  bt_trace_sample_size size = {BT_SUGGEST_LISTED, s->settings.sample, true};
  s->hold = (bt_memory_hold){replay->memory, BT_MEMORY_READS, 0};
  if (!has_room(s)) return bt_error_set(error, BT_LIMIT, "there is no room for the sample in --memory-limit");
  bt_status status = bt_mining_new(&s->mining, error);
  if (status == BT_OK) status = bt_trace_sample_read(source, replay, size, mine_trace, s->mining, &s->sample, error);
  if (s->mining) bt_mining_finish(s->mining);
  return status;
}

/* ---- proposals as rules ---- */

/* Two names may come to one id. */
static void write_texts(const bt_suggestions *s, size_t at, bt_buffer *dsl, bt_buffer *id) {
  bt_proposal_write(s->mining, &s->proposals[at], dsl, id);
  for (size_t i = 0; i < at; i++)
    if (s->rules[i] && id->ptr && strcmp(s->rules[i]->fields.id, id->ptr) == 0) bt_buffer_printf(id, "-%zu", at);
}

static bt_status make_rule(bt_suggestions *s, size_t at, bt_error *error) {
  bt_rule_fields fields;
  bt_diagnostics diagnostics;
  bt_buffer dsl = {0}, id = {0};
  bt_rule_fields_init(&fields);
  bt_diagnostics_init(&diagnostics);
  write_texts(s, at, &dsl, &id);
  fields.id = id.ptr;
  fields.dsl = dsl.ptr;
  fields.severity = BT_SEVERITY_LOW;
  fields.has_severity = true;
  fields.shadow = true;
  bt_status status = dsl.failed || id.failed || !id.ptr || !dsl.ptr
                         ? bt_error_no_memory(error)
                         : bt_rule_definition_new(&fields, &s->rules[at], &diagnostics, error);
  bt_rule_fields_dispose(&fields);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

bt_status bt_suggestions_propose(bt_source *source, const bt_replay_request *replay, bt_suggestions *s,
                                 bt_error *error) {
  bt_status status = mine_sample(source, replay, s, error);
  /* Twice as many as are wanted: the replay speaks against some. */
  if (status == BT_OK)
    status = bt_mining_propose(s->mining, s->settings.least, s->settings.share, 2 * s->settings.limit, &s->proposals,
                               &s->proposal_count, error);
  if (status != BT_OK) return status;
  s->rules = calloc(s->proposal_count + 1, sizeof *s->rules);
  s->kept = calloc(s->proposal_count + 1, sizeof *s->kept);
  if (!s->rules || !s->kept) return bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < s->proposal_count; i++) status = make_rule(s, i, error);
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

void bt_suggestions_dispose(bt_suggestions *s) {
  for (size_t i = 0; s->rules && i < s->proposal_count; i++) bt_rule_definition_unref(s->rules[i]);
  free(s->rules);
  free(s->kept);
  free(s->proposals);
  bt_mining_free(s->mining);
  bt_memory_hold_shrink(&s->hold, 0);
}
