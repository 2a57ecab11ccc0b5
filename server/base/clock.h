/* The two clocks, in nanoseconds. Thread: any. All of server/ may include this. */
#ifndef BT_SERVER_BASE_CLOCK_H
#define BT_SERVER_BASE_CLOCK_H

#include <stdint.h>

int64_t bt_clock_wall_ns(void);      /* since the epoch: what is stored and shown */
int64_t bt_clock_monotonic_ns(void); /* for differences only: it never goes back */
int64_t bt_clock_steady_ns(void);    /* the same, and it goes on while the machine sleeps */

#endif
