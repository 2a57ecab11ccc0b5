/* Windows of a search for spans. A store of fragments is asked window by window. A trace that is short enough is given
 * once, by a window that sees all of it; and what is given of a longer one, joined, is longer. Random; the seed of a
 * failure is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tempo/api/span_windows.h"
#include "tests/support/random.h"
#include "tests/tempo/span_fixture.h"

enum { MINUTE_S = 60, HOUR_S = 3600, FROM_S = 1700000000, FRAGMENTS = 4, RUNS = 200000 };

/* ---- the plan ---- */

static bt_span_windows plan(int64_t hours, uint64_t most, int64_t longest_minutes, int64_t reach_minutes) {
  return bt_span_windows_plan(FROM_S, FROM_S + hours * HOUR_S, most, longest_minutes * MINUTE_S * second_ns,
                              reach_minutes * MINUTE_S * second_ns);
}

static void has_no_more_than_are_wanted_and_none_too_short(void **state) {
  (void)state;
  assert_int_equal(plan(24, 16, 15, 0).count, 16);
  assert_int_equal(plan(24, 256, 10, 0).count, 24);
  assert_int_equal(plan(24, 256, 15, 0).count, 23); /* of four times 15 minutes and a little */
  assert_int_equal(plan(24, 256, 15, 60).count, 12);
  assert_int_equal(plan(24, 256, 120, 0).count, 2);
}

static void is_one_where_nothing_is_to_be_gained(void **state) {
  (void)state;
  assert_int_equal(plan(24, 1, 15, 0).count, 1);
  assert_int_equal(plan(1, 256, 15, 0).count, 1);
  assert_int_equal(plan(24, 256, 0, 0).count, 1);
  assert_int_equal(plan(24, 256, 24 * 60, 0).count, 1);
  assert_int_equal(bt_span_windows_plan(1, FROM_S, 256, INT64_MAX, INT64_MAX).count, 1);
}

/* With what lies around it. */
static void each_sees_its_share(void **state) {
  (void)state;
  const bt_span_windows w = plan(24, 12, 15, 28);
  assert_int_equal(w.count, 12);
  assert_in_range(bt_span_windows_share(&w, 120000), 14800, 14850); /* 2 hours, and 58 minutes and some seconds */
  assert_int_equal(bt_span_windows_share(&(bt_span_windows){.count = 1}, UINT64_MAX), UINT64_MAX);
  assert_true(bt_span_windows_share(&w, UINT64_MAX) > UINT32_MAX);
}

static void together_they_have_the_range(void **state) {
  (void)state;
  for (uint64_t most = 1; most <= 256; most++) {
    const bt_span_windows w = plan(400, most, 7, 3);
    int64_t reached_s = FROM_S;
    for (uint32_t i = 0; i < w.count; i++) {
      int64_t start_s, end_s;
      bt_span_windows_bounds(&w, i, &start_s, &end_s);
      assert_true(start_s <= reached_s && start_s < end_s && end_s <= w.end_s);
      reached_s = end_s;
    }
    assert_int_equal(reached_s, w.end_s);
  }
}

/* ---- what is given ---- */

typedef struct fragment {
  int64_t start_ns, end_ns;
  int64_t block_start_ns, block_end_ns; /* it came late: the block is dated by then */
} fragment;

typedef struct given {
  size_t times, most_fragments;
  bt_found joined;
} given;

static int64_t below_s(test_random *random, int64_t seconds) {
  return seconds > 0 ? test_random_below(random, (uint32_t)seconds) * second_ns : 0;
}

static bool is_shown(const fragment *f, int64_t start_s, int64_t end_s) {
  bool overlaps = f->start_ns <= end_s * second_ns && f->end_ns >= start_s * second_ns;
  return overlaps && f->block_start_ns <= end_s * second_ns && f->block_end_ns >= start_s * second_ns;
}

static void ask_window(const bt_span_windows *w, uint32_t number, const fragment *fragments, size_t count, given *out) {
  int64_t start_s, end_s;
  bt_found seen = {.start_ns = INT64_MAX, .end_ns = INT64_MIN};
  size_t shown = 0;
  bt_span_windows_bounds(w, number, &start_s, &end_s);
  for (size_t i = 0; i < count; i++) {
    const fragment *f = &fragments[i];
    if (!is_shown(f, start_s, end_s)) continue;
    shown++;
    if (f->start_ns < seen.start_ns) seen.start_ns = f->start_ns;
    if (f->end_ns > seen.end_ns) seen.end_ns = f->end_ns;
  }
  if (!shown || !bt_span_windows_gives(w, number, &seen)) return;
  if (shown > out->most_fragments) out->most_fragments = shown;
  if (out->times++)
    bt_found_join(&out->joined, &seen);
  else
    out->joined = seen;
}

/* In a trace of about so many seconds, or with fragments anywhere in the range. */
static fragment random_fragment(test_random *random, const bt_span_windows *w, int64_t near_ns, int64_t spread_s) {
  int64_t length_s = w->end_s - w->start_s;
  fragment f = {.start_ns = near_ns + below_s(random, spread_s)};
  if (test_random_below(random, 6) == 0) f.start_ns = w->start_s * second_ns + below_s(random, length_s);
  f.end_ns = f.start_ns + below_s(random, test_random_below(random, 8) ? 10 : spread_s);
  f.block_start_ns = f.start_ns;
  f.block_end_ns = f.end_ns;
  if (w->reach_s && test_random_below(random, 3) == 0) {
    f.block_start_ns = f.end_ns + below_s(random, w->reach_s);
    f.block_end_ns = f.block_start_ns + second_ns;
  }
  return f;
}

