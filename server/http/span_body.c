/* Pushed spans in BeTrace's own JSON. See span_body.h. Fields are read into what the OTLP encoder takes; texts borrow
 * from the document. Nothing is passed over: an unknown field, a null attribute or an end before its start is an error
 * with its place. */
#include "server/http/span_body.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dsl/base/suggestion.h"
#include "server/json/json_members.h"
#include "tempo/wire/json_number.h"
#include "tempo/wire/otlp_export.h"

enum { ERRORS_MAX = 20 };
static const size_t arena_cap_bytes = (size_t)256 << 20;
static const int64_t MILLISECOND_NS = 1000000;

typedef struct reader {
  bt_arena arena;
  bt_field_errors *errors;
  size_t error_count;
  bool no_room;
  int64_t now_ns;
  size_t index; /* of the span being read */
  bt_str service;
} reader;

__attribute__((format(printf, 3, 4))) static void complain(reader *r, const char *field, const char *format, ...) {
  char place[200], message[300];
  va_list list;
  if (r->error_count++ >= ERRORS_MAX) return;
  snprintf(place, sizeof place, "spans[%zu]%s%.150s", r->index, field[0] ? "." : "", field);
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  bt_field_errors_add(r->errors, place, "%s", message);
}

/* A member that is there and not null. */
static json_t *find_member(json_t *object, const char *name) {
  json_t *value = json_object_get(object, name);
  return json_is_null(value) ? NULL : value;
}

/* ---- attributes ---- */

/* "200", "1.5", "true": as the JSON value of the same letters. A whole number beyond 64 bits stays text: it is an id,
 * and a double would change it. */
static bt_value value_of_text(bt_str text) {
  bt_value value = {.type = BT_VALUE_STRING, .string = text};
  int64_t integer;
  double decimal;
  if (bt_str_equal(text, BT_STR("true")) || bt_str_equal(text, BT_STR("false")))
    return (bt_value){.type = BT_VALUE_BOOL, .boolean = text.ptr[0] == 't'};
  if (!bt_json_is_number(text)) return value;
  if (bt_json_to_int64(text, &integer)) return (bt_value){.type = BT_VALUE_INT, .integer = integer};
  bool is_whole = strcspn(text.ptr, ".eE") >= text.len;
  if (!is_whole && bt_json_to_double(text, &decimal)) return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = decimal};
  return value;
}

/* False: neither text, number nor boolean. */
static bool read_scalar(const json_t *from, bt_value *out) {
  if (json_is_string(from)) return *out = (bt_value){.type = BT_VALUE_STRING, .string = bt_json_str(from)}, true;
  if (json_is_boolean(from)) return *out = (bt_value){.type = BT_VALUE_BOOL, .boolean = json_is_true(from)}, true;
  if (json_is_integer(from)) return *out = (bt_value){.type = BT_VALUE_INT, .integer = json_integer_value(from)}, true;
  if (json_is_real(from)) return *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = json_real_value(from)}, true;
  return false;
}

static bool read_list(reader *r, json_t *from, bt_value *out) {
  size_t count = json_array_size(from);
  bt_value *items = bt_arena_array(&r->arena, count, sizeof *items);
  if (!items) return r->no_room = true;
  for (size_t i = 0; i < count; i++)
    if (!read_scalar(json_array_get(from, i), &items[i]) || items[i].type != items[0].type) return false;
  *out = (bt_value){.type = BT_VALUE_ARRAY, .array = {.items = items, .count = (uint32_t)count}};
  return count > 0;
}

static bool read_value(reader *r, json_t *from, bt_value *out) {
  if (json_is_string(from)) return *out = value_of_text(bt_json_str(from)), true;
  return json_is_array(from) ? read_list(r, from, out) : read_scalar(from, out);
}

static void read_attributes(reader *r, json_t *from, bt_export_span *span) {
  const char *key;
  json_t *value;
  if (!from) return;
  if (!json_is_object(from)) {
    complain(r, "attributes", "has to be an object, as in {\"http.method\": \"GET\"}");
    return;
  }
  bt_attribute *items = bt_arena_array(&r->arena, json_object_size(from), sizeof *items);
  r->no_room = r->no_room || !items;
  if (!items) return;
  json_object_foreach(from, key, value) {
    bt_attribute *item = &items[span->attribute_count];
    item->key = bt_str_from(key);
    if (strcmp(key, "service.name") == 0 && json_is_string(value))
      r->service = bt_json_str(value);
    else if (read_value(r, value, &item->value))
      span->attribute_count++;
    else
      complain(r, "attributes", "%.100s has to be text, a number, true, false, or a list of one kind of these", key);
  }
  span->attributes = items;
}

/* ---- one span ---- */

