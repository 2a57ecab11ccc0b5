/* One head of a request, read before h2o reads it: what it says of a body, and the same head without that, for the
 * library. A target in absolute form
 * ("GET http://host/path") becomes the path, and its host the Host header (RFC 9112, 3.2.2). Thread: any; no state. */
#ifndef BT_SERVER_HTTP_HEAD_H
#define BT_SERVER_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/http/guard.h"

enum { BT_HEAD_MAX_BYTES = 32 * 1024 };

typedef struct bt_http_head {
  bt_guard_refusal refusal; /* to be answered, and the connection ended; status 0: none */
  bool is_chunked, wants_continue;
  uint64_t body_bytes; /* 0: none, or chunks */
  size_t came_bytes;   /* of the head as it came, empty line included */
  bt_buffer text;      /* the head to be read; new */
} bt_http_head;

/* BT_NOT_FOUND: it has not come whole yet. BT_INVALID: it is no head. BT_LIMIT: it is too large. BT_NO_MEMORY.
 * scanned_bytes: what an earlier call saw of it. */
bt_status bt_http_head_read(bt_str input, size_t scanned_bytes, bt_http_head *out) BT_MUST_CHECK;

#endif
