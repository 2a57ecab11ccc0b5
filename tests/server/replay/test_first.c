/* The first violation over the scripted source: what is found, what is looked at for it, and when it is called proven.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/first_violation.h"
#include "tests/server/replay/replay_fixture.h"

#define SLOW_NO_RETRY "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")"

typedef struct scene {
  fake_source fake;
  replay_run run; /* its request and rules */
  bt_first_result first;
} scene;

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  replay_run_init(&s->run);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.range.end_ns = NOON_NS + 24 * HOUR_NS;
  *state = s;
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  bt_first_result_dispose(&s->first);
  replay_run_dispose(&s->run);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

static fake_trace *add_trace(scene *s, uint64_t number, int64_t at_ns, const char *first, const char *second) {
  fake_trace *trace = fake_add(&s->fake, number);
  fake_span_add(trace, first, at_ns);
  if (second) fake_span_add(trace, second, at_ns + SECOND_NS);
  return trace;
}

/* A trace every so often over the whole range; violating from `from_ns` on, with ids from 1. */
static void add_traffic(scene *s, int64_t every_ns, int64_t from_ns) {
  uint64_t number = 1;
  for (int64_t at_ns = NOON_NS + SECOND_NS; at_ns < s->run.request.range.end_ns; at_ns += every_ns)
    add_trace(s, number++, at_ns, "slow", at_ns < from_ns ? "retry" : NULL);
}

static const bt_first_result *go(scene *s) {
  bt_error error = {0};
  bt_first_result_dispose(&s->first);
  s->run.request.rules = s->run.rules;
  if (bt_first_violation_run(&s->fake.source, &s->run.request, NULL, &s->first, &error) != BT_OK)
    fail_msg("%s", error.message);
  return &s->first;
}

static void assert_outcome(const scene *s, bt_replay_outcome outcome, const char *word) {
  if (s->first.outcome != outcome || strncmp(s->first.reason, word, strlen(word)) != 0)
    fail_msg("outcome %d, reason \"%s\", expected %d and \"%s…\"", (int)s->first.outcome, s->first.reason, (int)outcome,
             word);
}

static void assert_found(const scene *s, uint64_t number, int64_t time_ns, bool proven) {
  bt_trace_id id = fake_id(number);
  assert_non_null(s->first.violation);
  assert_memory_equal(&s->first.violation->trace_id, &id, sizeof id);
  assert_int_equal(s->first.violation->time_ns, time_ns);
  assert_int_equal(s->first.proven, proven);
}

static void dense_violations_cost_little(void **state) {
  scene *s = *state;
  add_trace(s, 100000, NOON_NS - 30 * MINUTE_NS, "web", NULL); /* there are data before the range */
  add_traffic(s, 20 * SECOND_NS, NOON_NS);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 1, NOON_NS + SECOND_NS, true);
  assert_true(s->first.violation->confirmed_by_id);
  assert_false(s->first.at_edge_of_data);
  assert_int_equal(s->first.windows, 1);
  assert_true(s->first.requests < 12);
  assert_true(s->fake.traces_read < s->fake.trace_count / 20);
  assert_true(s->first.coverage.complete);
  assert_int_equal(s->first.coverage.asked.end_ns, NOON_NS + 24 * HOUR_NS);
  assert_int_equal(s->first.coverage.effective_end_ns, s->first.looked_at.end_ns);
  assert_true(s->first.looked_at.end_ns < NOON_NS + HOUR_NS);
}

static void it_began_in_the_middle(void **state) {
  scene *s = *state;
  int64_t began_ns = NOON_NS + 13 * HOUR_NS;
  add_traffic(s, MINUTE_NS, began_ns);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 13 * 60 + 1, began_ns + SECOND_NS, true);
  assert_false(s->first.at_edge_of_data);
  assert_true(s->first.looked_at.end_ns < NOON_NS + 24 * HOUR_NS);
}

