/* The parser of the original project's rule texts. See old_rule.h. Conditions speak of a trace, tests of one span; a
 * name is spans in the first and an attribute in the second. The first error ends it: error.range is set. */
#include "server/import/old_rule.h"

#include <stdio.h>

#include "server/import/old_levels.h"
#include "server/import/old_token.h"

typedef struct parser {
  bt_str text;
  bt_arena *arena;
  const bt_old_token *tokens;
  size_t at, count;
  unsigned depth;
  bt_status status; /* of the first thing that went wrong; from then on nothing is read */
  bt_error *error;
} parser;

typedef bt_old_node node;

static const struct {
  const char *text;
  bt_old_operator op;
} operators[] = {
    {"==", BT_OLD_EQUAL},        {"!=", BT_OLD_NOT_EQUAL},     {"<", BT_OLD_LESS}, {"<=", BT_OLD_LESS_EQUAL},
    {">", BT_OLD_GREATER},       {">=", BT_OLD_GREATER_EQUAL}, {"in", BT_OLD_IN},  {"not in", BT_OLD_NOT_IN},
    {"matches", BT_OLD_MATCHES}, {"contains", BT_OLD_CONTAINS}};

const char *bt_old_operator_text(bt_old_operator op) {
  for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
    if (operators[i].op == op) return operators[i].text;
  return "==";
}

/* ---- tokens ---- */

static const bt_old_token *peek_token(const parser *p, size_t ahead) {
  return &p->tokens[p->at + ahead < p->count ? p->at + ahead : p->count - 1];
}

static bool at_mark(const parser *p, size_t ahead, char mark) {
  const bt_old_token *token = peek_token(p, ahead);
  return token->kind == BT_OLD_TOKEN_MARK && token->text.ptr[0] == mark;
}

static bool at_word(const parser *p, size_t ahead, const char *word) {
  const bt_old_token *token = peek_token(p, ahead);
  return token->kind == BT_OLD_TOKEN_PATH && bt_str_equal(token->text, bt_str_from(word));
}

static void skip_token(parser *p) {
  if (p->at + 1 < p->count) p->at++;
}

static void *fail_memory(parser *p) {
  if (!p->status) p->status = bt_error_no_memory(p->error);
  return NULL;
}

static node *refuse_token(parser *p, const char *expected) {
  const bt_old_token *token = peek_token(p, 0);
  bt_str found = {p->text.ptr + token->range.start, token->range.end - token->range.start};
  if (p->status) return NULL;
  p->status = found.len ? bt_error_set(p->error, BT_INVALID, "expected %s, found `%.*s`", expected,
                                       found.len < 60 ? (int)found.len : 60, found.ptr)
                        : bt_error_set(p->error, BT_INVALID, "expected %s, found the end of the text", expected);
  if (p->error) p->error->range = token->range;
  return NULL;
}

static bool expect_mark(parser *p, char mark) {
  const char said[] = {'`', mark, '`', '\0'};
  bool is_there = !p->status && at_mark(p, 0, mark);
  if (is_there)
    skip_token(p);
  else
    refuse_token(p, said);
  return is_there;
}

static bool enter_level(parser *p) {
  if (p->status) return false;
  if (++p->depth <= BT_OLD_MAX_DEPTH) return true;
  refuse_token(p, "parentheses at most 64 deep");
  return false;
}

static uint32_t last_end(const parser *p) {
  return p->at ? p->tokens[p->at - 1].range.end : 0;
}

/* ---- nodes ---- */

static node *make_node(parser *p, bt_old_kind kind, bt_str text) {
  if (p->status) return NULL;
  node *made = bt_arena_alloc(p->arena, sizeof *made);
  if (!made) return fail_memory(p);
  made->kind = kind;
  made->text = text;
  made->range = peek_token(p, 0)->range;
  return made;
}

