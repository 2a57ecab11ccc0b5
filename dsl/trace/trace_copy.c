/* See trace_copy.h. One walk serves to measure and to copy: without a base nothing is written, and the bytes that it
 * would have taken are counted. */
#include "dsl/trace/trace_copy.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Spans of one resource are apart, because those of all resources stand in order of time: what was copied is looked for
 * among that many. */
enum { REMEMBERED = 16 };

typedef struct shared_copy {
  const void *from;
  void *to;
} shared_copy;

typedef struct walk {
  char *base; /* NULL: measure */
  size_t used;
  shared_copy resources[REMEMBERED], scopes[REMEMBERED];
  shared_copy trace_id; /* mostly all spans have one */
} walk;

/* Where a copy of it is remembered, if it is. Measuring and copying meet the same ones in the same order. */
static shared_copy *copy_of(shared_copy copies[REMEMBERED], const void *from) {
  uintptr_t bits = (uintptr_t)from;
  return &copies[(bits >> 4 ^ bits >> 9) % REMEMBERED];
}

/* Sums cannot overflow: the walk is over memory that exists, except that shared resources count again, less often than
 * there are spans. */
static void *take_memory(walk *w, size_t bytes) {
  size_t at = w->used, unit = alignof(max_align_t);
  w->used += (bytes + unit - 1) / unit * unit;
  return w->base ? w->base + at : NULL;
}

static void copy_text(walk *w, bt_str from, bt_str *to) {
  char *room = from.len ? take_memory(w, from.len) : NULL;
  if (room) memcpy(room, from.ptr, from.len);
  *to = from.len ? (bt_str){room, from.len} : (bt_str){from.ptr ? "" : NULL, 0}; /* NULL: none at all */
}

static void copy_value(walk *w, const bt_value *from, bt_value *to) {
  *to = *from;
  if (from->type == BT_VALUE_STRING) copy_text(w, from->string, &to->string);
  if (from->type != BT_VALUE_ARRAY) return;
  bt_value *items = take_memory(w, from->array.count * sizeof *items), scratch;
  for (uint32_t i = 0; i < from->array.count; i++)
    copy_value(w, &from->array.items[i], items ? &items[i] : &scratch); /* scalars: one level deep */
  to->array.items = items;
}

static void copy_attributes(walk *w, const bt_attributes *from, bt_attributes *to) {
  bt_attribute *items = take_memory(w, from->count * sizeof *items), scratch;
  for (uint32_t i = 0; i < from->count; i++) {
    bt_attribute *item = items ? &items[i] : &scratch;
    copy_text(w, from->items[i].key, &item->key);
    copy_value(w, &from->items[i].value, &item->value);
  }
  *to = (bt_attributes){items, from->count, from->dropped};
}

static const bt_resource *copy_resource(walk *w, const bt_resource *from) {
  shared_copy *copy = copy_of(w->resources, from);
  if (copy->from == from) return copy->to;
  bt_resource *room = take_memory(w, sizeof *room), scratch, *to = room ? room : &scratch;
  copy_text(w, from->service, &to->service);
  copy_attributes(w, &from->attributes, &to->attributes);
  *copy = (shared_copy){from, room};
  return room;
}

static const bt_scope *copy_scope(walk *w, const bt_scope *from) {
  shared_copy *copy = copy_of(w->scopes, from);
  if (copy->from == from) return copy->to;
  bt_scope *room = take_memory(w, sizeof *room), scratch, *to = room ? room : &scratch;
  copy_text(w, from->name, &to->name);
  copy_text(w, from->version, &to->version);
  copy_attributes(w, &from->attributes, &to->attributes);
  *copy = (shared_copy){from, room};
  return room;
}

static const bt_event *copy_events(walk *w, const bt_span *span) {
  bt_event *items = take_memory(w, span->event_count * sizeof *items), scratch;
  for (uint32_t i = 0; i < span->event_count; i++) {
    bt_event *to = items ? &items[i] : &scratch;
    to->time_ns = span->events[i].time_ns;
    copy_text(w, span->events[i].name, &to->name);
    copy_attributes(w, &span->events[i].attributes, &to->attributes);
  }
  return items;
}

static const bt_link *copy_links(walk *w, const bt_span *span) {
  bt_link *items = take_memory(w, span->link_count * sizeof *items), scratch;
  for (uint32_t i = 0; i < span->link_count; i++) {
    bt_link *to = items ? &items[i] : &scratch;
    *to = span->links[i];
    copy_attributes(w, &span->links[i].attributes, &to->attributes);
  }
  return items;
}

static void copy_span(walk *w, const bt_span *from, bt_span *to);

/* Few: BT_RECORDS_MAX. */
static const char *copy_trace_id(walk *w, const char *from) {
  if (!from || w->trace_id.from == from) return from ? w->trace_id.to : NULL;
  char *room = take_memory(w, BT_TRACE_ID_HEX + 1);
  if (room) memcpy(room, from, BT_TRACE_ID_HEX + 1);
  w->trace_id = (shared_copy){from, room};
  return room;
}

static const bt_span *copy_others(walk *w, const bt_span *from) {
  if (!from) return NULL;
  bt_span *room = take_memory(w, sizeof *room), scratch;
  copy_span(w, from, room ? room : &scratch);
  return room;
}

static void copy_span(walk *w, const bt_span *from, bt_span *to) {
  *to = *from;
  copy_text(w, from->name, &to->name);
  copy_text(w, from->status_message, &to->status_message);
  copy_text(w, from->trace_state, &to->trace_state);
  to->trace_id = copy_trace_id(w, from->trace_id);
  to->resource = copy_resource(w, from->resource);
  to->scope = copy_scope(w, from->scope);
  copy_attributes(w, &from->attributes, &to->attributes);
  to->events = copy_events(w, from);
  to->links = copy_links(w, from);
  to->other = copy_others(w, from->other);
  to->unsplit = copy_others(w, from->unsplit);
}

static bt_span *copy_spans(walk *w, const bt_trace *trace) {
  bt_span *spans = take_memory(w, trace->span_count * sizeof *spans), scratch;
  for (uint32_t i = 0; i < trace->span_count; i++) copy_span(w, &trace->spans[i], spans ? &spans[i] : &scratch);
  return spans;
}

size_t bt_trace_copy_bytes(const bt_trace *trace) {
  walk measure = {0};
  (void)copy_spans(&measure, trace);
  return measure.used;
}

bt_span *bt_trace_copy_spans(const bt_trace *trace, void *room) {
  walk copy = {.base = room};
  return trace->span_count ? copy_spans(&copy, trace) : NULL;
}
