/* Summing up spans of a trace as the OpenTelemetry Collector's spanpruning processor does, in its variants: leaves of
 * one name, status and parent's name, then parents all of whose children are gone. What is lost is chosen at random
 * where versions differ. Only for tests. */
#ifndef BT_TESTS_PRUNE_TRACE_H
#define BT_TESTS_PRUNE_TRACE_H

#include "dsl/trace/trace.h"
#include "tests/support/random.h"

/* The trace without what was summed up, in the arena; NULL: nothing of it could be, or spans share an id, which the
 * processor does not know. */
const bt_trace *prune_trace(test_random *random, const bt_trace *trace, bt_arena *arena);

#endif
