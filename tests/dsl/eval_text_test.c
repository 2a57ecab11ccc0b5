/* Patterns over one trace with 20 MB of attribute text: what people write is answered, what would take minutes ends as
 * inconclusive (budget) and never as "does not match". So does what is asked to stop. What it took of the processor is
 * printed, against a million steps, not asserted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "tests/support/random.h"

enum { SPANS = 10000, VALUE_BYTES = 2000, TEXT_BYTES = SPANS * VALUE_BYTES };

/* Each span has 2,000 letters a and b, all of one text of 20 MB, and 2,000 times x; the first one has the whole text
 * too. */
static char letters[TEXT_BYTES], same_letter[VALUE_BYTES];

static void fill_texts(void) {
  test_random random = {.state = 25};
  for (size_t i = 0; i < TEXT_BYTES; i++) letters[i] = (char)('a' + (int)test_random_below(&random, 2));
  memset(same_letter, 'x', sizeof same_letter);
}

static bt_attribute text_attribute(bt_str key, const char *text, size_t len) {
  return (bt_attribute){key, {.type = BT_VALUE_STRING, .string = {text, len}}};
}

static const bt_trace *make_trace(bt_arena *arena) {
  static const bt_resource resource = {.service = {"web", 3}};
  static const bt_scope scope = {.name = {"s", 1}};
  bt_trace_id id = {{1}};
  bt_trace_builder *builder = bt_trace_builder_new(arena, &id);
  for (uint32_t i = 0; i < SPANS; i++) {
    bt_attribute *attributes = bt_arena_array(arena, 3, sizeof *attributes);
    attributes[0] = text_attribute(BT_STR("ab"), letters + (size_t)i * VALUE_BYTES, VALUE_BYTES);
    attributes[1] = text_attribute(BT_STR("xs"), same_letter, VALUE_BYTES);
    attributes[2] = text_attribute(BT_STR("all"), letters, TEXT_BYTES);
    bt_span span = {.name = BT_STR("x"), .resource = &resource, .scope = &scope, .start_ns = i, .end_ns = i + 1};
    span.kind = BT_KIND_INTERNAL;
    memcpy(span.id.bytes, &(uint32_t){i + 1}, sizeof(uint32_t));
    span.attributes = (bt_attributes){.items = attributes, .count = i ? 2 : 3};
    assert_true(bt_trace_builder_add(builder, &span));
  }
  return bt_trace_builder_finish(builder);
}

static const struct row {
  const char *rule;
  bt_verdict verdict;
} rows[] = {
    {"trace.has(ab matches \"error|timeout\")", BT_SATISFIED},
    {"trace.has(ab =~ \".*error.*timeout.*\")", BT_SATISFIED},
    {"trace.has(ab matches \"^GET /[a-z]+\")", BT_SATISFIED},
    {"not trace.has(ab matches \"(?i)FATAL\")", BT_VIOLATED},
    {"trace.has(ab matches \"\\\\pL+@\\\\pL+\")", BT_SATISFIED},
    {"trace.has(ab contains \"error\")", BT_SATISFIED},
    {"trace.has(all contains \"error\")", BT_SATISFIED},
    {"trace.has(xs matches \"(x?){500}x{500}y\")", BT_INCONCLUSIVE},
    {"not trace.has(xs matches \"(x?){500}x{500}y\")", BT_INCONCLUSIVE},
    {"trace.has(all matches \"(a?){1000}y\")", BT_INCONCLUSIVE},
    {"trace.has(ab matches \"(a|b)*a(a|b){20}0\")", BT_INCONCLUSIVE},
    {"trace.has(ab =~ \"(a|b)*a(a|b){250}0\")", BT_INCONCLUSIVE},
    {"trace.has(ab matches \"(a|b)*a(a|b){900}0\")", BT_INCONCLUSIVE},
    {"x as s and s.ab matches \"a.{1,200}b.{1,200}q\"", BT_INCONCLUSIVE},
    {"count(ab !~ \"(a|b)*a(a|b|\\\\pL){20}0\") == 0", BT_INCONCLUSIVE},
    {"trace.has(all matches \"(a|b)*a(a|b){60}0\")", BT_INCONCLUSIVE},
};

static bt_rule *compile(const char *text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_str_from(text), &rule, &diagnostics, NULL) != BT_OK) fail_msg("%s does not compile", text);
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static void check_row(const struct row *row, const bt_trace *trace) {
  bt_rule *rule = compile(row->rule);
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  const bt_rule_verdict *said;
  assert_int_equal(bt_ruleset_new((const bt_rule *const *)&rule, 1, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  clock_t start = clock();
  assert_int_equal(bt_evaluator_run(evaluator, trace, NULL, &said, NULL), BT_OK);
  printf("%-60s %s, %.0f ms\n", row->rule, bt_verdict_name(said->verdict),
         1e3 * (double)(clock() - start) / CLOCKS_PER_SEC);
  if (said->verdict != row->verdict) fail_msg("it has to be %s", bt_verdict_name(row->verdict));
  assert_int_equal(said->reason, row->verdict == BT_INCONCLUSIVE ? BT_REASON_BUDGET : BT_REASON_NONE);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_rule_free(rule);
}

/* ---- checks ---- */

typedef struct asked {
  int times, allowed; /* how often it says yes */
} asked;

static bool may_go_on(void *context) {
  asked *a = context;
  return ++a->times <= a->allowed;
}

/* Long texts and many steps are asked about every few milliseconds; a no ends the trace, and the next begins anew. */
static void check_asking(const char *rule_text, const bt_trace *trace, bt_verdict whole) {
  bt_rule *rule = compile(rule_text);
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  const bt_rule_verdict *said;
  assert_int_equal(bt_ruleset_new((const bt_rule *const *)&rule, 1, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  for (int allowed = 0; allowed < 4; allowed++) {
    asked a = {.allowed = allowed};
    bt_evaluator_check_with(evaluator, may_go_on, &a);
    assert_int_equal(bt_evaluator_run(evaluator, trace, NULL, &said, NULL), BT_OK);
    assert_int_equal(said->verdict, BT_INCONCLUSIVE);
    assert_int_equal(said->reason, BT_REASON_BUDGET);
    assert_int_equal(a.times, allowed + 1);
  }
  bt_evaluator_check_with(evaluator, NULL, NULL);
  assert_int_equal(bt_evaluator_run(evaluator, trace, NULL, &said, NULL), BT_OK);
  assert_int_equal(said->verdict, whole);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_rule_free(rule);
}

static void test_checks(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, SIZE_MAX);
  fill_texts();
  const bt_trace *trace = make_trace(&arena);
  check_asking("trace.has(ab matches \"error|timeout\")", trace, BT_SATISFIED);
  check_asking("x as a and x as b and a.k < b.k and a.ab contains \"error\"", trace, BT_INCONCLUSIVE);
  bt_arena_dispose(&arena);
}

static void test_large_texts(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, SIZE_MAX);
  fill_texts();
  const bt_trace *trace = make_trace(&arena);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_row(&rows[i], trace);
  bt_arena_dispose(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_checks), cmocka_unit_test(test_large_texts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
