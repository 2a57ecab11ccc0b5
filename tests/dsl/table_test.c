/* The hash table against a list, with hashes that fall together on purpose; and that chosen keys do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/table.h"
#include "tests/support/chosen_ids.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

/* ---- against a list ---- */

enum { MOST = 64, STEPS = 20000, ROUNDS = 20 };

typedef struct listed {
  uint64_t hash;
  size_t number;
} listed;

typedef struct scene {
  bt_table table;
  listed list[MOST]; /* in the order in which they were added */
  size_t count;
  size_t next_number;
  test_random random;
} scene;

/* Few homes, some of them the last slots, so that runs go on at the first. The upper half alone tells some apart. */
static uint64_t random_hash(scene *s) {
  static const uint64_t bits[] = {0, 1, 14, 15, 30, 31, 62, 63, 64 + 15, UINT32_MAX, UINT32_MAX - 1, 1u << 31};
  return bits[test_random_below(&s->random, sizeof bits / sizeof bits[0])];
}

static void check_walks(scene *s, uint64_t hash) {
  bt_table_walk walk = bt_table_find(&s->table, hash);
  for (size_t i = 0; i < s->count; i++) {
    if ((uint32_t)s->list[i].hash != (uint32_t)hash) continue;
    assert_true(bt_table_next(&s->table, &walk));
    assert_int_equal(walk.number, s->list[i].number);
  }
  assert_false(bt_table_next(&s->table, &walk));
  assert_int_equal(s->table.count, s->count);
}

static void add_one(scene *s) {
  if (s->count == MOST) return;
  listed added = {random_hash(s), s->next_number++};
  assert_true(bt_table_reserve(&s->table, s->count + 1));
  bt_table_add(&s->table, added.hash, added.number);
  s->list[s->count++] = added;
}

static void remove_one(scene *s) {
  if (!s->count) return;
  size_t at = test_random_below(&s->random, (unsigned)s->count);
  bt_table_remove(&s->table, s->list[at].hash, s->list[at].number);
  memmove(&s->list[at], &s->list[at + 1], (--s->count - at) * sizeof s->list[0]);
}

static void renumber_one(scene *s) {
  if (!s->count) return;
  listed *one = &s->list[test_random_below(&s->random, (unsigned)s->count)];
  bt_table_renumber(&s->table, one->hash, one->number, s->next_number);
  one->number = s->next_number++;
}

static void take_step(scene *s) {
  switch (test_random_below(&s->random, 16)) {
  case 0: renumber_one(s); break;
  case 1: assert_true(bt_table_resize(&s->table, s->count + test_random_below(&s->random, 200))); break;
  case 2: assert_true(bt_table_resize(&s->table, 0)); break; /* never below what it holds */
  case 3:
    if (test_random_below(&s->random, 100) == 0) bt_table_clear(&s->table), s->count = 0;
    break;
  default:
    if (test_random_below(&s->random, 2))
      add_one(s);
    else
      remove_one(s);
  }
}

static void test_like_a_list(void **state) {
  (void)state;
  scene s = {.random = test_random_start(1)};
  for (int round = 0; round < ROUNDS; round++) {
    for (int step = 0; step < STEPS / ROUNDS; step++) {
      take_step(&s);
      check_walks(&s, random_hash(&s));
    }
    bt_table_dispose(&s.table);
    s.count = 0;
    check_walks(&s, 0);
  }
}

static void test_in_an_arena(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, 3000);
  bt_table table = {0};
  size_t count = 0;
  for (; bt_table_reserve_in(&table, count + 1, &arena); count++) bt_table_add(&table, count % 3, count);
  assert_int_equal(count, 96); /* of 128 slots; 256 would be 2,048 bytes more than the 1,920 before */
  for (size_t first = 0; first < 3; first++) {
    bt_table_walk walk = bt_table_find(&table, first);
    for (size_t i = first; i < count; i += 3) {
      assert_true(bt_table_next(&table, &walk));
      assert_int_equal(walk.number, i);
    }
    assert_false(bt_table_next(&table, &walk));
  }
  bt_arena_dispose(&arena);
}

static void test_without_memory(void **state) {
  (void)state;
  scene s = {.random = test_random_start(2)};
  for (int i = 0; i < MOST; i++) add_one(&s);
  failing_alloc_after(0);
  assert_false(bt_table_reserve(&s.table, 1000));
  assert_true(failing_alloc_stop());
  assert_false(bt_table_reserve(&s.table, BT_TABLE_MOST + 1));
  for (int i = 0; i < 20; i++) check_walks(&s, random_hash(&s));
  assert_int_equal(bt_table_held_bytes(&s.table), bt_table_bytes(MOST));
  bt_table_dispose(&s.table);
  assert_int_equal(bt_table_held_bytes(&s.table), bt_table_bytes(0));
}

/* ---- chosen keys ---- */

