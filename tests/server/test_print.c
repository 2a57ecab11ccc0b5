/* What the command line prints: formats as printf has them, and texts of others shown without anything that a terminal
 * obeys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/base/shown_text.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "tests/support/failing_alloc.h"

/* The same words from printf. */
#define CHECK_FORMAT(...)                                                                                              \
  do {                                                                                                                 \
    char expected[300];                                                                                                \
    bt_buffer shown = {0};                                                                                             \
    snprintf(expected, sizeof expected, __VA_ARGS__);                                                                  \
    bt_shown_printf(&shown, __VA_ARGS__);                                                                              \
    assert_string_equal(shown.ptr, expected);                                                                          \
    bt_buffer_dispose(&shown);                                                                                         \
  } while (0)

static void formats_are_printf_s(void **state) {
  (void)state;
  CHECK_FORMAT("plain %%");
  CHECK_FORMAT("%d %i %5d|%-5d|%05d|%+d", -1, INT32_MIN, 42, 42, 42, 42);
  CHECK_FORMAT("%u %x %X %o %#x %02x", 1u, 255u, 255u, 8u, 16u, 7u);
  CHECK_FORMAT("%zu %zu %llu %lu", (size_t)3, SIZE_MAX, 18446744073709551615ULL, 5UL);
  CHECK_FORMAT("%" PRIu64 " %" PRId64 " %" PRIu32 " %" PRId64, UINT64_MAX, INT64_MIN, UINT32_MAX, INT64_C(-1));
  CHECK_FORMAT("%ld %lld", -3L, -4LL);
  CHECK_FORMAT("%.3f %g %.2g %9.3g %-9.2g| %+.3g %4.0f %%", 1.5, 0.1, 123.0, 2e9, 0.25, -1.0, 99.6);
  CHECK_FORMAT("%s %10s|%-10s|%.3s|%-6.2s|", "a", "bc", "de", "fghi", "jkl");
  CHECK_FORMAT("%.*s|%*s|%-*s|%*d", 2, "abcdef", 6, "x", 6, "y", 5, 7);
  CHECK_FORMAT("%c%c", 'a', '%');
  CHECK_FORMAT("%s%s", "", "");
}

static const struct {
  const char *text, *shown;
} pairs[] = {{"plain é 漢 → \\n", "plain é 漢 → \\n"},
             {"\x1b[2J", "\\x1b[2J"},
             {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
             {"\a\b\x7f", "\\x07\\x08\\x7f"},
             {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0"},
             {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "\\u061c\\u200e\\u200f"},
             {"\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae", "\\u202a\\u202b\\u202c\\u202d\\u202e"},
             {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "\\u2065\\u2066\\u2067\\u2068\\u2069"},
             {"\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf", "\\u2028\\u2029\\ufeff"},
             {"\xc2\xad\xe2\x80\x8b\xe2\x80\x8d\xe2\x81\xa0\xef\xb8\x8f", "\\u00ad\\u200b\\u200d\\u2060\\ufe0f"},
             {"\xf3\xa0\x81\x81\xf3\xa0\x84\x80", "\\u{e0041}\\u{e0100}"}, /* a tag, a selector */
             {"\xff\xc3(\xe2\x80", "\\xff\\xc3(\\xe2\\x80"},               /* no UTF-8 */
             {"\xc0\x80\xed\xa0\x80\x9b", "\\xc0\\x80\\xed\\xa0\\x80\\x9b"},
             {"", ""}};

static void what_a_terminal_obeys_is_shown(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    bt_buffer shown = {0};
    bt_shown_append(bt_str_from(pairs[i].text), &shown);
    assert_string_equal(shown.ptr ? shown.ptr : "", pairs[i].shown);
    bt_buffer_clear(&shown);
    bt_shown_printf(&shown, "<%s>", pairs[i].text);
    assert_int_equal(shown.len, strlen(pairs[i].shown) + 2);
    bt_buffer_dispose(&shown);
  }
}

/* Every byte and every pair of bytes: what comes out is UTF-8 without control characters. */
static void nothing_slips_through(void **state) {
  (void)state;
  for (unsigned a = 1; a < 256; a++)
    for (unsigned b = 0; b < 256; b++) {
      const char text[] = {(char)a, (char)b, '\0'};
      bt_buffer shown = {0};
      bt_shown_append(bt_str_from(text), &shown);
      assert_true(bt_utf8_valid(bt_buffer_str(&shown)));
      for (size_t i = 0; i < shown.len; i++) {
        assert_true((unsigned char)shown.ptr[i] >= 0x20 && shown.ptr[i] != 0x7f);
        assert_false((unsigned char)shown.ptr[i] == 0xc2 && (unsigned char)shown.ptr[i + 1] < 0xa0);
      }
      bt_buffer_dispose(&shown);
    }
}

static void layout_stays_where_it_is_ours(void **state) {
  bt_buffer shown = {0};
  (void)state;
  bt_shown_append_lines(BT_STR("a\n\tb\r\x1b\n"), &shown);
  assert_string_equal(shown.ptr, "a\n\tb\\r\\x1b\n");
  bt_buffer_dispose(&shown);
}

static void widths_count_columns(void **state) {
  bt_buffer shown = {0};
  (void)state;
  bt_shown_printf(&shown, "%-4s|%4s|%-8s|%.2s|%c", "é", "漢", "\x1b[", "aé", '\x1b');
  assert_string_equal(shown.ptr, "é   |  漢|\\x1b[   |a|\\x1b");
  assert_int_equal(bt_text_columns(BT_STR("\x1b")), 4);
  bt_buffer_dispose(&shown);
}

static void too_little_memory_is_said(void **state) {
  (void)state;
  bool was_refused = true;
  for (size_t allowed = 0; was_refused; allowed++) {
    bt_buffer shown = {0};
    failing_alloc_once(allowed);
    bt_shown_printf(&shown, "%s: %-20s %d", "a name that is long enough for the heap", "\x1b[2J", 5);
    was_refused = failing_alloc_stop();
    assert_true(shown.failed || !was_refused);
    if (!was_refused)
      assert_string_equal(shown.ptr, "a name that is long enough for the heap: \\x1b[2J              5");
    bt_buffer_dispose(&shown);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(formats_are_printf_s),  cmocka_unit_test(what_a_terminal_obeys_is_shown),
      cmocka_unit_test(nothing_slips_through), cmocka_unit_test(layout_stays_where_it_is_ours),
      cmocka_unit_test(widths_count_columns),  cmocka_unit_test(too_little_memory_is_said)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
