/* The parser's core: tokens, recovery, the table of operators, conditions and comparisons. See parser.h. */
#include "dsl/syntax/parser.h"

#include <string.h>

#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/vocabulary.h"

const bt_token *bt_parser_peek(const bt_parser *parser, size_t ahead) {
  size_t last = parser->token_count - 1;
  return &parser->tokens[ahead > last - parser->at ? last : parser->at + ahead];
}

void bt_parser_advance(bt_parser *parser) {
  if (parser->at + 1 < parser->token_count) parser->at++;
}

bool bt_parser_at_word(const bt_parser *parser, size_t ahead, const char *word) {
  const bt_token *token = bt_parser_peek(parser, ahead);
  return token->kind == BT_TOKEN_PATH && bt_str_equal(token->text, bt_str_from(word));
}

bool bt_parser_at(const bt_parser *parser, bt_token_kind kind) {
  return bt_parser_peek(parser, 0)->kind == kind;
}

bool bt_parser_accept(bt_parser *parser, bt_token_kind kind) {
  if (!bt_parser_at(parser, kind)) return false;
  bt_parser_advance(parser);
  return true;
}

bt_range bt_parser_last_range(const bt_parser *parser) {
  return parser->at ? parser->tokens[parser->at - 1].range : parser->tokens[0].range;
}

bt_str bt_parser_source(const bt_parser *parser, bt_range range) {
  return (bt_str){parser->text.ptr + range.start, range.end - range.start};
}

/* The end of the text is shown behind the last token, not behind trailing blanks. */
static bt_range range_to_show(const bt_parser *parser) {
  const bt_token *token = bt_parser_peek(parser, 0);
  if (token->kind != BT_TOKEN_END) return token->range;
  uint32_t end = bt_parser_last_range(parser).end;
  return parser->at ? (bt_range){end, end} : (bt_range){0, 0};
}

/* Where the word, or a bracket, says what is meant, and no rule can say it. */
static const char *say_not_said(const bt_parser *parser, const bt_token *token) {
  static const char *const of_groups[] = {"by", "group", "per"};
  const bt_token *before = parser->at ? token - 1 : token;
  if (token->kind == BT_TOKEN_LEFT_BRACKET && before->kind == BT_TOKEN_RIGHT_BRACKET)
    return ": an attribute is asked as a whole (" BT_NOT_SAID "#values-inside-texts-and-maps)";
  for (size_t i = 0; token->kind == BT_TOKEN_PATH && i < sizeof of_groups / sizeof *of_groups; i++)
    if (bt_str_equal_nocase(token->text, bt_str_from(of_groups[i])))
      return ": a rule has no groups (" BT_NOT_SAID "#groups)";
  return "";
}

bt_diagnostic *bt_parser_expected(bt_parser *parser, const char *what) {
  if (parser->stopped || parser->reported_at == parser->at) return NULL;
  parser->reported_at = parser->at;
  const bt_token *token = bt_parser_peek(parser, 0);
  bt_range range = range_to_show(parser);
  if (token->kind == BT_TOKEN_BAD_NUMBER) return NULL;
  if (token->kind == BT_TOKEN_END)
    return bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, range, "expected %s, but the text ends",
                              what);
  bt_str found = bt_parser_source(parser, token->range);
  if (found.len > 40) found.len = 40;
  return bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, range, "expected %s, found `%.*s`%s", what,
                            BT_FMT(found), say_not_said(parser, token));
}

void bt_parser_report(bt_parser *parser, const char *message) {
  if (parser->stopped || parser->reported_at == parser->at) return;
  parser->reported_at = parser->at;
  bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, range_to_show(parser), "%s", message);
}

bool bt_parser_expect(bt_parser *parser, bt_token_kind kind, const char *what) {
  if (bt_parser_accept(parser, kind)) return true;
  bt_parser_expected(parser, what);
  return false;
}

bool bt_parser_at_clause(const bt_parser *parser) {
  return (bt_parser_at_word(parser, 0, "when") || bt_parser_at_word(parser, 0, "always") ||
          bt_parser_at_word(parser, 0, "never")) &&
         bt_parser_peek(parser, 1)->kind == BT_TOKEN_LEFT_BRACE;
}

static bool opens_group(bt_token_kind kind) {
  return kind == BT_TOKEN_LEFT_PAREN || kind == BT_TOKEN_LEFT_BRACE || kind == BT_TOKEN_LEFT_BRACKET;
}

static bool closes_group(bt_token_kind kind) {
  return kind == BT_TOKEN_RIGHT_PAREN || kind == BT_TOKEN_RIGHT_BRACE || kind == BT_TOKEN_RIGHT_BRACKET;
}

