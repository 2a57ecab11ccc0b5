/* Bounds of shards, and of windows that are looked at for emptiness. See shard.h. */
#include "server/replay/shard.h"

/* ---- shards ---- */

/* Digits alone, without a zero before them. */
static bool take_number(bt_str *text, uint32_t *out) {
  uint32_t number = 0;
  size_t used = 0;
  while (used < text->len && text->ptr[used] >= '0' && text->ptr[used] <= '9') {
    number = number * 10 + (uint32_t)(text->ptr[used++] - '0');
    if (number > BT_SHARDS_MAX || !number) return false;
  }
  *text = (bt_str){text->ptr + used, text->len - used};
  *out = number;
  return used > 0;
}

bool bt_shard_parse(bt_str text, bt_shard *out) {
  *out = (bt_shard){0};
  if (!take_number(&text, &out->number) || !text.len || text.ptr[0] != '/') return false;
  text = (bt_str){text.ptr + 1, text.len - 1};
  return take_number(&text, &out->count) && !text.len && out->number <= out->count;
}

static uint64_t length_of(bt_time_range range) {
  return (uint64_t)range.end_ns - (uint64_t)range.start_ns;
}

/* The whole part of length × number / count, without a product that does not fit. */
static int64_t bound_of(bt_time_range whole, uint32_t number, uint32_t count) {
  uint64_t length = length_of(whole), rest = length % count;
  return (int64_t)((uint64_t)whole.start_ns + length / count * number + rest * number / count);
}

bt_time_range bt_shard_range(bt_time_range whole, bt_shard shard) {
  return (bt_time_range){bound_of(whole, shard.number - 1, shard.count), bound_of(whole, shard.number, shard.count)};
}

bool bt_shard_fits(bt_time_range whole, uint32_t count) {
  return whole.start_ns < whole.end_ns && length_of(whole) >= count;
}

/* ---- windows ---- */

bt_gap_grid bt_gap_grid_of(bt_time_range range) {
  enum { WINDOWS = 24 };
  bt_gap_grid grid = {.range = range};
  if (range.start_ns >= range.end_ns) return grid;
  grid.count = length_of(range) < WINDOWS ? 1 : WINDOWS;
  grid.step_ns = (int64_t)(length_of(range) / grid.count);
  return grid;
}

bt_time_range bt_gap_grid_window(const bt_gap_grid *grid, size_t index) {
  int64_t start_ns = (int64_t)((uint64_t)grid->range.start_ns + (uint64_t)index * (uint64_t)grid->step_ns);
  bool is_last = index + 1 == grid->count;
  return (bt_time_range){start_ns, is_last ? grid->range.end_ns : start_ns + grid->step_ns};
}

size_t bt_gap_grid_index(const bt_gap_grid *grid, int64_t time_ns) {
  size_t index = (size_t)(((uint64_t)time_ns - (uint64_t)grid->range.start_ns) / (uint64_t)grid->step_ns);
  return index < grid->count ? index : grid->count - 1;
}
