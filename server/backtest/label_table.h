/* Sets of labels, each once: equal sets have equal numbers, so that matching and grouping compare numbers. Thread: a
 * table belongs to one thread. */
#ifndef BT_SERVER_BACKTEST_LABEL_TABLE_H
#define BT_SERVER_BACKTEST_LABEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/text.h"

#define BT_METRIC_NAME BT_STR("__name__")

typedef struct bt_label {
  bt_str name, value;
} bt_label;

typedef uint32_t bt_label_set; /* 0: no labels */

typedef struct bt_label_row {
  const bt_label *labels; /* by name, none with an empty value */
  size_t count;
  uint64_t hash;
} bt_label_row;

typedef struct bt_label_table { /* bt_label_table_init, …_dispose */
  bt_arena arena;
  bt_label_row *rows;
  size_t count, capacity;
  bt_label_set *slots; /* number + 1, or 0; a power of two of them */
  size_t slot_count;
  bool failed; /* there was no memory: numbers since then mean nothing */
} bt_label_table;

void bt_label_table_init(bt_label_table *table);
void bt_label_table_dispose(bt_label_table *table);

/* The number of these labels, in any order; of a name that comes twice the last counts, and an empty value is none. 0,
 * and `failed`: no memory. */
bt_label_set bt_labels_put(bt_label_table *table, const bt_label *labels, size_t count);
/* Those of the set with these names, or without them. */
bt_label_set bt_labels_keep(bt_label_table *table, bt_label_set set, const bt_str *names, size_t count);
bt_label_set bt_labels_drop(bt_label_table *table, bt_label_set set, const bt_str *names, size_t count);
/* With these added; they win over what is there. */
bt_label_set bt_labels_add(bt_label_table *table, bt_label_set set, const bt_label *more, size_t count);
/* Empty where the set has none of that name. */
bt_str bt_labels_get(const bt_label_table *table, bt_label_set set, bt_str name);
#endif
