/* Watching over the scripted source with a clock of its own: what is sent, when and how often, and what holds up
 * nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/server/watch/watch_case.h"

static void a_violation_is_sent_once_it_is_quiet_and_only_once(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 90 * SECOND_NS);
  watch_assert_sent(s, "slow", 1, 0);
  watch_pass(s, 90 * SECOND_NS);
  watch_assert_sent(s, "slow", 1, 1);
  watch_pass(s, 2 * HOUR_NS);
  watch_assert_sent(s, "slow", 1, 1);
  assert_int_equal(s->counted, 1);
}

/* One violation comes with each round. Of those that were sent: by how many rounds the slowest came after it was quiet.
 */
static uint64_t rounds_to_tell(watch_scene *s, int64_t interval_ns) {
  enum { TRACES = 16 };
  uint64_t told = 0, most = 0, quiet = (uint64_t)(2 * MINUTE_NS / interval_ns);
  s->options.interval_ns = interval_ns;
  watch_start(s);
  watch_round(s);
  for (uint64_t round = 1; told < TRACES; round++) {
    if (round <= TRACES) watch_arrive(s, round, "slow");
    watch_pass(s, interval_ns);
    for (; told < TRACES && watch_sent(s, "slow", told + 1, false); told++)
      most = round - told - quiet > most ? round - told - quiet : most;
    assert_true(round < TRACES + quiet + 10);
  }
  return most;
}

enum { MANY = 20 }; /* rules: so many that every trace is listed */

static void each_round_tells_what_is_quiet(void **state) {
  watch_add_others(*state, MANY);
  assert_int_equal(rounds_to_tell(*state, 30 * SECOND_NS), 1);
}

static void so_does_each_short_one_of_few_rules(void **state) {
  assert_int_equal(rounds_to_tell(*state, 5 * SECOND_NS), 1);
}

/* Every other one reads. */
static void short_rounds_of_many_rules_may_tell_it_with_the_next(void **state) {
  watch_add_others(*state, MANY);
  assert_int_equal(rounds_to_tell(*state, 5 * SECOND_NS), 2);
}

static void a_trace_that_is_known_to_be_large_is_read_by_id_alone(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  s->fake.large_from = 1000;
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 2, "slow");
  fake_find(&s->fake, 1)->counted = 20000;
  fake_find(&s->fake, 2)->counted = 999;
  watch_pass(s, 3 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  watch_assert_sent(s, "slow", 2, 1);
  assert_int_equal(fake_find(&s->fake, 1)->batch_reads, 0);
  assert_true(fake_find(&s->fake, 2)->batch_reads > 0);
}

/* A batch gives what one ingester has of a trace, whatever the verdict on that is. */
static void traces_of_copies_are_read_by_id(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 1, "retry");
  watch_pass(s, 3 * MINUTE_NS);
  assert_int_equal(fake_find(&s->fake, 1)->by_id_reads, 0);
  s->fake.promises.has_copies = true;
  watch_arrive(s, 2, "slow");
  watch_arrive(s, 2, "retry");
  watch_pass(s, 3 * MINUTE_NS);
  assert_true(fake_find(&s->fake, 2)->by_id_reads > 0);
  watch_assert_sent(s, "slow", 2, 0);
}

static void a_trace_that_goes_on_is_waited_for(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  for (int i = 0; i < 5; i++) {
    watch_pass(s, 90 * SECOND_NS);
    watch_arrive(s, 1, "step");
  }
  watch_arrive(s, 1, "retry");
  watch_pass(s, 30 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 0);
  assert_int_equal(watch_sent_all(s), 0);
}

static void the_watermark_waits_for_what_is_not_quiet(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  int64_t began_ns = s->now_ns;
  watch_arrive(s, 1, "slow");
  for (int i = 0; i < 6; i++) {
    watch_pass(s, 90 * SECOND_NS);
    watch_arrive(s, 1, "step");
  }
  assert_true(bt_watcher_look(s->watcher).done_ns <= began_ns);
  watch_pass(s, 10 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, s->now_ns - 2 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
}

/* 248,832 choices are more steps than are taken between two looks at the time. What is not known by then is
 * inconclusive, and the next trace goes on. */
static void a_trace_that_takes_long_holds_up_no_other(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "choices", "slow as a and slow as b and slow as c and slow as d and slow as e and a.k == e.id");
  for (int round = 0; round < 2; round++) {
    uint64_t large = 1 + 10 * (uint64_t)round, small = 2 + 10 * (uint64_t)round;
    s->options.most_cpu_ns = round ? 0 : 1;
    watch_start(s);
    watch_round(s);
    fake_trace *trace = fake_add(&s->fake, large);
    for (int i = 0; i < FAKE_SPANS_MAX; i++) fake_span_add(trace, "slow", s->now_ns);
    watch_arrive(s, small, "slow");
    watch_pass(s, 10 * MINUTE_NS);
    watch_assert_sent(s, "slow", small, 1);
    bt_watch_status status = bt_watcher_look(s->watcher);
    assert_int_equal(status.waiting, 0);
    assert_string_equal(status.message, "");
    if (round)
      watch_assert_sent(s, "slow", large, 1);
    else
      assert_true(status.inconclusive > 0);
    watch_kill(s);
  }
}

