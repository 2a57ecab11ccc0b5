/* Packed files. See unpacking.h. Two stages: what packs, then how the text is written. */
#include "tempo/files/unpacking.h"

#include <stdlib.h>

#include "tempo/wire/gzip.h"
#include "tempo/wire/utf16.h"
#include "tempo/wire/zstd.h"

struct bt_unpacking {
  bt_unpacking_sink sink;
  void *context;
  bt_gzip *gzip; /* or NULL */
  bt_zstd *zstd; /* or NULL */
  char start[2]; /* of what was unpacked */
  size_t start_length;
  bool has_begun, is_utf16;
  bt_utf16 utf16;
};

bool bt_unpacking_is_needed(bt_str start) {
  return bt_gzip_is(start) || bt_zstd_is(start) || bt_utf16_is(start);
}

bt_status bt_unpacking_new(bt_str start, bt_unpacking_sink sink, void *context, bt_unpacking **out, bt_error *error) {
  bt_unpacking *unpacking = *out = calloc(1, sizeof *unpacking);
  if (!unpacking) return bt_error_no_memory(error);
  unpacking->sink = sink;
  unpacking->context = context;
  bt_status status = BT_OK;
  if (bt_gzip_is(start)) status = bt_gzip_new(&unpacking->gzip, error);
  if (bt_zstd_is(start)) status = bt_zstd_new(start, &unpacking->zstd, error);
  if (status == BT_OK) return BT_OK;
  free(unpacking);
  *out = NULL;
  return status;
}

void bt_unpacking_free(bt_unpacking *unpacking) {
  if (!unpacking) return;
  bt_gzip_free(unpacking->gzip);
  bt_zstd_free(unpacking->zstd);
  free(unpacking);
}

static bt_status pass_text(bt_unpacking *unpacking, bt_str piece, bt_error *error) {
  if (!piece.len) return BT_OK;
  if (!unpacking->is_utf16) return unpacking->sink(unpacking->context, piece, error);
  return bt_utf16_feed(&unpacking->utf16, piece, unpacking->sink, unpacking->context, error);
}

static bt_status begin_text(bt_unpacking *unpacking, bt_error *error) {
  bt_str start = {unpacking->start, unpacking->start_length};
  unpacking->has_begun = true;
  unpacking->is_utf16 = bt_utf16_is(start);
  return pass_text(unpacking, start, error);
}

/* The first bytes wait until they tell. */
static bt_status take_text(void *context, bt_str piece, bt_error *error) {
  bt_unpacking *unpacking = context;
  bt_status status = BT_OK;
  while (!unpacking->has_begun && piece.len && status == BT_OK) {
    unpacking->start[unpacking->start_length++] = piece.ptr[0];
    piece = (bt_str){piece.ptr + 1, piece.len - 1};
    if (unpacking->start_length == sizeof unpacking->start) status = begin_text(unpacking, error);
  }
  return status == BT_OK ? pass_text(unpacking, piece, error) : status;
}

bt_status bt_unpacking_feed(bt_unpacking *unpacking, bt_str input, bt_error *error) {
  if (unpacking->gzip) return bt_gzip_feed(unpacking->gzip, input, take_text, unpacking, error);
  if (unpacking->zstd) return bt_zstd_feed(unpacking->zstd, input, take_text, unpacking, error);
  return take_text(unpacking, input, error);
}

/* A character that is cut off goes on as zeros, which no reader takes for the end of a document. */
static bt_status end_text(bt_unpacking *unpacking, bt_error *error) {
  bt_status status = unpacking->has_begun ? BT_OK : begin_text(unpacking, error);
  while (status == BT_OK && (unpacking->utf16.has_byte || unpacking->utf16.high))
    status = pass_text(unpacking, (bt_str){"", 1}, error);
  return status;
}

bt_status bt_unpacking_end(bt_unpacking *unpacking, bt_error *error) {
  bt_status status = end_text(unpacking, error);
  if (status == BT_OK && unpacking->gzip) status = bt_gzip_end(unpacking->gzip, error);
  if (status == BT_OK && unpacking->zstd) status = bt_zstd_end(unpacking->zstd, error);
  return status;
}
