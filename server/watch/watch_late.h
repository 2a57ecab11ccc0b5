/* What "late" is for watch, and all that follows from it. A span is late that no search shows when its slice is
 * searched, once it has settled. Sweeps and what is caught up look for such spans; the last sweep comes when all of
 * them are shown. Thread: values. */
#ifndef BT_SERVER_WATCH_LATE_H
#define BT_SERVER_WATCH_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/replay/replay.h"
#include "server/watch/watch_schedule.h"
#include "tempo/wire/promises.h"
#include "tempo/wire/source.h"

typedef struct bt_watch_late {
  int64_t shown_after_ns; /* so old, a time has all its late spans in searches; 0: none comes later than settle */
  int64_t reach_ns;       /* a search for late spans goes on for so long (bt_late_reach_ns) */
} bt_watch_late;

bt_watch_late bt_watch_late_of(const bt_assumptions *service, const bt_late_promise *promise);
/* How long after a slice the last sweep comes; 0: there need not be one. */
int64_t bt_watch_late_delay_ns(const bt_watch_late *late, int64_t settle_ns);
/* Whether a search of that slice goes on behind it: blocks that are dated by their arrival have late spans there. */
bool bt_watch_late_reaches(const bt_watch_late *late, const bt_slice *slice);
/* What a search of that slice covers. */
bt_time_range bt_watch_late_range(const bt_watch_late *late, const bt_slice *slice, int64_t now_ns);
/* From where on what was counted is only what was shown; 0: nothing is. done_ns: as for bt_watch_schedule_swept. */
int64_t bt_watch_late_provisional_ns(const bt_watch_late *late, const bt_watch_schedule *schedule, int64_t done_ns);

#endif
