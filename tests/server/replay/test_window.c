/* Membership in a window: the edges, long traces, and times at the ends of what 64 bits hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/replay/window.h"

enum { START = 500000000, END = 1000000000, EFFECTIVE_END = 800000000, MARGIN = 100000000, MS = 1000000 };

static const bt_window window = {.range = {START, END}, .margin_ns = MARGIN, .effective_end_ns = EFFECTIVE_END};

typedef struct place_case {
  int64_t start_ns, end_ns;
  bt_place found, listed;
} place_case;

static void places_by_bounds(void **state) {
  (void)state;
  static const place_case cases[] = {
      /* found: other fragments may lie up to margin before; listed: these are all */
      {START, START + MS, BT_PLACE_UNDECIDED, BT_PLACE_SETTLED},
      {START - 1, START, BT_PLACE_UNDECIDED, BT_PLACE_OUTSIDE},
      {START + MARGIN - 1, START + MARGIN, BT_PLACE_UNDECIDED, BT_PLACE_SETTLED},
      {START + MARGIN, START + MARGIN, BT_PLACE_SETTLED, BT_PLACE_SETTLED},
      {EFFECTIVE_END - 1, EFFECTIVE_END, BT_PLACE_SETTLED, BT_PLACE_SETTLED},
      {EFFECTIVE_END, EFFECTIVE_END, BT_PLACE_UNDECIDED, BT_PLACE_TAIL},
      {EFFECTIVE_END + MARGIN, EFFECTIVE_END + MARGIN, BT_PLACE_TAIL, BT_PLACE_TAIL},
      {END - 1, END + MS, BT_PLACE_TAIL, BT_PLACE_TAIL},
      {END, END, BT_PLACE_UNDECIDED, BT_PLACE_OUTSIDE},
      {END + MARGIN - 1, END + MARGIN, BT_PLACE_UNDECIDED, BT_PLACE_OUTSIDE},
      {END + MARGIN, END + MARGIN, BT_PLACE_OUTSIDE, BT_PLACE_OUTSIDE},
      /* so long that its latest start may put its time on the other side of an edge */
      {START - MARGIN, START + MARGIN, BT_PLACE_UNDECIDED, BT_PLACE_UNDECIDED},
      {START + MARGIN, EFFECTIVE_END + MARGIN, BT_PLACE_UNDECIDED, BT_PLACE_UNDECIDED},
      {END - 1, END + MARGIN, BT_PLACE_UNDECIDED, BT_PLACE_UNDECIDED},
      {INT64_MIN, INT64_MAX, BT_PLACE_UNDECIDED, BT_PLACE_UNDECIDED},
      {INT64_MAX, INT64_MAX, BT_PLACE_OUTSIDE, BT_PLACE_OUTSIDE},
      {INT64_MIN, INT64_MIN, BT_PLACE_UNDECIDED, BT_PLACE_OUTSIDE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bt_found found = {.start_ns = cases[i].start_ns, .end_ns = cases[i].end_ns};
    if (bt_window_place_found(&window, &found) != cases[i].found ||
        bt_window_place_listed(&window, &found) != cases[i].listed)
      fail_msg("case %zu: found %d, listed %d", i, (int)bt_window_place_found(&window, &found),
               (int)bt_window_place_listed(&window, &found));
  }
}

static void a_store_may_contradict_itself(void **state) {
  (void)state;
  /* whatever the bounds say, the whole trace decides */
  for (int64_t start_ns = 0; start_ns < 2 * (int64_t)END; start_ns += END / 2) {
    bt_found found = {.start_ns = start_ns, .end_ns = start_ns + MS, .in_doubt = true};
    assert_int_equal(bt_window_place_found(&window, &found), BT_PLACE_UNDECIDED);
    assert_int_equal(bt_window_place_listed(&window, &found), BT_PLACE_UNDECIDED);
  }
}

enum { SPANS_MAX = 4 };
#define WRAPS_NS (INT64_C(1000000) << 32) /* milliseconds that 32 bits do not hold */

typedef struct trace_case {
  int64_t starts_ns[SPANS_MAX]; /* ends with -1 */
  int64_t ends_after_ns;        /* each start */
  int64_t found_start_ns, found_end_ns;
  bt_place place;
  int64_t time_ns;
} trace_case;

static bt_placed place_of(const trace_case *c) {
  bt_span spans[SPANS_MAX] = {{.start_ns = 0}};
  bt_trace trace = {.spans = spans};
  bt_found found = {.start_ns = c->found_start_ns, .end_ns = c->found_end_ns};
  bt_placed placed = {BT_PLACE_UNDECIDED, -1};
  bt_error error = {0};
  for (; trace.span_count < SPANS_MAX && c->starts_ns[trace.span_count] >= 0; trace.span_count++) {
    int64_t start_ns = c->starts_ns[trace.span_count];
    spans[trace.span_count].start_ns = start_ns;
    spans[trace.span_count].end_ns = start_ns ? start_ns + c->ends_after_ns : c->ends_after_ns;
  }
  assert_int_equal(bt_window_place_trace(&window, &trace, &found, &placed, &error), BT_OK);
  return placed;
}

