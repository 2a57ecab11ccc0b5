/* Texts of unknown type. See untyped_text.h. */
#include "dsl/trace/untyped_text.h"

#include <math.h>
#include <stddef.h>

#include "dsl/trace/text_number.h"

/* How exporters write what is no finite number; older ones say that they cannot. */
static const struct {
  bt_str text;
  double decimal;
} odd_numbers[] = {{{"NaN", 3}, NAN},
                   {{"Infinity", 8}, INFINITY},
                   {{"-Infinity", 9}, -INFINITY},
                   {{"json: unsupported value: NaN", 28}, NAN},
                   {{"json: unsupported value: +Inf", 29}, INFINITY},
                   {{"json: unsupported value: -Inf", 29}, -INFINITY}};
enum { ODD_NUMBERS = sizeof odd_numbers / sizeof *odd_numbers };

static bool find_odd_number(bt_str text, double *out) {
  for (size_t i = 0; i < ODD_NUMBERS; i++)
    if (bt_str_equal(text, odd_numbers[i].text)) return *out = odd_numbers[i].decimal, true;
  return false;
}

/* A list or a map in JSON, by its ends. */
static bool looks_nested(bt_str text) {
  if (text.len < 2) return false;
  char first = text.ptr[0], last = text.ptr[text.len - 1];
  return (first == '[' && last == ']') || (first == '{' && last == '}');
}

/* One that is empty may have been no value, or a list that could not be written. */
static bool is_open(bt_str text) {
  return text.len == 0 || looks_nested(text);
}

bt_value bt_untyped_value(bt_str text) {
  double ignored;
  bt_value value = {.type = BT_VALUE_STRING, .string = text};
  value.is_untyped = is_open(text) || bt_text_value(text).type != BT_VALUE_STRING || find_odd_number(text, &ignored);
  return value;
}

bt_value bt_untyped_list_or_text(bt_str text) {
  return (bt_value){.type = BT_VALUE_STRING, .string = text, .is_untyped = is_open(text)};
}

/* Doubles beyond 2^53 are written with as few digits as tell them apart from others, and zeros. `unit` is the last
 * digit of the text that is none of these zeros: with one digit less it would be another double, or none is nearer to
 * it. */
bool bt_may_be_rounded(int64_t integer) {
  static const uint64_t all_exact = (uint64_t)1 << 53;
  uint64_t size = integer < 0 ? -(uint64_t)integer : (uint64_t)integer, unit = 1;
  if (size <= all_exact) return false;
  uint64_t stored = (uint64_t)(double)size, off = stored > size ? stored - size : size - stored;
  while (size % (unit * 10) == 0) unit *= 10;
  uint64_t below = size - size % (unit * 10), above = below + unit * 10;
  bool has_shorter = (double)below == (double)size || (double)above == (double)size;
  return off > 0 && !has_shorter && off <= unit / 2;
}

bt_readings bt_readings_of(const bt_value *value) {
  bt_readings readings = {.items = {*value}, .count = 1, .is_open = bt_value_is_inexact(value)};
  double decimal;
  if (!bt_value_is_untyped(value) || readings.is_open) return readings;
  readings.items[0].is_untyped = false;
  readings.is_open = is_open(value->string);
  bt_value read = bt_text_value(value->string);
  if (find_odd_number(value->string, &decimal)) read = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = decimal};
  if (read.type != BT_VALUE_STRING) readings.items[readings.count++] = read;
  if (read.type == BT_VALUE_INT && bt_may_be_rounded(read.integer))
    readings.items[readings.count++] = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = (double)read.integer};
  return readings;
}

bool bt_may_be_none(const bt_value *value) {
  if (bt_value_is_inexact(value)) return value->type == BT_VALUE_ARRAY;
  return bt_value_is_untyped(value) && is_open(value->string);
}

bool bt_may_count_otherwise(const bt_value *value) {
  double ignored;
  if (bt_value_is_inexact(value)) return true;
  return bt_value_is_untyped(value) && (is_open(value->string) || find_odd_number(value->string, &ignored));
}
