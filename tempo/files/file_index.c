/* The index of trace files. See file_index.h. */
#include "tempo/files/file_index.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TRACES = 1 << 30, VALUES = UCHAR_MAX + 1, FEW_TRACES = 48 };

void bt_file_index_dispose(bt_file_index *index) {
  free(index->units);
  free(index->traces);
  free(index->links);
  free(index->trace_links);
  bt_table_dispose(&index->table);
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

/* NULL: there is none. */
static bt_indexed_trace *find_unfinished(const bt_file_index *index, const bt_trace_id *id, uint64_t hash) {
  bt_table_walk walk = bt_table_find(&index->table, hash);
  while (bt_table_next(&index->table, &walk))
    if (bt_trace_id_compare(&index->traces[walk.number].id, id) == 0) return &index->traces[walk.number];
  return NULL;
}

static bt_status add_new(bt_file_index *index, uint64_t hash, const bt_trace_bounds *bounds, uint32_t unit,
                         bt_error *error) {
  if (index->trace_count == MOST_TRACES)
    return bt_error_set(error, BT_LIMIT, "the files hold too many traces; read fewer at once");
  bt_indexed_trace *traces = bt_grow_array(index->traces, index->trace_count, &index->trace_capacity, sizeof *traces);
  if (traces) index->traces = traces;
  if (!traces || !bt_table_reserve(&index->table, index->trace_count + 1)) return bt_error_no_memory(error);
  bt_table_add(&index->table, hash, index->trace_count);
  traces[index->trace_count++] =
      (bt_indexed_trace){.id = bounds->id, .start_ns = bounds->start_ns, .end_ns = bounds->end_ns, .unit = unit};
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
  uint32_t unit = (uint32_t)index->unit_count - 1;
  uint64_t hash = bt_hash_id(bounds->id.bytes);
  bt_indexed_trace *known = find_unfinished(index, &bounds->id, hash);
  *is_new = !known;
  if (!known) return add_new(index, hash, bounds, unit, error);
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
  bt_table_dispose(&index->table);
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
