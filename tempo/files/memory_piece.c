/* Deep copies of spans. See memory_piece.h. One walk serves to measure and to copy: without a base nothing is written,
 * and the bytes that it would have taken are counted. Resources and scopes are copied once for spans in a row that
 * share them, as decoders leave them. */
#include "tempo/files/memory_piece.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/own_trace.h"

typedef struct walk {
  char *base; /* NULL: measure */
  size_t used;
  const bt_resource *resource_from, *resource;
  const bt_scope *scope_from, *scope;
} walk;

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
  *to = (bt_attributes){items, from->count};
}

static const bt_resource *copy_resource(walk *w, const bt_resource *from) {
  if (w->resource_from == from) return w->resource;
  bt_resource *room = take_memory(w, sizeof *room), scratch, *to = room ? room : &scratch;
  copy_text(w, from->service, &to->service);
  copy_attributes(w, &from->attributes, &to->attributes);
  w->resource_from = from;
  return w->resource = room;
}

static const bt_scope *copy_scope(walk *w, const bt_scope *from) {
  if (w->scope_from == from) return w->scope;
  bt_scope *room = take_memory(w, sizeof *room), scratch, *to = room ? room : &scratch;
  copy_text(w, from->name, &to->name);
  copy_text(w, from->version, &to->version);
  copy_attributes(w, &from->attributes, &to->attributes);
  w->scope_from = from;
  return w->scope = room;
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

static void copy_span(walk *w, const bt_span *from, bt_span *to) {
  *to = *from;
  copy_text(w, from->name, &to->name);
  copy_text(w, from->status_message, &to->status_message);
  to->resource = copy_resource(w, from->resource);
  to->scope = copy_scope(w, from->scope);
  copy_attributes(w, &from->attributes, &to->attributes);
  to->events = copy_events(w, from);
  to->links = copy_links(w, from);
}

static void copy_trace(walk *w, const bt_trace *trace) {
  bt_memory_piece *piece = take_memory(w, sizeof *piece);
  bt_span *spans = take_memory(w, trace->span_count * sizeof *spans), scratch;
  for (uint32_t i = 0; i < trace->span_count; i++) copy_span(w, &trace->spans[i], spans ? &spans[i] : &scratch);
  if (!piece) return;
  piece->spans = spans;
  piece->span_count = trace->span_count;
}

size_t bt_memory_piece_bytes(const bt_trace *trace) {
  walk measure = {0};
  copy_trace(&measure, trace);
  return measure.used;
}

static bool may_be_own(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!bt_str_equal(trace->spans[i].resource->service, BT_STR(BT_OWN_SERVICE))) return false;
  return true;
}

bt_memory_piece *bt_memory_piece_new(const bt_trace *trace, size_t bytes) {
  bt_memory_piece *piece = calloc(1, bytes);
  if (!piece) return NULL;
  walk copy = {.base = (char *)piece};
  copy_trace(&copy, trace);
  piece->references = 1;
  piece->depth = 1;
  piece->bytes = bytes;
  piece->id = trace->id;
  piece->may_be_own = may_be_own(trace);
  piece->partial = trace->partial;
  piece->differing_copies = trace->differing_copies;
  int64_t end_ns = bt_trace_end_ns(trace), latest_start_ns = bt_trace_latest_start_ns(trace);
  piece->start_ns = bt_trace_start_ns(trace);
  piece->end_ns = end_ns > latest_start_ns ? end_ns : latest_start_ns; /* a span may end before it starts */
  return piece;
}

void bt_memory_piece_release(bt_memory_piece *piece) {
  while (piece && --piece->references == 0) {
    bt_memory_piece *before = piece->before;
    free(piece);
    piece = before;
  }
}

static bt_status add_spans(const bt_memory_piece *piece, bt_trace_builder *builder, bt_error *error) {
  for (uint32_t i = 0; i < piece->span_count; i++)
    if (!bt_trace_builder_add(builder, &piece->spans[i]))
      return bt_error_set(error, BT_LIMIT, "a trace of so many spans cannot be put together in the memory there is");
  return BT_OK;
}

bt_status bt_memory_piece_add_to(const bt_memory_piece *newest, bt_trace_builder *builder, bt_error *error) {
  uint32_t count = newest->depth;
  const bt_memory_piece **pieces = bt_realloc_array(NULL, count, sizeof *pieces);
  if (!pieces) return bt_error_no_memory(error);
  for (const bt_memory_piece *piece = newest; piece; piece = piece->before) pieces[piece->depth - 1] = piece;
  bt_status status = BT_OK;
  for (uint32_t i = 0; status == BT_OK && i < count; i++) status = add_spans(pieces[i], builder, error);
  free(pieces);
  return status;
}
