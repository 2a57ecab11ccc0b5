/* One replay over the scripted source: what is found, what is subtracted, what is read how, and what the answer says about itself. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/violation_id.h"
#include "tests/server/replay/replay_fixture.h"

#define SLOW_NO_RETRY "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")"

typedef struct scene {
  fake_source fake;
  replay_run run;
} scene;

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  replay_run_init(&s->run);
  *state = s;
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  replay_run_dispose(&s->run);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

static void add_trace(scene *s, uint64_t number, int64_t at_ns, const char *first, const char *second) {
  fake_trace *trace = fake_add(&s->fake, number);
  fake_span_add(trace, first, at_ns);
  if (second) fake_span_add(trace, second, at_ns + SECOND_NS);
}

static const bt_rule_result *go(scene *s) {
  replay_run_go(&s->run, &s->fake);
  if (s->run.status != BT_OK) fail_msg("%s", s->run.error.message);
  return &s->run.result.rules[0];
}

static void assert_reason(const scene *s, bt_replay_outcome outcome, const char *word) {
  const bt_replay_result *result = &s->run.result;
  if (result->outcome != outcome || strncmp(result->reason, word, strlen(word)) != 0)
    fail_msg("outcome %d, reason \"%s\", expected %d and \"%s…\"", (int)result->outcome, result->reason, (int)outcome,
             word);
  assert_int_equal(result->coverage.complete, outcome == BT_REPLAY_COMPLETED);
}

static void finds_planted_violations(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 300; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "web", NULL);
  for (uint64_t i = 0; i < 40; i++)
    add_trace(s, 1001 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i < 7 ? NULL : "retry");
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 7);
  assert_int_equal(rule->traces_evaluated, 340);
  assert_true(rule->evaluated_is_exact);
  assert_int_equal(rule->traces_exercised, 40);
  assert_true(rule->exercised_is_exact);
  assert_int_equal(rule->traces_candidate, 40);
  for (uint64_t i = 0; i < 40; i++) assert_int_equal(replay_saw(&s->run, 0, 1001 + i), i < 7);
  assert_true(rule->first_violation.is_set && rule->last_violation.is_set);
  assert_int_equal(rule->first_violation.time_ns, NOON_NS);
  assert_int_equal(rule->last_violation.time_ns, NOON_NS + 6 * SECOND_NS);
  assert_true(s->run.last_progress >= 1);
}

static void subtracts_only_many_candidates(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 600; i++)
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 100 ? "retry" : NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_int_equal(rule->violations_found, 6);
  assert_int_equal(rule->traces_evaluated, 600);
  assert_int_equal(rule->traces_exercised, 600);
  assert_int_equal(rule->traces_read, 6);
  assert_int_equal(fake_searches(&s->fake, "\"retry\""), 1);
}

static void a_failed_subtraction_only_reads_more(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 600; i++)
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 100 ? "retry" : NULL);
  s->fake.fail_filter = "\"retry\"";
  s->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + 100 * SECOND_NS};
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 6);
  assert_true(rule->traces_read > 90);
  s->fake.fail_status = BT_REFUSED;
  rule = go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 6);
  assert_int_equal(rule->traces_read, 600);
}

static void a_failed_search_is_said(void **state) {
  scene *s = *state;
  add_trace(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  add_trace(s, 2, NOON_NS + 30 * MINUTE_NS, "slow", NULL);
  s->fake.fail_filter = "\"slow\"";
  s->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + 10 * MINUTE_NS};
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_int_equal(rule->violations_found, 2); /* the sample of what was not found happens to read the other one */
  assert_int_equal(rule->unread_differences, 0);
  assert_false(rule->exercised_is_exact);
  assert_int_equal(s->run.result.coverage.windows_failed_count, 1);
  assert_int_equal(s->run.result.coverage.windows_failed[0].range.end_ns, NOON_NS + 10 * MINUTE_NS);
  assert_string_equal(s->run.result.coverage.windows_failed[0].reason, "too large");
}

