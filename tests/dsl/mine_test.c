/* Mining: exact intervals, a sample that does not depend on the order of its traces, behaviours that are found, and
 * what of them changed. tests/http/test_changed.py plants faults in random worlds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/mine/change.h"
#include "dsl/mine/onset.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"
#include "tests/support/trace_text.h"

/* ---- shares ---- */

static void expect_near(double value, double expected) {
  if (fabs(value - expected) > 1e-10 * (1 + fabs(expected))) fail_msg("%.17g is not %.17g", value, expected);
}

/* Values of scipy 1.x: special.betainc, stats.beta.ppf, stats.chi2_contingency with lambda_="log-likelihood". */
static void test_shares_are_those_of_a_reference(void **state) {
  (void)state;
  static const struct {
    double a, b, x, value;
  } betas[] = {{0.5, 0.5, 0.3, 0.36901011956554536},   {1, 1, 0.25, 0.25},
               {2, 3, 0.4, 0.52479999999999993},       {10, 1, 0.9, 0.34867844010000004},
               {1, 147, 0.01, 0.77176953986465902},    {300, 5, 0.99, 0.80932252465027632},
               {5000, 20, 0.996, 0.46332803247472465}, {12000, 8000, 0.601, 0.61324614971490066},
               {3, 100000, 2e-05, 0.32333441073884167}};
  static const struct {
    bt_share share;
    double low, high;
  } intervals[] = {{{0, 146}, 0, 0.024949776111947798},
                   {{0, 1}, 0, 0.975},
                   {{1, 1}, 0.025, 1},
                   {{0, 0}, 0, 1},
                   {{5, 10}, 0.18708602844739855, 0.81291397155260148},
                   {{296, 296}, 0.98761490390790263, 1},
                   {{295, 296}, 0.98132159813646114, 0.99991447052277227},
                   {{1, 5000}, 5.0635487770515903e-06, 0.001113819380333972},
                   {{2500, 5000}, 0.48604437400092582, 0.51395562599907418},
                   {{893, 1250}, 0.68847546219790268, 0.73931198570308088},
                   {{19999, 20000}, 0.9997214496678255, 0.99999873411040208}};
  for (size_t i = 0; i < sizeof betas / sizeof betas[0]; i++)
    expect_near(bt_incomplete_beta(betas[i].a, betas[i].b, betas[i].x), betas[i].value);
  for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
    bt_share_bounds bounds = bt_share_interval(intervals[i].share, 0.95);
    expect_near(bounds.low, intervals[i].low);
    expect_near(bounds.high, intervals[i].high);
  }
  expect_near(bt_share_difference((bt_share){10, 20}, (bt_share){15, 20}), 2.7057660454884163);
  expect_near(bt_share_difference((bt_share){296, 296}, (bt_share){0, 146}), 560.81200525800716);
  expect_near(bt_share_difference((bt_share){5, 1000}, (bt_share){30, 1000}), 20.130235097992607);
  expect_near(bt_share_difference((bt_share){0, 0}, (bt_share){30, 1000}), 0);
}

/* Of 10,000 simulated shares at least so many are held that a true 95 % would give fewer once in a thousand: 9,433. */
static void test_intervals_cover(void **state) {
  (void)state;
  static const struct {
    uint32_t all;
    unsigned per_mille;
  } cases[] = {{20, 10}, {50, 500}, {146, 20}, {400, 970}};
  test_random random = test_random_start(58);
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    unsigned held = 0;
    double truth = cases[c].per_mille / 1000.0;
    for (int run = 0; run < 10000; run++) {
      bt_share share = {0, cases[c].all};
      for (uint32_t i = 0; i < share.all; i++) share.kept += test_random_below(&random, 1000) < cases[c].per_mille;
      bt_share_bounds bounds = bt_share_interval(share, 0.95);
      held += bounds.low <= truth && truth <= bounds.high;
    }
    assert_true(held >= 9433);
  }
}

/* The same of when a rate rose, which is said at about 95 %. */
static void test_starts_cover(void **state) {
  (void)state;
  enum { MOST = 400 };
  static const struct {
    size_t before, after;
    unsigned per_mille, then_per_mille;
  } cases[] = {{200, 200, 0, 300}, {100, 300, 20, 400}, {300, 60, 100, 600}, {60, 60, 0, 1000}, {200, 200, 400, 800}};
  test_random random = test_random_start(65);
  bool hit[MOST];
  double scores[MOST];
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    unsigned held = 0;
    for (int run = 0; run < 10000; run++) {
      size_t all = cases[c].before + cases[c].after;
      for (size_t i = 0; i < all; i++)
        hit[i] =
            test_random_below(&random, 1000) < (i < cases[c].before ? cases[c].per_mille : cases[c].then_per_mille);
      bt_onset onset = bt_onset_find(hit, all, scores);
      held += onset.first <= cases[c].before && cases[c].before <= onset.last;
    }
    if (held < 9433) fail_msg("case %zu: %u of 10000", c, held);
  }
}