static void check_places(const trace_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    bt_placed placed = place_of(&cases[i]);
    if (placed.place != cases[i].place || placed.time_ns != cases[i].time_ns)
      fail_msg("case %zu: place %d, time %lld; expected %d, %lld", i, (int)placed.place, (long long)placed.time_ns,
               (int)cases[i].place, (long long)cases[i].time_ns);
  }
}

static void a_whole_trace_has_its_place(void **state) {
  (void)state;
  const int64_t late = END + 10 * (int64_t)MARGIN, days = END + WRAPS_NS + 3 * (int64_t)MARGIN;
  const trace_case cases[] = {
      /* its earliest start, but never more than margin before the latest */
      {{START, -1}, MS, START, START, BT_PLACE_SETTLED, START},
      {{START, START + MARGIN, -1}, MS, START, END, BT_PLACE_SETTLED, START},
      {{START - 1, START, -1}, MS, START, START, BT_PLACE_OUTSIDE, START - 1},
      {{START - MARGIN, START - 1, START + 7, -1}, MS, START, START, BT_PLACE_OUTSIDE, START - MARGIN + 7},
      {{START - MARGIN, START - 1, START + MARGIN - 1, START + MARGIN + 7},
       MS,
       START,
       END,
       BT_PLACE_SETTLED,
       START + 7},
      {{EFFECTIVE_END, -1}, MS, START, START, BT_PLACE_TAIL, EFFECTIVE_END},
      {{END, -1}, MS, END, END, BT_PLACE_OUTSIDE, END},
      /* a start that nobody set is none */
      {{0, START + 5, -1}, MS, START, START, BT_PLACE_SETTLED, START + 5},
      {{0, 0, END + 5, -1}, MS, START, START, BT_PLACE_OUTSIDE, END + 5},
      /* ends where there are no starts; wherever it was found where there is no time */
      {{0, -1}, START + 3, START, START, BT_PLACE_SETTLED, START + 3},
      {{0, -1}, END + 3, START, START, BT_PLACE_OUTSIDE, END + 3},
      {{0, 0, -1}, 0, START, START, BT_PLACE_SETTLED, 0},
      /* one span far from all others takes it out of no window */
      {{1, START + 5, -1}, MS, 1, 2, BT_PLACE_SETTLED, START + 5},
      {{START + 5, late, -1}, MS, START + 5, late, BT_PLACE_SETTLED, START + 5},
      {{START + 5, days, -1}, MS, START + 5, START + 6, BT_PLACE_SETTLED, START + 5},
      {{1, START + 5, days, -1}, MS, 1, 2, BT_PLACE_SETTLED, START + 5},
      {{EFFECTIVE_END, START + 5, -1}, MS, START, END, BT_PLACE_SETTLED, START + 5},
      {{1, late, -1}, MS, 1, 2, BT_PLACE_OUTSIDE, 1},
  };
  check_places(cases, sizeof cases / sizeof *cases);
  assert_false(bt_window_is_long(&window, START, START + MARGIN));
  assert_true(bt_window_is_long(&window, START, START + MARGIN + 1));
  assert_true(bt_window_is_long(&window, INT64_MIN, INT64_MAX));
}

static void a_long_trace_is_lost_in_no_window(void **state) {
  (void)state;
  const int64_t days = END + WRAPS_NS + 3 * (int64_t)MARGIN;
  const trace_case cases[] = {
      /* a long one whose time lies after the window, found at its beginning alone: no other window is sure to */
      {{END - 1, END + MARGIN - 1, END + 2 * MARGIN - 1, -1}, MS, END - 1, END, BT_PLACE_OUTSIDE, END + MARGIN - 1},
      {{END - 1, END + MARGIN - 1, END + 2 * MARGIN - 1, END + 3 * MARGIN - 1},
       MS,
       END - 1,
       END,
       BT_PLACE_TAIL,
       END - 1},
      /* the same, and what is said of where it was found reaches further than its spans: not believed */
      {{END - 1, END + MARGIN - 1, END + 2 * MARGIN - 1, END + 3 * MARGIN - 1},
       MS,
       END - 1,
       days,
       BT_PLACE_TAIL,
       END - 1},
      {{END - 1, END + MARGIN - 1, END + 2 * MARGIN - 1, END + 3 * MARGIN - 1},
       MS,
       END - 1,
       END + 3 * MARGIN - 1,
       BT_PLACE_OUTSIDE,
       END + 2 * MARGIN - 1},
  };
  check_places(cases, sizeof cases / sizeof *cases);
}

static void searches_reach_over_the_edges(void **state) {
  (void)state;
  bt_time_range range = bt_window_search_range(&window, 7 * MS);
  assert_int_equal(range.start_ns, START - MARGIN);
  assert_int_equal(range.end_ns, END + MARGIN);
  assert_int_equal(bt_window_search_range(&window, 2 * MARGIN).end_ns, END + 2 * MARGIN);
  bt_window ends = {.range = {INT64_MIN + 1, INT64_MAX - 1}, .margin_ns = MARGIN, .effective_end_ns = INT64_MAX - 1};
  range = bt_window_search_range(&ends, 0);
  assert_true(range.start_ns == INT64_MIN && range.end_ns == INT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_by_bounds),
      cmocka_unit_test(a_store_may_contradict_itself),
      cmocka_unit_test(a_whole_trace_has_its_place),
      cmocka_unit_test(a_long_trace_is_lost_in_no_window),
      cmocka_unit_test(searches_reach_over_the_edges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
