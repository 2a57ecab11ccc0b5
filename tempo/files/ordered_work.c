/* Work in order. See ordered_work.h. Pieces have numbers as they are cut; the place of a piece is its number modulo the
 * places. Threads begin with the oldest piece that waits. */
#include "tempo/files/ordered_work.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { PLACES_OF_A_JOB = 2 };

typedef struct piece {
  bool is_done;
  bt_status status;
  bt_error error;
  uint64_t weight;
} piece;

typedef struct run {
  const bt_ordered_work *work;
  size_t places;
  pthread_mutex_t mutex; /* guards what follows, and of each place is_done */
  pthread_cond_t may_begin, is_done;
  piece *pieces;              /* of each place */
  uint64_t taken, begun, cut; /* numbers: taken <= begun <= cut */
  bool is_over;               /* nobody begins anything any more */
  uint64_t weight;            /* of what is cut and not taken; the calling thread's own */
} run;

size_t bt_ordered_work_places(unsigned jobs) {
  return jobs > 1 ? (size_t)jobs * PLACES_OF_A_JOB : 1;
}

static piece *piece_of(const run *r, uint64_t number) {
  return &r->pieces[number % r->places];
}

/* The mutex is held, and let go of while it works. False: nothing waits. */
static bool do_next(run *r) {
  if (r->is_over || r->begun == r->cut) return false;
  uint64_t number = r->begun++;
  piece *mine = piece_of(r, number);
  pthread_mutex_unlock(&r->mutex);
  mine->status = r->work->work(r->work->context, number % r->places, &mine->error);
  pthread_mutex_lock(&r->mutex);
  mine->is_done = true;
  pthread_cond_signal(&r->is_done);
  return true;
}

static void *run_helper(void *context) {
  run *r = context;
  pthread_mutex_lock(&r->mutex);
  while (!r->is_over)
    if (!do_next(r) && !r->is_over) pthread_cond_wait(&r->may_begin, &r->mutex);
  pthread_mutex_unlock(&r->mutex);
  return NULL;
}

/* Waits for the oldest piece, working itself while something waits, and takes it. */
static bt_status take_oldest(run *r, bt_error *error) {
  piece *oldest = piece_of(r, r->taken);
  pthread_mutex_lock(&r->mutex);
  while (!oldest->is_done)
    if (!do_next(r)) pthread_cond_wait(&r->is_done, &r->mutex);
  pthread_mutex_unlock(&r->mutex);
  bt_status status = r->work->take(r->work->context, r->taken % r->places, error);
  if (oldest->status) {
    status = oldest->status;
    if (error) *error = oldest->error;
  }
  r->weight -= oldest->weight;
  r->taken++;
  return status;
}

/* A piece that is cut: it waits until it is light enough beside the others. */
static bt_status begin_piece(run *r, uint64_t weight, bt_error *error) {
  bt_status status = BT_OK;
  while (!status && r->taken < r->cut && r->weight + weight > r->work->most_weight) status = take_oldest(r, error);
  if (status) return status;
  *piece_of(r, r->cut) = (piece){.weight = weight};
  r->weight += weight;
  pthread_mutex_lock(&r->mutex);
  r->cut++;
  pthread_cond_signal(&r->may_begin);
  pthread_mutex_unlock(&r->mutex);
  return BT_OK;
}

/* What was cut before a failure to cut comes before it. */
static bt_status take_rest(run *r, bt_status cut, const bt_error *why, bt_error *error) {
  bt_status status = BT_OK;
  while (!status && r->taken < r->cut) status = take_oldest(r, error);
  if (status || !cut) return status;
  if (error) *error = *why;
  return cut;
}

static bt_status do_all(run *r, bt_error *error) {
  bt_status status = BT_OK, cut = BT_OK;
  bt_error why = {0};
  for (bool found = true; !status && !cut && found;) {
    uint64_t weight = 0;
    if (r->cut - r->taken == r->places) status = take_oldest(r, error);
    if (!status) cut = r->work->cut(r->work->context, r->cut % r->places, &found, &weight, &why);
    if (!status && !cut && found) status = begin_piece(r, weight, error);
  }
  return status ? status : take_rest(r, cut, &why, error);
}

/* Signals are the calling thread's. */
static unsigned start_helpers(run *r, pthread_t *threads, unsigned count) {
  sigset_t all, before;
  unsigned started = 0;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (started < count && pthread_create(&threads[started], NULL, run_helper, r) == 0) started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

static void end_helpers(run *r, const pthread_t *threads, unsigned count) {
  pthread_mutex_lock(&r->mutex);
  r->is_over = true;
  pthread_cond_broadcast(&r->may_begin);
  pthread_mutex_unlock(&r->mutex);
  for (unsigned i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

bt_status bt_ordered_work_run(const bt_ordered_work *work, bt_error *error) {
  unsigned helpers = work->jobs > 1 ? work->jobs - 1 : 0;
  run r = {.work = work, .places = bt_ordered_work_places(work->jobs)};
  pthread_t *threads = calloc(helpers + 1, sizeof *threads);
  r.pieces = calloc(r.places, sizeof *r.pieces);
  bt_status status = threads && r.pieces ? BT_OK : bt_error_no_memory(error);
  if (!status) {
    pthread_mutex_init(&r.mutex, NULL);
    pthread_cond_init(&r.may_begin, NULL);
    pthread_cond_init(&r.is_done, NULL);
    unsigned started = start_helpers(&r, threads, helpers);
    status = do_all(&r, error);
    end_helpers(&r, threads, started);
    pthread_cond_destroy(&r.is_done);
    pthread_cond_destroy(&r.may_begin);
    pthread_mutex_destroy(&r.mutex);
  }
  free(r.pieces);
  free(threads);
  return status;
}
