/* From the text of an expression to its tree. Precedence is PromQL's. From the loosest on, levels are or, then and
 * with unless, then comparisons, sums, products, a sign, and at last powers, which group to the right. See promql.h. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/text_number.h"
#include "server/backtest/promql.h"
#include "server/backtest/promql_eval.h"
#include "server/backtest/promql_lexer.h"

enum { MOST_DEPTH = 100, MOST_NAMES = 64, MOST_MATCHERS = 32 };

typedef struct parser {
  bt_str text;
  bt_arena *arena;
  bt_promql_token token; /* the next one */
  size_t at;             /* behind it */
  unsigned depth;
  bt_error *error;
  bt_status status;
} parser;

/* ---- words ---- */

__attribute__((format(printf, 3, 4))) static bt_promql_node *fail_at(parser *p, size_t offset, const char *format,
                                                                     ...) {
  char what[300];
  va_list list;
  if (p->status) return NULL; /* the first problem is told */
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  p->status =
      bt_error_set(p->error, BT_INVALID, "character %zu of \"%.*s%s\": %s", offset + 1,
                   (int)(p->text.len < 100 ? p->text.len : 100), p->text.ptr, p->text.len < 100 ? "" : "…", what);
  return NULL;
}

static bt_promql_node *fail_memory(parser *p) {
  if (!p->status) p->status = bt_error_no_memory(p->error);
  return NULL;
}

static void step_on(parser *p) {
  p->token = bt_promql_next(p->text, &p->at);
}

static bool is_sign(const parser *p, const char *sign) {
  return p->token.kind == BT_PROMQL_SIGN && bt_str_equal(p->token.text, bt_str_from(sign));
}

static bool is_word(const parser *p, const char *word) {
  return p->token.kind == BT_PROMQL_WORD && bt_str_equal_nocase(p->token.text, bt_str_from(word));
}

static bool take_sign(parser *p, const char *sign) {
  if (!is_sign(p, sign)) return false;
  step_on(p);
  return true;
}

static bool expect_sign(parser *p, const char *sign) {
  if (take_sign(p, sign)) return true;
  if (p->token.kind == BT_PROMQL_END)
    fail_at(p, p->token.offset, "expected \"%s\", got the end", sign);
  else
    fail_at(p, p->token.offset, "expected \"%s\", got \"%.*s\"", sign, BT_FMT(p->token.text));
  return false;
}

static bt_promql_node *new_node(parser *p, bt_promql_kind kind, bt_promql_type type, size_t offset) {
  bt_promql_node *node = bt_arena_alloc(p->arena, sizeof *node);
  if (!node) return fail_memory(p);
  *node = (bt_promql_node){.kind = kind, .type = type, .offset = offset};
  return node;
}

/* ---- literals ---- */

static bool is_digit_at(bt_str s, size_t at) {
  return at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9';
}

/* ".5", "1." and "1.e3" are numbers there, and not of bt_text_number. */
static bool read_number(bt_str text, double *out) {
  char plain[80];
  size_t length = 0;
  bt_value value;
  if (text.len > sizeof plain - 4) return false;
  if (text.ptr[0] == '.') plain[length++] = '0';
  for (size_t i = 0; i < text.len; i++) {
    plain[length++] = text.ptr[i];
    if (text.ptr[i] == '.' && !is_digit_at(text, i + 1)) plain[length++] = '0';
  }
  if (!bt_text_number((bt_str){plain, length}, &value)) return false;
  *out = value.type == BT_VALUE_INT ? (double)value.integer : value.decimal;
  return true;
}

static bt_promql_node *parse_number(parser *p, bt_promql_token token) {
  bt_promql_node *node = new_node(p, BT_PROMQL_NUMBER, BT_PROMQL_SCALAR, token.offset);
  if (node && !read_number(token.text, &node->number))
    return fail_at(p, token.offset, "expected a decimal number, got \"%.*s\"", BT_FMT(token.text));
  return node;
}

