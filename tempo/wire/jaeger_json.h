/* Spans as Jaeger's UI and its query API v2 give them: {"data": [{"traceID", "spans", "processes"}]}, or one of these
 * traces alone. docs/reference/files.md says what of a span this form does not carry. Thread: no state. Only the
 * decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_JAEGER_JSON_H
#define BT_TEMPO_WIRE_JAEGER_JSON_H

#include "dsl/base/error.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/otlp_json.h"

/* The object that comes next. BT_INVALID: it is not of this form. BT_LIMIT. BT_NO_MEMORY. */
bt_status bt_jaeger_read_document(bt_json_place *place, bt_span_batch *batch) BT_MUST_CHECK;

#endif
