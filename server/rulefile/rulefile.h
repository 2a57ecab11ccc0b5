/* Rule files (dsl.md §8): YAML in, rule fields and their tests out. libyaml ends here. Thread: no state. */
#ifndef BT_SERVER_RULEFILE_H
#define BT_SERVER_RULEFILE_H

#include "dsl/eval.h"
#include "server/rule_definition.h"

typedef struct bt_rulefile_rule {
  bt_rule_fields fields;
  unsigned line;       /* of the rule in the file, from 1 */
  unsigned dsl_line;   /* of the first line of its text, so that diagnostics can be given in the file's lines */
  unsigned dsl_column; /* columns that the block's indentation takes; 0: the text is not a block */
} bt_rulefile_rule;

typedef struct bt_rulefile {
  bt_rulefile_rule *rules;
  size_t rule_count;
} bt_rulefile;

/* Reads one file's text (at most 10 MiB). BT_INVALID names the line and what was expected. The rules are not compiled yet.
 * `tests:` are checked for their form and kept for `betrace test`, which is not part of this header yet. */
bt_status bt_rulefile_parse(bt_str text, const char *file_name, bt_rulefile *out, bt_error *error) BT_MUST_CHECK;
void bt_rulefile_dispose(bt_rulefile *file);

#endif