static bool hex_digit(char c, uint32_t *value) {
  static const char digits[] = "0123456789abcdef";
  const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
  if (at) *value = 16 * *value + (uint32_t)(at - digits);
  return at != NULL;
}

/* One escape behind a backslash; the number of bytes it takes, 0: it is not known. */
static size_t read_escape(bt_str s, char *out) {
  static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
  const char *at = s.len && s.ptr[0] ? strchr(from, s.ptr[0]) : NULL;
  uint32_t byte = 0;
  if (at) {
    *out = to[at - from];
    return 1;
  }
  if (s.len < 3 || s.ptr[0] != 'x' || !hex_digit(s.ptr[1], &byte) || !hex_digit(s.ptr[2], &byte)) return 0;
  *out = (char)byte;
  return 3;
}

static bool parse_text(parser *p, bt_str *out) {
  bt_promql_token token = p->token;
  if (token.kind != BT_PROMQL_TEXT || token.text.len < 2 || token.text.ptr[0] != token.text.ptr[token.text.len - 1]) {
    fail_at(p, token.offset, "expected a text in quotes, got \"%.*s\"", BT_FMT(token.text));
    return false;
  }
  bt_str inside = {token.text.ptr + 1, token.text.len - 2};
  char *bytes = bt_arena_alloc(p->arena, inside.len + 1);
  size_t length = 0;
  for (size_t i = 0; bytes && i < inside.len; i++) {
    bytes[length] = inside.ptr[i];
    if (inside.ptr[i] == '\\' && token.text.ptr[0] != '`') {
      size_t taken = read_escape((bt_str){inside.ptr + i + 1, inside.len - i - 1}, &bytes[length]);
      if (!taken) fail_at(p, token.offset + i + 1, "this escape is not known here");
      i += taken;
    }
    length++;
  }
  if (!bytes) fail_memory(p);
  step_on(p);
  *out = (bt_str){bytes, length};
  return !p->status;
}

static bool parse_span(parser *p, int64_t *out_ms) {
  if (p->token.kind != BT_PROMQL_TIME_SPAN || !bt_promql_duration(p->token.text, out_ms) || !*out_ms) {
    fail_at(p, p->token.offset, "expected a duration as in 5m or 1h30m, got \"%.*s\"", BT_FMT(p->token.text));
    return false;
  }
  step_on(p);
  return true;
}

/* ---- selectors ---- */

static bool parse_matcher(parser *p, bt_promql_matcher *out) {
  *out = (bt_promql_matcher){.name = p->token.text};
  size_t offset = p->token.offset;
  if (p->token.kind != BT_PROMQL_WORD) {
    fail_at(p, offset, "expected the name of a label, got \"%.*s\"", BT_FMT(p->token.text));
    return false;
  }
  step_on(p);
  bool is_regex = is_sign(p, "=~") || is_sign(p, "!~");
  out->is_negated = is_sign(p, "!=") || is_sign(p, "!~");
  if (!is_regex && !out->is_negated && !is_sign(p, "=")) {
    fail_at(p, p->token.offset, "expected =, !=, =~ or !~, got \"%.*s\"", BT_FMT(p->token.text));
    return false;
  }
  step_on(p);
  offset = p->token.offset;
  if (!parse_text(p, &out->value) || !is_regex) return !p->status;
  bt_error why = {0};
  bt_status status = bt_pattern_new(out->value, true, &out->pattern, &why);
  if (status == BT_NO_MEMORY) fail_memory(p);
  if (status) fail_at(p, offset, "%s", why.message);
  return !status;
}

/* Whether a series without the label passes. */
static bool takes_empty(const bt_promql_matcher *m) {
  bool matches = m->value.len == 0;
  uint64_t cost;
  if (m->pattern && bt_pattern_match(m->pattern, BT_STR(""), &cost, &matches)) return false;
  return matches != m->is_negated;
}

