/* The traces that a test of a rule file writes down (dsl.md §8, §9), with the defaults that need other spans. Thread:
 * no state. */
#ifndef BT_SERVER_TEST_TRACE_H
#define BT_SERVER_TEST_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/rulefile/rulefile.h"

/* A span's number in the trace is its place in the test. An `id` of 16 hex digits is the span's id itself; any other
 * text stands for an id that no other text stands for. Two spans with one id and two kinds or services are halves,
 * with one of both they are records of one span, as in every trace. The first trace is the test's own, then come its
 * others; there are no more, and nothing of them is missing but where the test says so. The family and everything in it
 * is the arena's, or borrowed from the test. BT_INVALID: a span is more than 100 years from the trace's start.
 * BT_NO_MEMORY. */
bt_status bt_test_family_new(const bt_rulefile_test *test, bt_arena *arena, const bt_family **out,
                             bt_error *error) BT_MUST_CHECK;
/* The id of the span that the test calls `id`. Without such a span (a trace_file): `id` read as hex. False: there is
 * none. */
bool bt_test_span_id(const bt_rulefile_test *test, const bt_trace *trace, bt_str id, bt_span_id *out);
/* What the test calls a span of a trace of the family; ptr NULL: it has no name for it. */
bt_str bt_test_span_name(const bt_rulefile_test *test, uint32_t trace, uint32_t span);
/* What it calls the trace: "own", or its name in `others`. */
bt_str bt_test_trace_name(const bt_rulefile_test *test, uint32_t trace);

#endif
