/* The cursor of a listing of violations: everything that this process or another needs to go on with it. It holds
 * absolute times, a hash of the question, a hash of the rules' conditions, and the position of the last violation that
 * was given. As text it is opaque: base64url of fixed-size fields with a check sum over them and the tenant. So a
 * damaged, made-up or foreign cursor is refused. It is no secret and gives no rights: it holds only what its owner
 * asked. Thread: no state. */
#ifndef BT_SERVER_QUERY_CURSOR_H
#define BT_SERVER_QUERY_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/query/position.h"
#include "tempo/wire/source.h"

enum { BT_QUESTION_BYTES = 8, BT_RULES_HASH_BYTES = 16, BT_CURSOR_TEXT = 112 };

typedef struct bt_cursor {
  bt_time_range range;
  int64_t now_ns; /* when the question was asked: what is settled follows from it */
  bool newest_first, has_position;
  bt_position after;                   /* the last violation that was given; without one, the listing has not begun */
  uint8_t question[BT_QUESTION_BYTES]; /* hash of what was asked besides the times */
  uint8_t rules[BT_RULES_HASH_BYTES];  /* hash of the rules' ids, conditions and margins */
} bt_cursor;

/* NUL-terminated; BT_NO_MEMORY when libcrypto has no room. */
bt_status bt_cursor_write(const bt_cursor *cursor, const char *tenant, char out[BT_CURSOR_TEXT],
                          bt_error *error) BT_MUST_CHECK;
/* BT_INVALID: not a cursor of this tenant that bt_cursor_write made, or one that cannot be (a range that ends before it
 * starts). */
bt_status bt_cursor_read(bt_str text, const char *tenant, bt_cursor *out, bt_error *error) BT_MUST_CHECK;

#endif
