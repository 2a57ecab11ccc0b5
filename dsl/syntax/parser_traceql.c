/* Filters of TraceQL, `{ span.http.method = "GET" }`, where a condition stands: told, and with a fix where this
 * language says the same in one way. See parser.h. */
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/parser.h"

/* What a field of TraceQL without a head is called here; NULL: any other. */
static const char *field_of_traceql(bt_str name) {
  static const char *const rows[][2] = {{"name", "span.name"},
                                        {"status", "span.status"},
                                        {"statusMessage", "span.status_message"},
                                        {"kind", "span.kind"},
                                        {"duration", "span.duration"},
                                        {"rootName", "trace.root.name"},
                                        {"rootServiceName", "trace.root.service"},
                                        {"traceDuration", "trace.duration"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (bt_str_equal(name, bt_str_from(rows[i][0]))) return rows[i][1];
  return NULL;
}

/* Fields of TraceQL that a test on one span has no word for. */
static bool has_no_word(bt_str name) {
  static const char *const words[] = {"childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent", "parent"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (bt_str_equal(bt_path_head(name), bt_str_from(words[i]))) return true;
  return false;
}

bool bt_parser_begins_test(const bt_parser *parser, size_t at) {
  if (!at) return true;
  const bt_token *before = &parser->tokens[at - 1];
  if (before->kind == BT_TOKEN_LEFT_PAREN || before->kind == BT_TOKEN_LEFT_BRACE || before->kind == BT_TOKEN_AND_AND ||
      before->kind == BT_TOKEN_OR_OR || before->kind == BT_TOKEN_BANG)
    return true;
  return before->kind == BT_TOKEN_PATH &&
         (bt_str_equal(before->text, BT_STR("and")) || bt_str_equal(before->text, BT_STR("or")) ||
          bt_str_equal(before->text, BT_STR("not")));
}

bool bt_parser_report_leading_dot(bt_parser *parser) {
  const bt_token *dot = bt_parser_peek(parser, 0), *path = bt_parser_peek(parser, 1);
  if (dot->kind != BT_TOKEN_DOT || path->kind != BT_TOKEN_PATH || path->range.start != dot->range.end) return false;
  if (parser->stopped || parser->reported_at == parser->at) return false;
  parser->reported_at = parser->at;
  bt_diagnostic *added = bt_diagnostics_add(
      parser->diagnostics, parser->text, BT_E_SYNTAX, (bt_range){dot->range.start, path->range.end},
      "an attribute is written without a dot in front: %.*s in a test on a span, as in trace.has(%.*s == …)",
      BT_FMT(path->text), BT_FMT(path->text));
  if (!parser->tests || !bt_parser_begins_test(parser, parser->at)) return true;
  /* In quotes `.name` stays an attribute, also where a fix of the filter around it reads `name` as the span's. */
  if (field_of_traceql(path->text))
    bt_diagnostics_format_fix(parser->diagnostics, added, (bt_range){dot->range.start, path->range.end}, "\"%.*s\"",
                              BT_FMT(path->text));
  else
    bt_diagnostics_set_fix(parser->diagnostics, added, dot->range, BT_STR(""));
  return true;
}

typedef struct filter {
  bt_range whole, inside; /* with its braces, and between them */
  size_t first, end;      /* tokens between them */
  bool is_closed;
} filter;

static void read_filter(bt_parser *parser, filter *f) {
  f->whole = f->inside = bt_parser_peek(parser, 0)->range;
  bt_parser_advance(parser);
  parser->tests++;
  f->first = parser->at;
  bool is_empty = bt_parser_at(parser, BT_TOKEN_RIGHT_BRACE);
  f->inside.start = bt_parser_peek(parser, 0)->range.start;
  if (!is_empty) bt_parser_condition(parser);
  f->inside.end = bt_parser_last_range(parser).end;
  f->end = parser->at;
  parser->tests--;
  f->is_closed = bt_parser_accept(parser, BT_TOKEN_RIGHT_BRACE);
}

/* The filter's test in the words of this language. False: it has none for it. */
static bool write_test(const bt_parser *parser, const filter *f, bt_buffer *out) {
  uint32_t written = f->inside.start;
  if (f->inside.start >= f->inside.end) bt_buffer_append(out, BT_STR("true"));
  for (size_t i = f->first; i < f->end; i++) {
    const bt_token *token = &parser->tokens[i];
    if (token->kind != BT_TOKEN_PATH || !bt_parser_begins_test(parser, i)) continue;
    const char *field = field_of_traceql(token->text);
    if (has_no_word(token->text)) return false;
    if (!field) continue;
    bt_buffer_append(out, bt_parser_source(parser, (bt_range){written, token->range.start}));
    bt_buffer_append(out, bt_str_from(field));
    written = token->range.end;
  }
  if (written < f->inside.end) bt_buffer_append(out, bt_parser_source(parser, (bt_range){written, f->inside.end}));
  return true;
}

/* ` | count()` behind a filter. */
static bool counts_spans(const bt_parser *parser) {
  return bt_parser_at_word(parser, 1, "count") && bt_parser_peek(parser, 2)->kind == BT_TOKEN_LEFT_PAREN &&
         bt_parser_peek(parser, 3)->kind == BT_TOKEN_RIGHT_PAREN;
}

static bool is_sign(const bt_parser *parser) {
  return bt_parser_at(parser, BT_TOKEN_GREATER) || bt_parser_at(parser, BT_TOKEN_LESS);
}

/* `>> { … }`: the signs are next, and they and the filter behind them are read. */
static void report_structure(bt_parser *parser) {
  bt_range signs = bt_parser_peek(parser, 0)->range;
  filter other;
  bt_parser_advance(parser);
  if (is_sign(parser)) {
    signs.end = bt_parser_peek(parser, 0)->range.end;
    bt_parser_advance(parser);
  }
  bt_diagnostics_add(
      parser->diagnostics, parser->text, BT_E_SYNTAX, signs,
      "how spans hang together is written with under, above, child of, parent of and sibling of here, as "
      "in x under (span(…))");
  if (!bt_parser_at(parser, BT_TOKEN_LEFT_BRACE) || !bt_parser_enter(parser)) return;
  read_filter(parser, &other);
  bt_parser_leave(parser);
}

/* The tokens behind the brace are next; what belongs to the filter is read. */
static void report_filter(bt_parser *parser, const filter *f) {
  bt_range whole = f->whole;
  bool is_bar = bt_parser_at(parser, BT_TOKEN_OR_OR) &&
                bt_parser_peek(parser, 0)->range.end == bt_parser_peek(parser, 0)->range.start + 1;
  bool is_counted = is_bar && counts_spans(parser), is_related = is_sign(parser);
  bt_buffer test = {0};
  bt_diagnostic *added = bt_diagnostics_add(
      parser->diagnostics, parser->text, BT_E_SYNTAX, (bt_range){whole.start, whole.start + 1},
      "expected a condition, or when, always or never before the brace: a filter of TraceQL is written trace.has(…) "
      "here, and how many it finds count(…)");
  if (is_counted) {
    whole.end = bt_parser_peek(parser, 3)->range.end;
    for (int i = 0; i < 4; i++) bt_parser_advance(parser);
  }
  bool has_fix = f->is_closed && !is_related && is_bar == is_counted && write_test(parser, f, &test);
  if (test.failed)
    bt_parser_out_of_memory(parser);
  else if (has_fix)
    bt_diagnostics_format_fix(parser->diagnostics, added, whole, is_counted ? "count(%.*s)" : "trace.has(%.*s)",
                              BT_FMT(bt_buffer_str(&test)));
  bt_buffer_dispose(&test);
  if (is_related) report_structure(parser);
}

bt_ast *bt_parser_traceql_filter(bt_parser *parser) {
  filter f;
  if (!bt_parser_enter(parser)) return parser->error_node;
  read_filter(parser, &f);
  bt_parser_leave(parser);
  if (!f.is_closed) bt_parser_recover(parser), bt_parser_accept(parser, BT_TOKEN_RIGHT_BRACE);
  f.whole.end = bt_parser_last_range(parser).end;
  if (!parser->stopped) report_filter(parser, &f);
  return bt_parser_node(parser, BT_AST_ERROR, f.whole);
}
