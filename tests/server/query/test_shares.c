/* Shares of sampled traces: intervals against worlds in which the true share is known. That coverage is not below 95 %
 * is tested one-sided at 0.1 %; what nobody can know is no share of all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/query/shares.h"
#include "tests/support/random.h"

/* ---- worlds ---- */

enum { WORLDS = 3000, STRATA_MAX = 4, MOST = 4000 };

static double random_share(test_random *random) {
  return test_random_below(random, 1u << 30) / (double)(1u << 30);
}

static uint64_t keep(test_random *random, uint64_t happened, double p) {
  uint64_t kept = 0;
  for (uint64_t i = 0; i < happened; i++) kept += random_share(random) < p;
  return kept;
}

typedef struct world {
  double violated, exercised; /* that happened */
  bt_kept_share share;
} world;

/* Small numbers, and small shares, as often as large ones. is_mixed: each probability has a share of its own. */
static world make_world(test_random *random, size_t strata, bool is_mixed) {
  static const double probabilities[] = {0.01, 0.05, 0.1, 0.5, 1};
  size_t first = test_random_below(random, 5);
  double part = pow(10, -2.5 * random_share(random));
  bt_share_stratum items[STRATA_MAX];
  world w = {0};
  for (size_t i = 0; i < strata; i++) {
    double p = probabilities[(first + i) % 5];
    uint64_t exercised = (uint64_t)exp(log(MOST) * random_share(random));
    if (is_mixed) part = pow(10, -2.5 * random_share(random));
    uint64_t violated = keep(random, exercised, part), seen = keep(random, violated, p);
    items[i] = (bt_share_stratum){p, seen, seen + keep(random, exercised - violated, p)};
    w.violated += (double)violated;
    w.exercised += (double)exercised;
  }
  w.share = bt_kept_share_weighted(items, strata);
  return w;
}

static bool covers(bt_interval interval, double truth) {
  return interval.low <= truth + 1e-9 && truth <= interval.high + 1e-9;
}

static void check_kind(size_t strata, bool is_mixed) {
  test_random random = test_random_start(10 * strata + is_mixed);
  unsigned shares = 0, differences = 0;
  for (int i = 0; i < WORLDS; i++) {
    world one = make_world(&random, strata, is_mixed), two = make_world(&random, strata, is_mixed);
    double first = one.violated / one.exercised, second = two.violated / two.exercised;
    shares += covers(one.share.interval, first);
    differences +=
        covers(bt_difference_interval(one.share.share, one.share.interval, two.share.share, two.share.interval),
               second - first);
  }
  double least = 0.95 * WORLDS - 3.0902 * sqrt(WORLDS * 0.95 * 0.05);
  printf("%zu probabilities, %s shares: covered %5.2f %%, differences %5.2f %%\n", strata, is_mixed ? "several" : "one",
         shares * 100.0 / WORLDS, differences * 100.0 / WORLDS);
  assert_true(shares >= least && differences >= least);
}

static void intervals_cover(void **state) {
  (void)state;
  for (size_t strata = 1; strata <= STRATA_MAX; strata++)
    for (int is_mixed = 0; is_mixed < 2; is_mixed++) check_kind(strata, is_mixed);
}

/* Where of each trace no more is known than the range: also where all that violates has the least, or the most. */
static void a_range_of_probabilities_covers(void **state) {
  (void)state;
  test_random random = test_random_start(77);
  for (int worst = 0; worst < 3; worst++) {
    unsigned covered = 0;
    for (int i = 0; i < WORLDS; i++) {
      double p[2] = {0.05 + 0.9 * random_share(&random), 0};
      p[1] = p[0] * (0.1 + 0.9 * random_share(&random));
      uint64_t violated = (uint64_t)exp(7 * random_share(&random)) - 1,
               others = (uint64_t)exp(7 * random_share(&random));
      uint64_t first = worst == 2 ? violated / 2 : 0, seen, exercised;
      seen = keep(&random, violated - first, p[worst == 1]) + keep(&random, first, p[1]);
      exercised = seen + keep(&random, others, p[worst != 1]);
      bt_kept_share share = bt_kept_share_within(p[1], p[0], seen, exercised);
      covered += covers(share.interval, (double)violated / (double)(violated + others));
    }
    printf("a range, kind %d: covered %5.2f %%\n", worst, covered * 100.0 / WORLDS);
    assert_true(covered >= 0.95 * WORLDS - 3.0902 * sqrt(WORLDS * 0.95 * 0.05));
  }
}

