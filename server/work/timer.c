/* A pairing heap of entries under one mutex, and the thread that waits for the first of them. See timer.h. The thread
 * is woken only for what comes before the time that it sleeps to: deadlines are set and cleared by thousands, and
 * hardly one of them is met. */
#include "server/work/timer.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/base/condition.h"
#include "tempo/wire/wait_guard.h"

struct bt_timer {
  pthread_t thread;
  pthread_mutex_t mutex; /* guards all below */
  pthread_cond_t changed, fired;
  bt_timer_entry *first;
  const bt_timer_entry *firing;
  int64_t sleeps_until_ns; /* of the thread; 0: it does not sleep */
  bool is_stopping;
};

/* ---- the heap: `previous` of a first child is its parent, of another one the child before it ---- */

static bt_timer_entry *join_heaps(bt_timer_entry *one, bt_timer_entry *other) {
  if (!one || !other) return one ? one : other;
  bt_timer_entry *upper = other->at_ns < one->at_ns ? other : one, *lower = upper == one ? other : one;
  lower->previous = upper;
  lower->next = upper->child;
  if (lower->next) lower->next->previous = lower;
  upper->child = lower;
  return upper;
}

static bt_timer_entry *cut_first(bt_timer_entry **list) {
  bt_timer_entry *cut = *list;
  if (!cut) return NULL;
  *list = cut->next;
  cut->next = cut->previous = NULL;
  return cut;
}

/* Two by two, and then from the last pair to the first: that keeps the heap flat. */
static bt_timer_entry *join_children(bt_timer_entry *children) {
  bt_timer_entry *pairs = NULL, *whole = NULL;
  while (children) {
    bt_timer_entry *one = cut_first(&children), *pair = join_heaps(one, cut_first(&children));
    pair->next = pairs;
    pairs = pair;
  }
  while (pairs) whole = join_heaps(whole, cut_first(&pairs));
  return whole;
}

static void take_out(bt_timer *timer, bt_timer_entry *entry) {
  bt_timer_entry *children = join_children(entry->child);
  if (entry == timer->first) {
    timer->first = children;
  } else {
    if (entry->previous->child == entry)
      entry->previous->child = entry->next;
    else
      entry->previous->next = entry->next;
    if (entry->next) entry->next->previous = entry->previous;
    timer->first = join_heaps(timer->first, children);
  }
  entry->child = entry->next = entry->previous = NULL;
  entry->is_set = false;
}

static void put_in(bt_timer *timer, bt_timer_entry *entry, int64_t at_ns) {
  if (entry->is_set) take_out(timer, entry);
  entry->at_ns = at_ns;
  entry->is_set = true;
  timer->first = join_heaps(timer->first, entry);
  if (at_ns < timer->sleeps_until_ns) pthread_cond_signal(&timer->changed);
}

/* ---- the thread ---- */

/* The lock is held at both ends. */
static void fire_first(bt_timer *timer) {
  bt_timer_entry *entry = timer->first;
  take_out(timer, entry);
  timer->firing = entry;
  pthread_mutex_unlock(&timer->mutex);
  entry->fire(entry);
  pthread_mutex_lock(&timer->mutex);
  timer->firing = NULL;
  pthread_cond_broadcast(&timer->fired);
}

static void sleep_to_first(bt_timer *timer) {
  timer->sleeps_until_ns = timer->first ? timer->first->at_ns : INT64_MAX;
  (void)bt_condition_wait(&timer->changed, &timer->mutex, timer->sleeps_until_ns);
  timer->sleeps_until_ns = 0;
}

static void *keep_time(void *argument) {
  bt_timer *timer = argument;
  bt_thread_forbid_waits();
  pthread_mutex_lock(&timer->mutex);
  while (!timer->is_stopping) {
    if (timer->first && timer->first->at_ns <= bt_clock_monotonic_ns())
      fire_first(timer);
    else
      sleep_to_first(timer);
  }
  pthread_mutex_unlock(&timer->mutex);
  return NULL;
}

/* ---- for others ---- */

void bt_timer_set(bt_timer *timer, bt_timer_entry *entry, int64_t at_ns) {
  pthread_mutex_lock(&timer->mutex);
  put_in(timer, entry, at_ns);
  pthread_mutex_unlock(&timer->mutex);
}

void bt_timer_set_earlier(bt_timer *timer, bt_timer_entry *entry, int64_t at_ns) {
  pthread_mutex_lock(&timer->mutex);
  if (!entry->is_set || at_ns < entry->at_ns) put_in(timer, entry, at_ns);
  pthread_mutex_unlock(&timer->mutex);
}

void bt_timer_clear(bt_timer *timer, bt_timer_entry *entry) {
  pthread_mutex_lock(&timer->mutex);
  bool is_own_thread = pthread_equal(pthread_self(), timer->thread);
  while (timer->firing == entry && !is_own_thread) pthread_cond_wait(&timer->fired, &timer->mutex);
  if (entry->is_set) take_out(timer, entry);
  pthread_mutex_unlock(&timer->mutex);
}

static void dispose_timer(bt_timer *timer) {
  pthread_cond_destroy(&timer->fired);
  pthread_cond_destroy(&timer->changed);
  pthread_mutex_destroy(&timer->mutex);
  free(timer);
}

bt_status bt_timer_new(bt_timer **out, bt_error *error) {
  *out = NULL;
  bt_timer *timer = calloc(1, sizeof *timer);
  if (!timer) return bt_error_no_memory(error);
  pthread_mutex_init(&timer->mutex, NULL);
  bt_condition_init(&timer->changed);
  bt_condition_init(&timer->fired);
  /* With the mutex held, so that the thread finds its own number written. */
  pthread_mutex_lock(&timer->mutex);
  int failure = pthread_create(&timer->thread, NULL, keep_time, timer);
  pthread_mutex_unlock(&timer->mutex);
  if (!failure) return *out = timer, BT_OK;
  dispose_timer(timer);
  return bt_error_set(error, BT_LIMIT,
                      "the system refused to start the timer's thread: raise the limit of processes or memory");
}

void bt_timer_free(bt_timer *timer) {
  if (!timer) return;
  pthread_mutex_lock(&timer->mutex);
  timer->is_stopping = true;
  pthread_cond_signal(&timer->changed);
  pthread_mutex_unlock(&timer->mutex);
  pthread_join(timer->thread, NULL);
  dispose_timer(timer);
}
