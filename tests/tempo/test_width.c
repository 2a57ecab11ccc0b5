/* How many requests at once, against a Tempo of so many workers by a clock of the test's own: each step of the width,
 * and what comes of it for us and for others. Nothing here depends on time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tempo/wire/budget.h"

enum { WORK_MS = 50, OTHERS_EVERY_MS = 401, JOBS_MAX = 256, MOST = 16, WARM_MS = 10000, END_MS = 40000 };

typedef struct work {
  int64_t asked_ms, ends_ms; /* ends_ms 0: it waits */
  bool is_ours, is_there;
  uint64_t turn;
} work;

/* A Tempo with a queue, in which others ask too. We always have more to ask. */
typedef struct scene {
  bt_budget budget;
  uint32_t fixed; /* so many at once instead of what the budget allows; 0: the budget */
  uint32_t workers, ours, widest;
  bool is_uneven; /* one question in sixteen takes ten times as long as the others */
  work works[JOBS_MAX];
  uint64_t turns;
  int64_t now_ms;
  uint64_t answered, others;
  double others_ms;
  uint64_t random;
} scene;

static void ask(scene *s, bool is_ours) {
  size_t i = 0;
  while (i < JOBS_MAX && s->works[i].is_there) i++;
  assert_true(i < JOBS_MAX);
  s->works[i] = (work){.asked_ms = s->now_ms, .is_ours = is_ours, .is_there = true, .turn = s->turns++};
  s->ours += is_ours;
}

static void take_answer(scene *s, work *one) {
  int64_t took_ms = s->now_ms - one->asked_ms;
  bool counts = s->now_ms >= WARM_MS;
  if (one->is_ours) {
    bool is_full = s->ours >= s->budget.allowed;
    bt_budget_note(&s->budget, BT_HTTP_SEARCH, 200, (double)took_ms, s->now_ms, is_full);
    s->ours--;
    s->answered += counts;
  } else if (counts) {
    s->others++;
    s->others_ms += (double)took_ms;
  }
  one->is_there = false;
}

static work *next_waiting(scene *s) {
  work *next = NULL;
  for (size_t i = 0; i < JOBS_MAX; i++) {
    work *one = &s->works[i];
    if (one->is_there && !one->ends_ms && (!next || one->turn < next->turn)) next = one;
  }
  return next;
}

/* WORK_MS, by a fifth more or less. */
static int64_t work_ms(scene *s) {
  s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  uint64_t number = s->random >> 33;
  int64_t even_ms = WORK_MS - WORK_MS / 5 + (int64_t)(number % (2 * WORK_MS / 5 + 1));
  return s->is_uneven && number / 64 % 16 == 0 ? 10 * even_ms : even_ms;
}

static void step(scene *s) {
  uint32_t busy = 0, allowed = 0;
  s->now_ms++;
  for (size_t i = 0; i < JOBS_MAX; i++)
    if (s->works[i].is_there && s->works[i].ends_ms && s->works[i].ends_ms <= s->now_ms) take_answer(s, &s->works[i]);
  if (s->budget.allowed > s->widest) s->widest = s->budget.allowed;
  allowed = s->fixed ? s->fixed : s->budget.allowed;
  while (s->ours < allowed) ask(s, true);
  if (s->now_ms % OTHERS_EVERY_MS == 0) ask(s, false);
  for (size_t i = 0; i < JOBS_MAX; i++) busy += s->works[i].is_there && s->works[i].ends_ms;
  for (work *next = NULL; busy < s->workers && (next = next_waiting(s)); busy++) next->ends_ms = s->now_ms + work_ms(s);
}

typedef struct outcome {
  double rate, others_ms; /* answers a second; mean of what others waited */
  uint32_t widest, at_end;
} outcome;

static outcome run(uint32_t workers, uint32_t fixed, bool is_uneven) {
  static scene s;
  s = (scene){.workers = workers, .fixed = fixed, .is_uneven = is_uneven, .random = 7};
  bt_budget_init(&s.budget, 2, MOST);
  while (s.now_ms < END_MS) step(&s);
  return (outcome){(double)s.answered * 1000 / (END_MS - WARM_MS), s.others_ms / (double)s.others, s.widest,
                   s.budget.allowed};
}

