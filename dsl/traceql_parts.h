/* What filters (traceql_filter.c) and reads (traceql.c) both write. Only these include it. See traceql.h. */
#ifndef BT_DSL_TRACEQL_PARTS_H
#define BT_DSL_TRACEQL_PARTS_H

#include "dsl/traceql.h"

/* The key of an attribute, quoted where it has to be. Quoted names know \" and \\ only; the planner lets no other strange byte come here. */
void bt_traceql_write_key(bt_str key, bt_buffer *out);
/* Alternatives that a value of any type meets. `attribute != nil` would find values of one type only where the attribute has a column of its own, and
 * spoil what is asked beside it: so each type is asked for. Both signs of a range, because `= v || != v` spoils it too; the odd double finds NaN,
 * which has no order. */
void bt_traceql_write_present(bt_str attribute, bt_buffer *out);

#endif
