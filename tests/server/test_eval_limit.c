/* An evaluation ends early where it is cancelled or takes too much of the processor, and says nothing false then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dsl/compile.h"
#include "server/base/eval_limit.h"

enum { SPANS = 2000 };
static const char *const heavy = "x as a and x as b and x as c and a.k < b.id and c.k < b.id";
static const char *const light = "count(x) == 2000";

typedef struct fixture {
  bt_arena arena;
  const bt_trace *trace;
  bt_rule *rules[2];
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
} fixture;

static const bt_trace *make_trace(bt_arena *arena) {
  static const bt_resource resource = {.service = {"web", 3}};
  static const bt_scope scope = {.name = {"s", 1}};
  bt_trace_id id = {{1}};
  bt_trace_builder *builder = bt_trace_builder_new(arena, &id);
  for (uint32_t i = 0; i < SPANS; i++) {
    bt_span span = {.name = BT_STR("x"), .resource = &resource, .scope = &scope, .start_ns = i, .end_ns = i + 1};
    span.kind = BT_KIND_INTERNAL;
    memcpy(span.id.bytes, &(uint32_t){i + 1}, sizeof(uint32_t));
    assert_true(bt_trace_builder_add(builder, &span));
  }
  return bt_trace_builder_finish(builder);
}

static int set_up(void **state) {
  static fixture f;
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_arena_init(&f.arena, 1 << 26);
  f.trace = make_trace(&f.arena);
  if (bt_rule_compile(bt_str_from(heavy), &f.rules[0], &diagnostics, NULL) ||
      bt_rule_compile(bt_str_from(light), &f.rules[1], &diagnostics, NULL) ||
      bt_ruleset_new((const bt_rule *const *)f.rules, 2, &f.ruleset, NULL) ||
      bt_evaluator_new(f.ruleset, &f.evaluator, NULL))
    return -1;
  bt_diagnostics_dispose(&diagnostics);
  *state = &f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  bt_evaluator_free(f->evaluator);
  bt_ruleset_free(f->ruleset);
  for (int i = 0; i < 2; i++) bt_rule_free(f->rules[i]);
  bt_arena_dispose(&f->arena);
  return 0;
}

static void test_within(void **state) {
  fixture *f = *state;
  bt_cancel cancel = {false};
  bt_eval_limit limit = {.cancel = &cancel};
  const bt_rule_verdict *said;
  assert_int_equal(bt_eval_run_within(&limit, f->evaluator, f->trace, NULL, &said, NULL), BT_OK);
  assert_int_equal(said[0].verdict, BT_INCONCLUSIVE); /* by its own budget */
  assert_int_equal(said[1].verdict, BT_VIOLATED);
}

static void test_cancelled(void **state) {
  fixture *f = *state;
  bt_cancel requested = {.requested = true};
  bt_eval_limit limit = {.cancel = &requested};
  const bt_rule_verdict *said = NULL;
  bt_error error = {0};
  assert_int_equal(bt_eval_run_within(&limit, f->evaluator, f->trace, NULL, &said, &error), BT_CANCELLED);
  assert_null(said);
  assert_non_null(strstr(error.message, "cancelled"));
}

/* The processor's time is over as soon as it is asked for the second time; what was not begun by then is not known
 * either. */
static void test_too_long(void **state) {
  fixture *f = *state;
  bt_eval_limit limit = {.most_cpu_ns = 1};
  bt_eval_options options[2] = {{.step_budget = UINT64_MAX}, {.step_budget = UINT64_MAX}};
  const bt_rule_verdict *said;
  assert_int_equal(bt_eval_run_within(&limit, f->evaluator, f->trace, options, &said, NULL), BT_OK);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(said[i].verdict, BT_INCONCLUSIVE);
    assert_int_equal(said[i].reason, BT_REASON_BUDGET);
  }
  test_within(state); /* the next trace has all of its time */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_within), cmocka_unit_test(test_cancelled),
                                     cmocka_unit_test(test_too_long)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