static void compare_with_fixed(uint32_t workers, bool is_uneven) {
  outcome ours = run(workers, 0, is_uneven);
  double best_rate = 0, least_ms = 0;
  for (uint32_t fixed = 2; fixed <= MOST; fixed++) {
    outcome other = run(workers, fixed, is_uneven);
    if (other.rate > best_rate) best_rate = other.rate;
    if (!least_ms || other.others_ms < least_ms) least_ms = other.others_ms;
  }
  print_message("%u workers%s: %u at the end, %u at most; %.2f of the best rate; others wait %.2f of the least\n",
                workers, is_uneven ? ", uneven" : "", ours.at_end, ours.widest, ours.rate / best_rate,
                ours.others_ms / least_ms);
  assert_true(ours.widest <= MOST);
  assert_true(ours.rate >= 0.85 * best_rate);
  assert_true(is_uneven || ours.others_ms <= 1.5 * least_ms);
}

/* Beside the best of all fixed numbers from the usual two on. */
static void is_as_wide_as_the_tempo(void **state) {
  (void)state;
  static const uint32_t workers[] = {1, 4, 16};
  for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) compare_with_fixed(workers[i], false);
}

static void uneven_questions_do_not_mislead_it(void **state) {
  (void)state;
  static const uint32_t workers[] = {1, 4, 16};
  for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) compare_with_fixed(workers[i], true);
}

/* ---- its steps ---- */

/* So many answers that were asked for one after the other, all while every place was taken. */
static void note(bt_budget *budget, int count, bt_http_kind kind, double latency_ms, int64_t *now_ms) {
  for (int i = 0; i < count; i++) {
    *now_ms += (int64_t)latency_ms + 1;
    bt_budget_note(budget, kind, 200, latency_ms, *now_ms, true);
    assert_in_range(budget->allowed, 1, budget->maximum);
  }
}

static void grows_to_the_maximum_while_latency_is_flat(void **state) {
  (void)state;
  bt_budget budget;
  int64_t now_ms = 1000;
  bt_budget_init(&budget, 2, MOST);
  note(&budget, BT_WIDTH_LOOKED_AT - 1, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 2);
  note(&budget, 1, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 3);
  for (int i = 0; i < 600 && budget.allowed < MOST; i++) note(&budget, 1, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, MOST);
  for (int i = 0; i < 2000; i++) {
    note(&budget, 1, BT_HTTP_SEARCH, 50, &now_ms);
    assert_in_range(budget.allowed, MOST - 1, MOST); /* one less is tried now and then */
  }
}

/* Each step is looked at as long as answers of its width take to be enough. */
static void note_a_try(bt_budget *budget, double latency_ms, int64_t *now_ms) {
  int looked_at = 4 * (int)budget->allowed > BT_WIDTH_LOOKED_AT ? 4 * (int)budget->allowed : BT_WIDTH_LOOKED_AT;
  note(budget, looked_at, BT_HTTP_SEARCH, latency_ms, now_ms);
}

static void begins_with_long_steps(void **state) {
  (void)state;
  static const uint32_t expected[] = {2, 3, 4, 6, 9, 13, 16};
  bt_budget budget;
  int64_t now_ms = 1000;
  bt_budget_init(&budget, 2, MOST);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_int_equal(budget.allowed, expected[i]);
    note_a_try(&budget, 50, &now_ms);
  }
}

/* Six are too many for four processors, and are gone back from; after that it is one more each time. */
static void a_long_step_that_does_not_stay_is_the_last(void **state) {
  (void)state;
  static const struct {
    uint32_t allowed;
    double latency_ms;
  } tries[] = {{2, 50}, {3, 50}, {4, 50}, {6, 75}, {4, 50}, {5, 50}, {6, 50}, {7, 50}, {8, 50}};
  bt_budget budget;
  int64_t now_ms = 1000;
  bt_budget_init(&budget, 2, MOST);
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    assert_int_equal(budget.allowed, tries[i].allowed);
    note_a_try(&budget, tries[i].latency_ms, &now_ms);
  }
}

