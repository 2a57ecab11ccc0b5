/* Series in memory: what was scraped, and what rules wrote. Times are milliseconds and rise. A marker of staleness is
 * kept apart from the samples: it ends what a selector sees at a moment, and a range passes over it. Thread: a store
 * belongs to one thread. */
#ifndef BT_SERVER_BACKTEST_SERIES_STORE_H
#define BT_SERVER_BACKTEST_SERIES_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/backtest/label_table.h"

typedef struct bt_series_samples {
  bt_label_set labels;
  int64_t *times_ms;
  double *values;
  uint32_t *falls; /* up to each sample: how often a value was less than the one before */
  size_t count, capacity;
  int64_t *stale_ms; /* markers of staleness */
  size_t stale_count, stale_capacity;
  bool is_written; /* by a rule */
} bt_series_samples;

typedef struct bt_series_store { /* all-zero is empty */
  bt_series_samples *series;
  size_t count, capacity;
  uint32_t *of_set; /* of each label set: number + 1, or 0 */
  size_t of_set_capacity;
  bool failed; /* there was no memory */
} bt_series_store;

void bt_series_store_dispose(bt_series_store *store);
/* The number of the series; it is made where there is none. */
size_t bt_series_store_find(bt_series_store *store, bt_label_set labels);
/* False: the series has something at that time already that is not the same, or has something later. */
bool bt_samples_append(bt_series_store *store, size_t series, int64_t time_ms, double value);
bool bt_samples_mark_stale(bt_series_store *store, size_t series, int64_t time_ms);
/* Forgets all samples of what rules wrote. */
void bt_series_store_forget(bt_series_store *store, size_t series);

/* How many samples are at or before that time. */
size_t bt_samples_until(const bt_series_samples *samples, int64_t time_ms);
/* Whether a selector sees a sample at that moment: the last one that is no older than five minutes. */
bool bt_samples_at(const bt_series_samples *samples, int64_t time_ms, double *value);

#endif
