/* A hash table of cells that are also a list by last use. See step_cache.h. */
#include "server/query/step_cache.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/table.h"

enum { FIRST_CELLS = 16 /* bt_grow_array */ };
static const uint32_t NONE = UINT32_MAX; /* no enumerator: those are ints */

typedef struct cell {
  uint64_t series;
  int64_t step, until_ns;
  bt_step_count count;
  uint32_t newer, older; /* by use */
} cell;

struct bt_step_cache {
  size_t most;
  cell *cells; /* those that are used are the first `count` */
  size_t count, capacity;
  bt_table table; /* of cells */
  uint32_t newest, oldest;
  bt_memory_hold hold; /* of the cells and the table */
};

bt_status bt_step_cache_new(size_t most_cells, bt_memory_account *memory, bt_step_cache **out, bt_error *error) {
  *out = NULL;
  bt_step_cache *cache = calloc(1, sizeof *cache);
  if (!cache) return bt_error_no_memory(error);
  cache->most = most_cells < 1 ? 1 : most_cells < NONE ? most_cells : NONE - 1;
  cache->hold = (bt_memory_hold){memory, BT_MEMORY_SERIES, 0};
  cache->newest = cache->oldest = NONE;
  *out = cache;
  return BT_OK;
}

void bt_step_cache_free(bt_step_cache *cache) {
  if (!cache) return;
  free(cache->cells);
  bt_table_dispose(&cache->table);
  bt_memory_hold_shrink(&cache->hold, 0);
  free(cache);
}

/* ---- by use ---- */

static void unlink_use(bt_step_cache *cache, uint32_t index) {
  cell *c = &cache->cells[index];
  if (c->newer == NONE)
    cache->newest = c->older;
  else
    cache->cells[c->newer].older = c->older;
  if (c->older == NONE)
    cache->oldest = c->newer;
  else
    cache->cells[c->older].newer = c->newer;
}

static void link_newest(bt_step_cache *cache, uint32_t index) {
  cell *c = &cache->cells[index];
  c->newer = NONE;
  c->older = cache->newest;
  if (cache->newest == NONE)
    cache->oldest = index;
  else
    cache->cells[cache->newest].newer = index;
  cache->newest = index;
}

/* ---- by key ---- */

static uint64_t hash_of(uint64_t series, int64_t step) {
  return bt_hash_pair(series, (uint64_t)step);
}

static uint32_t find_cell(const bt_step_cache *cache, uint64_t series, int64_t step) {
  bt_table_walk walk = bt_table_find(&cache->table, hash_of(series, step));
  while (bt_table_next(&cache->table, &walk))
    if (cache->cells[walk.number].series == series && cache->cells[walk.number].step == step)
      return (uint32_t)walk.number;
  return NONE;
}

static size_t held_bytes(const bt_step_cache *cache) {
  return cache->capacity * sizeof *cache->cells + bt_table_held_bytes(&cache->table);
}

/* Before there are twice as many cells, and a larger table of them. */
static bool has_room_to_grow(bt_step_cache *cache) {
  size_t cells = cache->count < cache->capacity ? 0 : cache->capacity ? cache->capacity : FIRST_CELLS;
  size_t slots = bt_table_has_room(&cache->table, cache->count + 1) ? 0 : bt_table_bytes(cache->count + 1);
  return bt_memory_hold_grow(&cache->hold, cells * sizeof *cache->cells + slots);
}

static uint32_t take_oldest(bt_step_cache *cache) {
  uint32_t oldest = cache->oldest;
  if (oldest == NONE) return NONE;
  unlink_use(cache, oldest);
  bt_table_remove(&cache->table, hash_of(cache->cells[oldest].series, cache->cells[oldest].step), oldest);
  return oldest;
}

/* A cell that belongs to nobody; NONE without memory. */
static uint32_t take_cell(bt_step_cache *cache) {
  if (cache->count == cache->most || !has_room_to_grow(cache)) return take_oldest(cache);
  cell *cells = bt_grow_array(cache->cells, cache->count, &cache->capacity, sizeof *cells);
  if (cells) cache->cells = cells;
  bool has_room = cells && bt_table_reserve(&cache->table, cache->count + 1);
  bt_memory_hold_shrink(&cache->hold, held_bytes(cache)); /* what could not be allocated is not held */
  if (!has_room) return NONE;
  return (uint32_t)cache->count++;
}

bool bt_step_cache_get(bt_step_cache *cache, uint64_t series, int64_t step, int64_t now_ns, bt_step_count *out) {
  uint32_t index = find_cell(cache, series, step);
  if (index == NONE || cache->cells[index].until_ns <= now_ns) return false;
  unlink_use(cache, index);
  link_newest(cache, index);
  *out = cache->cells[index].count;
  return true;
}

void bt_step_cache_put(bt_step_cache *cache, uint64_t series, int64_t step, int64_t until_ns,
                       const bt_step_count *count) {
  uint32_t index = find_cell(cache, series, step);
  if (index != NONE) {
    unlink_use(cache, index);
  } else {
    index = take_cell(cache);
    if (index == NONE) return;
    cache->cells[index].series = series;
    cache->cells[index].step = step;
    bt_table_add(&cache->table, hash_of(series, step), index);
  }
  cache->cells[index].until_ns = until_ns;
  cache->cells[index].count = *count;
  link_newest(cache, index);
}
