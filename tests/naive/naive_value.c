/* Values, arithmetic and comparisons of the naive evaluator. See naive_value.h. Pure functions. */
#include "tests/naive/naive_value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dsl/pattern/pattern.h"

/* Room for any sum of whole numbers. */
__extension__ typedef __int128 wide_integer;

bt_truth naive_and(bt_truth a, bt_truth b) {
  return a < b ? a : b;
}

bt_truth naive_or(bt_truth a, bt_truth b) {
  return a > b ? a : b;
}

bt_truth naive_not(bt_truth a) {
  if (a == BT_UNKNOWN) return BT_UNKNOWN;
  return a == BT_TRUE ? BT_FALSE : BT_TRUE;
}

static bt_truth from_bool(bool b) {
  return b ? BT_TRUE : BT_FALSE;
}

naive_value naive_missing(void) {
  return (naive_value){.kind = NAIVE_MISSING};
}

naive_value naive_any(void) {
  return (naive_value){.kind = NAIVE_ANY};
}

naive_bound naive_bound_at(bt_value number) {
  return (naive_bound){.is_open = false, .number = number};
}

naive_bound naive_bound_none(void) {
  return (naive_bound){.is_open = true};
}

naive_value naive_range(naive_bound low, naive_bound high) {
  return (naive_value){.kind = NAIVE_RANGE, .low = low, .high = high};
}

static naive_value one_number(bt_value number) {
  return naive_range(naive_bound_at(number), naive_bound_at(number));
}

naive_value naive_integer(int64_t number) {
  return one_number((bt_value){.type = BT_VALUE_INT, .integer = number});
}

naive_value naive_known(const bt_value *value) {
  switch (value->type) {
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER: return naive_missing();
  case BT_VALUE_STRING: return (naive_value){.kind = NAIVE_EXACT, .may_be_read = true, .exact = *value};
  case BT_VALUE_BOOL:
  case BT_VALUE_ARRAY: return (naive_value){.kind = NAIVE_EXACT, .exact = *value};
  case BT_VALUE_INT: return one_number(*value);
  case BT_VALUE_DOUBLE: return isnan(value->decimal) ? (naive_value){.kind = NAIVE_NAN} : one_number(*value);
  case BT_VALUE_DURATION: return naive_integer(value->duration_ns);
  case BT_VALUE_TIME: return naive_integer(value->time_ns);
  }
  abort();
}

