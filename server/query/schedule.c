/* Windows of a listing. See schedule.h. */
#include "server/query/schedule.h"

#include <stdlib.h>

#include "dsl/base/time_sum.h"

enum { WINDOWS_MAX = 64 /* doubling from a nanosecond would pass every range by then */ };
static const int64_t FIRST_NS = INT64_C(3600) * 1000000000;
static const int64_t SHORTEST_NS = 2000000;

/* Not shorter than twice margin: what is found within margin of a window's far end is certain only after the next
 * window. */
static int64_t first_length(int64_t margin_ns) {
  int64_t twice_ns = bt_time_add(margin_ns, margin_ns);
  return twice_ns > FIRST_NS ? twice_ns : FIRST_NS;
}

/* The next window of what is left. A rest that would be shorter than half of it joins it. */
static bt_time_range cut_next_window(bt_time_range *left, bool newest_first, int64_t length_ns) {
  bt_time_range window = *left;
  uint64_t whole_ns = (uint64_t)left->end_ns - (uint64_t)left->start_ns;
  bool is_last = whole_ns / 3 < (uint64_t)length_ns / 2 || whole_ns <= (uint64_t)length_ns;
  if (is_last) {
    left->start_ns = left->end_ns = 0;
  } else if (newest_first) {
    window.start_ns = left->end_ns - length_ns;
    left->end_ns = window.start_ns;
  } else {
    window.end_ns = left->start_ns + length_ns;
    left->start_ns = window.end_ns;
  }
  return window;
}

bt_status bt_schedule_make(bt_time_range range, bool newest_first, int64_t margin_ns, bt_schedule *out,
                           bt_error *error) {
  bt_time_range windows[WINDOWS_MAX];
  size_t count = 0;
  int64_t length_ns = first_length(margin_ns);
  *out = (bt_schedule){0};
  while (range.start_ns < range.end_ns && count < WINDOWS_MAX) {
    windows[count++] = cut_next_window(&range, newest_first, length_ns);
    length_ns = bt_time_add(length_ns, length_ns);
  }
  out->windows = bt_realloc_array(NULL, count ? count : 1, sizeof *out->windows);
  if (!out->windows) return bt_error_no_memory(error);
  while (out->count < count) {
    out->windows[out->count] = windows[count - 1 - out->count];
    out->count++;
  }
  return BT_OK;
}

void bt_schedule_dispose(bt_schedule *schedule) {
  free(schedule->windows);
  *schedule = (bt_schedule){0};
}

bt_time_range bt_schedule_next(const bt_schedule *schedule) {
  return schedule->windows[schedule->count - 1];
}

void bt_schedule_done(bt_schedule *schedule) {
  schedule->count--;
}

bt_time_range bt_schedule_rest(const bt_schedule *schedule, bool newest_first) {
  if (!schedule->count) return (bt_time_range){0, 0};
  bt_time_range far = schedule->windows[0], near = bt_schedule_next(schedule);
  return newest_first ? (bt_time_range){far.start_ns, near.end_ns} : (bt_time_range){near.start_ns, far.end_ns};
}

bt_status bt_schedule_split(bt_schedule *schedule, bool newest_first, bt_error *error) {
  bt_time_range whole = bt_schedule_next(schedule);
  uint64_t length_ns = (uint64_t)whole.end_ns - (uint64_t)whole.start_ns;
  if (length_ns < (uint64_t)SHORTEST_NS)
    return bt_error_set(error, BT_LIMIT, "more violations than fit into memory lie within two milliseconds");
  bt_time_range *windows = bt_realloc_array(schedule->windows, schedule->count + 1, sizeof *windows);
  if (!windows) return bt_error_no_memory(error);
  int64_t middle_ns = whole.start_ns + (int64_t)(length_ns / 2);
  bt_time_range early = {whole.start_ns, middle_ns}, late = {middle_ns, whole.end_ns};
  schedule->windows = windows;
  windows[schedule->count - 1] = newest_first ? early : late;
  windows[schedule->count++] = newest_first ? late : early;
  return BT_OK;
}
