/* Random rules × random traces: what the evaluator says against what the plan would search and subtract, in a model of
 * Tempo's filters.
 * 1. A violated trace is in `violating`, in the least that Tempo finds.  2. No violated trace is found by a subtracted
 * filter, in the most that Tempo finds.  3. An exercised trace is in `exercising`; where that is exact, its queries
 * that are no surplus find only those.  4. A violation that does not rest on absence stays when more spans come.  5.
 * The spans that the plan says a rule is decided by decide it as the whole trace does.  6. No query asks about two
 * attributes of a span, or of a resource, which Tempo 2.8 mixes up where one is an array.  7. Neither 1 nor 2 nor 3
 * fails where Tempo mixes up arrays, nor 1 and 3 where it overlooks doubles.  8. Nor does any where every key has a
 * column of its own and newer Tempos take what is not in it for the string "nil".  9. What holds of a trace is what may
 * hold of it where a start or an end of one span is 0: then 1 to 3 hold of that trace, too.  Counts are asserted, so
 * that a generator that makes nothing of interest shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "dsl/plan/plan.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/support/asked.h"
#include "tests/support/own_keys.h"
#include "tests/support/renamed_keys.h"
#include "tests/support/rule_maker.h"
#include "tests/support/slow_build.h"
#include "tests/support/traceql_model.h"

enum { RULES = ROUNDS_OF(1500, 600), TRACES = 12 };

typedef struct counts {
  size_t compiled, refused, violated, missed_chances, subtracted, exercised, exact, surely, steady_violations,
      searched_less;
  size_t unknown_times, tested_unknown;
  size_t from_spans, left_out, without_spans, of_one_kind, with_keys;
} counts;

/* ---- the properties ---- */

typedef struct subject {
  bt_rule *rule;
  bt_plan *plan;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
} subject;

static bt_rule_verdict judge(const subject *s, const bt_trace *trace, bt_eval_options options) {
  bt_error error = {0};
  const bt_rule_verdict *verdict = NULL;
  if (bt_evaluator_run(s->evaluator, trace, &options, &verdict, &error) != BT_OK) fail_msg("%s", error.message);
  return *verdict;
}

static void explain_failure(const subject *s, const char *what) {
  bt_buffer out = {0};
  bt_projection projection;
  bt_projection_init(&projection);
  bt_plan_print(s->plan, &projection, &out);
  fprintf(stderr, "%s\nrule %.*s\n%.*s", what, BT_FMT(s->rule->text), BT_FMT(bt_buffer_str(&out)));
  bt_projection_dispose(&projection);
  bt_buffer_dispose(&out);
  fail();
}

static bool is_subtracted(const bt_plan *plan, const bt_trace *trace, traceql_numbers numbers) {
  for (uint32_t i = 0; i < plan->subtract_count; i++)
    if (traceql_finds(asked_text(plan->subtract[i].asked), trace, numbers)) return true;
  return false;
}

static void check_violated_at_worst(const subject *s, const bt_trace *trace) {
  if (!traceql_formula_holds_at_worst(s->plan->violating, trace, TRACEQL_ARRAYS_MISSED, false))
    explain_failure(s, "a violated trace is not searched where arrays are mixed up");
  if (!traceql_formula_holds_at_worst(s->plan->violating, trace, TRACEQL_DOUBLES_HIDDEN, false))
    explain_failure(s, "a violated trace is not searched beside a NaN");
  for (uint32_t i = 0; i < s->plan->subtract_count; i++)
    if (traceql_finds_at_worst(asked_text(s->plan->subtract[i].asked), trace, TRACEQL_ARRAYS_FOUND))
      explain_failure(s, "a violated trace is subtracted where arrays are mixed up");
}

/* Newer Tempos, whatever columns their operator chose: of strings and of integers in turn. */
static const struct {
  traceql_worst missed, found;
} newer[] = {{TRACEQL_STRING_COLUMNS_MISSED, TRACEQL_STRING_COLUMNS_FOUND},
             {TRACEQL_INT_COLUMNS_MISSED, TRACEQL_INT_COLUMNS_FOUND}};

