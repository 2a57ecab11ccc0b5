/* Plans and projections with an allocator that refuses, one allocation after the other; and what is too long for one
 * query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "dsl/plan.h"
#include "tempo/api/traceql.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/support/asked.h"
#include "tests/support/failing_alloc.h"

static bt_rule *compile(bt_str text) {
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(text, &rule, &diagnostics, &error) != BT_OK)
    fail_msg("%s", diagnostics.count ? diagnostics.items[0].message.ptr : error.message);
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static const char rich_rule[] = "when { a.where(k > 1.5 and span.name matches \"x+\") as p and not b }"
                                " always { (c or d.where(m in [1, 2, \"x\"])) and max(e, span.duration) < 1s and "
                                "sum(h, price * span.n) < 5 and count_distinct(h, user) < 3 and every(h, ok) and "
                                "p.where(span.status != \"error\") }"
                                " never { f under (g.where(resource.attributes[\"r\"] starts_with \"y\")) }";

static void test_plan_new(void **state) {
  (void)state;
  bt_rule *rule = compile(bt_str_from(rich_rule));
  size_t refused = 0;
  for (bool done = false; !done; refused++) {
    bt_plan *plan = NULL;
    bt_error error = {0};
    failing_alloc_after(refused);
    bt_status status = bt_plan_new(rule, bt_traceql_dialect(), &plan, &error);
    done = !failing_alloc_stop();
    assert_int_equal(status, done ? BT_OK : BT_NO_MEMORY);
    if (!done) assert_null(plan);
    if (!done) assert_int_equal(error.status, BT_NO_MEMORY);
    bt_plan_free(plan);
    assert_true(refused < 5000);
  }
  assert_true(refused > 10);
  bt_rule_free(rule);
}

static void test_projection_add(void **state) {
  (void)state;
  bt_rule *rule = compile(bt_str_from(rich_rule));
  size_t refused = 0;
  for (bool done = false; !done; refused++) {
    bt_projection projection;
    bt_error error = {0};
    bt_projection_init(&projection);
    failing_alloc_after(refused);
    bt_status status = bt_projection_add(&projection, rule, &error);
    done = !failing_alloc_stop();
    assert_int_equal(status, done ? BT_OK : BT_NO_MEMORY);
    if (done) assert_int_equal(projection.attribute_count, 7);
    bt_projection_dispose(&projection);
    assert_true(refused < 1000);
  }
  assert_true(refused > 1);
  bt_rule_free(rule);
}

/* `trace.has(FIELD in ["…", …])` with `count` strings of `length` bytes, and a second conjunct. */
static void write_long_rule(bt_buffer *out, const char *before, size_t count, size_t length, const char *after) {
  bt_buffer_append(out, bt_str_from(before));
  for (size_t i = 0; i < count; i++) bt_buffer_printf(out, "%s\"%0*zu\"", i ? ", " : "", (int)length, i);
  bt_buffer_append(out, bt_str_from(after));
}

static size_t count_queries(const bt_over *over) {
  size_t count = over->kind == BT_OVER_QUERY;
  if (over->kind == BT_OVER_QUERY) assert_in_range(asked_text(over->query.asked).len, 2, BT_TRACEQL_MAX_FILTER_BYTES);
  for (uint32_t i = 0; i < over->item_count; i++) count += count_queries(over->items[i]);
  return count;
}

static bt_plan *plan_of(bt_rule **rule, const char *before, size_t count, size_t length, const char *after) {
  bt_buffer text = {0};
  bt_plan *plan = NULL;
  bt_error error = {0};
  write_long_rule(&text, before, count, length, after);
  *rule = compile(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  assert_int_equal(bt_plan_new(*rule, bt_traceql_dialect(), &plan, &error), BT_OK);
  return plan;
}

/* A long or becomes several queries that find the same, and stays exact. */
static void test_long_or_is_split(void **state) {
  (void)state;
  bt_rule *rule;
  bt_plan *plan = plan_of(&rule, "when { trace.has(span.k in [", 500, 60, "]) } always { false }");
  assert_int_equal(plan->violating->kind, BT_OVER_OR);
  assert_in_range(count_queries(plan->violating), 2, 8);
  assert_true(plan->exercising_is_exact);
  bt_plan_free(plan);
  bt_rule_free(rule);
}

/* In a long and only what fits is asked for, which finds more, and is not exact. */
static void test_long_and_is_weakened(void **state) {
  (void)state;
  bt_rule *rule;
  bt_plan *plan =
      plan_of(&rule, "when { trace.has(span.name == \"a\" and span.k in [", 500, 60, "]) } always { false }");
  assert_int_equal(plan->violating->kind, BT_OVER_AND);
  assert_false(plan->exercising_is_exact);
  bt_plan_free(plan);
  bt_rule_free(rule);
}

/* What is subtracted is split, and what cannot be is left out. */
static void test_long_under_is_split_or_dropped(void **state) {
  (void)state;
  bt_rule *rule;
  bt_plan *plan = plan_of(&rule, "not trace.has(span.k in [", 500, 60, "])");
  assert_in_range(plan->subtract_count, 2, 8);
  for (uint32_t i = 0; i < plan->subtract_count; i++)
    assert_in_range(asked_text(plan->subtract[i].asked).len, 2, BT_TRACEQL_MAX_FILTER_BYTES);
  bt_plan_free(plan);
  bt_rule_free(rule);
  plan = plan_of(&rule, "not trace.has(span.name == \"a\" and span.k in [", 500, 60, "])");
  assert_int_equal(plan->subtract_count, 0);
  bt_plan_free(plan);
  bt_rule_free(rule);
}

/* A string longer than Tempo keeps is not asked for: any string may be its beginning. */
static void test_strings_longer_than_tempo_keeps(void **state) {
  (void)state;
  bt_rule *rule;
  bt_plan *plan = plan_of(&rule, "trace.has(span.k in [", 1, 2049, "])");
  assert_int_equal(plan->violating->kind, BT_OVER_OR);
  assert_true(bt_str_equal(asked_text(plan->violating->items[0]->query.asked), BT_STR("{ span.k =~ \"(?s:.*)\" }")));
  assert_true(plan->violating->items[1]->is_surplus);
  bt_plan_free(plan);
  bt_rule_free(rule);
  plan = plan_of(&rule, "not trace.has(span.k in [", 1, 2049, "])");
  assert_int_equal(plan->subtract_count, 0);
  bt_plan_free(plan);
  bt_rule_free(rule);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plan_new),
      cmocka_unit_test(test_projection_add),
      cmocka_unit_test(test_long_or_is_split),
      cmocka_unit_test(test_long_and_is_weakened),
      cmocka_unit_test(test_long_under_is_split_or_dropped),
      cmocka_unit_test(test_strings_longer_than_tempo_keeps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
