/* Tempo's tag API. See tempo_tags.h. One request, JSON in every version (facts_tags.py), without a second attempt:
 * somebody is typing. The API cannot search by prefix, so that as many as may be are asked for and looked through here.
 */
#include "tempo/api/tempo_tags.h"

#include <string.h>

#include "tempo/api/tags_decoder.h"
#include "tempo/wire/tempo_answer.h"
#include "tempo/wire/url.h"

enum { MAX_BODY_BYTES = 8 << 20 };

static bool add_url(const bt_tempo *tempo, const bt_tag_request *request, int64_t start_s, int64_t end_s,
                    bt_buffer *url) {
  static const char *const scopes[] = {"span", "resource", "event", "link", "instrumentation"};
  static const char *const prefixes[] = {
      "span.",        "resource.", "event.", "link.", "instrumentation.", ".", "name", "resource.service.name",
      "statusMessage"};
  bt_buffer_printf(url, "%s/api/v2/search/tag", tempo->base_url);
  if (request->key.ptr) { /* the key stands in the path as it is: quoted, Tempo would not find it */
    bt_buffer_printf(url, "/%s", prefixes[request->scope]);
    bt_url_encode(url, request->key);
    bt_buffer_append(url, BT_STR("/values?"));
  } else {
    bt_buffer_append(url, BT_STR("s?"));
    if (request->scope < BT_TAG_ANY) bt_buffer_printf(url, "scope=%s&", scopes[request->scope]);
  }
  bt_buffer_printf(url, "start=%lld&end=%lld&limit=%d", (long long)start_s, (long long)end_s, BT_TAGS_LIMIT_MAX);
  return !url->failed;
}

static bt_status judge_answer(const bt_http_response *response, const bt_tag_request *request, bt_tag_list *list,
                              bt_error *error) {
  char what[200];
  bool is_json = false;
  bt_str body = bt_buffer_str(&response->body);
  if (response->status == 200 && bt_tempo_content(response, &is_json) && is_json) {
    bt_error inner = {0};
    bt_status status = request->key.ptr ? bt_tags_decode_values(body, request, BT_TAGS_LIMIT_MAX, list, &inner)
                                        : bt_tags_decode_names(body, request, BT_TAGS_LIMIT_MAX, list, &inner);
    if (status == BT_INVALID) return bt_error_set(error, BT_UNAVAILABLE, "Tempo's tags could not be decoded");
    if (status != BT_OK && error) *error = inner;
    return status;
  }
  bt_tempo_describe(response, what, sizeof what);
  bt_tempo_meaning meaning = bt_tempo_meaning_of(response);
  bool may_pass = response->status == 200 || meaning == BT_MEANS_PASSING || meaning == BT_MEANS_LAGGING;
  return bt_error_set(error, may_pass ? BT_UNAVAILABLE : BT_REFUSED, "Tempo's tags could not be asked for: %s%s", what,
                      response->status == 200 ? ", which is not JSON" : "");
}

static bt_status ask_for_tags(const bt_tempo_caller *caller, const bt_tag_request *request, const char *url,
                              bt_tag_list *list, bt_error *error) {
  const bt_tempo *tempo = caller->tempo;
  bt_http_request http = {.method = "GET",
                          .url = url,
                          .headers = caller->headers,
                          .header_count = caller->header_count,
                          .ca_file = tempo->ca_file,
                          .max_body_bytes = MAX_BODY_BYTES,
                          .timeout_ms = request->timeout_ms,
                          .total_ms = request->timeout_ms,
                          .priority = BT_PRIORITY_PEOPLE,
                          .party = caller,
                          .tenant = caller->tenant,
                          .cancel = request->cancel};
  bt_http_response response = {0};
  bt_status status = bt_http_send(tempo->client, &http, &response, error);
  if (status == BT_OK) status = judge_answer(&response, request, list, error);
  if (status == BT_LIMIT) status = bt_error_set(error, BT_UNAVAILABLE, "Tempo's answer about tags is too large");
  bt_http_response_dispose(&response);
  return status;
}

/* No longer than Tempo allows: the end of a long range is what counts for somebody who writes a rule. */
static bt_status seconds_of(const bt_tempo *tempo, bt_time_range range, int64_t *start_s, int64_t *end_s,
                            bt_error *error) {
  bt_status status = bt_tempo_seconds(range, start_s, end_s, error);
  int64_t longest_s = atomic_load(&tempo->max_range_s);
  if (status == BT_OK && *end_s - *start_s > longest_s) *start_s = *end_s - longest_s;
  return status;
}

bt_status bt_tempo_tags(bt_tempo *tempo, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  bt_tempo_identity identity = {.tenant = request->tenant, .cancel = request->cancel, .priority = BT_PRIORITY_PEOPLE};
  bt_tempo_caller caller;
  bt_source_account account = {0};
  bt_buffer url = {0};
  int64_t start_s = 0, end_s = 0;
  if (request->key.len && memchr(request->key.ptr, '/', request->key.len)) {
    list->is_cut = true; /* no way to ask: Tempo's router takes the slash, encoded too, for another path */
    return BT_OK;
  }
  bt_status status = bt_tempo_caller_init(&caller, tempo, &identity, &account, error);
  if (status == BT_OK) status = seconds_of(tempo, request->range, &start_s, &end_s, error);
  if (status == BT_OK && !add_url(tempo, request, start_s, end_s, &url)) status = bt_error_no_memory(error);
  if (status == BT_OK) {
    caller.headers[0] = "Accept: application/json";
    status = ask_for_tags(&caller, request, url.ptr, list, error);
  }
  bt_tempo_caller_dispose(&caller);
  bt_buffer_dispose(&url);
  return status;
}