static bool parse_matchers(parser *p, bt_promql_node *node) {
  while (!take_sign(p, "}")) {
    if (node->matcher_count == MOST_MATCHERS) {
      fail_at(p, p->token.offset, "more than %d matchers", MOST_MATCHERS - 1);
      return false;
    }
    bool is_read = parse_matcher(p, &node->matchers[node->matcher_count]);
    node->matcher_count++; /* its pattern is the node's, also where the rest fails */
    if (!is_read) return false;
    if (!is_sign(p, "}") && !expect_sign(p, ",")) return false;
  }
  return true;
}

static bool check_matchers(parser *p, const bt_promql_node *node, bt_str name) {
  bool limits = false;
  for (size_t i = 0; i < node->matcher_count; i++) {
    limits = limits || !takes_empty(&node->matchers[i]);
    if (i && name.len && bt_str_equal(node->matchers[i].name, BT_METRIC_NAME))
      fail_at(p, node->offset, "the metric's name is said twice");
  }
  if (!limits) fail_at(p, node->offset, "a selector needs a name, or a matcher that an empty text does not pass");
  return !p->status;
}

/* [5m], and offset 1h. */
static bt_promql_node *parse_range(parser *p, bt_promql_node *node) {
  if (take_sign(p, "[")) {
    node->kind = BT_PROMQL_RANGE;
    node->type = BT_PROMQL_MATRIX;
    if (!parse_span(p, &node->range_ms)) return NULL;
    if (is_sign(p, ":")) return fail_at(p, p->token.offset, "a subquery is not known here");
    if (!expect_sign(p, "]")) return NULL;
  }
  if (is_word(p, "offset")) {
    step_on(p);
    if (!parse_span(p, &node->offset_ms)) return NULL;
  }
  return is_sign(p, "@") ? fail_at(p, p->token.offset, "the modifier @ is not known here") : node;
}

/* From there to what was read last. */
static bt_str text_from(const parser *p, size_t offset) {
  size_t end = p->token.offset;
  while (end > offset && (unsigned char)p->text.ptr[end - 1] <= ' ') end--;
  return (bt_str){p->text.ptr + offset, end - offset};
}

/* The node is linked into the tree before its matchers are read, so that their patterns are freed with it. */
static bt_promql_node *parse_selector(parser *p, bt_str name, size_t offset) {
  bt_promql_node *node = new_node(p, BT_PROMQL_SELECTOR, BT_PROMQL_VECTOR, offset);
  if (!node) return NULL;
  node->matchers = bt_arena_array(p->arena, MOST_MATCHERS, sizeof *node->matchers);
  if (!node->matchers) return fail_memory(p);
  if (name.len) node->matchers[node->matcher_count++] = (bt_promql_matcher){.name = BT_METRIC_NAME, .value = name};
  bool is_read = !take_sign(p, "{") || parse_matchers(p, node);
  node->selector = text_from(p, offset);
  if (is_read && check_matchers(p, node, name) && parse_range(p, node)) return node;
  for (size_t i = 0; i < node->matcher_count; i++) bt_pattern_free(node->matchers[i].pattern);
  return NULL;
}

/* ---- functions and aggregations ---- */

static bt_promql_node *parse_expression(parser *p, int least);

typedef struct function_row {
  const char *name;
  bt_promql_function function;
  const char *arguments; /* v: vector, m: range, s: scalar; behind | may be left out */
  bt_promql_type type;
} function_row;