static void check_violated_in_columns(const subject *s, const bt_trace *trace, size_t turn) {
  if (!traceql_formula_holds_at_worst(s->plan->violating, trace, newer[turn].missed, false))
    explain_failure(s, "a violated trace is not searched where keys have columns");
  for (uint32_t i = 0; i < s->plan->subtract_count; i++)
    if (traceql_finds_at_worst(asked_text(s->plan->subtract[i].asked), trace, newer[turn].found))
      explain_failure(s, "a violated trace is subtracted by what newer Tempos make up");
}

static void check_violated(const subject *s, const bt_trace *trace, counts *c) {
  c->violated++;
  if (!traceql_formula_holds(s->plan->violating, trace, TRACEQL_NUMBERS_APART))
    explain_failure(s, "a violated trace is not searched");
  if (!traceql_formula_holds(s->plan->violating, trace, TRACEQL_NUMBERS_MIXED))
    explain_failure(s, "a violated trace is not searched with mixed numbers");
  if (is_subtracted(s->plan, trace, TRACEQL_NUMBERS_MIXED)) explain_failure(s, "a violated trace is subtracted");
  check_violated_at_worst(s, trace);
  check_violated_in_columns(s, trace, c->violated % 2);
}

static void check_exercised_in_columns(const subject *s, const bt_trace *trace, bool is_exercised, bool is_exact,
                                       size_t turn) {
  if (is_exercised && !traceql_formula_holds_at_worst(s->plan->exercising, trace, newer[turn].missed, false))
    explain_failure(s, "an exercised trace is not found where keys have columns");
  if (is_exact && !is_exercised && traceql_formula_holds_at_worst(s->plan->exercising, trace, newer[turn].found, true))
    explain_failure(s, "exercising is not exact where newer Tempos make up values");
}

static void check_exercised(const subject *s, const bt_trace *trace, bt_truth exercised, bool is_final, counts *c) {
  bool found = traceql_formula_holds(s->plan->exercising, trace, TRACEQL_NUMBERS_APART);
  if (exercised == BT_TRUE) c->exercised++;
  if (exercised == BT_TRUE && !found) explain_failure(s, "an exercised trace is not found");
  bool survives = traceql_formula_holds_at_worst(s->plan->exercising, trace, TRACEQL_ARRAYS_MISSED, false) &&
                  traceql_formula_holds_at_worst(s->plan->exercising, trace, TRACEQL_DOUBLES_HIDDEN, false);
  if (exercised == BT_TRUE && !survives) explain_failure(s, "an exercised trace is not found at Tempo's worst");
  bool is_exact = s->plan->exercising_is_exact && is_final;
  check_exercised_in_columns(s, trace, exercised == BT_TRUE, is_exact, trace->span_count % 2);
  if (!is_exact) return;
  c->exact++;
  bool surely = traceql_formula_holds_at_worst(s->plan->exercising, trace, TRACEQL_ARRAYS_FOUND, true);
  c->surely += surely;
  if (surely && exercised != BT_TRUE) explain_failure(s, "exercising is not exact");
}

/* The same trace without its last spans, as if they were still to come. */
static void check_steady(const subject *s, const made_trace *made, bool violated_in_the_end, counts *c) {
  if (s->plan->rests_on_absence || made->trace.span_count < 2) return;
  bt_trace earlier = made->trace;
  earlier.span_count = made->trace.span_count / 2;
  if (judge(s, &earlier, (bt_eval_options){0}).verdict != BT_VIOLATED) return;
  c->steady_violations++;
  if (!violated_in_the_end) explain_failure(s, "a violation that does not rest on absence was undone");
}

