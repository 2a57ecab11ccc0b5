/* How Tempo reads comparisons of values (measured): integers and doubles are different values to it, so both are asked
 * for. Strings have equality and anchored regular expressions, and no order that could be relied on; arrays meet what
 * any of their elements meets, as in the language. A text never meets a test of a number or a boolean, nor the other
 * way round: what reads as one is asked for, too. See traceql_rules.h. */
#include "tempo/api/traceql_rules.h"

#include <math.h>
#include <string.h>

#include "dsl/plan/pushdown.h"
#include "dsl/trace/cut_text.h"
#include "dsl/trace/text_number.h"
#include "tempo/api/traceql.h"

/* Integers and doubles below this compare alike whether as integers or as doubles. */
static const double exact_limit = 9007199254740992.0; /* 2^53 */

static const bt_filter *make_test(bt_filter_builder *builder, bt_filter_field field, bt_str key, bt_filter_operator op,
                                  bt_value literal) {
  return bt_filter_test_new(builder, (bt_filter_test){.field = field, .key = key, .op = op, .literal = literal});
}

static bt_value int_value(int64_t integer) {
  return (bt_value){.type = BT_VALUE_INT, .integer = integer};
}

static bt_value double_value(double decimal) {
  return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = decimal};
}

static bt_value string_value(bt_str string) {
  return (bt_value){.type = BT_VALUE_STRING, .string = string};
}

static bt_filter_pair pair_of(const bt_filter *filter, bool is_exact) {
  return (bt_filter_pair){{filter}, {is_exact ? filter : bt_filter_none()}};
}

static bt_filter_pair any_of(bt_filter_builder *builder, bt_filter_pair a, bt_filter_pair b) {
  return (bt_filter_pair){{bt_filter_join2(builder, BT_FILTER_OR, a.over.filter, b.over.filter)},
                          bt_under_filter_or(builder, a.under, b.under)};
}

/* =, <, <=, >, >= */
static bt_filter_operator filter_operator(bt_comparison_operator op) {
  if (op == BT_LESS) return BT_FILTER_LESS;
  if (op == BT_LESS_EQUAL) return BT_FILTER_LESS_EQUAL;
  if (op == BT_GREATER) return BT_FILTER_GREATER;
  if (op == BT_GREATER_EQUAL) return BT_FILTER_GREATER_EQUAL;
  return BT_FILTER_EQUAL;
}

/* ---- numbers ---- */

static const bt_filter *any_integer(bt_filter_builder *builder, bt_filter_field scope, bt_str key) {
  return bt_filter_join2(builder, BT_FILTER_OR, make_test(builder, scope, key, BT_FILTER_GREATER_EQUAL, int_value(0)),
                         make_test(builder, scope, key, BT_FILTER_LESS, int_value(0)));
}

/* Integer attributes against a double literal. The bound is taken inwards (> 1.5 is >= 2): where both kinds of literal
 * stand in one filter Tempo holds each against values of both kinds, and then this test must not find 1.5. */
static const bt_filter *integers_against_double(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                                bt_comparison_operator op, double literal) {
  if (!(fabs(literal) < exact_limit)) return any_integer(builder, scope, key);
  bool is_whole = !(floor(literal) < ceil(literal));
  if (op == BT_EQUAL && !is_whole) return bt_filter_none();
  bool is_upward = op == BT_GREATER || op == BT_GREATER_EQUAL;
  bt_filter_operator asked = filter_operator(op);
  if (!is_whole) asked = is_upward ? BT_FILTER_GREATER_EQUAL : BT_FILTER_LESS_EQUAL;
  return make_test(builder, scope, key, asked, int_value((int64_t)(is_upward ? ceil(literal) : floor(literal))));
}

