/* Probes. See search_probe.h. Three windows spread over the range grow until they hold some traces, so that a probe
 * costs about the same whatever there is. Thread: the caller's. */
#include "server/replay/search_probe.h"

#include "dsl/base/time_sum.h"

enum {
  SMALLEST_SHARE = 2048, /* of the range, at first */
  LARGEST_SHARE = 8,     /* and at most */
  GROWTH = 4,
  ENOUGH_TRACES = 150,
  FOUND_MAX = 4000
};
static const int64_t SHORTEST_NS = 1000000000;

/* Each in the middle of its third. */
static void place_windows(const bt_questions *questions, int64_t share, bt_search_probe *probe) {
  const bt_time_range *range = &questions->plan->window.range;
  int64_t length_ns = bt_time_subtract(range->end_ns, range->start_ns), third_ns = length_ns / BT_SEARCH_PROBE_WINDOWS;
  int64_t window_ns = length_ns / share > SHORTEST_NS ? length_ns / share : SHORTEST_NS;
  if (window_ns > third_ns) window_ns = third_ns > 0 ? third_ns : 1;
  for (int i = 0; i < BT_SEARCH_PROBE_WINDOWS; i++) {
    int64_t start_ns = range->start_ns + i * third_ns + (third_ns - window_ns) / 2;
    probe->windows[i] = (bt_time_range){start_ns, start_ns + window_ns};
  }
  probe->window_count = BT_SEARCH_PROBE_WINDOWS;
  double searched_ns =
      (double)bt_time_subtract(questions->plan->search_range.end_ns, questions->plan->search_range.start_ns);
  probe->scale = searched_ns / ((double)window_ns * BT_SEARCH_PROBE_WINDOWS);
}

static bt_status ask_window(bt_questions *questions, bt_search_probe *probe, bt_query query, bt_time_range range,
                            bt_found_list *found, bt_error *error) {
  bt_search_request search = bt_replay_plan_search(questions->plan, query, range);
  search.max_found = FOUND_MAX;
  bt_source_account account = {0};
  bt_found_list some = {0};
  bt_status status = bt_source_search(questions->source, &search, &some, &account, error);
  if (status == BT_LIMIT) probe->is_dense = true;
  if (status == BT_OK && account.failed_count)
    status = bt_error_set(error, BT_UNAVAILABLE, "%s", account.failed[0].reason);
  for (size_t i = 0; (status == BT_OK || status == BT_LIMIT) && i < some.count; i++)
    if (!bt_found_list_add(found, &some.items[i])) status = bt_error_no_memory(error);
  bt_status added = bt_account_add(questions->account, &account, false, error);
  bt_found_list_dispose(&some);
  bt_source_account_dispose(&account);
  return status == BT_OK || status == BT_LIMIT ? added : status;
}

static bt_status ask_windows(bt_questions *questions, bt_search_probe *probe, bt_query query, bt_found_list *found,
                             bt_error *error) {
  bt_status status = BT_OK;
  for (int i = 0; status == BT_OK && i < probe->window_count; i++)
    status = ask_window(questions, probe, query, probe->windows[i], found, error);
  bt_found_list_sort(found);
  return status;
}

bt_status bt_search_probe_open(bt_questions *questions, bt_search_probe *probe, bt_error *error) {
  *probe = (bt_search_probe){0};
  bt_status status = BT_OK;
  for (int64_t share = SMALLEST_SHARE; status == BT_OK && share >= LARGEST_SHARE; share /= GROWTH) {
    bt_found_list_dispose(&probe->everything);
    place_windows(questions, share, probe);
    status = ask_windows(questions, probe, bt_query_all(), &probe->everything, error);
    if (probe->everything.count >= ENOUGH_TRACES) break;
  }
  return status;
}

bt_status bt_search_probe_ask(bt_questions *questions, bt_search_probe *probe, bt_query query, bt_error *error) {
  if (bt_search_probe_found(probe, query) || probe->query_count == BT_SEARCH_PROBE_FILTERS) return BT_OK;
  probe->queries[probe->query_count] = query;
  return ask_windows(questions, probe, query, &probe->found[probe->query_count++], error);
}

const bt_found_list *bt_search_probe_found(const bt_search_probe *probe, bt_query query) {
  if (query.filter->kind == BT_FILTER_ALL) return &probe->everything;
  for (size_t i = 0; i < probe->query_count; i++)
    if (bt_query_equal(probe->queries[i], query)) return &probe->found[i];
  return NULL;
}

uint64_t bt_search_probe_estimate(const bt_search_probe *probe, size_t count) {
  return (uint64_t)((double)count * probe->scale);
}

bool bt_search_probe_holds(const bt_search_probe *probe, const bt_over *over, const bt_trace_id *id) {
  switch (over->kind) {
  case BT_OVER_ALL: return true;
  case BT_OVER_NONE: return false;
  case BT_OVER_QUERY: {
    const bt_found_list *found = bt_search_probe_found(probe, over->query.asked);
    return !found || bt_found_list_get(found, id);
  }
  case BT_OVER_AND:
  case BT_OVER_OR: break;
  }
  for (uint32_t i = 0; i < over->item_count; i++)
    if (bt_search_probe_holds(probe, over->items[i], id) == (over->kind == BT_OVER_OR)) return over->kind == BT_OVER_OR;
  return over->kind == BT_OVER_AND;
}

void bt_search_probe_dispose(bt_search_probe *probe) {
  bt_found_list_dispose(&probe->everything);
  for (size_t i = 0; i < probe->query_count; i++) bt_found_list_dispose(&probe->found[i]);
  *probe = (bt_search_probe){0};
}
