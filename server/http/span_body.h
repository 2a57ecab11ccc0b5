/* The second form of POST /v1/spans, {"spans": [{trace_id, span_id, …}]}, into an OTLP request: so that pushed spans
 * take one path, whatever their form. Thread: no state. */
#ifndef BT_SERVER_HTTP_SPAN_BODY_H
#define BT_SERVER_HTTP_SPAN_BODY_H

#include <jansson.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/http/call.h"

/* Appends an ExportTraceServiceRequest (protobuf) with the body's spans to out. A string attribute that reads as a JSON
 * number or boolean becomes one (not where a number would lose digits); service.name is the resource's. BT_INVALID:
 * errors names each wrong field as spans[3].start_time, twenty of them at most. BT_LIMIT: they take too much memory.
 * BT_NO_MEMORY. */
bt_status bt_span_body_read(json_t *body, int64_t now_ns, bt_buffer *out, bt_field_errors *errors,
                            bt_error *error) BT_MUST_CHECK;

#endif
