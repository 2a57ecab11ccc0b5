/* A rule as an item of a rule file, with tests from real traces. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_RECORDED_RULE_H
#define BT_SERVER_CLI_LAB_RECORDED_RULE_H

#include "server/cli/replay_options.h"

/* Reads the traces and appends the rule as an item of `rules:`, with a test of each trace where these pass when they
 * are read back. Errors are those of the source, and BT_NO_MEMORY. */
bt_status bt_recorded_rule_append(bt_source *source, const bt_replay_options *options, const bt_rule_definition *rule,
                                  const bt_trace_id *ids, size_t count, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

#endif
