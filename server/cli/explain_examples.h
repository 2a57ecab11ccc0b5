/* `betrace explain --examples`. Thread: the main thread. */
#ifndef BT_SERVER_CLI_EXPLAIN_EXAMPLES_H
#define BT_SERVER_CLI_EXPLAIN_EXAMPLES_H

#include "server/cli/cli.h"

/* Prints a trace that violates each rule and one that keeps it. The exit status: unknown where one was not found. */
int bt_explain_examples(const bt_cli_rules *rules, bool print_json);

#endif