/* Double attributes against an integer literal. Where the literal is no double, < and > take in the nearest one. */
static const bt_filter *doubles_against_integer(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                                bt_comparison_operator op, int64_t literal) {
  double nearest = (double)literal;
  bt_filter_operator asked = filter_operator(op);
  if (!(fabs(nearest) < exact_limit)) {
    if (asked == BT_FILTER_LESS) asked = BT_FILTER_LESS_EQUAL;
    if (asked == BT_FILTER_GREATER) asked = BT_FILTER_GREATER_EQUAL;
  }
  return make_test(builder, scope, key, asked, double_value(nearest));
}

/* Of values that are numbers. */
static bt_filter_pair number_test(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                  bt_comparison_operator op, const bt_value *literal) {
  const bt_filter *integers, *doubles;
  bool is_exact;
  if (literal->type == BT_VALUE_INT) {
    is_exact = fabs((double)literal->integer) < exact_limit;
    /* The lowest integer cannot be written in TraceQL. */
    integers = literal->integer == INT64_MIN ? any_integer(builder, scope, key)
                                             : make_test(builder, scope, key, filter_operator(op), *literal);
    doubles = doubles_against_integer(builder, scope, key, op, literal->integer);
  } else {
    is_exact = fabs(literal->decimal) < exact_limit;
    integers = integers_against_double(builder, scope, key, op, literal->decimal);
    doubles = make_test(builder, scope, key, filter_operator(op), *literal);
  }
  return pair_of(bt_filter_join2(builder, BT_FILTER_OR, integers, doubles), is_exact);
}

/* ---- strings ---- */

static bool can_ask_for(bt_str string) {
  return string.len <= BT_TRACEQL_MAX_STRING_BYTES && bt_utf8_valid(string);
}

/* RE2 and Go's regexp agree on everything but what is listed here (measured): an unclosed \Q would swallow what is put
 * behind the pattern, Unicode classes come from tables of different ages, and (?<name>…) is new in Go. */
static bool is_portable_pattern(bt_str pattern) {
  return can_ask_for(pattern) && !bt_str_contains(pattern, BT_STR("\\Q")) && !bt_str_contains(pattern, BT_STR("\\p")) &&
         !bt_str_contains(pattern, BT_STR("\\P")) && !bt_str_contains(pattern, BT_STR("(?<"));
}

bool bt_traceql_can_leave_out(bt_str text) {
  return can_ask_for(text);
}

void bt_traceql_quote_pattern(bt_str text, bt_buffer *out) {
  static const char special[] = "\\.+*?()|[]{}^$";
  for (size_t i = 0; i < text.len; i++) {
    if (memchr(special, text.ptr[i], sizeof special - 1)) bt_buffer_append_char(out, '\\');
    bt_buffer_append_char(out, text.ptr[i]);
  }
}

static void append_pattern(bt_buffer *out, bt_comparison_operator op, bt_str text) {
  static const bt_str anything = {BT_FILTER_ANY_STRING, sizeof BT_FILTER_ANY_STRING - 1};
  if (op == BT_CONTAINS || op == BT_ENDS_WITH || op == BT_MATCHES) bt_buffer_append(out, anything);
  if (op == BT_MATCHES) {
    bt_buffer_append(out, BT_STR("(?:"));
    bt_buffer_append(out, text);
    bt_buffer_append(out, BT_STR(")"));
  } else if (op == BT_MATCHES_WHOLE || op == BT_NOT_MATCHES_WHOLE) {
    bt_buffer_append(out, text);
  } else {
    bt_traceql_quote_pattern(text, out);
  }
  if (op == BT_CONTAINS || op == BT_STARTS_WITH || op == BT_MATCHES) bt_buffer_append(out, anything);
}

