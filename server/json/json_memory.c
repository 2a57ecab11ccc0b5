/* The allocator of the JSON library. See json_memory.h. */
#include "server/json/json_memory.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

static const size_t PIECE_BYTES = (size_t)64 << 10; /* taken at a time: an account is asked seldom */

static _Thread_local bool has_failed, is_full;
static _Thread_local bt_memory_hold *charged; /* NULL: nobody asked for it */
static _Thread_local size_t used_bytes;       /* of what was taken there */

static bool take_room(size_t bytes) {
  size_t free_bytes = charged->bytes > used_bytes ? charged->bytes - used_bytes : 0;
  size_t more = bytes > free_bytes ? bytes - free_bytes : 0;
  if (!more) return true;
  return bt_memory_hold_grow(charged, more > PIECE_BYTES ? more : PIECE_BYTES) || bt_memory_hold_grow(charged, more);
}

static void *allocate_memory(size_t bytes) {
  if (charged && !take_room(bt_heap_bytes(bytes))) {
    has_failed = is_full = true;
    return NULL;
  }
  void *memory = malloc(bytes);
  if (!memory) has_failed = true;
  if (memory && charged) used_bytes += bt_heap_bytes(bytes);
  return memory;
}

static void release_memory(void *memory) {
  size_t bytes = memory && charged ? bt_heap_bytes(malloc_usable_size(memory)) : 0;
  used_bytes -= bytes < used_bytes ? bytes : used_bytes;
  free(memory);
}

void bt_json_memory_install(void) {
  json_set_alloc_funcs(allocate_memory, release_memory);
}

/* What the hold has already is for something else. */
void bt_json_memory_charge(bt_memory_hold *hold) {
  if (hold) is_full = false;
  used_bytes = hold ? hold->bytes : 0;
  charged = hold;
}

bool bt_json_memory_found_no_room(void) {
  return is_full;
}

void bt_json_memory_begin(void) {
  has_failed = false;
}

void bt_json_memory_lacks(void) {
  has_failed = true;
}

bool bt_json_memory_failed(void) {
  return has_failed;
}
