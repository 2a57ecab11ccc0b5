/* Checking JSON Web Tokens. See jwt.h. */
#include "server/http/jwt.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "server/json/json_members.h"
#include "server/json/json_memory.h"

static const bt_jwt_refusal no_refusal = {0};
static const int64_t SECOND_NS = 1000000000, LAST_SECOND = INT64_C(253402300799), /* of the year 9999 */
    LONG_AFTER = INT64_C(9000000000);                                             /* what nanoseconds can say */
enum { P256_SIGNATURE_BYTES = 64, ED25519_SIGNATURE_BYTES = 64 };

static bt_jwt_refusal refuse_token(const char *detail) {
  return (bt_jwt_refusal){401, "invalid-jwt", detail};
}

static bt_jwt_refusal refuse_for_memory(void) {
  return (bt_jwt_refusal){503, "no-memory", "There is not enough memory to check this JWT; try again later."};
}

/* ---- taking it apart ---- */

bool bt_jwt_is_meant(bt_str token) {
  size_t dots = 0;
  for (size_t i = 0; i < token.len; i++) dots += token.ptr[i] == '.';
  return dots >= 2;
}

/* "a.b.c" alone. */
static bool split_parts(bt_str token, bt_str parts[3]) {
  size_t count = 0, start = 0;
  for (size_t i = 0; i <= token.len; i++) {
    if (i < token.len && token.ptr[i] != '.') continue;
    if (count == 3 || i == start) return false;
    parts[count++] = (bt_str){token.ptr + start, i - start};
    start = i + 1;
  }
  return count == 3;
}

/* NULL: not base64url of a JSON object in which each name stands once. */
static json_t *read_object(bt_str part) {
  bt_buffer text = {0};
  json_t *object = NULL;
  if (bt_base64url_decode(part, &text)) object = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
  if (text.failed) bt_json_memory_lacks();
  bt_buffer_dispose(&text);
  if (json_is_object(object)) return object;
  json_decref(object);
  return NULL;
}

static bool read_algorithm(const json_t *header, bt_jwt_algorithm *out) {
  bt_str name = bt_json_str_at(header, "alg");
  for (size_t i = 0; i < BT_JWT_ALGORITHMS; i++) {
    *out = (bt_jwt_algorithm)i;
    if (bt_str_equal(name, bt_str_from(bt_jwt_algorithm_names[i]))) return true;
  }
  return false;
}

/* Not one of another use, signed by the same keys: logout tokens, proofs of possession, security events. */
static bool is_access_type(const json_t *header) {
  bt_str type = bt_json_str_at(header, "typ");
  if (!json_object_get(header, "typ")) return true;
  return bt_str_equal_nocase(type, BT_STR("JWT")) || bt_str_equal_nocase(type, BT_STR("at+jwt")) ||
         bt_str_equal_nocase(type, BT_STR("application/at+jwt"));
}

static bt_jwt_refusal check_header(bt_jwt *jwt) {
  const json_t *kid = json_object_get(jwt->header, "kid");
  if (!read_algorithm(jwt->header, &jwt->algorithm))
    return refuse_token("That JWT's alg has to be RS256, ES256 or EdDSA, written so.");
  if (json_object_get(jwt->header, "crit"))
    return refuse_token("That JWT's header has crit: it asks for an extension, and this service has none.");
  if (json_object_get(jwt->header, "b64") || json_object_get(jwt->header, "zip") ||
      json_object_get(jwt->header, "enc") || json_object_get(jwt->header, "cty"))
    return refuse_token("That JWT's header has b64, zip, enc or cty: expected claims as they are, in base64url.");
  if (!is_access_type(jwt->header)) return refuse_token("That JWT's typ has to be JWT or at+jwt, where it has one.");
  jwt->kid = bt_json_str_at(jwt->header, "kid");
  if (kid && (!jwt->kid.ptr || jwt->kid.len > BT_JWT_KID_MAX_BYTES))
    return refuse_token("That JWT's kid has to be a text of up to 256 bytes.");
  return no_refusal;
}

