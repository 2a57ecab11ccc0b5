/* JSON Web Tokens under an allocator that fails at each call in turn: an error each time, nothing leaked, and never a
 * token that is taken for what could not be looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/http/jwt.h"
#include "server/http/jwt_roles.h"
#include "server/json/json_memory.h"
#include "tests/support/failing_alloc.h"

enum { NOW_S = 1700000000 };
static const char claims_text[] =
    "{\"iss\":\"https://"
    "id.example\",\"aud\":[\"x\",\"betrace\"],\"sub\":\"ana\",\"exp\":1700000600,\"groups\":[\"a\",\"b\"]}";
static const char roles_text[] =
    "{\"roles\":[{\"claim\":[\"realm\",\"roles\"],\"value\":\"b\",\"role\":\"editor\"},"
    "{\"claim\":\"groups\",\"value\":\"a\",\"role\":\"viewer\"}],"
    "\"tenants\":[{\"claim\":\"groups\",\"value\":\"b\",\"tenants\":[\"acme\",\"globex\"]}]}";
static char set_text[300], token_text[800];

static void append_text(char *out, size_t size, const char *text) {
  size_t before = strlen(out);
  assert_true(snprintf(out + before, size - before, "%s", text) < (int)(size - before));
}

static void append_base64url(char *out, size_t size, const unsigned char *bytes, size_t count) {
  unsigned char encoded[600];
  assert_true(count < 400);
  int length = EVP_EncodeBlock(encoded, bytes, (int)count);
  while (length > 0 && encoded[length - 1] == '=') length--;
  for (int i = 0; i < length; i++) encoded[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
  size_t before = strlen(out);
  assert_true(before + (size_t)length < size);
  snprintf(out + before, size - before, "%.*s", length, (const char *)encoded);
}

static int make_token(void **state) {
  static const char header[] = "{\"alg\":\"EdDSA\",\"kid\":\"one\"}";
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  unsigned char public[32], signature[64];
  size_t public_bytes = sizeof public, bytes = sizeof signature;
  (void)state;
  assert_int_equal(EVP_PKEY_get_raw_public_key(key, public, &public_bytes), 1);
  snprintf(set_text, sizeof set_text, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"one\",\"x\":\"");
  append_base64url(set_text, sizeof set_text, public, public_bytes);
  append_text(set_text, sizeof set_text, "\"}]}");
  append_base64url(token_text, sizeof token_text, (const unsigned char *)header, sizeof header - 1);
  append_text(token_text, sizeof token_text, ".");
  append_base64url(token_text, sizeof token_text, (const unsigned char *)claims_text, sizeof claims_text - 1);
  assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
  assert_int_equal(EVP_DigestSign(context, signature, &bytes, (unsigned char *)token_text, strlen(token_text)), 1);
  append_text(token_text, sizeof token_text, ".");
  append_base64url(token_text, sizeof token_text, signature, bytes);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  bt_json_memory_install();
  return 0;
}

/* True: it was done without a failure, and the loop is over. */
typedef bool (*attempt)(void);

static void fail_each(attempt try_once) {
  size_t n = 0;
  for (; n < 1000; n++) {
    failing_alloc_after(n);
    if (try_once()) break;
  }
  assert_in_range(n, 3, 999);
}

static bool parse_keys(void) {
  bt_jwt_keys *keys;
  bt_error error = {0};
  bt_status status = bt_jwt_keys_parse(bt_str_from(set_text), &keys, &error);
  bool was_refused = failing_alloc_stop();
  assert_int_equal(keys != NULL, !status);
  assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
  bt_jwt_keys_free(keys);
  return !was_refused;
}

static void test_keys(void **state) {
  (void)state;
  fail_each(parse_keys);
}

static bool parse_roles(void) {
  bt_jwt_roles *roles;
  bt_error error = {0};
  bt_status status = bt_jwt_roles_parse(BT_STR(roles_text), "roles", &roles, &error);
  bool was_refused = failing_alloc_stop();
  assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
  assert_int_equal(roles != NULL, !was_refused);
  bt_jwt_roles_free(roles);
  return !was_refused;
}

static void test_roles(void **state) {
  (void)state;
  fail_each(parse_roles);
}

static bt_jwt_ring *ring;

static bool check_token(void) {
  static const bt_str audiences[] = {{"betrace", 7}};
  const bt_jwt_rules rules = {BT_STR("https://id.example"), audiences, 1, 0};
  json_t *claims;
  bt_jwt_refusal refusal = bt_jwt_check(ring, &rules, bt_str_from(token_text), NOW_S * INT64_C(1000000000), &claims);
  bool was_refused = failing_alloc_stop();
  assert_int_equal(refusal.status, was_refused ? 503 : 0);
  assert_int_equal(claims != NULL, !was_refused);
  json_decref(claims);
  return !was_refused;
}

static void test_token(void **state) {
  char file[] = "betrace-jwks-XXXXXX";
  int fd = mkstemp(file);
  bt_error error = {0};
  bt_jwt_ring_options options = {
      .source = file, .refresh_ns = INT64_C(3600000000000), .keep_ns = INT64_C(3600000000000)};
  (void)state;
  assert_true(fd >= 0 && write(fd, set_text, strlen(set_text)) == (ssize_t)strlen(set_text));
  close(fd);
  assert_int_equal(bt_jwt_ring_new(&options, &ring, &error), BT_OK);
  fail_each(check_token);
  bt_jwt_ring_free(ring);
  unlink(file);
}

static void test_ring(void **state) {
  char file[] = "betrace-jwks-XXXXXX";
  int fd = mkstemp(file);
  bt_jwt_ring_options options = {
      .source = file, .refresh_ns = INT64_C(3600000000000), .keep_ns = INT64_C(3600000000000)};
  (void)state;
  assert_true(fd >= 0 && write(fd, set_text, strlen(set_text)) == (ssize_t)strlen(set_text));
  close(fd);
  for (size_t n = 0;; n++) {
    bt_error error = {0};
    assert_true(n < 1000);
    failing_alloc_after(n);
    bt_status status = bt_jwt_ring_new(&options, &ring, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(ring != NULL, !status);
    assert_int_equal(!status, !was_refused);
    bt_jwt_ring_free(ring);
    if (!was_refused) break;
  }
  unlink(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_roles),
                                     cmocka_unit_test(test_token), cmocka_unit_test(test_ring)};
  return cmocka_run_group_tests(tests, make_token, NULL);
}
