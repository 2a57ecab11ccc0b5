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
/* The span that comes next, as Jaeger writes it into Elasticsearch: its process is in it, its parent is `parentSpanID`
 * or a reference, and tags may stand in an object `tag` by their names, in which @ is a dot. Values may be texts with
 * their type beside them: then a decimal has ten digits, and is inexact. A text that looks like a list or a map is of
 * unknown type. Times are cut to microseconds, and say so. Errors as above. */
bt_status bt_jaeger_read_stored(bt_json_place *place, bt_span_batch *batch) BT_MUST_CHECK;

#endif
