/* What a replay says when something went wrong on its way: searches and reads that fail, traces that are gone, an end
 * before the end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/server/replay/replay_scene.h"

static void a_failed_subtraction_only_reads_more(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 600; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 100 ? "retry" : NULL);
  s->fake.fail_filter = "\"retry\"";
  s->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + 100 * SECOND_NS};
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 6);
  assert_true(rule->traces_read > 90);
  s->fake.fail_status = BT_REFUSED;
  rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 6);
  assert_int_equal(rule->traces_read, 600);
}

static void a_failed_search_is_said(void **state) {
  scene *s = *state;
  scene_add(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  scene_add(s, 2, NOON_NS + 30 * MINUTE_NS, "slow", NULL);
  s->fake.fail_filter = "\"slow\"";
  s->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + 10 * MINUTE_NS};
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_int_equal(rule->violations_found, 2); /* the sample of what was not found happens to read the other one */
  assert_int_equal(rule->unread_differences, 0);
  assert_false(rule->exercised_is_exact);
  assert_int_equal(s->run.result.coverage.windows_failed_count, 1);
  assert_int_equal(s->run.result.coverage.windows_failed[0].range.end_ns, NOON_NS + 10 * MINUTE_NS);
  assert_string_equal(s->run.result.coverage.windows_failed[0].reason, "too large");
}

static void everything_failed_is_failed(void **state) {
  scene *s = *state;
  scene_add(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  s->fake.fail_filter = "{";
  s->fake.fail_status = BT_UNAVAILABLE;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_FAILED, "source: the source does not answer");
  assert_int_equal(s->fake.log_count, 1); /* not asked again and again */
  s->fake.fail_status = BT_OK;
  s->fake.fail_range = (bt_time_range){NOON_NS - 24 * HOUR_NS, NOON_NS + 24 * HOUR_NS};
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_FAILED, "source: too large");
}

static void a_source_that_goes_away_is_said(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 30; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  s->fake.fail_reads = BT_UNAVAILABLE;
  s->fake.fail_reads_after = 10;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_int_equal(rule->violations_found, 10);
  assert_int_equal(rule->traces_evaluated, 10);
  assert_false(rule->evaluated_is_exact);
  /* Each of the unread is named, and the violations whose sample could not be read are reported all the same. */
  assert_int_equal(s->run.result.coverage.windows_failed_count, 20 + 8);
}

/* A Tempo that hands a block over does not find its traces by id for a moment. */
static void what_is_not_there_by_id_is_asked_for_once_more(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 4; i++) {
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    fake_find(&s->fake, 1 + i)->gone_from_batches = true;
  }
  fake_find(&s->fake, 2)->by_id_from = fake_find(&s->fake, 4)->by_id_from = 2;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  assert_int_equal(s->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(rule->violations_found, 4);
  assert_int_equal(rule->traces_evaluated, 4);
  assert_int_equal(fake_find(&s->fake, 1)->by_id_reads, 1);
  assert_int_equal(fake_find(&s->fake, 2)->by_id_reads, 2);
}

static void vanished_traces_are_named(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 4; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_find(&s->fake, 1)->gone_from_batches = true; /* by id still there */
  fake_find(&s->fake, 2)->gone_from_batches = fake_find(&s->fake, 2)->gone_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_true(replay_seen(&s->run, 0, 1)->confirmed_by_id);
  assert_false(replay_saw(&s->run, 0, 2));
  assert_int_equal(rule->violations_found, 3);
  assert_int_equal(rule->traces_evaluated, 3);
  assert_int_equal(s->run.result.coverage.windows_failed_count, 1);
  assert_non_null(strstr(s->run.result.coverage.windows_failed[0].reason, "00000000000000000000000000000002"));
  /* One that is gone by id only is reported as the batch showed it, and named. */
  fake_find(&s->fake, 2)->gone_from_batches = false;
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_false(replay_seen(&s->run, 0, 2)->confirmed_by_id);
}

static void cancel_stops_in_the_middle(void **state) {
  scene *s = *state;
  bt_cancel cancel = {false};
  for (uint64_t i = 0; i < 40; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  s->run.request.cancel = s->fake.cancel_after_reads = &cancel;
  s->fake.cancel_after = 10;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_CANCELLED, "cancelled");
  assert_true(rule->traces_evaluated < 40);
  assert_false(rule->evaluated_is_exact);
  assert_true(s->fake.traces_read <= 11);
}

static void an_observer_that_is_full_is_said(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 9; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.keep_max = 4;
  assert_int_equal(scene_go(s)->violations_found, 9);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "results_full");
  assert_int_equal(s->run.seen_count, 4);
}

static void wrong_requests_are_refused(void **state) {
  scene *s = *state;
  replay_run_go(&s->run, &s->fake);
  assert_int_equal(s->run.status, BT_INVALID);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.range.end_ns = s->run.request.range.start_ns;
  replay_run_go(&s->run, &s->fake);
  assert_int_equal(s->run.status, BT_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(a_failed_subtraction_only_reads_more),
      SCENE(a_failed_search_is_said),
      SCENE(everything_failed_is_failed),
      SCENE(a_source_that_goes_away_is_said),
      SCENE(what_is_not_there_by_id_is_asked_for_once_more),
      SCENE(vanished_traces_are_named),
      SCENE(cancel_stops_in_the_middle),
      SCENE(an_observer_that_is_full_is_said),
      SCENE(wrong_requests_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
