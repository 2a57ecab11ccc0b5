/* Texts of others as they can be shown: nothing in them is obeyed by a terminal, or hides what stands next to it.
 * Thread: no state. */
#ifndef BT_SERVER_BASE_SHOWN_TEXT_H
#define BT_SERVER_BASE_SHOWN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"

/* Appends a text so that it can be shown: what bt_is_obeyed names as \x1b, \n, \t, \u202e or
 * \u{e0041}, and bytes that are no UTF-8 as \xff. What is shown has no byte below 0x20. A backslash stays one:
 * this is for eyes, not to be read back. */
void bt_shown_append(bt_str text, bt_buffer *out);
/* The same as bt_shown_append of a text whose lines and tabs are a layout that we made: these stay. */
void bt_shown_append_lines(bt_str text, bt_buffer *out);
/* One character of it, or one byte that begins none; returns its length. */
size_t bt_shown_append_one(bt_str text, bool keeps_lines, bt_buffer *out);
void bt_shown_append_escape(uint32_t c, bt_buffer *out); /* of a character that would be obeyed */

#endif
