/* Reading a body in chunks (RFC 9112, 7.1), as it comes: strictly, since what two readers take for different sizes
 * smuggles requests. Sizes are up to eight hexadecimal digits; extensions and trailers are passed over, 16 KiB of them
 * at most. Thread: the caller's. */
#ifndef BT_SERVER_HTTP_CHUNKS_H
#define BT_SERVER_HTTP_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef enum bt_chunks_state {
  BT_CHUNKS_SIZE,
  BT_CHUNKS_EXTENSION,
  BT_CHUNKS_SIZE_LF,
  BT_CHUNKS_DATA,
  BT_CHUNKS_DATA_CR,
  BT_CHUNKS_DATA_LF,
  BT_CHUNKS_TRAILER_START,
  BT_CHUNKS_TRAILER,
  BT_CHUNKS_TRAILER_LF,
  BT_CHUNKS_LAST_LF,
  BT_CHUNKS_END
} bt_chunks_state;

typedef struct bt_chunks { /* all-zero: nothing has come */
  bt_chunks_state state;
  uint32_t digits, passed_bytes; /* of this size; of extensions and trailers */
  uint64_t left_bytes;           /* of this chunk */
} bt_chunks;

/* Reads on from `input`, appends what is data to `out` and says in `used` how much of it was read: less than all only
 * at the body's end (state is BT_CHUNKS_END then). BT_INVALID: these are no chunks. BT_LIMIT: `out` is full. */
bt_status bt_chunks_read(bt_chunks *chunks, bt_str input, bt_buffer *out, size_t *used) BT_MUST_CHECK;

#endif
