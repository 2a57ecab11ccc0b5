/* Spans from OTLP and Tempo protobuf. See otlp_decoder.h. One function a message, each with a reader of its own over
 * its slice. A resource and a scope are placed in the arena before they are read, because their spans may come first on
 * the wire. */
#include "tempo/wire/otlp_decoder.h"

#include <string.h>

#include "tempo/wire/other_signals.h"
#include "tempo/wire/otlp_fields.h"
#include "tempo/wire/otlp_value.h"
#include "tempo/wire/span_batch.h"

#define COUNT(array)                 (sizeof(array) / sizeof *(array))
#define PASS_OVER(wire, field, tags) bt_wire_pass_over(wire, field, tags, COUNT(tags))

typedef struct decoder {
  bt_otlp_place place;
  bt_span_batch *batch;
  bt_span blank;   /* what a span is before it is read: with the resource and the scope that are being read */
  bool is_request; /* only fields that every OTLP receiver reads: see bt_otlp_decode_protobuf_request */
} decoder;

/* An id of `length` bytes; or none, where that is allowed. */
static bt_status read_id(const decoder *d, const char *what, bt_str raw, uint8_t *id, size_t length,
                         bool may_be_empty) {
  if (raw.len == 0 && may_be_empty) return BT_OK;
  if (raw.len != length)
    return bt_error_set(d->place.error, BT_INVALID, "protobuf, byte %zu: %s has %zu bytes instead of %zu",
                        (size_t)(raw.ptr - d->place.base), what, raw.len, length);
  memcpy(id, raw.ptr, length);
  return BT_OK;
}

static void read_code(uint64_t raw, bt_span *span) {
  span->status = raw <= BT_SPAN_STATUS_ERROR ? (bt_span_status)raw : BT_SPAN_STATUS_UNSET;
}

static bt_status read_status(const decoder *d, bt_str message, bt_span *span) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_STATUS);
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    switch (field.tag) {
    case OF_STATUS_MESSAGE_TAG: status = bt_otlp_read_text(&d->place, field.bytes, &span->status_message); break;
    case OF_STATUS_CODE_TAG: read_code(field.value, span); break;
    default: PASS_OVER(&wire, &field, tags); break;
    }
  }
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "Status") : status;
}

static bt_status read_event(const decoder *d, bt_str message) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_EVENT);
  bt_wire wire;
  bt_wire_field field;
  bt_event event = {.name = BT_STR("")};
  bt_status status = BT_OK;
  bt_build *build = d->place.build;
  bt_wire_init(&wire, message);
  build->event.count = 0;
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    switch (field.tag) {
    case OF_EVENT_TIME_TAG:
      status = bt_otlp_read_time(&d->place, "the time of an event", field.value, &event.time_ns);
      break;
    case OF_EVENT_NAME_TAG: status = bt_otlp_read_text(&d->place, field.bytes, &event.name); break;
    case OF_EVENT_DROPPED_TAG: event.attributes.dropped = (uint32_t)field.value; break;
    case OF_EVENT_ATTRIBUTES_TAG: status = bt_otlp_read_attribute(&d->place, field.bytes, &build->event); break;
    default: PASS_OVER(&wire, &field, tags); break;
    }
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "Event");
  if (status == BT_OK) status = bt_build_attributes(build, &build->event, &event.attributes, d->place.error);
  return status == BT_OK ? bt_build_add_event(build, &event, d->place.error) : status;
}

/* An SDK may record a link without a valid context for its attributes: an id that is not there is none. */
static bt_status read_link(const decoder *d, bt_str message) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_LINK);
  bt_wire wire;
  bt_wire_field field;
  bt_link link = {.attributes = {0}};
  bt_status status = BT_OK;
  bt_build *build = d->place.build;
  bt_wire_init(&wire, message);
  build->link.count = 0;
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    switch (field.tag) {
    case OF_LINK_TRACE_ID_TAG:
      status = read_id(d, "a link's trace id", field.bytes, link.trace_id.bytes, sizeof link.trace_id.bytes, true);
      break;
    case OF_LINK_SPAN_ID_TAG:
      status = read_id(d, "a link's span id", field.bytes, link.span_id.bytes, sizeof link.span_id.bytes, true);
      break;
    case OF_LINK_DROPPED_TAG: link.attributes.dropped = (uint32_t)field.value; break;
    case OF_LINK_ATTRIBUTES_TAG: status = bt_otlp_read_attribute(&d->place, field.bytes, &build->link); break;
    default: PASS_OVER(&wire, &field, tags); break;
    }
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "Link");
  if (status == BT_OK) status = bt_build_attributes(build, &build->link, &link.attributes, d->place.error);
  return status == BT_OK ? bt_build_add_link(build, &link, d->place.error) : status;
}

