/* Spans as Zipkin's API v2 has them: an array of spans, or of traces, which are arrays of spans. A file of one span a
 * line is read too. docs/reference/files.md says what of a span this form does not carry. Thread: no state. Only the
 * decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_ZIPKIN_JSON_H
#define BT_TEMPO_WIRE_ZIPKIN_JSON_H

#include "dsl/base/error.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/otlp_json.h"

/* The span, the array of spans or the array of arrays that comes next. BT_INVALID: it is not of this form. BT_LIMIT.
 * BT_NO_MEMORY. */
bt_status bt_zipkin_read_document(bt_json_place *place, bt_span_batch *batch) BT_MUST_CHECK;

#endif
