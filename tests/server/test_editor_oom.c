/* Every allocation of a completion fails in turn: an error and no leak, or everything that is offered with memory
 * enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/editor/completion.h"
#include "tests/support/failing_alloc.h"

enum { TRIES = 5000 };

static bt_status complete(bt_str text, bt_completion *out) {
  bt_error error;
  bt_status status = bt_completion_run(text, text.len, NULL, out, &error);
  for (size_t i = 0; i < out->want_count && !status; i++) {
    status = bt_completion_add(out, &out->wants[i], BT_STR("my \"key\""), BT_VALUE_STRING, &error);
    if (!status) status = bt_completion_add(out, &out->wants[i], BT_STR("plain"), BT_VALUE_STRING, &error);
  }
  if (!status) bt_completion_sort(out);
  return status;
}

static void fail_in_turn(bt_str text) {
  bt_completion all, completion;
  assert_int_equal(complete(text, &all), BT_OK);
  assert_true(all.count > 0);
  for (size_t n = 0;; n++) {
    assert_true(n < TRIES);
    failing_alloc_after(n);
    bt_status status = complete(text, &completion);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) assert_int_equal(completion.count, all.count);
    bt_completion_dispose(&completion);
    if (!was_refused) break;
  }
  bt_completion_dispose(&all);
}

static void test_completion(void **state) {
  (void)state;
  fail_in_turn(BT_STR(""));
  fail_in_turn(BT_STR("when { checkout as c } always { b.where(order == c."));
  fail_in_turn(BT_STR("when { a.where(note == \"my \\\"k"));
  fail_in_turn(BT_STR("trace.has(span."));
  fail_in_turn(BT_STR("when { payment."));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_completion)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