void bt_parser_recover(bt_parser *parser) {
  for (size_t depth = 0; !bt_parser_at(parser, BT_TOKEN_END); bt_parser_advance(parser)) {
    bt_token_kind kind = bt_parser_peek(parser, 0)->kind;
    if (bt_parser_at_clause(parser)) return;
    if (depth == 0 &&
        (closes_group(kind) || kind == BT_TOKEN_COMMA || kind == BT_TOKEN_AND_AND || kind == BT_TOKEN_OR_OR ||
         bt_parser_at_word(parser, 0, "and") || bt_parser_at_word(parser, 0, "or")))
      return;
    if (opens_group(kind))
      depth++;
    else if (closes_group(kind) && depth)
      depth--;
  }
}

static bool accept_joint(bt_parser *parser) {
  bool joins = bt_parser_at(parser, BT_TOKEN_AND_AND) || bt_parser_at(parser, BT_TOKEN_OR_OR) ||
               bt_parser_at_word(parser, 0, "and") || bt_parser_at_word(parser, 0, "or");
  if (joins || bt_parser_at(parser, BT_TOKEN_COMMA)) bt_parser_advance(parser);
  return joins;
}

void bt_parser_mend_parenthesis(bt_parser *parser, const char *what) {
  while (!parser->stopped && !bt_parser_at(parser, BT_TOKEN_RIGHT_PAREN)) {
    size_t before = parser->at;
    bt_parser_expected_operator(parser, what);
    bt_parser_recover(parser);
    if (accept_joint(parser)) bt_parser_condition(parser);
    if (parser->at == before) return;
  }
}

static void stop_parser(bt_parser *parser) {
  parser->stopped = true;
  parser->at = parser->token_count - 1;
}

static void stop_at_limit(bt_parser *parser, const char *limit) {
  if (!parser->stopped)
    bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_LIMIT, bt_parser_peek(parser, 0)->range, "%s", limit);
  stop_parser(parser);
}

_Static_assert(BT_MAX_NESTING == 64 && BT_MAX_NODES == 4096, "the messages name the limits");

bool bt_parser_enter(bt_parser *parser) {
  if (parser->nesting == BT_MAX_NESTING) {
    stop_at_limit(parser, "too deep: a rule has at most 64 levels of parentheses, braces, brackets and not; leave out "
                          "what is not needed, or split the rule");
    return false;
  }
  parser->nesting++;
  return true;
}

void bt_parser_leave(bt_parser *parser) {
  parser->nesting--;
}

void bt_parser_out_of_memory(bt_parser *parser) {
  parser->no_memory = true;
  stop_parser(parser);
}

bt_ast *bt_parser_node(bt_parser *parser, bt_ast_kind kind, bt_range range) {
  if (parser->stopped) return parser->error_node;
  if (parser->node_count == BT_MAX_NODES) {
    stop_at_limit(parser, "too long: a rule has at most 4,096 names, values and operators; split the rule");
    return parser->error_node;
  }
  bt_ast *node = bt_arena_alloc(parser->arena, sizeof *node);
  if (!node) {
    bt_parser_out_of_memory(parser);
    return parser->error_node;
  }
  parser->node_count++;
  node->kind = kind;
  node->range = node->outer = range;
  return node;
}

