/* Framing of messages. See frames.h. */
#include "server/lsp/frames.h"

#include <string.h>

bt_status bt_lsp_frames_add(bt_lsp_frames *frames, bt_str bytes, bt_error *error) {
  size_t skipped = frames->skip < bytes.len ? frames->skip : bytes.len;
  frames->skip -= skipped;
  bytes = (bt_str){bytes.ptr + skipped, bytes.len - skipped};
  if (frames->taken) {
    frames->bytes.len -= frames->taken;
    memmove(frames->bytes.ptr, frames->bytes.ptr + frames->taken, frames->bytes.len);
    frames->taken = 0;
  }
  bt_buffer_append(&frames->bytes, bytes);
  return frames->bytes.failed ? bt_error_no_memory(error) : BT_OK;
}

/* The bytes before the empty line that ends a header; false: it is not there. */
static bool find_header(bt_str rest, bt_str *header) {
  for (size_t at = 0; at + 4 <= rest.len && at <= BT_LSP_MAX_HEADER_BYTES; at++)
    if (memcmp(rest.ptr + at, "\r\n\r\n", 4) == 0) return *header = (bt_str){rest.ptr, at + 2}, true;
  return false;
}

static bt_status read_length(bt_str value, size_t *length, bt_error *error) {
  *length = 0;
  for (size_t i = 0; i < value.len && value.len <= 18; i++) {
    if (value.ptr[i] < '0' || value.ptr[i] > '9') break;
    *length = *length * 10 + (size_t)(value.ptr[i] - '0');
    if (i + 1 == value.len) return BT_OK;
  }
  return bt_error_set(error, BT_INVALID, "Content-Length: expected a number of bytes in digits, got \"%.*s\"",
                      value.len < 40 ? (int)value.len : 40, value.ptr);
}

/* Reads one line, which has no break any more. */
static bt_status read_line(bt_str line, size_t *length, bool *has_length, bt_error *error) {
  const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
  if (!colon)
    return bt_error_set(error, BT_INVALID, "expected a header line such as \"Content-Length: 120\", got \"%.*s\"",
                        line.len < 40 ? (int)line.len : 40, line.ptr);
  size_t name = (size_t)(colon - line.ptr);
  if (!bt_str_equal_nocase((bt_str){line.ptr, name}, BT_STR("content-length"))) return BT_OK;
  *has_length = true;
  return read_length(bt_str_trim((bt_str){colon + 1, line.len - name - 1}), length, error);
}

static bt_status read_header(bt_str header, size_t *length, bt_error *error) {
  bool has_length = false;
  while (header.len) {
    const char *end = memchr(header.ptr, '\r', header.len);
    size_t line = end ? (size_t)(end - header.ptr) : header.len;
    bt_status status = read_line((bt_str){header.ptr, line}, length, &has_length, error);
    if (status) return status;
    size_t used = line + 2 < header.len ? line + 2 : header.len;
    header = (bt_str){header.ptr + used, header.len - used};
  }
  return has_length ? BT_OK : bt_error_set(error, BT_INVALID, "expected a header with Content-Length, got none");
}

/* Of a message that is too large: drops what is there and says what is still to come. */
static bt_status pass_over(bt_lsp_frames *frames, size_t length, size_t there, bt_error *error) {
  size_t dropped = length < there ? length : there;
  frames->taken += dropped;
  frames->skip = length - dropped;
  return bt_error_set(error, BT_LIMIT, "expected a message of at most %d bytes, got one of %zu: it was not read",
                      BT_LSP_MAX_MESSAGE_BYTES, length);
}

bt_status bt_lsp_frames_take(bt_lsp_frames *frames, bt_str *message, bt_error *error) {
  size_t length = 0;
  bt_str rest = bt_buffer_str(&frames->bytes), header;
  if (!rest.len) return BT_NOT_FOUND;
  rest = (bt_str){rest.ptr + frames->taken, rest.len - frames->taken};
  if (!find_header(rest, &header)) {
    if (rest.len < BT_LSP_MAX_HEADER_BYTES) return BT_NOT_FOUND;
    return bt_error_set(error, BT_INVALID, "expected a header of at most %d bytes and an empty line, got more",
                        BT_LSP_MAX_HEADER_BYTES);
  }
  bt_status status = read_header(header, &length, error);
  if (status) return status;
  size_t there = rest.len - header.len - 2;
  if (length <= BT_LSP_MAX_MESSAGE_BYTES && there < length) return BT_NOT_FOUND;
  frames->taken += header.len + 2;
  if (length > BT_LSP_MAX_MESSAGE_BYTES) return pass_over(frames, length, there, error);
  *message = (bt_str){frames->bytes.ptr + frames->taken, length};
  frames->taken += length;
  return BT_OK;
}

void bt_lsp_frames_dispose(bt_lsp_frames *frames) {
  bt_buffer_dispose(&frames->bytes);
  *frames = (bt_lsp_frames){0};
}

void bt_lsp_frame_append(bt_str message, bt_buffer *out) {
  bt_buffer_printf(out, "Content-Length: %zu\r\n\r\n", message.len);
  bt_buffer_append(out, message);
}
