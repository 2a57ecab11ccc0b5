/* The pool and its crews: places, lanes at work at the same time, full lanes, tenants, and the end. Random loads are
 * held against the places of each lane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/work/crew.h"
#include "tests/support/random.h"

enum { PATIENCE_MS = 20000, MS = 1000000 };

typedef struct job {
  bt_task task;
  bt_lane lane;
  useconds_t takes_us;
} job;

static atomic_int running[BT_LANES], most[BT_LANES], ended;
static atomic_bool gate_is_open;

static void wait_for(atomic_int *count, int wanted) {
  for (int ms = 0; atomic_load(count) < wanted && ms < PATIENCE_MS; ms++) usleep(1000);
  assert_int_equal(atomic_load(count), wanted);
}

static void begin(bt_lane lane) {
  int now = atomic_fetch_add(&running[lane], 1) + 1, seen = atomic_load(&most[lane]);
  while (seen < now && !atomic_compare_exchange_weak(&most[lane], &seen, now)) {
  }
}

static void run_briefly(bt_task *task) {
  const job *j = (const job *)task;
  bt_lane lane = j->lane;
  begin(lane);
  if (j->takes_us) usleep(j->takes_us);
  atomic_fetch_sub(&running[lane], 1);
  atomic_fetch_add(&ended, 1);
}

static void run_until_open(bt_task *task) {
  bt_lane lane = ((const job *)task)->lane;
  begin(lane);
  while (!atomic_load(&gate_is_open)) usleep(500);
  atomic_fetch_sub(&running[lane], 1);
  atomic_fetch_add(&ended, 1);
}

static int reset(void **state) {
  (void)state;
  memset(running, 0, sizeof running);
  memset(most, 0, sizeof most);
  atomic_store(&ended, 0);
  atomic_store(&gate_is_open, false);
  return 0;
}

static bt_pool *new_pool(const bt_pool_options *options) {
  bt_pool *pool = NULL;
  bt_error error = {0};
  if (bt_pool_new(options, &pool, &error)) fail_msg("%s", error.message);
  return pool;
}

static job job_of(bt_lane lane, uint64_t tenant, void (*run)(bt_task *task)) {
  return (job){.task = {.run = run, .tenant = tenant}, .lane = lane};
}

/* What hangs in every place of one lane holds up no other. */
static void test_a_lane_that_hangs_holds_up_no_other(void **state) {
  bt_pool *pool = new_pool(&(bt_pool_options){.places = {[BT_LANE_SOURCE] = 3}});
  job hanging[20], others[BT_LANES];
  (void)state;
  for (size_t i = 0; i < 20; i++) {
    hanging[i] = job_of(BT_LANE_SOURCE, i, run_until_open);
    assert_true(bt_pool_submit(pool, BT_LANE_SOURCE, &hanging[i].task));
  }
  wait_for(&running[BT_LANE_SOURCE], 3);
  for (int lane = 0; lane < BT_LANES; lane++) {
    others[lane] = job_of((bt_lane)lane, 1, run_briefly);
    if (lane != BT_LANE_SOURCE) assert_true(bt_pool_submit(pool, (bt_lane)lane, &others[lane].task));
  }
  wait_for(&ended, BT_LANES - 1);
  assert_int_equal(bt_pool_look(pool, BT_LANE_SOURCE).queued, 17);
  atomic_store(&gate_is_open, true);
  wait_for(&ended, BT_LANES - 1 + 20);
  assert_int_equal(most[BT_LANE_SOURCE], 3);
  bt_pool_free(pool);
}

/* Of four places a tenant has three, so that another one is served at once. */
static void test_no_tenant_has_all_places(void **state) {
  bt_pool *pool = new_pool(&(bt_pool_options){.places = {[BT_LANE_SOURCE] = 4}});
  job greedy[10], modest = job_of(BT_LANE_SOURCE, 2, run_briefly);
  (void)state;
  for (size_t i = 0; i < 10; i++) {
    greedy[i] = job_of(BT_LANE_SOURCE, 1, run_until_open);
    assert_true(bt_pool_submit(pool, BT_LANE_SOURCE, &greedy[i].task));
  }
  wait_for(&running[BT_LANE_SOURCE], 3);
  assert_true(bt_pool_submit(pool, BT_LANE_SOURCE, &modest.task));
  wait_for(&ended, 1);
  assert_int_equal(most[BT_LANE_SOURCE], 4);
  atomic_store(&gate_is_open, true);
  wait_for(&ended, 11);
  bt_pool_free(pool);
}

