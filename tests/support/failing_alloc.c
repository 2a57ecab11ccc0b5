/* The wrapped allocators. See failing_alloc.h. Without the link options these functions are simply not called. */
#include "tests/support/failing_alloc.h"

#include <stdatomic.h>
#include <stdint.h>

/* Atomic: threads of the tested part allocate too, and share the count. */
static atomic_size_t remaining = SIZE_MAX;
static atomic_bool was_refused, is_once;

void failing_alloc_after(size_t n) {
  was_refused = false;
  is_once = false;
  remaining = n;
}

void failing_alloc_once(size_t n) {
  was_refused = false;
  is_once = true;
  remaining = n;
}

bool failing_alloc_stop(void) {
  remaining = SIZE_MAX;
  return was_refused;
}

static bool refuse(void) {
  size_t left = remaining;
  while (left > 0 && left != SIZE_MAX)
    if (atomic_compare_exchange_weak(&remaining, &left, left - 1)) return false;
  if (left == SIZE_MAX || (is_once && atomic_exchange(&was_refused, true))) return false;
  was_refused = true;
  return true;
}

__attribute__((weak)) void *__real_malloc(size_t bytes);
__attribute__((weak)) void *__real_calloc(size_t count, size_t size);
__attribute__((weak)) void *__real_realloc(void *old, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t bytes);

void *__wrap_malloc(size_t bytes) {
  return refuse() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t size) {
  return refuse() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t bytes) {
  return refuse() ? NULL : __real_realloc(old, bytes);
}
