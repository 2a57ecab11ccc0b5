/* Compiling rules as this program does: with the conventions that it was given (--semconv). Thread: any, once they are
 * set; whoever sets them does so before there are threads. */
#ifndef BT_SERVER_RULES_RULE_COMPILE_H
#define BT_SERVER_RULES_RULE_COMPILE_H

#include "dsl/compile.h"

/* Borrowed for as long as the program runs; NULL: the built-in ones. */
void bt_rules_use_conventions(const bt_conventions *conventions);
const bt_conventions *bt_rules_conventions(void);
/* bt_rule_compile_with the conventions of the program. `proposes`: for who shows warnings to people. */
bt_status bt_compile_rule(bt_str text, bool proposes, bt_rule **out, bt_diagnostics *diagnostics,
                          bt_error *error) BT_MUST_CHECK;
/* The same, with what is said beside the text as @semconv says it in the text; NULL: nothing. */
bt_status bt_compile_rule_with(bt_str text, const char *semconv, bool proposes, bt_rule **out,
                               bt_diagnostics *diagnostics, bt_error *error) BT_MUST_CHECK;

#endif
