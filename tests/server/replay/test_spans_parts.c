/* Spans of a source that divides a long range. It shows of a trace that is longer than margin some spans in one part of
 * the range and some in another, and each may look satisfied alone. Such a trace is read whole. Random; the seed of a
 * failure is printed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "tests/server/replay/replay_fixture.h"
#include "tests/support/random.h"

enum { TRACES = 400, SEEDS = 20, PER_READ = 20, PARTS_OF_MARGIN = 5 };

/* What decides it need not lie where the search for candidates finds something. */
static const char once[] = "trace.has(span.name == \"slow\") and not (count(span.name == \"retry\") == 1)";

static bool violates(const fake_trace *trace) {
  size_t retries = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) retries += trace->spans[i].name[0] == 'r';
  return retries != 1;
}

static int64_t below(test_random *random, int64_t ns) {
  return test_random_below(random, (uint32_t)(ns / SECOND_NS)) * SECOND_NS;
}

static void add_span(fake_trace *trace, const char *name, int64_t start_ns, int fragment) {
  fake_span_add(trace, name, start_ns)->fragment = fragment;
}

/* One or two retries. The second one comes soon, or some time or hours later or earlier. */
static void add_trace(fake_source *fake, uint64_t number, const replay_run *run, test_random *random) {
  int64_t length_ns = run->request.range.end_ns - run->request.range.start_ns;
  int64_t margin_ns = run->request.assumptions.margin_ns;
  int64_t at_ns = run->request.range.start_ns + below(random, length_ns);
  fake_trace *trace = fake_add(fake, number);
  add_span(trace, "slow", at_ns, 0);
  add_span(trace, "retry", at_ns + SECOND_NS, 0);
  uint32_t kind = test_random_below(random, 4);
  int64_t most_ns = kind == 1 ? margin_ns : kind == 2 ? 3 * margin_ns : length_ns;
  int64_t apart_ns = below(random, most_ns);
  if (kind) add_span(trace, "retry", at_ns + (test_random_below(random, 2) ? apart_ns : -apart_ns), 1);
}

static bool is_in(const fake_trace *trace, bt_time_range range) {
  int64_t start_ns = trace->spans[0].start_ns;
  for (uint32_t i = 1; i < trace->span_count; i++)
    if (trace->spans[i].start_ns < start_ns) start_ns = trace->spans[i].start_ns;
  return start_ns >= range.start_ns && start_ns < range.end_ns;
}

/* Where a trace begins before what is searched, its part in the range is taken for the whole; not so here. */
static bool begins_long_before(const fake_trace *trace, bt_time_range range) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].start_ns < range.start_ns) return true;
  return false;
}

static void check(const replay_run *run, const fake_source *fake, uint64_t seed) {
  assert_int_equal(run->status, BT_OK);
  for (size_t i = 0; i < TRACES; i++) {
    const fake_trace *trace = &fake->traces[i];
    if (begins_long_before(trace, run->request.range)) continue;
    for (size_t rule = 0; rule < run->request.rule_count; rule++) {
      bool expected = is_in(trace, run->request.range) && violates(trace);
      if (replay_saw(run, rule, i + 1) != expected)
        fail_msg("seed %llu: trace %zu, rule %zu", (unsigned long long)seed, i + 1, rule);
    }
  }
}

static size_t run_seed(uint64_t seed, size_t rules, size_t fails_after) {
  test_random random = test_random_start(seed);
  fake_source fake;
  replay_run *run = calloc(1, sizeof *run);
  fake_source_init(&fake);
  replay_run_init(run);
  run->request.range.end_ns = run->request.range.start_ns + 24 * HOUR_NS;
  run->request.strategy = BT_STRATEGY_PROJECTION;
  run->request.count = BT_COUNT_AT_LEAST;
  run->request.sample_seed = seed;
  for (size_t i = 0; i < rules; i++) replay_run_add(run, i ? "again" : "once", once);
  fake.spans_step_ns = PARTS_OF_MARGIN * run->request.assumptions.margin_ns;
  fake.promises.costs = bt_plain_costs;
  fake.promises.costs.projected_at_once = PER_READ;
  fake.fail_spans_after = fails_after;
  for (uint64_t i = 0; i < TRACES; i++) add_trace(&fake, i + 1, run, &random);
  replay_run_go(run, &fake);
  check(run, &fake, seed);
  assert_true(fails_after ? fake.span_parts == fails_after : fake.span_parts > 20);
  size_t unread = (size_t)run->result.rules[0].decided_unread;
  replay_run_dispose(run);
  fake_source_dispose(&fake);
  free(run);
  return unread;
}

static void finds_what_two_parts_show_together(size_t rules, size_t fails_after) {
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    size_t unread = run_seed(seed, rules, fails_after);
    if (!unread) fail_msg("seed %llu: nothing was decided so", (unsigned long long)seed);
  }
}

static void of_spans_that_come_first(void **state) {
  (void)state;
  finds_what_two_parts_show_together(1, 0);
}

static void of_spans_of_candidates(void **state) {
  (void)state;
  finds_what_two_parts_show_together(2, 0);
}

/* What was given counts for nothing, and the spans are read by id. */
static void of_a_search_that_fails_in_the_middle(void **state) {
  (void)state;
  finds_what_two_parts_show_together(2, 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_spans_that_come_first),
      cmocka_unit_test(of_spans_of_candidates),
      cmocka_unit_test(of_a_search_that_fails_in_the_middle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
