/* A rule file read and every rule of it checked: what check, test, eval and import stand on. One bad rule does not hide
 * what is wrong with the others. Thread: belongs to one thread. */
#ifndef BT_SERVER_CHECKED_FILE_H
#define BT_SERVER_CHECKED_FILE_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/syntax/diagnostic.h"
#include "server/rulefile/rulefile.h"
#include "server/rules/rule_definition.h"

typedef struct bt_checked_rule {
  const bt_rulefile_rule *source; /* where it stands, and its tests; its fields are gone */
  bt_str id;                      /* as said or made from the name; "" where neither could be had */
  bt_str dsl;                     /* its text */
  bt_rule_definition *definition; /* shared, one reference, which a user may take (and leave NULL). NULL: the rule is
                                     wrong, see below */
  bt_diagnostics diagnostics;     /* of the text, at lines and columns of the file; ranges are bytes of the text */
  bt_str problem;                 /* what is wrong besides the text, "severity: expected …"; ptr NULL: nothing */
} bt_checked_rule;

typedef struct bt_checked_file {
  const char *name; /* borrowed */
  bt_rulefile file;
  bt_checked_rule *rules; /* as many as the file has, in its order */
  size_t rule_count;
  const bt_checked_rule **by_id; /* those with an id, sorted */
  size_t by_id_count;
  bt_diagnostics unused;             /* its aliases and names that no rule of it uses, at places of file.source */
  size_t error_count, warning_count; /* over all rules, with `unused` */
} bt_checked_file;

/* BT_OK also when rules are wrong: error_count says so. BT_INVALID: it is no rule file, "file:line:column: expected …".
 * `path` is where it lies, for the files that it uses; NULL: none are read (used_files.h). An id that stands twice,
 * which may also be one made from a name, is a problem of the later rule. */
bt_status bt_checked_file_read(bt_str text, const char *name, const char *path, bool proposes, bt_checked_file *out,
                               bt_error *error) BT_MUST_CHECK;
/* All that is wrong with a file that bt_checked_file_read refused: a line for each problem of the file, which begins
 * with its place, and the diagnostics of the texts of its rules. `first` is what was said then, where nothing else is
 * found. */
void bt_checked_file_say_problems(bt_str text, const char *name, const char *first, bt_buffer *out);
void bt_checked_file_dispose(bt_checked_file *file);
/* The rule with this id; of several the first. NULL: there is none. */
const bt_checked_rule *bt_checked_file_find(const bt_checked_file *file, bt_str id);
/* Appends what is wrong with a rule as people read it: `file:line:col: error[E012]: …` with source line, caret and fix.
 */
void bt_checked_rule_print(const bt_checked_file *file, const bt_checked_rule *rule, bt_buffer *out);

#endif
