/* The table of distinct filters of a replay: each is searched for once over the whole range with margins, whatever the number of rules that
 * share it. What a search could not answer goes into the coverage when the replay depends on it. Thread: the replay's. */
#include <stdio.h>
#include <stdlib.h>

#include "server/replay/run.h"

size_t bt_query_find(const bt_run *run, bt_str text) {
  size_t index = 0;
  while (index < run->query_count && !bt_str_equal(run->queries[index].text, text)) index++;
  return index;
}

bt_status bt_query_add(bt_run *run, bt_str text, bool is_over, size_t *index, bt_error *error) {
  *index = bt_query_find(run, text);
  if (*index == run->query_count) {
    bt_query *items = bt_grow_array(run->queries, run->query_count, &run->query_capacity, sizeof *run->queries);
    if (!items) return bt_error_no_memory(error);
    run->queries = items;
    items[run->query_count++] = (bt_query){.text = text};
  }
  if (is_over) run->queries[*index].is_over = true;
  return BT_OK;
}

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

/* The reason of the first loss is what the outcome and later losses say. */
static void remember_loss(bt_run *run, const char *reason) {
  if (!run->lost_reason[0]) snprintf(run->lost_reason, sizeof run->lost_reason, "%.190s", reason);
}

/* The source did not answer at all: one failed window with its reason. */
static bt_status lose(bt_run *run, bt_query *query, const char *reason, bt_error *error) {
  query->is_lost = true;
  query->is_complete = false;
  return query->is_over ? bt_coverage_fail(run, run->search_range, reason, error) : BT_OK;
}

/* Nothing of a search was answered: is the source gone? Then nothing more is asked, because every question would wait for its retries. */
static void look_for_source(bt_run *run, const char *reason) {
  bt_error error = {0};
  remember_loss(run, reason);
  if (bt_source_check(run->source, &error) != BT_OK) run->source_lost = true;
}

static bt_status take_answer(bt_run *run, bt_query *query, bt_source_account *account, bt_error *error) {
  query->is_complete = account->failed_count == 0;
  query->is_lost = failed_everywhere(account, run->search_range);
  if (query->is_lost) look_for_source(run, account->failed[0].reason);
  return bt_coverage_add(run, account, query->is_over, error);
}

static bt_status take_outcome(bt_run *run, bt_query *query, bt_status status, const bt_error *why,
                              bt_source_account *account, bt_error *error) {
  if (status == BT_OK) return take_answer(run, query, account, error);
  if (status == BT_UNAVAILABLE) run->source_lost = true;
  remember_loss(run, why->message);
  bt_status added = bt_coverage_add(run, account, false, error);
  return added == BT_OK ? lose(run, query, why->message, error) : added;
}

bt_status bt_query_ask(bt_run *run, bt_query *query, size_t max_found, bool *exceeded, bt_error *error) {
  query->asked = true;
  if (exceeded) *exceeded = false;
  if (run->source_lost) return lose(run, query, run->lost_reason, error);
  size_t room = run->request.memory_limit_bytes / sizeof(bt_known);
  bt_search_request search = bt_run_search(run, query->text, run->search_range);
  search.max_found = max_found && max_found < room ? max_found : room;
  bt_source_account account = {0};
  bt_error why = {0};
  bt_status status = bt_source_search(run->source, &search, &query->found, &account, &why);
  bool is_expected = status == BT_LIMIT && max_found;
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) {
    if (error) *error = why;
  } else if (is_expected) {
    if (exceeded) *exceeded = true;
    bt_found_list_dispose(&query->found);
    status = bt_coverage_add(run, &account, false, error);
  } else {
    if (status != BT_OK) bt_found_list_sort(&query->found);
    status = take_outcome(run, query, status, &why, &account, error);
  }
  bt_source_account_dispose(&account);
  return status;
}
