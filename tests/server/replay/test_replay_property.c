/* Random traces in random fragments, replayed over a range as a whole and over random adjacent windows of it. Both must
 * find what a plain look at the traces says, no trace twice and none lost, and count the same traces. Seeded; the seed
 * of a failure is printed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/mix.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/slow_build.h"

enum {
  RULE_COUNT = 5,
  TRACES = 700 /* enough for some candidates to be subtracted */,
  CUTS_MAX = 6,
  SEEDS = ROUNDS_OF(10, 4)
};

static const char *const rule_texts[RULE_COUNT] = {
    "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")",
    "not trace.has(span.name == \"audit\")",
    "count(span.name == \"retry\") > 1",
    "trace.has(span.name == \"slow\") and (trace.has(span.name == \"bad\") or trace.has(span.name == \"retry\"))",
    ("(trace.has(span.name == \"slow\") and trace.has(span.name == \"web\")) or "
     "(trace.has(span.name == \"bad\") and trace.has(span.name == \"audit\"))"),
};
static const char *const names[] = {"web", "slow", "retry", "audit", "bad", "noise", "noise", "noise"};

static uint64_t random_state;
static size_t parts_asked; /* of the range, for spans */

static uint64_t next_random(void) {
  return bt_mix_bits(random_state += 0x9E3779B97F4A7C15u);
}

static int64_t below(int64_t limit) {
  return (int64_t)(next_random() % (uint64_t)limit);
}

static size_t count_named(const fake_trace *trace, const char *name) {
  size_t count = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) count += strcmp(trace->spans[i].name, name) == 0;
  return count;
}

/* What each rule says, without any of our code. */
static bool violates(const replay_run *run, const fake_trace *trace, int rule) {
  bool slow = count_named(trace, "slow") > 0, retry = count_named(trace, "retry") > 0;
  switch (rule) {
  case 0: return slow && !retry;
  case 1: return run->request.count != BT_COUNT_AT_LEAST && count_named(trace, "audit") == 0;
  case 2: return count_named(trace, "retry") > 1;
  case 3: return slow && (retry || count_named(trace, "bad") > 0);
  default:
    return (slow && count_named(trace, "web") > 0) ||
           (count_named(trace, "bad") > 0 && count_named(trace, "audit") > 0);
  }
}

static int64_t start_of(const fake_trace *trace) {
  int64_t start_ns = INT64_MAX;
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].start_ns < start_ns) start_ns = trace->spans[i].start_ns;
  return start_ns;
}

/* Starts cluster at the edges of the range, where membership is hard; a trace is at most margin long, mostly much
 * shorter. */
static void add_random_trace(fake_source *fake, uint64_t number, bt_time_range range, int64_t margin_ns) {
  int64_t at_ns = range.start_ns - 2 * margin_ns + below(range.end_ns - range.start_ns + 4 * margin_ns);
  if (below(3) == 0) at_ns = (below(2) ? range.start_ns : range.end_ns) + below(2 * margin_ns) - margin_ns;
  int64_t spread_ns = below(2) ? margin_ns : 5 * SECOND_NS;
  fake_trace *trace = fake_add(fake, number);
  int64_t spans = 1 + below(6);
  for (int64_t i = 0; i < spans; i++) {
    fake_span *span = fake_span_add(trace, names[below(8)], at_ns + (i ? below(spread_ns + 1) : 0));
    span->fragment = (int)below(3);
    span->duration_ns = 1 + below(below(8) ? SECOND_NS : 2 * margin_ns);
  }
}

static bool is_in(const fake_trace *trace, bt_time_range range) {
  return start_of(trace) >= range.start_ns && start_of(trace) < range.end_ns;
}

static void check_whole(const replay_run *run, const fake_source *fake, uint64_t seed) {
  uint64_t members = 0;
  for (size_t i = 0; i < fake->trace_count; i++) {
    const fake_trace *trace = &fake->traces[i];
    bool member = is_in(trace, run->request.range);
    members += member;
    for (int rule = 0; rule < RULE_COUNT; rule++)
      if (replay_saw(run, (size_t)rule, i + 1) != (member && violates(run, trace, rule)))
        fail_msg("seed %llu: trace %zu, rule %d", (unsigned long long)seed, i + 1, rule);
  }
  for (int rule = 0; rule < RULE_COUNT && run->request.count != BT_COUNT_AT_LEAST; rule++) {
    assert_int_equal(run->result.rules[rule].traces_evaluated, members);
    assert_true(run->result.rules[rule].evaluated_is_exact);
  }
}

