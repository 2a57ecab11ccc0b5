/* The canonical text of a tree: print → parse gives the same tree, and printing that again gives the same text. Layout:
 * one clause a line. A clause that is long, or has comments inside, is broken at its outermost and/or. With comments,
 * calls and filters whose items are too long are broken too; without comments they are not, because the hash of a rule
 * is made of that text and must not change. Only the front end includes this. Thread: no state. */
#ifndef BT_DSL_SYNTAX_FORMAT_H
#define BT_DSL_SYNTAX_FORMAT_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "dsl/syntax/ast.h"
#include "dsl/syntax/lexer.h"

/* Without comments and annotations. The tree must be free of errors. */
void bt_format_canonical(const bt_ast_rule *tree, bt_buffer *out);
/* With both. A comment stays in front of the clause or conjunct in or before which it stands, or behind it on its line.
 */
void bt_format_with_comments(bt_str text, const bt_tokens *tokens, const bt_ast_rule *tree, bt_buffer *out);

enum { BT_FORMAT_COLUMNS = 100 }; /* of a line, where it can be broken */

/* format_expression.c: one condition on one line, and parts of one. */
void bt_format_condition(const bt_ast *node, bt_buffer *out);
void bt_format_base(const bt_ast *base, bt_buffer *out);       /* what a selection begins with */
void bt_format_part(const bt_ast_part *part, bt_buffer *out);  /* a relation or `as`, with the blank before it */
void bt_format_right_side(const bt_ast *node, bt_buffer *out); /* of a comparison, with its operator */
bool bt_format_wraps_negated(const bt_ast *inner);             /* it stands in parentheses behind `not` */

/* format_wide.c: an item of a broken condition, over several lines where it is too long for one; further lines begin
 * with `indent` blanks. The line it begins on has been begun. */
void bt_format_wide(const bt_ast *item, unsigned indent, bt_buffer *out);
/* Whether it has something that could be opened. */
bool bt_format_can_open(const bt_ast *node);
/* A string literal: in backquotes where it has backslashes or quotes and can stand there, else in double quotes. */
void bt_format_string(bt_str value, bt_buffer *out);

#endif
