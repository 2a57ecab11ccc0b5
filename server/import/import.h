/* Rule files of the original project as a rule file of BeTrace (docs/howto/import.md). Nothing is lost: what is not
 * converted is in the output as a comment, with the reason. Thread: belongs to one thread. */
#ifndef BT_SERVER_IMPORT_IMPORT_H
#define BT_SERVER_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef enum bt_import_result { BT_IMPORT_CONVERTED, BT_IMPORT_LOOK, BT_IMPORT_NOT_CONVERTED } bt_import_result;
const char *bt_import_result_name(bt_import_result result); /* "converted", "look", "not_converted" */

typedef struct bt_import_finding bt_import_finding;
struct bt_import_finding {
  bool look;             /* a person has to look; of a rule that is not converted: why it is not */
  unsigned line, column; /* in the file */
  bt_str message;
  bt_import_finding *next;
};

typedef struct bt_import_rule bt_import_rule;
struct bt_import_rule { /* everything is the import's */
  bt_str file;
  unsigned line;   /* of the rule in it */
  bt_str id;       /* of the new rule; of one that is not converted as found, or its name, or "" */
  bt_str old_text; /* ptr NULL: it had none */
  bt_str dsl;      /* the new text; ptr NULL: not converted */
  bt_import_result result;
  bt_import_finding *findings, *last_finding;
  bt_str item;     /* the new rule as an item of `rules:`, tests and all */
  bt_str leftover; /* lines of the old file that are not taken over: of a rule that is not converted all of them */
  bool has_test;   /* made of its example */
  bool is_changed; /* the new text is another than the old one, besides its layout */
  bt_import_rule *next;
};

typedef struct bt_import {
  bt_arena arena;
  bt_import_rule *first, *last;
  size_t counts[BT_IMPORT_NOT_CONVERTED + 1]; /* by result */
} bt_import;

void bt_import_init(bt_import *import);
void bt_import_dispose(bt_import *import);
/* Adds the rules of one file, YAML or JSON. BT_INVALID: it is no file with rules, "file:line:column: expected …".
 * BT_NO_MEMORY. */
bt_status bt_import_add(bt_import *import, bt_str text, const char *file_name, bt_error *error) BT_MUST_CHECK;
/* Appends the new rule file. BT_NO_MEMORY alone. */
bt_status bt_import_write(const bt_import *import, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

#endif