static int compare_times(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void add_seen(const replay_run *run, unsigned seen[TRACES][RULE_COUNT]) {
  for (size_t i = 0; i < run->seen_count; i++) {
    uint64_t number = 0;
    for (int b = 8; b < 16; b++) number = number << 8 | run->seen[i].trace_id.bytes[b];
    seen[number - 1][run->seen[i].rule]++;
  }
}

/* The windows between random cuts: everything once, and the counts add up. */
static void check_windows(replay_run *run, fake_source *fake, uint64_t seed) {
  int64_t cuts[CUTS_MAX + 2];
  bt_time_range whole = run->request.range;
  unsigned seen[TRACES][RULE_COUNT] = {{0}};
  uint64_t evaluated = 0, members = 0;
  size_t count = 0;
  cuts[count++] = whole.start_ns;
  for (int i = 0; i < CUTS_MAX; i++) cuts[count++] = whole.start_ns + 1 + below(whole.end_ns - whole.start_ns - 1);
  cuts[count++] = whole.end_ns;
  qsort(cuts, count, sizeof *cuts, compare_times);
  for (size_t i = 0; i + 1 < count; i++) {
    if (cuts[i] == cuts[i + 1]) continue;
    run->request.range = (bt_time_range){cuts[i], cuts[i + 1]};
    replay_run_go(run, fake);
    assert_int_equal(run->status, BT_OK);
    add_seen(run, seen);
    evaluated += run->result.rules[0].traces_evaluated;
  }
  run->request.range = whole;
  for (size_t i = 0; i < TRACES; i++) {
    bool member = is_in(&fake->traces[i], whole);
    members += member;
    for (int rule = 0; rule < RULE_COUNT; rule++)
      if (seen[i][rule] != (member && violates(run, &fake->traces[i], rule)))
        fail_msg("seed %llu: trace %zu, rule %d was seen %u times", (unsigned long long)seed, i + 1, rule,
                 seen[i][rule]);
  }
  if (run->request.count != BT_COUNT_AT_LEAST) assert_int_equal(evaluated, members);
}

/* As a source divides a long range; and few traces are many. */
static void divide_spans(fake_source *fake, const replay_run *run) {
  fake->spans_step_ns = 3 * run->request.assumptions.margin_ns;
  fake->promises.costs = bt_plain_costs;
  fake->promises.costs.projected_at_once = 20;
}

/* With `counts` every trace is listed; without, and without the rule that reads all, only candidates are known. */
static void run_seed(uint64_t seed, bool is_file, bool counts, bt_strategy strategy) {
  random_state = seed;
  fake_source fake;
  replay_run *run = calloc(1, sizeof *run);
  fake_source_init(&fake);
  fake.promises.filters = !is_file;
  fake.promises.is_static = is_file;
  replay_run_init(run);
  run->request.sample_seed = seed;
  run->request.strategy = strategy;
  run->request.count = counts ? BT_COUNT_AUTO : BT_COUNT_AT_LEAST;
  for (int rule = 0; rule < RULE_COUNT; rule++) {
    bool reads_all = rule == 1;
    replay_run_add(run, "r", reads_all && !counts ? "trace.has(span.name == \"nowhere\")" : rule_texts[rule]);
  }
  for (uint64_t i = 0; i < TRACES; i++)
    add_random_trace(&fake, i + 1, run->request.range, run->request.assumptions.margin_ns);
  if (seed % 4 < 2) fake.operations.find_spans = NULL; /* not every source has it */
  if (seed % 8 > 5) divide_spans(&fake, run);
  replay_run_go(run, &fake);
  assert_int_equal(run->status, BT_OK);
  check_whole(run, &fake, seed);
  check_windows(run, &fake, seed);
  parts_asked += fake.span_parts;
  replay_run_dispose(run);
  fake_source_dispose(&fake);
  free(run);
}

static void adjacent_windows_over_search(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) run_seed(seed, false, true, BT_STRATEGY_AUTO);
}

static void adjacent_windows_without_a_listing(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) run_seed(seed, false, false, BT_STRATEGY_AUTO);
}

static void adjacent_windows_over_files(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) run_seed(seed, true, true, BT_STRATEGY_AUTO);
}

/* Whatever way candidates are decided, the answer is the same. */
static void every_strategy_gives_the_same(void **state) {
  (void)state;
  static const bt_strategy strategies[] = {BT_STRATEGY_READ, BT_STRATEGY_ID_SETS, BT_STRATEGY_PROJECTION};
  for (uint64_t seed = 1; seed <= SEEDS; seed++)
    run_seed(seed, false, seed % 2, strategies[seed % (sizeof strategies / sizeof *strategies)]);
}

/* A source that divides the range shows of a trace that is longer than margin some spans here and some there. */
static void spans_in_parts_of_the_range_give_the_same(void **state) {
  (void)state;
  parts_asked = 0;
  for (uint64_t seed = 6; seed <= 6 + 8 * SEEDS; seed += 8)
    run_seed(seed, false, seed % 16 == 6, BT_STRATEGY_PROJECTION);
  assert_true(parts_asked > 2 * SEEDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(adjacent_windows_over_search),
      cmocka_unit_test(adjacent_windows_without_a_listing),
      cmocka_unit_test(adjacent_windows_over_files),
      cmocka_unit_test(every_strategy_gives_the_same),
      cmocka_unit_test(spans_in_parts_of_the_range_give_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
