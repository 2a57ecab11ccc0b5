/* What h2o keeps until the process ends, for the program under AddressSanitizer: the same two functions that lsan.supp
   names, in front of those of the library. The leak checker does not count what they allocate. A line of lsan.supp does
   that too, but needs the names of a stack: the checker then reads the symbols of all libraries, at each end of a
   service. lsan.supp stays, for programs without this file. Any thread. */
#include "h2o/memory.h"
#include "h2o/multithread.h"

#include <dlfcn.h>
#include <sanitizer/lsan_interface.h>
#include <stdlib.h>

/* The library's own function of this name; without it no test would say anything. */
static void *find_original(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

void *h2o_mem_alloc_recycle(h2o_mem_recycle_t *allocator, size_t size) {
  void *(*original)(h2o_mem_recycle_t *, size_t) = NULL;
  *(void **)&original = find_original(__func__);
  __lsan_disable();
  void *block = original(allocator, size);
  __lsan_enable();
  return block;
}

h2o_multithread_queue_t *h2o_multithread_create_queue(h2o_loop_t *loop) {
  h2o_multithread_queue_t *(*original)(h2o_loop_t *) = NULL;
  *(void **)&original = find_original(__func__);
  __lsan_disable();
  h2o_multithread_queue_t *queue = original(loop);
  __lsan_enable();
  return queue;
}
