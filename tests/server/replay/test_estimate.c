/* How many traces happened, from those that a sample kept. The bounds of one probability are held against sums of the
 * binomial distribution itself, and the intervals against 10,000 worlds of each kind, in which the true number is
 * known. That coverage is not below 95 % is tested one-sided at 0.1 %. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/base/binomial.h"
#include "server/replay/estimate.h"
#include "tests/support/random.h"

/* ---- one probability: exact ---- */

/* P(X ≤ k), X of n, by adding up. */
static long double at_most(uint64_t k, uint64_t n, long double p) {
  long double sum = 0;
  for (uint64_t i = 0; i <= k && i <= n; i++) {
    long double chosen = lgammal((long double)n + 1) - lgammal((long double)i + 1) - lgammal((long double)(n - i) + 1);
    sum += expl(chosen + (long double)i * logl(p) + (long double)(n - i) * log1pl(-p));
  }
  return sum;
}

static void bounds_are_those_of_the_distribution(void **state) {
  (void)state;
  static const double probabilities[] = {0.01, 0.05, 0.1, 0.15, 0.5, 0.9, 0.999};
  static const uint64_t seen[] = {0, 1, 2, 3, 5, 12, 40};
  for (size_t p = 0; p < sizeof probabilities / sizeof *probabilities; p++)
    for (size_t s = 0; s < sizeof seen / sizeof *seen; s++) {
      long double q = (long double)probabilities[p];
      uint64_t k = seen[s], least = bt_binomial_least(k, probabilities[p], 0.025),
               most = bt_binomial_most(k, probabilities[p], 0.025);
      assert_true(at_most(k, most, q) > 0.025L && at_most(k, most + 1, q) <= 0.025L);
      assert_true(!k || 1 - at_most(k - 1, least, q) >= 0.025L - 1e-12L);
      assert_true(k < 1 || least == k || 1 - at_most(k - 1, least - 1, q) < 0.025L);
      assert_true(k || !least);
    }
  assert_int_equal(bt_binomial_least(12, 0.1, 0.025), 65); /* sampling.md */
  assert_int_equal(bt_binomial_most(12, 0.1, 0.025), 205);
  assert_int_equal(bt_binomial_most(0, 0.1, 0.025), 35);
  assert_true(bt_binomial_least(7, 1, 0.025) == 7 && bt_binomial_most(7, 1, 0.025) == 7);
}

/* Of SciPy 1.17, nbinom.ppf: large numbers, where adding up is no use. */
static void large_counts_have_bounds(void **state) {
  (void)state;
  static const struct {
    uint64_t seen;
    double p;
    uint64_t least, most;
  } cases[] = {
      {1000, 0.1, UINT64_C(9421), UINT64_C(10606)},
      {12345, 0.01, UINT64_C(1212927), UINT64_C(1256362)},
      {1000000, 0.05, UINT64_C(19961812), UINT64_C(20038244)},
      {99999, 0.5, UINT64_C(199123), UINT64_C(200877)},
      {5000000, 0.001, UINT64_C(4995620526), UINT64_C(5004382367)},
      {100, 1e-06, UINT64_C(81364001), UINT64_C(121626782)},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double least = (double)bt_binomial_least(cases[i].seen, cases[i].p, 0.025);
    double most = (double)bt_binomial_most(cases[i].seen, cases[i].p, 0.025);
    assert_true(fabs(least - (double)cases[i].least) <= 1 + 1e-8 * least);
    assert_true(fabs(most - (double)cases[i].most) <= 1 + 1e-8 * most);
  }
  assert_true(bt_binomial_most(UINT64_C(1) << 61, 1e-9, 0.025) == UINT64_MAX);
}

/* ---- worlds ---- */

/* From 0 up to 1, which is not reached. */
static double random_share(test_random *random) {
  return test_random_below(random, 1u << 30) / (double)(1u << 30);
}

enum { WORLDS = 10000, STRATA_MAX = 24 };

typedef struct world {
  uint64_t happened;
  bt_kept_group groups[STRATA_MAX];
  size_t count;
} world;

static uint64_t keep(test_random *random, uint64_t happened, double p) {
  uint64_t kept = 0;
  for (uint64_t i = 0; i < happened; i++) kept += random_share(random) < p;
  return kept;
}

static void add_stratum(world *w, test_random *random, uint64_t happened, double p) {
  w->happened += happened;
  w->groups[w->count++] = (bt_kept_group){p, p, keep(random, happened, p)};
}

/* From 0 up to some 600, the small ones as often as the large ones. */
static uint64_t some_number(test_random *random) {
  return (uint64_t)exp(6.4 * random_share(random)) - 1;
}

typedef void (*make_world)(test_random *random, world *w);

static void of_one(test_random *random, world *w, double p) {
  add_stratum(w, random, some_number(random), p);
}
static void of_1(test_random *random, world *w) {
  of_one(random, w, 0.01);
}
static void of_5(test_random *random, world *w) {
  of_one(random, w, 0.05);
}
static void of_15(test_random *random, world *w) {
  of_one(random, w, 0.15);
}
static void of_50(test_random *random, world *w) {
  of_one(random, w, 0.5);
}