static void an_empty_left_part_costs_few_searches(void **state) {
  scene *s = *state;
  for (int64_t hour = 0; hour < 24; hour++) add_trace(s, 500 + (uint64_t)hour, NOON_NS + hour * HOUR_NS, "web", NULL);
  add_trace(s, 7, NOON_NS + 23 * HOUR_NS + MINUTE_NS, "slow", NULL);
  add_trace(s, 8, NOON_NS + 23 * HOUR_NS + 2 * MINUTE_NS, "slow", NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 7, NOON_NS + 23 * HOUR_NS + MINUTE_NS, true);
  assert_true(fake_searches(&s->fake, "\"slow\"") <= 5);
  assert_true(s->first.windows <= 5);
}

static void too_much_to_read_is_cut(void **state) {
  scene *s = *state;
  s->run.request.range.end_ns = NOON_NS + 48 * HOUR_NS;
  s->run.request.now_ns = NOON_NS + 96 * HOUR_NS;
  add_traffic(s, 2 * SECOND_NS, NOON_NS + 20 * MINUTE_NS);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 20 * 30 + 1, NOON_NS + 20 * MINUTE_NS + SECOND_NS, true);
  assert_true(s->first.windows >= 2); /* the first had more traces than it reads */
  assert_true(s->fake.traces_read < s->fake.trace_count / 20);
}

static void none_is_said_for_the_whole_range(void **state) {
  scene *s = *state;
  add_traffic(s, 10 * MINUTE_NS, INT64_MAX);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_null(s->first.violation);
  assert_false(s->first.proven);
  assert_true(s->first.coverage.complete);
  assert_int_equal(s->first.coverage.effective_end_ns, NOON_NS + 24 * HOUR_NS);
  assert_int_equal(s->first.traces_read, 24 * 6);
  assert_true(s->first.coverage.has_data_from);
  assert_int_equal(s->first.coverage.data_from_ns, NOON_NS + SECOND_NS);
}

static void no_data_is_not_none(void **state) {
  scene *s = *state;
  add_trace(s, 1, NOON_NS - 3 * HOUR_NS, "slow", NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "no_data");
  assert_null(s->first.violation);
  assert_false(s->first.coverage.complete);
  assert_int_equal(s->first.coverage.windows_empty_count, 1); /* joined to one */
  assert_int_equal(s->first.coverage.windows_empty[0].start_ns, NOON_NS);
  assert_int_equal(s->first.coverage.windows_empty[0].end_ns, NOON_NS + 24 * HOUR_NS);
}

static bool is_named_empty(const scene *s, int64_t from_ns, int64_t until_ns) {
  const bt_coverage *coverage = &s->first.coverage;
  for (size_t i = 0; i < coverage->windows_empty_count; i++)
    if (coverage->windows_empty[i].start_ns <= from_ns && coverage->windows_empty[i].end_ns >= until_ns) return true;
  return false;
}

/* What the windows said and what all of them say as one is said once: in order, and nothing twice. */
static void assert_named_once(const scene *s) {
  const bt_coverage *coverage = &s->first.coverage;
  for (size_t i = 1; i < coverage->windows_empty_count; i++)
    assert_true(coverage->windows_empty[i].start_ns > coverage->windows_empty[i - 1].end_ns);
}

/* Traces from 20:00 to 22:00 and at 6:00, of none of which the rule is: what is not there is named, in the front, in
 * between and at the end, however the range is cut into windows. */
