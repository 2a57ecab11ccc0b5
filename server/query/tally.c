/* Counting marks. See tally.h. Keys lie in a table by hash; the values of one key in an array that is short by its
 * maximum. */
#include "server/query/tally.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/memory/account.h"

enum { NUMBER_BYTES = 40 };
static const size_t TEXT_MAX_BYTES = (size_t)24 << 20;
#define SERVICE_NAME BT_STR("service.name")

const char *bt_mark_kind_name(bt_mark_kind kind) {
  static const char *const names[] = {"span_name", "service", "span_attribute", "resource_attribute"};
  return names[kind];
}

bt_status bt_tally_init(bt_tally *tally, bt_error *error) {
  *tally = (bt_tally){.largest_hash = UINT64_MAX};
  bt_arena_init(&tally->arena, TEXT_MAX_BYTES);
  tally->keys = calloc(BT_TALLY_KEYS_MAX, sizeof *tally->keys);
  bool has_room = tally->keys && bt_table_reserve(&tally->table, BT_TALLY_KEYS_MAX);
  return has_room ? BT_OK : bt_error_no_memory(error);
}

static void free_key(bt_tally_key *key) {
  free(key->values);
  free(key->numbers);
}

void bt_tally_dispose(bt_tally *tally) {
  for (size_t i = 0; tally->keys && i < tally->key_count; i++) free_key(&tally->keys[i]);
  free(tally->keys);
  bt_table_dispose(&tally->table);
  bt_arena_dispose(&tally->arena);
  *tally = (bt_tally){0};
}

/* ---- keys ---- */

/* Spreads what the hash of a text leaves uneven in its upper bits. */
static uint64_t spread_hash(uint64_t hash, unsigned kind) {
  hash = (hash + kind) * UINT64_C(0xff51afd7ed558ccd);
  hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
  return hash ^ hash >> 33;
}

/* Of the table, which nobody can make slow; `hash` says which keys are kept, the same in every process. */
static uint64_t seeded_hash(bt_mark_kind kind, bt_str key) {
  return bt_hash_pair(bt_hash_text(key), kind);
}

static bt_tally_key *find_kept(const bt_tally *tally, bt_mark_kind kind, bt_str key, uint64_t seeded) {
  bt_table_walk walk = bt_table_find(&tally->table, seeded);
  while (bt_table_next(&tally->table, &walk)) {
    bt_tally_key *there = &tally->keys[walk.number];
    if (there->kind == kind && bt_str_equal(there->key, key)) return there;
  }
  return NULL;
}

/* Keeps the half of the keys with the smaller hashes: which ones these are does not depend on the order in which they
 * came. */
static void halve_keys(bt_tally *tally) {
  size_t kept = 0;
  tally->left_out_keys = true;
  tally->largest_hash /= 2;
  bt_table_clear(&tally->table);
  for (size_t i = 0; i < tally->key_count; i++) {
    bt_tally_key *key = &tally->keys[i];
    if (key->hash > tally->largest_hash) {
      free_key(key);
      continue;
    }
    bt_table_add(&tally->table, seeded_hash(key->kind, key->key), kept);
    tally->keys[kept++] = *key;
  }
  tally->key_count = kept;
}

static bt_status no_room(const bt_tally *tally, bt_str text, bt_error *error) {
  enum { ROUNDING = 64 };
  if (tally->arena.total_bytes + text.len + ROUNDING < TEXT_MAX_BYTES) return bt_error_no_memory(error);
  return bt_error_set(error, BT_LIMIT,
                      "the attributes of these traces are too much to compare (over %zu MiB of different values); ask "
                      "for fewer traces of each side",
                      TEXT_MAX_BYTES >> 20);
}

/* *out stays NULL for a key that is left out. */
static bt_status find_key(bt_tally *tally, bt_mark_kind kind, bt_str key, bt_tally_key **out, bt_error *error) {
  bool is_attribute = kind == BT_MARK_SPAN_ATTRIBUTE || kind == BT_MARK_RESOURCE_ATTRIBUTE;
  uint64_t hash = is_attribute ? spread_hash(bt_str_hash(key), kind) : 0; /* span names and services are always kept */
  uint64_t seeded = seeded_hash(kind, key);
  *out = find_kept(tally, kind, key, seeded);
  if (*out || hash > tally->largest_hash) return BT_OK;
  while (tally->key_count == BT_TALLY_KEYS_MAX) halve_keys(tally);
  if (hash > tally->largest_hash) return BT_OK;
  bt_tally_key *added = &tally->keys[tally->key_count];
  *added = (bt_tally_key){.hash = hash, .kind = kind};
  if (!bt_arena_copy(&tally->arena, key, &added->key)) return no_room(tally, key, error);
  bt_table_add(&tally->table, seeded, tally->key_count++);
  *out = added;
  return BT_OK;
}

