/* The hash table of the whole program: which entries of an array may have a key. It keeps no keys. Its user has the
 * entries in an array of his own, gives the hash of a key and compares what is found:
 *
 *   bt_table_walk walk = bt_table_find(&table, bt_hash_id(id));
 *   while (bt_table_next(&table, &walk))
 *     if (are_equal(&entries[walk.number].id, id)) return &entries[walk.number];
 *
 * The program seeds its hashes with random bytes: who sends spans cannot choose keys that fall together, whatever he
 * knows of this file. So nothing that is answered, stored or sent may follow from a hash or from the order of a table.
 * Numbers and ids are hashed by multiply-shift: any two have the same 64 bits with a chance of
 * 1 / 2^64 (M. Dietzfelbinger, "Universal hashing and k-wise independent random variables via integer arithmetic
 * without primes", 1996). Its bits are mixed then (mix.h), for numbers in a row stay in a row else, and linear probing
 * suffers. Texts are first made a number by a polynomial over the field of 2^61 - 1: two of n bytes meet with a chance
 * below (n / 7 + 1) / 2^61 (L. Carter and M. Wegman, "Universal classes of hash functions", 1979). At most three
 * quarters full. Thread: one that changes a table, or any number that find in it. Anyone may include this. */
#ifndef BT_DSL_BASE_TABLE_H
#define BT_DSL_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"

/* ---- hashes ---- */

enum { BT_HASH_SEEDS = 7 };
/* Before anything is hashed and before there are threads. */
void bt_hash_seed(const uint64_t random[BT_HASH_SEEDS]);
uint64_t bt_hash_pair(uint64_t a, uint64_t b);
uint64_t bt_hash_text(bt_str text);
uint64_t bt_hash_word(const void *eight_bytes); /* a span's id */
uint64_t bt_hash_id(const void *sixteen_bytes); /* a trace's id */

/* ---- the table ---- */

typedef struct bt_table_slot {
  uint32_t hash;
  uint32_t place; /* the entry's number + 1; 0: free */
} bt_table_slot;

typedef struct bt_table { /* all-zero: empty */
  bt_table_slot *slots;
  size_t slot_count; /* a power of two */
  size_t count;
} bt_table;

/* Entries have numbers below this. */
#define BT_TABLE_MOST ((size_t)UINT32_MAX - 1)

void bt_table_dispose(bt_table *table); /* of one on the heap */
void bt_table_clear(bt_table *table);   /* keeps the memory */
/* What a table with room for so many entries holds. */
size_t bt_table_bytes(size_t entries);
/* What this one holds. */
size_t bt_table_held_bytes(const bt_table *table);
/* Room for so many entries in all, on the heap: more than it has, or less where it holds fewer. False: no memory, or
 * more than BT_TABLE_MOST; nothing has changed. */
bool bt_table_resize(bt_table *table, size_t entries) BT_MUST_CHECK;
static inline bool bt_table_has_room(const bt_table *table, size_t entries) {
  return entries <= table->slot_count / 4 * 3;
}
/* The same as bt_table_resize, and it never takes room away. */
static inline bool BT_MUST_CHECK bt_table_reserve(bt_table *table, size_t entries) {
  return bt_table_has_room(table, entries) || bt_table_resize(table, entries);
}
/* A table of the arena: the only function that may make it larger, and what it was before stays with the arena. False:
 * as above, or the arena has no more room. */
bool bt_table_reserve_in(bt_table *table, size_t entries, bt_arena *arena) BT_MUST_CHECK;

/* There is room for it. Equal hashes are walked in the order in which they were added. */
void bt_table_add(bt_table *table, uint64_t hash, size_t number);
/* It is there. */
void bt_table_remove(bt_table *table, uint64_t hash, size_t number);
/* The entry that had one number has another now. It is there. */
void bt_table_renumber(bt_table *table, uint64_t hash, size_t number, size_t becomes);

typedef struct bt_table_walk {
  size_t number; /* of an entry with that hash, after bt_table_next */
  size_t slot;
  uint32_t hash;
} bt_table_walk;

static inline bt_table_walk bt_table_find(const bt_table *table, uint64_t hash) {
  return (bt_table_walk){.slot = (size_t)hash & (table->slot_count - 1), .hash = (uint32_t)hash};
}

/* False: there are no more. */
static inline bool bt_table_next(const bt_table *table, bt_table_walk *walk) {
  if (!table->slot_count) return false;
  for (;;) {
    const bt_table_slot *slot = &table->slots[walk->slot & (table->slot_count - 1)];
    if (!slot->place) return false;
    walk->slot++;
    walk->number = slot->place - 1;
    if (slot->hash == walk->hash) return true;
  }
}

#endif
