/* The doors for spans: POST /v1/spans answers in numbers, POST /v1/traces as OTLP/HTTP has it, and POST /api/v2/spans
 * as Zipkin does. See routes.h. */
#include <stdio.h>

#include "server/http/push.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/json/json_values.h"
#include "tempo/wire/otlp_answer.h"

static const char *why_rejected(const bt_export_result *result) {
  return result->message[0] ? result->message : "the receiver does not say why";
}

/* ---- BeTrace's own ---- */

/* All were accepted: 200. Else a problem that says how many, because a status of 200 is all that many clients look at.
 */
static void answer_counts(bt_call *call, const bt_export_result *result) {
  json_int_t accepted = (json_int_t)result->accepted, rejected = (json_int_t)result->rejected;
  if (!rejected) {
    bt_call_json(call, 200, json_pack("{s:I, s:I, s:[]}", "accepted", accepted, "rejected", rejected, "errors"));
    return;
  }
  char detail[300];
  snprintf(detail, sizeof detail, "%lld of the %lld spans were not taken: %s.", (long long)rejected,
           (long long)(accepted + rejected), why_rejected(result));
  bt_call_json(call, 422,
               json_pack("{s:s, s:s, s:i, s:s, s:I, s:I, s:[{s:s, s:s}]}", "type", "urn:betrace:problem:spans-rejected",
                         "title", bt_http_reason(422), "status", 422, "detail", detail, "accepted", accepted,
                         "rejected", rejected, "errors", "field", "spans", "message", why_rejected(result)));
  call->content_type = "application/problem+json";
}

void bt_api_spans(void *context, bt_call *call) {
  bt_export_result result;
  bt_push push = {.service = context, .call = call, .door = BT_DOOR_SPANS};
  if (bt_push_take(&push, &result)) answer_counts(call, &result);
  bt_push_dispose(&push);
}

/* ---- OTLP/HTTP ---- */

/* Where nothing was taken a status says so too: of a partial success exporters only write a line in their log. */
static void answer_otlp(bt_call *call, const bt_export_result *result) {
  bt_buffer text = {0};
  bool as_json = !bt_push_is_protobuf(call);
  if (result->rejected && !result->accepted) {
    bt_call_problem(call, 400, "spans-rejected", "None of the %llu spans was taken: %s.",
                    (unsigned long long)result->rejected, why_rejected(result));
    return;
  }
  bt_otlp_write_taken(result, as_json, &text);
  if (text.failed)
    bt_call_no_memory(call);
  else
    bt_call_text(call, 200, as_json ? "application/json" : "application/x-protobuf", bt_buffer_str(&text));
  bt_buffer_dispose(&text);
}

void bt_api_otlp_traces(void *context, bt_call *call) {
  bt_export_result result;
  bt_push push = {.service = context, .call = call, .door = BT_DOOR_OTLP};
  if (!bt_push_is_protobuf(call) && !bt_call_body_is(call, BT_STR("application/json")))
    bt_call_problem(call, 415, "unknown-type", "Content-Type may be application/x-protobuf or application/json.");
  else if (bt_push_take(&push, &result))
    answer_otlp(call, &result);
  bt_push_dispose(&push);
}

/* ---- Zipkin ---- */

/* Reporters look at the status alone. */
static void answer_zipkin(bt_call *call, const bt_export_result *result) {
  json_t *counts =
      json_pack("{s:I, s:I}", "accepted", (json_int_t)result->accepted, "rejected", (json_int_t)result->rejected);
  if (result->rejected) bt_json_set(counts, "message", json_string(why_rejected(result)));
  bt_call_json(call, 202, counts);
}

/* False: answered. */
static bool may_be_zipkin(const bt_service *service, bt_call *call) {
  if (!service->memory && service->exporter)
    bt_call_problem(call, 404, "not-kept",
                    "Zipkin's spans are kept with --memory-source only, and not sent on: send them to a Collector with "
                    "its zipkin receiver, or send OTLP to POST /v1/traces.");
  else if (bt_push_is_protobuf(call))
    bt_call_problem(
        call, 415, "unknown-type",
        "Zipkin's protobuf is not read: have the reporter send JSON of API v2 (JSON_V2, application/json).");
  else
    return true;
  return false;
}

void bt_api_zipkin_spans(void *context, bt_call *call) {
  bt_export_result result;
  bt_push push = {.service = context, .call = call, .door = BT_DOOR_ZIPKIN};
  if (may_be_zipkin(context, call) && bt_push_take(&push, &result)) answer_zipkin(call, &result);
  bt_push_dispose(&push);
}

void bt_api_zipkin_v1(void *context, bt_call *call) {
  (void)context;
  bt_call_problem(call, 404, "not-found",
                  "Zipkin's API v1 is not read, neither its JSON nor Thrift: have the reporter send JSON of API v2 "
                  "(JSON_V2) to POST /api/v2/spans.");
}
