/* The clock of watch: it goes on evenly whatever is done to the wall clock, follows small steps, and comes to believe
 * one that stays ahead. Also what the schedule does with it: a clock set by an hour makes no hole, and nothing
 * stops. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/base/clock.h"
#include "server/base/condition.h"
#include "server/watch/watch_clock.h"
#include "server/watch/watch_schedule.h"

#define NS INT64_C(1000000000)
enum { HOUR = 3600, ROUND = 30, MOMENTS = 40000 };
static const int64_t START = 1000 * HOUR * NS;

typedef struct world {
  bt_watch_clock clock;
  int64_t passed_ns, offset_ns; /* since the start; of the wall clock */
  bool was_set;
} world;

static int64_t read_after(world *w, int64_t seconds) {
  w->passed_ns += seconds * NS;
  return bt_watch_clock_read(&w->clock, START + w->passed_ns + w->offset_ns, 5 * NS + w->passed_ns, &w->was_set) -
         START;
}

static void small_steps_are_followed(void **state) {
  (void)state;
  world w = {0};
  assert_int_equal(read_after(&w, 0), 0);
  w.offset_ns = 3 * NS;
  assert_int_equal(read_after(&w, 10), 13 * NS);
  w.offset_ns = 0;
  assert_int_equal(read_after(&w, 1), 13 * NS); /* it stands still, and does not go back */
  assert_int_equal(read_after(&w, 10), 21 * NS);
  assert_false(w.was_set);
}

static void a_clock_that_was_set_is_not_followed(void **state) {
  (void)state;
  static const int64_t jumps[] = {HOUR, -HOUR, 20, -20, 400 * HOUR, -400 * HOUR};
  for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
    world w = {0};
    read_after(&w, 0);
    w.offset_ns = jumps[i] * NS;
    assert_int_equal(read_after(&w, ROUND), ROUND * NS);
    assert_true(w.was_set);
    assert_int_equal(read_after(&w, ROUND), 2 * ROUND * NS);
    assert_false(w.was_set); /* said once */
    w.offset_ns = 0;
    assert_int_equal(read_after(&w, ROUND), 3 * ROUND * NS);
    assert_int_equal(w.clock.offset_ns, 0);
  }
}

static void a_clock_that_stays_ahead_is_believed(void **state) {
  (void)state;
  world w = {0};
  read_after(&w, 0);
  w.offset_ns = 8 * HOUR * NS;
  for (int i = 1; i <= HOUR / ROUND; i++) assert_int_equal(read_after(&w, ROUND), i * ROUND * NS);
  assert_int_equal(read_after(&w, ROUND), (HOUR + ROUND + 8 * HOUR) * NS);
  assert_int_equal(w.clock.offset_ns, 0);
}

static void one_that_stays_behind_is_not(void **state) {
  (void)state;
  world w = {0};
  read_after(&w, 0);
  w.offset_ns = -HOUR * NS;
  for (int i = 1; i <= 3 * HOUR / ROUND; i++) assert_int_equal(read_after(&w, ROUND), i * ROUND * NS);
  assert_true(w.clock.offset_ns < 0);
}

/* ---- with the schedule ---- */

static const bt_watch_times TIMES = {.settle_ns = 120 * NS,
                                     .lookback_ns = HOUR * NS,
                                     .first_sweep_ns = 900 * NS,
                                     .sweep_step_ns = 300 * NS,
                                     .chunk_ns = 600 * NS,
                                     .catchup_max_ns = 86400 * NS};

/* When, in seconds of true time, each second of the spans' time was last searched; −1: never. */
static int searched_at[MOMENTS];

static void search_all(bt_watch_schedule *schedule, int64_t now_ns, int true_seconds) {
  const bt_slice_kind kinds[] = {BT_SLICE_LIVE, BT_SLICE_SWEEP, BT_SLICE_CATCH_UP};
  bt_slice slice;
  for (size_t i = 0; i < 3; i++)
    while (bt_watch_schedule_due(schedule, kinds[i], now_ns, &slice)) {
      for (int64_t at = slice.range.start_ns; at < slice.range.end_ns; at += NS) {
        int64_t second = (at - START) / NS;
        if (second >= 0 && second < MOMENTS) searched_at[second] = true_seconds;
      }
      bt_watch_schedule_done(schedule, &slice);
    }
}

