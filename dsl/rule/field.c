/* What a field of a span is worth. See field.h. */
#include "dsl/rule/field.h"

#include <string.h>

#include "dsl/trace/trace_state.h"

static const bt_value missing = {.type = BT_VALUE_MISSING};

/* Of a field that every span has: no attribute. */
static bt_value string_value(bt_str string) {
  return (bt_value){.type = BT_VALUE_STRING, .is_name = true, .string = string};
}

static bt_value integer_value(int64_t integer) {
  return (bt_value){.type = BT_VALUE_INT, .integer = integer};
}

/* Here, and not a call of bt_str_equal: most keys differ in their length, and this is where the evaluator spends most
 * of its time. */
static bool keys_equal(bt_str a, bt_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* An array of one element is that element: in batches of a store the two look the same (tests/facts/facts_wire.py). */
static bt_value worth_of(const bt_value *value) {
  return value->type == BT_VALUE_ARRAY && value->array.count == 1 ? value->array.items[0] : *value;
}

static bt_value attribute_value(bt_attributes attributes, bt_str key) {
  for (uint32_t i = 0; i < attributes.count; i++)
    if (keys_equal(attributes.items[i].key, key)) return worth_of(&attributes.items[i].value);
  return missing;
}

static bt_value either_value(const bt_span *span, bt_str key) {
  bt_value own = attribute_value(span->attributes, key);
  return bt_value_is_missing(&own) ? attribute_value(span->resource->attributes, key) : own;
}

static bt_value kind_value(bt_span_kind kind) {
  switch (kind) {
  case BT_KIND_UNSPECIFIED: return string_value(BT_STR("unspecified"));
  case BT_KIND_INTERNAL: return string_value(BT_STR("internal"));
  case BT_KIND_SERVER: return string_value(BT_STR("server"));
  case BT_KIND_CLIENT: return string_value(BT_STR("client"));
  case BT_KIND_PRODUCER: return string_value(BT_STR("producer"));
  case BT_KIND_CONSUMER: return string_value(BT_STR("consumer"));
  }
  return missing;
}

static bt_value status_value(bt_span_status status) {
  switch (status) {
  case BT_SPAN_STATUS_UNSET: return string_value(BT_STR("unset"));
  case BT_SPAN_STATUS_OK: return string_value(BT_STR("ok"));
  case BT_SPAN_STATUS_ERROR: return string_value(BT_STR("error"));
  }
  return missing;
}

static bt_value id_value(const bt_span_id *id, char id_text[BT_SPAN_ID_HEX + 1]) {
  bt_span_id_format(id, id_text);
  return string_value((bt_str){id_text, BT_SPAN_ID_HEX});
}

/* The parent of a span that names none is missing, so that exists(span.parent_id) asks for it. */
static bt_value parent_id_value(const bt_span *span, char id_text[BT_SPAN_ID_HEX + 1]) {
  return bt_span_id_is_zero(&span->parent_id) ? missing : id_value(&span->parent_id, id_text);
}

static bt_value trace_id_value(const bt_span *span) {
  return span->trace_id ? string_value((bt_str){span->trace_id, BT_TRACE_ID_HEX}) : missing;
}

static bt_value member_value(const bt_span *span, bt_str vendor) {
  bt_str value;
  return bt_trace_state_find(span->trace_state, vendor, &value) == BT_MEMBER_NONE ? missing : string_value(value);
}

bool bt_span_parts_next(bt_span_parts *parts) {
  const bt_span *span = parts->span;
  uint32_t number = parts->next++, count = parts->are_links ? span->link_count : span->event_count;
  if (number >= count) return false;
  parts->part = parts->are_links ? (bt_span_part){.link = &span->links[number], .id_text = parts->id_text}
                                 : (bt_span_part){.event = &span->events[number]};
  return true;
}

static bt_value event_value(const bt_event *event, const bt_field *field) {
  if (field->kind == BT_FIELD_EVENT_NAME) return string_value(event->name);
  if (field->kind == BT_FIELD_EVENT_TIME) return integer_value(event->time_ns);
  return attribute_value(event->attributes, field->key);
}

/* An id of zeros is none. */
static bt_value link_value(const bt_span_part *part, const bt_field *field) {
  static const bt_trace_id no_trace = {{0}};
  const bt_link *link = part->link;
  if (field->kind == BT_FIELD_LINK_ATTRIBUTE) return attribute_value(link->attributes, field->key);
  if (field->kind == BT_FIELD_LINK_SPAN_ID)
    return bt_span_id_is_zero(&link->span_id) ? missing : id_value(&link->span_id, part->id_text);
  if (bt_trace_id_compare(&link->trace_id, &no_trace) == 0) return missing;
  bt_trace_id_format(&link->trace_id, part->id_text);
  return string_value((bt_str){part->id_text, BT_TRACE_ID_HEX});
}

static bt_value plain_value(const bt_span *span, const bt_field *field, const bt_span_part *part,
                            char id_text[BT_SPAN_ID_HEX + 1]) {
  switch (field->kind) {
  case BT_FIELD_NAME: return string_value(span->name);
  case BT_FIELD_KIND: return kind_value(span->kind);
  case BT_FIELD_STATUS: return status_value(span->status);
  case BT_FIELD_STATUS_MESSAGE: return string_value(span->status_message);
  case BT_FIELD_DURATION: return integer_value(bt_span_duration_ns(span));
  case BT_FIELD_START: return integer_value(span->start_ns);
  case BT_FIELD_END: return integer_value(span->end_ns);
  case BT_FIELD_ID: return id_value(&span->id, id_text);
  case BT_FIELD_PARENT_ID: return parent_id_value(span, id_text);
  case BT_FIELD_SERVICE: return span->resource->service.ptr ? string_value(span->resource->service) : missing;
  case BT_FIELD_SPAN_TRACE_ID: return trace_id_value(span);
  case BT_FIELD_FLAGS: return integer_value(span->flags);
  case BT_FIELD_TRACE_STATE: return member_value(span, field->key);
  case BT_FIELD_DROPPED_ATTRIBUTES: return integer_value(span->dropped_attributes);
  case BT_FIELD_DROPPED_EVENTS: return integer_value(span->dropped_events);
  case BT_FIELD_DROPPED_LINKS: return integer_value(span->dropped_links);
  case BT_FIELD_SPAN_ATTRIBUTE: return attribute_value(span->attributes, field->key);
  case BT_FIELD_RESOURCE_ATTRIBUTE: return attribute_value(span->resource->attributes, field->key);
  case BT_FIELD_EITHER_ATTRIBUTE: return either_value(span, field->key);
  case BT_FIELD_SCOPE_NAME: return string_value(span->scope->name);
  case BT_FIELD_SCOPE_VERSION: return string_value(span->scope->version);
  case BT_FIELD_SCOPE_ATTRIBUTE: return attribute_value(span->scope->attributes, field->key);
  case BT_FIELD_EVENT_NAME:
  case BT_FIELD_EVENT_TIME:
  case BT_FIELD_EVENT_ATTRIBUTE: return part && part->event ? event_value(part->event, field) : missing;
  case BT_FIELD_LINK_TRACE_ID:
  case BT_FIELD_LINK_SPAN_ID:
  case BT_FIELD_LINK_ATTRIBUTE: return part && part->link ? link_value(part, field) : missing;
  case BT_FIELD_TRACE_DURATION:
  case BT_FIELD_TRACE_START:
  case BT_FIELD_TRACE_END:
  case BT_FIELD_TRACE_SPAN_COUNT:
  case BT_FIELD_TRACE_SERVICE_COUNT:
  case BT_FIELD_TRACE_ID:
  case BT_FIELD_TRACE_ROOT_NAME:
  case BT_FIELD_TRACE_ROOT_SERVICE:
  case BT_FIELD_TRACE_ROOT_ATTRIBUTE:
  case BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE: break;
  }
  return missing;
}

bt_value bt_field_value(const bt_span *span, const bt_field *field, const bt_span_part *part,
                        char id_text[BT_SPAN_ID_HEX + 1]) {
  bt_value value = plain_value(span, field->name_count ? &field->names[0] : field, part, id_text);
  for (uint32_t i = 1; i < field->name_count && bt_value_is_missing(&value); i++)
    value = plain_value(span, &field->names[i], part, id_text);
  return value;
}

static bt_field_kind kind_of_root(bt_field_kind kind) {
  if (kind == BT_FIELD_TRACE_ROOT_NAME) return BT_FIELD_NAME;
  if (kind == BT_FIELD_TRACE_ROOT_SERVICE) return BT_FIELD_SERVICE;
  return kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE ? BT_FIELD_SPAN_ATTRIBUTE : BT_FIELD_RESOURCE_ATTRIBUTE;
}

bt_field bt_field_of_root(const bt_field *field, bt_field names[BT_FIELD_NAMES_MAX]) {
  bt_field of_span = *field;
  of_span.kind = kind_of_root(field->kind);
  for (uint32_t i = 0; i < field->name_count; i++) {
    names[i] = field->names[i];
    names[i].kind = kind_of_root(names[i].kind);
  }
  of_span.names = names;
  return of_span;
}

bool bt_field_is_of_trace(bt_field_kind kind) {
  return kind >= BT_FIELD_TRACE_DURATION;
}

bool bt_field_is_of_event(bt_field_kind kind) {
  return kind == BT_FIELD_EVENT_NAME || kind == BT_FIELD_EVENT_TIME || kind == BT_FIELD_EVENT_ATTRIBUTE;
}

bool bt_field_is_of_link(bt_field_kind kind) {
  return kind == BT_FIELD_LINK_TRACE_ID || kind == BT_FIELD_LINK_SPAN_ID || kind == BT_FIELD_LINK_ATTRIBUTE;
}

bool bt_field_may_be_unsaid(bt_field_kind kind) {
  return kind == BT_FIELD_FLAGS || kind == BT_FIELD_TRACE_STATE;
}

bool bt_field_may_be_cut(const bt_field *field) {
  bt_field_kind kind = field->kind;
  return kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_EITHER_ATTRIBUTE || kind == BT_FIELD_RESOURCE_ATTRIBUTE ||
         kind == BT_FIELD_SCOPE_ATTRIBUTE || kind == BT_FIELD_EVENT_ATTRIBUTE || kind == BT_FIELD_LINK_ATTRIBUTE ||
         kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE || kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE;
}

bool bt_field_is_point(bt_field_kind kind) {
  return kind == BT_FIELD_START || kind == BT_FIELD_END || kind == BT_FIELD_EVENT_TIME;
}
