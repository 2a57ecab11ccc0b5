/* The index of trace files. See file_index.h. */
#include "tempo/files/file_index.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256, VALUES = UCHAR_MAX + 1, FEW_TRACES = 48 };

void bt_file_index_dispose(bt_file_index *index) {
  free(index->units);
  free(index->traces);
  free(index->links);
  free(index->trace_links);
  free(index->slots);
  *index = (bt_file_index){0};
}

bt_status bt_file_index_add_unit(bt_file_index *index, const bt_indexed_unit *unit, bt_error *error) {
  if (index->unit_count >= UINT32_MAX - 1)
    return bt_error_set(error, BT_LIMIT, "the files hold too many documents; read fewer at once");
  bt_indexed_unit *units = bt_grow_array(index->units, index->unit_count, &index->unit_capacity, sizeof *units);
  if (!units) return bt_error_no_memory(error);
  index->units = units;
  units[index->unit_count++] = *unit;
  return BT_OK;
}

/* Seeded, so that nobody can choose ids that fall into one slot. */
static size_t slot_of(const bt_file_index *index, const bt_trace_id *id) {
  uint64_t halves[2];
  memcpy(halves, id->bytes, sizeof halves);
  uint64_t bits = (halves[0] ^ index->seed) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32) ^ halves[1]) * 0xD6E8FEB86659FD93u;
  return (size_t)(bits ^ (bits >> 32)) & (index->slot_count - 1);
}

/* The slot that holds the trace, or the free one where it belongs. */
static size_t find_slot(const bt_file_index *index, const bt_trace_id *id) {
  size_t slot = slot_of(index, id);
  while (index->slots[slot] && bt_trace_id_compare(&index->traces[index->slots[slot] - 1].id, id) != 0)
    slot = (slot + 1) & (index->slot_count - 1);
  return slot;
}

static bt_status grow_slots(bt_file_index *index, bt_error *error) {
  size_t count = index->slot_count ? index->slot_count * 2 : FIRST_SLOTS;
  if (count > (size_t)UINT32_MAX)
    return bt_error_set(error, BT_LIMIT, "the files hold too many traces; read fewer at once");
  uint32_t *slots = calloc(count, sizeof *slots);
  if (!slots) return bt_error_no_memory(error);
  free(index->slots);
  index->slots = slots;
  index->slot_count = count;
  index->seed = (uint64_t)(uintptr_t)slots * 0x9E3779B97F4A7C15u;
  for (size_t i = 0; i < index->trace_count; i++) slots[find_slot(index, &index->traces[i].id)] = (uint32_t)(i + 1);
  return BT_OK;
}

