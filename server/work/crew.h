/* Some members of a lane that do what there is to do for one owner: its queue of replays, its rounds of watch. A member
 * is a task that asks the owner for work, does it, and asks again in its turn. When there is none it leaves its place,
 * and the owner wakes the crew when there is some, or the timer does. Thread: everything is behind the owner's mutex,
 * except for init and end. */
#ifndef BT_SERVER_WORK_CREW_H
#define BT_SERVER_WORK_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/work/pool.h"
#include "server/work/timer.h"
#include "server/work/turns.h"
#include "server/work/workplace.h"

typedef struct bt_crew bt_crew;
typedef struct bt_crew_member {
  bt_task task;
  bt_crew *crew;
  bool is_at_work;
} bt_crew_member;

typedef struct bt_crew_options {
  bt_workplace *work;
  bt_lane lane;
  uint32_t size;          /* members at work at once, where the lane has as many places */
  pthread_mutex_t *mutex; /* the owner's */
  /* Does one piece; called and returns with the mutex held, and lets go of it while it works. False: there is nothing
   * to do. *again_ns: then when to look again, of the monotonic clock; left at 0: when the crew is woken. */
  bool (*do_piece)(void *context, int64_t *again_ns);
  void *context;
} bt_crew_options;

struct bt_crew {
  bt_crew_options options;
  bt_crew_member *members;
  uint32_t at_work;
  bool is_ending;
  pthread_cond_t left;
  bt_timer_entry again;
};

/* BT_NO_MEMORY alone. */
bt_status bt_crew_init(bt_crew *crew, const bt_crew_options *options, bt_error *error) BT_MUST_CHECK;
/* There may be something to do: so many more members look. The mutex is held. */
void bt_crew_wake(bt_crew *crew, uint32_t members);
void bt_crew_wake_all(bt_crew *crew);
/* No member begins anything from now on. Whoever cancels what is under way calls this too, where the end comes later.
 * The mutex is held. */
void bt_crew_dismiss(bt_crew *crew);
/* Waits until no member is at work: cancel what they do first. One that waits for a place of its lane is called back.
 * The mutex is not held. A crew that was never initialised (all-zero) is fine. */
void bt_crew_end(bt_crew *crew);

#endif
