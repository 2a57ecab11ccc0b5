/* What is made of rules for a store is the same, byte for byte, while the planner is built anew: of the rules of
 * golden_rules.h. cases/plan_golden.txt has a hash of each. With --update the test writes it anew; --print NAME prints
 * what stands behind one hash, so that it can be held against what a program of before prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/support/golden_rules.h"
#include "tests/support/plan_texts.h"

static golden_options options;

static void write_texts(bt_str dsl, const plan_texts *texts, bt_buffer *out) {
  bt_buffer_printf(out, "%.*s\n", BT_FMT(dsl));
  for (int i = 0; i < PLAN_TEXTS; i++)
    bt_buffer_printf(out, "--- %d\n%.*s", i, BT_FMT(bt_buffer_str(&texts->items[i])));
}

/* Whether there is something to search for is a fact about the rule: what says so asks no store's dialect, and Tempo's
 * agrees. */
static void check_finds(const bt_rule *rule) {
  bt_plan *plan = NULL;
  bt_error error = {0};
  bool finds = false;
  assert_int_equal(bt_plan_new(rule, bt_traceql_dialect(), &plan, &error), BT_OK);
  assert_int_equal(bt_plan_finds(rule, &finds, &error), BT_OK);
  if (finds != (plan->violating->kind != BT_OVER_ALL)) fail_msg("%.*s", BT_FMT(rule->text));
  bt_plan_free(plan);
}

static void add_rule(void *lines, const char *name, bt_str dsl) {
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics diagnostics;
  plan_texts texts = {0};
  bt_buffer all = {0};
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(dsl, &rule, &diagnostics, &error), BT_OK);
  assert_int_equal(plan_texts_add(&texts, rule, &error), BT_OK);
  check_finds(rule);
  write_texts(dsl, &texts, &all);
  golden_add(lines, name, bt_buffer_str(&all), &options);
  bt_buffer_dispose(&all);
  plan_texts_dispose(&texts);
  bt_diagnostics_dispose(&diagnostics);
  bt_rule_free(rule);
}

static void plans_are_what_they_were(void **state) {
  (void)state;
  bt_buffer lines = {0};
  golden_rules_each(add_rule, &lines);
  golden_check("cases/plan_golden.txt", &lines, &options);
  bt_buffer_dispose(&lines);
}

int main(int argc, char **argv) {
  options = golden_options_of(argc, argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(plans_are_what_they_were)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
