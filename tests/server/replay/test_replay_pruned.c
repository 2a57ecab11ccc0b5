/* Replays over traces with summaries in place of spans. The replay finds them whatever the rule's searches find, reads
 * them, and never calls absent what a summary may hide. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/server/replay/replay_scene.h"

#define NAMED(name) "trace.has(span.name == \"" name "\")"

/* A trace with a span and a summary of four others. */
static void add_pruned(scene *s, uint64_t number, const char *first, const char *summary) {
  int64_t at_ns = NOON_NS + (int64_t)number * SECOND_NS;
  fake_trace *trace = fake_add(&s->fake, number);
  fake_span_add(trace, first, at_ns);
  fake_span_sum_up(fake_span_add(trace, summary, at_ns + SECOND_NS), 4);
}

/* A span of the service may be called `retry` and be hidden behind the summary; one with that name cannot. */
static void what_a_summary_may_hide_is_not_absent(void **state) {
  scene *s = *state;
  add_pruned(s, 1, "slow", "db");
  scene_add(s, 2, NOON_NS + MINUTE_NS, "slow", NULL);
  replay_run_add(&s->run, "bare", NAMED("slow") " and not retry");
  replay_run_add(&s->run, "by-name", NAMED("slow") " and not " NAMED("retry"));
  const bt_rule_result *bare = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(bare->violations_found, 1);
  assert_int_equal(bare->inconclusive, 1);
  assert_true(replay_saw(&s->run, 0, 2));
  assert_int_equal(s->run.result.rules[1].violations_found, 2);
  assert_int_equal(s->run.result.rules[1].inconclusive, 0);
}

/* No search of the rule finds the trace: what it asks for may be among the spans that are not there. */
static void a_trace_that_no_filter_finds_is_undecided(void **state) {
  scene *s = *state;
  add_pruned(s, 1, "web", "db");
  scene_add(s, 2, NOON_NS + MINUTE_NS, "web", NULL);
  replay_run_add(&s->run, "hidden", "slow");
  replay_run_add(&s->run, "clear", NAMED("slow"));
  const bt_rule_result *hidden = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(hidden->violations_found, 0);
  assert_int_equal(hidden->inconclusive, 1);
  assert_int_equal(hidden->traces_evaluated, 2);
  assert_int_equal(s->run.result.rules[1].inconclusive, 0);
  assert_int_equal(s->run.result.rules[1].violations_found, 0);
}

/* What a summary says counts: five of a name are more than four, though one span is there. */
static void a_summary_counts_as_many_as_it_says(void **state) {
  scene *s = *state;
  add_pruned(s, 1, "db", "db");
  scene_add(s, 2, NOON_NS + MINUTE_NS, "db", "db");
  replay_run_add(&s->run, "many", "count(span.name == \"db\") > 4");
  const bt_rule_result *many = scene_go(s);
  assert_int_equal(many->violations_found, 1);
  assert_true(replay_saw(&s->run, 0, 1));
  assert_int_equal(many->inconclusive, 0);
}

/* By every strategy: neither what is subtracted nor what a projection shows takes a pruned trace away. */
static void is_read_by_every_strategy(void **state) {
  static const bt_strategy strategies[] = {BT_STRATEGY_READ, BT_STRATEGY_ID_SETS, BT_STRATEGY_PROJECTION,
                                           BT_STRATEGY_AUTO};
  scene *s = *state;
  for (uint64_t i = 1; i <= 40; i++) scene_add(s, i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 2 ? "retry" : NULL);
  for (uint64_t i = 41; i <= 50; i++) {
    add_pruned(s, i, "slow", "db");
    fake_span_add(fake_find(&s->fake, i), "retry", NOON_NS + (int64_t)i * SECOND_NS);
  }
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.sample_size = 1; /* of what is not read, too */
  for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
    s->run.request.strategy = strategies[i];
    const bt_rule_result *rule = scene_go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(rule->violations_found, 20);
    assert_int_equal(rule->inconclusive, 0);
    for (uint64_t t = 41; t <= 50; t++) assert_int_equal(fake_find(&s->fake, t)->batch_reads, i + 1);
  }
}

/* A search that fails leaves the marks unknown: the answer is not complete, and batches are asked for the marks all the
 * same. */
static void where_the_search_fails_nothing_is_said_falsely(void **state) {
  scene *s = *state;
  add_pruned(s, 1, "slow", "db");
  replay_run_add(&s->run, "slow", NAMED("slow") " and not retry");
  s->fake.fail_filter = "is_summary";
  s->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + HOUR_NS};
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_int_equal(rule->violations_found, 0);
  assert_int_equal(rule->inconclusive, 1);
}

/* Mostly there are none: then that is one search, and nothing else is asked. */
static void without_such_traces_it_is_one_search(void **state) {
  scene *s = *state;
  scene_add(s, 1, NOON_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "never", "when { false } never { slow }");
  scene_go(s);
  assert_int_equal(fake_searches(&s->fake, "is_summary"), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {SCENE(what_a_summary_may_hide_is_not_absent),
                                     SCENE(a_trace_that_no_filter_finds_is_undecided),
                                     SCENE(a_summary_counts_as_many_as_it_says),
                                     SCENE(is_read_by_every_strategy),
                                     SCENE(where_the_search_fails_nothing_is_said_falsely),
                                     SCENE(without_such_traces_it_is_one_search)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
