/* Messages out of the bytes of a stream, as the base protocol of LSP 3.17 frames them: header lines, an empty line, and
 * as many bytes as Content-Length says. Owns the bytes that were not taken yet. What is sent goes the other way. Sizes
 * are bytes. A header that cannot be read ends the stream: nobody knows where the next message begins. Thread: belongs
 * to one thread. */
#ifndef BT_SERVER_LSP_FRAMES_H
#define BT_SERVER_LSP_FRAMES_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum { BT_LSP_MAX_HEADER_BYTES = 4096, BT_LSP_MAX_MESSAGE_BYTES = 32 * 1024 * 1024 };

typedef struct bt_lsp_frames {
  bt_buffer bytes;
  size_t taken; /* of them, from the front */
  size_t skip;  /* bytes still to come of a message that is too large */
} bt_lsp_frames;

/* All-zero is a new one. BT_NO_MEMORY alone. */
bt_status bt_lsp_frames_add(bt_lsp_frames *frames, bt_str bytes, bt_error *error) BT_MUST_CHECK;
/* BT_OK: *message is the next one, borrowed until the next add. BT_NOT_FOUND: it is not there as a whole yet. BT_LIMIT:
 * it is larger than BT_LSP_MAX_MESSAGE_BYTES and will be passed over. BT_INVALID: the header is wrong. */
bt_status bt_lsp_frames_take(bt_lsp_frames *frames, bt_str *message, bt_error *error) BT_MUST_CHECK;
void bt_lsp_frames_dispose(bt_lsp_frames *frames);

/* Appends a message with its header. */
void bt_lsp_frame_append(bt_str message, bt_buffer *out);

#endif
