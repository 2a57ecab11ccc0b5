/* Of traceql_model.h: keys with a column of their own, as Tempo 2.10 and 3.x treat them (tests/facts). Which keys have
 * one is the operator's choice, so the model gives one to every key, of strings or of integers. Only for tests. */
#ifndef BT_TESTS_TRACEQL_COLUMNS_H
#define BT_TESTS_TRACEQL_COLUMNS_H

#include "dsl/trace/trace.h"

typedef enum traceql_columns {
  TRACEQL_NO_COLUMNS,
  TRACEQL_STRING_COLUMNS, /* every key but service.name, of spans and of resources, has a column of strings */
  TRACEQL_INT_COLUMNS
} traceql_columns;

bool traceql_has_column(traceql_columns columns, bt_str key);
/* Whether the column holds values of this type. An array of them lies outside of it. */
bool traceql_column_holds(traceql_columns columns, const bt_value *value);

/* What the tests of a query make Tempo look at of one key. */
typedef struct traceql_look {
  traceql_columns columns;
  bt_str key;
  bool in_resource;
  bool takes_nothing; /* some test takes what is not there: 2.10 reads it as 0 or as "" then, 3.x where equalities are
                         alternatives. To every test of the query on this key a span without it has the string "nil" */
  bool asks_beside;   /* some test is of another type than the column's, and looks outside of it */
  bool asks_all;      /* there every type is looked at, because of another key */
} traceql_look;

/* Once for each test; asked NULL: `!= nil`. */
void traceql_look_at(traceql_look *look, bool of_resource, bt_str key, const char *op, const bt_value *asked);

#endif
