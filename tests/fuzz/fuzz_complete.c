/* Completion in any text at any place: no crash, and what comes out keeps what the header promises. The first two bytes
 * say where the cursor is. */
#include <stdint.h>
#include <stdlib.h>

#include "server/editor/completion.h"
#include "server/editor/text_position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static void answer_wants(bt_completion *completion) {
  static const char *const names[] = {"checkout", "GET /cart", "say \"hi\" \\ `x`", "a.b", "\xC3\xA9", "not", ""};
  bt_error error;
  for (size_t i = 0; i < completion->want_count; i++)
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
      require(!bt_completion_add(completion, &completion->wants[i], bt_str_from(names[k]), BT_VALUE_STRING, &error));
  bt_completion_sort(completion);
}

static void check_items(const bt_completion *completion, bt_str text, size_t offset) {
  require(completion->range.start <= offset && offset <= completion->range.end && completion->range.end <= text.len);
  for (size_t i = 0; i < completion->count; i++) {
    require(completion->items[i].label.len && completion->items[i].insert.len);
    require(bt_utf8_valid(completion->items[i].label) && bt_utf8_valid(completion->items[i].insert));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  bt_str text = {(const char *)data + 2, size - 2};
  size_t offset = ((size_t)data[0] << 8 | data[1]) % (text.len + 1), back;
  bt_completion completion;
  bt_error error;
  bt_status status = bt_completion_run(text, offset, NULL, &completion, &error);
  require(status == BT_OK || (status == BT_INVALID && text.len > 64 * 1024));
  if (!status) {
    while (offset && offset < text.len && ((unsigned char)text.ptr[offset] & 0xC0) == 0x80) offset--;
    answer_wants(&completion);
    check_items(&completion, text, offset);
    bt_text_position position = bt_text_position_of(text, offset);
    require(bt_text_position_offset(text, position, &back) && back == offset);
  }
  bt_completion_dispose(&completion);
  return 0;
}
