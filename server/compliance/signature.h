/* Ed25519 keys and signatures through libcrypto, for evidence.c alone. Thread: keys are read only once made. */
#ifndef BT_SERVER_SIGNATURE_H
#define BT_SERVER_SIGNATURE_H

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/base/sha256.h"
#include "server/compliance/evidence.h"

enum { BT_SIGNATURE_TEXT_BYTES = 89 /* base64 of 64 bytes, and a NUL */ };

/* SHA-256 of a text as it is, in hex. BT_NO_MEMORY alone. */
bt_status bt_sha256_text(bt_str text, char hex[BT_SHA256_HEX + 1], bt_error *error) BT_MUST_CHECK;
/* Base64 of RFC 4648, padded. What decodes to the same bytes but is written otherwise is refused (BT_INVALID).
 * BT_LIMIT: more than 1 GiB. BT_NO_MEMORY. */
bt_status bt_base64_append(bt_str bytes, bt_buffer *out, bt_error *error) BT_MUST_CHECK;
bt_status bt_base64_decode(bt_str text, bt_buffer *out, bt_error *error) BT_MUST_CHECK;
/* In base64. The key has to be a private one. BT_IO: libcrypto does not sign. */
bt_status bt_signature_make(const bt_evidence_key *key, bt_str text, char out[BT_SIGNATURE_TEXT_BYTES],
                            bt_error *error) BT_MUST_CHECK;
/* BT_INVALID: it is not this key's signature of this text, or no signature at all. */
bt_status bt_signature_check(const bt_evidence_key *key, bt_str text, bt_str signature, bt_error *error) BT_MUST_CHECK;

#endif
