/* Listing a range and reading some of its traces. See trace_sample.h. */
#include "server/query/trace_sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "dsl/base/time_sum.h"

typedef struct sampler {
  const bt_replay_request *replay;
  bt_trace_sample_sink sink;
  void *context;
  bt_trace_sample_account *account;
} sampler;

static void add_account(bt_trace_sample_account *to, const bt_source_account *account) {
  to->requests += account->requests;
  to->bytes_inspected += account->bytes_inspected;
  to->bytes_received += account->bytes_received;
  if (account->failed_count && !to->unread[0])
    snprintf(to->unread, sizeof to->unread, "%.230s", account->failed[0].reason);
}

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  const sampler *s = context;
  if (bt_is_cancelled(s->replay->cancel)) return bt_error_set(error, BT_CANCELLED, "it was cancelled");
  if (read->needs_by_id || !read->trace) return s->account->not_given++, BT_OK;
  return s->sink(s->context, read->trace, error);
}

static void choose_sample(const bt_found_list *found, size_t count, bt_trace_id *ids, uint32_t *span_counts) {
  for (size_t i = 0; i < count; i++) {
    const bt_found *one = &found->items[i * found->count / count];
    ids[i] = one->id;
    span_counts[i] = one->span_count;
  }
}

static bt_status read_sample(bt_source *source, sampler *s, const bt_found_list *found, bt_trace_sample_size size,
                             bt_error *error) {
  const bt_replay_request *replay = s->replay;
  size_t count = found->count < size.most_read ? found->count : size.most_read;
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
      .projection = size.shape ? &projection : NULL,
      .tenant = replay->tenant,
      .cancel = replay->cancel,
      .priority = replay->priority};
  bt_status status = count ? bt_source_read(source, &request, take_read, s, &account, error) : BT_OK;
  bt_projection_dispose(&projection);
  add_account(s->account, &account);
  bt_source_account_dispose(&account);
  free(ids);
  free(span_counts);
  return status;
}

static bt_status list_traces(bt_source *source, sampler *s, size_t most, bt_found_list *found, bt_error *error) {
  bt_source_account account = {0};
  bt_search_request request = {.query = bt_query_all(),
                               .range = s->replay->range,
                               .max_found = most,
                               .tenant = s->replay->tenant,
                               .cancel = s->replay->cancel,
                               .priority = s->replay->priority};
  bt_status status = bt_source_search(source, &request, found, &account, error);
  add_account(s->account, &account);
  bt_source_account_dispose(&account);
  s->account->is_cut = s->account->is_cut || status == BT_LIMIT;
  if (status == BT_LIMIT) status = BT_OK; /* what was found is enough for a sample */
  bt_found_list_sort(found);
  s->account->listed += found->count;
  return status;
}

bt_status bt_trace_sample_read(bt_source *source, const bt_replay_request *replay, bt_trace_sample_size size,
                               bt_trace_sample_sink sink, void *context, bt_trace_sample_account *account,
                               bt_error *error) {
  sampler s = {replay, sink, context, account};
  bt_found_list found = {0};
  bt_status status = list_traces(source, &s, size.most_listed, &found, error);
  if (status == BT_OK) status = read_sample(source, &s, &found, size, error);
  bt_found_list_dispose(&found);
  return status;
}
