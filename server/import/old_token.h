/* The words of the original project's rule texts (docs/howto/import.md). They are not those of BeTraceDSL:
 * a string has no escapes, a name may hold any mark that is common in names of spans, and `#` in a name is part of it.
 * Thread: no state. */
#ifndef BT_SERVER_IMPORT_OLD_TOKEN_H
#define BT_SERVER_IMPORT_OLD_TOKEN_H

#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef enum bt_old_token_kind {
  BT_OLD_TOKEN_END,
  BT_OLD_TOKEN_PATH,   /* a name with its dots, and every keyword */
  BT_OLD_TOKEN_STRING, /* text: what stands between the quotes */
  BT_OLD_TOKEN_NUMBER, /* may begin with a minus */
  BT_OLD_TOKEN_DURATION,
  BT_OLD_TOKEN_OPERATOR, /* == != < <= > >= */
  BT_OLD_TOKEN_MARK      /* one of { } ( ) [ ] , . @ = */
} bt_old_token_kind;

typedef struct bt_old_token {
  bt_old_token_kind kind;
  bt_range range;
  bt_str text; /* borrowed from the rule's text, or from the arena for a string with \" in it */
} bt_old_token;

/* *out is in the arena and ends with an END. BT_INVALID: error.range says where. */
bt_status bt_old_tokens(bt_str text, bt_arena *arena, bt_old_token **out, size_t *count, bt_error *error) BT_MUST_CHECK;

#endif
