/* The range of a replay: where data begins and is missing, which traces belong to it, and what is not settled at its
 * end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/server/replay/replay_scene.h"

static void no_data_is_not_no_violations(void **state) {
  scene *s = *state;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "no_data");
  assert_int_equal(s->run.result.coverage.windows_empty_count, 1);
  assert_int_equal(s->run.result.coverage.windows_empty[0].end_ns, NOON_NS + HOUR_NS);
  s->run.request.count = BT_COUNT_AT_LEAST;
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "no_data");
  assert_int_equal(s->fake.probes, 24);
  assert_int_equal(s->run.result.coverage.windows_empty_count, 1);
}

static void gaps_and_the_beginning_of_data(void **state) {
  scene *s = *state;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  for (int64_t m = 20; m < 60; m += 1) {
    if (m >= 40 && m < 50) continue;
    scene_add(s, (uint64_t)m, NOON_NS + m * MINUTE_NS + 30 * SECOND_NS, "web", NULL);
  }
  for (int round = 0; round < 2; round++) {
    s->run.request.count = round ? BT_COUNT_AT_LEAST : BT_COUNT_AUTO;
    const bt_rule_result *rule = scene_go(s);
    const bt_coverage *coverage = &s->run.result.coverage;
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(rule->evaluated_is_exact, !round);
    assert_int_equal(rule->traces_evaluated, round ? 0 : 30);
    assert_true(coverage->has_data_from);
    int64_t from_ns = NOON_NS + 20 * MINUTE_NS + 30 * SECOND_NS;
    assert_in_range(from_ns - coverage->data_from_ns, 0, round ? 2 * SECOND_NS : 0);
    assert_int_equal(coverage->windows_empty_count, 2);
    assert_int_equal(coverage->windows_empty[0].start_ns, NOON_NS);
    assert_int_equal(coverage->windows_empty[0].end_ns, NOON_NS + 20 * MINUTE_NS);
    assert_int_equal(coverage->windows_empty[1].start_ns, NOON_NS + 40 * MINUTE_NS);
    assert_int_equal(coverage->windows_empty[1].end_ns, NOON_NS + 50 * MINUTE_NS);
  }
}

/* The beginning is looked for beside the search for what is subtracted, up to the first span of a candidate. What is
 * subtracted may begin before that: what was found holds the answer. Where it held too many, the part before the
 * earliest known is asked. */
