/* The decisions. See access.h. */
#include "server/http/access.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/base/clock.h"
#include "server/http/jwt.h"
#include "server/http/jwt_roles.h"
#include "server/http/tls.h"
#include "server/http/tokens.h"

enum { MAX_NAMED_TENANTS = 16, MAX_TENANTS_BYTES = 600, MAX_USER_BYTES = 256, ARENA_BYTES = 1 << 20 };

struct bt_access {
  atomic_uint references;
  bt_arena arena;
  bt_tokens *tokens;     /* NULL: none in force */
  bt_jwt_ring *jwt_ring; /* borrowed; NULL: no JWTs */
  bt_jwt_rules jwt_rules;
  bt_jwt_roles *jwt_roles;
  const char **hosts, **cors_origins;
  SSL_CTX *tls;
  bt_pages *pages; /* NULL: none */
};

/* ---- the value ---- */

static const char **copy_names(bt_arena *arena, const char *const *names) {
  size_t count = 0;
  while (names && names[count]) count++;
  const char **copies = bt_arena_array(arena, count + 1, sizeof *copies);
  for (size_t i = 0; copies && i < count; i++) {
    bt_str copy;
    if (!bt_arena_copy(arena, bt_str_from(names[i]), &copy)) return NULL;
    copies[i] = copy.ptr;
  }
  return copies;
}

static bt_status copy_audiences(bt_access *access, const char *list, bt_error *error) {
  bt_str *audiences = bt_arena_array(&access->arena, BT_JWT_MAX_AUDIENCES, sizeof *audiences);
  bt_jwt_rules *rules = &access->jwt_rules;
  if (!audiences) return bt_error_no_memory(error);
  rules->audiences = audiences;
  for (size_t length; *list; list += length + (list[length] == ',')) {
    length = strcspn(list, ",");
    bool is_last = !list[length], fits = length && rules->audience_count < BT_JWT_MAX_AUDIENCES;
    if (!fits || (!is_last && !list[length + 1])) break;
    if (!bt_arena_copy(&access->arena, (bt_str){list, length}, &audiences[rules->audience_count++]))
      return bt_error_no_memory(error);
    if (is_last) return BT_OK;
  }
  return bt_error_set(error, BT_INVALID, "--jwt-audience has to be 1 to 16 audiences with commas between them");
}

static bt_status take_jwt(bt_access *access, const bt_access_options *options, bt_error *error) {
  bt_status status = copy_audiences(access, options->jwt_audience, error);
  if (!status && !bt_arena_copy(&access->arena, bt_str_from(options->jwt_issuer), &access->jwt_rules.issuer))
    status = bt_error_no_memory(error);
  if (!status) status = bt_jwt_roles_read(options->jwt_roles_file, &access->jwt_roles, error);
  access->jwt_rules.skew_ns = options->jwt_skew_ns;
  access->jwt_ring = options->jwt_ring;
  return status;
}

bt_status bt_access_new(const bt_access_options *options, bt_access **out, bt_error *error) {
  *out = NULL;
  bt_access *access = calloc(1, sizeof *access);
  if (!access) return bt_error_no_memory(error);
  atomic_init(&access->references, 1);
  bt_arena_init(&access->arena, ARENA_BYTES);
  access->hosts = copy_names(&access->arena, options->hosts);
  access->cors_origins = copy_names(&access->arena, options->cors_origins);
  bt_status status = access->hosts && access->cors_origins ? BT_OK : bt_error_no_memory(error);
  if (!status && options->tokens_file) status = bt_tokens_read(options->tokens_file, &access->tokens, error);
  if (!status && options->jwt_ring) status = take_jwt(access, options, error);
  if (!status && options->tls_cert) status = bt_tls_new(options->tls_cert, options->tls_key, &access->tls, error);
  if (!status && options->ui) status = bt_pages_read(options->ui, &access->pages, error);
  if (status)
    bt_access_release(access);
  else
    *out = access;
  return status;
}

bt_access *bt_access_acquire(bt_access *access) {
  atomic_fetch_add(&access->references, 1);
  return access;
}

void bt_access_release(bt_access *access) {
  if (!access || atomic_fetch_sub(&access->references, 1) > 1) return;
  bt_tokens_free(access->tokens);
  bt_jwt_roles_free(access->jwt_roles);
  SSL_CTX_free(access->tls);
  bt_pages_free(access->pages);
  bt_arena_dispose(&access->arena);
  free(access);
}

