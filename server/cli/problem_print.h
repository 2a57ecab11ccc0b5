/* Problems on a terminal: three lines of each, what failed and where, how much of it, and when. Thread: the main
 * thread. */
#ifndef BT_SERVER_CLI_PROBLEM_PRINT_H
#define BT_SERVER_CLI_PROBLEM_PRINT_H

#include <stdint.h>

#include "server/query/problems.h"
#include "server/rules/rule_definition.h"

/* At most so many; 0: all. */
void bt_problems_print(const bt_problems *problems, const bt_rule_definition *const *rules, uint64_t most);

#endif
