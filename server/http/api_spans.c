/* POST /v1/spans: passes pushed spans on to the store, or into the memory source, and answers what was accepted there.
 * It sends the unpacked OTLP body byte for byte, because decoding and encoding would lose what we do not model (trace
 * state, maps, dropped counts). It still decodes the body, to count the spans and to refuse a damaged one with its
 * place. See routes.h. */
#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/http/span_body.h"
#include "server/json/json_memory.h"
#include "tempo/files/memory_source.h"
#include "tempo/wire/gzip.h"

/* What receivers of OTLP take by default: more would be refused there. */
static const size_t unpacked_max_bytes = (size_t)20 << 20, decoded_max_bytes = (size_t)256 << 20;
static const int64_t FORWARD_NS = 10000000000;

typedef struct push {
  const bt_service *service;
  bt_call *call;
  bt_buffer unpacked, encoded; /* owned; empty when not needed */
  bt_export_document document;
  bt_span_batch *batch;
} push;

/* ---- reading ---- */

static bool is_protobuf(const bt_call *call) {
  return bt_call_body_is(call, BT_STR("application/x-protobuf")) ||
         bt_call_body_is(call, BT_STR("application/protobuf"));
}

static void refuse_body(bt_call *call, bt_status status, const bt_error *error) {
  if (status == BT_LIMIT)
    bt_call_problem(call, 413, "too-large", "The spans are too many for one request: %s.", error->message);
  else if (status == BT_INVALID)
    bt_call_problem(call, 400, "invalid-spans", "The body cannot be read, and nothing was kept: %s.", error->message);
  else
    bt_call_error(call, status, error);
}

/* The body without its Content-Encoding. False: answered. */
static bool unpack_body(push *p, bt_str *body) {
  bt_call *call = p->call;
  bt_error error = {0};
  *body = call->body;
  if (!call->body_encoding.len || bt_str_equal_nocase(call->body_encoding, BT_STR("identity"))) return true;
  if (!bt_str_equal_nocase(call->body_encoding, BT_STR("gzip"))) {
    bt_call_header_set(call, "accept-encoding", BT_STR("gzip, identity"));
    bt_call_problem(call, 415, "unknown-encoding", "Content-Encoding may be gzip or identity.");
    return false;
  }
  p->unpacked.maximum = unpacked_max_bytes;
  bt_status status = bt_gzip_unpack(call->body, &p->unpacked, &error);
  if (status) refuse_body(call, status, &error);
  *body = bt_buffer_str(&p->unpacked);
  return !status;
}

/* BeTrace's own form, into protobuf. */
static bt_status encode_flat(push *p, bt_str body, bt_field_errors *errors, bt_error *error) {
  json_error_t where;
  json_t *document = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &where);
  if (bt_json_memory_failed()) { /* names of spans may lack pieces */
    json_decref(document);
    return bt_error_no_memory(error);
  }
  if (!document) return bt_error_set(error, BT_INVALID, "line %d, column %d: %s", where.line, where.column, where.text);
  bt_status status = bt_span_body_read(document, bt_clock_wall_ns(), &p->encoded, errors, error);
  json_decref(document);
  if (status) return status;
  p->document = (bt_export_document){.body = bt_buffer_str(&p->encoded), .content_type = "application/x-protobuf"};
  return bt_otlp_decode_protobuf(p->document.body, p->batch, error);
}

static bt_status decode_spans(push *p, bt_str body, bt_field_errors *errors, bt_error *error) {
  bool is_flat = false, as_protobuf = is_protobuf(p->call);
  p->document =
      (bt_export_document){.body = body, .content_type = as_protobuf ? "application/x-protobuf" : "application/json"};
  bt_status status = bt_span_batch_new(decoded_max_bytes, &p->batch, error);
  if (status) return status;
  status = as_protobuf ? bt_otlp_decode_protobuf_request(body, p->batch, error)
                       : bt_otlp_decode_json_request(body, p->batch, &is_flat, error);
  if (!status && is_flat) status = encode_flat(p, body, errors, error);
  if (!status) status = bt_span_batch_finish(p->batch, error);
  p->document.span_count = bt_span_batch_span_count(p->batch);
  return status;
}

/* False: answered. */
static bool read_spans(push *p) {
  bt_str body;
  bt_error error = {0};
  bt_field_errors errors = {0};
  if (!unpack_body(p, &body)) return false;
  bt_status status = decode_spans(p, body, &errors, &error);
  if (bt_call_refuse_fields(p->call, &errors)) return false;
  if (status) refuse_body(p->call, status, &error);
  return !status;
}

/* ---- answering ---- */

