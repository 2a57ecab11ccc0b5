/* Changes of a rate in random ranges whose truth is known: rates that stay, traffic that comes and goes, violations
 * that come in bursts, a rise, a rise and its end, a gap. The seed of a failure is printed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "server/query/change_points.h"
#include "tests/support/random.h"
#include "tests/support/slow_build.h"

enum { STEPS = 480, WORLDS = ROUNDS_OF(2000, 200), SECONDS = 180, MILLION = 1000000 };
static const int64_t SECOND_NS = 1000000000;

static double draw_part(test_random *random) {
  return test_random_below(random, MILLION) / (double)MILLION;
}

static void begin_steps(bt_rate_step *steps, size_t count) {
  for (size_t i = 0; i < count; i++)
    steps[i] =
        (bt_rate_step){.start_ns = (int64_t)i * SECONDS * SECOND_NS, .end_ns = (int64_t)(i + 1) * SECONDS * SECOND_NS};
}

/* So many traces at random times of the step; from `begin` to `end`, in seconds, they violate at another rate. */
static void draw_step(test_random *random, bt_rate_step *step, unsigned traces, double rate, double other, double begin,
                      double end) {
  for (unsigned i = 0; i < traces; i++) {
    double at = (double)(step->start_ns / SECOND_NS) + draw_part(random) * SECONDS;
    step->exercised++;
    step->violations += draw_part(random) < (at >= begin && at < end ? other : rate);
  }
}

typedef struct world {
  bt_rate_step steps[STEPS];
  bool by_time;
} world;

static size_t find_changes(const world *w, bt_rate_change *out) {
  return bt_rate_changes_find(w->steps, STEPS, w->by_time, out);
}

static void draw_constant(test_random *random, world *w) {
  double rate = pow(10, -3 * draw_part(random)) * 0.9;
  unsigned traces = 1 + test_random_below(random, 40);
  begin_steps(w->steps, STEPS);
  w->by_time = test_random_below(random, 4) == 0;
  for (size_t i = 0; i < STEPS; i++) draw_step(random, &w->steps[i], traces, rate, rate, 0, 0);
}

/* A night without any, and a day of hundreds. */
static void draw_days(test_random *random, world *w) {
  double rate = pow(10, -2 * draw_part(random)) * 0.5;
  begin_steps(w->steps, STEPS);
  w->by_time = false;
  for (size_t i = 0; i < STEPS; i++) {
    double high = sin(3.14159 * (double)i / STEPS * 2) * 60;
    draw_step(random, &w->steps[i], high > 0 ? (unsigned)high : 0, rate, rate, 0, 0);
  }
}

/* All traces of a step violate, or none: one step of 8 to 20 is bad. Five bursts in all of the range would be rises. */
static void draw_bursts(test_random *random, world *w) {
  unsigned seldom = 8 + test_random_below(random, 13), traces = 1 + test_random_below(random, 30);
  begin_steps(w->steps, STEPS);
  w->by_time = false;
  for (size_t i = 0; i < STEPS; i++) {
    double rate = test_random_below(random, seldom) ? 0 : 1;
    draw_step(random, &w->steps[i], traces, rate, rate, 0, 0);
  }
}

static unsigned count_alarms(void (*draw)(test_random *random, world *w), uint64_t seed) {
  test_random random = test_random_start(seed);
  bt_rate_change changes[BT_CHANGES_MAX];
  unsigned alarms = 0;
  static world w;
  for (unsigned i = 0; i < WORLDS; i++) {
    draw(&random, &w);
    alarms += find_changes(&w, changes) > 0;
  }
  printf("%u of %u\n", alarms, (unsigned)WORLDS);
  return alarms;
}

static void a_rate_that_stays_has_no_change(void **state) {
  (void)state;
  assert_true(count_alarms(draw_constant, 11) * 100 <= WORLDS);
  assert_true(count_alarms(draw_days, 12) * 100 <= WORLDS);
}

static void bursts_are_no_changes(void **state) {
  (void)state;
  assert_true(count_alarms(draw_bursts, 13) * 20 <= WORLDS);
}

/* From 1, 2 or 5 % to five times that, at any time but the first and the last tenth. */
static void a_rise_is_found_and_lies_in_its_interval(void **state) {
  enum { RISES = ROUNDS_OF(600, 100) };
  test_random random = test_random_start(14);
  bt_rate_change changes[BT_CHANGES_MAX];
  unsigned found = 0, inside = 0;
  double width = 0;
  static world w;
  (void)state;
  for (unsigned i = 0; i < RISES; i++) {
    static const double rates[] = {0, 0.01, 0.05};
    double rate = rates[test_random_below(&random, 3)], all = STEPS * SECONDS,
           at = all * (0.1 + 0.8 * draw_part(&random));
    begin_steps(w.steps, STEPS);
    w.by_time = i % 4 == 0;
    for (size_t k = 0; k < STEPS; k++) draw_step(&random, &w.steps[k], 10, rate, rate * 5 + 0.05, at, all + 1);
    if (find_changes(&w, changes) != 1) continue;
    found++;
    inside += (double)changes[0].from_ns <= at * 1e9 && at * 1e9 <= (double)changes[0].to_ns;
    width += (double)(changes[0].to_ns - changes[0].from_ns) / 1e9 / SECONDS;
    assert_true(changes[0].from_ns <= changes[0].at_ns && changes[0].at_ns <= changes[0].to_ns);
    assert_true(changes[0].before.violations * 2 < changes[0].after.violations * 10);
  }
  printf("%u of %u found, %u inside, %.1f steps wide\n", found, (unsigned)RISES, inside, width / found);
  assert_true(found * 100 >= RISES * 97);
  assert_true(inside * 100 >= found * 93);
}