static void the_beginning_is_looked_for_ahead(void **state) {
  scene *s = *state;
  scene_add(s, 1, NOON_NS + 30 * SECOND_NS, "web", NULL);
  scene_add(s, 2, NOON_NS + MINUTE_NS, "retry", NULL);
  scene_add(s, 3, NOON_NS + 2 * MINUTE_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.count = BT_COUNT_AT_LEAST;
  s->run.request.strategy = BT_STRATEGY_ID_SETS;
  for (size_t round = 1; round <= 2; round++) {
    size_t before = fake_searches(&s->fake, "name != ");
    scene_go(s);
    assert_int_equal(s->run.result.coverage.data_from_ns, NOON_NS + 30 * SECOND_NS);
    assert_true(s->fake.begun_searches > 0);
    assert_int_equal(s->fake.dropped_searches, 0);
    size_t windows = 23; /* of 24, the first one is not empty */
    assert_int_equal(fake_searches(&s->fake, "name != ") - before - windows, round == 1 ? 1 : 2);
    for (uint64_t i = 0; i < 2500; i++)
      scene_add(s, 10 + i, NOON_NS + 90 * SECOND_NS + (int64_t)i * (SECOND_NS / 1000), "web", NULL);
  }
}

/* A candidate near the edge, whose place is not sure before it is read, says where data are all the same: of the many
 * after it none are looked through. */
static void the_beginning_before_a_trace_at_the_edge(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 6000; i++)
    scene_add(s, 10 + i, NOON_NS + MINUTE_NS + (int64_t)i * (SECOND_NS / 1000), "web", NULL);
  scene_add(s, 1, NOON_NS + 30 * SECOND_NS, "web", NULL);
  scene_add(s, 2, NOON_NS + 40 * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.count = BT_COUNT_AT_LEAST;
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(s->run.result.coverage.data_from_ns, NOON_NS + 30 * SECOND_NS);
  assert_int_equal(fake_searches(&s->fake, "name != "), 23 + 1); /* each other window, and the beginning of the first */
}

/* More than are looked through at once: the part that holds them is halved. */
static void the_beginning_of_very_many(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 6000; i++)
    scene_add(s, 1 + i, NOON_NS + 21 * MINUTE_NS + (int64_t)i * (SECOND_NS / 100), "web", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.count = BT_COUNT_AT_LEAST;
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(s->run.result.coverage.data_from_ns, NOON_NS + 21 * MINUTE_NS);
  assert_true(s->fake.log_count < 24 + 12);
}

static void membership_at_both_edges(void **state) {
  scene *s = *state;
  /* Begins before the window, its matching span inside: of the window before. */
  fake_trace *trace = fake_add(&s->fake, 1);
  fake_span_add(trace, "web", NOON_NS - MINUTE_NS);
  fake_span_add(trace, "slow", NOON_NS + MINUTE_NS)->fragment = 1;
  /* Begins inside, its matching span after the end: of this window. */
  trace = fake_add(&s->fake, 2);
  fake_span_add(trace, "web", NOON_NS + HOUR_NS - MINUTE_NS);
  fake_span_add(trace, "slow", NOON_NS + HOUR_NS + MINUTE_NS)->fragment = 1;
  /* Begins with the end: of the next. */
  scene_add(s, 3, NOON_NS + HOUR_NS, "slow", NULL);
  /* Begins with the start. */
  scene_add(s, 4, NOON_NS, "slow", NULL);
  /* Longer than margin, begun long before: its time is 15 minutes before its latest start, inside. */
  trace = fake_add(&s->fake, 5);
  fake_span_add(trace, "web", NOON_NS - 5 * HOUR_NS);
  fake_span_add(trace, "slow", NOON_NS + 30 * MINUTE_NS)->fragment = 1;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  assert_false(replay_saw(&s->run, 0, 1));
  assert_true(replay_saw(&s->run, 0, 2));
  assert_false(replay_saw(&s->run, 0, 3));
  assert_true(replay_saw(&s->run, 0, 4));
  assert_true(replay_saw(&s->run, 0, 5));
  assert_int_equal(rule->violations_found, 3);
  assert_int_equal(s->run.result.coverage.outside, 2);
  assert_int_equal(s->run.result.coverage.long_trace_count, 1);
  assert_memory_equal(s->run.result.coverage.long_traces[0].bytes, fake_id(5).bytes, 16);
  assert_int_equal(rule->traces_evaluated, 3);
  assert_true(rule->evaluated_is_exact);
}

/* The time of the trace lies in a later window, but only this one's search can find its slow span. */
static void a_long_trace_is_judged_where_it_is_found(void **state) {
  scene *s = *state;
  fake_trace *trace = fake_add(&s->fake, 1);
  fake_span_add(trace, "slow", NOON_NS + 30 * MINUTE_NS);
  fake_span_add(trace, "web", NOON_NS + 9 * HOUR_NS)->fragment = 1;
  scene_add(s, 2, NOON_NS + 9 * HOUR_NS, "web", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  scene_go(s);
  assert_true(replay_saw(&s->run, 0, 1));
  assert_int_equal(s->run.result.coverage.long_trace_count, 1);
  s->run.request.range = (bt_time_range){NOON_NS + 8 * HOUR_NS, NOON_NS + 10 * HOUR_NS};
  scene_go(s);
  assert_int_equal(s->run.seen_count, 0);
}

static void the_unsettled_tail(void **state) {
  scene *s = *state;
  s->run.request.now_ns = NOON_NS + HOUR_NS;
  scene_add(s, 1, NOON_NS + 30 * MINUTE_NS, "slow", NULL);            /* young enough to be asked by id */
  scene_add(s, 2, NOON_NS + 59 * MINUTE_NS, "slow", NULL);            /* absence says nothing yet */
  scene_add(s, 3, NOON_NS + 59 * MINUTE_NS + SECOND_NS, "bad", NULL); /* presence does */
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "bad", "trace.has(span.name == \"bad\")");
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  const bt_coverage *coverage = &s->run.result.coverage;
  assert_int_equal(coverage->effective_end_ns, NOON_NS + 58 * MINUTE_NS);
  assert_int_equal(coverage->unsettled, 2);
  assert_true(replay_seen(&s->run, 0, 1)->confirmed_by_id);
  assert_false(replay_seen(&s->run, 0, 1)->provisional);
  assert_false(replay_saw(&s->run, 0, 2));
  assert_true(replay_seen(&s->run, 1, 3)->provisional);
  assert_int_equal(s->run.result.rules[1].violations_found, 1);
  assert_int_equal(s->run.result.rules[1].violations_provisional, 1);
  assert_int_equal(s->run.result.rules[0].inconclusive, 0); /* of settled traces only */
  assert_int_equal(s->run.result.rules[0].traces_evaluated, 1);
  s->run.request.range.start_ns = NOON_NS + 59 * MINUTE_NS;
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "unsettled");
}

