/* Parts of the command line under an allocator that fails at each call in turn: an error each time, nothing leaked, and
 * the right answer when nothing fails. What the commands say is tested by tests/http/test_cli_*.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/lab/rule_change.h"
#include "server/query/statistics.h"
#include "server/cli/judge.h"
#include "server/cli/trace_drawing.h"
#include "server/rules/derived_rule.h"
#include "server/rules/rule_keys.h"
#include "tests/support/failing_alloc.h"

enum { SPANS = 6, MOST_STEPS = 3000 };
static const char RULE[] = "when { checkout.where(amount > 10) as c and not x } always { fraud-check after c }";

static bt_arena arena;
static const bt_trace *trace;
static bt_rule_definition *rule;

static bt_rule_definition *make_rule(const char *dsl) {
  bt_rule_fields fields;
  bt_rule_definition *definition = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_rule_fields_init(&fields);
  bt_diagnostics_init(&diagnostics);
  fields.id = strdup("r");
  fields.dsl = strdup(dsl);
  assert_int_equal(bt_rule_definition_new(&fields, &definition, &diagnostics, &error), BT_OK);
  bt_diagnostics_dispose(&diagnostics);
  return definition;
}

/* checkout over a chain of queries, and an orphan. */
static int set_up(void **state) {
  static const bt_resource resource = {.service = {"web", 3}};
  static const bt_scope scope;
  static const bt_attribute amount[] = {{{"amount", 6}, {.type = BT_VALUE_INT, .integer = 20}}};
  static const bt_trace_id id = {{1}};
  (void)state;
  bt_arena_init(&arena, (size_t)1 << 20);
  bt_trace_builder *builder = bt_trace_builder_new(&arena, &id);
  for (uint8_t i = 0; i < SPANS; i++) {
    bt_span span = {.id = {{(uint8_t)(i + 1)}},
                    .parent_id = {{i == SPANS - 1 ? 99 : i}},
                    .name = i ? BT_STR("query") : BT_STR("checkout"),
                    .start_ns = i * 1000000,
                    .end_ns = i * 1000000 + 5000,
                    .resource = &resource,
                    .scope = &scope,
                    .attributes = {amount, i ? 0 : 1}};
    if (!bt_trace_builder_add(builder, &span)) return 1;
  }
  trace = bt_trace_builder_finish(builder);
  rule = make_rule(RULE);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  bt_rule_definition_unref(rule);
  bt_arena_dispose(&arena);
  return 0;
}

/* Runs the part with the allocation after n refused, for every n, until none is. */
static void each_failure(bt_status (*part)(bt_error *error)) {
  for (size_t n = 0;; n++) {
    bt_error error = {0};
    assert_true(n < MOST_STEPS);
    failing_alloc_after(n);
    bt_status status = part(&error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) return;
  }
}

static bt_status make_tree(bt_error *error) {
  bt_tree tree;
  bt_status status = bt_tree_new(trace, &tree, error);
  if (!status) {
    assert_int_equal(tree.count, SPANS);
    assert_int_equal(tree.rows[SPANS - 2].depth, SPANS - 2);
    assert_int_equal(tree.missing_parents, 1);
  }
  bt_tree_dispose(&tree);
  return status;
}

static bt_status draw(bt_error *error) {
  const bt_rule_definition *rules[] = {rule};
  const bt_assumptions assumptions = bt_assumptions_default();
  bt_judge *judge = NULL;
  bt_drawing drawing = {0};
  bt_buffer text = {0};
  bt_status status = bt_judge_new(rules, 1, &assumptions, true, &judge, error);
  const bt_rule_verdict *verdicts = NULL;
  if (!status) status = bt_judge_run(judge, trace, &verdicts, error);
  bt_family_trace members[] = {{.trace = trace}, {.trace = trace}};
  bt_family family = {.traces = members, .trace_count = 2};
  if (!status) status = bt_drawing_new(trace, &family, rules, verdicts, 1, &drawing, error);
  if (!status) {
    assert_int_equal(drawing.verdicts[0].verdict->verdict, BT_VIOLATED);
    bt_drawing_print(&drawing, false, &text);
    if (text.failed) status = BT_NO_MEMORY;
  }
  bt_buffer_dispose(&text);
  bt_drawing_dispose(&drawing);
  bt_judge_free(judge);
  return status;
}

