/* JSON Web Tokens of an identity provider (RFC 7519, and what RFC 8725 asks of who reads them). Three parts in strict
 * base64url, JSON without a name that stands twice, and an algorithm of ours that the key is bound to. Then a signature
 * that holds, and claims that are exact. What the header says of keys and places (jwk, jku, x5u, x5c) is not looked at.
 * Until the signature holds, refusals say nothing of what the service expects. Thread: values. */
#ifndef BT_SERVER_HTTP_JWT_H
#define BT_SERVER_HTTP_JWT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/http/jwt_ring.h"

enum { BT_JWT_MAX_BYTES = 16 << 10, BT_JWT_SUBJECT_MAX_BYTES = 200, BT_JWT_MAX_AUDIENCES = 16 };

typedef struct bt_jwt_rules {
  bt_str issuer;
  const bt_str *audiences; /* one of them has to be in aud */
  size_t audience_count;
  int64_t skew_ns;
} bt_jwt_rules;

typedef struct bt_jwt_refusal { /* as bt_access_answer has it */
  int status;                   /* 0: none */
  const char *kind;
  const char *detail; /* static */
} bt_jwt_refusal;

typedef struct bt_jwt {
  bt_str signed_text;  /* of the token: header and claims as they came */
  bt_buffer signature; /* decoded */
  bt_jwt_algorithm algorithm;
  bt_str kid; /* ptr NULL: none; borrowed from the header */
  json_t *header, *claims;
} bt_jwt;

/* Whether it may be one at all: two dots. Tokens of the tokens file have none. */
bool bt_jwt_is_meant(bt_str token);
/* Takes it apart and holds the header to what is allowed; of the claims it says only that they are an object. The text
 * is borrowed. Call bt_jwt_dispose in every case. */
bt_jwt_refusal bt_jwt_read(bt_str token, bt_jwt *out);
void bt_jwt_dispose(bt_jwt *jwt);
bool bt_jwt_is_signed_by(const bt_jwt *jwt, struct evp_pkey_st *key);
/* Who issued it, for whom and when, of claims that are signed. */
bt_jwt_refusal bt_jwt_check_claims(const json_t *claims, const bt_jwt_rules *rules, int64_t now_ns);

/* All of it, in this order. *claims is new where nothing is refused, else NULL. */
bt_jwt_refusal bt_jwt_check(bt_jwt_ring *ring, const bt_jwt_rules *rules, bt_str token, int64_t now_ns,
                            json_t **claims);

#endif
