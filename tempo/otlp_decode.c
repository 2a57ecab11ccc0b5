/* Spans from OTLP and Tempo protobuf. See otlp_decode.h. One function a message, each with a reader of its own over its slice. A resource
 * and a scope are placed in the arena before they are read, because their spans may come first on the wire. */
#include "tempo/otlp_decode.h"

#include <string.h>

#include "tempo/otlp_value.h"
#include "tempo/span_batch.h"

typedef struct decoder {
  bt_otlp_place place;
  bt_span_batch *batch;
  const bt_resource *resource; /* of the spans being read */
  const bt_scope *scope;
} decoder;

static bt_status read_text(const decoder *d, bt_str raw, bt_str *out) {
  return bt_build_text(d->place.build, raw, out, d->place.error);
}

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

static bt_status read_status(const decoder *d, bt_str message, bt_span *span) {
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number == 2) {
      if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
      status = read_text(d, field.bytes, &span->status_message);
    } else if (field.number == 3) {
      if (!bt_wire_expect(&wire, &field, BT_WIRE_VARINT)) break;
      span->status = field.value <= BT_SPAN_STATUS_ERROR ? (bt_span_status)field.value : BT_SPAN_STATUS_UNSET;
    }
  }
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "Status") : status;
}

static bt_status read_event(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_event event = {.name = BT_STR("")};
  bt_status status = BT_OK;
  bt_build *build = d->place.build;
  bt_wire_init(&wire, message);
  build->event.count = 0;
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number > 3) continue;
    if (!bt_wire_expect(&wire, &field, field.number == 1 ? BT_WIRE_FIXED64 : BT_WIRE_BYTES)) break;
    if (field.number == 1)
      status = bt_otlp_read_time(&d->place, "the time of an event", field.value, &event.time_ns);
    else if (field.number == 2)
      status = read_text(d, field.bytes, &event.name);
    else
      status = bt_otlp_read_attribute(&d->place, field.bytes, &build->event);
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "Event");
  if (status == BT_OK) status = bt_build_attributes(build, &build->event, &event.attributes, d->place.error);
  return status == BT_OK ? bt_build_add_event(build, &event, d->place.error) : status;
}

/* Wire types of the fields of a Span that are read; the others are passed over. */
static bool is_expected(bt_wire *wire, const bt_wire_field *field) {
  switch (field->number) {
  case 6: return bt_wire_expect(wire, field, BT_WIRE_VARINT);
  case 7:
  case 8: return bt_wire_expect(wire, field, BT_WIRE_FIXED64);
  case 1:
  case 2:
  case 4:
  case 5:
  case 9:
  case 11:
  case 15: return bt_wire_expect(wire, field, BT_WIRE_BYTES);
  default: return true;
  }
}

static bt_status read_span_field(const decoder *d, const bt_wire_field *field, bt_trace_id *trace_id, bt_span *span) {
  switch (field->number) {
  case 1: return read_id(d, "a trace id", field->bytes, trace_id->bytes, sizeof trace_id->bytes, false);
  case 2: return read_id(d, "a span id", field->bytes, span->id.bytes, sizeof span->id.bytes, false);
  case 4:
    return read_id(d, "a parent span id", field->bytes, span->parent_id.bytes, sizeof span->parent_id.bytes, true);
  case 5: return read_text(d, field->bytes, &span->name);
  case 6:
    span->kind = field->value <= BT_KIND_CONSUMER ? (bt_span_kind)field->value : BT_KIND_UNSPECIFIED;
    return BT_OK;
  case 7: return bt_otlp_read_time(&d->place, "the start of a span", field->value, &span->start_ns);
  case 8: return bt_otlp_read_time(&d->place, "the end of a span", field->value, &span->end_ns);
  case 9: return bt_otlp_read_attribute(&d->place, field->bytes, &d->place.build->span);
  case 11: return read_event(d, field->bytes);
  case 15: return read_status(d, field->bytes, span);
  default: return BT_OK;
  }
}

static bt_status read_span(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_trace_id trace_id = {{0}};
  bt_span span = {.name = BT_STR(""), .status_message = BT_STR(""), .resource = d->resource, .scope = d->scope};
  bt_status status = BT_OK;
  bt_build *build = d->place.build;
  bt_wire_init(&wire, message);
  build->span.count = build->events.count = 0;
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (!is_expected(&wire, &field)) break;
    status = read_span_field(d, &field, &trace_id, &span);
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "Span");
  if (status == BT_OK && !bt_span_batch_wants(d->batch, &trace_id)) return BT_OK;
  if (status == BT_OK) status = bt_build_attributes(build, &build->span, &span.attributes, d->place.error);
  if (status == BT_OK) status = bt_build_events(build, &span, d->place.error);
  if (status != BT_OK) return status;
  return bt_span_batch_add(d->batch, &trace_id, &span, (size_t)(wire.field - d->place.base), d->place.error);
}

static bt_status read_scope(const decoder *d, bt_str message, bt_scope *scope) {
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number > 3) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    if (field.number == 1)
      status = read_text(d, field.bytes, &scope->name);
    else if (field.number == 2)
      status = read_text(d, field.bytes, &scope->version);
    else
      status = bt_otlp_read_attribute(&d->place, field.bytes, &d->place.build->scope);
  }
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "InstrumentationScope") : status;
}

static bt_status read_scope_spans(decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_build *build = d->place.build;
  bt_scope *scope = bt_arena_alloc(&build->arena, sizeof *scope);
  if (!scope) return bt_build_no_room(build, sizeof *scope, d->place.error);
  *scope = (bt_scope){.name = BT_STR(""), .version = BT_STR("")};
  d->scope = scope;
  build->scope.count = 0;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number > 2) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    status = field.number == 1 ? read_scope(d, field.bytes, scope) : read_span(d, field.bytes);
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "ScopeSpans");
  return status == BT_OK ? bt_build_attributes(build, &build->scope, &scope->attributes, d->place.error) : status;
}

static bt_status read_resource(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number != 1) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    status = bt_otlp_read_attribute(&d->place, field.bytes, &d->place.build->resource);
  }
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "Resource") : status;
}

static bt_status read_resource_spans(decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_build *build = d->place.build;
  bt_resource *resource = bt_arena_alloc(&build->arena, sizeof *resource);
  if (!resource) return bt_build_no_room(build, sizeof *resource, d->place.error);
  d->resource = resource;
  build->resource.count = 0;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number > 2) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    status = field.number == 1 ? read_resource(d, field.bytes) : read_scope_spans(d, field.bytes);
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "ResourceSpans");
  if (status == BT_OK) status = bt_build_attributes(build, &build->resource, &resource->attributes, d->place.error);
  resource->service = bt_build_service(&resource->attributes);
  return status;
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

bt_status bt_otlp_decode_protobuf(bt_str input, bt_span_batch *batch, bt_error *error) {
  /* Compared with, never followed: where byte 0 of the whole would lie. */
  const char *base = (const char *)((uintptr_t)input.ptr - (uintptr_t)batch->place.byte);
  decoder d = {.place = {&batch->build, base, error}, .batch = batch};
  bt_status status = bt_span_batch_open(batch, error);
  return status == BT_OK ? read_trace(&d, input) : status;
}

bt_status bt_tempo_decode_trace_protobuf(bt_str body, bt_span_batch *batch, bool *partial, bt_error *error) {
  decoder d = {.place = {&batch->build, body.ptr, error}, .batch = batch};
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
