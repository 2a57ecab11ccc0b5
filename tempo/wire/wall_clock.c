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

/* Years are counted from March on, so that a leap day is the last of one. */
int64_t bt_days_since_1970(int64_t year, int64_t month, int64_t day) {
  int64_t from_march = (month + 9) % 12, y = year - (month < 3), of_year = (153 * from_march + 2) / 5 + day - 1;
  return y * 365 + y / 4 - y / 100 + y / 400 + of_year - 719468;
}
