/* Random traces as text (tests/support/trace_text.h): few spans that collide a lot. Equal starts, client and server
 * halves, cycles and orphans, differing copies, missing services, values of every kind; a quarter of them are of
 * summaries too. Only for tests. */
#ifndef BT_TESTS_RANDOM_TRACE_H
#define BT_TESTS_RANDOM_TRACE_H

#include "dsl/base/text.h"
#include "tests/support/random.h"

/* Appends the lines of one trace, mostly of 2 to 14 spans, at most 24. */
void random_trace_write(test_random *random, bt_buffer *out);

#endif