bt_jwt_refusal bt_jwt_read(bt_str token, bt_jwt *out) {
  bt_str parts[3];
  *out = (bt_jwt){0};
  if (token.len > BT_JWT_MAX_BYTES) return refuse_token("That JWT is larger than 16 KiB.");
  if (!split_parts(token, parts))
    return refuse_token(
        "A JWT has to be three parts in base64url with dots between them: header, claims and signature.");
  out->signed_text = (bt_str){token.ptr, (size_t)(parts[2].ptr - token.ptr) - 1};
  out->header = read_object(parts[0]);
  out->claims = read_object(parts[1]);
  bool is_signature = bt_base64url_decode(parts[2], &out->signature);
  if (bt_json_memory_failed() || out->signature.failed) return refuse_for_memory();
  if (!out->header || !out->claims)
    return refuse_token(
        "A JWT's header and claims have to be JSON objects in base64url without padding, with no name twice.");
  if (!is_signature) return refuse_token("That JWT's signature is not base64url without padding.");
  return check_header(out);
}

void bt_jwt_dispose(bt_jwt *jwt) {
  json_decref(jwt->header);
  json_decref(jwt->claims);
  bt_buffer_dispose(&jwt->signature);
  *jwt = (bt_jwt){0};
}

/* ---- the signature ---- */

/* Two numbers of 32 bytes → the form that libcrypto reads; to be freed with OPENSSL_free. 0: it is none. */
static size_t to_der(const bt_buffer *signature, unsigned char **out) {
  const unsigned char *bytes = (const unsigned char *)signature->ptr;
  *out = NULL;
  if (signature->len != P256_SIGNATURE_BYTES) return 0;
  ECDSA_SIG *pair = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(bytes, 32, NULL), *s = BN_bin2bn(bytes + 32, 32, NULL);
  int length = -1;
  if (pair && r && s && !BN_is_zero(r) && !BN_is_zero(s) && ECDSA_SIG_set0(pair, r, s) == 1) {
    r = s = NULL; /* they are the pair's */
    length = i2d_ECDSA_SIG(pair, out);
  }
  BN_free(r);
  BN_free(s);
  ECDSA_SIG_free(pair);
  return length > 0 ? (size_t)length : 0;
}

static bool signature_holds(EVP_PKEY *key, const EVP_MD *digest, const unsigned char *signature, size_t length,
                            bt_str text) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool is_right = context && EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
                  EVP_DigestVerify(context, signature, length, (const unsigned char *)text.ptr, text.len) == 1;
  EVP_MD_CTX_free(context);
  return is_right;
}

bool bt_jwt_is_signed_by(const bt_jwt *jwt, EVP_PKEY *key) {
  const unsigned char *bytes = (const unsigned char *)jwt->signature.ptr;
  size_t length = jwt->signature.len;
  unsigned char *der = NULL;
  bool is_right = false;
  if (jwt->algorithm == BT_JWT_RS256)
    is_right =
        length == (size_t)EVP_PKEY_get_size(key) && signature_holds(key, EVP_sha256(), bytes, length, jwt->signed_text);
  else if (jwt->algorithm == BT_JWT_EDDSA)
    is_right = length == ED25519_SIGNATURE_BYTES && signature_holds(key, NULL, bytes, length, jwt->signed_text);
  else if ((length = to_der(&jwt->signature, &der)) > 0)
    is_right = signature_holds(key, EVP_sha256(), der, length, jwt->signed_text);
  OPENSSL_free(der);
  ERR_clear_error(); /* TLS of this thread would take what failed here for its own */
  return is_right;
}

/* ---- claims ---- */

/* A number of seconds since 1970, maybe with a fraction (RFC 7519, NumericDate). False: none that can be. */
static bool read_time(const json_t *claims, const char *name, int64_t *out_ns) {
  const json_t *value = json_object_get(claims, name);
  double real = json_real_value(value);
  int64_t seconds = json_integer_value(value);
  if (json_is_real(value)) {
    if (!(real >= 0 && real <= (double)LAST_SECOND)) return false;
    seconds = (int64_t)real;
  }
  if (!json_is_number(value) || seconds < 0 || seconds > LAST_SECOND) return false;
  *out_ns = (seconds < LONG_AFTER ? seconds : LONG_AFTER) * SECOND_NS;
  return true;
}

static bool is_ours(const bt_jwt_rules *rules, bt_str audience) {
  for (size_t i = 0; i < rules->audience_count; i++)
    if (bt_str_equal(rules->audiences[i], audience)) return true;
  return false;
}

/* A text, or a list of nothing else. */
static bool is_for_us(const json_t *claims, const bt_jwt_rules *rules) {
  const json_t *audience = json_object_get(claims, "aud");
  bool is_found = false;
  if (json_is_string(audience)) return is_ours(rules, bt_json_str_at(claims, "aud"));
  for (size_t i = 0; i < json_array_size(audience); i++) {
    const json_t *one = json_array_get(audience, i);
    if (!json_is_string(one)) return false;
    is_found = is_found || is_ours(rules, (bt_str){json_string_value(one), json_string_length(one)});
  }
  return is_found;
}

