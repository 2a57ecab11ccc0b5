/* Reading the clocks. See clock.h. */
#include "server/base/clock.h"

#include <time.h>

#include "tempo/wire/wall_clock.h"

int64_t bt_clock_wall_ns(void) {
  return bt_wall_clock_ns();
}

int64_t bt_clock_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bt_clock_steady_ns(void) {
  return bt_steady_clock_ns();
}