static const function_row functions[] = {{"rate", BT_PROMQL_RATE, "m", BT_PROMQL_VECTOR},
                                         {"increase", BT_PROMQL_INCREASE, "m", BT_PROMQL_VECTOR},
                                         {"delta", BT_PROMQL_DELTA, "m", BT_PROMQL_VECTOR},
                                         {"irate", BT_PROMQL_IRATE, "m", BT_PROMQL_VECTOR},
                                         {"idelta", BT_PROMQL_IDELTA, "m", BT_PROMQL_VECTOR},
                                         {"changes", BT_PROMQL_CHANGES, "m", BT_PROMQL_VECTOR},
                                         {"resets", BT_PROMQL_RESETS, "m", BT_PROMQL_VECTOR},
                                         {"count_over_time", BT_PROMQL_COUNT_OVER, "m", BT_PROMQL_VECTOR},
                                         {"sum_over_time", BT_PROMQL_SUM_OVER, "m", BT_PROMQL_VECTOR},
                                         {"avg_over_time", BT_PROMQL_AVG_OVER, "m", BT_PROMQL_VECTOR},
                                         {"min_over_time", BT_PROMQL_MIN_OVER, "m", BT_PROMQL_VECTOR},
                                         {"max_over_time", BT_PROMQL_MAX_OVER, "m", BT_PROMQL_VECTOR},
                                         {"last_over_time", BT_PROMQL_LAST_OVER, "m", BT_PROMQL_VECTOR},
                                         {"present_over_time", BT_PROMQL_PRESENT_OVER, "m", BT_PROMQL_VECTOR},
                                         {"absent_over_time", BT_PROMQL_ABSENT_OVER, "m", BT_PROMQL_VECTOR},
                                         {"absent", BT_PROMQL_ABSENT, "v", BT_PROMQL_VECTOR},
                                         {"abs", BT_PROMQL_ABS, "v", BT_PROMQL_VECTOR},
                                         {"ceil", BT_PROMQL_CEIL, "v", BT_PROMQL_VECTOR},
                                         {"floor", BT_PROMQL_FLOOR, "v", BT_PROMQL_VECTOR},
                                         {"round", BT_PROMQL_ROUND, "v|s", BT_PROMQL_VECTOR},
                                         {"clamp", BT_PROMQL_CLAMP, "vss", BT_PROMQL_VECTOR},
                                         {"clamp_min", BT_PROMQL_CLAMP_MIN, "vs", BT_PROMQL_VECTOR},
                                         {"clamp_max", BT_PROMQL_CLAMP_MAX, "vs", BT_PROMQL_VECTOR},
                                         {"hour", BT_PROMQL_HOUR, "", BT_PROMQL_VECTOR},
                                         {"day_of_week", BT_PROMQL_DAY_OF_WEEK, "", BT_PROMQL_VECTOR},
                                         {"time", BT_PROMQL_TIME, "", BT_PROMQL_SCALAR},
                                         {"vector", BT_PROMQL_AS_VECTOR, "s", BT_PROMQL_VECTOR},
                                         {"scalar", BT_PROMQL_AS_SCALAR, "v", BT_PROMQL_SCALAR}};
enum { FUNCTION_COUNT = sizeof functions / sizeof *functions };
static const char *const aggregations[] = {"sum", "min", "max", "avg", "count", "group", NULL};

static const char *type_name(bt_promql_type type) {
  static const char *const names[] = {"a number", "an instant vector", "a range of time"};
  return names[type];
}

static bt_promql_type wanted_type(char letter) {
  return letter == 'm' ? BT_PROMQL_MATRIX : letter == 'v' ? BT_PROMQL_VECTOR : BT_PROMQL_SCALAR;
}

static void check_type(parser *p, const bt_promql_node *node, bt_promql_type type) {
  if (node->type != type) fail_at(p, node->offset, "expected %s, got %s", type_name(type), type_name(node->type));
}

static void parse_arguments(parser *p, bt_promql_node *node, const function_row *row) {
  const char *wanted = row->arguments;
  bool may_end = false;
  while (!p->status && *wanted) {
    if (*wanted == '|') may_end = wanted++;
    if (may_end && is_sign(p, ")")) break;
    if (node->argument_count && !expect_sign(p, ",")) return;
    bt_promql_node *argument = parse_expression(p, 0);
    if (!argument) return;
    node->arguments[node->argument_count++] = argument;
    check_type(p, argument, wanted_type(*wanted++));
  }
  if (!p->status) (void)expect_sign(p, ")");
}

