/* A pull reader over JSON text (RFC 8259): the caller asks for what it expects, nothing is built. It does not recurse;
 * what is passed over may nest 512 deep. Strings must be UTF-8; they borrow from the text unless they hold escapes. A
 * lone surrogate escape becomes U+FFFD, because JavaScript exporters cut strings in the middle of a pair. A problem
 * stays: from then on every call returns false, so that a caller looks once, at the end of its object (bt_json_status).
 * Thread: values, no state. Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_JSON_READER_H
#define BT_TEMPO_WIRE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef enum bt_json_type {
  BT_JSON_NOTHING = 0, /* the text ends, or no value begins here */
  BT_JSON_OBJECT,
  BT_JSON_ARRAY,
  BT_JSON_STRING,
  BT_JSON_NUMBER,
  BT_JSON_BOOL,
  BT_JSON_NULL
} bt_json_type;

typedef struct bt_json {
  const char *start, *at, *end;
  bt_arena *arena;                   /* borrowed; for strings with escapes */
  uint64_t first_line, first_column; /* of `start` in what the text is a part of, from 0 */
  const char *problem;               /* what was expected, in words; NULL while all is well */
  bt_status status;                  /* BT_INVALID, or BT_NO_MEMORY for the arena */
  bool is_fresh;                     /* an object or array was just opened: no comma before its next member */
} bt_json;

void bt_json_init(bt_json *json, bt_str text, bt_arena *arena);
/* The kind of value that comes next, after blanks. */
bt_json_type bt_json_peek(bt_json *json);

/* Opens an object or array that must come next. */
bool bt_json_open_object(bt_json *json);
bool bt_json_open_array(bt_json *json);
/* The next key, its value to be read by the caller; false when the object is closed (and at a problem). */
bool bt_json_next_key(bt_json *json, bt_str *key);
/* Whether an item follows, to be read by the caller; false when the array is closed (and at a problem). */
bool bt_json_next_item(bt_json *json);

bool bt_json_string(bt_json *json, bt_str *out);
bool bt_json_number(bt_json *json, bt_str *digits); /* as written: see json_number.h */
bool bt_json_bool(bt_json *json, bool *out);
/* Takes a null if one comes next; not a problem if not. */
bool bt_json_null(bt_json *json);
/* Passes over a value of whatever kind, checking it. */
bool bt_json_skip(bt_json *json);
/* True when nothing but blanks is left; not a problem if more is there. */
bool bt_json_at_end(bt_json *json);

/* Sets the problem (a literal: what was expected) unless there is one. Always false. */
bool bt_json_stop(bt_json *json, const char *problem);
/* BT_OK, or the problem with line and column. BT_INVALID: the text is not what was expected. BT_NO_MEMORY. */
bt_status bt_json_status(const bt_json *json, bt_error *error) BT_MUST_CHECK;

/* Objects with known keys. `bit` is 0 to 30 and the same for other spellings of a key. */
typedef struct bt_json_name {
  bt_str name;
  unsigned bit;
} bt_json_name;
#define BT_JSON_NAME(literal, its_bit)                                                                                 \
  { {(literal), sizeof(literal) - 1}, (its_bit) }

enum { BT_JSON_OTHER_KEYS = 1 << 30 }; /* in `seen`: there were keys that are not in the list */

/* The next known key whose value is not null; all others are passed over. A known key that comes twice is a problem.
 * `seen` starts at 0. False when the object is closed (and at a problem). */
bool bt_json_next_known(bt_json *json, const bt_json_name *names, size_t count, uint32_t *seen, unsigned *bit);

#endif
