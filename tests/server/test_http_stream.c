/* Streaming answers over real sockets: a page for each that the reader took, readers that are slow, gone or many,
 * heartbeats, and a stop in the middle. The routes here are the test's own; their streams count what is asked of them.
 * Waits have generous ends and no beginnings: nothing is asserted about how fast something happens, only that it does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/http/http_server.h"
#include "tests/server/http_fixture.h"

enum { PAGE_BYTES = 60000, COUNTED_PAGES = 5, MANY = 200 };

static atomic_int asked, opened, freed;
static atomic_bool flood_open; /* what the silent stream waits for */

typedef struct pages {
  int left;
} pages;

static void free_pages(void *context) {
  atomic_fetch_add(&freed, 1);
  free(context);
}

static bt_stream_step next_counted(void *context, bt_buffer *page) {
  pages *self = context;
  int number = COUNTED_PAGES - self->left;
  atomic_fetch_add(&asked, 1);
  if (number % 2 && atomic_load(&asked) % 2) return BT_STREAM_WAIT;
  bt_buffer_printf(page, "page %d\n", number);
  return --self->left ? BT_STREAM_MORE : BT_STREAM_END;
}

static bt_stream_step next_flood(void *context, bt_buffer *page) {
  static const char block[1000] = {'x'};
  (void)context;
  atomic_fetch_add(&asked, 1);
  for (size_t i = 0; i < PAGE_BYTES / sizeof block; i++) bt_buffer_append(page, (bt_str){block, sizeof block});
  return BT_STREAM_MORE;
}

static bt_stream_step next_silent(void *context, bt_buffer *page) {
  (void)context;
  atomic_fetch_add(&asked, 1);
  if (!atomic_load(&flood_open)) return BT_STREAM_WAIT;
  bt_buffer_printf(page, "at last\n");
  return BT_STREAM_END;
}

static bt_stream_step next_failing(void *context, bt_buffer *page) {
  (void)context;
  bt_buffer_printf(page, "half");
  page->failed = true;
  return BT_STREAM_END;
}

static const bt_stream_operations counted = {next_counted, NULL, free_pages}, flood = {next_flood, NULL, free_pages},
                                  silent = {next_silent, ": \n\n", free_pages},
                                  failing = {next_failing, NULL, free_pages};

static void open_stream(bt_call *call, const bt_stream_operations *operations) {
  pages *fresh = calloc(1, sizeof *fresh);
  assert_non_null(fresh);
  fresh->left = COUNTED_PAGES;
  atomic_fetch_add(&opened, 1);
  bt_call_stream(call, 200, "text/event-stream", operations, fresh);
}

static void handle_counted(void *service, bt_call *call) {
  (void)service;
  open_stream(call, &counted);
}
static void handle_flood(void *service, bt_call *call) {
  (void)service;
  open_stream(call, &flood);
}
static void handle_silent(void *service, bt_call *call) {
  (void)service;
  open_stream(call, &silent);
}
static void handle_failing(void *service, bt_call *call) {
  (void)service;
  open_stream(call, &failing);
}
static void handle_replaced(void *service, bt_call *call) {
  (void)service;
  open_stream(call, &flood);
  bt_call_problem(call, 400, "invalid", "After all, no.");
}
static atomic_int stuck;
static void handle_stuck(void *service, bt_call *call) {
  (void)service;
  atomic_fetch_add(&stuck, 1);
  while (!atomic_load(&flood_open)) nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
  bt_call_text(call, 200, "text/plain", BT_STR("free"));
}
static void handle_ping(void *service, bt_call *call) {
  (void)service;
  bt_call_text(call, 200, "text/plain", BT_STR("pong"));
}

static const bt_route routes[] = {
    {"GET", "/counted", handle_counted, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"GET", "/flood", handle_flood, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"GET", "/silent", handle_silent, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"GET", "/failing", handle_failing, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"GET", "/replaced", handle_replaced, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"GET", "/ping", handle_ping, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"GET", "/stuck", handle_stuck, BT_ROLE_VIEWER, BT_LANE_MEMORY},
};

static bt_http_server *start(uint32_t heartbeat_ms, uint32_t write_timeout_ms) {
  bt_http_server_options options = {.listen = "127.0.0.1:0",
                                    .routes = routes,
                                    .route_count = sizeof routes / sizeof routes[0],
                                    .heartbeat_ms = heartbeat_ms,
                                    .write_timeout_ms = write_timeout_ms};
  bt_http_server *server = NULL;
  bt_error error = {0};
  assert_int_equal(bt_http_server_new(&options, &server, &error), BT_OK);
  asked = opened = freed = 0;
  flood_open = false;
  return server;
}