static void check_kinds(const subject *s, const bt_trace *some, counts *c) {
  if (s->plan->spans.apart != BT_APART_BY_ID || some->span_count < 2) return;
  c->of_one_kind++;
  for (uint32_t i = 1; i < some->span_count; i++)
    if (some->spans[i].kind != some->spans[0].kind) explain_failure(s, "spans of one kind are of several");
}

/* The least and the most that Tempo finds: both have to do. */
static void check_spans(const subject *s, const bt_trace *trace, const bt_rule_verdict *whole, counts *c) {
  static const traceql_numbers readings[] = {TRACEQL_NUMBERS_APART, TRACEQL_NUMBERS_MIXED};
  if (!s->plan->spans.asked.filter) return;
  bt_verdict verdict = whole->verdict; /* the next evaluation takes its place */
  bt_truth exercised = whole->exercised;
  /* Then a replay may ask for these spans first, and take the traces that have some for all that matter. */
  bool needs_spans = bt_plan_is_found_by_spans(s->plan), is_counted = s->plan->exercising->kind != BT_OVER_ALL;
  for (size_t r = 0; r < sizeof readings / sizeof *readings; r++) {
    bt_span kept[MAKER_MAX_SPANS];
    bt_trace some = *trace;
    some.spans = kept;
    some.span_count = 0;
    for (uint32_t i = 0; i < trace->span_count; i++) {
      bt_trace alone = *trace;
      alone.spans = &trace->spans[i];
      alone.span_count = 1;
      if (traceql_finds(asked_text(s->plan->spans.asked), &alone, readings[r]))
        kept[some.span_count++] = trace->spans[i];
    }
    if (!some.span_count && needs_spans && (verdict == BT_VIOLATED || (is_counted && exercised == BT_TRUE)))
      explain_failure(s, "a trace without any of the rule's spans violates or exercises it");
    c->without_spans += !some.span_count && needs_spans;
    if (!some.span_count) continue;
    c->from_spans++;
    check_kinds(s, &some, c);
    c->left_out += trace->span_count - some.span_count;
    bt_rule_verdict of_some = judge(s, &some, (bt_eval_options){0});
    if (of_some.verdict != verdict || of_some.exercised != exercised)
      explain_failure(s, "the spans of the rule are judged otherwise than the trace");
  }
}

static bool is_about_durations(const bt_over *over) {
  if (over->kind == BT_OVER_QUERY)
    return bt_str_contains(asked_text(over->query.asked), BT_STR("duration <= 9223372036854775807ns"));
  for (uint32_t i = 0; i < over->item_count; i++)
    if (is_about_durations(over->items[i])) return true;
  return false;
}

/* The times that the span had are one way in which those may be that it lacks now. */
static void check_unknown_times(const subject *s, maker *m, const made_trace *made, const bt_rule_verdict *known,
                                counts *c) {
  bt_span spans[MAKER_MAX_SPANS];
  bt_trace trace = made->trace;
  unsigned lacks = 1 + test_random_below(&m->random, 3);
  bt_span *changed = &spans[test_random_below(&m->random, trace.span_count)];
  memcpy(spans, made->trace.spans, trace.span_count * sizeof *spans);
  trace.spans = spans;
  if (lacks & 1) changed->start_ns = 0;
  if (lacks & 2) changed->end_ns = 0;
  c->unknown_times += known->verdict == BT_VIOLATED;
  c->tested_unknown += known->verdict == BT_VIOLATED && is_about_durations(s->plan->violating);
  if (known->verdict == BT_VIOLATED && !traceql_formula_holds(s->plan->violating, &trace, TRACEQL_NUMBERS_APART))
    explain_failure(s, "a trace that may violate is not searched where a time is 0");
  if (known->verdict == BT_VIOLATED && is_subtracted(s->plan, &trace, TRACEQL_NUMBERS_MIXED))
    explain_failure(s, "a trace that may violate is subtracted where a time is 0");
  if (known->exercised == BT_TRUE && !traceql_formula_holds(s->plan->exercising, &trace, TRACEQL_NUMBERS_APART))
    explain_failure(s, "a trace that may exercise the rule is not found where a time is 0");
  if (known->exercised != BT_TRUE && s->plan->exercising_is_exact &&
      traceql_formula_holds_at_worst(s->plan->exercising, &trace, TRACEQL_ARRAYS_FOUND, true))
    explain_failure(s, "exercising is not exact where a time is 0");
  if (known->verdict == BT_VIOLATED && s->plan->spans.asked.filter && bt_plan_is_found_by_spans(s->plan) &&
      !traceql_finds(asked_text(s->plan->spans.asked), &trace, TRACEQL_NUMBERS_APART))
    explain_failure(s, "a trace that may violate has none of the rule's spans where a time is 0");
}

