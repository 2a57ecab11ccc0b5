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
#include <time.h>
#include <zlib.h>

#include "tempo/wire/http_client.h"
#include "tests/support/fake_http.h"

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(long ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* --- the script: what a path answers --- */

typedef struct script {
  pthread_mutex_t mutex;
  int now, most; /* requests being answered */
  char order[64];
  char head[4096], body[256], method[16];
} script;

static script s;

static size_t gzip(const void *from, size_t count, unsigned char *to, size_t capacity) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)(uintptr_t)from;
  z.avail_in = (unsigned)count;
  z.next_out = to;
  z.avail_out = (unsigned)capacity;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  size_t length = capacity - z.avail_out;
  deflateEnd(&z);
  return length;
}

static bool answer_gzip(int socket, size_t zeros, size_t cut) {
  unsigned char *packed = malloc(1 << 20);
  char *plain = calloc(1, zeros);
  size_t length = gzip(plain, zeros, packed, 1 << 20);
  bool sent = fake_respond(socket, 200, "application/json", "Content-Encoding: gzip\r\n", packed, length - cut);
  free(packed);
  free(plain);
  return sent;
}

/* Two streams one after the other: a reader that stops after the first has lost half. */
static bool answer_gzip_twice(int socket) {
  unsigned char packed[256];
  size_t first = gzip("one", 3, packed, sizeof packed);
  size_t second = gzip("two", 3, packed + first, sizeof packed - first);
  return fake_respond(socket, 200, "application/json", "Content-Encoding: gzip\r\n", packed, first + second);
}

static bool answer_endless(int socket) {
  static const char chunk[] = "400\r\n";
  char block[0x400 + 2];
  memset(block, 'x', 0x400);
  memcpy(block + 0x400, "\r\n", 2);
  static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (!fake_send(socket, head, sizeof head - 1)) return false;
  while (fake_send(socket, chunk, 5) && fake_send(socket, block, sizeof block)) {
  }
  return false;
}

static bool answer_raw(int socket, const char *text, bool keep) {
  return fake_send(socket, text, strlen(text)) && keep;
}

static bool answer_counted(int socket, const char *target) {
  pthread_mutex_lock(&s.mutex);
  if (++s.now > s.most) s.most = s.now;
  size_t length = strlen(s.order);
  if (length + 1 < sizeof s.order) s.order[length] = target[strlen(target) - 1];
  pthread_mutex_unlock(&s.mutex);
  sleep_ms(60);
  pthread_mutex_lock(&s.mutex);
  s.now--;
  pthread_mutex_unlock(&s.mutex);
  return fake_respond(socket, 200, "text/plain", "", "done", 4);
}