static const bt_otlp_tag span_tags[] = BT_OTLP_TAGS(BT_OTLP_SPAN);

static bt_status read_trace_id(const decoder *d, bt_str raw, bt_trace_id *out) {
  return read_id(d, "a trace id", raw, out->bytes, sizeof out->bytes, false);
}

static bt_status read_span_id(const decoder *d, bt_str raw, bt_span *span) {
  return read_id(d, "a span id", raw, span->id.bytes, sizeof span->id.bytes, false);
}

static bt_status read_parent_id(const decoder *d, bt_str raw, bt_span *span) {
  return read_id(d, "a parent span id", raw, span->parent_id.bytes, sizeof span->parent_id.bytes, true);
}

static bt_status read_start(const decoder *d, uint64_t raw, bt_span *span) {
  return bt_otlp_read_time(&d->place, "the start of a span", raw, &span->start_ns);
}

static bt_status read_end(const decoder *d, uint64_t raw, bt_span *span) {
  return bt_otlp_read_time(&d->place, "the end of a span", raw, &span->end_ns);
}

static void read_kind(uint64_t raw, bt_span *span) {
  span->kind = raw <= BT_KIND_CONSUMER ? (bt_span_kind)raw : BT_KIND_UNSPECIFIED;
}

/* Those that come next, one right after the other. */
static bt_status read_attributes(const decoder *d, bt_wire *wire) {
  bt_str message;
  bt_status status = BT_OK;
  while (status == BT_OK && bt_wire_take(wire, OF_SPAN_ATTRIBUTES_TAG, &message))
    status = bt_otlp_read_attribute(&d->place, message, &d->place.build->span);
  return status;
}

/* The texts and ids that nearly all spans begin with, in order of their numbers, as encoders write them. What comes
 * otherwise is left where it is: read_span_field reads everything, at twice the price. */
static bt_status read_first_texts(const decoder *d, bt_wire *wire, bt_trace_id *trace_id, bt_span *span) {
  bt_str bytes;
  bt_status status = BT_OK;
  if (bt_wire_take(wire, OF_SPAN_TRACE_ID_TAG, &bytes)) status = read_trace_id(d, bytes, trace_id);
  if (status == BT_OK && bt_wire_take(wire, OF_SPAN_ID_TAG, &bytes)) status = read_span_id(d, bytes, span);
  if (status != BT_OK) return status;
  if (bt_wire_take(wire, OF_SPAN_STATE_TAG, &bytes)) status = bt_otlp_read_text(&d->place, bytes, &span->trace_state);
  if (status == BT_OK && bt_wire_take(wire, OF_SPAN_PARENT_TAG, &bytes)) status = read_parent_id(d, bytes, span);
  if (status == BT_OK && bt_wire_take(wire, OF_SPAN_NAME_TAG, &bytes))
    status = bt_otlp_read_text(&d->place, bytes, &span->name);
  return status;
}

/* The same for the numbers that follow. */
static bt_status read_first_numbers(const decoder *d, bt_wire *wire, bt_span *span) {
  uint64_t value;
  bt_status status = BT_OK;
  if (bt_wire_take_byte(wire, OF_SPAN_KIND_TAG, &value)) read_kind(value, span);
  if (bt_wire_take_fixed64(wire, OF_SPAN_START_TAG, &value)) status = read_start(d, value, span);
  if (status == BT_OK && bt_wire_take_fixed64(wire, OF_SPAN_END_TAG, &value)) status = read_end(d, value, span);
  return status;
}

