/* Membership of traces in a window. See window.h. Everything follows from one fact: all starts of a trace that is not
 * longer than margin lie within margin of each other. Searches give ends cut to milliseconds, so an end that was
 * found may be later than it says. Thread: no state. */
#include "server/replay/window.h"

#include <assert.h>
#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"

static const int64_t END_PRECISION_NS = 1000000;
/* Tempo counts the length of a fragment in a uint32 of milliseconds. */
static const int64_t LENGTH_WRAPS_NS = (int64_t)1000000 << 32;

bt_time_range bt_window_search_range(const bt_window *window, int64_t lateness_ns) {
  int64_t after_ns = lateness_ns > window->margin_ns ? lateness_ns : window->margin_ns;
  return (bt_time_range){bt_time_subtract(window->range.start_ns, window->margin_ns),
                         bt_time_add(window->range.end_ns, after_ns)};
}

bool bt_window_is_long(const bt_window *window, int64_t first_start_ns, int64_t last_start_ns) {
  return bt_time_subtract(last_start_ns, first_start_ns) > window->margin_ns;
}

bt_place bt_window_place_time(const bt_window *window, int64_t time_ns) {
  if (time_ns < window->range.start_ns || time_ns >= window->range.end_ns) return BT_PLACE_OUTSIDE;
  return time_ns < window->effective_end_ns ? BT_PLACE_SETTLED : BT_PLACE_TAIL;
}

/* ---- by bounds ---- */

/* The place of every time from low to high, where it is the same for all. */
static bt_place place_between(const bt_window *window, int64_t low_ns, int64_t high_ns) {
  if (high_ns < window->range.start_ns || low_ns >= window->range.end_ns) return BT_PLACE_OUTSIDE;
  bt_place low = bt_window_place_time(window, low_ns), high = bt_window_place_time(window, high_ns);
  return low == high && low != BT_PLACE_OUTSIDE ? low : BT_PLACE_UNDECIDED;
}

/* No start is after the end that was found, and the last part of a long trace may be short. */
int64_t bt_window_latest_time(const bt_window *window, const bt_found *found) {
  int64_t end_ns = bt_time_add(found->end_ns, END_PRECISION_NS);
  return bt_window_is_long(window, found->start_ns, end_ns) ? end_ns : found->start_ns;
}

bt_place bt_window_place_found(const bt_window *window, const bt_found *found) {
  /* A trace's time is never more than margin before one of its starts; and unless the trace is long, never after
   * one. */
  int64_t low_ns = bt_time_subtract(found->start_ns, window->margin_ns);
  if (found->in_doubt) return BT_PLACE_UNDECIDED;
  bt_place place = place_between(window, low_ns, bt_window_latest_time(window, found));
  /* Before the window only a long trace's time can still lie in it: the whole trace decides. */
  return place == BT_PLACE_OUTSIDE && low_ns < window->range.end_ns ? BT_PLACE_UNDECIDED : place;
}

bt_place bt_window_place_listed(const bt_window *window, const bt_found *listed) {
  if (listed->in_doubt) return BT_PLACE_UNDECIDED;
  return place_between(window, listed->start_ns, bt_window_latest_time(window, listed));
}

/* ---- of a whole trace ---- */

/* Starts that lie within margin of the next. */
typedef struct part {
  int64_t first_ns, last_ns;
} part;

static int64_t time_of(const bt_window *window, const part *of) {
  return bt_time_later(of->first_ns, bt_time_subtract(of->last_ns, window->margin_ns));
}

/* How far what was found reaches, as far as it is believed: not past the whole trace, and not where it is so long that
 * its length wraps. */
static int64_t believed_end_ns(const bt_trace *trace, const bt_found *found) {
  int64_t last_ns = bt_trace_latest_start_ns(trace), first_ns = bt_trace_start_ns(trace);
  int64_t end_ns = bt_time_add(bt_time_later(bt_trace_end_ns(trace), last_ns), END_PRECISION_NS);
  bool is_believed = bt_time_subtract(end_ns, first_ns) < LENGTH_WRAPS_NS && found->end_ns <= end_ns;
  return is_believed && !found->in_doubt ? found->end_ns : found->start_ns;
}

