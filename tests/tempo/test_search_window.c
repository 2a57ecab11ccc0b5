/* Windows split without losing or doubling an id or a second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tempo/api/search_window.h"

/* As Tempo would match it: anchored alternatives, each a literal or a literal and `.*`. */
static bool regex_matches(const char *regex, const char *stripped) {
  for (const char *at = regex;; at++) {
    size_t length = strcspn(at, "|");
    bool is_open = length >= 2 && strncmp(at + length - 2, ".*", 2) == 0;
    size_t literal = is_open ? length - 2 : length;
    if (strncmp(at, stripped, literal) == 0 && (is_open || strlen(stripped) == literal)) return true;
    at += length;
    if (!*at) return false;
  }
}

static void split_all(bt_window_stack *leaves, const bt_window *window) {
  bt_window_stack parts = {0};
  bt_window_split split = bt_window_split_push(&parts, window);
  if (split == BT_WINDOW_SMALLEST) assert_true(bt_window_push(leaves, window));
  for (size_t i = 0; i < parts.count; i++) split_all(leaves, &parts.items[i]);
  bt_window_stack_dispose(&parts);
}

static void every_id_is_in_one_part(void **state) {
  (void)state;
  static const char *const ids[] = {"1",     "10", "100", "1000",     "10000",   "100000", "1001",
                                    "a",     "a0", "a00", "a000",     "a0000",   "a00001", "abcdef0",
                                    "f",     "ff", "fff", "ffff",     "fffffff", "2000",   "f000",
                                    "f0000", "1f", "10f", "fedcba98", "90a",     "9"};
  bt_window_stack leaves = {0};
  bt_window whole = {.start_s = 5, .end_s = 6};
  bt_buffer regex = {0};
  split_all(&leaves, &whole);
  assert_int_equal(leaves.count, 15 * 16 * 16 * 16);
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    size_t in = 0, matched = 0;
    char padded[33];
    snprintf(padded, sizeof padded, "%.*s%s", (int)(32 - strlen(ids[i])), "00000000000000000000000000000000", ids[i]);
    for (size_t l = 0; l < leaves.count; l++) {
      bt_window_id_regex(&leaves.items[l], &regex);
      bool is_matched = regex_matches(regex.ptr, ids[i]), has = bt_window_has_id(&leaves.items[l], padded);
      if (is_matched != has) fail_msg("%s in %s", ids[i], regex.ptr);
      in += has;
      matched += is_matched;
    }
    if (in != 1 || matched != 1) fail_msg("%s is in %zu parts", ids[i], in);
  }
  bt_buffer_dispose(&regex);
  bt_window_stack_dispose(&leaves);
}

/* Closed parts that touch: no second between them. */
static void expect_cover(const bt_window_stack *parts, int64_t start_s, int64_t end_s, int64_t longest_s) {
  int64_t reached_s = start_s;
  for (size_t taken = 0; taken < parts->count; taken++) {
    const bt_window *next = NULL;
    for (size_t i = 0; i < parts->count; i++)
      if (parts->items[i].start_s == reached_s) next = &parts->items[i];
    assert_non_null(next);
    assert_true(next->end_s > next->start_s);
    assert_true(next->end_s - next->start_s <= longest_s);
    reached_s = next->end_s;
  }
  assert_true(reached_s == end_s);
}

static void seconds_are_covered(void **state) {
  (void)state;
  for (int64_t length = 2; length < 40; length++) {
    bt_window_stack parts = {0};
    bt_window whole = {.start_s = 100, .end_s = 100 + length};
    assert_int_equal(bt_window_split_push(&parts, &whole), BT_WINDOW_SPLIT);
    assert_int_equal(parts.count, 2);
    expect_cover(&parts, 100, 100 + length, (length + 1) / 2);
    parts.count = 0;
    for (bt_window left = whole; left.start_s < left.end_s;) {
      bt_window slice = bt_window_cut_slice(&left, left.end_s - left.start_s, 7);
      assert_true(!slice.slice_s && left.slice_s == 7 && bt_window_push(&parts, &slice));
    }
    expect_cover(&parts, 100, 100 + length, 7);
    bt_window_stack_dispose(&parts);
  }
}

/* Whatever the place of the last second that has its data: no part begins after it, and together they are the window.
 */
static void nothing_after_the_present_begins_a_part(void **state) {
  (void)state;
  for (int64_t length = 2; length < 40; length++)
    for (int64_t whole_from = 102; whole_from < 100 + length; whole_from++) {
      bt_window_stack parts = {.whole_from_s = whole_from};
      bt_window whole = {.start_s = 100, .end_s = 100 + length};
      int64_t divisible = bt_window_divisible_s(&parts, &whole);
      assert_int_equal(divisible, whole_from - 100);
      assert_int_equal(bt_window_split_push(&parts, &whole), BT_WINDOW_SPLIT);
      assert_int_equal(parts.count, 2);
      for (size_t i = 0; i < parts.count; i++) assert_true(parts.items[i].start_s < whole_from);
      expect_cover(&parts, 100, 100 + length, length);
      parts.count = 0;
      for (bt_window left = whole; left.start_s < left.end_s;) {
        bt_window slice = bt_window_cut_slice(&left, bt_window_divisible_s(&parts, &left), 7);
        assert_true(slice.start_s < whole_from && bt_window_push(&parts, &slice));
      }
      expect_cover(&parts, 100, 100 + length, 7 + 100 + length - whole_from);
      bt_window_stack_dispose(&parts);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_id_is_in_one_part), cmocka_unit_test(seconds_are_covered),
                                     cmocka_unit_test(nothing_after_the_present_begins_a_part)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
