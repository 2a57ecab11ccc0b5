/* What must hold of every rule and trace, tried on random ones:
 *   - what is said of a part of a trace, as incomplete, stays true of the whole;
 *   - what is said within a budget is what is said without one, of steps and of text;
 *   - beside other rules a rule says what it says alone, whatever text they may walk over;
 *   - the order in which spans arrive changes nothing;
 *   - what is said where a store cut the times is what is said of the times as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
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

/* Rules that walk over text. */
static void text_rule(random_source *source, bt_buffer *out) {
  static const char *const tests[] = {"k matches \"[12]$\"", "not (k contains \"1\")", "k !~ \"2.*\"",
                                      "span.name matches \"x|z\" or k contains \"3\"", "k =~ \"1|3\" and k == 1"};
  static const char *const rules[] = {
      "never { trace.has(%s) }",
      "always { trace.has(%s) }",
      "count(%s) > 2",
      "when { x as p } always { span(%s) after p }",
      "x as p and y as q and not (span(%s) between p and q)",
      "when { y } always { trace.has_before(x, trace.has(%s)) }",
      "trace.duration > 4ms and trace.has(%s) and not z",
      "x as p and p.k contains \"2\" and not (span(%s) under p)",
  };
  const char *test = tests[random_below(source, sizeof tests / sizeof tests[0])];
  const char *rule = rules[random_below(source, sizeof rules / sizeof rules[0])];
  const char *at = strstr(rule, "%s");
  bt_buffer_printf(out, "%.*s%s%s", (int)(at - rule), rule, test, at + 2);
}

static void make_subject_of(subject *s, uint64_t seed, bool with_halves, bool with_text) {
  random_source source;
  bt_diagnostics diagnostics;
  char message[256] = "";
  *s = (subject){.rule = NULL};
  random_seed(&source, seed);
  if (with_text)
    text_rule(&source, &s->rule_text);
  else
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

static void make_subject(subject *s, uint64_t seed, bool with_halves) {
  make_subject_of(s, seed, with_halves, false);
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

/* As a store keeps them that has start and duration in whole units, or the start alone. */
static void cut_times(random_source *source, bt_span *span, int64_t unit_ns) {
  int64_t length_ns = bt_span_duration_ns(span);
  bool cuts_length = random_below(source, 2);
  if (!span->start_ns || !span->end_ns || span->end_ns < span->start_ns || !random_below(source, 8)) return;
  span->start_ns -= span->start_ns % unit_ns;
  span->end_ns = span->start_ns + length_ns - (cuts_length ? length_ns % unit_ns : 0);
  span->time_slack_ns = (uint32_t)(2 * (unit_ns - 1));
  span->duration_slack_ns = cuts_length ? (uint32_t)(unit_ns - 1) : 0;
}

static const bt_trace *trace_with_cut_times(subject *s, random_source *source) {
  static const int64_t units_ns[] = {1000000, 2000000, 3000000, 7000000};
  int64_t unit_ns = units_ns[random_below(source, 4)];
  bt_trace_builder *builder = bt_trace_builder_new(&s->arena, &s->trace->id);
  for (uint32_t i = 0; i < s->trace->span_count; i++) {
    bt_span span = s->trace->spans[i];
    cut_times(source, &span, unit_ns);
    assert_true(bt_trace_builder_add(builder, &span));
  }
  return bt_trace_builder_finish(builder);
}

/* Spans that share an id have records in an order by what they say, so random ones have ids of their own here. */
static void test_cut_times(void **state) {
  static const int64_t skews_ns[] = {0, 1000000, 5000000};
  (void)state;
  unsigned definite = 0, open = 0;
  for (uint64_t seed = 0; seed < PAIRS; seed++) {
    subject s;
    random_source source;
    make_subject(&s, seed, false);
    random_seed(&source, seed + PAIRS);
    for (int i = 0; i < TRIES; i++) {
      bt_eval_options options = {.clock_skew_ns = skews_ns[random_below(&source, 3)]};
      s.whole = judge(&s, s.trace, options);
      bt_rule_verdict said = judge(&s, trace_with_cut_times(&s, &source), options);
      check(&s, is_sound(&s, &said), "with cut times", &said);
      definite += said.verdict != BT_INCONCLUSIVE;
      open += said.verdict == BT_INCONCLUSIVE && s.whole.verdict != BT_INCONCLUSIVE;
    }
    drop_subject(&s);
  }
  assert_true(definite > PAIRS && open > PAIRS / 10);
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

static void test_text_budgets(void **state) {
  (void)state;
  unsigned definite = 0, cut_short = 0;
  for (uint64_t seed = 0; seed < PAIRS; seed++) {
    subject s;
    make_subject_of(&s, seed, true, true);
    for (uint64_t budget = 1; budget <= 64; budget *= 2) {
      bt_rule_verdict said = judge(&s, s.trace, (bt_eval_options){.text_budget = budget});
      check(&s, is_sound(&s, &said), "within a text budget", &said);
      check(&s, said.verdict != BT_INCONCLUSIVE || said.reason == BT_REASON_BUDGET, "the reason", &said);
      definite += said.verdict != BT_INCONCLUSIVE;
      cut_short += said.verdict == BT_INCONCLUSIVE;
    }
    drop_subject(&s);
  }
  assert_true(definite > PAIRS && cut_short > PAIRS / 10);
}

static bool says_the_same(const bt_rule_verdict *a, const bt_rule_verdict *b) {
  return a->verdict == b->verdict && a->reason == b->reason && a->exercised == b->exercised &&
         a->choice_total == b->choice_total;
}

/* The same rule three times with budgets of its own each: they share what they walk over. */
static void check_sharing(subject *s, random_source *source) {
  const bt_rule *rules[] = {s->rule, s->rule, s->rule};
  bt_eval_options options[3] = {{0}, {0}, {0}};
  const bt_rule_verdict *together;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  assert_int_equal(bt_ruleset_new(rules, 3, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  for (int i = 0; i < 3; i++) options[i].text_budget = random_below(source, 40) + 1;
  assert_int_equal(bt_evaluator_run(evaluator, s->trace, options, &together, NULL), BT_OK);
  for (int i = 0; i < 3; i++) {
    bt_rule_verdict alone = judge(s, s->trace, options[i]);
    check(s, says_the_same(&alone, &together[i]), "beside others", &together[i]);
  }
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
}

static void test_sharing(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < PAIRS; seed++) {
    subject s;
    random_source source;
    make_subject_of(&s, seed, true, true);
    random_seed(&source, seed + PAIRS);
    check_sharing(&s, &source);
    drop_subject(&s);
  }
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts),   cmocka_unit_test(test_cut_times),
                                     cmocka_unit_test(test_budgets), cmocka_unit_test(test_text_budgets),
                                     cmocka_unit_test(test_sharing), cmocka_unit_test(test_arrival)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
