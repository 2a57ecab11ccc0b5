/* What to say where an operator, an operand or an end was expected: what people mean who know other languages. See
 * parser.h. */
#include <stdio.h>
#include <string.h>

#include "dsl/base/suggestion.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/parser.h"

/* `a and or b`: the second word stands where a condition has to, so it was read as a name. */
static bool report_word_as_name(bt_parser *parser) {
  if (parser->at < 2 || parser->stopped || parser->reported_at == parser->at) return false;
  const bt_token *word = &parser->tokens[parser->at - 1], *before = word - 1;
  bool is_operator = word->kind == BT_TOKEN_PATH &&
                     (bt_str_equal(word->text, BT_STR("and")) || bt_str_equal(word->text, BT_STR("or")));
  bool is_behind_operator = before->kind == BT_TOKEN_AND_AND || before->kind == BT_TOKEN_OR_OR ||
                            (before->kind == BT_TOKEN_PATH &&
                             (bt_str_equal(before->text, BT_STR("and")) || bt_str_equal(before->text, BT_STR("or"))));
  if (!is_operator || !is_behind_operator) return false;
  parser->reported_at = parser->at;
  bt_diagnostic *added = bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, word->range,
                                            "expected a condition between two operators, found `%.*s`: write one of "
                                            "them, or quote it if a span has this name",
                                            BT_FMT(word->text));
  bt_range both = {word->range.start, parser->tokens[parser->at].range.start};
  bt_diagnostics_set_fix(parser->diagnostics, added, both, BT_STR(""));
  return true;
}

/* `if checkout …`: a rule of another language. */
static bool report_if(bt_parser *parser) {
  if (parser->at != 1 || parser->stopped || parser->reported_at == parser->at) return false;
  const bt_token *word = &parser->tokens[0];
  if (word->kind != BT_TOKEN_PATH || !bt_str_equal_nocase(word->text, BT_STR("if"))) return false;
  parser->reported_at = parser->at;
  bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, word->range,
                     "a rule is written when { … } always { … } or when { … } never { … }, and begins with when");
  return true;
}

void bt_parser_expected_operator(bt_parser *parser, const char *what) {
  static const char *const words[] = {"and",       "or",      "in",       "as",    "contains", "starts_with",
                                      "ends_with", "matches", "before",   "after", "within",   "between",
                                      "under",     "above",   "child of", "where", NULL};
  if (report_word_as_name(parser) || report_if(parser)) return;
  const bt_token *token = bt_parser_peek(parser, 0);
  bool is_word = token->kind == BT_TOKEN_PATH && token->text.len > 2;
  const char *nearest = is_word ? bt_suggest_nearest(token->text, words) : NULL;
  if (!nearest && bt_parser_report_two_words(parser, what)) return;
  bt_diagnostic *added = bt_parser_expected(parser, what);
  if (!nearest || bt_str_equal(token->text, bt_str_from(nearest))) return;
  if (added) bt_diagnostics_set_fix(parser->diagnostics, added, token->range, bt_str_from(nearest));
}

/* `=>`, `=<` and `===`: a comparison as others write it. */
static const char *other_languages_operator(const bt_token *first, const bt_token *second) {
  if (first->range.end != second->range.start) return NULL;
  if (first->kind != BT_TOKEN_EQUAL) return NULL;
  if (second->kind == BT_TOKEN_GREATER) return ">=";
  if (second->kind == BT_TOKEN_LESS) return "<=";
  return second->kind == BT_TOKEN_EQUAL ? "==" : NULL;
}

/* `> 5` alone: what is compared is missing. */
static const char *operand_before(const bt_parser *parser, const bt_token *token) {
  bool is_comparison = token->kind >= BT_TOKEN_EQUAL && token->kind <= BT_TOKEN_GREATER_EQUAL;
  if (parser->at || !is_comparison) return "a condition or a value";
  return "what is compared before the operator, as in trace.has(span.duration > 5s) or count(checkout) > 5";
}