/* The pattern for the whole string that says the same as `op text`. False: it cannot be said. */
static bool make_pattern(bt_filter_builder *builder, bt_comparison_operator op, bt_str text, bt_str *pattern) {
  bool is_regex = op == BT_MATCHES || op == BT_MATCHES_WHOLE || op == BT_NOT_MATCHES_WHOLE;
  if (text.len == 0 || !(is_regex ? is_portable_pattern(text) : can_ask_for(text))) return false;
  bt_buffer out = {0};
  append_pattern(&out, op, text);
  if (out.failed || !bt_arena_copy(builder->arena, bt_buffer_str(&out), pattern)) builder->failed = true;
  bt_buffer_dispose(&out);
  return !builder->failed;
}

static const bt_filter *any_string(bt_filter_builder *builder, bt_filter_field scope, bt_str key) {
  return make_test(builder, scope, key, BT_FILTER_REGEX, string_value(BT_STR(BT_FILTER_ANY_STRING)));
}

/* A resource without a service name has an empty one in Tempo's tables. */
static bool may_stand_for_missing(bt_filter_field scope, bt_str key, bt_comparison_operator op, bt_str text) {
  if (scope != BT_FILTER_RESOURCE || !bt_str_equal(key, BT_STR("service.name"))) return false;
  return text.len == 0 || op == BT_MATCHES || op == BT_MATCHES_WHOLE;
}

/* Of values that are texts, as texts. */
static bt_filter_pair string_test(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                  bt_comparison_operator op, bt_str text) {
  bt_str pattern;
  bool is_exact = !may_stand_for_missing(scope, key, op, text);
  if (op == BT_EQUAL && can_ask_for(text))
    return pair_of(make_test(builder, scope, key, BT_FILTER_EQUAL, string_value(text)), is_exact);
  if (op != BT_EQUAL && !bt_operator_is_ordering(op) && make_pattern(builder, op, text, &pattern))
    return pair_of(make_test(builder, scope, key, BT_FILTER_REGEX, string_value(pattern)), is_exact);
  return pair_of(any_string(builder, scope, key), false);
}

/* ---- all of them ---- */

/* Numbers or booleans against such a literal. *is_known: it can be said so. */
static bt_filter_pair typed_test(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                 bt_comparison_operator op, const bt_value *literal, bool *is_known) {
  bool is_number = bt_value_is_number(literal);
  *is_known = op == BT_EQUAL || (is_number && bt_operator_is_ordering(op));
  /* Beyond, no second comparison is left that keeps pages with NaN (traceql.c), and a double cannot be compared
   * safely. */
  if (literal->type == BT_VALUE_DOUBLE && !(fabs(literal->decimal) < BT_TRACEQL_GUARDED_BELOW)) *is_known = false;
  if (!*is_known) return pair_of(make_test(builder, scope, key, BT_FILTER_PRESENT, (bt_value){0}), false);
  if (is_number) return number_test(builder, scope, key, op, literal);
  return pair_of(make_test(builder, scope, key, BT_FILTER_EQUAL, *literal), true);
}

/* Whether the text is a number or a boolean to this operator. Booleans have no order. */
static bool is_read(bt_str text, bt_comparison_operator op, bt_value *out) {
  *out = bt_text_value(text);
  return out->type != BT_VALUE_STRING &&
         (op == BT_EQUAL || (bt_operator_is_ordering(op) && out->type != BT_VALUE_BOOL));
}

/* Whether a text that may have been cut can leave it open. `is_sure`: it is met for certain where it is met. */
static bool may_be_open(bt_comparison_operator op, bt_str text, bool *is_sure) {
  *is_sure = true;
  if (op == BT_CONTAINS) return true;
  *is_sure = (op == BT_MATCHES || op == BT_MATCHES_WHOLE) && bt_pattern_is_open(text, op == BT_MATCHES_WHOLE);
  if (op == BT_MATCHES) return true;
  return op == BT_ENDS_WITH || (op == BT_MATCHES_WHOLE && !bt_pattern_is_short(text));
}

