/* The ids of a read in batches. See batch_ids.h. */
#include "tempo/api/batch_ids.h"

#include <stdlib.h>

enum {
  /* What a trace costs Tempo, in units of about 60 µs of its processor (2.8; 3.0, which answers in protobuf, takes half
   * of it for small ones): so much for any, one for each span, and the square of them divided. */
  TRACE_UNITS = 8,
  SQUARE_SHARE = 32,
  BATCH_UNITS = 65536, /* some 4 s; a thousand traces of 25 spans */
  ASSUMED_SPANS = 16   /* where nothing is known */
};

static int compare_places(const void *a, const void *b, void *ids) {
  size_t x = *(const size_t *)a, y = *(const size_t *)b;
  int by_id = bt_trace_id_compare((const bt_trace_id *)ids + x, (const bt_trace_id *)ids + y);
  return by_id ? by_id : (x > y) - (x < y);
}

static void add_place(bt_read_ids *read, const bt_read_request *request, size_t place) {
  const bt_trace_id *id = &request->ids[read->order[place]];
  uint32_t spans = request->span_counts ? request->span_counts[read->order[place]] : 0;
  bool is_new = !read->count || bt_trace_id_compare(&read->ids[read->count - 1], id) != 0;
  if (is_new) {
    read->ids[read->count] = *id;
    read->spans[read->count] = 0;
    read->places[read->count++].first = place;
  }
  size_t last = read->count - 1;
  read->places[last].end = place + 1;
  if (spans > read->spans[last]) read->spans[last] = spans;
}

bool bt_read_ids_init(bt_read_ids *read, const bt_read_request *request) {
  size_t count = request->count;
  *read = (bt_read_ids){.order = bt_realloc_array(NULL, count, sizeof *read->order),
                        .ids = bt_realloc_array(NULL, count, sizeof *read->ids),
                        .spans = bt_realloc_array(NULL, count, sizeof *read->spans),
                        .places = bt_realloc_array(NULL, count, sizeof *read->places)};
  if (!read->order || !read->ids || !read->spans || !read->places) return false;
  for (size_t i = 0; i < count; i++) read->order[i] = i;
  qsort_r(read->order, count, sizeof *read->order, compare_places, (void *)(uintptr_t)request->ids);
  for (size_t i = 0; i < count; i++) add_place(read, request, i);
  return true;
}

void bt_read_ids_dispose(bt_read_ids *read) {
  free(read->order);
  free(read->ids);
  free(read->spans);
  free(read->places);
  *read = (bt_read_ids){0};
}

static uint64_t units_of(uint32_t known_spans) {
  uint64_t spans = known_spans ? known_spans : ASSUMED_SPANS;
  return TRACE_UNITS + spans + spans * spans / SQUARE_SHARE;
}

size_t bt_read_ids_fit(const bt_read_ids *read, size_t first, size_t count, size_t most) {
  uint64_t units = 0;
  size_t fitting = 0;
  if (count > most) count = most;
  while (fitting < count && (units += units_of(read->spans[first + fitting])) <= BATCH_UNITS) fitting++;
  return fitting ? fitting : 1;
}

bool bt_read_ids_is_large(const bt_read_ids *read, size_t index) {
  return read->spans[index] >= BT_READ_LARGE_FROM;
}

void bt_read_ids_move(bt_read_ids *read, size_t from, size_t to) {
  read->ids[to] = read->ids[from];
  read->spans[to] = read->spans[from];
  read->places[to] = read->places[from];
}
