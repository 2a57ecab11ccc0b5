/* The dialect of a store without faults (dsl/plan/dialect.h): a filter is one query, whatever it asks for at once, and
 * spans can be had by any filter. It says equality, and the order of numbers and durations, and leaves out the rest. Of
 * attributes it subtracts nothing: of a key that stands twice nobody knows which value counts. Only for tests, by one
 * thread. */
#ifndef BT_TESTS_SUPPORT_TOY_DIALECT_H
#define BT_TESTS_SUPPORT_TOY_DIALECT_H

#include "dsl/plan/dialect.h"

const bt_dialect *toy_dialect(void);

#endif
