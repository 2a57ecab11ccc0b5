/* Tokens to tree, by precedence climbing over one table of operators. The parser accepts one expression language
 * everywhere and leaves it to the checker to say what may stand where: so a misplaced thing gets a message about its
 * meaning, not about a token. After a mistake it goes on at the next operator, comma or bracket. Only the front end
 * includes this. Thread: no state beyond the parser, which one thread has. Nodes are owned by the arena. What gives a
 * node never gives NULL: in want of memory it is the error node, and the parser has stopped. */
#ifndef BT_DSL_SYNTAX_PARSER_H
#define BT_DSL_SYNTAX_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/syntax/ast.h"
#include "dsl/syntax/diagnostic.h"
#include "dsl/syntax/lexer.h"

/* The tree is in the arena and borrows from text and tokens' strings. BT_OK also when there were diagnostics.
 * BT_NO_MEMORY alone. */
bt_status bt_parser_run(bt_str text, const bt_tokens *tokens, bt_arena *arena, bt_diagnostics *diagnostics,
                        bt_ast_rule *out, bt_error *error) BT_MUST_CHECK;

/* What follows is shared by the parser's own files. */
typedef struct bt_parser {
  bt_str text;
  const bt_token *tokens;
  size_t at; /* token that is read next */
  size_t token_count;
  bt_arena *arena;
  bt_diagnostics *diagnostics;
  unsigned nesting, node_count;
  size_t reported_at; /* token of the last report, SIZE_MAX: none; one mistake is reported once */
  unsigned tests;     /* how many where(…) and function calls are open: a test on a span may stand here */
  unsigned filters;   /* how many where(…) are open */
  bool stopped;       /* a limit was passed: the rest is not read */
  bool no_memory;
  bt_ast *error_node; /* stands in wherever a node cannot be made, so that callers need no test for NULL */
} bt_parser;

const bt_token *bt_parser_peek(const bt_parser *parser, size_t ahead);
void bt_parser_advance(bt_parser *parser);
/* The next token is this word (a path without dots). */
bool bt_parser_at_word(const bt_parser *parser, size_t ahead, const char *word);
bool bt_parser_at(const bt_parser *parser, bt_token_kind kind);
bool bt_parser_accept(bt_parser *parser, bt_token_kind kind);
/* Reports "expected …, found …" unless this token was reported before. Owned by the diagnostics; NULL: not reported. */
bt_diagnostic *bt_parser_expected(bt_parser *parser, const char *what);
/* The same where an operator or the end could stand: a word that is nearly one is suggested. */
void bt_parser_expected_operator(bt_parser *parser, const char *what);
/* The same where a condition or a value, or where the end of the text, has to stand (parser_hints.c). */
void bt_parser_expected_operand(bt_parser *parser);
void bt_parser_expected_end(bt_parser *parser);
/* Whether the call whose name is the next token has a token of that kind between its parentheses, not in inner ones. */
bool bt_parser_call_has(const bt_parser *parser, bool (*wanted)(const bt_token *token));
/* Reports `message` about the next token unless that was reported before. */
void bt_parser_report(bt_parser *parser, const char *message);
/* Takes the token or reports it. */
bool bt_parser_expect(bt_parser *parser, bt_token_kind kind, const char *what);
/* Where a parenthesis of one condition does not close: reports that, reads on behind and, or and commas, and stops at
 * what closes it. */
void bt_parser_mend_parenthesis(bt_parser *parser, const char *what);
/* Skips to the next place where parsing can go on: and, or, comma, closing bracket, clause, end. */
void bt_parser_recover(bt_parser *parser);
/* One level deeper for `(`, `{`, `[` and not; false (and all stops) above the limit. */
bool bt_parser_enter(bt_parser *parser);
void bt_parser_leave(bt_parser *parser);
/* Never NULL; the error node without memory or above the limit of nodes, and then the parser has stopped. */
bt_ast *bt_parser_node(bt_parser *parser, bt_ast_kind kind, bt_range range);
/* Gives a node its one or two items (second may be NULL). */
void bt_parser_set_items(bt_parser *parser, bt_ast *node, bt_ast *first, bt_ast *second);
bt_range bt_parser_last_range(const bt_parser *parser); /* of the token before */

/* A list that grows in the arena. */
typedef struct bt_ast_list {
  bt_ast **items;
  uint32_t count, capacity;
} bt_ast_list;
void bt_ast_list_add(bt_parser *parser, bt_ast_list *list, bt_ast *item);

/* parser_foreign.c: what other languages write. Each gives the word of this language, or NULL. */
const char *bt_foreign_clause(bt_str word);
const char *bt_foreign_function(bt_str name);

/* What to say of a function that this language has nothing for. */
const char *bt_foreign_advice(bt_str name);
/* `k is 5`, `k gte 5`, `k like "x%"`: the comparison that is meant, reported; else `left`. */
bt_ast *bt_parser_foreign_comparison(bt_parser *parser, bt_ast *left);
/* These say whether they reported what is next: two words that may be one name, `.http.method` (parser_traceql.c),
 * `/cart`, `count(x).where(…)`. */
bool bt_parser_report_two_words(bt_parser *parser, const char *what);
bool bt_parser_report_leading_dot(bt_parser *parser);
bool bt_parser_report_route(bt_parser *parser);
bool bt_parser_report_filtered_aggregate(bt_parser *parser, bt_ast *left);
/* parser_hints.c: `.amount > 5` behind spans that are no plain name, with a filter as fix; the dot is next. False: it
 * is something else. */
bool bt_parser_report_compared_spans(bt_parser *parser, const bt_ast *base);
/* A key with a number or a star for a segment, without quotes, inside a test; it stands before the dot. True: reported.
 */
bool bt_parser_report_unquoted_key(bt_parser *parser, const bt_ast *base);
/* parser_behind.c: a relation, a filter or `as` behind the brace that closes a clause, which is reported with what
 * moves it inside. False: something else is next. */
bool bt_parser_report_behind_clause(bt_parser *parser, const bt_ast_clause *clause);
/* parser_traceql.c: `{ … }` where a condition stands; the brace is next. */
bt_ast *bt_parser_traceql_filter(bt_parser *parser);
/* Where a test begins at that token, and not a value on the right of one. */
bool bt_parser_begins_test(const bt_parser *parser, size_t at);

bt_str bt_parser_source(const bt_parser *parser, bt_range range);
bool bt_parser_at_clause(const bt_parser *parser); /* when, always or never before `{` */
void bt_parser_out_of_memory(bt_parser *parser);

bt_ast *bt_parser_condition(bt_parser *parser); /* parser.c */
bt_ast *bt_parser_value(bt_parser *parser);
bt_ast *bt_parser_primary(bt_parser *parser);                     /* parser_primary.c */
bt_ast *bt_parser_parts(bt_parser *parser, bt_ast *base);         /* parser_relation.c */
bool bt_parser_at_part(const bt_parser *parser);                  /* a relation, a filter or `as` is next */
void bt_parser_annotations(bt_parser *parser, bt_ast_rule *rule); /* parser_annotation.c */

#endif
