/* The naive evaluator on the cases of tests/cases/eval: what is written there as the meaning of the language has to be
 * what it finds too. Of a case it reads rule, trace, options, verdict (without the witnesses), exercised and total.
 * Budgets are left out: it has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dsl/compile.h"
#include "tests/naive/naive.h"
#include "tests/support/case_file.h"
#include "tests/support/trace_text.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

typedef struct progress {
  unsigned verdicts, failures;
} progress;

typedef struct case_run {
  const text_case *text;
  progress *progress;
  bt_arena arena;
  bt_rule *rule;
  const bt_trace *trace;
  bt_eval_options options;
  bool has_budget;
  bool is_evaluated;
  naive_verdict verdict;
} case_run;

static void check(case_run *run, const case_field *field, bool holds, const char *got) {
  if (holds) return;
  fprintf(stderr, "%s:%u: (%s) expected %s %s, got %s\n", run->text->file, field->line, run->text->comment, field->key,
          field->value, got);
  run->progress->failures++;
}

static void set_rule(case_run *run, const case_field *field) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_rule_free(run->rule);
  run->rule = NULL;
  check(run, field, bt_rule_compile(bt_str_from(field->value), &run->rule, &diagnostics, NULL) == BT_OK, "an error");
  bt_diagnostics_dispose(&diagnostics);
}

static void set_trace(case_run *run, const case_field *field) {
  char message[256] = "";
  run->trace = trace_text_read(&run->arena, field->value, message, sizeof message);
  run->options = (bt_eval_options){0};
  run->has_budget = false;
  check(run, field, run->trace != NULL, message);
}

static void set_options(case_run *run, const case_field *field) {
  const char *skew = strstr(field->value, "skew=");
  run->has_budget = run->has_budget || strstr(field->value, "budget=");
  if (strstr(field->value, "incomplete")) run->options.incomplete = true;
  if (strstr(field->value, "coarse")) run->options.coarse_clocks_unknown = true;
  if (!skew) return;
  bt_str text = {skew + strlen("skew="), strcspn(skew + strlen("skew="), " ")};
  check(run, field, trace_text_duration(text, &run->options.clock_skew_ns), "no duration");
}

static void check_verdict(case_run *run, const case_field *field) {
  char got[64];
  bool is_cut = run->has_budget || strstr(field->value, "inconclusive budget"); /* the naive evaluator has no budget */
  run->is_evaluated = run->rule && run->trace && !is_cut && run->trace->span_count > 0;
  if (!run->is_evaluated) return;
  run->progress->verdicts++;
  naive_verdict_dispose(&run->verdict);
  naive_evaluate(run->rule, run->trace, &run->options, &run->verdict);
  const char *reason = bt_reason_name(run->verdict.reason);
  snprintf(got, sizeof got, "%s%s%s", bt_verdict_name(run->verdict.verdict), *reason ? " " : "", reason);
  size_t length = strlen(got);
  bool holds = strncmp(field->value, got, length) == 0 &&
               (field->value[length] == '\0' || strncmp(field->value + length, " witness", 8) == 0);
  check(run, field, holds, got);
}

static void check_exercised(case_run *run, const case_field *field) {
  static const char *const names[] = {"false", "unknown", "true"};
  const char *got = names[run->verdict.exercised];
  if (run->is_evaluated) check(run, field, strcmp(got, field->value) == 0, got);
}

static void check_total(case_run *run, const case_field *field) {
  char got[32];
  snprintf(got, sizeof got, "%llu", (unsigned long long)run->verdict.choice_total);
  if (run->is_evaluated) check(run, field, strcmp(got, field->value) == 0, got);
}

static void run_case(const text_case *text, void *context) {
  static const struct {
    const char *key;
    void (*act)(case_run *, const case_field *);
  } acts[] = {{"rule", set_rule},         {"trace", set_trace},           {"options", set_options},
              {"verdict", check_verdict}, {"exercised", check_exercised}, {"total", check_total}};
  case_run run = {.text = text, .progress = context};
  bt_arena_init(&run.arena, ARENA_BYTES);
  for (size_t i = 0; i < text->field_count; i++)
    for (size_t act = 0; act < sizeof acts / sizeof acts[0]; act++)
      if (strcmp(acts[act].key, text->fields[i].key) == 0) acts[act].act(&run, &text->fields[i]);
  naive_verdict_dispose(&run.verdict);
  bt_rule_free(run.rule);
  bt_arena_dispose(&run.arena);
}

static void test_cases(void **state) {
  (void)state;
  progress all = {0};
  size_t count = case_run_folder("cases/eval", run_case, &all);
  printf("%zu cases, %u verdicts\n", count, all.verdicts);
  assert_true(all.verdicts > 0);
  assert_int_equal(all.failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