static void everything_failed_is_failed(void **state) {
  scene *s = *state;
  add_trace(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  s->fake.fail_filter = "{";
  s->fake.fail_status = BT_UNAVAILABLE;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  go(s);
  assert_reason(s, BT_REPLAY_FAILED, "source: the source does not answer");
  assert_int_equal(s->fake.log_count, 1); /* not asked again and again */
  s->fake.fail_status = BT_OK;
  s->fake.fail_range = (bt_time_range){NOON_NS - 24 * HOUR_NS, NOON_NS + 24 * HOUR_NS};
  go(s);
  assert_reason(s, BT_REPLAY_FAILED, "source: too large");
}

static void a_source_that_goes_away_is_said(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 30; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  s->fake.fail_reads = BT_UNAVAILABLE;
  s->fake.fail_reads_after = 10;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_int_equal(rule->violations_found, 10);
  assert_int_equal(rule->traces_evaluated, 10);
  assert_false(rule->evaluated_is_exact);
  /* Each of the unread is named, and the violations whose sample could not be read are reported all the same. */
  assert_int_equal(s->run.result.coverage.windows_failed_count, 20 + 8);
}

static void no_data_is_not_no_violations(void **state) {
  scene *s = *state;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "no_data");
  assert_int_equal(s->run.result.coverage.windows_empty_count, 1);
  assert_int_equal(s->run.result.coverage.windows_empty[0].end_ns, NOON_NS + HOUR_NS);
  s->run.request.count = BT_COUNT_AT_LEAST;
  go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "no_data");
  assert_int_equal(s->fake.probes, 24);
  assert_int_equal(s->run.result.coverage.windows_empty_count, 1);
}

