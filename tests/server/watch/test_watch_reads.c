/* The watcher while searches and reads fail: nothing is skipped, nothing is given up for one failure. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <string.h>

#include "tests/server/watch/watch_case.h"

static void no_slice_is_skipped_while_the_source_fails(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  int64_t began_ns = s->now_ns;
  s->fake.fail_filter = "slow";
  s->fake.fail_status = BT_UNAVAILABLE;
  watch_arrive(s, 1, "slow");
  watch_pass(s, 20 * MINUTE_NS);
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_true(status.done_ns <= began_ns);
  assert_true(status.failed_rounds >= 39);
  assert_non_null(strstr(status.message, "the source does not answer"));
  watch_assert_sent(s, "slow", 1, 0);
  s->fake.fail_filter = NULL;
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
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
  watch_arrive(s, 1, "slow");
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 0);
  s->fake.fail_filter = NULL;
  watch_pass(s, 3 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
}

static void reads_that_fail_are_made_again(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  s->fake.fail_reads = BT_UNAVAILABLE;
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 0);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  s->fake.fail_reads = BT_OK;
  watch_pass(s, 3 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
}

/* Searches are answered and no read is, for longer than lookback: nobody knows whether these traces could ever be read.
 */
static void reads_that_fail_for_longer_than_lookback_lose_nothing(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 5; i++) watch_arrive(s, i, "slow");
  s->fake.fail_reads = BT_UNAVAILABLE;
  watch_pass(s, 3 * HOUR_NS);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 0);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  s->fake.fail_reads = BT_OK;
  watch_pass(s, 5 * MINUTE_NS);
  for (uint64_t i = 1; i <= 5; i++) watch_assert_sent(s, "slow", i, 1);
}

/* Rounds take so long that a trace waits for more than lookback before it is read at all, and then one read fails. */
static void a_trace_is_not_given_up_for_one_read_that_failed(void **state) {
  watch_scene *s = *state;
  bt_trace_id id = fake_id(1);
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 2, "slow");
  s->fake.fail_reads = BT_UNAVAILABLE;
  watch_pass(s, 3 * MINUTE_NS);
  s->now_ns += 2 * HOUR_NS;
  s->fake.fail_reads = BT_OK;
  s->fake.fail_id = &id;
  watch_pass(s, MINUTE_NS);
  watch_assert_sent(s, "slow", 2, 1);
  s->fake.fail_id = NULL;
  watch_pass(s, 5 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 0);
  watch_assert_sent(s, "slow", 1, 1);
}

/* The same, where what failed is that the source did not know it. */
static void a_trace_is_not_given_up_for_one_read_that_missed_it(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  s->fake.fail_reads = BT_UNAVAILABLE;
  watch_pass(s, 3 * MINUTE_NS);
  s->now_ns += 2 * HOUR_NS;
  s->fake.fail_reads = BT_OK;
  fake_find(&s->fake, 1)->gone_from_batches = fake_find(&s->fake, 1)->gone_by_id = true;
  watch_pass(s, MINUTE_NS);
  fake_find(&s->fake, 1)->gone_from_batches = fake_find(&s->fake, 1)->gone_by_id = false;
  watch_pass(s, 5 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 0);
  watch_assert_sent(s, "slow", 1, 1);
}

static void what_search_shows_and_no_read_gives_is_said(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  fake_find(&s->fake, 1)->gone_from_batches = fake_find(&s->fake, 1)->gone_by_id = true;
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 0);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  watch_pass(s, 40 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 1);
}

static void a_trace_that_always_fails_holds_up_no_other(void **state) {
  watch_scene *s = *state;
  bt_trace_id id = fake_id(3);
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 20; i++) watch_arrive(s, i, "slow");
  s->fake.fail_id = &id;
  watch_pass(s, 10 * MINUTE_NS);
  for (uint64_t i = 1; i <= 20; i++) watch_assert_sent(s, "slow", i, i == 3 ? 0 : 1);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  for (uint64_t i = 21; i <= 60; i++) {
    watch_arrive(s, i, "slow");
    watch_pass(s, 2 * MINUTE_NS);
  }
  assert_true(bt_watcher_look(s->watcher).traces_unread > 0);
  assert_true(bt_watcher_look(s->watcher).done_ns > NOON_NS);
}

