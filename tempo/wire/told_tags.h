/* What OTLP has a field for and Jaeger and Zipkin have not: exporters write it as a tag of a name that OpenTelemetry
 * fixed ("Mapping to non-OTLP formats"), and here it becomes the field again. Both readers use this. Thread: no state.
 * Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_TOLD_TAGS_H
#define BT_TEMPO_WIRE_TOLD_TAGS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/otlp_builder.h"

/* The scope of the span before: mostly the next one's too. All-zero: there was none. */
typedef struct bt_told_scope {
  const bt_scope *last;
  bool is_stored; /* by a store that keeps no attributes of scopes, and not how many were dropped */
} bt_told_scope;

/* Takes these tags out of build->span and sets what they say of the span; its scope is never NULL then. A tag `error`
 * stays: without otel.status_code it says that the status is an error, and is the message where it is a text other than
 * "true". BT_LIMIT, BT_NO_MEMORY. */
bt_status bt_told_tags_take(bt_build *build, bt_told_scope *scope, bt_span *span, bt_error *error) BT_MUST_CHECK;
/* An annotation of Zipkin that OpenTelemetry's exporters make of an event holds its attributes too: "NAME":{…} or
 * {"NAME":{…}}. Sets *name, which is the annotation's text, to NAME then. BT_NO_MEMORY alone. */
bt_status bt_told_event_name(bt_build *build, bt_str *name, bt_error *error) BT_MUST_CHECK;
/* client, server and the like, of either case. False: none of these words. */
bool bt_told_kind(bt_str word, bt_span_kind *out);

#endif
