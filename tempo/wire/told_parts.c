/* Events and links that exporters write as texts, for want of a field: Zipkin has annotations, which are a time and a
 * text, and tags. See told_tags.h. */
#include <string.h>

#include "tempo/wire/json_number.h"
#include "tempo/wire/json_reader.h"
#include "tempo/wire/told_tags.h"

/* ---- attributes as JSON ---- */

static bool read_number(bt_json *json, bt_value *out) {
  bt_str digits;
  if (!bt_json_number(json, &digits)) return false;
  out->type = BT_VALUE_INT;
  if (bt_json_to_int64(digits, &out->integer)) return true;
  out->type = BT_VALUE_DOUBLE;
  return bt_json_to_double(digits, &out->decimal);
}

bool bt_told_value(bt_json *json, bt_value *out) {
  switch (bt_json_peek(json)) {
  case BT_JSON_STRING: out->type = BT_VALUE_STRING; return bt_json_string(json, &out->string);
  case BT_JSON_BOOL: out->type = BT_VALUE_BOOL; return bt_json_bool(json, &out->boolean);
  case BT_JSON_NUMBER: return read_number(json, out);
  case BT_JSON_OBJECT:
  case BT_JSON_ARRAY:
  case BT_JSON_NULL:
  case BT_JSON_NOTHING: bt_json_skip(json); break;
  }
  return false;
}

/* What could not be read is not known to be missing. */
static bt_status read_told_attributes(bt_json *json, bt_build *build, bt_attribute_list *list, bt_attributes *out,
                                      bt_error *error) {
  bt_status status = BT_OK;
  bt_attribute attribute;
  list->count = 0;
  bt_json_open_object(json);
  while (status == BT_OK && bt_json_next_key(json, &attribute.key)) {
    attribute.value = (bt_value){.type = BT_VALUE_MISSING};
    if (bt_told_value(json, &attribute.value))
      status = bt_build_add(list, &attribute, error);
    else
      out->dropped = BT_NOT_KEPT;
  }
  if (status == BT_OK && json->problem) status = bt_json_status(json, error);
  return status == BT_OK ? bt_build_attributes(build, list, out, error) : status;
}

/* The whole text is one object of JSON. *at is a reader before it. */
static bool is_object(bt_str text, bt_arena *arena, bt_json *at) {
  bt_json_init(at, text, arena);
  bt_json end = *at;
  bool is_whole = bt_json_peek(&end) == BT_JSON_OBJECT && bt_json_skip(&end) && bt_json_at_end(&end);
  at->status = end.status; /* without memory nobody knows */
  return is_whole;
}

/* ---- events ---- */

/* {"NAME":{…}}, and nothing behind it. */
static bool read_only_key(bt_json *json, bt_str *name, bt_json *attributes) {
  bt_str key, other;
  if (!bt_json_open_object(json) || !bt_json_next_key(json, &key) || bt_json_peek(json) != BT_JSON_OBJECT) return false;
  *attributes = *json;
  if (!bt_json_skip(json) || bt_json_next_key(json, &other) || json->problem || !bt_json_at_end(json)) return false;
  *name = key;
  return true;
}

/* "NAME":{…} and {"NAME":{…}}, as most SDKs write it. */
static bool is_key_and_object(bt_str text, bt_build *build, bt_str *name, bt_json *attributes) {
  bt_json json;
  bool is_whole = text.ptr[0] == '{';
  char *object = bt_arena_alloc(&build->arena, text.len + 2);
  if (!object) return attributes->status = BT_NO_MEMORY, false;
  memcpy(object + 1, text.ptr, text.len);
  object[0] = '{';
  object[text.len + 1] = '}';
  bt_json_init(&json, is_whole ? text : (bt_str){object, text.len + 2}, &build->arena);
  bool is_told = read_only_key(&json, name, attributes);
  if (!is_told) attributes->status = json.status;
  return is_told;
}

/* Where `mark` begins in the text; its length: nowhere. */
static size_t find_mark(bt_str text, bt_str mark) {
  const char *found = memmem(text.ptr, text.len, mark.ptr, mark.len);
  return found ? (size_t)(found - text.ptr) : text.len;
}

