/* Spans by a value. See value_index.h. Sorted, and no hash table: whoever chooses values can make them meet in one
 * place, and then they are compared, which is paid for, but nothing here takes longer. */
#include "dsl/evaluate/value_index.h"

#include <string.h>

#include "dsl/rule/field.h"
#include "dsl/trace/text_number.h"

enum { ELEMENTS_OF_SPAN = 8 /* hashes of them */, FEW = 64, LONGEST_HASHED = 256, DIGIT_BITS = 8, DIGITS = 4 };

/* ---- hashes ---- */

static uint32_t mix_bits(uint64_t bits) {
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u;
  return (uint32_t)(bits ^ (bits >> 32));
}

/* Of a long text its length and its ends. */
static uint64_t hash_text(bt_str text) {
  if (text.len <= LONGEST_HASHED) return bt_str_hash(text);
  bt_str head = {text.ptr, LONGEST_HASHED / 2}, tail = {text.ptr + text.len - LONGEST_HASHED / 2, LONGEST_HASHED / 2};
  return bt_str_hash(head) * 31 + bt_str_hash(tail) + text.len;
}

/* A decimal that is a whole number counts as one: they are equal. */
static bool hash_decimal(double decimal, uint32_t *hash) {
  static const double two_to_63 = 9223372036854775808.0;
  uint64_t bits;
  if (decimal != decimal) return false;
  if (decimal >= -two_to_63 && decimal < two_to_63 && decimal == (double)(int64_t)decimal) {
    *hash = mix_bits((uint64_t)(int64_t)decimal);
    return true;
  }
  memcpy(&bits, &decimal, sizeof bits);
  *hash = mix_bits(bits + 1);
  return true;
}

bool bt_value_hash(const bt_value *value, uint32_t *hash) {
  switch (value->type) {
  case BT_VALUE_STRING: return *hash = mix_bits(hash_text(value->string) + 2), true;
  case BT_VALUE_BOOL: return *hash = mix_bits(value->boolean ? 3 : 4), true;
  case BT_VALUE_INT: return *hash = mix_bits((uint64_t)value->integer), true;
  case BT_VALUE_DOUBLE: return hash_decimal(value->decimal, hash);
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME:
  case BT_VALUE_ARRAY: break;
  }
  return false;
}

/* Of a text that reads as that number or boolean. */
static uint32_t hash_as_read(uint32_t hash) {
  return mix_bits(((uint64_t)hash << 32) + 5);
}

/* Under which hashes a span stands that has this value; their number. */
static uint32_t hashes_of(const bt_value *value, uint32_t hashes[BT_MOST_HASHES]) {
  if (!bt_value_hash(value, &hashes[0])) return 0;
  bt_value read = bt_value_read(value);
  if (read.type == value->type || !bt_value_hash(&read, &hashes[1])) return 1;
  hashes[1] = hash_as_read(hashes[1]);
  return 2;
}

uint32_t bt_value_hashes_to_ask(const bt_value *value, uint32_t hashes[BT_MOST_HASHES]) {
  if (!bt_value_hash(value, &hashes[0])) return 0;
  if (value->type != BT_VALUE_STRING) return hashes[1] = hash_as_read(hashes[0]), 2;
  bt_value read = bt_value_read(value);
  return read.type != BT_VALUE_STRING && bt_value_hash(&read, &hashes[1]) ? 2 : 1;
}

uint32_t bt_span_id_hash(const bt_span_id *id) {
  uint64_t bits;
  memcpy(&bits, id->bytes, sizeof bits);
  return mix_bits(bits);
}

/* ---- building ---- */

typedef struct entries {
  bt_arena *arena;
  uint32_t *hashes, *spans;
  uint32_t count, capacity, most;
  bool is_unfit; /* there are more than `most` */
} entries;

static bool make_room(entries *e, uint32_t capacity) {
  uint32_t *hashes = bt_arena_bare_array(e->arena, capacity, sizeof *hashes);
  uint32_t *spans = hashes ? bt_arena_bare_array(e->arena, capacity, sizeof *spans) : NULL;
  if (!spans) return false;
  if (e->count) memcpy(hashes, e->hashes, e->count * sizeof *hashes);
  if (e->count) memcpy(spans, e->spans, e->count * sizeof *spans);
  e->hashes = hashes;
  e->spans = spans;
  e->capacity = capacity;
  return true;
}

/* Only arrays need more room than there was in the beginning. */
static bool grow_entries(entries *e) {
  e->is_unfit = e->capacity >= e->most;
  return !e->is_unfit && make_room(e, e->capacity > e->most / 2 ? e->most : e->capacity * 2);
}

static bool add_entry(entries *e, uint32_t span, uint32_t hash) {
  if (e->count == e->capacity && !grow_entries(e)) return false;
  e->hashes[e->count] = hash;
  e->spans[e->count++] = span;
  return true;
}

static bool add_scalar(entries *e, uint32_t span, const bt_value *value) {
  uint32_t hashes[BT_MOST_HASHES], count = hashes_of(value, hashes);
  for (uint32_t i = 0; i < count; i++)
    if (!add_entry(e, span, hashes[i])) return false;
  return true;
}

