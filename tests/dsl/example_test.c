/* Examples of rules and comparisons of two: the plain cases by hand, the same twice, and where memory runs out. What
 * holds for any rule is in tests/diff/diff_example.c, and for the rules that are handed out in
 * tests/e2e/test_rule_examples.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dsl/compile.h"
#include "dsl/example/example.h"
#include "dsl/example/example_text.h"
#include "dsl/example/pattern_text.h"
#include "tests/support/failing_alloc.h"

static bt_rule *compile(const char *text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_str_from(text), &rule, &diagnostics, NULL) != BT_OK) fail_msg("%s", text);
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

/* "-" for one that was not found. */
static void expect_trace(const bt_trace *trace, const char *expected) {
  bt_buffer text = {0};
  bt_buffer_append(&text, BT_STR(""));
  if (trace)
    bt_example_say(trace, &text);
  else
    bt_buffer_append(&text, BT_STR("-"));
  assert_string_equal(text.ptr, expected);
  bt_buffer_dispose(&text);
}

static void expect_examples(const char *text, const char *violating, const char *keeping) {
  bt_rule *rule = compile(text);
  for (int i = 0; i < 2; i++) { /* the same twice */
    bt_examples examples;
    assert_int_equal(bt_examples_find(rule, &examples, NULL), BT_OK);
    expect_trace(examples.violating, violating);
    expect_trace(examples.keeping, keeping);
    bt_examples_dispose(&examples);
  }
  bt_rule_free(rule);
}

static void test_examples(void **state) {
  (void)state;
  expect_examples("when { pii.read } always { audit.log }", "pii.read  0ms + 1ms\n",
                  "pii.read  0ms + 1ms\n  audit.log  1ms + 1ms\n");
  expect_examples("when { checkout.where(amount > 1000) } never { refund }",
                  "checkout  0ms + 1ms  amount = 1001\n  refund  1ms + 1ms\n", "checkout  0ms + 1ms  amount = 1001\n");
  expect_examples("never { pay.where(amount > 1000) }", "pay  0ms + 1ms  amount = 1001\n",
                  "pay  0ms + 1ms  amount = 1000\n");
  expect_examples("when { x } always { x }", "-", "x  0ms + 1ms\n");
  expect_examples("when { x } always { false }", "x  0ms + 1ms\n", "-");
  expect_examples("never { x.where(k =~ \"[A-F]{3}(-[0-9]+)?z\") }", "x  0ms + 1ms  k = \"AAAz\"\n",
                  "x  0ms + 1ms  k = \"other\"\n");
}

static void expect_meaning(const char *first, const char *second, bt_meaning_kind kind, bool first_is_within,
                           bool second_is_within) {
  bt_rule *a = compile(first), *b = compile(second);
  bt_meaning meaning;
  assert_int_equal(bt_meaning_compare(a, b, &meaning, NULL), BT_OK);
  if (meaning.kind != kind || meaning.first_is_within != first_is_within ||
      meaning.second_is_within != second_is_within)
    fail_msg("%s / %s: %s %d %d", first, second, bt_meaning_name(meaning.kind), meaning.first_is_within,
             meaning.second_is_within);
  assert_int_equal(meaning.only_first != NULL, kind == BT_MEANING_LAXER || kind == BT_MEANING_DIFFERENT);
  assert_int_equal(meaning.only_second != NULL, kind == BT_MEANING_STRICTER || kind == BT_MEANING_DIFFERENT);
  bt_meaning_dispose(&meaning);
  bt_rule_free(a);
  bt_rule_free(b);
}

static void expect_equivalent(const char *first, const char *second) {
  expect_meaning(first, second, BT_MEANING_EQUIVALENT, true, true);
}

static void expect_stricter(const char *first, const char *second) {
  expect_meaning(first, second, BT_MEANING_STRICTER, true, false);
  expect_meaning(second, first, BT_MEANING_LAXER, false, true);
}

static void expect_different(const char *first, const char *second) {
  expect_meaning(first, second, BT_MEANING_DIFFERENT, false, false);
}

