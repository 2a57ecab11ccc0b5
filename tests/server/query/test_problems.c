/* Problems over a store that shows spans by searches: violations beyond those that are looked at are counted by them,
 * and are in a problem of their own. Nothing is lost or counted twice: numbers and steps are those of a run that looks
 * at everything. Random; the seed of a failure is printed. And without memory nothing is claimed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/query/problems.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"
#include "tests/support/slow_build.h"

enum { TRACES = 1500, SEEDS = ROUNDS_OF(12, 3), LISTED = 30, SAMPLE = 8, STEPS = 16, PER_READ = 20 };

/* A rule, how it is decided, and how many problems it has here. */
typedef struct way {
  const char *dsl;
  bt_strategy strategy;
  size_t problems;
} way;
static const way projected = {"when { slow } always { retry and logged }", BT_STRATEGY_PROJECTION, 2};
static const way subtracted = {"trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")",
                               BT_STRATEGY_AUTO, 1};

/* Slow, some minutes after its beginning; mostly without a retry, a log or both. Some have lost their root. */
static void add_trace(fake_source *fake, uint64_t number, int64_t from_ns, uint32_t seconds, test_random *random) {
  int64_t at_ns = from_ns + (int64_t)test_random_below(random, seconds) * SECOND_NS;
  fake_trace *trace = fake_add(fake, number);
  fake_span_add(trace, "web", at_ns)->fragment = (int)test_random_below(random, 2);
  if (test_random_below(random, 8)) fake_span_add(trace, "slow", at_ns + test_random_below(random, 300) * SECOND_NS);
  if (!test_random_below(random, 3)) fake_span_add(trace, "retry", at_ns + test_random_below(random, 200) * SECOND_NS);
  if (!test_random_below(random, 3)) fake_span_add(trace, "logged", at_ns + SECOND_NS);
  trace->needs_by_id = !test_random_below(random, 20);
}

static void find_over(fake_source *fake, uint64_t seed, const way *how, uint64_t most, replay_run *run,
                      bt_problems *out) {
  bt_error error = {0};
  replay_run_init(run);
  run->request.range.end_ns = run->request.range.start_ns + 4 * HOUR_NS;
  run->request.sample_seed = seed;
  run->request.sample_size = SAMPLE;
  run->request.strategy = how->strategy;
  run->request.most_listed = most;
  replay_run_add(run, "one", how->dsl);
  if (bt_problems_find(&fake->source, &run->request, STEPS, NULL, out, &error))
    fail_msg("seed %llu: %s", (unsigned long long)seed, error.message);
  if (out->result.outcome != BT_REPLAY_COMPLETED)
    fail_msg("seed %llu: %s", (unsigned long long)seed, out->result.reason);
}

static const bt_found_problem *find_id(const bt_problems *problems, const char *id) {
  for (size_t i = 0; i < problems->count; i++)
    if (strcmp(problems->items[i].id, id) == 0) return &problems->items[i];
  return NULL;
}

typedef struct sums {
  uint64_t count, steps[STEPS], unlooked;
} sums;

static sums add_up(const bt_problems *problems) {
  sums all = {0};
  for (size_t i = 0; i < problems->count; i++) {
    const bt_found_problem *problem = &problems->items[i];
    all.count += problem->count;
    if (!problem->is_looked_at) all.unlooked += problem->count;
    for (size_t k = 0; k < STEPS; k++) all.steps[k] += problem->steps[k];
  }
  return all;
}

/* Of one problem: no more than there are, and all of them in each step that counts as known. */
static void compare_problem(const bt_problems *part, const bt_found_problem *problem, const bt_problems *whole,
                            uint64_t seed) {
  const bt_found_problem *all = find_id(whole, problem->id);
  uint64_t here = 0, there = 0;
  if (!all || problem->count > all->count)
    fail_msg("seed %llu: %llu of %llu traces of a problem", (unsigned long long)seed,
             (unsigned long long)problem->count, (unsigned long long)(all ? all->count : 0));
  for (size_t i = 0; i < STEPS; i++)
    if (bt_problem_step(part, problem, i, &here) && bt_problem_step(whole, all, i, &there) && here != there)
      fail_msg("seed %llu, step %zu: %llu of %llu", (unsigned long long)seed, i, (unsigned long long)here,
               (unsigned long long)there);
}

