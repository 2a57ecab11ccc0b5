/* Comparisons: which operator takes which types, what literals may be, and patterns. See checker.h and dsl.md §5. */
#include <string.h>

#include "dsl/base/suggestion.h"
#include "dsl/check/checker.h"
#include "dsl/check/checker_vocabulary.h"
#include "dsl/pattern/pattern.h"
#include "dsl/syntax/diagnostic_codes.h"

static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer", NULL};
static const char *const statuses[] = {"unset", "ok", "error", NULL};

static bool is_regex(bt_comparison_operator op) {
  return op == BT_MATCHES || op == BT_MATCHES_WHOLE || op == BT_NOT_MATCHES_WHOLE;
}

static bool is_text_operator(bt_comparison_operator op) {
  return op == BT_CONTAINS || op == BT_STARTS_WITH || op == BT_ENDS_WITH || is_regex(op);
}

static bool is_constant(const bt_ast *node, bool on_right, const bt_checker *checker) {
  if (bt_ast_is_literal(node)) return true;
  if (on_right && node->kind == BT_AST_STRING) return true;
  if (on_right && node->kind == BT_AST_PATH) return !bt_checker_has_field_head(checker, node);
  if (!bt_ast_is_arithmetic(node)) return false;
  for (uint32_t i = 0; i < node->item_count; i++)
    if (!is_constant(node->items[i], on_right, checker)) return false;
  return true;
}

static const char *swapped_operator(bt_comparison_operator op) {
  switch ((int)op) {
  case BT_EQUAL: return "==";
  case BT_NOT_EQUAL: return "!=";
  case BT_LESS: return ">";
  case BT_LESS_EQUAL: return ">=";
  case BT_GREATER: return "<";
  case BT_GREATER_EQUAL: return "<=";
  default: return NULL;
  }
}

/* `5 < amount` and `5 == 5`. True: reported. */
static bool report_constants(bt_checker *checker, const bt_ast *node, const bt_ast *left) {
  if (!is_constant(left, false, checker)) return false;
  const bt_ast *right = node->items[1];
  bool bare_word = node->kind == BT_AST_COMPARE && right->kind == BT_AST_PATH;
  if (!bare_word && (node->kind == BT_AST_IN || is_constant(right, true, checker))) {
    bt_checker_report(checker, BT_E_CONSTANT, node->range,
                      "both sides are constants: expected a field or an aggregate on the left");
    return true;
  }
  if (!bt_ast_is_literal(left)) return false;
  bt_diagnostic *added = bt_checker_report(checker, BT_E_CONSTANT, left->range,
                                           "a constant stands on the left: expected the field or aggregate there");
  const char *op = swapped_operator(node->op);
  bt_str left_text = bt_checker_source(checker, left->outer), right_text = bt_checker_source(checker, right->outer);
  if (op) bt_checker_fix(checker, added, node->range, "%.*s %s %.*s", BT_FMT(right_text), op, BT_FMT(left_text));
  return true;
}

