/* Tokens and access under an allocator that fails at each call in turn: an error each time, nothing leaked, nothing
 * half made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/http/access.h"
#include "tests/support/failing_alloc.h"

static const char tokens[] =
    "a sha256:0000000000000000000000000000000000000000000000000000000000000000 viewer tenants=x,y\n"
    "b sha256:1111111111111111111111111111111111111111111111111111111111111111 editor\n";

static void test_access(void **state) {
  static const char *const names[] = {"betrace.example", NULL}, *const origins[] = {"https://grafana.example", NULL};
  char file[] = "betrace-tokens-XXXXXX";
  int fd = mkstemp(file);
  (void)state;
  assert_true(fd >= 0 && write(fd, tokens, sizeof tokens - 1) == (ssize_t)sizeof tokens - 1);
  close(fd);
  bt_access_options options = {.tokens_file = file, .hosts = names, .cors_origins = origins};
  for (size_t n = 0;; n++) {
    bt_access *access = NULL;
    bt_error error = {0};
    assert_true(n < 100);
    failing_alloc_after(n);
    bt_status status = bt_access_new(&options, &access, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    assert_int_equal(access != NULL, !was_refused);
    bt_access_release(access);
    if (was_refused) continue;
    assert_true(n >= 4);
    break;
  }
  unlink(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_access)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
