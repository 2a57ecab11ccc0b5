/* Which traces were counted for which rules as exercised, so that a trace that is judged again counts once. Two
 * generations of fingerprints of 64 bits: the older one is forgotten when the newer one is full or old enough. Without
 * room the older one is forgotten at once, or nothing is kept. What is forgotten may count again; nothing that was not
 * counted is taken for counted, except for one in 10^12. Thread: belongs to its watcher. */
#ifndef BT_SERVER_WATCH_COUNTS_H
#define BT_SERVER_WATCH_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "server/watch/watch_room.h"

enum { BT_WATCH_COUNTED_MAX = 1 << 20 }; /* of one generation: 16 MiB */

typedef struct bt_watch_counted { /* all-zero is empty */
  bt_table now, before; /* of fingerprints, each of them hashed to 64 bits: half is its hash, half its number */
  int64_t begun_ns;     /* of `now` */
  bt_watch_room *room;  /* borrowed; or NULL */
} bt_watch_counted;

/* *is_new: it was not there; it is now. Fingerprints are spread evenly. BT_LIMIT: there is no room. BT_NO_MEMORY. */
bt_status bt_watch_counted_add(bt_watch_counted *counted, uint64_t fingerprint, bool *is_new,
                               bt_error *error) BT_MUST_CHECK;
/* Forgets what is between one and two times so old. */
void bt_watch_counted_age(bt_watch_counted *counted, int64_t now_ns, int64_t kept_ns);
void bt_watch_counted_dispose(bt_watch_counted *counted);

#endif
