/* A bump allocator with a cap: one per compile, per trace, per page. Freed as a whole.
 * With BT_ARENA_MALLOC each allocation is a malloc of its own, so that AddressSanitizer sees overruns.
 * Thread: an arena belongs to one thread. Sizes are in bytes. What an arena gives is owned by it until it is disposed
 * or reset. */
#ifndef BT_DSL_BASE_ARENA_H
#define BT_DSL_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef struct bt_arena_block bt_arena_block;

typedef struct bt_arena {
  bt_arena_block *blocks; /* newest first */
  size_t used_bytes;      /* of the newest block */
  size_t total_bytes;     /* handed out since init or reset */
  size_t cap_bytes;       /* never exceeded */
} bt_arena;

void bt_arena_init(bt_arena *arena, size_t cap_bytes);
void bt_arena_dispose(bt_arena *arena);
/* Forgets all allocations and keeps one block for reuse. Costs nothing where there were none. */
void bt_arena_forget(bt_arena *arena); /* bt_arena_reset's other half */
static inline void bt_arena_reset(bt_arena *arena) {
  if (arena->total_bytes) bt_arena_forget(arena);
}
/* What its blocks hold of the heap, used or not. */
size_t bt_arena_held_bytes(const bt_arena *arena);
/* Zeroed memory, aligned for any type; NULL over the cap or out of memory. Size 0 gives a valid pointer. */
void *bt_arena_alloc(bt_arena *arena, size_t bytes) BT_MUST_CHECK;
/* The same for an array; NULL also when count × size overflows. */
void *bt_arena_array(bt_arena *arena, size_t count, size_t size) BT_MUST_CHECK;
/* An array whose memory is as it comes, for what is written before it is read; NULL as above. */
void *bt_arena_bare_array(bt_arena *arena, size_t count, size_t size) BT_MUST_CHECK;
/* A copy of `bytes` bytes, aligned for any type; NULL like bt_arena_alloc. */
void *bt_arena_duplicate(bt_arena *arena, const void *from, size_t bytes) BT_MUST_CHECK;
/* Copies s; *out is NUL-terminated past its length. false when there is no room. */
bool bt_arena_copy(bt_arena *arena, bt_str s, bt_str *out) BT_MUST_CHECK;

/* Allocates like malloc/realloc with an overflow check on count × size; NULL on overflow or no memory. The caller frees
 * it. */
void *bt_realloc_array(void *old, size_t count, size_t size) BT_MUST_CHECK;
/* Makes room for one more element in a heap array: returns the (maybe moved) array, which the caller frees, or NULL,
 * old untouched. */
void *bt_grow_array(void *old, size_t count, size_t *capacity, size_t size) BT_MUST_CHECK;

#endif
