/* What Tempo would find for the filters that the planner writes, worked out in memory: an independent reading of the text by the rules that
 * were measured on a real one. Not by Tempo's shortcuts (pages that are left out by their bounds): those are for tests with a real Tempo.
 * Only for tests; stops the program when a text is not of the kind that the planner writes. */
#ifndef BT_TESTS_TRACEQL_MODEL_H
#define BT_TESTS_TRACEQL_MODEL_H

#include "dsl/plan.h"
#include "dsl/trace.h"

typedef enum traceql_numbers {
  TRACEQL_NUMBERS_APART, /* an integer literal finds integers only, a double literal doubles only: the least that Tempo finds */
  TRACEQL_NUMBERS_MIXED /* both find both, compared as doubles: the most, when both kinds of literal stand in one filter */
} traceql_numbers;

/* Whether some span of the trace meets the filter `{ … }`. */
bool traceql_finds(bt_str filter, const bt_trace *trace, traceql_numbers numbers);
/* Whether the trace is among those that the formula describes. */
bool traceql_formula_holds(const bt_over *over, const bt_trace *trace, traceql_numbers numbers);

#endif