static void gaps_and_the_beginning_of_data(void **state) {
  scene *s = *state;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  for (int64_t m = 20; m < 60; m += 1) {
    if (m >= 40 && m < 50) continue;
    add_trace(s, (uint64_t)m, NOON_NS + m * MINUTE_NS + 30 * SECOND_NS, "web", NULL);
  }
  for (int round = 0; round < 2; round++) {
    s->run.request.count = round ? BT_COUNT_AT_LEAST : BT_COUNT_AUTO;
    const bt_rule_result *rule = go(s);
    const bt_coverage *coverage = &s->run.result.coverage;
    assert_reason(s, BT_REPLAY_COMPLETED, "");
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

/* More than are looked through at once: the part that holds them is halved. */
static void the_beginning_of_very_many(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 6000; i++)
    add_trace(s, 1 + i, NOON_NS + 21 * MINUTE_NS + (int64_t)i * (SECOND_NS / 100), "web", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.count = BT_COUNT_AT_LEAST;
  go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
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
  add_trace(s, 3, NOON_NS + HOUR_NS, "slow", NULL);
  /* Begins with the start. */
  add_trace(s, 4, NOON_NS, "slow", NULL);
  /* Longer than margin, begun long before: its time is 15 minutes before its latest start, inside. */
  trace = fake_add(&s->fake, 5);
  fake_span_add(trace, "web", NOON_NS - 5 * HOUR_NS);
  fake_span_add(trace, "slow", NOON_NS + 30 * MINUTE_NS)->fragment = 1;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
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
  add_trace(s, 2, NOON_NS + 9 * HOUR_NS, "web", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  go(s);
  assert_true(replay_saw(&s->run, 0, 1));
  assert_int_equal(s->run.result.coverage.long_trace_count, 1);
  s->run.request.range = (bt_time_range){NOON_NS + 8 * HOUR_NS, NOON_NS + 10 * HOUR_NS};
  go(s);
  assert_int_equal(s->run.seen_count, 0);
}

static void the_unsettled_tail(void **state) {
  scene *s = *state;
  s->run.request.now_ns = NOON_NS + HOUR_NS;
  add_trace(s, 1, NOON_NS + 30 * MINUTE_NS, "slow", NULL);            /* young enough to be asked by id */
  add_trace(s, 2, NOON_NS + 59 * MINUTE_NS, "slow", NULL);            /* absence says nothing yet */
  add_trace(s, 3, NOON_NS + 59 * MINUTE_NS + SECOND_NS, "bad", NULL); /* presence does */
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "bad", "trace.has(span.name == \"bad\")");
  go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
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
  go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "unsettled");
}

static void absence_of_young_traces_is_confirmed_by_id(void **state) {
  scene *s = *state;
  s->run.request.now_ns = NOON_NS + HOUR_NS + 10 * MINUTE_NS;
  fake_trace *trace = fake_add(&s->fake, 1);
  fake_span_add(trace, "slow", NOON_NS + 50 * MINUTE_NS);
  fake_span_add(trace, "retry", NOON_NS + 50 * MINUTE_NS + SECOND_NS)->only_by_id = true;
  add_trace(s, 2, NOON_NS + 51 * MINUTE_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_false(replay_saw(&s->run, 0, 1));
  assert_true(replay_seen(&s->run, 0, 2)->confirmed_by_id);
}

static void a_sample_of_older_ones_is_read_by_id(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 120; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  size_t by_id = 0;
  for (size_t i = 0; i < s->run.seen_count; i++) by_id += s->run.seen[i].confirmed_by_id;
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 120);
  assert_int_equal(by_id, 8); /* the floor; more from a share of 1/16 on */
  unsigned asked[120];
  for (uint64_t i = 0; i < 120; i++) asked[i] = fake_find(&s->fake, 1 + i)->by_id_reads;
  go(s); /* the same seed takes the same sample */
  for (uint64_t i = 0; i < 120; i++) assert_int_equal(fake_find(&s->fake, 1 + i)->by_id_reads, 2 * asked[i]);
  for (uint64_t i = 0; i < 120; i++) assert_int_equal(fake_find(&s->fake, 1 + i)->batch_reads, 2);
  for (uint64_t i = 120; i < 1000; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  static const uint32_t sizes[][2] = {{0, 50}, {70, 70}}; /* at most 50, and as many as a request says */
  for (size_t round = 0; round < 2; round++) {
    s->run.request.sample_size = sizes[round][0];
    go(s);
    by_id = 0;
    for (size_t i = 0; i < s->run.seen_count; i++) by_id += s->run.seen[i].confirmed_by_id;
    assert_int_equal(by_id, sizes[round][1]);
  }
}

static void a_difference_in_the_sample_is_incomplete(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 5; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_span_add(fake_find(&s->fake, 3), "retry", NOON_NS + MINUTE_NS)->only_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs");
  assert_int_equal(rule->sample_differences, 1);
  assert_int_equal(rule->violations_found, 4);
  assert_false(replay_saw(&s->run, 0, 3));
}

/* Its retry lies hours before what batches read, and only the missing parent hints at that: the sample takes such a trace first. */
static void traces_with_missing_parents_are_sampled_first(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 200; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_trace *trace = fake_add(&s->fake, 999);
  fake_span_add(trace, "retry", NOON_NS - 5 * HOUR_NS)->fragment = 1;
  fake_span_add(trace, "slow", NOON_NS + 30 * MINUTE_NS)->orphan = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  for (s->run.request.sample_seed = 1; s->run.request.sample_seed < 6; s->run.request.sample_seed++) {
    go(s);
    assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs");
    assert_false(replay_saw(&s->run, 0, 999));
    assert_int_equal(s->run.seen_count, 200);
  }
}

static void vanished_traces_are_named(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 4; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_find(&s->fake, 1)->gone_from_batches = true; /* by id still there */
  fake_find(&s->fake, 2)->gone_from_batches = fake_find(&s->fake, 2)->gone_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_true(replay_seen(&s->run, 0, 1)->confirmed_by_id);
  assert_false(replay_saw(&s->run, 0, 2));
  assert_int_equal(rule->violations_found, 3);
  assert_int_equal(rule->traces_evaluated, 3);
  assert_int_equal(s->run.result.coverage.windows_failed_count, 1);
  assert_non_null(strstr(s->run.result.coverage.windows_failed[0].reason, "00000000000000000000000000000002"));
  /* One that is gone by id only is reported as the batch showed it, and named. */
  fake_find(&s->fake, 2)->gone_from_batches = false;
  go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_false(replay_seen(&s->run, 0, 2)->confirmed_by_id);
}

static void what_batches_cannot_give_is_read_by_id(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 3; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_find(&s->fake, 2)->needs_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.sample_size = 1;
  go(s);
  assert_true(replay_seen(&s->run, 0, 2)->confirmed_by_id);
  assert_int_equal(fake_find(&s->fake, 2)->by_id_reads, 1);
  assert_int_equal(s->run.seen_count, 3);
}

/* Sets are joined over the whole range: the spans of one trace lie in different blocks. */
static void formulas_join_fragments(void **state) {
  scene *s = *state;
  static const char *const pairs[][2] = {{"a", "b"}, {"c", "d"}, {"a", "c"}, {"b", "d"}, {"a", NULL}, {"d", NULL}};
  for (uint64_t i = 0; i < 6; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, pairs[i][0], NOON_NS + MINUTE_NS);
    if (pairs[i][1]) fake_span_add(trace, pairs[i][1], NOON_NS + 5 * MINUTE_NS)->fragment = 1;
  }
  replay_run_add(&s->run, "pairs",
                 "(trace.has(span.name == \"a\") and trace.has(span.name == \"b\")) or "
                 "(trace.has(span.name == \"c\") and trace.has(span.name == \"d\"))");
  const bt_rule_result *rule = go(s);
  assert_int_equal(rule->traces_candidate, 2);
  assert_int_equal(rule->traces_read, 2);
  assert_int_equal(rule->violations_found, 2);
  assert_true(replay_saw(&s->run, 0, 1) && replay_saw(&s->run, 0, 2));
  assert_int_equal(rule->traces_evaluated, 6);
}

static void rules_share_searches_and_reads(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++)
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i < 5 ? NULL : "retry");
  replay_run_add(&s->run, "a", SLOW_NO_RETRY);
  replay_run_add(&s->run, "b", SLOW_NO_RETRY);
  replay_run_add(&s->run, "c", "when { slow as x } always { retry after x }");
  go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  for (size_t r = 0; r < 3; r++) assert_int_equal(s->run.result.rules[r].violations_found, 5);
  assert_int_equal(s->run.seen_count, 15);
  for (uint64_t i = 0; i < 20; i++) assert_int_equal(fake_find(&s->fake, 1 + i)->batch_reads, 1);
  size_t searched = s->fake.log_count;
  for (size_t i = 0; i < searched; i++)
    for (size_t j = i + 1; j < searched; j++) assert_string_not_equal(s->fake.log[i], s->fake.log[j]);
}

