/* The one pool of threads. What is to be done goes into a lane; a lane has places of its own, so that what waits for a
 * store that hangs holds up nobody who only reads memory. The lanes share threads, which are started when they are
 * needed, up to the sum of all places. Within a lane it goes by turns (turns.h), and no tenant has all places of a lane
 * that calls share. A full lane refuses at once. Thread: any may submit. */
#ifndef BT_SERVER_WORK_POOL_H
#define BT_SERVER_WORK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/work/turns.h"

typedef enum bt_lane {
  BT_LANE_MEMORY,     /* calls that only read memory */
  BT_LANE_STORE,      /* calls that wait for the rule database */
  BT_LANE_COMPUTE,    /* calls that compile or compute for more than a moment */
  BT_LANE_SOURCE,     /* calls that ask the source for something small */
  BT_LANE_SEARCH,     /* calls that search it for long: first violations, suggestions, explanations */
  BT_LANE_PUSH,       /* pushed spans: large bodies, and a receiver that may hang */
  BT_LANE_PROBE,      /* /ready: asks the source and the receiver whether they are there */
  BT_LANE_ANSWER,     /* calls that want an evaluation, a series or a report: they begin it, leave, and answer later */
  BT_LANE_ASSISTANT,  /* calls of tools, whose questions wait in other lanes */
  BT_LANE_PAGES,      /* pages of streams */
  BT_LANE_CHECK,      /* the checks that calls of /ready wait for */
  BT_LANE_EVALUATION, /* violations on demand */
  BT_LANE_SERIES,
  BT_LANE_REPORT,
  BT_LANE_WATCH, /* rounds, and what they send */
  BT_LANE_REPLAY,
  BT_LANES
} bt_lane;

enum { BT_LANE_CALLS_END = BT_LANE_PAGES /* lanes before this one are shared by calls */ };

typedef struct bt_pool_options {
  uint32_t places[BT_LANES]; /* tasks of a lane that run at once; 0: a number that follows the processors */
  uint32_t max_queued;       /* calls that wait in a lane, half of them of one tenant; 0: 1,024 */
} bt_pool_options;

typedef struct bt_lane_state { /* for metrics */
  uint32_t places, running;
  size_t queued;
  uint64_t begun, refused;
} bt_lane_state;

typedef struct bt_pool bt_pool;

/* new. BT_LIMIT: the system gives no thread. BT_NO_MEMORY. */
bt_status bt_pool_new(const bt_pool_options *options, bt_pool **out, bt_error *error) BT_MUST_CHECK;
/* Runs what is queued, and ends the threads; from its call on everything is refused. One thread calls it. */
void bt_pool_end(bt_pool *pool);
/* The same, and frees it. NULL is fine. */
void bt_pool_free(bt_pool *pool);

/* False: the lane is full, or the pool ends, and the task is not run. Never waits, never allocates. run, tenant and
 * party of the task are set. */
bool bt_pool_submit(bt_pool *pool, bt_lane lane, bt_task *task) BT_MUST_CHECK;

/* The same for a task that was taken before, has left its place, and has something to do again: a full lane does not
 * refuse it. The pool has not begun to end, and the lane's threads are people's. */
void bt_pool_resume(bt_pool *pool, bt_lane lane, bt_task *task);

/* True: the task had not begun, does not run, and is its owner's again. The task was submitted or never used. */
bool bt_pool_take_back(bt_pool *pool, bt_lane lane, bt_task *task) BT_MUST_CHECK;

const char *bt_lane_name(bt_lane lane);
bt_lane_state bt_pool_look(bt_pool *pool, bt_lane lane);

#endif
