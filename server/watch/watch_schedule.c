/* The ranges to search. See watch_schedule.h. */
#include "server/watch/watch_schedule.h"

#include <assert.h>
#include <string.h>

#include "dsl/base/time_sum.h"

int64_t bt_watch_sweep_delay(const bt_watch_times *times, unsigned number) {
  const int64_t delays[BT_WATCH_SWEEPS] = {times->first_sweep_ns, times->lookback_ns, times->late_sweep_ns};
  return delays[number];
}

bool bt_watch_has_sweep(const bt_watch_times *times, unsigned number) {
  return number < BT_WATCH_SWEEPS - 1 || times->late_sweep_ns > times->lookback_ns;
}

int64_t bt_watch_last_delay(const bt_watch_times *times) {
  return bt_time_later(times->lookback_ns, times->late_sweep_ns);
}

void bt_watch_schedule_set_late(bt_watch_schedule *schedule, int64_t late_sweep_ns, int64_t now_ns) {
  enum { LATE = BT_WATCH_SWEEPS - 1 };
  bt_watch_times *times = &schedule->times;
  bool is_longer = late_sweep_ns > bt_watch_last_delay(times), was_there = bt_watch_has_sweep(times, LATE);
  times->late_sweep_ns = late_sweep_ns;
  if (!is_longer) return;
  int64_t again_ns = bt_time_subtract(bt_time_subtract(now_ns, times->settle_ns), late_sweep_ns);
  if (was_there) again_ns = bt_time_earlier(again_ns, schedule->swept_ns[LATE]);
  schedule->swept_ns[LATE] = bt_time_later(again_ns, schedule->first_ns);
}

bt_time_range bt_watch_hull(bt_time_range a, bt_time_range b) {
  if (a.start_ns >= a.end_ns) return b;
  if (b.start_ns >= b.end_ns) return a;
  return (bt_time_range){bt_time_earlier(a.start_ns, b.start_ns), bt_time_later(a.end_ns, b.end_ns)};
}

static void join_gaps(bt_time_range *gaps, size_t *count) {
  size_t kept = 0;
  for (size_t i = 1; i < *count; i++) {
    if (gaps[i].start_ns <= gaps[kept].end_ns)
      gaps[kept].end_ns = bt_time_later(gaps[kept].end_ns, gaps[i].end_ns);
    else
      gaps[++kept] = gaps[i];
  }
  *count = *count ? kept + 1 : 0;
}

#ifndef NDEBUG
/* Invariant: gaps follow one another in time, and none touches the next, so that nothing is caught up twice. */
static bool are_gaps_apart(const bt_time_range *gaps, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (gaps[i].start_ns >= gaps[i].end_ns || (i && gaps[i].start_ns <= gaps[i - 1].end_ns)) return false;
  return true;
}
#endif

void bt_watch_gaps_add(bt_time_range gaps[BT_WATCH_GAPS_MAX], size_t *count, bt_time_range gap) {
  if (*count == BT_WATCH_GAPS_MAX) gap = bt_watch_hull(gap, gaps[--*count]);
  size_t at = (*count)++;
  for (; at && gaps[at - 1].start_ns > gap.start_ns; at--) gaps[at] = gaps[at - 1];
  gaps[at] = gap;
  join_gaps(gaps, count);
  assert(are_gaps_apart(gaps, *count));
}

void bt_watch_schedule_add_gap(bt_watch_schedule *schedule, bt_time_range gap, int64_t now_ns) {
  int64_t oldest_ns = bt_time_subtract(now_ns, schedule->times.catchup_max_ns);
  if (gap.start_ns < oldest_ns) {
    bt_time_range lost = {gap.start_ns, bt_time_earlier(gap.end_ns, oldest_ns)};
    schedule->lost = bt_watch_hull(schedule->lost, lost);
  }
  gap.start_ns = bt_time_later(gap.start_ns, oldest_ns);
  if (gap.start_ns < gap.end_ns) bt_watch_gaps_add(schedule->gaps, &schedule->gap_count, gap);
}

void bt_watch_schedule_advance(bt_watch_schedule *schedule, int64_t now_ns) {
  const bt_watch_times *times = &schedule->times;
  int64_t settled_ns = bt_time_subtract(now_ns, times->settle_ns);
  int64_t from_ns = bt_time_subtract(settled_ns, times->lookback_ns);
  if (schedule->searched_ns < from_ns) {
    bt_watch_schedule_add_gap(schedule, (bt_time_range){schedule->searched_ns, from_ns}, now_ns);
    schedule->searched_ns = from_ns;
  }
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++) {
    int64_t oldest_ns = bt_time_subtract(from_ns, bt_watch_sweep_delay(times, i) + 2 * times->sweep_step_ns);
    if (!bt_watch_has_sweep(times, i) || schedule->swept_ns[i] >= oldest_ns) continue;
    /* Catching up does what the sweep would have done: it comes later than the sweep's delay. */
    bt_watch_schedule_add_gap(schedule, (bt_time_range){schedule->swept_ns[i], oldest_ns}, now_ns);
    schedule->swept_ns[i] = oldest_ns;
  }
}

