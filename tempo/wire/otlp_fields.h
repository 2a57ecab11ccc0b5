/* The fields of OTLP's messages that are read, once for both decoders: what one of them reads the other reads too
 * (otlp_decoder.c and otlp_value.c by number, otlp_json.c and otlp_json_value.c by name). Each list has a row
 * FIELD(id, number, wire type, name in JSON, name in the definition) for each field, and ALIAS(id, name, name) for
 * other names of a field in JSON. Thread: no state. Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_OTLP_FIELDS_H
#define BT_TEMPO_WIRE_OTLP_FIELDS_H

#include <stdint.h>

#include "tempo/wire/json_reader.h"
#include "tempo/wire/wire.h"

/* 1000 is what scope_spans was before 2022, under its old name: its messages have the numbers of ScopeSpans. Some
 * exporters wrote both, and then a span comes twice. */
#define BT_OTLP_RESOURCE_SPANS(FIELD, ALIAS)                                                                           \
  FIELD(OF_RESOURCE_SPANS_RESOURCE, 1, BYTES, "resource", "resource")                                                  \
  FIELD(OF_RESOURCE_SPANS_SCOPES, 2, BYTES, "scopeSpans", "scope_spans")                                               \
  FIELD(OF_RESOURCE_SPANS_LIBRARIES, 1000, BYTES, "instrumentationLibrarySpans", "instrumentation_library_spans")

#define BT_OTLP_RESOURCE(FIELD, ALIAS)                                                                                 \
  FIELD(OF_RESOURCE_ATTRIBUTES, 1, BYTES, "attributes", "attributes")                                                  \
  FIELD(OF_RESOURCE_DROPPED, 2, VARINT, "droppedAttributesCount", "dropped_attributes_count")

#define BT_OTLP_SCOPE_SPANS(FIELD, ALIAS)                                                                              \
  FIELD(OF_SCOPE_SPANS_SCOPE, 1, BYTES, "scope", "scope")                                                              \
  FIELD(OF_SCOPE_SPANS_SPANS, 2, BYTES, "spans", "spans")                                                              \
  ALIAS(OF_SCOPE_SPANS_SCOPE, "instrumentationLibrary", "instrumentation_library")

#define BT_OTLP_SCOPE(FIELD, ALIAS)                                                                                    \
  FIELD(OF_SCOPE_NAME, 1, BYTES, "name", "name")                                                                       \
  FIELD(OF_SCOPE_VERSION, 2, BYTES, "version", "version")                                                              \
  FIELD(OF_SCOPE_ATTRIBUTES, 3, BYTES, "attributes", "attributes")                                                     \
  FIELD(OF_SCOPE_DROPPED, 4, VARINT, "droppedAttributesCount", "dropped_attributes_count")

#define BT_OTLP_SPAN(FIELD, ALIAS)                                                                                     \
  FIELD(OF_SPAN_TRACE_ID, 1, BYTES, "traceId", "trace_id")                                                             \
  FIELD(OF_SPAN_ID, 2, BYTES, "spanId", "span_id")                                                                     \
  FIELD(OF_SPAN_STATE, 3, BYTES, "traceState", "trace_state")                                                          \
  FIELD(OF_SPAN_PARENT, 4, BYTES, "parentSpanId", "parent_span_id")                                                    \
  FIELD(OF_SPAN_NAME, 5, BYTES, "name", "name")                                                                        \
  FIELD(OF_SPAN_KIND, 6, VARINT, "kind", "kind")                                                                       \
  FIELD(OF_SPAN_START, 7, FIXED64, "startTimeUnixNano", "start_time_unix_nano")                                        \
  FIELD(OF_SPAN_END, 8, FIXED64, "endTimeUnixNano", "end_time_unix_nano")                                              \
  FIELD(OF_SPAN_ATTRIBUTES, 9, BYTES, "attributes", "attributes")                                                      \
  FIELD(OF_SPAN_DROPPED_ATTRIBUTES, 10, VARINT, "droppedAttributesCount", "dropped_attributes_count")                  \
  FIELD(OF_SPAN_EVENTS, 11, BYTES, "events", "events")                                                                 \
  FIELD(OF_SPAN_DROPPED_EVENTS, 12, VARINT, "droppedEventsCount", "dropped_events_count")                              \
  FIELD(OF_SPAN_LINKS, 13, BYTES, "links", "links")                                                                    \
  FIELD(OF_SPAN_DROPPED_LINKS, 14, VARINT, "droppedLinksCount", "dropped_links_count")                                 \
  FIELD(OF_SPAN_STATUS, 15, BYTES, "status", "status")                                                                 \
  FIELD(OF_SPAN_FLAGS, 16, FIXED32, "flags", "flags")

#define BT_OTLP_STATUS(FIELD, ALIAS)                                                                                   \
  FIELD(OF_STATUS_MESSAGE, 2, BYTES, "message", "message")                                                             \
  FIELD(OF_STATUS_CODE, 3, VARINT, "code", "code")

