/* Spans into an ExportTraceServiceRequest, by protobuf-c: the message tree lies in one arena and is packed into the
 * caller's buffer. */
#include <string.h>

#include "dsl/base/arena.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/packing.h"
#include "tempo/wire/proto/otlp.pb-c.h"

static const size_t tree_cap_bytes = (size_t)256 << 20;
static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* protobuf-c knows strings by their NUL, and a reader may refuse invalid UTF-8: both are replaced. */
static char *copy_text(bt_arena *arena, bt_str text) {
  if (text.len > SIZE_MAX / 3 - 1) return NULL;
  char *copy = bt_arena_alloc(arena, text.len * 3 + 1), *to = copy;
  if (!copy) return NULL;
  while (text.len) {
    size_t length = text.ptr[0] ? bt_utf8_sequence(text, NULL) : 0;
    memcpy(to, length ? text.ptr : replacement, length ? length : 3);
    to += length ? length : 3;
    text = (bt_str){text.ptr + (length ? length : 1), text.len - (length ? length : 1)};
  }
  *to = '\0';
  return copy;
}

static bool set_bytes(bt_arena *arena, const uint8_t *bytes, size_t count, ProtobufCBinaryData *out) {
  bt_str copy;
  if (!bt_arena_copy(arena, (bt_str){(const char *)bytes, count}, &copy)) return false;
  *out = (ProtobufCBinaryData){.len = count, .data = (uint8_t *)(uintptr_t)copy.ptr};
  return true;
}

static bool set_scalar(bt_arena *arena, const bt_value *from, Otlp__AnyValue *to) {
  otlp__any_value__init(to);
  switch (from->type) {
  case BT_VALUE_STRING:
    to->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    to->string_value = copy_text(arena, from->string);
    return to->string_value != NULL;
  case BT_VALUE_BOOL:
    to->value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    to->bool_value = from->boolean;
    return true;
  case BT_VALUE_INT:
    to->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    to->int_value = from->integer;
    return true;
  case BT_VALUE_DURATION:
    to->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    to->int_value = from->duration_ns;
    return true;
  case BT_VALUE_TIME:
    to->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    to->int_value = from->time_ns;
    return true;
  case BT_VALUE_DOUBLE:
    to->value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
    to->double_value = from->decimal;
    return true;
  case BT_VALUE_ARRAY:
  case BT_VALUE_OTHER:
  case BT_VALUE_MISSING: break; /* a value with no type set */
  }
  return true;
}

static Otlp__ArrayValue *make_array(bt_arena *arena, const bt_value *from) {
  Otlp__ArrayValue *array = bt_arena_alloc(arena, sizeof *array);
  Otlp__AnyValue **values = bt_arena_array(arena, from->array.count, sizeof *values);
  Otlp__AnyValue *items = bt_arena_array(arena, from->array.count, sizeof *items);
  if (!array || !values || !items) return NULL;
  otlp__array_value__init(array);
  array->n_values = from->array.count;
  array->values = values;
  for (uint32_t i = 0; i < from->array.count; i++) {
    values[i] = &items[i];
    if (!set_scalar(arena, &from->array.items[i], &items[i])) return NULL;
  }
  return array;
}

static bool set_value(bt_arena *arena, const bt_value *from, Otlp__AnyValue *to) {
  if (from->type != BT_VALUE_ARRAY) return set_scalar(arena, from, to);
  otlp__any_value__init(to);
  to->value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE;
  to->array_value = make_array(arena, from);
  return to->array_value != NULL;
}

/* NULL: no room. */
static Otlp__KeyValue **make_attributes(bt_arena *arena, const bt_attribute *from, uint32_t count) {
  Otlp__KeyValue **list = bt_arena_array(arena, count, sizeof(Otlp__KeyValue *));
  Otlp__KeyValue *items = bt_arena_array(arena, count, sizeof *items);
  Otlp__AnyValue *values = bt_arena_array(arena, count, sizeof *values);
  if (!list || !items || !values) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    otlp__key_value__init(&items[i]);
    items[i].key = copy_text(arena, from[i].key);
    items[i].value = &values[i];
    if (!items[i].key || !set_value(arena, &from[i].value, &values[i])) return NULL;
    list[i] = &items[i];
  }
  return list;
}

static bool set_links(bt_arena *arena, const bt_export_span *from, Otlp__Span *to) {
  to->n_links = from->link_count;
  to->links = bt_arena_array(arena, from->link_count, sizeof *to->links);
  Otlp__Link *items = bt_arena_array(arena, from->link_count, sizeof *items);
  if (!to->links || !items) return false;
  for (uint32_t i = 0; i < from->link_count; i++) {
    const bt_link *link = &from->links[i];
    otlp__link__init(&items[i]);
    to->links[i] = &items[i];
    items[i].n_attributes = link->attributes.count;
    items[i].attributes = make_attributes(arena, link->attributes.items, link->attributes.count);
    if (!items[i].attributes ||
        !set_bytes(arena, link->trace_id.bytes, sizeof link->trace_id.bytes, &items[i].trace_id) ||
        !set_bytes(arena, link->span_id.bytes, sizeof link->span_id.bytes, &items[i].span_id))
      return false;
  }
  return true;
}

static bool set_events(bt_arena *arena, const bt_export_span *from, Otlp__Span *to) {
  to->n_events = from->event_count;
  to->events = bt_arena_array(arena, from->event_count, sizeof *to->events);
  Otlp__Event *items = bt_arena_array(arena, from->event_count, sizeof *items);
  if (!to->events || !items) return false;
  for (uint32_t i = 0; i < from->event_count; i++) {
    const bt_event *event = &from->events[i];
    otlp__event__init(&items[i]);
    to->events[i] = &items[i];
    items[i].time_unix_nano = event->time_ns > 0 ? (uint64_t)event->time_ns : 0;
    items[i].name = copy_text(arena, event->name);
    items[i].n_attributes = event->attributes.count;
    items[i].attributes = make_attributes(arena, event->attributes.items, event->attributes.count);
    if (!items[i].name || !items[i].attributes) return false;
  }
  return true;
}

