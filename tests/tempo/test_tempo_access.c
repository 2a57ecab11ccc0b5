/* Who we are to Tempo: the header for each kind of credentials, what is refused and how little the refusals show, and
 * that every request carries header, tenant and path prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tempo/api/tempo_access.h"
#include "tempo/wire/secret_header.h"
#include "tempo/wire/tempo_answer.h"
#include "tests/support/fake_http.h"

static const int64_t second_ns = 1000000000;

static void check_header(const bt_tempo_options *options, const char *expected) {
  char *header = NULL;
  bt_error error = {0};
  assert_int_equal(bt_tempo_authorization(options, &header, &error), BT_OK);
  if (expected)
    assert_string_equal(header, expected);
  else
    assert_null(header);
  bt_header_free(header);
}

static void writes_headers(void **state) {
  (void)state;
  check_header(&(bt_tempo_options){0}, NULL);
  check_header(&(bt_tempo_options){.token = "abc.DEF-1=="}, "Authorization: Bearer abc.DEF-1==");
  /* RFC 7617's own example, and each length of the last group of base64. */
  check_header(&(bt_tempo_options){.user = "Aladdin", .password = "open sesame"},
               "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  check_header(&(bt_tempo_options){.user = "a", .password = ""}, "Authorization: Basic YTo=");
  check_header(&(bt_tempo_options){.user = "a", .password = "b"}, "Authorization: Basic YTpi");
  check_header(&(bt_tempo_options){.user = "a", .password = ":\xC3\xA4"}, "Authorization: Basic YTo6w6Q=");
}

static void refuses_what_cannot_be_sent(void **state) {
  (void)state;
  static const bt_tempo_options wrong[] = {
      {.user = "u"},
      {.password = "sesame"},
      {.user = "", .password = "sesame"},
      {.user = "u", .password = "sesame", .token = "sesame"},
      {.password = "sesame", .token = "sesame"},
      {.token = ""},
      {.token = "sesame sesame"},
      {.token = "sesame\r\nX: y"},
      {.token = "sesame\xC3\xA4"},
      {.user = "u:sesame", .password = "sesame"},
      {.user = "u", .password = "sesame\n"},
      {.user = "u\x7F", .password = "sesame"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char *header = NULL;
    bt_error error = {0};
    assert_int_equal(bt_tempo_authorization(&wrong[i], &header, &error), BT_INVALID);
    assert_null(header);
    assert_true(error.message[0] != '\0');
    assert_null(strstr(error.message, "sesame"));
  }
}

static void says_what_to_do(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body, *word;
    bool wants_tenant;
  } table[] = {{401, "no org id\n", "--tenant", true},
               {401, "{\"error\":\"no credentials provided sesame\"}", "--tempo-user", false},
               {403, "sesame", "may not read", false},
               {404, "404 page not found", "/api/", false},
               {503, "no org id", "503", false}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char text[200];
    bt_http_response response = {.status = table[i].status};
    bt_buffer_append(&response.body, bt_str_from(table[i].body));
    bt_tempo_describe(&response, text, sizeof text);
    assert_non_null(strstr(text, table[i].word));
    assert_null(strstr(text, "sesame"));
    assert_true(strlen(text) < sizeof text - 1); /* not cut */
    assert_int_equal(bt_tempo_wants_tenant(&response), table[i].wants_tenant);
    bt_http_response_dispose(&response);
  }
}

/* ---- requests ---- */

typedef struct gate {
  pthread_mutex_t mutex;
  const char *refusal; /* body of a 401, or NULL: let in */
  size_t requests, right, with_tenant;
} gate;

