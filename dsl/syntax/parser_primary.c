/* Operands of operators: literals, paths, calls, parentheses. See parser.h. */
#include "dsl/base/suggestion.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/parser.h"
#include "dsl/syntax/vocabulary.h"

static bool is_comma(const bt_token *token) {
  return token->kind == BT_TOKEN_COMMA;
}

/* What makes an argument a test, and so the call a filter. */
static bool is_comparison(const bt_token *token) {
  static const char *const words[] = {"in", "contains", "starts_with", "ends_with", "matches"};
  for (size_t i = 0; token->kind == BT_TOKEN_PATH && i < sizeof words / sizeof words[0]; i++)
    if (bt_str_equal(token->text, bt_str_from(words[i]))) return true;
  return token->kind >= BT_TOKEN_EQUAL && token->kind <= BT_TOKEN_NOT_MATCHES_WHOLE;
}

static const char *nearest_function(bt_str name) {
  const char *names[2 * BT_FUNCTIONS + 1];
  size_t count = 0;
  for (bt_function i = 0; i < BT_FUNCTIONS; i++) {
    const bt_function_row *row = bt_function_row_of(i);
    names[count++] = row->word.name;
    if (row->other.name) names[count++] = row->other.name;
  }
  names[count] = NULL;
  const char *foreign = bt_foreign_function(name);
  if (foreign) return foreign;
  return bt_foreign_advice(name) ? NULL : bt_suggest_nearest(name, names);
}

/* `payment(amount > 5)` is a filter without its word; `cont(x)` is a function misspelt; `rate(x)` is neither. */
static void report_unknown_function(bt_parser *parser, const bt_token *name) {
  const char *nearest = nearest_function(name->text), *advice = bt_foreign_advice(name->text);
  char all[BT_FUNCTION_LIST_BYTES];
  bt_function_list(NULL, all);
  parser->reported_at = parser->at;
  bt_str shown = name->text.len > 60 ? (bt_str){name->text.ptr, 60} : name->text;
  if (nearest) {
    bt_diagnostic *added = bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, name->range,
                                              "unknown function `%.*s`: did you mean %s(…)?", BT_FMT(shown), nearest);
    bt_diagnostics_set_fix(parser->diagnostics, added, name->range, bt_str_from(nearest));
  } else if (advice) {
    bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, name->range,
                       "unknown function `%.*s`: %s. The functions are %s", BT_FMT(shown), advice, all);
  } else if (bt_parser_call_has(parser, is_comma) || !bt_parser_call_has(parser, is_comparison)) {
    bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, name->range,
                       "unknown function `%.*s`: functions are %s", BT_FMT(shown), all);
  } else {
    bt_diagnostic *added =
        bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, name->range,
                           "unknown function `%.*s`: a filter is written %.*s.where(…), and functions are %s",
                           BT_FMT(shown), BT_FMT(shown), all);
    bt_diagnostics_format_fix(parser->diagnostics, added, (bt_range){name->range.end, name->range.end}, ".where");
  }
}

/* Arguments up to `)`; the `(` is the next token. False when the call is not closed: then its end, and so its meaning,
 * is a guess. */
static bool parse_arguments(bt_parser *parser, bt_ast_list *list) {
  if (!bt_parser_enter(parser)) return false;
  bt_parser_advance(parser);
  parser->tests++;
  while (!bt_parser_at(parser, BT_TOKEN_RIGHT_PAREN) && !parser->stopped) {
    bt_ast_list_add(parser, list, bt_parser_condition(parser));
    if (!bt_parser_accept(parser, BT_TOKEN_COMMA)) break;
  }
  bt_parser_mend_parenthesis(parser, list->count ? "`)`, `,` or an operator" : "an argument");
  parser->tests--;
  bool closed = bt_parser_accept(parser, BT_TOKEN_RIGHT_PAREN);
  bt_parser_leave(parser);
  return closed;
}