/* Both may be NULL, after an error. */
static void add_item(node *parent, node *item) {
  if (!parent || !item) return;
  if (parent->last)
    parent->last->next = item;
  else
    parent->first = item;
  parent->last = item;
}

/* A node of the token that is next, which is taken. */
static node *take_node(parser *p, bt_old_kind kind) {
  node *made = make_node(p, kind, peek_token(p, 0)->text);
  skip_token(p);
  return made;
}

static node *end_node(const parser *p, node *made) {
  if (made) made->range.end = last_end(p);
  return made;
}

static node *parse_condition(parser *p);
static node *parse_test(parser *p);

typedef node *(*parse_part)(parser *p);

/* `part word part …`: one part is itself, more are a node. */
static node *parse_joined(parser *p, bt_old_kind kind, const char *word, parse_part part) {
  bt_range start = peek_token(p, 0)->range;
  node *first = part(p), *joined = NULL;
  while (!p->status && at_word(p, 0, word)) {
    if (!joined) {
      joined = make_node(p, kind, (bt_str){0});
      add_item(joined, first);
    }
    skip_token(p);
    add_item(joined, part(p));
  }
  if (!joined) return first;
  joined->range.start = start.start;
  return end_node(p, joined);
}

static node *parse_negated(parser *p, parse_part inner) {
  node *negation = take_node(p, BT_OLD_NOT);
  if (!enter_level(p)) return NULL;
  add_item(negation, inner(p));
  p->depth--;
  return end_node(p, negation);
}

static node *parse_parenthesised(parser *p, parse_part inner) {
  if (!enter_level(p)) return NULL;
  skip_token(p);
  node *made = inner(p);
  expect_mark(p, ')');
  p->depth--;
  if (made) made->is_quoted = made->is_quoted || (made->kind != BT_OLD_SPANS && made->kind != BT_OLD_FIELD);
  return made;
}

/* ---- values ---- */

static bool accept_operator(parser *p, bt_old_operator *op) {
  const bt_old_token *token = peek_token(p, 0);
  if (p->status || (token->kind != BT_OLD_TOKEN_OPERATOR && token->kind != BT_OLD_TOKEN_PATH)) return false;
  if (at_word(p, 0, "not") && at_word(p, 1, "in")) {
    *op = BT_OLD_NOT_IN;
    skip_token(p);
    skip_token(p);
    return true;
  }
  for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
    if (bt_str_equal(token->text, bt_str_from(operators[i].text))) {
      *op = operators[i].op;
      skip_token(p);
      return true;
    }
  return false;
}

static node *parse_count(parser *p);

static bool at_count(const parser *p) {
  return (at_word(p, 0, "count") || at_word(p, 0, "trace.count")) && at_mark(p, 1, '(');
}

static node *parse_scalar(parser *p) {
  switch (peek_token(p, 0)->kind) {
  case BT_OLD_TOKEN_STRING: return take_node(p, BT_OLD_STRING);
  case BT_OLD_TOKEN_NUMBER: return take_node(p, BT_OLD_NUMBER);
  case BT_OLD_TOKEN_DURATION: return take_node(p, BT_OLD_DURATION);
  case BT_OLD_TOKEN_PATH:
    return take_node(p, at_word(p, 0, "true") || at_word(p, 0, "false") ? BT_OLD_BOOL : BT_OLD_WORD);
  case BT_OLD_TOKEN_END:
  case BT_OLD_TOKEN_OPERATOR:
  case BT_OLD_TOKEN_MARK: break;
  }
  return refuse_token(p, "a value: a number, a string, true, false or a word");
}

static node *parse_list(parser *p) {
  node *list = make_node(p, BT_OLD_LIST, (bt_str){0});
  skip_token(p);
  for (bool goes_on = !at_mark(p, 0, ']'); goes_on && !p->status;) {
    add_item(list, parse_scalar(p));
    goes_on = at_mark(p, 0, ',');
    if (goes_on) skip_token(p);
  }
  expect_mark(p, ']');
  return end_node(p, list);
}