/* The next part of a number's form: some digits. */
static bool pass_digits(const char **at) {
  const char *start = *at;
  while (**at >= '0' && **at <= '9') ++*at;
  return *at > start;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool has_form(const char *text, bool *is_whole) {
  if (*text == '-') text++;
  if (*text == '0' && text[1] >= '0' && text[1] <= '9') return false;
  if (!pass_digits(&text)) return false;
  *is_whole = *text == '\0';
  if (*text == '.') {
    text++;
    if (!pass_digits(&text)) return false;
  }
  if (*text == 'e' || *text == 'E') {
    text++;
    if (*text == '+' || *text == '-') text++;
    if (!pass_digits(&text)) return false;
  }
  return *text == '\0';
}

static naive_value read_text(const char *text, naive_value itself) {
  bool is_whole = false, is_true = strcasecmp(text, "true") == 0;
  if (is_true || strcasecmp(text, "false") == 0)
    return (naive_value){.kind = NAIVE_EXACT, .exact = {.type = BT_VALUE_BOOL, .boolean = is_true}};
  if (!has_form(text, &is_whole)) return itself;
  errno = 0;
  long long integer = strtoll(text, NULL, 10);
  if (is_whole && errno == 0) return naive_integer(integer);
  double decimal = strtod(text, NULL);
  return isinf(decimal) ? itself : one_number((bt_value){.type = BT_VALUE_DOUBLE, .decimal = decimal});
}

naive_value naive_read(naive_value value) {
  if (value.kind != NAIVE_EXACT || value.exact.type != BT_VALUE_STRING || !value.may_be_read) return value;
  bt_str string = value.exact.string;
  if (string.len && memchr(string.ptr, '\0', string.len)) return value;
  char *text = calloc(1, string.len + 1);
  if (!text) abort();
  if (string.len) memcpy(text, string.ptr, string.len);
  value = read_text(text, value);
  free(text);
  return value;
}

/* A long double holds every int64_t and every double. */
static long double exact_number(const bt_value *v) {
  return v->type == BT_VALUE_INT ? (long double)v->integer : (long double)v->decimal;
}

static double as_double(const bt_value *v) {
  return v->type == BT_VALUE_INT ? (double)v->integer : v->decimal;
}

int naive_compare_numbers(const bt_value *a, const bt_value *b) {
  long double x = exact_number(a), y = exact_number(b);
  return (x > y) - (x < y);
}

/* The sum or difference of a whole number and a decimal, when its whole parts come to 2^53 or more: doubles could not
 * tell it from its neighbours there. What is left behind the point is rounded, a half away from zero. False: it is
 * smaller, or no int64_t. */
static bool calculate_far(bt_expression_kind kind, const bt_value *a, const bt_value *b, int64_t *out) {
  int sign_of_b = kind == BT_EXPRESSION_ADD ? 1 : -1;
  bool a_is_whole = a->type == BT_VALUE_INT;
  double decimal = a_is_whole ? sign_of_b * b->decimal : a->decimal;
  if (!isfinite(decimal) || fabs(decimal) >= ldexp(1, 62)) return false;
  wide_integer whole = a_is_whole ? (wide_integer)a->integer : (wide_integer)b->integer * sign_of_b;
  double behind_the_point = modf(decimal, &decimal);
  whole += (wide_integer)decimal;
  if (whole < INT64_MIN || whole > INT64_MAX || (whole < INT64_C(1) << 53 && whole > -(INT64_C(1) << 53))) return false;
  whole += (wide_integer)round(behind_the_point);
  *out = (int64_t)whole;
  return whole >= INT64_MIN && whole <= INT64_MAX;
}

/* One operation on two numbers. False: overflow, division by zero or NaN. */
static bool calculate(bt_expression_kind kind, const bt_value *a, const bt_value *b, bt_value *out) {
  bool both_whole = a->type == BT_VALUE_INT && b->type == BT_VALUE_INT;
  *out = (bt_value){.type = BT_VALUE_INT};
  if (both_whole && kind == BT_EXPRESSION_ADD) return !__builtin_add_overflow(a->integer, b->integer, &out->integer);
  if (both_whole && kind == BT_EXPRESSION_SUBTRACT)
    return !__builtin_sub_overflow(a->integer, b->integer, &out->integer);
  if (both_whole && kind == BT_EXPRESSION_MULTIPLY)
    return !__builtin_mul_overflow(a->integer, b->integer, &out->integer);
  bool is_mixed_sum =
      !both_whole && a->type != b->type && (kind == BT_EXPRESSION_ADD || kind == BT_EXPRESSION_SUBTRACT);
  if (is_mixed_sum && calculate_far(kind, a, b, &out->integer)) return true;
  double x = as_double(a), y = as_double(b), result = 0;
  if (kind == BT_EXPRESSION_DIVIDE && y == 0) return false;
  if (kind == BT_EXPRESSION_ADD) result = x + y;
  if (kind == BT_EXPRESSION_SUBTRACT) result = x - y;
  if (kind == BT_EXPRESSION_MULTIPLY) result = x * y;
  if (kind == BT_EXPRESSION_DIVIDE) result = x / y;
  *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = result};
  return !isnan(result) && !(isinf(result) && !isinf(x) && !isinf(y));
}

/* An end of a range in arithmetic: a number, or one of the two infinities that stand for "no bound". */
typedef struct end {
  int infinite; /* −1, 0, 1 */
  bt_value number;
} end;

static end low_end(const naive_value *v) {
  return (end){v->low.is_open ? -1 : 0, v->low.number};
}

