/* Asking for the time stamp of a report. See time_stamp_request.h. */
#include "server/compliance/time_stamp_request.h"

#include <stdio.h>

#include "server/compliance/evidence.h"
#include "server/compliance/signature.h"
#include "server/json/json_members.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"

enum { DEADLINE_MS = 10000 };

/* ---- asking ---- */

/* It has a lane of its own with spans that are sent, so that a slow authority takes no place from reads. */
static bt_status post_query(bt_http_client *client, const char *url, bt_str query, const bt_cancel *cancel,
                            bt_http_response *response, bt_error *error) {
  static const char *const headers[] = {"Content-Type: application/timestamp-query",
                                        "Accept: application/timestamp-reply"};
  bt_http_request request = {.method = "POST",
                             .url = url,
                             .body = query,
                             .headers = headers,
                             .header_count = sizeof headers / sizeof *headers,
                             .max_body_bytes = BT_TIME_STAMP_MAX_BYTES,
                             .timeout_ms = DEADLINE_MS,
                             .total_ms = DEADLINE_MS,
                             .kind = BT_HTTP_EXPORT,
                             .cancel = cancel};
  bt_status status = bt_http_send(client, &request, response, error);
  if (!status && response->status != 200)
    return bt_error_set(error, BT_UNAVAILABLE, "the authority answers HTTP %d, expected 200", response->status);
  return status;
}

static bt_status ask_authority(bt_http_client *client, const char *url, bt_str stamped, const bt_cancel *cancel,
                               bt_buffer *token, bt_error *error) {
  bt_time_stamp_query query = {0};
  bt_http_response response = {0};
  bt_status status = bt_time_stamp_query_make(stamped, &query, error);
  if (!status) status = post_query(client, url, bt_buffer_str(&query.der), cancel, &response, error);
  if (!status) status = bt_time_stamp_take(&query, bt_buffer_str(&response.body), token, error);
  bt_http_response_dispose(&response);
  bt_time_stamp_query_dispose(&query);
  return status;
}

/* token NULL: the reason. */
static bt_status put_time_stamp(json_t *document, const bt_buffer *token, const char *reason, bt_error *error) {
  bt_buffer text = {0};
  bt_status status = token ? bt_base64_append(bt_buffer_str(token), &text, error) : BT_OK;
  json_t *stamp = status ? NULL
                         : json_pack("{s:o, s:o}", "token", token ? bt_text_json(bt_buffer_str(&text)) : json_null(),
                                     "reason", token ? json_null() : bt_text_json(bt_str_from(reason)));
  bt_buffer_dispose(&text);
  if (status) return status;
  bool had_failed = bt_json_memory_failed(); /* before, in what the caller builds */
  bt_json_memory_begin();
  bt_json_set(json_object_get(document, "evidence"), "time_stamp", stamp);
  if (bt_json_memory_failed()) status = bt_error_no_memory(error);
  if (had_failed) bt_json_memory_lacks();
  return status;
}

bt_status bt_time_stamp_add(bt_http_client *client, const char *url, json_t *document, const bt_cancel *cancel,
                            char reason[BT_TIME_STAMP_REASON_BYTES], bt_error *error) {
  char stamped[BT_SIGNED_TEXT_BYTES];
  bt_buffer token = {0};
  bt_error why = {0};
  reason[0] = '\0';
  bt_evidence_signed_text(document, stamped);
  bt_status status = ask_authority(client, url, bt_str_from(stamped), cancel, &token, &why);
  if (status) snprintf(reason, BT_TIME_STAMP_REASON_BYTES, "%.*s", BT_TIME_STAMP_REASON_BYTES - 1, why.message);
  status = put_time_stamp(document, status ? NULL : &token, reason, error);
  bt_buffer_dispose(&token);
  return status;
}

/* ---- checking ---- */

bt_status bt_time_stamp_read(const json_t *document, const char *ca_file, bt_reported_stamp *out, bt_error *error) {
  const json_t *stamp = json_object_get(json_object_get(document, "evidence"), "time_stamp");
  const json_t *token = json_object_get(stamp, "token");
  char stamped[BT_SIGNED_TEXT_BYTES];
  bt_buffer bytes = {0};
  *out = (bt_reported_stamp){.reason = json_string_value(json_object_get(stamp, "reason"))};
  if (!json_is_string(token)) return BT_OK;
  out->is_there = true;
  bt_evidence_signed_text(document, stamped);
  bt_status status = bt_base64_decode(bt_json_str_at(stamp, "token"), &bytes, error);
  if (status == BT_INVALID)
    status = bt_error_set(error, BT_INVALID, "the time stamp is not base64 as it is written here");
  if (!status) status = bt_time_stamp_check(bt_buffer_str(&bytes), bt_str_from(stamped), ca_file, &out->stamp, error);
  bt_buffer_dispose(&bytes);
  return status;
}