static bt_status derive(bt_error *error) {
  bt_rule_definition *prefix = NULL, *restricted = NULL;
  bt_status status = bt_derived_prefix(rule, 2, &prefix, error);
  if (!status) status = bt_derived_restricted(rule, "trace.has(resource.v == \"1\")", &restricted, error);
  if (!status) {
    assert_non_null(prefix->rule->condition);
    assert_non_null(restricted->rule->when);
    assert_int_equal(bt_exercising_count(restricted->rule), 3);
  }
  bt_rule_definition_unref(prefix);
  bt_rule_definition_unref(restricted);
  return status;
}

static bt_status find_keys(bt_error *error) {
  bt_rule_keys keys = {0};
  bt_status status = bt_rule_keys_add(&keys, rule->rule, error);
  if (!status) assert_true(bt_rule_keys_have(&keys, BT_FIELD_SPAN_ATTRIBUTE, BT_STR("amount")));
  bt_rule_keys_dispose(&keys);
  return status;
}

static bt_status pair(bt_error *error) {
  bt_rule_definition *items[] = {rule};
  const bt_cli_rules none = {0}, one = {.items = items, .count = 1, .capacity = 1};
  bt_rule_changes changes;
  bt_status status = bt_rule_changes_find(&none, &one, &changes, error);
  if (!status) {
    assert_int_equal(changes.count, 1);
    assert_int_equal(changes.items[0].kind, BT_RULE_ADDED);
  }
  bt_rule_changes_dispose(&changes);
  return status;
}

static void test_each_failure(void **state) {
  (void)state;
  each_failure(make_tree);
  each_failure(draw);
  each_failure(derive);
  each_failure(find_keys);
  each_failure(pair);
}

static void test_conjuncts_of_a_rule(void **state) {
  bt_rule_definition *bare = make_rule("a and not b and (c or d)"), *always = make_rule("always { a }");
  (void)state;
  assert_int_equal(bt_exercising_count(rule->rule), 2);
  bt_str text = bt_exercising_text(rule->rule, 0);
  assert_true(bt_str_equal(text, BT_STR("checkout.where(amount > 10) as c")));
  assert_int_equal(bt_exercising_count(bare->rule), 2); /* a; c or d */
  assert_int_equal(bt_exercising_count(always->rule), 0);
  bt_rule_definition_unref(bare);
  bt_rule_definition_unref(always);
}

static bool is_near(double a, double b) {
  return a - b < 5e-5 && b - a < 5e-5;
}

/* Newcombe (1998), table II, method 10, rows (a) to (f). */
static void test_intervals(void **state) {
  static const struct {
    uint64_t hits1, trials1, hits2, trials2;
    double low, high;
  } rows[] = {{56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090},  {10, 10, 0, 20, 0.6791, 1.0},
              {5, 56, 0, 29, -0.0381, 0.1926},  {0, 10, 0, 20, -0.1611, 0.2775}, {10, 10, 0, 10, 0.6075, 1.0}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double first = (double)rows[i].hits2 / (double)rows[i].trials2;
    double second = (double)rows[i].hits1 / (double)rows[i].trials1;
    bt_interval interval = bt_difference_interval(first, bt_wilson_interval(rows[i].hits2, rows[i].trials2), second,
                                                  bt_wilson_interval(rows[i].hits1, rows[i].trials1));
    assert_true(is_near(interval.low, rows[i].low));
    assert_true(is_near(interval.high, rows[i].high));
  }
  bt_interval nothing = bt_wilson_interval(0, 0), none = bt_wilson_interval(0, 10), all = bt_wilson_interval(10, 10);
  assert_true(is_near(nothing.low, 0) && is_near(nothing.high, 1));
  assert_true(none.low >= 0 && none.low <= 0 && is_near(none.high, 0.2775));
  assert_true(all.high >= 1 && all.high <= 1 && is_near(all.low, 0.7225));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_failure), cmocka_unit_test(test_conjuncts_of_a_rule),
                                     cmocka_unit_test(test_intervals)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
