/* What the terminal can show: colours only on a terminal (and never with NO_COLOR or TERM=dumb), its width, and whether
 * it takes UTF-8. Thread: the main thread. */
#ifndef BT_SERVER_CLI_TERMINAL_H
#define BT_SERVER_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"

typedef enum bt_style {
  BT_STYLE_OFF,
  BT_STYLE_BOLD,
  BT_STYLE_DIM,
  BT_STYLE_RED,
  BT_STYLE_GREEN,
  BT_STYLE_YELLOW,
  BT_STYLE_CYAN
} bt_style;

/* The escape sequence for stdout, or "". Each style is ended with BT_STYLE_OFF. */
const char *bt_style_on(bt_style style);
/* Whether this very string came from bt_style_on; and the length of one that text begins with, where colours are on,
 * else 0. */
bool bt_is_style(const char *text);
size_t bt_style_length(bt_str text);
/* The columns of the terminal on stdout; without one COLUMNS, else 80. Between 40 and 500. */
unsigned bt_terminal_width(void);
/* As LC_ALL, LC_CTYPE or LANG say, the first that is set. */
bool bt_terminal_is_utf8(void);
/* Progress is shown on stderr when that is a terminal. */
bool bt_terminal_shows_progress(void);
/* Columns that UTF-8 text takes: one for each code point but combining marks; two for wide ones. */
unsigned bt_text_columns(bt_str text);
unsigned bt_shown_columns(bt_str shown); /* of text that is shown already (printer.h) */
/* Appends at most `columns` columns of text, with "…" (or "..") where it is cut; what a terminal would obey comes as
 * escapes (printer.h). */
void bt_text_fit(bt_str text, unsigned columns, bt_buffer *out);

#endif