static end high_end(const naive_value *v) {
  return (end){v->high.is_open ? 1 : 0, v->high.number};
}

static int sign_of(end e) {
  if (e.infinite != 0) return e.infinite;
  long double x = exact_number(&e.number);
  return (x > 0) - (x < 0);
}

static end zero_end(void) {
  return (end){0, {.type = BT_VALUE_INT, .integer = 0}};
}

/* One operation on two ends. False: the numbers cannot be reckoned with. */
static bool calculate_ends(bt_expression_kind kind, end a, end b, end *out) {
  if (a.infinite == 0 && b.infinite == 0) {
    out->infinite = 0;
    return calculate(kind, &a.number, &b.number, &out->number);
  }
  *out = zero_end();
  if (kind == BT_EXPRESSION_ADD) out->infinite = a.infinite ? a.infinite : b.infinite;
  if (kind == BT_EXPRESSION_SUBTRACT) out->infinite = a.infinite ? a.infinite : -b.infinite;
  if (kind == BT_EXPRESSION_MULTIPLY) out->infinite = sign_of(a) * sign_of(b);
  /* a number over ever larger ones goes to 0 */
  if (kind == BT_EXPRESSION_DIVIDE) out->infinite = b.infinite ? 0 : a.infinite * sign_of(b);
  return true;
}

static int compare_ends(end a, end b) {
  if (a.infinite != 0 || b.infinite != 0) return (a.infinite > b.infinite) - (a.infinite < b.infinite);
  return naive_compare_numbers(&a.number, &b.number);
}

static bool is_one_number(const naive_value *v) {
  return v->kind == NAIVE_RANGE && !v->low.is_open && !v->high.is_open &&
         naive_compare_numbers(&v->low.number, &v->high.number) == 0;
}

static bool holds_zero(const naive_value *v) {
  return sign_of(low_end(v)) <= 0 && sign_of(high_end(v)) >= 0;
}

static naive_value range_of_ends(end low, end high) {
  return naive_range((naive_bound){low.infinite != 0, low.number}, (naive_bound){high.infinite != 0, high.number});
}

/* The smallest and the largest of what the ends give with each other. */
static bool arithmetic_on_ranges(bt_expression_kind kind, const naive_value *a, const naive_value *b,
                                 naive_value *out) {
  end from_a[2] = {low_end(a), high_end(a)}, from_b[2] = {low_end(b), high_end(b)};
  end low = zero_end(), high = zero_end();
  if (kind == BT_EXPRESSION_ADD || kind == BT_EXPRESSION_SUBTRACT) {
    bool is_sum = kind == BT_EXPRESSION_ADD;
    if (!calculate_ends(kind, from_a[0], from_b[is_sum ? 0 : 1], &low)) return false;
    if (!calculate_ends(kind, from_a[1], from_b[is_sum ? 1 : 0], &high)) return false;
    *out = range_of_ends(low, high);
    return true;
  }
  for (int i = 0; i < 4; i++) {
    end result;
    if (!calculate_ends(kind, from_a[i / 2], from_b[i % 2], &result)) return false;
    if (i == 0 || compare_ends(result, low) < 0) low = result;
    if (i == 0 || compare_ends(result, high) > 0) high = result;
  }
  *out = range_of_ends(low, high);
  return true;
}

/* "An attribute in arithmetic is a number": anything else is missing there. */
static bool is_no_number(const naive_value *v) {
  return v->kind == NAIVE_MISSING || v->kind == NAIVE_NAN || v->kind == NAIVE_EXACT;
}

