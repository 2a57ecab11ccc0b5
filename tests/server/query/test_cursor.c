/* Cursors as text: what was written is read back, and any other text is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "server/query/cursor.h"

static bt_cursor sample(void) {
  bt_cursor cursor = {
      .range = {-5, INT64_MAX}, .now_ns = INT64_C(1767268800000000001), .newest_first = true, .has_position = true};
  cursor.after.time_ns = INT64_MIN;
  for (uint8_t i = 0; i < sizeof cursor.after.id.bytes; i++) cursor.after.id.bytes[i] = (uint8_t)(0xF0 + i);
  memset(cursor.question, 0xAB, sizeof cursor.question);
  memset(cursor.rules, 0x01, sizeof cursor.rules);
  return cursor;
}

static void assert_same(const bt_cursor *a, const bt_cursor *b) {
  assert_true(a->range.start_ns == b->range.start_ns && a->range.end_ns == b->range.end_ns && a->now_ns == b->now_ns);
  assert_true(a->newest_first == b->newest_first && a->has_position == b->has_position);
  assert_true(a->after.time_ns == b->after.time_ns);
  assert_memory_equal(a->after.id.bytes, b->after.id.bytes, sizeof a->after.id.bytes);
  assert_memory_equal(a->question, b->question, sizeof a->question);
  assert_memory_equal(a->rules, b->rules, sizeof a->rules);
}

static void reads_back_what_was_written(void **state) {
  (void)state;
  for (int flags = 0; flags < 4; flags++) {
    bt_cursor cursor = sample(), back;
    char text[BT_CURSOR_TEXT];
    bt_error error = {0};
    cursor.newest_first = flags & 1;
    if (!(flags & 2)) {
      cursor.has_position = false;
      cursor.after = (bt_position){0};
    }
    assert_int_equal(bt_cursor_write(&cursor, "acme", text, &error), BT_OK);
    assert_true(strlen(text) < BT_CURSOR_TEXT);
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), strlen(text));
    assert_int_equal(bt_cursor_read(bt_str_from(text), "acme", &back, &error), BT_OK);
    assert_same(&cursor, &back);
  }
}

/* Every changed character, every length, and another tenant. */
static void refuses_everything_else(void **state) {
  (void)state;
  bt_cursor cursor = sample(), back;
  char text[BT_CURSOR_TEXT], longer[BT_CURSOR_TEXT + 1];
  bt_error error = {0};
  assert_int_equal(bt_cursor_write(&cursor, NULL, text, &error), BT_OK);
  size_t length = strlen(text);
  for (size_t i = 0; i < length; i++) {
    char kept = text[i];
    for (const char *other = "A_9-z%\n"; *other; other++) {
      text[i] = *other;
      if (*other != kept) assert_int_equal(bt_cursor_read(bt_str_from(text), NULL, &back, &error), BT_INVALID);
    }
    text[i] = kept;
    assert_int_equal(bt_cursor_read((bt_str){text, i}, NULL, &back, &error), BT_INVALID);
  }
  memcpy(longer, text, length);
  longer[length] = 'A';
  assert_int_equal(bt_cursor_read((bt_str){longer, length + 1}, NULL, &back, &error), BT_INVALID);
  assert_int_equal(bt_cursor_read(bt_str_from(text), "acme", &back, &error), BT_INVALID);
  assert_int_equal(bt_cursor_read(bt_str_from(text), "", &back, &error), BT_OK);
}

static void refuses_an_empty_range(void **state) {
  (void)state;
  bt_cursor cursor = sample(), back;
  char text[BT_CURSOR_TEXT];
  bt_error error = {0};
  cursor.range = (bt_time_range){7, 7};
  assert_int_equal(bt_cursor_write(&cursor, NULL, text, &error), BT_OK);
  assert_int_equal(bt_cursor_read(bt_str_from(text), NULL, &back, &error), BT_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_back_what_was_written),
      cmocka_unit_test(refuses_everything_else),
      cmocka_unit_test(refuses_an_empty_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