static void test_a_full_lane_refuses(void **state) {
  bt_pool *pool = new_pool(&(bt_pool_options){.places = {[BT_LANE_STORE] = 1}, .max_queued = 4});
  job first = job_of(BT_LANE_STORE, 1, run_until_open), waiting[4], late[2];
  (void)state;
  assert_true(bt_pool_submit(pool, BT_LANE_STORE, &first.task));
  wait_for(&running[BT_LANE_STORE], 1);
  for (size_t i = 0; i < 4; i++) waiting[i] = job_of(BT_LANE_STORE, 1 + i / 2, run_briefly);
  late[0] = job_of(BT_LANE_STORE, 1, run_briefly);
  late[1] = job_of(BT_LANE_STORE, 3, run_briefly);
  assert_true(bt_pool_submit(pool, BT_LANE_STORE, &waiting[0].task));
  assert_true(bt_pool_submit(pool, BT_LANE_STORE, &waiting[1].task));
  assert_false(
      bt_pool_submit(pool, BT_LANE_STORE, &late[0].task)); /* half of the places in the line are another tenant's */
  assert_true(bt_pool_submit(pool, BT_LANE_STORE, &waiting[2].task));
  assert_true(bt_pool_submit(pool, BT_LANE_STORE, &waiting[3].task));
  assert_false(bt_pool_submit(pool, BT_LANE_STORE, &late[1].task));
  assert_int_equal(bt_pool_look(pool, BT_LANE_STORE).refused, 2);
  atomic_store(&gate_is_open, true);
  wait_for(&ended, 5);
  bt_pool_free(pool);
}

/* Many tasks of random lanes and tenants: each runs once, and no lane has more at once than its places. */
static void test_random_loads(void **state) {
  enum { JOBS = 3000 };
  (void)state;
  for (uint64_t seed = 1; seed <= 3; seed++) {
    test_random random = test_random_start(seed);
    bt_pool_options options = {.max_queued = JOBS * 2};
    job *jobs = calloc(JOBS, sizeof *jobs);
    reset(NULL);
    for (int i = 0; i < BT_LANES; i++) options.places[i] = 1 + test_random_below(&random, 5);
    bt_pool *pool = new_pool(&options);
    for (int i = 0; i < JOBS; i++) {
      bt_lane lane = (bt_lane)test_random_below(&random, BT_LANES);
      bool has_short_line = lane == BT_LANE_SEARCH || lane == BT_LANE_PUSH || lane == BT_LANE_ASSISTANT;
      if (has_short_line) lane = BT_LANE_SOURCE;
      jobs[i] = job_of(lane, test_random_below(&random, 3), run_briefly);
      jobs[i].task.party = test_random_below(&random, 5);
      jobs[i].takes_us = test_random_below(&random, 20) == 0 ? test_random_below(&random, 500) : 0;
      assert_true(bt_pool_submit(pool, lane, &jobs[i].task));
    }
    wait_for(&ended, JOBS);
    for (int i = 0; i < BT_LANES; i++) assert_true((uint32_t)atomic_load(&most[i]) <= options.places[i]);
    bt_pool_free(pool);
    free(jobs);
  }
}

static void test_the_end_runs_what_is_queued(void **state) {
  bt_pool *pool = new_pool(&(bt_pool_options){.places = {[BT_LANE_MEMORY] = 1}});
  job jobs[50];
  (void)state;
  for (size_t i = 0; i < 50; i++) {
    jobs[i] = job_of(BT_LANE_MEMORY, i, run_briefly);
    jobs[i].takes_us = 200;
    assert_true(bt_pool_submit(pool, BT_LANE_MEMORY, &jobs[i].task));
  }
  bt_pool_end(pool);
  assert_int_equal(atomic_load(&ended), 50);
  assert_false(bt_pool_submit(pool, BT_LANE_MEMORY, &jobs[0].task));
  bt_pool_free(pool);
}

/* What has not begun can be taken back, and what has cannot. */
static void test_what_waits_can_be_taken_back(void **state) {
  bt_pool *pool = new_pool(&(bt_pool_options){.places = {[BT_LANE_STORE] = 1}});
  job first = job_of(BT_LANE_STORE, 1, run_until_open), waiting[3];
  (void)state;
  assert_true(bt_pool_submit(pool, BT_LANE_STORE, &first.task));
  wait_for(&running[BT_LANE_STORE], 1);
  for (size_t i = 0; i < 3; i++) {
    waiting[i] = job_of(BT_LANE_STORE, i, run_briefly);
    assert_true(bt_pool_submit(pool, BT_LANE_STORE, &waiting[i].task));
  }
  assert_false(bt_pool_take_back(pool, BT_LANE_STORE, &first.task));
  assert_true(bt_pool_take_back(pool, BT_LANE_STORE, &waiting[1].task));
  assert_false(bt_pool_take_back(pool, BT_LANE_STORE, &waiting[1].task));
  assert_int_equal(bt_pool_look(pool, BT_LANE_STORE).queued, 2);
  atomic_store(&gate_is_open, true);
  wait_for(&ended, 3);
  bt_pool_free(pool);
  assert_int_equal(atomic_load(&ended), 3);
}

/* ---- crews ---- */

typedef struct owner {
  pthread_mutex_t mutex;
  bt_crew crew;
  int to_do, done, at_once, most_at_once, looks;
  int64_t again_after_ns;
} owner;

static bool do_piece(void *context, int64_t *again_ns) {
  owner *o = context;
  o->looks++;
  if (!o->to_do) {
    if (o->again_after_ns) *again_ns = bt_clock_monotonic_ns() + o->again_after_ns;
    return false;
  }
  o->to_do--;
  if (++o->at_once > o->most_at_once) o->most_at_once = o->at_once;
  pthread_mutex_unlock(&o->mutex);
  usleep(300);
  pthread_mutex_lock(&o->mutex);
  o->at_once--;
  o->done++;
  return true;
}