/* What Tempo refused once is come near to by small steps. */
static void after_a_refusal_steps_are_of_one(void **state) {
  (void)state;
  bt_budget budget;
  int64_t now_ms = 1000;
  bt_budget_init(&budget, 2, MOST);
  for (int i = 0; i < 600 && budget.allowed < MOST; i++) note(&budget, 1, BT_HTTP_SEARCH, 50, &now_ms);
  now_ms += 5000;
  bt_budget_note(&budget, BT_HTTP_SEARCH, 429, 10, now_ms, true);
  uint32_t before = budget.allowed;
  assert_int_equal(before, MOST / 2);
  for (int i = 0; i < 600 && budget.allowed == before; i++) note(&budget, 1, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, before + 1);
}

static void comes_back_where_more_takes_longer(void **state) {
  (void)state;
  bt_budget budget;
  int64_t now_ms = 1000;
  bt_budget_init(&budget, 2, MOST);
  note(&budget, BT_WIDTH_LOOKED_AT, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 3);
  note(&budget, BT_WIDTH_LOOKED_AT, BT_HTTP_SEARCH, 75, &now_ms);
  assert_int_equal(budget.allowed, 2);
  note(&budget, BT_WIDTH_PAUSE * BT_WIDTH_LOOKED_AT + BT_WIDTH_LOOKED_AT - 1, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 2);
  note(&budget, 1, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 3); /* it is tried again, */
  note(&budget, BT_WIDTH_LOOKED_AT, BT_HTTP_SEARCH, 75, &now_ms);
  note(&budget, (2 * BT_WIDTH_PAUSE + 1) * BT_WIDTH_LOOKED_AT - 1, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 2); /* and then after twice as long */
  note(&budget, 1, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 3);
}

static void halves_when_tempo_has_too_much(void **state) {
  (void)state;
  bt_budget budget;
  int64_t now_ms = 1000;
  bt_budget_init(&budget, 2, MOST);
  for (int i = 0; i < 600 && budget.allowed < MOST; i++) note(&budget, 1, BT_HTTP_SEARCH, 50, &now_ms);
  for (uint32_t expected = MOST / 2; expected; expected /= 2) {
    now_ms += 5000;
    bt_budget_note(&budget, BT_HTTP_SEARCH, expected == 4 ? 503 : 429, 10, now_ms, true);
    assert_int_equal(budget.allowed, expected);
  }
  note(&budget, 600, BT_HTTP_SEARCH, 50, &now_ms);
  assert_in_range(budget.allowed, 4, MOST);
  uint32_t before = budget.allowed;
  note(&budget, BT_BUDGET_RECENT, BT_HTTP_SEARCH, 250, &now_ms); /* much longer, all of them */
  assert_in_range(budget.allowed, before / 2, before / 2 + 1);
}

/* Of fewer than are allowed nothing follows about more; and of what was never asked before, nothing at all. */
static void only_what_can_be_compared_counts(void **state) {
  (void)state;
  bt_budget budget;
  int64_t now_ms = 1000;
  bt_budget_init(&budget, 2, MOST);
  for (int i = 0; i < 500; i++) bt_budget_note(&budget, BT_HTTP_SEARCH, 200, 50, now_ms += 51, false);
  assert_int_equal(budget.allowed, 2);
  note(&budget, BT_WIDTH_LOOKED_AT, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 3);
  note(&budget, BT_WIDTH_LOOKED_AT, BT_HTTP_READ, 50, &now_ms);
  assert_int_equal(budget.allowed, 2);
}

static void stays_where_it_may_not_grow(void **state) {
  (void)state;
  bt_budget budget;
  int64_t now_ms = 1000;
  bt_budget_init(&budget, 6, 3); /* less than it begins with: so many */
  note(&budget, 2000, BT_HTTP_SEARCH, 50, &now_ms);
  assert_int_equal(budget.allowed, 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_as_wide_as_the_tempo),
                                     cmocka_unit_test(uneven_questions_do_not_mislead_it),
                                     cmocka_unit_test(grows_to_the_maximum_while_latency_is_flat),
                                     cmocka_unit_test(begins_with_long_steps),
                                     cmocka_unit_test(a_long_step_that_does_not_stay_is_the_last),
                                     cmocka_unit_test(after_a_refusal_steps_are_of_one),
                                     cmocka_unit_test(comes_back_where_more_takes_longer),
                                     cmocka_unit_test(halves_when_tempo_has_too_much),
                                     cmocka_unit_test(only_what_can_be_compared_counts),
                                     cmocka_unit_test(stays_where_it_may_not_grow)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
