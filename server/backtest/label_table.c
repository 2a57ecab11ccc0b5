/* Sets of labels. See label_table.h. */
#include "server/backtest/label_table.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_LABELS = 128, FIRST_SLOTS = 256 };
static const size_t MOST_BYTES = (size_t)1 << 30;

void bt_label_table_init(bt_label_table *table) {
  *table = (bt_label_table){0};
  bt_arena_init(&table->arena, MOST_BYTES);
  (void)bt_labels_put(table, NULL, 0);
}

void bt_label_table_dispose(bt_label_table *table) {
  free(table->rows);
  free(table->slots);
  bt_arena_dispose(&table->arena);
}

static uint64_t hash_labels(const bt_label *labels, size_t count) {
  uint64_t hash = count;
  for (size_t i = 0; i < count; i++)
    hash = (hash ^ bt_str_hash(labels[i].name)) * 0x9E3779B97F4A7C15u + bt_str_hash(labels[i].value);
  return hash ^ hash >> 29;
}

static bool are_equal(const bt_label_row *row, const bt_label *labels, size_t count) {
  if (row->count != count) return false;
  for (size_t i = 0; i < count; i++)
    if (!bt_str_equal(row->labels[i].name, labels[i].name) || !bt_str_equal(row->labels[i].value, labels[i].value))
      return false;
  return true;
}

static bool grow_slots(bt_label_table *table) {
  if (2 * (table->count + 1) < table->slot_count) return true;
  size_t count = table->slot_count ? 2 * table->slot_count : FIRST_SLOTS;
  bt_label_set *slots = calloc(count, sizeof *slots);
  if (!slots) return false;
  for (size_t i = 0; i < table->count; i++) {
    size_t at = table->rows[i].hash & (count - 1);
    while (slots[at]) at = (at + 1) & (count - 1);
    slots[at] = (bt_label_set)i + 1;
  }
  free(table->slots);
  table->slots = slots;
  table->slot_count = count;
  return true;
}

static bt_label_set add_row(bt_label_table *table, const bt_label *labels, size_t count, uint64_t hash) {
  bt_label_row *rows = bt_grow_array(table->rows, table->count, &table->capacity, sizeof *rows);
  if (rows) table->rows = rows;
  bt_label *own = bt_arena_array(&table->arena, count, sizeof *own);
  bool is_there = rows && own && grow_slots(table);
  for (size_t i = 0; is_there && i < count; i++)
    is_there = bt_arena_copy(&table->arena, labels[i].name, &own[i].name) &&
               bt_arena_copy(&table->arena, labels[i].value, &own[i].value);
  if (!is_there) {
    table->failed = true;
    return 0;
  }
  size_t at = hash & (table->slot_count - 1);
  while (table->slots[at]) at = (at + 1) & (table->slot_count - 1);
  table->rows[table->count] = (bt_label_row){own, count, hash};
  table->slots[at] = (bt_label_set)table->count + 1;
  return (bt_label_set)table->count++;
}

/* Of labels in order, of which none is empty. */
static bt_label_set find_row(bt_label_table *table, const bt_label *labels, size_t count) {
  uint64_t hash = hash_labels(labels, count);
  for (size_t at = hash & (table->slot_count - 1); table->slot_count && table->slots[at];
       at = (at + 1) & (table->slot_count - 1)) {
    bt_label_set set = table->slots[at] - 1;
    if (table->rows[set].hash == hash && are_equal(&table->rows[set], labels, count)) return set;
  }
  return add_row(table, labels, count, hash);
}

/* Puts one label into an ordered list, or takes its name out where the value is empty. */
static void place_label(bt_label *list, size_t *count, const bt_label *label) {
  size_t at = 0;
  while (at < *count && bt_str_compare(list[at].name, label->name) < 0) at++;
  bool is_there = at < *count && bt_str_equal(list[at].name, label->name);
  if (label->value.len && !is_there && *count < MOST_LABELS) {
    memmove(&list[at + 1], &list[at], (*count - at) * sizeof *list);
    (*count)++;
  }
  if (!label->value.len && is_there) {
    memmove(&list[at], &list[at + 1], (*count - at - 1) * sizeof *list);
    (*count)--;
  } else if (label->value.len && at < MOST_LABELS) {
    list[at] = *label;
  }
}

bt_label_set bt_labels_put(bt_label_table *table, const bt_label *labels, size_t count) {
  bt_label list[MOST_LABELS + 1];
  size_t own = 0;
  for (size_t i = 0; i < count; i++) place_label(list, &own, &labels[i]);
  return find_row(table, list, own);
}

static bool is_among(bt_str name, const bt_str *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bt_str_equal(names[i], name)) return true;
  return false;
}

static bt_label_set filter_labels(bt_label_table *table, bt_label_set set, const bt_str *names, size_t count,
                                  bool keeps) {
  bt_label list[MOST_LABELS + 1];
  const bt_label_row *row = &table->rows[set];
  size_t own = 0;
  for (size_t i = 0; i < row->count; i++)
    if (is_among(row->labels[i].name, names, count) == keeps) list[own++] = row->labels[i];
  return find_row(table, list, own);
}

bt_label_set bt_labels_keep(bt_label_table *table, bt_label_set set, const bt_str *names, size_t count) {
  return filter_labels(table, set, names, count, true);
}

bt_label_set bt_labels_drop(bt_label_table *table, bt_label_set set, const bt_str *names, size_t count) {
  return filter_labels(table, set, names, count, false);
}

bt_label_set bt_labels_add(bt_label_table *table, bt_label_set set, const bt_label *more, size_t count) {
  bt_label list[MOST_LABELS + 1];
  size_t own = table->rows[set].count;
  memcpy(list, table->rows[set].labels, own * sizeof *list);
  for (size_t i = 0; i < count; i++) place_label(list, &own, &more[i]);
  return find_row(table, list, own);
}

bt_str bt_labels_get(const bt_label_table *table, bt_label_set set, bt_str name) {
  const bt_label_row *row = &table->rows[set];
  for (size_t i = 0; i < row->count; i++)
    if (bt_str_equal(row->labels[i].name, name)) return row->labels[i].value;
  return (bt_str){NULL, 0};
}
