/* A short text that a regular expression probably matches: made from the pattern's letters, without its program. The
 * caller has to try it. Thread: no state. */
#ifndef BT_DSL_EXAMPLE_PATTERN_TEXT_H
#define BT_DSL_EXAMPLE_PATTERN_TEXT_H

#include <stdint.h>

#include "dsl/base/text.h"

enum { PATTERN_TEXT_BYTES = 128 };

/* Another `choice`, maybe another text. Returns its length. */
size_t pattern_text_make(bt_str pattern, uint64_t choice, char out[PATTERN_TEXT_BYTES]);

#endif
