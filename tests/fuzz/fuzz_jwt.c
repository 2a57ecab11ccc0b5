/* JSON Web Tokens, key sets and files of roles from anywhere, a line each: no crash, and what was taken is what the
 * headers promise. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "server/http/jwt.h"
#include "server/http/jwt_roles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1700000000, SKEW_S = 60 };

static void require(bool holds) {
  if (!holds) abort();
}

/* Up to the line's end. */
static bt_str cut_line(bt_str *rest) {
  const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
  bt_str line = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
  *rest = end ? (bt_str){end + 1, rest->len - line.len - 1} : (bt_str){0};
  return line;
}

/* Each name says one thing, whoever reads the token again. */
static void check_taken(bt_str token, const bt_jwt *jwt) {
  size_t dots = 0;
  for (size_t i = 0; i < token.len; i++) dots += token.ptr[i] == '.';
  require(dots == 2 && token.len <= BT_JWT_MAX_BYTES);
  require(jwt->algorithm < BT_JWT_ALGORITHMS && json_is_object(jwt->header) && json_is_object(jwt->claims));
  require(token.ptr[jwt->signed_text.len] == '.' && jwt->signature.len * 8 <= token.len * 6);
  require(!json_object_get(jwt->header, "crit"));
  require(!jwt->kid.ptr == !json_object_get(jwt->header, "kid"));
}

static void check_claims(const json_t *claims) {
  static const bt_str audiences[] = {{"betrace", 7}};
  const bt_jwt_rules rules = {BT_STR("https://id.example"), audiences, 1, SKEW_S * INT64_C(1000000000)};
  bt_jwt_refusal refusal = bt_jwt_check_claims(claims, &rules, NOW_S * INT64_C(1000000000));
  require(!refusal.status == !refusal.detail);
  if (refusal.status) return;
  const json_t *ends = json_object_get(claims, "exp");
  require(json_is_number(ends) && json_number_value(ends) > NOW_S - SKEW_S);
  require(strcmp(json_string_value(json_object_get(claims, "iss")), "https://id.example") == 0);
  require(json_string_length(json_object_get(claims, "sub")) > 0);
}

static void check_roles(const bt_jwt_roles *roles, const json_t *claims) {
  bt_jwt_granted granted;
  char names[40];
  bt_jwt_roles_grant(roles, claims, &granted);
  require(granted.tenant_count <= BT_JWT_MAX_TENANTS && !(granted.every_tenant && granted.tenant_count));
  require(granted.role == BT_ROLE_VIEWER || granted.has_role);
  for (size_t i = 0; i < granted.tenant_count; i++) require(bt_tenant_is_valid(granted.tenants[i]));
  bt_jwt_roles_name_claims(roles, false, names, sizeof names);
  require(memchr(names, '\0', sizeof names) != NULL && names[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str rest = {(const char *)data, size};
  bt_str token = cut_line(&rest), set = cut_line(&rest);
  bt_error error = {0};
  bt_jwt jwt;
  bt_jwt_keys *keys;
  bt_jwt_roles *roles;
  bool has_keys = bt_jwt_keys_parse(set, &keys, &error) == BT_OK;
  require(has_keys ? bt_jwt_keys_count(keys) > 0 : !keys && error.message[0]);
  bool has_roles = bt_jwt_roles_parse(rest, "fuzz", &roles, &error) == BT_OK;
  require(has_roles ? roles != NULL : !roles && error.message[0]);
  bt_jwt_refusal refusal = bt_jwt_read(token, &jwt);
  if (!refusal.status) {
    check_taken(token, &jwt);
    check_claims(jwt.claims);
    if (has_roles) check_roles(roles, jwt.claims);
    struct evp_pkey_st *key = has_keys ? bt_jwt_keys_find(keys, jwt.algorithm, jwt.kid) : NULL;
    if (key) (void)bt_jwt_is_signed_by(&jwt, key);
  }
  bt_jwt_dispose(&jwt);
  bt_jwt_roles_free(roles);
  bt_jwt_keys_free(keys);
  return 0;
}