static bool answer(void *context, const fake_request *request, int socket) {
  gate *g = context;
  pthread_mutex_lock(&g->mutex);
  g->requests++;
  bool is_of_ours =
      strncmp(request->target, "/deep/tempo/api/", 16) == 0 || strncmp(request->target, "/deep/tempo/status/", 19) == 0;
  bool is_right = is_of_ours && strstr(request->head, "Authorization: Bearer sesame") != NULL;
  if (is_right) g->right++;
  if (strstr(request->head, "X-Scope-OrgID: a|b")) g->with_tenant++;
  const char *refusal = g->refusal;
  pthread_mutex_unlock(&g->mutex);
  if (refusal) return fake_respond(socket, 401, "text/plain", "", refusal, strlen(refusal));
  if (strstr(request->target, "/traces/"))
    return fake_respond(socket, 200, "application/json", "", "{\"trace\":{}}", 12);
  return fake_respond(socket, 200, "application/json", "", "{\"traces\":[],\"metrics\":{}}", 26);
}

static bt_status ignore(void *context, const bt_read_trace *read, bt_error *error) {
  (void)context, (void)read, (void)error;
  return BT_OK;
}

static bt_source *open_source(bt_http_client *client, const char *server) {
  char url[128];
  bt_source *source = NULL;
  bt_error error = {0};
  snprintf(url, sizeof url, "%s/deep/tempo//", server);
  bt_tempo_options options = {.url = url, .token = "sesame", .pause_ms = 1};
  assert_int_equal(bt_tempo_source_new(client, &options, &source, &error), BT_OK);
  memset(url, 'x', sizeof url - 1); /* copied */
  return source;
}

static void every_request_is_ours(void **state) {
  (void)state;
  gate g = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  bt_http_client *client = NULL;
  bt_error error = {0};
  fake_server *server = fake_server_start(answer, &g);
  assert_non_null(server);
  assert_int_equal(bt_http_client_new(NULL, &client, &error), BT_OK);
  bt_source *source = open_source(client, fake_server_url(server));
  bt_found_list found = {0};
  bt_source_account account = {0};
  static const bt_projection projection = {0};
  static const bt_trace_id id = {{1}};
  bt_search_request search = {.query = bt_query_all(), .range = {second_ns, 9 * second_ns}, .tenant = "a|b"};
  bt_read_request read = {.ids = &id, .count = 1, .range = search.range, .projection = &projection, .tenant = "a|b"};
  assert_int_equal(bt_source_check(source, NULL, &error), BT_OK);
  assert_int_equal(bt_source_search(source, &search, &found, &account, &error), BT_OK);
  assert_int_equal(bt_source_read(source, &read, ignore, NULL, &account, &error), BT_OK);
  read.by_id = true;
  assert_int_equal(bt_source_read(source, &read, ignore, NULL, &account, &error), BT_OK);
  assert_int_equal(account.failed_count, 0);
  assert_true(g.requests >= 4);
  assert_int_equal(g.right, g.requests);
  assert_int_equal(g.with_tenant, g.requests - 4); /* all but the check and what it finds out */
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  bt_source_free(source);
  bt_http_client_free(client);
  fake_server_stop(server);
}

/* A Tempo that only wants a tenant works; one that does not let us in does not. */
static void check_tells_a_locked_door(void **state) {
  (void)state;
  gate g = {.mutex = PTHREAD_MUTEX_INITIALIZER, .refusal = "no org id\n"};
  bt_http_client *client = NULL;
  bt_error error = {0};
  fake_server *server = fake_server_start(answer, &g);
  assert_non_null(server);
  assert_int_equal(bt_http_client_new(NULL, &client, &error), BT_OK);
  bt_source *source = open_source(client, fake_server_url(server));
  assert_int_equal(bt_source_check(source, NULL, &error), BT_OK);
  pthread_mutex_lock(&g.mutex);
  g.refusal = "invalid token";
  pthread_mutex_unlock(&g.mutex);
  assert_int_equal(bt_source_check(source, NULL, &error), BT_UNAVAILABLE);
  assert_non_null(strstr(error.message, "401"));
  assert_null(strstr(error.message, "sesame"));
  bt_source_free(source);
  bt_http_client_free(client);
  fake_server_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(writes_headers), cmocka_unit_test(refuses_what_cannot_be_sent),
                                     cmocka_unit_test(says_what_to_do), cmocka_unit_test(every_request_is_ours),
                                     cmocka_unit_test(check_tells_a_locked_door)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