/* Of events a query has one test (filter.h). */
static bt_filter_pair or_long_event(bt_filter_builder *builder, bt_str key, bt_str pattern) {
  bt_buffer out = {0};
  bt_str either = {0};
  bt_buffer_printf(&out, "(?:%.*s)|" BT_TRACEQL_LONG_STRING, BT_FMT(pattern));
  if (out.failed || !bt_arena_copy(builder->arena, bt_buffer_str(&out), &either)) builder->failed = true;
  bt_buffer_dispose(&out);
  return pair_of(make_test(builder, BT_FILTER_EVENT, key, BT_FILTER_REGEX, string_value(either)), false);
}

/* Texts as texts, and those that may have been cut and leave it open. */
static bt_filter_pair attribute_text_test(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                          bt_comparison_operator op, bt_str text) {
  bool is_sure;
  bt_filter_pair pair = string_test(builder, scope, key, op, text);
  if (op == BT_EQUAL && text.len >= BT_CUT_BYTES) pair.under.filter = bt_filter_none();
  bool is_pattern = pair.over.filter->kind == BT_FILTER_TEST && pair.over.filter->test.op == BT_FILTER_REGEX;
  if (!is_pattern || !may_be_open(op, text, &is_sure)) return pair;
  if (!is_sure) pair.under.filter = bt_filter_none();
  if (bt_str_equal(pair.over.filter->test.literal.string, BT_STR(BT_FILTER_ANY_STRING))) return pair;
  if (scope == BT_FILTER_EVENT) return or_long_event(builder, key, pair.over.filter->test.literal.string);
  pair.over.filter = bt_filter_join2(builder, BT_FILTER_OR, pair.over.filter, bt_traceql_long(builder, scope, key));
  return pair;
}

bt_filter_pair bt_traceql_value(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                bt_comparison_operator op, const bt_value *literal) {
  bool is_known = false;
  bt_value read;
  bt_filter_pair pair;
  switch (literal->type) {
  case BT_VALUE_STRING:
    pair = attribute_text_test(builder, scope, key, op, literal->string);
    if (!is_read(literal->string, op, &read)) return pair;
    return any_of(builder, pair, typed_test(builder, scope, key, op, &read, &is_known));
  case BT_VALUE_INT:
  case BT_VALUE_DOUBLE:
  case BT_VALUE_BOOL:
    pair = typed_test(builder, scope, key, op, literal, &is_known);
    if (is_known)
      pair.over.filter = bt_filter_join2(builder, BT_FILTER_OR, pair.over.filter,
                                         bt_traceql_readings(builder, scope, key, op, literal));
    return pair;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME:
  case BT_VALUE_ARRAY: break;
  }
  return pair_of(make_test(builder, scope, key, BT_FILTER_PRESENT, (bt_value){0}), false);
}

bt_filter_pair bt_traceql_service(bt_filter_builder *builder, bt_comparison_operator op, bt_str text) {
  return string_test(builder, BT_FILTER_RESOURCE, BT_STR("service.name"), op, text);
}

const bt_filter *bt_traceql_text(bt_filter_builder *builder, bt_filter_field field, bt_comparison_operator op,
                                 const bt_value *literal, bool negated) {
  bt_str none = {0}, pattern;
  if (op == BT_NOT_EQUAL || op == BT_NOT_MATCHES_WHOLE) {
    negated = !negated;
    op = op == BT_NOT_EQUAL ? BT_EQUAL : BT_MATCHES_WHOLE;
  }
  if (literal->type != BT_VALUE_STRING || bt_operator_is_ordering(op)) return NULL;
  if (op == BT_EQUAL && can_ask_for(literal->string))
    return make_test(builder, field, none, negated ? BT_FILTER_NOT_EQUAL : BT_FILTER_EQUAL, *literal);
  if (op == BT_EQUAL || !make_pattern(builder, op, literal->string, &pattern)) return NULL;
  return make_test(builder, field, none, negated ? BT_FILTER_NOT_REGEX : BT_FILTER_REGEX, string_value(pattern));
}
