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

bt_readings bt_readings_of(const bt_value *value) {
  bt_readings readings = {.items = {*value}, .count = 1};
  double decimal;
  if (!bt_value_is_untyped(value)) return readings;
  readings.items[0].is_untyped = false;
  readings.is_open = is_open(value->string);
  bt_value read = bt_text_value(value->string);
  if (find_odd_number(value->string, &decimal)) read = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = decimal};
  if (read.type != BT_VALUE_STRING) readings.items[readings.count++] = read;
  return readings;
}

bool bt_may_be_none(const bt_value *value) {
  return bt_value_is_untyped(value) && is_open(value->string);
}

bool bt_may_count_otherwise(const bt_value *value) {
  double ignored;
  return bt_value_is_untyped(value) && (is_open(value->string) || find_odd_number(value->string, &ignored));
}
