/* The decisions. See access.h. */
#include "server/http/access.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/base/clock.h"
#include "server/http/tls.h"
#include "server/http/tokens.h"

enum { MAX_NAMED_TENANTS = 16, MAX_TENANTS_BYTES = 600, MAX_USER_BYTES = 256, ARENA_BYTES = 1 << 20 };

struct bt_access {
  atomic_uint references;
  bt_arena arena;
  bt_tokens *tokens; /* NULL: none in force */
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
  SSL_CTX_free(access->tls);
  bt_pages_free(access->pages);
  bt_arena_dispose(&access->arena);
  free(access);
}

bool bt_access_has_tokens(const bt_access *access) {
  return access->tokens != NULL;
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

static bool find_token(const bt_access *access, const bt_access_question *question, const bt_token **token,
                       bt_access_answer *out) {
  bt_str secret;
  if (!access->tokens) return true;
  if (!cut_bearer(question->authorization, &secret))
    return refuse(out, 401, "no-token", "Say who asks: Authorization: Bearer and a token that this service knows.");
  *token = bt_tokens_find(access->tokens, secret);
  if (*token && (*token)->expires_at_ns && bt_clock_wall_ns() >= (*token)->expires_at_ns)
    return refuse(out, 401, "expired-token", "The token \"%.*s\" has expired; ask for a new one.",
                  BT_FMT((*token)->name));
  if (*token) return true;
  return refuse(out, 401, "unknown-token", "This service does not know that token; it may have been withdrawn.");
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
  *out = (bt_access_answer){.tenant = BT_STR("")};
  if (question->needs == BT_ROLE_ANYONE) return;
  bool may = find_token(access, question, &token, out) && check_role(token, question->needs, out);
  may = may && (question->tenant.len ? take_named(token, question->tenant, out) : take_unnamed(token, out));
  out->is_editor = may && (!token || token->role <= BT_ROLE_EDITOR);
  if (may) take_user(token, question->grafana_user, out);
}
