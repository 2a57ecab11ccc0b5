/* The pool: a ring of tasks under one mutex. See workers.h. */
#include "server/http/workers.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/condition.h"

#include "dsl/arena.h"

typedef struct task {
  void (*run)(void *argument);
  void *argument;
} task;

struct bt_workers {
  pthread_mutex_t mutex; /* guards all below */
  pthread_cond_t changed;
  task *ring;
  size_t capacity, first, count;
  bool stopping;
  pthread_t *threads;
  uint32_t thread_count;
};

static bool take_task(bt_workers *workers, task *out) {
  pthread_mutex_lock(&workers->mutex);
  while (workers->count == 0 && !workers->stopping) pthread_cond_wait(&workers->changed, &workers->mutex);
  bool found = workers->count > 0;
  if (found) {
    *out = workers->ring[workers->first];
    workers->first = (workers->first + 1) % workers->capacity;
    workers->count--;
  }
  pthread_mutex_unlock(&workers->mutex);
  return found;
}

static void *work(void *argument) {
  task next;
  while (take_task(argument, &next)) next.run(next.argument);
  return NULL;
}

bool bt_workers_submit(bt_workers *workers, void (*run)(void *argument), void *argument) {
  pthread_mutex_lock(&workers->mutex);
  bool has_room = workers->count < workers->capacity && !workers->stopping;
  if (has_room) {
    workers->ring[(workers->first + workers->count) % workers->capacity] = (task){run, argument};
    workers->count++;
    pthread_cond_signal(&workers->changed);
  }
  pthread_mutex_unlock(&workers->mutex);
  return has_room;
}

void bt_workers_free(bt_workers *workers) {
  if (!workers) return;
  pthread_mutex_lock(&workers->mutex);
  workers->stopping = true;
  pthread_cond_broadcast(&workers->changed);
  pthread_mutex_unlock(&workers->mutex);
  for (uint32_t i = 0; i < workers->thread_count; i++) pthread_join(workers->threads[i], NULL);
  pthread_cond_destroy(&workers->changed);
  pthread_mutex_destroy(&workers->mutex);
  free(workers->ring);
  free(workers->threads);
  free(workers);
}

bt_status bt_workers_new(uint32_t threads, size_t max_queued, bt_workers **out, bt_error *error) {
  *out = NULL;
  bt_workers *workers = calloc(1, sizeof *workers);
  if (!workers) return bt_error_no_memory(error);
  pthread_mutex_init(&workers->mutex, NULL);
  bt_condition_init(&workers->changed);
  workers->capacity = max_queued;
  workers->ring = bt_realloc_array(NULL, max_queued, sizeof *workers->ring);
  workers->threads = bt_realloc_array(NULL, threads, sizeof *workers->threads);
  if (!workers->ring || !workers->threads) {
    bt_workers_free(workers);
    return bt_error_no_memory(error);
  }
  for (; workers->thread_count < threads; workers->thread_count++) {
    if (pthread_create(&workers->threads[workers->thread_count], NULL, work, workers) == 0) continue;
    uint32_t refused = workers->thread_count + 1;
    bt_workers_free(workers);
    return bt_error_set(error, BT_LIMIT,
                        "the system refused to start worker thread %u of %u: raise the limit of processes or memory",
                        refused, threads);
  }
  *out = workers;
  return BT_OK;
}