static bt_status read_span_field(const decoder *d, bt_wire *wire, const bt_wire_field *field, bt_trace_id *trace_id,
                                 bt_span *span) {
  const bt_otlp_place *place = &d->place;
  switch (field->tag) {
  case OF_SPAN_TRACE_ID_TAG: return read_trace_id(d, field->bytes, trace_id);
  case OF_SPAN_ID_TAG: return read_span_id(d, field->bytes, span);
  case OF_SPAN_STATE_TAG: return bt_otlp_read_text(place, field->bytes, &span->trace_state);
  case OF_SPAN_PARENT_TAG: return read_parent_id(d, field->bytes, span);
  case OF_SPAN_NAME_TAG: return bt_otlp_read_text(place, field->bytes, &span->name);
  case OF_SPAN_KIND_TAG: read_kind(field->value, span); return BT_OK;
  case OF_SPAN_START_TAG: return read_start(d, field->value, span);
  case OF_SPAN_END_TAG: return read_end(d, field->value, span);
  case OF_SPAN_ATTRIBUTES_TAG: return bt_otlp_read_attribute(place, field->bytes, &place->build->span);
  case OF_SPAN_EVENTS_TAG: return read_event(d, field->bytes);
  case OF_SPAN_LINKS_TAG: return read_link(d, field->bytes);
  case OF_SPAN_STATUS_TAG: return read_status(d, field->bytes, span);
  case OF_SPAN_DROPPED_ATTRIBUTES_TAG: span->dropped_attributes = (uint32_t)field->value; return BT_OK;
  case OF_SPAN_DROPPED_EVENTS_TAG: span->dropped_events = (uint32_t)field->value; return BT_OK;
  case OF_SPAN_DROPPED_LINKS_TAG: span->dropped_links = (uint32_t)field->value; return BT_OK;
  case OF_SPAN_FLAGS_TAG: span->flags = (uint32_t)field->value; return BT_OK;
  default: PASS_OVER(wire, field, span_tags); return BT_OK;
  }
}

static bt_status read_span_fields(const decoder *d, bt_wire *wire, bt_trace_id *trace_id, bt_span *span) {
  bt_wire_field field;
  bt_status status = read_first_texts(d, wire, trace_id, span);
  if (status == BT_OK) status = read_first_numbers(d, wire, span);
  if (status == BT_OK) status = read_attributes(d, wire);
  while (status == BT_OK && bt_wire_next(wire, &field)) status = read_span_field(d, wire, &field, trace_id, span);
  return status == BT_OK ? bt_otlp_message_end(&d->place, wire, "Span") : status;
}

static bt_status read_span(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_trace_id trace_id = {{0}};
  bt_span *span;
  bt_build *build = d->place.build;
  bt_status status = bt_span_batch_next(d->batch, &span, d->place.error);
  if (status != BT_OK) return status;
  *span = d->blank;
  build->span.count = build->events.count = build->links.count = 0;
  bt_wire_init(&wire, message);
  status = read_span_fields(d, &wire, &trace_id, span);
  if (status != BT_OK || !bt_span_batch_wants(d->batch, &trace_id)) return status;
  status = bt_build_attributes(build, &build->span, &span->attributes, d->place.error);
  if (status == BT_OK && build->events.count) status = bt_build_events(build, span, d->place.error);
  if (status == BT_OK && build->links.count) status = bt_build_links(build, span, d->place.error);
  if (status != BT_OK) return status;
  return bt_span_batch_take(d->batch, &trace_id, (size_t)(wire.field - d->place.base), d->place.error);
}

static bt_status read_scope(const decoder *d, bt_str message, bt_scope *scope) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_SCOPE);
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    switch (field.tag) {
    case OF_SCOPE_NAME_TAG: status = bt_otlp_read_text(&d->place, field.bytes, &scope->name); break;
    case OF_SCOPE_VERSION_TAG: status = bt_otlp_read_text(&d->place, field.bytes, &scope->version); break;
    case OF_SCOPE_DROPPED_TAG: scope->attributes.dropped = (uint32_t)field.value; break;
    case OF_SCOPE_ATTRIBUTES_TAG:
      status = bt_otlp_read_attribute(&d->place, field.bytes, &d->place.build->scope);
      break;
    default: PASS_OVER(&wire, &field, tags); break;
    }
  }
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "InstrumentationScope") : status;
}

/* InstrumentationLibrarySpans too: it has the same numbers. */
static bt_status read_scope_spans(decoder *d, bt_str message) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_SCOPE_SPANS);
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_build *build = d->place.build;
  bt_scope *scope = bt_arena_alloc(&build->arena, sizeof *scope);
  if (!scope) return bt_build_no_room(build, sizeof *scope, d->place.error);
  *scope = (bt_scope){.name = BT_STR(""), .version = BT_STR("")};
  d->blank.scope = scope;
  build->scope.count = 0;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    switch (field.tag) {
    case OF_SCOPE_SPANS_SCOPE_TAG: status = read_scope(d, field.bytes, scope); break;
    case OF_SCOPE_SPANS_SPANS_TAG: status = read_span(d, field.bytes); break;
    default: PASS_OVER(&wire, &field, tags); break;
    }
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "ScopeSpans");
  return status == BT_OK ? bt_build_attributes(build, &build->scope, &scope->attributes, d->place.error) : status;
}

