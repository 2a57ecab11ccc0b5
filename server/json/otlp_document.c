/* Traces as OTLP JSON. See otlp_document.h. */
#include "server/json/otlp_document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dsl/trace/trace_state.h"
#include "server/json/json_values.h"

/* ---- what is kept ---- */

static bool is_kept(bt_redaction *redaction, bt_field_kind kind, bt_str key) {
  bool keeps = redaction->keeps_all || bt_rule_keys_have(redaction->read, kind, key);
  for (size_t i = 0; i < redaction->kept_count && !keeps; i++)
    keeps = bt_str_equal(bt_str_from(redaction->kept[i]), key);
  return keeps;
}

bool bt_redaction_writes(bt_redaction *redaction, bt_field_kind kind, const bt_attributes *attributes, uint32_t index) {
  const bt_attribute *attribute = &attributes->items[index];
  if (bt_value_is_missing(&attribute->value)) return false;
  if (kind == BT_FIELD_RESOURCE_ATTRIBUTE && bt_str_equal(attribute->key, BT_STR("service.name")))
    return false; /* `service` says it */
  bool keeps = is_kept(redaction, kind, attribute->key);
  redaction->left_out += !keeps;
  return keeps;
}

bool bt_redaction_keeps_message(bt_redaction *redaction, const bt_span *span) {
  if (!span->status_message.len) return false;
  bool keeps = redaction->keeps_all || bt_rule_keys_have(redaction->read, BT_FIELD_STATUS_MESSAGE, (bt_str){0});
  redaction->left_out += !keeps;
  return keeps;
}

void bt_redaction_append_state(bt_redaction *redaction, bt_str state, bt_buffer *out) {
  bool keeps_state = redaction->keeps_all;
  for (size_t i = 0; !keeps_state && i < redaction->read->count; i++) {
    const bt_field *field = &redaction->read->items[i];
    bt_str member;
    if (field->kind != BT_FIELD_TRACE_STATE) continue;
    bt_member_found found = bt_trace_state_find(state, field->key, &member);
    keeps_state = found == BT_MEMBER_SEVERAL;
    if (found == BT_MEMBER_ONE)
      bt_buffer_printf(out, "%s%.*s=%.*s", out->len ? "," : "", BT_FMT(field->key), BT_FMT(member));
  }
  if (keeps_state) {
    out->len = 0;
    bt_buffer_append(out, state);
  }
  redaction->left_out += state.len && !out->len;
}

void bt_carried_numbers(const bt_span *span, bt_carried_number out[BT_CARRIED_NUMBERS]) {
  const bt_carried_number numbers[BT_CARRIED_NUMBERS] = {
      {"flags", "flags", span->flags},
      {"dropped_attributes_count", "droppedAttributesCount", span->dropped_attributes},
      {"dropped_events_count", "droppedEventsCount", span->dropped_events},
      {"dropped_links_count", "droppedLinksCount", span->dropped_links}};
  memcpy(out, numbers, sizeof numbers);
}

/* ---- OTLP JSON ---- */

static json_t *value_json(const bt_value *value) {
  char digits[24];
  json_t *items;
  switch (value->type) {
  case BT_VALUE_STRING: return json_pack("{s:o}", "stringValue", bt_text_json(value->string));
  case BT_VALUE_BOOL: return json_pack("{s:b}", "boolValue", value->boolean);
  case BT_VALUE_INT:
    snprintf(digits, sizeof digits, "%" PRId64, value->integer);
    return json_pack("{s:s}", "intValue", digits);
  case BT_VALUE_DOUBLE:
    if (value->decimal != value->decimal) return json_pack("{s:s}", "doubleValue", "NaN");
    if (value->decimal > 1.7976931348623157e308) return json_pack("{s:s}", "doubleValue", "Infinity");
    if (value->decimal < -1.7976931348623157e308) return json_pack("{s:s}", "doubleValue", "-Infinity");
    return json_pack("{s:f}", "doubleValue", value->decimal);
  case BT_VALUE_ARRAY:
    items = json_array();
    for (uint32_t i = 0; i < value->array.count; i++) bt_json_append(items, value_json(&value->array.items[i]));
    return json_pack("{s:{s:o}}", "arrayValue", "values", items);
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: break;
  }
  return json_object();
}

