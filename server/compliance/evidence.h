/* The evidence chain of a report (docs/COMPLIANCE.md has it in full). A report is {"entries": […], "evidence": {…}}.
 * Each entry is {body, number, previous, type, hash}: hash is the SHA-256 of the canonical JSON of the first four,
 * previous the hash of the entry before (64 zeros for the first). The last hash is the head; a key signs
 * "betrace-report/1\n<head>\n" with Ed25519. So nothing in a signed report can be changed, left out, added or moved
 * without the key. A time stamp over that text may stand next to the signature (time_stamp_request.h). Thread: keys are
 * read only once made; all else values. */
#ifndef BT_SERVER_EVIDENCE_H
#define BT_SERVER_EVIDENCE_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "server/base/sha256.h"

#define BT_EVIDENCE_FORMAT "betrace-report/1"

typedef struct bt_evidence_key bt_evidence_key;

/* new. A PEM file with an Ed25519 private key (`openssl genpkey -algorithm ed25519`). BT_IO: it cannot be read;
 * BT_INVALID: it holds something else. A message never shows what is in the file. */
bt_status bt_evidence_private_key(const char *file, bt_evidence_key **out, bt_error *error) BT_MUST_CHECK;
void bt_evidence_key_free(bt_evidence_key *key); /* NULL is fine */
/* SHA-256 of the public key's DER form, in hex: the same for a private key and its public one. */
const char *bt_evidence_key_id(const bt_evidence_key *key);

enum { BT_EVIDENCE_KEYS_MAX = 64 };
typedef struct bt_evidence_keys { /* public ones, owned: those of today and of before */
  bt_evidence_key *items[BT_EVIDENCE_KEYS_MAX];
  size_t count;
} bt_evidence_keys;
/* Adds those of a PEM file, one or several. BT_IO and BT_INVALID as above, also for one that is broken among others.
 * BT_LIMIT: there are more. What was added before an error stays. */
bt_status bt_evidence_keys_read(bt_evidence_keys *keys, const char *file, bt_error *error) BT_MUST_CHECK;
void bt_evidence_keys_dispose(bt_evidence_keys *keys);
/* NULL: none of them has this id. */
const bt_evidence_key *bt_evidence_keys_find(const bt_evidence_keys *keys, const char *id);

typedef struct bt_evidence_chain {
  json_t *entries; /* owned */
  char head[BT_SHA256_HEX + 1];
} bt_evidence_chain;
/* BT_NO_MEMORY alone. */
bt_status bt_evidence_begin(bt_evidence_chain *chain, bt_error *error) BT_MUST_CHECK;
/* Takes the body in every case (NULL: no memory). */
bt_status bt_evidence_add(bt_evidence_chain *chain, const char *type, json_t *body, bt_error *error) BT_MUST_CHECK;
/* new: the whole document; takes the entries in every case. key: signs it; NULL: it says that it is unsigned. BT_IO:
 * libcrypto does not sign. BT_NO_MEMORY. */
bt_status bt_evidence_seal(bt_evidence_chain *chain, const bt_evidence_key *key, json_t **out,
                           bt_error *error) BT_MUST_CHECK;
void bt_evidence_dispose(bt_evidence_chain *chain);

/* What is signed, and stamped with a time. */
enum { BT_SIGNED_TEXT_BYTES = 96 };
void bt_evidence_signed_text(const json_t *document, char out[BT_SIGNED_TEXT_BYTES]);

/* Checks form and chain, and with a key the signature. BT_OK: everything holds. BT_INVALID: it does not, and what;
 * BT_NO_MEMORY. */
bt_status bt_evidence_check(const json_t *document, const bt_evidence_key *key, bt_error *error) BT_MUST_CHECK;

#endif
