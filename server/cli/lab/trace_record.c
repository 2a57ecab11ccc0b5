/* Traces as spans of a test and as OTLP JSON. See trace_record.h. */
#include "server/cli/lab/trace_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dsl/trace/trace_state.h"
#include "server/base/time_text.h"
#include "server/json/json_values.h"
#include "server/json/test_report.h"
#include "server/rulefile/test_run.h"
#include "server/rulefile/yaml_text.h"

/* ---- what is kept ---- */

static bool is_kept(bt_redaction *redaction, bt_field_kind kind, bt_str key) {
  bool keeps = redaction->keeps_all || bt_rule_keys_have(redaction->read, kind, key);
  for (size_t i = 0; i < redaction->kept_count && !keeps; i++)
    keeps = bt_str_equal(bt_str_from(redaction->kept[i]), key);
  return keeps;
}

/* A rule file says each key once: of two the first. */
static bool is_first(const bt_attributes *attributes, uint32_t index) {
  for (uint32_t i = 0; i < index; i++)
    if (bt_str_equal(attributes->items[i].key, attributes->items[index].key)) return false;
  return true;
}

static bool is_written(bt_redaction *redaction, bt_field_kind kind, const bt_attributes *attributes, uint32_t index) {
  const bt_attribute *attribute = &attributes->items[index];
  if (bt_value_is_missing(&attribute->value)) return false;
  if (kind == BT_FIELD_RESOURCE_ATTRIBUTE && bt_str_equal(attribute->key, BT_STR("service.name")))
    return false; /* `service` says it */
  bool keeps = is_kept(redaction, kind, attribute->key);
  redaction->left_out += !keeps;
  return keeps;
}

static bool keeps_status_message(bt_redaction *redaction, const bt_span *span) {
  if (!span->status_message.len) return false;
  bool keeps = redaction->keeps_all || bt_rule_keys_have(redaction->read, BT_FIELD_STATUS_MESSAGE, (bt_str){0});
  redaction->left_out += !keeps;
  return keeps;
}

