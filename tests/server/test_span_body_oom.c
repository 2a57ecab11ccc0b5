/* Reading pushed spans under an allocator that fails at each call in turn: an error each time and nothing leaked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/span_body.h"
#include "tests/support/failing_alloc.h"

static const char body[] = "{\"spans\": [{\"trace_id\": \"a\", \"span_id\": \"b\", \"name\": \"n\", \"start_time\": "
                           "1767000000, \"duration_ms\": 5, \"trace_state\": \"a=b\", \"flags\": 257,"
                           " \"attributes\": {\"a\": [1, 2], \"service.name\": \"x\"}}]}";

static void test_no_memory(void **state) {
  (void)state;
  json_t *document = json_loads(body, 0, NULL);
  assert_non_null(document);
  for (size_t n = 0;; n++) {
    bt_buffer out = {0};
    bt_field_errors errors = {0};
    bt_error error = {0};
    assert_true(n < 200);
    failing_alloc_after(n);
    bt_status status = bt_span_body_read(document, 0, &out, &errors, &error);
    bool was_refused = failing_alloc_stop();
    assert_null(errors.items);
    if (was_refused) assert_true(status == BT_NO_MEMORY || status == BT_LIMIT);
    bt_buffer_dispose(&out);
    if (was_refused) continue;
    assert_int_equal(status, BT_OK);
    assert_true(n >= 2);
    break;
  }
  json_decref(document);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
