/* tests/cases/format: a rule's text → its canonical layout with comments and annotations. `format_case_test --update`
 * rewrites the expectations. Lines of layouts begin with "|", so that their indentation is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "tests/dsl/rule_case.h"

static const char folder[] = "cases/format";

static void format(const char *text, bt_buffer *out) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_error error = {0};
  bt_status status = bt_rule_format(bt_str_from(text), out, &diagnostics, &error);
  if (status != BT_OK) rule_case_diagnostics(&diagnostics, bt_str_from(text), out);
  bt_diagnostics_dispose(&diagnostics);
}

static void print_case(const char *text, bt_buffer *out) {
  bt_buffer formatted = {0};
  format(text, &formatted);
  rule_case_print_field("prints", bt_buffer_str(&formatted), true, out);
  bt_buffer_dispose(&formatted);
}

static void without_bars(const char *text, bt_buffer *out) {
  bool at_start = true;
  for (; text && *text; text++) {
    if (!at_start || *text != '|') bt_buffer_append_char(out, *text);
    at_start = *text == '\n';
  }
  bt_buffer_append_char(out, '\n');
}

static void run_case(const text_case *c, void *context) {
  (void)context;
  bt_buffer once = {0}, twice = {0}, expected = {0};
  format(case_get(c, "text"), &once);
  without_bars(case_get(c, "prints"), &expected);
  rule_case_expect(c, "layout", expected.ptr, &once);
  if (once.len && once.ptr[0] != 'E') {
    format(once.ptr, &twice);
    rule_case_expect(c, "formatting twice", once.ptr, &twice);
  }
  bt_buffer_dispose(&once);
  bt_buffer_dispose(&twice);
  bt_buffer_dispose(&expected);
}

static void test_format_cases(void **state) {
  (void)state;
  assert_true(case_run_folder(folder, run_case, NULL) > 10);
}

int main(int argc, char **argv) {
  static const char *const keys[] = {"prints", NULL};
  if (argc > 1 && strcmp(argv[1], "--update") == 0) {
    rule_case_update(folder, keys, print_case);
    return 0;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_format_cases)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