static void parts_without_any_trace_are_named(void **state) {
  scene *s = *state;
  uint64_t number = 1;
  for (int64_t at_ns = 8 * HOUR_NS; at_ns < 10 * HOUR_NS; at_ns += MINUTE_NS)
    add_trace(s, number++, NOON_NS + at_ns, "idle", NULL);
  add_trace(s, number, NOON_NS + 18 * HOUR_NS, "idle", NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "partial_data");
  assert_named_once(s);
  assert_true(is_named_empty(s, NOON_NS, NOON_NS + 6 * HOUR_NS));
  assert_true(is_named_empty(s, NOON_NS + 12 * HOUR_NS, NOON_NS + 16 * HOUR_NS));
  assert_true(is_named_empty(s, NOON_NS + 20 * HOUR_NS, NOON_NS + 24 * HOUR_NS));
  assert_false(is_named_empty(s, NOON_NS + 8 * HOUR_NS, NOON_NS + 8 * HOUR_NS + 1));
  assert_false(is_named_empty(s, NOON_NS + 18 * HOUR_NS, NOON_NS + 18 * HOUR_NS + 1));
}

/* Earlier ones may be among what the source took away. */
static void what_was_taken_away_takes_the_proof(void **state) {
  scene *s = *state;
  add_traffic(s, MINUTE_NS, NOON_NS + 13 * HOUR_NS);
  s->fake.losses = (bt_losses){.redacted_ns = NOON_NS + 20 * HOUR_NS};
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 13 * 60 + 1, NOON_NS + 13 * HOUR_NS + SECOND_NS, false);
  assert_int_equal(s->first.coverage.redacted_ns, NOON_NS + 20 * HOUR_NS);
}

static void what_was_taken_away_is_not_none(void **state) {
  scene *s = *state;
  for (uint64_t m = 0; m < 24 * 60; m++) add_trace(s, m + 1, NOON_NS + (int64_t)m * MINUTE_NS, "web", NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  s->fake.losses = (bt_losses){.redacted_ns = NOON_NS + HOUR_NS};
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "partial_data: some traces were redacted");
  assert_false(s->first.coverage.complete);
}

static void a_failure_before_it_takes_the_proof(void **state) {
  scene *s = *state;
  int64_t hour_ns = NOON_NS + HOUR_NS;
  add_traffic(s, MINUTE_NS, NOON_NS + 13 * HOUR_NS);
  s->fake.fail_filter = "\"slow\"";
  s->fake.fail_range = (bt_time_range){hour_ns, hour_ns + MINUTE_NS};
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_found(s, 13 * 60 + 1, NOON_NS + 13 * HOUR_NS + SECOND_NS, false);
  assert_int_equal(s->first.coverage.windows_failed[0].range.start_ns, hour_ns);
  assert_false(s->first.coverage.complete);
}

/* The fake names its failed window in every answer, also where it lies after what was asked. */
static void a_failure_after_it_does_not(void **state) {
  scene *s = *state;
  add_traffic(s, MINUTE_NS, NOON_NS + 13 * HOUR_NS);
  s->fake.fail_filter = "\"slow\"";
  s->fake.fail_range = (bt_time_range){NOON_NS + 15 * HOUR_NS, NOON_NS + 16 * HOUR_NS};
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 13 * 60 + 1, NOON_NS + 13 * HOUR_NS + SECOND_NS, true);
  assert_false(s->first.coverage.complete);
}

static void a_failure_and_none_is_not_none(void **state) {
  scene *s = *state;
  add_traffic(s, 10 * MINUTE_NS, INT64_MAX);
  s->fake.fail_filter = "\"slow\"";
  s->fake.fail_range = (bt_time_range){NOON_NS + 20 * HOUR_NS, NOON_NS + 21 * HOUR_NS};
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_null(s->first.violation);
  assert_false(s->first.coverage.complete);
}

static void a_source_that_is_gone_is_asked_twice(void **state) {
  scene *s = *state;
  add_traffic(s, 10 * MINUTE_NS, NOON_NS);
  s->fake.fail_filter = "{";
  s->fake.fail_status = BT_UNAVAILABLE;
  go(s);
  assert_outcome(s, BT_REPLAY_FAILED, "source: the source does not answer");
  assert_null(s->first.violation);
  assert_int_equal(s->first.windows, 2);
  assert_false(s->first.coverage.complete);
}