/* ---- traces ---- */

enum { EACH = 240 }; /* traces of each side */

typedef struct world {
  bool loses_auth, is_slow, is_new; /* from the middle of the candidate on */
} world;

/* web calls auth and db, and ends when db has; a db of over 1 s is retried; every trace has a tenant. */
static void write_trace(unsigned number, world w, char *text, size_t size) {
  static const char *const tenants[] = {"acme", "globex", "initech"};
  bool is_hit = number >= EACH + EACH / 2, is_long = number % 4 == 0;
  unsigned lasts = is_long ? 1200 + number % 7 : 20 + number % 50;
  if (w.is_slow && is_hit) lasts += 700;
  int length = snprintf(text, size, "a web service=front at=%us duration=%ums tenant=%s\n", number,
                        lasts + 20 + number * 7 % 400, tenants[number % 3]);
  if (!(w.loses_auth && is_hit && number % 3 == 1))
    length += snprintf(text + length, size - (size_t)length, ". b auth service=front at=%us1ms duration=2ms\n", number);
  length +=
      snprintf(text + length, size - (size_t)length, ". c db service=store at=%us5ms duration=%ums\n", number, lasts);
  if (lasts > 1000)
    length +=
        snprintf(text + length, size - (size_t)length, ". d retry service=store at=%us8ms duration=3ms\n", number);
  if (w.is_new && is_hit) snprintf(text + length, size - (size_t)length, ". e mail service=post at=%us9ms\n", number);
}

static bt_status add_trace(bt_mine_sample *sample, unsigned number, world w, bt_arena *arena, bt_error *error) {
  char text[512], message[256];
  write_trace(number, w, text, sizeof text);
  bt_arena_reset(arena);
  const bt_trace *read = trace_text_read(arena, text, message, sizeof message);
  if (!read) fail_msg("%s", message);
  bt_trace trace = *read;
  memcpy(trace.id.bytes, &number, sizeof number);
  return bt_mine_sample_add(sample, &trace, number >= EACH, error);
}

static bt_mine_sample *sample_of(world w, bool backwards, size_t most, size_t bytes) {
  bt_mine_sample *sample = NULL;
  bt_arena arena;
  bt_arena_init(&arena, 1 << 20);
  assert_int_equal(bt_mine_sample_new(7, most, bytes, &sample, NULL), BT_OK);
  for (unsigned i = 0; i < 2 * EACH; i++)
    assert_int_equal(add_trace(sample, backwards ? 2 * EACH - 1 - i : i, w, &arena, NULL), BT_OK);
  assert_int_equal(bt_mine_sample_finish(sample, NULL), BT_OK);
  bt_arena_dispose(&arena);
  return sample;
}

static void expect_same_numbers(const bt_mine_sample *one, const bt_mine_sample *other) {
  assert_int_equal(one->name_count, other->name_count);
  assert_int_equal(one->texts.count, other->texts.count);
  for (uint32_t i = 0; i < one->name_count; i++) assert_true(bt_str_equal(one->names[i].name, other->names[i].name));
  for (uint32_t i = 1; i <= one->texts.count; i++)
    assert_true(bt_str_equal(bt_mine_text(one, i), bt_mine_text(other, i)));
}

static void test_a_sample_is_the_same_in_any_order(void **state) {
  (void)state;
  for (size_t bytes = 1 << 15; bytes <= 1 << 26; bytes <<= 11) { /* where bytes are the bound, and where traces are */
    bt_mine_sample *forth = sample_of((world){0}, false, 100, bytes), *back = sample_of((world){0}, true, 100, bytes);
    for (int g = 0; g < BT_MINE_GROUPS; g++) {
      assert_int_equal(forth->groups[g].seen, EACH);
      assert_true(forth->groups[g].count <= 100 && forth->bytes <= bytes);
      if (bytes < 1 << 20) continue; /* which group gives way depends on the order, not which of its traces */
      assert_int_equal(forth->groups[g].count, 100);
      for (size_t i = 0; i < 100; i++)
        assert_memory_equal(&forth->groups[g].traces[i]->id, &back->groups[g].traces[i]->id, sizeof(bt_trace_id));
    }
    expect_same_numbers(forth, back);
    bt_mine_sample_free(forth);
    bt_mine_sample_free(back);
  }
}

