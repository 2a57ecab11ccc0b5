/* Reading key sets. See jwt_keys.h. */
#include "server/http/jwt_keys.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "server/json/json_members.h"
#include "server/json/json_memory.h"

enum { P256_BYTES = 32, ED25519_BYTES = 32, RSA_LEAST_BYTES = 256, RSA_MOST_BYTES = 1024, EXPONENT_MOST_BYTES = 4 };

const char *const bt_jwt_algorithm_names[BT_JWT_ALGORITHMS] = {"RS256", "ES256", "EdDSA"};

typedef struct named_key {
  char kid[BT_JWT_KID_MAX_BYTES];
  size_t kid_bytes;
  bool has_kid;
  bt_jwt_algorithm algorithm;
  EVP_PKEY *key;
} named_key;

struct bt_jwt_keys {
  size_t count;
  named_key items[BT_JWKS_MAX_KEYS];
};

/* ---- base64url ---- */

static int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool bt_base64url_decode(bt_str text, bt_buffer *out) {
  uint32_t bits = 0;
  unsigned held = 0;
  if (text.len % 4 == 1) return false;
  for (size_t i = 0; i < text.len; i++) {
    int digit = digit_of(text.ptr[i]);
    if (digit < 0) return false;
    bits = (bits << 6 | (uint32_t)digit) & 0xFFFF;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bt_buffer_append_char(out, (char)(bits >> held & 0xFF));
  }
  return (bits & ((1u << held) - 1)) == 0 && !out->failed;
}

/* ---- one key ---- */

/* False: it is not there, or not base64url. */
static bool bytes_of(const json_t *jwk, const char *name, bt_buffer *out) {
  bt_str text = bt_json_str_at(jwk, name);
  bool is_right = text.len && bt_base64url_decode(text, out) && out->len;
  if (out->failed) bt_json_memory_lacks();
  return is_right;
}

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM_BLD *builder) {
  EVP_PKEY *key = NULL;
  OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  if (!parameters || !context || EVP_PKEY_fromdata_init(context) != 1 ||
      EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
    key = NULL;
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  return key;
}

/* An exponent of 65,537 or more, of 32 bits at most: a larger one would make each check slow. */
static bool is_rsa_sound(const bt_buffer *n, const bt_buffer *e) {
  const unsigned char *exponent = (const unsigned char *)e->ptr;
  uint32_t value = 0;
  if (e->len > EXPONENT_MOST_BYTES) return false;
  for (size_t i = 0; i < e->len; i++) value = value << 8 | exponent[i];
  return n->len >= RSA_LEAST_BYTES && n->len <= RSA_MOST_BYTES && (unsigned char)n->ptr[0] >= 0x80 &&
         (n->ptr[n->len - 1] & 1) && value >= 65537 && (value & 1);
}

static EVP_PKEY *read_rsa(const json_t *jwk) {
  bt_buffer n = {0}, e = {0};
  EVP_PKEY *key = NULL;
  if (bytes_of(jwk, "n", &n) && bytes_of(jwk, "e", &e) && is_rsa_sound(&n, &e)) {
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.ptr, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.ptr, (int)e.len, NULL);
    if (builder && modulus && exponent && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
      key = from_parameters("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
    BN_free(exponent);
  }
  bt_buffer_dispose(&n);
  bt_buffer_dispose(&e);
  return key;
}

static bool is_on_curve(EVP_PKEY *key) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  bool is_on = context && EVP_PKEY_public_check(context) == 1;
  EVP_PKEY_CTX_free(context);
  return is_on;
}

static EVP_PKEY *read_p256(const json_t *jwk) {
  bt_buffer point = {0};
  EVP_PKEY *key = NULL;
  bt_buffer_append_char(&point, 0x04);
  bool is_there = bytes_of(jwk, "x", &point) && point.len == 1 + P256_BYTES && bytes_of(jwk, "y", &point) &&
                  point.len == 1 + 2 * P256_BYTES;
  OSSL_PARAM_BLD *builder = is_there ? OSSL_PARAM_BLD_new() : NULL;
  if (builder && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.ptr, point.len) == 1)
    key = from_parameters("EC", builder);
  OSSL_PARAM_BLD_free(builder);
  if (key && !is_on_curve(key)) {
    EVP_PKEY_free(key);
    key = NULL;
  }
  bt_buffer_dispose(&point);
  return key;
}

static EVP_PKEY *read_ed25519(const json_t *jwk) {
  bt_buffer x = {0};
  EVP_PKEY *key = NULL;
  if (bytes_of(jwk, "x", &x) && x.len == ED25519_BYTES)
    key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.ptr, x.len);
  bt_buffer_dispose(&x);
  return key;
}

/* Of its type alone; its own `alg`, where there is one, has to say the same. False: not one of ours. */
static bool algorithm_of(const json_t *jwk, bt_jwt_algorithm *out) {
  bt_str type = bt_json_str_at(jwk, "kty"), curve = bt_json_str_at(jwk, "crv");
  if (bt_str_equal(type, BT_STR("RSA")))
    *out = BT_JWT_RS256;
  else if (bt_str_equal(type, BT_STR("EC")) && bt_str_equal(curve, BT_STR("P-256")))
    *out = BT_JWT_ES256;
  else if (bt_str_equal(type, BT_STR("OKP")) && bt_str_equal(curve, BT_STR("Ed25519")))
    *out = BT_JWT_EDDSA;
  else
    return false;
  return !json_object_get(jwk, "alg") ||
         bt_str_equal(bt_json_str_at(jwk, "alg"), bt_str_from(bt_jwt_algorithm_names[*out]));
}

