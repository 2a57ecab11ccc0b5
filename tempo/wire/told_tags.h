/* What OTLP has a field for and Jaeger and Zipkin have not: exporters write it as a tag of a name that OpenTelemetry
 * fixed ("Mapping to non-OTLP formats"), and here it becomes the field again. Both readers use this. Thread: no state.
 * Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_TOLD_TAGS_H
#define BT_TEMPO_WIRE_TOLD_TAGS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/json_reader.h"
#include "tempo/wire/otlp_builder.h"

/* The scope of the span before: mostly the next one's too. All-zero: there was none. Its attributes are not kept, and
 * neither is how many of anything were dropped (BT_NOT_KEPT). */
typedef struct bt_told_scope {
  const bt_scope *last;
} bt_told_scope;

/* Takes these tags out of build->span and sets what they say of the span; its scope is never NULL then. A tag `error`
 * stays: without otel.status_code it says that the status is an error, and is the message where it is a text other than
 * "true". Exporters say nothing of an internal span's kind, so one of no kind may be internal. BT_LIMIT, BT_NO_MEMORY.
 */
bt_status bt_told_tags_take(bt_build *build, bt_told_scope *scope, bt_span *span, bt_error *error) BT_MUST_CHECK;
/* An annotation of Zipkin that OpenTelemetry's exporters make of an event holds its attributes too: "NAME":{…},
 * {"NAME":{…}}, NAME: {…} (Go) or NAME|{…}|N (the Collector). event->name is the annotation's text: it becomes NAME,
 * and the attributes are set. Of any other text they are not known: some exporters write none. BT_LIMIT, BT_NO_MEMORY.
 */
bt_status bt_told_event(bt_build *build, bt_event *event, bt_error *error) BT_MUST_CHECK;
/* Takes links out of build->span, which the Collector writes as tags for Zipkin. Without any it is not known whether
 * the span has some. Before bt_told_tags_take. BT_LIMIT, BT_NO_MEMORY. */
bt_status bt_told_links_take(bt_build *build, bt_span *span, bt_error *error) BT_MUST_CHECK;
/* A value in its JSON's own type. False: a list, an object, null, or a number that nothing holds; it was passed over,
 * or json->problem says what is wrong. */
bool bt_told_value(bt_json *json, bt_value *out);
/* client, server and the like, of either case. False: none of these words. */
bool bt_told_kind(bt_str word, bt_span_kind *out);

#endif
