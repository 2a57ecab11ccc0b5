/* Roles and tokens: the tokens file line by line, the decision for each kind of request, origins, and that no message
 * shows a token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/origin.h"
#include "server/base/sha256.h"
#include "server/http/access.h"
#include "server/http/tokens.h"

/* What `printf secret-1 | sha256sum` prints. */
#define HASH_1 "sha256:f7e7c36e458e80e6b6a2c67d0a9ec09bd718dadd7bfa8d6bf6e7ad526e46c2f7"
#define ZEROS  "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define ONES   "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static bt_str of(const char *text) {
  return bt_str_from(text);
}

static void test_lines(void **state) {
  static const struct {
    const char *text, *expected; /* NULL: fine */
  } cases[] = {
      {"a " ZEROS " viewer\n", NULL},
      {"a " ZEROS " editor", ":1: the last line has no end"},
      {"a " ZEROS " editor expires=2027-01-31\nb " ONES " viewer expires=2027-01-31T12:00:00+02:00\n", NULL},
      {"a " ZEROS " viewer expires=\n", ":1: expires= has"},
      {"a " ZEROS " viewer expires=tomorrow\n", ":1: expires= has"},
      {"a " ZEROS " viewer expires=2027-02-30\n", ":1: expires= has"},
      {"a " ZEROS " viewer expires=now+90d\n", ":1: expires= has"},
      {"a " ZEROS " viewer expires=2027-01-31 expires=2028-01-31\n", ":1: after the role may stand"},
      {"# who\n\n  a\t" ZEROS "  viewer tenants=x,y.z grafana-user\r\n", NULL},
      {"a " ZEROS " viewer tenants=*\nb " ONES " editor grafana-user\n", NULL},
      {"", "holds no token"},
      {"# nothing\n", "holds no token"},
      {"a/b " ZEROS " viewer", ":1: a line begins with"},
      {"\n\na", ":3: after the name comes sha256:"},
      {"a secret-token-itself viewer", ":1: after the name comes sha256:"},
      {"a sha256:00 viewer", ":1: after the name"},
      {"a sha256:000000000000000000000000000000000000000000000000000000000000000A viewer", ":1: after the name"},
      {"a " ZEROS, ":1: after the hash comes a role"},
      {"a " ZEROS " admin", ":1: after the hash comes a role"},
      {"a " ZEROS " viewer secret-token", ":1: after the role may stand"},
      {"a " ZEROS " viewer grafana-user grafana-user", ":1: after the role may stand"},
      {"a " ZEROS " viewer tenants=a tenants=b", ":1: after the role may stand"},
      {"a " ZEROS " viewer tenants=", ":1: tenants= has"},
      {"a " ZEROS " viewer tenants=a,", ":1: tenants= has"},
      {"a " ZEROS " viewer tenants=a|b", ":1: tenants= has"},
      {"a " ZEROS " viewer tenants=..", ":1: tenants= has"},
      {"a " ZEROS " viewer tenants=a,*", ":1: tenants= has"},
      {"a " ZEROS " viewer\na " ONES " viewer", ":2: another line has this name"},
      {"a " ZEROS " viewer\nb " ZEROS " viewer", ":2: another line has this token"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bt_tokens *tokens;
    bt_error error = {0};
    bt_status status = bt_tokens_parse(of(cases[i].text), "tokens", &tokens, &error);
    if (status != (cases[i].expected ? BT_INVALID : BT_OK)) print_error("%s: %s\n", cases[i].text, error.message);
    assert_int_equal(status, cases[i].expected ? BT_INVALID : BT_OK);
    if (cases[i].expected) assert_non_null(strstr(error.message, cases[i].expected));
    assert_null(strstr(error.message, "secret-token"));
    bt_tokens_free(tokens);
  }
}

/* A file that was cut anywhere while it was written is refused, or says of each token that it still has what the whole
 * one says. */
static void test_cut_files_widen_nothing(void **state) {
  static const char text[] =
      "# who\na " ZEROS " editor tenants=acme,globex expires=2027-01-31\nb " ONES " viewer tenants=a\n";
  bt_tokens *whole;
  bt_error error = {0};
  size_t taken = 0;
  (void)state;
  assert_int_equal(bt_tokens_parse(of(text), "tokens", &whole, &error), BT_OK);
  for (size_t length = 0; length < strlen(text); length++) {
    bt_tokens *cut;
    if (bt_tokens_parse((bt_str){text, length}, "tokens", &cut, &error)) continue;
    taken++;
    for (size_t i = 0; i < cut->count; i++) {
      const bt_token *a = &cut->items[i], *b = &whole->items[i];
      assert_true(a->role == b->role && a->expires_at_ns == b->expires_at_ns && a->tenant_count == b->tenant_count);
      for (size_t k = 0; k < a->tenant_count; k++) assert_true(bt_str_equal(a->tenants[k], b->tenants[k]));
    }
    bt_tokens_free(cut);
  }
  assert_int_equal(taken, 1); /* after the first token's line */
  bt_tokens_free(whole);
}

static void test_made_tokens_differ_and_are_found(void **state) {
  char first[BT_TOKEN_TEXT_BYTES], second[BT_TOKEN_TEXT_BYTES], hex[BT_SHA256_HEX + 1];
  bt_buffer text = {0};
  bt_tokens *tokens;
  bt_error error = {0};
  bt_sha256 hash;
  (void)state;
  assert_int_equal(bt_token_make(first, &error), BT_OK);
  assert_int_equal(bt_token_make(second, &error), BT_OK);
  assert_string_not_equal(first, second);
  assert_int_equal(strlen(first), BT_TOKEN_TEXT_BYTES - 1);
  assert_int_equal(strspn(first + 8, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
  assert_int_equal(bt_token_hash(of("secret-1"), &hash, &error), BT_OK);
  bt_sha256_format(&hash, hex);
  assert_string_equal(hex, &HASH_1[strlen("sha256:")]);
  assert_int_equal(bt_token_hash(of(first), &hash, &error), BT_OK);
  bt_sha256_format(&hash, hex);
  bt_buffer_printf(&text, "other %s viewer\nmade sha256:%s editor\n", HASH_1, hex);
  assert_int_equal(bt_tokens_parse(bt_buffer_str(&text), "tokens", &tokens, &error), BT_OK);
  const bt_token *found = bt_tokens_find(tokens, of(first));
  assert_true(found && bt_str_equal(found->name, of("made")));
  assert_true(bt_tokens_find(tokens, of("secret-1")) == &tokens->items[0]);
  assert_null(bt_tokens_find(tokens, of(second)));
  assert_null(bt_tokens_find(tokens, of("")));
  bt_tokens_free(tokens);
  bt_buffer_dispose(&text);
}

/* ---- decisions ---- */

static bt_access *open_access(void) {
  static const struct {
    const char *name, *secret, *rest;
  } rows[] = {{"plain", "secret-plain", "viewer"},
              {"one", "secret-one", "viewer tenants=acme"},
              {"two", "secret-two", "editor tenants=acme,globex"},
              {"all", "secret-all", "editor tenants=* grafana-user"}};
  static const char *const origins[] = {"https://grafana.example", NULL};
  char file[] = "betrace-tokens-XXXXXX", hex[BT_SHA256_HEX + 1];
  int fd = mkstemp(file);
  assert_true(fd >= 0);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_sha256 hash;
    assert_int_equal(bt_token_hash(of(rows[i].secret), &hash, NULL), BT_OK);
    bt_sha256_format(&hash, hex);
    assert_true(dprintf(fd, "%s sha256:%s %s\n", rows[i].name, hex, rows[i].rest) > 0);
  }
  close(fd);
  bt_access *access = NULL;
  bt_error error = {0};
  bt_access_options options = {.tokens_file = file, .cors_origins = origins};
  assert_int_equal(bt_access_new(&options, &access, &error), BT_OK);
  unlink(file);
  return access;
}

typedef struct access_case {
  const char *authorization, *tenant, *user;
  bt_role needs;
  int status;
  const char *kind, *as_tenant, *as_user; /* of a refusal; of a permission */
  bool every_tenant;
} access_case;

static void check_case(const bt_access *access, const access_case *c) {
  bt_access_question question = {c->needs, of(c->authorization), of(c->tenant), of(c->user)};
  bt_access_answer answer;
  bt_access_check(access, &question, &answer);
  if (answer.status != c->status)
    print_error("%s | %s: %d %s\n", c->authorization, c->tenant, answer.status, answer.detail);
  assert_int_equal(answer.status, c->status);
  assert_null(strstr(answer.detail, "secret-"));
  if (c->status) {
    assert_string_equal(answer.kind, c->kind);
    assert_true(answer.detail[0]);
    return;
  }
  assert_true(bt_str_equal(answer.tenant, of(c->as_tenant)));
  assert_true(bt_str_equal(answer.user, of(c->as_user)));
  assert_int_equal(answer.every_tenant, c->every_tenant);
}

static void test_with_tokens(void **state) {
  static const access_case cases[] = {
      {"", "", "", BT_ROLE_ANYONE, 0, NULL, "", "", false},
      {"", "", "", BT_ROLE_VIEWER, 401, "no-token", NULL, NULL, false},
      {"Basic c2VjcmV0", "", "", BT_ROLE_VIEWER, 401, "no-token", NULL, NULL, false},
      {"Bearer ", "", "", BT_ROLE_VIEWER, 401, "no-token", NULL, NULL, false},
      {"Bearer secret-wrong", "", "", BT_ROLE_VIEWER, 401, "unknown-token", NULL, NULL, false},
      {"Bearer secret-plai", "", "", BT_ROLE_VIEWER, 401, "unknown-token", NULL, NULL, false},
      {"Bearer secret-plain", "", "", BT_ROLE_VIEWER, 0, NULL, "", "plain", false},
      {"bearer   secret-plain  ", "", "", BT_ROLE_VIEWER, 0, NULL, "", "plain", false},
      {"Bearer secret-plain", "", "", BT_ROLE_EDITOR, 403, "role", NULL, NULL, false},
      {"Bearer secret-plain", "acme", "", BT_ROLE_VIEWER, 403, "tenant", NULL, NULL, false},
      {"Bearer secret-plain", "", "mallory", BT_ROLE_VIEWER, 0, NULL, "", "plain", false}, /* not marked */
      {"Bearer secret-one", "", "", BT_ROLE_VIEWER, 0, NULL, "acme", "one", false},
      {"Bearer secret-one", "acme", "", BT_ROLE_VIEWER, 0, NULL, "acme", "one", false},
      {"Bearer secret-one", "acme|globex", "", BT_ROLE_VIEWER, 403, "tenant", NULL, NULL, false},
      {"Bearer secret-two", "", "", BT_ROLE_VIEWER, 400, "no-tenant", NULL, NULL, false},
      {"Bearer secret-two", "globex|acme|globex", "", BT_ROLE_EDITOR, 0, NULL, "acme|globex", "two", false},
      {"Bearer secret-two", "globex|", "", BT_ROLE_EDITOR, 400, "invalid-tenant", NULL, NULL, false},
      {"Bearer secret-two", "../x", "", BT_ROLE_EDITOR, 400, "invalid-tenant", NULL, NULL, false},
      {"Bearer secret-all", "", "", BT_ROLE_EDITOR, 0, NULL, "", "all", true},
      {"Bearer secret-all", "any", "ana@example", BT_ROLE_EDITOR, 0, NULL, "any", "ana@example", false},
      {"Bearer secret-all", "any", "a\nb", BT_ROLE_EDITOR, 400, "invalid-user", NULL, NULL, false},
      {"Bearer secret-all", "any", "\xff", BT_ROLE_EDITOR, 400, "invalid-user", NULL, NULL, false},
  };
  bt_access *access = open_access();
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_case(access, &cases[i]);
  bt_access_release(access);
}

static void test_without_tokens(void **state) {
  static const access_case cases[] = {
      {"", "", "", BT_ROLE_EDITOR, 0, NULL, "", "", true},
      {"Bearer whatever", "", "mallory", BT_ROLE_EDITOR, 0, NULL, "", "", true},
      {"", "b|a", "", BT_ROLE_EDITOR, 0, NULL, "a|b", "", false},
      {"", "a b", "", BT_ROLE_EDITOR, 400, "invalid-tenant", NULL, NULL, false},
      {"", "a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a", "", BT_ROLE_EDITOR, 400, "invalid-tenant", NULL, NULL, false},
  };
  bt_access *access = NULL;
  (void)state;
  assert_int_equal(bt_access_new(&(bt_access_options){0}, &access, NULL), BT_OK);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_case(access, &cases[i]);
  bt_access_release(access);
}

static void test_origins(void **state) {
  bt_access *access = open_access();
  (void)state;
  assert_true(bt_access_allows_origin(access, of("https://grafana.example")));
  assert_false(bt_access_allows_origin(access, of("https://grafana.example.evil")));
  assert_false(bt_access_allows_origin(access, of("http://grafana.example")));
  assert_false(bt_access_allows_origin(access, of("null")));
  assert_false(bt_access_allows_origin(access, of("")));
  bt_access_release(access);
  assert_true(bt_origin_is_valid(of("http://localhost:3000")) && bt_origin_is_valid(of("https://[::1]:3000")));
  assert_false(bt_origin_is_valid(of("*")) || bt_origin_is_valid(of("null")) || bt_origin_is_valid(of("https://")));
  assert_false(bt_origin_is_valid(of("https://a/")) || bt_origin_is_valid(of("https://A.example")));
}

static void test_files_that_cannot_be_used(void **state) {
  static const bt_access_options cases[] = {{.tokens_file = "/nonexistent/tokens"},
                                            {.tls_cert = "/nonexistent/cert.pem", .tls_key = "/nonexistent/key.pem"},
                                            {.tokens_file = "/"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bt_access *access;
    bt_error error = {0};
    assert_int_not_equal(bt_access_new(&cases[i], &access, &error), BT_OK);
    assert_true(error.message[0] && !access);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lines),
      cmocka_unit_test(test_cut_files_widen_nothing),
      cmocka_unit_test(test_made_tokens_differ_and_are_found),
      cmocka_unit_test(test_with_tokens),
      cmocka_unit_test(test_without_tokens),
      cmocka_unit_test(test_origins),
      cmocka_unit_test(test_files_that_cannot_be_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
