/* Counts of many series by many short steps, most of which are 0: only the others take memory. Inside of problems.c.
 * Thread: one. */
#ifndef BT_SERVER_QUERY_FINE_COUNTS_H
#define BT_SERVER_QUERY_FINE_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/table.h"
#include "server/memory/account.h"

typedef struct bt_fine_count {
  size_t series;
  int64_t step;
  uint64_t count;
} bt_fine_count;

typedef struct bt_fine_counts { /* all-zero, but for the account of hold, is empty; bt_fine_counts_dispose */
  bt_fine_count *items;
  size_t count, capacity;
  bt_table by_key;
  bt_memory_hold hold;
  bool lacks_room; /* some were not counted: all of these numbers may be too low */
} bt_fine_counts;

void bt_fine_counts_add(bt_fine_counts *counts, size_t series, int64_t step);
uint64_t bt_fine_counts_get(const bt_fine_counts *counts, size_t series, int64_t step);
void bt_fine_counts_dispose(bt_fine_counts *counts);

#endif