static void check_trace(const subject *s, maker *m, counts *c) {
  made_trace made;
  maker_make_trace(m, &made);
  bt_eval_options uncertain = {.incomplete = test_random_below(&m->random, 2),
                               .clock_skew_ns = test_random_below(&m->random, 2) ? 1000000 : 0,
                               .coarse_clocks_unknown = test_random_below(&m->random, 2)};
  bt_rule_verdict final = judge(s, &made.trace, (bt_eval_options){0});
  bool violated = final.verdict == BT_VIOLATED;
  check_exercised(s, &made.trace, final.exercised, true, c);
  check_unknown_times(s, m, &made, &final, c);
  check_spans(s, &made.trace, &final, c);
  if (violated)
    check_violated(s, &made.trace, c);
  else if (!traceql_formula_holds(s->plan->violating, &made.trace, TRACEQL_NUMBERS_APART))
    c->searched_less++;
  else if (is_subtracted(s->plan, &made.trace, TRACEQL_NUMBERS_APART))
    c->subtracted++;
  else
    c->missed_chances++;
  check_steady(s, &made, violated, c);
  bt_rule_verdict doubtful = judge(s, &made.trace, uncertain);
  check_exercised(s, &made.trace, doubtful.exercised, false, c);
  if (doubtful.verdict == BT_VIOLATED) check_violated(s, &made.trace, c);
}

/* The next attribute of the scope (`span.`) that is tested at or after *at, as it is written; empty: none. A service
 * name that is text is no attribute. */
static bt_str next_key(bt_str filter, bt_str scope, size_t *at) {
  bool quoted = false;
  for (size_t i = *at; i < filter.len; i++) {
    bt_str rest = {filter.ptr + i, filter.len - i};
    if (filter.ptr[i] == '"') quoted = !quoted;
    if (quoted && filter.ptr[i] == '\\') i++;
    bool begins = i && (filter.ptr[i - 1] == ' ' || filter.ptr[i - 1] == '(');
    if (quoted || !begins || !bt_str_starts_with(rest, scope)) continue;
    size_t length = scope.len;
    for (bool in_key = false; length < rest.len && (in_key || rest.ptr[length] != ' '); length++) {
      if (rest.ptr[length] == '"') in_key = !in_key;
      if (in_key && rest.ptr[length] == '\\') length++;
    }
    *at = i + length;
    bt_str after = {rest.ptr + length, rest.len - length};
    bool is_text = bt_str_starts_with(after, BT_STR(" = \"")) || bt_str_starts_with(after, BT_STR(" =~ \""));
    if (!is_text || !bt_str_equal((bt_str){rest.ptr, length}, BT_STR("resource.service.name")))
      return (bt_str){rest.ptr, length};
    i = *at - 1;
  }
  return (bt_str){0};
}

static void check_keys_of(const subject *s, bt_str filter, bt_str scope, counts *c) {
  size_t at = 0;
  bt_str first = next_key(filter, scope, &at);
  c->with_keys += first.len != 0;
  for (bt_str next = first; next.len; next = next_key(filter, scope, &at))
    if (!bt_str_equal(first, next) && !bt_str_contains(next, BT_STR(".betrace.none"))) /* which nobody has */
      explain_failure(s, "a query asks about two attributes");
}