naive_value naive_arithmetic(bt_expression_kind kind, naive_value a, naive_value b) {
  a = naive_read(a), b = naive_read(b);
  if (is_no_number(&a) || is_no_number(&b)) return naive_missing();
  if (kind == BT_EXPRESSION_DIVIDE && is_one_number(&b) && holds_zero(&b)) return naive_missing();
  if (a.kind == NAIVE_ANY || b.kind == NAIVE_ANY) return naive_any();
  if (kind == BT_EXPRESSION_DIVIDE && holds_zero(&b)) return naive_any();
  naive_value result;
  bool is_possible = arithmetic_on_ranges(kind, &a, &b, &result);
  if (!is_possible) return is_one_number(&a) && is_one_number(&b) ? naive_missing() : naive_any();
  result.may_be_missing = a.may_be_missing || b.may_be_missing;
  return result;
}

naive_value naive_negate(naive_value a) {
  a = naive_read(a);
  if (is_no_number(&a) || a.kind == NAIVE_ANY) return is_no_number(&a) ? naive_missing() : a;
  end ends[2] = {low_end(&a), high_end(&a)};
  for (int i = 0; i < 2; i++) {
    bt_value *number = &ends[i].number;
    ends[i].infinite = -ends[i].infinite;
    if (number->type == BT_VALUE_DOUBLE)
      number->decimal = -number->decimal;
    else if (number->integer != INT64_MIN)
      number->integer = -number->integer;
    else
      return is_one_number(&a) ? naive_missing() : naive_any();
  }
  naive_value result = range_of_ends(ends[1], ends[0]);
  result.may_be_missing = a.may_be_missing;
  return result;
}

bt_truth naive_present(const naive_value *value) {
  if (value->kind == NAIVE_MISSING) return BT_FALSE;
  return value->kind == NAIVE_ANY || value->may_be_missing ? BT_UNKNOWN : BT_TRUE;
}

static bool is_infinite(const naive_bound *b, int side) {
  return !b->is_open && b->number.type == BT_VALUE_DOUBLE && isinf(b->number.decimal) &&
         (b->number.decimal > 0) == (side > 0);
}

static bt_truth compare_ranges(bt_comparison_operator op, const naive_value *a, const naive_value *b) {
  int a_low_to_b_high = compare_ends(low_end(a), high_end(b));
  int a_high_to_b_low = compare_ends(high_end(a), low_end(b));
  /* Nothing is beyond an infinite number, so it does not matter there that the other side has no end. */
  bool low_is_open = (a->low.is_open && !is_infinite(&b->high, -1)) || (b->high.is_open && !is_infinite(&a->low, 1));
  bool high_is_open = (a->high.is_open && !is_infinite(&b->low, 1)) || (b->low.is_open && !is_infinite(&a->high, -1));
  bool all_less = !high_is_open && a_high_to_b_low < 0, all_greater = !low_is_open && a_low_to_b_high > 0;
  bool is_at_infinity_low = a->low.is_open || b->high.is_open, is_at_infinity_high = a->high.is_open || b->low.is_open;
  all_less &= !is_at_infinity_high, all_greater &= !is_at_infinity_low;
  bool all_at_most = !high_is_open && (is_at_infinity_high || a_high_to_b_low <= 0);
  bool all_at_least = !low_is_open && (is_at_infinity_low || a_low_to_b_high >= 0);
  bool holds = false, fails = false;
  if (op == BT_EQUAL)
    holds = all_at_most && all_at_least, fails = all_less || all_greater;
  else if (op == BT_LESS)
    holds = all_less, fails = all_at_least;
  else if (op == BT_LESS_EQUAL)
    holds = all_at_most, fails = all_greater;
  else if (op == BT_GREATER)
    holds = all_greater, fails = all_at_most;
  else if (op == BT_GREATER_EQUAL)
    holds = all_at_least, fails = all_less;
  else
    fails = true; /* no operator for strings is met by numbers */
  if (holds) return BT_TRUE;
  return fails ? BT_FALSE : BT_UNKNOWN;
}

static bool pattern_matches(const bt_pattern *pattern, bt_str subject) {
  bool matches = false;
  uint64_t cost;
  if (bt_pattern_match(pattern, subject, &cost, &matches) != BT_OK) abort();
  return matches;
}

