/* Habits: exact tests, planted promises that come first, and worlds in which nothing depends on anything. The sample
 * shop is asked in tests/http/test_cli_suggest.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/mine/habit.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"
#include "tests/support/trace_text.h"

/* ---- exact tests ---- */

static void expect_near(double value, double expected) {
  if (fabs(value - expected) > 1e-9 * expected) fail_msg("%.17g is not %.17g", value, expected);
}

/* Values of sums of whole binomial coefficients. */
static void test_exact_tests_are_those_of_a_reference(void **state) {
  (void)state;
  static const struct {
    bt_share first, second;
    double value;
  } shares[] = {{{3, 3}, {0, 3}, 0.05},
                {{8, 10}, {1, 6}, 0.024475524475524476},
                {{50, 50}, {30, 60}, 1.4135945173841412e-10},
                {{500, 1000}, {480, 1000}, 0.1976998390470136},
                {{10, 10}, {10, 10}, 1},
                {{0, 5}, {3, 5}, 1},
                {{30, 1000}, {5, 1000}, 9.577787785718688e-06},
                {{999, 1000}, {950, 1000}, 1.2626000711582917e-14},
                {{0, 0}, {3, 5}, 1}};
  for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
    expect_near(bt_share_exceeds(shares[i].first, shares[i].second), shares[i].value);
  expect_near(bt_signs_exceed(5, 0), 0.03125);
  expect_near(bt_signs_exceed(10, 3), 0.046142578125);
  expect_near(bt_signs_exceed(3, 10), 0.98876953125);
  expect_near(bt_signs_exceed(100, 70), 0.012922193790670845);
  expect_near(bt_signs_exceed(0, 0), 1);
}

/* ---- worlds ---- */

typedef void (*world)(test_random *random, unsigned number, char *text, size_t size);

static bt_mine_sample *sample_of(world w, test_random *random, unsigned count) {
  bt_mine_sample *sample = NULL;
  char text[2048], message[256];
  bt_arena arena;
  bt_arena_init(&arena, 1 << 20);
  assert_int_equal(bt_mine_sample_new(3, count, 1 << 26, &sample, NULL), BT_OK);
  for (unsigned i = 1; i <= count; i++) {
    w(random, i, text, sizeof text);
    bt_arena_reset(&arena);
    const bt_trace *read = trace_text_read(&arena, text, message, sizeof message);
    if (!read) fail_msg("%s in %s", message, text);
    bt_trace trace = *read;
    uint64_t id[2] = {(uint64_t)i << 32 | test_random_below(random, 1u << 30), test_random_below(random, 1u << 30)};
    memcpy(trace.id.bytes, id, sizeof id);
    assert_int_equal(bt_mine_sample_add(sample, &trace, BT_MINE_BASELINE, NULL), BT_OK);
  }
  assert_int_equal(bt_mine_sample_finish(sample, NULL), BT_OK);
  bt_arena_dispose(&arena);
  return sample;
}

static void append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *format, ...) {
  size_t length = strlen(text);
  va_list list;
  va_start(list, format);
  vsnprintf(text + length, size - length, format, list);
  va_end(list);
}

/* A sum over 100 is checked, a private read is noted, nothing is sent before it was prepared, rows are read in at most
 * four calls. Each trace has a log, and x before y by the clock alone. */
static void write_promises(test_random *random, unsigned number, char *text, size_t size) {
  unsigned sum = test_random_below(random, 200), prepared = 20 + test_random_below(random, 60);
  bool reads = test_random_below(random, 10) < 4, is_private = test_random_below(random, 2);
  snprintf(text, size, "a in service=front at=%us duration=%ums tenant=t%u\n", number,
           300 + test_random_below(random, 2000), test_random_below(random, 5));
  append(text, size, ". b log service=front at=%us1ms duration=%ums\n", number, 1 + test_random_below(random, 90));
  append(text, size, ". c x service=front at=%us3ms duration=%ums\n", number, 1 + test_random_below(random, 90));
  append(text, size, ". d y service=front at=%us5ms duration=%ums\n", number, 1 + test_random_below(random, 90));
  append(text, size, ". e pay service=money at=%us7ms duration=%ums sum=%u\n", number,
         1 + test_random_below(random, 90), sum);
  if (sum > 100) append(text, size, ".. f check service=money at=%us8ms duration=1ms\n", number);
  if (reads) {
    unsigned rows = 2 + test_random_below(random, 3);
    append(text, size, ". g read service=store at=%us9ms duration=%ums of=%s\n", number,
           1 + test_random_below(random, 90), is_private ? "person" : "thing");
    if (is_private) append(text, size, ".. h note service=store at=%us10ms duration=1ms\n", number);
    for (unsigned r = 0; r < rows; r++)
      append(text, size, ".. r%u row service=store at=%us%ums duration=%ums\n", r, number, 11 + r,
             1 + test_random_below(random, 90));
  }
  append(text, size, ". i prepare service=post at=%us%ums duration=%ums\n", number, prepared,
         1 + test_random_below(random, 90));
  append(text, size, ". j send service=post at=%us%ums duration=%ums\n", number,
         prepared + 1 + test_random_below(random, 5), 1 + test_random_below(random, 90));
}

