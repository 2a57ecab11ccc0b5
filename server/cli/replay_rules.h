/* What a replay says of its rules: a line for each, and of many rules a table. Thread: the main thread. */
#ifndef BT_SERVER_CLI_REPLAY_RULES_H
#define BT_SERVER_CLI_REPLAY_RULES_H

#include "server/cli/replay_options.h"
#include "server/replay/replay.h"

/* Rules from this number on are a table: most violated first, what is not known before what has none, and those that
 * nothing exercised in one line. */
enum { BT_RULES_OF_TABLE = 5 };

/* The rules are those of the options, in the order of the result's. */
void bt_replay_print_rules(const bt_replay_options *options, const bt_replay_result *result);
/* A line for each rule of which not all violations are listed; none: all of all are. */
void bt_replay_print_listed(const bt_replay_options *options, const bt_replay_result *result);

#endif