static bool is_name(bt_str subject) {
  if (!subject.len || subject.len > BT_JWT_SUBJECT_MAX_BYTES) return false;
  for (bt_str rest = subject; rest.len;) {
    uint32_t character;
    size_t length = bt_utf8_sequence(rest, &character);
    if (!length || bt_is_obeyed(character)) return false;
    rest = (bt_str){rest.ptr + length, rest.len - length};
  }
  return true;
}

static bt_jwt_refusal check_times(const json_t *claims, const bt_jwt_rules *rules, int64_t now_ns) {
  int64_t ends_ns, begins_ns, issued_ns;
  if (!read_time(claims, "exp", &ends_ns))
    return refuse_token(
        "That JWT has no exp, or one that is no number of seconds since 1970: one that never ends is not taken.");
  if (ends_ns <= now_ns - rules->skew_ns)
    return (bt_jwt_refusal){401, "expired-token",
                            "That JWT has expired (exp); ask the identity provider for a new one."};
  if (json_object_get(claims, "nbf") && (!read_time(claims, "nbf", &begins_ns) || begins_ns > now_ns + rules->skew_ns))
    return refuse_token(
        "That JWT is not valid yet (nbf): compare the clocks of this service and the identity provider.");
  if (json_object_get(claims, "iat") && (!read_time(claims, "iat", &issued_ns) || issued_ns > now_ns + rules->skew_ns))
    return refuse_token("That JWT was issued in the future (iat): compare the clocks of this service and the identity "
                        "provider.");
  return no_refusal;
}

bt_jwt_refusal bt_jwt_check_claims(const json_t *claims, const bt_jwt_rules *rules, int64_t now_ns) {
  if (!bt_str_equal(bt_json_str_at(claims, "iss"), rules->issuer))
    return refuse_token(
        "That JWT's iss is not the issuer that this service takes tokens of (--jwt-issuer), letter by letter.");
  if (!is_for_us(claims, rules))
    return refuse_token(
        "That JWT is for somebody else: its aud has to have an audience of this service (--jwt-audience).");
  if (!is_name(bt_json_str_at(claims, "sub")))
    return refuse_token("That JWT's sub has to be a text of 1 to 200 bytes that can be shown: it says who asks.");
  return check_times(claims, rules, now_ns);
}

/* ---- all of it ---- */

static bt_jwt_refusal check_signature(bt_jwt_ring *ring, const bt_jwt *jwt) {
  EVP_PKEY *key;
  bt_jwt_found found = bt_jwt_ring_find(ring, jwt->algorithm, jwt->kid, &key);
  if (found == BT_JWT_NO_KEYS)
    return (bt_jwt_refusal){
        503, "no-keys",
        "This service has no keys of the identity provider, or they are too old to be trusted, so it "
        "can check no JWT; its log says why (--jwt-jwks, --jwt-keep)."};
  if (found == BT_JWT_KEY_SOON)
    return (bt_jwt_refusal){503, "no-keys",
                            "The key of that JWT is not known, and the identity provider is being asked for its keys "
                            "again; ask again in a second."};
  if (found == BT_JWT_NO_KEY)
    return refuse_token("The identity provider has no key with that JWT's kid for its alg; get a new token from it.");
  bool is_right = bt_jwt_is_signed_by(jwt, key);
  EVP_PKEY_free(key);
  return is_right ? no_refusal : refuse_token("That JWT's signature does not hold.");
}

bt_jwt_refusal bt_jwt_check(bt_jwt_ring *ring, const bt_jwt_rules *rules, bt_str token, int64_t now_ns,
                            json_t **claims) {
  bt_jwt jwt;
  *claims = NULL;
  bool had_failed = bt_json_memory_failed(); /* before, in what the caller builds */
  bt_json_memory_begin();
  bt_jwt_refusal refusal = bt_jwt_read(token, &jwt);
  if (!refusal.status) refusal = check_signature(ring, &jwt);
  if (!refusal.status) refusal = bt_jwt_check_claims(jwt.claims, rules, now_ns);
  if (!refusal.status) *claims = json_incref(jwt.claims);
  bt_jwt_dispose(&jwt);
  if (had_failed) bt_json_memory_lacks();
  return refusal;
}
