/* Diagnostics: everything that one check of a rule's text has to say (dsl.md §7). Codes never change
 * (diagnostic_codes.h). Memory: the list owns its messages in its own arena. Thread: one at a time. */
#ifndef BT_DSL_SYNTAX_DIAGNOSTIC_H
#define BT_DSL_SYNTAX_DIAGNOSTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/text.h"

/* More than these are counted, not kept: a text with so many errors is not read to the end by anyone. */
enum { BT_MAX_DIAGNOSTICS = 200 };

typedef struct bt_diagnostic {
  char code[5];    /* "E012", "W003" */
  bool is_error;   /* else a warning */
  bt_range range;  /* bytes */
  uint32_t line;   /* from 1 */
  uint32_t column; /* from 1, in code points */
  bt_str message;  /* what was expected and what came; valid UTF-8 */
  bool has_fix;
  bt_range fix_range; /* what to replace */
  bt_str fix_text;    /* with what */
} bt_diagnostic;

typedef struct bt_diagnostics {
  bt_diagnostic *items; /* by place in the text */
  size_t count, capacity;
  size_t error_count;
  bool no_memory; /* one could not be kept because the allocator said no */
  bt_arena arena;
} bt_diagnostics;

void bt_diagnostics_init(bt_diagnostics *diagnostics);
void bt_diagnostics_dispose(bt_diagnostics *diagnostics);
/* Adds one; the message is copied. When there is no room it is counted all the same. Returns the added one (to set a
 * fix on; valid until the next add) or NULL. */
bt_diagnostic *bt_diagnostics_add(bt_diagnostics *diagnostics, bt_str text, const char *code, bt_range range,
                                  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Copies the replacement. `diagnostic` may be NULL; without room, or for a very long replacement, there is no fix. */
void bt_diagnostics_set_fix(bt_diagnostics *diagnostics, bt_diagnostic *diagnostic, bt_range range, bt_str replacement);
/* The same with a format. */
void bt_diagnostics_format_fix(bt_diagnostics *diagnostics, bt_diagnostic *diagnostic, bt_range range,
                               const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Orders by place in the text; of one place the first added stays first. */
void bt_diagnostics_sort(bt_diagnostics *diagnostics);
/* `file:line:col: error[E012]: …`, the source line, a caret, and the fix, for each. `file` may be "<rule>". */
void bt_diagnostics_print(const bt_diagnostics *diagnostics, bt_str text, const char *file, bt_buffer *out);

#endif
