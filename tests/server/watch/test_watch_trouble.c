/* Watching a source that answers others and not this time: what is late is late, and nothing is passed over. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "tests/server/watch/watch_case.h"

/* A busy source answers none of them in the part of the timeout that a first batch has. What is read by id has all of
 * it. */
static void watching_begins_where_no_batch_is_answered(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  watch_kill(s);
  watch_arrive(s, 2, "slow");
  s->now_ns += 10 * MINUTE_NS;
  s->fake.fail_batches = BT_UNAVAILABLE;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(bt_watcher_look(s->watcher).is_started);
  watch_assert_sent(s, "slow", 1, 1);
  watch_assert_sent(s, "slow", 2, 1);
}

static int64_t last_trace(watch_scene *s) {
  return bt_watcher_look(s->watcher).last_trace_ns;
}

/* The last trace is one of any kind, and its time stands still while there is none, or nobody can ask. */
static void the_last_trace_is_known_though_no_rule_is_about_it(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  assert_int_equal(last_trace(s), 0);
  int64_t from_ns = s->now_ns;
  watch_arrive(s, 1, "idle");
  watch_pass(s, 5 * MINUTE_NS);
  int64_t seen_ns = last_trace(s);
  assert_in_range(seen_ns, from_ns - MINUTE_NS, from_ns + MINUTE_NS);
  watch_pass(s, 20 * MINUTE_NS);
  assert_int_equal(last_trace(s), seen_ns);
  s->fake.fail_percent = 100;
  watch_arrive(s, 2, "idle");
  watch_pass(s, 5 * MINUTE_NS);
  assert_int_equal(last_trace(s), seen_ns);
}

/* Checkpoints go on while no trace comes, and say 0 of the present only while some do. None comes while Tempo is away.
 */
static void checkpoints_say_whether_anybody_looks(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(s->checkpoint_count > 0);
  assert_false(s->checkpoint.is_looking);
  watch_arrive(s, 1, "idle");
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(s->checkpoint.is_looking);
  size_t count = s->checkpoint_count;
  watch_pass(s, 10 * MINUTE_NS);
  assert_true(s->checkpoint_count > count);
  assert_false(s->checkpoint.is_looking);
  watch_arrive(s, 2, "idle");
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(s->checkpoint.is_looking);
  s->fake.fail_percent = 100;
  watch_pass(s, MINUTE_NS);
  count = s->checkpoint_count;
  watch_pass(s, 20 * MINUTE_NS);
  assert_int_equal(s->checkpoint_count, count);
}

/* The newest checkpoint fails, and older ones do not: what they say is true as well, and less. */
static void an_older_watermark_is_better_than_none(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  const bt_trace_id newest = s->fake.traces[s->fake.trace_count - 1].id;
  watch_kill(s);
  watch_arrive(s, 1, "slow");
  s->now_ns += 10 * MINUTE_NS;
  s->fake.fail_id = &newest;
  s->fake.gives_others = true;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(bt_watcher_look(s->watcher).is_started);
  watch_assert_sent(s, "slow", 1, 1);
}

/* Of forty questions for one slice nearly always one fails: those that were answered are not asked again. */
static void many_rules_get_on_though_some_searches_fail(void **state) {
  watch_scene *s = *state;
  enum { RULES = 40 };
  static char names[RULES][16];
  for (int i = 0; i < RULES; i++) {
    char dsl[80];
    snprintf(names[i], sizeof names[i], "bad%d", i);
    snprintf(dsl, sizeof dsl, "when { %s } always { retry }", names[i]);
    watch_add_rule(s, names[i], dsl);
  }
  watch_start(s);
  watch_round(s);
  s->fake.fail_percent = 15;
  for (int i = 0; i < RULES; i++) {
    watch_arrive(s, (uint64_t)i + 1, names[i]);
    watch_pass(s, 3 * MINUTE_NS);
  }
  assert_true(s->watcher->schedule.searched_ns > s->now_ns - 20 * MINUTE_NS);
  assert_true(bt_watcher_look(s->watcher).done_ns > s->now_ns - HOUR_NS); /* the sweeps are further behind */
  s->fake.fail_percent = 0;
  watch_pass(s, HOUR_NS);
  for (int i = 0; i < RULES; i++) watch_assert_sent(s, names[i], (uint64_t)i + 1, 1);
}