/* Lower-cases the literal in place and checks that it is one of `known`. */
static bool check_member(bt_checker *checker, const bt_expression *literal, const char *what, const char *const *known,
                         const char *list) {
  bt_str text = literal->literal.string;
  for (size_t i = 0; known[i]; i++)
    if (bt_str_equal(text, bt_str_from(known[i]))) return true;
  const char *nearest = bt_suggest_nearest(text, known);
  bt_diagnostic *added =
      bt_checker_report(checker, BT_E_UNKNOWN, literal->range, "span.%s is one of %s: found \"%.*s\"%s%s%s", what, list,
                        BT_FMT(text), nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
  if (nearest) bt_checker_fix(checker, added, literal->range, "\"%s\"", nearest);
  return false;
}

static void lower_case(const bt_str text) {
  /* The literal was copied into the rule's arena, so it is ours to change. */
  char *bytes = (char *)(uintptr_t)text.ptr;
  for (size_t i = 0; i < text.len; i++)
    if (bytes[i] >= 'A' && bytes[i] <= 'Z') bytes[i] = (char)(bytes[i] - 'A' + 'a');
}

/* Kinds, statuses and ids of traces and links are compared without regard to case, and what none can be is a mistake.
 */
static bool check_enumeration(bt_checker *checker, bt_comparison_operator op, const bt_expression *field,
                              const bt_expression *literal) {
  if (field->kind != BT_EXPRESSION_FIELD || literal->kind != BT_EXPRESSION_LITERAL || literal->type != BT_TYPE_STRING)
    return true;
  bt_field_kind kind = field->field.kind;
  if (kind == BT_FIELD_LINK_TRACE_ID || kind == BT_FIELD_LINK_SPAN_ID || kind == BT_FIELD_SPAN_TRACE_ID ||
      kind == BT_FIELD_TRACE_ID) {
    if (is_regex(op)) return true;
    lower_case(literal->literal.string);
    return is_text_operator(op) || bt_checker_check_id(checker, kind, literal);
  }
  if ((kind != BT_FIELD_KIND && kind != BT_FIELD_STATUS) || is_regex(op)) return true;
  lower_case(literal->literal.string);
  if (is_text_operator(op)) return true;
  return kind == BT_FIELD_KIND ? check_member(checker, literal, "kind", kinds,
                                              "unspecified, internal, server, client, producer and consumer")
                               : check_member(checker, literal, "status", statuses, "unset, ok and error");
}

/* A number without a unit. Which one was meant nobody knows: languages count in ns, µs, ms and s. */
static void report_number_as_duration(bt_checker *checker, const bt_expression *number) {
  bt_str written = bt_checker_source(checker, number->range);
  bool large = number->literal.type == BT_VALUE_INT && number->literal.integer >= 1000000;
  bt_checker_report(checker, BT_E_DURATION, number->range,
                    large ? "expected a duration: write a unit, as in %.*sns (what OpenTelemetry counts in) or %.*sms"
                          : "expected a duration: write a unit, as in %.*sms or %.*ss",
                    BT_FMT(written), BT_FMT(written));
}

/* A duration against something else. */
static void report_duration(bt_checker *checker, const bt_expression *other) {
  if (other->type == BT_TYPE_ATTRIBUTE) {
    bt_checker_report(
        checker, BT_E_DURATION, other->range,
        "a duration is compared with an attribute, and attributes have no unit: divide the duration, as in "
        "span.duration / 1ms > limit");
    return;
  }
  bool number = other->kind == BT_EXPRESSION_LITERAL && other->type == BT_TYPE_NUMBER;
  if (number) {
    report_number_as_duration(checker, other);
    return;
  }
  bt_str written = bt_checker_source(checker, other->range);
  bt_diagnostic *added = bt_checker_report(checker, BT_E_DURATION, other->range,
                                           "expected a duration, as in 500ms, found `%.*s`", BT_FMT(written));
  if (other->kind == BT_EXPRESSION_LITERAL && other->type == BT_TYPE_STRING &&
      bt_checker_is_amount(other->literal.string, true))
    bt_checker_fix(checker, added, other->range, "%.*s", BT_FMT(other->literal.string));
}

/* A time against something else. What is compared with event.time as a value may be an attribute of that name. */
static void report_time(bt_checker *checker, bt_comparison_operator op, const bt_expression *left,
                        const bt_expression *right) {
  const bt_expression *other = left->type == BT_TYPE_TIME ? right : left;
  bool is_event = left->kind == BT_EXPRESSION_FIELD && left->field.kind == BT_FIELD_EVENT_TIME;
  bool is_attribute = is_event && right->type != BT_TYPE_DURATION;
  bt_diagnostic *added = bt_checker_report(
      checker, BT_E_TIME, other->range,
      is_attribute ? "event.time is when the event was, and is compared with times only: an attribute of that name is "
                     "written event.attributes[\"time\"]"
      : is_event   ? "event.time is compared with times only: how long after the span's start it was is event.time - "
                     "span.start"
                   : "a time is compared with times only: trace.start, trace.end, span.start, span.end or those of a "
                     "binding");
  if (is_attribute && op != BT_IN && op != BT_NOT_IN)
    bt_checker_fix(checker, added, left->range, "event.attributes[\"time\"]");
}

/* == != < <= > >= in: units do not mix; the rest is decided when a trace is there. */
static bool check_units(bt_checker *checker, bt_comparison_operator op, const bt_expression *left,
                        const bt_expression *right) {
  if (left->type == right->type) return true;
  bool time = left->type == BT_TYPE_TIME || right->type == BT_TYPE_TIME;
  if (time) return report_time(checker, op, left, right), false;
  if (left->type == BT_TYPE_DURATION) return report_duration(checker, right), false;
  if (right->type == BT_TYPE_DURATION) return report_duration(checker, left), false;
  return true;
}

/* Kinds and statuses are a few words, and none has a digit. */
static bool names_enumeration(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD &&
         (expression->field.kind == BT_FIELD_KIND || expression->field.kind == BT_FIELD_STATUS);
}

/* A count of spans or services, or what is reckoned with one or with another aggregate. */
static bool has_aggregate(const bt_expression *expression) {
  if (!expression) return false;
  bt_field_kind field = expression->field.kind;
  if (expression->kind == BT_EXPRESSION_FIELD)
    return field == BT_FIELD_TRACE_SPAN_COUNT || field == BT_FIELD_TRACE_SERVICE_COUNT;
  return expression->kind == BT_EXPRESSION_AGGREGATE || has_aggregate(expression->left) ||
         has_aggregate(expression->right);
}

/* `count(x) == "3"`: attributes may have been written as texts, what is counted here was not. */
static bool check_quoted_number(bt_checker *checker, const bt_expression *left, const bt_expression *right) {
  if (left->type != BT_TYPE_NUMBER || !bt_checker_reads_as_number(right) || !has_aggregate(left)) return true;
  bt_str text = right->literal.string;
  bt_diagnostic *added =
      bt_checker_report(checker, BT_E_ARITHMETIC, right->range,
                        "an aggregate is a number, and this is a text: write %.*s without quotes", BT_FMT(text));
  bt_checker_fix(checker, added, right->range, "%.*s", BT_FMT(text));
  return false;
}

static bool is_textual(const bt_expression *expression) {
  bool value = expression->kind == BT_EXPRESSION_LITERAL || expression->kind == BT_EXPRESSION_FIELD;
  return value && (expression->type == BT_TYPE_STRING || expression->type == BT_TYPE_ATTRIBUTE);
}

/* What an attribute is compared with by a number is a number, which no text test ever meets. An array of numbers has
 * it. */
static void fix_text(bt_checker *checker, bt_diagnostic *added, const bt_ast *comparison, const bt_expression *left,
                     const bt_expression *right) {
  if (right->kind != BT_EXPRESSION_LITERAL || right->type == BT_TYPE_STRING) return;
  if (left->type == BT_TYPE_STRING && !names_enumeration(left))
    bt_checker_fix(checker, added, right->range, "\"%.*s\"", BT_FMT(bt_checker_source(checker, right->range)));
  else if (left->type == BT_TYPE_ATTRIBUTE && comparison->op == BT_CONTAINS && right->type != BT_TYPE_DURATION)
    bt_checker_fix(checker, added, comparison->op_range, "==");
}

static bool check_text(bt_checker *checker, const bt_ast *comparison, const bt_expression *left,
                       const bt_expression *right) {
  bt_comparison_operator op = comparison->op;
  const char *name = bt_operator_name(op);
  if (!is_textual(left)) {
    bt_checker_report(checker, BT_E_STRING_WANTED, left->range, "`%s` needs a string on its left", name);
    return false;
  }
  bool literal = right->kind == BT_EXPRESSION_LITERAL && right->type == BT_TYPE_STRING;
  if (literal || (is_textual(right) && !is_regex(op))) return true;
  bt_diagnostic *added = bt_checker_report(checker, BT_E_STRING_WANTED, right->range,
                                           is_regex(op) ? "`%s` needs a regex in quotes or backquotes on its right"
                                                        : "`%s` needs a string on its right",
                                           name);
  fix_text(checker, added, comparison, left, right);
  return false;
}

static const bt_pattern *find_pattern(const bt_checker *checker, bt_str text, bool is_whole) {
  for (const bt_pattern_list *entry = checker->patterns; entry; entry = entry->next)
    if (entry->is_whole == is_whole && bt_str_equal(entry->text, text)) return entry->pattern;
  return NULL;
}

/* Once a rule has spent what its regexes may take, no more are compiled: the next hundred would take as long as the
 * first, and say the same. */
static void report_patterns_too_large(bt_checker *checker, const bt_expression *right) {
  checker->pattern_bytes = BT_MAX_PATTERN_BYTES + 1;
  bt_checker_report(checker, BT_E_LIMIT, right->range,
                    "all regexes of a rule together take at most %d KiB compiled. With this one they take more: make "
                    "repetitions like {50} and classes like \\pL smaller, or split the rule",
                    BT_MAX_PATTERN_BYTES / 1024);
}

static void report_pattern(bt_checker *checker, const bt_expression *right, bt_status status, const bt_error *error) {
  if (status == BT_NO_MEMORY)
    checker->no_memory = true;
  else if (status == BT_LIMIT)
    report_patterns_too_large(checker, right);
  else
    bt_checker_report(checker, BT_E_REGEX, right->range, "this regex (RE2 syntax) cannot be compiled: %s",
                      error->message);
}

static bool compile_pattern(bt_checker *checker, const bt_expression *right, bool is_whole, const bt_pattern **out) {
  *out = find_pattern(checker, right->literal.string, is_whole);
  if (*out) return true;
  if (checker->pattern_bytes > BT_MAX_PATTERN_BYTES) return false;
  bt_pattern_list *entry = bt_checker_alloc(checker, 1, sizeof *entry);
  if (!entry) return false;
  bt_error error = {0};
  entry->text = right->literal.string;
  entry->is_whole = is_whole;
  bt_status status = bt_pattern_new(entry->text, is_whole, &entry->pattern, &error);
  if (status != BT_OK) return report_pattern(checker, right, status, &error), false;
  entry->next = checker->patterns;
  checker->patterns = entry;
  checker->pattern_bytes += bt_pattern_bytes(entry->pattern);
  *out = entry->pattern;
  if (checker->pattern_bytes <= BT_MAX_PATTERN_BYTES) return true;
  report_patterns_too_large(checker, right);
  return false;
}

static bool check_pair(bt_checker *checker, const bt_ast *node, const bt_expression *left, const bt_expression *right) {
  bt_comparison_operator op = node->op;
  bool fits = is_text_operator(op) ? check_text(checker, node, left, right)
                                   : check_units(checker, op, left, right) && check_quoted_number(checker, left, right);
  if (fits) bt_checker_warn_of_span_id(checker, node, left, right);
  return fits && check_enumeration(checker, op, left, right) && check_enumeration(checker, op, right, left);
}

static bool lower_list(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_comparison *out) {
  bool good = true;
  out->list_count = node->item_count - 1;
  out->list = bt_checker_alloc(checker, out->list_count, sizeof *out->list);
  for (uint32_t i = 0; out->list && i < out->list_count; i++) {
    out->list[i] = bt_checker_value(checker, node->items[i + 1], place);
    good &= out->list[i] && (!out->left || check_pair(checker, node, out->left, out->list[i]));
  }
  return good && out->list;
}

bool bt_checker_comparison(bt_checker *checker, const bt_ast *node, const bt_ast *left, bt_str direct, bt_site site,
                           bt_comparison *out) {
  *out = (bt_comparison){.op = node->op, .range = node->range};
  if (node->item_count > 1 && report_constants(checker, node, left)) return false;
  bt_place left_place = {
      .site = site, .whole = node, .is_ordering = bt_operator_is_ordering(node->op), .direct = direct};
  left_place.is_direct = direct.len > 0;
  for (uint32_t i = 1; i < node->item_count; i++)
    left_place.duration_wanted |= bt_checker_unit(checker, node->items[i]) == BT_TYPE_DURATION;
  bt_place right_place = left_place;
  right_place.on_right = true;
  right_place.direct = (bt_str){0};
  right_place.duration_wanted = bt_checker_unit(checker, left) == BT_TYPE_DURATION;
  right_place.unit_wanted = bt_checker_unit(checker, left) != BT_TYPE_ATTRIBUTE;
  out->left = bt_checker_value(checker, left, &left_place);
  if (node->kind == BT_AST_IN) return lower_list(checker, node, &right_place, out) && out->left;
  out->right = bt_checker_value(checker, node->items[1], &right_place);
  if (!out->left || !out->right || !check_pair(checker, node, out->left, out->right)) return false;
  return !is_regex(node->op) || compile_pattern(checker, out->right, node->op != BT_MATCHES, &out->pattern);
}

const char *bt_vocabulary_kind(size_t i) {
  return i < sizeof kinds / sizeof kinds[0] ? kinds[i] : NULL;
}

const char *bt_vocabulary_status(size_t i) {
  return i < sizeof statuses / sizeof statuses[0] ? statuses[i] : NULL;
}
