/* Arbitrary bytes as a packed file, fed at once and byte by byte: both give the same, and never more than 1 MiB goes
 * through, whatever the input promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/files/unpacking.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bt_status keep(void *context, bt_str piece, bt_error *error) {
  bt_buffer *out = context;
  bt_buffer_append(out, piece);
  return out->failed ? bt_error_set(error, BT_LIMIT, "enough") : BT_OK;
}

static bt_status unpack(bt_str input, size_t step, bt_buffer *out) {
  bt_error error = {0};
  bt_unpacking *unpacking = NULL;
  bt_status status = bt_unpacking_new(input, keep, out, &unpacking, &error);
  if (status != BT_OK) abort();
  for (size_t at = 0; status == BT_OK && at < input.len; at += step) {
    size_t length = input.len - at < step ? input.len - at : step;
    status = bt_unpacking_feed(unpacking, (bt_str){input.ptr + at, length}, &error);
  }
  if (status == BT_OK) status = bt_unpacking_end(unpacking, &error);
  if (status != BT_OK && !error.message[0]) abort();
  bt_unpacking_free(unpacking);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_buffer whole = {.maximum = 1 << 20}, bytewise = {.maximum = 1 << 20};
  bt_str input = {(const char *)data, size};
  bt_status first = unpack(input, size ? size : 1, &whole), second = unpack(input, 3, &bytewise);
  bool is_same = whole.len == bytewise.len && (!whole.len || memcmp(whole.ptr, bytewise.ptr, whole.len) == 0);
  if (first == BT_OK && (second != BT_OK || !is_same)) abort();
  bt_buffer_dispose(&whole);
  bt_buffer_dispose(&bytewise);
  return 0;
}
