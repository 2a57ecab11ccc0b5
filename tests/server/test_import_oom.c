/* Every allocation of an import fails in turn: BT_NO_MEMORY and nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/import/import.h"
#include "tests/support/failing_alloc.h"

static const char text[] =
    "rules:\n"
    "- {id: a, name: A, tags: [x], severity: high, compliance_frameworks: [SOC2], other: 1,\n"
    "   condition: 'when { a.where(n < 5 and m matches \".*\") } never { b.where(not k == \"\") }',\n"
    "   example_violation: {description: d, trace: [{span: a, attributes: {n: 1, m: x}}]}}\n"
    "- {id: 'a b', name: B, condition: 'trace.has(a) and trace.has(b)', example_violation: {trace: [{span: a}]}}\n"
    "- {id: c, condition: 'when {'}\n"
    "- {id: d, dsl: 'when { a as x } always { b after x }', example_violation: {trace: [{name: a}]}}\n";

/* What is refused for want of memory says so; what comes without it is whole. */
static bt_status import_all(size_t *not_converted) {
  bt_import import;
  bt_buffer file = {0};
  bt_error error = {0};
  bt_import_init(&import);
  bt_status status = bt_import_add(&import, bt_str_from(text), "f.yaml", &error);
  if (!status) status = bt_import_write(&import, &file, &error);
  *not_converted = import.counts[BT_IMPORT_NOT_CONVERTED];
  bt_buffer_dispose(&file);
  bt_import_dispose(&import);
  return status;
}

static void test_import(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    assert_true(n < 20000);
    size_t not_converted = 0;
    failing_alloc_after(n);
    bt_status status = import_all(&not_converted);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (was_refused) continue;
    assert_int_equal(not_converted, 1);
    assert_true(n > 50);
    return;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_import)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
