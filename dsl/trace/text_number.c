/* Numbers and booleans that texts read as. See text_number.h. The decimal point of a locale is never met: digits go to
 * strtod as a whole number with an exponent. */
#include "dsl/trace/text_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A double and the middle between two of them have at most 767 digits; of what follows it only matters whether it is 0.
 * Exponents from `far` on are all the same, whatever the digits before them; ten times as many and nine fit, too. */
enum { MOST_DIGITS = 780, NUMBER_BYTES = MOST_DIGITS + 32, WORD = 8 };
static const int64_t far = INT64_C(1) << 59;

typedef struct digits {
  const char *start, *end;
} digits;

typedef struct number_form {
  bool is_negative, is_whole;
  digits whole, fraction;
  int64_t exponent; /* as written, cut to far */
} number_form;

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Eight at a time: a digit has 3 in its upper half, and has it still when 6 is added. */
static bool are_digits(const char *at) {
  uint64_t word;
  memcpy(&word, at, WORD);
  return (word & 0xF0F0F0F0F0F0F0F0u) == 0x3030303030303030u &&
         ((word + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) == 0x3030303030303030u;
}

static digits take_digits(const char **at, const char *end) {
  digits run = {*at, *at};
  while (end - run.end >= WORD && are_digits(run.end)) run.end += WORD;
  while (run.end < end && is_digit(*run.end)) run.end++;
  *at = run.end;
  return run;
}

static bool take_character(const char **at, const char *end, char c) {
  if (*at == end || **at != c) return false;
  ++*at;
  return true;
}

static bool take_exponent(const char **at, const char *end, int64_t *exponent) {
  bool is_negative = take_character(at, end, '-');
  if (!is_negative) (void)take_character(at, end, '+');
  digits run = take_digits(at, end);
  *exponent = 0;
  for (const char *c = run.start; c < run.end && *exponent < far; c++) *exponent = *exponent * 10 + (*c - '0');
  if (*exponent > far) *exponent = far;
  if (is_negative) *exponent = -*exponent;
  return run.start < run.end;
}

static bool read_form(bt_str text, number_form *out) {
  const char *at = text.ptr, *end = text.ptr + text.len;
  *out = (number_form){.is_negative = take_character(&at, end, '-')};
  out->whole = take_digits(&at, end);
  if (out->whole.start == out->whole.end) return false;
  if (*out->whole.start == '0' && out->whole.end - out->whole.start > 1) return false;
  out->is_whole = at == end;
  if (take_character(&at, end, '.')) {
    out->fraction = take_digits(&at, end);
    if (out->fraction.start == out->fraction.end) return false;
  }
  if ((take_character(&at, end, 'e') || take_character(&at, end, 'E')) && !take_exponent(&at, end, &out->exponent))
    return false;
  return at == end;
}

/* False: it does not fit. */
static bool read_integer(const number_form *form, int64_t *out) {
  int64_t value = 0;
  for (const char *c = form->whole.start; c < form->whole.end; c++) {
    int digit = form->is_negative ? '0' - *c : *c - '0';
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value)) return false;
  }
  *out = value;
  return true;
}

static void skip_zeros(digits *run) {
  static const char zeros[WORD] = "00000000";
  while (run->end - run->start >= WORD && memcmp(run->start, zeros, WORD) == 0) run->start += WORD;
  while (run->start < run->end && *run->start == '0') run->start++;
}

/* Moves digits to the buffer as far as they fit; true: something that is not 0 was left over. */
static bool keep_digits(digits run, char *buffer, size_t *count, int64_t *left_over) {
  size_t there = (size_t)(run.end - run.start), room = MOST_DIGITS - *count, kept = there < room ? there : room;
  if (kept) { /* else there may be no text at all */
    memcpy(buffer + *count, run.start, kept);
    run.start += kept;
  }
  *count += kept;
  *left_over = run.end - run.start;
  skip_zeros(&run);
  return run.start < run.end;
}

/* The nearest double; infinite: it is beyond them. */
static double read_decimal(const number_form *form) {
  char buffer[NUMBER_BYTES];
  size_t count = 0;
  int64_t whole_rest, fraction_rest;
  digits whole = form->whole, fraction = form->fraction;
  skip_zeros(&whole);
  int64_t scale = form->exponent - (fraction.end - fraction.start);
  if (whole.start == whole.end) skip_zeros(&fraction);
  bool has_more = keep_digits(whole, buffer, &count, &whole_rest);
  has_more = keep_digits(fraction, buffer, &count, &fraction_rest) || has_more;
  if (count == 0) return form->is_negative ? -0.0 : 0.0;
  scale += whole_rest + fraction_rest;
  if (has_more) buffer[count++] = '1', scale--;
  if (scale > INT32_MAX) scale = INT32_MAX;
  if (scale < INT32_MIN) scale = INT32_MIN;
  (void)snprintf(buffer + count, sizeof buffer - count, "e%d", (int)scale);
  double value = strtod(buffer, NULL);
  return form->is_negative ? -value : value;
}

bool bt_text_number(bt_str text, bt_value *out) {
  number_form form;
  int64_t integer;
  if (text.len == 0 || (!is_digit(*text.ptr) && *text.ptr != '-') || !read_form(text, &form)) return false;
  if (form.is_whole && read_integer(&form, &integer)) {
    *out = (bt_value){.type = BT_VALUE_INT, .integer = integer};
    return true;
  }
  double decimal = read_decimal(&form);
  if (isinf(decimal)) return false;
  *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = decimal};
  return true;
}

bool bt_text_boolean(bt_str text, bool *out) {
  bool is_true = bt_str_equal_nocase(text, BT_STR("true"));
  if (!is_true && !bt_str_equal_nocase(text, BT_STR("false"))) return false;
  *out = is_true;
  return true;
}

bt_value bt_text_value(bt_str text) {
  bt_value value = {.type = BT_VALUE_STRING, .string = text};
  bool boolean;
  if (bt_text_boolean(text, &boolean)) return (bt_value){.type = BT_VALUE_BOOL, .boolean = boolean};
  (void)bt_text_number(text, &value);
  return value;
}