static bt_promql_node *parse_call(parser *p, bt_promql_token name) {
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    if (!bt_str_equal(name.text, bt_str_from(functions[i].name))) continue;
    bt_promql_node *node = new_node(p, BT_PROMQL_CALL, functions[i].type, name.offset);
    if (!node) return NULL;
    node->function = functions[i].function;
    parse_arguments(p, node, &functions[i]);
    return node;
  }
  char known[240] = "";
  for (size_t i = 0, used = 0; i < FUNCTION_COUNT && used < sizeof known; i++)
    used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", functions[i].name);
  return fail_at(p, name.offset, "%.*s is not known here; known are %s", BT_FMT(name.text), known);
}

/* (a, b) behind by, without, on and ignoring. */
static void parse_names(parser *p, bt_promql_node *node) {
  bt_str names[MOST_NAMES];
  if (!expect_sign(p, "(")) return;
  while (!take_sign(p, ")")) {
    if (p->token.kind != BT_PROMQL_WORD || node->name_count == MOST_NAMES) {
      fail_at(p, p->token.offset, "expected the name of a label, got \"%.*s\"", BT_FMT(p->token.text));
      return;
    }
    names[node->name_count++] = p->token.text;
    step_on(p);
    if (!is_sign(p, ")") && !expect_sign(p, ",")) return;
  }
  node->names = bt_arena_duplicate(p->arena, names, node->name_count * sizeof *names);
  if (!node->names) fail_memory(p);
}

static bool parse_grouping(parser *p, bt_promql_node *node) {
  if (!is_word(p, "by") && !is_word(p, "without")) return false;
  node->names_are_kept = is_word(p, "by");
  step_on(p);
  parse_names(p, node);
  return true;
}

static bt_promql_node *parse_aggregation(parser *p, bt_promql_token name, bt_promql_aggregation which) {
  bt_promql_node *node = new_node(p, BT_PROMQL_AGGREGATE, BT_PROMQL_VECTOR, name.offset);
  if (!node) return NULL;
  node->aggregation = which;
  node->names_are_kept = true;
  bool is_grouped = parse_grouping(p, node);
  if (p->status || !expect_sign(p, "(")) return node;
  node->arguments[0] = parse_expression(p, 0);
  if (!node->arguments[0]) return node;
  node->argument_count = 1;
  check_type(p, node->arguments[0], BT_PROMQL_VECTOR);
  if (!p->status && expect_sign(p, ")") && !is_grouped) (void)parse_grouping(p, node);
  return node;
}

static bt_promql_node *parse_word(parser *p) {
  bt_promql_token word = p->token;
  step_on(p);
  if (bt_str_equal_nocase(word.text, BT_STR("inf")) || bt_str_equal_nocase(word.text, BT_STR("nan"))) {
    bt_promql_node *node = new_node(p, BT_PROMQL_NUMBER, BT_PROMQL_SCALAR, word.offset);
    if (node) node->number = word.text.ptr[0] == 'i' || word.text.ptr[0] == 'I' ? HUGE_VAL : (double)NAN;
    return node;
  }
  bool opens = is_sign(p, "(") || is_word(p, "by") || is_word(p, "without");
  for (int i = 0; opens && aggregations[i]; i++)
    if (bt_str_equal_nocase(word.text, bt_str_from(aggregations[i])))
      return parse_aggregation(p, word, (bt_promql_aggregation)i);
  if (take_sign(p, "(")) return parse_call(p, word);
  return parse_selector(p, word.text, word.offset);
}

/* ---- operators ---- */

typedef struct operator_row {
  const char *text;
  bt_promql_operator op;
  int level;
} operator_row;