static bt_ast *parse_call(bt_parser *parser) {
  const bt_token *name = bt_parser_peek(parser, 0);
  const bt_function_word *word = NULL;
  const bt_function_row *row = bt_function_named(name->text, &word);
  if (!row) report_unknown_function(parser, name);
  bt_ast *node = bt_parser_node(parser, row ? BT_AST_CALL : BT_AST_ERROR, name->range);
  bt_ast_list list = {0};
  size_t reported_before = parser->diagnostics->error_count;
  bt_parser_advance(parser);
  bool closed = parse_arguments(parser, &list);
  node->range.end = bt_parser_last_range(parser).end;
  node->outer = node->range;
  if (!closed) node->kind = BT_AST_ERROR;
  if (!row || !closed || parser->stopped) return node;
  node->function = row->function;
  node->text = name->text;
  node->items = list.items;
  node->item_count = list.count;
  if (list.count == row->arguments) return node;
  node->kind = BT_AST_ERROR;
  const char *hint = list.count ? NULL : row->without_any;
  if (parser->diagnostics->error_count == reported_before)
    bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, node->range,
                       "expected %s, found %u argument%s%s%s", word->shape, list.count, list.count == 1 ? "" : "s",
                       hint ? ": " : "", hint ? hint : "");
  return node;
}

/* path ".attributes" "[" string "]"; the path is the next token. */
static bt_ast *parse_index(bt_parser *parser) {
  const bt_token *path = bt_parser_peek(parser, 0);
  bt_ast *node = bt_parser_node(parser, BT_AST_INDEX, path->range);
  node->text = path->text;
  if (!bt_parser_enter(parser)) return node;
  bt_parser_advance(parser);
  bt_parser_advance(parser);
  const bt_token *key = bt_parser_peek(parser, 0);
  if (key->kind == BT_TOKEN_STRING && key->owner == BT_NAME_OF_EITHER) {
    node->key = key->text;
    bt_parser_advance(parser);
  } else {
    bt_diagnostic *added = bt_parser_expected(parser, "the attribute's key in double quotes");
    if (key->kind == BT_TOKEN_PATH) {
      bt_diagnostics_format_fix(parser->diagnostics, added, key->range, "\"%.*s\"", BT_FMT(key->text));
      bt_parser_advance(parser);
    } else {
      bt_parser_recover(parser);
    }
    node->kind = BT_AST_ERROR;
  }
  if (!bt_parser_expect(parser, BT_TOKEN_RIGHT_BRACKET, "`]` behind the attribute's key")) node->kind = BT_AST_ERROR;
  bt_parser_leave(parser);
  node->range.end = bt_parser_last_range(parser).end;
  node->outer = node->range;
  return node;
}

static bt_ast *parse_path(bt_parser *parser) {
  const bt_token *token = bt_parser_peek(parser, 0);
  bt_token_kind next = bt_parser_peek(parser, 1)->kind;
  if (next == BT_TOKEN_LEFT_PAREN) return parse_call(parser);
  if (next == BT_TOKEN_LEFT_BRACKET) return parse_index(parser);
  bool is_true = bt_str_equal(token->text, BT_STR("true"));
  bool is_boolean = is_true || bt_str_equal(token->text, BT_STR("false"));
  bt_ast *node = bt_parser_node(parser, is_boolean ? BT_AST_BOOLEAN : BT_AST_PATH, token->range);
  if (parser->stopped) return node;
  if (is_boolean)
    node->boolean = is_true;
  else
    node->text = token->text;
  bt_parser_advance(parser);
  return node;
}

static bt_ast *parse_integer(bt_parser *parser, bool negative, bt_range range) {
  uint64_t magnitude = bt_parser_peek(parser, 0)->integer;
  bt_ast *node = bt_parser_node(parser, BT_AST_INTEGER, range);
  if (parser->stopped) return node;
  if (magnitude > INT64_MAX && !negative)
    bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_NUMBER, range,
                       "integers have 64 bits, at most 9223372036854775807: write a decimal, as in 1e19");
  if (magnitude > INT64_MAX)
    node->integer = negative ? INT64_MIN : INT64_MAX;
  else
    node->integer = negative ? -(int64_t)magnitude : (int64_t)magnitude;
  bt_parser_advance(parser);
  return node;
}

