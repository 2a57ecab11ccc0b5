/* Exact integers and correctly rounded doubles of JSON text, and what counts as a number. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/json_number.h"

static void test_integers(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool is_signed, is_unsigned; /* whether it is one */
    uint64_t value;
  } table[] = {
      {"0", true, true, 0},
      {"-0", true, true, 0},
      {"9223372036854775807", true, true, INT64_MAX},
      {"9223372036854775808", false, true, (uint64_t)INT64_MAX + 1},
      {"-9223372036854775808", true, false, (uint64_t)INT64_MIN},
      {"-9223372036854775809", false, false, 0},
      {"18446744073709551615", false, true, UINT64_MAX},
      {"18446744073709551616", false, false, 0},
      {"9999999999999999999", false, true, 9999999999999999999u},
      {"10000000000000000000", false, true, 10000000000000000000u},
      {"-9999999999999999999", false, false, 0},
      {"999999999999999999.9", false, false, 0},
      {"1e18", true, true, 1000000000000000000},
      {"1e19", false, true, 10000000000000000000u},
      {"1e20", false, false, 0},
      {"1.5e1", true, true, 15},
      {"1.5", false, false, 0},
      {"1.50e0", false, false, 0},
      {"15.000", true, true, 15},
      {"1500e-2", true, true, 15},
      {"1500e-3", false, false, 0},
      {"-1e0", true, false, (uint64_t)-1},
      {"0.000000000000000001e18", true, true, 1},
      {"0e999999999999999999999999999999", true, true, 0},
      {"1e999999999999999999999999999999", false, false, 0},
      {"0.0e-5", true, true, 0},
      {"1e-999999999999999999999999999999", false, false, 0},
      {"9007199254740993", true, true, 9007199254740993},
      {"922337203685477580.7E1", true, true, INT64_MAX},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    int64_t number;
    uint64_t whole;
    bt_str text = bt_str_from(table[i].text);
    assert_true(bt_json_is_number(text));
    if (bt_json_to_int64(text, &number) != table[i].is_signed) fail_msg("%s as int64", table[i].text);
    if (bt_json_to_uint64(text, &whole) != table[i].is_unsigned) fail_msg("%s as uint64", table[i].text);
    if (table[i].is_signed) assert_int_equal((uint64_t)number, table[i].value);
    if (table[i].is_unsigned) assert_int_equal(whole, table[i].value);
  }
}

static void test_what_is_no_number(void **state) {
  (void)state;
  static const char *const table[] = {"",     "-",  "+1", "01", "-01", "1.",       ".5",  "1e",   "1e+",
                                      "0x10", "1 ", " 1", "1a", "NaN", "Infinity", "--1", "1..2", "1e1.5"};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (bt_json_is_number(bt_str_from(table[i])) && table[i][0] != ' ')
      fail_msg("\"%s\" passed for a number", table[i]);
  assert_false(bt_json_is_number(BT_STR(" 1")));
}

/* Against strtod, over shapes that take the fast and the slow way, and their borders. */
static void check_double(const char *text) {
  double ours = 0, theirs = strtod(text, NULL);
  if (!bt_json_to_double(bt_str_from(text), &ours)) fail_msg("%s is refused", text);
  if (memcmp(&ours, &theirs, sizeof ours) != 0) fail_msg("%s gives %.17g instead of %.17g", text, ours, theirs);
}

static void test_doubles(void **state) {
  (void)state;
  static const char *const table[] = {"0",
                                      "-0",
                                      "0.1",
                                      "1e22",
                                      "1e23",
                                      "9007199254740991e22",
                                      "9007199254740992",
                                      "9007199254740993",
                                      "123456789012345678",
                                      "0.15309827063520784",
                                      "1e-22",
                                      "1e-23",
                                      "4.9e-324",
                                      "2.2250738585072011e-308",
                                      "1.7976931348623157e308",
                                      "5e-325",
                                      "-1.5E+3"};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) check_double(table[i]);
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < 20000; i++) {
    char text[64];
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    snprintf(text, sizeof text, "%s%llu.%llue%d", random & 1 ? "-" : "", (unsigned long long)(random >> 20) % 1000000,
             (unsigned long long)(random >> 3) % 100000000, (int)(random >> 50) % 60 - 30);
    check_double(text);
  }
}

static void test_doubles_out_of_range(void **state) {
  (void)state;
  double value;
  assert_false(bt_json_to_double(BT_STR("1e309"), &value));
  assert_false(bt_json_to_double(BT_STR("-1e99999999999999999999"), &value));
  char digits[2000];
  memset(digits, '9', sizeof digits);
  assert_false(bt_json_to_double((bt_str){digits, sizeof digits}, &value));
  assert_true(bt_json_to_double((bt_str){digits, 300}, &value));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_integers), cmocka_unit_test(test_what_is_no_number),
                                     cmocka_unit_test(test_doubles), cmocka_unit_test(test_doubles_out_of_range)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