/* All were accepted: 200. Else a problem that says how many, because a status of 200 is all that many clients look at.
 */
static void answer_counts(const push *p, const bt_export_result *result) {
  bt_call *call = p->call;
  bt_metrics_add_spans(p->service->metrics, BT_SPANS_ACCEPTED, result->accepted);
  bt_metrics_add_spans(p->service->metrics, BT_SPANS_REJECTED, result->rejected);
  json_int_t accepted = (json_int_t)result->accepted, rejected = (json_int_t)result->rejected;
  if (!rejected) {
    bt_call_json(call, 200, json_pack("{s:I, s:I, s:[]}", "accepted", accepted, "rejected", rejected, "errors"));
    return;
  }
  char detail[300];
  snprintf(detail, sizeof detail, "%lld of the %lld spans were not taken: %s.", (long long)rejected,
           (long long)(accepted + rejected), result->message[0] ? result->message : "the receiver does not say why");
  bt_call_json(call, 422,
               json_pack("{s:s, s:s, s:i, s:s, s:I, s:I, s:[{s:s, s:s}]}", "type", "urn:betrace:problem:spans-rejected",
                         "title", bt_http_reason(422), "status", 422, "detail", detail, "accepted", accepted,
                         "rejected", rejected, "errors", "field", "spans", "message",
                         result->message[0] ? result->message : "the receiver does not say why"));
  call->content_type = "application/problem+json";
}

static void answer_failure(push *p, bt_status status, bt_export_result *result, const bt_error *error) {
  bt_call *call = p->call;
  if (status == BT_REFUSED) {
    *result = (bt_export_result){.rejected = p->document.span_count};
    snprintf(result->message, sizeof result->message, "%.190s", error->message);
    answer_counts(p, result);
  } else if (status == BT_UNAVAILABLE || status == BT_CANCELLED) {
    bt_metrics_add_spans(p->service->metrics, BT_SPANS_UNCERTAIN, p->document.span_count);
    bt_call_header_set(call, "retry-after", BT_STR("1"));
    bt_call_problem(call, 503, "otlp-unavailable",
                    "The OTLP endpoint did not confirm the spans, so they may be lost: %s. Push them again; a span "
                    "that was kept after all is not kept twice.",
                    status == BT_CANCELLED ? "it took too long" : error->message);
  } else {
    bt_call_error(call, status, error);
  }
}

/* ---- passing on ---- */

/* Once: whoever pushes has a queue to try again from, and we have none. */
static void forward_spans(push *p) {
  bt_work_scope sending;
  bt_error error = {0};
  bt_export_result result = {0};
  bt_exporter_options options = *p->service->exporter;
  options.tenant = p->call->tenant;
  options.attempts = 1;
  bt_work_scope_begin(&sending, p->call->scope, bt_clock_monotonic_ns() + FORWARD_NS);
  bt_status status =
      bt_otlp_export_document(p->service->client, &options, &p->document, &sending.cancel, &result, &error);
  bt_work_scope_end(&sending);
  if (!status && result.rejected)
    answer_counts(p, &result);
  else if (!status)
    answer_counts(p, &(bt_export_result){.accepted = p->document.span_count});
  else
    answer_failure(p, status, &result, &error);
}

static void keep_spans(push *p) {
  bt_error error = {0};
  bt_status status = bt_memory_source_add(p->service->memory, p->call->tenant, p->batch, &error);
  if (status)
    refuse_body(p->call, status, &error);
  else
    answer_counts(p, &(bt_export_result){.accepted = p->document.span_count});
}

/* False: answered. */
static bool has_receiver(const push *p) {
  const char *tenant = bt_call_tenant(p->call);
  if (!p->service->memory && !p->service->exporter) {
    bt_call_problem(p->call, 503, "no_otlp_endpoint",
                    "There is nowhere to send spans to: start the service with --otlp URL, or with --memory-source to "
                    "keep them here.");
    return false;
  }
  if (!strchr(tenant, '|')) return true;
  bt_call_problem(p->call, 400, "several-tenants", "Spans are pushed for one tenant; \"%.100s\" names several.",
                  tenant);
  return false;
}

void bt_api_spans(void *context, bt_call *call) {
  static const char *const no_parameters[] = {NULL};
  push p = {.service = context, .call = call};
  if (!bt_call_query_allows(call, no_parameters) || !has_receiver(&p)) return;
  if (read_spans(&p)) {
    if (p.service->memory)
      keep_spans(&p);
    else
      forward_spans(&p);
  }
  bt_span_batch_free(p.batch);
  bt_buffer_dispose(&p.unpacked);
  bt_buffer_dispose(&p.encoded);
}