bool bt_access_has_tokens(const bt_access *access) {
  return access->tokens || access->jwt_ring;
}

const char *const *bt_access_hosts(const bt_access *access) {
  return access->hosts;
}

const bt_pages *bt_access_pages(const bt_access *access) {
  return access->pages;
}

SSL_CTX *bt_access_tls(const bt_access *access) {
  return access->tls;
}

bool bt_access_allows_origin(const bt_access *access, bt_str origin) {
  for (const char **allowed = access->cors_origins; *allowed; allowed++)
    if (bt_str_equal(origin, bt_str_from(*allowed))) return true;
  return false;
}

/* ---- one request ---- */

__attribute__((format(printf, 4, 5))) static bool refuse(bt_access_answer *out, int status, const char *kind,
                                                         const char *format, ...) {
  va_list list;
  va_start(list, format);
  out->status = status;
  out->kind = kind;
  vsnprintf(out->detail, sizeof out->detail, format, list);
  va_end(list);
  return false;
}

/* What follows "Bearer ", without blanks around it. */
static bool cut_bearer(bt_str header, bt_str *out) {
  static const bt_str scheme = {"bearer ", 7};
  if (header.len <= scheme.len || !bt_str_equal_nocase((bt_str){header.ptr, scheme.len}, scheme)) return false;
  *out = (bt_str){header.ptr + scheme.len, header.len - scheme.len};
  while (out->len && out->ptr[0] == ' ') out->ptr++, out->len--;
  while (out->len && out->ptr[out->len - 1] == ' ') out->len--;
  return out->len > 0;
}

/* Who a JWT stands for, as a token of the file would. */
typedef struct jwt_identity {
  bt_token token;
  bt_jwt_granted granted;
} jwt_identity;

/* Which claim was looked at: whoever keeps the file of roles has to know, and the claims are the asker's own. */
static bool refuse_unmapped(const bt_access *access, bool is_of_tenants, bt_access_answer *out) {
  char claims[120];
  bt_jwt_roles_name_claims(access->jwt_roles, is_of_tenants, claims, sizeof claims);
  return refuse(out, 403, is_of_tenants ? "tenant" : "role",
                "That JWT is good, but nothing in its claims gives %s here; looked at: %s. Ask for a row in the "
                "service's --jwt-roles.",
                is_of_tenants ? "a tenant" : "a role", claims);
}

static bool take_grant(const bt_access *access, const json_t *claims, jwt_identity *identity, bt_access_answer *out) {
  bt_jwt_granted *granted = &identity->granted;
  int length = snprintf(out->who, sizeof out->who, "jwt:%s", json_string_value(json_object_get(claims, "sub")));
  bt_jwt_roles_grant(access->jwt_roles, claims, granted);
  if (!granted->has_role) return refuse_unmapped(access, false, out);
  if (!granted->has_tenants) return refuse_unmapped(access, true, out);
  identity->token = (bt_token){.name = {out->who, (size_t)length},
                               .role = granted->role,
                               .every_tenant = granted->every_tenant,
                               .tenants = granted->tenants,
                               .tenant_count = granted->tenant_count};
  return true;
}

static bool find_jwt(const bt_access *access, bt_str secret, int64_t now_ns, jwt_identity *identity,
                     bt_access_answer *out) {
  json_t *claims;
  bt_jwt_refusal refusal = bt_jwt_check(access->jwt_ring, &access->jwt_rules, secret, now_ns, &claims);
  if (refusal.status) return refuse(out, refusal.status, refusal.kind, "%s", refusal.detail);
  bool may = take_grant(access, claims, identity, out);
  json_decref(claims);
  return may;
}

/* Tokens of the file go first: whatever is in it is no JWT to us. */
static bool find_token(const bt_access *access, const bt_access_question *question, const bt_token **token,
                       jwt_identity *identity, bt_access_answer *out) {
  bt_str secret;
  int64_t now_ns = bt_clock_never_back_ns();
  if (!bt_access_has_tokens(access)) return true;
  if (!cut_bearer(question->authorization, &secret))
    return refuse(out, 401, "no-token", "Say who asks: Authorization: Bearer and a token that this service knows.");
  *token = access->tokens ? bt_tokens_find(access->tokens, secret) : NULL;
  if (*token && (*token)->expires_at_ns && now_ns >= (*token)->expires_at_ns)
    return refuse(out, 401, "expired-token", "The token \"%.*s\" has expired; ask for a new one.",
                  BT_FMT((*token)->name));
  if (*token) return true;
  if (!access->jwt_ring || !bt_jwt_is_meant(secret))
    return refuse(out, 401, "unknown-token", "This service does not know that token; it may have been withdrawn.");
  if (!find_jwt(access, secret, now_ns, identity, out)) return false;
  *token = &identity->token;
  return true;
}