static void check_filter(const subject *s, bt_str filter, counts *c) {
  check_keys_of(s, filter, BT_STR("span."), c);
  check_keys_of(s, filter, BT_STR("resource."), c);
}

static void check_formula(const subject *s, const bt_over *over, counts *c) {
  if (over->kind == BT_OVER_QUERY) check_filter(s, asked_text(over->query.asked), c);
  for (uint32_t i = 0; i < over->item_count; i++) check_formula(s, over->items[i], c);
}

static void check_queries(const subject *s, counts *c) {
  check_formula(s, s->plan->violating, c);
  check_formula(s, s->plan->exercising, c);
  for (uint32_t i = 0; i < s->plan->subtract_count; i++) check_filter(s, asked_text(s->plan->subtract[i].asked), c);
}

static void check_rule(maker *m, bt_rule *rule, counts *c) {
  subject s = {.rule = rule};
  bt_error error = {0};
  const bt_rule *rules[] = {rule};
  if (bt_plan_new(rule, bt_traceql_dialect(), &s.plan, &error) != BT_OK ||
      bt_ruleset_new(rules, 1, &s.ruleset, &error) != BT_OK ||
      bt_evaluator_new(s.ruleset, &s.evaluator, &error) != BT_OK)
    fail_msg("%s", error.message);
  check_queries(&s, c);
  for (int i = 0; i < TRACES; i++) check_trace(&s, m, c);
  bt_evaluator_free(s.evaluator);
  bt_ruleset_free(s.ruleset);
  bt_plan_free(s.plan);
}

static void report_refusal(const bt_diagnostics *diagnostics, bt_str text) {
  bt_buffer out = {0};
  bt_diagnostics_print(diagnostics, text, "rule", &out);
  printf("refused: %.*s\n", BT_FMT(bt_buffer_str(&out)));
  bt_buffer_dispose(&out);
}

/* Every other rule by keys that were renamed, and every other one by aliases. */
static void check_one(maker *m, test_random *of_names, counts *c) {
  static const char *const keys[] = {"k", "m", "http.method", "http.status_code", "cluster", "pod"};
  renamed_keys renamed;
  own_keys own;
  bt_compile_options options = {.conventions = &renamed.conventions};
  renamed_keys_make(of_names, keys, sizeof keys / sizeof *keys, test_random_below(of_names, 2), &renamed);
  own_keys_make(of_names, keys, sizeof keys / sizeof *keys, &own);
  if (test_random_below(of_names, 2)) options.semconv = BT_STR("stable");
  if (test_random_below(of_names, 2)) options.own_names = &own.names;
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  maker_say_rule(m);
  if (bt_rule_compile_with(bt_buffer_str(&m->text), &options, &rule, &diagnostics, &error) == BT_OK) {
    c->compiled++;
    check_rule(m, rule, c);
  } else if (c->refused++ < 4) {
    report_refusal(&diagnostics, bt_buffer_str(&m->text));
  }
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static void test_properties(void **state) {
  static const uint64_t seeds[] = {20260101, 1, 7};
  (void)state;
  for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
    maker m = {.random = test_random_start(seeds[i])};
    test_random of_names = test_random_start(seeds[i] + 60);
    counts c = {0};
    for (int rule = 0; rule < RULES; rule++) check_one(&m, &of_names, &c);
    bt_buffer_dispose(&m.text);
    printf("rules %zu, refused %zu; traces violated %zu, not searched %zu, subtracted %zu, read for nothing %zu; "
           "exercised %zu, exact %zu; steady violations %zu; decided from spans %zu, left out %zu\n",
           c.compiled, c.refused, c.violated, c.searched_less, c.subtracted, c.missed_chances, c.exercised, c.exact,
           c.steady_violations, c.from_spans, c.left_out);
    assert_true(c.compiled > RULES / 2);
    assert_true(c.violated > 1000 && c.searched_less > 1000 && c.subtracted > 100);
    assert_true(c.exercised > 1000 && c.exact > 1000 && c.surely > 500 && c.steady_violations > 100);
    assert_true(c.from_spans > 1000 && c.left_out > 1000 && c.without_spans > 100);
    assert_true(c.with_keys > 500 && c.unknown_times > 1000);
  }
}