/* Whoever ends the service does not wait for an evaluation. */
static void an_evaluation_is_cancelled(void **state) {
  watch_scene *s = *state;
  bt_error error = {0};
  bt_rule_list none = {0};
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  s->now_ns += 5 * MINUTE_NS;
  atomic_store(&s->cancel.requested, true);
  assert_int_equal(bt_watcher_round(s->watcher, s->rules.count ? &s->rules : &none, s->now_ns, &error), BT_CANCELLED);
  atomic_store(&s->cancel.requested, false);
  assert_int_equal(watch_sent_all(s), 0);
}

static void a_late_span_takes_a_violation_back(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 2, "slow");
  int64_t began_ns = s->now_ns;
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  fake_span_add(fake_find(&s->fake, 1), "retry", began_ns + SECOND_NS);
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(watch_sent(s, "slow", 1, true), 1);
  assert_int_equal(watch_sent(s, "slow", 2, true), 0);
  watch_pass(s, 3 * HOUR_NS);
  assert_int_equal(watch_sent_all(s), 3);
}

static void a_late_span_makes_a_violation(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "calm", NO_PANIC);
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 1, "retry");
  int64_t began_ns = s->now_ns;
  watch_pass(s, 8 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 0);
  fake_span_add(fake_find(&s->fake, 1), "panic", began_ns + SECOND_NS);
  watch_pass(s, 40 * MINUTE_NS);
  watch_assert_sent(s, "calm", 1, 1);
  assert_int_equal(watch_sent_all(s), 1);
}

static void a_stalled_receiver_holds_the_watermark_and_nothing_else(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  s->is_stalled = true;
  for (uint64_t i = 1; i <= 5; i++) {
    watch_arrive(s, i, "slow");
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
  for (uint64_t i = 1; i <= 5; i++) watch_assert_sent(s, "slow", i, 1);
  assert_int_equal(s->counted, 5);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, s->now_ns - 2 * MINUTE_NS);
}

static void silence(watch_scene *s, bool on) {
  pthread_mutex_lock(&s->mutex);
  s->is_silent = on;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
}

/* Rounds would not end if they waited for it, neither for a violation nor for a checkpoint. */
static void a_receiver_that_never_answers_holds_up_no_round(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_pass(s, 10 * MINUTE_NS);
  size_t checkpoints = s->checkpoint_count;
  int64_t until_ns = s->checkpoint.until_ns;
  silence(s, true);
  for (uint64_t i = 1; i <= 5; i++) {
    watch_arrive(s, i, "slow");
    watch_pass(s, 2 * MINUTE_NS);
  }
  bt_watch_status status = bt_watcher_look(s->watcher);
  assert_true(status.traces_judged >= 3);
  assert_true(status.done_ns <= NOON_NS + 10 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 0);
  assert_int_equal(s->checkpoint_count, checkpoints);
  assert_int_equal(s->checkpoint.until_ns, until_ns);
  silence(s, false);
  while (bt_emitter_look(s->emitter).queued) watch_round(s);
  watch_pass(s, 5 * MINUTE_NS);
  for (uint64_t i = 1; i <= 5; i++) watch_assert_sent(s, "slow", i, 1);
  assert_true(s->checkpoint.until_ns >= s->now_ns - 4 * MINUTE_NS);
  assert_string_equal(bt_watcher_look(s->watcher).message, "");
}