static void begin_owner(owner *o, bt_workplace *work, uint32_t size) {
  bt_error error = {0};
  *o = (owner){.to_do = 0};
  pthread_mutex_init(&o->mutex, NULL);
  bt_crew_options options = {
      .work = work, .lane = BT_LANE_REPORT, .size = size, .mutex = &o->mutex, .do_piece = do_piece, .context = o};
  if (bt_crew_init(&o->crew, &options, &error)) fail_msg("%s", error.message);
}

static int read_int(owner *o, const int *number) {
  pthread_mutex_lock(&o->mutex);
  int value = *number;
  pthread_mutex_unlock(&o->mutex);
  return value;
}

static void wait_for_owner(owner *o, const int *number, int at_least) {
  for (int ms = 0; read_int(o, number) < at_least && ms < PATIENCE_MS; ms++) usleep(1000);
  assert_true(read_int(o, number) >= at_least);
}

static void test_a_crew_does_what_there_is(void **state) {
  bt_workplace *work = NULL;
  bt_error error = {0};
  owner o;
  (void)state;
  assert_int_equal(bt_workplace_new(&(bt_pool_options){.places = {[BT_LANE_REPORT] = 3}}, &work, &error), BT_OK);
  begin_owner(&o, work, 2);
  for (int i = 0; i < 100; i++) {
    pthread_mutex_lock(&o.mutex);
    o.to_do++;
    bt_crew_wake(&o.crew, 1);
    pthread_mutex_unlock(&o.mutex);
    if (i % 10 == 0) usleep(1000);
  }
  wait_for_owner(&o, &o.done, 100);
  assert_true(o.most_at_once <= 2);
  bt_crew_end(&o.crew);
  assert_int_equal(o.done, 100);
  pthread_mutex_destroy(&o.mutex);
  bt_workplace_free(work);
}

static void *end_crew(void *crew) {
  bt_crew_end(crew);
  atomic_fetch_add(&ended, 1);
  return NULL;
}

/* A replay that has ended does not wait until its helper, which was never needed, has had a place beside what hangs. */
static void test_a_crew_ends_where_its_lane_is_full(void **state) {
  bt_workplace *work = NULL;
  bt_error error = {0};
  job hanging = job_of(BT_LANE_REPORT, 1, run_until_open);
  pthread_t thread;
  owner o;
  (void)state;
  assert_int_equal(bt_workplace_new(&(bt_pool_options){.places = {[BT_LANE_REPORT] = 1}}, &work, &error), BT_OK);
  assert_true(bt_pool_submit(work->pool, BT_LANE_REPORT, &hanging.task));
  wait_for(&running[BT_LANE_REPORT], 1);
  begin_owner(&o, work, 2);
  pthread_mutex_lock(&o.mutex);
  o.to_do = 2;
  bt_crew_wake_all(&o.crew);
  pthread_mutex_unlock(&o.mutex);
  assert_int_equal(bt_pool_look(work->pool, BT_LANE_REPORT).queued, 2);
  assert_int_equal(pthread_create(&thread, NULL, end_crew, &o.crew), 0);
  wait_for(&ended, 1); /* while the other one hangs */
  assert_int_equal(o.done, 0);
  atomic_store(&gate_is_open, true);
  pthread_join(thread, NULL);
  wait_for(&ended, 2);
  pthread_mutex_destroy(&o.mutex);
  bt_workplace_free(work);
}

static void test_a_crew_looks_again_when_the_timer_says(void **state) {
  bt_workplace *work = NULL;
  bt_error error = {0};
  owner o;
  (void)state;
  assert_int_equal(bt_workplace_new(NULL, &work, &error), BT_OK);
  begin_owner(&o, work, 1);
  pthread_mutex_lock(&o.mutex);
  o.again_after_ns = MS;
  bt_crew_wake_all(&o.crew);
  pthread_mutex_unlock(&o.mutex);
  wait_for_owner(&o, &o.looks, 5);
  bt_crew_end(&o.crew);
  int looks = o.looks;
  usleep(10000);
  assert_int_equal(o.looks, looks);
  pthread_mutex_destroy(&o.mutex);
  bt_workplace_free(work);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_a_lane_that_hangs_holds_up_no_other, reset),
                                     cmocka_unit_test_setup(test_no_tenant_has_all_places, reset),
                                     cmocka_unit_test_setup(test_a_full_lane_refuses, reset),
                                     cmocka_unit_test_setup(test_random_loads, reset),
                                     cmocka_unit_test_setup(test_the_end_runs_what_is_queued, reset),
                                     cmocka_unit_test_setup(test_what_waits_can_be_taken_back, reset),
                                     cmocka_unit_test_setup(test_a_crew_ends_where_its_lane_is_full, reset),
                                     cmocka_unit_test(test_a_crew_does_what_there_is),
                                     cmocka_unit_test(test_a_crew_looks_again_when_the_timer_says)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