static bool compare_strings(bt_comparison_operator op, bt_str a, bt_str b, const bt_pattern *pattern) {
  switch (op) {
  case BT_EQUAL: return bt_str_equal(a, b);
  case BT_LESS: return bt_str_compare(a, b) < 0;
  case BT_LESS_EQUAL: return bt_str_compare(a, b) <= 0;
  case BT_GREATER: return bt_str_compare(a, b) > 0;
  case BT_GREATER_EQUAL: return bt_str_compare(a, b) >= 0;
  case BT_CONTAINS: return bt_str_contains(a, b);
  case BT_STARTS_WITH: return bt_str_starts_with(a, b);
  case BT_ENDS_WITH: return bt_str_ends_with(a, b);
  case BT_MATCHES:
  case BT_MATCHES_WHOLE: return pattern_matches(pattern, a);
  case BT_NOT_EQUAL:
  case BT_NOT_MATCHES_WHOLE:
  case BT_IN:
  case BT_NOT_IN: break;
  }
  abort();
}

static bool is_text(const naive_value *v) {
  return v->kind == NAIVE_EXACT && v->exact.type == BT_VALUE_STRING;
}

static bool is_array(const naive_value *v) {
  return v->kind == NAIVE_EXACT && v->exact.type == BT_VALUE_ARRAY;
}

/* The operators that are not negations, for values that are there. */
static bt_truth compare_present(bt_comparison_operator op, const naive_value *left, const naive_value *right,
                                const bt_pattern *pattern, bool ignore_case) {
  if (left->kind == NAIVE_MISSING || right->kind == NAIVE_MISSING) return BT_FALSE;
  if (left->kind == NAIVE_NAN || right->kind == NAIVE_NAN) return BT_FALSE;
  if (left->kind == NAIVE_ANY || right->kind == NAIVE_ANY) return BT_UNKNOWN;
  if (is_array(left) || is_array(right)) { /* some element does */
    const bt_value *array = is_array(left) ? &left->exact : &right->exact;
    bt_truth some = BT_FALSE;
    for (uint32_t i = 0; i < array->array.count; i++) {
      naive_value element = naive_known(&array->array.items[i]);
      some = naive_or(some, is_array(left) ? compare_present(op, &element, right, pattern, ignore_case)
                                           : compare_present(op, left, &element, pattern, ignore_case));
    }
    return some;
  }
  if (is_text(left) != is_text(right)) { /* a text against a number or a boolean */
    naive_value left_read = naive_read(*left), right_read = naive_read(*right);
    if (is_text(&left_read) || is_text(&right_read)) return BT_FALSE;
    return compare_present(op, &left_read, &right_read, pattern, ignore_case);
  }
  if (left->kind == NAIVE_RANGE && right->kind == NAIVE_RANGE) return compare_ranges(op, left, right);
  if (left->kind == NAIVE_RANGE || right->kind == NAIVE_RANGE) return BT_FALSE;
  const bt_value *a = &left->exact, *b = &right->exact;
  if (a->type == BT_VALUE_STRING && b->type == BT_VALUE_STRING)
    return from_bool(ignore_case && op == BT_EQUAL ? bt_str_equal_nocase(a->string, b->string)
                                                   : compare_strings(op, a->string, b->string, pattern));
  if (a->type == BT_VALUE_BOOL && b->type == BT_VALUE_BOOL && op == BT_EQUAL)
    return from_bool(a->boolean == b->boolean);
  return BT_FALSE;
}

/* Does the text begin so, byte by byte? */
static bool begins_with(bt_str text, bt_str beginning) {
  return text.len >= beginning.len && (!beginning.len || memcmp(text.ptr, beginning.ptr, beginning.len) == 0);
}

static bool has_any(bt_str text, const char *characters) {
  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] && strchr(characters, text.ptr[i])) return true;
  return false;
}

/* `$`, or a backslash before z, b or B. */
static bool looks_on(bt_str pattern) {
  for (size_t i = 0; i + 1 < pattern.len; i++)
    if (pattern.ptr[i] == '\\' && pattern.ptr[i + 1] && strchr("zbB", pattern.ptr[i + 1])) return true;
  return has_any(pattern, "$");
}