static bool check_role(const bt_token *token, bt_role needs, bt_access_answer *out) {
  if (!token || token->role <= needs) return true;
  return refuse(out, 403, "role", "This needs a token with the role editor; \"%.*s\" is a viewer.",
                BT_FMT(token->name));
}

/* ---- tenants ---- */

static int by_name(const void *a, const void *b) {
  return bt_str_compare(*(const bt_str *)a, *(const bt_str *)b);
}

/* "b|a|b" → {"a", "b"}; 0: not a list of tenants. */
static size_t split_tenants(bt_str header, bt_str names[MAX_NAMED_TENANTS]) {
  size_t count = 0, kept = 0;
  for (size_t start = 0, i = 0; i <= header.len; i++) {
    if (i < header.len && header.ptr[i] != '|') continue;
    bt_str name = {header.ptr + start, i - start};
    if (count == MAX_NAMED_TENANTS || !bt_tenant_is_valid(name)) return 0;
    names[count++] = name;
    start = i + 1;
  }
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++)
    if (!kept || !bt_str_equal(names[i], names[kept - 1])) names[kept++] = names[i];
  return kept;
}

/* Every name has to be one of the token's. */
static bool take_named(const bt_token *token, bt_str header, bt_access_answer *out) {
  bt_str names[MAX_NAMED_TENANTS];
  size_t count = header.len <= MAX_TENANTS_BYTES ? split_tenants(header, names) : 0, length = 0;
  if (!count)
    return refuse(out, 400, "invalid-tenant",
                  "X-Scope-OrgID has to be a tenant's name, or up to 16 with | between them: letters, digits and "
                  "!-_.*'(), 150 each and 600 together.");
  for (size_t i = 0; i < count; i++) {
    if (token && !bt_token_may_use(token, names[i]))
      return refuse(out, 403, "tenant", "The token \"%.*s\" may not use the tenant \"%.*s\".", BT_FMT(token->name),
                    BT_FMT(names[i]));
    if (i) out->text[length++] = '|';
    memcpy(out->text + length, names[i].ptr, names[i].len);
    length += names[i].len;
  }
  out->tenant = (bt_str){out->text, length};
  return true;
}

/* No header: the token's only tenant, or the service without tenants. */
static bool take_unnamed(const bt_token *token, bt_access_answer *out) {
  if (token && token->tenant_count == 1) return out->tenant = token->tenants[0], true;
  if (!token || bt_token_may_use(token, BT_STR(""))) {
    out->every_tenant = !token || token->every_tenant;
    return true;
  }
  return refuse(out, 400, "no-tenant", "The token \"%.*s\" is for %zu tenants; say which with X-Scope-OrgID.",
                BT_FMT(token->name), token->tenant_count);
}

static bool take_user(const bt_token *token, bt_str grafana_user, bt_access_answer *out) {
  if (token) out->user = out->client = token->name;
  if (!token || !token->sends_user || !grafana_user.len) return true;
  bool is_text = grafana_user.len <= MAX_USER_BYTES && bt_utf8_valid(grafana_user);
  for (size_t i = 0; i < grafana_user.len && is_text; i++)
    is_text = (unsigned char)grafana_user.ptr[i] >= 0x20 && grafana_user.ptr[i] != 0x7F;
  if (!is_text) return refuse(out, 400, "invalid-user", "X-Grafana-User has to be a name of up to 256 bytes of UTF-8.");
  return out->user = grafana_user, true;
}

void bt_access_check(const bt_access *access, const bt_access_question *question, bt_access_answer *out) {
  const bt_token *token = NULL;
  jwt_identity identity; /* is set where the token is it */
  *out = (bt_access_answer){.tenant = BT_STR("")};
  if (question->needs == BT_ROLE_ANYONE) return;
  bool may = find_token(access, question, &token, &identity, out) && check_role(token, question->needs, out);
  may = may && (question->tenant.len ? take_named(token, question->tenant, out) : take_unnamed(token, out));
  out->is_editor = may && (!token || token->role <= BT_ROLE_EDITOR);
  if (may) take_user(token, question->grafana_user, out);
}
