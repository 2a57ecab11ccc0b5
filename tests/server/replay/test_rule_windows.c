/* Rules with a settle or a margin of their own in one replay: each is judged, counted and settled as if it were
 * replayed alone. What one rule says of itself changes nothing of what another one's numbers mean. The last test holds
 * that against random traces and settings; the seed of a failure is printed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "dsl/base/mix.h"
#include "tests/server/replay/replay_scene.h"

#define BAD   "trace.has(span.name == \"bad\")"
#define AWARE "when { trace.has(span.name == \"web\") } always { trace.has(span.name == \"audit\") }"

/* At one o'clock a violation of half past twelve is settled, whatever another rule waits for. */
static void a_long_settle_takes_nothing_from_another_rule(void **state) {
  scene *s = *state;
  s->run.request.now_ns = NOON_NS + HOUR_NS;
  scene_add(s, 1, NOON_NS + 30 * MINUTE_NS, "bad", NULL);
  scene_add(s, 2, NOON_NS + 31 * MINUTE_NS, "web", NULL);
  scene_add(s, 3, NOON_NS + 59 * MINUTE_NS, "bad", NULL);
  replay_run_add(&s->run, "bad", BAD);
  replay_run_add_own(&s->run, "patient", AWARE, 45 * MINUTE_NS, -1);
  const bt_rule_result *rules = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_false(replay_seen(&s->run, 0, 1)->provisional);
  assert_true(replay_seen(&s->run, 0, 3)->provisional);
  assert_int_equal(rules[0].violations_provisional, 1);
  assert_int_equal(rules[0].traces_evaluated, 2);
  assert_int_equal(rules[0].effective_end_ns, NOON_NS + 58 * MINUTE_NS);
  assert_int_equal(rules[0].unsettled, 1);
  assert_int_equal(rules[1].violations_found, 0); /* it waits, so that absence says nothing yet */
  assert_int_equal(rules[1].traces_evaluated, 0);
  assert_int_equal(rules[1].effective_end_ns, NOON_NS + 15 * MINUTE_NS);
  assert_int_equal(rules[1].unsettled, 3);
  /* Of the whole: what every rule calls settled. */
  assert_int_equal(s->run.result.coverage.effective_end_ns, NOON_NS + 15 * MINUTE_NS);
  assert_int_equal(s->run.result.coverage.unsettled, 3);
}

/* A rule of which nothing is settled keeps the answer from being the whole one; the numbers of the other stand. */
static void what_no_rule_waits_for_is_said(void **state) {
  scene *s = *state;
  s->run.request.now_ns = NOON_NS + HOUR_NS;
  scene_add(s, 1, NOON_NS + 30 * MINUTE_NS, "bad", NULL);
  replay_run_add(&s->run, "bad", BAD);
  replay_run_add_own(&s->run, "patient", AWARE, 24 * HOUR_NS - 30 * MINUTE_NS, -1);
  const bt_rule_result *rules = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "unsettled: of rule patient");
  assert_int_equal(rules[0].violations_found - rules[0].violations_provisional, 1);
  assert_int_equal(rules[0].traces_evaluated, 1);
  assert_int_equal(rules[1].traces_evaluated, 0);
  assert_true(rules[1].effective_end_ns <= NOON_NS);
  assert_true(s->run.result.coverage.has_data_from);
}

/* An open trace ends the settled part of the rule that waits for it, and of no other. */
static void an_open_trace_is_its_own_rules(void **state) {
  scene *s = *state;
  int64_t open_ns = NOON_NS + 57 * MINUTE_NS;
  s->run.request.now_ns = NOON_NS + HOUR_NS;
  fake_trace *going_on = fake_add(&s->fake, 1);
  fake_span_add(going_on, "slow", open_ns);
  fake_span_add(going_on, "web", NOON_NS + 59 * MINUTE_NS);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "bad", BAD);
  const bt_rule_result *rules = scene_go(s);
  bt_replay_leave_open(&s->run.result);
  assert_int_equal(rules[0].effective_end_ns, open_ns);
  assert_int_equal(rules[0].unsettled, 1);
  assert_int_equal(rules[1].effective_end_ns, NOON_NS + 58 * MINUTE_NS);
  assert_int_equal(rules[1].unsettled, 0);
}

/* The trace is 20 minutes long. With a margin of 15 it counts 15 minutes before its last span, with one of 30 where it
 * begins. */
static void a_wide_margin_moves_no_trace_of_another_rule(void **state) {
  scene *s = *state;
  fake_trace *trace = fake_add(&s->fake, 1);
  for (int minute = -3; minute <= 17; minute += 10)
    fake_span_add(trace, minute < 0 ? "bad" : "web", NOON_NS + minute * MINUTE_NS);
  trace = fake_add(&s->fake, 2);
  for (int minute = 57; minute <= 77; minute += 10)
    fake_span_add(trace, minute == 57 ? "bad" : "web", NOON_NS + minute * MINUTE_NS);
  replay_run_add(&s->run, "bad", BAD);
  replay_run_add_own(&s->run, "wide", BAD, -1, 30 * MINUTE_NS);
  const bt_rule_result *rules = scene_go(s);
  assert_true(replay_saw(&s->run, 0, 1) && !replay_saw(&s->run, 0, 2));
  assert_true(replay_saw(&s->run, 1, 2) && !replay_saw(&s->run, 1, 1));
  assert_int_equal(rules[0].traces_evaluated, 1);
  assert_int_equal(rules[1].traces_evaluated, 1);
}

/* ---- against the same rules alone ---- */

