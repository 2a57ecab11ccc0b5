/* What filters found. See filter_memory.h. A slot is one atomic word, so that nobody waits for anybody. */
#include "tempo/api/filter_memory.h"

#include <stdatomic.h>

enum {
  HOUR_S = 3600,
  RATE_BITS = 32,
  TOLD_FROM_S = 600 /* a shorter range says little about a longer one */
};
static const uint64_t rate_max = UINT32_MAX;

static uint64_t hash_of(uint64_t tenant, bt_str filter) {
  return bt_str_hash(filter) ^ (tenant * 0x9e3779b97f4a7c15u);
}

void bt_filter_memory_note(bt_filter_memory *memory, uint64_t tenant, bt_str filter, uint64_t traces,
                           int64_t length_s) {
  if (length_s < TOLD_FROM_S) return;
  uint64_t hash = hash_of(tenant, filter);
  double per_hour = (double)traces * HOUR_S / (double)length_s;
  uint64_t rate = per_hour < (double)(rate_max - 1) ? (uint64_t)per_hour + 1 : rate_max;
  uint64_t tag = hash >> RATE_BITS << RATE_BITS;
  atomic_store(&memory->slots[hash % BT_FILTER_MEMORY_SLOTS], tag | rate);
}

uint64_t bt_filter_memory_expect(const bt_filter_memory *memory, uint64_t tenant, bt_str filter, int64_t length_s) {
  uint64_t hash = hash_of(tenant, filter);
  uint64_t slot = atomic_load(&memory->slots[hash % BT_FILTER_MEMORY_SLOTS]);
  if (!slot || slot >> RATE_BITS != hash >> RATE_BITS) return 0;
  double expected = (double)(slot & rate_max) * (double)length_s / HOUR_S;
  return expected < (double)rate_max ? (uint64_t)expected + 1 : rate_max;
}
