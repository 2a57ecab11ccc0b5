/* Rules that people write, each over a large trace that is made of its own words. Thread: any. */
#ifndef BT_TESTS_DSL_RULES_H
#define BT_TESTS_DSL_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* The rules stand on standard input, with a line "---" behind each. Prints which are not decided on a trace of so many
 * spans, and which took longest. False: one is not decided, or there are none. */
bool dsl_rules_run(uint32_t span_count);

#endif
