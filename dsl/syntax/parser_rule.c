/* A whole rule: annotations, then clauses or a bare condition. See parser.h. */
#include <stdio.h>
#include <string.h>

#include "dsl/base/suggestion.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/parser.h"
#include "dsl/syntax/vocabulary.h"

static const char *const clause_words[] = {"when", "always", "never", NULL};

/* The clause that this word is or nearly is; false: neither. */
static bool find_clause(bt_parser *parser, bt_clause_kind *kind) {
  const bt_token *token = bt_parser_peek(parser, 0);
  if (token->kind != BT_TOKEN_PATH || bt_parser_peek(parser, 1)->kind != BT_TOKEN_LEFT_BRACE) return false;
  const char *foreign = bt_foreign_clause(token->text);
  const char *nearest = foreign ? foreign : bt_suggest_nearest(token->text, clause_words);
  for (int i = 0; clause_words[i]; i++) {
    if (!nearest || strcmp(nearest, clause_words[i]) != 0) continue;
    *kind = (bt_clause_kind)i;
    if (bt_str_equal(token->text, bt_str_from(nearest))) return true;
    bt_diagnostic *added = bt_parser_expected(parser, "when, always or never");
    if (added) bt_diagnostics_set_fix(parser->diagnostics, added, token->range, bt_str_from(nearest));
    return true;
  }
  return false;
}

/* Where the clause runs into the next one or into the end, its brace is not closed, and far away it is worth its place.
 */
static void expect_brace(bt_parser *parser, uint32_t opening) {
  char what[80];
  unsigned line = 1, column = 1;
  if (!bt_parser_at_clause(parser) && !bt_parser_at(parser, BT_TOKEN_END)) {
    bt_parser_expected_operator(parser, "`}` or an operator");
    return;
  }
  for (uint32_t i = 0; i < opening; i++) {
    bool is_end = parser->text.ptr[i] == '\n', is_first = ((unsigned char)parser->text.ptr[i] & 0xC0) != 0x80;
    line += is_end;
    column = is_end ? 1 : column + is_first;
  }
  snprintf(what, sizeof what, "`}` for the `{` at %u:%u, or an operator", line, column);
  bt_parser_expected_operator(parser, what);
}

static void parse_braces(bt_parser *parser, bt_ast_clause *clause) {
  if (!bt_parser_enter(parser)) {
    clause->condition = parser->error_node;
    return;
  }
  uint32_t opening = bt_parser_peek(parser, 0)->range.start;
  bt_parser_advance(parser);
  clause->inside.start = clause->inside.end = bt_parser_last_range(parser).end;
  clause->condition = bt_parser_condition(parser);
  if (!bt_parser_at(parser, BT_TOKEN_RIGHT_BRACE)) {
    expect_brace(parser, opening);
    /* Everything up to the clause's own brace belongs to the mistake. */
    while (!bt_parser_at(parser, BT_TOKEN_RIGHT_BRACE) && !bt_parser_at(parser, BT_TOKEN_END) &&
           !bt_parser_at_clause(parser)) {
      bt_parser_advance(parser);
      bt_parser_recover(parser);
    }
  }
  if (bt_parser_at(parser, BT_TOKEN_RIGHT_BRACE)) clause->inside.end = bt_parser_peek(parser, 0)->range.start;
  bt_parser_accept(parser, BT_TOKEN_RIGHT_BRACE);
  bt_parser_leave(parser);
}

static bool stands_already(const bt_ast_rule *rule, bt_clause_kind kind) {
  for (uint32_t i = 0; i < rule->clause_count; i++)
    if (rule->clauses[i].kind == kind) return true;
  return false;
}

static void parse_clause(bt_parser *parser, bt_clause_kind kind, bt_ast_rule *rule) {
  bt_ast_clause clause = {.kind = kind, .keyword = bt_parser_peek(parser, 0)->range};
  bt_parser_advance(parser);
  parse_braces(parser, &clause);
  clause.range = (bt_range){clause.keyword.start, bt_parser_last_range(parser).end};
  if (parser->stopped) return;
  if (stands_already(rule, kind)) {
    bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_CLAUSE_TWICE, clause.keyword,
                       "a second `%s`: a rule has each clause at most once; join the conditions with and or or",
                       bt_clause_name(kind));
    return;
  }
  rule->clauses[rule->clause_count++] = clause;
}

static bool at_clause_word(const bt_parser *parser) {
  return bt_parser_at_word(parser, 0, "when") || bt_parser_at_word(parser, 0, "always") ||
         bt_parser_at_word(parser, 0, "never");
}

static void report_no_brace(bt_parser *parser) {
  bt_parser_report(parser, "expected a condition in braces behind this word, as in when { checkout }");
}

