/* Rules that fall silent, in made traffic: day and night, weekends, deploys that move shares, and what is missing. The
 * numbers of no look follow from the code under test: expected counts are those that the traffic was made with. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/mine/silence.h"

enum { AN_HOUR = 4, A_DAY = 96, DAYS = 21, STEPS = DAYS * A_DAY, FIRST_LOOK = 7 * A_DAY, RULES = 100 };
static const int64_t FIRST_S = 1767225600; /* 2026-01-01T00:00:00Z, a Thursday */

static uint64_t state;

static double uniform(void) {
  state += UINT64_C(0x9e3779b97f4a7c15);
  uint64_t z = state;
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void) {
  return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

/* Of n, each with this probability. */
static uint32_t binomial(uint32_t n, double p) {
  double mean = n * p, deviation = sqrt(mean * (1 - p));
  if (deviation > 12) {
    double x = floor(mean + deviation * normal() + 0.5);
    return x < 0 ? 0 : x > n ? n : (uint32_t)x;
  }
  uint32_t count = 0;
  for (uint32_t i = 0; i < n; i++) count += uniform() < p;
  return count;
}

static double wave(size_t step) {
  return sin(6.283185307179586 * ((double)(step % A_DAY) / A_DAY - 0.3));
}

static bool is_weekend(size_t step) {
  size_t day = (step / A_DAY + 4) % 7;
  return day == 0 || day == 6;
}

/* 40 to 900 traces a step by day and night, a third of it on weekends. */
static uint32_t traffic_at(size_t step) {
  double mean = (470 + 430 * wave(step)) * (is_weekend(step) ? 0.33 : 1) * exp(0.05 * normal());
  return (uint32_t)(mean + sqrt(mean) * normal() + 0.5);
}

typedef struct world {
  uint32_t traces[STEPS];
  bt_silence_step rules[RULES][STEPS];
  double expected[RULES][STEPS];
} world;

/* Rules from 1 in 3,000 traces to nearly all; some by day alone, some on weekdays alone. Each deploy (one a day) moves
 * each share by some percent, for good. */
static world *make_world(uint64_t seed) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  state = seed;
  for (size_t i = 0; i < STEPS; i++) w->traces[i] = traffic_at(i);
  for (size_t r = 0; r < RULES; r++) {
    double share = pow(10, -3.5 + 3.4 * (double)r / RULES), moved = 1;
    bool by_day = r % 10 == 3, on_weekdays = r % 10 == 7;
    for (size_t i = 0; i < STEPS; i++) {
      if (i % A_DAY == 40) moved = fmin(1.6, fmax(0.6, moved * exp(0.08 * normal())));
      double now = fmin(0.98, share * moved);
      if (by_day) now *= fmax(0.02, 0.5 + 0.5 * wave(i));
      if (on_weekdays && is_weekend(i)) now *= 0.05;
      w->expected[r][i] = w->traces[i] * now;
      w->rules[r][i] = (bt_silence_step){w->traces[i], binomial(w->traces[i], now), true};
    }
  }
  return w;
}

static bt_silence look(const bt_silence_step *steps, size_t until) {
  return bt_silence_look(steps, until, FIRST_S);
}

static void test_two_weeks_of_a_hundred_rules_give_no_alarm(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 1; seed++) {
    world *w = make_world(seed);
    for (size_t r = 0; r < RULES; r++)
      for (size_t until = FIRST_LOOK; until <= STEPS; until++)
        if (look(w->rules[r], until).state == BT_SILENCE_FALLEN)
          fail_msg("seed %d: rule %zu at step %zu of a world where nothing fell", (int)seed, r, until);
    free(w);
  }
}

/* The first look that tells it; `from` on nothing exercises it. */
static size_t silence_rule(world *w, size_t r, size_t from, bt_silence *told) {
  for (size_t i = from; i < STEPS; i++) w->rules[r][i].exercised = 0;
  for (size_t until = from + 1; until <= STEPS; until++) {
    *told = look(w->rules[r], until);
    if (told->state == BT_SILENCE_FALLEN) return until;
  }
  return 0;
}

static double expected_between(const world *w, size_t r, size_t from, size_t until) {
  double sum = 0;
  for (size_t i = from; i < until; i++) sum += w->expected[r][i];
  return sum;
}

/* Each rule alone, at a time of its own. A step in which 25 were expected is enough, whatever chance did to the past;
 * else it is told before four times as many as a chance of one in a million needs. */