/* ---- values ---- */

static void forget_values(bt_tally_key *key) {
  free(key->values);
  key->values = NULL;
  key->value_count = key->value_capacity = 0;
  key->has_many = true;
}

static bt_status new_value(bt_tally *tally, bt_tally_key *key, bt_str text, bt_value_type type, uint64_t hash,
                           bt_tally_value **out, bt_error *error) {
  bool is_name = key->kind == BT_MARK_SPAN_NAME || key->kind == BT_MARK_SERVICE;
  *out = NULL;
  if (key->value_count == (is_name ? BT_TALLY_NAMES_MAX : BT_TALLY_VALUES_MAX)) return forget_values(key), BT_OK;
  bt_tally_value *values = bt_grow_array(key->values, key->value_count, &key->value_capacity, sizeof *values);
  if (!values) return bt_error_no_memory(error);
  key->values = values;
  bt_tally_value *added = &values[key->value_count];
  *added = (bt_tally_value){.hash = hash, .type = type};
  if (!bt_arena_copy(&tally->arena, text, &added->text)) return no_room(tally, text, error);
  key->value_count++;
  *out = added;
  return BT_OK;
}

void bt_tally_note_example(const bt_tally *tally, uint32_t examples[BT_TALLY_EXAMPLES], uint32_t trace) {
  const bt_trace_id *ids = tally->ids;
  for (size_t i = 0; i < BT_TALLY_EXAMPLES && trace; i++) {
    uint32_t there = examples[i];
    bool is_before = !there || (ids && memcmp(&ids[trace], &ids[there], sizeof *ids) < 0);
    if (!is_before) continue;
    examples[i] = trace;
    trace = there;
  }
}

static void count_once(uint32_t counts[2], uint32_t examples[BT_TALLY_EXAMPLES], uint32_t *last_trace,
                       const bt_tally *tally) {
  if (*last_trace == tally->traces) return;
  *last_trace = tally->traces;
  if (tally->side == 0) bt_tally_note_example(tally, examples, tally->traces);
  counts[tally->side]++;
}

static bt_status add_value(bt_tally *tally, bt_tally_key *key, bt_str text, bt_value_type type, bt_error *error) {
  bt_tally_value *found = NULL;
  uint64_t hash = spread_hash(bt_str_hash(text), type);
  bt_status status = BT_OK;
  if (key->has_many) return BT_OK;
  if (text.len > BT_TALLY_VALUE_BYTES_MAX) return key->has_too_long = true, BT_OK;
  for (size_t i = 0; i < key->value_count && !found; i++) {
    bt_tally_value *value = &key->values[i];
    if (value->hash == hash && value->type == type && bt_str_equal(value->text, text)) found = value;
  }
  if (!found) status = new_value(tally, key, text, type, hash, &found, error);
  if (found) count_once(found->counts, found->examples, &found->last_trace, tally);
  return status;
}

/* The shortest of two notations that reads back as the same number. */
static size_t write_double(double number, char out[NUMBER_BYTES]) {
  int length = snprintf(out, NUMBER_BYTES, "%.15g", number);
  if (strtod(out, NULL) != number) length = snprintf(out, NUMBER_BYTES, "%.17g", number);
  return (size_t)length;
}

static bt_status add_number(const bt_tally *tally, bt_tally_key *key, double number, bt_error *error) {
  if (!isfinite(number)) return BT_OK;
  if (key->number_count && key->last_number_trace == tally->traces) {
    bt_tally_number *last = &key->numbers[key->number_count - 1];
    if (number > last->number) last->number = number;
    return BT_OK;
  }
  bt_tally_number *numbers = bt_grow_array(key->numbers, key->number_count, &key->number_capacity, sizeof *numbers);
  if (!numbers) return bt_error_no_memory(error);
  key->numbers = numbers;
  numbers[key->number_count++] = (bt_tally_number){number, tally->side, tally->traces};
  key->last_number_trace = tally->traces;
  return BT_OK;
}

