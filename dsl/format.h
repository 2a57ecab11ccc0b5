/* The canonical text of a tree: print → parse gives the same tree, and printing that again gives the same text.
 * Layout: one clause a line; a clause that is long, or has comments inside, is broken at its outermost and/or.
 * Only the front end includes this. No state. */
#ifndef BT_DSL_FORMAT_H
#define BT_DSL_FORMAT_H

#include "dsl/ast.h"
#include "dsl/lexer.h"

/* Without comments and annotations. The tree must be free of errors. */
void bt_format_canonical(const bt_ast_rule *tree, bt_buffer *out);
/* With both. A comment stays in front of the clause or conjunct in or before which it stands, or behind it on its line. */
void bt_format_with_comments(bt_str text, const bt_tokens *tokens, const bt_ast_rule *tree, bt_buffer *out);

/* format_expression.c: one condition on one line. */
void bt_format_condition(const bt_ast *node, bt_buffer *out);
/* A string literal: in backquotes where it has backslashes or quotes and can stand there, else in double quotes. */
void bt_format_string(bt_str value, bt_buffer *out);

#endif
