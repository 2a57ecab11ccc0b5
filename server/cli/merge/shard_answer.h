/* What `betrace replay --shard` printed, read back: the result as the replay had it, and what it is an answer to.
 * Thread: the main thread. */
#ifndef BT_SERVER_CLI_SHARD_ANSWER_H
#define BT_SERVER_CLI_SHARD_ANSWER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/replay/replay.h"
#include "server/replay/shard.h"
#include "server/rules/rule_definition.h"

typedef struct bt_shard_answer { /* texts point into the document */
  const char *file;
  json_t *document;
  bt_shard shard;
  bt_time_range whole;
  const char *program, *store, *tenant; /* tenant: "" where there is none */
  bt_rule_definition *rules;            /* id, name, version, condition hash, severity and margin; no text */
  bt_replay_result result;              /* rule_count of rules; without notes */
  bt_trace_verdict *edges;              /* traces that other shards may have, too */
  size_t edge_count;
} bt_shard_answer;

/* BT_INVALID: the file cannot be read, is no JSON, or no replay of a shard; the message names the file and the place.
 * BT_NO_MEMORY. Dispose in each case. */
bt_status bt_shard_answer_read(const char *file, bt_shard_answer *out, bt_error *error) BT_MUST_CHECK;
void bt_shard_answer_dispose(bt_shard_answer *answer);

/* Whether both are shards of one replay. False: BT_INVALID, and what was expected, what came and what to do.
 * other_stores: their addresses need not be the same. */
bt_status bt_shard_answer_fits(const bt_shard_answer *answer, const bt_shard_answer *first, bool other_stores,
                               bt_error *error) BT_MUST_CHECK;

#endif
