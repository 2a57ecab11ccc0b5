/* The owner of threads, deadlines and cancellation: one timer, one pool, and the scope that everything hangs below. Who needs work done gets this. Made
 * first and freed last. Thread: any. */
#ifndef BT_SERVER_WORK_WORK_H
#define BT_SERVER_WORK_WORK_H

#include "server/work/pool.h"
#include "server/work/scope.h"

typedef struct bt_work {
  bt_timer *timer;
  bt_pool *pool;
  bt_work_scope root; /* cancelled when the service ends */
} bt_work;

/* options NULL: all that follows the processors. */
bt_status bt_work_new(const bt_pool_options *options, bt_work **out, bt_error *error) BT_MUST_CHECK;
/* The end begins: all that runs is cancelled. */
void bt_work_stop(bt_work *work);
/* Stops, waits for what runs, and frees. NULL is fine. */
void bt_work_free(bt_work *work);

#endif
