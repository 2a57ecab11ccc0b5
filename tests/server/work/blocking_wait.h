/* A thread of a test that waits as a task of the pool does: it stands still from when it has left its place until its
 * task runs again. Only for tests. Thread: the one that waits. */
#ifndef BT_TESTS_BLOCKING_WAIT_H
#define BT_TESTS_BLOCKING_WAIT_H

#include <semaphore.h>
#include <stddef.h>

#include "server/work/wait.h"

typedef struct blocking_wait {
  bt_task task;
  bt_wait wait;
  sem_t is_back;
} blocking_wait;

static inline void blocking_wait_come_back(bt_task *task) {
  blocking_wait *b = (blocking_wait *)((char *)task - offsetof(blocking_wait, task));
  sem_post(&b->is_back);
}

static inline void blocking_wait_init(blocking_wait *b, bt_workplace *work) {
  *b = (blocking_wait){.task.run = blocking_wait_come_back};
  sem_init(&b->is_back, 0, 0);
  bt_wait_init(&b->wait, work, NULL, BT_LANE_ANSWER, &b->task);
}

/* A wait of somebody else, whose task is that of b. */
static inline void blocking_wait_stand_for(blocking_wait *b, bt_wait *wait, int64_t until_ns) {
  bt_wait_park(wait, until_ns);
  while (sem_wait(&b->is_back) != 0) continue;
  bt_wait_return(wait);
}

/* The wait was given to who wakes it. */
static inline void blocking_wait_stand(blocking_wait *b, int64_t until_ns) {
  blocking_wait_stand_for(b, &b->wait, until_ns);
}

#endif