static bt_status add_new(bt_file_index *index, size_t slot, const bt_trace_bounds *bounds, uint32_t unit,
                         bt_error *error) {
  bt_indexed_trace *traces = bt_grow_array(index->traces, index->trace_count, &index->trace_capacity, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  index->traces = traces;
  traces[index->trace_count++] =
      (bt_indexed_trace){.id = bounds->id, .start_ns = bounds->start_ns, .end_ns = bounds->end_ns, .unit = unit};
  index->slots[slot] = (uint32_t)index->trace_count;
  return BT_OK;
}

static bt_status add_link(bt_file_index *index, bt_indexed_trace *known, uint32_t unit, bt_error *error) {
  uint32_t newest = known->more ? index->links[known->more - 1].unit : known->unit;
  if (newest == unit) return BT_OK;
  if (index->link_count >= UINT32_MAX - 1)
    return bt_error_set(error, BT_LIMIT, "the traces lie in too many documents; read fewer files at once");
  bt_unit_link *links = bt_grow_array(index->links, index->link_count, &index->link_capacity, sizeof *links);
  if (!links) return bt_error_no_memory(error);
  index->links = links;
  links[index->link_count++] = (bt_unit_link){.unit = unit, .next = known->more};
  known->more = (uint32_t)index->link_count;
  return BT_OK;
}

bt_status bt_file_index_add_trace_links(bt_file_index *index, const bt_trace_link *links, size_t count,
                                        bt_error *error) {
  for (size_t i = 0; i < count; i++) {
    bt_trace_link *grown =
        bt_grow_array(index->trace_links, index->trace_link_count, &index->trace_link_capacity, sizeof *grown);
    if (!grown) return bt_error_no_memory(error);
    index->trace_links = grown;
    grown[index->trace_link_count++] = links[i];
  }
  return BT_OK;
}

bt_status bt_file_index_add_trace(bt_file_index *index, const bt_trace_bounds *bounds, bool *is_new, bt_error *error) {
  *is_new = false;
  if (index->trace_count * 2 >= index->slot_count) {
    bt_status status = grow_slots(index, error);
    if (status != BT_OK) return status;
  }
  uint32_t unit = (uint32_t)index->unit_count - 1;
  size_t slot = find_slot(index, &bounds->id);
  *is_new = index->slots[slot] == 0;
  if (*is_new) return add_new(index, slot, bounds, unit, error);
  bt_indexed_trace *known = &index->traces[index->slots[slot] - 1];
  if (bounds->start_ns && (!known->start_ns || bounds->start_ns < known->start_ns)) known->start_ns = bounds->start_ns;
  if (bounds->end_ns > known->end_ns) known->end_ns = bounds->end_ns;
  return add_link(index, known, unit, error);
}

static int compare_traces(const void *a, const void *b) {
  return bt_trace_id_compare(&((const bt_indexed_trace *)a)->id, &((const bt_indexed_trace *)b)->id);
}

static void swap_traces(bt_indexed_trace *a, bt_indexed_trace *b) {
  bt_indexed_trace kept = *a;
  *a = *b;
  *b = kept;
}

/* Puts the traces in order of one byte of their ids, in place. ends: where those with each value end. */
static void sort_by_byte(bt_indexed_trace *traces, size_t count, size_t byte, size_t ends[VALUES]) {
  size_t next[VALUES] = {0}, at = 0;
  for (size_t i = 0; i < count; i++) next[traces[i].id.bytes[byte]]++;
  for (size_t value = 0; value < VALUES; value++) {
    size_t of_value = next[value];
    next[value] = at;
    at += of_value;
    ends[value] = at;
  }
  for (size_t value = 0; value < VALUES; value++)
    while (next[value] < ends[value]) {
      bt_indexed_trace *trace = &traces[next[value]];
      size_t own = trace->id.bytes[byte];
      swap_traces(trace, &traces[next[own]++]); /* with itself where it lies right */
    }
}

/* All have the bytes before this one in common. A sort that compares takes several times as long, and nobody else works
 * meanwhile. */
static void sort_traces(bt_indexed_trace *traces, size_t count, size_t byte) {
  size_t ends[VALUES];
  if (count <= FEW_TRACES || byte == sizeof traces->id.bytes) {
    if (count > 1) qsort(traces, count, sizeof *traces, compare_traces);
    return;
  }
  sort_by_byte(traces, count, byte, ends);
  for (size_t value = 0, start = 0; value < VALUES; start = ends[value++])
    sort_traces(traces + start, ends[value] - start, byte + 1);
}

static int compare_links(const void *a, const void *b) {
  return memcmp(a, b, sizeof(bt_trace_link)); /* bytes alone: nothing lies between them */
}

static void finish_links(bt_file_index *index) {
  bt_trace_link *links = index->trace_links;
  size_t kept = 0;
  if (index->trace_link_count) qsort(links, index->trace_link_count, sizeof *links, compare_links);
  for (size_t i = 0; i < index->trace_link_count; i++)
    if (!kept || compare_links(&links[kept - 1], &links[i]) != 0) links[kept++] = links[i];
  index->trace_link_count = kept;
}

void bt_file_index_finish(bt_file_index *index) {
  finish_links(index);
  free(index->slots);
  index->slots = NULL;
  index->slot_count = 0;
  sort_traces(index->traces, index->trace_count, 0);
}

const bt_indexed_trace *bt_file_index_find(const bt_file_index *index, const bt_trace_id *id) {
  if (!index->trace_count) return NULL;
  bt_indexed_trace key = {.id = *id};
  return bsearch(&key, index->traces, index->trace_count, sizeof *index->traces, compare_traces);
}

const bt_trace_link *bt_file_index_links_to(const bt_file_index *index, const bt_trace_id *id) {
  size_t first = 0, end = index->trace_link_count;
  while (first < end) {
    size_t middle = first + (end - first) / 2;
    if (bt_trace_id_compare(&index->trace_links[middle].to, id) < 0)
      first = middle + 1;
    else
      end = middle;
  }
  bool is_there = first < index->trace_link_count && bt_trace_id_compare(&index->trace_links[first].to, id) == 0;
  return is_there ? &index->trace_links[first] : NULL;
}

void bt_file_index_remove(bt_file_index *index, const bt_trace_id *ids, size_t count) {
  size_t kept = 0, next = 0;
  for (size_t i = 0; i < index->trace_count; i++) {
    const bt_trace_id *id = &index->traces[i].id;
    while (next < count && bt_trace_id_compare(&ids[next], id) < 0) next++;
    bool goes = next < count && bt_trace_id_compare(&ids[next], id) == 0;
    if (!goes) index->traces[kept++] = index->traces[i];
  }
  index->trace_count = kept;
}
