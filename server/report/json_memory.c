/* The allocator of the JSON library. See json_memory.h. */
#include "server/report/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

static _Thread_local bool has_failed;

static void *allocate(size_t bytes) {
  void *memory = malloc(bytes);
  if (!memory) has_failed = true;
  return memory;
}

void bt_json_memory_install(void) {
  json_set_alloc_funcs(allocate, free);
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
