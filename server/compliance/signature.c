/* Ed25519 keys and signatures. See signature.h. What libcrypto has on its error queue is dropped: it speaks of its own
 * insides. */
#include "server/compliance/signature.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_BYTES = 64 };

struct bt_evidence_key {
  EVP_PKEY *pkey;
  char id[BT_SHA256_HEX + 1];
};

bt_status bt_sha256_text(bt_str text, char hex[BT_SHA256_HEX + 1], bt_error *error) {
  bt_sha256 hash;
  unsigned length = sizeof hash.bytes;
  if (EVP_Digest(text.ptr, text.len, hash.bytes, &length, EVP_sha256(), NULL) != 1) return bt_error_no_memory(error);
  bt_sha256_format(&hash, hex);
  return BT_OK;
}

/* ---- base64 ---- */

enum { BASE64_MAX = 1 << 30 }; /* libcrypto counts in ints */

bt_status bt_base64_append(bt_str bytes, bt_buffer *out, bt_error *error) {
  if (bytes.len > BASE64_MAX) return bt_error_set(error, BT_LIMIT, "%zu bytes are too many for base64", bytes.len);
  size_t size = (bytes.len + 2) / 3 * 4 + 1;
  unsigned char *text = malloc(size);
  if (!text) return bt_error_no_memory(error);
  int length = EVP_EncodeBlock(text, (const unsigned char *)bytes.ptr, (int)bytes.len);
  bt_buffer_append(out, (bt_str){(char *)text, (size_t)length});
  free(text);
  return out->failed ? bt_error_no_memory(error) : BT_OK;
}

/* EVP_DecodeBlock takes blanks around the text, and counts the padding as bytes. */
static bool decode_block(bt_str text, unsigned char *bytes, size_t *length) {
  size_t padding = 0;
  if (text.len % 4 || text.len > BASE64_MAX) return false;
  while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=') padding++;
  int decoded = text.len ? EVP_DecodeBlock(bytes, (const unsigned char *)text.ptr, (int)text.len) : 0;
  if (decoded < (int)padding) return false;
  *length = (size_t)decoded - padding;
  return true;
}

static bt_status check_written_so(bt_str bytes, bt_str text, bt_error *error) {
  bt_buffer again = {0};
  bt_status status = bt_base64_append(bytes, &again, error);
  if (!status && !bt_str_equal(bt_buffer_str(&again), text))
    status = bt_error_set(error, BT_INVALID, "the payload is not base64 as it is written here");
  bt_buffer_dispose(&again);
  return status;
}

bt_status bt_base64_decode(bt_str text, bt_buffer *out, bt_error *error) {
  size_t length = 0;
  unsigned char *bytes = malloc(text.len / 4 * 3 + 4);
  if (!bytes) return bt_error_no_memory(error);
  bt_status status = decode_block(text, bytes, &length) ? check_written_so((bt_str){(char *)bytes, length}, text, error)
                                                        : bt_error_set(error, BT_INVALID, "the payload is not base64");
  if (!status) bt_buffer_append(out, (bt_str){(char *)bytes, length});
  free(bytes);
  return !status && out->failed ? bt_error_no_memory(error) : status;
}

/* ---- keys ---- */

const char *bt_evidence_key_id(const bt_evidence_key *key) {
  return key->id;
}

void bt_evidence_key_free(bt_evidence_key *key) {
  if (!key) return;
  EVP_PKEY_free(key->pkey);
  free(key);
}

static bt_status set_id(bt_evidence_key *key, bt_error *error) {
  unsigned char *der = NULL;
  int length = i2d_PUBKEY(key->pkey, &der);
  bt_status status =
      length > 0 ? bt_sha256_text((bt_str){(char *)der, (size_t)length}, key->id, error) : bt_error_no_memory(error);
  OPENSSL_free(der);
  return status;
}

