/* Beginning. See watch_start.h. */
#include "server/watch/watch_start.h"

#include <stdio.h>

#include "dsl/base/time_sum.h"
#include "server/base/log.h"
#include "server/base/time_text.h"
#include "server/watch/watch_checkpoint.h"
#include "server/watch/watch_recovery.h"

static const int64_t DAY_NS = INT64_C(86400000000000);

/* Checkpoints are looked for farther back than gaps are caught up, so that what is lost is said. */
static int64_t longest_look(const bt_watch_round *round) {
  return bt_time_later(round->options->catchup_max_ns, 7 * DAY_NS);
}

static int64_t oldest_look(const bt_watch_round *round) {
  return bt_time_subtract(round->now_ns, longest_look(round));
}

/* What an earlier watcher had still to catch up, and what it lost: that is said for as long as its checkpoints are
 * looked for. */
static void take_gaps(const bt_watch_round *round, bt_watch_schedule *schedule, const bt_checkpoint *checkpoint) {
  for (size_t i = 0; i < checkpoint->gap_count; i++)
    bt_watch_schedule_add_gap(schedule, checkpoint->gaps[i], round->now_ns);
  if (checkpoint->lost.end_ns > oldest_look(round)) schedule->lost = bt_watch_hull(schedule->lost, checkpoint->lost);
}

/* From where, so that nobody has to take it on trust that nothing lies between this watcher and the one before. */
static void say_begin(const bt_watch_round *round, int64_t from_ns, const bt_checkpoint *checkpoint, bool found) {
  char at[40], tenant[80] = "";
  bt_time_format(from_ns, at);
  if (round->tenant[0]) snprintf(tenant, sizeof tenant, " of tenant \"%.60s\"", round->tenant);
  if (found)
    bt_log(BT_LOG_INFO, "watch%s goes on from %s, where its newest checkpoint is, with %zu gaps before that", tenant,
           at, checkpoint->gap_count);
  else
    bt_log(BT_LOG_INFO,
           "watch%s begins at %s: search names no checkpoint, so nobody has watched before, or not within %d days",
           tenant, at, (int)(longest_look(round) / DAY_NS));
}

/* Where nobody has watched before, what came since the first try is not passed over, however long the source was away.
 */
bt_status bt_watch_start_begin(bt_watch_start *start, const bt_watch_round *round, bt_watch_schedule *schedule,
                               bt_open_set *open, bt_error *error) {
  bt_checkpoint checkpoint;
  bool found = false;
  bt_status status = bt_checkpoint_find(round, oldest_look(round), 0, &checkpoint, &found, error);
  if (status != BT_OK) {
    start->unread_since_ns = 0;
    return status;
  }
  const bt_watch_times times = schedule->times;
  bt_watch_schedule_start(schedule, &times, found ? checkpoint.until_ns : INT64_MIN, found ? checkpoint.swept_ns : NULL,
                          found ? round->now_ns : start->tried_ns);
  if (found) take_gaps(round, schedule, &checkpoint);
  status = bt_watch_recover(round, bt_watch_schedule_from_ns(schedule), open, &start->unread_since_ns, error);
  if (status != BT_OK) return status;
  start->recover_due_ns = bt_time_add(round->now_ns, times.settle_ns);
  start->began_ns = schedule->searched_ns;
  start->look_due_ns = found ? INT64_MAX : start->recover_due_ns;
  start->is_done = true;
  say_begin(round, found ? checkpoint.until_ns : start->began_ns, &checkpoint, found);
  return BT_OK;
}

/* When it looks next: once it has found one, after all sweeps; before, at twice the time since it began. */
static int64_t next_look(const bt_watch_start *start, const bt_watch_round *round, bool found) {
  int64_t sweeps_ns = bt_time_add(bt_watch_last_delay(round->times), 2 * round->times->sweep_step_ns);
  int64_t last_ns = bt_time_add(start->began_ns, sweeps_ns);
  int64_t twice_ns = bt_time_add(round->now_ns, bt_time_subtract(round->now_ns, start->began_ns));
  if (round->now_ns >= last_ns) return INT64_MAX;
  return found ? last_ns : bt_time_earlier(twice_ns, last_ns);
}

static void say_missed(const bt_watch_round *round, bt_time_range missed) {
  char from[40], to[40];
  bt_time_format(missed.start_ns, from);
  bt_time_format(missed.end_ns, to);
  bt_log(BT_LOG_INFO, "watch%s%s: a checkpoint shows that no search gave at the start; catches up from %s to %s",
         round->tenant[0] ? " of tenant " : "", round->tenant, from, to);
}

bt_status bt_watch_start_look_again(bt_watch_start *start, const bt_watch_round *round, bt_watch_schedule *schedule,
                                    bt_error *error) {
  bt_checkpoint checkpoint;
  bool found = false;
  if (round->now_ns < start->look_due_ns) return BT_OK;
  bt_status status = bt_checkpoint_find(round, oldest_look(round), start->began_ns, &checkpoint, &found, error);
  start->look_due_ns =
      status == BT_OK ? next_look(start, round, found) : bt_time_add(round->now_ns, round->times->settle_ns);
  if (!found) return status;
  bt_time_range missed = {checkpoint.until_ns, start->began_ns};
  bt_watch_schedule_add_gap(schedule, missed, round->now_ns);
  take_gaps(round, schedule, &checkpoint);
  start->recover_due_ns = round->now_ns; /* what was sent in that time, too */
  say_missed(round, missed);
  return BT_OK;
}

bt_status bt_watch_start_recover_again(bt_watch_start *start, const bt_watch_round *round,
                                       const bt_watch_schedule *schedule, bt_open_set *open, bt_error *error) {
  if (round->now_ns < start->recover_due_ns) return BT_OK;
  int64_t from_ns = bt_watch_schedule_from_ns(schedule);
  bt_status status = bt_watch_recover(round, from_ns, open, &start->unread_since_ns, error);
  start->recover_due_ns = status == BT_OK ? INT64_MAX : bt_time_add(round->now_ns, round->times->settle_ns);
  return status;
}
