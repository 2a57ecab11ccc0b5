/* A watcher's part of the account. See watch_room.h. */
#include "server/watch/watch_room.h"

#include <assert.h>

#include "dsl/base/arena.h"

enum {
  WATCH_PART = 2, /* of the limit: what all watchers may hold */
  LAST_PART = 8,  /* of that: what only tenants may take that hold little */
  SMALL_PART = 16 /* of that: and that is little */
};

void bt_watch_room_init(bt_watch_room *room, bt_memory_account *memory) {
  *room = (bt_watch_room){.hold = {memory, BT_MEMORY_WATCH, 0}};
}

bool bt_watch_room_take(bt_watch_room *room, size_t bytes) {
  if (!room) return true;
  size_t part = bt_memory_limit(room->hold.account) / WATCH_PART;
  size_t kept_free = room->hold.bytes < part / SMALL_PART ? 0 : part / LAST_PART;
  return bt_memory_hold_grow_within(&room->hold, bytes, part - kept_free);
}

void bt_watch_room_give(bt_watch_room *room, size_t bytes) {
  if (!room) return;
  assert(bytes <= room->hold.bytes); /* invariant: what is given back was taken */
  bt_memory_hold_shrink(&room->hold, room->hold.bytes - bytes);
}

size_t bt_watch_room_held(size_t item_bytes, size_t capacity, const bt_table *table) {
  return capacity * item_bytes + bt_table_held_bytes(table);
}

void *bt_watch_room_resize(bt_watch_room *room, const char *what, void *items, size_t item_bytes, size_t *capacity,
                           size_t wanted, bt_table *table, bt_error *error) {
  size_t before = bt_watch_room_held(item_bytes, *capacity, table);
  size_t more = wanted * item_bytes + bt_table_bytes(wanted);
  if (!bt_watch_room_take(room, more)) {
    (void)bt_watch_room_say(room, what, error);
    return NULL;
  }
  void *resized = bt_table_resize(table, wanted) ? bt_realloc_array(items, wanted, item_bytes) : NULL;
  if (resized) *capacity = wanted;
  if (!resized) (void)bt_error_no_memory(error);
  bt_watch_room_give(room, before + more - bt_watch_room_held(item_bytes, *capacity, table));
  return resized;
}

bt_status bt_watch_room_say(const bt_watch_room *room, const char *what, bt_error *error) {
  size_t limit = room ? bt_memory_limit(room->hold.account) : 0;
  return bt_error_set(error, BT_LIMIT,
                      "results_full: there is no room for %s in watch's part of the %zu bytes of --memory-limit; watch "
                      "waits where it is and loses nothing: raise it, or look which rule so many traces violate",
                      what, limit);
}
