/* Rulesets and evaluators where memory runs out: an error, no leak, no half verdict; and the caps that are stated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/trace_text.h"

static const char *const texts[] = {
    "when { checkout.where(amount > 1000) as c } always { fraud after c within 5s where(order == c.order) }",
    "trace.has_before(x, y) or trace.service_count > 7 or sum(checkout under top, amount) > trace.span_count",
    "when { x.where(span.id != \"1\") as a and y as b } always { a.span.id == b.span.parent_id }",
    "not (x as a and y after a) and count(span(k =~ \"a.*\" and event.n not in [1, 2])) > 0 and top above checkout",
    "when { checkout as c and checkout as d and c.order == d.order } always { x child of c and x after c where(order "
    "== d.order) }",
    "when { top } always { count_distinct(span(exists(k) or amount > 1), amount + count_distinct(checkout, order)) > 1 "
    "and count_distinct(span(span.duration >= 0ms), span.id) > 4 and every(checkout, amount * order > 1) }",
    "when { top as p } never { x.where(link.span_id == p.span.id and link.where(link.n in [3] and link.trace_id =~ "
    "\"0+ab\")) }",
};
enum { RULE_COUNT = sizeof texts / sizeof texts[0] };

static bt_rule *compile(const char *text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(bt_str_from(text), &rule, &diagnostics, NULL);
  bt_diagnostics_dispose(&diagnostics);
  return status == BT_OK ? rule : NULL;
}

static const char *const trace_lines = "a top service=s\n"
                                       ". b checkout amount=2000 order=7 k=\"a\xff\" event=e event.n=3\n"
                                       ". c x k=abc event=e event.n=3 link=ab/a link.n=3\n"
                                       "d y parent=c service=t\n"
                                       "e checkout amount=5000 order=8\n";

/* A span that may be 64 others, of which the rules tell 8 apart. */
static const char *const doubled_lines = "a top service=s\n"
                                         "b checkout amount=2000 amount=3000 order=7 k=1 k=2 n=1 n=2 o=1 o=2 p=1 p=2 "
                                         "q=1 q=2 event=e event.n=3 event.n=4\n"
                                         "c checkout amount=5000 order=8\n";

/* With the indexes that otherwise only large traces have. */
static const bt_eval_options options[RULE_COUNT] = {{.looks_up_at_once = true}, {.looks_up_at_once = true},
                                                    {.looks_up_at_once = true}, {.looks_up_at_once = true},
                                                    {.looks_up_at_once = true}, {.looks_up_at_once = true}};

static bt_status evaluate(const bt_rule *const *rules, size_t count, const bt_trace *trace, bool *was_refused) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdicts = NULL;
  bt_status status = bt_ruleset_new(rules, count, &ruleset, NULL);
  if (status == BT_OK) status = bt_evaluator_new(ruleset, &evaluator, NULL);
  if (status == BT_OK) status = bt_evaluator_run(evaluator, trace, options, &verdicts, NULL);
  *was_refused = failing_alloc_stop();
  assert_int_equal(status == BT_OK, verdicts != NULL);
  if (verdicts) assert_int_equal(verdicts[0].verdict, BT_VIOLATED);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return status;
}

static void check_every_allocation(const char *lines) {
  bt_rule *rules[RULE_COUNT];
  char message[256];
  bt_arena arena;
  bt_arena_init(&arena, 1 << 24);
  const bt_trace *trace = trace_text_read(&arena, lines, message, sizeof message);
  assert_non_null(trace);
  for (size_t i = 0; i < RULE_COUNT; i++) assert_non_null(rules[i] = compile(texts[i]));
  for (size_t n = 0;; n++) {
    bool was_refused;
    failing_alloc_after(n);
    bt_status status = evaluate((const bt_rule *const *)rules, RULE_COUNT, trace, &was_refused);
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) break;
    assert_true(n < 10000);
  }
  for (size_t i = 0; i < RULE_COUNT; i++) bt_rule_free(rules[i]);
  bt_arena_dispose(&arena);
}

/* No rules: nothing to say, and no error. */
static void test_every_allocation(void **state) {
  (void)state;
  check_every_allocation(trace_lines);
}

static void test_keys_that_stand_twice(void **state) {
  (void)state;
  check_every_allocation(doubled_lines);
}

static void test_no_rules(void **state) {
  (void)state;
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdicts = NULL;
  char message[64];
  bt_arena arena;
  bt_arena_init(&arena, 1 << 20);
  assert_int_equal(bt_ruleset_new(NULL, 0, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  const bt_trace *trace = trace_text_read(&arena, "a x", message, sizeof message);
  assert_int_equal(bt_evaluator_run(evaluator, trace, NULL, &verdicts, NULL), BT_OK);
  assert_non_null(verdicts);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_evaluator_free(NULL);
  bt_ruleset_free(NULL);
  bt_arena_dispose(&arena);
}

static void test_names(void **state) {
  (void)state;
  assert_string_equal(bt_verdict_name(BT_NOT_APPLICABLE), "not_applicable");
  assert_string_equal(bt_reason_name(BT_REASON_NONE), "");
  assert_string_equal(bt_reason_name(BT_REASON_LINKED), "linked");
  assert_string_equal(bt_reason_name(BT_REASON_SKEW), "skew");
}

/* Each has words of its own. */
static void test_words(void **state) {
  (void)state;
  assert_string_equal(bt_reason_in_words(BT_REASON_NONE), "");
  for (bt_reason reason = BT_REASON_BUDGET; reason <= BT_REASON_LINKED; reason++) {
    const char *words = bt_reason_in_words(reason);
    assert_true(strlen(words) > 20);
    for (bt_reason other = BT_REASON_NONE; other < reason; other++)
      assert_string_not_equal(bt_reason_in_words(other), words);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation),
                                     cmocka_unit_test(test_keys_that_stand_twice), cmocka_unit_test(test_no_rules),
                                     cmocka_unit_test(test_names), cmocka_unit_test(test_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