static bool answer(void *context, const fake_request *request, int socket) {
  (void)context;
  const char *path = request->target;
  if (strncmp(path, "/echo", 5) == 0) {
    pthread_mutex_lock(&s.mutex);
    snprintf(s.method, sizeof s.method, "%s", request->method);
    snprintf(s.head, sizeof s.head, "%s", request->head);
    snprintf(s.body, sizeof s.body, "%.*s", (int)request->body_length, request->body);
    pthread_mutex_unlock(&s.mutex);
    return fake_respond(socket, 200, "text/plain; charset=utf-8", "", "hello", 5);
  }
  if (strncmp(path, "/count", 6) == 0) return answer_counted(socket, path);
  if (strcmp(path, "/hang") == 0) return fake_hang(socket);
  if (strcmp(path, "/gzip") == 0) return answer_gzip(socket, 1000, 0);
  if (strcmp(path, "/bomb") == 0) return answer_gzip(socket, 32 << 20, 0);
  if (strcmp(path, "/gzip-cut") == 0) return answer_gzip(socket, 1 << 20, 12);
  if (strcmp(path, "/gzip-no-trailer") == 0) return answer_gzip(socket, 1000, 8);
  if (strcmp(path, "/gzip-twice") == 0) return answer_gzip_twice(socket);
  if (strcmp(path, "/gzip-not") == 0)
    return fake_respond(socket, 200, "text/plain", "Content-Encoding: gzip\r\n", "no gzip at all", 14);
  if (strcmp(path, "/brotli") == 0)
    return fake_respond(socket, 200, "text/plain", "Content-Encoding: br\r\n", "xxxx", 4);
  if (strcmp(path, "/endless") == 0) return answer_endless(socket);
  if (strcmp(path, "/cut") == 0) return answer_raw(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", false);
  if (strcmp(path, "/cut-chunk") == 0)
    return answer_raw(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false);
  if (strcmp(path, "/cut-head") == 0) return answer_raw(socket, "HTTP/1.1 200 O", false);
  if (strcmp(path, "/no-length") == 0)
    return answer_raw(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nmaybe all", false);
  if (strcmp(path, "/not-http") == 0) return answer_raw(socket, "SSH-2.0-OpenSSH\r\n", false);
  if (strcmp(path, "/redirect") == 0) return fake_respond(socket, 302, "text/plain", "Location: /echo\r\n", "", 0);
  if (strcmp(path, "/large") == 0) return fake_respond(socket, 500, "text/plain", "", "larger than the max", 19);
  if (strcmp(path, "/busy") == 0) return fake_respond(socket, 429, "text/plain", "Retry-After: 7\r\n", "busy", 4);
  return fake_respond(socket, 404, "text/plain", "", "", 0);
}

/* --- the tests --- */

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
} fixture;

static int set_up_with(void **state, uint32_t concurrency) {
  static fixture f;
  pthread_mutex_init(&s.mutex, NULL);
  s.now = s.most = 0;
  memset(s.order, 0, sizeof s.order);
  f.server = fake_server_start(answer, NULL);
  bt_http_options options = {.concurrency = concurrency};
  bt_error error;
  *state = &f;
  return f.server && bt_http_client_new(&options, &f.client, &error) == BT_OK ? 0 : -1;
}

static int set_up(void **state) {
  return set_up_with(state, 2);
}

static int set_up_one(void **state) {
  return set_up_with(state, 1);
}

static int tear_down(void **state) {
  fixture *f = *state;
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  pthread_mutex_destroy(&s.mutex);
  return 0;
}

static char *url_of(const fixture *f, const char *path, char url[128]) {
  snprintf(url, 128, "%s%s", fake_server_url(f->server), path);
  return url;
}

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
  assert_string_equal(s.method, "POST");
  assert_string_equal(s.body, "spans");
  assert_non_null(strstr(s.head, "X-Scope-OrgID: me\r\n"));
  assert_non_null(strstr(s.head, "X-Query-Tags: source=betrace"));
  assert_non_null(strstr(s.head, "Accept-Encoding: gzip"));
  assert_non_null(strstr(s.head, "User-Agent: betrace/"));
  assert_null(strcasestr(s.head, "Expect:"));
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
      {"/gzip-twice", BT_UNAVAILABLE, 0, "not valid gzip", 0, 0},
      {"/gzip-not", BT_UNAVAILABLE, 0, "not valid gzip", 0, 0},
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

/* A receiver that is silent, or busy, says nothing about the Tempo that is read from. */
static void an_export_takes_no_place_of_those_who_read(void **state) {
  fixture *f = *state;
  char hang[128], busy[128], echo[128];
  bt_http_request silent = {.method = "POST", .url = url_of(f, "/hang", hang), .kind = BT_HTTP_EXPORT};
  bt_http_request refused = {.method = "POST", .url = url_of(f, "/busy", busy), .kind = BT_HTTP_EXPORT};
  bt_http_request read = {.method = "GET", .url = url_of(f, "/echo", echo), .kind = BT_HTTP_SEARCH};
  bt_http_response responses[3], response;
  bt_http_call *calls[3];
  bt_http_stats stats;
  bt_error error;
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(bt_http_start(f->client, &silent, &responses[i], &calls[i], &error), BT_OK);
  assert_int_equal(bt_http_send(f->client, &refused, &response, &error), BT_OK);
  assert_int_equal(response.status, 429);
  bt_http_response_dispose(&response);
  assert_int_equal(bt_http_send(f->client, &read, &response, &error), BT_OK);
  assert_int_equal(response.status, 200);
  bt_http_response_dispose(&response);
  for (size_t i = 0; i < 3; i++) {
    bt_http_abort(calls[i]);
    assert_int_equal(bt_http_finish(calls[i], &error), BT_CANCELLED);
    bt_http_response_dispose(&responses[i]);
  }
  silent.timeout_ms = 50;
  assert_int_equal(bt_http_send(f->client, &silent, &response, &error), BT_UNAVAILABLE);
  bt_http_response_dispose(&response);
  bt_http_client_stats(f->client, &stats);
  assert_int_equal(stats.allowed, 2);
}

/* Two of one tenant hang and are all that the budget allows. What that tenant asks besides waits for them; what others
 * ask does not, one request each. */
static void what_hangs_for_one_tenant_holds_up_no_other(void **state) {
  fixture *f = *state;
  char hang[128], echo[128];
  bt_http_client *client = NULL;
  const bt_http_options options = {.concurrency = 2, .held_ms = 100};
  bt_http_request hanging = {.method = "GET", .url = url_of(f, "/hang", hang), .kind = BT_HTTP_SEARCH, .tenant = 1};
  bt_http_request asked = {.method = "GET", .url = url_of(f, "/echo", echo), .kind = BT_HTTP_SEARCH, .tenant = 1};
  bt_http_response responses[3], response;
  bt_http_call *calls[3];
  bt_http_stats stats;
  bt_error error;
  assert_int_equal(bt_http_client_new(&options, &client, &error), BT_OK);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(bt_http_start(client, i < 2 ? &hanging : &asked, &responses[i], &calls[i], &error), BT_OK);
  for (uint64_t tenant = 2; tenant < 6; tenant++) {
    asked.tenant = tenant;
    asked.total_ms = 20000; /* a test that hangs says nothing */
    assert_int_equal(bt_http_send(client, &asked, &response, &error), BT_OK);
    assert_int_equal(response.status, 200);
    bt_http_response_dispose(&response);
  }
  bt_http_client_stats(client, &stats);
  assert_int_equal(stats.requests[BT_HTTP_SEARCH][BT_HTTP_OK], 4); /* the third of the first tenant still waits */
  for (size_t i = 0; i < 3; i++) {
    bt_http_abort(calls[i]);
    bt_status status = bt_http_finish(calls[i], &error);
    assert_true(status == BT_CANCELLED || i == 2);
    bt_http_response_dispose(&responses[i]);
  }
  bt_http_client_free(client);
}

static bool is_large(const bt_http_response *response) {
  return bt_str_contains(bt_buffer_str(&response->body), BT_STR("larger"));
}

static uint32_t allowed_after(fixture *f, const bt_http_request *request, int status) {
  bt_http_response response;
  bt_http_stats stats;
  bt_error error;
  assert_int_equal(bt_http_send(f->client, request, &response, &error), BT_OK);
  assert_int_equal(response.status, status);
  bt_http_response_dispose(&response);
  bt_http_client_stats(f->client, &stats);
  return stats.allowed;
}

/* A question that no answer can hold is divided; that does not make Tempo busy. */
static void an_answer_too_large_is_no_busy_server(void **state) {
  fixture *f = *state;
  char large[128], busy[128];
  bt_http_request too_large = {
      .method = "GET", .url = url_of(f, "/large", large), .kind = BT_HTTP_SEARCH, .is_too_large = is_large};
  bt_http_request refused = {
      .method = "GET", .url = url_of(f, "/busy", busy), .kind = BT_HTTP_SEARCH, .is_too_large = is_large};
  assert_int_equal(allowed_after(f, &too_large, 500), 2);
  assert_int_equal(allowed_after(f, &refused, 429), 1);
}

static void a_server_error_halves(void **state) {
  fixture *f = *state;
  char large[128];
  bt_http_request request = {.method = "GET", .url = url_of(f, "/large", large), .kind = BT_HTTP_SEARCH};
  assert_int_equal(allowed_after(f, &request, 500), 1);
}

enum { MANY = 12 };

static void keeps_to_its_budget(void **state) {
  fixture *f = *state;
  char url[128];
  bt_http_request request = {.method = "GET", .url = url_of(f, "/count/a", url)};
  bt_http_response responses[MANY];
  bt_http_call *calls[MANY];
  bt_error error;
  for (size_t i = 0; i < MANY; i++)
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
  for (size_t i = 0; i < MANY; i++) {
    assert_int_equal(bt_http_finish(calls[i], &error), BT_OK);
    bt_http_response_dispose(&responses[i]);
  }
  assert_int_equal(s.most, 2);
}

static void lets_the_more_urgent_go_first(void **state) {
  fixture *f = *state;
  static const struct {
    const char *path;
    bt_priority priority;
  } asked[] = {{"/count/1", BT_PRIORITY_REPLAY}, {"/count/r", BT_PRIORITY_REPLAY}, {"/count/s", BT_PRIORITY_REPLAY},
               {"/count/p", BT_PRIORITY_PEOPLE}, {"/count/w", BT_PRIORITY_WATCH},  {"/count/q", BT_PRIORITY_PEOPLE}};
  enum { ASKED = sizeof asked / sizeof asked[0] };
  char urls[ASKED][128];
  bt_http_response responses[ASKED];
  bt_http_call *calls[ASKED];
  bt_error error;
  for (size_t i = 0; i < ASKED; i++) {
    bt_http_request request = {
        .method = "GET", .url = url_of(f, asked[i].path, urls[i]), .priority = asked[i].priority};
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
    if (i == 0) sleep_ms(20); /* it is under way before the others queue */
  }
  for (size_t i = 0; i < ASKED; i++) {
    assert_int_equal(bt_http_finish(calls[i], &error), BT_OK);
    bt_http_response_dispose(&responses[i]);
  }
  assert_string_equal(s.order, "1wpqrs");
}

/* One party has six waiting, another comes later with one: it does not wait for all six. */
static void parties_of_one_priority_take_turns(void **state) {
  fixture *f = *state;
  static const char names[] = "0abcdex";
  enum { ASKED = sizeof names - 1 };
  static const int first, second;
  char urls[ASKED][128], path[] = "/count/?";
  bt_http_response responses[ASKED];
  bt_http_call *calls[ASKED];
  bt_error error;
  for (size_t i = 0; i < ASKED; i++) {
    path[7] = names[i];
    bt_http_request request = {
        .method = "GET", .url = url_of(f, path, urls[i]), .party = names[i] == 'x' ? &second : &first};
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
    if (i == 0) sleep_ms(20); /* it is under way before the others queue */
  }
  for (size_t i = 0; i < ASKED; i++) {
    assert_int_equal(bt_http_finish(calls[i], &error), BT_OK);
    bt_http_response_dispose(&responses[i]);
  }
  assert_string_equal(s.order, "0axbcde");
}

/* Retry-After holds what its party has waiting, and nobody else's. All of them wait behind a slow one when the refusal
 * comes. */
static void a_refused_party_waits_and_others_go_on(void **state) {
  fixture *f = *state;
  static const int refused, other;
  static const struct {
    const char *path;
    const void *party;
  } asked[] = {
      {"/count/0", &other}, {"/busy", &refused}, {"/count/h", &refused}, {"/count/o", &other}, {"/count/n", &other}};
  enum { HELD = 2 };
  enum { ASKED = sizeof asked / sizeof asked[0] };
  char urls[ASKED][128];
  bt_http_response responses[ASKED];
  bt_http_call *calls[ASKED];
  bt_error error;
  for (size_t i = 0; i < ASKED; i++) {
    bt_http_request request = {.method = "GET", .url = url_of(f, asked[i].path, urls[i]), .party = asked[i].party};
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
  }
  for (size_t i = 0; i < ASKED; i++) {
    if (i != HELD) assert_int_equal(bt_http_finish(calls[i], &error), BT_OK);
  }
  assert_string_equal(s.order, "0on"); /* 'h' waits for the seven seconds that /busy asked for */
  bt_http_abort(calls[HELD]);
  assert_int_equal(bt_http_finish(calls[HELD], &error), BT_CANCELLED);
  for (size_t i = 0; i < ASKED; i++) bt_http_response_dispose(&responses[i]);
}

/* The first hangs in flight, the second waits for the budget and has its own time. */
static void the_time_in_the_queue_counts_where_it_is_asked_to(void **state) {
  fixture *f = *state;
  char url[128];
  bt_http_request hung = {.method = "GET", .url = url_of(f, "/hang", url)};
  bt_http_request waits = {.method = "GET", .url = url, .total_ms = 150};
  bt_http_response responses[2];
  bt_http_call *call;
  bt_error error;
  assert_int_equal(bt_http_start(f->client, &hung, &responses[0], &call, &error), BT_OK);
  assert_int_equal(bt_http_send(f->client, &waits, &responses[1], &error), BT_UNAVAILABLE);
  assert_non_null(strstr(error.message, "150 ms"));
  bt_http_abort(call);
  assert_int_equal(bt_http_finish(call, &error), BT_CANCELLED);
  assert_int_equal(bt_http_send(f->client, &waits, &responses[1], &error), BT_UNAVAILABLE); /* and in flight too */
  for (size_t i = 0; i < 2; i++) bt_http_response_dispose(&responses[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(parties_of_one_priority_take_turns, set_up_one, tear_down),
      cmocka_unit_test_setup_teardown(a_refused_party_waits_and_others_go_on, set_up_one, tear_down),
      cmocka_unit_test_setup_teardown(the_time_in_the_queue_counts_where_it_is_asked_to, set_up_one, tear_down),
      cmocka_unit_test_setup_teardown(sends_and_receives, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_who_listens_of_every_exchange, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_complete_answers_from_others, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_other_protocols, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ignores_proxies_of_the_environment, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_when_nobody_answers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cancels_what_is_under_way_and_what_waits, set_up_one, tear_down),
      cmocka_unit_test_setup_teardown(aborts_a_call, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_export_takes_no_place_of_those_who_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_hangs_for_one_tenant_holds_up_no_other, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_too_large_is_no_busy_server, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_server_error_halves, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_to_its_budget, set_up, tear_down),
      cmocka_unit_test_setup_teardown(lets_the_more_urgent_go_first, set_up_one, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
