/* `use` of rule files: what comes of the files that are used, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/rulefile/checked_file.h"

static const char *const names[] = {"rules.yaml", "a.yaml", "d/b.yaml", "d/c.yaml", "d/out.yaml"};
enum { NAMES = sizeof names / sizeof *names };

typedef struct folder {
  char path[64], file[96];
} folder;

static const char *path_in(folder *f, const char *name) {
  snprintf(f->file, sizeof f->file, "%s/%s", f->path, name);
  return f->file;
}

static int make_folder(void **state) {
  folder *f = calloc(1, sizeof *f);
  const char *under = getenv("TMPDIR");
  if (!f) return -1;
  snprintf(f->path, sizeof f->path, "%.30s/betrace-use-XXXXXX", under ? under : P_tmpdir);
  *state = f;
  return mkdtemp(f->path) && mkdir(path_in(f, "d"), 0700) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
  folder *f = *state;
  for (size_t i = 0; i < NAMES; i++) unlink(path_in(f, names[i]));
  rmdir(path_in(f, "d"));
  rmdir(f->path);
  free(f);
  return 0;
}

static void write_file(folder *f, const char *name, const char *text) {
  FILE *file = fopen(path_in(f, name), "we");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

/* The text of its only rule, or the error. */
static void expect_said(folder *f, const char *text, bool reads, const char *expected) {
  bt_checked_file file = {0};
  bt_error error = {0};
  const char *path = reads ? path_in(f, "rules.yaml") : NULL;
  bt_status status = bt_checked_file_read(bt_str_from(text), "rules.yaml", path, false, &file, &error);
  const char *said = status ? error.message : file.rules[0].definition->fields.dsl;
  if (!strstr(said, expected)) fail_msg("expected \"%s\", got \"%s\"", expected, said);
  bt_checked_file_dispose(&file);
}

static void test_names_come_from_all_files(void **state) {
  folder *f = *state;
  write_file(f, "a.yaml", "use: [d/b.yaml, d/c.yaml]\nnames: {tool: span(kind.a == 1)}\n");
  write_file(f, "d/b.yaml", "use: [c.yaml]\naliases: {k: m}\n");
  write_file(f, "d/c.yaml", "names: {other: span(b), tool: span(kind.a == 1)}\nrules: [{id: own, dsl: other}]\n");
  expect_said(f, "use: [a.yaml]\nrules: [{id: r, dsl: 'tool and trace.has(k == 1)'}]\n", true,
              "@alias(k, m)\n@name(tool = \"span(kind.a == 1)\")\ntool and trace.has(k == 1)");
  expect_said(f, "use: [a.yaml]\nnames: {own: tool}\nrules: [{id: r, dsl: own}]\n", true, "@name(own = \"tool\")\n");
}

static void test_refused(void **state) {
  folder *f = *state;
  write_file(f, "a.yaml", "use: [d/b.yaml]\n");
  write_file(f, "d/b.yaml", "names: {tool: span(a)}\n");
  const char *text = "use: [a.yaml]\nrules: [{id: r, dsl: tool}]\n";
  expect_said(f, text, true, "@name(tool = ");
  expect_said(f, text, false, "rules.yaml:1:7: use: expected none where no files are read");
  expect_said(f, "use: [a.yaml]\nnames: {tool: span(b)}\nrules: [{id: r, dsl: tool}]\n", true,
              "names: tool is said otherwise in a file that is used with it");
  expect_said(f, "use: [none.yaml]\nrules: [{id: r, dsl: tool}]\n", true, "expected a file that is there");
  expect_said(f, "use: [d/../a.yaml]\nrules: [{id: r, dsl: tool}]\n", true, "in the folder of this one or below it");
  expect_said(f, "use: [/a.yaml]\nrules: [{id: r, dsl: tool}]\n", true, "in the folder of this one or below it");
  assert_int_equal(symlink("/dev/null", path_in(f, "d/out.yaml")), 0);
  expect_said(f, "use: [d/out.yaml]\nrules: [{id: r, dsl: tool}]\n", true, "in the folder of this one or below it");
  write_file(f, "d/b.yaml", "names: {tool: span(}\n");
  expect_said(f, text, true, "b.yaml:1:9: names: error[E");
  write_file(f, "a.yaml", "use: [rules.yaml]\n");
  write_file(f, "rules.yaml", text);
  expect_said(f, text, true, "a.yaml:1:7: use: expected no file that uses this one, got rules.yaml");
}

/* The warnings of a file, a line each. */
static void expect_unused(const char *text, const char *expected) {
  bt_checked_file file = {0};
  bt_error error = {0};
  bt_buffer said = {0};
  bt_status status = bt_checked_file_read(bt_str_from(text), "rules.yaml", NULL, true, &file, &error);
  if (status) fail_msg("%s", error.message);
  for (size_t i = 0; i < file.unused.count; i++) {
    const bt_diagnostic *found = &file.unused.items[i];
    bt_str at = {file.file.source.ptr + found->range.start, found->range.end - found->range.start};
    bt_buffer_printf(&said, "%s %u:%u %.*s: %.*s\n", found->code, found->line, found->column, BT_FMT(at),
                     BT_FMT(found->message));
  }
  assert_string_equal(said.ptr ? said.ptr : "", expected);
  assert_true(file.error_count || file.warning_count >= file.unused.count);
  bt_buffer_dispose(&said);
  bt_checked_file_dispose(&file);
}

/* A name that another one that is used says is used, too. */
static void test_names_that_no_rule_uses(void **state) {
  (void)state;
  expect_unused("aliases: {k: m, \"other key\": n}\nnames: {tool: span(k == 1), deep: tool, idle: tool}\n"
                "rules: [{id: r, dsl: deep}]\n",
                "W030 1:17 \"other key\": no rule of this file reads an attribute `other key`, so this alias says "
                "nothing\n"
                "W030 2:41 idle: no rule of this file says `idle`, so this name says nothing\n");
  expect_unused("names:\n  idle: span(k == 1)\nrules:\n- id: r\n  dsl: '\"idle\" and other'\n- {id: s, dsl: a}\n",
                "W030 2:3 idle: no rule of this file says `idle`, so this name says nothing\n");
  expect_unused("names: {tool: a, word: b}\nrules: [{id: r, dsl: tool}, {id: s, dsl: word}]\n", "");
  expect_unused("aliases: {k: m}\nnames: {tool: a}\n", "");
  expect_unused("names: {tool: a}\nrules: [{id: r, dsl: 'tool and ('}]\n", "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_names_come_from_all_files, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
      cmocka_unit_test(test_names_that_no_rule_uses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
