/* Violations beyond those that are listed are counted by the spans that show them, and not read. The numbers are those
 * of a replay that reads everything, and all up to listed_until are told. Random; the seed of a failure is printed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "dsl/base/time_sum.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/random.h"
#include "tests/support/slow_build.h"

enum { TRACES = 1500, SEEDS = ROUNDS_OF(20, 4), LISTED = 30, SAMPLE = 8, PER_READ = 20 };

static const char *const texts[] = {"trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")",
                                    "trace.has(span.name == \"slow\") and not (count(span.name == \"retry\") == 1)",
                                    "count(span.name == \"slow\") > 1"};
enum { TEXTS = sizeof texts / sizeof *texts };

/* Slow once or twice, some minutes after its beginning, which may lie in another block; with none to two retries. Some
 * are longer than margin, and some only a read by id gives. */
static void add_trace(fake_source *fake, uint64_t number, const replay_run *run, test_random *random) {
  int64_t length_ns = run->request.range.end_ns - run->request.range.start_ns;
  uint32_t seconds = (uint32_t)(length_ns / SECOND_NS) + 1800;
  int64_t at_ns = run->request.range.start_ns + (int64_t)test_random_below(random, seconds) * SECOND_NS;
  bool is_early = at_ns < run->request.range.start_ns + length_ns / 2;
  uint32_t longest_s = !is_early || test_random_below(random, 200) ? 250 : 7200;
  fake_trace *trace = fake_add(fake, number);
  fake_span_add(trace, "web", at_ns)->fragment = (int)test_random_below(random, 2);
  at_ns += test_random_below(random, 600) * SECOND_NS;
  for (uint32_t i = 0; i <= test_random_below(random, 2); i++)
    fake_span_add(trace, "slow", at_ns + (i + 1) * SECOND_NS);
  for (uint32_t i = test_random_below(random, 3); i; i--) {
    int64_t later_ns = test_random_below(random, longest_s) * SECOND_NS;
    fake_span_add(trace, "retry", at_ns + later_ns)->fragment = (int)test_random_below(random, 2);
  }
  trace->needs_by_id = !test_random_below(random, 15);
}

static void prepare(replay_run *run, uint64_t seed, size_t rules) {
  replay_run_init(run);
  run->request.range.end_ns = run->request.range.start_ns + 4 * HOUR_NS;
  run->request.sample_seed = seed;
  run->request.sample_size = SAMPLE;
  run->request.count = seed % 2 ? BT_COUNT_AT_LEAST : BT_COUNT_EXACT;
  for (size_t i = 0; i < rules; i++)
    replay_run_add(run, i ? i > 1 ? "third" : "second" : "first", texts[(seed + i) % TEXTS]);
}

static bool is_same_moment(const bt_moment *a, const bt_moment *b) {
  return a->is_set == b->is_set && a->time_ns == b->time_ns && !bt_trace_id_compare(&a->trace_id, &b->trace_id);
}

static void compare_rule(const replay_run *whole, const replay_run *counted, size_t rule, uint64_t seed) {
  const bt_rule_result *a = &whole->result.rules[rule], *b = &counted->result.rules[rule];
  bool are_exact = a->exercised_is_exact && b->exercised_is_exact;
  bool is_same = a->violations_found == b->violations_found && a->inconclusive == b->inconclusive &&
                 (!are_exact || a->traces_exercised == b->traces_exercised) &&
                 (!a->evaluated_is_exact || a->traces_evaluated == b->traces_evaluated);
  bool has_ends = is_same_moment(&a->first_violation, &b->first_violation) &&
                  is_same_moment(&a->last_violation, &b->last_violation);
  if (!is_same || !has_ends)
    fail_msg("seed %llu, rule %zu: %llu violations read, %llu counted; exercised %llu and %llu; ends are %s",
             (unsigned long long)seed, rule, (unsigned long long)a->violations_found,
             (unsigned long long)b->violations_found, (unsigned long long)a->traces_exercised,
             (unsigned long long)b->traces_exercised, has_ends ? "the same" : "others");
}

/* INT64_MAX: it is longer than margin, and then its time may be that of a part. */
static int64_t start_of(fake_source *fake, const bt_trace_id *id, int64_t margin_ns) {
  int64_t first_ns = INT64_MAX, last_ns = 0;
  for (size_t i = 0; i < fake->trace_count; i++) {
    const fake_trace *trace = &fake->traces[i];
    if (bt_trace_id_compare(&trace->id, id)) continue;
    for (uint32_t k = 0; k < trace->span_count; k++) {
      first_ns = bt_time_earlier(first_ns, trace->spans[k].start_ns);
      last_ns = bt_time_later(last_ns, trace->spans[k].start_ns);
    }
  }
  return last_ns - first_ns <= margin_ns ? first_ns : INT64_MAX;
}

