/* Holding what filters found against the listing of all traces (docs/DECISIONS.md): a settled trace that a filter
 * found and the listing lacks, or of which it lacks the beginning, shows that Tempo's search loses what it has
 * shown, and then it may have missed others too. The listing runs beside the filters, so that what became searchable
 * in between may be missing for no other reason: for those that are missing it is asked again, over their time only,
 * after everything else. What is missing then is named as failed. Thread: the replay's. */
#include "server/replay/listing.h"

/* Starts are compared and not ends: of several fragments Tempo 2.8 gives the earliest start, but the longest
 * duration. */
static bool is_missing(const bt_questions *questions, const bt_known *known) {
  bool is_recent = known->matched.end_ns >= questions->plan->window.effective_end_ns;
  bool is_listed = known->flags & BT_KNOWN_LISTED && known->listed.start_ns <= known->matched.start_ns;
  return known->flags & BT_KNOWN_MATCHED && !is_listed && !is_recent;
}

/* Their number, and the range over which they lie. */
static size_t find_missing(const bt_questions *questions, bt_time_range *range) {
  size_t count = 0;
  *range = (bt_time_range){INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < questions->table->count; i++) {
    const bt_found *found = &questions->table->traces[i].matched;
    if (!is_missing(questions, &questions->table->traces[i])) continue;
    count++;
    if (found->start_ns < range->start_ns) range->start_ns = found->start_ns;
    if (found->end_ns >= range->end_ns) range->end_ns = bt_time_add(found->end_ns, 1);
  }
  return count;
}

static void take_listed(bt_questions *questions, const bt_found_list *found) {
  for (size_t i = 0; i < found->count; i++) {
    bt_known *known = bt_trace_table_find(questions->table, &found->items[i].id);
    if (!known) continue;
    if (known->flags & BT_KNOWN_LISTED)
      bt_found_join(&known->listed, &found->items[i]);
    else
      known->listed = found->items[i];
    known->flags |= BT_KNOWN_LISTED;
  }
}

static bt_status ask_again(bt_questions *questions, bt_time_range range, bt_error *error) {
  bt_search_request search = bt_replay_plan_search(questions->plan, BT_STR("{}"), range);
  search.max_found = questions->plan->request.memory_limit_bytes / sizeof(bt_known);
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error why = {0};
  bt_status status = bt_source_search(questions->source, &search, &found, &account, &why);
  if (status == BT_OK) take_listed(questions, &found);
  bt_status added = bt_account_add(questions->account, &account, false, error);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return added;
  if (error) *error = why;
  return status;
}

bt_status bt_listing_check(bt_questions *questions, bt_error *error) {
  bt_time_range range;
  if (!questions->table->is_listed || !questions->plan->filters || !find_missing(questions, &range)) return BT_OK;
  bt_status status = questions->source_lost ? BT_OK : ask_again(questions, range, error);
  for (size_t i = 0; status == BT_OK && i < questions->table->count; i++) {
    if (!is_missing(questions, &questions->table->traces[i])) continue;
    status = bt_account_fail_trace(
        questions->account, &questions->table->traces[i],
        "a filter found it, but the listing of all traces does not have it, or not its beginning", error);
  }
  return status;
}
