/* bt_rule_compile and bt_rule_format when memory runs out: every allocation fails in turn. The error is BT_NO_MEMORY,
 * nothing is returned, nothing leaks (AddressSanitizer), and the same text compiles again afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "tests/support/failing_alloc.h"

static const char *const texts[] = {
    "@SOC2(controls = {CC6_1, \"CC7.2\"}) @severity(HIGH) # a comment\n"
    "when { checkout.where(amount > 1000 and status == \"x\\n\").where(event.where(event.name == \"e\")) as c and "
    "\"GET /\" as d }\n"
    "always { fraud-check after c within 500ms where(order_id == c.order_id and name matches `^a+$`) or d.start - "
    "c.end < 5s }\n"
    "never { count(db.query under c) + 1 > 10 or trace.has_before(payment.amount > 2, payment) }",
    "when { a.where(exists(k) and verified and not (\"x y\" or k in [a.b, \"c\", -1]) or k == \"d\" or \"e\") as "
    "checkout }\n"
    "always { b between checkout and (c.where(k contains \"x\")).end under chekcout or sum(d, span.duration) / 2 > 1s "
    "- 5ms }\n"
    "never { trace.has(event.name == \"x\" and span.status == ERROR) or -max(e, \"f g\") < 1.5 or p.amount in [1] }",
    "payment.amount > 1000 and (a or b) and exists(k) and sum(x, \"y z\") in [1, -2.5] and foo(",
    "when { a as b } always { c",
    "when { { name = \"x\" && status = error } and { .k = 1 } >> { .m = 2 } } never { (span.k == 1 or span.name == "
    "\"y\") "
    "and event.time as e }",
    "when { a as b and d } always { every(c.where(k == 1) under b, m == b.m or exists(\"x y\")) and every(d, ok) }\n"
    "never { sum(e, price * quantity - b.rate) > count_distinct(e, user) and every(span.k == 1, ok) }",
    "when { a.where(link.where(link.k == 1 and m == 2 and link.traceId == \"x\")) as b } "
    "always { c.where(link.span_id == b.span.id or link.trace_id == \"ab\" or link.attributes[\"k\"] in [1]) }",
};

static void run(const char *text, bool format, size_t n, bool *refused) {
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_rule *rule = NULL;
  bt_buffer out = {0};
  bt_diagnostics_init(&diagnostics);
  failing_alloc_after(n);
  bt_status status = format ? bt_rule_format(bt_str_from(text), &out, &diagnostics, &error)
                            : bt_rule_compile(bt_str_from(text), &rule, &diagnostics, &error);
  *refused = failing_alloc_stop();
  if (*refused) {
    assert_int_equal(status, BT_NO_MEMORY);
    assert_int_equal(error.status, BT_NO_MEMORY);
    assert_null(rule);
  }
  bt_rule_free(rule);
  bt_buffer_dispose(&out);
  bt_diagnostics_dispose(&diagnostics);
}

static void every_allocation_fails(bool format) {
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    bool refused = true;
    size_t n = 0;
    for (; refused && n < 100000; n++) run(texts[i], format, n, &refused);
    assert_true(n > 3);
    assert_false(refused);
  }
}

static void test_compile(void **state) {
  (void)state;
  every_allocation_fails(false);
}

static void test_format(void **state) {
  (void)state;
  every_allocation_fails(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_compile), cmocka_unit_test(test_format)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
