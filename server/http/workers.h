/* A pool of threads with a bounded queue, for work that may block. Thread: submit may be called from any thread. */
#ifndef BT_SERVER_HTTP_WORKERS_H
#define BT_SERVER_HTTP_WORKERS_H

#include "dsl/error.h"

typedef struct bt_workers bt_workers;

bt_status bt_workers_new(uint32_t threads, size_t max_queued, bt_workers **out, bt_error *error) BT_MUST_CHECK;
/* False: the queue is full, and `run` will not be called. */
bool bt_workers_submit(bt_workers *workers, void (*run)(void *argument), void *argument) BT_MUST_CHECK;
/* Finishes what is queued, ends the threads. NULL is fine. */
void bt_workers_free(bt_workers *workers);

#endif