enum { LEVEL_SIGN = 5, LEVEL_POWER = 6 };
static const operator_row operators[] = {
    {"or", BT_PROMQL_OR, 1},    {"and", BT_PROMQL_AND, 2},      {"unless", BT_PROMQL_UNLESS, 2},
    {"==", BT_PROMQL_EQUAL, 3}, {"!=", BT_PROMQL_NOT_EQUAL, 3}, {">", BT_PROMQL_GREATER, 3},
    {"<", BT_PROMQL_LESS, 3},   {">=", BT_PROMQL_AT_LEAST, 3},  {"<=", BT_PROMQL_AT_MOST, 3},
    {"+", BT_PROMQL_ADD, 4},    {"-", BT_PROMQL_SUBTRACT, 4},   {"*", BT_PROMQL_MULTIPLY, 5},
    {"/", BT_PROMQL_DIVIDE, 5}, {"%", BT_PROMQL_MODULO, 5},     {"^", BT_PROMQL_POWER, LEVEL_POWER},
};

static const operator_row *operator_here(const parser *p) {
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (is_sign(p, operators[i].text) || is_word(p, operators[i].text)) return &operators[i];
  return NULL;
}

static void parse_modifiers(parser *p, bt_promql_node *node) {
  if (is_word(p, "bool")) {
    if (!bt_promql_compares(node->op)) fail_at(p, p->token.offset, "bool stands behind a comparison alone");
    node->is_bool = true;
    step_on(p);
  }
  if (is_word(p, "on") || is_word(p, "ignoring")) {
    node->names_are_kept = is_word(p, "on");
    step_on(p);
    parse_names(p, node);
    node->is_matched = true;
  }
  if (is_word(p, "group_left") || is_word(p, "group_right"))
    fail_at(p, p->token.offset, "%.*s is not known here", BT_FMT(p->token.text));
}

static void check_operands(parser *p, bt_promql_node *node) {
  const bt_promql_node *left = node->arguments[0], *right = node->arguments[1];
  bool both = left->type == BT_PROMQL_VECTOR && right->type == BT_PROMQL_VECTOR;
  for (size_t i = 0; i < 2; i++)
    if (node->arguments[i]->type == BT_PROMQL_MATRIX)
      fail_at(p, node->arguments[i]->offset, "expected a number or an instant vector, got a range of time");
  if (bt_promql_joins_sets(node->op) && !both)
    fail_at(p, node->offset, "and, or and unless stand between two instant vectors");
  if (node->is_matched && node->name_count && !both)
    fail_at(p, node->offset, "on and ignoring stand between two instant vectors");
  node->type = left->type == BT_PROMQL_VECTOR ? left->type : right->type;
  if (bt_promql_compares(node->op) && node->type == BT_PROMQL_SCALAR && !node->is_bool)
    fail_at(p, node->offset, "a comparison of two numbers needs bool");
}

/* 14.4 * 0.001 is one number, which other ones can stand for: see alert_summary.c. */
static void fold_numbers(bt_promql_node *node) {
  bool keeps, are_numbers = node->kind == BT_PROMQL_NEGATE || !bt_promql_compares(node->op);
  for (size_t i = 0; i < node->argument_count; i++)
    are_numbers = are_numbers && node->arguments[i]->kind == BT_PROMQL_NUMBER;
  if (!are_numbers) return;
  double first = node->arguments[0]->number;
  bool is_negated = node->kind == BT_PROMQL_NEGATE;
  node->number = is_negated ? -first : bt_promql_operate(node->op, first, node->arguments[1]->number, &keeps);
  node->kind = BT_PROMQL_NUMBER;
  node->argument_count = 0;
}

