/* Exact numbers. See json_number.h. */
#include "tempo/wire/json_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/json_reader.h"

bool bt_json_is_number(bt_str text) {
  bt_json json;
  bt_str digits;
  bt_json_init(&json, text, NULL);
  return bt_json_number(&json, &digits) && digits.len == text.len;
}

/* ±digits × 10^exponent. */
typedef struct parts {
  bool is_negative;
  bt_str digits; /* the decimal point may be among them */
  int64_t exponent;
} parts;

static parts take_apart(bt_str number) {
  parts p = {.is_negative = number.len && number.ptr[0] == '-'};
  size_t start = p.is_negative, end = start;
  while (end < number.len && number.ptr[end] != 'e' && number.ptr[end] != 'E') end++;
  p.digits = (bt_str){number.ptr + start, end - start};
  bool shrinks = end + 1 < number.len && number.ptr[end + 1] == '-';
  for (size_t i = end + 1; i < number.len; i++) {
    bool is_digit = number.ptr[i] >= '0' && number.ptr[i] <= '9';
    if (is_digit && p.exponent < INT64_MAX / 100) p.exponent = p.exponent * 10 + (number.ptr[i] - '0');
  }
  if (shrinks) p.exponent = -p.exponent;
  return p;
}

static bool append_digit(uint64_t *value, unsigned digit) {
  return !__builtin_mul_overflow(*value, 10u, value) && !__builtin_add_overflow(*value, digit, value);
}

/* Up to 19 digits without a point, which never overflow: nearly all integers are written so. */
static bool read_short(bt_str digits, uint64_t *value) {
  *value = 0;
  if (!digits.len || digits.len > 19) return false;
  for (size_t i = 0; i < digits.len; i++) {
    unsigned digit = (unsigned)(unsigned char)digits.ptr[i] - '0';
    if (digit > 9) return false;
    *value = *value * 10 + digit;
  }
  return true;
}

/* The absolute value, if it is an integer of 64 bits: digits before the (moved) decimal point are taken, those behind
 * it must be 0. */
static bool read_magnitude(const parts *p, uint64_t *value) {
  if (p->exponent == 0 && read_short(p->digits, value)) return true;
  const char *dot = p->digits.len ? memchr(p->digits.ptr, '.', p->digits.len) : NULL;
  int64_t integer_digits = p->exponent + (dot ? dot - p->digits.ptr : (int64_t)p->digits.len), seen = 0;
  *value = 0;
  for (size_t i = 0; i < p->digits.len; i++) {
    if (p->digits.ptr[i] == '.') continue;
    unsigned digit = (unsigned)(p->digits.ptr[i] - '0');
    if (seen++ < integer_digits ? !append_digit(value, digit) : digit != 0) return false;
  }
  for (; *value && seen < integer_digits; seen++)
    if (!append_digit(value, 0)) return false;
  return true;
}

bool bt_json_to_int64(bt_str number, int64_t *out) {
  parts p = take_apart(number);
  uint64_t magnitude;
  if (!read_magnitude(&p, &magnitude)) return false;
  if (magnitude > (uint64_t)INT64_MAX + p.is_negative) return false;
  *out = p.is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
  return true;
}

bool bt_json_to_uint64(bt_str number, uint64_t *out) {
  parts p = take_apart(number);
  return read_magnitude(&p, out) && (!p.is_negative || *out == 0);
}

/* Both a mantissa below 2^53 and a power of ten up to 10^22 are doubles exactly, so that one division or multiplication
 * of them rounds once and correctly. */
static bool to_double_fast(const parts *p, double *out) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  uint64_t mantissa = 0;
  int64_t power = p->exponent;
  bool is_fraction = false;
  if (p->digits.len > 17) return false;
  for (size_t i = 0; i < p->digits.len; i++) {
    char c = p->digits.ptr[i];
    if (c == '.')
      is_fraction = true;
    else
      mantissa = mantissa * 10 + (uint64_t)(c - '0'), power -= is_fraction;
  }
  if (mantissa >= (uint64_t)1 << 53 || power < -22 || power > 22) return false;
  double value = power < 0 ? (double)mantissa / powers[-power] : (double)mantissa * powers[power];
  *out = p->is_negative ? -value : value;
  return true;
}

/* strtod wants a NUL behind the number. It also wants "." as the decimal point of the locale: the program never sets
 * one. */
static bool to_double_slow(bt_str number, double *out) {
  char short_copy[64];
  char *copy = number.len < sizeof short_copy ? short_copy : malloc(number.len + 1);
  if (!copy) return false;
  memcpy(copy, number.ptr, number.len);
  copy[number.len] = '\0';
  *out = strtod(copy, NULL);
  if (copy != short_copy) free(copy);
  return isfinite(*out);
}

bool bt_json_to_double(bt_str number, double *out) {
  parts p = take_apart(number);
  return to_double_fast(&p, out) || to_double_slow(number, out);
}