static void nap(void) {
  nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}

static void wait_for(atomic_int *counter, int at_least) {
  for (int i = 0; i < HTTP_PATIENCE_MS / 10 && atomic_load(counter) < at_least; i++) nap();
  assert_true(atomic_load(counter) >= at_least);
}

static void assert_ping(const bt_http_server *server) {
  bt_buffer got = {0};
  int fd = http_ask(server, "/ping");
  assert_true(http_read_until(fd, "pong", &got));
  close(fd);
  bt_buffer_dispose(&got);
}

static void test_pages_arrive_in_order_and_the_connection_goes_on(void **state) {
  bt_http_server *server = start(0, 0);
  bt_buffer got = {0};
  int fd = http_ask(server, "/counted");
  (void)state;
  assert_true(http_read_until(fd, "\r\n0\r\n\r\n", &got));
  assert_true(bt_str_contains(bt_buffer_str(&got), BT_STR("transfer-encoding: chunked")));
  const char *at = got.ptr;
  for (int i = 0; i < COUNTED_PAGES; i++) {
    char page[20];
    snprintf(page, sizeof page, "page %d\n", i);
    at = strstr(at, page);
    assert_non_null(at);
  }
  wait_for(&freed, 1);
  static const char again[] = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
  assert_int_equal(send(fd, again, sizeof again - 1, MSG_NOSIGNAL), sizeof again - 1);
  assert_true(http_read_until(fd, "pong", &got));
  close(fd);
  bt_buffer_dispose(&got);
  bt_http_server_stop(server);
}

static void test_head_and_http_1_0(void **state) {
  bt_http_server *server = start(0, 0);
  bt_buffer got = {0};
  int fd = http_ask_with(server, "HEAD", "/flood", "1.1");
  (void)state;
  assert_true(http_read_until(fd, "\r\n\r\n", &got));
  assert_true(bt_str_contains(bt_buffer_str(&got), BT_STR("text/event-stream")));
  wait_for(&freed, 1);
  assert_int_equal(atomic_load(&asked), 0); /* headers only: no page was made */
  close(fd);
  bt_buffer_clear(&got);
  fd = http_ask_with(server, "GET", "/counted", "1.0");
  assert_false(http_read_until(fd, NULL, &got)); /* its end is the end of the connection */
  assert_true(bt_str_ends_with(bt_buffer_str(&got), BT_STR("page 4\n")));
  close(fd);
  bt_buffer_dispose(&got);
  bt_http_server_stop(server);
}

/* Nothing is taken: no more is asked for than fits between us and the reader. */
static void test_slow_reader_costs_no_pages(void **state) {
  bt_http_server *server = start(0, 0);
  int fd = http_ask(server, "/flood"), before = -1;
  (void)state;
  wait_for(&asked, 1);
  for (int calm = 0; calm < 30; nap()) { /* until the kernel's buffers are full */
    calm = atomic_load(&asked) == before ? calm + 1 : 0;
    before = atomic_load(&asked);
  }
  for (int i = 0; i < 50; i++) nap();
  assert_int_equal(atomic_load(&asked), before);
  assert_ping(server);
  static char sink[PAGE_BYTES];
  for (int left = (before + 2) * PAGE_BYTES; left > 0;) { /* it reads again: more comes */
    ssize_t got = recv(fd, sink, sizeof sink, 0);
    assert_true(got > 0);
    left -= (int)got;
  }
  assert_true(atomic_load(&asked) > before);
  close(fd);
  wait_for(&freed, 1);
  bt_http_server_stop(server);
}

static void test_stalled_reader_is_cut(void **state) {
  bt_http_server *server = start(0, 600);
  int fd = http_ask(server, "/flood");
  (void)state;
  wait_for(&freed, 1); /* although the client still holds its end */
  close(fd);
  bt_http_server_stop(server);
}

