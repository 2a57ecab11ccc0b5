/* Traces that several shards may have: each counts once in the whole, and as what most is known of it. A trace longer
 * than margin is judged by each shard that it reaches into. Thread: the main thread. */
#ifndef BT_SERVER_CLI_SHARD_EDGES_H
#define BT_SERVER_CLI_SHARD_EDGES_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "server/cli/merge/shard_answer.h"
#include "server/replay/replay.h"

/* Takes what was counted twice out of a result that is the sum of the answers. BT_NO_MEMORY alone. */
bt_status bt_shard_edges_settle(const bt_shard_answer *answers, size_t count, bt_replay_result *result,
                                bt_error *error) BT_MUST_CHECK;

#endif