void bt_ast_list_add(bt_parser *parser, bt_ast_list *list, bt_ast *item) {
  if (list->count == list->capacity) {
    uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
    bt_ast **items = bt_arena_array(parser->arena, capacity, sizeof(bt_ast *));
    if (!items) {
      bt_parser_out_of_memory(parser);
      return;
    }
    if (list->count) memcpy(items, list->items, list->count * sizeof(bt_ast *));
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = item;
}

void bt_parser_set_items(bt_parser *parser, bt_ast *node, bt_ast *first, bt_ast *second) {
  bt_ast_list list = {0};
  bt_ast_list_add(parser, &list, first);
  if (second) bt_ast_list_add(parser, &list, second);
  node->items = list.items;
  node->item_count = list.count;
}

/* From weak to strong. Comparisons do not chain. */
typedef enum level { LEVEL_NONE, LEVEL_OR, LEVEL_AND, LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_FACTOR } level;

typedef struct operator_row {
  bt_token_kind token;
  const char *word; /* of PATH tokens */
  level level;
  bt_ast_kind node;
  bt_comparison_operator op; /* of COMPARE and IN */
} operator_row;

static const operator_row operators[] = {
    {BT_TOKEN_PATH, "or", LEVEL_OR, BT_AST_OR, 0},
    {BT_TOKEN_OR_OR, NULL, LEVEL_OR, BT_AST_OR, 0},
    {BT_TOKEN_PATH, "and", LEVEL_AND, BT_AST_AND, 0},
    {BT_TOKEN_AND_AND, NULL, LEVEL_AND, BT_AST_AND, 0},
    {BT_TOKEN_EQUAL, NULL, LEVEL_COMPARE, BT_AST_COMPARE, BT_EQUAL},
    {BT_TOKEN_NOT_EQUAL, NULL, LEVEL_COMPARE, BT_AST_COMPARE, BT_NOT_EQUAL},
    {BT_TOKEN_LESS, NULL, LEVEL_COMPARE, BT_AST_COMPARE, BT_LESS},
    {BT_TOKEN_LESS_EQUAL, NULL, LEVEL_COMPARE, BT_AST_COMPARE, BT_LESS_EQUAL},
    {BT_TOKEN_GREATER, NULL, LEVEL_COMPARE, BT_AST_COMPARE, BT_GREATER},
    {BT_TOKEN_GREATER_EQUAL, NULL, LEVEL_COMPARE, BT_AST_COMPARE, BT_GREATER_EQUAL},
    {BT_TOKEN_MATCHES_WHOLE, NULL, LEVEL_COMPARE, BT_AST_COMPARE, BT_MATCHES_WHOLE},
    {BT_TOKEN_NOT_MATCHES_WHOLE, NULL, LEVEL_COMPARE, BT_AST_COMPARE, BT_NOT_MATCHES_WHOLE},
    {BT_TOKEN_PATH, "contains", LEVEL_COMPARE, BT_AST_COMPARE, BT_CONTAINS},
    {BT_TOKEN_PATH, "starts_with", LEVEL_COMPARE, BT_AST_COMPARE, BT_STARTS_WITH},
    {BT_TOKEN_PATH, "ends_with", LEVEL_COMPARE, BT_AST_COMPARE, BT_ENDS_WITH},
    {BT_TOKEN_PATH, "matches", LEVEL_COMPARE, BT_AST_COMPARE, BT_MATCHES},
    {BT_TOKEN_PATH, "in", LEVEL_COMPARE, BT_AST_IN, BT_IN},
    {BT_TOKEN_PATH, "not", LEVEL_COMPARE, BT_AST_IN, BT_NOT_IN}, /* with "in" behind it */
    {BT_TOKEN_PLUS, NULL, LEVEL_SUM, BT_AST_ADD, 0},
    {BT_TOKEN_MINUS, NULL, LEVEL_SUM, BT_AST_SUBTRACT, 0},
    {BT_TOKEN_STAR, NULL, LEVEL_PRODUCT, BT_AST_MULTIPLY, 0},
    {BT_TOKEN_SLASH, NULL, LEVEL_PRODUCT, BT_AST_DIVIDE, 0},
};

/* The operator that the next token is, if it is one of that level. */
static const operator_row *find_operator(const bt_parser *parser, level wanted) {
  const bt_token *token = bt_parser_peek(parser, 0);
  for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
    const operator_row *row = &operators[i];
    if (row->level != wanted || row->token != token->kind) continue;
    if (row->word && !bt_str_equal(token->text, bt_str_from(row->word))) continue;
    if (row->op == BT_NOT_IN && !bt_parser_at_word(parser, 1, "in")) continue;
    return row;
  }
  return NULL;
}

static bt_range join_ranges(bt_range a, bt_range b) {
  return (bt_range){a.start, b.end > a.start ? b.end : a.end};
}

/* `[` values `]`, appended to the list. */
static void parse_list(bt_parser *parser, bt_ast_list *list) {
  if (!bt_parser_expect(parser, BT_TOKEN_LEFT_BRACKET, "a list in brackets, as in [stripe, square]")) {
    bt_parser_recover(parser);
    return;
  }
  if (!bt_parser_enter(parser)) return;
  while (!bt_parser_at(parser, BT_TOKEN_RIGHT_BRACKET) && !parser->stopped) {
    bt_ast_list_add(parser, list, bt_parser_value(parser));
    if (!bt_parser_accept(parser, BT_TOKEN_COMMA)) break;
  }
  if (!bt_parser_expect(parser, BT_TOKEN_RIGHT_BRACKET, "`,` or `]` in the list")) {
    bt_parser_recover(parser);
    bt_parser_accept(parser, BT_TOKEN_RIGHT_BRACKET);
  }
  bt_parser_leave(parser);
}

static bt_ast *parse_in(bt_parser *parser, bt_ast *left, const operator_row *row) {
  bt_ast *node = bt_parser_node(parser, BT_AST_IN, left->outer);
  bt_ast_list list = {0};
  bt_ast_list_add(parser, &list, left);
  node->op = row->op;
  node->op_range = bt_parser_peek(parser, 0)->range;
  if (row->op == BT_NOT_IN) bt_parser_advance(parser);
  bt_parser_advance(parser);
  node->op_range = join_ranges(node->op_range, bt_parser_last_range(parser));
  parse_list(parser, &list);
  node->items = list.items;
  node->item_count = list.count;
  node->range = node->outer = join_ranges(left->outer, bt_parser_last_range(parser));
  return node;
}

