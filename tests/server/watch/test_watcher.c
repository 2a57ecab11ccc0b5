/* Watching over the scripted source with a clock of its own: what is sent, when, how often, and how far the watermark goes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/server/watch/watch_fixture.h"

#define SLOW_NO_RETRY "when { slow } always { retry }"
#define NO_PANIC      "when { slow } never { panic }"

static int make_scene(void **state) {
  watch_scene *s = watch_scene_new();
  watch_add_rule(s, "slow", SLOW_NO_RETRY);
  *state = s;
  return 0;
}

static int drop_scene(void **state) {
  watch_scene_free(*state);
  return 0;
}

/* A span that arrives now. */
static void arrive(watch_scene *s, uint64_t number, const char *name) {
  fake_trace *trace = fake_find(&s->fake, number);
  if (!trace) trace = fake_add(&s->fake, number);
  fake_span_add(trace, name, s->now_ns)->fragment = (int)trace->span_count;
}

static void assert_sent(watch_scene *s, const char *rule, uint64_t number, size_t times) {
  size_t sent = watch_sent(s, rule, number, false);
  if (sent != times) fail_msg("trace %d was sent %zu times for %s, expected %zu", (int)number, sent, rule, times);
}

static void a_violation_is_sent_once_it_is_quiet_and_only_once(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  watch_pass(s, 90 * SECOND_NS);
  assert_sent(s, "slow", 1, 0);
  watch_pass(s, 90 * SECOND_NS);
  assert_sent(s, "slow", 1, 1);
  watch_pass(s, 2 * HOUR_NS);
  assert_sent(s, "slow", 1, 1);
  assert_int_equal(s->counted, 1);
}

static void a_trace_that_goes_on_is_waited_for(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  for (int i = 0; i < 5; i++) {
    watch_pass(s, 90 * SECOND_NS);
    arrive(s, 1, "step");
  }
  arrive(s, 1, "retry");
  watch_pass(s, 30 * MINUTE_NS);
  assert_sent(s, "slow", 1, 0);
  assert_int_equal(watch_sent_all(s), 0);
}

static void the_watermark_waits_for_what_is_not_quiet(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  int64_t began_ns = s->now_ns;
  arrive(s, 1, "slow");
  for (int i = 0; i < 6; i++) {
    watch_pass(s, 90 * SECOND_NS);
    arrive(s, 1, "step");
  }
  assert_true(bt_watcher_look(s->watcher).done_ns <= began_ns);
  watch_pass(s, 10 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, s->now_ns - 2 * MINUTE_NS);
  assert_sent(s, "slow", 1, 1);
}

static void no_slice_is_skipped_while_the_source_fails(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  int64_t began_ns = s->now_ns;
  s->fake.fail_filter = "slow";
  s->fake.fail_status = BT_UNAVAILABLE;
  arrive(s, 1, "slow");
  watch_pass(s, 20 * MINUTE_NS);
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_true(status.done_ns <= began_ns);
  assert_true(status.failed_rounds >= 39);
  assert_non_null(strstr(status.message, "the source does not answer"));
  assert_sent(s, "slow", 1, 0);
  s->fake.fail_filter = NULL;
  watch_pass(s, 5 * MINUTE_NS);
  assert_sent(s, "slow", 1, 1);
  status = bt_watcher_look(s->watcher);
  assert_string_equal(status.message, "");
  assert_int_equal(status.done_ns, s->now_ns - 2 * MINUTE_NS);
}

static void a_window_that_failed_in_part_is_asked_again(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  s->fake.fail_filter = "slow";
  s->fake.fail_range = (bt_time_range){s->now_ns, s->now_ns + MINUTE_NS};
  arrive(s, 1, "slow");
  watch_pass(s, 10 * MINUTE_NS);
  assert_sent(s, "slow", 1, 0);
  s->fake.fail_filter = NULL;
  watch_pass(s, 3 * MINUTE_NS);
  assert_sent(s, "slow", 1, 1);
}

static void reads_that_fail_are_made_again(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  s->fake.fail_reads = BT_UNAVAILABLE;
  watch_pass(s, 10 * MINUTE_NS);
  assert_sent(s, "slow", 1, 0);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  s->fake.fail_reads = BT_OK;
  watch_pass(s, 3 * MINUTE_NS);
  assert_sent(s, "slow", 1, 1);
}

static void what_search_shows_and_no_read_gives_is_said(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  fake_find(&s->fake, 1)->gone_from_batches = fake_find(&s->fake, 1)->gone_by_id = true;
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 0);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  watch_pass(s, 40 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 1);
}

