/* A mark of the thread. See wait_guard.h. */
#include "tempo/wire/wait_guard.h"

#include <assert.h>
#include <stdbool.h>

static _Thread_local bool is_forbidden;

void bt_thread_forbid_waits(void) {
  is_forbidden = true;
}

void bt_thread_assert_may_wait(void) {
  assert(!is_forbidden && "this thread serves everybody, and may not wait for a source, the store or a helper");
}
