/* The timer and the tree of scopes that hangs on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "dsl/base/error.h"
#include "server/base/clock.h"
#include "server/work/scope.h"
#include "server/work/timer.h"
#include "tests/support/random.h"

enum { ENTRIES = 400, MS = 1000000, PATIENCE_MS = 20000 };

typedef struct alarm {
  bt_timer_entry entry;
  int64_t at_ns;
  bool is_wanted;
  atomic_int calls;
} alarm_clock;

static atomic_llong last_at_ns;
static atomic_int out_of_order, too_early, rung;

static void ring(bt_timer_entry *entry) {
  alarm_clock *a = (alarm_clock *)entry;
  if (a->at_ns < atomic_load(&last_at_ns)) atomic_fetch_add(&out_of_order, 1);
  if (bt_clock_monotonic_ns() < a->at_ns) atomic_fetch_add(&too_early, 1);
  atomic_store(&last_at_ns, a->at_ns);
  atomic_fetch_add(&a->calls, 1);
  atomic_fetch_add(&rung, 1);
}

static bt_timer *new_timer(void) {
  bt_timer *timer = NULL;
  bt_error error = {0};
  if (bt_timer_new(&timer, &error)) fail_msg("%s", error.message);
  return timer;
}

static void wait_for(atomic_int *count, int wanted) {
  for (int ms = 0; atomic_load(count) < wanted && ms < PATIENCE_MS; ms++) usleep(1000);
  assert_int_equal(atomic_load(count), wanted);
}

/* Set, moved and cleared at random: those that are set at the end ring once each, in order and never early, the others
 * not. */
static void test_entries_ring_in_order(void **state) {
  static alarm_clock alarms[ENTRIES];
  test_random random = test_random_start(7);
  bt_timer *timer = new_timer();
  int64_t base_ns = bt_clock_monotonic_ns() + 500 * MS;
  int expected = 0;
  (void)state;
  for (int i = 0; i < 5 * ENTRIES; i++) {
    alarm_clock *a = &alarms[test_random_below(&random, ENTRIES)];
    a->entry.fire = ring;
    bt_timer_clear(timer, &a->entry); /* at_ns is read by the timer's thread */
    a->is_wanted = test_random_below(&random, 4) != 0;
    if (!a->is_wanted) continue;
    a->at_ns = base_ns + (int64_t)test_random_below(&random, 300) * MS;
    bt_timer_set(timer, &a->entry, a->at_ns + 1000 * (int64_t)MS);
    bt_timer_set_earlier(timer, &a->entry, a->at_ns);
    bt_timer_set_earlier(timer, &a->entry, a->at_ns + 5 * MS);
  }
  for (int i = 0; i < ENTRIES; i++) expected += alarms[i].is_wanted;
  assert_true(expected > ENTRIES / 2 && expected < ENTRIES);
  wait_for(&rung, expected);
  assert_int_equal(atomic_load(&out_of_order), 0);
  assert_int_equal(atomic_load(&too_early), 0);
  for (int i = 0; i < ENTRIES; i++) assert_int_equal(atomic_load(&alarms[i].calls), alarms[i].is_wanted);
  bt_timer_free(timer);
}

static atomic_int begun;
static atomic_bool may_end, has_ended;

static void ring_long(bt_timer_entry *entry) {
  (void)entry;
  atomic_fetch_add(&begun, 1);
  while (!atomic_load(&may_end)) usleep(1000);
  atomic_store(&has_ended, true);
}

static void *let_it_end(void *argument) {
  usleep(20000);
  atomic_store(&may_end, true);
  return argument;
}

static void test_clearing_waits_for_a_call_under_way(void **state) {
  bt_timer *timer = new_timer();
  bt_timer_entry entry = {.fire = ring_long};
  pthread_t other;
  (void)state;
  bt_timer_set(timer, &entry, bt_clock_monotonic_ns());
  wait_for(&begun, 1);
  assert_int_equal(pthread_create(&other, NULL, let_it_end, NULL), 0);
  bt_timer_clear(timer, &entry);
  assert_true(atomic_load(&has_ended));
  pthread_join(other, NULL);
  bt_timer_free(timer);
}

/* ---- scopes ---- */

