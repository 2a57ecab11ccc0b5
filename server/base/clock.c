/* Reading the clock for differences. See clock.h. */
#include "server/base/clock.h"

#include <time.h>

int64_t bt_clock_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
