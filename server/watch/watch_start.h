/* Where a watcher begins: at the newest checkpoint of an earlier one, with the violations which that has sent. Search
 * may show both late, so they are looked for again. Thread: belongs to its watcher. */
#ifndef BT_SERVER_WATCH_START_H
#define BT_SERVER_WATCH_START_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/watch/watch_open_set.h"
#include "server/watch/watch_round.h"
#include "server/watch/watch_schedule.h"

typedef struct bt_watch_start { /* all-zero: not tried yet */
  bool is_done;                 /* the watermark is known */
  int64_t tried_ns;             /* of the first round; its owner says it */
  int64_t began_ns;             /* where it began, when search named no checkpoint */
  int64_t look_due_ns;          /* when it looks once more whether there was one; INT64_MAX: it does not */
  int64_t recover_due_ns;       /* the same for what was sent */
  int64_t unread_since_ns;      /* as bt_watch_recover says */
} bt_watch_start;

/* Not before the source has said whether there is a watermark: to begin anew without knowing would skip what came
 * before. Errors: those of the source and of bt_watch_recover; then it is tried again. */
bt_status bt_watch_start_begin(bt_watch_start *start, const bt_watch_round *round, bt_watch_schedule *schedule,
                               bt_open_set *open, bt_error *error) BT_MUST_CHECK;
/* In each round after that. The only checkpoint of an earlier watcher may be in no search yet when this one starts.
 * Then it began anew, and passed over what lies between. A checkpoint that shows later says so, and that time is caught
 * up. It is caught up once more after that, which is what sweeps would have done. Errors: those of the source; then it
 * looks again. */
bt_status bt_watch_start_look_again(bt_watch_start *start, const bt_watch_round *round, bt_watch_schedule *schedule,
                                    bt_error *error) BT_MUST_CHECK;
/* Likewise. What was sent just before an earlier watcher ended is in no search yet when this one starts. The sweeps
 * read its traces again, and then it can be taken back. Errors: those of bt_watch_recover; then it is tried again. */
bt_status bt_watch_start_recover_again(bt_watch_start *start, const bt_watch_round *round,
                                       const bt_watch_schedule *schedule, bt_open_set *open,
                                       bt_error *error) BT_MUST_CHECK;

#endif