static bool set_carried(bt_arena *arena, const bt_export_span *from, Otlp__Span *to) {
  to->trace_state = copy_text(arena, from->trace_state);
  to->flags = from->flags;
  to->dropped_attributes_count = from->dropped_attributes;
  to->dropped_events_count = from->dropped_events;
  to->dropped_links_count = from->dropped_links;
  return to->trace_state != NULL;
}

static bool set_span(bt_arena *arena, const bt_export_span *from, Otlp__Span *to) {
  otlp__span__init(to);
  to->kind = (Otlp__SpanKind)from->kind; /* both count as OTLP does */
  to->start_time_unix_nano = from->start_ns > 0 ? (uint64_t)from->start_ns : 0;
  to->end_time_unix_nano = from->end_ns > 0 ? (uint64_t)from->end_ns : 0;
  to->name = copy_text(arena, from->name);
  to->status = bt_arena_alloc(arena, sizeof *to->status);
  to->n_attributes = from->attribute_count;
  to->attributes = make_attributes(arena, from->attributes, from->attribute_count);
  if (!to->name || !to->status || !to->attributes) return false;
  otlp__status__init(to->status);
  to->status->code = (Otlp__StatusCode)from->status;
  to->status->message = copy_text(arena, from->status_message);
  bool has_parent = !bt_span_id_is_zero(&from->parent_id);
  return to->status->message && set_carried(arena, from, to) && set_links(arena, from, to) &&
         set_events(arena, from, to) &&
         set_bytes(arena, from->trace_id.bytes, sizeof from->trace_id.bytes, &to->trace_id) &&
         set_bytes(arena, from->span_id.bytes, sizeof from->span_id.bytes, &to->span_id) &&
         (!has_parent || set_bytes(arena, from->parent_id.bytes, sizeof from->parent_id.bytes, &to->parent_span_id));
}

static bool set_scope(bt_arena *arena, const bt_export_resource *from, Otlp__ScopeSpans *to) {
  otlp__scope_spans__init(to);
  to->scope = bt_arena_alloc(arena, sizeof *to->scope);
  to->spans = bt_arena_array(arena, from->span_count, sizeof *to->spans);
  Otlp__Span *spans = bt_arena_array(arena, from->span_count, sizeof *spans);
  if (!to->scope || !to->spans || !spans) return false;
  otlp__instrumentation_scope__init(to->scope);
  to->scope->name = copy_text(arena, from->scope_name);
  to->scope->version = copy_text(arena, from->scope_version);
  to->n_spans = from->span_count;
  for (size_t i = 0; i < from->span_count; i++) {
    to->spans[i] = &spans[i];
    if (!set_span(arena, &from->spans[i], &spans[i])) return false;
  }
  return to->scope->name && to->scope->version;
}

static bool set_resource(bt_arena *arena, const bt_export_resource *from, Otlp__ResourceSpans *to) {
  otlp__resource_spans__init(to);
  to->resource = bt_arena_alloc(arena, sizeof *to->resource);
  to->scope_spans = bt_arena_alloc(arena, sizeof *to->scope_spans);
  Otlp__ScopeSpans *scope = bt_arena_alloc(arena, sizeof *scope);
  if (!to->resource || !to->scope_spans || !scope) return false;
  otlp__resource__init(to->resource);
  to->resource->n_attributes = from->attribute_count;
  to->resource->attributes = make_attributes(arena, from->attributes, from->attribute_count);
  to->n_scope_spans = 1;
  to->scope_spans[0] = scope;
  return to->resource->attributes && set_scope(arena, from, scope);
}

static bool set_request(bt_arena *arena, const bt_export_resource *resources, size_t count,
                        Otlp__ExportTraceServiceRequest *to) {
  otlp__export_trace_service_request__init(to);
  to->n_resource_spans = count;
  to->resource_spans = bt_arena_array(arena, count, sizeof *to->resource_spans);
  Otlp__ResourceSpans *items = bt_arena_array(arena, count, sizeof *items);
  if (!to->resource_spans || !items) return false;
  for (size_t i = 0; i < count; i++) {
    to->resource_spans[i] = &items[i];
    if (!set_resource(arena, &resources[i], &items[i])) return false;
  }
  return true;
}

typedef struct packer {
  ProtobufCBuffer base; /* first: protobuf-c knows only this */
  bt_buffer *out;
} packer;

static void append_packed(ProtobufCBuffer *base, size_t length, const uint8_t *bytes) {
  bt_buffer_append(((packer *)base)->out, (bt_str){(const char *)bytes, length});
}

void bt_pack_message(const ProtobufCMessage *message, bt_buffer *out) {
  packer into = {.base = {.append = append_packed}, .out = out};
  (void)protobuf_c_message_pack_to_buffer(message, &into.base);
}

bt_status bt_otlp_encode(const bt_export_resource *resources, size_t count, bt_buffer *out, bt_error *error) {
  bt_arena arena;
  Otlp__ExportTraceServiceRequest request;
  bt_arena_init(&arena, tree_cap_bytes);
  bool is_built = set_request(&arena, resources, count, &request);
  if (is_built) bt_pack_message(&request.base, out);
  bt_arena_dispose(&arena);
  return is_built && !out->failed ? BT_OK : bt_error_no_memory(error);
}
