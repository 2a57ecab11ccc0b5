/* The HTTP client against a scripted server that hangs, cuts, floods, compresses and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/http_client.h"
#include "tests/tempo/http_client_scene.h"

static void sends_and_receives(void **state) {
  fixture *f = *state;
  char url[128];
  const char *headers[] = {"X-Scope-OrgID: me", "X-Query-Tags: source=betrace"};
  bt_http_request request = {.method = "POST",
                             .url = url_of(f, "/echo?a=1", url),
                             .body = BT_STR("spans"),
                             .headers = headers,
                             .header_count = 2};
  bt_http_response response;
  bt_error error;
  assert_int_equal(bt_http_send(f->client, &request, &response, &error), BT_OK);
  assert_int_equal(response.status, 200);
  assert_string_equal(response.content_type, "text/plain; charset=utf-8");
  assert_true(bt_str_equal(bt_buffer_str(&response.body), BT_STR("hello")));
  assert_string_equal(served.method, "POST");
  assert_string_equal(served.body, "spans");
  assert_non_null(strstr(served.head, "X-Scope-OrgID: me\r\n"));
  assert_non_null(strstr(served.head, "X-Query-Tags: source=betrace"));
  assert_non_null(strstr(served.head, "Accept-Encoding: gzip, zstd"));
  assert_non_null(strstr(served.head, "User-Agent: betrace/"));
  assert_null(strcasestr(served.head, "Expect:"));
  bt_http_response_dispose(&response);
}

typedef struct record {
  unsigned count;
  char last[1024];
} record;

static void take_exchange(void *context, const bt_http_exchange *exchange) {
  record *r = context;
  r->count++;
  snprintf(r->last, sizeof r->last, "%s %s %s %d %s", exchange->request->method, strrchr(exchange->request->url, '/'),
           bt_status_name(exchange->status), exchange->response->status,
           exchange->status == BT_OK ? "" : exchange->error->message);
  assert_true(exchange->took_ms >= 0 && exchange->took_ms < 60000);
}

static void tells_who_listens_of_every_exchange(void **state) {
  fixture *f = *state;
  record r = {0};
  bt_http_client *client = NULL;
  bt_http_options options = {.on_exchange = take_exchange, .exchange_context = &r};
  bt_error error = {0};
  static const struct {
    const char *path, *expected;
  } table[] = {{"/echo", "GET /echo ok 200 "}, {"/busy", "GET /busy ok 429 "}, {"/cut", "GET /cut unavailable "}};
  assert_int_equal(bt_http_client_new(&options, &client, &error), BT_OK);
  for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
    char url[128];
    bt_http_request request = {.method = "GET", .url = url_of(f, table[i].path, url)};
    bt_http_response response;
    bt_status status = bt_http_send(client, &request, &response, &error);
    assert_int_equal(status == BT_OK, i < 2);
    bt_http_response_dispose(&response);
    assert_int_equal(r.count, i + 1);
    assert_memory_equal(r.last, table[i].expected, strlen(table[i].expected));
  }
  bt_http_client_free(client);
}

typedef struct expected {
  const char *path;
  bt_status status;
  int http;             /* with BT_OK */
  const char *sentence; /* in the message otherwise */
  size_t max_body_bytes, length;
} expected;

static void tells_complete_answers_from_others(void **state) {
  fixture *f = *state;
  static const expected table[] = {
      {"/gzip", BT_OK, 200, NULL, 0, 1000},
      {"/gzip", BT_OK, 200, NULL, 1000, 1000},
      {"/gzip", BT_LIMIT, 0, "larger than the 999 bytes", 999, 0},
      {"/bomb", BT_LIMIT, 0, "larger than", 1 << 20, 0},
      {"/gzip-cut", BT_UNAVAILABLE, 0, "gzip stream", 0, 0},
      {"/gzip-no-trailer", BT_UNAVAILABLE, 0, "gzip stream", 0, 0},
      {"/gzip-twice", BT_OK, 200, NULL, 0, 6},
      {"/gzip-not", BT_UNAVAILABLE, 0, "not valid gzip", 0, 0},
      {"/zstd", BT_OK, 200, NULL, 0, 5},
      {"/zstd", BT_LIMIT, 0, "larger than the 4 bytes", 4, 0},
      {"/zstd-cut", BT_UNAVAILABLE, 0, "zstd stream", 0, 0},
      {"/zstd-not", BT_UNAVAILABLE, 0, "not valid zstd", 0, 0},
      {"/brotli", BT_REFUSED, 0, "Content-Encoding", 0, 0},
      {"/endless", BT_LIMIT, 0, "larger than", 1 << 20, 0},
      {"/cut", BT_UNAVAILABLE, 0, "cut off", 0, 0},
      {"/cut-chunk", BT_UNAVAILABLE, 0, "cut off", 0, 0},
      {"/cut-head", BT_UNAVAILABLE, 0, "", 0, 0},
      {"/no-length", BT_UNAVAILABLE, 0, "no length", 0, 0},
      {"/not-http", BT_UNAVAILABLE, 0, "", 0, 0},
      {"/redirect", BT_OK, 302, NULL, 0, 0},
      {"/busy", BT_OK, 429, NULL, 0, 4},
      {"/other", BT_OK, 404, NULL, 0, 0},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    char url[128];
    bt_http_request request = {
        .method = "GET", .url = url_of(f, table[i].path, url), .max_body_bytes = table[i].max_body_bytes};
    bt_http_response response;
    bt_error error = {0};
    bt_status status = bt_http_send(f->client, &request, &response, &error);
    if (status != table[i].status) fail_msg("%s: %s: %s", table[i].path, bt_status_name(status), error.message);
    if (status == BT_OK) {
      assert_int_equal(response.status, table[i].http);
      assert_int_equal(response.body.len, table[i].length);
    } else {
      if (!strstr(error.message, table[i].sentence)) fail_msg("%s: %s", table[i].path, error.message);
      assert_null(strstr(error.message, "127.0.0.1"));
    }
    assert_int_equal(response.retry_after_ms, response.status == 429 ? 7000 : 0);
    bt_http_response_dispose(&response);
  }
}

