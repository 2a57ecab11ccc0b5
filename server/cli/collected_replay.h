/* A replay whose violations are kept: what replay, diff, compare, gate and vacuity stand on. Thread: the main thread.
 */
#ifndef BT_SERVER_CLI_COLLECTED_REPLAY_H
#define BT_SERVER_CLI_COLLECTED_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "server/replay/replay.h"
#include "server/replay/violation.h"
#include "tempo/wire/source.h"

typedef struct bt_collected_violation {
  size_t rule; /* its place in the request */
  bt_violation *violation;
} bt_collected_violation;

typedef struct bt_collected {
  bt_replay_result result;
  bt_collected_violation *found; /* by time, then trace, then rule */
  size_t count, capacity;
  bt_moment *counted; /* traces of violations that were counted alone, once for each rule */
  size_t counted_count, counted_capacity;
  bt_trace_verdict *edges; /* of a shard: what other shards may tell, too; in the order in which it was told */
  size_t edge_count, edge_capacity;
} bt_collected;

/* Runs it, with progress on a terminal, `counts`: with the number of violations so far. BT_OK also when not everything
 * could be read: result.outcome says so. Errors are those of bt_replay_run. Dispose in each case. */
bt_status bt_collect(bt_source *source, const bt_replay_request *request, bool counts, bt_collected *out,
                     bt_error *error) BT_MUST_CHECK;
void bt_collected_dispose(bt_collected *collected);

/* The last line of a command over a range: "completed", or what could not be read, and what it took. */
void bt_collected_print_end(const bt_replay_result *result);
/* Everything was read, and no verdict of these rules stayed open. */
bool bt_collected_is_certain(const bt_replay_result *result);

#endif