/* The pattern is one sequence, the last part of which is any text. */
static bool takes_any_end(bt_str pattern) {
  size_t n = pattern.len;
  if (n < 2 || pattern.ptr[n - 2] != '.' || pattern.ptr[n - 1] != '*' || has_any(pattern, "|")) return false;
  for (size_t i = 0; i + 1 < n; i++)
    if (pattern.ptr[i] == '(' && pattern.ptr[i + 1] == '?') return false;
  return n == 2 || pattern.ptr[n - 3] != '\\';
}

/* A text that may go on, on either side or on both: what holds of it holds however it goes on, else it is unknown. */
static bt_truth compare_cut(bt_comparison_operator op, const naive_value *left, const naive_value *right,
                            bt_truth holds) {
  const naive_value *other = left->may_be_cut ? right : left;
  if (other->kind == NAIVE_ANY) return BT_UNKNOWN;
  if (other->kind == NAIVE_EXACT && other->exact.type == BT_VALUE_ARRAY) return BT_UNKNOWN;
  if (other->kind != NAIVE_EXACT || other->exact.type != BT_VALUE_STRING) return holds;
  bt_str a = left->exact.string, b = right->exact.string;
  bool may_be_equal = (left->may_be_cut && begins_with(b, a)) || (right->may_be_cut && begins_with(a, b));
  if (op == BT_CONTAINS) {
    if (holds == BT_TRUE && !right->may_be_cut) return BT_TRUE;
    return holds == BT_FALSE && !left->may_be_cut ? BT_FALSE : BT_UNKNOWN;
  }
  if (op == BT_STARTS_WITH) {
    if (holds == BT_TRUE) return right->may_be_cut ? BT_UNKNOWN : BT_TRUE;
    return left->may_be_cut && b.len > a.len && begins_with(b, a) ? BT_UNKNOWN : BT_FALSE;
  }
  if (op == BT_ENDS_WITH && b.len == 0) return BT_TRUE;
  if (op == BT_ENDS_WITH) return !left->may_be_cut && a.len < 2048 ? BT_FALSE : BT_UNKNOWN;
  /* One side begins with all of the other, or is it, and may go on: it is not the smaller one. */
  if (!right->may_be_cut && begins_with(a, b) && (op == BT_LESS || op == BT_GREATER_EQUAL)) return holds;
  if (!left->may_be_cut && begins_with(b, a) && (op == BT_GREATER || op == BT_LESS_EQUAL)) return holds;
  if (op == BT_MATCHES) return holds == BT_TRUE && !looks_on(b) ? BT_TRUE : BT_UNKNOWN;
  if (op == BT_MATCHES_WHOLE && b.len < 512 && !has_any(b, "*+{")) return holds;
  if (op == BT_MATCHES_WHOLE) return holds == BT_TRUE && takes_any_end(b) && !looks_on(b) ? BT_TRUE : BT_UNKNOWN;
  return may_be_equal ? BT_UNKNOWN : holds;
}

bt_truth naive_compare(bt_comparison_operator op, const naive_value *left, const naive_value *right,
                       const bt_pattern *pattern, bool ignore_case) {
  bool is_negation = op == BT_NOT_EQUAL || op == BT_NOT_MATCHES_WHOLE;
  if (op == BT_NOT_EQUAL) op = BT_EQUAL;
  if (op == BT_NOT_MATCHES_WHOLE) op = BT_MATCHES_WHOLE;
  if (left->kind == NAIVE_NAN || right->kind == NAIVE_NAN) return BT_FALSE;
  bt_truth present = naive_and(naive_present(left), naive_present(right));
  bt_truth holds = compare_present(op, left, right, pattern, ignore_case);
  if (left->may_be_cut || right->may_be_cut) holds = compare_cut(op, left, right, holds);
  return naive_and(present, is_negation ? naive_not(holds) : holds);
}
