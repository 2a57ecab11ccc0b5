/* Shards put together as the answer of the whole range. Counts are sums. Traces that several shards have
 * (edges) count once. What says what was asked, read, received and compared, and how long it took, is the sum of
 * what the shards did, and more than one replay would have done. Thread: the main thread. */
#ifndef BT_SERVER_CLI_SHARD_JOIN_H
#define BT_SERVER_CLI_SHARD_JOIN_H

#include <jansson.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "server/cli/merge/shard_answer.h"
#include "server/replay/replay.h"

typedef struct bt_merged {
  bt_replay_result result; /* of the whole; its texts point into the answers */
  json_t *violations;      /* by time, then trace, then rule; each of them once */
  size_t missing;          /* shards that were not given */
} bt_merged;

/* The answers fit each other, are in the order of their shards, and no shard is there twice. BT_NO_MEMORY. Dispose in
 * each case. */
bt_status bt_shards_join(const bt_shard_answer *answers, size_t count, bt_merged *out, bt_error *error) BT_MUST_CHECK;
void bt_merged_dispose(bt_merged *merged);

/* The range of a shard that was not given: the first one from *number on, which goes on behind it. False: there is none
 * more. */
bool bt_shards_next_missing(const bt_shard_answer *answers, size_t count, uint32_t *number, bt_time_range *out);

#endif
