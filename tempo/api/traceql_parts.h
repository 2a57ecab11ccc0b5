/* What filters (traceql_filter.c) and reads (traceql.c) both write. Only these include it. Thread: no state. See
 * traceql.h. */
#ifndef BT_DSL_TRACEQL_PARTS_H
#define BT_DSL_TRACEQL_PARTS_H

#include "dsl/filter.h"
#include "dsl/text.h"

/* The key of an attribute, quoted where it has to be. Quoted names know \" and \\ only; the planner lets no other
 * strange byte come here. */
void bt_traceql_write_key(bt_str key, bt_buffer *out);
/* Alternatives that a value of any type meets, with bt_traceql_write_nobodys after them. `attribute != nil` would
 * find values of one type only where the attribute has a column of its own, and in Tempo 2.8 spoil what is asked
 * beside it: so each type is asked for. Both signs of a range, because `= v || != v` spoils it too; the odd double
 * finds NaN, which has no order; `&& true` because Tempo 3 answers 500 for `= true || = false` beside an array. In
 * Tempo 2.10 it also finds spans without the attribute where that has a column of integers
 * (tests/facts/facts_filters.py). */
void bt_traceql_write_present(bt_str attribute, bt_buffer *out);
/* `span.betrace.none != nil` (`resource.…`): an attribute that nobody has, asked for in every type. Beside it Tempo
 * gives of every other attribute of the scope that is asked for outside its column all that is there, whatever its
 * type: arrays of the column's type as well, which no test of a value reaches. */
void bt_traceql_write_nobodys(bt_filter_field scope, bt_buffer *out);

#endif
