/* Packed files. See unpacking.h. Two stages: what packs, then how the text is written. */
#include "tempo/files/unpacking.h"

#include <stdlib.h>

#include "tempo/wire/gzip.h"
#include "tempo/wire/utf16.h"

struct bt_unpacking {
  bt_unpacking_sink sink;
  void *context;
  bt_gzip *gzip;
  bool has_begun, is_utf16; /* of what was unpacked */
  bt_utf16 utf16;
};

bool bt_unpacking_is_needed(bt_str start) {
  return bt_gzip_is(start) || bt_utf16_is(start);
}

bt_status bt_unpacking_new(bt_str start, bt_unpacking_sink sink, void *context, bt_unpacking **out, bt_error *error) {
  bt_unpacking *unpacking = *out = calloc(1, sizeof *unpacking);
  if (!unpacking) return bt_error_no_memory(error);
  unpacking->sink = sink;
  unpacking->context = context;
  bt_status status = bt_gzip_is(start) ? bt_gzip_new(&unpacking->gzip, error) : BT_OK;
  if (status == BT_OK) return BT_OK;
  free(unpacking);
  *out = NULL;
  return status;
}

void bt_unpacking_free(bt_unpacking *unpacking) {
  if (!unpacking) return;
  bt_gzip_free(unpacking->gzip);
  free(unpacking);
}

static bt_status take_text(void *context, bt_str piece, bt_error *error) {
  bt_unpacking *unpacking = context;
  if (!unpacking->has_begun) unpacking->is_utf16 = bt_utf16_is(piece);
  unpacking->has_begun = true;
  if (!unpacking->is_utf16) return unpacking->sink(unpacking->context, piece, error);
  return bt_utf16_feed(&unpacking->utf16, piece, unpacking->sink, unpacking->context, error);
}

bt_status bt_unpacking_feed(bt_unpacking *unpacking, bt_str input, bt_error *error) {
  if (unpacking->gzip) return bt_gzip_feed(unpacking->gzip, input, take_text, unpacking, error);
  return take_text(unpacking, input, error);
}

bt_status bt_unpacking_end(bt_unpacking *unpacking, bt_error *error) {
  return unpacking->gzip ? bt_gzip_end(unpacking->gzip, error) : BT_OK;
}
