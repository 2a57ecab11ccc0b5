/* gzip by zlib's inflate, in pieces, so that a small input cannot ask for a large memory. See gzip.h. */
#include "tempo/gzip.h"

#include <zlib.h>

enum { PIECE_BYTES = 64 * 1024, GZIP_WINDOW_BITS = 15 + 16 };

bool bt_gzip_is(bt_str input) {
  return input.len >= 2 && (unsigned char)input.ptr[0] == 0x1F && (unsigned char)input.ptr[1] == 0x8B;
}

static bt_status appended(const bt_buffer *out, size_t more, bt_error *error) {
  if (!out->failed) return BT_OK;
  if (out->maximum && more > out->maximum - out->len)
    return bt_error_set(error, BT_LIMIT, "unpacked it is larger than the %zu bytes allowed", out->maximum);
  return bt_error_no_memory(error);
}

/* zlib counts input in 32 bits: larger inputs are handed over in parts. */
static void refill(z_stream *stream, bt_str *input) {
  if (stream->avail_in || !input->len) return;
  size_t part = input->len < UINT32_MAX / 2 ? input->len : UINT32_MAX / 2;
  stream->next_in = (z_const Bytef *)(uintptr_t)input->ptr;
  stream->avail_in = (uInt)part;
  input->ptr += part;
  input->len -= part;
}

/* One piece of output. Z_STREAM_END at the end of a member. */
static bt_status unpack_piece(z_stream *stream, bt_str *input, bt_buffer *out, int *code, bt_error *error) {
  unsigned char piece[PIECE_BYTES];
  refill(stream, input);
  stream->next_out = piece;
  stream->avail_out = sizeof piece;
  *code = inflate(stream, Z_NO_FLUSH);
  if (*code == Z_MEM_ERROR) return bt_error_no_memory(error);
  size_t length = sizeof piece - stream->avail_out;
  if (*code == Z_BUF_ERROR && !length)
    return bt_error_set(error, BT_INVALID, "the gzip data is cut off after %zu unpacked bytes", out->len);
  if (*code != Z_OK && *code != Z_STREAM_END && *code != Z_BUF_ERROR)
    return bt_error_set(error, BT_INVALID, "the gzip data is damaged after %zu unpacked bytes", out->len);
  bt_buffer_append(out, (bt_str){(const char *)piece, length});
  return appended(out, length, error);
}

bt_status bt_gzip_unpack(bt_str input, bt_buffer *out, bt_error *error) {
  z_stream stream = {.zalloc = Z_NULL};
  if (!bt_gzip_is(input)) return bt_error_set(error, BT_INVALID, "this is not gzip data");
  if (inflateInit2(&stream, GZIP_WINDOW_BITS) != Z_OK) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  int code = Z_OK;
  while (status == BT_OK) {
    status = unpack_piece(&stream, &input, out, &code, error);
    if (status != BT_OK || code != Z_STREAM_END) continue;
    if (!stream.avail_in && !input.len) break;
    if (inflateReset(&stream) != Z_OK) status = bt_error_no_memory(error); /* another member follows */
  }
  inflateEnd(&stream);
  return status;
}
