/* What is wrong with a rule file, as JSON: one form for `betrace check` and for imports. Each problem is {rule_id|null,
 * code|null, severity, message, line, column, range|null, fix?}. Line and column are those of the file, ranges are
 * bytes of the rule's text, and code is null for a wrong field or a file that is no rule file. Thread: no state. What
 * functions return is new; NULL, or a part is missing, for want of memory (json_memory.h). */
#ifndef BT_SERVER_CHECK_JSON_H
#define BT_SERVER_CHECK_JSON_H

#include <jansson.h>

#include "dsl/base/text.h"
#include "dsl/syntax/diagnostic.h"
#include "server/rulefile/checked_file.h"

/* rule_id may be empty. */
json_t *bt_problem_json(bt_str rule_id, unsigned line, unsigned column, bt_str message);
/* Diagnostics of one text with the rule's id in each. */
json_t *bt_rule_diagnostics_json(bt_str rule_id, const bt_diagnostics *diagnostics);
/* Everything that is wrong with one rule, warnings included. */
json_t *bt_checked_rule_json(const bt_checked_rule *rule);
/* The aliases and names of the file that no rule of it uses; no rule_id and no range. */
json_t *bt_unused_names_json(const bt_checked_file *file);

/* Everything that is wrong with a file that bt_checked_file_read refused, `first` where nothing else is found. */
json_t *bt_file_problems_json(bt_str text, const char *file_name, const char *first);

/* Takes "file:line:column: message", as the reader of rule files says it, apart. */
typedef struct bt_file_problem {
  unsigned line, column; /* 1 where the message does not say */
  const char *message;   /* in the given text */
} bt_file_problem;
bt_file_problem bt_file_problem_of(const char *file_name, const char *message);

#endif