static void add_attribute(fake_trace *trace, const char *key, int64_t value) {
  fake_span *span = &trace->spans[trace->span_count - 1];
  span->attributes[span->attribute_count++] =
      (bt_attribute){bt_str_from(key), {.type = BT_VALUE_INT, .integer = value}};
}

/* What one rule needs that batches cannot give takes nothing from the others. */
static void a_rule_that_reads_by_id_does_not_blind_others(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 60; i++) {
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    add_attribute(fake_find(&s->fake, 1 + i), "k", 1);
  }
  replay_run_add(&s->run, "events", "trace.has(span.name == \"other\" and event.name == \"e\")");
  replay_run_add(&s->run, "attribute", "slow.where(k == 1)");
  go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(s->run.result.rules[1].violations_found, 60);
}

/* More attributes than one batch can ask for: the last rules' traces are read by id. */
static void attributes_that_batches_have_no_room_for_are_read_by_id(void **state) {
  scene *s = *state;
  char texts[3][2048];
  for (int rule = 0; rule < 3; rule++) {
    int length = snprintf(texts[rule], sizeof texts[rule], "slow.where(k%d == 1", rule);
    for (int i = 0; i < 30; i++)
      length += snprintf(texts[rule] + length, sizeof texts[rule] - (size_t)length, " and not exists(r%dk%d)", rule, i);
    snprintf(texts[rule] + length, sizeof texts[rule] - (size_t)length, ")");
    replay_run_add(&s->run, rule == 0 ? "first" : rule == 1 ? "second" : "third", texts[rule]);
  }
  static const char *const keys[] = {"k0", "k1", "k2"};
  for (uint64_t i = 0; i < 90; i++) {
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    add_attribute(fake_find(&s->fake, 1 + i), keys[i % 3], 1);
  }
  go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  for (size_t rule = 0; rule < 3; rule++) assert_int_equal(s->run.result.rules[rule].violations_found, 30);
}

static void a_rule_without_positive_part_reads_all(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 50; i++)
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, i % 10 ? "audit" : "web", NULL);
  replay_run_add(&s->run, "audit", "not trace.has(span.name == \"audit\")");
  s->run.request.count = BT_COUNT_AT_LEAST;
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 5);
  assert_int_equal(rule->traces_evaluated, 50);
  assert_true(rule->evaluated_is_exact);
}

static void cancel_stops_in_the_middle(void **state) {
  scene *s = *state;
  bt_cancel cancel = {false};
  for (uint64_t i = 0; i < 40; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  s->run.request.cancel = s->fake.cancel_after_reads = &cancel;
  s->fake.cancel_after = 10;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_CANCELLED, "cancelled");
  assert_true(rule->traces_evaluated < 40);
  assert_false(rule->evaluated_is_exact);
  assert_true(s->fake.traces_read <= 11);
}

static void pages_keep_to_the_memory_limit(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 100; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.memory_limit_bytes = 16 * 65536;
  assert_int_equal(go(s)->violations_found, 100);
  assert_int_equal(s->fake.largest_page, 16);
  s->run.request.memory_limit_bytes = 0;
  s->run.request.sample_size = 3;
  s->fake.largest_read = 7;
  assert_int_equal(go(s)->violations_found, 100);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
}

