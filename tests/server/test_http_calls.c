/* Calls and who waits for them: a reader who goes cancels its work and what it sent behind, a deadline cuts, a full
 * lane refuses at once. The end of the service waits for nobody who hangs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/http/http_server.h"
#include "tests/server/http_fixture.h"

static atomic_int begun, cancelled, counted;
static atomic_int reason;

static void nap(void) {
  nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL);
}

/* Hangs as a source does: until it is cancelled. */
static void handle_hanging(void *service, bt_call *call) {
  (void)service;
  atomic_fetch_add(&begun, 1);
  while (!atomic_load(&bt_call_cancel(call)->requested)) nap();
  atomic_store(&reason, bt_work_scope_why(call->scope));
  atomic_fetch_add(&cancelled, 1);
  bt_error error = {0};
  bt_call_error(call, bt_error_set(&error, BT_CANCELLED, "cancelled"), &error);
}

/* Hears late that it is cancelled, as a thread does that gets no processor. */
static void handle_slow(void *service, bt_call *call) {
  (void)service;
  atomic_fetch_add(&begun, 1);
  while (!atomic_load(&bt_call_cancel(call)->requested)) nap();
  nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 200 * 1000 * 1000}, NULL);
  bt_call_text(call, 200, "text/plain", BT_STR("slow"));
}

static void handle_counted(void *service, bt_call *call) {
  (void)service;
  atomic_fetch_add(&counted, 1);
  bt_call_text(call, 200, "text/plain", BT_STR("counted"));
}

static const bt_route routes[] = {{"GET", "/hanging", handle_hanging, BT_ROLE_VIEWER, BT_LANE_SOURCE},
                                  {"GET", "/slow", handle_slow, BT_ROLE_VIEWER, BT_LANE_SOURCE},
                                  {"GET", "/counted", handle_counted, BT_ROLE_VIEWER, BT_LANE_MEMORY}};

static bt_workplace *work;

static bt_http_server *start(void) {
  bt_http_server *server = NULL;
  bt_error error = {0};
  bt_pool_options places = {.places = {[BT_LANE_SOURCE] = 2}, .max_queued = 4};
  assert_int_equal(bt_workplace_new(&places, &work, &error), BT_OK);
  bt_http_server_options options = {
      .listen = "127.0.0.1:0", .routes = routes, .route_count = sizeof routes / sizeof routes[0], .work = work};
  assert_int_equal(bt_http_server_new(&options, &server, &error), BT_OK);
  begun = cancelled = counted = reason = 0;
  return server;
}

static void stop(bt_http_server *server) {
  bt_workplace_stop(work);
  bt_http_server_stop(server);
  bt_workplace_free(work);
}

static void wait_for(atomic_int *counter, int at_least) {
  for (int i = 0; i < HTTP_PATIENCE_MS / 2 && atomic_load(counter) < at_least; i++) nap();
  assert_true(atomic_load(counter) >= at_least);
}

static void send_text(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void test_a_reader_who_goes_cancels_its_work(void **state) {
  bt_http_server *server = start();
  (void)state;
  int fd = http_ask(server, "/hanging");
  wait_for(&begun, 1);
  assert_int_equal(atomic_load(&cancelled), 0);
  close(fd);
  wait_for(&cancelled, 1);
  assert_int_equal(atomic_load(&reason), BT_SCOPE_READER_GONE);
  stop(server);
}

static void test_what_a_cut_reader_sent_behind_does_not_run(void **state) {
  bt_http_server *server = start();
  (void)state;
  int fd = http_ask(server, "/hanging");
  for (int i = 0; i < 10; i++) send_text(fd, "GET /counted HTTP/1.1\r\nHost: localhost\r\n\r\n");
  wait_for(&begun, 1);
  shutdown(fd, SHUT_WR);
  wait_for(&cancelled, 1);
  bt_buffer got = {0};
  assert_false(http_read_until(fd, NULL, &got)); /* to the end of the connection */
  assert_int_equal(atomic_load(&counted), 0);
  bt_buffer_dispose(&got);
  close(fd);
  stop(server);
}

static void test_a_deadline_cuts_a_call(void **state) {
  bt_http_server *server = start();
  bt_buffer got = {0};
  (void)state;
  int fd = http_ask_with(server, "GET", "/hanging", "1.1\r\nBetrace-Timeout: 30ms");
  assert_true(http_read_until(fd, "Betrace-Timeout", &got));
  assert_true(bt_str_contains(bt_buffer_str(&got), BT_STR("504 ")));
  assert_int_equal(atomic_load(&reason), BT_SCOPE_DEADLINE);
  close(fd);
  static const char *const wrong[] = {"0s", "10m", "soon", "-1s"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char head[60];
    snprintf(head, sizeof head, "1.1\r\nBetrace-Timeout: %s", wrong[i]);
    bt_buffer_clear(&got);
    fd = http_ask_with(server, "GET", "/counted", head);
    assert_true(http_read_until(fd, "at most 5m", &got));
    assert_true(bt_str_contains(bt_buffer_str(&got), BT_STR("400 ")));
    close(fd);
  }
  assert_int_equal(atomic_load(&counted), 0);
  bt_buffer_dispose(&got);
  stop(server);
}

/* Two run, two of the one tenant wait, the fifth is refused while they hang; and the service ends. */
static void test_a_full_lane_refuses_at_once(void **state) {
  bt_http_server *server = start();
  bt_buffer got = {0};
  int fds[4];
  (void)state;
  for (int i = 0; i < 2; i++) fds[i] = http_ask(server, "/hanging");
  wait_for(&begun, 2);
  for (int i = 2; i < 4; i++) fds[i] = http_ask(server, "/hanging");
  for (int i = 0; i < HTTP_PATIENCE_MS / 2 && bt_pool_look(work->pool, BT_LANE_SOURCE).queued < 2; i++) nap();
  int refused = http_ask(server, "/hanging"), other = http_ask(server, "/counted");
  assert_true(http_read_until(refused, ":busy", &got));
  assert_true(bt_str_contains(bt_buffer_str(&got), BT_STR("503 ")));
  assert_true(bt_str_contains(bt_buffer_str(&got), BT_STR("retry-after: 1")));
  bt_buffer_clear(&got);
  assert_true(http_read_until(other, "counted", &got));
  stop(server);
  assert_int_equal(atomic_load(&begun), 2); /* what waited was answered, and not begun */
  for (int i = 0; i < 4; i++) {
    bt_buffer_clear(&got);
    assert_true(http_read_until(fds[i], ":stopping", &got));
    close(fds[i]);
  }
  close(refused);
  close(other);
  bt_buffer_dispose(&got);
}

/* What comes after all that the end waits for still ends its connection: the leak checker sees what is left. */
static void test_the_end_frees_what_comes_late(void **state) {
  bt_http_server *server = start();
  int fds[2];
  (void)state;
  for (int i = 0; i < 2; i++) fds[i] = http_ask(server, "/slow");
  wait_for(&begun, 2);
  stop(server);
  for (int i = 0; i < 2; i++) {
    char byte;
    assert_true(recv(fds[i], &byte, 1, 0) <= 0); /* its connection has ended */
    close(fds[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_reader_who_goes_cancels_its_work),
      cmocka_unit_test(test_what_a_cut_reader_sent_behind_does_not_run), cmocka_unit_test(test_a_deadline_cuts_a_call),
      cmocka_unit_test(test_a_full_lane_refuses_at_once), cmocka_unit_test(test_the_end_frees_what_comes_late)};
  signal(SIGPIPE, SIG_IGN); /* as the program does */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
