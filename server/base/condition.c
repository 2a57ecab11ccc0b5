/* See condition.h. */
#include "server/base/condition.h"

#include <time.h>

static const int64_t SECOND_NS = 1000000000;

void bt_condition_init(pthread_cond_t *condition) {
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &clock);
  pthread_condattr_destroy(&clock);
}

bool bt_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ns) {
  struct timespec until = {.tv_sec = until_ns / SECOND_NS, .tv_nsec = until_ns % SECOND_NS};
  return pthread_cond_timedwait(condition, mutex, &until) == 0;
}
