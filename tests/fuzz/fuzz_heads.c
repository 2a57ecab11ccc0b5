/* Any bytes as a head, and as a body in chunks. What the library gets of a head says nothing of a body, is a head again
 * and stays as it is; chunks give the same data in whatever pieces they come. */
#include <stdint.h>
#include <stdlib.h>

#include "server/http/chunks.h"
#include "server/http/head.h"

static void check_head(bt_str text) {
  bt_http_head head, again;
  bt_status status = bt_http_head_read(text, 0, &head);
  if (status == BT_OK && !head.refusal.status) {
    status = bt_http_head_read(bt_buffer_str(&head.text), 0, &again);
    if (status == BT_OK && (again.body_bytes || again.is_chunked || again.wants_continue)) abort();
    if (status == BT_OK && !bt_str_equal(bt_buffer_str(&head.text), bt_buffer_str(&again.text))) abort();
    if (status != BT_OK && status != BT_LIMIT) abort();
    bt_buffer_dispose(&again.text);
  }
  bt_buffer_dispose(&head.text);
}

static bt_status read_chunks(bt_str text, size_t step, bt_buffer *out) {
  bt_chunks chunks = {0};
  for (size_t at = 0, used; at < text.len && chunks.state != BT_CHUNKS_END; at += used) {
    bt_str piece = {text.ptr + at, text.len - at < step ? text.len - at : step};
    bt_status status = bt_chunks_read(&chunks, piece, out, &used);
    if (status) return status;
    if (!used) abort();
  }
  return BT_OK;
}

static void check_chunks(bt_str text) {
  bt_buffer whole = {.maximum = 1000}, single = {.maximum = 1000};
  bt_status status = read_chunks(text, text.len, &whole);
  if (read_chunks(text, 1, &single) != status) abort();
  if (!status && !bt_str_equal(bt_buffer_str(&whole), bt_buffer_str(&single))) abort();
  bt_buffer_dispose(&whole);
  bt_buffer_dispose(&single);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str text = {(const char *)data, size};
  check_head(text);
  check_chunks(text);
  return 0;
}