static void an_observer_that_is_full_is_said(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 9; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.keep_max = 4;
  assert_int_equal(go(s)->violations_found, 9);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "results_full");
  assert_int_equal(s->run.seen_count, 4);
}

/* The search has lost a trace that the listing still has. */
static void a_violation_that_the_searches_ruled_out_is_said(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++)
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 2 ? "retry" : NULL);
  add_trace(s, 99, NOON_NS + MINUTE_NS, "slow", NULL);
  fake_find(&s->fake, 99)->spans[0].hidden_from = "\"slow\"";
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_INCOMPLETE, "search_differs: 1 ");
  assert_int_equal(rule->unread_differences, 1);
  assert_int_equal(rule->violations_found, 11);
  assert_true(replay_saw(&s->run, 0, 99));
  fake_find(&s->fake, 99)->spans[0].name = "web";
  rule = go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->unread_differences, 0);
  assert_int_equal(rule->unread_sampled, 1);
}

/* Of very many at most fifty, the same ones each time, half of them candidates that were subtracted. */
static void the_sample_of_unread_traces_is_small_and_seeded(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 600; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", "retry");
  for (uint64_t i = 600; i < 1200; i++) add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "web", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.strategy = BT_STRATEGY_ID_SETS;
  for (unsigned round = 1; round <= 2; round++) {
    const bt_rule_result *rule = go(s);
    size_t found = 0, others = 0;
    assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(rule->unread_sampled, 50);
    assert_int_equal(rule->traces_read, 0);
    for (uint64_t i = 0; i < 1200; i++)
      if (fake_find(&s->fake, 1 + i)->batch_reads == round) *(i < 600 ? &found : &others) += 1;
    assert_int_equal(found, 25);
    assert_int_equal(others, 25);
  }
}

/* One that expires before it is read is a failure where it was needed, and none where it was only to be compared. */
static void a_sampled_trace_that_is_gone_is_no_failure(void **state) {
  scene *s = *state;
  add_trace(s, 1, NOON_NS + MINUTE_NS, "web", NULL);
  fake_find(&s->fake, 1)->gone_from_batches = fake_find(&s->fake, 1)->gone_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->unread_sampled, 0);
  assert_int_equal(rule->traces_evaluated, 1);
}

/* A violation span of ours, and one that only has the name. */
static void add_own(scene *s, int64_t at_ns, bool is_real) {
  static char hex[64][BT_TRACE_ID_HEX + 1];
  static size_t used;
  bt_own_ids ids;
  bt_error error;
  bt_trace_id about = fake_id(77 + used);
  fake_trace *trace = fake_add(&s->fake, 0x900 + used);
  fake_span *span = fake_span_add(trace, BT_OWN_VIOLATION, at_ns);
  bt_trace_id_format(&about, hex[used]);
  assert_int_equal(bt_violation_ids_derive(BT_STR(""), BT_STR("slow"), BT_STR("abc"), &about, &ids, &error), BT_OK);
  if (is_real) trace->id = ids.trace_id;
  memcpy(span->id, ids.span_id.bytes, sizeof span->id);
  span->service = BT_OWN_SERVICE;
  span->attributes[0] = (bt_attribute){BT_STR(BT_OWN_RULE_ID), {.type = BT_VALUE_STRING, .string = BT_STR("slow")}};
  span->attributes[1] =
      (bt_attribute){BT_STR(BT_OWN_CONDITION_HASH), {.type = BT_VALUE_STRING, .string = BT_STR("abc")}};
  span->attributes[2] =
      (bt_attribute){BT_STR(BT_OWN_TRACE_ID), {.type = BT_VALUE_STRING, .string = {hex[used], BT_TRACE_ID_HEX}}};
  span->attribute_count = 3;
  used++;
}

static void own_traces_are_neither_judged_nor_counted(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++)
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, i < 3 ? "slow" : "audit", NULL);
  for (int i = 0; i < 6; i++) add_own(s, NOON_NS + MINUTE_NS, true);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "audit", "not trace.has(span.name == \"audit\")");
  for (int round = 0; round < 2; round++) {
    s->fake.hide_own = round;
    const bt_rule_result *rules = go(s);
    assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(rules[0].traces_evaluated, 20);
    assert_true(rules[0].evaluated_is_exact);
    assert_int_equal(rules[1].violations_found, 3);
    assert_int_equal(rules[1].traces_evaluated, 20);
  }
  add_own(s, NOON_NS + MINUTE_NS, false); /* the name alone hides nothing */
  const bt_rule_result *rules = go(s);
  assert_int_equal(rules[1].violations_found, 4);
  assert_int_equal(rules[1].traces_evaluated, 21);
}

