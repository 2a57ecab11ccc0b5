/* Rows of search answers. See search_rows.h. */
#include "tempo/wire/search_rows.h"

#include <stdlib.h>

#include "tempo/wire/source.h"

/* The most wasteful input of a trace gives some 40 bytes for each of its own. */
enum { MEMORY_FACTOR = 64, LEAST_MEMORY_BYTES = 1 << 20 };
static const int64_t ns_per_ms = 1000000;

void bt_search_rows_init(bt_search_rows *rows, bt_str body, bool with_spans, bt_search_row_sink sink, void *context,
                         bt_search_answer *answer, bt_error *error) {
  size_t memory = body.len > SIZE_MAX / MEMORY_FACTOR - LEAST_MEMORY_BYTES
                      ? SIZE_MAX
                      : body.len * MEMORY_FACTOR + LEAST_MEMORY_BYTES;
  *rows =
      (bt_search_rows){.with_spans = with_spans, .sink = sink, .context = context, .answer = answer, .error = error};
  bt_build_init(&rows->build, memory);
}

void bt_search_rows_dispose(bt_search_rows *rows) {
  bt_build_dispose(&rows->build);
  free(rows->items);
}

void bt_search_rows_begin(bt_search_rows *rows) {
  bt_arena_reset(&rows->build.arena);
  rows->count = rows->set_start = 0;
  rows->has_id = false;
  rows->start_ns = 0;
  rows->duration_ms = 0;
  rows->shown_start_ns = rows->shown_end_ns = 0;
  rows->span_count = rows->entry = 0;
  rows->shown = (bt_shown){0};
}

bt_status bt_search_rows_set_id(bt_search_rows *rows, bt_str hex) {
  static const bt_trace_id zero = {{0}};
  if (!bt_trace_id_parse(hex, &rows->id) || bt_trace_id_compare(&rows->id, &zero) == 0)
    return bt_error_set(rows->error, BT_INVALID,
                        "trace %zu of a search answer: \"%.*s\" is no trace id of 1 to 32 hex digits",
                        rows->answer->trace_count + 1, hex.len < 40 ? (int)hex.len : 40, hex.len ? hex.ptr : "");
  rows->has_id = true;
  return BT_OK;
}

void bt_search_rows_set_root_service(bt_search_rows *rows, bt_str service) {
  bool is_none = bt_str_equal(service, BT_STR("<root span not yet received>"));
  rows->entry = is_none ? BT_ENTRY_UNKNOWN : bt_entry_of(service);
}

bt_status bt_search_rows_set_span_id(bt_search_rows *rows, bt_str hex, bt_span_id *out) {
  if (bt_span_id_parse(hex, out) && !bt_span_id_is_zero(out)) return BT_OK;
  return bt_error_set(rows->error, BT_INVALID,
                      "trace %zu of a search answer: \"%.*s\" is no span id of 1 to 16 hex digits",
                      rows->answer->trace_count + 1, hex.len < 40 ? (int)hex.len : 40, hex.len ? hex.ptr : "");
}

/* A start of 0 is one that nobody set. */
static void show_times(bt_search_rows *rows, int64_t start_ns, int64_t duration_ns) {
  int64_t end_ns = start_ns;
  if (start_ns <= 0) return;
  if (duration_ns > 0 && __builtin_add_overflow(start_ns, duration_ns, &end_ns)) end_ns = INT64_MAX;
  if (!rows->shown_start_ns || start_ns < rows->shown_start_ns) rows->shown_start_ns = start_ns;
  if (end_ns > rows->shown_end_ns) rows->shown_end_ns = end_ns;
}

static void show_values(bt_search_rows *rows, const bt_span_id *id, const bt_attribute *attributes, size_t count) {
  for (size_t i = 0; i < count; i++) bt_shown_add_value(&rows->shown, id, &attributes[i]);
}

void bt_search_rows_show_raw(bt_search_rows *rows, bt_str id, uint64_t start_ns, uint64_t duration_ns) {
  bt_span_id parsed;
  const bt_attribute_list *attributes = &rows->build.span;
  if (bt_span_id_parse(id, &parsed)) {
    bt_shown_add(&rows->shown, &parsed, start_ns, duration_ns);
    show_values(rows, &parsed, attributes->items, attributes->count);
  }
  if (start_ns <= INT64_MAX) show_times(rows, (int64_t)start_ns, bt_search_duration(duration_ns));
}