static bool is_named(const bt_mine_sample *sample, uint32_t number, const char *name) {
  return bt_str_equal(sample->names[number].name, bt_str_from(name));
}

/* Its place; -1: it is not told. */
static int place_of(const bt_mine_sample *sample, const bt_habits *habits, bt_behaviour_kind kind, const char *a,
                    const char *b) {
  for (size_t i = 0; i < habits->count; i++) {
    const bt_behaviour *found = habits->items[i].behaviour;
    if (found->kind == kind && is_named(sample, found->a, a) && is_named(sample, found->b, b)) return (int)i;
  }
  return -1;
}

static void test_promises_come_first(void **state) {
  (void)state;
  bt_habits habits;
  test_random random = test_random_start(581);
  bt_mine_sample *sample = sample_of(write_promises, &random, 3000);
  assert_int_equal(bt_habits_find(sample, 0.999, &habits, NULL), BT_OK);
  assert_int_equal(place_of(sample, &habits, BT_BEHAVE_PRESENCE, "pay", "check"), 0);
  assert_int_equal(place_of(sample, &habits, BT_BEHAVE_PRESENCE, "read", "note"), 1);
  const bt_habit *check = &habits.items[0];
  assert_int_equal(check->behaviour->test.kind, BT_TEST_ABOVE);
  assert_true(check->behaviour->test.bound == 100);
  assert_true(check->kept.kept == check->kept.all && check->kept.all > 500);
  assert_true(check->without.kept == 0 && check->without.all + check->kept.all == habits.confirming);
  assert_true(isinf(check->lift) && check->lift_at_least > 20 && check->probability < 1e-100);
  assert_true(check->members > 1); /* no check where the sum is not above */
  int order = place_of(sample, &habits, BT_BEHAVE_ORDER, "prepare", "send");
  assert_true(order >= 2 && habits.items[order].class == BT_HABIT_PAIR && habits.items[order].lift < 2.5);
  int rows = place_of(sample, &habits, BT_BEHAVE_COUNT, "read", "row");
  assert_true(rows > order && habits.items[rows].behaviour->bound == 4 && habits.items[rows].lift < 1.5);
  bt_habits_dispose(&habits);
  bt_mine_sample_free(sample);
}

/* What every trace has, what is before something by the clock alone, and what is said already. */
static void test_accidents_are_not_told(void **state) {
  (void)state;
  static const char *const always[] = {"log", "x", "y", "pay", "prepare", "send"};
  bt_habits habits;
  test_random random = test_random_start(582);
  bt_mine_sample *sample = sample_of(write_promises, &random, 3000);
  assert_int_equal(bt_habits_find(sample, 0.999, &habits, NULL), BT_OK);
  assert_true(habits.incomparable > 5);
  for (size_t i = 0; i < habits.count; i++) {
    const bt_behaviour *b = habits.items[i].behaviour;
    assert_true(b->kind != BT_BEHAVE_ABSENCE);
    for (size_t n = 0; n < 6 && b->kind <= BT_BEHAVE_PRESENCE; n++) assert_false(is_named(sample, b->b, always[n]));
    assert_true(b->kind != BT_BEHAVE_ORDER || (is_named(sample, b->a, "prepare") && is_named(sample, b->b, "send")));
    assert_true(habits.items[i].lift_at_least >= BT_HABIT_LIFT);
  }
  bt_habits_dispose(&habits);
  bt_mine_sample_free(sample);
}

/* Two kinds of traces of one service: what all of one kind have is no accident where the other kind has none of it. */
static void write_two_kinds(test_random *random, unsigned number, char *text, size_t size) {
  bool is_order = test_random_below(random, 3);
  snprintf(text, size, "a %s service=front at=%us duration=90ms\n", is_order ? "order" : "ping", number);
  if (is_order && test_random_below(random, 400)) append(text, size, ". b authorize service=front\n");
  if (is_order) append(text, size, ". c charge service=front\n");
}

