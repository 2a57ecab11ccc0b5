/* What must hold of every rule and trace, tried on random ones:
 *   - what is said of a part of a trace, as incomplete, stays true of the whole;
 *   - what is said within a budget is what is said without one;
 *   - the order in which spans arrive changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dsl/eval.h"
#include "tests/support/random_case.h"
#include "tests/support/trace_text.h"

enum { PAIRS = 4000, TRIES = 4 };

typedef struct subject {
  bt_buffer rule_text, trace_text;
  bt_rule *rule;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_arena arena;
  const bt_trace *trace;
  bt_rule_verdict whole; /* complete, without budget and skew */
} subject;

static bt_rule_verdict judge(subject *s, const bt_trace *trace, bt_eval_options options) {
  const bt_rule_verdict *verdict = NULL;
  assert_int_equal(bt_evaluator_run(s->evaluator, trace, &options, &verdict, NULL), BT_OK);
  return *verdict;
}

static void make_subject(subject *s, uint64_t seed, bool with_halves) {
  random_source source;
  bt_diagnostics diagnostics;
  char message[256] = "";
  *s = (subject){.rule = NULL};
  random_seed(&source, seed);
  random_rule(&source, &s->rule_text);
  random_trace(&source, with_halves, &s->trace_text);
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_buffer_str(&s->rule_text), &s->rule, &diagnostics, NULL) != BT_OK)
    fail_msg("does not compile: %s", s->rule_text.ptr);
  bt_diagnostics_dispose(&diagnostics);
  bt_arena_init(&s->arena, 1 << 24);
  s->trace = trace_text_read(&s->arena, s->trace_text.ptr, message, sizeof message);
  if (!s->trace) fail_msg("%s in %s", message, s->trace_text.ptr);
  assert_int_equal(bt_ruleset_new((const bt_rule *const *)&s->rule, 1, &s->ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(s->ruleset, &s->evaluator, NULL), BT_OK);
  s->whole = judge(s, s->trace, (bt_eval_options){0});
}

static void drop_subject(subject *s) {
  bt_evaluator_free(s->evaluator);
  bt_ruleset_free(s->ruleset);
  bt_rule_free(s->rule);
  bt_arena_dispose(&s->arena);
  bt_buffer_dispose(&s->rule_text);
  bt_buffer_dispose(&s->trace_text);
}

static void check(const subject *s, bool holds, const char *what, const bt_rule_verdict *said) {
  if (!holds)
    fail_msg("%s: said %s (exercised %d, %llu choices), whole %s (exercised %d, %llu choices)\n%s\n%s", what,
             bt_verdict_name(said->verdict), (int)said->exercised, (unsigned long long)said->choice_total,
             bt_verdict_name(s->whole.verdict), (int)s->whole.exercised, (unsigned long long)s->whole.choice_total,
             s->rule_text.ptr, s->trace_text.ptr);
}

/* Definite answers agree with the whole, and no violating choice is made up. */
static bool is_sound(const subject *s, const bt_rule_verdict *said) {
  if (said->verdict != BT_INCONCLUSIVE && said->verdict != s->whole.verdict) return false;
  if (said->exercised != BT_UNKNOWN && said->exercised != s->whole.exercised) return false;
  return said->choice_total <= s->whole.choice_total;
}

static const bt_trace *some_spans(subject *s, random_source *source) {
  bt_trace_builder *builder = bt_trace_builder_new(&s->arena, &s->trace->id);
  for (uint32_t i = 0; i < s->trace->span_count; i++)
    if (random_below(source, 3)) assert_true(bt_trace_builder_add(builder, &s->trace->spans[i]));
  return bt_trace_builder_finish(builder);
}

static void test_parts(void **state) {
  (void)state;
  unsigned definite = 0;
  for (uint64_t seed = 0; seed < PAIRS; seed++) {
    subject s;
    random_source source;
    make_subject(&s, seed, false);
    random_seed(&source, seed + PAIRS);
    for (int i = 0; i < TRIES; i++) {
      bt_rule_verdict said = judge(&s, some_spans(&s, &source), (bt_eval_options){.incomplete = true});
      check(&s, is_sound(&s, &said), "of a part", &said);
      definite += said.verdict != BT_INCONCLUSIVE;
    }
    drop_subject(&s);
  }
  assert_true(definite > PAIRS / 10);
}

static void test_budgets(void **state) {
  (void)state;
  unsigned definite = 0, cut_short = 0;
  for (uint64_t seed = 0; seed < PAIRS; seed++) {
    subject s;
    make_subject(&s, seed, true);
    for (uint64_t budget = 1; budget <= 64; budget *= 4) {
      bt_rule_verdict said = judge(&s, s.trace, (bt_eval_options){.step_budget = budget});
      check(&s, is_sound(&s, &said), "within a budget", &said);
      check(&s, said.verdict != BT_INCONCLUSIVE || said.reason == BT_REASON_BUDGET, "the reason", &said);
      definite += said.verdict != BT_INCONCLUSIVE;
      cut_short += said.verdict == BT_INCONCLUSIVE;
    }
    drop_subject(&s);
  }
  assert_true(definite > PAIRS && cut_short > PAIRS / 10);
}

static const bt_trace *shuffled(subject *s, random_source *source) {
  uint32_t order[64] = {0}, count = s->trace->span_count;
  bt_trace_builder *builder = bt_trace_builder_new(&s->arena, &s->trace->id);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t at = random_below(source, i + 1);
    order[i] = order[at];
    order[at] = i;
  }
  for (uint32_t i = 0; i < count; i++) assert_true(bt_trace_builder_add(builder, &s->trace->spans[order[i]]));
  return bt_trace_builder_finish(builder);
}

static void test_arrival(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < PAIRS; seed++) {
    subject s;
    random_source source;
    make_subject(&s, seed, true);
    random_seed(&source, seed + PAIRS);
    bt_eval_options options = {.incomplete = seed % 3 == 0, .clock_skew_ns = seed % 2 ? 1000000 : 0};
    s.whole = judge(&s, s.trace, options);
    for (int i = 0; i < TRIES; i++) {
      bt_rule_verdict said = judge(&s, shuffled(&s, &source), options);
      bool is_same = said.verdict == s.whole.verdict && said.reason == s.whole.reason &&
                     said.exercised == s.whole.exercised && said.choice_total == s.whole.choice_total &&
                     said.choice_count == s.whole.choice_count;
      check(&s, is_same, "in another order of arrival", &said);
    }
    drop_subject(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts), cmocka_unit_test(test_budgets),
                                     cmocka_unit_test(test_arrival)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
