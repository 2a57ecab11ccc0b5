/* Which number or boolean a text reads as. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/text_number.h"

static void check_integer(const char *text, int64_t expected) {
  bt_value value = bt_text_value(bt_str_from(text));
  if (value.type != BT_VALUE_INT || value.integer != expected)
    fail_msg("\"%s\" is not %lld", text, (long long)expected);
}

static void check_decimal(const char *text, double expected) {
  bt_value value = bt_text_value(bt_str_from(text));
  if (value.type != BT_VALUE_DOUBLE || !bt_double_is_same(value.decimal, expected))
    fail_msg("\"%s\" is not %.17g", text, expected);
}

static void test_whole_numbers(void **state) {
  (void)state;
  check_integer("0", 0);
  check_integer("-0", 0);
  check_integer("7", 7);
  check_integer("503", 503);
  check_integer("-12", -12);
  check_integer("12345678901234567", 12345678901234567);
  check_integer("9007199254740993", 9007199254740993); /* no double */
  check_integer("9223372036854775807", INT64_MAX);
  check_integer("-9223372036854775808", INT64_MIN);
  check_decimal("9223372036854775808", 9223372036854775808.0);
  check_decimal("-9223372036854775809", -9223372036854775808.0);
}

static void test_decimals(void **state) {
  (void)state;
  check_decimal("5.0", 5.0);
  check_decimal("-0.0", -0.0);
  check_decimal("1e3", 1000.0);
  check_decimal("1E+3", 1000.0);
  check_decimal("25e-1", 2.5);
  check_decimal("0.1", 0.1);
  check_decimal("0e5", 0.0);
  check_decimal("1.7976931348623157e308", DBL_MAX);
  check_decimal("1.7976931348623158e308", DBL_MAX); /* nearer to it than to what would follow */
  check_decimal("4.9e-324", 4.9e-324);
  check_decimal("1e-400", 0.0);
  check_decimal("1e-99999999999999999999999", 0.0);
  check_decimal("-1e-99999999999999999999999", -0.0);
  check_decimal("0e99999999999999999999999", 0.0);
  check_decimal("1e007", 1e7); /* zeros in front only of an exponent */
}

static void test_neither(void **state) {
  (void)state;
  static const char *const texts[] = {"",         " ",        "007",         "00",        "-007",
                                      " 5",       "5 ",       "+5",          "0x5",       "1_000",
                                      "1,000",    "1,5",      "inf",         "nan",       "-inf",
                                      "-",        ".5",       "5.",          "5.e1",      "1e",
                                      "1e+",      "1e5.0",    "--1",         "- 1",       "1e400",
                                      "-1e400",   "1.8e308",  "truE ",       "tru",       "yes",
                                      "t",        "1f",       "5\n",         "٥",         "1e99999999999999999999999",
                                      "falsey",   "1234567 ", "12345678 ",   "12345678/", "12345678:",
                                      "123:5678", "1/345678", "12345678\xb5"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    bt_value value = bt_text_value(bt_str_from(texts[i]));
    if (value.type != BT_VALUE_STRING) fail_msg("\"%s\" reads as something", texts[i]);
    assert_true(bt_str_equal(value.string, bt_str_from(texts[i])));
  }
  assert_int_equal(bt_text_value((bt_str){"5\0", 2}).type, BT_VALUE_STRING);
  assert_int_equal(bt_text_value((bt_str){NULL, 0}).type, BT_VALUE_STRING);
}

static void test_booleans(void **state) {
  (void)state;
  static const char *const texts[] = {"true", "True", "TRUE", "tRuE", "false", "False", "FALSE", "fALSe"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    bt_value value = bt_text_value(bt_str_from(texts[i]));
    assert_int_equal(value.type, BT_VALUE_BOOL);
    assert_int_equal(value.boolean, i < 4);
  }
  bool boolean = true;
  assert_false(bt_text_boolean(BT_STR("fal\xC5\xBF\x65"), &boolean)); /* a long s: ASCII letters alone */
  assert_true(boolean);
}

/* It ends where the slice ends, and no byte behind it is looked at. */
static void test_slices(void **state) {
  (void)state;
  char *exact = malloc(3);
  assert_non_null(exact);
  memcpy(exact, "503", 3);
  bt_value value;
  assert_true(bt_text_number((bt_str){exact, 3}, &value));
  assert_int_equal(value.integer, 503);
  assert_true(bt_text_number((bt_str){exact, 2}, &value));
  assert_int_equal(value.integer, 50);
  free(exact);
}

/* The text: zeros in front of digits, and so on; as long as one likes. */
static void test_long_texts(void **state) {
  (void)state;
  enum { LONG = 100000 };
  char *text = malloc(LONG + 64);
  assert_non_null(text);
  memset(text, '0', LONG);
  text[0] = '1', text[1] = '.';
  text[LONG] = '\0';
  check_decimal(text, 1.0);
  text[LONG - 1] = '1'; /* just above 1 */
  check_decimal(text, 1.0);
  memcpy(text, "1.00000000000000011102230246251565404236316680908203125", 55); /* the middle of 1 and what follows it */
  check_decimal(text, 1.0000000000000002220446049250313);
  text[LONG - 1] = '0';
  check_decimal(text, 1.0);
  memset(text, '0', LONG);
  (void)snprintf(text + LONG, 64, "1e%d", LONG);
  text[1] = '.';
  check_decimal(text, 10.0); /* 0.00…01e100000 with LONG − 2 zeros behind the point */
  text[LONG / 2] = 'x';
  assert_int_equal(bt_text_value(bt_str_from(text)).type, BT_VALUE_STRING);
  free(text);
}

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

/* Against the C library, over shapes of all kinds. */
static void test_like_the_library(void **state) {
  (void)state;
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < 200000; i++) {
    char text[128];
    int length = snprintf(text, sizeof text, "%s%llu", i % 3 ? "" : "-",
                          (unsigned long long)(next_random(&random) >> next_random(&random) % 64));
    if (i % 4)
      length += snprintf(text + length, sizeof text - (size_t)length, ".%0*llu", (int)(next_random(&random) % 30 + 1),
                         (unsigned long long)(next_random(&random) >> next_random(&random) % 64));
    (void)snprintf(text + length, sizeof text - (size_t)length, "e%d", (int)(next_random(&random) % 700) - 350);
    double expected = strtod(text, NULL);
    bt_value value;
    bool is_read = bt_text_number(bt_str_from(text), &value);
    if (is_read != isfinite(expected)) fail_msg("%s: read %d", text, is_read);
    if (is_read && !bt_double_is_same(value.decimal, expected)) fail_msg("%s: %.17g", text, value.decimal);
  }
}

/* Where the machine has a locale with another decimal point; else in the one that it has. */
static void test_any_locale(void **state) {
  (void)state;
  static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8", "tr_TR.UTF-8"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (setlocale(LC_ALL, names[i])) break;
  check_decimal("0.5", 0.5);
  assert_int_equal(bt_text_value(BT_STR("0,5")).type, BT_VALUE_STRING);
  bool boolean = false;
  assert_true(bt_text_boolean(BT_STR("TRUE"), &boolean) && boolean);
  (void)setlocale(LC_ALL, "C");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole_numbers),    cmocka_unit_test(test_decimals),   cmocka_unit_test(test_neither),
      cmocka_unit_test(test_booleans),         cmocka_unit_test(test_slices),     cmocka_unit_test(test_long_texts),
      cmocka_unit_test(test_like_the_library), cmocka_unit_test(test_any_locale),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
