/* What the files of the import share. For them alone. Thread: no state. Errors, where nothing else is said:
 * BT_NO_MEMORY alone. */
#ifndef BT_SERVER_IMPORT_IMPORT_PARTS_H
#define BT_SERVER_IMPORT_IMPORT_PARTS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "server/import/import.h"
#include "server/import/translation.h"
#include "server/rulefile/rulefile.h"
#include "server/rulefile/yaml_document.h"
#include "server/rules/rule_definition.h"

typedef struct bt_import_source { /* a rule as it stands in a file */
  const bt_yaml_document *document;
  const bt_yaml_node *map, *text, *example_key, *example;
  bt_rulefile_rule place; /* where its text is; no fields */
  bt_rule_fields fields;  /* without the text */
} bt_import_source;

/* line 0: about the rule as a whole. */
bt_status bt_import_say(bt_import *import, bt_import_rule *rule, bool look, unsigned line, unsigned column,
                        bt_error *error, const char *format, ...) BT_MUST_CHECK __attribute__((format(printf, 7, 8)));
/* Fields of the rule, and what is not taken over. */
bt_status bt_import_read_fields(bt_import *import, bt_import_rule *rule, bt_import_source *source,
                                bt_error *error) BT_MUST_CHECK;
/* Adds a piece of the file to what is not taken over: of block style the lines from it on that are indented by `column`
 * at least, of flow style the node or the key with its value. */
bt_status bt_import_keep(bt_import *import, bt_import_rule *rule, const bt_import_source *source,
                         const bt_yaml_node *piece, unsigned column, bt_error *error) BT_MUST_CHECK;

typedef enum bt_import_text { BT_IMPORT_TEXT_MADE, BT_IMPORT_TEXT_AS_IS, BT_IMPORT_TEXT_NONE } bt_import_text;
/* Appends the rule's text in BeTraceDSL, and takes notes. NONE: *why says why not, why->range where. */
bt_status bt_import_convert(bt_translation *translation, bt_str old_text, bt_buffer *out, bt_import_text *result,
                            bt_error *why, bt_error *error) BT_MUST_CHECK;
/* The verdict of a text on a test's trace. BT_INVALID: it is no rule, or the test no trace. BT_LIMIT: the trace is too
 * large. BT_NO_MEMORY. */
bt_status bt_import_judge(bt_str dsl, const bt_rulefile_test *test, bt_verdict *out, bt_error *error) BT_MUST_CHECK;
typedef struct bt_swap {
  const char *written, *swapped; /* "never", "always"; NULL: it has both clauses, or none */
  bool helps;                    /* the example would be a violation */
} bt_swap;
/* Tries the other clause in place of the only one. */
bt_status bt_import_swap_clause(bt_str old_text, const bt_rulefile_test *example, bt_swap *swap,
                                bt_error *error) BT_MUST_CHECK;
/* Appends `tests:` with the example, as lines of an item. */
void bt_import_write_example(const bt_rulefile_test *example, bt_buffer *out);

#endif