/* The clock is wrong by `before` seconds, and from second `at` on by `after`. Each second has to be searched when its
 * spans are there, and within `most` seconds; where the clock was wrong to begin with, of when it was set right. */
static void expect_no_hole(int before, int after, int at, int most) {
  enum { UNTIL = 30000 };
  bt_watch_clock clock = {0};
  bt_watch_schedule schedule;
  bool was_set;
  for (int i = 0; i < MOMENTS; i++) searched_at[i] = -1;
  static int first_seen[MOMENTS];
  for (int i = 0; i < MOMENTS; i++) first_seen[i] = -1;
  for (int now = 0; now < UNTIL; now += ROUND) {
    int64_t wall_ns = START + (now + (now < at ? before : after)) * NS;
    int64_t now_ns = bt_watch_clock_read(&clock, wall_ns, (now + 5) * NS, &was_set);
    if (!now) bt_watch_schedule_start(&schedule, &TIMES, INT64_MIN, NULL, now_ns);
    bt_watch_schedule_advance(&schedule, now_ns);
    bt_watch_schedule_repeat(&schedule, clock.offset_ns < 0 ? wall_ns : 0, now_ns);
    search_all(&schedule, now_ns, now);
    for (int i = 0; i < UNTIL; i++)
      if (first_seen[i] < 0 && searched_at[i] >= i) first_seen[i] = searched_at[i];
  }
  for (int i = 600; i < UNTIL - 3 * HOUR; i++) {
    if (first_seen[i] < 0) fail_msg("%d to %d at %d: second %d is never searched", before, after, at, i);
    if (first_seen[i] - (before && i < at ? at : i) > most)
      fail_msg("%d to %d at %d: second %d is searched %d s late", before, after, at, i, first_seen[i] - i);
  }
}

static void a_jump_makes_no_hole(void **state) {
  (void)state;
  enum { SOON = 2 * ROUND + 120 };
  expect_no_hole(0, 0, 9000, SOON);
  expect_no_hole(0, -HOUR, 9000, SOON); /* set back: watch goes on */
  expect_no_hole(0, -5 * HOUR, 9000, SOON);
  expect_no_hole(-HOUR, 0, 9000, HOUR + SOON); /* an hour late until it is believed */
  expect_no_hole(-3 * HOUR, 0, 9000, 3 * HOUR + SOON);
  expect_no_hole(HOUR, 0, 9000, HOUR + 900); /* was ahead: searched before its spans were there, and again */
  expect_no_hole(5 * HOUR, 0, 3000, HOUR + 900);
  expect_no_hole(0, HOUR, 9000, HOUR + 900); /* wrongly ahead for good: the sweep of an hour finds them */
}

static void a_wait_ends_when_its_time_has_come(void **state) {
  (void)state;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition;
  bt_condition_init(&condition);
  pthread_mutex_lock(&mutex);
  int64_t until_ns = bt_clock_monotonic_ns() + 20000000;
  while (bt_condition_wait(&condition, &mutex, until_ns)) {
  }
  assert_true(bt_clock_monotonic_ns() >= until_ns); /* of the wall clock it would have been in the past for years */
  assert_false(bt_condition_wait(&condition, &mutex, until_ns));
  pthread_mutex_unlock(&mutex);
  pthread_cond_destroy(&condition);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_steps_are_followed),
      cmocka_unit_test(a_clock_that_was_set_is_not_followed),
      cmocka_unit_test(a_clock_that_stays_ahead_is_believed),
      cmocka_unit_test(one_that_stays_behind_is_not),
      cmocka_unit_test(a_jump_makes_no_hole),
      cmocka_unit_test(a_wait_ends_when_its_time_has_come),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
