/* Reload while requests are under way: each is judged by one whole set of tokens, never by half of one, and nothing is
 * freed too early (ThreadSanitizer and AddressSanitizer look on). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/server/http_fixture.h"

enum { RELOADS = 100, ASKING = 3 };

static atomic_bool stopping;
static atomic_int answered;

static void handle_ping(void *service, bt_call *call) {
  (void)service;
  bt_call_text(call, 200, "text/plain", BT_STR("pong"));
}
static const bt_route routes[] = {{"GET", "/ping", handle_ping, BT_ROLE_VIEWER, BT_LANE_MEMORY}};
static const char *const names[] = {"one.example", NULL}, *const others[] = {"two.example", "three.example", NULL};

static void *keep_asking(void *argument) {
  while (!atomic_load(&stopping)) {
    bt_buffer got = {0};
    int fd = http_ask(argument, "/ping");
    assert_true(http_read_until(fd, "pong", &got));
    atomic_fetch_add(&answered, 1);
    close(fd);
    bt_buffer_dispose(&got);
  }
  return NULL;
}

static void test_reload_under_load(void **state) {
  const bt_access_options first = {.hosts = names}, second = {.hosts = others};
  bt_http_server_options options = {.listen = "127.0.0.1:0", .routes = routes, .route_count = 1, .access = &first};
  bt_http_server *server = NULL;
  bt_error error = {0};
  pthread_t threads[ASKING];
  (void)state;
  assert_int_equal(bt_http_server_new(&options, &server, &error), BT_OK);
  for (int i = 0; i < ASKING; i++) assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, server), 0);
  for (int i = 0; i < RELOADS || atomic_load(&answered) < RELOADS; i++)
    assert_int_equal(bt_http_server_reload(server, i % 2 ? &first : &second, &error), BT_OK);
  atomic_store(&stopping, true);
  for (int i = 0; i < ASKING; i++) pthread_join(threads[i], NULL);
  bt_http_server_stop(server);
}

/* Tokens are not begun by a reload, and a file that cannot be read changes nothing. */
static void test_refused_reloads(void **state) {
  bt_http_server_options options = {.listen = "127.0.0.1:0", .routes = routes, .route_count = 1};
  const bt_access_options missing = {.tokens_file = "/nonexistent/tokens"};
  char file[] = "betrace-tokens-XXXXXX";
  static const char line[] = "a sha256:0000000000000000000000000000000000000000000000000000000000000000 viewer\n";
  bt_http_server *server = NULL;
  bt_error error = {0};
  bt_buffer got = {0};
  (void)state;
  int fd = mkstemp(file);
  assert_true(fd >= 0 && write(fd, line, sizeof line - 1) == (ssize_t)sizeof line - 1);
  close(fd);
  assert_int_equal(bt_http_server_new(&options, &server, &error), BT_OK);
  assert_int_equal(bt_http_server_reload(server, &missing, &error), BT_IO);
  assert_int_equal(bt_http_server_reload(server, &(bt_access_options){.tokens_file = file}, &error), BT_INVALID);
  unlink(file);
  fd = http_ask(server, "/ping");
  assert_true(http_read_until(fd, "pong", &got));
  close(fd);
  bt_buffer_dispose(&got);
  bt_http_server_stop(server);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reload_under_load), cmocka_unit_test(test_refused_reloads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
