/* Reading the clock for differences, and the one that is never set back. See clock.h. */
#include "server/base/clock.h"

#include <stdatomic.h>
#include <time.h>

int64_t bt_clock_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The two clocks run side by side, so the largest distance between them that was ever seen is the mark. */
int64_t bt_clock_never_back_ns(void) {
  static _Atomic int64_t furthest_ns = INT64_MIN;
  int64_t steady_ns = bt_clock_steady_ns();
  int64_t distance_ns = bt_clock_wall_ns() - steady_ns;
  int64_t mark_ns = atomic_load(&furthest_ns);
  while (mark_ns < distance_ns && !atomic_compare_exchange_weak(&furthest_ns, &mark_ns, distance_ns)) continue;
  return steady_ns + (mark_ns < distance_ns ? distance_ns : mark_ns);
}
