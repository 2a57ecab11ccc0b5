/* One span as JSON with all that a source gave. See span_json.h. Records of a span that differ go into one document:
 * what a later one has and none before it had is added, so that a key that stands twice stands twice here, too. */
#include "server/json/span_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/cut_text.h"
#include "server/json/json_values.h"
#include "server/replay/violation.h"

typedef struct maker {
  size_t room;                      /* for keys and values that are still to come, in bytes */
  size_t attributes, events, links; /* that are left out; of records that differ at most so many */
  bool failed;                      /* no memory */
  bool is_first;                    /* the record that is added is the first one of its span */
} maker;

/* ---- values ---- */

static void write_double(double value, bt_buffer *out) {
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  bt_buffer_append(out, bt_str_from(text));
}

/* A text in a list has quotes: a comma in it would look like one between two. */
static void write_quoted(bt_str text, bt_buffer *out) {
  json_t *json = bt_text_json(text);
  char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
  if (quoted) {
    bt_buffer_append(out, bt_str_from(quoted));
  } else {
    out->failed = true;
  }
  free(quoted);
  json_decref(json);
}

static void write_value(const bt_value *value, bt_buffer *out) {
  if (value->type == BT_VALUE_DOUBLE) {
    write_double(value->decimal, out);
  } else if (value->type != BT_VALUE_ARRAY) {
    bt_witness_value_write(value, out);
  } else {
    for (uint32_t i = 0; i < value->array.count; i++) {
      const bt_value *item = &value->array.items[i];
      bt_buffer_append(out, i ? BT_STR(", ") : BT_STR("["));
      if (item->type == BT_VALUE_STRING) {
        write_quoted(item->string, out);
      } else {
        write_value(item, out);
      }
    }
    bt_buffer_append_char(out, ']');
  }
}

/* not_read: a map, say, of which the decoders keep nothing but that it is there. */
static const char *type_name(const bt_value *value) {
  static const char *const names[] = {
      [BT_VALUE_MISSING] = "none", [BT_VALUE_OTHER] = "not_read", [BT_VALUE_STRING] = "string",
      [BT_VALUE_BOOL] = "bool",    [BT_VALUE_INT] = "int",        [BT_VALUE_DOUBLE] = "double",
      [BT_VALUE_DURATION] = "int", [BT_VALUE_TIME] = "int",       [BT_VALUE_ARRAY] = "list"};
  return bt_value_is_untyped(value) ? "unknown" : names[value->type];
}

/* A text as far as it is shown. It takes its bytes from the room. */
static json_t *cut_text(maker *m, bt_str text, size_t *whole) {
  bt_str shown = bt_text_cut(text, BT_SPAN_VALUE_BYTES);
  *whole = text.len > shown.len ? text.len : 0;
  m->room -= shown.len < m->room ? shown.len : m->room;
  return bt_text_json(shown);
}

static json_t *attribute_json(maker *m, const bt_attribute *attribute) {
  size_t key_bytes, bytes = 0;
  bt_buffer text = {0};
  write_value(&attribute->value, &text);
  json_t *object = json_object();
  bt_json_set(object, "key", cut_text(m, attribute->key, &key_bytes));
  bt_json_set(object, "type", json_string(type_name(&attribute->value)));
  bool has_value = !bt_value_is_missing(&attribute->value) && !text.failed;
  bt_json_set(object, "value", has_value ? cut_text(m, bt_buffer_str(&text), &bytes) : json_null());
  if (key_bytes) bt_json_set(object, "key_bytes", bt_count_json(key_bytes));
  if (bytes) bt_json_set(object, "bytes", bt_count_json(bytes));
  if (bt_may_be_cut(&attribute->value)) bt_json_set(object, "may_be_cut", json_true());
  m->failed = m->failed || text.failed;
  bt_buffer_dispose(&text);
  return object;
}

/* ---- lists, which later records add to ---- */

static bool has_equal(const json_t *list, const json_t *item) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (json_equal(json_array_get(list, i), item)) return true;
  return false;
}

/* Takes the item. */
static void add_item(const maker *m, json_t *list, json_t *item) {
  if (m->is_first || !has_equal(list, item)) {
    bt_json_append(list, item);
  } else {
    json_decref(item);
  }
}

static bool has_room(const maker *m, const json_t *list) {
  return m->room && json_array_size(list) < BT_SPAN_LIST_SHOWN;
}

/* Stores that say nothing of what was dropped do not say 0 either. */
static json_t *dropped_json(uint32_t dropped) {
  return dropped == BT_NOT_KEPT ? json_null() : json_integer(dropped);
}

static json_t *empty_attributes(uint32_t dropped) {
  return json_pack("{s:[], s:o}", "items", "dropped", dropped_json(dropped));
}

static void add_attributes(maker *m, const bt_attributes *from, json_t *into) {
  json_t *items = json_object_get(into, "items");
  for (uint32_t i = 0; i < from->count; i++) {
    if (has_room(m, items)) {
      add_item(m, items, attribute_json(m, &from->items[i]));
    } else {
      m->attributes++;
    }
  }
}