enum { KEYS = 40000 };

/* How far all entries lie from their homes: what finding each of them costs. */
static size_t way_of(const bt_table *table) {
  size_t way = 0;
  for (size_t at = 0; at < table->slot_count; at++)
    if (table->slots[at].place) way += (at - table->slots[at].hash) & (table->slot_count - 1);
  return way;
}

typedef uint64_t hash_number(uint64_t number);

static size_t way_with(hash_number *hash) {
  bt_table table = {0};
  assert_true(bt_table_reserve(&table, KEYS));
  for (size_t i = 0; i < KEYS; i++) bt_table_add(&table, hash(i), i);
  size_t way = way_of(&table);
  bt_table_dispose(&table);
  return way;
}

static uint64_t hash_chosen_id(uint64_t number) {
  static chosen_ids ids = {.state = 7};
  uint8_t id[16];
  (void)number;
  chosen_ids_next(&ids, id);
  return bt_hash_id(id);
}
static uint64_t hash_chosen_text(uint64_t number) {
  static chosen_ids ids = {.state = 8};
  uint8_t id[16];
  (void)number;
  chosen_ids_next(&ids, id);
  return bt_hash_text((bt_str){(const char *)id, sizeof id});
}
static uint64_t hash_count(uint64_t number) {
  return bt_hash_pair(number, 0);
}
static uint64_t hash_upper_bits(uint64_t number) {
  return bt_hash_pair(number << 48, 0);
}
static uint64_t hash_second_half(uint64_t number) {
  return bt_hash_pair(0, number << 48);
}
static uint64_t hash_decimals(uint64_t number) {
  char text[24];
  int length = snprintf(text, sizeof text, "rule-%llu", (unsigned long long)number);
  return bt_hash_text((bt_str){text, (size_t)length});
}
/* Words of seven bytes that differ by the field's size would meet if they were not seven. */
static uint64_t hash_field_steps(uint64_t number) {
  uint64_t words[2] = {number << 61, number >> 3};
  return bt_hash_text((bt_str){(const char *)words, sizeof words});
}

static void seed_at_random(test_random *random) {
  uint64_t words[BT_HASH_SEEDS];
  for (size_t i = 0; i < BT_HASH_SEEDS; i++) {
    words[i] = 0;
    for (int byte = 0; byte < 8; byte++) words[i] = words[i] << 8 | test_random_below(random, 256);
  }
  bt_hash_seed(words);
}

static void test_chosen_keys(void **state) {
  (void)state;
  chosen_ids ids = {.state = 9};
  for (int i = 0; i < 100; i++) { /* they are what they are said to be */
    char id[16];
    chosen_ids_next(&ids, (uint8_t *)id);
    assert_int_equal(bt_str_hash((bt_str){id, sizeof id}) & 0xffff, 0x1234);
  }
  hash_number *const all[] = {hash_chosen_id,   hash_chosen_text, hash_count,      hash_upper_bits,
                              hash_second_half, hash_decimals,    hash_field_steps};
  /* Three fifths full: by chance an entry lies 0.8 slots from its home in the mean (D. Knuth, TAOCP 3, 6.4). */
  test_random random = test_random_start(3);
  for (int round = 0; round < 5; round++) {
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) assert_in_range(way_with(all[i]), KEYS / 2, KEYS);
    seed_at_random(&random);
  }
}

static int compare_numbers(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Every text of up to 3 of these bytes, and runs of each of them up to 99 long: no two have the same 64 bits. */
static void test_short_texts(void **state) {
  (void)state;
  static const char bytes[] = {0, 1, 'a', 'b', '\xff'};
  enum { BYTES = sizeof bytes, LONGEST = 99, TEXTS = 1 + BYTES + BYTES * BYTES + BYTES * BYTES * BYTES };
  static uint64_t hashes[TEXTS + BYTES * LONGEST];
  size_t count = 0;
  char text[LONGEST];
  for (size_t length = 0, all = 1; length <= 3; length++, all *= BYTES)
    for (size_t i = 0; i < all; i++) {
      size_t rest = i;
      for (size_t at = 0; at < length; at++, rest /= BYTES) text[at] = bytes[rest % BYTES];
      hashes[count++] = bt_hash_text((bt_str){text, length});
    }
  for (size_t i = 0; i < BYTES; i++)
    for (size_t length = 4; length <= LONGEST; length++) {
      memset(text, bytes[i], length);
      hashes[count++] = bt_hash_text((bt_str){text, length});
    }
  qsort(hashes, count, sizeof hashes[0], compare_numbers);
  for (size_t i = 1; i < count; i++) assert_true(hashes[i - 1] != hashes[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_like_a_list), cmocka_unit_test(test_in_an_arena), cmocka_unit_test(test_without_memory),
      cmocka_unit_test(test_chosen_keys), cmocka_unit_test(test_short_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