static void test_what_is_not_whole_is_left_out(void **state) {
  (void)state;
  static const char *const texts[] = {"a web\nb auth parent=zz\n", "a web at=?\n", "a web dropped=1\n"};
  char message[256];
  bt_mine_sample *sample = NULL;
  bt_arena arena;
  bt_arena_init(&arena, 1 << 20);
  assert_int_equal(bt_mine_sample_new(1, 10, 1 << 20, &sample, NULL), BT_OK);
  for (size_t i = 0; i < 3; i++) {
    const bt_trace *trace = trace_text_read(&arena, texts[i], message, sizeof message);
    assert_non_null(trace);
    assert_int_equal(bt_mine_sample_add(sample, trace, 0, NULL), BT_OK);
  }
  assert_int_equal(sample->incomplete, 3);
  assert_int_equal(sample->groups[0].count, 0);
  bt_mine_sample_free(sample);
  bt_arena_dispose(&arena);
}

/* ---- changes ---- */

static const char *name_of(const bt_mine_sample *sample, uint32_t number) {
  return sample->names[number].name.ptr; /* interned as "service\0name" and copied with a NUL behind it */
}

static const bt_change *find_change(const bt_mine_sample *sample, const bt_changes *changes, bt_behaviour_kind kind,
                                    const char *a, const char *b) {
  for (size_t i = 0; i < changes->count; i++) {
    const bt_behaviour *found = changes->items[i].behaviour;
    if (found->kind == kind && strcmp(name_of(sample, found->a), a) == 0 && strcmp(name_of(sample, found->b), b) == 0)
      return &changes->items[i];
  }
  fail_msg("no such change among %zu", changes->count);
  return NULL;
}

static void test_changes_are_found(void **state) {
  (void)state;
  bt_changes changes;
  bt_mine_sample *sample = sample_of((world){.loses_auth = true, .is_new = true}, false, 1000, 1 << 26);
  assert_int_equal(bt_changes_find(sample, true, &changes, NULL), BT_OK);
  assert_int_equal(changes.count, 2);
  const bt_change *lost = find_change(sample, &changes, BT_BEHAVE_CHILD, "web", "auth");
  assert_int_equal(lost->before.kept, EACH);
  assert_int_equal(lost->after.kept, EACH - EACH / 6);
  assert_int_equal(lost->mark_count, 1);
  assert_true(bt_str_equal(bt_mine_text(sample, lost->marks[0].value.text), BT_STR("globex")));
  const bt_change *made = find_change(sample, &changes, BT_BEHAVE_CHILD, "web", "mail");
  assert_int_equal(made->before.kept, 0);
  assert_int_equal(made->after.kept, EACH / 2);
  /* The first one is in trace 360, and the one before it is what is known not to have it. */
  int64_t second = 1000000000, first = sample->groups[BT_MINE_BASELINE].traces[0]->start_ns;
  assert_int_equal((made->since_ns - first) / second, EACH + EACH / 2);
  assert_true(made->from_ns < made->since_ns && made->until_ns >= made->since_ns);
  assert_true(made->until_ns - made->from_ns < 20 * second);
  bt_changes_dispose(&changes);
  bt_mine_sample_free(sample);
}

static void test_what_is_slow_is_named_and_not_what_waits(void **state) {
  (void)state;
  bt_changes changes;
  bt_mine_sample *sample = sample_of((world){.is_slow = true}, false, 1000, 1 << 26);
  assert_int_equal(bt_changes_find(sample, true, &changes, NULL), BT_OK);
  find_change(sample, &changes, BT_BEHAVE_DURATION, "db", "db");
  for (size_t i = 0; i < changes.count; i++)
    assert_string_not_equal(name_of(sample, changes.items[i].behaviour->a), "web");
  bt_changes_dispose(&changes);
  bt_mine_sample_free(sample);
}

/* The condition under which there is a retry, from durations alone, at a number that people write. */
static void test_a_condition_is_found(void **state) {
  (void)state;
  bt_catalog catalog;
  bt_mine_sample *sample = sample_of((world){0}, false, 1000, 1 << 26);
  size_t found = 0;
  assert_int_equal(bt_catalog_fill(sample, &catalog, NULL), BT_OK);
  for (size_t i = 0; i < catalog.count; i++) {
    const bt_behaviour *b = &catalog.items[i];
    if (b->kind != BT_BEHAVE_PRESENCE || strcmp(name_of(sample, b->b), "retry") != 0) continue;
    found += strcmp(name_of(sample, b->a), "db") == 0 && b->test.kind == BT_TEST_LONGER && b->test.bound == 75e6;
  }
  assert_int_equal(found, 1);
  bt_catalog_dispose(&catalog);
  bt_mine_sample_free(sample);
}

static void test_nothing_is_said_of_what_did_not_change(void **state) {
  (void)state;
  bt_changes changes;
  bt_mine_sample *sample = sample_of((world){0}, false, 1000, 1 << 26);
  assert_int_equal(bt_changes_find(sample, true, &changes, NULL), BT_OK);
  assert_int_equal(changes.count, 0);
  assert_true(changes.looked_at > 5 && changes.unchanged == changes.looked_at);
  assert_true(changes.least_seen > 1 && changes.least_seen < EACH / 4);
  bt_changes_dispose(&changes);
  bt_mine_sample_free(sample);
}

