/* What is said of counted traces that nobody read, where their entry services are sampled each with a probability of
 * its own. Worlds are made with a known number of violations, sampled, and replayed over a store that shows the trace
 * state in whole reads alone. The true number has to lie in the interval as often as it says (one-sided, at 0.1 %). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/server/replay/replay_fixture.h"
#include "tests/support/random.h"
#include "tests/support/slow_build.h"

enum { WORLDS = ROUNDS_OF(400, 80), SATISFYING_KEPT = 40 };
#define RULE "when { slow } always { retry }"

static const char *const services[] = {"shop", "web"};

/* Two halves of the range with a probability each, of two services; and one for all that violates, or 0. */
typedef struct kind {
  const char *name;
  double p[2][2], of_violating[2];
} kind;

typedef struct world {
  fake_source fake;
  char states[8][32];
  double state_p[8];
  size_t state_count;
  uint64_t happened, number;
  test_random random;
} world;

/* From 0 up to 1, which is not reached. */
static double random_share(test_random *random) {
  return test_random_below(random, 1u << 30) / (double)(1u << 30);
}

static uint64_t threshold_of(double p) {
  return BT_THRESHOLD_END - (uint64_t)(p * (double)BT_THRESHOLD_END);
}

static const char *state_of(world *w, double p) {
  size_t i = 0;
  while (i < w->state_count && w->state_p[i] != p) i++;
  if (i == w->state_count) {
    assert_true(i < 8);
    w->state_p[w->state_count++] = p;
    snprintf(w->states[i], sizeof w->states[i], "ot=th:%014llx", (unsigned long long)threshold_of(p));
  }
  return w->states[i];
}

/* An id of which the last 56 bits are a randomness that this probability keeps. */
static void set_id(world *w, fake_trace *trace, double p) {
  uint64_t threshold = threshold_of(p), room = BT_THRESHOLD_END - threshold;
  uint64_t drawn = ((uint64_t)test_random_below(&w->random, 1u << 28) << 28) + test_random_below(&w->random, 1u << 28);
  uint64_t randomness = threshold + (room < BT_THRESHOLD_END ? drawn % room : drawn);
  for (int i = 15; i >= 9; i--, randomness >>= 8) trace->id.bytes[i] = (uint8_t)randomness;
  trace->id.bytes[8] = (uint8_t)w->number;
  trace->id.bytes[7] = (uint8_t)(w->number >> 8);
}

static void add_kept(world *w, size_t service, double p, int half, bool violates) {
  int64_t at_ns = NOON_NS + (half * 1790 + 5 + (int64_t)test_random_below(&w->random, 1780)) * SECOND_NS;
  fake_trace *trace = fake_add(&w->fake, ++w->number);
  set_id(w, trace, p);
  trace->entry = services[service];
  fake_span *slow = fake_span_add(trace, "slow", at_ns);
  slow->trace_state = state_of(w, p);
  if (!violates) fake_span_add(trace, "retry", at_ns + SECOND_NS)->trace_state = state_of(w, p);
}

static void add_half(world *w, const kind *k, size_t service, int half) {
  double p = k->p[service][half], of_violating = k->of_violating[service] > 0 ? k->of_violating[service] : p;
  uint64_t violating = (uint64_t)exp(6.4 * random_share(&w->random)) - 1;
  for (uint64_t i = 0; i < violating; i++)
    if (random_share(&w->random) < of_violating) add_kept(w, service, of_violating, half, true);
  for (uint64_t i = 0; i < SATISFYING_KEPT; i++) add_kept(w, service, p, half, false);
  w->happened += violating;
}

typedef struct told {
  bool claims, covers; /* nothing is claimed where nothing was read */
  bt_estimate estimate;
  uint64_t seen;
} told;

static told run_world(const kind *k, uint64_t seed, bool names_entries) {
  world *w = calloc(1, sizeof *w);
  replay_run *run = calloc(1, sizeof *run);
  told t = {0};
  assert_true(w && run);
  w->random = (test_random){seed * 2862933555777941757u + 3037000493u};
  fake_source_init(&w->fake);
  w->fake.promises.costs = bt_plain_costs;
  for (size_t service = 0; service < 2; service++)
    for (int half = 0; half < 2; half++) add_half(w, k, service, half);
  for (size_t i = 0; !names_entries && i < w->fake.trace_count; i++) w->fake.traces[i].entry = NULL;
  replay_run_init(run);
  replay_run_add(run, "retried", RULE);
  run->request.sample_seed = seed;
  run->request.sample_size = 8;
  replay_run_go(run, &w->fake);
  assert_int_equal(run->status, BT_OK);
  const bt_rule_result *rule = &run->result.rules[0];
  t.seen = rule->violations_found;
  t.claims = bt_sampled_traces_estimate(&run->result.coverage.sampling, &rule->violations_kept, t.seen, &t.estimate);
  t.covers = t.claims && t.estimate.low <= w->happened && w->happened <= t.estimate.high;
  replay_run_dispose(run);
  fake_source_dispose(&w->fake);
  free(run);
  free(w);
  return t;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median_of(double *values, size_t count) {
  qsort(values, count, sizeof *values, compare_doubles);
  return values[count / 2];
}

/* Returns how wide the intervals are, against those of the same worlds in a store that names no entry service. */
static double check_kind(const kind *k, uint64_t seed) {
  static double ratios[WORLDS];
  unsigned claimed = 0, covered = 0, compared = 0;
  for (uint64_t i = 0; i < WORLDS; i++) {
    told by_service = run_world(k, seed * 1000 + i, true);
    claimed += by_service.claims;
    covered += by_service.covers;
    if (!by_service.claims || by_service.seen < 10 || i % 4) continue;
    told wide = run_world(k, seed * 1000 + i, false);
    double width = (double)(wide.estimate.high - wide.estimate.low);
    assert_int_equal(wide.seen, by_service.seen);
    ratios[compared++] = (double)(by_service.estimate.high - by_service.estimate.low) / width;
  }
  double ratio = median_of(ratios, compared);
  printf("%-28s covered %5.1f %%; width %.2f of the wide one, of %u\n", k->name, covered * 100.0 / claimed, ratio,
         compared);
  assert_true(claimed >= WORLDS / 2 && covered >= 0.95 * claimed - 3.0902 * sqrt(claimed * 0.95 * 0.05));
  return ratio;
}

static void each_service_is_bounded_by_its_own(void **state) {
  (void)state;
  static const kind k = {"1 % and 50 %", {{0.01, 0.01}, {0.5, 0.5}}, {0, 0}};
  assert_true(check_kind(&k, 1) < 0.5);
}

/* A sampler that keeps for sure what violates, and says so: others of the service say nothing of it. */
static void what_violates_may_be_kept_otherwise(void **state) {
  (void)state;
  static const kind k = {"errors are kept for sure", {{0.05, 0.05}, {0.5, 0.5}}, {1, 0}};
  check_kind(&k, 2);
}

static void a_rate_that_changes_is_no_rate(void **state) {
  (void)state;
  static const kind k = {"a rate changes", {{0.02, 0.2}, {0.5, 0.5}}, {0, 0}};
  check_kind(&k, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_service_is_bounded_by_its_own),
      cmocka_unit_test(what_violates_may_be_kept_otherwise),
      cmocka_unit_test(a_rate_that_changes_is_no_rate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
