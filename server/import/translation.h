/* Conditions of the original project in BeTraceDSL, with the meaning that its program gave them where that can be said.
 * A missing attribute was an empty text there, so it was "less" than anything and different from everything. What is
 * said otherwise here, or cannot be told, is a note. Thread: no state. */
#ifndef BT_SERVER_IMPORT_TRANSLATION_H
#define BT_SERVER_IMPORT_TRANSLATION_H

#include <stdbool.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/import/old_rule.h"
#include "server/rulefile/rulefile.h"

typedef struct bt_import_note bt_import_note;
struct bt_import_note {
  bool look;      /* a person has to look; else it is only said */
  bool has_place; /* `range` is a place in the old text */
  bt_range range;
  bt_str message;
  bt_import_note *next;
};

typedef struct bt_translation {
  bt_arena *arena;                 /* borrowed; holds the notes */
  const bt_rulefile_test *example; /* what the rule's author calls a violation; NULL: nothing */
  bt_import_note *first, *last;
  bool is_silent;        /* takes no notes: for texts that are only tried */
  bool has_said_numbers; /* that a number is not a text */
  bt_status status;      /* of the first that could not be written */
  bt_error *error;
} bt_translation;

/* Appends the condition. BT_INVALID: it cannot be said; error.message has why, error.range where. */
bt_status bt_translate_condition(bt_translation *translation, const bt_old_node *condition, bt_buffer *out,
                                 bt_error *error) BT_MUST_CHECK;
/* The same for a test that stood alone, on each span: trace.has(test). */
bt_status bt_translate_lone_test(bt_translation *translation, const bt_old_node *test, bt_buffer *out,
                                 bt_error *error) BT_MUST_CHECK;
/* NULL range: about the rule as a whole. */
void bt_translation_note(bt_translation *translation, bool look, const bt_range *range, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