static void a_kill_and_a_restart_lose_and_repeat_nothing(void **state) {
  watch_scene *s = *state;
  uint64_t number = 1;
  watch_start(s);
  watch_round(s);
  for (int kill = 0; kill < 8; kill++) {
    for (int i = 0; i < 7; i++) {
      arrive(s, number++, "slow");
      watch_pass(s, (20 + 13 * kill) * SECOND_NS);
    }
    watch_kill(s);
    s->now_ns += (kill * 70 + 10) * SECOND_NS;
    arrive(s, number++, "slow");
    s->now_ns += 40 * SECOND_NS;
    watch_start(s);
  }
  watch_pass(s, 10 * MINUTE_NS);
  for (uint64_t i = 1; i < number; i++) assert_sent(s, "slow", i, 1);
  assert_int_equal(watch_sent_all(s), number - 1);
}

static void watching_does_not_begin_before_the_watermark_is_known(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  arrive(s, 1, "slow");
  s->now_ns += 10 * MINUTE_NS;
  s->fake.fail_filter = "betrace.watch";
  s->fake.fail_status = BT_UNAVAILABLE;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  assert_false(bt_watcher_look(s->watcher).is_started);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, 0);
  s->fake.fail_filter = NULL;
  watch_pass(s, 5 * MINUTE_NS);
  assert_sent(s, "slow", 1, 1);
}

static void a_late_span_takes_a_violation_back(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  arrive(s, 2, "slow");
  int64_t began_ns = s->now_ns;
  watch_pass(s, 5 * MINUTE_NS);
  assert_sent(s, "slow", 1, 1);
  fake_span_add(fake_find(&s->fake, 1), "retry", began_ns + SECOND_NS);
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
  assert_int_equal(watch_sent(s, "slow", 2, true), 0);
  watch_pass(s, 3 * HOUR_NS);
  assert_int_equal(watch_sent_all(s), 3);
}

static void a_violation_of_before_a_restart_is_taken_back_too(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  int64_t began_ns = s->now_ns;
  watch_pass(s, 5 * MINUTE_NS);
  watch_kill(s);
  fake_span_add(fake_find(&s->fake, 1), "retry", began_ns + SECOND_NS);
  s->now_ns += 3 * MINUTE_NS;
  watch_start(s);
  watch_pass(s, 90 * MINUTE_NS);
  assert_sent(s, "slow", 1, 1);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
  assert_int_equal(watch_sent_all(s), 2);
}

static void a_late_span_makes_a_violation(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "calm", NO_PANIC);
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  arrive(s, 1, "retry");
  int64_t began_ns = s->now_ns;
  watch_pass(s, 8 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 0);
  fake_span_add(fake_find(&s->fake, 1), "panic", began_ns + SECOND_NS);
  watch_pass(s, 40 * MINUTE_NS);
  assert_sent(s, "calm", 1, 1);
  assert_int_equal(watch_sent_all(s), 1);
}

static void a_long_gap_is_said_and_caught_up(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  for (uint64_t i = 1; i <= 18; i++) {
    arrive(s, i, "slow");
    s->now_ns += 10 * MINUTE_NS;
  }
  watch_start(s);
  watch_round(s);
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_true(status.gap_end_ns - status.gap_start_ns > 100 * MINUTE_NS);
  watch_pass(s, 20 * MINUTE_NS);
  for (uint64_t i = 1; i <= 18; i++) assert_sent(s, "slow", i, 1);
  status = bt_watcher_look(s->watcher);
  assert_int_equal(status.gap_end_ns, status.gap_start_ns);
  assert_int_equal(status.lost_end_ns, status.lost_start_ns);
}

static void a_gap_outlives_a_kill_while_it_is_caught_up(void **state) {
  watch_scene *s = *state;
  s->options.interval_ns = 30 * SECOND_NS;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  for (uint64_t i = 1; i <= 30; i++) {
    arrive(s, i, "slow");
    s->now_ns += 10 * MINUTE_NS;
  }
  for (int i = 0; i < 6; i++) {
    watch_start(s);
    watch_pass(s, 150 * SECOND_NS);
    watch_kill(s);
  }
  watch_start(s);
  watch_pass(s, 30 * MINUTE_NS);
  for (uint64_t i = 1; i <= 30; i++) assert_sent(s, "slow", i, 1);
}

