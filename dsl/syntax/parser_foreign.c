/* What people write who know SQL, TraceQL, PromQL or another rule language. Only what can be meant in one way has a
 * fix. See parser.h. */
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/parser.h"
#include "dsl/syntax/vocabulary.h"

typedef struct word_row {
  const char *word, *meaning;
} word_row;

static const char *find_meaning(const word_row *rows, bt_str word) {
  for (; rows->word; rows++)
    if (bt_str_equal_nocase(word, bt_str_from(rows->word))) return rows->meaning;
  return NULL;
}

const char *bt_foreign_clause(bt_str word) {
  static const word_row rows[] = {{"then", "always"},     {"must", "always"},     {"require", "always"},
                                  {"requires", "always"}, {"ensure", "always"},   {"expect", "always"},
                                  {"if", "when"},         {"given", "when"},      {"whenever", "when"},
                                  {"forbid", "never"},    {"forbidden", "never"}, {NULL, NULL}};
  return find_meaning(rows, word);
}

const char *bt_foreign_function(bt_str name) {
  static const word_row rows[] = {{"cnt", "count"},   {"mean", "avg"},  {"average", "avg"},   {"minimum", "min"},
                                  {"maximum", "max"}, {"total", "sum"}, {"has", "trace.has"}, {"earliest", "first"},
                                  {"latest", "last"}, {NULL, NULL}};
  return bt_str_ends_with(name, BT_STR(".has")) ? "trace.has" : find_meaning(rows, name);
}

/* What this language has nothing for. */
static const char over_many[] =
    "a rule is about one trace, and metrics count over many traces (" BT_NOT_SAID "#numbers-over-many-traces)";
static const char of_share[] =
    "what holds of a share of the spans is said with two counts (" BT_NOT_SAID "#percentiles)";
static const char of_text[] =
    "texts are tested with contains, starts_with, ends_with and matches (" BT_NOT_SAID "#texts-that-are-made)";
static const char of_inside[] = "an attribute is asked as a whole (" BT_NOT_SAID "#values-inside-texts-and-maps)";
static const char of_clock[] = "the range that is asked says which time is meant (" BT_NOT_SAID "#the-time-of-day)";
static const char of_order[] = "the last of several spans before another one is last(spans before point)";
static const char of_values[] = "how many different values spans have is said with count_distinct(spans, field)";

static const word_row advice[] = {{"rate", over_many},
                                  {"irate", over_many},
                                  {"increase", over_many},
                                  {"delta", over_many},
                                  {"count_over_time", over_many},
                                  {"sum_over_time", over_many},
                                  {"quantile_over_time", over_many},
                                  {"histogram_quantile", over_many},
                                  {"histogram_over_time", over_many},
                                  {"quantile", of_share},
                                  {"percentile", of_share},
                                  {"p50", of_share},
                                  {"p90", of_share},
                                  {"p95", of_share},
                                  {"p99", of_share},
                                  {"median", of_share},
                                  {"stddev", of_share},
                                  {"json", of_inside},
                                  {"parse_json", of_inside},
                                  {"jsonpath", of_inside},
                                  {"json_extract", of_inside},
                                  {"keys", of_inside},
                                  {"now", of_clock},
                                  {"hour", of_clock},
                                  {"day", of_clock},
                                  {"weekday", of_clock},
                                  {"length", of_text},
                                  {"len", of_text},
                                  {"size", of_text},
                                  {"lower", of_text},
                                  {"upper", of_text},
                                  {"tolower", of_text},
                                  {"toupper", of_text},
                                  {"lowercase", of_text},
                                  {"uppercase", of_text},
                                  {"trim", of_text},
                                  {"substring", of_text},
                                  {"concat", of_text},
                                  {"regex", of_text},
                                  {"previous", of_order},
                                  {"distinct", of_values},
                                  {"unique", of_values},
                                  {"uniq", of_values},
                                  {"prev", of_order},
                                  {"abs", "a number is compared as it is"},
                                  {"round", "a number is compared as it is"},
                                  {"floor", "a number is compared as it is"},
                                  {"coalesce", "whether a field is there is asked with exists(field)"},
                                  {"isnull", "whether a field is there is asked with exists(field)"},
                                  {"all", "that all spans pass a test is said with every(spans, test)"},
                                  {NULL, NULL}};

const char *bt_foreign_advice(bt_str name) {
  return find_meaning(advice, name);
}

static bool means_nothing(bt_str word) {
  static const word_row rows[] = {{"null", ""}, {"nil", ""}, {"none", ""}, {"undefined", ""}, {NULL, NULL}};
  return find_meaning(rows, word) != NULL;
}

typedef struct operator_row {
  const char *word, *written;
  bt_comparison_operator op;
} operator_row;

