/* In what records of one span differ. See record_differences.h. */
#include "dsl/evaluate/record_differences.h"

#include <stdlib.h>

#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"
#include "dsl/trace/trace_comparison.h"
#include "dsl/trace/trace_pruned.h"

/* ---- of two records ---- */

/* The key's bit, which it gets now if it has none. */
static uint64_t bit_of_key(bt_differing_keys *keys, bt_str key) {
  uint32_t at = 0;
  while (at < keys->count && !bt_str_equal(keys->items[at], key)) at++;
  if (at == BT_DIFFERING_KEYS_MAX) return BT_DIFFERS_FOR_ALL;
  if (at == keys->count) keys->items[keys->count++] = key;
  return (uint64_t)1 << at;
}

/* Where the next key begins. */
static uint32_t skip_key(const bt_attribute *const *sorted, uint32_t count, uint32_t at) {
  uint32_t next = at + 1;
  while (next < count && bt_str_equal(sorted[next]->key, sorted[at]->key)) next++;
  return next;
}

/* Of a key that stands twice the first value counts. */
static bool find_in_attributes(const bt_attributes *a, const bt_attributes *b, bt_differing_keys *keys, bt_arena *arena,
                               uint64_t *out) {
  if (a->items == b->items && a->count == b->count) return true;
  const bt_attribute **left = bt_attributes_sorted(*a, arena), **right = bt_attributes_sorted(*b, arena);
  if (!left || !right) return false;
  for (uint32_t i = 0, k = 0; i < a->count || k < b->count;) {
    int order = i == a->count ? 1 : k == b->count ? -1 : bt_str_compare(left[i]->key, right[k]->key);
    bool agree = order == 0 && bt_values_agree(&left[i]->value, &right[k]->value);
    if (!agree) *out |= bit_of_key(keys, order <= 0 ? left[i]->key : right[k]->key);
    if (order <= 0) i = skip_key(left, a->count, i);
    if (order >= 0) k = skip_key(right, b->count, k);
  }
  return true;
}

/* Where a span was summed up, attributes of any key say of what. */
static bool is_pruned(const bt_span *record) {
  return bt_pruning_of(record) != BT_PRUNING_NONE;
}

bool bt_find_differences(const bt_span *a, const bt_span *b, bt_differing_keys *keys, bt_arena *arena, uint64_t *out) {
  bool has_room = true;
  *out = 0;
  if (!bt_spans_agree_but_for_parts(a, b) || is_pruned(a) || is_pruned(b)) *out |= BT_DIFFERS_FOR_ALL;
  if (!bt_span_events_agree(a, b, arena, &has_room)) *out |= BT_DIFFERS_IN_EVENTS;
  if (!bt_span_links_agree(a, b, arena, &has_room)) *out |= BT_DIFFERS_IN_LINKS;
  return has_room && find_in_attributes(&a->attributes, &b->attributes, keys, arena, out) &&
         find_in_attributes(&a->resource->attributes, &b->resource->attributes, keys, arena, out) &&
         find_in_attributes(&a->scope->attributes, &b->scope->attributes, keys, arena, out);
}

/* ---- of rules ---- */

static void read_field(void *context, const bt_field *field) {
  bt_reading *r = context;
  bt_str *items = (bt_str *)r->keys.items;
  for (uint32_t i = 0; i < field->name_count; i++) read_field(context, &field->names[i]);
  if (bt_field_is_of_event(field->kind)) r->others |= BT_DIFFERS_IN_EVENTS;
  if (bt_field_is_of_link(field->kind)) r->others |= BT_DIFFERS_IN_LINKS;
  if (items) items[r->keys.count] = field->key;
  r->keys.count++;
}

static void read_predicate(void *context, const bt_predicate *predicate) {
  bt_reading *r = context;
  if (predicate->kind == BT_PREDICATE_EVENT) r->others |= BT_DIFFERS_IN_EVENTS;
  if (predicate->kind == BT_PREDICATE_LINK) r->others |= BT_DIFFERS_IN_LINKS;
}

static void read_relation(void *context, const bt_relation *relation) {
  bt_reading *r = context;
  if (bt_relation_is_linked(relation->kind)) r->others |= BT_DIFFERS_IN_LINKS;
}

/* Without room for keys they are counted. */
static void read_rules(const bt_program *programs, size_t count, bt_str *room, bt_reading *out) {
  *out = (bt_reading){.keys = {.items = room}, .others = BT_DIFFERS_FOR_ALL};
  const bt_rule_visitor visitor = {
      .on_field = read_field, .on_predicate = read_predicate, .on_relation = read_relation, .context = out};
  for (size_t i = 0; i < count; i++) bt_rule_walk(programs[i].rule, &visitor);
}

static int compare_keys(const void *left, const void *right) {
  return bt_str_compare(*(const bt_str *)left, *(const bt_str *)right);
}

bool bt_find_reading(const bt_program *programs, size_t count, bt_arena *arena, bt_reading *out) {
  read_rules(programs, count, NULL, out);
  bt_str *keys = bt_arena_array(arena, out->keys.count, sizeof *keys);
  if (!keys) return false;
  read_rules(programs, count, keys, out);
  qsort(keys, out->keys.count, sizeof *keys, compare_keys);
  return true;
}

uint64_t bt_reading_bits(const bt_reading *reading, const bt_differing_keys *keys) {
  uint64_t bits = reading->others;
  for (uint32_t i = 0; i < keys->count; i++)
    if (bt_read_keys_have(&reading->keys, keys->items[i])) bits |= (uint64_t)1 << i;
  return bits;
}
