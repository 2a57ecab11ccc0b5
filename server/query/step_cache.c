/* A chained hash table of cells that are also a list by last use. See step_cache.h. */
#include "server/query/step_cache.h"

#include <stdlib.h>

#include "dsl/arena.h"

enum { FIRST_BUCKETS = 256, FIRST_CELLS = 16 /* bt_grow_array */ };
static const uint32_t NONE = UINT32_MAX; /* no enumerator: those are ints */

typedef struct cell {
  uint64_t series;
  int64_t step, until_ns;
  bt_step_count count;
  uint32_t next;         /* in its bucket */
  uint32_t newer, older; /* by use */
} cell;

struct bt_step_cache {
  size_t most;
  cell *cells; /* those that are used are the first `count` */
  size_t count, capacity;
  uint32_t *buckets;
  size_t bucket_count; /* a power of two */
  uint32_t newest, oldest;
  bt_memory_hold hold; /* of the cells and the buckets */
};

static size_t bucket_of(const bt_step_cache *cache, uint64_t series, int64_t step) {
  uint64_t hash = (series * 0x9E3779B97F4A7C15u) ^ (uint64_t)step;
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9u;
  return (size_t)(hash ^ (hash >> 27)) & (cache->bucket_count - 1);
}

static void clear_buckets(bt_step_cache *cache) {
  for (size_t i = 0; i < cache->bucket_count; i++) cache->buckets[i] = NONE;
}

bt_status bt_step_cache_new(size_t most_cells, bt_memory_account *memory, bt_step_cache **out, bt_error *error) {
  *out = NULL;
  bt_step_cache *cache = calloc(1, sizeof *cache);
  if (!cache) return bt_error_no_memory(error);
  cache->most = most_cells < 1 ? 1 : most_cells < NONE ? most_cells : NONE - 1;
  cache->hold = (bt_memory_hold){memory, BT_MEMORY_SERIES, 0};
  cache->newest = cache->oldest = NONE;
  cache->bucket_count = FIRST_BUCKETS;
  cache->buckets = bt_realloc_array(NULL, cache->bucket_count, sizeof *cache->buckets);
  if (!cache->buckets) {
    free(cache);
    return bt_error_no_memory(error);
  }
  clear_buckets(cache);
  *out = cache;
  return BT_OK;
}

void bt_step_cache_free(bt_step_cache *cache) {
  if (!cache) return;
  free(cache->cells);
  free(cache->buckets);
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

static uint32_t find_cell(const bt_step_cache *cache, uint64_t series, int64_t step) {
  uint32_t index = cache->buckets[bucket_of(cache, series, step)];
  while (index != NONE && (cache->cells[index].series != series || cache->cells[index].step != step))
    index = cache->cells[index].next;
  return index;
}

static void link_key(bt_step_cache *cache, uint32_t index) {
  size_t bucket = bucket_of(cache, cache->cells[index].series, cache->cells[index].step);
  cache->cells[index].next = cache->buckets[bucket];
  cache->buckets[bucket] = index;
}

static void unlink_key(bt_step_cache *cache, uint32_t index) {
  uint32_t *link = &cache->buckets[bucket_of(cache, cache->cells[index].series, cache->cells[index].step)];
  while (*link != index) link = &cache->cells[*link].next;
  *link = cache->cells[index].next;
}

/* Longer chains are slower and nothing worse: without memory the table stays as it is. */
static void widen_buckets(bt_step_cache *cache) {
  uint32_t *buckets = bt_realloc_array(cache->buckets, cache->bucket_count * 2, sizeof *buckets);
  if (!buckets) return;
  cache->buckets = buckets;
  cache->bucket_count *= 2;
  clear_buckets(cache);
  for (size_t i = 0; i < cache->count; i++) link_key(cache, (uint32_t)i);
}

/* Before there are twice as many cells, and so many more buckets. */
static bool has_room_to_grow(bt_step_cache *cache) {
  size_t buckets = cache->count >= cache->bucket_count ? cache->bucket_count : 0;
  size_t cells = cache->count < cache->capacity ? 0 : cache->capacity ? cache->capacity : FIRST_CELLS;
  return bt_memory_hold_grow(&cache->hold, cells * sizeof *cache->cells + buckets * sizeof *cache->buckets);
}

/* What could not be allocated is not held. */
static void keep_to_bytes(bt_step_cache *cache) {
  bt_memory_hold_shrink(&cache->hold, cache->capacity * sizeof *cache->cells +
                                          (cache->bucket_count - FIRST_BUCKETS) * sizeof *cache->buckets);
}

static uint32_t take_oldest(bt_step_cache *cache) {
  uint32_t oldest = cache->oldest;
  if (oldest == NONE) return NONE;
  unlink_use(cache, oldest);
  unlink_key(cache, oldest);
  return oldest;
}

/* A cell that belongs to nobody; NONE without memory. */
static uint32_t take_cell(bt_step_cache *cache) {
  if (cache->count == cache->most || !has_room_to_grow(cache)) return take_oldest(cache);
  cell *cells = bt_grow_array(cache->cells, cache->count, &cache->capacity, sizeof *cells);
  if (cells) cache->cells = cells;
  if (cells && cache->count >= cache->bucket_count) widen_buckets(cache);
  keep_to_bytes(cache);
  if (!cells) return NONE;
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
    link_key(cache, index);
  }
  cache->cells[index].until_ns = until_ns;
  cache->cells[index].count = *count;
  link_newest(cache, index);
}
