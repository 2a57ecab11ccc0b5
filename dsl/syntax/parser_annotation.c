/* Annotations (dsl.md §6). See parser.h. */

#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/parser.h"

enum { MAX_ARGUMENTS = 16, MAX_ITEMS = 256 };

/* Where the text of an unreadable item ends: at the next comma or closing bracket that it did not open. */
static bt_range skip_item(bt_parser *parser) {
  bt_range range = bt_parser_peek(parser, 0)->range;
  for (int depth = 0; !bt_parser_at(parser, BT_TOKEN_END); bt_parser_advance(parser)) {
    bt_token_kind kind = bt_parser_peek(parser, 0)->kind;
    bool closing = kind == BT_TOKEN_RIGHT_PAREN || kind == BT_TOKEN_RIGHT_BRACE || kind == BT_TOKEN_RIGHT_BRACKET;
    if (kind == BT_TOKEN_LEFT_PAREN)
      depth++;
    else if (depth == 0 && (closing || kind == BT_TOKEN_COMMA || kind == BT_TOKEN_AT))
      break;
    else if (kind == BT_TOKEN_RIGHT_PAREN)
      depth--;
    if (bt_parser_at_clause(parser)) break;
    range.end = bt_parser_peek(parser, 0)->range.end;
  }
  return range;
}

/* `164.312(b)` and `CC6.1` are no identifiers: quoting them is the fix. */
static void report_unquoted_item(bt_parser *parser, bt_range start) {
  bt_range range = skip_item(parser);
  range.start = start.start;
  bt_str written = bt_parser_source(parser, range);
  bt_diagnostic *added = bt_diagnostics_add(
      parser->diagnostics, parser->text, BT_E_ANNOTATION, range,
      "expected an identifier, as in CC6_1, or a string: quote what has other characters or begins with a digit");
  if (!bt_str_contains(written, BT_STR("\"")) && !bt_str_contains(written, BT_STR("\\")) && written.len)
    bt_diagnostics_format_fix(parser->diagnostics, added, range, "\"%.*s\"", BT_FMT(written));
}

static bool ends_item(const bt_parser *parser) {
  return bt_parser_at(parser, BT_TOKEN_COMMA) || bt_parser_at(parser, BT_TOKEN_RIGHT_BRACE) ||
         bt_parser_at(parser, BT_TOKEN_RIGHT_BRACKET) || bt_parser_at(parser, BT_TOKEN_RIGHT_PAREN) ||
         bt_parser_at(parser, BT_TOKEN_END);
}

static void parse_item(bt_parser *parser, bt_ast_argument *argument) {
  const bt_token *token = bt_parser_peek(parser, 0);
  if (token->kind == BT_TOKEN_BAD_NUMBER) {
    skip_item(parser); /* reported by the lexer */
    return;
  }
  bool readable = token->kind == BT_TOKEN_PATH || (token->kind == BT_TOKEN_STRING && token->owner == BT_NAME_OF_EITHER);
  if (readable) bt_parser_advance(parser);
  if (!readable || !ends_item(parser)) {
    report_unquoted_item(parser, token->range);
    return;
  }
  if (argument->item_count == MAX_ITEMS) {
    bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_LIMIT, token->range,
                       "an annotation has at most %d items: write a second one", MAX_ITEMS);
    return;
  }
  if (!argument->items) argument->items = bt_arena_array(parser->arena, MAX_ITEMS, sizeof *argument->items);
  if (!argument->items) {
    bt_parser_out_of_memory(parser);
    return;
  }
  argument->items[argument->item_count++] = (bt_ast_item){token->text, token->kind == BT_TOKEN_STRING, token->range};
}

static void parse_argument(bt_parser *parser, bt_ast_argument *argument) {
  if (bt_parser_at(parser, BT_TOKEN_PATH) && bt_parser_peek(parser, 1)->kind == BT_TOKEN_EQUAL) {
    argument->name = bt_parser_peek(parser, 0)->text;
    argument->name_range = bt_parser_peek(parser, 0)->range;
    bt_parser_advance(parser);
    bt_parser_advance(parser);
  }
  bool brace = bt_parser_at(parser, BT_TOKEN_LEFT_BRACE);
  argument->is_list = brace || bt_parser_at(parser, BT_TOKEN_LEFT_BRACKET);
  if (!argument->is_list) {
    parse_item(parser, argument);
    return;
  }
  bt_token_kind close = brace ? BT_TOKEN_RIGHT_BRACE : BT_TOKEN_RIGHT_BRACKET;
  bt_parser_advance(parser);
  while (!bt_parser_at(parser, close) && !parser->stopped) {
    parse_item(parser, argument);
    if (!bt_parser_accept(parser, BT_TOKEN_COMMA)) break;
  }
  if (!bt_parser_expect(parser, close,
                        brace ? "`,` or `}` in the annotation's list" : "`,` or `]` in the annotation's list"))
    bt_parser_recover(parser);
}

static void parse_arguments(bt_parser *parser, bt_ast_annotation *annotation) {
  if (!bt_parser_enter(parser)) return;
  bt_parser_advance(parser);
  annotation->has_parentheses = true;
  annotation->arguments = bt_arena_array(parser->arena, MAX_ARGUMENTS, sizeof *annotation->arguments);
  if (!annotation->arguments) {
    bt_parser_out_of_memory(parser);
    return;
  }
  while (!bt_parser_at(parser, BT_TOKEN_RIGHT_PAREN) && !parser->stopped) {
    if (annotation->argument_count == MAX_ARGUMENTS) {
      bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_LIMIT, bt_parser_peek(parser, 0)->range,
                         "an annotation has at most %d arguments", MAX_ARGUMENTS);
      break;
    }
    parse_argument(parser, &annotation->arguments[annotation->argument_count++]);
    if (!bt_parser_accept(parser, BT_TOKEN_COMMA)) break;
  }
  if (!bt_parser_expect(parser, BT_TOKEN_RIGHT_PAREN, "`,` or `)` in the annotation")) {
    do bt_parser_recover(parser);
    while (bt_parser_accept(parser, BT_TOKEN_COMMA));
    bt_parser_accept(parser, BT_TOKEN_RIGHT_PAREN);
  }
  bt_parser_leave(parser);
}

static void parse_annotation(bt_parser *parser, bt_ast_annotation *annotation) {
  annotation->range = bt_parser_last_range(parser); /* of the @ */
  const bt_token *name = bt_parser_peek(parser, 0);
  if (name->kind != BT_TOKEN_PATH || bt_parser_at_clause(parser)) {
    bt_parser_expected(parser, "a name behind @, as in @SOC2(controls = {CC6_1})");
    return;
  }
  annotation->name = name->text;
  annotation->name_range = name->range;
  bt_parser_advance(parser);
  if (bt_parser_at(parser, BT_TOKEN_LEFT_PAREN)) parse_arguments(parser, annotation);
  annotation->range.end = bt_parser_last_range(parser).end;
}

void bt_parser_annotations(bt_parser *parser, bt_ast_rule *rule) {
  while (bt_parser_accept(parser, BT_TOKEN_AT)) {
    if (rule->annotation_count == BT_MAX_ANNOTATIONS) {
      bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_LIMIT, bt_parser_last_range(parser),
                         "a rule has at most %d annotations", BT_MAX_ANNOTATIONS);
      parser->stopped = true;
      parser->at = parser->token_count - 1;
      return;
    }
    parse_annotation(parser, &rule->annotations[rule->annotation_count++]);
  }
}
