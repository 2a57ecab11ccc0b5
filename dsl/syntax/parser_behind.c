/* `always { x } within 5s of c`: what belongs to spans stands behind a clause's brace. See parser.h. The fix moves it
 * inside where the clause has nothing but spans, because then it can only be about those; where it has more, nobody
 * knows which of them were meant. */
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/parser.h"

static const bt_ast_part *last_part(const bt_ast *node) {
  return node->part_count ? &node->parts[node->part_count - 1] : NULL;
}

/* Spans and nothing but spans, so that more can be written behind them. */
static bool is_spans(const bt_ast *condition) {
  if (condition->parenthesised) return false;
  switch ((int)condition->kind) {
  case BT_AST_PATH:
  case BT_AST_STRING:
  case BT_AST_SELECTION: return true;
  case BT_AST_CALL: return bt_function_selects(condition->function);
  default: return false;
  }
}

/* From the end of what stays as it is (the spans, without their `as`) to the end of what stands behind the brace. */
static void fix_by_moving(bt_parser *parser, bt_diagnostic *added, const bt_ast_clause *clause, bt_range behind) {
  const bt_ast_part *last = last_part(clause->condition);
  bool is_bound = last && last->kind == BT_PART_AS, is_related = last && last->kind == BT_PART_RELATION;
  bt_str as = is_bound ? bt_parser_source(parser, last->range) : (bt_str){0};
  if (is_bound) is_related = clause->condition->part_count > 1 && last[-1].kind == BT_PART_RELATION;
  uint32_t end = is_bound ? last->range.start : clause->condition->outer.end;
  bt_str moved = bt_parser_source(parser, behind);
  bool has_dot = moved.len && moved.ptr[0] == '.';
  /* Behind a relation a filter has no dot. */
  if (has_dot && is_related) moved.ptr++, moved.len--;
  const char *blank = (has_dot && !is_related) || is_bound ? "" : " ";
  bt_diagnostics_format_fix(parser->diagnostics, added, (bt_range){end, behind.end}, "%s%.*s%s%.*s }", blank,
                            BT_FMT(moved), is_bound ? " " : "", BT_FMT(as));
}

/* A comment between would be lost. */
static bool is_blank_between(const bt_parser *parser, uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++) {
    char c = parser->text.ptr[i];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '}') return false;
  }
  return true;
}

bool bt_parser_report_behind_clause(bt_parser *parser, const bt_ast_clause *clause) {
  if (!bt_parser_at_part(parser)) return false;
  bt_range behind = bt_parser_peek(parser, 0)->range;
  size_t errors_before = parser->diagnostics->error_count;
  bt_ast *parts = bt_parser_parts(parser, parser->error_node);
  behind.end = bt_parser_last_range(parser).end;
  if (parser->stopped || parser->diagnostics->error_count != errors_before) return true;
  bt_str written = bt_parser_source(parser, behind);
  if (written.len > 60) written = BT_STR("this");
  bt_diagnostic *added =
      bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, behind,
                         "a clause ends with its brace, and `%.*s` belongs to spans: write it inside the braces of "
                         "`%s`, behind the spans that it is about",
                         BT_FMT(written), bt_clause_name(clause->kind));
  const bt_ast_part *first = parts->part_count ? &parts->parts[0] : NULL;
  bool binds_twice = first && first->kind == BT_PART_AS && last_part(clause->condition) &&
                     last_part(clause->condition)->kind == BT_PART_AS;
  bool is_whole = is_blank_between(parser, clause->condition->outer.end, behind.start);
  bool is_all = bt_parser_at(parser, BT_TOKEN_END) || bt_parser_at_clause(parser);
  if (is_spans(clause->condition) && is_whole && is_all && !binds_twice) fix_by_moving(parser, added, clause, behind);
  return true;
}