void bt_watch_schedule_repeat(bt_watch_schedule *schedule, int64_t wall_ns, int64_t now_ns) {
  const bt_watch_times *times = &schedule->times;
  int64_t settled_ns = bt_time_subtract(wall_ns ? wall_ns : now_ns, times->settle_ns);
  int64_t end_ns = bt_time_earlier(settled_ns, schedule->searched_ns);
  if (wall_ns && !schedule->repeated_ns) {
    int64_t ahead_ns = bt_time_subtract(now_ns, wall_ns);
    int64_t oldest_ns = bt_time_subtract(now_ns, times->catchup_max_ns);
    schedule->repeated_ns =
        bt_time_later(1, bt_time_later(oldest_ns, bt_time_subtract(schedule->started_ns, ahead_ns)));
  }
  if (!schedule->repeated_ns) return;
  if (!wall_ns || bt_time_subtract(end_ns, schedule->repeated_ns) >= times->sweep_step_ns) {
    bt_watch_schedule_add_gap(schedule, (bt_time_range){schedule->repeated_ns, end_ns}, now_ns);
    schedule->repeated_ns = wall_ns ? end_ns : 0;
  }
}

size_t bt_watch_schedule_gaps(const bt_watch_schedule *schedule, int64_t held_ns,
                              bt_time_range gaps[BT_WATCH_GAPS_MAX]) {
  size_t count = schedule->gap_count;
  memcpy(gaps, schedule->gaps, count * sizeof *gaps);
  if (held_ns < schedule->caught_up_ns)
    bt_watch_gaps_add(gaps, &count, (bt_time_range){held_ns, schedule->caught_up_ns});
  return count;
}

int64_t bt_watch_schedule_done_ns(const bt_watch_schedule *schedule) {
  int64_t done_ns = schedule->searched_ns;
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++) {
    int64_t due_ns = bt_watch_sweep_delay(&schedule->times, i) + schedule->times.sweep_step_ns;
    if (!bt_watch_has_sweep(&schedule->times, i)) continue;
    done_ns = bt_time_earlier(done_ns, bt_time_add(schedule->swept_ns[i], due_ns));
  }
  return done_ns;
}

/* What a sweep found and nobody has judged holds done_ns at its delay after it, so that what lies longer before was
 * judged. */
void bt_watch_schedule_swept(const bt_watch_schedule *schedule, int64_t done_ns, int64_t out[BT_WATCH_SWEEPS]) {
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++) {
    int64_t judged_ns = bt_time_subtract(done_ns, bt_watch_sweep_delay(&schedule->times, i));
    out[i] = bt_watch_has_sweep(&schedule->times, i) ? bt_time_earlier(schedule->swept_ns[i], judged_ns) : 0;
  }
}

int64_t bt_watch_schedule_certain_ns(const bt_watch_schedule *schedule, int64_t done_ns, int64_t age_ns) {
  const bt_watch_times *times = &schedule->times;
  int64_t swept_ns[BT_WATCH_SWEEPS], certain_ns = INT64_MIN;
  bt_watch_schedule_swept(schedule, done_ns, swept_ns);
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++) {
    bool is_late_enough = bt_time_add(bt_watch_sweep_delay(times, i), times->settle_ns) >= age_ns;
    if (bt_watch_has_sweep(times, i) && is_late_enough) certain_ns = bt_time_later(certain_ns, swept_ns[i]);
  }
  return certain_ns == INT64_MIN ? certain_ns : bt_time_later(certain_ns, schedule->first_ns);
}

int64_t bt_watch_schedule_from_ns(const bt_watch_schedule *schedule) {
  int64_t from_ns = schedule->searched_ns;
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++)
    if (bt_watch_has_sweep(&schedule->times, i)) from_ns = bt_time_earlier(from_ns, schedule->swept_ns[i]);
  return schedule->gap_count ? bt_time_earlier(from_ns, schedule->gaps[0].start_ns) : from_ns;
}