void bt_parser_expected_operand(bt_parser *parser) {
  const bt_token *token = bt_parser_peek(parser, 0), *before = parser->at ? &parser->tokens[parser->at - 1] : token;
  const char *meant = parser->at ? other_languages_operator(before, token) : NULL;
  bt_range both = {before->range.start, token->range.end};
  if (!meant || parser->stopped || parser->reported_at == parser->at) {
    bt_parser_expected(parser, operand_before(parser, token));
    return;
  }
  parser->reported_at = parser->at;
  bt_diagnostic *added =
      bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, both,
                         "unknown operator `%.*s`: did you mean %s?", BT_FMT(bt_parser_source(parser, both)), meant);
  bt_diagnostics_set_fix(parser->diagnostics, added, both, bt_str_from(meant));
}

void bt_parser_expected_end(bt_parser *parser) {
  bt_token_kind kind = bt_parser_peek(parser, 0)->kind;
  bt_range range = bt_parser_peek(parser, 0)->range;
  bool closes = kind == BT_TOKEN_RIGHT_PAREN || kind == BT_TOKEN_RIGHT_BRACE || kind == BT_TOKEN_RIGHT_BRACKET;
  if (!closes || parser->stopped || parser->reported_at == parser->at) {
    bt_parser_expected_operator(parser, "and, or, a comparison, a relation as in `after x`, or the end of the text");
    return;
  }
  parser->reported_at = parser->at;
  bt_diagnostic *added =
      bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, range,
                         "nothing is open that this `%.*s` closes", BT_FMT(bt_parser_source(parser, range)));
  bt_diagnostics_set_fix(parser->diagnostics, added, range, BT_STR(""));
}

bool bt_parser_call_has(const bt_parser *parser, bool (*wanted)(const bt_token *token)) {
  size_t depth = 0;
  for (size_t ahead = 1; bt_parser_peek(parser, ahead)->kind != BT_TOKEN_END; ahead++) {
    bt_token_kind kind = bt_parser_peek(parser, ahead)->kind;
    if (kind == BT_TOKEN_LEFT_PAREN || kind == BT_TOKEN_LEFT_BRACKET || kind == BT_TOKEN_LEFT_BRACE) depth++;
    if (kind == BT_TOKEN_RIGHT_PAREN || kind == BT_TOKEN_RIGHT_BRACKET || kind == BT_TOKEN_RIGHT_BRACE) depth--;
    if (depth == 0) return false;
    if (depth == 1 && wanted(bt_parser_peek(parser, ahead))) return true;
  }
  return false;
}

/* ---- `first(a).amount > 5` ---- */

/* How many tokens a comparison operator has here, 0: there is none. */
static size_t operator_length(const bt_parser *parser, size_t at) {
  static const char *const words[] = {"contains", "starts_with", "ends_with", "matches"};
  bt_token_kind kind = bt_parser_peek(parser, at)->kind;
  if (kind >= BT_TOKEN_EQUAL && kind <= BT_TOKEN_NOT_MATCHES_WHOLE) return 1;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (bt_parser_at_word(parser, at, words[i])) return 1;
  return 0;
}

/* One token, or a number behind its minus. */
static size_t value_length(const bt_parser *parser, size_t at) {
  size_t length = bt_parser_peek(parser, at)->kind == BT_TOKEN_MINUS ? 2 : 1;
  bt_token_kind kind = bt_parser_peek(parser, at + length - 1)->kind;
  bool is_number = kind == BT_TOKEN_INTEGER || kind == BT_TOKEN_DECIMAL || kind == BT_TOKEN_DURATION;
  return is_number || (length == 1 && (kind == BT_TOKEN_STRING || kind == BT_TOKEN_PATH)) ? length : 0;
}

/* It would not end there. */
static bool goes_on(bt_token_kind kind) {
  return kind == BT_TOKEN_DOT || kind == BT_TOKEN_LEFT_PAREN || kind == BT_TOKEN_LEFT_BRACKET ||
         (kind >= BT_TOKEN_PLUS && kind <= BT_TOKEN_SLASH);
}

static bool selects_spans(const bt_ast *base) {
  return base->kind == BT_AST_STRING || (base->kind == BT_AST_CALL && bt_function_selects(base->function));
}

