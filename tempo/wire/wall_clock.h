/* The wall clock, which somebody may set at any time: for what has a date, never for a wait. And one that nobody sets,
 * for how clocks differ. Thread: any. */
#ifndef BT_TEMPO_WIRE_WALL_CLOCK_H
#define BT_TEMPO_WIRE_WALL_CLOCK_H

#include <stdint.h>

/* Nanoseconds since 1970. */
int64_t bt_clock_wall_ns(void);
/* Nanoseconds since the machine started; it goes on while the machine sleeps. */
int64_t bt_clock_steady_ns(void);
/* Of a date in the Gregorian calendar, of a year from 0 on. */
int64_t bt_days_since_1970(int64_t year, int64_t month, int64_t day);

#endif