static void files_are_read_whole(void **state) {
  scene *s = *state;
  s->fake.operations.filters = false;
  s->fake.operations.is_static = true;
  s->run.request.now_ns = NOON_NS + HOUR_NS; /* nothing of a file is unsettled */
  for (uint64_t i = 0; i < 700; i++)
    add_trace(s, 1 + i, NOON_NS - 10 * MINUTE_NS + (int64_t)i * 6 * SECOND_NS, i % 2 ? "web" : "slow",
              i % 4 ? "retry" : NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->traces_evaluated, 600);
  assert_true(rule->evaluated_is_exact && rule->exercised_is_exact);
  assert_int_equal(rule->traces_exercised, 300);
  assert_int_equal(rule->violations_found, 150);
  assert_int_equal(fake_searches(&s->fake, "slow"), 0);
  assert_int_equal(s->run.result.coverage.effective_end_ns, NOON_NS + HOUR_NS);
  assert_int_equal(s->run.result.coverage.unsettled, 0);
  for (size_t i = 0; i < s->run.seen_count; i++) assert_true(s->run.seen[i].confirmed_by_id);
}

/* The first copy counts, and which traces are so is said. */
static void traces_with_differing_copies_are_named(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 30; i++) {
    add_trace(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    fake_trace *trace = fake_find(&s->fake, 1 + i);
    if (i % 15 == 0) memcpy(fake_span_add(trace, "retry", NOON_NS)->id, trace->spans[0].id, 8);
  }
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 30);
  assert_int_equal(s->run.result.coverage.differing_trace_count, 2);
  assert_memory_equal(&s->run.result.coverage.differing_traces[0], fake_id(1).bytes, 16);
}

static void incomplete_traces_do_not_conclude_absence(void **state) {
  scene *s = *state;
  add_trace(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  fake_find(&s->fake, 1)->partial = true;
  add_trace(s, 2, NOON_NS + MINUTE_NS, "slow", NULL);
  fake_find(&s->fake, 2)->spans[0].orphan = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = go(s);
  assert_int_equal(rule->inconclusive, 1);
  assert_true(replay_saw(&s->run, 0, 2));
  s->run.request.assumptions.require_complete = true;
  rule = go(s);
  assert_int_equal(rule->inconclusive, 2);
  assert_int_equal(s->run.seen_count, 0);
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

#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(finds_planted_violations),
      SCENE(subtracts_only_many_candidates),
      SCENE(a_failed_subtraction_only_reads_more),
      SCENE(a_failed_search_is_said),
      SCENE(everything_failed_is_failed),
      SCENE(a_source_that_goes_away_is_said),
      SCENE(no_data_is_not_no_violations),
      SCENE(gaps_and_the_beginning_of_data),
      SCENE(the_beginning_of_very_many),
      SCENE(membership_at_both_edges),
      SCENE(a_long_trace_is_judged_where_it_is_found),
      SCENE(the_unsettled_tail),
      SCENE(absence_of_young_traces_is_confirmed_by_id),
      SCENE(a_sample_of_older_ones_is_read_by_id),
      SCENE(a_difference_in_the_sample_is_incomplete),
      SCENE(traces_with_missing_parents_are_sampled_first),
      SCENE(vanished_traces_are_named),
      SCENE(what_batches_cannot_give_is_read_by_id),
      SCENE(formulas_join_fragments),
      SCENE(rules_share_searches_and_reads),
      SCENE(a_rule_that_reads_by_id_does_not_blind_others),
      SCENE(attributes_that_batches_have_no_room_for_are_read_by_id),
      SCENE(a_rule_without_positive_part_reads_all),
      SCENE(cancel_stops_in_the_middle),
      SCENE(pages_keep_to_the_memory_limit),
      SCENE(an_observer_that_is_full_is_said),
      SCENE(a_violation_that_the_searches_ruled_out_is_said),
      SCENE(the_sample_of_unread_traces_is_small_and_seeded),
      SCENE(a_sampled_trace_that_is_gone_is_no_failure),
      SCENE(own_traces_are_neither_judged_nor_counted),
      SCENE(files_are_read_whole),
      SCENE(traces_with_differing_copies_are_named),
      SCENE(incomplete_traces_do_not_conclude_absence),
      SCENE(wrong_requests_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
