/* Series in memory. See series_store.h. */
#include "server/backtest/series_store.h"

#include <stdlib.h>
#include <string.h>

static const int64_t LOOKBACK_MS = 5 * 60 * 1000;

void bt_series_store_dispose(bt_series_store *store) {
  for (size_t i = 0; i < store->count; i++) {
    free(store->series[i].times_ms);
    free(store->series[i].values);
    free(store->series[i].falls);
    free(store->series[i].stale_ms);
  }
  free(store->series);
  free(store->of_set);
}

static bool grow_index(bt_series_store *store, bt_label_set labels) {
  if (labels < store->of_set_capacity) return true;
  size_t capacity = store->of_set_capacity ? store->of_set_capacity : 256;
  while (capacity <= labels) capacity *= 2;
  uint32_t *of_set = bt_realloc_array(store->of_set, capacity, sizeof *of_set);
  if (!of_set) return false;
  memset(of_set + store->of_set_capacity, 0, (capacity - store->of_set_capacity) * sizeof *of_set);
  store->of_set = of_set;
  store->of_set_capacity = capacity;
  return true;
}

size_t bt_series_store_find(bt_series_store *store, bt_label_set labels) {
  if (labels < store->of_set_capacity && store->of_set[labels]) return store->of_set[labels] - 1;
  bt_series_samples *series = bt_grow_array(store->series, store->count, &store->capacity, sizeof *series);
  if (series) store->series = series;
  if (!series || !grow_index(store, labels)) {
    store->failed = true;
    return 0;
  }
  store->series[store->count] = (bt_series_samples){.labels = labels};
  store->of_set[labels] = (uint32_t)++store->count;
  return store->count - 1;
}

static bool grow_samples(bt_series_samples *s) {
  if (s->count < s->capacity) return true;
  size_t capacity = s->capacity ? 2 * s->capacity : 16;
  int64_t *times = bt_realloc_array(s->times_ms, capacity, sizeof *times);
  if (times) s->times_ms = times;
  double *values = bt_realloc_array(s->values, capacity, sizeof *values);
  if (values) s->values = values;
  uint32_t *falls = bt_realloc_array(s->falls, capacity, sizeof *falls);
  if (falls) s->falls = falls;
  if (!times || !values || !falls) return false;
  s->capacity = capacity;
  return true;
}

static int64_t last_time(const bt_series_samples *s) {
  int64_t sample = s->count ? s->times_ms[s->count - 1] : INT64_MIN;
  int64_t stale = s->stale_count ? s->stale_ms[s->stale_count - 1] : INT64_MIN;
  return sample > stale ? sample : stale;
}

bool bt_samples_append(bt_series_store *store, size_t series, int64_t time_ms, double value) {
  bt_series_samples *s = &store->series[series];
  if (time_ms <= last_time(s)) {
    bool is_there = s->count && s->times_ms[s->count - 1] == time_ms;
    return is_there && memcmp(&s->values[s->count - 1], &value, sizeof value) == 0;
  }
  if (!grow_samples(s)) {
    store->failed = true;
    return false;
  }
  uint32_t falls = s->count ? s->falls[s->count - 1] : 0;
  if (s->count && value < s->values[s->count - 1]) falls++;
  s->times_ms[s->count] = time_ms;
  s->values[s->count] = value;
  s->falls[s->count++] = falls;
  return true;
}

bool bt_samples_mark_stale(bt_series_store *store, size_t series, int64_t time_ms) {
  bt_series_samples *s = &store->series[series];
  if (time_ms <= last_time(s)) return false;
  int64_t *stale = bt_grow_array(s->stale_ms, s->stale_count, &s->stale_capacity, sizeof *stale);
  if (!stale) {
    store->failed = true;
    return false;
  }
  s->stale_ms = stale;
  stale[s->stale_count++] = time_ms;
  return true;
}

void bt_series_store_forget(bt_series_store *store, size_t series) {
  store->series[series].count = store->series[series].stale_count = 0;
}

/* How many of the times, which rise, are at or before that one. Most questions are about the end. */
static size_t count_until(const int64_t *times, size_t count, int64_t time_ms) {
  size_t low = 0, high = count;
  if (count && times[count - 1] <= time_ms) return count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (times[middle] <= time_ms)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

size_t bt_samples_until(const bt_series_samples *s, int64_t time_ms) {
  return count_until(s->times_ms, s->count, time_ms);
}

bool bt_samples_at(const bt_series_samples *s, int64_t time_ms, double *value) {
  size_t count = bt_samples_until(s, time_ms);
  if (!count || s->times_ms[count - 1] < time_ms - LOOKBACK_MS) return false;
  size_t stale = count_until(s->stale_ms, s->stale_count, time_ms);
  if (stale && s->stale_ms[stale - 1] > s->times_ms[count - 1]) return false;
  *value = s->values[count - 1];
  return true;
}
