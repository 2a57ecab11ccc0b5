/* `betrace diff --meaning`: two versions of rules, compared by what they mean. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_DIFF_MEANING_H
#define BT_SERVER_CLI_LAB_DIFF_MEANING_H

#include "server/cli/lab/rule_change.h"

/* Prints of each pair whether the same traces violate both, with a trace that tells them apart. Rules are pairs by id,
 * then by condition; one rule on each side is a pair whatever it is called. The exit status: found where some pair is
 * proven or shown to differ or has no partner, unknown where one was only not told apart. */
int bt_diff_meaning(const bt_cli_rules *old_rules, const bt_cli_rules *new_rules, bool print_json);

#endif
