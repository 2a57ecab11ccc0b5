/* Membership of traces in a window. See window.h. Everything follows from one fact: all starts of a trace that is
 * not longer than margin lie within margin of each other. Searches give ends cut to milliseconds, so an end that was
 * found may be later than it says. Thread: no state. */
#include "server/replay/window.h"

#include "dsl/time_sum.h"

static const int64_t END_PRECISION_NS = 1000000;

bt_time_range bt_window_search_range(const bt_window *window, int64_t lateness_ns) {
  int64_t after_ns = lateness_ns > window->margin_ns ? lateness_ns : window->margin_ns;
  return (bt_time_range){bt_time_subtract(window->range.start_ns, window->margin_ns),
                         bt_time_add(window->range.end_ns, after_ns)};
}

int64_t bt_window_trace_time(const bt_window *window, int64_t first_start_ns, int64_t last_start_ns) {
  int64_t earliest_ns = bt_time_subtract(last_start_ns, window->margin_ns);
  return first_start_ns > earliest_ns ? first_start_ns : earliest_ns;
}

bool bt_window_is_long(const bt_window *window, int64_t first_start_ns, int64_t last_start_ns) {
  return bt_time_subtract(last_start_ns, first_start_ns) > window->margin_ns;
}

bt_place bt_window_place_time(const bt_window *window, int64_t time_ns) {
  if (time_ns < window->range.start_ns || time_ns >= window->range.end_ns) return BT_PLACE_OUTSIDE;
  return time_ns < window->effective_end_ns ? BT_PLACE_SETTLED : BT_PLACE_TAIL;
}

/* The place of every time from low to high, where it is the same for all. */
static bt_place place_between(const bt_window *window, int64_t low_ns, int64_t high_ns) {
  if (high_ns < window->range.start_ns || low_ns >= window->range.end_ns) return BT_PLACE_OUTSIDE;
  bt_place low = bt_window_place_time(window, low_ns), high = bt_window_place_time(window, high_ns);
  return low == high && low != BT_PLACE_OUTSIDE ? low : BT_PLACE_UNDECIDED;
}

/* No latest start is after the end that was found. */
int64_t bt_window_latest_time(const bt_window *window, const bt_found *found) {
  int64_t end_ns = bt_time_add(found->end_ns, END_PRECISION_NS);
  return bt_window_trace_time(window, found->start_ns, end_ns);
}

bt_place bt_window_place_found(const bt_window *window, const bt_found *found) {
  /* A trace's time is never more than margin before one of its starts; and unless the trace is long, never after
   * one. */
  int64_t low_ns = bt_time_subtract(found->start_ns, window->margin_ns);
  bt_place place = place_between(window, low_ns, bt_window_latest_time(window, found));
  /* Before the window only a long trace's time can still lie in it: the whole trace decides. */
  return place == BT_PLACE_OUTSIDE && low_ns < window->range.end_ns ? BT_PLACE_UNDECIDED : place;
}

bt_place bt_window_place_listed(const bt_window *window, const bt_found *listed) {
  return place_between(window, listed->start_ns, bt_window_latest_time(window, listed));
}

static bool is_found_near(const bt_window *window, const bt_found *found, int64_t time_ns) {
  return found->start_ns <= bt_time_add(time_ns, window->margin_ns) &&
         found->end_ns >= bt_time_subtract(time_ns, window->margin_ns);
}

bt_place bt_window_place_starts(const bt_window *window, int64_t first_ns, int64_t last_ns, const bt_found *found) {
  int64_t time_ns = bt_window_trace_time(window, first_ns, last_ns);
  bt_place place = bt_window_place_time(window, time_ns);
  if (place != BT_PLACE_OUTSIDE || !bt_window_is_long(window, first_ns, last_ns)) return place;
  return is_found_near(window, found, time_ns) ? place : bt_window_place_time(window, found->start_ns);
}
