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
  s->account->read++;
  if (read->needs_by_id || !read->trace) return s->account->not_given++, BT_OK;
  return s->sink(s->context, read->trace, error);
}

static bt_status choose_sample(const bt_found_list *found, size_t most, bt_trace_choice *choice, bt_error *error) {
  choice->count = found->count < most ? found->count : most;
  choice->ids = bt_realloc_array(NULL, choice->count + 1, sizeof *choice->ids);
  choice->span_counts = bt_realloc_array(NULL, choice->count + 1, sizeof *choice->span_counts);
  if (!choice->ids || !choice->span_counts) return bt_error_no_memory(error);
  for (size_t i = 0; i < choice->count; i++) {
    const bt_found *one = &found->items[i * found->count / choice->count];
    choice->ids[i] = one->id;
    choice->span_counts[i] = one->span_count;
  }
  return BT_OK;
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

bt_status bt_trace_sample_choose(bt_source *source, const bt_replay_request *replay, bt_trace_sample_size size,
                                 bt_trace_choice *choice, bt_trace_sample_account *account, bt_error *error) {
  sampler s = {.replay = replay, .account = account};
  bt_found_list found = {0};
  *choice = (bt_trace_choice){0};
  bt_status status = list_traces(source, &s, size.most_listed, &found, error);
  if (!status) status = choose_sample(&found, size.most_read, choice, error);
  account->chosen += choice->count;
  bt_found_list_dispose(&found);
  return status;
}

bt_status bt_trace_sample_read_until(bt_source *source, const bt_replay_request *replay, bt_trace_choice *choice,
                                     size_t until, bool shape, bt_trace_sample_sink sink, void *context,
                                     bt_trace_sample_account *account, bt_error *error) {
  sampler s = {replay, sink, context, account};
  bt_projection projection;
  bt_source_account own = {0};
  int64_t margin_ns = replay->assumptions.margin_ns;
  if (until <= choice->next) return BT_OK;
  bt_projection_init(&projection);
  bt_read_request request = {
      .ids = choice->ids + choice->next,
      .count = until - choice->next,
      .span_counts = choice->span_counts + choice->next,
      .range = {bt_time_subtract(replay->range.start_ns, margin_ns), bt_time_add(replay->range.end_ns, margin_ns)},
      .projection = shape ? &projection : NULL,
      .tenant = replay->tenant,
      .cancel = replay->cancel,
      .priority = replay->priority};
  choice->next = until;
  bt_status status = bt_source_read(source, &request, take_read, &s, &own, error);
  bt_projection_dispose(&projection);
  add_account(account, &own);
  bt_source_account_dispose(&own);
  return status;
}

bool bt_trace_sample_shows(const bt_trace_sample_account *account) {
  return account->read && 100 * account->read / account->chosen != 100 * (account->read - 1) / account->chosen;
}

void bt_trace_choice_dispose(bt_trace_choice *choice) {
  free(choice->ids);
  free(choice->span_counts);
}

bt_status bt_trace_sample_read(bt_source *source, const bt_replay_request *replay, bt_trace_sample_size size,
                               bt_trace_sample_sink sink, void *context, bt_trace_sample_account *account,
                               bt_error *error) {
  bt_trace_choice choice;
  bt_status status = bt_trace_sample_choose(source, replay, size, &choice, account, error);
  if (!status)
    status =
        bt_trace_sample_read_until(source, replay, &choice, choice.count, size.shape, sink, context, account, error);
  bt_trace_choice_dispose(&choice);
  return status;
}
