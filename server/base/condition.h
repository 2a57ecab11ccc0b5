/* Condition variables whose waits end by the monotonic clock: a wall clock that is set must neither end a wait early
 * nor make it an hour longer. All of server/ makes its condition variables here (tests/lint/rule_monotonic_waits.py).
 * Thread: any. */
#ifndef BT_SERVER_BASE_CONDITION_H
#define BT_SERVER_BASE_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void bt_condition_init(pthread_cond_t *condition);
/* Waits as pthread_cond_timedwait does, until bt_clock_monotonic_ns() is `until_ns`. False: that time has come. */
bool bt_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ns);

#endif