static node *parse_span_field(parser *p);

static node *parse_value(parser *p) {
  if (at_mark(p, 0, '[')) return parse_list(p);
  if (at_count(p)) return parse_count(p);
  if (peek_token(p, 0)->kind == BT_OLD_TOKEN_PATH && bt_str_starts_with(peek_token(p, 0)->text, BT_STR("span.")))
    return parse_span_field(p);
  return parse_scalar(p);
}

/* `left op value`; `left` alone where no operator follows. */
static node *parse_comparison(parser *p, node *left) {
  bt_old_operator op;
  if (!left || !accept_operator(p, &op)) return left;
  node *made = make_node(p, BT_OLD_COMPARE, (bt_str){0});
  if (!made) return NULL;
  made->op = op;
  made->range.start = left->range.start;
  add_item(made, left);
  add_item(made, parse_value(p));
  return end_node(p, made);
}

/* ---- tests on a span ---- */

static bool at_span_path(const parser *p) {
  return peek_token(p, 0)->kind == BT_OLD_TOKEN_PATH && bt_str_starts_with(peek_token(p, 0)->text, BT_STR("span."));
}

/* `span.name`, `span.attributes["k"]`, `span.attributes.k`. */
static node *parse_span_field(parser *p) {
  static const bt_str attributes = {"span.attributes.", 16};
  node *made = take_node(p, BT_OLD_SPAN_FIELD);
  if (!made) return NULL;
  if (bt_str_equal(made->text, BT_STR("span.attributes")) && at_mark(p, 0, '[')) {
    skip_token(p);
    made->kind = BT_OLD_SPAN_KEY;
    made->text = peek_token(p, 0)->text;
    if (peek_token(p, 0)->kind != BT_OLD_TOKEN_STRING) return refuse_token(p, "an attribute's key in quotes");
    skip_token(p);
    expect_mark(p, ']');
  } else if (bt_str_starts_with(made->text, attributes)) {
    made->kind = BT_OLD_SPAN_KEY;
    made->text = (bt_str){made->text.ptr + attributes.len, made->text.len - attributes.len};
  } else {
    made->text = (bt_str){made->text.ptr + 5, made->text.len - 5};
  }
  return end_node(p, made);
}