static bool is_found_near(const bt_window *window, const bt_trace *trace, const bt_found *found, int64_t time_ns) {
  return found->start_ns <= bt_time_add(time_ns, window->margin_ns) &&
         believed_end_ns(trace, found) >= bt_time_subtract(time_ns, window->margin_ns);
}

static int compare_times(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* New, in order, without those that nobody set; ends where there is no start. NULL: no memory. */
static int64_t *list_times(const bt_trace *trace, size_t *count) {
  bool has_starts = bt_trace_start_ns(trace) != 0;
  int64_t *times = bt_realloc_array(NULL, trace->span_count + 1, sizeof *times);
  *count = 0;
  for (uint32_t i = 0; times && i < trace->span_count; i++) {
    int64_t time_ns = has_starts ? trace->spans[i].start_ns : trace->spans[i].end_ns;
    if (time_ns) times[(*count)++] = time_ns;
  }
  if (times && *count) qsort(times, *count, sizeof *times, compare_times);
  return times;
}

/* SETTLED before TAIL before OUTSIDE; of two alike the first. */
static void offer_place(bt_placed *best, bt_place place, int64_t time_ns) {
  bool is_better = (best->place == BT_PLACE_OUTSIDE && place != BT_PLACE_OUTSIDE) ||
                   (best->place == BT_PLACE_TAIL && place == BT_PLACE_SETTLED);
  if (is_better) *best = (bt_placed){place, time_ns};
}

/* A trace that is long has a part of itself in windows that its time does not lie in. */
static void place_reaching(const bt_window *window, const part *of, int64_t time_ns, bt_placed *best) {
  const bt_window whole = {
      .range = window->whole, .margin_ns = window->margin_ns, .effective_end_ns = window->whole_end_ns};
  bool is_in = of->first_ns < window->range.end_ns && of->last_ns >= window->range.start_ns;
  if (is_in)
    offer_place(best, bt_window_place_time(&whole, time_ns), bt_time_later(of->first_ns, window->range.start_ns));
}

/* By its time; and where no window of that is sure to find it, by where it was found, too. */
static void place_part(const bt_window *window, const bt_trace *trace, const part *of, const bt_found *found,
                       bt_placed *best) {
  int64_t time_ns = time_of(window, of);
  int64_t found_ns = bt_time_earlier(bt_time_later(found->start_ns, of->first_ns), of->last_ns);
  bool is_long = bt_window_is_long(window, of->first_ns, of->last_ns);
  offer_place(best, bt_window_place_time(window, time_ns), time_ns);
  if (is_long && !is_found_near(window, trace, found, time_ns))
    offer_place(best, bt_window_place_time(window, found_ns), found_ns);
  if (is_long) place_reaching(window, of, time_ns, best);
}

static void place_parts(const bt_window *window, const bt_trace *trace, const int64_t *times, size_t count,
                        const bt_found *found, bt_placed *out) {
  for (size_t i = 0, next = 0; i < count; i = next) {
    for (next = i + 1; next < count && !bt_window_is_long(window, times[next - 1], times[next]);) next++;
    part of = {times[i], times[next - 1]};
    if (!i) *out = (bt_placed){BT_PLACE_OUTSIDE, time_of(window, &of)};
    place_part(window, trace, &of, found, out);
  }
}

bt_status bt_window_place_trace(const bt_window *window, const bt_trace *trace, const bt_found *found, bt_placed *out,
                                bt_error *error) {
  part whole = {bt_trace_start_ns(trace), bt_trace_latest_start_ns(trace)};
  size_t count = 0;
  *out = (bt_placed){bt_window_place_time(window, whole.first_ns), whole.first_ns};
  if (whole.first_ns && !bt_window_is_long(window, whole.first_ns, whole.last_ns)) return BT_OK;
  int64_t *times = list_times(trace, &count);
  if (!times) return bt_error_no_memory(error);
  if (count)
    place_parts(window, trace, times, count, found, out);
  else
    *out = (bt_placed){BT_PLACE_SETTLED, 0};
  /* A trace that is in the window has a time there, if any: so windows that do not overlap share none of its times. */
  assert(out->place == BT_PLACE_OUTSIDE || !out->time_ns ||
         bt_window_place_time(window, out->time_ns) != BT_PLACE_OUTSIDE);
  free(times);
  return BT_OK;
}
