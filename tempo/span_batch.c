/* Spans grouped by trace. See span_batch.h. */
#include "tempo/span_batch.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

bt_status bt_span_batch_new(size_t cap_bytes, bt_span_batch **out, bt_error *error) {
  *out = NULL;
  bt_span_batch *batch = calloc(1, sizeof *batch);
  if (!batch) return bt_error_no_memory(error);
  bt_build_init(&batch->build, cap_bytes);
  batch->seed = (uint64_t)(uintptr_t)batch * 0x9E3779B97F4A7C15u;
  *out = batch;
  return BT_OK;
}

void bt_span_batch_free(bt_span_batch *batch) {
  if (!batch) return;
  bt_build_dispose(&batch->build);
  free(batch->entries);
  free(batch->slots);
  free(batch->traces);
  free(batch);
}

void bt_span_batch_keep_texts(bt_span_batch *batch) {
  batch->build.keeps_texts = true;
}

void bt_span_batch_place(bt_span_batch *batch, const bt_document_place *place) {
  batch->place = *place;
}

void bt_span_batch_only(bt_span_batch *batch, const bt_trace_id *ids, size_t count) {
  batch->only = ids;
  batch->only_count = count;
}

static int compare_ids(const void *a, const void *b) {
  return bt_trace_id_compare(a, b);
}

bool bt_span_batch_wants(const bt_span_batch *batch, const bt_trace_id *id) {
  return !batch->only || bsearch(id, batch->only, batch->only_count, sizeof *batch->only, compare_ids) != NULL;
}

size_t bt_span_batch_memory_bytes(const bt_span_batch *batch) {
  return batch->build.arena.total_bytes;
}

/* Seeded, so that nobody can choose ids that fall into one slot. */
static size_t slot_of(const bt_span_batch *batch, const bt_trace_id *id) {
  uint64_t halves[2];
  memcpy(halves, id->bytes, sizeof halves);
  uint64_t bits = (halves[0] ^ batch->seed) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32) ^ halves[1]) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u;
  return (size_t)(bits ^ (bits >> 32)) & (batch->slot_count - 1);
}

/* The slot that holds the trace, or the free one where it belongs. */
static size_t find_slot(const bt_span_batch *batch, const bt_trace_id *id) {
  size_t slot = slot_of(batch, id);
  while (batch->slots[slot] && bt_trace_id_compare(&batch->entries[batch->slots[slot] - 1].id, id) != 0)
    slot = (slot + 1) & (batch->slot_count - 1);
  return slot;
}

static bt_status grow_slots(bt_span_batch *batch, bt_error *error) {
  size_t count = batch->slot_count ? batch->slot_count * 2 : FIRST_SLOTS;
  if (count > UINT32_MAX) return bt_error_set(error, BT_LIMIT, "too many traces at once; read fewer");
  uint32_t *slots = calloc(count, sizeof *slots);
  if (!slots) return bt_error_no_memory(error);
  free(batch->slots);
  batch->slots = slots;
  batch->slot_count = count;
  for (size_t i = 0; i < batch->count; i++) slots[find_slot(batch, &batch->entries[i].id)] = (uint32_t)(i + 1);
  return BT_OK;
}

/* A builder asks for twice what it has, and a little at the start. */
static bt_status no_room_for_spans(const bt_span_batch *batch, bt_error *error) {
  return bt_build_no_room(&batch->build, (batch->span_count + 16) * 2 * sizeof(bt_span), error);
}

static bt_status add_entry(bt_span_batch *batch, const bt_trace_id *id, bt_error *error) {
  bt_batch_entry *entries = bt_grow_array(batch->entries, batch->count, &batch->capacity, sizeof *entries);
  if (!entries) return bt_error_no_memory(error);
  batch->entries = entries;
  bt_trace_builder *builder = bt_trace_builder_new(&batch->build.arena, id);
  if (!builder) return no_room_for_spans(batch, error);
  entries[batch->count] = (bt_batch_entry){.id = *id, .builder = builder};
  batch->last = batch->count++;
  return BT_OK;
}

static bt_status find_entry(bt_span_batch *batch, const bt_trace_id *id, bt_error *error) {
  if (batch->count && bt_trace_id_compare(&batch->entries[batch->last].id, id) == 0) return BT_OK;
  if (batch->count * 2 >= batch->slot_count) {
    bt_status status = grow_slots(batch, error);
    if (status != BT_OK) return status;
  }
  size_t slot = find_slot(batch, id);
  if (batch->slots[slot]) {
    batch->last = batch->slots[slot] - 1;
    return BT_OK;
  }
  bt_status status = add_entry(batch, id, error);
  if (status == BT_OK) batch->slots[slot] = (uint32_t)batch->count;
  return status;
}

bt_status bt_span_batch_open(bt_span_batch *batch, bt_error *error) {
  if (batch->traces) return bt_error_set(error, BT_CONFLICT, "the batch is finished: no document can be added");
  batch->document++;
  return BT_OK;
}

static bool is_zero(const bt_trace_id *id) {
  static const bt_trace_id zero = {{0}};
  return bt_trace_id_compare(id, &zero) == 0;
}

bt_status bt_span_batch_add(bt_span_batch *batch, const bt_trace_id *id, const bt_span *span, size_t byte,
                            bt_error *error) {
  if (is_zero(id) || bt_span_id_is_zero(&span->id))
    return bt_error_set(error, BT_INVALID, "byte %zu: a span has no %s id; every span needs a trace id and a span id",
                        byte, is_zero(id) ? "trace" : "span");
  bt_status status = find_entry(batch, id, error);
  if (status != BT_OK) return status;
  bt_batch_entry *entry = &batch->entries[batch->last];
  entry->document = batch->document;
  batch->span_count++;
  return bt_trace_builder_add(entry->builder, span) ? BT_OK : no_room_for_spans(batch, error);
}

void bt_span_batch_mark_partial(bt_span_batch *batch) {
  for (size_t i = 0; i < batch->count; i++)
    if (batch->entries[i].document == batch->document) bt_trace_builder_mark_partial(batch->entries[i].builder);
}

static int compare_entries(const void *a, const void *b) {
  return bt_trace_id_compare(&((const bt_batch_entry *)a)->id, &((const bt_batch_entry *)b)->id);
}

bt_status bt_span_batch_finish(bt_span_batch *batch, bt_error *error) {
  if (batch->traces) return BT_OK;
  const bt_trace **traces = bt_realloc_array(NULL, batch->count, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  if (batch->count) qsort(batch->entries, batch->count, sizeof *batch->entries, compare_entries);
  for (size_t i = 0; i < batch->count; i++) traces[i] = bt_trace_builder_finish(batch->entries[i].builder);
  batch->traces = traces;
  batch->trace_count = batch->count;
  return BT_OK;
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
