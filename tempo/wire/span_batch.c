/* Spans grouped by trace. See span_batch.h. */
#include "tempo/wire/span_batch.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_RECORDS = 8, MOST_RECORDS = 1024, MOST_TRACES = 1 << 30 };

bt_status bt_span_batch_new(size_t cap_bytes, bt_span_batch **out, bt_error *error) {
  *out = NULL;
  bt_span_batch *batch = calloc(1, sizeof *batch);
  if (!batch) return bt_error_no_memory(error);
  bt_build_init(&batch->build, cap_bytes);
  *out = batch;
  return BT_OK;
}

void bt_span_batch_free(bt_span_batch *batch) {
  if (!batch) return;
  bt_build_dispose(&batch->build);
  free(batch->entries);
  bt_table_dispose(&batch->table);
  free(batch->traces);
  free(batch);
}

void bt_span_batch_place(bt_span_batch *batch, const bt_document_place *place) {
  batch->place = *place;
}

void bt_span_batch_only(bt_span_batch *batch, const bt_trace_id *ids, size_t count) {
  batch->only = ids;
  batch->only_count = count;
}

void bt_span_batch_leave_out(bt_span_batch *batch, bt_passed_over *passed) {
  batch->passed = passed;
}

void bt_span_batch_mark_lacking(bt_span_batch *batch, const bt_trace_id *ids, size_t count) {
  for (size_t i = 0; count && i < batch->count; i++)
    if (bsearch(&batch->entries[i].id, ids, count, sizeof *ids, bt_trace_id_order)) batch->entries[i].is_partial = true;
}

bool bt_span_batch_names(const bt_span_batch *batch, const bt_trace_id *id) {
  return bsearch(id, batch->only, batch->only_count, sizeof *batch->only, bt_trace_id_order) != NULL;
}

typedef struct id_halves {
  uint64_t first, second;
} id_halves;

static id_halves halves_of(const bt_trace_id *id) {
  id_halves halves;
  memcpy(&halves, id->bytes, sizeof halves);
  return halves;
}

static bool are_equal(const bt_trace_id *a, const bt_trace_id *b) {
  id_halves x = halves_of(a), y = halves_of(b);
  return ((x.first ^ y.first) | (x.second ^ y.second)) == 0;
}

static bt_status add_entry(bt_span_batch *batch, const bt_trace_id *id, uint64_t hash, bt_error *error) {
  if (batch->count == MOST_TRACES) return bt_error_set(error, BT_LIMIT, "too many traces at once; read fewer");
  bt_batch_entry *entries = bt_grow_array(batch->entries, batch->count, &batch->capacity, sizeof *entries);
  if (entries) batch->entries = entries;
  if (!entries || !bt_table_reserve(&batch->table, batch->count + 1)) return bt_error_no_memory(error);
  bt_table_add(&batch->table, hash, batch->count);
  entries[batch->count] = (bt_batch_entry){.id = *id, .number = (uint32_t)batch->count};
  batch->last = batch->count++;
  return BT_OK;
}

static bt_status find_entry(bt_span_batch *batch, const bt_trace_id *id, bt_error *error) {
  if (batch->count && are_equal(&batch->entries[batch->last].id, id)) return BT_OK;
  uint64_t hash = bt_hash_id(id->bytes);
  bt_table_walk walk = bt_table_find(&batch->table, hash);
  while (bt_table_next(&batch->table, &walk))
    if (are_equal(&batch->entries[walk.number].id, id)) return batch->last = walk.number, BT_OK;
  return add_entry(batch, id, hash, error);
}

bt_status bt_span_batch_open(bt_span_batch *batch, bt_error *error) {
  if (batch->traces) return bt_error_set(error, BT_CONFLICT, "the batch is finished: no document can be added");
  batch->document++;
  return BT_OK;
}

static bool has_no_id(const bt_span *span) {
  uint64_t id;
  memcpy(&id, span->id.bytes, sizeof id);
  return id == 0;
}

static bool is_zero(const bt_trace_id *id) {
  static const bt_trace_id zero = {{0}};
  return are_equal(id, &zero);
}

static bt_status add_chunk(bt_span_batch *batch, bt_error *error) {
  bt_batch_chunk *last = batch->last_chunk;
  uint32_t capacity = last ? last->capacity : FIRST_RECORDS / 2;
  if (capacity < MOST_RECORDS) capacity *= 2;
  bt_batch_chunk *chunk = bt_arena_alloc(&batch->build.arena, sizeof *chunk);
  bt_batch_record *records = chunk ? bt_arena_bare_array(&batch->build.arena, capacity, sizeof *records) : NULL;
  if (!records) return bt_build_no_room(&batch->build, capacity * sizeof *records, error);
  *chunk = (bt_batch_chunk){.records = records, .capacity = capacity};
  if (last)
    last->next = chunk;
  else
    batch->first_chunk = chunk;
  batch->last_chunk = chunk;
  return BT_OK;
}

bt_status bt_span_batch_next(bt_span_batch *batch, bt_span **out, bt_error *error) {
  const bt_batch_chunk *last = batch->last_chunk;
  bt_status status = !last || last->count == last->capacity ? add_chunk(batch, error) : BT_OK;
  if (status == BT_OK) *out = &batch->last_chunk->records[batch->last_chunk->count].span;
  return status;
}