static const operator_row *find_operator(bt_str word) {
  static const operator_row rows[] = {
      {"is", "==", BT_EQUAL},
      {"eq", "==", BT_EQUAL},
      {"equal", "==", BT_EQUAL},
      {"equals", "==", BT_EQUAL},
      {"ne", "!=", BT_NOT_EQUAL},
      {"gt", ">", BT_GREATER},
      {"ge", ">=", BT_GREATER_EQUAL},
      {"gte", ">=", BT_GREATER_EQUAL},
      {"lt", "<", BT_LESS},
      {"le", "<=", BT_LESS_EQUAL},
      {"lte", "<=", BT_LESS_EQUAL},
      {"regex", "matches", BT_MATCHES},
      {"has", "contains", BT_CONTAINS},
      {"includes", "contains", BT_CONTAINS},
      {"startswith", "starts_with", BT_STARTS_WITH},
      {"endswith", "ends_with", BT_ENDS_WITH},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (bt_str_equal_nocase(word, bt_str_from(rows[i].word))) return &rows[i];
  return NULL;
}

static void report_operator(bt_parser *parser, bt_range range, const char *meant) {
  bt_diagnostic *added =
      bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, range,
                         "unknown operator `%.*s`: did you mean %s?", BT_FMT(bt_parser_source(parser, range)), meant);
  bt_diagnostics_set_fix(parser->diagnostics, added, range, bt_str_from(meant));
}

/* The operator that a LIKE with this pattern is, and the text without its wildcards; NULL: none is. */
static const char *operator_of_like(bt_str *pattern) {
  if (!pattern->len) return NULL;
  bool front = bt_str_starts_with(*pattern, BT_STR("%"));
  if (front) pattern->ptr++, pattern->len--;
  bool back = bt_str_ends_with(*pattern, BT_STR("%"));
  if (back) pattern->len--;
  for (size_t i = 0; i < pattern->len; i++) {
    char c = pattern->ptr[i];
    if (c == '%' || c == '_' || c == '"' || c == '\\' || (unsigned char)c < 0x20) return NULL;
  }
  if (!pattern->len) return NULL;
  return front ? (back ? "contains" : "ends_with") : back ? "starts_with" : "==";
}

static void report_like(bt_parser *parser) {
  const bt_token *word = bt_parser_peek(parser, 0), *pattern = bt_parser_peek(parser, 1);
  bt_str text = pattern->kind == BT_TOKEN_STRING ? pattern->text : (bt_str){0};
  const char *op = operator_of_like(&text);
  bt_diagnostic *added = bt_diagnostics_add(
      parser->diagnostics, parser->text, BT_E_SYNTAX, word->range,
      "unknown operator `%.*s`: write contains, starts_with or ends_with, or matches with a regex", BT_FMT(word->text));
  if (op)
    bt_diagnostics_format_fix(parser->diagnostics, added, (bt_range){word->range.start, pattern->range.end},
                              "%s \"%.*s\"", op, BT_FMT(text));
}

static bool begins_value(const bt_token *token) {
  return token->kind == BT_TOKEN_PATH || token->kind == BT_TOKEN_STRING || token->kind == BT_TOKEN_INTEGER ||
         token->kind == BT_TOKEN_DECIMAL || token->kind == BT_TOKEN_DURATION || token->kind == BT_TOKEN_MINUS;
}

/* What a test for nothing, `k is null`, has to be depends on where it stands: the checker reports that. */
static bool accept_operator(bt_parser *parser, const operator_row *row, bt_comparison_operator *op, bt_range *range) {
  bool is = bt_parser_at_word(parser, 0, "is"), negates = is && bt_parser_at_word(parser, 1, "not");
  const bt_token *behind = bt_parser_peek(parser, negates ? 2 : 1);
  if (!begins_value(behind)) return false;
  *op = negates ? BT_NOT_EQUAL : row->op;
  *range = bt_parser_peek(parser, 0)->range;
  range->end = bt_parser_peek(parser, negates ? 1 : 0)->range.end;
  bool is_for_nothing = is && behind->kind == BT_TOKEN_PATH && means_nothing(behind->text);
  if (!is_for_nothing) report_operator(parser, *range, negates ? "!=" : row->written);
  bt_parser_advance(parser);
  if (negates) bt_parser_advance(parser);
  return true;
}

bt_ast *bt_parser_foreign_comparison(bt_parser *parser, bt_ast *left) {
  const bt_token *token = bt_parser_peek(parser, 0);
  if (token->kind != BT_TOKEN_PATH || parser->stopped) return left;
  bool is_like = bt_str_equal_nocase(token->text, BT_STR("like")) && begins_value(bt_parser_peek(parser, 1));
  const operator_row *row = find_operator(token->text);
  bt_comparison_operator op = BT_EQUAL;
  bt_range range = {0, 0};
  if (is_like)
    report_like(parser), bt_parser_advance(parser);
  else if (!row || !accept_operator(parser, row, &op, &range))
    return left;
  bt_ast *node = bt_parser_node(parser, is_like ? BT_AST_ERROR : BT_AST_COMPARE, left->outer);
  bt_ast *right = bt_parser_value(parser);
  if (parser->stopped) return node;
  node->op = op;
  node->op_range = range;
  bt_parser_set_items(parser, node, left, right);
  node->range.end = node->outer.end = right->outer.end > left->outer.end ? right->outer.end : left->outer.end;
  return node;
}

static bool is_reserved(bt_str word) {
  for (size_t i = 0; bt_vocabulary_reserved(i); i++)
    if (bt_str_equal(word, bt_str_from(bt_vocabulary_reserved(i)))) return true;
  return false;
}

