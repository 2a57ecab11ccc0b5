/* The rules that two programs judge. Each is read here, so that one which this program does not take is named and hides
 * none of the others; what the other program takes, its `check --json` says. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_PROGRAM_RULES_H
#define BT_SERVER_CLI_LAB_PROGRAM_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rules/rule_definition.h"

enum { BT_OLD_PROGRAM, BT_NEW_PROGRAM };

typedef struct bt_judged_rule {
  char *id, *dsl;
  bt_rule_definition *definition; /* one reference; NULL: this program does not take it */
  char *refused[2]; /* by the program before, by the one after: its error; NULL: it takes the rule, or was not asked */
} bt_judged_rule;

typedef struct bt_judged_rules {
  bt_judged_rule *items;
  size_t count, capacity;
  size_t refused_count; /* that some program refuses */
} bt_judged_rules;

/* A file or folder of rules, or one rule's text. False: it has printed what is wrong with the file. Dispose in each
 * case. */
bool bt_judged_rules_read(const char *path, const char *text, bt_judged_rules *out);
void bt_judged_rules_dispose(bt_judged_rules *rules);
/* Makes a rule file of those that no program refuses, or of all, with what decides verdicts alone: *out is a descriptor
 * that children inherit, and `path` how they open it. The caller closes it. BT_IO, BT_NO_MEMORY. */
bt_status bt_judged_rules_write(const bt_judged_rules *rules, bool all, int *out, char path[40],
                                bt_error *error) BT_MUST_CHECK;
/* Takes the errors of `check --json` of that file of all rules. False: it is no such answer, or names no rule. */
bool bt_judged_rules_take_check(bt_judged_rules *rules, bt_str answer);

#endif