static void check_trace(test_random *random, const bt_span_windows *w, unsigned run) {
  fragment fragments[FRAGMENTS];
  size_t count = 1 + test_random_below(random, FRAGMENTS);
  int64_t near_ns = w->start_s * second_ns + below_s(random, w->end_s - w->start_s);
  int64_t first_ns = INT64_MAX, last_ns = INT64_MIN, spread_s = w->longest_ns / second_ns;
  for (size_t i = 0; i < count; i++) {
    fragments[i] = random_fragment(random, w, near_ns, test_random_below(random, 3) ? spread_s / 2 : 2 * spread_s);
    if (fragments[i].start_ns < first_ns) first_ns = fragments[i].start_ns;
    if (fragments[i].end_ns > last_ns) last_ns = fragments[i].end_ns;
  }
  if (last_ns + w->reach_s * second_ns >= w->end_s * second_ns) return; /* who asks looks beyond the range for that */
  given g = {0};
  for (uint32_t i = 0; i < w->count; i++) ask_window(w, i, fragments, count, &g);
  bool is_long = last_ns - first_ns > w->longest_ns;
  bool is_right = is_long ? g.times && g.joined.end_ns - g.joined.start_ns > w->longest_ns
                          : g.times == 1 && g.most_fragments == count;
  if (!is_right)
    fail_msg("run %u: %zu fragments over %lld s were given %zu times, %zu at most", run, count,
             (long long)((last_ns - first_ns) / second_ns), g.times, g.most_fragments);
}

static void gives_a_short_trace_once_and_whole_and_a_long_one_as_long(void **state) {
  (void)state;
  test_random random = test_random_start(628);
  static const int64_t longest[] = {1, 5, 15, 40}, reach[] = {0, 2, 16, 50};
  for (unsigned run = 0; run < RUNS; run++) {
    const bt_span_windows w = plan(24, 2 + test_random_below(&random, 23), longest[test_random_below(&random, 4)],
                                   reach[test_random_below(&random, 4)]);
    assert_true(w.count > 1);
    check_trace(&random, &w, run);
  }
}

static void gives_what_is_in_doubt_from_each(void **state) {
  (void)state;
  const bt_span_windows w = plan(24, 16, 15, 0);
  for (uint32_t i = 0; i < w.count; i++) assert_true(bt_span_windows_gives(&w, i, &(bt_found){.in_doubt = true}));
}

/* ---- over a scripted Tempo, whose traces are spread over a day ---- */

enum { DAY_S = 86400, APART_S = 150 };

static void spread_over_a_day(span_fixture *f) {
  scripted.apart_s = APART_S;
  f->range = (bt_time_range){FIRST_S * second_ns, (FIRST_S + DAY_S) * second_ns};
  f->longest_ns = 900 * second_ns;
}

/* As many questions as parts of the ids would be: two halves of the time, each in halves of the ids. */
static void many_are_asked_for_by_time(void **state) {
  span_fixture *f = *state;
  spread_over_a_day(f);
  expect_all(f, MANY_PARTS);
  assert_int_equal(scripted_number(&scripted.requests), 4);
  assert_int_equal(scripted_number(&scripted.windows), 2);
  assert_int_equal(scripted_number(&scripted.side_questions), 1);
}

/* In windows of an hour and a half, and half an hour around each. */
static void very_many_by_time_and_by_id(void **state) {
  span_fixture *f = *state;
  spread_over_a_day(f);
  scripted.in_pieces = true;
  expect_all(f, 3000000);
  assert_int_equal(scripted_number(&scripted.requests), 16 * 32);
  assert_non_null(strstr(scripted.query, "trace:id"));
}

/* Only that part of the ids is halved, in its window. */
static void a_window_with_too_much_is_halved(void **state) {
  span_fixture *f = *state;
  spread_over_a_day(f);
  scripted.has_huge = true;
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_LIMIT);
  scripted.has_huge = false;
  size_t before = scripted_number(&scripted.too_large);
  scripted.largest_rows = TRACES / 6;
  expect_all(f, MANY_PARTS);
  assert_in_range(scripted_number(&scripted.too_large) - before, 1, 7); /* the others begin with halves: else 10 */
  assert_int_equal(scripted_number(&scripted.side_questions), 2);
}

static void few_are_not(void **state) {
  span_fixture *f = *state;
  spread_over_a_day(f);
  expect_all(f, 28000);
  assert_int_equal(scripted_number(&scripted.windows), 0);
}

/* Where not all spans of a trace are there, its bounds are not known, and each window that sees it says so. */
static void what_is_not_whole_is_in_doubt(void **state) {
  span_fixture *f = *state;
  spread_over_a_day(f);
  scripted.odd_matched = 7;
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_OK);
  assert_int_equal(f->doubted, ODD);
  assert_int_equal(f->in_doubt, f->by_id);
  assert_true(f->by_id > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(has_no_more_than_are_wanted_and_none_too_short),
      cmocka_unit_test(is_one_where_nothing_is_to_be_gained),
      cmocka_unit_test(each_sees_its_share),
      cmocka_unit_test(together_they_have_the_range),
      cmocka_unit_test(gives_a_short_trace_once_and_whole_and_a_long_one_as_long),
      cmocka_unit_test(gives_what_is_in_doubt_from_each),
      SPAN_TEST(many_are_asked_for_by_time),
      SPAN_TEST(very_many_by_time_and_by_id),
      SPAN_TEST(a_window_with_too_much_is_halved),
      SPAN_TEST(few_are_not),
      SPAN_TEST(what_is_not_whole_is_in_doubt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
