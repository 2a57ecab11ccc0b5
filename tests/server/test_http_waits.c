/* Calls that wait without a place: the lane has one place and many calls that wait, and another call of the lane is
 * answered meanwhile. All get their answers when what they wait for is there; time, a reader who goes and the end of
 * the service end the waiting; and streams wait in the same way. The routes are the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/http/http_server.h"
#include "tests/server/http_fixture.h"

enum { WAITING = 30, MS = 1000000 };
static const int64_t LONG_NS = INT64_C(60) * 1000 * MS;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bt_waits waits; /* behind the lock, with: */
static bool is_there;  /* what everybody waits for */
static atomic_int looks, pages, freed, cut;
static bt_workplace *work;

/* True: it is there. Else the call is told when it is. */
static bool look(bt_call *call) {
  bt_wait *wait = bt_call_wait(call);
  assert_non_null(wait);
  pthread_mutex_lock(&lock);
  bt_waits_remove(wait);
  bool was_there = is_there;
  if (!was_there) bt_waits_add(&waits, wait);
  pthread_mutex_unlock(&lock);
  return was_there;
}

static void make_it_there(void) {
  pthread_mutex_lock(&lock);
  is_there = true;
  bt_waits_wake_all(&waits);
  pthread_mutex_unlock(&lock);
}

static void forget(bt_call *call) {
  pthread_mutex_lock(&lock);
  bt_waits_remove(&call->wait);
  pthread_mutex_unlock(&lock);
}

/* `context` is when to give up. */
static void answer(void *context, bt_call *call) {
  const int64_t *until_ns = context;
  bool is_cut = bt_work_scope_why(call->scope) != BT_SCOPE_GOES_ON;
  atomic_fetch_add(&looks, 1);
  if (look(call)) {
    bt_call_text(call, 200, "text/plain", BT_STR("it is there"));
  } else if (is_cut) {
    forget(call);
    atomic_fetch_add(&cut, 1);
    bt_call_cut(call);
  } else if (bt_clock_monotonic_ns() >= *until_ns) {
    forget(call);
    bt_call_text(call, 200, "text/plain", BT_STR("not yet"));
  } else {
    bt_call_leave(call, *until_ns, answer, context);
  }
}

static void wait_until(bt_call *call, int64_t wait_ns) {
  int64_t *until_ns = bt_arena_alloc(&call->arena, sizeof *until_ns);
  assert_non_null(until_ns);
  *until_ns = bt_clock_monotonic_ns() + wait_ns;
  answer(until_ns, call);
}

static void handle_waiting(void *service, bt_call *call) {
  (void)service;
  wait_until(call, LONG_NS);
}

static void handle_briefly(void *service, bt_call *call) {
  (void)service;
  wait_until(call, 20 * MS);
}

static void handle_quick(void *service, bt_call *call) {
  (void)service;
  bt_call_text(call, 200, "text/plain", BT_STR("quick"));
}

static bt_stream_step next_page(void *context, bt_buffer *page) {
  bt_call *call = context;
  atomic_fetch_add(&pages, 1);
  if (look(call)) {
    bt_buffer_append(page, BT_STR("it is there"));
    return BT_STREAM_END;
  }
  bt_call_leave(call, bt_clock_monotonic_ns() + LONG_NS, NULL, NULL);
  return BT_STREAM_WAIT;
}

static void free_stream(void *context) {
  forget(context);
  atomic_fetch_add(&freed, 1);
}

static void handle_stream(void *service, bt_call *call) {
  static const bt_stream_operations operations = {next_page, "beat\n", free_stream};
  (void)service;
  bt_call_stream(call, 200, "text/plain", &operations, call);
}

static const bt_route routes[] = {{"GET", "/waiting", handle_waiting, BT_ROLE_VIEWER, BT_LANE_ANSWER},
                                  {"GET", "/briefly", handle_briefly, BT_ROLE_VIEWER, BT_LANE_ANSWER},
                                  {"GET", "/quick", handle_quick, BT_ROLE_VIEWER, BT_LANE_ANSWER},
                                  {"GET", "/stream", handle_stream, BT_ROLE_VIEWER, BT_LANE_ANSWER}};

