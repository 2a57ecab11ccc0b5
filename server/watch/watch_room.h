/* What one watcher holds of the account of memory (server/memory/account.h): the traces that it has seen, the
 * violations that it has found, which traces it has counted. All watchers together have half of the account, so that
 * questions find room too, and the last part of that is for tenants that hold little. Without room a watcher stays
 * where it is: nothing is passed over, and its watermark waits. Thread: the watcher's. */
#ifndef BT_SERVER_WATCH_ROOM_H
#define BT_SERVER_WATCH_ROOM_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "server/memory/account.h"

typedef struct bt_watch_room {
  bt_memory_hold hold;
} bt_watch_room;

/* memory: NULL is one without a limit. */
void bt_watch_room_init(bt_watch_room *room, bt_memory_account *memory);
/* Before so many bytes are allocated. False: there is no room for them. A NULL room has no limit. */
bool bt_watch_room_take(bt_watch_room *room, size_t bytes) BT_MUST_CHECK;
void bt_watch_room_give(bt_watch_room *room, size_t bytes);
/* Room for `wanted` items of an array, and in the table of them; while the old and the new are there, both are held.
 * Returns the array; NULL: `error` says why (BT_LIMIT, BT_NO_MEMORY), and all items are there still. what: as below. */
void *bt_watch_room_resize(bt_watch_room *room, const char *what, void *items, size_t item_bytes, size_t *capacity,
                           size_t wanted, bt_table *table, bt_error *error);
/* What both hold. */
size_t bt_watch_room_held(size_t item_bytes, size_t capacity, const bt_table *table);
/* BT_LIMIT, and what it means; what: "more traces", … */
bt_status bt_watch_room_say(const bt_watch_room *room, const char *what, bt_error *error);

#endif
