/* Traces of a command line under an allocator that fails at each call in turn: an error each time, nothing leaked. What
 * counts as rules and as traces is tested by tests/http/test_cli_mistakes.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/cli/operands.h"
#include "tests/support/failing_alloc.h"

static char file_name[] = P_tmpdir "/betrace-operand-XXXXXX";

static void test_each_failure(void **state) {
  const char *const paths[] = {file_name};
  (void)state;
  for (size_t n = 0;; n++) {
    bt_source *source = NULL;
    bt_error error = {0};
    assert_true(n < 1000);
    failing_alloc_after(n);
    bt_status status = bt_cli_open_traces(paths, 1, 1, &source, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    bt_source_free(source);
    if (was_refused) continue;
    assert_true(n >= 3);
    return;
  }
}

/* Whatever the reader of files says, a path that cannot be read is a wrong use of the command. */
static void test_missing_file_is_wrong_use(void **state) {
  const char *const paths[] = {P_tmpdir "/betrace-no-such-file"};
  bt_source *source = NULL;
  bt_error error = {0};
  (void)state;
  assert_int_equal(bt_cli_open_traces(paths, 1, 1, &source, &error), BT_INVALID);
  assert_int_equal(error.status, BT_INVALID);
  assert_null(source);
  assert_false(bt_operand_has_rules(file_name, false));
}

static int make_file(void **state) {
  static const char text[] =
      "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"00000000000000000000000000000001\","
      "\"spanId\":\"0000000000000001\",\"name\":\"a\",\"startTimeUnixNano\":\"1000\","
      "\"endTimeUnixNano\":\"2000\"}]}]}]}\n";
  (void)state;
  int file = mkstemp(file_name);
  if (file < 0 || write(file, text, sizeof text - 1) != (ssize_t)sizeof text - 1) return 1;
  return close(file);
}

static int remove_file(void **state) {
  (void)state;
  return remove(file_name);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_failure),
                                     cmocka_unit_test(test_missing_file_is_wrong_use)};
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
