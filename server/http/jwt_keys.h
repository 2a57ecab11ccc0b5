/* Public keys of an identity provider, as a JSON Web Key Set (RFC 7517) has them. Each key is bound to the one
 * algorithm that its own type allows: RS256 (RSA of 2,048 to 8,192 bits), ES256 (P-256) or EdDSA (Ed25519). What a
 * token says of itself never makes a key something else. Keys of other kinds and uses are left out; a set that holds a
 * private key, or two keys of one name and algorithm, is refused as a whole. Thread: immutable once parsed. */
#ifndef BT_SERVER_HTTP_JWT_KEYS_H
#define BT_SERVER_HTTP_JWT_KEYS_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum { BT_JWKS_MAX_BYTES = 256 << 10, BT_JWKS_MAX_KEYS = 100, BT_JWT_KID_MAX_BYTES = 256 };

typedef enum bt_jwt_algorithm { BT_JWT_RS256, BT_JWT_ES256, BT_JWT_EDDSA, BT_JWT_ALGORITHMS } bt_jwt_algorithm;
extern const char *const bt_jwt_algorithm_names[BT_JWT_ALGORITHMS];

typedef struct bt_jwt_keys bt_jwt_keys;
struct evp_pkey_st;

/* Strict base64url (RFC 7515): no padding, no other characters, no bits beyond the last byte. Appends; false: it is
 * not, or out->failed. */
bool bt_base64url_decode(bt_str text, bt_buffer *out);

/* new. BT_INVALID: it is no key set, or one that is refused; also when no key of it can be used. BT_LIMIT: it is too
 * large. BT_NO_MEMORY. The message names no key. */
bt_status bt_jwt_keys_parse(bt_str text, bt_jwt_keys **out, bt_error *error) BT_MUST_CHECK;
void bt_jwt_keys_free(bt_jwt_keys *keys); /* NULL is fine */
size_t bt_jwt_keys_count(const bt_jwt_keys *keys);
/* A token without a key's name (kid.ptr NULL) means the only key of its algorithm; of several it means none. Borrowed,
 * or NULL: there is none. */
struct evp_pkey_st *bt_jwt_keys_find(const bt_jwt_keys *keys, bt_jwt_algorithm algorithm, bt_str kid);

#endif
