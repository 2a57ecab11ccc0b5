/* Runs tests/cases/plan: a rule and the plan that is printed for it. Some cases have the search as it is sent (spaced
 * for Tempo's lexer, which the plan is not) and in its wider form, and some the reads of its projection. These are the
 * usual ones, those of what is doubted, and those of lists. With --update the test writes the files anew from what
 * comes out; then review the difference. In a case each line of output is behind a bar, which keeps its indentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "tests/support/case_file.h"
#include "tests/support/plan_texts.h"

enum { MINIMUM_CASES = 80 };

typedef struct run {
  bool update;
  size_t failed;
  const char *open_path;
  FILE *open;
} run;

/* Under which key of the case each text stands. */
static const char *const keys[PLAN_TEXTS] = {"plan", "search", "wider", "read", "doubted", "lists"};

static void stop(const text_case *c, const char *what, const char *detail) {
  fprintf(stderr, "%s:%u: %s: %s\n", c->file, c->line, what, detail);
}

/* The rule's text with its lines as they were; NULL after a report. */
static bt_rule *compile(const text_case *c, const char *text) {
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_str_from(text), &rule, &diagnostics, &error) != BT_OK) {
    bt_buffer out = {0};
    bt_diagnostics_print(&diagnostics, bt_str_from(text), "rule", &out);
    stop(c, "the rule does not compile", out.ptr ? out.ptr : error.message);
    bt_buffer_dispose(&out);
  }
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

/* What the case has to say, or false after a report. */
static bool produce(const text_case *c, plan_texts *out) {
  bt_error error = {0};
  bt_rule *rule = compile(c, case_get(c, "rule"));
  bt_status status = rule ? plan_texts_add(out, rule, &error) : BT_OK;
  if (status != BT_OK) stop(c, "no plan", error.message);
  bt_rule_free(rule);
  return rule && status == BT_OK;
}

/* Takes off the bars. */
static void expected_lines(const char *value, bt_buffer *out) {
  while (*value) {
    size_t length = strcspn(value, "\n");
    if (value[0] == '|') {
      bt_buffer_append(out, (bt_str){value + 1, length - 1});
      bt_buffer_append_char(out, '\n');
    }
    value += length + (value[length] == '\n');
  }
}

static bool agree(const text_case *c, const char *key, bt_str actual) {
  bt_buffer expected = {0};
  expected_lines(case_get(c, key), &expected);
  bool same = bt_str_equal(bt_buffer_str(&expected), actual);
  if (!same)
    fprintf(stderr, "%s:%u: %s\nexpected %s\n%.*s\nactual\n%.*s\n", c->file, c->line, c->comment, key,
            BT_FMT(bt_buffer_str(&expected)), BT_FMT(actual));
  bt_buffer_dispose(&expected);
  return same;
}

static void write_lines(FILE *file, const char *key, bt_str text, const char *before) {
  fprintf(file, "%s", key);
  for (const char *indent = " "; text.len; indent = "  ") {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t length = end ? (size_t)(end - text.ptr) : text.len;
    fprintf(file, "%s%s%.*s\n", indent, before, (int)length, text.ptr);
    text.ptr += length + (end != NULL);
    text.len -= length + (end != NULL);
  }
}

static void update_case(run *r, const text_case *c, const plan_texts *out) {
  if (r->open_path == NULL || strcmp(r->open_path, c->file) != 0) {
    if (r->open) fclose(r->open);
    free((void *)(uintptr_t)r->open_path);
    r->open_path = strdup(c->file);
    r->open = fopen(c->file, "w");
  }
  if (!r->open || !r->open_path) {
    stop(c, "cannot be written", c->file);
    r->failed++;
    return;
  }
  if (c->comment[0]) fprintf(r->open, "# %s\n", c->comment);
  write_lines(r->open, "rule", bt_str_from(case_get(c, "rule")), "");
  for (int i = 0; i < PLAN_TEXTS; i++)
    if (i == PLAN_TEXT || case_get(c, keys[i])) write_lines(r->open, keys[i], bt_buffer_str(&out->items[i]), "|");
  fprintf(r->open, "\n");
}

static void run_case(const text_case *c, void *context) {
  run *r = context;
  plan_texts out = {0};
  bool agrees = produce(c, &out);
  if (agrees && r->update) update_case(r, c, &out);
  for (int i = 0; i < PLAN_TEXTS && agrees && !r->update; i++) {
    if (case_get(c, keys[i]))
      agrees = agree(c, keys[i], bt_buffer_str(&out.items[i]));
    else if (i == PLAN_TEXT)
      agrees = false;
  }
  if (!agrees) r->failed++;
  plan_texts_dispose(&out);
}

static bool update_wanted;

static void test_cases(void **state) {
  (void)state;
  run r = {.update = update_wanted};
  size_t count = case_run_folder("cases/plan", run_case, &r);
  if (r.open) fclose(r.open);
  free((void *)(uintptr_t)r.open_path);
  printf("%zu cases, %zu failed\n", count, r.failed);
  assert_int_equal(r.failed, 0);
  assert_true(count >= MINIMUM_CASES);
}

int main(int argc, char **argv) {
  update_wanted = argc > 1 && strcmp(argv[1], "--update") == 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
