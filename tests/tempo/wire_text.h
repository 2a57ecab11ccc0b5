/* A small notation for protobuf messages in test cases, so that wrong ones can be written down as well as right ones:
 *   5{ … }   field 5, a nested message or text, its length worked out     "text"   those bytes     x0a0b   those bytes
 *   6:3      field 6, varint 3     7!3   field 7, 64 bits fixed     8?3   field 8, 32 bits fixed
 * Blanks part the elements. */
#ifndef BT_TESTS_WIRE_TEXT_H
#define BT_TESTS_WIRE_TEXT_H

#include "dsl/base/text.h"

/* Appends the bytes. Ends the test program at a mistake in the notation. */
void wire_text_encode(const char *notation, bt_buffer *out);

#endif
