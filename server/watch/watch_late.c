/* Late spans. See watch_late.h. */
#include "server/watch/watch_late.h"

#include "dsl/base/time_sum.h"

/* What comes within settle is found by the slices. */
bt_watch_late bt_watch_late_of(const bt_assumptions *service, const bt_late_promise *promise) {
  int64_t shown_ns = bt_time_add(bt_time_add(service->lateness_ns, service->settle_floor_ns), service->clock_ahead_ns);
  int64_t after_ns = bt_time_later(service->late_ns, shown_ns);
  if (after_ns <= service->settle_ns) return (bt_watch_late){0};
  return (bt_watch_late){after_ns, bt_late_reach_ns(promise, service->lateness_ns)};
}

int64_t bt_watch_late_delay_ns(const bt_watch_late *late, int64_t settle_ns) {
  return late->shown_after_ns ? bt_time_subtract(late->shown_after_ns, settle_ns) : 0;
}

bool bt_watch_late_reaches(const bt_watch_late *late, const bt_slice *slice) {
  return slice->kind != BT_SLICE_LIVE && late->reach_ns;
}

bt_time_range bt_watch_late_range(const bt_watch_late *late, const bt_slice *slice, int64_t now_ns) {
  bt_time_range range = slice->range;
  if (!bt_watch_late_reaches(late, slice)) return range;
  int64_t end_ns = bt_time_earlier(bt_time_add(range.end_ns, late->reach_ns), now_ns);
  range.end_ns = bt_time_later(range.end_ns, end_ns);
  return range;
}

int64_t bt_watch_late_provisional_ns(const bt_watch_late *late, const bt_watch_schedule *schedule, int64_t done_ns) {
  return late->shown_after_ns ? bt_watch_schedule_certain_ns(schedule, done_ns, late->shown_after_ns) : 0;
}