/* Something between or behind clauses that is none. */
static void report_no_clause(bt_parser *parser) {
  if (bt_parser_at(parser, BT_TOKEN_AT))
    bt_parser_report(parser, "annotations come before the clauses: move this to the start of the rule");
  else if (at_clause_word(parser))
    report_no_brace(parser);
  else
    bt_parser_expected(parser, "when, always or never and a condition in braces");
  do {
    bt_parser_advance(parser);
  } while (!bt_parser_at(parser, BT_TOKEN_END) && !bt_parser_at_clause(parser));
}

static void parse_clauses(bt_parser *parser, bt_ast_rule *rule) {
  while (!bt_parser_at(parser, BT_TOKEN_END)) {
    bt_clause_kind kind;
    if (find_clause(parser, &kind))
      parse_clause(parser, kind, rule);
    else if (!rule->clause_count || !bt_parser_report_behind_clause(parser, &rule->clauses[rule->clause_count - 1]))
      report_no_clause(parser);
  }
}

/* The condition alone, with its comments. */
static void fix_lone_when(bt_parser *parser, bt_diagnostic *added, const bt_ast_clause *when) {
  bt_str inside = bt_parser_source(parser, when->inside);
  while (inside.len && (*inside.ptr == ' ' || *inside.ptr == '\n')) inside.ptr++, inside.len--;
  while (inside.len && inside.ptr[inside.len - 1] == ' ') inside.len--;
  if (inside.len) bt_diagnostics_set_fix(parser->diagnostics, added, when->range, inside);
}

static void check_clauses(bt_parser *parser, const bt_ast_rule *rule) {
  if (parser->stopped || rule->condition || stands_already(rule, BT_CLAUSE_ALWAYS) ||
      stands_already(rule, BT_CLAUSE_NEVER) || !rule->clause_count || parser->diagnostics->error_count)
    return; /* after another mistake the clause may only seem to be missing */
  bt_diagnostic *added = bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_NO_DEMAND, rule->clauses[0].keyword,
                                            "expected an `always` or a `never` clause behind `when`: what has to be, "
                                            "or must not be, when this holds? If this "
                                            "describes the bad trace, it stands alone, without `when`");
  fix_lone_when(parser, added, &rule->clauses[0]);
}

/* A bare condition goes up to the end. */
static void parse_bare(bt_parser *parser, bt_ast_rule *rule) {
  size_t start = parser->at;
  bool clause_word = at_clause_word(parser);
  rule->condition = bt_parser_condition(parser);
  if (clause_word && parser->at == start + 1 && !bt_parser_at(parser, BT_TOKEN_END)) {
    parser->at = start;
    report_no_brace(parser);
    bt_parser_advance(parser);
    parser->reported_at = parser->at;
  }
  while (!bt_parser_at(parser, BT_TOKEN_END)) {
    if (bt_parser_at_clause(parser)) {
      bt_parser_report(
          parser,
          "a rule is either clauses or one condition without them: put the condition before this into a clause");
    } else {
      bt_parser_expected_end(parser);
    }
    bt_parser_advance(parser);
    bt_parser_recover(parser);
    bool joined = bt_parser_at_word(parser, 0, "and") || bt_parser_at_word(parser, 0, "or") ||
                  bt_parser_at(parser, BT_TOKEN_AND_AND) || bt_parser_at(parser, BT_TOKEN_OR_OR);
    if (!joined) continue;
    bt_parser_advance(parser);
    bt_parser_condition(parser);
  }
}

bt_status bt_parser_run(bt_str text, const bt_tokens *tokens, bt_arena *arena, bt_diagnostics *diagnostics,
                        bt_ast_rule *out, bt_error *error) {
  *out = (bt_ast_rule){0};
  bt_parser parser = {.text = text,
                      .tokens = tokens->items,
                      .token_count = tokens->count,
                      .arena = arena,
                      .diagnostics = diagnostics,
                      .reported_at = SIZE_MAX};
  parser.error_node = bt_arena_alloc(arena, sizeof *parser.error_node);
  if (!parser.error_node) return bt_error_no_memory(error);
  bt_parser_annotations(&parser, out);
  bt_clause_kind kind;
  if (bt_parser_at(&parser, BT_TOKEN_END)) {
    bt_parser_expected(&parser, "a rule: clauses as in `when { a } always { b }`, or a condition");
    out->condition = parser.error_node;
  } else if (find_clause(&parser, &kind)) {
    parse_clauses(&parser, out);
  } else {
    parse_bare(&parser, out);
  }
  check_clauses(&parser, out);
  out->is_incomplete = parser.stopped;
  return parser.no_memory ? bt_error_no_memory(error) : BT_OK;
}

const char *bt_vocabulary_clause(size_t i) {
  return i < sizeof clause_words / sizeof clause_words[0] ? clause_words[i] : NULL; /* ends with NULL */
}
