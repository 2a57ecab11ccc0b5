/* Looking for blocks that hold lists in columns. See column_lists.h. */
#include "tempo/api/column_lists.h"

#include "tempo/api/traceql.h"
#include "tempo/wire/otlp_decoder.h"

enum { MAX_BODY_BYTES = 1 << 20 };

static bt_status ignore_row(void *context, const bt_search_row *row, bt_error *error) {
  (void)context, (void)row, (void)error;
  return BT_OK;
}

static bt_status decode_trace_count(void *context, bt_str body, bool is_json, bt_error *error) {
  bt_search_answer answer = {0};
  bt_status status = bt_tempo_decode_search(body, is_json, false, ignore_row, NULL, &answer, error);
  *(size_t *)context = answer.trace_count;
  return status;
}

bool bt_tempo_knows_no_lists(const bt_tempo_call *call) {
  return call->response.status == 400 &&
         bt_str_contains(bt_buffer_str(&call->response.body), BT_STR("unexpected childCount"));
}

static bt_status ask_for_lists(bt_tempo_call *call, int64_t start_s, int64_t end_s, bool *out, bool *too_long,
                               bt_error *error) {
  bt_tempo_search_url url = {
      .query = BT_TRACEQL_LISTS, .start_s = start_s, .end_s = end_s, .limit = 1, .spans_per_set = 1};
  size_t found = 0;
  bt_tempo_outcome outcome = BT_TEMPO_FAILED;
  if (!bt_tempo_url_search(call->caller->tempo, &url, &call->url)) return bt_error_no_memory(error);
  bt_status status = bt_tempo_call_start(call, error);
  if (status == BT_OK) status = bt_tempo_call_finish(call, decode_trace_count, &found, &outcome, error);
  *too_long = status == BT_OK && outcome == BT_TEMPO_RANGE_TOO_LONG && end_s - start_s > 1;
  *out = outcome == BT_TEMPO_ANSWERED ? found > 0 : !*too_long && !bt_tempo_knows_no_lists(call);
  if (status != BT_OK || outcome == BT_TEMPO_ANSWERED || !*out) return status;
  return bt_error_set(error, call->may_pass ? BT_UNAVAILABLE : BT_REFUSED,
                      "the kind of the blocks could not be searched for: %.160s", call->reason);
}

bt_status bt_tempo_may_hold_lists(const bt_tempo_caller *caller, bt_time_range range, bool *out, bt_error *error) {
  int64_t start_s, end_s;
  bt_status status = bt_tempo_seconds(range, &start_s, &end_s, error);
  *out = false;
  while (status == BT_OK && !*out && start_s < end_s) {
    int64_t longest_s = atomic_load(&caller->tempo->max_range_s); /* a refusal makes it smaller */
    int64_t to_s = end_s - start_s > longest_s ? start_s + longest_s : end_s;
    bt_tempo_call call = {.caller = caller, .max_body_bytes = MAX_BODY_BYTES, .kind = BT_HTTP_SEARCH, .limit = 1};
    bool too_long = false;
    call.range_s = to_s - start_s;
    status = ask_for_lists(&call, start_s, to_s, out, &too_long, error);
    bt_tempo_call_dispose(&call);
    if (!too_long) start_s = to_s;
  }
  return status;
}
