/* Spans that are tied by a text, where 40,000 texts are spellings of one number. Each equals the number, and none
 * equals another: what is looked up must not be all of them. It stays within the default budget, and takes little
 * longer than with as many words. */
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

enum { SPELLINGS = 40000, ZEROS = 200, MOST_TIMES_AS_LONG = 10 };

static void add_span(bt_trace_builder *builder, uint32_t number, bt_str name, bt_attribute *attribute) {
  static const bt_resource resource = {.service = {"web", 3}};
  static const bt_scope scope = {.name = {"s", 1}};
  bt_span span = {.name = name, .resource = &resource, .scope = &scope, .start_ns = number + 1, .end_ns = number + 2};
  memcpy(span.id.bytes, &(uint32_t){number + 1}, sizeof number);
  span.attributes = (bt_attributes){.items = attribute, .count = 1};
  assert_true(bt_trace_builder_add(builder, &span));
}

/* 1000.00e-3 and its like, each once; as words they have a letter in front. */
static bt_str spell(bt_arena *arena, uint32_t number, bool are_words) {
  char text[2 * ZEROS + 32], zeros[ZEROS + 1];
  bt_str out;
  memset(zeros, '0', ZEROS);
  int before = (int)(number / ZEROS), behind = (int)(number % ZEROS) + 1;
  int length =
      snprintf(text, sizeof text, "%s1%.*s.%.*se-%d", are_words ? "w" : "", before, zeros, behind, zeros, before);
  assert_true(bt_arena_copy(arena, (bt_str){text, (size_t)length}, &out));
  return out;
}

/* Spans a with the spellings, and as many spans b with the same ones. */
static const bt_trace *make_trace(bt_arena *arena, bool are_words) {
  bt_trace_id id = {{1}};
  bt_trace_builder *builder = bt_trace_builder_new(arena, &id);
  for (uint32_t i = 0; i < SPELLINGS; i++) {
    bt_attribute *attribute = bt_arena_array(arena, 1, sizeof *attribute);
    assert_non_null(attribute);
    *attribute = (bt_attribute){BT_STR("k"), {.type = BT_VALUE_STRING, .string = spell(arena, i, are_words)}};
    add_span(builder, i, BT_STR("a"), attribute);
    add_span(builder, 2 * SPELLINGS - i, BT_STR("b"), attribute);
  }
  return bt_trace_builder_finish(builder);
}

static clock_t judge(const char *text, const bt_trace *trace, bt_verdict expected) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  const bt_rule_verdict *said;
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(bt_str_from(text), &rule, &diagnostics, NULL), BT_OK);
  bt_diagnostics_dispose(&diagnostics);
  assert_int_equal(bt_ruleset_new((const bt_rule *const *)&rule, 1, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  clock_t start = clock();
  assert_int_equal(bt_evaluator_run(evaluator, trace, NULL, &said, NULL), BT_OK);
  clock_t took = clock() - start;
  if (said->verdict != expected) fail_msg("%s: %s", text, bt_verdict_name(said->verdict));
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_rule_free(rule);
  return took;
}

static double tie_all(bool are_words) {
  bt_arena arena;
  double least_ms = 1e9;
  bt_arena_init(&arena, (size_t)1 << 28);
  const bt_trace *trace = make_trace(&arena, are_words);
  for (int i = 0; i < 3; i++) {
    clock_t took = judge("when { a as x } always { b where(k == x.k) }", trace, BT_SATISFIED);
    took += judge("a as x and count(b where(k == x.k)) != 1", trace, BT_SATISFIED);
    double ms = 1e3 * (double)took / CLOCKS_PER_SEC;
    if (ms < least_ms) least_ms = ms;
  }
  bt_arena_dispose(&arena);
  return least_ms;
}

static void test_spellings_of_one_number(void **state) {
  (void)state;
  double words_ms = tie_all(true), numbers_ms = tie_all(false);
  printf("%d words: %.1f ms, %d spellings of 1: %.1f ms\n", SPELLINGS, words_ms, SPELLINGS, numbers_ms);
  assert_true(numbers_ms < MOST_TIMES_AS_LONG * (words_ms + 5));
}

/* A number is tied to each of them, and each to the number. */
static void test_the_number_itself(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, (size_t)1 << 28);
  bt_trace_id id = {{1}};
  bt_trace_builder *builder = bt_trace_builder_new(&arena, &id);
  for (uint32_t i = 0; i < SPELLINGS; i++) {
    bt_attribute *attribute = bt_arena_array(&arena, 1, sizeof *attribute);
    assert_non_null(attribute);
    *attribute = (bt_attribute){BT_STR("k"), {.type = BT_VALUE_STRING, .string = spell(&arena, i, false)}};
    if (i == 7) attribute->value = (bt_value){.type = BT_VALUE_INT, .integer = 1};
    add_span(builder, i, i == 7 ? BT_STR("one") : BT_STR("a"), attribute);
  }
  const bt_trace *trace = bt_trace_builder_finish(builder);
  (void)judge("when { one as x } always { count(a where(k == x.k)) == 39999 }", trace, BT_SATISFIED);
  (void)judge("when { a as x } always { one where(k == x.k) }", trace, BT_SATISFIED);
  (void)judge("count_distinct(trace.has(exists(k)), k) == 1", trace, BT_VIOLATED);
  (void)judge("when { a } always { a.where(k == 1) and count(a.where(k == 1)) == 39999 }", trace, BT_SATISFIED);
  bt_arena_dispose(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spellings_of_one_number),
                                     cmocka_unit_test(test_the_number_itself)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