/* Of each trace that begins up to then. */
static void check_listed(fake_source *fake, const replay_run *whole, const replay_run *counted, uint64_t seed) {
  for (size_t i = 0; i < whole->seen_count; i++) {
    const seen_violation *one = &whole->seen[i];
    int64_t until_ns = counted->result.rules[one->rule].listed_until_ns;
    bool is_told = false;
    for (size_t k = 0; k < counted->seen_count; k++)
      is_told = is_told || (counted->seen[k].rule == one->rule &&
                            !bt_trace_id_compare(&counted->seen[k].trace_id, &one->trace_id));
    int64_t start_ns = start_of(fake, &one->trace_id, whole->request.assumptions.margin_ns);
    if (!is_told && (!until_ns || start_ns <= until_ns))
      fail_msg("seed %llu: a violation before listed_until is not told", (unsigned long long)seed);
  }
}

/* How many were counted unread. */
static uint64_t run_seed(uint64_t seed, size_t rules, bt_strategy strategy) {
  test_random random = test_random_start(seed);
  fake_source fake;
  replay_run *runs = calloc(2, sizeof *runs);
  uint64_t unread = 0;
  fake_source_init(&fake);
  fake.promises.costs = bt_plain_costs;
  if (seed % 3 == 0) fake.promises.costs.projected_at_once = PER_READ; /* then spans come by parts of the time */
  for (size_t i = 0; i < 2; i++) {
    prepare(&runs[i], seed, rules);
    runs[i].request.strategy = strategy;
    runs[i].request.most_listed = i ? LISTED : 0;
  }
  fake.spans_step_ns = 4 * runs[0].request.assumptions.margin_ns;
  for (uint64_t i = 0; i < TRACES; i++) add_trace(&fake, i + 1, &runs[0], &random);
  for (size_t i = 0; i < 2; i++) {
    replay_run_go(&runs[i], &fake);
    assert_int_equal(runs[i].status, BT_OK);
    if (runs[i].result.outcome != BT_REPLAY_COMPLETED)
      fail_msg("seed %llu, run %zu: %s", (unsigned long long)seed, i, runs[i].result.reason);
  }
  for (size_t rule = 0; rule < rules; rule++) {
    compare_rule(&runs[0], &runs[1], rule, seed);
    unread += runs[1].result.rules[rule].decided_unread - runs[0].result.rules[rule].decided_unread;
  }
  check_listed(&fake, &runs[0], &runs[1], seed);
  for (size_t i = 0; i < 2; i++) replay_run_dispose(&runs[i]);
  fake_source_dispose(&fake);
  free(runs);
  return unread;
}

static void run_seeds(size_t rules, bt_strategy strategy) {
  uint64_t unread = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) unread += run_seed(seed, rules, strategy);
  if (unread < SEEDS * 100) fail_msg("only %llu were counted unread", (unsigned long long)unread);
}

static void of_spans_of_candidates(void **state) {
  (void)state;
  run_seeds(1, BT_STRATEGY_PROJECTION);
}

static void of_what_is_left_after_subtracting(void **state) {
  (void)state;
  run_seeds(1, BT_STRATEGY_AUTO);
}

static void of_several_rules(void **state) {
  (void)state;
  run_seeds(3, BT_STRATEGY_PROJECTION);
}

/* A span that a search does not show with others, and every read has. Where one of these traces is listed, its read
 * says so, and nothing is counted by spans. */
static void nothing_where_spans_and_reads_disagree(void **state) {
  (void)state;
  fake_source fake;
  replay_run run;
  fake_source_init(&fake);
  fake.promises.costs = bt_plain_costs;
  prepare(&run, 0, 1);
  run.request.strategy = BT_STRATEGY_PROJECTION;
  run.request.most_listed = LISTED;
  for (uint64_t i = 0; i < TRACES; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * 8 * SECOND_NS;
    fake_trace *trace = fake_add(&fake, i + 1);
    fake_span_add(trace, "slow", at_ns);
    if (i % 20 == 10) fake_span_add(trace, "retry", at_ns)->hidden_from = "||";
  }
  replay_run_go(&run, &fake);
  assert_int_equal(run.status, BT_OK);
  assert_int_equal(run.result.rules[0].strategy, BT_STRATEGY_PROJECTION);
  assert_int_equal(run.result.rules[0].violations_found, TRACES - TRACES / 20);
  assert_int_equal(run.result.rules[0].decided_unread, 0);
  replay_run_dispose(&run);
  fake_source_dispose(&fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_spans_of_candidates),
      cmocka_unit_test(of_what_is_left_after_subtracting),
      cmocka_unit_test(of_several_rules),
      cmocka_unit_test(nothing_where_spans_and_reads_disagree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
