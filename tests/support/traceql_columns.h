/* Of traceql_model.h: keys with a column of their own, as Tempo 2.10 and 3.x treat them (tests/facts). Which keys have one is the operator's choice, so
 * the model gives one to every key, of strings or of integers. Only for tests. */
#ifndef BT_TESTS_TRACEQL_COLUMNS_H
#define BT_TESTS_TRACEQL_COLUMNS_H

#include "dsl/trace.h"

typedef enum traceql_columns {
  TRACEQL_NO_COLUMNS,
  TRACEQL_STRING_COLUMNS, /* every key but service.name, of spans and of resources, has a column of strings */
  TRACEQL_INT_COLUMNS
} traceql_columns;

/* Whether the column holds values of this type. An array of them lies outside of it. */
bool traceql_column_holds(traceql_columns columns, const bt_value *value);
/* A test with a literal of the column's type looks at the column alone: it never sees an array. */
bool traceql_column_hides(traceql_columns columns, bt_str key, const bt_value *stored, const bt_value *asked);
/* Whether the test, on the key's column, takes the place of a span that has nothing there: 2.10 reads it as 0 or as "" then, 3.x where equalities are
 * alternatives. To every test of the query on this key such a span has the string "nil". */
bool traceql_column_takes_nothing(traceql_columns columns, bt_str key, const char *op, const bt_value *asked);
/* The known loss: an array of the column's type is found by no query (tests/facts/facts_arrays.py). */
bool traceql_columns_lose(traceql_columns columns, const bt_trace *trace);

#endif