static void what_is_older_than_catch_up_is_lost_and_said(void **state) {
  watch_scene *s = *state;
  s->options.catchup_max_ns = 4 * HOUR_NS;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  int64_t done_ns = bt_watcher_look(s->watcher).done_ns;
  s->fake.fail_filter = "slow";
  s->fake.fail_status = BT_UNAVAILABLE;
  watch_pass(s, 6 * HOUR_NS);
  s->fake.fail_filter = NULL;
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_true(status.gap_end_ns > status.gap_start_ns || status.lost_end_ns > status.lost_start_ns);
  watch_kill(s);
  watch_start(s);
  watch_round(s);
  status = bt_watcher_look(s->watcher);
  assert_true(status.lost_end_ns > status.lost_start_ns || status.gap_start_ns <= done_ns);
}

static void an_absence_of_days_is_said(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  int64_t done_ns = s->checkpoint.until_ns;
  watch_kill(s);
  s->now_ns += 50 * HOUR_NS;
  watch_start(s);
  watch_round(s);
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_true(status.lost_start_ns <= done_ns);
  assert_true(status.lost_end_ns >= s->now_ns - 25 * HOUR_NS);
  assert_true(status.gap_start_ns <= status.lost_end_ns + 10 * MINUTE_NS); /* a piece of it is done */
  assert_true(status.gap_end_ns > status.gap_start_ns);
}

static void a_stalled_receiver_holds_the_watermark_and_nothing_else(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  s->is_stalled = true;
  for (uint64_t i = 1; i <= 5; i++) {
    arrive(s, i, "slow");
    watch_pass(s, 2 * MINUTE_NS);
  }
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_true(status.done_ns <= NOON_NS);
  assert_true(status.traces_judged >= 3);
  assert_int_equal(watch_sent_all(s), 0);
  pthread_mutex_lock(&s->mutex);
  s->is_stalled = false;
  pthread_mutex_unlock(&s->mutex);
  while (bt_emitter_look(s->emitter).queued) watch_round(s);
  watch_pass(s, 5 * MINUTE_NS);
  for (uint64_t i = 1; i <= 5; i++) assert_sent(s, "slow", i, 1);
  assert_int_equal(s->counted, 5);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, s->now_ns - 2 * MINUTE_NS);
}

static void one_that_is_never_taken_holds_up_no_other(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  s->refused = 3;
  for (uint64_t i = 1; i <= 5; i++) arrive(s, i, "slow");
  watch_pass(s, 10 * MINUTE_NS);
  for (uint64_t i = 1; i <= 5; i++) assert_sent(s, "slow", i, i == 3 ? 0 : 1);
  assert_int_equal(s->counted, 4);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  assert_string_equal(bt_emitter_look(s->emitter).message, "the receiver says no");
  pthread_mutex_lock(&s->mutex);
  s->refused = 0;
  pthread_mutex_unlock(&s->mutex);
  while (bt_emitter_look(s->emitter).queued) watch_round(s);
  watch_pass(s, 5 * MINUTE_NS);
  assert_sent(s, "slow", 3, 1);
  assert_int_equal(s->counted, 5);
  assert_string_equal(bt_emitter_look(s->emitter).message, "");
}

static void a_kill_with_unsent_violations_sends_them_later(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 4; i++) arrive(s, i, "slow");
  s->refuse = 1; /* half of them get through, and then the process is gone */
  watch_pass(s, 4 * MINUTE_NS);
  watch_kill(s);
  watch_start(s);
  watch_pass(s, 4 * MINUTE_NS);
  for (uint64_t i = 1; i <= 4; i++) assert_sent(s, "slow", i, 1);
}

static void a_full_queue_loses_nothing(void **state) {
  watch_scene *s = *state;
  s->options.queue_max = 3;
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 40; i++) arrive(s, i, "slow");
  watch_pass(s, 20 * MINUTE_NS);
  for (uint64_t i = 1; i <= 40; i++) assert_sent(s, "slow", i, 1);
}

static void a_full_table_loses_nothing(void **state) {
  watch_scene *s = *state;
  s->options.traces_max = 8;
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 60; i++) {
    arrive(s, i, "slow");
    if (i % 6 == 0) watch_pass(s, MINUTE_NS);
  }
  watch_pass(s, 30 * MINUTE_NS);
  for (uint64_t i = 1; i <= 60; i++) assert_sent(s, "slow", i, 1);
}