static void of_three_services(test_random *random, world *w) {
  static const double p[] = {0.01, 0.05, 0.15, 0.5};
  size_t first = test_random_below(random, 4);
  for (size_t i = 0; i < 3; i++) add_stratum(w, random, some_number(random), p[(first + i) % 4]);
}

/* The rate is another one in some hours of a day; hours of one rate are one stratum. */
static void of_hours(test_random *random, world *w) {
  static const double p[] = {0.02, 0.05, 0.1, 0.2};
  double rate = p[test_random_below(random, 4)];
  for (size_t i = 0; i < STRATA_MAX; i++) {
    if (test_random_below(random, 6) == 0) rate = p[test_random_below(random, 4)];
    add_stratum(w, random, some_number(random) / 8, rate);
  }
}

/* A tail sampler keeps what has an error, and of the rest a part. */
static void of_tail_sampler(test_random *random, world *w) {
  add_stratum(w, random, some_number(random), 1);
  add_stratum(w, random, some_number(random), 0.05);
}

static void check_kind(const char *name, make_world make, uint64_t seed) {
  test_random random = test_random_start(seed);
  unsigned covered = 0, of_none = 0, none_covered = 0;
  for (int i = 0; i < WORLDS; i++) {
    world w = {0};
    make(&random, &w);
    bt_estimate estimate = bt_estimate_happened(w.groups, w.count);
    bool holds = estimate.low <= w.happened && w.happened <= estimate.high;
    uint64_t seen = 0;
    for (size_t g = 0; g < w.count; g++) seen += w.groups[g].seen;
    covered += holds;
    of_none += !seen;
    none_covered += !seen && holds;
    assert_true(estimate.low >= seen || !seen);
  }
  double least = 0.95 * WORLDS - 3.0902 * sqrt(WORLDS * 0.95 * 0.05);
  printf("%-16s covered %5.2f %%; none seen in %4u, of these covered %u\n", name, covered * 100.0 / WORLDS, of_none,
         none_covered);
  assert_true(covered >= least);
}

static void intervals_cover(void **state) {
  (void)state;
  check_kind("1 %", of_1, 1);
  check_kind("5 %", of_5, 2);
  check_kind("15 %", of_15, 3);
  check_kind("50 %", of_50, 4);
  check_kind("three services", of_three_services, 5);
  check_kind("by the hour", of_hours, 6);
  check_kind("a tail sampler", of_tail_sampler, 7);
}

/* Where of each trace no more is known than the range of probabilities: hours of several rates, say. */
static void a_range_of_probabilities_covers(void **state) {
  (void)state;
  test_random random = test_random_start(8);
  unsigned covered = 0;
  for (int i = 0; i < WORLDS; i++) {
    world w = {0};
    uint64_t seen = 0;
    of_three_services(&random, &w);
    double least = 1, most = 0;
    for (size_t g = 0; g < w.count; g++) {
      seen += w.groups[g].seen;
      least = fmin(least, w.groups[g].least);
      most = fmax(most, w.groups[g].most);
    }
    bt_estimate estimate = bt_estimate_within(least, most, seen);
    covered += estimate.low <= w.happened && w.happened <= estimate.high;
    assert_true(estimate.low >= seen);
  }
  printf("a range          covered %5.2f %%\n", covered * 100.0 / WORLDS);
  assert_true(covered >= 0.95 * WORLDS - 3.0902 * sqrt(WORLDS * 0.95 * 0.05));
}

/* A bound from none seen has to hold whatever the true number is: the number that is the least likely to be covered. */
static void none_seen_is_covered_at_every_number(void **state) {
  (void)state;
  static const double p[] = {0.01, 0.05, 0.15, 0.5};
  for (size_t i = 0; i < 4; i++) {
    uint64_t most = bt_binomial_most(0, p[i], 0.025);
    test_random random = test_random_start(100 + i);
    unsigned missed = 0;
    for (int w = 0; w < WORLDS; w++) missed += !keep(&random, most + 1, p[i]);
    assert_true(missed <= 0.025 * WORLDS + 3.0902 * sqrt(WORLDS * 0.025 * 0.975));
  }
}

/* What is known in part alone is not narrower than what is known. */
static void less_knowledge_is_no_narrower(void **state) {
  (void)state;
  bt_kept_group known[] = {{0.1, 0.1, 7}, {0.5, 0.5, 3}}, vague[] = {{0.1, 0.5, 10}};
  bt_estimate of_known = bt_estimate_happened(known, 2), of_vague = bt_estimate_happened(vague, 1);
  assert_true(of_vague.low <= of_known.low && of_vague.high >= of_known.high);
  assert_true(bt_estimate_happened(NULL, 0).low == 0 && bt_estimate_happened(NULL, 0).high == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bounds_are_those_of_the_distribution),
                                     cmocka_unit_test(large_counts_have_bounds),
                                     cmocka_unit_test(intervals_cover),
                                     cmocka_unit_test(a_range_of_probabilities_covers),
                                     cmocka_unit_test(none_seen_is_covered_at_every_number),
                                     cmocka_unit_test(less_knowledge_is_no_narrower)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
