/* A shard, as a replay is asked for it and as its JSON tells of it. `betrace merge` reads that
 * (server/cli/merge/shard_answer.h).
 * Thread: the main thread. */
#ifndef BT_SERVER_CLI_SHARD_JSON_H
#define BT_SERVER_CLI_SHARD_JSON_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "server/cli/collected_replay.h"
#include "server/cli/replay_options.h"
#include "server/replay/shard.h"

/* Sixteen machines have to mean one range: both ends are said and do not depend on when a shard starts, or it is all
 * that is in files. BT_EXIT_FINE, or the exit status, and a message is printed. */
int bt_shard_options_check(const bt_replay_options *options, const bt_command *command);
/* Makes it a request for that part of its range. False: the range is too short for so many. */
bool bt_shard_request(bt_shard shard, bt_replay_request *request);
/* What merge has to know besides: {number, of, whole, program, store, tenant, has_traces, rules, edges}; new.
 * BT_INVALID: a file of traces cannot be read. BT_NO_MEMORY. */
bt_status bt_shard_json(bt_shard shard, const bt_replay_options *options, const bt_replay_request *request,
                        const bt_collected *all, json_t **out, bt_error *error) BT_MUST_CHECK;
/* Whether the shard has been answered: the replay completed, or there is no trace. */
bool bt_shard_is_answered(const bt_replay_result *result);

#endif