/* How many were not looked at. */
static uint64_t compare_runs(const bt_problems *whole, const bt_problems *part, const way *how, uint64_t seed) {
  sums all = add_up(whole), counted = add_up(part);
  assert_int_equal(all.unlooked, 0);
  assert_int_equal(whole->count, how->problems);
  if (all.count != counted.count || memcmp(all.steps, counted.steps, sizeof all.steps) != 0)
    fail_msg("seed %llu: %llu found, %llu counted", (unsigned long long)seed, (unsigned long long)all.count,
             (unsigned long long)counted.count);
  assert_int_equal(counted.count, part->result.rules[0].violations_found);
  for (size_t i = 0; i < part->count; i++) {
    const bt_found_problem *problem = &part->items[i];
    assert_int_equal(problem->is_at_least, problem->is_looked_at && counted.unlooked);
    if (problem->is_looked_at)
      compare_problem(part, problem, whole, seed);
    else
      assert_int_equal(problem->trend, BT_TREND_UNKNOWN);
  }
  return counted.unlooked;
}

static uint64_t run_seed(uint64_t seed, const way *how) {
  test_random random = test_random_start(seed);
  fake_source fake;
  replay_run *runs = calloc(2, sizeof *runs);
  bt_problems whole, part;
  fake_source_init(&fake);
  fake.promises.costs = bt_plain_costs;
  if (seed % 3 == 0) fake.promises.costs.projected_at_once = PER_READ;
  for (uint64_t i = 0; i < TRACES; i++) add_trace(&fake, i + 1, NOON_NS, 4 * 3600, &random);
  find_over(&fake, seed, how, 0, &runs[0], &whole);
  find_over(&fake, seed, how, LISTED, &runs[1], &part);
  uint64_t unlooked = compare_runs(&whole, &part, how, seed);
  bt_problems_dispose(&whole);
  bt_problems_dispose(&part);
  for (size_t i = 0; i < 2; i++) replay_run_dispose(&runs[i]);
  fake_source_dispose(&fake);
  free(runs);
  return unlooked;
}

static void run_seeds(const way *how) {
  uint64_t unlooked = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) unlooked += run_seed(seed, how);
  if (unlooked < SEEDS * 100) fail_msg("only %llu were counted", (unsigned long long)unlooked);
}

static void what_is_counted_is_a_problem_of_its_own(void **state) {
  (void)state;
  run_seeds(&projected);
}

static void also_after_subtracting(void **state) {
  (void)state;
  run_seeds(&subtracted);
}

static void every_allocation_fails_in_turn(void **state) {
  enum { FEW = 6 };
  (void)state;
  fake_source fake;
  replay_run run;
  fake_source_init(&fake);
  for (uint64_t i = 0; i < FEW; i++)
    fake_span_add(fake_add(&fake, i + 1), "slow", NOON_NS + (int64_t)i * 600 * SECOND_NS);
  replay_run_init(&run);
  replay_run_add(&run, "one", projected.dsl);
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_problems problems;
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_problems_find(&fake.source, &run.request, STEPS, NULL, &problems, &error);
    was_refused = failing_alloc_stop();
    bool is_whole = !status && problems.result.outcome == BT_REPLAY_COMPLETED;
    if (is_whole) assert_int_equal(add_up(&problems).count, FEW);
    if (!was_refused) assert_true(is_whole && n > 20);
    if (status) assert_int_equal(status, BT_NO_MEMORY);
    bt_problems_dispose(&problems);
  }
  replay_run_dispose(&run);
  fake_source_dispose(&fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_counted_is_a_problem_of_its_own),
      cmocka_unit_test(also_after_subtracting),
      cmocka_unit_test(every_allocation_fails_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
