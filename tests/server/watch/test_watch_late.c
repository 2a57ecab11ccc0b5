/* Watching a source whose searches hide spans that came late, and then show them among what came when they did.
 * Whatever lookback is, watch loses none. It says from when on it has not looked again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/server/watch/watch_case.h"

static const int64_t LATENESS_NS = 15 * MINUTE_NS, HIDDEN_NS = 16 * MINUTE_NS;

static void start_hiding(watch_scene *s) {
  s->fake.promises.late =
      (bt_late_promise){.in_time = {.hidden_ns = HIDDEN_NS}, .may_lie_apart = true, .is_assumed = true};
  watch_start(s);
  watch_round(s);
}

/* A trace of one span that was at began_ns and comes now, in a block of its own that begins now. No search shows it
 * yet. */
static fake_span *come_late(watch_scene *s, uint64_t number, int64_t began_ns) {
  fake_span *span = fake_span_add(fake_add(&s->fake, number), "slow", began_ns);
  span->dated_ns = s->now_ns;
  span->only_by_id = true;
  return span;
}

static int64_t provisional(watch_scene *s) {
  return bt_watcher_look(s->watcher).provisional_from_ns;
}

/* With each of these times a violation that came as late as may be, and was hidden for as long as may be, is found. */
static void none_is_lost_however_short_lookback_is(void **state) {
  static const struct {
    int64_t sweep_ns, lookback_ns;
  } rows[] = {
      {15 * MINUTE_NS, HOUR_NS},        {2 * MINUTE_NS, 5 * MINUTE_NS},   {0, MINUTE_NS},
      {20 * MINUTE_NS, 25 * MINUTE_NS}, {40 * MINUTE_NS, 10 * MINUTE_NS},
  };
  watch_scene *s = *state;
  for (uint64_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    s->options.sweep_ns = rows[i].sweep_ns;
    s->options.lookback_ns = rows[i].lookback_ns;
    start_hiding(s);
    watch_pass(s, 3 * MINUTE_NS);
    int64_t began_ns = s->now_ns;
    watch_pass(s, LATENESS_NS);
    come_late(s, i + 1, began_ns);
    watch_pass(s, HIDDEN_NS - MINUTE_NS);
    watch_assert_sent(s, "slow", i + 1, 0);
    assert_true(provisional(s) <= began_ns);
    fake_find(&s->fake, i + 1)->spans[0].only_by_id = false;
    watch_pass(s, 90 * MINUTE_NS);
    watch_assert_sent(s, "slow", i + 1, 1);
    assert_true(provisional(s) > began_ns);
    watch_kill(s);
  }
}

/* A watcher that begins where the last one ended looks again at what that one has not. */
static void a_restart_loses_none(void **state) {
  watch_scene *s = *state;
  s->options.sweep_ns = 2 * MINUTE_NS;
  s->options.lookback_ns = 5 * MINUTE_NS;
  start_hiding(s);
  watch_pass(s, 3 * MINUTE_NS);
  int64_t began_ns = s->now_ns;
  watch_pass(s, LATENESS_NS);
  come_late(s, 1, began_ns);
  int64_t before_ns = provisional(s);
  assert_int_equal(s->checkpoint.provisional_from_ns, before_ns);
  watch_kill(s);
  start_hiding(s);
  assert_true(provisional(s) <= before_ns);
  watch_pass(s, HIDDEN_NS - MINUTE_NS);
  fake_find(&s->fake, 1)->spans[0].only_by_id = false;
  watch_pass(s, HOUR_NS);
  watch_assert_sent(s, "slow", 1, 1);
}

/* It was away for longer than that, and catches up. */
static void what_is_caught_up_has_late_spans_too(void **state) {
  watch_scene *s = *state;
  start_hiding(s);
  watch_pass(s, 3 * MINUTE_NS);
  watch_kill(s);
  s->now_ns += 2 * HOUR_NS;
  int64_t began_ns = s->now_ns;
  s->now_ns += LATENESS_NS;
  come_late(s, 1, began_ns)->only_by_id = false;
  s->now_ns += 3 * HOUR_NS;
  start_hiding(s);
  watch_pass(s, 30 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
}

/* What lies behind a sweep's own time, where it goes on for late spans, is not read once more for it. */
static void going_on_for_late_spans_reads_nothing_twice(void **state) {
  watch_scene *s = *state;
  start_hiding(s);
  for (uint64_t i = 1; i <= 60; i++) {
    watch_arrive(s, i, "slow");
    watch_pass(s, MINUTE_NS);
  }
  watch_pass(s, 3 * HOUR_NS);
  for (uint64_t i = 1; i <= 60; i++) {
    const fake_trace *trace = fake_find(&s->fake, i);
    assert_true(trace->batch_reads <= 3); /* when it is quiet, and once for each sweep */
    watch_assert_sent(s, "slow", i, 1);
  }
}

/* From the beginning on, and as far back as what was not looked at again when all was shown. */
static void the_newest_part_is_provisional(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  int64_t began_ns = s->now_ns - 2 * MINUTE_NS;
  assert_int_equal(provisional(s), began_ns);
  for (int i = 0; i < 60; i++) {
    watch_pass(s, 2 * MINUTE_NS);
    assert_true(provisional(s) == began_ns || provisional(s) <= s->now_ns - LATENESS_NS);
  }
  assert_true(provisional(s) >= s->now_ns - 15 * MINUTE_NS - 2 * MINUTE_NS - 6 * MINUTE_NS);
  watch_kill(s);
  start_hiding(s); /* the first sweep is too early now */
  watch_pass(s, 3 * HOUR_NS);
  assert_true(provisional(s) <= s->now_ns - HOUR_NS - 2 * MINUTE_NS);
  assert_true(provisional(s) >= s->now_ns - HOUR_NS - 8 * MINUTE_NS);
}

static void nothing_is_provisional_where_nothing_comes_late(void **state) {
  watch_scene *s = *state;
  s->options.assumptions.lateness_ns = 0;
  start_hiding(s);
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(provisional(s), 0);
  assert_int_equal(s->checkpoint.provisional_from_ns, 0);
}

/* The watermark is no later for it. */
static void it_holds_up_nothing(void **state) {
  watch_scene *s = *state;
  s->options.sweep_ns = 2 * MINUTE_NS;
  s->options.lookback_ns = 5 * MINUTE_NS;
  start_hiding(s);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 3 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  watch_pass(s, 2 * HOUR_NS);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, s->now_ns - 2 * MINUTE_NS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(none_is_lost_however_short_lookback_is),
      CASE(a_restart_loses_none),
      CASE(what_is_caught_up_has_late_spans_too),
      CASE(going_on_for_late_spans_reads_nothing_twice),
      CASE(the_newest_part_is_provisional),
      CASE(nothing_is_provisional_where_nothing_comes_late),
      CASE(it_holds_up_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