static bt_status read_resource(const decoder *d, bt_str message, bt_resource *resource) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_RESOURCE);
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    switch (field.tag) {
    case OF_RESOURCE_DROPPED_TAG: resource->attributes.dropped = (uint32_t)field.value; break;
    case OF_RESOURCE_ATTRIBUTES_TAG:
      status = bt_otlp_read_attribute(&d->place, field.bytes, &d->place.build->resource);
      break;
    default: PASS_OVER(&wire, &field, tags); break;
    }
  }
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "Resource") : status;
}

static bt_status read_library_spans(decoder *d, const bt_wire *wire, bt_str message) {
  if (!d->is_request) return read_scope_spans(d, message);
  return bt_otlp_stop(&d->place, wire->field, "ResourceSpans",
                      "expected scope_spans: receivers of OTLP silently ignore the old instrumentation_library_spans");
}

static bt_status read_resource_spans(decoder *d, bt_str message) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_RESOURCE_SPANS);
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_build *build = d->place.build;
  bt_resource *resource = bt_arena_alloc(&build->arena, sizeof *resource);
  if (!resource) return bt_build_no_room(build, sizeof *resource, d->place.error);
  d->blank.resource = resource;
  build->resource.count = 0;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    switch (field.tag) {
    case OF_RESOURCE_SPANS_RESOURCE_TAG: status = read_resource(d, field.bytes, resource); break;
    case OF_RESOURCE_SPANS_SCOPES_TAG: status = read_scope_spans(d, field.bytes); break;
    case OF_RESOURCE_SPANS_LIBRARIES_TAG: status = read_library_spans(d, &wire, field.bytes); break;
    default: PASS_OVER(&wire, &field, tags); break;
    }
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "ResourceSpans");
  if (status == BT_OK) status = bt_build_attributes(build, &build->resource, &resource->attributes, d->place.error);
  resource->service = bt_attributes_service(&resource->attributes);
  return status;
}

static decoder decoder_of(bt_span_batch *batch, const char *base, bt_str document, bt_error *error) {
  return (decoder){.place = {&batch->build, base, document.ptr ? document.ptr + document.len : NULL, error},
                   .batch = batch,
                   .blank = {.name = BT_STR(""), .status_message = BT_STR("")}};
}

static bt_status read_trace(decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number != 1) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    status = read_resource_spans(d, field.bytes);
  }
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "TracesData") : status;
}

static bt_status decode_document(bt_str input, bool is_request, bt_span_batch *batch, bt_error *error) {
  /* Compared with, never followed: where byte 0 of the whole would lie. */
  const char *base = (const char *)((uintptr_t)input.ptr - (uintptr_t)batch->place.byte);
  decoder d = decoder_of(batch, base, input, error);
  bt_status status = bt_span_batch_open(batch, error);
  d.is_request = is_request;
  return status == BT_OK ? read_trace(&d, input) : status;
}

bt_status bt_otlp_decode_protobuf(bt_str input, bt_span_batch *batch, bt_error *error) {
  if (batch->passed && bt_holds_other_signal(input)) {
    batch->passed->other_signals++;
    return bt_span_batch_open(batch, error);
  }
  return decode_document(input, false, batch, error);
}

bt_status bt_otlp_decode_protobuf_request(bt_str input, bt_span_batch *batch, bt_error *error) {
  return decode_document(input, true, batch, error);
}

bt_status bt_tempo_decode_trace_protobuf(bt_str body, bt_span_batch *batch, bool *partial, bt_error *error) {
  decoder d = decoder_of(batch, body.ptr, body, error);
  bt_wire wire;
  bt_wire_field field;
  bt_status status = bt_span_batch_open(batch, error);
  bool has_trace = false;
  *partial = false;
  bt_wire_init(&wire, body);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number == 1) {
      has_trace = true;
      if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
      status = read_trace(&d, field.bytes);
    } else if (field.number == 3) {
      if (!bt_wire_expect(&wire, &field, BT_WIRE_VARINT)) break;
      *partial = field.value != 0; /* COMPLETE is 0; whatever else comes is not complete */
    }
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d.place, &wire, "TraceByIDResponse");
  if (status == BT_OK && !has_trace) /* one that was not found is there, empty */
    return bt_error_set(error, BT_INVALID, "%zu bytes came instead of a trace by id: no trace is in it", body.len);
  if (status == BT_OK && *partial) bt_span_batch_mark_partial(batch);
  return status;
}

bt_status bt_tempo_decode_trace(bt_str body, bool is_json, bt_span_batch *batch, bool *partial, bt_error *error) {
  return is_json ? bt_tempo_decode_trace_json(body, batch, partial, error)
                 : bt_tempo_decode_trace_protobuf(body, batch, partial, error);
}
