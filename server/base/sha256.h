/* SHA-256 over a sequence of fields, for ids and hashes that have to be the same on every machine and in every version.
 * A field is hashed as its length (8 bytes, big-endian) and then its bytes, so that no two different sequences give the
 * same input. Thread: values, no shared state. All of server/ may include this. */
#ifndef BT_SERVER_BASE_SHA256_H
#define BT_SERVER_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum { BT_SHA256_BYTES = 32, BT_SHA256_HEX = 64 };

typedef struct bt_sha256 {
  uint8_t bytes[BT_SHA256_BYTES];
} bt_sha256;

/* SHA-256 of the fields, each with its length before it. BT_NO_MEMORY when libcrypto has no room. */
bt_status bt_sha256_fields(const bt_str *fields, size_t count, bt_sha256 *out, bt_error *error) BT_MUST_CHECK;
/* Lower-case hex with a NUL. */
void bt_sha256_format(const bt_sha256 *hash, char hex[BT_SHA256_HEX + 1]);

#endif
