/* A sample of known traces: those with the smallest keys, which are the same in whatever order they are offered.
 * Thread: its owner's. */
#ifndef BT_SERVER_REPLAY_RESERVOIR_H
#define BT_SERVER_REPLAY_RESERVOIR_H

#include <stddef.h>
#include <stdint.h>

enum { BT_RESERVOIR_MAX = 200 };

typedef struct bt_keyed {
  uint64_t key;
  size_t known;
} bt_keyed;

typedef struct bt_reservoir {       /* all-zero: empty */
  bt_keyed items[BT_RESERVOIR_MAX]; /* by key */
  size_t count;
} bt_reservoir;

/* room: how many are kept, at most BT_RESERVOIR_MAX; the same each time. */
void bt_reservoir_offer(bt_reservoir *reservoir, size_t room, bt_keyed item);

#endif
