/* SHA-256 through libcrypto's EVP. Nothing is kept between calls; any thread. */
#include "server/base/sha256.h"

#include <openssl/evp.h>

#include "dsl/base/hex.h"

static bool add_field(EVP_MD_CTX *context, bt_str field) {
  uint8_t length[8];
  for (size_t i = 0; i < sizeof length; i++)
    length[i] = (uint8_t)((uint64_t)field.len >> (8 * (sizeof length - 1 - i)));
  return EVP_DigestUpdate(context, length, sizeof length) == 1 &&
         (field.len == 0 || EVP_DigestUpdate(context, field.ptr, field.len) == 1);
}

bt_status bt_sha256_fields(const bt_str *fields, size_t count, bt_sha256 *out, bt_error *error) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
  for (size_t i = 0; ok && i < count; i++) ok = add_field(context, fields[i]);
  ok = ok && EVP_DigestFinal_ex(context, out->bytes, NULL) == 1;
  EVP_MD_CTX_free(context);
  return ok ? BT_OK : bt_error_no_memory(error);
}

void bt_sha256_format(const bt_sha256 *hash, char hex[BT_SHA256_HEX + 1]) {
  bt_hex_format(hash->bytes, BT_SHA256_BYTES, hex);
}
