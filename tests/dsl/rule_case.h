/* Shared by the text cases of the language: printing diagnostics compactly, comparing with what a case expects,
 * rewriting case files. */
#ifndef BT_TESTS_DSL_RULE_CASE_H
#define BT_TESTS_DSL_RULE_CASE_H

#include "dsl/base/text.h"
#include "dsl/syntax/diagnostic.h"
#include "tests/support/case_file.h"

/* One line for each: code, line:column, the text that it speaks of, message, fix. */
void rule_case_diagnostics(const bt_diagnostics *diagnostics, bt_str text, bt_buffer *out);
/* Fails the test with both texts when they differ. Trailing newlines do not count. */
void rule_case_expect(const text_case *c, const char *what, const char *expected, const bt_buffer *actual);
/* Fails the test with the case's place and that message. */
void rule_case_fail(const text_case *c, const char *message);
/* Rewrites all case files of a folder: in each case what follows the first `key` line is replaced by what `print` makes
 * of its text. */
void rule_case_update(const char *folder, const char *const *keys, void (*print)(const char *text, bt_buffer *out));
/* `text` with the fix of a diagnostic applied. */
void rule_case_apply_fix(bt_str text, const bt_diagnostic *diagnostic, bt_buffer *out);
/* Appends lines as the value of a key: aligned, each line on its own. With `bar`, lines begin with "|" so that blanks
 * are kept. */
void rule_case_print_field(const char *key, bt_str value, bool bar, bt_buffer *out);

#endif