static bool is_cancelled(const bt_work_scope *scope) {
  return atomic_load(&scope->cancel.requested);
}

static void test_a_cancel_goes_down_and_not_up(void **state) {
  bt_work_scope root, call, part, other, late;
  (void)state;
  bt_work_scope_begin_root(&root, NULL);
  bt_work_scope_begin(&call, &root, BT_SCOPE_NO_DEADLINE);
  bt_work_scope_begin(&part, &call, BT_SCOPE_NO_DEADLINE);
  bt_work_scope_begin(&other, &root, BT_SCOPE_NO_DEADLINE);
  bt_work_scope_cancel(&call, BT_SCOPE_READER_GONE);
  bt_work_scope_begin(&late, &call, BT_SCOPE_NO_DEADLINE);
  assert_true(is_cancelled(&call) && is_cancelled(&part) && is_cancelled(&late));
  assert_false(is_cancelled(&root) || is_cancelled(&other));
  bt_work_scope_cancel(&root, BT_SCOPE_STOPPING);
  assert_int_equal(bt_work_scope_why(&part), BT_SCOPE_READER_GONE);
  assert_int_equal(bt_work_scope_why(&late), BT_SCOPE_READER_GONE);
  assert_int_equal(bt_work_scope_why(&other), BT_SCOPE_STOPPING);
  bt_work_scope_end(&late);
  bt_work_scope_end(&part);
  bt_work_scope_end(&call);
  bt_work_scope_end(&other);
  bt_work_scope_end(&root);
}

static void test_a_deadline_cancels_what_is_below(void **state) {
  bt_timer *timer = new_timer();
  bt_work_scope root, call, part, other;
  (void)state;
  bt_work_scope_begin_root(&root, timer);
  bt_work_scope_begin(&call, &root, bt_clock_monotonic_ns() + 20 * MS);
  bt_work_scope_begin(&part, &call, bt_clock_monotonic_ns() + 3600 * (int64_t)1000 * MS);
  bt_work_scope_begin(&other, &root, BT_SCOPE_NO_DEADLINE);
  for (int ms = 0; !is_cancelled(&part) && ms < PATIENCE_MS; ms++) usleep(1000);
  assert_int_equal(bt_work_scope_why(&part), BT_SCOPE_DEADLINE);
  assert_int_equal(bt_work_scope_why(&other), BT_SCOPE_GOES_ON);
  bt_work_scope_end(&part);
  bt_work_scope_end(&call);
  bt_work_scope_end(&other);
  bt_work_scope_end(&root);
  bt_timer_free(timer);
}

/* Scopes that begin and end on some threads while deadlines pass and the root is cancelled: for the sanitizers. */
static bt_work_scope shared_root;

static void *begin_and_end(void *argument) {
  test_random random = {.state = (uint64_t)(uintptr_t)argument};
  for (int i = 0; i < 3000; i++) {
    bt_work_scope call, part;
    int64_t now_ns = bt_clock_monotonic_ns();
    bt_work_scope_begin(&call, &shared_root, now_ns + (int64_t)test_random_below(&random, 50) * 1000);
    bt_work_scope_begin(&part, &call, now_ns + (int64_t)test_random_below(&random, 50) * 1000);
    if (test_random_below(&random, 4) == 0) bt_work_scope_cancel(&call, BT_SCOPE_UNWANTED);
    bt_work_scope_end(&part);
    bt_work_scope_end(&call);
  }
  return NULL;
}

static void test_scopes_of_several_threads(void **state) {
  bt_timer *timer = new_timer();
  pthread_t threads[4];
  (void)state;
  bt_work_scope_begin_root(&shared_root, timer);
  for (uintptr_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, begin_and_end, (void *)(i + 1)), 0);
  usleep(5000);
  bt_work_scope_cancel(&shared_root, BT_SCOPE_STOPPING);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  assert_null(shared_root.children);
  bt_work_scope_end(&shared_root);
  bt_timer_free(timer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_entries_ring_in_order), cmocka_unit_test(test_clearing_waits_for_a_call_under_way),
      cmocka_unit_test(test_a_cancel_goes_down_and_not_up), cmocka_unit_test(test_a_deadline_cancels_what_is_below),
      cmocka_unit_test(test_scopes_of_several_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
