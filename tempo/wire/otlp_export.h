/* Sends spans by OTLP/HTTP (protobuf-c). 200 is no proof that they were kept: callers look them up. Thread: any; blocks
 * the caller. */
#ifndef BT_TEMPO_WIRE_OTLP_EXPORT_H
#define BT_TEMPO_WIRE_OTLP_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"

typedef struct bt_export_span {
  bt_trace_id trace_id;
  bt_span_id span_id, parent_id;
  bt_str name, status_message, trace_state;
  uint32_t flags; /* 0: nobody set them */
  uint32_t dropped_attributes, dropped_events, dropped_links;
  bt_span_kind kind;
  bt_span_status status;
  int64_t start_ns, end_ns;
  const bt_attribute *attributes;
  uint32_t attribute_count;
  const bt_link *links;
  uint32_t link_count;
  const bt_event *events;
  uint32_t event_count;
} bt_export_span;

typedef struct bt_export_resource { /* one ResourceSpans */
  const bt_attribute *attributes;   /* service.name among them */
  uint32_t attribute_count;
  bt_str scope_name, scope_version;
  const bt_export_span *spans;
  size_t span_count;
} bt_export_resource;

/* An ExportTraceServiceRequest appended to out. Bytes that protobuf strings cannot carry (NUL, invalid UTF-8) become
 * U+FFFD. BT_NO_MEMORY alone. */
bt_status bt_otlp_encode(const bt_export_resource *resources, size_t count, bt_buffer *out,
                         bt_error *error) BT_MUST_CHECK;

typedef struct bt_exporter_options {
  const char *url;        /* base, e.g. http://127.0.0.1:4318; /v1/traces is added unless traces_url is set */
  const char *traces_url; /* complete, or NULL */
  const char *headers;    /* OTEL_EXPORTER_OTLP_HEADERS: k=v,k2=v2 (percent-encoded values), or NULL */
  const char *tenant;     /* X-Scope-OrgID, in place of one in `headers`; or NULL */
  uint32_t attempts;      /* 0: 5, with back-off from 200 ms, honouring Retry-After (30 s at most) */
  bool comes_back;        /* who fails sends the same again later, so that no try has to be waited for to its end */
} bt_exporter_options;

typedef struct bt_export_result {
  uint64_t accepted, rejected;
  char message[200];
} bt_export_result;

/* A try waits as long as the receiver's answers usually take and somewhat more (usual_wait.h), the last one 30 s: a
 * receiver of which a part hangs costs a moment. What was sent twice so is there once, by its ids. Sends one request;
 * retried on 429, 502, 503 (but not "no org id"), 504 and broken connections; 400 and others are BT_REFUSED. A batch
 * that is refused for its size is split in two. Port 4317 in a URL is BT_INVALID with the hint to 4318. BT_UNAVAILABLE:
 * it was not answered. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_otlp_export(bt_http_client *client, const bt_exporter_options *options,
                         const bt_export_resource *resources, size_t count, const bt_cancel *cancel,
                         bt_export_result *result, bt_error *error) BT_MUST_CHECK;

/* The same with a request that is there already; it is never split. content_type: application/x-protobuf or
 * application/json. span_count: what it holds, for the result. */
typedef struct bt_export_document {
  bt_str body;
  const char *content_type;
  uint64_t span_count;
} bt_export_document;
/* Errors are those of bt_otlp_export; what is too large is BT_REFUSED. */
bt_status bt_otlp_export_document(bt_http_client *client, const bt_exporter_options *options,
                                  const bt_export_document *document, const bt_cancel *cancel, bt_export_result *result,
                                  bt_error *error) BT_MUST_CHECK;

/* One span of BeTrace itself, under its service name. BT_REFUSED also where the receiver answers and does not take it;
 * `what` names the span in that message. Else errors are those of bt_otlp_export. */
bt_status bt_otlp_export_own(bt_http_client *client, const bt_exporter_options *options, const bt_export_span *span,
                             const char *what, const bt_cancel *cancel, bt_error *error) BT_MUST_CHECK;

#endif