/* One that ends again has two, also at the end of the range, where it goes on. */
static void a_rise_and_its_end_are_two(void **state) {
  enum { FROM = 200, UNTIL = 230 };
  test_random random = test_random_start(15);
  bt_rate_change changes[BT_CHANGES_MAX];
  static world w;
  (void)state;
  begin_steps(w.steps, STEPS);
  for (size_t k = 0; k < STEPS; k++) draw_step(&random, &w.steps[k], 20, 0.01, 0.2, FROM * SECONDS, UNTIL * SECONDS);
  assert_int_equal(find_changes(&w, changes), 2);
  assert_in_range(changes[0].at_ns / SECOND_NS / SECONDS, FROM - 3, FROM + 3);
  assert_in_range(changes[1].at_ns / SECOND_NS / SECONDS, UNTIL - 3, UNTIL + 3);
  assert_true(changes[0].after.violations == changes[1].before.violations);
  begin_steps(w.steps, STEPS);
  for (size_t k = 0; k < STEPS; k++)
    draw_step(&random, &w.steps[k], 20, 0.01, 0.3, (STEPS - 9) * SECONDS, (STEPS + 1) * SECONDS);
  assert_int_equal(find_changes(&w, changes), 1);
  assert_in_range(changes[0].at_ns / SECOND_NS / SECONDS, STEPS - 12, STEPS - 7);
}

/* Steps 100 to 199 are not known, and the rate changed among them. */
static void a_gap_is_within_the_interval(void **state) {
  test_random random = test_random_start(16);
  bt_rate_change changes[BT_CHANGES_MAX];
  static world w;
  (void)state;
  begin_steps(w.steps, STEPS);
  for (size_t k = 0; k < STEPS; k++) draw_step(&random, &w.steps[k], 20, 0, 0.5, 150 * SECONDS, STEPS * SECONDS);
  memmove(&w.steps[100], &w.steps[200], (STEPS - 200) * sizeof w.steps[0]);
  assert_int_equal(bt_rate_changes_find(w.steps, STEPS - 100, false, changes), 1);
  assert_true(changes[0].from_ns <= 100 * SECONDS * SECOND_NS && changes[0].to_ns >= 200 * SECONDS * SECOND_NS);
  assert_int_equal(changes[0].before.violations, 0);
}

static void few_are_no_change(void **state) {
  bt_rate_change changes[BT_CHANGES_MAX];
  static world w;
  (void)state;
  begin_steps(w.steps, STEPS);
  assert_int_equal(find_changes(&w, changes), 0); /* nothing was exercised */
  for (size_t k = 0; k < STEPS; k++) w.steps[k].exercised = 10;
  assert_int_equal(find_changes(&w, changes), 0); /* nothing violated */
  for (size_t k = STEPS - 3; k < STEPS; k++) w.steps[k].violations = 1;
  assert_int_equal(find_changes(&w, changes), 0); /* three did */
  for (size_t k = STEPS - 3; k < STEPS; k++) w.steps[k].violations = 4;
  assert_int_equal(find_changes(&w, changes), 1);
  assert_int_equal(bt_rate_changes_find(w.steps + STEPS - 7, 7, false, changes), 0); /* seven steps are too few */
  for (size_t k = 0; k < STEPS; k++) w.steps[k].violations = w.steps[k].exercised = 10;
  assert_int_equal(find_changes(&w, changes), 0); /* all do */
}

/* Numbers of public reports about other detectors: one step of 25 that is 10,000 times as high
 * (elastic/elasticsearch 127517), 24 equal ones (97588), and 22 zeros before eight that are not (154973). */
static void what_others_missed(void **state) {
  enum { SPIKE = 25, EQUAL = 24, ZEROS = 22, SPARSE = 30 };
  bt_rate_change changes[BT_CHANGES_MAX];
  bt_rate_step steps[SPARSE];
  (void)state;
  begin_steps(steps, SPARSE);
  for (size_t i = 0; i < SPARSE; i++) steps[i].violations = i == 12 ? 500001 : 51;
  assert_int_equal(bt_rate_changes_find(steps, SPIKE, true, changes), 2);
  assert_int_equal(changes[0].at_ns, steps[12].start_ns);
  assert_int_equal(changes[1].at_ns, steps[12].end_ns);
  steps[12].violations = 51;
  assert_int_equal(bt_rate_changes_find(steps, EQUAL, true, changes), 0);
  for (size_t i = 0; i < SPARSE; i++) steps[i].violations = i < ZEROS ? 0 : 3;
  assert_int_equal(bt_rate_changes_find(steps, SPARSE, true, changes), 1);
  assert_int_equal(changes[0].at_ns, steps[ZEROS].start_ns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_rate_that_stays_has_no_change),
      cmocka_unit_test(bursts_are_no_changes),
      cmocka_unit_test(a_rise_is_found_and_lies_in_its_interval),
      cmocka_unit_test(a_rise_and_its_end_are_two),
      cmocka_unit_test(a_gap_is_within_the_interval),
      cmocka_unit_test(few_are_no_change),
      cmocka_unit_test(what_others_missed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
