/* Ed25519 keys and signatures. See signature.h. What libcrypto has on its error queue is dropped: it speaks of its own
 * insides. */
#include "server/compliance/signature.h"

#include <errno.h>
#include <openssl/err.h>
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

static const char private_expected[] = "an Ed25519 private key without a password (openssl genpkey -algorithm ed25519)",
                  public_expected[] = "an Ed25519 public key (openssl pkey -in KEY -pubout)";

static bt_status open_file(const char *path, FILE **file, bt_error *error) {
  *file = fopen(path, "re");
  return *file ? BT_OK : bt_error_set(error, BT_IO, "%.200s cannot be read: %s", path, strerror(errno));
}

static bt_status refuse_key(const char *path, const char *expected, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "%.200s: expected %s in PEM form", path, expected);
}

/* The next of the file. pkey is the key's from here on. */
static bt_status make_key(const char *path, EVP_PKEY *pkey, const char *expected, bt_evidence_key **out,
                          bt_error *error) {
  bt_evidence_key *key = calloc(1, sizeof *key);
  *out = NULL;
  if (!key) {
    EVP_PKEY_free(pkey);
    return bt_error_no_memory(error);
  }
  key->pkey = pkey;
  bool is_right = pkey && EVP_PKEY_base_id(pkey) == EVP_PKEY_ED25519;
  bt_status status = is_right ? set_id(key, error) : refuse_key(path, expected, error);
  if (status)
    bt_evidence_key_free(key);
  else
    *out = key;
  return status;
}

bt_status bt_evidence_private_key(const char *path, bt_evidence_key **out, bt_error *error) {
  FILE *file;
  *out = NULL;
  bt_status status = open_file(path, &file, error);
  if (status) return status;
  EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, no_password, NULL);
  fclose(file);
  return make_key(path, pkey, private_expected, out, error);
}

/* The next block of a PEM file: false with *pkey NULL where there is none any more. One that is no public key, or
 * broken, gives true and NULL. */
static bool read_block(FILE *file, EVP_PKEY **pkey) {
  char *name = NULL, *header = NULL;
  unsigned char *bytes = NULL;
  long length = 0;
  *pkey = NULL;
  ERR_clear_error();
  bool is_block = PEM_read(file, &name, &header, &bytes, &length) == 1;
  bool is_end = !is_block && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const unsigned char *at = bytes;
  if (is_block && strcmp(name, PEM_STRING_PUBLIC) == 0) *pkey = d2i_PUBKEY(NULL, &at, length);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(bytes);
  ERR_clear_error();
  return !is_end;
}

static bt_status add_key(bt_evidence_keys *keys, const char *path, EVP_PKEY *pkey, bt_error *error) {
  if (keys->count == BT_EVIDENCE_KEYS_MAX) {
    EVP_PKEY_free(pkey);
    return bt_error_set(error, BT_LIMIT, "%.200s: these are more than %d keys", path, BT_EVIDENCE_KEYS_MAX);
  }
  bt_status status = make_key(path, pkey, public_expected, &keys->items[keys->count], error);
  keys->count += !status;
  return status;
}

bt_status bt_evidence_keys_read(bt_evidence_keys *keys, const char *file, bt_error *error) {
  size_t count_before = keys->count;
  FILE *stream;
  EVP_PKEY *pkey;
  bt_status status = open_file(file, &stream, error);
  if (status) return status;
  while (!status && read_block(stream, &pkey)) status = add_key(keys, file, pkey, error);
  if (!status && keys->count == count_before) status = refuse_key(file, public_expected, error);
  fclose(stream);
  return status;
}

void bt_evidence_keys_dispose(bt_evidence_keys *keys) {
  for (size_t i = 0; i < keys->count; i++) bt_evidence_key_free(keys->items[i]);
  *keys = (bt_evidence_keys){.count = 0};
}

const bt_evidence_key *bt_evidence_keys_find(const bt_evidence_keys *keys, const char *id) {
  for (size_t i = 0; i < keys->count; i++)
    if (strcmp(keys->items[i]->id, id) == 0) return keys->items[i];
  return NULL;
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
