/* Reading the clocks. See clock.h. */
#include "server/base/clock.h"

#include <time.h>

#include "tempo/wire/wall_clock.h"

static int64_t read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bt_clock_wall_ns(void) {
  return bt_wall_clock_ns();
}

int64_t bt_clock_monotonic_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

int64_t bt_clock_steady_ns(void) {
  return read_clock(CLOCK_BOOTTIME);
}
