/* How the whole ended, from how its shards did. A shard without any trace, or one that is not settled yet, is a matter
 * of that shard. The whole answer says so where all of it is like that. Thread: the main thread. */
#ifndef BT_SERVER_CLI_SHARD_OUTCOME_H
#define BT_SERVER_CLI_SHARD_OUTCOME_H

#include <stddef.h>

#include "server/cli/merge/shard_answer.h"
#include "server/cli/merge/shard_join.h"

/* Sets outcome and reason; everything else is there. */
void bt_shards_conclude(const bt_shard_answer *answers, size_t count, bt_merged *merged);

#endif
