/* A thread that serves everybody ends the program where it would wait, in builds with assertions; others wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tempo/wire/http_client.h"
#include "tempo/wire/wait_guard.h"
#include "tempo/wire/pause.h"

static void wait_a_moment(void) {
  (void)bt_pause_ms(NULL, 1);
}

/* Of an address that nobody listens at. */
static void ask_a_source(void) {
  const bt_http_options options = {.concurrency = 1};
  const bt_http_request request = {.method = "GET", .url = "http://127.0.0.1:1/", .timeout_ms = 1000};
  bt_http_response response = {0};
  bt_http_client *client = NULL;
  bt_error error = {0};
  if (bt_http_client_new(&options, &client, &error)) _exit(2);
  (void)!bt_http_send(client, &request, &response, &error);
}

/* In a process of its own. False: the signal of a failed assertion ended it. */
static bool comes_through(void (*wait)(void), bool is_forbidden) {
  pid_t child = fork();
  if (!child) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGABRT, SIG_DFL);
    (void)!close(STDERR_FILENO);
    if (is_forbidden) bt_thread_forbid_waits();
    wait();
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGABRT);
  return WIFEXITED(status);
}

static void test_a_wait_that_is_forbidden(void **state) {
  void (*const waits[])(void) = {wait_a_moment, ask_a_source};
  bool has_assertions = true;
#ifdef NDEBUG
  has_assertions = false;
#endif
  (void)state;
  for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
    assert_true(comes_through(waits[i], false));
    assert_int_equal(comes_through(waits[i], true), !has_assertions);
  }
}

static void *pass_through(void *is_through) {
  (void)bt_pause_ms(NULL, 1);
  *(bool *)is_through = true;
  return NULL;
}

/* The mark is of one thread. */
static void test_other_threads_may_wait(void **state) {
  bool is_through = false;
  pthread_t thread;
  (void)state;
  bt_thread_forbid_waits();
  assert_int_equal(pthread_create(&thread, NULL, pass_through, &is_through), 0);
  pthread_join(thread, NULL);
  assert_true(is_through);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_wait_that_is_forbidden),
                                     cmocka_unit_test(test_other_threads_may_wait)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
