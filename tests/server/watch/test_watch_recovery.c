/* Watching that was interrupted: kills and restarts, gaps and what is lost, checkpoints, and watchers that share the
 * traces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tempo/wire/own_trace.h"
#include "tests/server/watch/watch_case.h"

static void a_kill_and_a_restart_lose_and_repeat_nothing(void **state) {
  watch_scene *s = *state;
  uint64_t number = 1;
  watch_start(s);
  watch_round(s);
  for (int kill = 0; kill < 8; kill++) {
    for (int i = 0; i < 7; i++) {
      watch_arrive(s, number++, "slow");
      watch_pass(s, (20 + 13 * kill) * SECOND_NS);
    }
    watch_kill(s);
    s->now_ns += (kill * 70 + 10) * SECOND_NS;
    watch_arrive(s, number++, "slow");
    s->now_ns += 40 * SECOND_NS;
    watch_start(s);
  }
  watch_pass(s, 10 * MINUTE_NS);
  for (uint64_t i = 1; i < number; i++) watch_assert_sent(s, "slow", i, 1);
  assert_int_equal(watch_sent_all(s), number - 1);
}

static void watching_does_not_begin_before_the_watermark_is_known(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  watch_arrive(s, 1, "slow");
  s->now_ns += 10 * MINUTE_NS;
  s->fake.fail_filter = "betrace.watch";
  s->fake.fail_status = BT_UNAVAILABLE;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  assert_false(bt_watcher_look(s->watcher).is_started);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, 0);
  s->fake.fail_filter = NULL;
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
}

/* Nobody has watched before. What came while the source did not answer is not passed over, however long that was. */
static void the_first_watching_begins_when_it_was_first_tried(void **state) {
  watch_scene *s = *state;
  s->fake.fail_filter = "betrace.watch";
  s->fake.fail_status = BT_UNAVAILABLE;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 3 * HOUR_NS);
  assert_false(bt_watcher_look(s->watcher).is_started);
  watch_arrive(s, 2, "slow");
  watch_pass(s, 10 * MINUTE_NS);
  s->fake.fail_filter = NULL;
  watch_pass(s, 90 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  watch_assert_sent(s, "slow", 2, 1);
  assert_int_equal(watch_sent_all(s), 2);
}

static void a_violation_of_before_a_restart_is_taken_back_too(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  int64_t began_ns = s->now_ns;
  watch_pass(s, 5 * MINUTE_NS);
  watch_kill(s);
  fake_span_add(fake_find(&s->fake, 1), "retry", began_ns + SECOND_NS);
  s->now_ns += 3 * MINUTE_NS;
  watch_start(s);
  watch_pass(s, 90 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
  assert_int_equal(watch_sent_all(s), 2);
}

/* A violation is sent, the watcher killed, and what undoes the violation comes while it is away. What the source does
 * to that violation's span is set by the caller before the next watcher starts. */
static fake_trace *send_kill_and_undo(watch_scene *s) {
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  int64_t began_ns = s->now_ns;
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  watch_kill(s);
  fake_span_add(fake_find(&s->fake, 1), "retry", began_ns + SECOND_NS);
  s->now_ns += 3 * MINUTE_NS;
  for (size_t i = 0; i < s->fake.trace_count; i++)
    if (strcmp(s->fake.traces[i].spans[0].name, BT_OWN_VIOLATION) == 0) return &s->fake.traces[i];
  fail_msg("the source has no violation span");
  return NULL;
}

static void what_no_batch_gives_is_taken_back_too(void **state) {
  watch_scene *s = *state;
  send_kill_and_undo(s)->gone_from_batches = true;
  watch_start(s);
  watch_pass(s, 90 * MINUTE_NS);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
  assert_int_equal(watch_sent_all(s), 2);
}

/* Spans that were sent in the last half minute before a kill may be in no search yet when the next watcher starts. */
static void what_search_shows_late_is_taken_back_too(void **state) {
  watch_scene *s = *state;
  const bt_trace_id id = send_kill_and_undo(s)->id;
  fake_trace *sent = NULL;
  for (size_t i = 0; i < s->fake.trace_count; i++)
    if (bt_trace_id_compare(&s->fake.traces[i].id, &id) == 0) sent = &s->fake.traces[i];
  sent->spans[0].hidden_from = "name = \"" BT_OWN_VIOLATION "\"";
  watch_start(s);
  watch_round(s);
  for (size_t i = 0; i < s->fake.trace_count; i++)
    if (bt_trace_id_compare(&s->fake.traces[i].id, &id) == 0) s->fake.traces[i].spans[0].hidden_from = NULL;
  watch_pass(s, 90 * MINUTE_NS);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
  assert_int_equal(watch_sent_all(s), 2);
}

static void hide_checkpoints(watch_scene *s, const char *from) {
  for (size_t i = 0; i < s->fake.trace_count; i++)
    if (strcmp(s->fake.traces[i].spans[0].name, BT_OWN_WATCH) == 0) s->fake.traces[i].spans[0].hidden_from = from;
}

/* A watcher that was killed soon after the first of all began leaves checkpoints that no search shows yet. What came
 * before the next one is caught up, what comes late in that time is swept, and nothing is sent twice. */
static void a_first_checkpoint_that_search_shows_late_is_not_none(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, MINUTE_NS);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 4 * MINUTE_NS);
  watch_arrive(s, 2, "slow");
  int64_t arrived_ns = s->now_ns;
  watch_pass(s, SECOND_NS);
  watch_kill(s);
  hide_checkpoints(s, "name = \"" BT_OWN_WATCH "\"");
  watch_arrive(s, 3, "slow");
  s->now_ns += 3 * MINUTE_NS;
  watch_start(s);
  watch_round(s);
  hide_checkpoints(s, NULL);
  watch_pass(s, 20 * MINUTE_NS);
  for (uint64_t i = 1; i <= 3; i++) watch_assert_sent(s, "slow", i, 1);
  fake_span_add(fake_find(&s->fake, 2), "retry", arrived_ns + SECOND_NS);
  watch_pass(s, 3 * HOUR_NS);
  assert_int_equal(watch_sent(s, "slow", 2, true), 1);
  assert_int_equal(watch_sent_all(s), 4);
}

