/* The ranges that a watcher searches. Whatever fails and however long the watcher is away, every moment is searched,
 * waits as a gap, or is named as lost. Each sweep repeats every moment that was searched in time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/watch/watch_schedule.h"
#include "tests/support/random.h"

enum { STEPS = 400, MOMENTS = 200000 };
#define NS INT64_C(1000000000)

static const bt_watch_times TIMES = {.settle_ns = 120 * NS,
                                     .lookback_ns = 3600 * NS,
                                     .first_sweep_ns = 900 * NS,
                                     .sweep_step_ns = 300 * NS,
                                     .chunk_ns = 600 * NS,
                                     .catchup_max_ns = 86400 * NS};

/* With a third sweep. */
static bt_watch_times late_times(void) {
  bt_watch_times times = TIMES;
  times.late_sweep_ns = 5400 * NS;
  return times;
}

/* How often each second of the timeline was searched live or as a gap, and swept. */
typedef struct timeline {
  unsigned char searched[MOMENTS], caught_up[MOMENTS], swept[BT_WATCH_SWEEPS][MOMENTS];
} timeline;

static void mark(unsigned char *moments, bt_time_range range) {
  assert_true(range.start_ns >= 0 && range.end_ns <= MOMENTS * NS && range.start_ns < range.end_ns);
  for (int64_t at = range.start_ns / NS; at < range.end_ns / NS; at++)
    if (moments[at] < 255) moments[at]++;
}

static void search_due(bt_watch_schedule *schedule, int64_t now_ns, bool fails, timeline *seen) {
  const bt_slice_kind kinds[] = {BT_SLICE_LIVE, BT_SLICE_SWEEP, BT_SLICE_CATCH_UP};
  bt_slice slice;
  for (size_t i = 0; i < 3; i++) {
    for (int most = kinds[i] == BT_SLICE_CATCH_UP ? 1 : 16; most; most--) {
      if (!bt_watch_schedule_due(schedule, kinds[i], now_ns, &slice) || fails) break;
      assert_true(slice.range.end_ns <= now_ns - schedule->times.settle_ns);
      if (seen) mark(slice.kind == BT_SLICE_SWEEP ? seen->swept[slice.number] : seen->searched, slice.range);
      if (seen && slice.kind == BT_SLICE_CATCH_UP) mark(seen->caught_up, slice.range);
      bt_watch_schedule_done(schedule, &slice);
    }
  }
}

static bool is_in(bt_time_range range, int64_t at_ns) {
  return at_ns >= range.start_ns && at_ns < range.end_ns;
}

static bool is_gap(const bt_watch_schedule *schedule, int64_t at_ns) {
  for (size_t i = 0; i < schedule->gap_count; i++)
    if (is_in(schedule->gaps[i], at_ns)) return true;
  return false;
}

static void check(const bt_watch_schedule *schedule, const timeline *seen, int64_t from_ns, uint64_t seed) {
  for (int64_t at_ns = from_ns; at_ns < schedule->searched_ns; at_ns += NS) {
    bool is_searched = seen->searched[at_ns / NS] > 0;
    if (is_searched || is_gap(schedule, at_ns) || is_in(schedule->lost, at_ns)) continue;
    fail_msg("seed %llu: second %lld was skipped", (unsigned long long)seed, (long long)(at_ns / NS));
  }
}

/* A moment whose sweep is overdue by two steps was swept, or caught up, or waits for that. */
static void check_sweeps(const bt_watch_schedule *schedule, const timeline *seen, int64_t from_ns, int64_t now_ns,
                         uint64_t seed) {
  for (unsigned sweep = 0; sweep < BT_WATCH_SWEEPS; sweep++) {
    const bt_watch_times *times = &schedule->times;
    if (!bt_watch_has_sweep(times, sweep)) continue;
    int64_t due_ns = now_ns - times->settle_ns - bt_watch_sweep_delay(times, sweep) - 2 * times->sweep_step_ns;
    if (schedule->swept_ns[sweep] < due_ns) due_ns = schedule->swept_ns[sweep];
    for (int64_t at_ns = from_ns; at_ns < due_ns; at_ns += NS) {
      bool is_seen = seen->swept[sweep][at_ns / NS] || seen->caught_up[at_ns / NS];
      if (is_seen || is_gap(schedule, at_ns) || is_in(schedule->lost, at_ns)) continue;
      fail_msg("seed %llu: second %lld was not swept", (unsigned long long)seed, (long long)(at_ns / NS));
    }
  }
}

