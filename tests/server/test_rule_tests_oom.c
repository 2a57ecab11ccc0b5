/* Every allocation of checking a rule file, running its tests and reporting them fails in turn, and so does formatting
 * one: BT_NO_MEMORY, and nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/json/junit.h"
#include "server/rulefile/file_format.h"
#include "server/rulefile/test_run.h"
#include "tests/support/failing_alloc.h"

static const char text[] =
    "rules:\n"
    "- id: a\n"
    "  severity: low\n"
    "  dsl: |\n"
    "    @SOC2(controls = {CC6_1})\n"
    "    when {checkout.where(amount > 1000) as c and not x} always {fraud after c where(order == c.order)}\n"
    "  tests:\n"
    "  - name: violated\n"
    "    trace: [{span: checkout, id: s1, service: web, attributes: {amount: 2000}}, {span: fraud, at: 5ms, events: "
    "[{name: e}], links: [{trace: own, span: s1, attributes: {n: 1}}]}]\n"
    "    expect: violated\n"
    "    witness: {c: s1}\n"
    "  - name: wrong\n"
    "    trace: [{span: checkout, id: s1, attributes: {amount: 2000}}]\n"
    "    expect: {a: satisfied, b: violated}\n"
    "- id: linked\n"
    "  dsl: when {p as x} never {span(span.status == error) downstream of x within 1h under (w linked to x within "
    "1h)}\n"
    "  tests:\n"
    "  - name: wrong\n"
    "    trace: [{span: p, id: m, links: [{trace: consumer, span: w}]}]\n"
    "    others: {consumer: [{span: w, id: w, links: [{trace: own, span: m}]}, {span: v, status: error}]}\n"
    "    expect: satisfied\n"
    "- name: B\n"
    "  dsl: |\n"
    "    when {x} always {y}\n"
    "- name: broken\n"
    "  dsl: when {\n";

static bt_status add(void *context, const bt_test_result *result, bt_error *error) {
  return bt_junit_add(context, result, error);
}

static bt_status run_all(bt_junit *junit, bt_buffer *document, bt_error *error) {
  bt_checked_file file;
  bt_buffer problems = {0};
  bt_status status = bt_checked_file_read(bt_str_from(text), "f.yaml", NULL, false, &file, error);
  if (status) return status;
  assert_int_equal(file.rule_count, 4);
  bt_checked_rule_print(&file, &file.rules[3], &problems);
  status = problems.failed ? BT_NO_MEMORY : bt_tests_run(&file, "", add, junit, error);
  if (!status) bt_junit_end_file(junit, "f.yaml");
  if (!status) status = bt_junit_write(junit, document, error);
  bt_buffer_dispose(&problems);
  bt_checked_file_dispose(&file);
  return status;
}

static void test_run(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    assert_true(n < 5000);
    bt_junit junit = {0};
    bt_buffer document = {0};
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = run_all(&junit, &document, &error);
    bool was_refused = failing_alloc_stop();
    if (!was_refused) {
      assert_int_equal(status, BT_OK);
      assert_int_equal(junit.all.tests, 4);
      assert_int_equal(junit.all.failures, 3);
      assert_int_equal(junit.all.errors, 0);
      assert_true(bt_str_contains(bt_buffer_str(&document), BT_STR("c = checkout (id s1): amount=2000")));
      assert_true(bt_str_contains(bt_buffer_str(&document), BT_STR("w (id w) in trace consumer")));
    } else {
      assert_int_equal(status, BT_NO_MEMORY);
    }
    bt_junit_dispose(&junit);
    bt_buffer_dispose(&document);
    if (was_refused) continue;
    assert_true(n > 100);
    return;
  }
}

static void test_format(void **state) {
  (void)state;
  size_t length = sizeof text - 1 - sizeof "- name: broken\n  dsl: when {\n" + 1;
  for (size_t n = 0;; n++) {
    assert_true(n < 5000);
    bt_buffer out = {0}, problems = {0};
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_rulefile_format((bt_str){text, length}, "f.yaml", &out, &problems, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) assert_true(bt_str_contains(bt_buffer_str(&out), BT_STR("\n    when { x }\n    always { y }\n")));
    bt_buffer_dispose(&out);
    bt_buffer_dispose(&problems);
    if (was_refused) continue;
    assert_true(n > 5); /* without sanitizers an arena takes its memory in few blocks */
    return;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_run), cmocka_unit_test(test_format)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
