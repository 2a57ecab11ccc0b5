/* tests/cases/parse: a rule's text → the checked rule and what the check says. For every text it also holds that the
 * canonical text gives the same rule and itself, that formatting does too, and that each suggested fix removes what it
 * was suggested for. `parse_case_test --update` rewrites the expectations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "tests/dsl/rule_case.h"
#include "tests/support/rule_print.h"

static const char folder[] = "cases/parse";

/* The rule without its annotations, which the canonical text does not have. */
static void print_body(const bt_rule *rule, bt_buffer *out) {
  bt_rule body = *rule;
  body.annotation_count = 0;
  rule_print(&body, out);
}

static bt_rule *compile(bt_str text, bt_diagnostics *diagnostics) {
  bt_error error = {0};
  bt_rule *rule = NULL;
  bt_diagnostics_init(diagnostics);
  bt_status status = bt_rule_compile(text, &rule, diagnostics, &error);
  assert_true(status == BT_OK || status == BT_INVALID);
  assert_true((status == BT_OK) == (diagnostics->error_count == 0));
  assert_true((status == BT_OK) == (rule != NULL));
  return rule;
}

static void print_case(const char *text, bt_buffer *out) {
  bt_diagnostics diagnostics;
  bt_rule *rule = compile(bt_str_from(text), &diagnostics);
  bt_buffer part = {0};
  if (rule) {
    rule_print(rule, &part);
    rule_case_print_field("rule", bt_buffer_str(&part), false, out);
  }
  bt_buffer_clear(&part);
  rule_case_diagnostics(&diagnostics, bt_str_from(text), &part);
  if (part.len) rule_case_print_field("says", bt_buffer_str(&part), false, out);
  bt_buffer_dispose(&part);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static size_t count_code(const bt_diagnostics *diagnostics, const char *code) {
  size_t count = 0;
  for (size_t i = 0; i < diagnostics->count; i++) count += strcmp(diagnostics->items[i].code, code) == 0;
  return count;
}

/* After the fix there is one diagnostic with this code less, or (for a syntax error that hid the rest) at least not the
 * same one. */
static void check_fix(const text_case *c, bt_str text, const bt_diagnostics *before, const bt_diagnostic *fixed) {
  bt_buffer mended = {0};
  rule_case_apply_fix(text, fixed, &mended);
  bt_diagnostics after;
  bt_rule *rule = compile(bt_buffer_str(&mended), &after);
  bool gone = count_code(&after, fixed->code) < count_code(before, fixed->code);
  if (!fixed->is_error && after.error_count > before->error_count) {
    fprintf(stderr, "after the fix: %s\n", mended.ptr);
    rule_case_fail(c, "the fix of a warning makes an error");
  }
  for (size_t i = 0; !gone && i < after.count; i++)
    if (strcmp(after.items[i].code, fixed->code) == 0 && bt_str_equal(after.items[i].message, fixed->message)) {
      fprintf(stderr, "after the fix: %s\n", mended.ptr);
      rule_case_fail(c, "a fix does not remove what it is for");
    }
  bt_rule_free(rule);
  bt_diagnostics_dispose(&after);
  bt_buffer_dispose(&mended);
}

static void check_same_rule(const text_case *c, bt_str text, const bt_rule *rule, const char *what) {
  bt_diagnostics diagnostics;
  bt_rule *again = compile(text, &diagnostics);
  if (!again) {
    fprintf(stderr, "%.*s\n", BT_FMT(text));
    rule_case_fail(c, "its printed form does not compile");
    return;
  }
  bt_buffer expected = {0}, got = {0};
  print_body(rule, &expected);
  print_body(again, &got);
  rule_case_expect(c, what, expected.ptr, &got);
  if (!bt_str_equal(again->canonical, rule->canonical))
    rule_case_fail(c, "the canonical text of its printed form differs");
  bt_buffer_dispose(&expected);
  bt_buffer_dispose(&got);
  bt_rule_free(again);
  bt_diagnostics_dispose(&diagnostics);
}

static void check_format(const text_case *c, bt_str text, const bt_rule *rule) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_buffer once = {0}, twice = {0};
  bt_error error = {0};
  assert_int_equal(bt_rule_format(text, &once, &diagnostics, &error), BT_OK);
  check_same_rule(c, bt_buffer_str(&once), rule, "the formatted text's rule");
  assert_int_equal(bt_rule_format(bt_buffer_str(&once), &twice, &diagnostics, &error), BT_OK);
  rule_case_expect(c, "formatting twice", once.ptr, &twice);
  bt_buffer_dispose(&once);
  bt_buffer_dispose(&twice);
  bt_diagnostics_dispose(&diagnostics);
}

static void run_case(const text_case *c, void *context) {
  (void)context;
  const char *text = case_get(c, "text");
  if (!text) {
    rule_case_fail(c, "a case without text");
    return;
  }
  bt_diagnostics diagnostics;
  bt_rule *rule = compile(bt_str_from(text), &diagnostics);
  bt_buffer printed = {0};
  if (rule) rule_print(rule, &printed);
  rule_case_expect(c, "rule", case_get(c, "rule"), &printed);
  bt_buffer_clear(&printed);
  rule_case_diagnostics(&diagnostics, bt_str_from(text), &printed);
  rule_case_expect(c, "says", case_get(c, "says"), &printed);
  for (size_t i = 0; i < diagnostics.count; i++)
    if (diagnostics.items[i].has_fix) check_fix(c, bt_str_from(text), &diagnostics, &diagnostics.items[i]);
  if (rule) check_same_rule(c, rule->canonical, rule, "the canonical text's rule");
  if (rule) check_format(c, bt_str_from(text), rule);
  bt_buffer_dispose(&printed);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static void test_parse_cases(void **state) {
  (void)state;
  size_t count = case_run_folder(folder, run_case, NULL);
  assert_true(count > 100);
}

int main(int argc, char **argv) {
  static const char *const keys[] = {"rule", "says", NULL};
  if (argc > 1 && strcmp(argv[1], "--update") == 0) {
    rule_case_update(folder, keys, print_case);
    return 0;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse_cases)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
