/* A checked rule as a readable outline in parentheses, for text cases: what the lowering made of a text. */
#ifndef BT_TESTS_RULE_PRINT_H
#define BT_TESTS_RULE_PRINT_H

#include "dsl/rule/rule.h"

/* Clauses, bindings and annotations, one a line. */
void rule_print(const bt_rule *rule, bt_buffer *out);
void rule_print_condition(const bt_rule *rule, const bt_condition *condition, bt_buffer *out);
void rule_print_predicate(const bt_rule *rule, const bt_predicate *predicate, bt_buffer *out);
void rule_print_expression(const bt_rule *rule, const bt_expression *expression, bt_buffer *out);

#endif
