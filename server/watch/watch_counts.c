/* Two generations of fingerprints. See watch_counts.h. */
#include "server/watch/watch_counts.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

static uint64_t *slot_of(const bt_watch_generation *generation, uint64_t fingerprint) {
  size_t mask = generation->slot_count - 1, at = (size_t)fingerprint & mask;
  while (generation->slots[at] && generation->slots[at] != fingerprint) at = (at + 1) & mask;
  return &generation->slots[at];
}

static bool has_fingerprint(const bt_watch_generation *generation, uint64_t fingerprint) {
  return generation->slot_count && *slot_of(generation, fingerprint);
}

static size_t bytes_of(const bt_watch_generation *generation) {
  return generation->slot_count * sizeof *generation->slots;
}

/* BT_LIMIT: there is no room. */
static bt_status grow_generation(bt_watch_generation *generation, bt_watch_room *room, bt_error *error) {
  if (2 * (generation->count + 1) <= generation->slot_count) return BT_OK;
  bt_watch_generation larger = {.slot_count = generation->slot_count ? 2 * generation->slot_count : FIRST_SLOTS,
                                .count = generation->count};
  if (!bt_watch_room_take(room, bytes_of(&larger))) return bt_watch_room_say(room, "what it has counted", error);
  larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
  if (!larger.slots) {
    bt_watch_room_give(room, bytes_of(&larger));
    return bt_error_no_memory(error);
  }
  for (size_t i = 0; i < generation->slot_count; i++)
    if (generation->slots[i]) *slot_of(&larger, generation->slots[i]) = generation->slots[i];
  free(generation->slots);
  bt_watch_room_give(room, bytes_of(generation));
  *generation = larger;
  return BT_OK;
}

static void turn_generations(bt_watch_counted *counted) {
  free(counted->before.slots);
  bt_watch_room_give(counted->room, bytes_of(&counted->before));
  counted->before = counted->now;
  counted->now = (bt_watch_generation){0};
}

bt_status bt_watch_counted_add(bt_watch_counted *counted, uint64_t fingerprint, bool *is_new, bt_error *error) {
  fingerprint = fingerprint ? fingerprint : 1;
  *is_new = false;
  if (has_fingerprint(&counted->now, fingerprint) || has_fingerprint(&counted->before, fingerprint)) return BT_OK;
  if (counted->now.count == BT_WATCH_COUNTED_MAX) turn_generations(counted);
  bt_status status = grow_generation(&counted->now, counted->room, error);
  for (int i = 0; i < 2 && status == BT_LIMIT; i++) { /* first the older generation goes, then the newer one */
    turn_generations(counted);
    status = grow_generation(&counted->now, counted->room, error);
  }
  *is_new = status == BT_LIMIT;
  if (status != BT_OK) return status == BT_LIMIT ? BT_OK : status;
  *slot_of(&counted->now, fingerprint) = fingerprint;
  counted->now.count++;
  *is_new = true;
  return BT_OK;
}

void bt_watch_counted_age(bt_watch_counted *counted, int64_t now_ns, int64_t kept_ns) {
  if (counted->begun_ns && now_ns - counted->begun_ns < kept_ns) return;
  counted->begun_ns = now_ns;
  turn_generations(counted);
}

void bt_watch_counted_dispose(bt_watch_counted *counted) {
  free(counted->now.slots);
  free(counted->before.slots);
  bt_watch_room_give(counted->room, bytes_of(&counted->now) + bytes_of(&counted->before));
  *counted = (bt_watch_counted){.room = counted->room};
}
