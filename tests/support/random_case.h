/* Random rules and small random traces, as text, from a seed: the same seed gives the same pair everywhere. They lean
 * on few names, few values and close times, so that selections, relations and bindings meet often. For property and
 * differential tests. */
#ifndef BT_TESTS_RANDOM_CASE_H
#define BT_TESTS_RANDOM_CASE_H

#include "dsl/base/text.h"

typedef struct random_source {
  uint64_t state;
} random_source;

void random_seed(random_source *source, uint64_t seed);
/* 0 … below − 1. */
uint32_t random_below(random_source *source, uint32_t below);

/* Appends a rule that compiles (up to 2 bindings in when or the bare condition, and maybe one in a nested part). */
void random_rule(random_source *source, bt_buffer *out);
/* Appends a trace for trace_text_read: 1 to 8 spans with parents at random (cycles and orphans too). with_halves: some
 * share an id. */
void random_trace(random_source *source, bool with_halves, bt_buffer *out);

#endif
