/* What Tempo would find for the filters that the planner writes, worked out in memory: an independent reading of the
 * text by the rules that were measured on a real one. Not by Tempo's shortcuts (pages that are left out by their
 * bounds): those are for tests with a real Tempo. Only for tests; stops the program when a text is not of the kind that
 * the planner writes. */
#ifndef BT_TESTS_TRACEQL_MODEL_H
#define BT_TESTS_TRACEQL_MODEL_H

#include "dsl/plan/plan.h"
#include "dsl/trace/trace.h"
#include "tests/support/traceql_columns.h"
#include "tests/support/traceql_value.h"

/* Whether some span of the trace meets the filter `{ … }`. */
bool traceql_finds(bt_str filter, const bt_trace *trace, traceql_numbers numbers);
/* Whether the trace is among those that the formula describes. */
bool traceql_formula_holds(const bt_over *over, const bt_trace *trace, traceql_numbers numbers);

/* The same at Tempo's worst. Arrays: of several elements that meet some test of the query on their scope, it may test
 * others that do (dsl/plan/filter.h), here any that the trace has anywhere, or one of a few. Fields: what is found may
 * be so by an attribute with the field's name. Doubles: a page with NaN is left out, unless the query has a != for
 * doubles. Columns (traceql_columns.h): every key has one, and of what is not in it newer Tempos may find the string
 * "nil", or nothing. */
typedef enum traceql_worst {
  TRACEQL_ARRAYS_MISSED, /* what every mixture finds */
  TRACEQL_ARRAYS_FOUND,  /* what some mixture finds */
  TRACEQL_DOUBLES_HIDDEN,
  TRACEQL_STRING_COLUMNS_MISSED, /* what is found by values in columns and outside of them */
  TRACEQL_STRING_COLUMNS_FOUND,  /* and by "nil" where there are none */
  TRACEQL_INT_COLUMNS_MISSED,
  TRACEQL_INT_COLUMNS_FOUND
} traceql_worst;

bool traceql_finds_at_worst(bt_str filter, const bt_trace *trace, traceql_worst worst);
/* surely: without surplus queries. */
bool traceql_formula_holds_at_worst(const bt_over *over, const bt_trace *trace, traceql_worst worst, bool surely);

#endif