static bt_ast *parse_binary(bt_parser *parser, bt_ast *left, const operator_row *row, bt_ast *(*operand)(bt_parser *)) {
  bt_ast *node = bt_parser_node(parser, row->node, left->outer);
  node->op = row->op;
  node->op_range = bt_parser_peek(parser, 0)->range;
  bt_parser_advance(parser);
  bt_ast *right = operand(parser);
  bt_parser_set_items(parser, node, left, right);
  node->range = node->outer = join_ranges(left->outer, right->outer);
  return node;
}

static bt_ast *parse_product(bt_parser *parser) {
  bt_ast *left = bt_parser_primary(parser);
  for (const operator_row *row; (row = find_operator(parser, LEVEL_PRODUCT));)
    left = parse_binary(parser, left, row, bt_parser_primary);
  return left;
}

bt_ast *bt_parser_value(bt_parser *parser) {
  bt_ast *left = parse_product(parser);
  for (const operator_row *row; (row = find_operator(parser, LEVEL_SUM));)
    left = parse_binary(parser, left, row, parse_product);
  return left;
}

static void report_second_comparison(bt_parser *parser, bt_ast *left) {
  if (bt_parser_report_filtered_aggregate(parser, left)) {
    bt_parser_recover(parser);
    return;
  }
  bool selection = left->kind == BT_AST_SELECTION;
  bt_parser_report(
      parser, selection ? "selected spans have no value to compare: count(…) has one, and .where(…) tests their fields"
                        : "comparisons do not chain: write `and` between two of them");
  bt_parser_recover(parser);
}

/* A value, a comparison, or a selection: what stands between and, or and not. */
static bt_ast *parse_test(bt_parser *parser) {
  bt_ast *left = bt_parser_foreign_comparison(parser, bt_parser_value(parser));
  const operator_row *row = find_operator(parser, LEVEL_COMPARE);
  if (row)
    left = row->node == BT_AST_IN ? parse_in(parser, left, row) : parse_binary(parser, left, row, bt_parser_value);
  left = bt_parser_parts(parser, left);
  if (find_operator(parser, LEVEL_COMPARE)) report_second_comparison(parser, left);
  return left;
}

static bt_ast *parse_unary(bt_parser *parser) {
  if (!bt_parser_at(parser, BT_TOKEN_BANG) && !bt_parser_at_word(parser, 0, "not")) return parse_test(parser);
  bt_range start = bt_parser_peek(parser, 0)->range;
  if (!bt_parser_enter(parser)) return parser->error_node;
  bt_parser_advance(parser);
  bt_ast *inner = parse_unary(parser);
  bt_parser_leave(parser);
  bt_ast *node = bt_parser_node(parser, BT_AST_NOT, join_ranges(start, inner->outer));
  bt_parser_set_items(parser, node, inner, NULL);
  return node;
}

/* One level of `and` or `or`: the items of a nested node of the same kind become items of this one. */
static bt_ast *parse_joined(bt_parser *parser, level at_level, bt_ast_kind kind, bt_ast *(*operand)(bt_parser *)) {
  bt_ast *first = operand(parser);
  if (!find_operator(parser, at_level)) return first;
  bt_ast *node = bt_parser_node(parser, kind, first->outer);
  bt_ast_list list = {0};
  for (bt_ast *item = first;; item = operand(parser)) {
    bool same = item->kind == kind;
    for (uint32_t i = 0; same && i < item->item_count; i++) bt_ast_list_add(parser, &list, item->items[i]);
    if (!same) bt_ast_list_add(parser, &list, item);
    node->range = node->outer = join_ranges(first->outer, item->outer);
    if (!find_operator(parser, at_level)) break;
    bt_parser_advance(parser);
  }
  node->items = list.items;
  node->item_count = list.count;
  return node;
}

static bt_ast *parse_conjunction(bt_parser *parser) {
  return parse_joined(parser, LEVEL_AND, BT_AST_AND, parse_unary);
}

bt_ast *bt_parser_condition(bt_parser *parser) {
  return parse_joined(parser, LEVEL_OR, BT_AST_OR, parse_conjunction);
}

static const char *spell_operator(const operator_row *row) {
  switch ((int)row->node) {
  case BT_AST_COMPARE:
  case BT_AST_IN: return bt_operator_name(row->op);
  case BT_AST_OR: return row->word ? row->word : "||";
  case BT_AST_AND: return row->word ? row->word : "&&";
  case BT_AST_ADD: return "+";
  case BT_AST_SUBTRACT: return "-";
  case BT_AST_MULTIPLY: return "*";
  case BT_AST_DIVIDE: return "/";
  default: return NULL;
  }
}

const char *bt_vocabulary_operator(size_t i) {
  return i < sizeof operators / sizeof operators[0] ? spell_operator(&operators[i]) : NULL;
}
