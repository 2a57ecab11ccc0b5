/* See reservoir.h. */
#include "server/replay/reservoir.h"

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
