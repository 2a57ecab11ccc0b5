/* How large a pattern becomes once its repetitions are written out, from its text alone. RE2 writes them out before it
 * sees that they are too many: 20,000 times \pL took it 10 s and 600 MB. Thread: no state. */
#ifndef BT_DSL_PATTERN_PATTERN_SIZE_H
#define BT_DSL_PATTERN_PATTERN_SIZE_H

#include <stdint.h>

#include "dsl/base/text.h"

/* Of one pattern, and of all of a rule. RE2 takes some tens of milliseconds for as many. */
enum { BT_MAX_PATTERN_SIZE = 131072 };

/* In instructions of RE2's program, about. UINT64_MAX: beyond numbers. */
uint64_t bt_pattern_size(bt_str pattern);

#endif