static bt_status refuse_span(const bt_span_batch *batch, const bt_trace_id *id, size_t byte, bt_error *error) {
  if (!batch->passed)
    return bt_error_set(error, BT_INVALID, "byte %zu: a span has no %s id; every span needs a trace id and a span id",
                        byte, is_zero(id) ? "trace" : "span");
  batch->passed->without_id++;
  return bt_passed_over_touch(batch->passed, id, error);
}

bt_status bt_span_batch_take(bt_span_batch *batch, const bt_trace_id *id, size_t byte, bt_error *error) {
  bt_batch_record *record = &batch->last_chunk->records[batch->last_chunk->count];
  if (is_zero(id) || has_no_id(&record->span)) return refuse_span(batch, id, byte, error);
  bt_status status = find_entry(batch, id, error);
  if (status != BT_OK) return status;
  bt_batch_entry *entry = &batch->entries[batch->last];
  record->entry = entry->number;
  batch->last_chunk->count++;
  entry->document = batch->document;
  entry->span_count++;
  batch->span_count++;
  return BT_OK;
}

bt_status bt_span_batch_add(bt_span_batch *batch, const bt_trace_id *id, const bt_span *span, size_t byte,
                            bt_error *error) {
  bt_span *next;
  bt_status status = bt_span_batch_next(batch, &next, error);
  if (status != BT_OK) return status;
  *next = *span;
  return bt_span_batch_take(batch, id, byte, error);
}

void bt_span_batch_mark_partial(bt_span_batch *batch) {
  for (size_t i = 0; i < batch->count; i++)
    if (batch->entries[i].document == batch->document) batch->entries[i].is_partial = true;
}

static int compare_entries(const void *a, const void *b) {
  const bt_trace_id *x = &((const bt_batch_entry *)a)->id, *y = &((const bt_batch_entry *)b)->id;
  uint64_t first = be64toh(halves_of(x).first), other = be64toh(halves_of(y).first); /* which mostly tells */
  return first == other ? bt_trace_id_compare(x, y) : (first > other) - (first < other);
}

/* The spans of one trace after those of another, each trace's in order of arrival. next: by number of entry, where its
 * next span goes. */
static void order_spans(const bt_span_batch *batch, size_t *next, const bt_span **order) {
  size_t start = 0;
  for (size_t i = 0; i < batch->count; i++) {
    next[batch->entries[i].number] = start;
    start += batch->entries[i].span_count;
  }
  for (const bt_batch_chunk *chunk = batch->first_chunk; chunk; chunk = chunk->next)
    for (uint32_t i = 0; i < chunk->count; i++) order[next[chunk->records[i].entry]++] = &chunk->records[i].span;
}

static bt_status build_trace(bt_span_batch *batch, const bt_batch_entry *entry, const bt_span *const *spans,
                             const bt_trace **out, bt_error *error) {
  bt_trace_builder *builder = bt_trace_builder_new_for(&batch->build.arena, &entry->id, entry->span_count);
  bool has_room = builder != NULL;
  for (size_t i = 0; has_room && i < entry->span_count; i++) has_room = bt_trace_builder_add(builder, spans[i]);
  if (!has_room) return bt_build_no_room(&batch->build, entry->span_count * sizeof(bt_span), error);
  if (entry->is_partial) bt_trace_builder_mark_partial(builder);
  *out = bt_trace_builder_finish(builder);
  return BT_OK;
}

static bt_status build_traces(bt_span_batch *batch, const bt_span **order, const bt_trace **traces, bt_error *error) {
  bt_status status = BT_OK;
  const bt_span **spans = order;
  for (size_t i = 0; status == BT_OK && i < batch->count; i++) {
    status = build_trace(batch, &batch->entries[i], spans, &traces[i], error);
    spans += batch->entries[i].span_count;
  }
  return status;
}

bt_status bt_span_batch_finish(bt_span_batch *batch, bt_error *error) {
  if (batch->traces) return BT_OK;
  const bt_trace **traces = bt_realloc_array(NULL, batch->count, sizeof *traces);
  size_t *next = bt_realloc_array(NULL, batch->count, sizeof *next);
  const bt_span **order = bt_realloc_array(NULL, batch->span_count, sizeof *order);
  bt_status status = traces && next && order ? BT_OK : bt_error_no_memory(error);
  if (status == BT_OK) {
    if (batch->count) qsort(batch->entries, batch->count, sizeof *batch->entries, compare_entries);
    order_spans(batch, next, order);
    status = build_traces(batch, order, traces, error);
  }
  free(next);
  free(order);
  if (status != BT_OK) return free(traces), status;
  batch->traces = traces;
  batch->trace_count = batch->count;
  return BT_OK;
}

size_t bt_span_batch_stopped_at(const bt_span_batch *batch) {
  return batch->stopped_at;
}

uint64_t bt_span_batch_span_count(const bt_span_batch *batch) {
  return batch->span_count;
}

size_t bt_span_batch_trace_count(const bt_span_batch *batch) {
  return batch->trace_count;
}

const bt_trace *bt_span_batch_trace(const bt_span_batch *batch, size_t index) {
  return batch->traces[index];
}

const bt_trace *bt_span_batch_find(const bt_span_batch *batch, const bt_trace_id *id) {
  size_t low = 0, high = bt_span_batch_trace_count(batch);
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const bt_trace *trace = bt_span_batch_trace(batch, middle);
    int order = bt_trace_id_compare(&trace->id, id);
    if (order == 0) return trace;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}
