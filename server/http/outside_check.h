/* A check of something outside whose result is kept for a moment: probes of /ready come often and from several sides,
 * and none of them may wait for long behind a store that hangs. The check is a task of its own; who asks may be woken
 * by its end, and is told what is known. Thread: any. */
#ifndef BT_SERVER_HTTP_OUTSIDE_CHECK_H
#define BT_SERVER_HTTP_OUTSIDE_CHECK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/work/pool.h"
#include "server/work/turns.h"
#include "server/work/wait.h"

typedef bt_status (*bt_check_function)(const void *context, bt_error *error);

typedef struct bt_outside_check { /* bt_outside_check_init; as long as the process */
  pthread_mutex_t mutex;          /* guards all below */
  bt_waits waits;                 /* for its end */
  bt_task task;
  bt_check_function check;
  const void *context;
  bool is_running;
  int64_t at_ns; /* monotonic, of the last result; 0: none yet */
  bt_status status;
  bt_error error;
} bt_outside_check;

void bt_outside_check_init(bt_outside_check *known, bt_check_function check);
/* Begins one in lane `check`, unless one is under way or the result of the last second is there. The context has to
 * stay for as long as the pool. */
void bt_outside_check_begin(bt_outside_check *known, bt_pool *pool, const void *context);
/* Whether none is under way; else `wait` is woken by its end, and bt_outside_check_stop_waiting comes before it goes.
 */
bool bt_outside_check_has_ended(bt_outside_check *known, bt_wait *wait);
void bt_outside_check_stop_waiting(bt_outside_check *known, bt_wait *wait);
/* The last result of ten seconds, else BT_UNAVAILABLE. */
bt_status bt_outside_check_answer(bt_outside_check *known, bt_error *error) BT_MUST_CHECK;

#endif