static bt_promql_node *parse_operator(parser *p, bt_promql_node *left, const operator_row *row) {
  bt_promql_node *node = new_node(p, BT_PROMQL_BINARY, BT_PROMQL_VECTOR, p->token.offset);
  if (!node) return left; /* for who frees it */
  node->op = row->op;
  node->arguments[node->argument_count++] = left;
  step_on(p);
  parse_modifiers(p, node);
  if (p->status) return node;
  bt_promql_node *right = parse_expression(p, row->level == LEVEL_POWER ? LEVEL_POWER : row->level + 1);
  if (!right) return node;
  node->arguments[node->argument_count++] = right;
  check_operands(p, node);
  if (!p->status) fold_numbers(node);
  return node;
}

static bt_promql_node *parse_negation(parser *p) {
  bool is_minus = is_sign(p, "-");
  size_t offset = p->token.offset;
  step_on(p);
  bt_promql_node *inside = parse_expression(p, LEVEL_POWER);
  if (!inside) return NULL;
  if (inside->type == BT_PROMQL_MATRIX) fail_at(p, offset, "a range of time has no sign");
  if (!is_minus) return inside;
  bt_promql_node *node = new_node(p, BT_PROMQL_NEGATE, inside->type, offset);
  if (!node) return inside;
  node->arguments[node->argument_count++] = inside;
  fold_numbers(node);
  return node;
}

static bt_promql_node *parse_operand(parser *p) {
  bt_promql_token token = p->token;
  if (is_sign(p, "-") || is_sign(p, "+")) return parse_negation(p);
  if (token.kind == BT_PROMQL_WORD) return parse_word(p);
  if (is_sign(p, "{")) return parse_selector(p, (bt_str){NULL, 0}, token.offset);
  if (take_sign(p, "(")) {
    bt_promql_node *inside = parse_expression(p, 0);
    if (inside && !p->status) (void)expect_sign(p, ")");
    return inside;
  }
  if (token.kind == BT_PROMQL_DIGITS) {
    step_on(p);
    return parse_number(p, token);
  }
  if (token.kind == BT_PROMQL_END) return fail_at(p, token.offset, "expected an expression, got the end");
  return fail_at(p, token.offset, "expected an expression, got \"%.*s\"", BT_FMT(token.text));
}

/* Whatever failed, what was read so far is returned, for who frees its patterns; NULL: there is nothing. */
static bt_promql_node *parse_expression(parser *p, int least) {
  if (++p->depth > MOST_DEPTH) return fail_at(p, p->token.offset, "more than %d levels", MOST_DEPTH);
  bt_promql_node *left = parse_operand(p);
  if (left && !p->status && is_sign(p, "[")) fail_at(p, p->token.offset, "a subquery is not known here");
  while (left && !p->status) {
    const operator_row *row = operator_here(p);
    if (!row || row->level < least) break;
    left = parse_operator(p, left, row);
  }
  p->depth--;
  return left;
}

bt_status bt_promql_parse(bt_str text, bt_arena *arena, bt_promql *out, bt_error *error) {
  parser p = {.arena = arena, .error = error};
  *out = (bt_promql){0};
  if (!bt_arena_copy(arena, text, &p.text)) return bt_error_no_memory(error);
  step_on(&p);
  out->text = p.text;
  out->root = parse_expression(&p, 0);
  if (!p.status && p.token.kind != BT_PROMQL_END)
    fail_at(&p, p.token.offset, "expected an operator or the end, got \"%.*s\"", BT_FMT(p.token.text));
  if (!p.status && out->root->type == BT_PROMQL_MATRIX)
    fail_at(&p, out->root->offset, "a range of time is the argument of a function");
  if (p.status) bt_promql_dispose(out);
  return p.status;
}

static void dispose_node(bt_promql_node *node) {
  for (size_t i = 0; i < node->argument_count; i++) dispose_node(node->arguments[i]);
  for (size_t i = 0; i < node->matcher_count; i++) bt_pattern_free(node->matchers[i].pattern);
  free(node->result.items);
  free(node->series);
  free(node->labels.to);
  free(node->signatures.to);
}

void bt_promql_dispose(bt_promql *expression) {
  if (expression->root) dispose_node(expression->root);
  expression->root = NULL;
}
