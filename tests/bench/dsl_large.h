/* Rules that set spans of one large trace against one another. Thread: any. */
#ifndef BT_TESTS_DSL_LARGE_H
#define BT_TESTS_DSL_LARGE_H

#include <stdbool.h>
#include <stdint.h>

/* Prints how long each takes on traces of so many spans. False: one is not decided. */
bool dsl_large_run(uint32_t span_count);

#endif