static void test_gone_reader_is_noticed(void **state) {
  bt_http_server *server = start(0, 0);
  bt_buffer got = {0};
  int waiting = http_ask(server, "/silent"), reset = http_ask(server, "/silent"), full = http_ask(server, "/flood");
  (void)state;
  assert_true(http_read_until(waiting, "\r\n\r\n", &got));
  wait_for(&opened, 3);
  wait_for(&asked, 5);
  close(waiting); /* FIN */
  setsockopt(reset, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
  close(reset); /* RST */
  close(full);  /* with unread pages */
  wait_for(&freed, 3);
  bt_buffer_dispose(&got);
  bt_http_server_stop(server);
}

static void test_heartbeat(void **state) {
  bt_http_server *server = start(1, 0);
  bt_buffer got = {0};
  int fd = http_ask(server, "/silent");
  (void)state;
  assert_true(http_read_until(fd, ": \n\n", &got));
  atomic_store(&flood_open, true);
  assert_true(http_read_until(fd, "at last\n\r\n0\r\n\r\n", &got));
  close(fd);
  bt_buffer_dispose(&got);
  bt_http_server_stop(server);
}

static void test_many_readers_hold_no_worker(void **state) {
  bt_http_server *server = start(0, 0); /* with 2 workers */
  static int fds[MANY];
  (void)state;
  for (int i = 0; i < MANY; i++) fds[i] = http_ask(server, "/silent");
  wait_for(&opened, MANY);
  wait_for(&asked, 2 * MANY);
  assert_ping(server);
  atomic_store(&flood_open, true);
  for (int i = 0; i < MANY; i++) {
    bt_buffer got = {0};
    assert_true(http_read_until(fds[i], "at last\n\r\n0\r\n\r\n", &got));
    bt_buffer_dispose(&got);
    close(fds[i]);
  }
  wait_for(&freed, MANY);
  bt_http_server_stop(server);
}

/* A page that could not be made, and a stop: the stream ends without its last chunk, so that it does not look whole. */
static void test_broken_off_is_not_whole(void **state) {
  bt_http_server *server = start(0, 0);
  bt_buffer got = {0};
  int broken = http_ask(server, "/failing");
  (void)state;
  assert_false(http_read_until(broken, NULL, &got));
  assert_false(bt_str_contains(bt_buffer_str(&got), BT_STR("\r\n0\r\n\r\n")));
  close(broken);
  int waiting = http_ask(server, "/silent"), reading = http_ask(server, "/flood");
  wait_for(&opened, 3);
  bt_buffer_clear(&got);
  assert_true(http_read_until(waiting, "\r\n\r\n", &got));
  bt_http_server_stop(server);
  assert_int_equal(atomic_load(&freed), 3);
  assert_false(http_read_until(waiting, NULL, &got));
  assert_true(bt_str_contains(bt_buffer_str(&got), BT_STR("200 OK")));
  assert_false(bt_str_contains(bt_buffer_str(&got), BT_STR("\r\n0\r\n\r\n")));
  close(waiting);
  close(reading);
  bt_buffer_dispose(&got);
}

/* All workers are taken: streams go on. */
static void test_long_requests_hold_up_no_stream(void **state) {
  bt_http_server *server = start(0, 0); /* with 2 workers */
  bt_buffer got = {0};
  int reading = http_ask(server, "/silent"), fds[2];
  (void)state;
  assert_true(http_read_until(reading, "\r\n\r\n", &got));
  for (int i = 0; i < 2; i++) fds[i] = http_ask(server, "/stuck");
  wait_for(&stuck, 2);
  wait_for(&asked, atomic_load(&asked) + 3);
  atomic_store(&flood_open, true);
  assert_true(http_read_until(reading, "at last", &got));
  for (int i = 0; i < 2; i++) {
    bt_buffer_clear(&got);
    assert_true(http_read_until(fds[i], "free", &got));
    close(fds[i]);
  }
  close(reading);
  bt_buffer_dispose(&got);
  bt_http_server_stop(server);
}

static void test_a_later_answer_takes_its_place(void **state) {
  bt_http_server *server = start(0, 0);
  bt_buffer got = {0};
  int fd = http_ask(server, "/replaced");
  (void)state;
  assert_true(http_read_until(fd, "After all, no.", &got));
  assert_true(bt_str_contains(bt_buffer_str(&got), BT_STR("400 Bad Request")));
  assert_int_equal(atomic_load(&freed), 1);
  assert_int_equal(atomic_load(&asked), 0);
  close(fd);
  bt_buffer_dispose(&got);
  bt_http_server_stop(server);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN); /* as `betrace serve` does */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pages_arrive_in_order_and_the_connection_goes_on),
      cmocka_unit_test(test_head_and_http_1_0),
      cmocka_unit_test(test_slow_reader_costs_no_pages),
      cmocka_unit_test(test_stalled_reader_is_cut),
      cmocka_unit_test(test_gone_reader_is_noticed),
      cmocka_unit_test(test_heartbeat),
      cmocka_unit_test(test_many_readers_hold_no_worker),
      cmocka_unit_test(test_broken_off_is_not_whole),
      cmocka_unit_test(test_long_requests_hold_up_no_stream),
      cmocka_unit_test(test_a_later_answer_takes_its_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
