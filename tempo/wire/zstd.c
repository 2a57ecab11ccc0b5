/* zstd by libzstd's stream, in pieces, so that a small input cannot ask for a large memory. See zstd.h. */
#include "tempo/wire/zstd.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { PIECE_BYTES = 64 * 1024, LENGTH_BYTES = 4, MAGIC_BYTES = 4, MESSAGE_BYTES = 1 << 30 };

struct bt_zstd {
  ZSTD_DStream *stream;
  uint64_t unpacked_bytes;
  bool is_between; /* no frame is open: the input may end here */
  bool is_framed;  /* each frame has its length before it */
  size_t length_bytes;
  uint32_t left;     /* bytes of the frame that is read, once its length is known */
  bt_buffer message; /* of that frame */
};

/* A frame, or one that holds no data, as some packers put before others. */
static bool is_frame(bt_str input) {
  if (input.len < MAGIC_BYTES) return false;
  bool is_skippable = ((unsigned char)input.ptr[0] & 0xF0) == 0x50 && memcmp(input.ptr + 1, "\x2A\x4D\x18", 3) == 0;
  return is_skippable || memcmp(input.ptr, "\x28\xB5\x2F\xFD", MAGIC_BYTES) == 0;
}

static bool is_framed(bt_str input) {
  return !is_frame(input) && input.len >= LENGTH_BYTES + MAGIC_BYTES &&
         memcmp(input.ptr + LENGTH_BYTES, "\x28\xB5\x2F\xFD", MAGIC_BYTES) == 0;
}

bool bt_zstd_is(bt_str input) {
  return is_frame(input) || is_framed(input);
}

bt_status bt_zstd_new(bt_str start, bt_zstd **out, bt_error *error) {
  bt_zstd *zstd = *out = calloc(1, sizeof *zstd);
  if (!zstd) return bt_error_no_memory(error);
  zstd->stream = ZSTD_createDStream();
  zstd->is_between = true;
  zstd->is_framed = is_framed(start);
  zstd->message.maximum = MESSAGE_BYTES;
  if (zstd->stream && !ZSTD_isError(ZSTD_initDStream(zstd->stream))) return BT_OK;
  bt_zstd_free(zstd);
  *out = NULL;
  return bt_error_no_memory(error);
}

void bt_zstd_free(bt_zstd *zstd) {
  if (!zstd) return;
  ZSTD_freeDStream(zstd->stream);
  bt_buffer_dispose(&zstd->message);
  free(zstd);
}

static bt_status refuse_frame(const bt_zstd *zstd, size_t code, bt_error *error) {
  ZSTD_ErrorCode why = ZSTD_getErrorCode(code);
  if (why == ZSTD_error_memory_allocation) return bt_error_no_memory(error);
  if (why == ZSTD_error_frameParameter_windowTooLarge)
    return bt_error_set(error, BT_LIMIT, "the zstd data needs a window of more than 128 MiB: pack it without --long");
  return bt_error_set(error, BT_INVALID, "the zstd data is damaged after %llu unpacked bytes",
                      (unsigned long long)zstd->unpacked_bytes);
}

/* *is_stuck: it wants more input. */
static bt_status unpack_piece(bt_zstd *zstd, ZSTD_inBuffer *input, bt_zstd_sink sink, void *context, bool *is_stuck,
                              bt_error *error) {
  char piece[PIECE_BYTES];
  ZSTD_outBuffer output = {piece, sizeof piece, 0};
  size_t code = ZSTD_decompressStream(zstd->stream, &output, input);
  if (ZSTD_isError(code)) return refuse_frame(zstd, code, error);
  zstd->is_between = code == 0;
  zstd->unpacked_bytes += output.pos;
  *is_stuck = input->pos == input->size && output.pos < output.size;
  return output.pos ? sink(context, (bt_str){piece, output.pos}, error) : BT_OK;
}

static bt_status unpack_frames(bt_zstd *zstd, bt_str bytes, bt_zstd_sink sink, void *context, bt_error *error) {
  ZSTD_inBuffer input = {bytes.ptr, bytes.len, 0};
  bt_status status = BT_OK;
  for (bool is_stuck = !bytes.len; status == BT_OK && !is_stuck;)
    status = unpack_piece(zstd, &input, sink, context, &is_stuck, error);
  return status;
}

/* ---- the Collector's form ---- */

static bt_status append_piece(void *context, bt_str piece, bt_error *error) {
  bt_buffer *message = context;
  bt_buffer_append(message, piece);
  if (!message->failed) return BT_OK;
  if (piece.len > message->maximum - message->len)
    return bt_error_set(error, BT_LIMIT, "unpacked, a message is larger than 1 GiB");
  return bt_error_no_memory(error);
}

/* Protobuf never begins with a bracket. */
static bt_status give_message(bt_zstd *zstd, bt_zstd_sink sink, void *context, bt_error *error) {
  bt_str message = bt_buffer_str(&zstd->message);
  bool is_json = message.len && (message.ptr[0] == '{' || message.ptr[0] == '[');
  char length[LENGTH_BYTES];
  for (int i = 0; i < LENGTH_BYTES; i++) length[i] = (char)(message.len >> (8 * (LENGTH_BYTES - 1 - i)));
  bt_status status = is_json ? BT_OK : sink(context, (bt_str){length, sizeof length}, error);
  if (status == BT_OK && message.len) status = sink(context, message, error);
  if (status == BT_OK && is_json) status = sink(context, BT_STR("\n"), error);
  bt_buffer_clear(&zstd->message);
  zstd->length_bytes = 0;
  return status;
}

static bt_status say_cut(const bt_zstd *zstd, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "the zstd data is cut off after %llu unpacked bytes",
                      (unsigned long long)zstd->unpacked_bytes);
}

static bt_status feed_framed(bt_zstd *zstd, bt_str input, bt_zstd_sink sink, void *context, bt_error *error) {
  bt_status status = BT_OK;
  while (status == BT_OK && input.len) {
    if (zstd->length_bytes < LENGTH_BYTES) {
      zstd->left = zstd->left << 8 | (unsigned char)input.ptr[0];
      zstd->length_bytes++;
      input = (bt_str){input.ptr + 1, input.len - 1};
    } else {
      size_t part = zstd->left < input.len ? zstd->left : input.len;
      status = unpack_frames(zstd, (bt_str){input.ptr, part}, append_piece, &zstd->message, error);
      zstd->left -= (uint32_t)part;
      input = (bt_str){input.ptr + part, input.len - part};
    }
    if (status != BT_OK || zstd->length_bytes < LENGTH_BYTES || zstd->left) continue;
    status = zstd->is_between ? give_message(zstd, sink, context, error) : say_cut(zstd, error);
  }
  return status;
}

bt_status bt_zstd_feed(bt_zstd *zstd, bt_str input, bt_zstd_sink sink, void *context, bt_error *error) {
  return zstd->is_framed ? feed_framed(zstd, input, sink, context, error)
                         : unpack_frames(zstd, input, sink, context, error);
}

bt_status bt_zstd_end(const bt_zstd *zstd, bt_error *error) {
  return zstd->is_between && !zstd->length_bytes ? BT_OK : say_cut(zstd, error);
}
