/* Texts that read as a number or a boolean that is meant (dsl/text_number.h), as patterns for Tempo. None is met by
 * "nil" or "", which newer Tempos make up, and all ask in ASCII: `(?i)false` would be met by `faſse` with a long s. A
 * pattern is exact of whole numbers; of decimals it looks at the digits before the point and one more, because they may
 * be rounded, and of what has an exponent at nothing. See traceql_rules.h. */

#include "tempo/api/traceql_rules.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WHOLE         "(?:0|[1-9][0-9]*)"
#define FRACTION      "\\.[0-9]+"
#define EXPONENT      "[eE][-+]?[0-9]+"
#define ANY_NUMBER    "-?" WHOLE "(?:" FRACTION ")?(?:" EXPONENT ")?"
#define WITH_EXPONENT "-?" WHOLE "(?:" FRACTION ")?" EXPONENT
#define NOT_WHOLE     "-?" WHOLE "(?:" FRACTION "(?:" EXPONENT ")?|" EXPONENT ")"

/* Nearer to 0 than this every whole number is a double, and so is one more. */
static const double selective_below = 1e15;

enum { MAX_DIGITS = 24 };

static const bt_filter *make_reading(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                     bt_filter_operator op, bt_str text) {
  bt_filter_test test = {.field = scope, .key = key, .op = op, .is_reading = true};
  test.literal = (bt_value){.type = BT_VALUE_STRING, .string = text};
  return bt_filter_test_new(builder, test);
}

/* The text is copied. */
static const bt_filter *copy_reading(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                     bt_filter_operator op, bt_buffer *text) {
  bt_str copy = {0};
  if (text->failed || !bt_arena_copy(builder->arena, bt_buffer_str(text), &copy)) builder->failed = true;
  bt_buffer_dispose(text);
  return builder->failed ? bt_filter_none() : make_reading(builder, scope, key, op, copy);
}

/* ---- whole numbers from one on, and up to one ---- */

/* |…, but not before the first. */
static void begin_alternative(bt_buffer *out, size_t start) {
  if (out->len > start) bt_buffer_append_char(out, '|');
}

static void append_digits(bt_buffer *out, int count) {
  if (count == 1) bt_buffer_append(out, BT_STR("[0-9]"));
  if (count > 1) bt_buffer_printf(out, "[0-9]{%d}", count);
}

/* `low` to `high` at the place behind the first digits of the text, and any digits behind it. */
static void append_place(bt_buffer *out, size_t start, const char *text, int place, char low, char high) {
  if (low > high) return;
  begin_alternative(out, start);
  bt_buffer_append(out, (bt_str){text, (size_t)place});
  if (low == high)
    bt_buffer_append_char(out, low);
  else
    bt_buffer_printf(out, "[%c-%c]", low, high);
  append_digits(out, (int)strlen(text) - place - 1);
}

/* The place of the last digit that is not `digit`; 0: there is none. */
static int last_other(const char *text, char digit) {
  int place = (int)strlen(text) - 1;
  while (place > 0 && text[place] == digit) place--;
  return place;
}

/* Alternatives for the numbers of 1 and more from `least` on. */
static void append_from(bt_buffer *out, int64_t least) {
  char text[MAX_DIGITS];
  size_t start = out->len;
  snprintf(text, sizeof text, "%" PRId64, least);
  int last = last_other(text, '0');
  append_place(out, start, text, last, text[last], '9');
  for (int place = last; place-- > 0;) append_place(out, start, text, place, (char)(text[place] + 1), '9');
  bt_buffer_printf(out, "|[1-9][0-9]{%d,}", (int)strlen(text));
}

/* Alternatives for the numbers up to `most`, which is 1 or more. */
static void append_up_to(bt_buffer *out, int64_t most) {
  char text[MAX_DIGITS];
  size_t start = out->len;
  snprintf(text, sizeof text, "%" PRId64, most);
  int digits = (int)strlen(text), last = last_other(text, '9');
  bt_buffer_append_char(out, '0');
  if (digits == 2) bt_buffer_append(out, BT_STR("|[1-9]"));
  if (digits > 2) bt_buffer_printf(out, "|[1-9][0-9]{0,%d}", digits - 2);
  append_place(out, start, text, last, last ? '0' : '1', text[last]);
  for (int place = last; place-- > 0;)
    append_place(out, start, text, place, place ? '0' : '1', (char)(text[place] - 1));
}