static json_t *attributes_json(maker *m, const bt_attributes *from) {
  maker own = *m;
  own.is_first = true;
  json_t *object = empty_attributes(from->dropped);
  add_attributes(&own, from, object);
  own.is_first = m->is_first;
  *m = own;
  return object;
}

static json_t *nanoseconds_json(int64_t ns) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, ns);
  return json_string(text);
}

static void add_events(maker *m, const bt_span *record, json_t *list) {
  for (uint32_t i = 0; i < record->event_count; i++) {
    const bt_event *event = &record->events[i];
    size_t bytes;
    if (!has_room(m, list)) {
      m->events++;
      continue;
    }
    json_t *item = json_object();
    bt_json_set(item, "name", cut_text(m, event->name, &bytes));
    bt_json_set(item, "time_unix_nano", nanoseconds_json(event->time_ns));
    bt_json_set(item, "attributes", attributes_json(m, &event->attributes));
    add_item(m, list, item);
  }
}

static void add_links(maker *m, const bt_span *record, json_t *list) {
  for (uint32_t i = 0; i < record->link_count; i++) {
    const bt_link *link = &record->links[i];
    char trace[BT_TRACE_ID_HEX + 1], span[BT_SPAN_ID_HEX + 1];
    if (!has_room(m, list)) {
      m->links++;
      continue;
    }
    bt_trace_id_format(&link->trace_id, trace);
    bt_span_id_format(&link->span_id, span);
    json_t *item = json_object();
    bt_json_set(item, "trace_id", json_string(trace));
    bt_json_set(item, "span_id", bt_span_id_is_zero(&link->span_id) ? json_null() : json_string(span));
    bt_json_set(item, "attributes", attributes_json(m, &link->attributes));
    add_item(m, list, item);
  }
}

/* ---- spans ---- */

static json_t *begin_span(maker *m, const bt_span *span) {
  size_t bytes;
  json_t *object = json_object(), *scope = json_object();
  bt_json_set(object, "name", cut_text(m, span->name, &bytes));
  bt_json_set(object, "service", cut_text(m, span->resource->service, &bytes));
  bt_json_set(object, "start_unix_nano", nanoseconds_json(span->start_ns));
  bt_json_set(object, "status_message", cut_text(m, span->status_message, &bytes));
  if (bytes) bt_json_set(object, "status_message_bytes", bt_count_json(bytes));
  bt_json_set(object, "trace_state", cut_text(m, span->trace_state, &bytes));
  bt_json_set(object, "attributes", empty_attributes(span->dropped_attributes));
  bt_json_set(object, "resource", empty_attributes(span->resource->attributes.dropped));
  bt_json_set(scope, "name", cut_text(m, span->scope->name, &bytes));
  bt_json_set(scope, "version", cut_text(m, span->scope->version, &bytes));
  bt_json_set(scope, "attributes", empty_attributes(span->scope->attributes.dropped));
  bt_json_set(object, "scope", scope);
  bt_json_set(object, "events", json_array());
  bt_json_set(object, "dropped_events", dropped_json(span->dropped_events));
  bt_json_set(object, "links", json_array());
  bt_json_set(object, "dropped_links", dropped_json(span->dropped_links));
  return object;
}

static void add_record(maker *m, const bt_span *record, json_t *object) {
  add_attributes(m, &record->attributes, json_object_get(object, "attributes"));
  add_attributes(m, &record->resource->attributes, json_object_get(object, "resource"));
  add_attributes(m, &record->scope->attributes, json_object_get(json_object_get(object, "scope"), "attributes"));
  add_events(m, record, json_object_get(object, "events"));
  add_links(m, record, json_object_get(object, "links"));
}

static json_t *span_json(maker *m, const bt_span *span) {
  const bt_span *first = span->unsplit ? span->unsplit : span;
  json_t *object = begin_span(m, first);
  json_int_t records = 0;
  m->attributes = m->events = m->links = 0;
  for (const bt_span *record = first; record; record = record->other, records++) {
    m->is_first = record == first;
    add_record(m, record, object);
  }
  bt_json_set(object, "records", json_integer(records));
  bt_json_set(object, "left_out",
              json_pack("{s:o, s:o, s:o}", "attributes", bt_count_json(m->attributes), "events",
                        bt_count_json(m->events), "links", bt_count_json(m->links)));
  return object;
}

bt_status bt_whole_spans_json(const bt_trace *trace, const bt_span_id *id, json_t **out, bt_error *error) {
  maker m = {.room = BT_SPAN_TEXT_BYTES};
  *out = json_array();
  for (uint32_t i = 0; *out && i < trace->span_count; i++)
    if (!memcmp(trace->spans[i].id.bytes, id->bytes, sizeof id->bytes))
      bt_json_append(*out, span_json(&m, &trace->spans[i]));
  if (*out && !m.failed) return BT_OK;
  json_decref(*out);
  *out = NULL;
  return bt_error_no_memory(error);
}