static void test_equivalents_have_one_spokesman(void **state) {
  (void)state;
  bt_habits habits;
  test_random random = test_random_start(583);
  bt_mine_sample *sample = sample_of(write_two_kinds, &random, 1500);
  assert_int_equal(bt_habits_find(sample, 0.99, &habits, NULL), BT_OK);
  int place = place_of(sample, &habits, BT_BEHAVE_CHILD, "order", "authorize");
  assert_true(place >= 0);
  const bt_habit *habit = &habits.items[place];
  assert_true(habit->kept.kept < habit->kept.all || habit->kept.all > 400);
  assert_true(habit->without.kept == 0 && habit->without.all > 100);
  assert_int_equal(place_of(sample, &habits, BT_BEHAVE_PRESENCE, "charge", "authorize"), -1);
  assert_int_equal(place_of(sample, &habits, BT_BEHAVE_PRESENCE, "authorize", "charge"), -1);
  bt_habits_dispose(&habits);
  bt_mine_sample_free(sample);
}

/* Every value that anything could depend on is drawn for itself. */
static void write_nothing(test_random *random, unsigned number, char *text, size_t size) {
  static const unsigned chances[] = {30, 50, 70, 90, 96, 98, 99};
  snprintf(text, size, "a in service=front at=%us duration=%ums tier=v%u\n", number,
           200 + test_random_below(random, 1000), test_random_below(random, 3));
  for (unsigned i = 0; i < 7; i++) {
    if (test_random_below(random, 100) >= chances[i]) continue;
    append(text, size, ". %c name%u service=s%u at=%us%ums duration=%ums size=%u color=c%u%s\n", 'b' + i, i, i % 3,
           number, 1 + 7 * i + test_random_below(random, 9), 1 + test_random_below(random, 90),
           test_random_below(random, 500), test_random_below(random, 4),
           test_random_below(random, 100) < 4 ? " status=error" : "");
  }
}

/* With a share so low that nearly everything is tested. */
static void test_nothing_is_told_where_nothing_depends(void **state) {
  (void)state;
  enum { WORLDS = 200 };
  test_random random = test_random_start(584);
  unsigned told = 0;
  size_t tested = 0;
  for (int w = 0; w < WORLDS; w++) {
    bt_habits habits;
    bt_mine_sample *sample = sample_of(write_nothing, &random, 240);
    assert_int_equal(bt_habits_find(sample, 0.5, &habits, NULL), BT_OK);
    told += habits.count > 0;
    tested += habits.looked_at;
    bt_habits_dispose(&habits);
    bt_mine_sample_free(sample);
  }
  printf("%u of %d worlds tell something, of %zu behaviours that were tested\n", told, WORLDS, tested);
  assert_true(tested > 40 * WORLDS);
  assert_true(told <= WORLDS / 20);
}

static void test_no_traces_are_no_habits(void **state) {
  (void)state;
  bt_habits habits;
  bt_mine_sample *sample = NULL;
  assert_int_equal(bt_mine_sample_new(1, 10, 1 << 20, &sample, NULL), BT_OK);
  assert_int_equal(bt_mine_sample_finish(sample, NULL), BT_OK);
  assert_int_equal(bt_habits_find(sample, 0.999, &habits, NULL), BT_OK);
  assert_int_equal(habits.count + habits.looked_at + habits.confirming, 0);
  bt_habits_dispose(&habits);
  bt_mine_sample_free(sample);
}

static void test_judging_without_memory(void **state) {
  (void)state;
  test_random random = test_random_start(585);
  bt_mine_sample *sample = sample_of(write_promises, &random, 300);
  size_t failures = 0;
  for (bool is_done = false; !is_done; failures++) {
    bt_habits habits;
    failing_alloc_after(failures);
    bt_status status = bt_habits_find(sample, 0.999, &habits, NULL);
    is_done = !failing_alloc_stop();
    assert_int_equal(status, is_done ? BT_OK : BT_NO_MEMORY);
    bt_habits_dispose(&habits);
  }
  assert_true(failures > 10);
  bt_mine_sample_free(sample);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exact_tests_are_those_of_a_reference),
      cmocka_unit_test(test_promises_come_first),
      cmocka_unit_test(test_accidents_are_not_told),
      cmocka_unit_test(test_equivalents_have_one_spokesman),
      cmocka_unit_test(test_nothing_is_told_where_nothing_depends),
      cmocka_unit_test(test_no_traces_are_no_habits),
      cmocka_unit_test(test_judging_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