static void read_ids(reader *r, json_t *from, bt_export_span *span) {
  static const bt_trace_id no_trace = {{0}};
  json_t *parent = find_member(from, "parent_span_id");
  if (!bt_trace_id_parse(bt_json_str(find_member(from, "trace_id")), &span->trace_id) ||
      bt_trace_id_compare(&span->trace_id, &no_trace) == 0)
    complain(r, "trace_id", "has to be 1 to 32 hex digits, not all zero");
  if (!bt_span_id_parse(bt_json_str(find_member(from, "span_id")), &span->span_id) ||
      bt_span_id_is_zero(&span->span_id))
    complain(r, "span_id", "has to be 1 to 16 hex digits, not all zero");
  if (!parent || (json_is_string(parent) && json_string_length(parent) == 0)) return;
  if (!bt_span_id_parse(bt_json_str(parent), &span->parent_id))
    complain(r, "parent_span_id", "has to be 1 to 16 hex digits, or left out for a root");
}

static bool read_time(reader *r, json_t *from, const char *name, int64_t *out) {
  json_t *value = find_member(from, name);
  if (!value) return false;
  if (!bt_json_time(value, r->now_ns, out) || *out < 0)
    complain(r, name, "has to be a time from 1970 on: RFC 3339 as in \"2026-01-11T14:23:17Z\", or unix s, ms or ns");
  return true;
}

static bool read_duration(reader *r, json_t *from, int64_t *out_ns) {
  json_t *value = find_member(from, "duration_ms");
  if (!value) return false;
  double nanoseconds = json_number_value(value) * (double)MILLISECOND_NS;
  bool is_duration = json_is_number(value) && nanoseconds >= 0 && nanoseconds < 9e18;
  *out_ns = is_duration ? (int64_t)(nanoseconds + 0.5) : 0;
  if (!is_duration) complain(r, "duration_ms", "has to be a number of milliseconds, 0 or more");
  return true;
}

static void check_duration(reader *r, const bt_export_span *span, int64_t duration_ns) {
  int64_t difference_ns = span->end_ns - span->start_ns - duration_ns;
  if (difference_ns > MILLISECOND_NS || difference_ns < -MILLISECOND_NS)
    complain(r, "duration_ms", "does not fit: from start_time to end_time are %" PRId64 " ns; leave one of the two out",
             span->end_ns - span->start_ns);
}

static void read_times(reader *r, json_t *from, bt_export_span *span) {
  size_t before = r->error_count;
  int64_t duration_ns = 0;
  if (!read_time(r, from, "start_time", &span->start_ns)) complain(r, "start_time", "is missing");
  bool has_end = read_time(r, from, "end_time", &span->end_ns);
  bool has_duration = read_duration(r, from, &duration_ns);
  if (!has_end && !has_duration) complain(r, "end_time", "is missing; duration_ms may stand for it");
  if (r->error_count != before) return;
  if (!has_end && __builtin_add_overflow(span->start_ns, duration_ns, &span->end_ns))
    complain(r, "duration_ms", "ends after the year 2262");
  else if (span->end_ns < span->start_ns)
    complain(r, "end_time", "is before start_time");
  else if (has_end && has_duration)
    check_duration(r, span, duration_ns);
}

/* "ok", "ERROR", or {"code": "error", "message": "…"}. */
static void read_status(reader *r, json_t *from, bt_export_span *span) {
  static const char *const names[] = {"unset", "ok", "error"};
  json_t *code = json_is_object(from) ? find_member(from, "code") : from;
  json_t *message = json_is_object(from) ? find_member(from, "message") : NULL;
  if (!from) return;
  bool is_known = json_is_object(from) && !code;
  for (unsigned i = 0; i < 3; i++) {
    if (!json_is_string(code) || strcasecmp(json_string_value(code), names[i]) != 0) continue;
    span->status = (bt_span_status)i;
    is_known = true;
  }
  if (!is_known || (message && !json_is_string(message)))
    complain(r, "status", "has to be \"unset\", \"ok\" or \"error\", or {\"code\": \"error\", \"message\": \"why\"}");
  else if (message)
    span->status_message = bt_json_str(message);
}

/* What came, in words. */
enum { SHOWN_BYTES = 64 };
static const char *show_value(const json_t *value, char shown[SHOWN_BYTES]) {
  if (json_is_string(value)) return "a text";
  if (json_is_array(value)) return "a list";
  if (json_is_object(value)) return "an object";
  size_t length = json_dumpb(value, shown, SHOWN_BYTES - 1, JSON_ENCODE_ANY); /* true, or a number */
  shown[length < SHOWN_BYTES ? length : 0] = '\0';
  return shown;
}

/* What OTLP counts in 32 bits. */
static void read_count(reader *r, json_t *from, const char *name, uint32_t *out) {
  char shown[SHOWN_BYTES];
  json_t *value = find_member(from, name);
  json_int_t count = json_integer_value(value);
  if (!value) return;
  if (json_is_integer(value) && count >= 0 && count <= UINT32_MAX)
    *out = (uint32_t)count;
  else
    complain(r, name, "has to be a whole number from 0 to 4294967295; %s came", show_value(value, shown));
}