bool bt_parser_report_two_words(bt_parser *parser, const char *what) {
  const bt_token *token = bt_parser_peek(parser, 0), *before = parser->at ? token - 1 : token;
  bool blank = token->range.start == before->range.end + 1 && parser->text.ptr[before->range.end] == ' ';
  if (parser->tests || !blank || token->kind != BT_TOKEN_PATH || before->kind != BT_TOKEN_PATH || parser->stopped ||
      parser->reported_at == parser->at || is_reserved(token->text) || is_reserved(before->text))
    return false;
  parser->reported_at = parser->at;
  bt_str both = bt_parser_source(parser, (bt_range){before->range.start, token->range.end});
  bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, token->range,
                     "expected %s, found `%.*s`: a name with a blank is written in quotes, as in \"%.*s\"", what,
                     BT_FMT(token->text), BT_FMT(both));
  return true;
}

/* `/cart`: the name of an HTTP route. Where a regex could be meant, or not all of it can be told, there is no fix. */
bool bt_parser_report_route(bt_parser *parser) {
  bt_range range = bt_parser_peek(parser, 0)->range;
  size_t ahead = 0;
  while (bt_parser_peek(parser, ahead)->kind == BT_TOKEN_SLASH &&
         bt_parser_peek(parser, ahead)->range.start == range.end - (ahead ? 0 : 1) &&
         bt_parser_peek(parser, ahead + 1)->kind == BT_TOKEN_PATH &&
         bt_parser_peek(parser, ahead + 1)->range.start == bt_parser_peek(parser, ahead)->range.end) {
    range.end = bt_parser_peek(parser, ahead + 1)->range.end;
    ahead += 2;
  }
  if (!ahead || parser->stopped || parser->reported_at == parser->at || !bt_parser_begins_test(parser, parser->at) ||
      parser->filters)
    return false;
  parser->reported_at = parser->at;
  const bt_token *next = bt_parser_peek(parser, ahead);
  bool is_all = next->range.start > range.end || next->kind == BT_TOKEN_END || next->kind == BT_TOKEN_RIGHT_PAREN ||
                next->kind == BT_TOKEN_RIGHT_BRACE || next->kind == BT_TOKEN_COMMA || next->kind == BT_TOKEN_DOT;
  bt_str name = bt_parser_source(parser, range);
  bt_diagnostic *added = bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, range,
                                            "a name with a slash is written in quotes, as in \"%.*s\"", BT_FMT(name));
  if (is_all) bt_diagnostics_format_fix(parser->diagnostics, added, range, "\"%.*s\"", BT_FMT(name));
  return true;
}

/* What `count(X)` is with the filter inside its parentheses; the call's first argument decides how that is written. */
static void fix_filtered_aggregate(bt_parser *parser, bt_diagnostic *added, const bt_ast *selection) {
  const bt_ast *call = selection->items[0], *spans = call->items[0];
  bool is_name = spans->kind == BT_AST_PATH || spans->kind == BT_AST_STRING;
  bool is_selection =
      spans->kind == BT_AST_SELECTION || (spans->kind == BT_AST_CALL && bt_function_selects(spans->function));
  if ((!is_name && !is_selection) || spans->parenthesised || selection->part_count != 1) return;
  bool related = spans->part_count && spans->parts[spans->part_count - 1].kind == BT_PART_RELATION;
  if (spans->part_count && spans->parts[spans->part_count - 1].kind == BT_PART_AS) return;
  bt_range filter = selection->parts[0].range;
  bt_str head = bt_parser_source(parser, (bt_range){call->range.start, spans->range.end});
  bt_str tail = bt_parser_source(parser, (bt_range){spans->range.end, call->range.end});
  bt_str where = bt_parser_source(parser, filter);
  if (bt_str_starts_with(where, BT_STR("."))) where.ptr++, where.len--;
  bt_diagnostics_format_fix(parser->diagnostics, added, (bt_range){call->range.start, filter.end}, "%.*s%s%.*s%.*s",
                            BT_FMT(head), related ? " " : ".", BT_FMT(where), BT_FMT(tail));
}

bool bt_parser_report_filtered_aggregate(bt_parser *parser, bt_ast *left) {
  if (left->kind != BT_AST_SELECTION || left->items[0]->kind != BT_AST_CALL) return false;
  const bt_ast *call = left->items[0];
  bool is_aggregate = bt_function_row_of(call->function)->class == BT_AGGREGATES;
  if (!is_aggregate || left->parts[0].kind != BT_PART_WHERE || parser->stopped || parser->reported_at == parser->at)
    return false;
  parser->reported_at = parser->at;
  bt_diagnostic *added = bt_diagnostics_add(
      parser->diagnostics, parser->text, BT_E_SYNTAX, left->range,
      "a number has no filter: the spans that %s(…) takes are filtered inside its parentheses, as in %s(x.where(…))",
      bt_function_name(call->function), bt_function_name(call->function));
  fix_filtered_aggregate(parser, added, left);
  left->kind = BT_AST_ERROR;
  return true;
}