#define BT_OTLP_EVENT(FIELD, ALIAS)                                                                                    \
  FIELD(OF_EVENT_TIME, 1, FIXED64, "timeUnixNano", "time_unix_nano")                                                   \
  FIELD(OF_EVENT_NAME, 2, BYTES, "name", "name")                                                                       \
  FIELD(OF_EVENT_ATTRIBUTES, 3, BYTES, "attributes", "attributes")                                                     \
  FIELD(OF_EVENT_DROPPED, 4, VARINT, "droppedAttributesCount", "dropped_attributes_count")

#define BT_OTLP_LINK(FIELD, ALIAS)                                                                                     \
  FIELD(OF_LINK_TRACE_ID, 1, BYTES, "traceId", "trace_id")                                                             \
  FIELD(OF_LINK_SPAN_ID, 2, BYTES, "spanId", "span_id")                                                                \
  FIELD(OF_LINK_ATTRIBUTES, 4, BYTES, "attributes", "attributes")                                                      \
  FIELD(OF_LINK_DROPPED, 5, VARINT, "droppedAttributesCount", "dropped_attributes_count")

#define BT_OTLP_KEY_VALUE(FIELD, ALIAS)                                                                                \
  FIELD(OF_KEY_VALUE_KEY, 1, BYTES, "key", "key")                                                                      \
  FIELD(OF_KEY_VALUE_VALUE, 2, BYTES, "value", "value")

#define BT_OTLP_ANY_VALUE(FIELD, ALIAS)                                                                                \
  FIELD(OF_ANY_STRING, 1, BYTES, "stringValue", "string_value")                                                        \
  FIELD(OF_ANY_BOOL, 2, VARINT, "boolValue", "bool_value")                                                             \
  FIELD(OF_ANY_INT, 3, VARINT, "intValue", "int_value")                                                                \
  FIELD(OF_ANY_DOUBLE, 4, FIXED64, "doubleValue", "double_value")                                                      \
  FIELD(OF_ANY_ARRAY, 5, BYTES, "arrayValue", "array_value")                                                           \
  FIELD(OF_ANY_MAP, 6, BYTES, "kvlistValue", "kvlist_value")                                                           \
  FIELD(OF_ANY_BYTES, 7, BYTES, "bytesValue", "bytes_value")

#define BT_OTLP_ARRAY_VALUE(FIELD, ALIAS) FIELD(OF_ARRAY_VALUES, 1, BYTES, "values", "values")

/* ---- what is made of a list ---- */

typedef uint32_t bt_otlp_tag; /* BT_WIRE_FIELD */

#define BT_OF_NOTHING(...)
#define BT_OF_ID(id, number, type, json, name)       id,
#define BT_OF_TAG(id, number, type, json, name)      id##_TAG = BT_WIRE_FIELD(number, BT_WIRE_##type),
#define BT_OF_TAG_NAME(id, number, type, json, name) id##_TAG,
#define BT_OF_JSON(id, number, type, json, name)     BT_JSON_NAME(json, id),
#define BT_OF_NAME(id, number, type, json, name)     BT_JSON_NAME(name, id),
#define BT_OF_ALIAS(id, json, name)                  BT_JSON_NAME(json, id), BT_JSON_NAME(name, id),

/* ids, from 0: bits of bt_json_name. And tags, for a switch over field.tag. */
#define BT_OF_ENUM(LIST)                                                                                               \
  enum { LIST(BT_OF_ID, BT_OF_NOTHING) };                                                                              \
  enum { LIST(BT_OF_TAG, BT_OF_NOTHING) };
BT_OF_ENUM(BT_OTLP_RESOURCE_SPANS)
BT_OF_ENUM(BT_OTLP_RESOURCE)
BT_OF_ENUM(BT_OTLP_SCOPE_SPANS)
BT_OF_ENUM(BT_OTLP_SCOPE)
BT_OF_ENUM(BT_OTLP_SPAN)
BT_OF_ENUM(BT_OTLP_STATUS)
BT_OF_ENUM(BT_OTLP_EVENT)
BT_OF_ENUM(BT_OTLP_LINK)
BT_OF_ENUM(BT_OTLP_KEY_VALUE)
BT_OF_ENUM(BT_OTLP_ANY_VALUE)
BT_OF_ENUM(BT_OTLP_ARRAY_VALUE)

/* Initialisers: of an array of bt_json_name, usual names first; of an array of tags, for bt_wire_pass_over. */
#define BT_OTLP_NAMES(LIST)                                                                                            \
  { LIST(BT_OF_JSON, BT_OF_NOTHING) LIST(BT_OF_NAME, BT_OF_ALIAS) }
#define BT_OTLP_TAGS(LIST)                                                                                             \
  { LIST(BT_OF_TAG_NAME, BT_OF_NOTHING) }

#endif