static bool is_for_signatures(const json_t *jwk) {
  const json_t *operations = json_object_get(jwk, "key_ops");
  if (json_object_get(jwk, "use") && !bt_str_equal(bt_json_str_at(jwk, "use"), BT_STR("sig"))) return false;
  if (!operations) return true;
  for (size_t i = 0; i < json_array_size(operations); i++) {
    const char *operation = json_string_value(json_array_get(operations, i));
    if (operation && bt_str_equal(bt_str_from(operation), BT_STR("verify"))) return true;
  }
  return false;
}

/* ---- the set ---- */

/* BT_OK with key NULL: one that is left out. */
static bt_status read_key(const json_t *jwk, named_key *out, bt_error *error) {
  bt_str kid = bt_json_str_at(jwk, "kid");
  if (!json_is_object(jwk)) return bt_error_set(error, BT_INVALID, "each key of the set has to be an object");
  if (json_object_get(jwk, "d") || json_object_get(jwk, "p"))
    return bt_error_set(error, BT_INVALID,
                        "the set holds a private key, which then is nobody's secret any more: publish public keys "
                        "alone, and make new ones");
  if (!algorithm_of(jwk, &out->algorithm) || !is_for_signatures(jwk)) return BT_OK;
  out->has_kid = json_object_get(jwk, "kid") != NULL;
  if (out->has_kid && (!kid.ptr || kid.len > BT_JWT_KID_MAX_BYTES)) return BT_OK;
  out->kid_bytes = kid.len;
  if (kid.len) memcpy(out->kid, kid.ptr, kid.len);
  out->key = out->algorithm == BT_JWT_RS256   ? read_rsa(jwk)
             : out->algorithm == BT_JWT_ES256 ? read_p256(jwk)
                                              : read_ed25519(jwk);
  return BT_OK;
}

static bool have_same_name(const named_key *a, const named_key *b) {
  return a->algorithm == b->algorithm && a->has_kid && b->has_kid && a->kid_bytes == b->kid_bytes &&
         memcmp(a->kid, b->kid, a->kid_bytes) == 0;
}

static bt_status add_key(bt_jwt_keys *keys, const json_t *jwk, bt_error *error) {
  named_key *fresh = &keys->items[keys->count];
  *fresh = (named_key){0};
  bt_status status = read_key(jwk, fresh, error);
  if (status || !fresh->key) return status;
  for (size_t i = 0; i < keys->count; i++)
    if (have_same_name(&keys->items[i], fresh)) {
      EVP_PKEY_free(fresh->key);
      return bt_error_set(error, BT_INVALID,
                          "two keys of the set have one name (kid) and one algorithm: nobody can say which is meant");
    }
  keys->count++;
  return BT_OK;
}

static bt_status add_keys(bt_jwt_keys *keys, const json_t *list, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < json_array_size(list) && !status; i++) status = add_key(keys, json_array_get(list, i), error);
  if (bt_json_memory_failed()) return bt_error_no_memory(error);
  if (!status && !keys->count)
    status = bt_error_set(error, BT_INVALID,
                          "no key of the set can be used: expected RSA of 2,048 bits or more, P-256 or Ed25519, for "
                          "signatures");
  return status;
}

bt_status bt_jwt_keys_parse(bt_str text, bt_jwt_keys **out, bt_error *error) {
  *out = NULL;
  if (text.len > BT_JWKS_MAX_BYTES) return bt_error_set(error, BT_LIMIT, "the key set is larger than 256 KiB");
  bt_jwt_keys *keys = calloc(1, sizeof *keys);
  if (!keys) return bt_error_no_memory(error);
  bt_json_memory_begin();
  json_t *set = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);
  const json_t *list = json_object_get(set, "keys");
  bt_status status = BT_OK;
  if (bt_json_memory_failed())
    status = bt_error_no_memory(error);
  else if (!json_is_array(list))
    status = bt_error_set(error, BT_INVALID,
                          "a key set has to be a JSON object with the list `keys`, and no name in it twice");
  else if (json_array_size(list) > BT_JWKS_MAX_KEYS)
    status = bt_error_set(error, BT_LIMIT, "the key set has more than 100 keys");
  else
    status = add_keys(keys, list, error);
  json_decref(set);
  ERR_clear_error(); /* what was refused here is no news for TLS of this thread */
  if (status)
    bt_jwt_keys_free(keys);
  else
    *out = keys;
  return status;
}

void bt_jwt_keys_free(bt_jwt_keys *keys) {
  if (!keys) return;
  for (size_t i = 0; i < keys->count; i++) EVP_PKEY_free(keys->items[i].key);
  free(keys);
}

size_t bt_jwt_keys_count(const bt_jwt_keys *keys) {
  return keys->count;
}

EVP_PKEY *bt_jwt_keys_find(const bt_jwt_keys *keys, bt_jwt_algorithm algorithm, bt_str kid) {
  EVP_PKEY *found = NULL;
  for (size_t i = 0; i < keys->count; i++) {
    const named_key *item = &keys->items[i];
    if (item->algorithm != algorithm) continue;
    if (kid.ptr && item->has_kid && bt_str_equal((bt_str){item->kid, item->kid_bytes}, kid)) return item->key;
    if (kid.ptr) continue;
    if (found) return NULL;
    found = item->key;
  }
  return found;
}
