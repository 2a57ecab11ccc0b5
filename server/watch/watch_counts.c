/* Two generations of fingerprints. See watch_counts.h. */
#include "server/watch/watch_counts.h"

static size_t number_of(uint64_t hash) {
  return (hash >> 32) % BT_TABLE_MOST;
}

static bool has_fingerprint(const bt_table *generation, uint64_t hash) {
  bt_table_walk walk = bt_table_find(generation, hash);
  while (bt_table_next(generation, &walk))
    if (walk.number == number_of(hash)) return true;
  return false;
}

/* Room for one more. BT_LIMIT: there is none. */
static bt_status grow_generation(bt_table *generation, bt_watch_room *room, bt_error *error) {
  if (bt_table_has_room(generation, generation->count + 1)) return BT_OK;
  size_t before = bt_table_held_bytes(generation), wanted = bt_table_bytes(generation->count + 1);
  if (!bt_watch_room_take(room, wanted)) return bt_watch_room_say(room, "what it has counted", error);
  bool has_room = bt_table_resize(generation, generation->count + 1);
  bt_watch_room_give(room, has_room ? before : wanted);
  return has_room ? BT_OK : bt_error_no_memory(error);
}

static void turn_generations(bt_watch_counted *counted) {
  bt_watch_room_give(counted->room, bt_table_held_bytes(&counted->before));
  bt_table_dispose(&counted->before);
  counted->before = counted->now;
  counted->now = (bt_table){0};
}

bt_status bt_watch_counted_add(bt_watch_counted *counted, uint64_t fingerprint, bool *is_new, bt_error *error) {
  uint64_t hash = bt_hash_pair(fingerprint, 0);
  *is_new = false;
  if (has_fingerprint(&counted->now, hash) || has_fingerprint(&counted->before, hash)) return BT_OK;
  if (counted->now.count == BT_WATCH_COUNTED_MAX) turn_generations(counted);
  bt_status status = grow_generation(&counted->now, counted->room, error);
  for (int i = 0; i < 2 && status == BT_LIMIT; i++) { /* first the older generation goes, then the newer one */
    turn_generations(counted);
    status = grow_generation(&counted->now, counted->room, error);
  }
  *is_new = status == BT_LIMIT;
  if (status != BT_OK) return status == BT_LIMIT ? BT_OK : status;
  bt_table_add(&counted->now, hash, number_of(hash));
  *is_new = true;
  return BT_OK;
}

void bt_watch_counted_age(bt_watch_counted *counted, int64_t now_ns, int64_t kept_ns) {
  if (counted->begun_ns && now_ns - counted->begun_ns < kept_ns) return;
  counted->begun_ns = now_ns;
  turn_generations(counted);
}

void bt_watch_counted_dispose(bt_watch_counted *counted) {
  turn_generations(counted);
  turn_generations(counted);
  *counted = (bt_watch_counted){.room = counted->room};
}