/* A trace across now − settle: a verdict that waits for the rest of it is open, one that nothing can reach any more is
 * inconclusive. */
static void what_goes_on_is_not_settled(void **state) {
  scene *s = *state;
  int64_t open_ns = NOON_NS + 57 * MINUTE_NS;
  s->run.request.now_ns = NOON_NS + HOUR_NS;
  scene_add(s, 1, NOON_NS + 30 * MINUTE_NS, "slow", NULL);
  fake_trace *going_on = fake_add(&s->fake, 2);
  fake_span_add(going_on, "slow", open_ns);
  fake_span_add(going_on, "web", NOON_NS + 59 * MINUTE_NS);
  scene_add(s, 3, open_ns + 30 * SECOND_NS, "bad", NULL); /* settled, and after the open one's time */
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "slow2", "trace.has(span.name == \"slow\") and not trace.has(span.name == \"x\")");
  replay_run_add(&s->run, "bad", "trace.has(span.name == \"bad\")");
  const bt_rule_result *rules = scene_go(s);
  const bt_replay_result *result = &s->run.result;
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rules[0].inconclusive, 1); /* who needs certainty sees it */
  assert_int_equal(rules[0].inconclusive_open, 1);
  assert_int_equal(result->open_traces, 1); /* one trace, though two rules wait for it */
  uint64_t unsettled = result->coverage.unsettled;
  bt_replay_leave_open(&s->run.result);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rules[0].inconclusive, 0);
  assert_int_equal(rules[1].inconclusive, 0);
  assert_int_equal(result->coverage.unsettled, unsettled + 1);
  assert_int_equal(result->coverage.effective_end_ns, open_ns);
  assert_true(replay_saw(&s->run, 0, 1) && replay_saw(&s->run, 2, 3));
  assert_false(replay_saw(&s->run, 0, 2));
  bt_replay_leave_open(&s->run.result); /* once is enough */
  assert_int_equal(result->coverage.unsettled, unsettled + 1);
  going_on->partial = true; /* and an hour later nothing more comes: now it is undecidable */
  s->run.request.now_ns = NOON_NS + 3 * HOUR_NS;
  rules = scene_go(s);
  bt_replay_leave_open(&s->run.result);
  assert_int_equal(rules[0].inconclusive, 1);
  assert_int_equal(result->coverage.effective_end_ns, NOON_NS + HOUR_NS);
}

static void an_open_trace_at_the_start_leaves_nothing_final(void **state) {
  scene *s = *state;
  s->run.request.now_ns = NOON_NS + HOUR_NS;
  s->run.request.range.start_ns = NOON_NS + 57 * MINUTE_NS;
  fake_trace *going_on = fake_add(&s->fake, 1);
  fake_span_add(going_on, "slow", NOON_NS + 57 * MINUTE_NS);
  fake_span_add(going_on, "web", NOON_NS + 59 * MINUTE_NS);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  scene_go(s);
  bt_replay_leave_open(&s->run.result);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "unsettled");
  assert_false(s->run.result.coverage.complete);
}