bt_status bt_search_rows_add(bt_search_rows *rows, bt_search_span *span) {
  if (bt_span_id_is_zero(&span->id))
    return bt_error_set(rows->error, BT_INVALID, "trace %zu of a search answer: a span has no id",
                        rows->answer->trace_count + 1);
  bt_status status = bt_build_attributes(&rows->build, &rows->build.span, &span->attributes, rows->error);
  if (status != BT_OK) return status;
  show_times(rows, span->start_ns, span->duration_ns);
  bt_shown_add(&rows->shown, &span->id, (uint64_t)span->start_ns, (uint64_t)span->duration_ns);
  show_values(rows, &span->id, span->attributes.items, span->attributes.count);
  bt_search_item *items = bt_grow_array(rows->items, rows->count, &rows->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(rows->error);
  rows->items = items;
  items[rows->count++] = (bt_search_item){.span = *span};
  return BT_OK;
}

int64_t bt_search_duration(uint64_t raw_ns) {
  return raw_ns <= INT64_MAX ? (int64_t)raw_ns : -(int64_t)(UINT64_MAX - raw_ns) - 1;
}

void bt_search_rows_add_count(bt_search_rows *rows, uint64_t spans) {
  uint32_t room = UINT32_MAX - rows->span_count;
  rows->span_count += spans < room ? (uint32_t)spans : room;
}

void bt_search_rows_end_set(bt_search_rows *rows, uint64_t matched) {
  uint32_t held = matched < UINT32_MAX ? (uint32_t)matched : UINT32_MAX;
  for (size_t i = rows->set_start; i < rows->count; i++) rows->items[i].matched = held;
  rows->set_start = rows->count;
}

/* Tempo cuts the duration to whole milliseconds: the end is at most one later. */
static bool end_of(const bt_search_rows *rows, int64_t *end_ns) {
  int64_t length_ns;
  return rows->duration_ms <= UINT32_MAX &&
         !__builtin_mul_overflow((int64_t)rows->duration_ms + 1, ns_per_ms, &length_ns) &&
         !__builtin_add_overflow(rows->start_ns, length_ns, end_ns);
}

/* The duration wraps, and the start may be one that nobody set. The spans of the same row have times of their own. */
static void widen_bounds(const bt_search_rows *rows, bt_search_row *row) {
  row->in_doubt = row->start_ns == 0;
  if (row->in_doubt) {
    row->start_ns = rows->shown_start_ns;
    row->end_ns = rows->shown_end_ns;
  }
  if (!rows->shown_start_ns) return;
  if (rows->shown_start_ns < row->start_ns) row->start_ns = rows->shown_start_ns;
  if (rows->shown_end_ns > row->end_ns) row->end_ns = rows->shown_end_ns;
}

bt_status bt_search_rows_end(bt_search_rows *rows) {
  bt_search_row row = {.id = rows->id,
                       .start_ns = rows->start_ns,
                       .span_count = rows->span_count,
                       .entry = rows->entry,
                       .shown = rows->shown};
  size_t number = ++rows->answer->trace_count;
  if (!rows->has_id) return bt_error_set(rows->error, BT_INVALID, "trace %zu of a search answer has no id", number);
  if (!end_of(rows, &row.end_ns))
    return bt_error_set(rows->error, BT_INVALID, "trace %zu of a search answer: its duration is out of range", number);
  widen_bounds(rows, &row);
  bt_status status = rows->sink(rows->context, &row, rows->error);
  for (size_t i = 0; status == BT_OK && i < rows->count; i++) {
    row.span = &rows->items[i].span;
    row.matched = rows->items[i].matched;
    status = rows->sink(rows->context, &row, rows->error);
  }
  return status;
}

bt_status bt_tempo_decode_search(bt_str body, bool is_json, bool with_spans, bt_search_row_sink sink, void *context,
                                 bt_search_answer *answer, bt_error *error) {
  bt_search_rows rows;
  *answer = (bt_search_answer){0};
  bt_search_rows_init(&rows, body, with_spans, sink, context, answer, error);
  bt_status status = is_json ? bt_search_decode_json(&rows, body) : bt_search_decode_protobuf(&rows, body);
  bt_search_rows_dispose(&rows);
  return status;
}
