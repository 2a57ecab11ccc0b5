/* The clocks, in nanoseconds: the wall clock and the one that nobody sets are tempo/'s. Thread: any. All of server/ may
 * include this. */
#ifndef BT_SERVER_BASE_CLOCK_H
#define BT_SERVER_BASE_CLOCK_H

#include <stdint.h>

#include "tempo/wire/wall_clock.h" // IWYU pragma: export

int64_t bt_clock_monotonic_ns(void); /* for differences only: it never goes back */
/* The wall clock, but never behind what it would be had nobody set it back since this was first called: for what ends,
 * as tokens do. A clock that is set forth carries it along, for as long as the process lives. */
int64_t bt_clock_never_back_ns(void);

#endif