static void watchers_share_the_traces(void **state) {
  watch_scene *s = *state;
  size_t by_first = 0;
  for (uint64_t i = 1; i <= 64; i++) arrive(s, i, "slow");
  int64_t began_ns = s->now_ns;
  s->options.replicas = 2;
  for (uint32_t replica = 0; replica < 2; replica++) {
    s->options.replica = replica;
    s->now_ns = began_ns - MINUTE_NS;
    watch_start(s);
    watch_round(s);
    watch_pass(s, 10 * MINUTE_NS);
    watch_kill(s);
    if (!replica) by_first = watch_sent_all(s);
  }
  assert_true(by_first > 16 && by_first < 48);
  for (uint64_t i = 1; i <= 64; i++) assert_sent(s, "slow", i, 1);
}

static void when_the_number_of_watchers_changes_nothing_is_lost(void **state) {
  watch_scene *s = *state;
  s->options.replicas = 2;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  s->options.replica = 1;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  watch_kill(s);
  for (uint64_t i = 1; i <= 16; i++) arrive(s, i, "slow");
  s->now_ns += 5 * MINUTE_NS;
  s->options.replica = 0;
  s->options.replicas = 1;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  for (uint64_t i = 1; i <= 16; i++) assert_sent(s, "slow", i, 1);
}

static void gaps_of_all_old_watchers_are_kept(void **state) {
  watch_scene *s = *state;
  s->options.replicas = 2;
  for (uint32_t replica = 0; replica < 2; replica++) {
    s->options.replica = replica;
    watch_start(s);
    watch_pass(s, 5 * MINUTE_NS);
    watch_kill(s);
  }
  /* The second was away for long; while it catches up, the number changes. */
  for (uint64_t i = 1; i <= 40; i++) {
    arrive(s, i, "slow");
    s->now_ns += 5 * MINUTE_NS;
  }
  s->options.replica = 0;
  watch_start(s);
  watch_pass(s, HOUR_NS);
  watch_kill(s);
  s->options.replica = 1;
  watch_start(s);
  watch_pass(s, 2 * MINUTE_NS);
  assert_true(s->checkpoint.gap_count > 0);
  watch_kill(s);
  s->options.replica = 0;
  s->options.replicas = 1;
  watch_start(s);
  watch_pass(s, HOUR_NS);
  for (uint64_t i = 1; i <= 40; i++) assert_sent(s, "slow", i, 1);
}

static void a_watcher_that_left_no_checkpoint_had_done_nothing(void **state) {
  watch_scene *s = *state;
  s->options.replicas = 2;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  for (uint64_t i = 1; i <= 32; i++) arrive(s, i, "slow");
  watch_pass(s, 30 * MINUTE_NS);
  watch_kill(s);
  assert_true(watch_sent_all(s) < 32);
  s->options.replicas = 1;
  s->options.catchup_max_ns = 2 * HOUR_NS;
  watch_start(s);
  watch_pass(s, HOUR_NS);
  for (uint64_t i = 1; i <= 32; i++) assert_sent(s, "slow", i, 1);
}

static void checkpoints_that_cannot_be_read_are_not_none(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  for (size_t i = 0; i < s->fake.trace_count; i++)
    s->fake.traces[i].gone_from_batches = s->fake.traces[i].gone_by_id = true;
  arrive(s, 1, "slow");
  s->now_ns += 10 * MINUTE_NS;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_false(status.is_started);
  assert_non_null(strstr(status.message, "no read gives one of them"));
  for (size_t i = 0; i < s->fake.trace_count; i++) s->fake.traces[i].gone_by_id = false;
  watch_pass(s, 5 * MINUTE_NS);
  assert_sent(s, "slow", 1, 1);
}

static void what_was_lost_is_said_after_a_restart(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  s->now_ns += 50 * HOUR_NS;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  bt_watch_status before = bt_watcher_look(s->watcher);
  assert_true(before.lost_end_ns > before.lost_start_ns);
  watch_kill(s);
  watch_start(s);
  watch_round(s);
  bt_watch_status after = bt_watcher_look(s->watcher);
  assert_int_equal(after.lost_start_ns, before.lost_start_ns);
  assert_int_equal(after.lost_end_ns, before.lost_end_ns);
}

static void a_trace_that_always_fails_holds_up_no_other(void **state) {
  watch_scene *s = *state;
  bt_trace_id id = fake_id(3);
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 20; i++) arrive(s, i, "slow");
  s->fake.fail_id = &id;
  watch_pass(s, 10 * MINUTE_NS);
  for (uint64_t i = 1; i <= 20; i++) assert_sent(s, "slow", i, i == 3 ? 0 : 1);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  watch_pass(s, 70 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 1);
}

