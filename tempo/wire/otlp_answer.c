/* Answers of a receiver of OTLP/HTTP. See otlp_answer.h. */
#include "tempo/wire/otlp_answer.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "tempo/wire/packing.h"
#include "tempo/wire/proto/otlp.pb-c.h"

/* ---- JSON ---- */

static int append_json(const char *text, size_t length, void *buffer) {
  bt_buffer_append(buffer, (bt_str){text, length});
  return ((bt_buffer *)buffer)->failed ? -1 : 0;
}

/* Takes the object. */
static void write_json(json_t *object, bt_buffer *out) {
  if (!object || json_dump_callback(object, append_json, out, JSON_COMPACT) != 0) out->failed = true;
  json_decref(object);
}

static void write_taken_json(const bt_export_result *result, bt_buffer *out) {
  char rejected[24]; /* JSON of protobuf has whole numbers of 64 bits as texts */
  snprintf(rejected, sizeof rejected, "%" PRIu64, result->rejected);
  write_json(result->rejected ? json_pack("{s:{s:s, s:s}}", "partialSuccess", "rejectedSpans", rejected, "errorMessage",
                                          result->message)
                              : json_object(),
             out);
}

/* ---- protobuf ---- */

static void write_taken_protobuf(const bt_export_result *result, bt_buffer *out) {
  Otlp__ExportTracePartialSuccess partial = OTLP__EXPORT_TRACE_PARTIAL_SUCCESS__INIT;
  Otlp__ExportTraceServiceResponse answer = OTLP__EXPORT_TRACE_SERVICE_RESPONSE__INIT;
  partial.rejected_spans = (int64_t)result->rejected;
  partial.error_message = (char *)result->message;
  if (result->rejected) answer.partial_success = &partial;
  bt_pack_message(&answer.base, out);
}

void bt_otlp_write_taken(const bt_export_result *result, bool as_json, bt_buffer *out) {
  if (as_json)
    write_taken_json(result, out);
  else
    write_taken_protobuf(result, out);
}

void bt_otlp_write_refusal(int code, const char *message, bool as_json, bt_buffer *out) {
  if (as_json) {
    write_json(json_pack("{s:i, s:s}", "code", code, "message", message), out);
    return;
  }
  Otlp__RpcStatus status = OTLP__RPC_STATUS__INIT;
  status.code = code;
  status.message = (char *)message;
  bt_pack_message(&status.base, out);
}
