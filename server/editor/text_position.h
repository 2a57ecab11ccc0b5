/* Places in a text as editors count them: lines from 1, columns from 1 in UTF-16 code units. A line ends with a line
 * feed; a carriage return before it belongs to the line. A byte that is no UTF-8 counts as one unit. Pure. Thread: no
 * state. */
#ifndef BT_SERVER_EDITOR_TEXT_POSITION_H
#define BT_SERVER_EDITOR_TEXT_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"

typedef struct bt_text_position {
  uint32_t line, column;
} bt_text_position;

/* Past the end: the end. Inside a character: its beginning. */
bt_text_position bt_text_position_of(bt_str text, size_t offset);
/* The byte offset of a position. False: there is no such line, or it is shorter. Inside a surrogate pair: the
 * character's beginning. */
bool bt_text_position_offset(bt_str text, bt_text_position position, size_t *offset);

#endif