/* The members of the trace state that rules ask for; all of it where a vendor stands twice. */
static void append_state(bt_redaction *redaction, bt_str state, bt_buffer *out) {
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

/* What a span says of itself in numbers, which no rule file and no OTLP leaves out where it is not 0. */
typedef struct carried_number {
  const char *yaml, *json;
  uint32_t number;
} carried_number;

enum { CARRIED_NUMBERS = 4 };

static void list_numbers(const bt_span *span, carried_number out[CARRIED_NUMBERS]) {
  const carried_number numbers[CARRIED_NUMBERS] = {
      {"flags", "flags", span->flags},
      {"dropped_attributes_count", "droppedAttributesCount", span->dropped_attributes},
      {"dropped_events_count", "droppedEventsCount", span->dropped_events},
      {"dropped_links_count", "droppedLinksCount", span->dropped_links}};
  memcpy(out, numbers, sizeof numbers);
}

/* ---- YAML ---- */

static void write_carried(bt_redaction *redaction, const bt_span *span, bt_buffer *out) {
  carried_number numbers[CARRIED_NUMBERS];
  bt_buffer state = {0};
  append_state(redaction, span->trace_state, &state);
  if (state.len) {
    bt_buffer_append(out, BT_STR(", trace_state: "));
    bt_yaml_quote((bt_str){state.ptr, state.len}, out);
  }
  out->failed = out->failed || state.failed;
  bt_buffer_dispose(&state);
  list_numbers(span, numbers);
  for (size_t i = 0; i < CARRIED_NUMBERS; i++)
    if (numbers[i].number) bt_buffer_printf(out, ", %s: %" PRIu32, numbers[i].yaml, numbers[i].number);
}

/* `, name: {"k": v}` unless nothing of it is kept. */
static void write_attributes(const char *name, bt_redaction *redaction, bt_field_kind kind,
                             const bt_attributes *attributes, bt_buffer *out) {
  bool any = false;
  for (uint32_t i = 0; i < attributes->count; i++) {
    if (!is_first(attributes, i) || !is_written(redaction, kind, attributes, i)) continue;
    if (any)
      bt_buffer_append(out, BT_STR(", "));
    else
      bt_buffer_printf(out, ", %s: {", name);
    any = true;
    bt_yaml_quote(attributes->items[i].key, out);
    bt_buffer_append(out, BT_STR(": "));
    bt_yaml_append_value(&attributes->items[i].value, out);
  }
  if (any) bt_buffer_append_char(out, '}');
}

static void write_duration(const char *name, int64_t ns, bt_buffer *out) {
  char text[64];
  bt_duration_format(ns, text);
  bt_buffer_printf(out, ", %s: %s", name, text);
}

static void write_scope(bt_redaction *redaction, const bt_scope *scope, bt_buffer *out) {
  bt_buffer inner = {0};
  bool keeps_name = redaction->keeps_all || bt_rule_keys_have(redaction->read, BT_FIELD_SCOPE_NAME, (bt_str){0});
  bool keeps_version = redaction->keeps_all || bt_rule_keys_have(redaction->read, BT_FIELD_SCOPE_VERSION, (bt_str){0});
  if (keeps_name && scope->name.len) {
    bt_buffer_append(&inner, BT_STR(", name: "));
    bt_yaml_quote(scope->name, &inner);
  }
  if (keeps_version && scope->version.len) {
    bt_buffer_append(&inner, BT_STR(", version: "));
    bt_yaml_quote(scope->version, &inner);
  }
  write_attributes("attributes", redaction, BT_FIELD_SCOPE_ATTRIBUTE, &scope->attributes, &inner);
  if (inner.len > 2) bt_buffer_printf(out, ", scope: {%s}", inner.ptr + 2);
  out->failed = out->failed || inner.failed;
  bt_buffer_dispose(&inner);
}

static void write_events(bt_redaction *redaction, const bt_span *span, int64_t start_ns, bt_buffer *out) {
  for (uint32_t i = 0; i < span->event_count; i++) {
    const bt_event *event = &span->events[i];
    bt_buffer_append(out, i ? BT_STR(", {name: ") : BT_STR(", events: [{name: "));
    bt_yaml_quote(event->name, out);
    if (event->time_ns >= start_ns) write_duration("at", event->time_ns - start_ns, out);
    write_attributes("attributes", redaction, BT_FIELD_EVENT_ATTRIBUTE, &event->attributes, out);
    bt_buffer_append_char(out, '}');
  }
  if (span->event_count) bt_buffer_append_char(out, ']');
}

void bt_trace_record_name(uint32_t trace, char out[BT_LINKED_NAME_BYTES]) {
  snprintf(out, BT_LINKED_NAME_BYTES, "linked-%" PRIu32, trace);
}

static void write_trace_name(const bt_family *family, const bt_trace_id *id, bt_buffer *out) {
  char name[BT_LINKED_NAME_BYTES] = "own", hex[BT_TRACE_ID_HEX + 1];
  uint32_t number = 0;
  while (number < family->trace_count && bt_trace_id_compare(&family->traces[number].trace->id, id)) number++;
  if (number) bt_trace_record_name(number, name);
  bt_trace_id_format(id, hex);
  bt_buffer_append(out, bt_str_from(number < family->trace_count ? name : hex));
}

static void write_links(bt_redaction *redaction, const bt_family *family, const bt_span *span, bt_buffer *out) {
  for (uint32_t i = 0; i < span->link_count; i++) {
    const bt_link *link = &span->links[i];
    char span_id[BT_SPAN_ID_HEX + 1];
    bt_span_id_format(&link->span_id, span_id);
    bt_buffer_append(out, i ? BT_STR(", {trace: \"") : BT_STR(", links: [{trace: \""));
    write_trace_name(family, &link->trace_id, out);
    bt_buffer_printf(out, "\", span: \"%s\"", span_id);
    write_attributes("attributes", redaction, BT_FIELD_LINK_ATTRIBUTE, &link->attributes, out);
    bt_buffer_append_char(out, '}');
  }
  if (span->link_count) bt_buffer_append_char(out, ']');
}

static const char *kind_name(bt_span_kind kind) {
  static const char *const names[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  return (unsigned)kind < sizeof names / sizeof names[0] ? names[kind] : "unspecified";
}

static int64_t start_of(const bt_family *family) {
  int64_t start_ns = INT64_MAX;
  for (uint32_t i = 0; i < family->trace_count; i++) {
    int64_t own_ns = bt_trace_start_ns(family->traces[i].trace);
    if (own_ns && own_ns < start_ns) start_ns = own_ns;
  }
  return start_ns == INT64_MAX ? 0 : start_ns;
}

static void write_span(const bt_family *family, const bt_span *span, bt_redaction *redaction, bt_buffer *out) {
  int64_t origin_ns = start_of(family);
  char id[BT_SPAN_ID_HEX + 1], parent[BT_SPAN_ID_HEX + 1];
  bt_span_id_format(&span->id, id);
  bt_span_id_format(&span->parent_id, parent);
  bt_buffer_append(out, BT_STR("{span: "));
  bt_yaml_quote(span->name, out);
  bt_buffer_printf(out, ", id: \"%s\", parent: \"%s\"", id, bt_span_id_is_zero(&span->parent_id) ? "" : parent);
  if (span->resource->service.len) {
    bt_buffer_append(out, BT_STR(", service: "));
    bt_yaml_quote(span->resource->service, out);
  }
  write_duration("at", span->start_ns ? span->start_ns - origin_ns : 0, out); /* 0: nobody set it */
  write_duration("duration", bt_span_duration_ns(span), out);
  if (span->kind) bt_buffer_printf(out, ", kind: %s", kind_name(span->kind));
  if (span->status) bt_buffer_printf(out, ", status: %s", span->status == BT_SPAN_STATUS_ERROR ? "error" : "ok");
  if (keeps_status_message(redaction, span)) {
    bt_buffer_append(out, BT_STR(", status_message: "));
    bt_yaml_quote(span->status_message, out);
  }
  write_carried(redaction, span, out);
  write_attributes("attributes", redaction, BT_FIELD_SPAN_ATTRIBUTE, &span->attributes, out);
  write_attributes("resource", redaction, BT_FIELD_RESOURCE_ATTRIBUTE, &span->resource->attributes, out);
  write_scope(redaction, span->scope, out);
  write_events(redaction, span, origin_ns, out);
  write_links(redaction, family, span, out);
  bt_buffer_append_char(out, '}');
}

static bool has_half(const bt_trace *trace, uint32_t index) {
  for (uint32_t i = 0; i < index; i++)
    if (memcmp(&trace->spans[i].id, &trace->spans[index].id, sizeof(bt_span_id)) == 0) return true;
  return false;
}

void bt_trace_record_yaml(const bt_family *family, uint32_t number, bt_redaction *redaction, unsigned indent,
                          bool *has_halves, bt_buffer *out) {
  const bt_trace *trace = family->traces[number].trace;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    if (!*has_halves) *has_halves = has_half(trace, i);
    bt_buffer_printf(out, "%*s- ", (int)indent, "");
    write_span(family, &trace->spans[i], redaction, out);
    bt_buffer_append_char(out, '\n');
  }
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
    if (is_written(redaction, kind, attributes, i))
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
  carried_number numbers[CARRIED_NUMBERS];
  bt_buffer state = {0};
  append_state(redaction, span->trace_state, &state);
  if (state.len) bt_json_set(object, "traceState", bt_text_json((bt_str){state.ptr, state.len}));
  bt_buffer_dispose(&state);
  list_numbers(span, numbers);
  for (size_t i = 0; i < CARRIED_NUMBERS; i++)
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
  if (span->status) {
    json_t *status = json_pack("{s:i}", "code", (int)span->status);
    if (keeps_status_message(redaction, span)) bt_json_set(status, "message", bt_text_json(span->status_message));
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

json_t *bt_trace_record_otlp(const bt_family *family, bt_redaction *redaction) {
  json_t *pieces = json_array();
  for (uint32_t i = 0; i < family->trace_count; i++) add_pieces(family->traces[i].trace, redaction, pieces);
  return json_pack("{s:o}", "resourceSpans", pieces);
}

/* ---- is it true? ---- */

typedef struct verification {
  size_t passed;
  bt_buffer why; /* of the first that does not pass */
} verification;

static bt_status take_result(void *context, const bt_test_result *result, bt_error *error) {
  verification *v = context;
  if (result->outcome == BT_TEST_PASSED) return v->passed++, BT_OK;
  return v->why.len ? BT_OK : bt_test_report_explain(result, &v->why, error);
}

bt_status bt_recorded_verify(bt_str text, size_t tests, bt_error *error) {
  bt_checked_file file = {0};
  verification v = {0};
  bt_status status = bt_checked_file_read(text, "<recorded>", &file, error);
  if (!status) status = bt_tests_run(&file, "", take_result, &v, error);
  if (!status && v.passed != tests)
    status =
        bt_error_set(error, BT_REFUSED,
                     "what was recorded does not give the verdict of the trace, so nothing is printed: keep more of it "
                     "(--keep KEY, --keep-all), or record it with --as fixture. %.200s",
                     v.why.ptr ? v.why.ptr : "");
  bt_buffer_dispose(&v.why);
  bt_checked_file_dispose(&file);
  return status;
}
