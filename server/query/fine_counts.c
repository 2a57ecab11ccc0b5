/* One array of counts and its table. See fine_counts.h. */
#include "server/query/fine_counts.h"

#include <stdlib.h>

static bt_fine_count *find_count(const bt_fine_counts *counts, uint64_t hash, size_t series, int64_t step) {
  bt_table_walk walk = bt_table_find(&counts->by_key, hash);
  while (bt_table_next(&counts->by_key, &walk)) {
    bt_fine_count *one = &counts->items[walk.number];
    if (one->series == series && one->step == step) return one;
  }
  return NULL;
}

static bt_fine_count *add_count(bt_fine_counts *counts, uint64_t hash) {
  if (!bt_memory_hold_grow(&counts->hold, 2 * sizeof(bt_fine_count) + bt_table_bytes(1))) return NULL;
  bt_fine_count *items = bt_grow_array(counts->items, counts->count, &counts->capacity, sizeof *items);
  if (items) counts->items = items;
  if (!items || !bt_table_reserve(&counts->by_key, counts->count + 1)) return NULL;
  bt_table_add(&counts->by_key, hash, counts->count);
  return &items[counts->count++];
}

void bt_fine_counts_add(bt_fine_counts *counts, size_t series, int64_t step) {
  uint64_t hash = bt_hash_pair(series, (uint64_t)step);
  bt_fine_count *one = find_count(counts, hash, series, step);
  if (!one && (one = add_count(counts, hash))) *one = (bt_fine_count){.series = series, .step = step};
  if (one)
    one->count++;
  else
    counts->lacks_room = true;
}

uint64_t bt_fine_counts_get(const bt_fine_counts *counts, size_t series, int64_t step) {
  const bt_fine_count *one = find_count(counts, bt_hash_pair(series, (uint64_t)step), series, step);
  return one ? one->count : 0;
}

void bt_fine_counts_dispose(bt_fine_counts *counts) {
  free(counts->items);
  bt_table_dispose(&counts->by_key);
  bt_memory_hold_shrink(&counts->hold, 0);
  *counts = (bt_fine_counts){0};
}