/* NAME: {…}, as the SDK for Go writes it. */
static bool is_name_and_object(bt_str text, bt_build *build, bt_str *name, bt_json *attributes) {
  size_t at = find_mark(text, BT_STR(": {"));
  if (at == text.len || !is_object((bt_str){text.ptr + at + 2, text.len - at - 2}, &build->arena, attributes))
    return false;
  name->len = at;
  return true;
}

/* NAME|{…}|N, as the Collector writes it: N attributes were dropped. */
static bool is_name_object_count(bt_str text, bt_build *build, bt_str *name, bt_json *attributes, uint32_t *dropped) {
  size_t at = find_mark(text, BT_STR("|{")), end = text.len;
  while (end > at && text.ptr[end - 1] != '|') end--;
  bt_str digits = {text.ptr + end, text.len - end};
  int64_t count = 0;
  if (end < at + 4 || !bt_json_is_number(digits) || !bt_json_to_int64(digits, &count)) return false;
  if (count < 0 || count > UINT32_MAX) return false;
  if (!is_object((bt_str){text.ptr + at + 1, end - at - 2}, &build->arena, attributes)) return false;
  *dropped = (uint32_t)count;
  name->len = at;
  return true;
}

static bool is_told_event(bt_build *build, bt_event *event, bt_json *attributes) {
  const bt_str text = event->name;
  bool is_quoted = text.len > 1 && (text.ptr[0] == '"' || text.ptr[0] == '{');
  if (is_quoted && text.ptr[text.len - 1] == '}') return is_key_and_object(text, build, &event->name, attributes);
  return !is_quoted && text.len > 2 &&
         (is_name_and_object(text, build, &event->name, attributes) ||
          is_name_object_count(text, build, &event->name, attributes, &event->attributes.dropped));
}

bt_status bt_told_event(bt_build *build, bt_event *event, bt_error *error) {
  bt_json attributes = {.status = BT_OK};
  if (is_told_event(build, event, &attributes))
    return read_told_attributes(&attributes, build, &build->event, &event->attributes, error);
  event->attributes.dropped = BT_NOT_KEPT; /* an event without attributes, or an exporter that does not write them */
  return attributes.status == BT_NO_MEMORY ? bt_build_no_room(build, event->name.len, error) : BT_OK;
}

/* ---- links ---- */

static bt_str cut_field(bt_str *text) {
  size_t at = find_mark(*text, BT_STR("|"));
  bt_str field = {text->ptr, at};
  *text = at < text->len ? (bt_str){text->ptr + at + 1, text->len - at - 1} : (bt_str){text->ptr + at, 0};
  return field;
}

/* TRACE|SPAN|STATE|{…}|N, as the Collector writes it. False: it is no link. */
static bool read_told_link(bt_build *build, const bt_attribute *tag, bt_link *link, bt_json *attributes) {
  bt_str rest = tag->value.string, nameless = {rest.ptr, 0};
  if (tag->value.type != BT_VALUE_STRING || !bt_str_starts_with(tag->key, BT_STR("otlp.link."))) return false;
  bt_str trace_id = cut_field(&rest), span_id = cut_field(&rest);
  if (!bt_trace_id_parse(trace_id, &link->trace_id) || !bt_span_id_parse(span_id, &link->span_id)) return false;
  return is_name_object_count(rest, build, &nameless, attributes, &link->attributes.dropped);
}

bt_status bt_told_links_take(bt_build *build, bt_span *span, bt_error *error) {
  bt_attribute_list *tags = &build->span;
  bt_status status = BT_OK;
  size_t kept = 0, count = tags->count;
  build->links.count = 0;
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    bt_link link = {.attributes = {0}};
    bt_json attributes;
    if (!read_told_link(build, &tags->items[i], &link, &attributes)) {
      tags->items[kept++] = tags->items[i];
      continue;
    }
    status = read_told_attributes(&attributes, build, &build->link, &link.attributes, error);
    if (status == BT_OK) status = bt_build_add_link(build, &link, error);
  }
  tags->count = status == BT_OK ? kept : count;
  if (!build->links.count) span->dropped_links = BT_NOT_KEPT;
  return status == BT_OK ? bt_build_links(build, span, error) : status;
}