static void test_each_rule_that_falls_silent_is_told(void **unused) {
  (void)unused;
  size_t at_once = 0, later = 0;
  world *w = NULL;
  for (size_t r = 0; r < RULES; r++) {
    if (r % 25 == 0) {
      free(w);
      w = make_world(100 + r / 25);
    }
    bt_silence told = {0};
    size_t from = 10 * A_DAY + (r * 37) % (4 * A_DAY), until = 0;
    double all = expected_between(w, r, from, STEPS);
    until = silence_rule(w, r, from, &told);
    if (!until && all < 60) continue;
    if (!until) fail_msg("rule %zu: %.0f were expected, and nothing was told", r, all);
    double step = w->expected[r][from], needed = expected_between(w, r, from, until - 1);
    if (step >= 25 && until > from + 1 && r % 10 != 3 && r % 10 != 7)
      fail_msg("rule %zu: %.0f expected in the first step, told after %zu", r, step, until - from);
    if (needed > 140) fail_msg("rule %zu: told after %.0f were expected", r, needed);
    assert_true((double)told.seen <= told.expected / 4);
    assert_true(told.chance < 1e-6);
    assert_true(told.since <= from && told.since + 2 * A_DAY > from);
    if (until == from + 1)
      at_once++;
    else
      later++;
  }
  free(w);
  assert_true(at_once >= 30 && later >= 20);
}

static void test_one_of_a_hundred(void **unused) {
  (void)unused;
  world *w = make_world(7);
  size_t from = 12 * A_DAY + 50;
  bt_silence told;
  assert_true(silence_rule(w, 60, from, &told) > from);
  assert_int_equal(told.since, from);
  for (size_t r = 0; r < RULES; r++)
    for (size_t until = from; until <= STEPS; until++)
      if (r != 60) assert_int_equal(look(w->rules[r], until).state, BT_SILENCE_NONE);
  free(w);
}

static void test_without_traffic_nothing_is_told(void **unused) {
  (void)unused;
  world *w = make_world(8);
  for (size_t r = 50; r < RULES; r++) {
    for (size_t i = 12 * A_DAY; i < STEPS; i++) w->rules[r][i] = (bt_silence_step){0, 0, r % 2 == 0};
    assert_int_not_equal(look(w->rules[r], STEPS).state, BT_SILENCE_FALLEN);
  }
  free(w);
}

static void test_without_a_past_nothing_is_told(void **unused) {
  (void)unused;
  world *w = make_world(9);
  bt_silence_step steps[A_DAY];
  memcpy(steps, w->rules[90], sizeof steps);
  for (size_t i = A_DAY / 2; i < A_DAY; i++) steps[i].exercised = 0;
  assert_int_equal(look(steps, A_DAY).state, BT_SILENCE_NO_PAST);
  for (size_t i = 2 * A_DAY; i < 4 * A_DAY; i++) w->rules[90][i].exercised = 0; /* the first weekend */
  for (size_t until = 2 * A_DAY; until <= 4 * A_DAY; until++)
    assert_int_not_equal(look(w->rules[90], until).state, BT_SILENCE_FALLEN);
  assert_int_equal(look(steps, 0).state, BT_SILENCE_NO_PAST);
  free(w);
}

/* What comes by fits and starts was as quiet before. */
static void test_bursts_are_no_alarm(void **unused) {
  (void)unused;
  world *w = make_world(10);
  for (uint64_t seed = 0; seed < 20; seed++) {
    bt_silence_step steps[STEPS];
    state = 1000 + seed;
    double share = 0;
    for (size_t i = 0; i < STEPS; i++) {
      if (i % 16 == 0) share = uniform() < 0.15 ? 0.2 * uniform() : 0;
      steps[i] = (bt_silence_step){w->traces[i], binomial(w->traces[i], share), true};
    }
    for (size_t until = FIRST_LOOK; until <= STEPS; until += 3)
      assert_int_not_equal(look(steps, until).state, BT_SILENCE_FALLEN);
  }
  free(w);
}

/* Every night at two; once at ten to three, and once not at all. */
static void test_a_nightly_job_may_be_late_and_is_missed(void **unused) {
  (void)unused;
  bt_silence_step steps[STEPS];
  for (size_t i = 0; i < STEPS; i++) {
    bool is_late = i / A_DAY == 14;
    bool comes = i % A_DAY == (is_late ? 3 : 2) * AN_HOUR;
    steps[i] = (bt_silence_step){300, comes ? 200 : 0, true};
  }
  for (size_t until = FIRST_LOOK; until <= STEPS; until++)
    assert_int_not_equal(look(steps, until).state, BT_SILENCE_FALLEN);
  for (size_t i = 18 * A_DAY; i < STEPS; i++) steps[i].exercised = 0;
  bool is_told = false;
  for (size_t until = 18 * A_DAY; until <= 20 * A_DAY; until++)
    is_told = is_told || look(steps, until).state == BT_SILENCE_FALLEN;
  assert_true(is_told);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_two_weeks_of_a_hundred_rules_give_no_alarm),
      cmocka_unit_test(test_each_rule_that_falls_silent_is_told),
      cmocka_unit_test(test_one_of_a_hundred),
      cmocka_unit_test(test_without_traffic_nothing_is_told),
      cmocka_unit_test(test_without_a_past_nothing_is_told),
      cmocka_unit_test(test_bursts_are_no_alarm),
      cmocka_unit_test(test_a_nightly_job_may_be_late_and_is_missed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