void bt_watch_schedule_start(bt_watch_schedule *schedule, const bt_watch_times *times, int64_t watermark_ns,
                             const int64_t swept_ns[BT_WATCH_SWEEPS], int64_t now_ns) {
  bool is_first = watermark_ns == INT64_MIN;
  int64_t settled_ns = bt_time_subtract(now_ns, times->settle_ns);
  *schedule = (bt_watch_schedule){.times = *times, .caught_up_ns = INT64_MIN};
  schedule->searched_ns = is_first ? settled_ns : bt_time_earlier(watermark_ns, settled_ns);
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++) {
    /* The earlier watcher may have been a step short of where its sweeps were due. */
    int64_t back_ns = is_first ? 0 : bt_watch_sweep_delay(times, i) + times->sweep_step_ns;
    schedule->swept_ns[i] = bt_time_subtract(schedule->searched_ns, back_ns);
    /* Or more, where its delay or its steps were longer. */
    if (swept_ns && swept_ns[i]) schedule->swept_ns[i] = bt_time_earlier(schedule->swept_ns[i], swept_ns[i]);
    /* Invariant: a watcher sweeps again at least what the earlier one had still to sweep (DECISIONS 349). */
    assert(!swept_ns || !swept_ns[i] || schedule->swept_ns[i] <= swept_ns[i]);
  }
  schedule->started_ns = schedule->searched_ns;
  schedule->first_ns = is_first ? schedule->searched_ns : INT64_MIN;
  bt_watch_schedule_advance(schedule, now_ns);
}

static bool fill_slice(bt_slice_kind kind, unsigned number, int64_t from_ns, int64_t to_ns, int64_t chunk_ns,
                       bt_slice *out) {
  int64_t end_ns = bt_time_earlier(to_ns, bt_time_add(from_ns, chunk_ns));
  *out = (bt_slice){.kind = kind, .number = number, .range = {from_ns, end_ns}};
  return from_ns < end_ns;
}

static bool due_sweep(const bt_watch_schedule *schedule, int64_t settled_ns, bt_slice *out) {
  const bt_watch_times *times = &schedule->times;
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++) {
    int64_t to_ns = bt_time_subtract(settled_ns, bt_watch_sweep_delay(times, i));
    to_ns = bt_time_earlier(to_ns, schedule->searched_ns);
    if (!bt_watch_has_sweep(times, i)) continue;
    if (bt_time_subtract(to_ns, schedule->swept_ns[i]) < times->sweep_step_ns) continue;
    return fill_slice(BT_SLICE_SWEEP, i, schedule->swept_ns[i], to_ns, times->chunk_ns, out);
  }
  return false;
}

bool bt_watch_schedule_due(const bt_watch_schedule *schedule, bt_slice_kind kind, int64_t now_ns, bt_slice *out) {
  const bt_watch_times *times = &schedule->times;
  int64_t settled_ns = bt_time_subtract(now_ns, times->settle_ns);
  switch (kind) {
  case BT_SLICE_LIVE: return fill_slice(kind, 0, schedule->searched_ns, settled_ns, times->chunk_ns, out);
  case BT_SLICE_SWEEP: return due_sweep(schedule, settled_ns, out);
  case BT_SLICE_CATCH_UP:
    return schedule->gap_count &&
           fill_slice(kind, 0, schedule->gaps[0].start_ns, schedule->gaps[0].end_ns, times->chunk_ns, out);
  }
  return false;
}

/* False: none begins there. */
static bool fill_gap(bt_watch_schedule *schedule, bt_time_range done) {
  for (size_t i = 0; i < schedule->gap_count; i++) {
    bt_time_range *gap = &schedule->gaps[i];
    if (gap->start_ns != done.start_ns) continue;
    gap->start_ns = done.end_ns;
    if (gap->start_ns < gap->end_ns) return true;
    schedule->gap_count--;
    memmove(gap, gap + 1, (schedule->gap_count - i) * sizeof *gap);
    return true;
  }
  return false;
}

/* Invariant: the slices of a lane follow one another without a hole and without going back. What lay in a hole would be
 * in no slice, no gap and no loss (as in DECISIONS 312). */
void bt_watch_schedule_done(bt_watch_schedule *schedule, const bt_slice *slice) {
  bool follows = true;
  assert(slice->range.start_ns < slice->range.end_ns);
  switch (slice->kind) {
  case BT_SLICE_LIVE:
    follows = slice->range.start_ns == schedule->searched_ns;
    schedule->searched_ns = slice->range.end_ns;
    break;
  case BT_SLICE_SWEEP:
    follows = slice->range.start_ns == schedule->swept_ns[slice->number];
    schedule->swept_ns[slice->number] = slice->range.end_ns;
    break;
  case BT_SLICE_CATCH_UP:
    follows = fill_gap(schedule, slice->range);
    schedule->caught_up_ns = bt_time_later(schedule->caught_up_ns, slice->range.end_ns);
    break;
  }
  assert(follows);
  (void)follows;
}