static bool is_keyword(bt_str word) {
  static const char *const words[] = {"and", "or", "not", "in", "matches", "contains", "where"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (bt_str_equal(word, bt_str_from(words[i]))) return true;
  return false;
}

static node *parse_field(parser *p) {
  const bt_old_token *token = peek_token(p, 0);
  if (at_span_path(p)) return parse_span_field(p);
  if (token->kind != BT_OLD_TOKEN_STRING && (token->kind != BT_OLD_TOKEN_PATH || is_keyword(token->text)))
    return refuse_token(p, "an attribute's name");
  if (token->kind == BT_OLD_TOKEN_STRING && at_word(p, 1, "in") && peek_token(p, 2)->kind == BT_OLD_TOKEN_PATH)
    return take_node(p, BT_OLD_STRING); /* "x" in span.attributes["k"] */
  node *made = take_node(p, BT_OLD_FIELD);
  if (made) made->is_quoted = token->kind == BT_OLD_TOKEN_STRING;
  return made;
}

static node *parse_one_test(parser *p) {
  if (p->status) return NULL;
  if (at_word(p, 0, "not")) return parse_negated(p, parse_one_test);
  if (at_mark(p, 0, '(')) return parse_parenthesised(p, parse_test);
  if (at_word(p, 0, "true") || at_word(p, 0, "false")) return take_node(p, BT_OLD_BOOL);
  return parse_comparison(p, parse_field(p));
}

static node *parse_tests(parser *p) {
  return parse_joined(p, BT_OLD_AND, "and", parse_one_test);
}

static node *parse_test(parser *p) {
  return parse_joined(p, BT_OLD_OR, "or", parse_tests);
}

/* ---- conditions on a trace ---- */

/* `.where(test)`, as often as it stands there. In a path the last segment is taken for it by the caller. */
static void parse_wheres(parser *p, node *spans, bool first_is_taken) {
  while (!p->status && (first_is_taken || (at_mark(p, 0, '.') && at_word(p, 1, "where") && at_mark(p, 2, '(')))) {
    if (!first_is_taken) skip_token(p), skip_token(p);
    first_is_taken = false;
    if (!expect_mark(p, '(')) return;
    add_item(spans, parse_test(p));
    expect_mark(p, ')');
  }
  end_node(p, spans);
}

/* "charge.where" before a parenthesis is "charge" and its first filter. */
static bool split_where(bt_str *path) {
  if (!bt_str_ends_with(*path, BT_STR(".where"))) return false;
  path->len -= 6;
  return path->len > 0;
}

static node *parse_spans(parser *p) {
  bool is_quoted = peek_token(p, 0)->kind == BT_OLD_TOKEN_STRING;
  if (!is_quoted && (peek_token(p, 0)->kind != BT_OLD_TOKEN_PATH || is_keyword(peek_token(p, 0)->text)))
    return refuse_token(p, "the name of a span");
  node *spans = take_node(p, BT_OLD_SPANS);
  if (!spans) return NULL;
  spans->is_quoted = is_quoted;
  parse_wheres(p, spans, !is_quoted && at_mark(p, 0, '(') && split_where(&spans->text));
  return spans;
}

/* What may stand in trace.has( ), has_before( , ) and count( ): a name, or a test. */
static node *parse_operand(parser *p) {
  bool is_name = peek_token(p, 0)->kind == BT_OLD_TOKEN_PATH || peek_token(p, 0)->kind == BT_OLD_TOKEN_STRING;
  bool is_lone = is_name && !at_span_path(p) && !at_word(p, 0, "not");
  bool ends = at_mark(p, 1, ')') || at_mark(p, 1, ',') || (at_mark(p, 1, '.') && at_word(p, 2, "where")) ||
              (at_mark(p, 1, '(') && bt_str_ends_with(peek_token(p, 0)->text, BT_STR(".where")));
  return is_lone && ends ? parse_spans(p) : parse_test(p);
}

static node *parse_count(parser *p) {
  node *count = take_node(p, BT_OLD_COUNT);
  if (!enter_level(p)) return NULL;
  expect_mark(p, '(');
  add_item(count, parse_operand(p));
  expect_mark(p, ')');
  p->depth--;
  if (count && count->first && count->first->kind == BT_OLD_SPANS) parse_wheres(p, count->first, false);
  return end_node(p, count);
}

static node *parse_has(parser *p) {
  uint32_t start = peek_token(p, 0)->range.start;
  skip_token(p);
  if (!enter_level(p) || !expect_mark(p, '(')) return NULL;
  node *inner = parse_operand(p), *made = inner;
  if (inner && inner->kind != BT_OLD_SPANS) {
    made = make_node(p, BT_OLD_HAS, (bt_str){0});
    add_item(made, inner);
  }
  expect_mark(p, ')');
  p->depth--;
  parse_wheres(p, made, false);
  if (made) made->range.start = start;
  return made;
}

static node *parse_order(parser *p) {
  node *order = take_node(p, BT_OLD_ORDER);
  if (!order || !enter_level(p) || !expect_mark(p, '(')) return NULL;
  order->text = (bt_str){order->text.ptr + 6, order->text.len - 6}; /* without "trace." */
  add_item(order, parse_operand(p));
  expect_mark(p, ',');
  add_item(order, parse_operand(p));
  expect_mark(p, ')');
  p->depth--;
  return end_node(p, order);
}

static node *parse_counted(parser *p) {
  node *count = parse_count(p), *made = parse_comparison(p, count);
  return made == count ? refuse_token(p, "a comparison with the count, as in count(retry) > 3") : made;
}

static node *parse_one_condition(parser *p) {
  if (p->status) return NULL;
  if (at_word(p, 0, "not")) return parse_negated(p, parse_one_condition);
  if (at_mark(p, 0, '(')) return parse_parenthesised(p, parse_condition);
  if (at_word(p, 0, "true") || at_word(p, 0, "false")) return take_node(p, BT_OLD_BOOL);
  if (at_count(p)) return parse_counted(p);
  if (at_word(p, 0, "trace.has") && at_mark(p, 1, '(')) return parse_has(p);
  if ((at_word(p, 0, "trace.has_before") || at_word(p, 0, "trace.has_after")) && at_mark(p, 1, '('))
    return parse_order(p);
  bool is_in_text = peek_token(p, 0)->kind == BT_OLD_TOKEN_STRING && at_word(p, 1, "in"); /* "x" in span.name */
  return parse_comparison(p, at_span_path(p) || is_in_text ? parse_field(p) : parse_spans(p));
}

static node *parse_conditions(parser *p) {
  return parse_joined(p, BT_OLD_AND, "and", parse_one_condition);
}

static node *parse_condition(parser *p) {
  return parse_joined(p, BT_OLD_OR, "or", parse_conditions);
}

/* ---- rules ---- */

static void skip_annotation(parser *p) {
  unsigned open = 0;
  skip_token(p);
  if (peek_token(p, 0)->kind != BT_OLD_TOKEN_PATH) refuse_token(p, "an annotation's name behind @");
  skip_token(p);
  if (!at_mark(p, 0, '(')) return;
  do {
    open += at_mark(p, 0, '(');
    open -= at_mark(p, 0, ')');
    if (peek_token(p, 0)->kind == BT_OLD_TOKEN_END) refuse_token(p, "`)` at the end of the annotation");
    skip_token(p);
  } while (open && !p->status);
}

static void parse_annotations(parser *p, bt_old_rule *rule) {
  uint32_t start = peek_token(p, 0)->range.start;
  while (!p->status && at_mark(p, 0, '@')) skip_annotation(p);
  if (p->at && !p->status) rule->annotations = (bt_str){p->text.ptr + start, last_end(p) - start};
}

static node **clause_at(const parser *p, bt_old_rule *rule) {
  if (!at_mark(p, 1, '{')) return NULL;
  if (at_word(p, 0, "when")) return &rule->when;
  if (at_word(p, 0, "always")) return &rule->always;
  return at_word(p, 0, "never") ? &rule->never : NULL;
}

static void parse_clauses(parser *p, bt_old_rule *rule) {
  node **clause;
  while (!p->status && (clause = clause_at(p, rule))) {
    if (*clause) {
      refuse_token(p, "each clause once");
      return;
    }
    skip_token(p);
    skip_token(p);
    *clause = parse_condition(p);
    expect_mark(p, '}');
  }
  if (!rule->always && !rule->never) refuse_token(p, "an always { } or a never { } behind when { }");
}

bt_status bt_old_rule_parse(bt_str text, bt_arena *arena, bt_old_rule *out, bt_error *error) {
  parser p = {.text = text, .arena = arena, .error = error};
  bt_old_token *tokens = NULL;
  *out = (bt_old_rule){0};
  if (text.len > BT_OLD_MAX_TEXT)
    return bt_error_set(error, BT_INVALID, "expected at most 64 KiB of text, got %zu bytes", text.len);
  bt_status status = bt_old_tokens(text, arena, &tokens, &p.count, error);
  if (status) return status;
  p.tokens = tokens;
  parse_annotations(&p, out);
  if (clause_at(&p, out))
    parse_clauses(&p, out);
  else
    out->condition = parse_condition(&p);
  if (!p.status && peek_token(&p, 0)->kind != BT_OLD_TOKEN_END) refuse_token(&p, "and, or, or the end of the rule");
  return p.status ? p.status : bt_old_levels_check(out, error);
}