/* The first span is farther back than the service's margin, in a block of its own. */
static void a_rule_can_look_farther_back(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "calm", NO_PANIC);
  ((bt_rule_definition *)(uintptr_t)s->rules.items[1])->fields.margin_ns = 3 * HOUR_NS;
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "panic");
  watch_pass(s, 150 * MINUTE_NS);
  arrive(s, 1, "slow");
  watch_pass(s, 30 * MINUTE_NS);
  assert_sent(s, "calm", 1, 1);
}

static void a_rule_that_no_search_can_find_is_refused(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "everywhere", "not trace.has(audit)");
  watch_start(s);
  watch_round(s);
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_int_equal(status.rules, 1);
  assert_int_equal(status.refused, 1);
  assert_string_equal(status.refused_rule, "everywhere");
  arrive(s, 1, "other");
  watch_pass(s, 10 * MINUTE_NS);
  assert_sent(s, "everywhere", 1, 0);
}

static void a_shadow_rule_is_never_sent(void **state) {
  watch_scene *s = *state;
  ((bt_rule_definition *)(uintptr_t)s->rules.items[0])->fields.shadow = true;
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 0);
}

static void a_span_of_the_future_holds_nothing_up_for_long(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  fake_trace *trace = fake_add(&s->fake, 1);
  fake_span_add(trace, "slow", s->now_ns);
  fake_span_add(trace, "step", s->now_ns + 5000 * HOUR_NS);
  arrive(s, 2, "slow");
  watch_pass(s, 5 * MINUTE_NS);
  assert_sent(s, "slow", 2, 1);
  watch_pass(s, 70 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, s->now_ns - 2 * MINUTE_NS);
}

static void checkpoints_say_how_far(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  assert_true(s->checkpoint_count >= 8 && s->checkpoint_count <= 11);
  assert_true(s->checkpoint.until_ns >= s->now_ns - 4 * MINUTE_NS);
  assert_int_equal(s->checkpoint.gap_count, 0);
  s->refuse_checkpoints = true;
  watch_pass(s, 5 * MINUTE_NS);
  assert_non_null(strstr(bt_watcher_look(s->watcher).message, "checkpoint: the receiver says no"));
}

static void own_traces_are_not_judged(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "own", "when { betrace.violation } always { nothing }");
  watch_start(s);
  watch_round(s);
  arrive(s, 1, "slow");
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 1);
  watch_kill(s);
  watch_start(s);
  watch_pass(s, 90 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 1);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_scene, drop_scene)
int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_violation_is_sent_once_it_is_quiet_and_only_once),
      CASE(a_trace_that_goes_on_is_waited_for),
      CASE(the_watermark_waits_for_what_is_not_quiet),
      CASE(no_slice_is_skipped_while_the_source_fails),
      CASE(a_window_that_failed_in_part_is_asked_again),
      CASE(reads_that_fail_are_made_again),
      CASE(what_search_shows_and_no_read_gives_is_said),
      CASE(a_kill_and_a_restart_lose_and_repeat_nothing),
      CASE(watching_does_not_begin_before_the_watermark_is_known),
      CASE(a_late_span_takes_a_violation_back),
      CASE(a_violation_of_before_a_restart_is_taken_back_too),
      CASE(a_late_span_makes_a_violation),
      CASE(a_long_gap_is_said_and_caught_up),
      CASE(a_gap_outlives_a_kill_while_it_is_caught_up),
      CASE(what_is_older_than_catch_up_is_lost_and_said),
      CASE(an_absence_of_days_is_said),
      CASE(a_stalled_receiver_holds_the_watermark_and_nothing_else),
      CASE(one_that_is_never_taken_holds_up_no_other),
      CASE(a_kill_with_unsent_violations_sends_them_later),
      CASE(a_full_queue_loses_nothing),
      CASE(a_full_table_loses_nothing),
      CASE(watchers_share_the_traces),
      CASE(when_the_number_of_watchers_changes_nothing_is_lost),
      CASE(gaps_of_all_old_watchers_are_kept),
      CASE(a_watcher_that_left_no_checkpoint_had_done_nothing),
      CASE(checkpoints_that_cannot_be_read_are_not_none),
      CASE(what_was_lost_is_said_after_a_restart),
      CASE(a_trace_that_always_fails_holds_up_no_other),
      CASE(a_rule_can_look_farther_back),
      CASE(a_rule_that_no_search_can_find_is_refused),
      CASE(a_shadow_rule_is_never_sent),
      CASE(a_span_of_the_future_holds_nothing_up_for_long),
      CASE(checkpoints_say_how_far),
      CASE(own_traces_are_not_judged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
