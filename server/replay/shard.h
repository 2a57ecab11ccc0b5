/* Shards of a range are equal parts in order of time. Each trace of the range is in exactly one of them. A trace longer
 * than margin is judged by each shard that it reaches into (replay.h, is_shard). Besides: the windows of a range that
 * are looked at for emptiness, which are those of the whole in every shard. Thread: values, no state. */
#ifndef BT_SERVER_REPLAY_SHARD_H
#define BT_SERVER_REPLAY_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "tempo/wire/source.h"

enum { BT_SHARDS_MAX = 10000 };

typedef struct bt_shard {
  uint32_t number, count; /* number from 1; a count of 0: there are no shards */
} bt_shard;

/* "3/16". False: it is no such text, the number is not from 1 to the count, or the count is above BT_SHARDS_MAX. */
bool bt_shard_parse(bt_str text, bt_shard *out);
/* Of a range that is not empty and has at least as many nanoseconds as there are shards: no part is empty, adjacent
 * ones touch, and their lengths differ by a nanosecond at most. */
bt_time_range bt_shard_range(bt_time_range whole, bt_shard shard);
/* False: a part would be empty. */
bool bt_shard_fits(bt_time_range whole, uint32_t count);

/* The windows of a range that are looked at for emptiness. */
typedef struct bt_gap_grid {
  bt_time_range range;
  int64_t step_ns;
  size_t count; /* 0: the range is empty */
} bt_gap_grid;
bt_gap_grid bt_gap_grid_of(bt_time_range range);
bt_time_range bt_gap_grid_window(const bt_gap_grid *grid, size_t index);
size_t bt_gap_grid_index(const bt_gap_grid *grid, int64_t time_ns); /* of a time in the range */

#endif