static bool add_value(entries *e, uint32_t span, const bt_value *value) {
  if (value->type != BT_VALUE_ARRAY) return add_scalar(e, span, value);
  for (uint32_t i = 0; i < value->array.count; i++)
    if (!add_scalar(e, span, &value->array.items[i])) return false;
  return true;
}

static bool add_span(entries *e, const bt_trace *trace, const bt_program_key *key, uint32_t number) {
  const bt_span *span = &trace->spans[number];
  char id_text[BT_SPAN_ID_HEX + 1];
  if (key->kind == BT_KEY_PARENT_OF) return add_entry(e, number, bt_span_id_hash(&span->id));
  if (key->kind != BT_KEY_EQUAL)
    return bt_span_id_is_zero(&span->parent_id) || add_entry(e, number, bt_span_id_hash(&span->parent_id));
  bt_value value = bt_field_value(span, key->field, NULL, id_text);
  return add_value(e, number, &value);
}

/* One digit of the hashes; what is equal in it stays in order. */
static void sort_by_digit(const entries *from, entries *to, unsigned shift) {
  uint32_t next[(1 << DIGIT_BITS) + 1] = {0};
  const uint32_t mask = (1 << DIGIT_BITS) - 1;
  for (uint32_t i = 0; i < from->count; i++) next[(from->hashes[i] >> shift & mask) + 1]++;
  for (uint32_t d = 0; d < mask; d++) next[d + 1] += next[d];
  for (uint32_t i = 0; i < from->count; i++) {
    uint32_t place = next[from->hashes[i] >> shift & mask]++;
    to->hashes[place] = from->hashes[i];
    to->spans[place] = from->spans[i];
  }
  to->count = from->count;
}

/* An even number of digits, so that they end where they began. */
static void sort_entries(entries *e, entries *other) {
  for (unsigned digit = 0; digit < DIGITS; digit += 2) {
    sort_by_digit(e, other, digit * DIGIT_BITS);
    sort_by_digit(other, e, (digit + 1) * DIGIT_BITS);
  }
}

/* An array may have an element twice, or two that read as one number; its span is to come once. */
static void drop_repeated(entries *e) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < e->count; i++) {
    if (kept && e->hashes[kept - 1] == e->hashes[i] && e->spans[kept - 1] == e->spans[i]) continue;
    e->hashes[kept] = e->hashes[i];
    e->spans[kept++] = e->spans[i];
  }
  e->count = kept;
}

/* A place for every two entries or so. */
static bool find_starts(bt_value_index *index, bt_arena *arena) {
  unsigned bits = 1;
  while (bits < 24 && (1u << bits) < index->count / 2) bits++;
  index->shift = 32 - bits;
  uint32_t places = 1u << bits, at = 0;
  index->starts = bt_arena_bare_array(arena, (size_t)places + 1, sizeof *index->starts);
  if (!index->starts) return false;
  for (uint32_t place = 0; place < places; place++) {
    index->starts[place] = at;
    while (at < index->count && index->hashes[at] >> index->shift == place) at++;
  }
  index->starts[places] = index->count;
  return true;
}

static bool fill_entries(entries *e, const bt_trace *trace, const bt_program_key *key, bt_span_list list) {
  if (!make_room(e, list.count < FEW ? FEW : list.count)) return false;
  for (uint32_t i = 0; i < list.count; i++)
    if (!add_span(e, trace, key, list.spans[i])) return false;
  return true;
}

bt_value_index *bt_value_index_build(const bt_trace *trace, const bt_program_key *key, bt_span_list list,
                                     bt_arena *arena, bool *is_unfit) {
  uint32_t most = list.count > UINT32_MAX / ELEMENTS_OF_SPAN - FEW ? UINT32_MAX : list.count * ELEMENTS_OF_SPAN + FEW;
  entries e = {.arena = arena, .most = most}, other = {.arena = arena};
  bt_value_index *index = bt_arena_alloc(arena, sizeof *index);
  bool is_filled = index && fill_entries(&e, trace, key, list);
  *is_unfit = e.is_unfit;
  if (!is_filled || !make_room(&other, e.count)) return NULL;
  sort_entries(&e, &other);
  drop_repeated(&e);
  *index = (bt_value_index){.hashes = e.hashes, .spans = e.spans, .count = e.count};
  return find_starts(index, arena) ? index : NULL;
}

/* ---- finding ---- */

/* The first place from low to high whose hash is not below. */
static uint32_t first_from(const bt_value_index *index, uint32_t low, uint32_t high, uint64_t hash) {
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (index->hashes[middle] < hash)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bt_span_list bt_value_index_find(const bt_value_index *index, uint32_t hash) {
  uint32_t place = hash >> index->shift;
  uint32_t first = first_from(index, index->starts[place], index->starts[place + 1], hash);
  uint32_t end = first_from(index, first, index->starts[place + 1], (uint64_t)hash + 1);
  return (bt_span_list){index->spans + first, end - first};
}
