/* Compiling rules as this program does: with the conventions that it was given (--semconv). Thread: any, once they are
 * set; whoever sets them does so before there are threads. */
#ifndef BT_SERVER_RULES_RULE_COMPILE_H
#define BT_SERVER_RULES_RULE_COMPILE_H

#include "dsl/compile.h"

/* Borrowed for as long as the program runs; NULL: the built-in ones. */
void bt_rules_use_conventions(const bt_conventions *conventions);
/* bt_rule_compile_with the conventions of the program, and its errors: BT_INVALID with `diagnostics`, BT_NO_MEMORY.
 * `proposes`: for who shows warnings to people. *out is new. */
bt_status bt_compile_rule(bt_str text, bool proposes, bt_rule **out, bt_diagnostics *diagnostics,
                          bt_error *error) BT_MUST_CHECK;
/* What is said next to a text: as @semconv, @coarse_clocks and @alias say it in the text. All-zero: nothing. Borrowed.
 */
typedef struct bt_said_beside {
  const char *semconv;
  bt_coarse_clocks coarse_clocks;
  const bt_own_names *own_names;
} bt_said_beside;
/* The same, with that. *out is new. BT_INVALID, BT_NO_MEMORY. */
bt_status bt_compile_rule_with(bt_str text, bt_said_beside beside, bool proposes, bt_rule **out,
                               bt_diagnostics *diagnostics, bt_error *error) BT_MUST_CHECK;

#endif