static bt_rule *compile(const char *text) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_str_from(text), &rule, &diagnostics, NULL) != BT_OK) fail_msg("%s", text);
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

/* What random rules do not say: the trace inside of selections, where later spans change what was selected, and spans
 * and fields at the second end of between and in lists. */
static void test_what_is_rarely_said(void **state) {
  static const char *const rules[] = {
      "count(a before (b.where(trace.duration < 2ms))) > 0",
      "count(a.where(trace.duration < 2ms)) > 0",
      "count(a after (trace.has(trace.span_count < 4))) > 0",
      "max(a after (b.where(trace.duration < 2ms)), span.duration) > 0s",
      "a before (b.where(trace.span_count < 4))",
      "a before (b.where(trace.span_count > 1))",
      "not (a before (b.where(trace.duration > 2ms)))",
      "trace.duration < 2ms and a",
      "trace.duration > 1ms and a",
      "a between b and c",
      "when { a } always { b between a and (c.where(k == 1)) }",
      "not (a.where(k in [span.m, 1]))",
      "(a.where(k == 1)) or (b.where(k == 5))",
      "(a.where(k == 1)) or (b.where(k in [1, 5]))",
      "(b.where(k in [1, 5])) or (a.where(k == 5))",
      "(a.where(k == 5)) or (trace.has(k == 1))",
      "(trace.has(k == 1)) or (a.where(k == 5))",
      "a.where(span.k == 1 and resource.m < 2)",
      "trace.has(span.attributes[\"duration\"] == 0 and span.duration <= 1ms)",
      "not trace.has(span.attributes[\"duration\"] == 0 and span.duration <= 1ms)",
      "not ((trace.has(span.duration > 2ms)) or (trace.has(span.attributes[\"duration\"] "
      "== 0 and span.kind == \"server\")))",
      "not trace.has(exists(\"service.name\"))",
      "when { a } always { (a.where(k > 1)) or (b.where(k == 1)) }",
      "when { a } always { trace.has(span.http.status_code != 1) }",
      "when { trace.has(exists(resource.k8s.pod.name)) } always { b }",
      "when { a } always { trace.has(span.http.status_code in [0, \"nil\"]) }",
      "when { a } always { trace.has(span.http.method in [\"\", \"nil\"]) }",
      "not trace.has(resource.cluster == \"\" or resource.cluster matches \"n\")",
      "not trace.has(span.http.status_code < 1 or span.http.status_code matches \"^n\")",
      "when { trace.has(span.plain <= 0 or span.plain >= \"n\") } never { c }",
      "when { trace.has(span.k == 1) } always { b }",
      "when { a } always { trace.has(span.k == \"1\") }",
      "when { trace.has(span.k > \"0\") } never { trace.has(span.m == \"true\") }",
      "when { trace.has(span.k == \"1\" or span.k == 1) } always { trace.has(span.m != 1) }",
      "trace.has(span.k not in [1, \"x\"]) and not trace.has(span.k == 5)",
      "max(a, k) > 1 and min(b, m) <= 1",
      "count_distinct(a, k) > 1",
      "when { a } always { b.where(m) }",
      "when { trace.has(event.where(event.k == true)) } always { trace.has(\"service.name\" == 1) }"};
  (void)state;
  maker m = {.random = test_random_start(11)};
  counts c = {0};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    bt_rule *rule = compile(rules[i]);
    for (int again = 0; again < 100; again++) check_rule(&m, rule, &c);
    bt_rule_free(rule);
  }
  printf("violated %zu, steady violations %zu\n", c.violated, c.steady_violations);
  assert_true(c.violated > 1000 && c.steady_violations > 100);
}

