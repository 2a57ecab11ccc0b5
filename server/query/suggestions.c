/* From a sample to rules that are worth a replay. See suggestions.h. */
#include "server/query/suggestions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"

typedef struct mining_run {
  bt_suggestions *suggestions;
  const bt_replay_request *replay;
} mining_run;

static void add_account(bt_suggestions *s, const bt_source_account *account) {
  s->requests += account->requests;
  s->bytes_inspected += account->bytes_inspected;
  s->bytes_received += account->bytes_received;
  if (account->failed_count && !s->unread[0])
    snprintf(s->unread, sizeof s->unread, "%.230s", account->failed[0].reason);
}

/* ---- the sample ---- */

static bt_status mine_read(void *context, const bt_read_trace *read, bt_error *error) {
  const mining_run *run = context;
  if (bt_is_cancelled(run->replay->cancel)) return bt_error_set(error, BT_CANCELLED, "it was cancelled");
  if (read->needs_by_id || !read->trace) return run->suggestions->not_sampled++, BT_OK;
  return bt_mining_add(run->suggestions->mining, read->trace, error);
}

/* Ids are random, so every n-th by id is a random sample, and the same one each time. */
static void choose_sample(const bt_found_list *found, size_t count, bt_trace_id *ids, uint32_t *span_counts) {
  for (size_t i = 0; i < count; i++) {
    const bt_found *one = &found->items[i * found->count / count];
    ids[i] = one->id;
    span_counts[i] = one->span_count;
  }
}

static bt_status read_sample(bt_source *source, mining_run *run, const bt_found_list *found, bt_error *error) {
  const bt_replay_request *replay = run->replay;
  size_t sample = run->suggestions->settings.sample, count = found->count < sample ? found->count : sample;
  bt_projection projection;
  bt_source_account account = {0};
  bt_trace_id *ids = bt_realloc_array(NULL, count + 1, sizeof *ids);
  uint32_t *span_counts = bt_realloc_array(NULL, count + 1, sizeof *span_counts);
  if (!ids || !span_counts) {
    free(ids);
    free(span_counts);
    return bt_error_no_memory(error);
  }
  choose_sample(found, count, ids, span_counts);
  bt_projection_init(&projection);
  int64_t margin_ns = replay->assumptions.margin_ns;
  bt_read_request request = {
      .ids = ids,
      .count = count,
      .span_counts = span_counts,
      .range = {bt_time_subtract(replay->range.start_ns, margin_ns), bt_time_add(replay->range.end_ns, margin_ns)},
      .projection = &projection,
      .tenant = replay->tenant,
      .cancel = replay->cancel,
      .priority = replay->priority};
  bt_status status = count ? bt_source_read(source, &request, mine_read, run, &account, error) : BT_OK;
  bt_projection_dispose(&projection);
  add_account(run->suggestions, &account);
  bt_source_account_dispose(&account);
  free(ids);
  free(span_counts);
  return status;
}

static bt_status list_traces(bt_source *source, mining_run *run, bt_found_list *found, bt_error *error) {
  bt_source_account account = {0};
  bt_search_request request = {.query = bt_query_all(),
                               .range = run->replay->range,
                               .max_found = BT_SUGGEST_LISTED,
                               .tenant = run->replay->tenant,
                               .cancel = run->replay->cancel,
                               .priority = run->replay->priority};
  bt_status status = bt_source_search(source, &request, found, &account, error);
  add_account(run->suggestions, &account);
  bt_source_account_dispose(&account);
  if (status == BT_LIMIT) status = BT_OK; /* what was found is enough for a sample */
  bt_found_list_sort(found);
  return status;
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
  mining_run run = {s, replay};
  bt_found_list found = {0};
  s->hold = (bt_memory_hold){replay->memory, BT_MEMORY_READS, 0};
  if (!has_room(s)) return bt_error_set(error, BT_LIMIT, "there is no room for the sample in --memory-limit");
  bt_status status = bt_mining_new(&s->mining, error);
  if (status == BT_OK) status = list_traces(source, &run, &found, error);
  if (status == BT_OK) status = read_sample(source, &run, &found, error);
  bt_found_list_dispose(&found);
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
