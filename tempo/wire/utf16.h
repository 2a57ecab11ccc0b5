/* UTF-16 with a byte order mark as UTF-8, in pieces: what Windows shells write when they redirect a command's output.
 * What is no character becomes U+FFFD. Thread: a stream belongs to one thread. Only tempo/ includes this. */
#ifndef BT_TEMPO_WIRE_UTF16_H
#define BT_TEMPO_WIRE_UTF16_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

bool bt_utf16_is(bt_str input); /* whether it begins with the mark, of either order */

typedef struct bt_utf16 {
  bool is_big, is_begun;
  bool has_byte; /* half of a unit */
  unsigned char byte;
  uint32_t high; /* the first half of a pair; 0: none */
} bt_utf16;      /* all-zero: nothing was read */
typedef bt_status (*bt_utf16_sink)(void *context, bt_str piece, bt_error *error);
/* The next bytes, the mark first. Errors are those of the sink. */
bt_status bt_utf16_feed(bt_utf16 *utf16, bt_str input, bt_utf16_sink sink, void *context,
                        bt_error *error) BT_MUST_CHECK;

#endif