static void a_trace_that_cannot_be_read_takes_the_proof(void **state) {
  scene *s = *state;
  add_traffic(s, MINUTE_NS, NOON_NS + 13 * HOUR_NS);
  fake_trace *gone = fake_find(&s->fake, 100);
  gone->gone_from_batches = gone->gone_by_id = true;
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_found(s, 13 * 60 + 1, NOON_NS + 13 * HOUR_NS + SECOND_NS, false);
}

static void an_inconclusive_trace_before_takes_the_proof(void **state) {
  scene *s = *state;
  add_traffic(s, MINUTE_NS, NOON_NS + 2 * HOUR_NS);
  fake_trace *unclear = add_trace(s, 5000, NOON_NS + 30 * MINUTE_NS, "slow", NULL);
  unclear->partial = true;
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "inconclusive");
  assert_found(s, 121, NOON_NS + 2 * HOUR_NS + SECOND_NS, false);
  assert_int_equal(s->first.inconclusive, 1);
  fake_find(&s->fake, 5000)->spans[0].start_ns = NOON_NS + 2 * HOUR_NS + 2 * SECOND_NS; /* after it */
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 121, NOON_NS + 2 * HOUR_NS + SECOND_NS, true);
}

static void inconclusive_and_none_is_not_none(void **state) {
  scene *s = *state;
  add_traffic(s, 10 * MINUTE_NS, INT64_MAX);
  add_trace(s, 5000, NOON_NS + 20 * HOUR_NS, "slow", NULL)->partial = true;
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "inconclusive");
  assert_null(s->first.violation);
}

static void what_is_not_settled_is_not_proven(void **state) {
  scene *s = *state;
  int64_t now_ns = NOON_NS + 24 * HOUR_NS;
  s->run.request.now_ns = now_ns;
  add_traffic(s, 10 * MINUTE_NS, now_ns - HOUR_NS);
  go(s);
  assert_found(s, 23 * 6 + 1, NOON_NS + 23 * HOUR_NS + SECOND_NS, true);
  /* None in the settled part: the outcome is certain up to there, and the tail is counted. */
  for (size_t i = 0; i < s->fake.trace_count; i++)
    if (s->fake.traces[i].span_count == 1)
      fake_span_add(&s->fake.traces[i], "retry", s->fake.traces[i].spans[0].start_ns);
  add_trace(s, 9000, now_ns - MINUTE_NS, "slow", NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_null(s->first.violation);
  assert_int_equal(s->first.coverage.effective_end_ns, now_ns - 2 * MINUTE_NS);
  assert_int_equal(s->first.coverage.unsettled, 1);
  s->run.request.range.start_ns = now_ns - MINUTE_NS;
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "unsettled");
  assert_false(s->first.coverage.complete);
}

/* A violation that more spans cannot mend is told while its trace is young, and not as proven. */
static void a_provisional_one_is_not_proven(void **state) {
  scene *s = *state;
  int64_t now_ns = NOON_NS + 24 * HOUR_NS;
  s->run.request.now_ns = now_ns;
  bt_rule_definition_unref(s->run.rules[0]);
  s->run.rules[0] = rule_of("bad", "trace.has(span.name == \"bad\")");
  add_trace(s, 1, NOON_NS + MINUTE_NS, "web", NULL);
  add_trace(s, 2, now_ns - MINUTE_NS, "bad", NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "unsettled");
  assert_found(s, 2, now_ns - MINUTE_NS, false);
  assert_true(s->first.violation->provisional);
}

