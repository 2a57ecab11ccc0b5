/* The table of distinct filters of a replay: each is searched for once over the whole range with margins, whatever the number of rules that
 * share it. What a search could not answer goes into the coverage when the replay depends on it.
 * Asking and taking are two steps: a search may be asked by the helper (asking.c), which writes nothing but its query; what follows from
 * the answer is taken by the replay's thread, in the order of the table, so that the same answers always give the same coverage. */
#include <stdio.h>
#include <stdlib.h>

#include "server/replay/run.h"

size_t bt_query_find(const bt_run *run, bt_str text) {
  size_t index = 0;
  while (index < run->query_count && !bt_str_equal(run->queries[index]->text, text)) index++;
  return index;
}

static bt_status append_query(bt_run *run, bt_str text, bt_error *error) {
  bt_query **items = bt_grow_array(run->queries, run->query_count, &run->query_capacity, sizeof *run->queries);
  if (!items) return bt_error_no_memory(error);
  run->queries = items;
  bt_query *query = calloc(1, sizeof *query);
  if (!query) return bt_error_no_memory(error);
  query->text = text;
  items[run->query_count++] = query;
  return BT_OK;
}

bt_status bt_query_add(bt_run *run, bt_str text, bool is_over, size_t *index, bt_error *error) {
  *index = bt_query_find(run, text);
  bt_status status = *index == run->query_count ? append_query(run, text, error) : BT_OK;
  if (status == BT_OK && is_over) run->queries[*index]->is_over = true;
  return status;
}

void bt_query_free(bt_query *query) {
  if (!query) return;
  bt_found_list_dispose(&query->found);
  bt_source_account_dispose(&query->account);
  free(query->bits);
  free(query);
}

void bt_query_drop_last(bt_run *run) {
  bt_query_free(run->queries[--run->query_count]);
}

void bt_queries_dispose(bt_run *run) {
  while (run->query_count) bt_query_drop_last(run);
  free(run->queries);
}

/* ---- asking: whoever asks, only the query is written ---- */

static int compare_failed(const void *a, const void *b) {
  const bt_failed_window *x = a, *y = b;
  return (x->range.start_ns > y->range.start_ns) - (x->range.start_ns < y->range.start_ns);
}

/* Whether the failed windows leave nothing of the range; sorts them. */
static bool failed_everywhere(bt_source_account *account, bt_time_range range) {
  if (!account->failed_count) return false;
  qsort(account->failed, account->failed_count, sizeof *account->failed, compare_failed);
  int64_t reached_ns = range.start_ns;
  for (size_t i = 0; i < account->failed_count && account->failed[i].range.start_ns <= reached_ns; i++)
    if (account->failed[i].range.end_ns > reached_ns) reached_ns = account->failed[i].range.end_ns;
  return reached_ns >= range.end_ns;
}

/* Nothing of a search was answered: is the source gone? Then nothing more is asked, because every question would wait for its retries. */
static bool is_gone(const bt_run *run, const bt_query *query) {
  bt_error error = {0};
  if (query->status == BT_UNAVAILABLE) return true;
  return query->status == BT_OK && query->is_lost &&
         bt_source_check(run->source, run->plan.request.cancel, &error) != BT_OK;
}

void bt_query_search(const bt_run *run, bt_query *query) {
  size_t room = run->plan.request.memory_limit_bytes / sizeof(bt_known);
  bt_time_range range = query->range.start_ns < query->range.end_ns ? query->range : run->plan.search_range;
  bt_search_request search = bt_replay_plan_search(&run->plan, query->text, range);
  search.max_found = query->max_found && query->max_found < room ? query->max_found : room;
  search.expected = query->expected;
  search.may_widen = !query->is_subtracted;
  query->status = bt_source_search(run->source, &search, &query->found, &query->account, &query->why);
  if (query->status != BT_OK) bt_found_list_sort(&query->found);
  query->is_lost = query->status == BT_OK && failed_everywhere(&query->account, range);
  query->source_is_gone = is_gone(run, query);
}

/* ---- taking: on the replay's thread ---- */

/* The reason of the first loss is what the outcome and later losses say. */
static void remember_loss(bt_run *run, const char *reason) {
  if (!run->lost_reason[0]) snprintf(run->lost_reason, sizeof run->lost_reason, "%.190s", reason);
}

/* The source did not answer at all: one failed window with its reason. */
static bt_status lose(bt_run *run, bt_query *query, const char *reason, bt_error *error) {
  query->is_lost = true;
  query->is_complete = false;
  return query->is_over ? bt_account_fail(&run->account, run->plan.search_range, reason, error) : BT_OK;
}

static bt_status take_answer(bt_run *run, bt_query *query, bt_error *error) {
  query->is_complete = query->account.failed_count == 0;
  if (query->is_lost) remember_loss(run, query->account.failed[0].reason);
  return bt_account_add(&run->account, &query->account, query->is_over, error);
}

static bt_status take_failure(bt_run *run, bt_query *query, bt_error *error) {
  remember_loss(run, query->why.message);
  bt_status added = bt_account_add(&run->account, &query->account, false, error);
  return added == BT_OK ? lose(run, query, query->why.message, error) : added;
}

bt_status bt_query_take(bt_run *run, bt_query *query, bt_error *error) {
  bt_status status = query->status;
  bool is_expected = status == BT_LIMIT && query->max_found;
  query->is_taken = true;
  if (query->source_is_gone) run->source_lost = true;
  if (query->is_skipped) {
    remember_loss(run, query->why.message);
    return lose(run, query, run->lost_reason, error);
  }
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) {
    bt_account_add_cost(&run->account, &query->account); /* it was asked all the same */
    if (error) *error = query->why;
  } else if (is_expected) {
    query->is_exceeded = true;
    if (!query->keeps_part) bt_found_list_dispose(&query->found);
    status = bt_account_add(&run->account, &query->account, false, error);
  } else
    status = status == BT_OK ? take_answer(run, query, error) : take_failure(run, query, error);
  return status;
}
