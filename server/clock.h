/* The two clocks, in nanoseconds. Thread: any. All of server/ may include this. */
#ifndef BT_SERVER_CLOCK_H
#define BT_SERVER_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t bt_clock_wall_ns(void);      /* since the epoch: what is stored and shown */
int64_t bt_clock_monotonic_ns(void); /* for differences only: it never goes back */
/* The wall clock so much later, for pthread_cond_timedwait. */
struct timespec bt_clock_after(int64_t duration_ns);

#endif
