/* The bump allocator. See arena.h. Blocks are chained newest first; only the newest is bumped. */
#include "dsl/base/arena.h"

#include <stdlib.h>
#include <string.h>

/* The first block is small, so that what lives long and is small (a compiled rule: services keep hundreds) holds little
 * more than it needs; each further one is twice as large. An arena that is used again and again keeps its newest, and
 * so ends with the largest. */
enum { FIRST_BLOCK_BYTES = 4 * 1024, BLOCK_BYTES = 64 * 1024 };

struct bt_arena_block {
  bt_arena_block *next;
  size_t capacity;
  max_align_t data[];
};

static size_t align_up(size_t bytes) {
  const size_t unit = sizeof(max_align_t);
  return (bytes + unit - 1) / unit * unit;
}

void bt_arena_init(bt_arena *arena, size_t cap_bytes) {
  *arena = (bt_arena){.cap_bytes = cap_bytes};
}

static void free_blocks(bt_arena_block *block) {
  while (block) {
    bt_arena_block *next = block->next;
    free(block);
    block = next;
  }
}

void bt_arena_dispose(bt_arena *arena) {
  free_blocks(arena->blocks);
  *arena = (bt_arena){.cap_bytes = arena->cap_bytes};
}

void bt_arena_forget(bt_arena *arena) {
  if (arena->blocks) {
    free_blocks(arena->blocks->next);
    arena->blocks->next = NULL;
#ifdef BT_ARENA_MALLOC
    free(arena->blocks);
    arena->blocks = NULL;
#endif
  }
  arena->used_bytes = 0;
  arena->total_bytes = 0;
}

size_t bt_arena_held_bytes(const bt_arena *arena) {
  size_t bytes = 0;
  for (const bt_arena_block *block = arena->blocks; block; block = block->next)
    bytes += sizeof *block + block->capacity;
  return bytes;
}

#ifndef BT_ARENA_MALLOC
static size_t capacity_for(const bt_arena *arena, size_t bytes) {
  size_t capacity = arena->blocks ? arena->blocks->capacity * 2 : FIRST_BLOCK_BYTES;
  if (capacity > BLOCK_BYTES) capacity = BLOCK_BYTES;
  return bytes > capacity ? bytes : capacity;
}
#endif

static bool add_block(bt_arena *arena, size_t bytes) {
#ifdef BT_ARENA_MALLOC
  size_t capacity = bytes;
#else
  size_t capacity = capacity_for(arena, bytes);
#endif
  if (capacity > SIZE_MAX - sizeof(bt_arena_block)) return false;
  bt_arena_block *block = malloc(sizeof(bt_arena_block) + capacity);
  if (!block) return false;
  block->capacity = capacity;
  block->next = arena->blocks;
  arena->blocks = block;
  arena->used_bytes = 0;
  return true;
}

/* Memory as it comes. */
static inline void *take_memory(bt_arena *arena, size_t bytes) {
  if (bytes > SIZE_MAX - sizeof(max_align_t)) return NULL;
  size_t rounded = align_up(bytes ? bytes : 1);
  if (rounded > arena->cap_bytes || arena->total_bytes > arena->cap_bytes - rounded) return NULL;
#ifdef BT_ARENA_MALLOC
  if (!add_block(arena, bytes ? bytes : 1)) return NULL;
#else
  if (!arena->blocks || arena->blocks->capacity - arena->used_bytes < rounded) {
    if (!add_block(arena, rounded)) return NULL;
  }
#endif
  char *start = (char *)arena->blocks->data + arena->used_bytes;
  arena->used_bytes += rounded;
  arena->total_bytes += rounded;
  return start;
}

void *bt_arena_alloc(bt_arena *arena, size_t bytes) {
  void *start = take_memory(arena, bytes);
  return start ? memset(start, 0, bytes) : NULL;
}

void *bt_arena_bare_array(bt_arena *arena, size_t count, size_t size) {
  if (size && count > SIZE_MAX / size) return NULL;
  return take_memory(arena, count * size);
}

void *bt_arena_duplicate(bt_arena *arena, const void *from, size_t bytes) {
  void *start = take_memory(arena, bytes);
  return start && bytes ? memcpy(start, from, bytes) : start;
}

void *bt_arena_array(bt_arena *arena, size_t count, size_t size) {
  if (size && count > SIZE_MAX / size) return NULL;
  return bt_arena_alloc(arena, count * size);
}

bool bt_arena_copy(bt_arena *arena, bt_str s, bt_str *out) {
  if (s.len == SIZE_MAX) return false;
  char *copy = take_memory(arena, s.len + 1);
  if (!copy) return false;
  if (s.len) memcpy(copy, s.ptr, s.len);
  copy[s.len] = '\0';
  *out = (bt_str){copy, s.len};
  return true;
}

void *bt_realloc_array(void *old, size_t count, size_t size) {
  if (size && count > SIZE_MAX / size) return NULL;
  size_t bytes = count * size;
  return realloc(old, bytes ? bytes : 1);
}

void *bt_grow_array(void *old, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return old;
  if (*capacity > SIZE_MAX / 2) return NULL;
  size_t wanted = *capacity ? *capacity * 2 : 16;
  void *grown = bt_realloc_array(old, wanted, size);
  if (grown) *capacity = wanted;
  return grown;
}