static void test_equivalent(void **state) {
  (void)state;
  expect_equivalent("when { a and b } always { c }", "when { b and a } always { c }");
  expect_equivalent("when { a as x } always { b after x }", "when { a as y } always { b after y }");
  expect_equivalent("when { a.where(k > 1 and m == 2) } never { b or c }",
                    "when { a.where(m == 2 and k > 1) } never { c or b }");
  expect_equivalent("when { a } always { b }", "a and not b");
  expect_equivalent("when { a } never { b }", "when { a } always { not b }");
  expect_equivalent("count(retry) > 3", "count(retry) >= 4");
  expect_equivalent("a and (b or c)", "(a and b) or (a and c)");
  expect_equivalent("count(retry) > 0", "retry");
}

static void test_stricter(void **state) {
  (void)state;
  expect_stricter("count(retry) > 3", "count(retry) >= 3");
  expect_stricter("when { a.where(k > 10) } always { b }", "when { a.where(k > 5) } always { b }");
  expect_stricter("when { a as x } always { b after x within 5s }", "when { a as x } always { b after x within 3s }");
  expect_stricter("when { a as x } always { b under x }", "when { a as x } always { b child of x }");
  expect_stricter("when { a } always { b or c }", "when { a } always { b }");
  expect_stricter("when { a and c } always { b }", "when { a } always { b }");
  expect_stricter("never { a.where(k in [1, 2]) }", "never { a.where(k in [1, 2, 3]) }");
  expect_stricter("never { a.where(k == 5) }", "never { a.where(exists(k)) }");
}

static void test_different(void **state) {
  (void)state;
  expect_different("when { a } always { b }", "when { a } always { c }");
  expect_different("when { a as x } always { b after x }", "when { a as x } always { b before x }");
  expect_different("never { a.where(k > 5) }", "never { a.where(k < 5) }");
  expect_different("never { a.where(span.kind == server) }", "never { a.where(span.kind == client) }");
  /* what a proof must not take for the same */
  expect_meaning("not (a as x and x.k == 1)", "not (a as x and x.k == 2)", BT_MEANING_DIFFERENT, false, false);
}

/* A trace tells them apart, and that nothing shows the other way is no proof. */
static void test_unproven(void **state) {
  (void)state;
  expect_meaning("when { a as x and a as y } always { x.k == y.m }", "when { a as x and a as y } always { y.k == x.k }",
                 BT_MEANING_LAXER, false, false);
  expect_meaning("sum(a, k) > 1", "sum(a, k) > 1 and sum(a, k) * 2 > 2", BT_MEANING_NOT_TOLD, false, true);
}

static void test_every_allocation(void **state) {
  (void)state;
  bt_rule *a = compile("when { x.where(k =~ \"a+\") as p } always { y after p within 1s }");
  bt_rule *b = compile("when { x.where(k =~ \"a+\") as p } always { y after p within 2s where(event.name == e) }");
  for (size_t n = 0, step = 1;; n += step, step += n / 40) {
    bt_examples examples;
    bt_meaning meaning;
    failing_alloc_after(n);
    bt_status first = bt_examples_find(a, &examples, NULL);
    bt_examples_dispose(&examples);
    bt_status second = bt_meaning_compare(a, b, &meaning, NULL);
    bt_meaning_dispose(&meaning);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(first || second, was_refused);
    assert_true((!first || first == BT_NO_MEMORY) && (!second || second == BT_NO_MEMORY));
    if (!was_refused) break;
    assert_true(n < 1000000);
  }
  bt_rule_free(a);
  bt_rule_free(b);
}

/* Of what is no pattern too, it ends. */
static void test_pattern_texts(void **state) {
  (void)state;
  static const char *const patterns[] = {"",        "(",          ")))",
                                         "[",       "[^",         "\\",
                                         "a{",      "a{9999999}", "((((((((((((((((((((((((((((((a",
                                         "(?i)a|b", "(?P<n>x)+",  "a||",
                                         "[]]",     "[\\]",       "(a|b){3,5}?\\d\\w\\s."};
  char out[PATTERN_TEXT_BYTES];
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
    for (uint64_t choice = 0; choice < 20; choice++)
      assert_true(pattern_text_make(bt_str_from(patterns[i]), choice, out) <= PATTERN_TEXT_BYTES);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples),     cmocka_unit_test(test_equivalent),
                                     cmocka_unit_test(test_stricter),     cmocka_unit_test(test_different),
                                     cmocka_unit_test(test_unproven),     cmocka_unit_test(test_every_allocation),
                                     cmocka_unit_test(test_pattern_texts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