/* A key with a password is not asked for one: nobody sits at a service's keyboard. */
static int no_password(char *text, int size, int is_writing, void *context) {
  (void)text, (void)size, (void)is_writing, (void)context;
  return -1;
}

typedef EVP_PKEY *(*key_reader)(FILE *file, EVP_PKEY **key, pem_password_cb *callback, void *context);

static bt_status read_key(const char *path, key_reader read, const char *expected, bt_evidence_key **out,
                          bt_error *error) {
  *out = NULL;
  FILE *file = fopen(path, "re");
  if (!file) return bt_error_set(error, BT_IO, "%.200s cannot be read: %s", path, strerror(errno));
  bt_evidence_key *key = calloc(1, sizeof *key);
  EVP_PKEY *pkey = key ? read(file, NULL, no_password, NULL) : NULL;
  fclose(file);
  if (!key) return bt_error_no_memory(error);
  key->pkey = pkey;
  bt_status status = BT_OK;
  if (!pkey || EVP_PKEY_base_id(pkey) != EVP_PKEY_ED25519)
    status = bt_error_set(error, BT_INVALID, "%.200s: expected %s in PEM form", path, expected);
  if (!status) status = set_id(key, error);
  if (status)
    bt_evidence_key_free(key);
  else
    *out = key;
  return status;
}

bt_status bt_evidence_private_key(const char *file, bt_evidence_key **out, bt_error *error) {
  return read_key(file, PEM_read_PrivateKey,
                  "an Ed25519 private key without a password (openssl genpkey -algorithm ed25519)", out, error);
}

bt_status bt_evidence_public_key(const char *file, bt_evidence_key **out, bt_error *error) {
  return read_key(file, PEM_read_PUBKEY, "an Ed25519 public key (openssl pkey -in KEY -pubout)", out, error);
}

/* ---- signatures ---- */

bt_status bt_signature_make(const bt_evidence_key *key, bt_str text, char out[BT_SIGNATURE_TEXT_BYTES],
                            bt_error *error) {
  unsigned char signature[SIGNATURE_BYTES];
  size_t length = sizeof signature;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool ok = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
            EVP_DigestSign(context, signature, &length, (const unsigned char *)text.ptr, text.len) == 1 &&
            length == sizeof signature;
  EVP_MD_CTX_free(context);
  if (!ok) return bt_error_set(error, BT_IO, "libcrypto could not sign the report");
  EVP_EncodeBlock((unsigned char *)out, signature, SIGNATURE_BYTES);
  return BT_OK;
}

/* One text for one signature: what decodes to the same bytes but is written otherwise is refused. */
static bool decode_signature(bt_str text, unsigned char signature[SIGNATURE_BYTES]) {
  unsigned char bytes[BT_SIGNATURE_TEXT_BYTES], again[BT_SIGNATURE_TEXT_BYTES];
  if (text.len != BT_SIGNATURE_TEXT_BYTES - 1) return false;
  if (EVP_DecodeBlock(bytes, (const unsigned char *)text.ptr, (int)text.len) < SIGNATURE_BYTES) return false;
  memcpy(signature, bytes, SIGNATURE_BYTES);
  EVP_EncodeBlock(again, signature, SIGNATURE_BYTES);
  return memcmp(again, text.ptr, text.len) == 0;
}

bt_status bt_signature_check(const bt_evidence_key *key, bt_str text, bt_str signature, bt_error *error) {
  unsigned char bytes[SIGNATURE_BYTES];
  if (!decode_signature(signature, bytes))
    return bt_error_set(error, BT_INVALID, "the signature is not one: expected 64 bytes in base64");
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (!context) return bt_error_no_memory(error);
  bool is_right = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
                  EVP_DigestVerify(context, bytes, sizeof bytes, (const unsigned char *)text.ptr, text.len) == 1;
  EVP_MD_CTX_free(context);
  return is_right ? BT_OK
                  : bt_error_set(error, BT_INVALID,
                                 "the signature is not this key's: the report was changed after it was signed, or "
                                 "signed by somebody else");
}
