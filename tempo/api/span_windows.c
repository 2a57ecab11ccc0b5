/* Windows of a search for spans. See span_windows.h.
 *
 * Why a longer trace is always noticed: what begins in a window's own time is seen by it. So a piece that the window W
 * which gave the trace did not see begins after what W was asked for, or ended before it. The window in whose time the
 * trace begins gives it: where that is not W, it is given twice, with bounds that lie farther apart than the time
 * around W. Where it is W, a later window sees the piece. Either the trace seems to begin there, and it is given twice,
 * or something of it was seen before that window's time, farther from the piece than `around`: it is long there. */
#include "tempo/api/span_windows.h"

#include "dsl/base/time_sum.h"

enum {
  SHORTEST_S = 3600, /* of a window's own time: Tempo's blocks are seldom of less */
  TIMES_AROUND = 4,  /* and it is so many times what is asked for around it, so that little is asked for twice */
  PRECISION_S = 2    /* of bounds in answers */
};
static const int64_t second_ns = 1000000000;

static int64_t seconds_of(int64_t ns) {
  return ns / second_ns + (ns % second_ns > 0);
}

bt_span_windows bt_span_windows_plan(int64_t start_s, int64_t end_s, uint64_t most, int64_t longest_ns,
                                     int64_t reach_ns) {
  bt_span_windows w = {.start_s = start_s, .end_s = end_s, .step_s = end_s - start_s, .count = 1};
  if (longest_ns <= 0 || most < 2 || longest_ns > (end_s - start_s) * second_ns) return w;
  w.longest_ns = longest_ns;
  w.around_s = seconds_of(longest_ns) + PRECISION_S;
  w.reach_s = seconds_of(reach_ns);
  int64_t least_s = bt_time_later(SHORTEST_S, bt_time_later(TIMES_AROUND * w.around_s, 2 * w.reach_s));
  uint64_t room = (uint64_t)((end_s - start_s) / least_s);
  uint64_t count = room < most ? room : most;
  if (count < 2) return w;
  w.count = (uint32_t)count;
  w.step_s = (end_s - start_s + w.count - 1) / w.count;
  return w;
}

uint64_t bt_span_windows_share(const bt_span_windows *w, uint64_t traces) {
  static const uint64_t most = UINT64_C(1) << 40;
  double asked_s = (double)(w->step_s + 2 * w->around_s + w->reach_s);
  if (w->count == 1) return traces;
  return (uint64_t)((double)(traces < most ? traces : most) / w->count * asked_s / (double)w->step_s);
}

static int64_t own_start_s(const bt_span_windows *w, uint32_t number) {
  return w->start_s + number * w->step_s;
}

void bt_span_windows_bounds(const bt_span_windows *w, uint32_t number, int64_t *start_s, int64_t *end_s) {
  *start_s = w->start_s;
  *end_s = w->end_s;
  if (w->count == 1) return;
  *start_s = bt_time_later(w->start_s, own_start_s(w, number) - w->around_s);
  int64_t last_s = own_start_s(w, number + 1) + w->around_s + w->reach_s;
  if (number + 1 < w->count && last_s < w->end_s) *end_s = last_s;
}

bool bt_span_windows_gives(const bt_span_windows *w, uint32_t number, const bt_found *found) {
  if (w->count == 1 || found->in_doubt) return true;
  if (bt_time_subtract(found->end_ns, found->start_ns) > w->longest_ns) return true;
  bool is_earlier = number > 0 && found->start_ns < own_start_s(w, number) * second_ns;
  bool is_later = number + 1 < w->count && found->start_ns >= own_start_s(w, number + 1) * second_ns;
  return !is_earlier && !is_later;
}