/* Whoever starts a watcher again may give it other settings. */
static bt_watch_times other_times(test_random *random) {
  static const int64_t intervals[] = {5 * NS, 30 * NS, 120 * NS}, looks[] = {1200 * NS, 3600 * NS},
                       sweeps[] = {0, 300 * NS, 900 * NS};
  bt_watch_times times = TIMES;
  times.sweep_step_ns = 10 * intervals[test_random_below(random, 3)];
  times.chunk_ns = 2 * times.sweep_step_ns;
  times.lookback_ns = looks[test_random_below(random, 2)];
  times.first_sweep_ns = sweeps[test_random_below(random, 3)];
  return times;
}

/* A new process, with what a checkpoint keeps of the last one. */
static void start_again(bt_watch_schedule *schedule, const bt_watch_times *times, int64_t now_ns) {
  bt_watch_schedule last = *schedule;
  int64_t swept_ns[BT_WATCH_SWEEPS], done_ns = bt_watch_schedule_done_ns(&last);
  bt_watch_schedule_swept(&last, done_ns, swept_ns);
  bt_watch_schedule_start(schedule, times, done_ns, swept_ns, now_ns);
  for (size_t i = 0; i < last.gap_count; i++) bt_watch_schedule_add_gap(schedule, last.gaps[i], now_ns);
  schedule->lost = bt_watch_hull(schedule->lost, last.lost);
}

/* A watcher process ends now and then; the next one begins at what the last checkpoint said. */
static void account_for_moments(bool with_other_times, const bt_watch_times *first, uint64_t seeds) {
  timeline *seen = malloc(sizeof *seen);
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    test_random random = (test_random){seed * 2862933555777941757u + 3037000493u};
    int64_t now_ns = 10000 * NS, began_ns = now_ns - TIMES.settle_ns;
    bt_watch_schedule schedule;
    memset(seen, 0, sizeof *seen);
    bt_watch_schedule_start(&schedule, first, INT64_MIN, NULL, now_ns);
    bool fails = false;
    for (int step = 0; step < STEPS && now_ns < (MOMENTS - 9000) * NS; step++) {
      now_ns += (int64_t)(test_random_below(&random, 40) ? 30 : test_random_below(&random, 9000)) * NS;
      if (!test_random_below(&random, 20)) fails = !fails;
      if (!test_random_below(&random, 50)) {
        const bt_watch_times times = with_other_times ? other_times(&random) : *first;
        start_again(&schedule, &times, now_ns);
      }
      bt_watch_schedule_advance(&schedule, now_ns);
      search_due(&schedule, now_ns, fails, seen);
      check(&schedule, seen, began_ns, seed);
      if (step % 10 == 0) check_sweeps(&schedule, seen, began_ns, now_ns, seed);
    }
  }
  free(seen);
}

static void every_moment_is_accounted_for(void **state) {
  (void)state;
  const bt_watch_times late = late_times();
  account_for_moments(false, &TIMES, 60);
  account_for_moments(false, &late, 30);
}

static void other_settings_leave_out_no_moment(void **state) {
  (void)state;
  account_for_moments(true, &TIMES, 20);
}

/* With an interval of 60 s the first sweep of the last ten minutes or so is still to come when the watcher ends; the
 * next one has an interval of 5 s, and would begin its sweep behind them. */
static void a_smaller_interval_leaves_no_strip(void **state) {
  bt_watch_schedule schedule;
  bt_watch_times times = TIMES;
  bt_slice slice;
  int64_t now_ns = 50000 * NS;
  (void)state;
  times.sweep_step_ns = 600 * NS;
  bt_watch_schedule_start(&schedule, &times, INT64_MIN, NULL, now_ns);
  for (int i = 0; i < 200; i++, now_ns += 60 * NS) {
    bt_watch_schedule_advance(&schedule, now_ns);
    search_due(&schedule, now_ns, false, NULL);
  }
  int64_t swept_ns = schedule.swept_ns[0];
  times.sweep_step_ns = 50 * NS;
  start_again(&schedule, &times, now_ns);
  assert_true(schedule.swept_ns[0] <= swept_ns || is_gap(&schedule, swept_ns));
  assert_true(bt_watch_schedule_due(&schedule, BT_SLICE_SWEEP, now_ns, &slice));
}

static void repeat_what_was_searched(const bt_watch_times *times) {
  timeline *seen = calloc(1, sizeof *seen);
  bt_watch_schedule schedule;
  int64_t now_ns = 5000 * NS;
  bt_watch_schedule_start(&schedule, times, INT64_MIN, NULL, now_ns);
  int64_t began_ns = schedule.searched_ns;
  for (int i = 0; i < 1000; i++, now_ns += 30 * NS) {
    bt_watch_schedule_advance(&schedule, now_ns);
    search_due(&schedule, now_ns, i % 7 < 3, seen);
  }
  for (unsigned sweep = 0; sweep < BT_WATCH_SWEEPS; sweep++) {
    int64_t swept_ns = now_ns - times->settle_ns - bt_watch_sweep_delay(times, sweep) - 2 * times->sweep_step_ns;
    bool is_there = bt_watch_has_sweep(times, sweep);
    for (int64_t at_ns = began_ns; at_ns < swept_ns; at_ns += NS)
      assert_int_equal(seen->swept[sweep][at_ns / NS], is_there);
  }
  free(seen);
}

