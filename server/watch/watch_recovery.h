/* The violations that an earlier watcher has sent and not taken back, read from the source: without them, spans that
 * come late after a restart could not undo what was sent before it. Thread: the watcher's. */
#ifndef BT_SERVER_WATCH_RECOVERY_H
#define BT_SERVER_WATCH_RECOVERY_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "server/watch/watch_open_set.h"
#include "server/watch/watch_round.h"

/* Adds those from before from_ns, the earliest time that will be searched; those that are known stay as they are.
 * *unread_since_ns: since when the source answers, and gives one of them by no read; 0: it does not. BT_UNAVAILABLE:
 * part of them could not be searched or read. BT_LIMIT: there is no room for them. Else errors are those of the source.
 */
bt_status bt_watch_recover(const bt_watch_round *round, int64_t from_ns, bt_open_set *open, int64_t *unread_since_ns,
                           bt_error *error) BT_MUST_CHECK;

#endif
