/* See reservoir.h. */
#include "server/replay/reservoir.h"

#include <string.h>

#include "server/replay/replay.h"

uint64_t bt_seeded_key(uint64_t seed, const bt_trace_id *id) {
  uint64_t halves[2];
  memcpy(halves, id->bytes, sizeof halves);
  uint64_t key = seed ^ halves[0] ^ (halves[1] << 1 | halves[1] >> 63);
  for (int round = 0; round < 2; round++) {
    key += 0x9E3779B97F4A7C15u;
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
    key ^= key >> 31;
  }
  return key;
}

void bt_reservoir_offer(bt_reservoir *reservoir, size_t room, bt_keyed item) {
  size_t place = reservoir->count;
  if (!room) return;
  if (reservoir->count < room)
    reservoir->count++;
  else if (item.key >= reservoir->items[--place].key)
    return;
  while (place && reservoir->items[place - 1].key > item.key) {
    reservoir->items[place] = reservoir->items[place - 1];
    place--;
  }
  reservoir->items[place] = item;
}
