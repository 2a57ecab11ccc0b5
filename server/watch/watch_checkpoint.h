/* Checkpoints: how far watch has come, kept as spans `betrace.watch` in the store, because nothing but rules is stored
 * here (api.md, Watch). The newest one is the watermark at the next start. Ids are derived from `until`, so that a
 * checkpoint that is sent twice is one. Thread: no state. */
#ifndef BT_SERVER_WATCH_CHECKPOINT_H
#define BT_SERVER_WATCH_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/watch/watch_round.h"
#include "server/watch/watch_schedule.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

#define BT_WATCH_UNTIL_NS     "betrace.watch.until_unix_nano"
#define BT_WATCH_REPLICA      "betrace.watch.replica"               /* number of the watcher, from 0 */
#define BT_WATCH_REPLICAS     "betrace.watch.replicas"              /* of how many */
#define BT_WATCH_RULES_HASH   "betrace.watch.rules_hash"            /* of the rules that it watched */
#define BT_WATCH_GAPS         "betrace.watch.gaps"                  /* "start/end start/end …", RFC 3339 */
#define BT_WATCH_SWEPT_FIRST  "betrace.watch.swept_first_unix_nano" /* how far each sweep had come */
#define BT_WATCH_SWEPT_SECOND "betrace.watch.swept_second_unix_nano"
#define BT_WATCH_SWEPT_LATE   "betrace.watch.swept_late_unix_nano"
#define BT_WATCH_PROVISIONAL  "betrace.watch.provisional_from_unix_nano" /* from where on it will look again */
#define BT_WATCH_LOST         "betrace.watch.lost" /* the hull of what will not be caught up, likewise */

typedef struct bt_checkpoint {
  int64_t until_ns; /* every trace with spans before it was judged, and what violated was sent; but for: */
  bt_time_range gaps[BT_WATCH_GAPS_MAX];
  size_t gap_count;
  bt_time_range lost; /* empty: nothing */
  /* Everything before it was looked at again after the sweep's delay, and judged; 0: it does not say. */
  int64_t swept_ns[BT_WATCH_SWEEPS];
  /* What was counted from here on is what was shown, and will be looked at again; 0: nothing. Not read back. */
  int64_t provisional_from_ns;
  uint32_t replica, replicas;
  const char *store; /* of what was watched, borrowed; NULL: the service's own. Not read back. */
  char rules_hash[65];
  /* Watch is not behind, and the store has traces: where no violation is, there is none. Sent, and not read back. */
  bool is_looking;
} bt_checkpoint;

/* Sends it, now. BT_UNAVAILABLE, BT_REFUSED: it was not taken. Else errors are those of bt_otlp_export. */
bt_status bt_checkpoint_send(bt_http_client *client, const bt_exporter_options *exporter, const char *tenant,
                             const bt_checkpoint *checkpoint, const bt_cancel *cancel, bt_error *error) BT_MUST_CHECK;

/* The newest checkpoint that the watcher's own store has of the time from oldest_ns on; where there is none, what all
 * watchers of another number had done. before_ns: one whose `until` lies before it; 0: any. *found false: there is
 * none. Anything but BT_OK: it is not known whether there is one. BT_UNAVAILABLE: part of the range was not answered;
 * else errors are those of the source. */
bt_status bt_checkpoint_find(const bt_watch_round *round, int64_t oldest_ns, int64_t before_ns, bt_checkpoint *out,
                             bool *found, bt_error *error) BT_MUST_CHECK;

/* "start/end start/end …"; what does not parse ends it, and then *is_whole is false. For tests and reading. */
size_t bt_checkpoint_parse_gaps(bt_str text, bt_time_range gaps[BT_WATCH_GAPS_MAX], bool *is_whole);

#endif
