/* Cursors from outside: whatever is read as a cursor is written back as the same text. A cursor made of any bytes reads
 * back as it was. */
#include <stdlib.h>
#include <string.h>

#include "server/query/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(bt_str text) {
  bt_cursor cursor;
  char again[BT_CURSOR_TEXT];
  if (bt_cursor_read(text, "", &cursor, NULL) != BT_OK) return;
  if (bt_cursor_write(&cursor, "", again, NULL) != BT_OK) abort();
  if (!bt_str_equal(text, bt_str_from(again))) abort();
}

/* Behind a valid check sum, which random text hardly ever has. */
static void check_fields(const uint8_t *data, size_t size) {
  bt_cursor cursor = {0}, back;
  char text[BT_CURSOR_TEXT];
  uint8_t bytes[sizeof cursor.after.id.bytes + 3 * sizeof(int64_t) + 1] = {0};
  memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
  memcpy(&cursor.range, bytes, sizeof cursor.range);
  memcpy(&cursor.after.time_ns, bytes + 16, sizeof cursor.after.time_ns);
  memcpy(cursor.after.id.bytes, bytes + 24, sizeof cursor.after.id.bytes);
  cursor.has_position = true;
  cursor.newest_first = bytes[40] & 1;
  if (bt_cursor_write(&cursor, "", text, NULL) != BT_OK) abort();
  bool is_range = cursor.range.start_ns < cursor.range.end_ns;
  bool is_read = bt_cursor_read(bt_str_from(text), "", &back, NULL) == BT_OK;
  if (is_read != is_range) abort();
  if (is_read && bt_position_compare(&back.after, &cursor.after, cursor.newest_first) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_text((bt_str){(const char *)data, size});
  check_fields(data, size);
  return 0;
}