bool bt_parser_report_compared_spans(bt_parser *parser, const bt_ast *base) {
  const bt_token *key = bt_parser_peek(parser, 1);
  bool is_point = bt_str_equal(key->text, BT_STR("start")) || bt_str_equal(key->text, BT_STR("end"));
  if (key->kind != BT_TOKEN_PATH || is_point || !selects_spans(base) || parser->stopped) return false;
  size_t sign = operator_length(parser, 2), value = sign ? value_length(parser, 2 + sign) : 0;
  if (!value || goes_on(bt_parser_peek(parser, 2 + sign + value)->kind)) return false;
  bt_range dot = bt_parser_peek(parser, 0)->range, last = bt_parser_peek(parser, 1 + sign + value)->range;
  bt_str test = bt_parser_source(parser, (bt_range){key->range.start, last.end});
  parser->reported_at = parser->at;
  bt_diagnostic *added = bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, key->range,
                                            "expected `where(` behind this dot: what spans have is tested in a "
                                            "filter, as in .where(%.*s)",
                                            BT_FMT(test));
  bt_diagnostics_format_fix(parser->diagnostics, added, (bt_range){dot.start, last.end}, ".where(%.*s)", BT_FMT(test));
  bt_parser_recover(parser);
  return true;
}

/* ---- `gen_ai.prompt.0.role == "user"` ---- */

/* The end of what is written without a blank behind a path: a dot, and words, numbers and stars; `at`: the dot. */
static uint32_t end_of_key(const bt_parser *parser, size_t at) {
  uint32_t end = bt_parser_peek(parser, at)->range.start;
  for (;; at++) {
    const bt_token *token = bt_parser_peek(parser, at);
    bool is_of_key = token->kind == BT_TOKEN_DOT || token->kind == BT_TOKEN_PATH || token->kind == BT_TOKEN_INTEGER ||
                     token->kind == BT_TOKEN_DECIMAL || token->kind == BT_TOKEN_STAR;
    if (!is_of_key || token->range.start != end) return end;
    end = token->range.end;
  }
}

/* Names of its own may stand before a key: those of bindings, which are not known here. */
static bool may_be_bound(const bt_parser *parser, bt_str head) {
  bt_str text = parser->text;
  for (size_t i = 3; i + head.len <= text.len; i++)
    if (memcmp(text.ptr + i - 3, "as ", 3) == 0 && memcmp(text.ptr + i, head.ptr, head.len) == 0) return true;
  return false;
}

static bool owns_attributes(bt_str head) {
  static const char *const owners[] = {"span", "resource", "scope", "event", "link"};
  for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
    if (bt_str_equal(head, bt_str_from(owners[i]))) return true;
  return false;
}

static const char *about_star(bt_str key) {
  bool has_star = memchr(key.ptr, '*', key.len) != NULL;
  return has_star ? ", and no key is a pattern (" BT_NOT_SAID "#keys-by-pattern)" : "";
}

bool bt_parser_report_unquoted_key(bt_parser *parser, const bt_ast *base) {
  bt_token_kind next = bt_parser_peek(parser, 1)->kind;
  bool is_number = next == BT_TOKEN_INTEGER || next == BT_TOKEN_DECIMAL;
  if (!parser->tests || base->kind != BT_AST_PATH || parser->stopped || (!is_number && next != BT_TOKEN_STAR))
    return false;
  bt_range key = {base->range.start, end_of_key(parser, 0)};
  bt_str text = bt_parser_source(parser, key), head = bt_path_head(base->text);
  bool is_bound = may_be_bound(parser, head);
  bool is_owned = bt_path_rest(base->text).len && (is_bound || owns_attributes(head));
  bt_str rest = is_owned ? (bt_str){text.ptr + head.len + 1, text.len - head.len - 1} : text;
  char before[80] = "";
  if (is_owned) snprintf(before, sizeof before, "%.*s.attributes[", (int)(head.len < 60 ? head.len : 60), head.ptr);
  const char *behind = is_owned ? "]" : "";
  parser->reported_at = parser->at;
  bt_diagnostic *added = bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, key,
                                            "a key that has more than words and dots is written in quotes, as in "
                                            "%s\"%.*s\"%s%s",
                                            before, BT_FMT(rest), behind, about_star(rest));
  if (!is_bound)
    bt_diagnostics_format_fix(parser->diagnostics, added, key, "%s\"%.*s\"%s", before, BT_FMT(rest), behind);
  bt_parser_recover(parser);
  return true;
}