static void one_that_is_never_taken_holds_up_no_other(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  s->refused = 3;
  for (uint64_t i = 1; i <= 5; i++) watch_arrive(s, i, "slow");
  watch_pass(s, 10 * MINUTE_NS);
  for (uint64_t i = 1; i <= 5; i++) watch_assert_sent(s, "slow", i, i == 3 ? 0 : 1);
  assert_int_equal(s->counted, 4);
  assert_true(bt_watcher_look(s->watcher).done_ns <= NOON_NS);
  assert_string_equal(bt_emitter_look(s->emitter).message, "the receiver says no");
  pthread_mutex_lock(&s->mutex);
  s->refused = 0;
  pthread_mutex_unlock(&s->mutex);
  while (bt_emitter_look(s->emitter).queued) watch_round(s);
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 3, 1);
  assert_int_equal(s->counted, 5);
  assert_string_equal(bt_emitter_look(s->emitter).message, "");
}

/* The first span is farther back than the service's margin, in a block of its own. */
static void a_rule_can_look_farther_back(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "calm", NO_PANIC);
  ((bt_rule_definition *)(uintptr_t)s->rules.items[1])->fields.margin_ns = 3 * HOUR_NS;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "panic");
  watch_pass(s, 150 * MINUTE_NS);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 30 * MINUTE_NS);
  watch_assert_sent(s, "calm", 1, 1);
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
  watch_arrive(s, 1, "other");
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "everywhere", 1, 0);
}

/* When the spans were that a summary stands for nobody knows. The batch that shows it is enough for this rule: nothing
 * asks by id. */
static void a_summary_proves_no_order(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "order", "when { span(span.name == \"slow\") as p } never { span(span.name == \"db\") after p }");
  watch_start(s);
  watch_round(s);
  for (uint64_t number = 1; number <= 2; number++) watch_arrive(s, number, "slow");
  s->now_ns += SECOND_NS;
  for (uint64_t number = 1; number <= 2; number++) watch_arrive(s, number, "db");
  for (uint64_t number = 1; number <= 2; number++) watch_arrive(s, number, "retry"); /* the other rule holds */
  fake_trace *pruned = fake_find(&s->fake, 1);
  fake_span_sum_up(&pruned->spans[1], 3);
  watch_pass(s, 10 * MINUTE_NS);
  watch_assert_sent(s, "order", 1, 0);
  watch_assert_sent(s, "order", 2, 1);
  assert_int_equal(pruned->by_id_reads, 0);
}

static void a_shadow_rule_is_never_sent(void **state) {
  watch_scene *s = *state;
  ((bt_rule_definition *)(uintptr_t)s->rules.items[0])->fields.shadow = true;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
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
  watch_arrive(s, 2, "slow");
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 2, 1);
  watch_pass(s, 70 * MINUTE_NS);
  assert_int_equal(bt_watcher_look(s->watcher).done_ns, s->now_ns - 2 * MINUTE_NS);
}

static void own_traces_are_not_judged(void **state) {
  watch_scene *s = *state;
  watch_add_rule(s, "own", "when { betrace.violation } always { nothing }");
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 1);
  watch_kill(s);
  watch_start(s);
  watch_pass(s, 90 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), 1);
  assert_int_equal(bt_watcher_look(s->watcher).traces_unread, 0);
}

static bt_rule_counts counts_of(watch_scene *s, const char *rule) {
  return bt_metrics_rule(s->options.metrics, NULL, rule);
}

/* What violations are divided by: each trace that exercises a rule once, however often it is judged; of rules for which
 * watch finds violating traces only, nothing. */
static void exercising_traces_are_counted_once(void **state) {
  watch_scene *s = *state;
  bt_error error = {0};
  watch_add_rule(s, "no-panic", NO_PANIC);
  watch_add_rule(s, "quiet", "when { not slow } never { panic }");
  assert_int_equal(bt_metrics_new(1, &s->options.metrics, &error), BT_OK);
  watch_start(s);
  watch_round(s);
  assert_true(counts_of(s, "slow").counts_exercised && counts_of(s, "no-panic").counts_exercised);
  assert_false(counts_of(s, "quiet").counts_exercised);
  for (uint64_t number = 1; number <= 6; number++) {
    watch_arrive(s, number, number <= 4 ? "slow" : "step");
    if (number % 2) watch_arrive(s, number, "retry");
    if (number == 6) watch_arrive(s, number, "panic");
  }
  watch_pass(s, 5 * MINUTE_NS);
  assert_int_equal(counts_of(s, "slow").exercised, 4);
  assert_int_equal(counts_of(s, "no-panic").exercised, 4);
  assert_int_equal(counts_of(s, "quiet").exercised, 0);
  assert_int_equal(watch_sent_all(s), 3); /* 2 and 4 lack a retry, 6 has a panic */
  watch_arrive(s, 1, "slow");             /* it is judged again */
  watch_arrive(s, 2, "retry");
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(watch_sent(s, "slow", 2, true), 1);
  assert_int_equal(counts_of(s, "slow").exercised, 4);
  watch_arrive(s, 5, "slow"); /* exercises it now */
  watch_pass(s, 30 * MINUTE_NS);
  assert_int_equal(counts_of(s, "slow").exercised, 5);
  watch_kill(s);
  bt_metrics_free(s->options.metrics);
  s->options.metrics = NULL;
}