/* A version that kept 1 of 100 and broke the rule half the time is no worse off for being rarely seen. */
static void shares_are_of_what_happened(void **state) {
  (void)state;
  static const bt_share_stratum strata[] = {{0.01, 50, 100}, {1, 0, 10000}};
  bt_kept_share share = bt_kept_share_weighted(strata, 2);
  assert_true(fabs(share.share - 0.25) < 1e-9);
  assert_true(share.interval.low > 0.15 && share.interval.high < 0.35);
  static const bt_share_stratum one[] = {{0.1, 12, 240}};
  bt_kept_share of_one = bt_kept_share_weighted(one, 1);
  bt_interval wilson = bt_wilson_interval(12, 240);
  assert_true(fabs(of_one.interval.low - wilson.low) < 1e-9 && fabs(of_one.interval.high - wilson.high) < 1e-9);
  static const bt_share_stratum none[] = {{0.1, 0, 0}};
  assert_true(bt_kept_share_weighted(none, 1).interval.high == 1);
}

/* ---- what is known ---- */

static void add(bt_kept_traces *to, double p, uint64_t count) {
  bt_kept_trace kept = {.kind = p > 0 ? BT_KEEPING_ONE : BT_KEEPING_UNSAID, .probability = p};
  bt_kept_traces_add(to, &kept, count);
}

static void check_basis(const bt_sampled_traces *range, const bt_rule_result *counted, bt_share_basis expected) {
  bt_buffer said = {0};
  bt_share_basis basis = bt_kept_share_of(range, counted).basis;
  assert_string_equal(bt_share_basis_name(basis), bt_share_basis_name(expected));
  bt_share_say(range, basis, &said);
  assert_true(!said.len == !bt_sampled_traces_lack(range));
  bt_buffer_dispose(&said);
}

static void what_is_known_decides(void **state) {
  (void)state;
  bt_sampled_traces range = {0};
  bt_rule_result counted = {.violations_found = 3, .traces_exercised = 30};
  check_basis(&range, &counted, BT_SHARE_UNSAID);
  range.declared = (bt_declared_sampling){.kind = BT_SAMPLING_NONE, .text = "none"};
  check_basis(&range, &counted, BT_SHARE_OF_ALL);
  range = (bt_sampled_traces){0};
  add(&range.kept, 0.1, 40);
  check_basis(&range, &counted, BT_SHARE_OF_ALL);
  add(&range.kept, 0.5, 40); /* and of the 30 none was looked at */
  check_basis(&range, &counted, BT_SHARE_OF_KEPT);
  add(&counted.exercised_kept, 0.1, 10);
  add(&counted.exercised_kept, 0.5, 20);
  add(&counted.violations_kept, 0.1, 3);
  check_basis(&range, &counted, BT_SHARE_WEIGHTED);
  bt_kept_share share = bt_kept_share_of(&range, &counted);
  assert_true(fabs(share.share - 30.0 / 140) < 1e-9);
  add(&range.kept, 0, 1); /* one says nothing */
  check_basis(&range, &counted, BT_SHARE_OF_KEPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(intervals_cover), cmocka_unit_test(a_range_of_probabilities_covers),
      cmocka_unit_test(shares_are_of_what_happened), cmocka_unit_test(what_is_known_decides)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