static void add_attributes(bt_redaction *redaction, bt_field_kind kind, const bt_attributes *attributes,
                           json_t *array) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_redaction_writes(redaction, kind, attributes, i))
      bt_json_append(array, json_pack("{s:o, s:o}", "key", bt_text_json(attributes->items[i].key), "value",
                                      value_json(&attributes->items[i].value)));
}

static json_t *attributes_json(bt_redaction *redaction, bt_field_kind kind, const bt_attributes *attributes) {
  json_t *array = json_array();
  add_attributes(redaction, kind, attributes, array);
  return array;
}

/* An event, a link, a resource or a scope says how many of its attributes were dropped, where some were. */
static json_t *with_dropped(json_t *holder, const bt_attributes *attributes) {
  if (attributes->dropped) bt_json_set(holder, "droppedAttributesCount", json_integer(attributes->dropped));
  return holder;
}

static json_t *time_json(int64_t ns) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRId64, ns);
  return json_string(digits);
}

static json_t *event_json(bt_redaction *redaction, const bt_event *event) {
  json_t *object =
      json_pack("{s:o, s:o, s:o}", "name", bt_text_json(event->name), "timeUnixNano", time_json(event->time_ns),
                "attributes", attributes_json(redaction, BT_FIELD_EVENT_ATTRIBUTE, &event->attributes));
  return with_dropped(object, &event->attributes);
}

static json_t *events_json(bt_redaction *redaction, const bt_span *span) {
  json_t *array = json_array();
  for (uint32_t i = 0; i < span->event_count; i++) bt_json_append(array, event_json(redaction, &span->events[i]));
  return array;
}

static json_t *links_json(bt_redaction *redaction, const bt_span *span) {
  json_t *array = json_array();
  for (uint32_t i = 0; i < span->link_count; i++) {
    const bt_link *link = &span->links[i];
    char trace_id[BT_TRACE_ID_HEX + 1], span_id[BT_SPAN_ID_HEX + 1];
    bt_trace_id_format(&link->trace_id, trace_id);
    bt_span_id_format(&link->span_id, span_id);
    json_t *object = json_pack("{s:s, s:s, s:o}", "traceId", trace_id, "spanId", span_id, "attributes",
                               attributes_json(redaction, BT_FIELD_LINK_ATTRIBUTE, &link->attributes));
    bt_json_append(array, with_dropped(object, &link->attributes));
  }
  return array;
}

static void add_carried(bt_redaction *redaction, const bt_span *span, json_t *object) {
  bt_carried_number numbers[BT_CARRIED_NUMBERS];
  bt_buffer state = {0};
  bt_redaction_append_state(redaction, span->trace_state, &state);
  if (state.len) bt_json_set(object, "traceState", bt_text_json((bt_str){state.ptr, state.len}));
  bt_buffer_dispose(&state);
  bt_carried_numbers(span, numbers);
  for (size_t i = 0; i < BT_CARRIED_NUMBERS; i++)
    if (numbers[i].number) bt_json_set(object, numbers[i].json, json_integer(numbers[i].number));
}

static json_t *span_json(const bt_trace *trace, const bt_span *span, bt_redaction *redaction) {
  char trace_id[BT_TRACE_ID_HEX + 1], id[BT_SPAN_ID_HEX + 1], parent[BT_SPAN_ID_HEX + 1];
  bt_trace_id_format(&trace->id, trace_id);
  bt_span_id_format(&span->id, id);
  bt_span_id_format(&span->parent_id, parent);
  json_t *object = json_pack("{s:s, s:s, s:o, s:i, s:o, s:o, s:o}", "traceId", trace_id, "spanId", id, "name",
                             bt_text_json(span->name), "kind", (int)span->kind, "startTimeUnixNano",
                             time_json(span->start_ns), "endTimeUnixNano", time_json(span->end_ns), "attributes",
                             attributes_json(redaction, BT_FIELD_SPAN_ATTRIBUTE, &span->attributes));
  if (!bt_span_id_is_zero(&span->parent_id)) bt_json_set(object, "parentSpanId", json_string(parent));
  add_carried(redaction, span, object);
  bool says_message = bt_redaction_keeps_message(redaction, span);
  if (span->status || says_message) {
    json_t *status = json_pack("{s:i}", "code", (int)span->status);
    if (says_message) bt_json_set(status, "message", bt_text_json(span->status_message));
    bt_json_set(object, "status", status);
  }
  if (span->event_count) bt_json_set(object, "events", events_json(redaction, span));
  if (span->link_count) bt_json_set(object, "links", links_json(redaction, span));
  return object;
}