/* What OTLP carries with a span beside what it did. */
static void read_carried(reader *r, json_t *from, bt_export_span *span) {
  char shown[SHOWN_BYTES];
  json_t *state = find_member(from, "trace_state");
  if (json_is_string(state))
    span->trace_state = bt_json_str(state);
  else if (state)
    complain(r, "trace_state", "has to be a string, as in \"dd=s:1,es=s:0.1\"; %s came", show_value(state, shown));
  read_count(r, from, "flags", &span->flags);
  read_count(r, from, "dropped_attributes_count", &span->dropped_attributes);
  read_count(r, from, "dropped_events_count", &span->dropped_events);
  read_count(r, from, "dropped_links_count", &span->dropped_links);
}

static void read_name(reader *r, json_t *from, bt_export_span *span) {
  json_t *name = find_member(from, "name");
  if (!json_is_string(name)) complain(r, "name", "has to be a string");
  span->name = json_is_string(name) ? bt_json_str(name) : BT_STR("");
}

static void check_names(reader *r, json_t *from) {
  static const char *const names[] = {"trace_id",
                                      "span_id",
                                      "parent_span_id",
                                      "name",
                                      "start_time",
                                      "end_time",
                                      "duration_ms",
                                      "attributes",
                                      "status",
                                      "flags",
                                      "trace_state",
                                      "dropped_attributes_count",
                                      "dropped_events_count",
                                      "dropped_links_count",
                                      NULL};
  const char *key;
  json_t *value;
  json_object_foreach(from, key, value) {
    bool known = false;
    for (size_t i = 0; names[i] && !known; i++) known = strcmp(key, names[i]) == 0;
    if (known) continue;
    const char *nearest = bt_suggest_nearest(bt_str_from(key), names);
    complain(r, key, "there is no such field%s%s%s", nearest ? "; did you mean \"" : "", nearest ? nearest : "",
             nearest ? "\"?" : "");
  }
}

static void read_span(reader *r, json_t *from, bt_export_span *span) {
  *span = (bt_export_span){.status_message = BT_STR(""), .trace_state = BT_STR("")};
  r->service = (bt_str){0};
  if (!json_is_object(from)) {
    complain(r, "", "has to be an object");
    return;
  }
  check_names(r, from);
  read_ids(r, from, span);
  read_name(r, from, span);
  read_times(r, from, span);
  read_attributes(r, find_member(from, "attributes"), span);
  read_status(r, find_member(from, "status"), span);
  read_carried(r, from, span);
}

/* ---- all spans ---- */

/* Spans of one service that follow one another share a resource. False: no room. */
static bool add_to_resource(reader *r, bt_export_resource *resources, size_t *count, const bt_export_span *span) {
  bt_export_resource *last = *count ? &resources[*count - 1] : NULL;
  bool is_same =
      last && (last->attribute_count ? bt_str_equal(last->attributes[0].value.string, r->service) : !r->service.ptr);
  if (is_same) return last->span_count++, true;
  bt_attribute *name = bt_arena_alloc(&r->arena, sizeof *name);
  if (!name) return false;
  *name = (bt_attribute){BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = r->service}};
  resources[(*count)++] = (bt_export_resource){.attributes = name,
                                               .attribute_count = r->service.ptr ? 1 : 0,
                                               .scope_name = BT_STR(""),
                                               .scope_version = BT_STR(""),
                                               .spans = span,
                                               .span_count = 1};
  return true;
}

static bt_status read_spans(reader *r, json_t *list, bt_buffer *out, bt_error *error) {
  size_t count = json_array_size(list), resource_count = 0;
  bt_export_span *spans = bt_arena_array(&r->arena, count, sizeof *spans);
  bt_export_resource *resources = bt_arena_array(&r->arena, count, sizeof *resources);
  r->no_room = !spans || !resources;
  for (r->index = 0; r->index < count && !r->no_room; r->index++) {
    read_span(r, json_array_get(list, r->index), &spans[r->index]);
    r->no_room = r->no_room || !add_to_resource(r, resources, &resource_count, &spans[r->index]);
  }
  if (r->no_room) return bt_error_set(error, BT_LIMIT, "the spans need too much memory; send fewer at once");
  if (r->error_count) return bt_error_set(error, BT_INVALID, "%zu fields of the spans are wrong", r->error_count);
  return bt_otlp_encode(resources, resource_count, out, error);
}

bt_status bt_span_body_read(json_t *body, int64_t now_ns, bt_buffer *out, bt_field_errors *errors, bt_error *error) {
  static const char *const names[] = {"spans", NULL};
  reader r = {.errors = errors, .now_ns = now_ns};
  json_t *list = json_object_get(body, "spans");
  bt_field_errors_unknown(errors, body, names);
  if (!json_is_array(list)) bt_field_errors_add(errors, "spans", "has to be a list of spans");
  if (errors->items) return bt_error_set(error, BT_INVALID, "the body is not a list of spans");
  bt_arena_init(&r.arena, arena_cap_bytes);
  bt_status status = read_spans(&r, list, out, error);
  bt_arena_dispose(&r.arena);
  return status;
}
