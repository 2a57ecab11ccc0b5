/* Rules and traces for the bench of the language. A made-up shop has some dozen services, and the rules have the shapes
 * that people write. The traces look like those of auto-instrumentation: a tree of calls, eight to ten attributes a
 * span. Same seed, same input. */
#ifndef BT_TESTS_DSL_INPUT_H
#define BT_TESTS_DSL_INPUT_H

#include "dsl/trace/trace.h"

typedef struct dsl_random {
  uint64_t state;
} dsl_random;

/* 0 … below − 1. */
uint32_t dsl_random_below(dsl_random *random, uint32_t below);

enum { DSL_RULE_SHAPES = 18 };
/* Replaces what is in `out` by the text of a rule of that shape, about services, names and values at random. */
void dsl_input_rule(dsl_random *random, uint32_t shape, bt_buffer *out);
/* A trace in the arena. NULL: no memory. */
const bt_trace *dsl_input_trace(dsl_random *random, uint32_t span_count, bt_arena *arena);

#endif
