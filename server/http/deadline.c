/* A request's deadline. See deadline.h. */
#include "server/http/deadline.h"
#include "server/clock.h"
#include "server/condition.h"

#include <time.h>

static const int64_t LOOK_NS = 100000000; /* how often the end of the service is looked for */

static int64_t next_look(const bt_deadline *deadline) {
  int64_t at_ns = bt_clock_monotonic_ns() + LOOK_NS;
  if (at_ns > deadline->at_ns) at_ns = deadline->at_ns;
  return at_ns;
}

static void *wait_for_it(void *argument) {
  bt_deadline *deadline = argument;
  pthread_mutex_lock(&deadline->mutex);
  while (!deadline->is_over) {
    if (bt_clock_monotonic_ns() >= deadline->at_ns || atomic_load(&deadline->stopping->requested)) {
      atomic_store(&deadline->cancel->requested, true);
      break;
    }
    (void)bt_condition_wait(&deadline->changed, &deadline->mutex, next_look(deadline));
  }
  pthread_mutex_unlock(&deadline->mutex);
  return NULL;
}

static void dispose(bt_deadline *deadline) {
  pthread_cond_destroy(&deadline->changed);
  pthread_mutex_destroy(&deadline->mutex);
}

bt_status bt_deadline_start(bt_deadline *deadline, int64_t after_ns, const bt_cancel *stopping, bt_cancel *cancel,
                            bt_error *error) {
  *deadline = (bt_deadline){.at_ns = bt_clock_monotonic_ns() + after_ns, .stopping = stopping, .cancel = cancel};
  pthread_mutex_init(&deadline->mutex, NULL);
  bt_condition_init(&deadline->changed);
  if (pthread_create(&deadline->thread, NULL, wait_for_it, deadline) == 0) return BT_OK;
  dispose(deadline);
  return bt_error_set(error, BT_LIMIT,
                      "the system refused to start a thread for the deadline: raise the limit of processes or memory");
}

void bt_deadline_end(bt_deadline *deadline) {
  pthread_mutex_lock(&deadline->mutex);
  deadline->is_over = true;
  pthread_cond_signal(&deadline->changed);
  pthread_mutex_unlock(&deadline->mutex);
  pthread_join(deadline->thread, NULL);
  dispose(deadline);
}