static void the_edge_of_the_data_is_said(void **state) {
  scene *s = *state;
  s->run.request.range.start_ns = NOON_NS - 240 * HOUR_NS;
  add_traffic(s, MINUTE_NS, NOON_NS);
  go(s);
  assert_found(s, 1, NOON_NS + SECOND_NS, true);
  assert_true(s->first.at_edge_of_data);
  assert_true(s->first.coverage.has_data_from);
  assert_int_equal(s->first.coverage.data_from_ns, NOON_NS + SECOND_NS);
  assert_int_equal(s->first.coverage.windows_empty[0].start_ns, s->run.request.range.start_ns);
  /* The range begins where the data begin. */
  s->run.request.range.start_ns = NOON_NS + SECOND_NS;
  go(s);
  assert_true(s->first.at_edge_of_data);
  /* Earlier data that do not violate: not the edge, also when they lie before the range. */
  add_trace(s, 100000, NOON_NS - HOUR_NS, "web", NULL);
  go(s);
  assert_false(s->first.at_edge_of_data);
  s->run.request.range.start_ns = NOON_NS - 240 * HOUR_NS;
  go(s);
  assert_false(s->first.at_edge_of_data);
  assert_int_equal(s->first.coverage.data_from_ns, NOON_NS - HOUR_NS);
}

/* A violation's time is its witness's: a later trace may have the earlier one. */
static void a_later_trace_may_violate_earlier(void **state) {
  scene *s = *state;
  int64_t edge_ns = NOON_NS + 24 * HOUR_NS / 64;
  fake_trace *late = add_trace(s, 1, edge_ns - MINUTE_NS, "web", NULL);
  fake_span_add(late, "slow", edge_ns + 8 * MINUTE_NS);
  add_trace(s, 2, edge_ns + 2 * MINUTE_NS, "slow", NULL);
  bt_rule_definition_unref(s->run.rules[0]);
  s->run.rules[0] = rule_of("slow", "when { slow as s } always { retry after s }");
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 2, edge_ns + 2 * MINUTE_NS, true);
  assert_int_equal(s->first.windows, 2);
}

static void a_long_trace_over_a_border_is_found_once_and_named(void **state) {
  scene *s = *state;
  int64_t edge_ns = NOON_NS + 24 * HOUR_NS / 64;
  fake_trace *long_one = add_trace(s, 1, edge_ns - 20 * MINUTE_NS, "web", NULL);
  fake_span *slow = fake_span_add(long_one, "slow", edge_ns + 20 * MINUTE_NS);
  slow->fragment = 1;
  add_trace(s, 2, edge_ns + 40 * MINUTE_NS, "slow", NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_non_null(s->first.violation);
  bt_trace_id id = fake_id(1);
  assert_memory_equal(&s->first.violation->trace_id, &id, sizeof id);
  assert_int_equal(s->first.coverage.long_trace_count, 1);
  assert_memory_equal(&s->first.coverage.long_traces[0], &id, sizeof id);
}

/* Of a trace longer than margin the time is near its end. Its violation is earlier than that of a trace before it. */
static void a_long_trace_may_violate_before_its_time(void **state) {
  scene *s = *state;
  fake_trace *long_one = add_trace(s, 9001, NOON_NS + 5 * MINUTE_NS, "slow", NULL);
  for (int64_t i = 1; i <= 9; i++) fake_span_add(long_one, "web", NOON_NS + (5 + 14 * i) * MINUTE_NS);
  add_trace(s, 9002, NOON_NS + HOUR_NS, "slow", NULL);
  add_traffic(s, MINUTE_NS, INT64_MAX);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 9001, NOON_NS + 5 * MINUTE_NS, true);
}

