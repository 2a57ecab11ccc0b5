/* The time that watch goes by: the wall clock of the start and what has passed since, so that setting the clock neither
 * stops watch nor makes it skip. Thread: values; belongs to watch. */
#ifndef BT_SERVER_WATCH_CLOCK_H
#define BT_SERVER_WATCH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bt_watch_clock { /* all zero: not started */
  int64_t now_ns;               /* since the epoch; never goes back */
  int64_t steady_ns;            /* when that was read, on a clock that nobody sets */
  int64_t offset_ns;            /* how far the wall clock is ahead; 0: the same */
  int64_t set_at_ns;            /* on the steady clock, when it came to be so */
} bt_watch_clock;

/* What watch goes by now. A wall clock that went on as the steady one did is followed; one that was set is not, until
 * it has been ahead for an hour: then it is believed, and what lies between was not searched yet. One that was set back
 * is never followed. *was_set: just now. */
int64_t bt_watch_clock_read(bt_watch_clock *clock, int64_t wall_ns, int64_t steady_ns, bool *was_set);

#endif
