/* Watching rules that follow links. What rests on no trace linking to a span is told once the bound and the time to
 * settle are over. What decides earlier is told earlier, and what comes late takes it back. The rule `lost` wants every
 * message processed within ten minutes, `failed` wants none that failed, and `far` has a bound of three hours. */
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/server/watch/watch_case.h"

enum { MESSAGE = 1, CONSUMER = 101 };

static int make_linked(void **state) {
  int status = watch_case_make(state);
  watch_add_rule(*state, "lost", "when { publish as p } always { process linked to p within 10m }");
  watch_add_rule(*state, "failed", "when { publish as p } never { fail linked to p within 10m }");
  return status;
}
#define LINKED(name) cmocka_unit_test_setup_teardown(name, make_linked, watch_case_drop)

/* A trace whose only span links to the message's, and began then. */
static void consume(watch_scene *s, uint64_t number, uint64_t message, const char *name, int64_t start_ns) {
  fake_link_add(fake_span_add(fake_add(&s->fake, number), name, start_ns), message, 0);
}

static void publish(watch_scene *s, uint64_t number) {
  watch_arrive(s, number, "publish");
}

static void begin(watch_scene *s) {
  watch_start(s);
  watch_round(s);
}

static void a_lost_message_is_told_after_the_bound(void **state) {
  watch_scene *s = *state;
  begin(s);
  publish(s, MESSAGE);
  watch_pass(s, 11 * MINUTE_NS + 30 * SECOND_NS);
  watch_assert_sent(s, "lost", MESSAGE, 0);
  watch_pass(s, 2 * MINUTE_NS);
  watch_assert_sent(s, "lost", MESSAGE, 1);
  watch_assert_sent(s, "failed", MESSAGE, 0);
  watch_pass(s, 3 * HOUR_NS);
  watch_assert_sent(s, "lost", MESSAGE, 1);
  assert_int_equal(watch_sent_all(s), 1);
  assert_int_equal(bt_watcher_look(s->watcher).inconclusive, 0);
}

static void a_message_in_time_is_none(void **state) {
  watch_scene *s = *state;
  begin(s);
  publish(s, MESSAGE);
  consume(s, CONSUMER, MESSAGE, "process", s->now_ns + 3 * SECOND_NS);
  publish(s, 2);
  watch_pass(s, 9 * MINUTE_NS);
  consume(s, CONSUMER + 1, 2, "process", s->now_ns);
  watch_pass(s, 3 * HOUR_NS);
  assert_int_equal(watch_sent_all(s), 0);
}

/* What was found decides, though more may come. */
static void what_must_not_be_there_is_told_at_once(void **state) {
  watch_scene *s = *state;
  begin(s);
  publish(s, MESSAGE);
  consume(s, CONSUMER, MESSAGE, "fail", s->now_ns + 3 * SECOND_NS);
  watch_pass(s, 4 * MINUTE_NS);
  watch_assert_sent(s, "failed", MESSAGE, 1);
  watch_assert_sent(s, "lost", MESSAGE, 0);
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "lost", MESSAGE, 1);
  watch_assert_sent(s, "failed", MESSAGE, 1);
}

/* It began in time, and its span came half an hour later: a sweep sees it. */
static void a_consumer_that_comes_late_takes_it_back(void **state) {
  watch_scene *s = *state;
  begin(s);
  publish(s, MESSAGE);
  int64_t began_ns = s->now_ns + 5 * SECOND_NS;
  watch_pass(s, 30 * MINUTE_NS);
  watch_assert_sent(s, "lost", MESSAGE, 1);
  consume(s, CONSUMER, MESSAGE, "process", began_ns);
  watch_pass(s, 40 * MINUTE_NS);
  assert_int_equal(watch_sent(s, "lost", MESSAGE, true), 1);
  watch_assert_sent(s, "lost", MESSAGE, 1);
}

/* Nobody says who links. It is asked again, and nothing is told before there is an answer. */
static void a_failing_look_up_decides_nothing(void **state) {
  watch_scene *s = *state;
  begin(s);
  publish(s, MESSAGE);
  publish(s, 2);
  consume(s, CONSUMER, 2, "process", s->now_ns);
  s->fake.fail_linking = BT_REFUSED;
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 0);
  assert_true(bt_watcher_look(s->watcher).waiting > 0);
  s->fake.fail_linking = BT_OK;
  watch_pass(s, 30 * MINUTE_NS);
  watch_assert_sent(s, "lost", MESSAGE, 1);
  watch_assert_sent(s, "lost", 2, 0);
}

/* A part that could not be looked through is no answer, either. */
static void half_an_answer_decides_nothing(void **state) {
  watch_scene *s = *state;
  begin(s);
  publish(s, MESSAGE);
  s->fake.fail_linking_range = true;
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 0);
  s->fake.fail_linking_range = false;
  watch_pass(s, 30 * MINUTE_NS);
  watch_assert_sent(s, "lost", MESSAGE, 1);
}

/* What waits for its bound holds the watermark, and so the next watcher finds it again. */
static void a_restart_within_the_bound_loses_nothing(void **state) {
  watch_scene *s = *state;
  begin(s);
  watch_pass(s, 5 * MINUTE_NS);
  int64_t published_ns = s->now_ns;
  publish(s, MESSAGE);
  publish(s, 2);
  consume(s, CONSUMER, 2, "process", s->now_ns);
  watch_pass(s, 8 * MINUTE_NS);
  assert_true(s->checkpoint.until_ns <= published_ns);
  watch_kill(s);
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "lost", MESSAGE, 1);
  watch_assert_sent(s, "lost", 2, 0);
  watch_kill(s);
  watch_start(s);
  watch_pass(s, 2 * HOUR_NS);
  watch_assert_sent(s, "lost", MESSAGE, 1);
  assert_int_equal(watch_sent_all(s), 1);
}