static void test_no_traces_are_no_answer(void **state) {
  (void)state;
  bt_changes changes;
  bt_mine_sample *sample = NULL;
  assert_int_equal(bt_mine_sample_new(1, 10, 1 << 20, &sample, NULL), BT_OK);
  assert_int_equal(bt_mine_sample_finish(sample, NULL), BT_OK);
  assert_int_equal(bt_changes_find(sample, false, &changes, NULL), BT_OK);
  assert_int_equal(changes.looked_at + changes.count + changes.least_seen, 0);
  bt_changes_dispose(&changes);
  bt_mine_sample_free(sample);
}

/* What all of the candidate have and some of the baseline is matched, and versions are not. */
static void test_like_is_compared_with_like(void **state) {
  (void)state;
  bt_mark marks[BT_CHANGE_MARKS];
  bt_mine_sample *sample = NULL;
  bt_arena arena;
  char text[128], message[256];
  bt_arena_init(&arena, 1 << 20);
  assert_int_equal(bt_mine_sample_new(1, 1000, 1 << 24, &sample, NULL), BT_OK);
  for (unsigned i = 0; i < 2 * EACH; i++) {
    bool is_new = i >= EACH;
    snprintf(text, sizeof text, "a web resource.service.version=%d region=%s\n", is_new, is_new || i % 2 ? "eu" : "us");
    bt_arena_reset(&arena);
    bt_trace trace = *trace_text_read(&arena, text, message, sizeof message);
    memcpy(trace.id.bytes, &i, sizeof i);
    assert_int_equal(bt_mine_sample_add(sample, &trace, is_new, NULL), BT_OK);
  }
  assert_int_equal(bt_mine_sample_finish(sample, NULL), BT_OK);
  assert_int_equal(bt_marks_match(sample, marks), 1);
  assert_true(bt_str_equal(bt_mine_text(sample, marks[0].value.key), BT_STR("region")));
  assert_int_equal(sample->groups[BT_MINE_BASELINE].count, EACH / 2);
  assert_int_equal(sample->groups[BT_MINE_CANDIDATE].count, EACH);
  bt_mine_sample_free(sample);
  bt_arena_dispose(&arena);
}

/* ---- without memory ---- */

static void test_sampling_without_memory(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, 1 << 20);
  size_t failures = 0;
  for (bool is_done = false; !is_done; failures++) {
    bt_mine_sample *sample = NULL;
    char text[512], message[256];
    bt_arena_reset(&arena);
    write_trace(4, (world){0}, text, sizeof text);
    const bt_trace *trace = trace_text_read(&arena, text, message, sizeof message);
    failing_alloc_after(failures);
    bt_status status = bt_mine_sample_new(7, 10, 1 << 20, &sample, NULL);
    if (!status) status = bt_mine_sample_add(sample, trace, 0, NULL);
    if (!status) status = bt_mine_sample_finish(sample, NULL);
    is_done = !failing_alloc_stop();
    assert_int_equal(status, is_done ? BT_OK : BT_NO_MEMORY);
    bt_mine_sample_free(sample);
  }
  assert_true(failures > 3);
  bt_arena_dispose(&arena);
}

static void test_comparing_without_memory(void **state) {
  (void)state;
  bt_mine_sample *sample = sample_of((world){.loses_auth = true}, false, 1000, 1 << 26);
  size_t failures = 0;
  for (bool is_done = false; !is_done; failures++) {
    bt_changes changes;
    failing_alloc_after(failures);
    bt_status status = bt_changes_find(sample, true, &changes, NULL);
    is_done = !failing_alloc_stop();
    assert_int_equal(status, is_done ? BT_OK : BT_NO_MEMORY);
    bt_changes_dispose(&changes);
  }
  assert_true(failures > 10);
  bt_mine_sample_free(sample);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shares_are_those_of_a_reference),
      cmocka_unit_test(test_intervals_cover),
      cmocka_unit_test(test_starts_cover),
      cmocka_unit_test(test_a_sample_is_the_same_in_any_order),
      cmocka_unit_test(test_what_is_not_whole_is_left_out),
      cmocka_unit_test(test_changes_are_found),
      cmocka_unit_test(test_what_is_slow_is_named_and_not_what_waits),
      cmocka_unit_test(test_a_condition_is_found),
      cmocka_unit_test(test_nothing_is_said_of_what_did_not_change),
      cmocka_unit_test(test_no_traces_are_no_answer),
      cmocka_unit_test(test_like_is_compared_with_like),
      cmocka_unit_test(test_sampling_without_memory),
      cmocka_unit_test(test_comparing_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
