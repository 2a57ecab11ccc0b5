/* The wrapped allocators. See failing_alloc.h. Without the link options these functions are simply not called. */
#include "tests/support/failing_alloc.h"

#include <stdint.h>

static size_t remaining = SIZE_MAX;
static bool was_refused;

void failing_alloc_after(size_t n) {
  remaining = n;
  was_refused = false;
}

bool failing_alloc_stop(void) {
  remaining = SIZE_MAX;
  return was_refused;
}

static bool refuse(void) {
  if (remaining == SIZE_MAX) return false;
  if (remaining > 0) {
    remaining--;
    return false;
  }
  return was_refused = true;
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