static bt_ast *parse_literal(bt_parser *parser) {
  const bt_token *token = bt_parser_peek(parser, 0);
  if (token->kind == BT_TOKEN_INTEGER) return parse_integer(parser, false, token->range);
  bt_ast_kind kind = token->kind == BT_TOKEN_STRING    ? BT_AST_STRING
                     : token->kind == BT_TOKEN_DECIMAL ? BT_AST_DECIMAL
                                                       : BT_AST_DURATION;
  bt_ast *node = bt_parser_node(parser, kind, token->range);
  if (parser->stopped) return node;
  if (kind == BT_AST_STRING) node->text = token->text, node->owner = token->owner;
  if (kind == BT_AST_DECIMAL) node->decimal = token->decimal;
  if (kind == BT_AST_DURATION) node->duration_ns = token->duration_ns;
  bt_parser_advance(parser);
  return node;
}

static bt_ast *parse_negative(bt_parser *parser) {
  bt_range minus = bt_parser_peek(parser, 0)->range;
  bt_parser_advance(parser);
  const bt_token *next = bt_parser_peek(parser, 0);
  if (next->kind == BT_TOKEN_INTEGER) return parse_integer(parser, true, (bt_range){minus.start, next->range.end});
  if (next->kind == BT_TOKEN_MINUS) {
    bt_parser_expected(parser, "a value behind the minus");
    bt_parser_recover(parser);
    return bt_parser_node(parser, BT_AST_ERROR, minus);
  }
  bt_ast *inner = bt_parser_primary(parser);
  bt_ast *node = bt_parser_node(parser, BT_AST_NEGATE, (bt_range){minus.start, inner->outer.end});
  bt_parser_set_items(parser, node, inner, NULL);
  return node;
}

static bt_ast *parse_parenthesised(bt_parser *parser) {
  bt_range open = bt_parser_peek(parser, 0)->range;
  if (!bt_parser_enter(parser)) return parser->error_node;
  bt_parser_advance(parser);
  bt_ast *inner = bt_parser_condition(parser);
  bt_parser_mend_parenthesis(parser, "`)` or an operator");
  bt_parser_accept(parser, BT_TOKEN_RIGHT_PAREN);
  bt_parser_leave(parser);
  inner->parenthesised = true;
  inner->outer = (bt_range){open.start, bt_parser_last_range(parser).end};
  return inner;
}

bt_ast *bt_parser_primary(bt_parser *parser) {
  bt_token_kind kind = bt_parser_peek(parser, 0)->kind;
  if (kind == BT_TOKEN_LEFT_PAREN) return parse_parenthesised(parser);
  if (kind == BT_TOKEN_MINUS) return parse_negative(parser);
  if (kind == BT_TOKEN_STRING || kind == BT_TOKEN_INTEGER || kind == BT_TOKEN_DECIMAL || kind == BT_TOKEN_DURATION)
    return parse_literal(parser);
  if (kind == BT_TOKEN_PATH && !bt_parser_at_clause(parser) && !bt_parser_at_word(parser, 0, "not"))
    return parse_path(parser);
  if (kind == BT_TOKEN_LEFT_BRACE) return bt_parser_traceql_filter(parser);
  bt_range here = bt_parser_peek(parser, 0)->range;
  if (kind == BT_TOKEN_BAD_NUMBER)
    bt_parser_advance(parser);
  else {
    if (!bt_parser_report_leading_dot(parser) && !bt_parser_report_route(parser)) bt_parser_expected_operand(parser);
    bt_parser_recover(parser);
  }
  return bt_parser_node(parser, BT_AST_ERROR, here);
}
