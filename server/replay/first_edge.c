/* Where the data of a source begin, found by listing a little from the left: a part without traces lets the next one
 * be larger, a part with too many is cut. See first_edge.h. */
#include "server/replay/first_edge.h"

#include "server/replay/own_traces.h"

enum { LISTED_MAX = 1000, STEP_FACTOR = 16, SEARCHES_MAX = 16 };
static const int64_t PRECISION_NS = 1000000000;
static const int64_t EARLIER_NS = INT64_C(7) * 24 * 3600 * 1000000000;

typedef enum data_found { DATA_NONE, DATA_SOME, DATA_MANY, DATA_UNKNOWN } data_found;

typedef struct edge {
  bt_source *source;
  const bt_replay_request *request;
  bt_first_result *result;
} edge;

static int64_t earliest_of(const bt_found_list *found, int64_t not_before_ns) {
  int64_t earliest_ns = INT64_MAX;
  for (size_t i = 0; i < found->count; i++)
    if (found->items[i].start_ns < earliest_ns) earliest_ns = found->items[i].start_ns;
  return earliest_ns > not_before_ns ? earliest_ns : not_before_ns;
}

/* *earliest_ns: set for DATA_SOME. */
static bt_status look(const edge *e, bt_time_range range, size_t most, data_found *out, int64_t *earliest_ns,
                      bt_error *error) {
  bt_search_request search = {.filter = bt_other_traces_filter(),
                              .range = range,
                              .max_found = most,
                              .tenant = e->request->tenant,
                              .cancel = e->request->cancel,
                              .rule_id = e->request->rules[0]->fields.id,
                              .priority = e->request->priority};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_status status = bt_source_search(e->source, &search, &found, &account, error);
  e->result->requests += account.requests;
  e->result->bytes_inspected += account.bytes_inspected;
  e->result->bytes_received += account.bytes_received;
  *out = DATA_UNKNOWN;
  if (status == BT_LIMIT)
    *out = DATA_MANY;
  else if (status == BT_OK && !account.failed_count)
    *out = found.count ? DATA_SOME : DATA_NONE;
  *earliest_ns = earliest_of(&found, range.start_ns);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  return status == BT_CANCELLED || status == BT_NO_MEMORY ? status : BT_OK;
}

/* Windows that were said to be empty need no second look. */
static int64_t end_of_leading_gap(const bt_coverage *coverage) {
  bool has_gap = coverage->windows_empty_count && coverage->windows_empty[0].start_ns == coverage->asked.start_ns;
  return has_gap ? coverage->windows_empty[0].end_ns : coverage->asked.start_ns;
}

static bt_status find_data_from(const edge *e, int64_t margin_ns, bt_error *error) {
  bt_coverage *coverage = &e->result->coverage;
  int64_t low_ns = end_of_leading_gap(coverage), step_ns = margin_ns > PRECISION_NS ? margin_ns : PRECISION_NS;
  int64_t high_ns = coverage->has_data_from ? coverage->data_from_ns : coverage->effective_end_ns;
  bool has_data = coverage->has_data_from;
  for (int i = 0; i < SEARCHES_MAX && low_ns < high_ns; i++) {
    data_found answer;
    int64_t earliest_ns, end_ns = bt_time_add(low_ns, step_ns);
    if (end_ns > high_ns) end_ns = high_ns;
    bt_status status = look(e, (bt_time_range){low_ns, end_ns}, LISTED_MAX, &answer, &earliest_ns, error);
    if (status != BT_OK) return status;
    if (answer == DATA_UNKNOWN) break;
    if (answer == DATA_NONE) {
      low_ns = end_ns;
      step_ns = step_ns > INT64_MAX / STEP_FACTOR ? INT64_MAX : step_ns * STEP_FACTOR;
      continue;
    }
    has_data = true;
    high_ns = answer == DATA_SOME ? earliest_ns : end_ns;
    step_ns = (end_ns - low_ns) / STEP_FACTOR;
    if (answer == DATA_SOME) break;
    if (step_ns >= PRECISION_NS) continue;
    high_ns = low_ns;
  }
  coverage->has_data_from = has_data;
  if (has_data) coverage->data_from_ns = high_ns;
  return BT_OK;
}

bt_status bt_first_edge_find(bt_source *source, const bt_replay_request *request, int64_t margin_ns,
                             bt_first_result *result, bt_error *error) {
  edge e = {source, request, result};
  const bt_coverage *coverage = &result->coverage;
  bt_status status = find_data_from(&e, margin_ns, error);
  if (status != BT_OK || !result->violation) return status;
  int64_t data_from_ns = coverage->data_from_ns, start_ns = coverage->asked.start_ns, earliest_ns;
  result->at_edge_of_data = bt_time_subtract(result->violation->time_ns, data_from_ns) <= margin_ns;
  if (!result->at_edge_of_data || bt_time_subtract(data_from_ns, start_ns) > margin_ns) return BT_OK;
  /* Data from about the start of the range on: what lies before it tells. */
  data_found answer;
  status = look(&e, (bt_time_range){bt_time_subtract(start_ns, EARLIER_NS), start_ns}, 1, &answer, &earliest_ns, error);
  result->at_edge_of_data = answer == DATA_NONE || answer == DATA_UNKNOWN;
  return status;
}