/* What makes a trace a candidate lies farther apart than margin, in two blocks: no window finds both. */
static void what_no_window_finds_whole_is_found(void **state) {
  scene *s = *state;
  fake_trace *long_one = add_trace(s, 9001, NOON_NS + 10 * MINUTE_NS, "slow", NULL);
  for (int64_t i = 1; i <= 9; i++)
    fake_span_add(long_one, i < 9 ? "web" : "late", NOON_NS + (10 + 14 * i) * MINUTE_NS)->fragment = (int)i / 3;
  for (uint64_t i = 0; i < 24 * 60; i++) {
    fake_trace *kept = add_trace(s, 1 + i, NOON_NS + (int64_t)i * MINUTE_NS, "slow", "late");
    fake_span_add(kept, "retry", NOON_NS + (int64_t)i * MINUTE_NS + SECOND_NS);
  }
  bt_rule_definition_unref(s->run.rules[0]);
  s->run.rules[0] = rule_of("both", SLOW_NO_RETRY " and trace.has(span.name == \"late\")");
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 9001, NOON_NS + 10 * MINUTE_NS, true);
}

/* "slow" at 12:10 and "late" two hours later, in another block, and another trace broke the rule at 12:15. */
static void add_half(scene *s, size_t others, const char *of_others) {
  fake_trace *long_one = add_trace(s, 9001, NOON_NS + 10 * MINUTE_NS, "slow", NULL);
  for (int64_t i = 1; i <= 9; i++)
    fake_span_add(long_one, i < 9 ? "web" : "late", NOON_NS + (10 + 14 * i) * MINUTE_NS)->fragment = (int)i / 3;
  add_trace(s, 9002, NOON_NS + 15 * MINUTE_NS, "slow", "late");
  for (uint64_t i = 0; i < others; i++) {
    fake_trace *half = add_trace(s, 10000 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    if (of_others) fake_span_add(half, of_others, NOON_NS + 5 * HOUR_NS + (int64_t)i * SECOND_NS)->fragment = 1;
  }
  bt_rule_definition_unref(s->run.rules[0]);
  s->run.rules[0] = rule_of("both", "trace.has(span.name == \"slow\") and trace.has(span.name == \"late\")");
}

static void what_lies_behind_all_that_is_looked_at_is_found(void **state) {
  scene *s = *state;
  add_half(s, 0, NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 9001, NOON_NS + 10 * MINUTE_NS, true);
}

/* Too many have the one part to read them all: the other is searched for in the rest of the range. */
static void of_many_parts_those_with_a_rest_are_read(void **state) {
  scene *s = *state;
  add_half(s, 600, NULL);
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 9001, NOON_NS + 10 * MINUTE_NS, true);
  assert_true(s->fake.traces_read < 50);
}

/* What a number surely meets would have a search of its own where traces are counted, and is not asked here. */
static void a_search_that_is_not_asked_is_not_looked_up(void **state) {
  scene *s = *state;
  add_half(s, 600, NULL);
  bt_rule_definition_unref(s->run.rules[0]);
  s->run.rules[0] = rule_of("number", "when { slow and trace.has(span.name == \"late\" or span.amount >= 5) as p } "
                                      "never { not (payment after p) }");
  go(s);
  assert_outcome(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 9001, NOON_NS + 10 * MINUTE_NS, true);
}

/* Too many have both: what was not read may have broken it first. */
static void what_is_too_much_to_read_takes_the_proof(void **state) {
  scene *s = *state;
  s->run.request.assumptions.margin_ns = 20 * MINUTE_NS;
  add_half(s, 600, "late");
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "long_traces: no trace shorter than margin broke the rule before");
  assert_non_null(s->first.violation);
  assert_false(s->first.proven);
  assert_false(s->first.coverage.complete);
}

/* It lies in many windows, and is one that could not be judged. */
static void a_long_trace_counts_once(void **state) {
  scene *s = *state;
  add_traffic(s, 10 * MINUTE_NS, INT64_MAX);
  fake_trace *long_one = add_trace(s, 5000, NOON_NS + 5 * MINUTE_NS, "slow", NULL);
  for (int64_t i = 1; i <= 9; i++) fake_span_add(long_one, "slow", NOON_NS + (5 + 14 * i) * MINUTE_NS);
  long_one->partial = true;
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "inconclusive");
  assert_null(s->first.violation);
  assert_int_equal(s->first.inconclusive, 1);
}

