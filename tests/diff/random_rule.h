/* Random rules as text, from a small grammar that follows dsl.md: every text must pass the checker. Names, services,
 * attributes and values come from the same small alphabets as those of random_trace.h, so that they meet. Only for
 * tests. */
#ifndef BT_TESTS_RANDOM_RULE_H
#define BT_TESTS_RANDOM_RULE_H

#include "dsl/base/text.h"
#include "tests/support/random.h"

/* Appends one rule. */
void random_rule_write(test_random *random, bt_buffer *out);

#endif
