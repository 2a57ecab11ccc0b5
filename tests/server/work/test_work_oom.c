/* The owner of work under an allocator that fails at each call in turn; and submitting, cancelling and deadlines, which
 * need no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/work/crew.h"
#include "tests/support/failing_alloc.h"

static atomic_int runs;

static void run(bt_task *task) {
  (void)task;
  atomic_fetch_add(&runs, 1);
}

static bool do_nothing(void *context, int64_t *again_ns) {
  (void)context, (void)again_ns;
  return false;
}

static bt_status make(bt_workplace **work, bt_crew *crew, pthread_mutex_t *mutex) {
  bt_error error = {0};
  bt_crew_options options = {.lane = BT_LANE_WATCH, .size = 1, .mutex = mutex, .do_piece = do_nothing};
  bt_status status = bt_workplace_new(NULL, work, &error);
  if (status) return status;
  options.work = *work;
  return bt_crew_init(crew, &options, &error);
}

static void test_beginning(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    bt_workplace *work = NULL;
    bt_crew crew = {0};
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, NULL);
    assert_true(n < 20);
    failing_alloc_after(n);
    bt_status status = make(&work, &crew, &mutex);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    bt_crew_end(&crew);
    bt_workplace_free(work);
    pthread_mutex_destroy(&mutex);
    if (was_refused) continue;
    assert_true(n >= 4);
    break;
  }
}

static void test_going_on_needs_no_memory(void **state) {
  bt_workplace *work = NULL;
  bt_error error = {0};
  bt_task tasks[100] = {0};
  bt_work_scope scope;
  (void)state;
  assert_int_equal(bt_workplace_new(NULL, &work, &error), BT_OK);
  failing_alloc_after(0);
  for (size_t i = 0; i < 100; i++) { /* each lane gets its tasks from several tenants */
    tasks[i] = (bt_task){.run = run, .tenant = i / BT_LANES % 4, .party = i % 7};
    assert_true(bt_pool_submit(work->pool, (bt_lane)(i % BT_LANES), &tasks[i]));
  }
  bt_work_scope_begin(&scope, &work->root, bt_clock_monotonic_ns());
  while (!atomic_load(&scope.cancel.requested)) usleep(1000);
  bt_work_scope_end(&scope);
  bt_workplace_free(work);
  assert_false(failing_alloc_stop());
  assert_int_equal(atomic_load(&runs), 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_beginning), cmocka_unit_test(test_going_on_needs_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