static void cancel_keeps_what_is_certain(void **state) {
  scene *s = *state;
  bt_cancel cancel = {false};
  s->run.request.cancel = &cancel;
  s->fake.cancel_after_reads = &cancel;
  s->fake.cancel_after = 100;
  add_traffic(s, MINUTE_NS, NOON_NS + 13 * HOUR_NS);
  go(s);
  assert_outcome(s, BT_REPLAY_CANCELLED, "cancelled");
  assert_null(s->first.violation);
  assert_false(s->first.coverage.complete);
  assert_true(s->first.looked_at.end_ns < NOON_NS + 13 * HOUR_NS);
  assert_int_equal(s->first.coverage.effective_end_ns, s->first.looked_at.end_ns);
}

static void a_batch_that_is_wrong_takes_the_proof(void **state) {
  scene *s = *state;
  add_traffic(s, MINUTE_NS, NOON_NS + 10 * MINUTE_NS);
  fake_trace *wrong = fake_find(&s->fake, 11);
  fake_span_add(wrong, "retry", wrong->spans[0].start_ns + SECOND_NS)->only_by_id = true;
  go(s);
  assert_outcome(s, BT_REPLAY_INCOMPLETE, "sample_differs");
  assert_found(s, 12, NOON_NS + 11 * MINUTE_NS + SECOND_NS, false);
}

static void one_rule_and_a_range(void **state) {
  scene *s = *state;
  bt_error error = {0};
  bt_first_result result;
  s->run.request.rules = s->run.rules;
  s->run.request.range.end_ns = NOON_NS;
  assert_int_equal(bt_first_violation_run(&s->fake.source, &s->run.request, NULL, &result, &error), BT_INVALID);
  s->run.request.range.end_ns = NOON_NS + HOUR_NS;
  s->run.request.rule_count = 0;
  assert_int_equal(bt_first_violation_run(&s->fake.source, &s->run.request, NULL, &result, &error), BT_INVALID);
  assert_null(result.violation);
  s->run.request.rule_count = 1;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(dense_violations_cost_little),
      SCENE(it_began_in_the_middle),
      SCENE(an_empty_left_part_costs_few_searches),
      SCENE(too_much_to_read_is_cut),
      SCENE(none_is_said_for_the_whole_range),
      SCENE(no_data_is_not_none),
      SCENE(what_was_taken_away_takes_the_proof),
      SCENE(what_was_taken_away_is_not_none),
      SCENE(parts_without_any_trace_are_named),
      SCENE(a_failure_before_it_takes_the_proof),
      SCENE(a_failure_after_it_does_not),
      SCENE(a_failure_and_none_is_not_none),
      SCENE(a_source_that_is_gone_is_asked_twice),
      SCENE(a_trace_that_cannot_be_read_takes_the_proof),
      SCENE(an_inconclusive_trace_before_takes_the_proof),
      SCENE(inconclusive_and_none_is_not_none),
      SCENE(what_is_not_settled_is_not_proven),
      SCENE(a_provisional_one_is_not_proven),
      SCENE(the_edge_of_the_data_is_said),
      SCENE(a_later_trace_may_violate_earlier),
      SCENE(a_long_trace_over_a_border_is_found_once_and_named),
      SCENE(a_long_trace_may_violate_before_its_time),
      SCENE(what_no_window_finds_whole_is_found),
      SCENE(what_lies_behind_all_that_is_looked_at_is_found),
      SCENE(of_many_parts_those_with_a_rest_are_read),
      SCENE(a_search_that_is_not_asked_is_not_looked_up),
      SCENE(what_is_too_much_to_read_takes_the_proof),
      SCENE(a_long_trace_counts_once),
      SCENE(cancel_keeps_what_is_certain),
      SCENE(a_batch_that_is_wrong_takes_the_proof),
      SCENE(one_rule_and_a_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
