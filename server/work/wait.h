/* Waiting without a place. A task that waits for others (the window of an evaluation, a report) leaves a wait with them
 * and ends. The wait is woken once: by them, when its time comes, or by the end of its scope, whichever is first. Then
 * the task goes into its lane again and looks at what there is. A wait is part of something larger, so nothing here
 * allocates. Call in this order: init; set, under the lock of the one who wakes; park, as the last thing of the task.
 * The task that runs then calls return before anything else. Thread: any may wake; the rest is for the waiting task. */
#ifndef BT_SERVER_WORK_WAIT_H
#define BT_SERVER_WORK_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/work/pool.h"
#include "server/work/scope.h"
#include "server/work/timer.h"
#include "server/work/turns.h"
#include "server/work/workplace.h"

typedef struct bt_wait {
  bt_workplace *work;   /* NULL: it cannot wait */
  bt_work_scope *scope; /* whose end wakes it; or NULL */
  bt_task *task;        /* what is put back, into: */
  bt_lane lane;
  atomic_int state;
  bool is_timed;
  bt_timer_entry time;
  struct bt_waits *list; /* of whoever knows; behind his lock */
  struct bt_wait *previous, *next;
} bt_wait;

/* All-zero is a wait of somebody who cannot wait. `task` runs on when it is woken. */
void bt_wait_init(bt_wait *wait, bt_workplace *work, bt_work_scope *scope, bt_lane lane, bt_task *task);
/* It may be woken from now on. The lock of who wakes it is held. */
void bt_wait_set(bt_wait *wait);
/* There is something to look at. Does nothing where it was woken already. Short: hold what lock you like. */
void bt_wait_wake(bt_wait *wait);
/* Gives the place back until the task is woken, or until until_ns of the monotonic clock (0: no time). A task that was
 * woken in between runs at once. Nothing of the task may be used afterwards: it may run already. */
void bt_wait_park(bt_wait *wait, int64_t until_ns);
/* The task runs again. */
void bt_wait_return(bt_wait *wait);

/* Those who wait for one thing. All-zero is nobody. Thread: its owner's lock. */
typedef struct bt_waits {
  bt_wait *first;
} bt_waits;
void bt_waits_add(bt_waits *waits, bt_wait *wait); /* and sets it; one that stands in a list already is moved */
void bt_waits_remove(bt_wait *wait);               /* of whatever list; NULL, or of none: fine */
void bt_waits_wake_all(bt_waits *waits);           /* and nobody waits any more */

#endif