/* A part of the search or the read that failed is asked for again before watching begins. */
static void watching_does_not_begin_before_what_was_sent_is_known(void **state) {
  watch_scene *s = *state;
  (void)send_kill_and_undo(s);
  s->fake.fail_filter = "name = \"" BT_OWN_VIOLATION "\"";
  s->fake.fail_range = (bt_time_range){s->now_ns - HOUR_NS, s->now_ns};
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  assert_false(bt_watcher_look(s->watcher).is_started);
  s->fake.fail_filter = NULL;
  watch_pass(s, 90 * MINUTE_NS);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
  assert_int_equal(watch_sent_all(s), 2);
}

/* Sent, and then away for so long that what undoes it lies in a gap that is caught up. */
static void what_was_sent_long_before_a_restart_is_taken_back_too(void **state) {
  watch_scene *s = *state;
  (void)send_kill_and_undo(s);
  s->now_ns += 5 * HOUR_NS;
  watch_start(s);
  watch_pass(s, 90 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
  assert_int_equal(watch_sent_all(s), 2);
}

/* The gap is caught up in pieces, by watchers that are killed before it is done, and for longer than a violation is
 * kept. */
static void what_a_long_catching_up_undoes_is_taken_back_too(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  int64_t began_ns = s->now_ns;
  for (uint64_t i = 1; i <= 6; i++) {
    watch_arrive(s, i, "slow");
    watch_pass(s, 5 * MINUTE_NS);
  }
  watch_pass(s, 5 * MINUTE_NS);
  watch_kill(s);
  for (uint64_t i = 1; i <= 6; i++) fake_span_add(fake_find(&s->fake, i), "retry", began_ns + HOUR_NS);
  s->now_ns += 20 * HOUR_NS;
  for (int i = 0; i < 3; i++) {
    watch_start(s);
    watch_pass(s, 3 * MINUTE_NS);
    watch_kill(s);
    s->now_ns += 20 * MINUTE_NS;
  }
  watch_start(s);
  watch_pass(s, 3 * HOUR_NS);
  for (uint64_t i = 1; i <= 6; i++) {
    watch_assert_sent(s, "slow", i, 1);
    assert_int_equal(watch_sent(s, "slow", i, true), 1);
  }
}

/* The process stays, and Tempo is away for longer than a violation is kept. */
static void what_was_sent_before_an_outage_is_taken_back_after_it(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  int64_t began_ns = s->now_ns;
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  s->fake.fail_filter = "slow";
  s->fake.fail_status = BT_UNAVAILABLE;
  fake_span_add(fake_find(&s->fake, 1), "retry", began_ns + SECOND_NS);
  watch_pass(s, 5 * HOUR_NS);
  s->fake.fail_filter = NULL;
  watch_pass(s, 90 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
}

/* Two violations are sent, the watcher is killed, both are undone, and the trace of the one that was sent first fails
 * every read from now on. */
static void leave_one_that_no_read_gives(watch_scene *s) {
  watch_start(s);
  watch_round(s);
  int64_t began_ns = s->now_ns;
  for (uint64_t i = 1; i <= 2; i++) watch_arrive(s, i, "slow");
  watch_pass(s, 5 * MINUTE_NS);
  watch_kill(s);
  for (uint64_t i = 1; i <= 2; i++) fake_span_add(fake_find(&s->fake, i), "retry", began_ns + SECOND_NS);
  s->fake.fail_id = &s->sent[0].id;
  watch_start(s);
}

/* While the source answers others: watching waits for it as long as for any other trace, and the other violation is
 * known then. */
static void one_that_no_read_gives_does_not_hold_up_watching_for_ever(void **state) {
  watch_scene *s = *state;
  leave_one_that_no_read_gives(s);
  watch_pass(s, 50 * MINUTE_NS);
  assert_false(bt_watcher_look(s->watcher).is_started);
  assert_non_null(strstr(bt_watcher_look(s->watcher).message, "start"));
  watch_pass(s, 100 * MINUTE_NS);
  assert_true(bt_watcher_look(s->watcher).is_started);
  bool first_is_stuck = watch_sent(s, "slow", 1, true) == 0;
  assert_int_equal(watch_sent(s, "slow", 1, true) + watch_sent(s, "slow", 2, true), 1);
  const bt_trace_id first = fake_id(1);
  assert_true(first_is_stuck == (bt_trace_id_compare(&s->sent[0].trace_id, &first) == 0));
}

/* A source that is gone says nothing about that trace: waiting begins anew. */
static void an_outage_is_not_waiting_for_one_trace(void **state) {
  watch_scene *s = *state;
  leave_one_that_no_read_gives(s);
  watch_pass(s, 50 * MINUTE_NS);
  s->fake.fail_filter = "name = \"" BT_OWN_VIOLATION "\"";
  s->fake.fail_status = BT_UNAVAILABLE;
  watch_pass(s, 20 * MINUTE_NS);
  s->fake.fail_filter = NULL;
  watch_pass(s, 50 * MINUTE_NS);
  assert_false(bt_watcher_look(s->watcher).is_started);
  watch_pass(s, 20 * MINUTE_NS);
  assert_true(bt_watcher_look(s->watcher).is_started);
}

static void a_long_gap_is_said_and_caught_up(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  watch_miss(s, 18);
  watch_start(s);
  watch_round(s);
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_true(status.gap_end_ns - status.gap_start_ns > 100 * MINUTE_NS);
  watch_pass(s, 20 * MINUTE_NS);
  for (uint64_t i = 1; i <= 18; i++) watch_assert_sent(s, "slow", i, 1);
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
  watch_miss(s, 30);
  for (int i = 0; i < 6; i++) {
    watch_start(s);
    watch_pass(s, 150 * SECOND_NS);
    watch_kill(s);
  }
  watch_start(s);
  watch_pass(s, 30 * MINUTE_NS);
  for (uint64_t i = 1; i <= 30; i++) watch_assert_sent(s, "slow", i, 1);
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

static void a_kill_with_unsent_violations_sends_them_later(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 4; i++) watch_arrive(s, i, "slow");
  s->refuse = 1; /* half of them get through, and then the process is gone */
  watch_pass(s, 4 * MINUTE_NS);
  watch_kill(s);
  watch_start(s);
  watch_pass(s, 4 * MINUTE_NS);
  for (uint64_t i = 1; i <= 4; i++) watch_assert_sent(s, "slow", i, 1);
}

static void watchers_share_the_traces(void **state) {
  watch_scene *s = *state;
  size_t by_first = 0;
  for (uint64_t i = 1; i <= 64; i++) watch_arrive(s, i, "slow");
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
  for (uint64_t i = 1; i <= 64; i++) watch_assert_sent(s, "slow", i, 1);
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
  for (uint64_t i = 1; i <= 16; i++) watch_arrive(s, i, "slow");
  s->now_ns += 5 * MINUTE_NS;
  s->options.replica = 0;
  s->options.replicas = 1;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  for (uint64_t i = 1; i <= 16; i++) watch_assert_sent(s, "slow", i, 1);
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
    watch_arrive(s, i, "slow");
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
  for (uint64_t i = 1; i <= 40; i++) watch_assert_sent(s, "slow", i, 1);
}

static void a_watcher_that_left_no_checkpoint_had_done_nothing(void **state) {
  watch_scene *s = *state;
  s->options.replicas = 2;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  for (uint64_t i = 1; i <= 32; i++) watch_arrive(s, i, "slow");
  watch_pass(s, 30 * MINUTE_NS);
  watch_kill(s);
  assert_true(watch_sent_all(s) < 32);
  s->options.replicas = 1;
  s->options.catchup_max_ns = 2 * HOUR_NS;
  watch_start(s);
  watch_pass(s, HOUR_NS);
  for (uint64_t i = 1; i <= 32; i++) watch_assert_sent(s, "slow", i, 1);
}

static void checkpoints_that_cannot_be_read_are_not_none(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_kill(s);
  for (size_t i = 0; i < s->fake.trace_count; i++)
    s->fake.traces[i].gone_from_batches = s->fake.traces[i].gone_by_id = true;
  watch_arrive(s, 1, "slow");
  s->now_ns += 10 * MINUTE_NS;
  watch_start(s);
  watch_pass(s, 5 * MINUTE_NS);
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_false(status.is_started);
  assert_non_null(strstr(status.message, "no read gives one of them"));
  for (size_t i = 0; i < s->fake.trace_count; i++) s->fake.traces[i].gone_by_id = false;
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
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

/* The sweeps of the first watcher come in steps of twenty minutes, those of the next one of less than one: what the
 * first had still to look at again is looked at by the next, and not left to the second sweep, an hour later. */
static void a_smaller_interval_sweeps_what_was_left(void **state) {
  watch_scene *s = *state;
  const int64_t step_ns = 2 * MINUTE_NS, first_ns = s->now_ns;
  uint64_t number = 0, first_late;
  s->options.interval_ns = step_ns;
  watch_start(s);
  do { /* until the sweep is nearly a step behind */
    watch_pass(s, step_ns);
    fake_span_add(fake_add(&s->fake, ++number), "web", s->now_ns);
  } while (number < 60 || s->watcher->schedule.swept_ns[0] > s->now_ns - 33 * MINUTE_NS);
  watch_pass(s, step_ns);
  first_late = (uint64_t)((s->watcher->schedule.swept_ns[0] - first_ns) / step_ns) + 1;
  watch_kill(s);
  for (uint64_t i = first_late; i <= number; i++) {
    fake_trace *trace = fake_find(&s->fake, i);
    fake_span_add(trace, "slow", trace->spans[0].start_ns);
  }
  s->options.interval_ns = 5 * SECOND_NS;
  watch_start(s);
  watch_pass(s, 25 * MINUTE_NS);
  for (uint64_t i = first_late; i <= number; i++) watch_assert_sent(s, "slow", i, 1);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_kill_and_a_restart_lose_and_repeat_nothing),
      CASE(watching_does_not_begin_before_the_watermark_is_known),
      CASE(the_first_watching_begins_when_it_was_first_tried),
      CASE(a_violation_of_before_a_restart_is_taken_back_too),
      CASE(what_no_batch_gives_is_taken_back_too),
      CASE(what_search_shows_late_is_taken_back_too),
      CASE(a_first_checkpoint_that_search_shows_late_is_not_none),
      CASE(watching_does_not_begin_before_what_was_sent_is_known),
      CASE(what_was_sent_long_before_a_restart_is_taken_back_too),
      CASE(what_a_long_catching_up_undoes_is_taken_back_too),
      CASE(what_was_sent_before_an_outage_is_taken_back_after_it),
      CASE(one_that_no_read_gives_does_not_hold_up_watching_for_ever),
      CASE(an_outage_is_not_waiting_for_one_trace),
      CASE(a_long_gap_is_said_and_caught_up),
      CASE(a_gap_outlives_a_kill_while_it_is_caught_up),
      CASE(what_is_older_than_catch_up_is_lost_and_said),
      CASE(an_absence_of_days_is_said),
      CASE(a_kill_with_unsent_violations_sends_them_later),
      CASE(watchers_share_the_traces),
      CASE(when_the_number_of_watchers_changes_nothing_is_lost),
      CASE(gaps_of_all_old_watchers_are_kept),
      CASE(a_watcher_that_left_no_checkpoint_had_done_nothing),
      CASE(checkpoints_that_cannot_be_read_are_not_none),
      CASE(what_was_lost_is_said_after_a_restart),
      CASE(checkpoints_say_how_far),
      CASE(a_smaller_interval_sweeps_what_was_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