typedef struct bounds {
  bool is_upward; /* from `bound` on; else up to it */
  int64_t bound;
} bounds;

/* `sign` and the whole numbers within the bounds, with `rest` behind them; nothing where there are none. */
static void append_part(bt_buffer *out, bt_str sign, bounds within, bt_str rest) {
  if (!within.is_upward && within.bound < 0) return;
  begin_alternative(out, 0);
  bt_buffer_append(out, sign);
  if (within.is_upward && within.bound <= 0) {
    bt_buffer_append(out, BT_STR(WHOLE));
  } else {
    bt_buffer_append(out, BT_STR("(?:"));
    if (within.is_upward)
      append_from(out, within.bound);
    else if (within.bound == 0)
      bt_buffer_append_char(out, '0');
    else
      append_up_to(out, within.bound);
    bt_buffer_append_char(out, ')');
  }
  bt_buffer_append(out, rest);
}

/* Texts of numbers above the bound (or, where not is_strict, equal to it), with the sign that goes with it; those with
 * the other sign lie below it from their bound on. A fraction lies between the whole number before it and the next one,
 * both of which it may be rounded to. */
static void append_beyond(bt_buffer *out, bt_str with, bt_str against, double bound, bool is_strict) {
  int64_t floored = (int64_t)floor(bound), ceiled = (int64_t)ceil(bound);
  bounds whole = {.is_upward = true, .bound = is_strict ? floored + 1 : ceiled};
  bounds fraction = {.is_upward = true, .bound = is_strict ? floored : ceiled - 1};
  bounds other = {.bound = is_strict ? -floored - 1 : -ceiled};
  append_part(out, with, whole, (bt_str){0});
  append_part(out, with, fraction, BT_STR(FRACTION));
  append_part(out, against, other, BT_STR("(?:" FRACTION ")?"));
  bt_buffer_append(out, BT_STR("|" WITH_EXPONENT));
}

/* ---- tests ---- */

static const bt_filter *equal_number(bt_filter_builder *builder, bt_filter_field scope, bt_str key, double number) {
  static const char *const zeros[] = {"0", "-0"};
  const bt_filter *any = make_reading(builder, scope, key, BT_FILTER_REGEX, BT_STR(NOT_WHOLE));
  if (number < floor(number) || number > floor(number)) return any;
  if (number < 0 || number > 0) {
    bt_buffer text = {0};
    bt_buffer_printf(&text, "%" PRId64, (int64_t)number);
    const bt_filter *whole = copy_reading(builder, scope, key, BT_FILTER_EQUAL, &text);
    return bt_filter_join2(builder, BT_FILTER_OR, whole, any);
  }
  for (size_t i = 0; i < 2; i++)
    any = bt_filter_join2(builder, BT_FILTER_OR,
                          make_reading(builder, scope, key, BT_FILTER_EQUAL, bt_str_from(zeros[i])), any);
  return any;
}

static const bt_filter *number_readings(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                        bt_comparison_operator op, double number) {
  bt_buffer pattern = {0};
  if (!(fabs(number) < selective_below)) return make_reading(builder, scope, key, BT_FILTER_REGEX, BT_STR(ANY_NUMBER));
  if (op == BT_EQUAL) return equal_number(builder, scope, key, number);
  bool is_upward = op == BT_GREATER || op == BT_GREATER_EQUAL, is_strict = op == BT_GREATER || op == BT_LESS;
  if (is_upward)
    append_beyond(&pattern, BT_STR(""), BT_STR("-"), number, is_strict);
  else
    append_beyond(&pattern, BT_STR("-"), BT_STR(""), -number, is_strict);
  return copy_reading(builder, scope, key, BT_FILTER_REGEX, &pattern);
}

const bt_filter *bt_traceql_long(bt_filter_builder *builder, bt_filter_field scope, bt_str key) {
  return make_reading(builder, scope, key, BT_FILTER_REGEX, BT_STR(BT_TRACEQL_LONG_STRING));
}

const bt_filter *bt_traceql_readings(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                     bt_comparison_operator op, const bt_value *literal) {
  if (literal->type == BT_VALUE_BOOL)
    return make_reading(builder, scope, key, BT_FILTER_REGEX,
                        literal->boolean ? BT_STR("[tT][rR][uU][eE]") : BT_STR("[fF][aA][lL][sS][eE]"));
  double number = literal->type == BT_VALUE_INT ? (double)literal->integer : literal->decimal;
  return number_readings(builder, scope, key, op, number);
}
