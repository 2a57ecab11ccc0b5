/* Three numbers that are compared. See tenant_turns.h. */
#include "server/query/tenant_turns.h"

static uint32_t place_of(uint64_t tenant) {
  return (uint32_t)(tenant % BT_TENANT_TURNS);
}

bool bt_turn_is_before(const bt_tenant_turns *turns, const bt_turn *one, const bt_turn *other) {
  uint32_t a = place_of(one->tenant), b = place_of(other->tenant);
  if (turns->under_way[a] != turns->under_way[b]) return turns->under_way[a] < turns->under_way[b];
  if (turns->last[a] != turns->last[b]) return turns->last[a] < turns->last[b];
  return one->last < other->last;
}

void bt_turn_enter(const bt_tenant_turns *turns, bt_turn *turn) {
  turn->last = turns->begun;
}

void bt_turn_begin(bt_tenant_turns *turns, bt_turn *turn) {
  turn->last = turns->last[place_of(turn->tenant)] = ++turns->begun;
  turns->under_way[place_of(turn->tenant)]++;
}

void bt_turn_end(bt_tenant_turns *turns, uint64_t tenant) {
  turns->under_way[place_of(tenant)]--;
}