static void sweeps_repeat_what_was_searched(void **state) {
  const bt_watch_times late = late_times();
  (void)state;
  repeat_what_was_searched(&TIMES);
  repeat_what_was_searched(&late);
}

/* What the source hides becomes longer, as with another version of it: what was looked at too early is looked at once
 * more, but nothing of before anybody watched. */
static void a_longer_wait_looks_again(void **state) {
  timeline *seen = calloc(1, sizeof *seen);
  bt_watch_schedule schedule;
  int64_t now_ns = 20000 * NS, longer_ns = 7200 * NS;
  (void)state;
  bt_watch_schedule_start(&schedule, &TIMES, INT64_MIN, NULL, now_ns);
  int64_t began_ns = schedule.searched_ns;
  bt_watch_schedule_set_late(&schedule, 1800 * NS, now_ns);
  assert_false(bt_watch_has_sweep(&schedule.times, 2));
  assert_int_equal(bt_watch_schedule_certain_ns(&schedule, began_ns, 7320 * NS), INT64_MIN);
  for (int i = 0; i < 1000; i++, now_ns += 30 * NS) {
    if (i == 50 || i == 400) bt_watch_schedule_set_late(&schedule, longer_ns, now_ns);
    if (i == 300) bt_watch_schedule_set_late(&schedule, 5400 * NS, now_ns);
    bt_watch_schedule_advance(&schedule, now_ns);
    search_due(&schedule, now_ns, false, seen);
    int64_t done_ns = bt_watch_schedule_done_ns(&schedule);
    int64_t certain_ns = bt_watch_schedule_certain_ns(&schedule, done_ns, longer_ns + TIMES.settle_ns);
    assert_true(certain_ns <= now_ns - TIMES.settle_ns - longer_ns || certain_ns == began_ns);
    assert_int_equal(certain_ns == INT64_MIN, schedule.times.late_sweep_ns < longer_ns);
  }
  int64_t again_ns = now_ns - TIMES.settle_ns - longer_ns - 2 * TIMES.sweep_step_ns;
  assert_true(schedule.swept_ns[2] >= again_ns && again_ns > began_ns);
  for (int64_t at_ns = began_ns; at_ns < schedule.swept_ns[2]; at_ns += NS)
    assert_true(seen->swept[2][at_ns / NS] >= 1);
  assert_int_equal(seen->swept[2][began_ns / NS - 1], 0);
  free(seen);
}

static void a_gap_older_than_catch_up_is_lost(void **state) {
  bt_watch_schedule schedule;
  (void)state;
  int64_t now_ns = 150000 * NS;
  bt_watch_schedule_start(&schedule, &TIMES, 10000 * NS, NULL, now_ns);
  /* What was searched before, and not swept yet, is part of it. */
  assert_int_equal(schedule.lost.start_ns, 10000 * NS - TIMES.lookback_ns - TIMES.sweep_step_ns);
  assert_int_equal(schedule.lost.end_ns, now_ns - TIMES.catchup_max_ns);
  assert_int_equal(schedule.gap_count, 1);
  assert_int_equal(schedule.gaps[0].start_ns, schedule.lost.end_ns);
  assert_int_equal(schedule.gaps[0].end_ns, schedule.searched_ns);
}

static void many_gaps_become_fewer_and_lose_nothing(void **state) {
  bt_watch_schedule schedule;
  (void)state;
  int64_t now_ns = 90000 * NS;
  bt_watch_schedule_start(&schedule, &TIMES, INT64_MIN, NULL, now_ns);
  for (int64_t i = 0; i < 100; i++)
    bt_watch_schedule_add_gap(&schedule, (bt_time_range){(5000 + 100 * i) * NS, (5010 + 100 * i) * NS}, now_ns);
  assert_true(schedule.gap_count <= BT_WATCH_GAPS_MAX);
  for (int64_t i = 0; i < 100; i++) assert_true(is_gap(&schedule, (5005 + 100 * i) * NS));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_moment_is_accounted_for),      cmocka_unit_test(other_settings_leave_out_no_moment),
      cmocka_unit_test(a_smaller_interval_leaves_no_strip), cmocka_unit_test(sweeps_repeat_what_was_searched),
      cmocka_unit_test(a_gap_older_than_catch_up_is_lost),  cmocka_unit_test(many_gaps_become_fewer_and_lose_nothing),
      cmocka_unit_test(a_longer_wait_looks_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
