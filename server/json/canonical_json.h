/* Canonical JSON: the one text of a value that hashes are made of. It is RFC 8785 with two restrictions that keep the
 * order of keys and the form of numbers out of dispute: keys are ASCII, numbers are integers between −(2^53 − 1) and
 * 2^53 − 1. Keys in order, no blanks, only `"`, `\` and control characters escaped (\b \t \n \f \r, else \u00xx in
 * lower case), everything else as UTF-8. Thread: no state. */
#ifndef BT_SERVER_CANONICAL_JSON_H
#define BT_SERVER_CANONICAL_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

#define BT_CANONICAL_INTEGER_MAX INT64_C(9007199254740991)

/* Appends it. BT_INVALID: there is a number, a key or a depth (64) that canonical JSON does not have, and which;
 * BT_NO_MEMORY. */
bt_status bt_canonical_json(const json_t *value, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

#endif
