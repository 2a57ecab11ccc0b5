/* Waiting between attempts. See pause.h. */
#include "tempo/wire/pause.h"

#include <time.h>

#include "tempo/wire/wait_guard.h"

enum { STEP_MS = 100 };

int64_t bt_monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool bt_pause_ms(const bt_cancel *cancel, int64_t wait_ms) {
  bt_thread_assert_may_wait();
  while (wait_ms > 0 && !bt_is_cancelled(cancel)) {
    int64_t step_ms = wait_ms < STEP_MS ? wait_ms : STEP_MS;
    nanosleep(&(struct timespec){.tv_nsec = step_ms * 1000000}, NULL);
    wait_ms -= step_ms;
  }
  return !bt_is_cancelled(cancel);
}
