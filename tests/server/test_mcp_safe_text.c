/* Texts of others as an assistant gets them: cut, escaped, and never one name in the place of another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/mcp/safe_text.h"

static size_t shows_number(json_t *object, json_int_t wanted) {
  const char *name;
  json_t *value;
  size_t count = 0;
  json_object_foreach(object, name, value) {
    count += json_integer_value(value) == wanted;
    assert_true(strlen(name) <= BT_MCP_TEXT_BYTES + 60);
  }
  return count;
}

static void names_that_are_equal_once_cut_stay_apart(void **state) {
  char name[BT_MCP_TEXT_BYTES + 20];
  json_t *object = json_object();
  (void)state;
  for (int i = 0; i < 100; i++) {
    memset(name, 'n', BT_MCP_TEXT_BYTES);
    snprintf(name + BT_MCP_TEXT_BYTES, sizeof name - BT_MCP_TEXT_BYTES, "%02d", i);
    json_object_set_new(object, name, json_integer(i));
  }
  json_t *safe = bt_mcp_safe_copy(object, BT_MCP_TEXT_BYTES, false);
  assert_int_equal(json_object_size(safe), 100);
  for (json_int_t i = 0; i < 100; i++) assert_int_equal(shows_number(safe, i), 1);
  json_decref(safe);
  json_decref(object);
}

/* A name that looks as another does once it is escaped, and one that looks as a number that was given. */
static void names_that_are_equal_once_escaped_stay_apart(void **state) {
  static const char *const names[] = {"a\x1b",
                                      "a\\x1b",
                                      "a\\u001b",
                                      "a\\e",
                                      "b\x07",
                                      "b\\a",
                                      "b\\x07",
                                      "b\\u0007",
                                      "b\\x07 (another: 2)",
                                      "a\\x1b (another: 3)",
                                      "",
                                      "ordinary"};
  enum { COUNT = sizeof names / sizeof *names };
  json_t *object = json_object();
  (void)state;
  for (int i = 0; i < COUNT; i++) json_object_set_new(object, names[i], json_integer(i));
  json_t *safe = bt_mcp_safe_copy(object, BT_MCP_TEXT_BYTES, false);
  assert_int_equal(json_object_size(safe), COUNT);
  for (json_int_t i = 0; i < COUNT; i++) assert_int_equal(shows_number(safe, i), 1);
  assert_int_equal(json_integer_value(json_object_get(safe, "ordinary")), COUNT - 1);
  json_decref(safe);
  json_decref(object);
}

static void a_cut_ends_between_characters_and_says_the_length(void **state) {
  json_t *value = json_string("ab\xc3\xa9z"), *safe = bt_mcp_safe_copy(value, 3, false);
  (void)state;
  assert_string_equal(json_string_value(safe), "ab… (cut: 5 bytes in all)");
  json_decref(safe);
  json_decref(value);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_that_are_equal_once_cut_stay_apart),
                                     cmocka_unit_test(names_that_are_equal_once_escaped_stay_apart),
                                     cmocka_unit_test(a_cut_ends_between_characters_and_says_the_length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
