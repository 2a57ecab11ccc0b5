/* Patterns mean what Tempo's mean; bad ones are refused with a reason; allocations may fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dsl/pattern.h"
#include "tests/support/failing_alloc.h"

typedef struct match_row {
  const char *pattern;
  const char *subject;
  bool anywhere, whole;
} match_row;

static const match_row matches[] = {
    {"abc", "abc", true, true},
    {"b", "abc", true, false},
    {"^b", "abc", false, false},
    {"a|abc", "abc", true, true}, /* the whole string, not the first alternative that fits */
    {"a.c", "a\nc", true, true},  /* dot matches newline */
    {"(?-s)a.c", "a\nc", false, false},
    {"a$", "a\n", false, false}, /* $ is the end of the text */
    {"(?i)ABC", "abc", true, true},
    {"", "", true, true},
    {"", "abc", true, false},
    {"\\d+", "abc123", true, false},
    {"(?<year>\\d{4})-(?<month>\\d\\d)", "2024-05", true, true},
    {"(?<a>x)(?<a>y)", "xy", true, true}, /* one name twice, as Go takes it */
    {"(?P<year>\\d{4})", "2024", true, true},
    {"[(?<a>]+", "(?<a>", true, true},   /* nothing is rewritten in a class */
    {"[]()?<>]+", "]()?<>", true, true}, /* nor where a bracket is a member */
    {"[[:alpha:](?<]+", "a(?<", true, true},
    {"\\(\\?<", "(?<", true, true},
    {"\\Q(?<a>\\C\\E", "(?<a>\\C", true, true}, /* nor in quoted text */
    {".", "\xC3\xA4", true, true},              /* one character, not two bytes */
    {"...",
     "a\xFF"
     "b",
     true, true}, /* a bad byte is one U+FFFD */
    {"\xEF\xBF\xBD", "\xFF", true, true},
    {"\xEF\xBF\xBD\xEF\xBF\xBD", "\xE2\x82", true, true}, /* each bad byte for itself */
    {"\\pL", "\xC3\xA4", true, true},
    {"(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false, false}, /* linear time */
};

static void test_matches(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof matches / sizeof matches[0]; i++) {
    bt_pattern *pattern = NULL;
    bt_error error = {0};
    bool anywhere = false, whole = false;
    if (bt_pattern_new(bt_str_from(matches[i].pattern), &pattern, &error) != BT_OK)
      fail_msg("%s: %s", matches[i].pattern, error.message);
    assert_int_equal(bt_pattern_match(pattern, bt_str_from(matches[i].subject), false, &anywhere), BT_OK);
    assert_int_equal(bt_pattern_match(pattern, bt_str_from(matches[i].subject), true, &whole), BT_OK);
    if (anywhere != matches[i].anywhere || whole != matches[i].whole)
      fail_msg("%s on %s: anywhere %d, whole %d", matches[i].pattern, matches[i].subject, anywhere, whole);
    bt_pattern_free(pattern);
  }
}

/* A subject may hold NULs and need not be terminated. */
static void test_slices(void **state) {
  (void)state;
  bt_pattern *pattern = NULL;
  bool met = false;
  assert_int_equal(bt_pattern_new(BT_STR("a.b"), &pattern, NULL), BT_OK);
  assert_int_equal(bt_pattern_match(pattern, (bt_str){"a\0bc", 3}, true, &met), BT_OK);
  assert_true(met);
  assert_int_equal(bt_pattern_match(pattern, (bt_str){NULL, 0}, false, &met), BT_OK);
  assert_false(met);
  bt_pattern_free(pattern);
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *message;
    bt_status status;
  } rows[] = {
      {"a(", "missing )", BT_INVALID},
      {"[a", "missing ]", BT_INVALID},
      {"a**", "bad", BT_INVALID},
      {"(?<=a)b", "invalid", BT_INVALID},
      {"a\\C", "\\C", BT_INVALID},
      {"\\\\\\C", "\\C", BT_INVALID},
      {"a{1001}", "repetition", BT_INVALID},
      {"(((\\pL{100}){100}){100})", "repetition", BT_INVALID},
      {"\\pL{1000}", "too large", BT_LIMIT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_pattern *pattern = NULL;
    bt_error error = {0};
    if (bt_pattern_new(bt_str_from(rows[i].pattern), &pattern, &error) != rows[i].status)
      fail_msg("%s gave another status: %s", rows[i].pattern, error.message);
    assert_null(pattern);
    if (!strstr(error.message, rows[i].message)) fail_msg("%s: %s", rows[i].pattern, error.message);
  }
}

static void test_failing_allocator(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    bt_pattern *pattern = NULL;
    bt_error error = {0};
    bool met = false;
    failing_alloc_after(n);
    bt_status status = bt_pattern_new(BT_STR("(?<a>x)."), &pattern, &error);
    if (status == BT_OK) status = bt_pattern_match(pattern, BT_STR("x\xFF"), true, &met);
    bool was_refused = failing_alloc_stop();
    bt_pattern_free(pattern);
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    assert_int_equal(met, !was_refused);
    if (!was_refused) break;
    assert_true(n < 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_matches), cmocka_unit_test(test_slices),
                                     cmocka_unit_test(test_refused), cmocka_unit_test(test_failing_allocator)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