enum { RULES = 4, TRACES = 150, SEEDS = 60 };

static uint64_t random_state;

static int64_t below(int64_t limit) {
  return (int64_t)(bt_mix_bits(random_state += 0x9E3779B97F4A7C15u) % (uint64_t)limit);
}

/* None is longer than a margin: in which window a longer one counts follows from what was found of it, and other rules'
 * searches find more. */
static void add_random_trace(fake_source *fake, uint64_t number) {
  static const char *const names[] = {"web", "slow", "retry", "audit", "bad", "noise"};
  int64_t at_ns = NOON_NS - 40 * MINUTE_NS + below(2 * HOUR_NS);
  fake_trace *trace = fake_add(fake, number);
  int64_t spans = 1 + below(5);
  for (int64_t i = 0; i < spans; i++) {
    int64_t after_ns = i ? below(below(2) ? 10 * MINUTE_NS : MINUTE_NS) : 0;
    fake_span *span = fake_span_add(trace, names[below(6)], at_ns + after_ns);
    span->fragment = (int)below(2);
    span->duration_ns = 1 + below(below(4) ? SECOND_NS : 20 * MINUTE_NS);
  }
}

static void add_random_rule(replay_run *run, size_t number) {
  static const char *const texts[RULES] = {SLOW_NO_RETRY, BAD, AWARE, "count(span.name == \"retry\") > 1"};
  static const int64_t settles[] = {-1, 0, 5, 25, 50}, margins[] = {-1, 10, 20, 40};
  char id[] = {'r', (char)('0' + number), 0};
  int64_t settle = settles[below(5)], margin = margins[below(4)];
  replay_run_add_own(run, id, texts[number], settle < 0 ? -1 : settle * MINUTE_NS,
                     margin < 0 ? -1 : margin * MINUTE_NS);
}

static void assert_moment(const bt_moment *a, const bt_moment *b) {
  assert_int_equal(a->is_set, b->is_set);
  if (!a->is_set) return;
  assert_int_equal(a->time_ns, b->time_ns);
  assert_memory_equal(a->trace_id.bytes, b->trace_id.bytes, sizeof a->trace_id.bytes);
}

static void assert_same_numbers(const bt_rule_result *together, const bt_rule_result *alone) {
  assert_int_equal(together->violations_found, alone->violations_found);
  assert_int_equal(together->violations_provisional, alone->violations_provisional);
  assert_int_equal(together->inconclusive, alone->inconclusive);
  assert_int_equal(together->inconclusive_open, alone->inconclusive_open);
  assert_int_equal(together->effective_end_ns, alone->effective_end_ns);
  assert_int_equal(together->unsettled, alone->unsettled);
  assert_true(together->evaluated_is_exact && alone->evaluated_is_exact);
  assert_int_equal(together->traces_evaluated, alone->traces_evaluated);
  if (together->exercised_is_exact && alone->exercised_is_exact)
    assert_int_equal(together->traces_exercised, alone->traces_exercised);
  assert_moment(&together->first_violation, &alone->first_violation);
  assert_moment(&together->last_violation, &alone->last_violation);
}

static void assert_same_violations(const replay_run *together, size_t rule, const replay_run *alone) {
  size_t count = 0;
  for (size_t i = 0; i < together->seen_count; i++) count += together->seen[i].rule == rule;
  assert_int_equal(count, alone->seen_count);
  for (size_t i = 0; i < alone->seen_count; i++) {
    const seen_violation *one = &alone->seen[i], *same = NULL;
    for (size_t j = 0; j < together->seen_count && !same; j++) {
      const seen_violation *other = &together->seen[j];
      bool is_it = other->rule == rule && bt_trace_id_compare(&other->trace_id, &one->trace_id) == 0;
      if (is_it) same = other;
    }
    assert_non_null(same);
    assert_int_equal(same->provisional, one->provisional);
  }
}

static void check_seed(scene *s, uint64_t seed, bool is_static) {
  random_state = seed;
  s->fake.promises.is_static = is_static;
  s->fake.promises.filters = !is_static;
  for (uint64_t i = 0; i < TRACES; i++) add_random_trace(&s->fake, i + 1);
  s->run.request.now_ns = NOON_NS + HOUR_NS + below(2) * 10 * MINUTE_NS;
  s->run.request.count = BT_COUNT_EXACT;
  for (size_t i = 0; i < RULES; i++) add_random_rule(&s->run, i);
  scene_go(s);
  replay_run *alone = calloc(1, sizeof *alone);
  for (size_t i = 0; i < RULES; i++) {
    replay_run_init(alone);
    alone->request = s->run.request;
    alone->rules[0] = s->run.rules[i];
    alone->request.rule_count = 1;
    replay_run_go(alone, &s->fake);
    assert_int_equal(alone->status, BT_OK);
    assert_same_numbers(&s->run.result.rules[i], &alone->result.rules[0]);
    assert_same_violations(&s->run, i, alone);
    bt_replay_result_dispose(&alone->result);
  }
  free(alone);
}

static void rules_together_are_as_rules_alone(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    void *made = NULL;
    print_message("seed %llu\n", (unsigned long long)seed); /* of a failure the last one counts */
    scene_make(&made);
    check_seed(made, seed, seed % 3 == 0);
    scene_drop(&made);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(a_long_settle_takes_nothing_from_another_rule),
      SCENE(what_no_rule_waits_for_is_said),
      SCENE(an_open_trace_is_its_own_rules),
      SCENE(a_wide_margin_moves_no_trace_of_another_rule),
      cmocka_unit_test(rules_together_are_as_rules_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
