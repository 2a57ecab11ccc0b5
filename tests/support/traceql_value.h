/* Of traceql_model.h: a value of a span against a literal of a query. Only for tests. */
#ifndef BT_TESTS_TRACEQL_VALUE_H
#define BT_TESTS_TRACEQL_VALUE_H

#include "dsl/trace/trace.h"

typedef enum traceql_numbers {
  TRACEQL_NUMBERS_APART, /* an integer literal finds integers only, a double literal doubles only: the least that Tempo
                            finds */
  TRACEQL_NUMBERS_MIXED /* both find both, compared as doubles: the most, when both kinds of literal stand in one filter
                         */
} traceql_numbers;

/* Its value; missing where there is none. */
bt_value traceql_attribute(bt_attributes attributes, bt_str key);
bool traceql_order_meets(const char *op, int order);
/* No arrays. Stops the program at a pattern that is none. */
bool traceql_scalar_meets(traceql_numbers numbers, const bt_value *stored, const char *op, const bt_value *asked);

#endif
