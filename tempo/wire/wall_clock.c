/* See wall_clock.h. */
#include "tempo/wire/wall_clock.h"

#include <time.h>

int64_t bt_wall_clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
