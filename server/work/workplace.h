/* The owner of threads, deadlines and cancellation: one timer, one pool, and the scope that everything hangs below.
 * Code that needs work done gets this. Made first and freed last. Thread: any. */
#ifndef BT_SERVER_WORK_WORKPLACE_H
#define BT_SERVER_WORK_WORKPLACE_H

#include <stdatomic.h>

#include "dsl/base/error.h"
#include "server/work/pool.h"
#include "server/work/scope.h"
#include "server/work/timer.h"

typedef struct bt_workplace {
  bt_timer *timer;
  bt_pool *pool;
  bt_work_scope root;  /* cancelled when the service ends */
  atomic_uint waiting; /* tasks that have left their place until they are woken (wait.h) */
} bt_workplace;

/* new. options NULL: all that follows the processors. BT_LIMIT: the system gives no thread. BT_NO_MEMORY. */
bt_status bt_workplace_new(const bt_pool_options *options, bt_workplace **out, bt_error *error) BT_MUST_CHECK;
/* The end begins: all that runs is cancelled. */
void bt_workplace_stop(bt_workplace *work);
/* Stops, and waits for what runs: no task uses anything any more, and none is taken. */
void bt_workplace_end(bt_workplace *work);
/* The same, and frees. NULL is fine. */
void bt_workplace_free(bt_workplace *work);

#endif