static json_t *resource_json(bt_redaction *redaction, const bt_resource *resource) {
  json_t *attributes = json_array();
  if (resource->service.len)
    bt_json_append(attributes, json_pack("{s:s, s:{s:o}}", "key", "service.name", "value", "stringValue",
                                         bt_text_json(resource->service)));
  add_attributes(redaction, BT_FIELD_RESOURCE_ATTRIBUTE, &resource->attributes, attributes);
  return with_dropped(json_pack("{s:o}", "attributes", attributes), &resource->attributes);
}

static json_t *scope_json(bt_redaction *redaction, const bt_scope *scope) {
  json_t *object =
      json_pack("{s:o}", "attributes", attributes_json(redaction, BT_FIELD_SCOPE_ATTRIBUTE, &scope->attributes));
  if (redaction->keeps_all || bt_rule_keys_have(redaction->read, BT_FIELD_SCOPE_NAME, (bt_str){0}))
    bt_json_set(object, "name", bt_text_json(scope->name));
  if (redaction->keeps_all || bt_rule_keys_have(redaction->read, BT_FIELD_SCOPE_VERSION, (bt_str){0}))
    bt_json_set(object, "version", bt_text_json(scope->version));
  return with_dropped(object, &scope->attributes);
}

/* The item of the array whose member `name` is that object; NULL: there is none. */
static json_t *find_item(json_t *array, const char *name, const json_t *object) {
  size_t i;
  json_t *item;
  json_array_foreach(array, i, item) if (json_equal(json_object_get(item, name), object)) return item;
  return NULL;
}

/* What is there already, or added; takes the object. What was left out of one that is there was counted with it:
 * `left_out_before` are those before this one was made. */
static json_t *find_or_add(json_t *array, const char *name, json_t *object, const char *list, bt_redaction *redaction,
                           uint64_t left_out_before) {
  json_t *item = find_item(array, name, object);
  if (item) {
    redaction->left_out = left_out_before;
    json_decref(object);
    return item;
  }
  item = json_pack("{s:o, s:[]}", name, object, list);
  bt_json_append(array, item);
  return item;
}

static json_t *find_resource(json_t *pieces, bt_redaction *redaction, const bt_resource *resource) {
  uint64_t before = redaction->left_out;
  return find_or_add(pieces, "resource", resource_json(redaction, resource), "scopeSpans", redaction, before);
}

static json_t *find_scope(json_t *piece, bt_redaction *redaction, const bt_scope *scope) {
  uint64_t before = redaction->left_out;
  json_t *scopes = json_object_get(piece, "scopeSpans");
  return find_or_add(scopes, "scope", scope_json(redaction, scope), "spans", redaction, before);
}

/* Where the spans before it were put. */
typedef struct piece_place {
  const bt_span *last; /* NULL: there was none */
  json_t *piece, *scope;
} piece_place;

static void add_record(const bt_trace *trace, const bt_span *record, bt_redaction *redaction, json_t *pieces,
                       piece_place *place) {
  bool is_same = place->last && record->resource == place->last->resource;
  if (!is_same) place->piece = find_resource(pieces, redaction, record->resource);
  if (!is_same || record->scope != place->last->scope)
    place->scope = find_scope(place->piece, redaction, record->scope);
  place->last = record;
  bt_json_append(json_object_get(place->scope, "spans"), span_json(trace, record, redaction));
}

/* One piece for all spans of one resource and one for each scope in it, by what they say: the same pieces whatever the
 * layout was in which the spans came. Of a span all records are written that it may be. */
static void add_pieces(const bt_trace *trace, bt_redaction *redaction, json_t *pieces) {
  piece_place place = {0};
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_span *span = &trace->spans[i];
    for (const bt_span *record = span->unsplit ? span->unsplit : span; record; record = record->other)
      add_record(trace, record, redaction, pieces, &place);
  }
}

json_t *bt_otlp_document_json(const bt_family *family, bt_redaction *redaction) {
  json_t *pieces = json_array();
  for (uint32_t i = 0; i < family->trace_count; i++) add_pieces(family->traces[i].trace, redaction, pieces);
  return json_pack("{s:o}", "resourceSpans", pieces);
}