/* No search counts the events and links of a span: of what it finds whole traces are read. */
static void events_and_links_of_one_span_are_counted(void **state) {
  watch_scene *s = *state;
  static const bt_event events[] = {{.name = {"retry", 5}}, {.name = {"log", 3}}, {.name = {"retry", 5}}};
  watch_add_rule(s, "retries", "never { work.where(event.count(event.name == \"retry\") > 1) }");
  watch_add_rule(s, "links", "when { work as w } always { w.where(link.count(true) <= 2) }");
  watch_start(s);
  watch_round(s);
  for (uint32_t number = 1; number <= 3; number++) { /* trace 2 has one retry, trace 3 two; they have 2 and 3 links */
    watch_arrive(s, number, "work");
    fake_span *span = &fake_find(&s->fake, number)->spans[0];
    span->events = events;
    span->event_count = number;
    for (uint32_t link = 0; link < number; link++) fake_link_add(span, 100 + link, 0);
  }
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "retries", 3, 1);
  watch_assert_sent(s, "links", 3, 1);
  assert_int_equal(watch_sent_all(s), 2);
}

/* Fingerprints are remembered for one age at least and two at most, and no more of them than fit. */
static void what_was_counted_is_forgotten_in_time(void **state) {
  (void)state;
  bt_watch_counted counted = {0};
  bt_error error = {0};
  bool is_new = false;
  for (int64_t now_ns = 1; now_ns <= 3; now_ns++) {
    bt_watch_counted_age(&counted, now_ns * HOUR_NS, HOUR_NS);
    for (uint64_t n = 0; n < 1000; n++) {
      assert_int_equal(bt_watch_counted_add(&counted, n * UINT64_C(0x9E3779B97F4A7C15), &is_new, &error), BT_OK);
      assert_int_equal(is_new, now_ns != 2);
    }
  }
  for (uint64_t n = 0; n < 3u * BT_WATCH_COUNTED_MAX; n++)
    assert_int_equal(bt_watch_counted_add(&counted, (n + 5000) * UINT64_C(0x9E3779B97F4A7C15), &is_new, &error), BT_OK);
  assert_true(counted.now.count <= BT_WATCH_COUNTED_MAX && counted.now.slot_count <= 2u * BT_WATCH_COUNTED_MAX);
  bt_watch_counted_dispose(&counted);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_violation_is_sent_once_it_is_quiet_and_only_once),
      CASE(each_round_tells_what_is_quiet),
      CASE(so_does_each_short_one_of_few_rules),
      CASE(short_rounds_of_many_rules_may_tell_it_with_the_next),
      CASE(a_trace_that_is_known_to_be_large_is_read_by_id_alone),
      CASE(traces_of_copies_are_read_by_id),
      CASE(a_trace_that_goes_on_is_waited_for),
      CASE(the_watermark_waits_for_what_is_not_quiet),
      CASE(a_trace_that_takes_long_holds_up_no_other),
      CASE(an_evaluation_is_cancelled),
      CASE(a_late_span_takes_a_violation_back),
      CASE(a_late_span_makes_a_violation),
      CASE(a_stalled_receiver_holds_the_watermark_and_nothing_else),
      CASE(a_receiver_that_never_answers_holds_up_no_round),
      CASE(one_that_is_never_taken_holds_up_no_other),
      CASE(a_rule_can_look_farther_back),
      CASE(a_rule_that_no_search_can_find_is_refused),
      CASE(a_summary_proves_no_order),
      CASE(a_shadow_rule_is_never_sent),
      CASE(a_span_of_the_future_holds_nothing_up_for_long),
      CASE(own_traces_are_not_judged),
      CASE(exercising_traces_are_counted_once),
      CASE(events_and_links_of_one_span_are_counted),
      cmocka_unit_test(what_was_counted_is_forgotten_in_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
