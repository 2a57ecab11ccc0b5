/* Rule files of the original project as text cases (cases/import): `yaml |` → `rules |`, the whole new file with what
 * is said of each rule, or `error`. The lines below each begin with "|". What is written is a rule file without errors,
 * and its tests fail only for rules that have to be looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/import/import.h"
#include "server/rulefile/test_run.h"
#include "tests/support/case_file.h"

static void append_unbarred(bt_buffer *out, const char *value) {
  assert_non_null(value);
  assert_int_equal(value[0], '|');
  for (const char *line = value + 1 + (value[1] == '\n'); *line;) {
    size_t length = strcspn(line, "\n");
    assert_true(length && line[0] == '|');
    bt_buffer_append(out, (bt_str){line + 1, length - 1});
    bt_buffer_append_char(out, '\n');
    line += length + (line[length] == '\n');
  }
}

static bt_import_result result_of(const bt_import *import, bt_str id) {
  for (const bt_import_rule *rule = import->first; rule; rule = rule->next)
    if (rule->dsl.ptr && bt_str_equal(rule->id, id)) return rule->result;
  fail_msg("no rule %.*s", BT_FMT(id));
  return BT_IMPORT_NOT_CONVERTED;
}

static bt_status take_result(void *context, const bt_test_result *result, bt_error *error) {
  (void)error;
  if (result->outcome != BT_TEST_PASSED) assert_int_equal(result_of(context, result->rule_id), BT_IMPORT_LOOK);
  return BT_OK;
}

/* The new file is one that every other command takes. */
static void check_file(bt_import *import, bt_str text) {
  bt_checked_file file;
  bt_error error = {0};
  bt_status status = bt_checked_file_read(text, "new.yaml", NULL, false, &file, &error);
  if (status) fail_msg("%s\n%.*s", error.message, BT_FMT(text));
  assert_int_equal(file.error_count, 0);
  assert_int_equal(file.rule_count, import->counts[BT_IMPORT_CONVERTED] + import->counts[BT_IMPORT_LOOK]);
  assert_int_equal(bt_tests_run(&file, NULL, take_result, import, &error), BT_OK);
  bt_checked_file_dispose(&file);
}

static void run_case(const text_case *c, void *context) {
  bt_buffer yaml = {0}, got = {0}, expected = {0};
  bt_import import;
  bt_error error = {0};
  append_unbarred(&yaml, case_get(c, "yaml"));
  bt_import_init(&import);
  bt_status status = bt_import_add(&import, bt_buffer_str(&yaml), "old.yaml", &error);
  if (case_get(c, "error")) {
    bt_buffer_append(&expected, bt_str_from(case_get(c, "error")));
    bt_buffer_append(&got, bt_str_from(status == BT_INVALID ? error.message : "no error"));
  } else {
    append_unbarred(&expected, case_get(c, "rules"));
    if (!status) status = bt_import_write(&import, &got, &error);
    if (status) bt_buffer_append(&got, bt_str_from(error.message));
    if (!status) check_file(&import, bt_buffer_str(&got));
  }
  assert_false(got.failed || expected.failed);
  if (!bt_str_equal(bt_buffer_str(&got), bt_buffer_str(&expected))) {
    print_error("%s:%u: %s\nexpected:\n%s\ngot:\n%s\n", c->file, c->line, c->comment, expected.ptr, got.ptr);
    ++*(int *)context;
  }
  bt_import_dispose(&import);
  bt_buffer_dispose(&yaml);
  bt_buffer_dispose(&got);
  bt_buffer_dispose(&expected);
}

static void test_cases(void **state) {
  (void)state;
  int failures = 0;
  assert_true(case_run_folder("cases/import", run_case, &failures) > 50);
  assert_int_equal(failures, 0);
}

/* What stands before `head` and behind it as often as it takes. */
static void refuse_text(const char *before, const char *part, size_t count, const char *expected) {
  bt_buffer yaml = {0};
  bt_import import;
  bt_error error = {0};
  bt_buffer_printf(&yaml, "{\"rules\": [{\"id\": \"r\", \"dsl\": \"%s", before);
  for (size_t i = 0; i < count; i++) bt_buffer_append(&yaml, bt_str_from(part));
  bt_buffer_append(&yaml, BT_STR("\"}]}"));
  bt_import_init(&import);
  assert_int_equal(bt_import_add(&import, bt_buffer_str(&yaml), "old.json", &error), BT_OK);
  assert_int_equal(import.counts[BT_IMPORT_NOT_CONVERTED], 1);
  const char *message = import.first->findings->message.ptr;
  if (!strstr(message, expected)) fail_msg("expected \"%s\", got \"%s\"", expected, message);
  bt_import_dispose(&import);
  bt_buffer_dispose(&yaml);
}

static void test_limits(void **state) {
  (void)state;
  refuse_text("when { ", "(", 100000, "expected at most 64 KiB");
  refuse_text("when { ", "(", 60000, "at most 64 deep");
  refuse_text("when { ", "not ", 10000, "at most 64 deep");
  refuse_text("when { x.where(", "not ", 10000, "at most 64 deep");
  refuse_text("a", " and a", 10000, "the new rule would be wrong: ");
}

static void test_rules_of_several_files_are_one(void **state) {
  (void)state;
  static const char text[] = "rules:\n- {id: r, dsl: 'when { a } always { b }'}\n";
  bt_import import;
  bt_error error = {0};
  bt_buffer file = {0};
  bt_import_init(&import);
  assert_int_equal(bt_import_add(&import, bt_str_from(text), "one.yaml", &error), BT_OK);
  assert_int_equal(bt_import_add(&import, bt_str_from("rules: ["), "broken.yaml", &error), BT_INVALID);
  assert_int_equal(bt_import_add(&import, bt_str_from(text), "two.yaml", &error), BT_OK);
  assert_int_equal(bt_import_write(&import, &file, &error), BT_OK);
  assert_non_null(strstr(file.ptr, "id: r-2"));
  assert_true(bt_str_equal(import.last->file, BT_STR("two.yaml")));
  check_file(&import, bt_buffer_str(&file));
  bt_buffer_dispose(&file);
  bt_import_dispose(&import);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_limits),
                                     cmocka_unit_test(test_rules_of_several_files_are_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
