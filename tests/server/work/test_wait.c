/* Waiting without a place: who waits leaves his place to others, and runs once for each time he left, whoever wakes him
 * and however many do at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/work/wait.h"
#include "tests/support/random.h"

enum { PATIENCE_MS = 20000, MS = 1000000, WAITERS = 40, ROUNDS = 200 };

static bt_workplace *work;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bt_waits waits;

typedef struct waiter {
  bt_task task;
  bt_wait wait;
  bt_work_scope scope;
  int64_t wait_ns;          /* 0: no time */
  int rounds;               /* so many times it leaves its place */
  atomic_int runs, at_once; /* at_once: of its task; never two */
} waiter;

static waiter waiters[WAITERS];
static atomic_int ended, mistakes;

static void wait_until(atomic_int *count, int wanted) {
  for (int ms = 0; atomic_load(count) < wanted && ms < PATIENCE_MS; ms++) usleep(1000);
  assert_int_equal(atomic_load(count), wanted);
}

static void wait_until_waiting(unsigned wanted) {
  for (int ms = 0; atomic_load(&work->waiting) != wanted && ms < PATIENCE_MS; ms++) usleep(1000);
  assert_int_equal(atomic_load(&work->waiting), wanted);
}

static void wake_all(void) {
  pthread_mutex_lock(&lock);
  bt_waits_wake_all(&waits);
  pthread_mutex_unlock(&lock);
}

static void run(bt_task *task) {
  waiter *w = (waiter *)task;
  if (atomic_fetch_add(&w->at_once, 1)) atomic_fetch_add(&mistakes, 1);
  if (atomic_load(&w->runs)) bt_wait_return(&w->wait);
  pthread_mutex_lock(&lock);
  bt_waits_remove(&w->wait);
  bool goes_on = atomic_fetch_add(&w->runs, 1) < w->rounds;
  if (goes_on) bt_waits_add(&waits, &w->wait);
  pthread_mutex_unlock(&lock);
  atomic_fetch_sub(&w->at_once, 1);
  if (goes_on)
    bt_wait_park(&w->wait, w->wait_ns ? bt_clock_monotonic_ns() + w->wait_ns : 0);
  else
    atomic_fetch_add(&ended, 1);
}

static void begin(waiter *w, int rounds, int64_t wait_ns) {
  *w = (waiter){.task.run = run, .rounds = rounds, .wait_ns = wait_ns};
  bt_work_scope_begin(&w->scope, &work->root, BT_SCOPE_NO_DEADLINE);
  bt_wait_init(&w->wait, work, &w->scope, BT_LANE_ANSWER, &w->task);
  assert_true(bt_pool_submit(work->pool, BT_LANE_ANSWER, &w->task));
}

static int open_work(void **state) {
  bt_pool_options options = {.places = {[BT_LANE_ANSWER] = 1}};
  bt_error error = {0};
  (void)state;
  ended = mistakes = 0;
  waits = (bt_waits){0};
  return bt_workplace_new(&options, &work, &error) == BT_OK ? 0 : -1;
}

static int close_work(void **state) {
  (void)state;
  assert_int_equal(atomic_load(&mistakes), 0);
  assert_int_equal(atomic_load(&work->waiting), 0);
  for (size_t i = 0; i < WAITERS; i++)
    if (waiters[i].task.run) bt_work_scope_end(&waiters[i].scope);
  memset(waiters, 0, sizeof waiters);
  bt_workplace_free(work);
  return 0;
}

static atomic_int quick_runs;
static void run_quickly(bt_task *task) {
  (void)task;
  atomic_fetch_add(&quick_runs, 1);
}

static void who_waits_holds_no_place(void **state) {
  bt_task quick = {.run = run_quickly};
  (void)state;
  quick_runs = 0;
  for (size_t i = 0; i < WAITERS; i++) begin(&waiters[i], 1, 0);
  wait_until_waiting(WAITERS);
  assert_int_equal(bt_pool_look(work->pool, BT_LANE_ANSWER).running, 0);
  assert_true(bt_pool_submit(work->pool, BT_LANE_ANSWER, &quick));
  wait_until(&quick_runs, 1);
  assert_int_equal(atomic_load(&ended), 0);
  wake_all();
  wait_until(&ended, WAITERS);
  for (size_t i = 0; i < WAITERS; i++) assert_int_equal(atomic_load(&waiters[i].runs), 2);
}

static void a_time_wakes(void **state) {
  (void)state;
  begin(&waiters[0], 3, 2 * MS);
  wait_until(&ended, 1);
  assert_int_equal(atomic_load(&waiters[0].runs), 4);
}

static void the_end_of_its_scope_wakes(void **state) {
  (void)state;
  for (size_t i = 0; i < 3; i++) begin(&waiters[i], 1, 0);
  wait_until_waiting(3);
  bt_work_scope_cancel(&waiters[0].scope, BT_SCOPE_READER_GONE);
  wait_until(&ended, 1);
  bt_work_scope_set_deadline(&waiters[1].scope, bt_clock_monotonic_ns() + MS);
  wait_until(&ended, 2);
  assert_int_equal(bt_work_scope_why(&waiters[1].scope), BT_SCOPE_DEADLINE);
  bt_workplace_stop(work);
  wait_until(&ended, 3);
  begin(&waiters[3], 2, 0); /* what is cancelled before it leaves does not stay away */
  wait_until(&ended, 4);
}

/* It was let in when it came: what waits in front of it meanwhile is no reason to refuse it now. */
static void a_full_lane_refuses_nobody_who_comes_back(void **state) {
  enum { SENT = 2000 };
  static bt_task sent[SENT];
  int taken = 0;
  (void)state;
  quick_runs = 0;
  begin(&waiters[0], 1, 0);
  wait_until_waiting(1);
  for (int i = 0; i < SENT; i++) {
    sent[i] = (bt_task){.run = run_quickly};
    taken += bt_pool_submit(work->pool, BT_LANE_ANSWER, &sent[i]);
    if (i == SENT / 2) wake_all();
  }
  wait_until(&ended, 1);
  wait_until(&quick_runs, taken);
}

static void *wake_at_random(void *argument) {
  uint64_t *seed = argument;
  test_random random = test_random_start(*seed);
  while (atomic_load(&ended) < WAITERS) {
    if (test_random_below(&random, 4)) {
      wake_all();
    } else { /* a wake that nobody asked for, as one that comes late is */
      bt_wait_wake(&waiters[test_random_below(&random, WAITERS)].wait);
    }
  }
  return NULL;
}

static void however_many_wake_it_runs_once(void **state) {
  pthread_t threads[3];
  uint64_t seeds[3] = {1, 2, 3};
  (void)state;
  for (size_t i = 0; i < WAITERS; i++) begin(&waiters[i], ROUNDS, i % 2 ? 100 * 1000 : 0);
  for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, wake_at_random, &seeds[i]), 0);
  wait_until(&ended, WAITERS);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  for (size_t i = 0; i < WAITERS; i++) assert_int_equal(atomic_load(&waiters[i].runs), ROUNDS + 1);
}

#define WORK(test) cmocka_unit_test_setup_teardown(test, open_work, close_work)

int main(void) {
  const struct CMUnitTest tests[] = {WORK(who_waits_holds_no_place), WORK(a_time_wakes),
                                     WORK(the_end_of_its_scope_wakes), WORK(a_full_lane_refuses_nobody_who_comes_back),
                                     WORK(however_many_wake_it_runs_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