/* Of what the source takes away nothing shows in what it has: that some traces are there says nothing of others. */
static void what_was_taken_away_is_not_none(void **state) {
  scene *s = *state;
  int64_t now_ns = NOON_NS + 24 * HOUR_NS;
  const struct {
    const char *rule;
    int64_t retention_ns, redacted_ns;
    const char *said; /* NULL: the answer stands as it is */
  } rows[] = {
      {"never { audit }", 0, 0, NULL},
      {"never { audit }", 24 * HOUR_NS, 0, NULL},
      {"never { audit }", 24 * HOUR_NS - MINUTE_NS, 0, NULL}, /* a quiet minute */
      {"never { audit }", 24 * HOUR_NS - 2 * MINUTE_NS, 0,
       "partial_data: retention may have deleted traces from before 2026-01-01T12:02:00Z"},
      {"never { audit }", 0, NOON_NS, NULL}, /* before all of it */
      {"never { audit }", 0, NOON_NS + HOUR_NS,
       "partial_data: some traces were redacted, last at 2026-01-01T13:00:00Z"},
      {"never { audit }", 23 * HOUR_NS, now_ns,
       "partial_data: retention may have deleted traces from before 2026-01-01T13:00:00Z; some traces were redacted, "
       "last at 2026-01-02T12:00:00Z"},
      {"never { web }", HOUR_NS, now_ns, NULL}, /* what was found is found */
  };
  for (int64_t m = 0; m < 60; m++) scene_add(s, (uint64_t)m + 1, NOON_NS + m * MINUTE_NS, "web", NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    replay_run_dispose(&s->run);
    replay_run_init(&s->run);
    s->run.request.now_ns = now_ns;
    s->fake.losses = (bt_losses){rows[i].retention_ns, rows[i].redacted_ns};
    replay_run_add(&s->run, "rule", rows[i].rule);
    scene_go(s);
    bt_replay_hold_range(&s->run.result);
    scene_assert_reason(s, rows[i].said ? BT_REPLAY_INCOMPLETE : BT_REPLAY_COMPLETED, rows[i].said ? rows[i].said : "");
    assert_int_equal(strlen(s->run.result.reason), rows[i].said ? strlen(rows[i].said) : 0);
  }
  assert_int_equal(s->run.result.coverage.kept_from_ns, now_ns - HOUR_NS);
  assert_int_equal(s->run.result.coverage.redacted_ns, now_ns);
}

/* What a number surely meets has a search of its own where that counts. Elsewhere it is not asked, and the search that
 * finds it, too, is. AddressSanitizer saw the place behind the last search read where these filled their array. */
static void what_is_found_twice_need_not_be_asked(void **state) {
  static const char *const others[] = {"a", "b", "c", "d", "e", "f", "g"};
  scene *s = *state;
  scene_add(s, 1, NOON_NS, "slow", NULL);
  replay_run_add(&s->run, "amount", "when { slow and trace.has(span.amount >= 5) as p } never { payment after p }");
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    char text[32];
    snprintf(text, sizeof text, "never { %s }", others[i]);
    replay_run_add(&s->run, others[i], text);
    s->run.request.count = BT_COUNT_AT_LEAST;
    scene_go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(what_is_found_twice_need_not_be_asked),
      SCENE(no_data_is_not_no_violations),
      SCENE(gaps_and_the_beginning_of_data),
      SCENE(the_beginning_is_looked_for_ahead),
      SCENE(the_beginning_before_a_trace_at_the_edge),
      SCENE(the_beginning_of_very_many),
      SCENE(membership_at_both_edges),
      SCENE(a_long_trace_is_judged_where_it_is_found),
      SCENE(the_unsettled_tail),
      SCENE(what_goes_on_is_not_settled),
      SCENE(an_open_trace_at_the_start_leaves_nothing_final),
      SCENE(what_was_taken_away_is_not_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
