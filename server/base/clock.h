/* The clocks, in nanoseconds: the wall clock and the one that nobody sets are tempo/'s. Thread: any. All of server/ may
 * include this. */
#ifndef BT_SERVER_BASE_CLOCK_H
#define BT_SERVER_BASE_CLOCK_H

#include <stdint.h>

#include "tempo/wire/wall_clock.h" // IWYU pragma: export

int64_t bt_clock_monotonic_ns(void); /* for differences only: it never goes back */

#endif