static bt_status add_typed(bt_tally *tally, bt_tally_key *key, const bt_value *value, bt_error *error) {
  char text[NUMBER_BYTES];
  bt_status status = BT_OK;
  switch (value->type) {
  case BT_VALUE_STRING: return add_value(tally, key, value->string, BT_VALUE_STRING, error);
  case BT_VALUE_BOOL:
    return add_value(tally, key, value->boolean ? BT_STR("true") : BT_STR("false"), BT_VALUE_BOOL, error);
  case BT_VALUE_INT:
    snprintf(text, sizeof text, "%" PRId64, value->integer);
    status = add_number(tally, key, (double)value->integer, error);
    return status ? status : add_value(tally, key, bt_str_from(text), BT_VALUE_INT, error);
  case BT_VALUE_DOUBLE:
    status = add_number(tally, key, value->decimal, error);
    return status ? status
                  : add_value(tally, key, (bt_str){text, write_double(value->decimal, text)}, BT_VALUE_DOUBLE, error);
  case BT_VALUE_ARRAY:
    for (uint32_t i = 0; i < value->array.count && !status && !key->has_many; i++)
      status = add_typed(tally, key, &value->array.items[i], error);
    return status;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: return BT_OK;
  }
  return BT_OK;
}

/* ---- traces ---- */

static bt_status add_name(bt_tally *tally, bt_mark_kind kind, bt_str name, bt_error *error) {
  bt_tally_key *key = NULL;
  bt_status status = find_key(tally, kind, BT_STR(""), &key, error);
  if (status || !key) return status;
  count_once(key->counts, key->examples, &key->last_trace, tally);
  return add_value(tally, key, name, BT_VALUE_STRING, error);
}

static bt_status add_attributes(bt_tally *tally, bt_mark_kind kind, const bt_attributes *attributes, bt_error *error) {
  bt_status status = BT_OK;
  for (uint32_t i = 0; i < attributes->count && !status; i++) {
    const bt_attribute *attribute = &attributes->items[i];
    bt_tally_key *key = NULL;
    bool is_service = kind == BT_MARK_RESOURCE_ATTRIBUTE && bt_str_equal(attribute->key, SERVICE_NAME);
    if (is_service || attribute->value.type == BT_VALUE_MISSING) continue;
    status = find_key(tally, kind, attribute->key, &key, error);
    if (status || !key) continue;
    count_once(key->counts, key->examples, &key->last_trace, tally);
    status = add_typed(tally, key, &attribute->value, error);
  }
  return status;
}

static bt_status add_span(bt_tally *tally, const bt_span *span, bool is_new_resource, bt_error *error) {
  bt_status status = add_name(tally, BT_MARK_SPAN_NAME, span->name, error);
  if (!status) status = add_attributes(tally, BT_MARK_SPAN_ATTRIBUTE, &span->attributes, error);
  if (status || !is_new_resource) return status;
  if (span->resource->service.len) status = add_name(tally, BT_MARK_SERVICE, span->resource->service, error);
  return status ? status : add_attributes(tally, BT_MARK_RESOURCE_ATTRIBUTE, &span->resource->attributes, error);
}

bt_status bt_tally_add(bt_tally *tally, const bt_trace *trace, int side, bt_tally_filter filter, void *context,
                       bt_error *error) {
  const bt_resource *last = NULL;
  bt_status status = BT_OK;
  tally->traces++;
  tally->side = side;
  for (uint32_t i = 0; i < trace->span_count && !status; i++) {
    const bt_span *span = &trace->spans[i];
    if (filter && !filter(context, span)) continue;
    status = add_span(tally, span, span->resource != last, error);
    last = span->resource;
  }
  return status;
}

/* ---- memory ---- */

enum {
  FIRST_ITEMS = 16, /* of an array that grows (bt_grow_array), which doubles then */
  MARKS_OF_A_KEY = 1 + BT_TALLY_BOUNDS,
  BLOCK_BYTES = 64 << 10, /* of the arena, of which the end of each is left over */
  COPY_ROUNDING = 32
};

static size_t bytes_of_array(size_t count, size_t each) {
  return count ? bt_heap_bytes((FIRST_ITEMS + 2 * count) * each) : 0;
}

