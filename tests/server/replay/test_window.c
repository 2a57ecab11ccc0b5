/* Membership in a window: the edges, long traces, and times at the ends of what 64 bits hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/replay/window.h"

enum { START = 500000000, END = 1000000000, EFFECTIVE_END = 800000000, MARGIN = 100000000, MS = 1000000 };

static const bt_window window = {{START, END}, MARGIN, EFFECTIVE_END};

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

static void a_trace_has_one_time(void **state) {
  (void)state;
  assert_int_equal(bt_window_trace_time(&window, START, START), START);
  assert_int_equal(bt_window_trace_time(&window, START, START + MARGIN), START);
  assert_int_equal(bt_window_trace_time(&window, START, START + MARGIN + 5), START + 5);
  assert_int_equal(bt_window_trace_time(&window, INT64_MIN, INT64_MAX), INT64_MAX - MARGIN);
  assert_false(bt_window_is_long(&window, START, START + MARGIN));
  assert_true(bt_window_is_long(&window, START, START + MARGIN + 1));
  assert_true(bt_window_is_long(&window, INT64_MIN, INT64_MAX));
}

static void searches_reach_over_the_edges(void **state) {
  (void)state;
  bt_time_range range = bt_window_search_range(&window, 7 * MS);
  assert_int_equal(range.start_ns, START - MARGIN);
  assert_int_equal(range.end_ns, END + MARGIN);
  assert_int_equal(bt_window_search_range(&window, 2 * MARGIN).end_ns, END + 2 * MARGIN);
  bt_window ends = {{INT64_MIN + 1, INT64_MAX - 1}, MARGIN, INT64_MAX - 1};
  range = bt_window_search_range(&ends, 0);
  assert_true(range.start_ns == INT64_MIN && range.end_ns == INT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_by_bounds),
      cmocka_unit_test(a_trace_has_one_time),
      cmocka_unit_test(searches_reach_over_the_edges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