/* Every operator on both sides, and what takes a duration in another way. */
static void test_durations(void **state) {
  static const char *const rules[] = {
      "trace.has(span.duration > 2ms) and not (trace.has(span.duration < 1ms))",
      "when { a.where(span.duration >= 1ms) } always { b.where(span.duration <= 2ms) }",
      "not (trace.has(span.duration == 2ms))",
      "when { trace.has(span.duration in [1ms, 2ms]) } always { trace.has(span.duration not in [1ms, 0ms]) }",
      "trace.has(span.duration != 1ms) and not (trace.has(span.duration == 0ms))",
      "when { trace.has(span.duration > 0ms) } never { trace.has(span.duration < 9000h) }",
      "when { a } never { max(a, span.duration) < 3ms or min(b, span.duration) > 9000h }",
      "when { a } always { min(a, span.duration) < 3ms and max(b, span.duration) >= 1ms }",
      "count(a.where(not (span.duration < 2ms))) >= 2",
      "a as x and x.span.duration > 1ms and not (b.where(span.duration > x.span.duration))",
      "not (trace.has(exists(span.duration) and span.name == \"a\"))",
      "when { b } never { trace.has(span.duration >= 0ms and k == 1) }"};
  (void)state;
  maker m = {.random = test_random_start(13)};
  counts c = {0};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    bt_rule *rule = compile(rules[i]);
    for (int again = 0; again < 100; again++) check_rule(&m, rule, &c);
    bt_rule_free(rule);
  }
  printf("violated %zu, with a test of a duration %zu\n", c.violated, c.tested_unknown);
  assert_true(c.violated > 1000 && c.tested_unknown > 1000);
}

/* Only where every span that the rule speaks of has to be of one kind. */
static void test_spans_of_one_kind(void **state) {
  static const struct {
    const char *rule;
    bt_apart apart;
  } rows[] = {
      {"trace.has(span.kind == \"client\")", BT_APART_BY_ID},
      {"trace.has(span.kind == \"client\" and k == 1)", BT_APART_BY_ID},
      {"trace.has(k == 1 and span.kind == \"client\" and span.m < 2)", BT_APART_BY_ID},
      {"(trace.has(span.kind == \"client\" and k == 1)) or (trace.has(span.kind == \"client\" and span.m > 1))",
       BT_APART_BY_ID},
      {"when { trace.has(span.kind == \"server\") } always { a.where(span.kind == \"server\") }", BT_APART_BY_ID},
      {"when { trace.has(span.kind == \"server\") } always { trace.has(span.kind == \"client\") }", BT_APART_BY_KIND},
      {"trace.has(span.kind != \"client\")", BT_APART_BY_KIND},
      {"trace.has(span.kind in [\"client\", \"server\"])", BT_APART_BY_KIND},
      {"trace.has(k == 1 or span.kind == \"client\")", BT_APART_BY_KIND},
      {"(trace.has(span.kind == \"client\")) or (a)", BT_APART_BY_KIND},
      {"a", BT_APART_BY_KIND}};
  (void)state;
  maker m = {.random = test_random_start(12)};
  counts c = {0};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_rule *rule = compile(rows[i].rule);
    bt_plan *plan;
    assert_int_equal(bt_plan_new(rule, bt_traceql_dialect(), &plan, NULL), BT_OK);
    assert_true(plan->spans.asked.filter);
    if (plan->spans.apart != rows[i].apart) fail_msg("%s", rows[i].rule);
    bt_plan_free(plan);
    for (int again = 0; again < 100; again++) check_rule(&m, rule, &c);
    bt_rule_free(rule);
  }
  printf("several spans of one kind %zu\n", c.of_one_kind);
  assert_true(c.of_one_kind > 300);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_properties), cmocka_unit_test(test_what_is_rarely_said),
                                     cmocka_unit_test(test_durations), cmocka_unit_test(test_spans_of_one_kind)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