/* Of a trace of "pay" and "slow", which violates. */
static fake_span *arrive_in_two(watch_scene *s, uint64_t number) {
  fake_trace *trace = fake_add(&s->fake, number);
  fake_span_add(trace, "pay", s->now_ns);
  return fake_span_add(trace, "slow", s->now_ns + SECOND_NS);
}

static void a_batch_that_lacks_what_a_search_showed_decides_nothing(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  arrive_in_two(s, 1)->not_in_batches = true;
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
}

/* It is inconclusive, and a sweep that reads all of it tells. */
static void a_read_by_id_that_lacks_it_is_incomplete(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  fake_span *slow = arrive_in_two(s, 1);
  slow->not_in_batches = true;
  slow->by_id_from = UINT_MAX;
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 0);
  assert_true(bt_watcher_look(s->watcher).inconclusive > 0);
  slow->by_id_from = 0;
  watch_pass(s, 2 * HOUR_NS);
  watch_assert_sent(s, "slow", 1, 1);
}

static void a_read_by_id_that_lacks_it_takes_nothing_back(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  fake_span *slow = arrive_in_two(s, 1);
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  slow->not_in_batches = true;
  slow->by_id_from = UINT_MAX;
  watch_pass(s, 2 * HOUR_NS);
  assert_true(fake_find(&s->fake, 1)->by_id_reads > 1); /* a sweep has read it again */
  assert_int_equal(bt_watcher_look(s->watcher).retractions, 0);
}

/* Batches of the sweeps show it still, and nothing is new in it. */
static void a_violation_that_was_told_is_read_by_id_once(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  unsigned batches = fake_find(&s->fake, 1)->batch_reads;
  watch_pass(s, 2 * HOUR_NS);
  assert_true(fake_find(&s->fake, 1)->batch_reads > batches);
  assert_int_equal(fake_find(&s->fake, 1)->by_id_reads, 1);
}

/* The batch has two records of a span, and the read by id that another rule asks for has one of them. */
static void a_read_by_id_with_one_of_two_copies_decides_nothing(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "fetch", "never { fetch }");
  watch_start(s);
  watch_round(s);
  arrive_in_two(s, 1);
  fake_trace *trace = fake_find(&s->fake, 1);
  fake_span *other = fake_span_add(trace, "fetch", trace->spans[0].start_ns);
  memcpy(other->id, trace->spans[0].id, sizeof other->id);
  trace->spans[0].by_id_from = UINT_MAX;
  watch_pass(s, 10 * MINUTE_NS);
  assert_true(fake_find(&s->fake, 1)->by_id_reads > 0);
  watch_assert_sent(s, "fetch", 1, 0);
  watch_assert_sent(s, "slow", 1, 0);
  assert_true(bt_watcher_look(s->watcher).inconclusive > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(no_slice_is_skipped_while_the_source_fails),
      CASE(a_window_that_failed_in_part_is_asked_again),
      CASE(a_batch_that_lacks_what_a_search_showed_decides_nothing),
      CASE(a_read_by_id_that_lacks_it_is_incomplete),
      CASE(a_read_by_id_that_lacks_it_takes_nothing_back),
      CASE(a_violation_that_was_told_is_read_by_id_once),
      CASE(a_read_by_id_with_one_of_two_copies_decides_nothing),
      CASE(reads_that_fail_are_made_again),
      CASE(reads_that_fail_for_longer_than_lookback_lose_nothing),
      CASE(a_trace_is_not_given_up_for_one_read_that_failed),
      CASE(a_trace_is_not_given_up_for_one_read_that_missed_it),
      CASE(what_search_shows_and_no_read_gives_is_said),
      CASE(a_trace_that_always_fails_holds_up_no_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
