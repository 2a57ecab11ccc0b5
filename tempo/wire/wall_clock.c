/* See wall_clock.h. */
#include "tempo/wire/wall_clock.h"

#include <time.h>

static int64_t read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bt_clock_wall_ns(void) {
  return read_clock(CLOCK_REALTIME);
}

int64_t bt_clock_steady_ns(void) {
  return read_clock(CLOCK_BOOTTIME);
}