static int start(void **state) {
  bt_http_server *server = NULL;
  bt_error error = {0};
  bt_pool_options places = {.places = {[BT_LANE_ANSWER] = 1, [BT_LANE_PAGES] = 1}};
  waits = (bt_waits){0};
  is_there = false;
  looks = pages = freed = cut = 0;
  assert_int_equal(bt_workplace_new(&places, &work, &error), BT_OK);
  bt_http_server_options options = {.listen = "127.0.0.1:0",
                                    .routes = routes,
                                    .route_count = sizeof routes / sizeof routes[0],
                                    .heartbeat_ms = 300,
                                    .work = work};
  assert_int_equal(bt_http_server_new(&options, &server, &error), BT_OK);
  *state = server;
  return 0;
}

static int stop(void **state) {
  bt_workplace_stop(work);
  bt_http_server_stop(*state);
  assert_int_equal(atomic_load(&work->waiting), 0);
  assert_null(waits.first);
  bt_workplace_free(work);
  return 0;
}

static void nap(void) {
  nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL);
}

static void wait_until_waiting(unsigned count) {
  for (int i = 0; i < HTTP_PATIENCE_MS / 2 && atomic_load(&work->waiting) != count; i++) nap();
  assert_int_equal(atomic_load(&work->waiting), count);
}

static void wait_for(atomic_int *counter, int at_least) {
  for (int i = 0; i < HTTP_PATIENCE_MS / 2 && atomic_load(counter) < at_least; i++) nap();
  assert_true(atomic_load(counter) >= at_least);
}

static void expect(int fd, const char *text) {
  bt_buffer got = {0};
  assert_true(http_read_until(fd, text, &got));
  bt_buffer_dispose(&got);
}

static void ask_quickly(const bt_http_server *server) {
  int fd = http_ask(server, "/quick");
  expect(fd, "quick");
  close(fd);
}

static void test_who_waits_keeps_nobody_waiting(void **state) {
  bt_http_server *server = *state;
  int fds[WAITING];
  for (int i = 0; i < WAITING; i++) fds[i] = http_ask(server, i % 2 ? "/waiting" : "/stream");
  wait_until_waiting(WAITING);
  ask_quickly(server);
  assert_int_equal(bt_pool_look(work->pool, BT_LANE_ANSWER).queued, 0);
  make_it_there();
  for (int i = 0; i < WAITING; i++) {
    expect(fds[i], "it is there");
    close(fds[i]);
  }
}

static void test_the_time_of_a_wait(void **state) {
  int fd = http_ask(*state, "/briefly");
  expect(fd, "not yet");
  close(fd);
  assert_int_equal(atomic_load(&looks), 2);
}

static void test_the_deadline_of_the_call(void **state) {
  int fd = http_ask_with(*state, "GET", "/waiting", "1.1\r\nBetrace-Timeout: 30ms");
  expect(fd, "504 ");
  close(fd);
}

static void test_readers_who_go(void **state) {
  bt_http_server *server = *state;
  int call = http_ask(server, "/waiting"), stream = http_ask(server, "/stream");
  wait_until_waiting(2);
  close(call);
  wait_for(&cut, 1);
  close(stream);
  wait_for(&freed, 1);
  wait_until_waiting(0);
  ask_quickly(server);
}

/* A stream that waits is asked for its page when it is woken, and for each heartbeat. */
static void test_a_stream_beats_while_it_waits(void **state) {
  int fd = http_ask(*state, "/stream");
  expect(fd, "beat\n");
  expect(fd, "beat\n");
  make_it_there();
  expect(fd, "it is there");
  close(fd);
}

static void test_the_end_of_the_service(void **state) {
  bt_http_server *server = *state;
  int fds[WAITING];
  for (int i = 0; i < WAITING; i++) fds[i] = http_ask(server, i % 2 ? "/waiting" : "/stream");
  wait_until_waiting(WAITING);
  bt_workplace_stop(work); /* the rest of it: stop() */
  for (int i = 1; i < WAITING; i += 2) expect(fds[i], "503 ");
  for (int i = 0; i < WAITING; i++) close(fds[i]);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {SERVED(test_who_waits_keeps_nobody_waiting), SERVED(test_the_time_of_a_wait),
                                     SERVED(test_the_deadline_of_the_call),       SERVED(test_readers_who_go),
                                     SERVED(test_a_stream_beats_while_it_waits),  SERVED(test_the_end_of_the_service)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
