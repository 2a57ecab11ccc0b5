/* gzip by zlib's inflate, in pieces, so that a small input cannot ask for a large memory. See gzip.h. */
#include "tempo/wire/gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { PIECE_BYTES = 64 * 1024, GZIP_WINDOW_BITS = 15 + 16 };

struct bt_gzip {
  z_stream stream;
  uint64_t unpacked_bytes;
  bool is_between; /* no member is open: the input may end here */
};

bool bt_gzip_is(bt_str input) {
  return input.len >= 2 && (unsigned char)input.ptr[0] == 0x1F && (unsigned char)input.ptr[1] == 0x8B;
}

bt_status bt_gzip_new(bt_gzip **out, bt_error *error) {
  bt_gzip *gzip = *out = calloc(1, sizeof *gzip);
  if (!gzip) return bt_error_no_memory(error);
  if (inflateInit2(&gzip->stream, GZIP_WINDOW_BITS) == Z_OK) return BT_OK;
  free(gzip);
  *out = NULL;
  return bt_error_no_memory(error);
}

void bt_gzip_free(bt_gzip *gzip) {
  if (!gzip) return;
  inflateEnd(&gzip->stream);
  free(gzip);
}

/* zlib counts input in 32 bits: larger inputs are handed over in parts. */
static void refill_input(z_stream *stream, bt_str *input) {
  if (stream->avail_in || !input->len) return;
  size_t part = input->len < UINT32_MAX / 2 ? input->len : UINT32_MAX / 2;
  stream->next_in = (z_const Bytef *)(uintptr_t)input->ptr;
  stream->avail_in = (uInt)part;
  input->ptr += part;
  input->len -= part;
}

/* One piece of output. *is_stuck: it wants more input. */
static bt_status unpack_piece(bt_gzip *gzip, bt_gzip_sink sink, void *context, bool *is_stuck, bt_error *error) {
  unsigned char piece[PIECE_BYTES];
  z_stream *stream = &gzip->stream;
  stream->next_out = piece;
  stream->avail_out = sizeof piece;
  int code = inflate(stream, Z_NO_FLUSH);
  size_t length = sizeof piece - stream->avail_out;
  *is_stuck = code == Z_BUF_ERROR && !length;
  if (code == Z_MEM_ERROR) return bt_error_no_memory(error);
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
    return bt_error_set(error, BT_INVALID, "the gzip data is damaged after %llu unpacked bytes",
                        (unsigned long long)gzip->unpacked_bytes);
  gzip->is_between = code == Z_STREAM_END;
  gzip->unpacked_bytes += length;
  if (code == Z_STREAM_END && inflateReset(stream) != Z_OK) return bt_error_no_memory(error); /* another may follow */
  return length ? sink(context, (bt_str){(const char *)piece, length}, error) : BT_OK;
}

bt_status bt_gzip_feed(bt_gzip *gzip, bt_str input, bt_gzip_sink sink, void *context, bt_error *error) {
  bt_status status = BT_OK;
  bool is_stuck = false;
  while (status == BT_OK && !is_stuck) {
    refill_input(&gzip->stream, &input);
    if (gzip->is_between && !gzip->stream.avail_in) break;
    status = unpack_piece(gzip, sink, context, &is_stuck, error);
  }
  return status;
}

bt_status bt_gzip_end(const bt_gzip *gzip, bt_error *error) {
  if (gzip->is_between) return BT_OK;
  return bt_error_set(error, BT_INVALID, "the gzip data is cut off after %llu unpacked bytes",
                      (unsigned long long)gzip->unpacked_bytes);
}

static bt_status append_piece(void *context, bt_str piece, bt_error *error) {
  bt_buffer *out = context;
  bt_buffer_append(out, piece);
  if (!out->failed) return BT_OK;
  if (out->maximum && piece.len > out->maximum - out->len)
    return bt_error_set(error, BT_LIMIT, "unpacked it is larger than the %zu bytes allowed", out->maximum);
  return bt_error_no_memory(error);
}

bt_status bt_gzip_unpack(bt_str input, bt_buffer *out, bt_error *error) {
  bt_gzip *gzip = NULL;
  if (!bt_gzip_is(input)) return bt_error_set(error, BT_INVALID, "this is not gzip data");
  bt_status status = bt_gzip_new(&gzip, error);
  if (status == BT_OK) status = bt_gzip_feed(gzip, input, append_piece, out, error);
  if (status == BT_OK) status = bt_gzip_end(gzip, error);
  bt_gzip_free(gzip);
  return status;
}

struct bt_gzip_packer {
  z_stream stream;
};

bt_gzip_packer *bt_gzip_packer_new(void) {
  enum { LEVEL = 3, SMALL_WINDOW_BITS = 13 + 16, SMALL_MEMORY_LEVEL = 6 }; /* the last fast level; 32 KiB each */
  bt_gzip_packer *packer = calloc(1, sizeof *packer);
  if (!packer) return NULL;
  if (deflateInit2(&packer->stream, LEVEL, Z_DEFLATED, SMALL_WINDOW_BITS, SMALL_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) ==
      Z_OK)
    return packer;
  free(packer);
  return NULL;
}

void bt_gzip_packer_free(bt_gzip_packer *packer) {
  if (!packer) return;
  deflateEnd(&packer->stream);
  free(packer);
}

bool bt_gzip_packer_add(bt_gzip_packer *packer, bt_str piece, bool is_last, bt_buffer *out) {
  z_stream *stream = &packer->stream;
  char packed[4096];
  if (piece.len > UINT_MAX) return false;
  stream->next_in = (unsigned char *)piece.ptr;
  stream->avail_in = (unsigned)piece.len;
  do {
    stream->next_out = (unsigned char *)packed;
    stream->avail_out = sizeof packed;
    if (deflate(stream, is_last ? Z_FINISH : Z_SYNC_FLUSH) == Z_STREAM_ERROR) return false;
    bt_buffer_append(out, (bt_str){packed, sizeof packed - stream->avail_out});
  } while (stream->avail_out == 0 && !out->failed);
  return !out->failed;
}
