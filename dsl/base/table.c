/* The hash table of the whole program. See table.h. */
#include "dsl/base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/mix.h"

__extension__ typedef unsigned __int128 wide;

enum { FIRST_SLOTS = 16, WORD_BYTES = 7 /* of the polynomial: each is below the field */ };
static const uint64_t FIELD = (UINT64_C(1) << 61) - 1; /* a prime */

/* ---- hashes ---- */

/* Digits of pi, until bt_hash_seed gives others. Tests keep them. */
static struct {
  wide added, first, second; /* of multiply-shift */
  uint64_t point;            /* of the polynomial; below FIELD */
} seeds = {
    (wide)0x243F6A8885A308D3u << 64 | 0x13198A2E03707344u,
    (wide)0xA4093822299F31D0u << 64 | 0x082EFA98EC4E6C89u,
    (wide)0x452821E638D01377u << 64 | 0xBE5466CF34E90C6Cu,
    0x00AC29B7C97C50DDu,
};

void bt_hash_seed(const uint64_t random[BT_HASH_SEEDS]) {
  seeds.added = (wide)random[0] << 64 | random[1];
  seeds.first = (wide)random[2] << 64 | random[3];
  seeds.second = (wide)random[4] << 64 | random[5];
  seeds.point = random[6] % FIELD;
}

static uint64_t hash_number(uint64_t number) {
  return bt_mix_bits((uint64_t)((seeds.added + seeds.first * number) >> 64));
}

uint64_t bt_hash_pair(uint64_t a, uint64_t b) {
  return bt_mix_bits((uint64_t)((seeds.added + seeds.first * a + seeds.second * b) >> 64));
}

uint64_t bt_hash_word(const void *eight_bytes) {
  uint64_t word;
  memcpy(&word, eight_bytes, sizeof word);
  return hash_number(word);
}

uint64_t bt_hash_id(const void *sixteen_bytes) {
  uint64_t halves[2];
  memcpy(halves, sixteen_bytes, sizeof halves);
  return bt_hash_pair(halves[0], halves[1]);
}

/* sum × point + word in the field, but for at most one multiple of it. */
static uint64_t next_sum(uint64_t sum, uint64_t word) {
  wide product = (wide)sum * seeds.point + word;
  uint64_t folded = ((uint64_t)product & FIELD) + (uint64_t)(product >> 61);
  return (folded & FIELD) + (folded >> 61);
}

uint64_t bt_hash_text(bt_str text) {
  uint64_t sum = text.len, word;
  const char *at = text.ptr;
  size_t left = text.len;
  for (; left > WORD_BYTES; at += WORD_BYTES, left -= WORD_BYTES) {
    memcpy(&word, at, sizeof word); /* one byte too many, which is the text's too */
    sum = next_sum(sum, word & ((UINT64_C(1) << 8 * WORD_BYTES) - 1));
  }
  word = 0;
  for (size_t i = 0; i < left; i++) word |= (uint64_t)(unsigned char)at[i] << 8 * i;
  sum = next_sum(sum, word);
  return hash_number(sum >= FIELD ? sum - FIELD : sum);
}

/* ---- the table ---- */

void bt_table_dispose(bt_table *table) {
  free(table->slots);
  *table = (bt_table){0};
}

void bt_table_clear(bt_table *table) {
  if (table->slot_count) memset(table->slots, 0, table->slot_count * sizeof *table->slots);
  table->count = 0;
}

/* The smallest power of two of which three quarters are enough. */
static size_t slots_for(size_t entries) {
  size_t slots = FIRST_SLOTS;
  while (slots / 4 * 3 < entries) slots *= 2;
  return slots;
}

size_t bt_table_bytes(size_t entries) {
  return entries ? slots_for(entries) * sizeof(bt_table_slot) : 0;
}

size_t bt_table_held_bytes(const bt_table *table) {
  return table->slot_count * sizeof *table->slots;
}

static void put_slot(bt_table *table, bt_table_slot slot) {
  size_t mask = table->slot_count - 1, at = slot.hash & mask;
  while (table->slots[at].place) at = (at + 1) & mask;
  table->slots[at] = slot;
}

/* All move to new slots, those of one hash in their order: that of a walk which begins behind a free slot. */
static void move_slots(bt_table *table, bt_table_slot *slots, size_t slot_count) {
  bt_table moved = {slots, slot_count, table->count};
  size_t first = 0, old_count = table->count ? table->slot_count : 0;
  while (old_count && table->slots[first].place) first++;
  for (size_t i = 0; i < old_count; i++) {
    bt_table_slot slot = table->slots[(first + i) & (table->slot_count - 1)];
    if (slot.place) put_slot(&moved, slot);
  }
  *table = moved;
}

bool bt_table_resize(bt_table *table, size_t entries) {
  if (entries > BT_TABLE_MOST) return false;
  size_t slot_count = slots_for(entries > table->count ? entries : table->count);
  if (slot_count == table->slot_count) return true;
  bt_table_slot *old = table->slots, *slots = calloc(slot_count, sizeof *slots);
  if (!slots) return false;
  move_slots(table, slots, slot_count);
  free(old);
  return true;
}

bool bt_table_reserve_in(bt_table *table, size_t entries, bt_arena *arena) {
  if (bt_table_has_room(table, entries)) return true;
  if (entries > BT_TABLE_MOST) return false;
  size_t slot_count = slots_for(entries);
  bt_table_slot *slots = bt_arena_array(arena, slot_count, sizeof *slots);
  if (slots) move_slots(table, slots, slot_count);
  return slots != NULL;
}

void bt_table_add(bt_table *table, uint64_t hash, size_t number) {
  assert(bt_table_has_room(table, table->count + 1));
  put_slot(table, (bt_table_slot){(uint32_t)hash, (uint32_t)number + 1});
  table->count++;
}

static size_t slot_of(const bt_table *table, uint64_t hash, size_t number) {
  bt_table_walk walk = bt_table_find(table, hash);
  bool is_there = bt_table_next(table, &walk);
  while (is_there && walk.number != number) is_there = bt_table_next(table, &walk);
  assert(is_there);
  (void)is_there;
  return (walk.slot - 1) & (table->slot_count - 1);
}

void bt_table_renumber(bt_table *table, uint64_t hash, size_t number, size_t becomes) {
  table->slots[slot_of(table, hash, number)].place = (uint32_t)becomes + 1;
}

/* Those behind it that would not be found any more across the hole move up. */
void bt_table_remove(bt_table *table, uint64_t hash, size_t number) {
  size_t mask = table->slot_count - 1, hole = slot_of(table, hash, number);
  for (size_t at = (hole + 1) & mask; table->slots[at].place; at = (at + 1) & mask) {
    size_t from_home = (at - table->slots[at].hash) & mask;
    if (from_home < ((at - hole) & mask)) continue;
    table->slots[hole] = table->slots[at];
    hole = at;
  }
  table->slots[hole] = (bt_table_slot){0};
  table->count--;
}