/* Longer than lookback, which bounds what waits for other reasons. */
static void a_bound_longer_than_lookback_is_waited_for(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "far", "when { order as p } always { ship linked to p within 3h }");
  begin(s);
  watch_arrive(s, MESSAGE, "order");
  watch_arrive(s, 2, "order");
  watch_pass(s, 2 * HOUR_NS);
  consume(s, CONSUMER, 2, "ship", s->now_ns);
  watch_pass(s, HOUR_NS);
  watch_assert_sent(s, "far", MESSAGE, 0);
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "far", MESSAGE, 1);
  watch_assert_sent(s, "far", 2, 0);
}

/* A bound of one rule makes the traces of others wait no longer, nor those that it is not about or that are decided. */
static void only_what_is_open_waits(void **state) {
  watch_scene *s = *state;
  begin(s);
  watch_arrive(s, 1, "slow");
  publish(s, 2);
  consume(s, CONSUMER, 2, "process", s->now_ns);
  watch_pass(s, 4 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  assert_int_equal(bt_watcher_look(s->watcher).waiting, 1); /* `failed` may still be broken */
  watch_pass(s, 11 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).waiting, 0);
  assert_int_equal(fake_find(&s->fake, 1)->by_id_reads, 1);
}

/* The consumer links to a trace that nobody has: what it was is not known, and never will be. */
static void what_stays_open_is_counted_once_and_holds_nothing_up(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "sent", "when { process as c } always { publish linked from c within 1h }");
  begin(s);
  consume(s, CONSUMER, 77, "process", s->now_ns);
  int64_t began_ns = s->now_ns;
  watch_pass(s, 70 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 0);
  assert_int_equal(bt_watcher_look(s->watcher).inconclusive, 1);
  assert_int_equal(bt_watcher_look(s->watcher).waiting, 0);
  assert_true(bt_watcher_look(s->watcher).done_ns > began_ns);
}

/* 200 messages of which every tenth is lost, while a fifth of all questions fails. */
static void nothing_false_while_questions_fail(void **state) {
  enum { MESSAGES = 200 };
  watch_scene *s = *state;
  begin(s);
  s->fake.fail_random = 7;
  s->fake.fail_percent = 20;
  for (uint64_t i = 1; i <= MESSAGES; i++) {
    publish(s, i);
    if (i % 10) consume(s, 1000 + i, i, "process", s->now_ns + (int64_t)(i % 9) * MINUTE_NS);
    watch_pass(s, 30 * SECOND_NS);
  }
  s->fake.fail_percent = 0;
  watch_pass(s, HOUR_NS);
  for (uint64_t i = 1; i <= MESSAGES; i++) watch_assert_sent(s, "lost", i, i % 10 ? 0 : 1);
  assert_int_equal(watch_sent_all(s), MESSAGES / 10);
}

/* A search showed a span of the own trace, and the read by id lacks it: the span may be there all the same. */
static void a_family_that_lacks_what_a_search_showed_is_incomplete(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "unpublished", "when { order as o } never { process linked to o within 10m and not publish }");
  begin(s);
  fake_trace *message = fake_add(&s->fake, MESSAGE);
  fake_span_add(message, "order", s->now_ns);
  fake_span *published = fake_span_add(message, "publish", s->now_ns + SECOND_NS);
  published->not_in_batches = true;
  published->by_id_from = UINT_MAX;
  consume(s, CONSUMER, MESSAGE, "process", s->now_ns + 3 * SECOND_NS);
  watch_pass(s, 30 * MINUTE_NS);
  watch_assert_sent(s, "unpublished", MESSAGE, 0);
  assert_true(bt_watcher_look(s->watcher).inconclusive > 0);
}

/* The batch showed two records of a span, and the family has one of them. */
static void a_family_with_one_of_two_copies_decides_nothing(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "fetched", "when { publish as p } never { process linked to p within 10m and fetch }");
  begin(s);
  fake_trace *message = fake_add(&s->fake, MESSAGE);
  fake_span_add(message, "publish", s->now_ns);
  fake_span_add(message, "read", s->now_ns + SECOND_NS)->by_id_from = UINT_MAX;
  fake_span *other = fake_span_add(message, "fetch", s->now_ns + SECOND_NS);
  memcpy(other->id, fake_find(&s->fake, MESSAGE)->spans[1].id, sizeof other->id);
  consume(s, CONSUMER, MESSAGE, "process", s->now_ns + 3 * SECOND_NS);
  watch_pass(s, 30 * MINUTE_NS);
  watch_assert_sent(s, "fetched", MESSAGE, 0);
  assert_true(bt_watcher_look(s->watcher).inconclusive > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {LINKED(a_lost_message_is_told_after_the_bound),
                                     LINKED(a_message_in_time_is_none),
                                     LINKED(what_must_not_be_there_is_told_at_once),
                                     LINKED(a_consumer_that_comes_late_takes_it_back),
                                     LINKED(a_failing_look_up_decides_nothing),
                                     LINKED(half_an_answer_decides_nothing),
                                     LINKED(a_restart_within_the_bound_loses_nothing),
                                     LINKED(a_bound_longer_than_lookback_is_waited_for),
                                     LINKED(only_what_is_open_waits),
                                     LINKED(what_stays_open_is_counted_once_and_holds_nothing_up),
                                     LINKED(nothing_false_while_questions_fail),
                                     LINKED(a_family_that_lacks_what_a_search_showed_is_incomplete),
                                     LINKED(a_family_with_one_of_two_copies_decides_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