/* Cuts what checkpoints say of gaps, as a receiver with a limit for the length of values does. */
static void cut_gaps(watch_scene *s, size_t length) {
  for (size_t i = 0; i < s->fake.trace_count; i++) {
    fake_span *span = &s->fake.traces[i].spans[0];
    for (uint32_t k = 0; k < span->attribute_count; k++)
      if (bt_str_equal(span->attributes[k].key, BT_STR(BT_WATCH_GAPS))) span->attributes[k].value.string.len = length;
  }
}

/* What cannot be read of them may have been any gap. */
static void gaps_that_were_cut_are_still_gaps(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  watch_miss(s, 30);
  watch_start(s);
  watch_pass(s, 2 * MINUTE_NS);
  assert_true(s->checkpoint.gap_count > 0);
  watch_kill(s);
  cut_gaps(s, 40);
  watch_start(s);
  watch_pass(s, 8 * HOUR_NS);
  for (uint64_t i = 1; i <= 30; i++) watch_assert_sent(s, "slow", i, 1);
}

/* ---- everything at once ---- */

static uint64_t draw(uint64_t *random, uint64_t below) {
  *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (*random >> 33) % below;
}

static void stall(watch_scene *s, bool on) {
  pthread_mutex_lock(&s->mutex);
  s->is_stalled = on;
  pthread_mutex_unlock(&s->mutex);
}

/* One in five rounds takes for minutes, longer than lookback at times; one in thirty is the last of its watcher,
 * whatever waits. */
static uint64_t live_through(watch_scene *s, uint64_t seed) {
  uint64_t random = seed, number = 0;
  for (int i = 0; i < 200; i++) {
    for (uint64_t k = draw(&random, 3); k > 0; k--) watch_arrive(s, ++number, "slow");
    stall(s, draw(&random, 4) == 0);
    if (draw(&random, 5) == 0) s->now_ns += (int64_t)draw(&random, 20) * MINUTE_NS;
    watch_pass(s, s->options.interval_ns);
    if (draw(&random, 30)) continue;
    watch_kill(s);
    s->now_ns += (int64_t)draw(&random, 15) * MINUTE_NS;
    watch_start(s);
  }
  return number;
}

static void troubles_and_restarts_lose_nothing(void **state) {
  watch_scene *s = *state;
  s->options.lookback_ns = 10 * MINUTE_NS;
  s->options.sweep_ns = 4 * MINUTE_NS;
  for (unsigned percent = 10; percent <= 40; percent += 15) {
    for (uint64_t seed = 1; seed <= 4; seed++) {
      watch_scene *one = watch_scene_new();
      one->options.lookback_ns = s->options.lookback_ns;
      one->options.sweep_ns = s->options.sweep_ns;
      watch_add_rule(one, "slow", "when { slow } always { retry }");
      watch_start(one);
      watch_round(one);
      one->fake.fail_random = seed;
      one->fake.fail_percent = percent;
      uint64_t number = live_through(one, 100 * percent + seed);
      one->fake.fail_percent = 0;
      stall(one, false);
      watch_pass(one, 2 * HOUR_NS);
      for (uint64_t i = 1; i <= number; i++) watch_assert_sent(one, "slow", i, 1);
      bt_watch_status status = bt_watcher_look(one->watcher);
      assert_int_equal(status.gap_start_ns, status.gap_end_ns);
      assert_int_equal(status.lost_start_ns, status.lost_end_ns);
      watch_scene_free(one);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(watching_begins_where_no_batch_is_answered),  CASE(an_older_watermark_is_better_than_none),
      CASE(many_rules_get_on_though_some_searches_fail), CASE(gaps_that_were_cut_are_still_gaps),
      CASE(troubles_and_restarts_lose_nothing),          CASE(the_last_trace_is_known_though_no_rule_is_about_it),
      CASE(checkpoints_say_whether_anybody_looks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
