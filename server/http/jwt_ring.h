/* The key set that is in force: read from a file or fetched over HTTP, on a thread of its own, and again when it is
 * old. A fetch that fails leaves what is in force, until that is too old: then there are no keys, and no token is
 * taken. A token whose key is not there makes it fetch once more, at most every ten seconds whatever comes of it.
 * Thread: any. */
#ifndef BT_SERVER_HTTP_JWT_RING_H
#define BT_SERVER_HTTP_JWT_RING_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "server/http/jwt_keys.h"

typedef struct bt_jwt_ring bt_jwt_ring;

/* Texts are borrowed as long as the ring lives. */
typedef struct bt_jwt_ring_options {
  const char *source;  /* https://…, http://… of this machine, or a file */
  const char *ca_file; /* authorities to trust for https besides the system's; or NULL */
  int64_t refresh_ns;  /* fetched again when older */
  int64_t keep_ns;     /* used until so old where it cannot be fetched */
} bt_jwt_ring_options;

/* new. A file is read at once, and a wrong one is BT_INVALID, BT_LIMIT or BT_IO; a URL is fetched by the thread, so
 * that an identity provider that is away holds up no start. BT_INVALID: a URL that is neither https nor of this
 * machine. BT_LIMIT: no thread. BT_NO_MEMORY. */
bt_status bt_jwt_ring_new(const bt_jwt_ring_options *options, bt_jwt_ring **out, bt_error *error) BT_MUST_CHECK;
void bt_jwt_ring_free(bt_jwt_ring *ring);  /* ends a fetch that is under way; NULL is fine */
void bt_jwt_ring_renew(bt_jwt_ring *ring); /* soon, whatever its age */

typedef enum bt_jwt_found {
  BT_JWT_KEY,      /* *out has it */
  BT_JWT_NO_KEY,   /* the set has no such key */
  BT_JWT_KEY_SOON, /* nor has it; but it is being fetched again */
  BT_JWT_NO_KEYS   /* no set is in force: it never came, or is too old */
} bt_jwt_found;
/* *out is new with BT_JWT_KEY (EVP_PKEY_free), else NULL. */
bt_jwt_found bt_jwt_ring_find(bt_jwt_ring *ring, bt_jwt_algorithm algorithm, bt_str kid, struct evp_pkey_st **out);

#endif
