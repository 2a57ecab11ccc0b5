/* Decoding rows of spans. See span_rows.h. */
#include "tempo/clickhouse/span_rows.h"

#include <string.h>

#include "tempo/wire/span_batch.h"
#include "tempo/wire/span_words.h"

bool bt_row_stop(bt_span_rows *rows, bt_status status) {
  rows->status = status;
  return false;
}

bool bt_row_stop_at(bt_span_rows *rows, const char *what, bt_str text) {
  return bt_row_stop(rows,
                     bt_error_set(&rows->error, BT_INVALID, "a span in the table has %s that cannot be read: %.*s",
                                  what, (int)(text.len < 40 ? text.len : 40), text.ptr ? text.ptr : ""));
}

bool bt_row_take_text(bt_span_rows *rows, bt_row_reader *reader, bt_str *out) {
  bt_status status = bt_build_text(&rows->batch->build, bt_row_text(reader), out, &rows->error);
  return status == BT_OK || bt_row_stop(rows, status);
}

/* ---- attributes ---- */

/* take NULL: the table does not keep them. */
static bool take_attributes(bt_span_rows *rows, bt_row_reader *reader, bt_row_attributes take, bt_attribute_list *list,
                            bt_attributes *out) {
  if (!take) out->dropped = BT_NOT_KEPT;
  list->count = 0;
  if (take && !take(rows, reader, list)) return false;
  bt_status status = bt_build_attributes(&rows->batch->build, list, out, &rows->error);
  return status == BT_OK || bt_row_stop(rows, status);
}

/* Texts and attributes say their own length: what begins with the same bytes is the same. */
static bool take_same(const bt_row_before *before, bt_row_reader *reader) {
  size_t length = before->bytes.len;
  bool is_same = before->value && (size_t)(reader->end - reader->at) >= length &&
                 memcmp(reader->at, before->bytes.ptr, length) == 0;
  if (is_same) reader->at += length;
  return is_same;
}

static bool take_resource(bt_span_rows *rows, bt_row_reader *reader, bt_str service, bt_span *span) {
  if (bt_str_equal(service, rows->resource_service) && take_same(&rows->resource, reader)) {
    span->resource = rows->resource.value;
    return true;
  }
  bt_build *build = &rows->batch->build;
  bt_resource *resource = bt_arena_alloc(&build->arena, sizeof *resource);
  if (!resource) return bt_row_stop(rows, bt_build_no_room(build, sizeof *resource, &rows->error));
  *resource = (bt_resource){0};
  const char *begin = reader->at;
  if (!take_attributes(rows, reader, rows->form->resource, &build->resource, &resource->attributes)) return false;
  if (service.len) resource->service = service;
  rows->resource = (bt_row_before){resource, {begin, (size_t)(reader->at - begin)}};
  rows->resource_service = service;
  span->resource = resource;
  return true;
}

static bool take_scope(bt_span_rows *rows, bt_row_reader *reader, bt_span *span) {
  bt_build *build = &rows->batch->build;
  const char *begin = reader->at;
  if (take_same(&rows->scope, reader)) {
    span->scope = rows->scope.value;
    return true;
  }
  bt_scope *scope = bt_arena_alloc(&build->arena, sizeof *scope);
  if (!scope) return bt_row_stop(rows, bt_build_no_room(build, sizeof *scope, &rows->error));
  *scope = (bt_scope){.attributes.dropped = BT_NOT_KEPT};
  span->scope = scope;
  if (!bt_row_take_text(rows, reader, &scope->name) || !bt_row_take_text(rows, reader, &scope->version) ||
      !take_attributes(rows, reader, rows->form->scope, &build->scope, &scope->attributes))
    return false;
  rows->scope = (bt_row_before){scope, {begin, (size_t)(reader->at - begin)}};
  return true;
}

/* ---- kinds and statuses ---- */

static bool take_kind(bt_span_rows *rows, bt_row_reader *reader, bt_span *span) {
  bt_str text = bt_row_text(reader);
  return bt_span_kind_of(text, &span->kind) || bt_row_stop_at(rows, "a kind", text);
}

static bool take_status(bt_span_rows *rows, bt_row_reader *reader, bt_span *span) {
  bt_str text = bt_row_text(reader);
  if (!bt_span_status_of(text, &span->status)) return bt_row_stop_at(rows, "a status", text);
  return bt_row_take_text(rows, reader, &span->status_message);
}

/* ---- ids ---- */

/* '' is none. */
static bool take_span_id(bt_span_rows *rows, bt_row_reader *reader, bt_span_id *out) {
  bt_str text = bt_row_text(reader);
  *out = (bt_span_id){0};
  return !text.len || bt_span_id_parse(text, out) || bt_row_stop_at(rows, "an id", text);
}

static bool take_trace_id(bt_span_rows *rows, bt_row_reader *reader, bt_trace_id *out) {
  bt_str text = bt_row_text(reader);
  *out = (bt_trace_id){0};
  return !text.len || bt_trace_id_parse(text, out) || bt_row_stop_at(rows, "a trace id", text);
}

/* ---- events and links: lists beside each other ---- */