size_t bt_tally_bytes(const bt_tally *tally, size_t mark_bytes) {
  size_t bytes = BT_TALLY_KEYS_MAX * sizeof *tally->keys + bt_table_bytes(BT_TALLY_KEYS_MAX) + BLOCK_BYTES;
  for (size_t i = 0; i < tally->key_count; i++) {
    const bt_tally_key *key = &tally->keys[i];
    bytes += bytes_of_array(key->value_count, sizeof *key->values);
    bytes += bytes_of_array(key->number_count, sizeof *key->numbers);
    bytes += 2 * mark_bytes * (key->value_count + MARKS_OF_A_KEY);
  }
  return bytes + bt_arena_held_bytes(&tally->arena);
}

typedef struct contents { /* of a trace */
  size_t values, text_bytes;
} contents;

static void count_value(contents *c, const bt_value *value) {
  if (value->type == BT_VALUE_ARRAY) {
    for (uint32_t i = 0; i < value->array.count; i++) count_value(c, &value->array.items[i]);
    return;
  }
  c->values++;
  bool is_short = value->type == BT_VALUE_STRING && value->string.len <= BT_TALLY_VALUE_BYTES_MAX;
  c->text_bytes += is_short ? value->string.len : NUMBER_BYTES;
}

static void count_attributes(contents *c, const bt_attributes *attributes) {
  for (uint32_t i = 0; i < attributes->count; i++) {
    c->text_bytes += attributes->items[i].key.len;
    count_value(c, &attributes->items[i].value);
  }
}

static contents count_contents(const bt_trace *trace) {
  contents c = {0};
  const bt_resource *last = NULL;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_span *span = &trace->spans[i];
    c.values += 2;
    c.text_bytes += span->name.len;
    count_attributes(&c, &span->attributes);
    if (span->resource == last) continue;
    last = span->resource;
    c.text_bytes += last->service.len;
    count_attributes(&c, &last->attributes);
  }
  return c;
}

static size_t least_of(size_t a, size_t b) {
  return a < b ? a : b;
}

/* As if each value were a new one, but for what no tally ever holds. */
size_t bt_tally_added_bytes(const bt_tally *tally, const bt_trace *trace, size_t mark_bytes) {
  contents c = count_contents(trace);
  enum { MOST_VALUES = BT_TALLY_KEYS_MAX * BT_TALLY_VALUES_MAX };
  size_t values = least_of(c.values, MOST_VALUES), keys = least_of(c.values, BT_TALLY_KEYS_MAX);
  size_t of_arrays = sizeof *tally->keys->values + sizeof *tally->keys->numbers;
  size_t text = least_of(c.text_bytes + (size_t)2 * COPY_ROUNDING * values, TEXT_MAX_BYTES);
  return keys * (2 * bt_heap_bytes(FIRST_ITEMS * of_arrays) + 2 * mark_bytes * MARKS_OF_A_KEY) +
         values * 2 * (of_arrays + mark_bytes) + text + text / 8 + BLOCK_BYTES;
}

bool bt_tally_key_is_id(const bt_tally_key *key) {
  size_t single = 0;
  uint32_t traces = key->counts[0] + key->counts[1];
  if (key->has_many) return true;
  for (size_t i = 0; i < key->value_count; i++) single += key->values[i].counts[0] + key->values[i].counts[1] == 1;
  return traces >= BT_TALLY_FEW_TRACES && 2 * single > traces;
}

static int compare_tally_numbers(const void *a, const void *b) {
  const bt_tally_number *x = a, *y = b;
  if (x->number < y->number || x->number > y->number) return x->number < y->number ? -1 : 1;
  return (x->trace > y->trace) - (x->trace < y->trace);
}

size_t bt_tally_bounds(bt_tally_key *key, double bounds[BT_TALLY_BOUNDS]) {
  size_t count = 0, traces = key->number_count;
  if (traces < BT_TALLY_FEW_TRACES || !bt_tally_key_is_id(key)) return 0;
  qsort(key->numbers, traces, sizeof *key->numbers, compare_tally_numbers);
  for (size_t quarter = 1; quarter <= BT_TALLY_BOUNDS; quarter++) {
    double bound = key->numbers[traces * quarter / 4].number;
    bool is_new = !count || bound > bounds[count - 1];
    if (is_new && bound < key->numbers[traces - 1].number) bounds[count++] = bound;
  }
  return count;
}

bt_str bt_tally_number_text(bt_tally *tally, double number) {
  char text[NUMBER_BYTES];
  bt_str copy = BT_STR("");
  size_t length = write_double(number, text);
  return bt_arena_copy(&tally->arena, (bt_str){text, length}, &copy) ? copy : BT_STR("");
}
