/* What a store can be asked about one predicate: a filter that finds at least the spans that meet it (over) and one
 * that finds only such spans (under). Equal filters mean that the predicate can be said exactly. How the store reads a
 * test is its dialect's affair (dialect.h). Thread: none of its own. The planner only. */
#ifndef BT_DSL_PUSHDOWN_H
#define BT_DSL_PUSHDOWN_H

#include <stdbool.h>

#include "dsl/filter.h"
#include "dsl/rule.h"
#include "dsl/text.h"
#include "dsl/value.h"

/* The span under test is the one whose fields carry `subject` as binding (BT_NO_BINDING: no binding). What depends on
 * any other span is left out of over, and makes under find nothing. negated: of the predicate's opposite. */
bt_filter_pair bt_pushdown_predicate(bt_filter_builder *builder, const bt_predicate *predicate, bool negated);
bt_filter_pair bt_pushdown_comparison(bt_filter_builder *builder, const bt_comparison *comparison, bool negated,
                                      int subject);
/* `field op literal` for a field of the span under test. */
bt_filter_pair bt_pushdown_test(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                const bt_value *literal, bool negated);
/* The field is there with some value. */
bt_filter_pair bt_pushdown_exists(bt_filter_builder *builder, const bt_field *field, bool negated);

bt_over_filter bt_over_filter_and(bt_filter_builder *builder, bt_over_filter a, bt_over_filter b);
bt_under_filter bt_under_filter_and(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b);
bt_under_filter bt_under_filter_or(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b);

/* Folds a literal and a minus before a number. False: no literal. */
bool bt_pushdown_literal(const bt_expression *expression, bt_value *out);
/* The key can be written in a query: printable ASCII, not empty, not endless. */
bool bt_pushdown_can_name(bt_str key);

#endif