static bool take_event_times(bt_span_rows *rows, bt_row_reader *reader) {
  size_t count = bt_row_count(reader);
  for (size_t i = 0; i < count; i++) {
    bt_event event = {.time_ns = bt_row_int64(reader)};
    bt_status status = bt_build_add_event(&rows->batch->build, &event, &rows->error);
    if (status != BT_OK) return bt_row_stop(rows, status);
  }
  return true;
}

static bool take_events(bt_span_rows *rows, bt_row_reader *reader, bt_span *span) {
  bt_build *build = &rows->batch->build;
  build->events.count = 0;
  if (!take_event_times(rows, reader)) return false;
  size_t count = build->events.count;
  if (bt_row_count(reader) != count) return bt_row_stop_at(rows, "events", BT_STR("lists of different lengths"));
  for (size_t i = 0; i < count; i++)
    if (!bt_row_take_text(rows, reader, &build->events.items[i].name)) return false;
  if (bt_row_count(reader) != count) return bt_row_stop_at(rows, "events", BT_STR("lists of different lengths"));
  for (size_t i = 0; i < count; i++)
    if (!take_attributes(rows, reader, rows->form->event, &build->event, &build->events.items[i].attributes))
      return false;
  bt_status status = bt_build_events(build, span, &rows->error);
  return status == BT_OK || bt_row_stop(rows, status);
}

static bool take_link_traces(bt_span_rows *rows, bt_row_reader *reader) {
  size_t count = bt_row_count(reader);
  for (size_t i = 0; i < count; i++) {
    bt_link link = {0};
    if (!take_trace_id(rows, reader, &link.trace_id)) return false;
    bt_status status = bt_build_add_link(&rows->batch->build, &link, &rows->error);
    if (status != BT_OK) return bt_row_stop(rows, status);
  }
  return true;
}

static bool take_links(bt_span_rows *rows, bt_row_reader *reader, bt_span *span) {
  bt_build *build = &rows->batch->build;
  build->links.count = 0;
  if (!take_link_traces(rows, reader)) return false;
  size_t count = build->links.count;
  if (bt_row_count(reader) != count) return bt_row_stop_at(rows, "links", BT_STR("lists of different lengths"));
  for (size_t i = 0; i < count; i++)
    if (!take_span_id(rows, reader, &build->links.items[i].span_id)) return false;
  if (rows->form->link && bt_row_count(reader) != count)
    return bt_row_stop_at(rows, "links", BT_STR("lists of different lengths"));
  for (size_t i = 0; i < count; i++)
    if (!take_attributes(rows, reader, rows->form->link, &build->link, &build->links.items[i].attributes)) return false;
  bt_status status = bt_build_links(build, span, &rows->error);
  return status == BT_OK || bt_row_stop(rows, status);
}

/* ---- a row ---- */

/* A span that ends before it starts has a duration that wrapped; as a signed number it is right. */
static bool take_times(bt_span_rows *rows, bt_row_reader *reader, bt_span *span) {
  int64_t duration_ns;
  span->start_ns = bt_row_int64(reader);
  duration_ns = bt_row_int64(reader);
  if (span->start_ns < 0 || __builtin_add_overflow(span->start_ns, duration_ns, &span->end_ns) || span->end_ns < 0)
    return bt_row_stop_at(rows, "a time", BT_STR("before 1970 or after 2262"));
  return true;
}

static bool take_flags(bt_span_rows *rows, bt_row_reader *reader, bt_span *span) {
  if (rows->form->has_flags) span->flags = (uint32_t)bt_row_int64(reader);
  bool is_right = !rows->form->has_check || bt_row_byte(reader) != 0;
  return is_right || reader->failed || bt_row_stop_at(rows, "events or links", BT_STR("no JSON"));
}

bool bt_span_rows_take(void *context, bt_row_reader *reader) {
  bt_span_rows *rows = context;
  bt_build *build = &rows->batch->build;
  bt_trace_id id;
  bt_str service;
  bt_span *span = NULL;
  bt_status status = bt_span_batch_next(rows->batch, &span, &rows->error);
  if (status != BT_OK) return bt_row_stop(rows, status);
  *span = (bt_span){0};
  bool is_read = take_trace_id(rows, reader, &id) && take_span_id(rows, reader, &span->id) &&
                 take_span_id(rows, reader, &span->parent_id) && bt_row_take_text(rows, reader, &span->trace_state) &&
                 bt_row_take_text(rows, reader, &span->name) && take_kind(rows, reader, span) &&
                 bt_row_take_text(rows, reader, &service) && take_resource(rows, reader, service, span) &&
                 take_scope(rows, reader, span) &&
                 take_attributes(rows, reader, rows->form->span, &build->span, &span->attributes) &&
                 take_times(rows, reader, span) && take_status(rows, reader, span) && take_flags(rows, reader, span) &&
                 take_events(rows, reader, span) && take_links(rows, reader, span);
  if (!is_read || reader->failed) return false;
  status = bt_span_batch_take(rows->batch, &id, 0, &rows->error);
  return status == BT_OK || bt_row_stop(rows, status);
}
