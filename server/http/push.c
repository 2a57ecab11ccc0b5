/* Pushed spans. See push.h. An OTLP body is sent on as it came, because decoding and encoding would lose what we do not
 * model (trace state, maps, dropped counts). It is still decoded, to count the spans and to refuse a damaged one with
 * its place. What the memory source keeps goes nowhere else. So spans without ids can be left out there, and their
 * traces are marked. */
#include "server/http/push.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/http/span_body.h"
#include "server/json/json_memory.h"
#include "tempo/files/memory_source.h"
#include "tempo/wire/gzip.h"

/* What receivers of OTLP take by default: more would be refused there. */
static const size_t unpacked_max_bytes = (size_t)20 << 20, decoded_max_bytes = (size_t)256 << 20;
static const int64_t FORWARD_NS = 10000000000;

/* ---- reading ---- */

bool bt_push_is_protobuf(const bt_call *call) {
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
static bool unpack_body(bt_push *p, bt_str *body) {
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
static bt_status encode_flat(bt_push *p, bt_str body, bt_field_errors *errors, bt_error *error) {
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

static bt_status decode_zipkin(bt_push *p, bt_str body, bt_error *error) {
  const char *sentence = NULL;
  switch (bt_otlp_json_kind(body, &sentence)) {
  case BT_JSON_OF_ZIPKIN:
  case BT_JSON_OF_NOBODY: return bt_otlp_decode_json_line(body, p->batch, error);
  case BT_JSON_OF_OTLP:
  case BT_JSON_OF_JAEGER: sentence = "expected an array of spans as Zipkin's API v2 has them"; break;
  case BT_JSON_UNREAD: break;
  }
  return bt_error_set(error, BT_INVALID, "%s", sentence);
}

static bt_status decode_otlp_json(bt_push *p, bt_str body, bt_field_errors *errors, bt_error *error) {
  bool is_flat = false;
  bt_status status = bt_otlp_decode_json_request(body, p->batch, &is_flat, error);
  if (status || !is_flat) return status;
  if (p->door == BT_DOOR_SPANS) return encode_flat(p, body, errors, error);
  return bt_error_set(error, BT_INVALID, "expected an object with resourceSpans; POST /v1/spans takes the short form");
}

/* Jaeger's is kept like a file of it. It is no OTLP that could be sent on. */
static bt_status decode_json(bt_push *p, bt_str body, bt_field_errors *errors, bt_error *error) {
  const char *sentence = NULL;
  switch (bt_otlp_json_kind(body, &sentence)) {
  case BT_JSON_OF_OTLP:
  case BT_JSON_OF_NOBODY: return decode_otlp_json(p, body, errors, error);
  case BT_JSON_OF_JAEGER:
    if (p->service->memory && p->door == BT_DOOR_SPANS) return bt_otlp_decode_json_line(body, p->batch, error);
    sentence = "this is Jaeger's JSON, which is no OTLP: betrace eval reads files of it, and POST /v1/spans with "
               "--memory-source";
    break;
  case BT_JSON_OF_ZIPKIN: sentence = "this is Zipkin's JSON: push it to POST /api/v2/spans"; break;
  case BT_JSON_UNREAD: break;
  }
  return bt_error_set(error, BT_INVALID, "%s", sentence);
}

/* A door whose senders hear of it in words of their own, or have no ear for it: the rest is kept. */
static bool may_leave_out(const bt_push *p) {
  return p->service->memory && p->door != BT_DOOR_SPANS;
}

static bt_status decode_spans(bt_push *p, bt_str body, bt_field_errors *errors, bt_error *error) {
  bool as_protobuf = bt_push_is_protobuf(p->call);
  p->document =
      (bt_export_document){.body = body, .content_type = as_protobuf ? "application/x-protobuf" : "application/json"};
  bt_status status = bt_span_batch_new(decoded_max_bytes, &p->batch, error);
  if (status) return status;
  if (may_leave_out(p)) bt_span_batch_leave_out(p->batch, &p->passed);
  if (p->door == BT_DOOR_ZIPKIN)
    status = decode_zipkin(p, body, error);
  else
    status = as_protobuf ? bt_otlp_decode_protobuf_request(body, p->batch, error) : decode_json(p, body, errors, error);
  bt_passed_over_sort(&p->passed);
  if (!status) bt_span_batch_mark_lacking(p->batch, p->passed.touched, p->passed.touched_count);
  if (!status) status = bt_span_batch_finish(p->batch, error);
  p->document.span_count = bt_span_batch_span_count(p->batch);
  return status;
}

/* False: answered. */
static bool read_spans(bt_push *p) {
  bt_str body;
  bt_error error = {0};
  bt_field_errors errors = {0};
  if (!unpack_body(p, &body)) return false;
  bt_status status = decode_spans(p, body, &errors, &error);
  if (bt_call_refuse_fields(p->call, &errors)) return false;
  if (status) refuse_body(p->call, status, &error);
  return !status;
}

/* ---- passing on ---- */

/* False: answered. */
static bool take_failure(bt_push *p, bt_status status, bt_export_result *result, const bt_error *error) {
  bt_call *call = p->call;
  if (status == BT_REFUSED) {
    *result = (bt_export_result){.rejected = p->document.span_count};
    snprintf(result->message, sizeof result->message, "%.190s", error->message);
    return true;
  }
  if (status == BT_UNAVAILABLE || status == BT_CANCELLED) {
    bool stops = call->scope && bt_work_scope_why(call->scope) == BT_SCOPE_STOPPING;
    const char *cut = stops ? "the service is being stopped" : "it took too long";
    bt_metrics_add_spans(p->service->metrics, BT_SPANS_UNCERTAIN, p->document.span_count);
    bt_call_header_set(call, "retry-after", BT_STR("1"));
    bt_call_problem(call, 503, "otlp-unavailable",
                    "The OTLP endpoint did not confirm the spans, so they may be lost: %s. Push them again; a span "
                    "that was kept after all is not kept twice.",
                    status == BT_CANCELLED ? cut : error->message);
    return false;
  }
  bt_call_error(call, status, error);
  return false;
}

/* Once: whoever pushes has a queue to try again from, and we have none. */
static bool forward_spans(bt_push *p, bt_export_result *result) {
  bt_work_scope sending;
  bt_error error = {0};
  bt_exporter_options options = *p->service->exporter;
  options.tenant = p->call->tenant;
  options.attempts = 1;
  bt_work_scope_begin(&sending, p->call->scope, bt_clock_monotonic_ns() + FORWARD_NS);
  bt_status status =
      bt_otlp_export_document(p->service->client, &options, &p->document, &sending.cancel, result, &error);
  bt_work_scope_end(&sending);
  if (status) return take_failure(p, status, result, &error);
  if (!result->rejected) result->accepted = p->document.span_count;
  return true;
}

static void say_left_out(const bt_passed_over *passed, bt_export_result *result) {
  result->rejected = passed->without_id + passed->fragments;
  if (passed->without_id)
    snprintf(result->message, sizeof result->message,
             "%" PRIu64 " spans have no trace id or no span id, and were left out", passed->without_id);
  else if (passed->fragments)
    snprintf(result->message, sizeof result->message, "%" PRIu64 " records only add to a span, and were left out",
             passed->fragments);
}

static bool keep_spans(bt_push *p, bt_export_result *result) {
  bt_error error = {0};
  bt_status status = bt_memory_source_add(p->service->memory, p->call->tenant, p->batch, &error);
  if (status) {
    refuse_body(p->call, status, &error);
    return false;
  }
  result->accepted = p->document.span_count;
  say_left_out(&p->passed, result);
  return true;
}

/* False: answered. */
static bool has_receiver(const bt_push *p) {
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

bool bt_push_take(bt_push *push, bt_export_result *result) {
  static const char *const no_parameters[] = {NULL};
  *result = (bt_export_result){0};
  if (!bt_call_query_allows(push->call, no_parameters) || !has_receiver(push) || !read_spans(push)) return false;
  bool is_taken = push->service->memory ? keep_spans(push, result) : forward_spans(push, result);
  if (!is_taken) return false;
  bt_metrics_add_spans(push->service->metrics, BT_SPANS_ACCEPTED, result->accepted);
  bt_metrics_add_spans(push->service->metrics, BT_SPANS_REJECTED, result->rejected);
  return true;
}

void bt_push_dispose(bt_push *push) {
  bt_span_batch_free(push->batch);
  bt_buffer_dispose(&push->unpacked);
  bt_buffer_dispose(&push->encoded);
  bt_passed_over_dispose(&push->passed);
}
