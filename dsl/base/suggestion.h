/* "Did you mean": the nearest of some known words. For the front end of the language, and for who reads the names of
 * fields, keys and parameters that people write. Thread: no state. */
#ifndef BT_DSL_BASE_SUGGESTION_H
#define BT_DSL_BASE_SUGGESTION_H

#include "dsl/base/text.h"

/* Number of letters to insert, delete, change or swap, without regard to ASCII case and to the difference of _ and -;
 * anything above 3 is 4. */
unsigned bt_suggest_distance(bt_str a, bt_str b);
/* The nearest of `words` (ends with NULL) when it is near: one change in short words, two in longer ones. Else NULL. */
const char *bt_suggest_nearest(bt_str word, const char *const *words);

#endif