static void refuses_other_protocols(void **state) {
  fixture *f = *state;
  const char *urls[] = {"file:///etc/hostname", "gopher://127.0.0.1/", "http://", "ftp://127.0.0.1/"};
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    bt_http_request request = {.method = "GET", .url = urls[i]};
    bt_http_response response;
    bt_error error;
    assert_int_equal(bt_http_send(f->client, &request, &response, &error), BT_INVALID);
    bt_http_response_dispose(&response);
  }
}

static void ignores_proxies_of_the_environment(void **state) {
  fixture *f = *state;
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  char url[128];
  bt_http_request request = {.method = "GET", .url = url_of(f, "/echo", url)};
  bt_http_response response;
  bt_error error;
  bt_status status = bt_http_send(f->client, &request, &response, &error);
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
  assert_int_equal(status, BT_OK);
  bt_http_response_dispose(&response);
}

static void says_when_nobody_answers(void **state) {
  fixture *f = *state;
  char url[128];
  bt_http_response response;
  bt_error error;
  bt_http_request hung = {.method = "GET", .url = url_of(f, "/hang", url), .timeout_ms = 200};
  assert_int_equal(bt_http_send(f->client, &hung, &response, &error), BT_UNAVAILABLE);
  assert_non_null(strstr(error.message, "200 ms"));
  bt_http_response_dispose(&response);
  bt_http_request closed = {.method = "GET", .url = "http://127.0.0.1:1/"};
  assert_int_equal(bt_http_send(f->client, &closed, &response, &error), BT_UNAVAILABLE);
  bt_http_response_dispose(&response);
}

static void *cancel_soon(void *context) {
  sleep_ms(150);
  atomic_store(&((bt_cancel *)context)->requested, true);
  return NULL;
}

/* The first hangs in flight, the second waits for the budget: both end. */
static void cancels_what_is_under_way_and_what_waits(void **state) {
  fixture *f = *state;
  char url[128];
  bt_cancel cancel = {false};
  bt_http_request request = {.method = "GET", .url = url_of(f, "/hang", url), .cancel = &cancel};
  bt_http_response responses[2];
  bt_http_call *calls[2];
  bt_error error;
  pthread_t thread;
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
  pthread_create(&thread, NULL, cancel_soon, &cancel);
  int64_t before_ms = now_ms();
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(bt_http_finish(calls[i], &error), BT_CANCELLED);
    bt_http_response_dispose(&responses[i]);
  }
  assert_true(now_ms() - before_ms <
              30000); /* it takes a tenth of a second; without cancelling, the timeout of two minutes */
  pthread_join(thread, NULL);
}

static void aborts_a_call(void **state) {
  fixture *f = *state;
  char url[128];
  bt_http_request request = {.method = "GET", .url = url_of(f, "/hang", url)};
  bt_http_response response;
  bt_http_call *call;
  bt_error error;
  assert_int_equal(bt_http_start(f->client, &request, &response, &call, &error), BT_OK);
  sleep_ms(50);
  bt_http_abort(call);
  assert_int_equal(bt_http_finish(call, &error), BT_CANCELLED);
  bt_http_response_dispose(&response);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(sends_and_receives, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_who_listens_of_every_exchange, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_complete_answers_from_others, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_other_protocols, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ignores_proxies_of_the_environment, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_when_nobody_answers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cancels_what_is_under_way_and_what_waits, set_up_one, tear_down),
      cmocka_unit_test_setup_teardown(aborts_a_call, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
