/* Runs tests/cases/eval/: rules on traces, with their verdicts. The fields of a case are read in order:
 *   rule TEXT            the rule from here on
 *   trace LINES          the trace from here on, as in tests/support/trace_text.h; the options fall back to their
 * defaults options WORDS        incomplete, skew=5ms, budget=100, text=100 (the text budget) verdict WORDS evaluates: a
 * verdict, of inconclusive its reason, and maybe `witness` with the witnesses of the first choice exercised WORD of
 * that evaluation: true, false or unknown total N              its number of violating choices choice WORDS         the
 * witnesses of the next choice, the first one first: bound spans as binding=id, others as id spent TEXT           what
 * its budget was spent on failed TEXT          the part of the rule that is blamed in the choice looked at last says
 * TEXT what is said of it (dsl/rule/rule_sentence.h) flags WORDS          of the trace: root=id or root=none,
 * differing_copies, missing_parents, spans=N Afterwards every rule is evaluated on every trace once more, all in one
 * ruleset, and again with indexes, and has to give the same verdicts; and what is said of parts of the traces (as
 * incomplete), or under clock skew, must not contradict what is said of the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "dsl/rule/rule_sentence.h"
#include "tests/support/case_file.h"
#include "tests/support/trace_text.h"

enum { MAX_EVALUATIONS = 4096 };

typedef struct evaluation { /* to be repeated in one ruleset with all others */
  bt_rule *rule;
  const bt_trace *trace;
  bt_eval_options options;
  bt_verdict verdict;
  bt_reason reason;
  bt_truth exercised;
  uint64_t total;
  const char *file;
  unsigned line;
} evaluation;

typedef struct suite {
  evaluation done[MAX_EVALUATIONS];
  size_t done_count;
  bt_rule *rules[MAX_EVALUATIONS];
  size_t rule_count;
  bt_arena arena; /* of all traces */
  unsigned failures;
} suite;

typedef struct case_run {
  suite *suite;
  const text_case *text;
  unsigned line;
  bt_rule *rule;
  const bt_trace *trace;
  bt_eval_options options;
  bt_ruleset *ruleset; /* of the last verdict */
  bt_evaluator *evaluator;
  const bt_rule_verdict *verdict;
  uint32_t next_choice;
} case_run;

static void complain(case_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(case_run *run, const char *format, ...) {
  va_list list;
  fprintf(stderr, "%s:%u: (%s) ", run->text->file, run->line, run->text->comment);
  va_start(list, format);
  vfprintf(stderr, format, list);
  va_end(list);
  fputc('\n', stderr);
  run->suite->failures++;
}

static void set_rule(case_run *run, const char *text) {
  bt_diagnostics diagnostics;
  bt_error error;
  run->rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_str_from(text), &run->rule, &diagnostics, &error) != BT_OK) {
    bt_buffer printed = {0};
    bt_diagnostics_print(&diagnostics, bt_str_from(text), "rule", &printed);
    complain(run, "the rule does not compile:\n%s", printed.ptr ? printed.ptr : "");
    bt_buffer_dispose(&printed);
  } else {
    run->suite->rules[run->suite->rule_count++] = run->rule;
  }
  bt_diagnostics_dispose(&diagnostics);
}

static void set_trace(case_run *run, const char *text) {
  char message[256] = "no memory";
  run->trace = trace_text_read(&run->suite->arena, text, message, sizeof message);
  run->options = (bt_eval_options){0};
  if (!run->trace) complain(run, "%s", message);
}

static void set_options(case_run *run, const char *words) {
  char copy[256];
  snprintf(copy, sizeof copy, "%s", words);
  char *rest = copy;
  for (char *word; (word = strsep(&rest, " "));) {
    if (strcmp(word, "incomplete") == 0)
      run->options.incomplete = true;
    else if (strcmp(word, "coarse") == 0)
      run->options.coarse_clocks_unknown = true;
    else if (strncmp(word, "budget=", 7) == 0)
      run->options.step_budget = strtoull(word + 7, NULL, 10);
    else if (strncmp(word, "text=", 5) == 0)
      run->options.text_budget = strtoull(word + 5, NULL, 10);
    else if (strncmp(word, "skew=", 5) != 0 || !trace_text_duration(bt_str_from(word + 5), &run->options.clock_skew_ns))
      complain(run, "unknown option %s", word);
  }
}

static void forget_verdict(case_run *run) {
  bt_evaluator_free(run->evaluator);
  bt_ruleset_free(run->ruleset);
  run->evaluator = NULL;
  run->ruleset = NULL;
  run->verdict = NULL;
  run->next_choice = 0;
}

static void remember(case_run *run) {
  suite *s = run->suite;
  const bt_rule_verdict *v = run->verdict;
  s->done[s->done_count++] = (evaluation){run->rule,    run->trace,      run->options,    v->verdict, v->reason,
                                          v->exercised, v->choice_total, run->text->file, run->line};
}

static void print_choice(const case_run *run, const bt_choice *choice, bt_buffer *out) {
  for (uint32_t i = 0; i < choice->witness_count; i++) {
    const bt_witness *witness = &choice->witnesses[i];
    char name[BT_SPAN_ID_HEX + 1];
    trace_text_id_name(&run->trace->spans[witness->span].id, name);
    if (i) bt_buffer_append_char(out, ' ');
    if (witness->binding != BT_NO_BINDING) {
      bt_buffer_append(out, run->rule->bindings[witness->binding].name);
      bt_buffer_append_char(out, '=');
    }
    bt_buffer_append(out, bt_str_from(name));
  }
}

static void check_choice(case_run *run, const char *expected) {
  if (!run->verdict || run->next_choice >= run->verdict->choice_count) {
    complain(run, "expected one more choice with the witnesses %s", expected);
    return;
  }
  bt_buffer got = {0};
  print_choice(run, &run->verdict->choices[run->next_choice++], &got);
  if (!bt_str_equal(bt_buffer_str(&got), bt_str_from(expected)))
    complain(run, "expected the witnesses %s, got %s", expected, got.ptr ? got.ptr : "none");
  bt_buffer_dispose(&got);
}

static void check_failed(case_run *run, const char *expected) {
  if (!run->verdict || run->verdict->choice_count == 0) {
    complain(run, "no choice to blame %s in", expected);
    return;
  }
  uint32_t at = run->next_choice ? run->next_choice - 1 : 0;
  bt_range range = run->verdict->choices[at].failed;
  if (range.start > range.end || range.end > run->rule->text.len) {
    complain(run, "the blamed range %u-%u is not in the text", range.start, range.end);
    return;
  }
  bt_str got = {run->rule->text.ptr + range.start, range.end - range.start};
  if (!bt_str_equal(got, bt_str_from(expected)))
    complain(run, "expected %s to be blamed, got %.*s", expected, BT_FMT(got));
}

/* The sentence of the choice that was looked at last. */
static void check_sentence(case_run *run, const char *expected) {
  if (!run->verdict || !run->verdict->choice_count) {
    complain(run, "no choice to say something of");
    return;
  }
  const bt_choice *choice = &run->verdict->choices[run->next_choice ? run->next_choice - 1 : 0];
  bt_buffer got = {0};
  bt_rule_say_failure(run->rule, choice->failed, &choice->measured, &got);
  if (got.failed || !bt_str_equal(bt_buffer_str(&got), bt_str_from(expected)))
    complain(run, "expected the sentence `%s`, got `%.*s`", expected, BT_FMT(bt_buffer_str(&got)));
  bt_buffer_dispose(&got);
}

static bool evaluate(case_run *run) {
  bt_error error = {0};
  const bt_rule *rules[1] = {run->rule};
  forget_verdict(run);
  if (!run->rule || !run->trace) return false;
  if (bt_ruleset_new(rules, 1, &run->ruleset, &error) == BT_OK &&
      bt_evaluator_new(run->ruleset, &run->evaluator, &error) == BT_OK &&
      bt_evaluator_run(run->evaluator, run->trace, &run->options, &run->verdict, &error) == BT_OK)
    return true;
  complain(run, "cannot be evaluated: %s", error.message);
  return false;
}

static void check_verdict(case_run *run, const char *expected) {
  char got[64], wanted[64];
  const char *witness = strstr(expected, "witness");
  size_t length = witness ? (size_t)(witness - expected) : strlen(expected);
  while (length && expected[length - 1] == ' ') length--;
  snprintf(wanted, sizeof wanted, "%.*s", (int)length, expected);
  if (!evaluate(run)) return;
  const char *reason = bt_reason_name(run->verdict->reason);
  snprintf(got, sizeof got, "%s%s%s", bt_verdict_name(run->verdict->verdict), *reason ? " " : "", reason);
  if (strcmp(got, wanted) != 0) complain(run, "expected %s, got %s", wanted, got);
  if (witness) check_choice(run, witness + strlen("witness") + strspn(witness + strlen("witness"), " "));
  remember(run);
}

static void check_exercised(case_run *run, const char *expected) {
  static const char *const names[] = {"false", "unknown", "true"};
  if (run->verdict && strcmp(names[run->verdict->exercised], expected) != 0)
    complain(run, "expected exercised %s, got %s", expected, names[run->verdict->exercised]);
}

static void check_total(case_run *run, const char *expected) {
  unsigned long long total = strtoull(expected, NULL, 10);
  if (!run->verdict || run->verdict->choice_total != total)
    complain(run, "expected a total of %llu, got %llu", total,
             run->verdict ? (unsigned long long)run->verdict->choice_total : 0ull);
}

static void check_spending(case_run *run, const char *expected) {
  bt_buffer got = {0};
  if (run->verdict) bt_verdict_say_spending(run->verdict, run->rule->text, &got);
  if (!bt_str_equal(bt_buffer_str(&got), bt_str_from(expected)))
    complain(run, "expected the budget to be spent: %s, got: %s", expected, got.ptr ? got.ptr : "nothing");
  bt_buffer_dispose(&got);
}

static void check_flags(case_run *run, const char *expected) {
  char got[128], root[BT_SPAN_ID_HEX + 1] = "none";
  if (!run->trace) return;
  uint32_t number = bt_trace_root(run->trace);
  if (number != BT_NO_SPAN) trace_text_id_name(&run->trace->spans[number].id, root);
  snprintf(got, sizeof got, "spans=%u root=%s%s%s", run->trace->span_count, root,
           run->trace->differing_copies ? " differing_copies" : "",
           run->trace->missing_parents ? " missing_parents" : "");
  if (strcmp(got, expected) != 0) complain(run, "expected flags %s, got %s", expected, got);
}

static void run_case(const text_case *text, void *context) {
  static const struct {
    const char *key;
    void (*act)(case_run *, const char *);
  } acts[] = {{"rule", set_rule},         {"trace", set_trace},           {"options", set_options},
              {"verdict", check_verdict}, {"exercised", check_exercised}, {"total", check_total},
              {"choice", check_choice},   {"failed", check_failed},       {"flags", check_flags},
              {"spent", check_spending},  {"says", check_sentence}};
  case_run run = {.suite = context, .text = text};
  for (size_t i = 0; i < text->field_count; i++) {
    size_t act = 0, count = sizeof acts / sizeof acts[0];
    run.line = text->fields[i].line;
    while (act < count && strcmp(acts[act].key, text->fields[i].key) != 0) act++;
    if (act == count)
      complain(&run, "unknown field %s", text->fields[i].key);
    else
      acts[act].act(&run, text->fields[i].value);
  }
  forget_verdict(&run);
}

static suite all;

static void test_cases(void **state) {
  (void)state;
  size_t count = case_run_folder("cases/eval", run_case, &all);
  printf("%zu cases, %zu verdicts\n", count, all.done_count);
  assert_int_equal(all.failures, 0);
}

static size_t rule_number(const bt_rule *rule) {
  size_t i = 0;
  while (i < all.rule_count && all.rules[i] != rule) i++;
  return i;
}

static bool is_same(const evaluation *e, const bt_rule_verdict *v) {
  return v->verdict == e->verdict && v->reason == e->reason && v->exercised == e->exercised &&
         v->choice_total == e->total;
}

/* All rules share one ruleset and one evaluator: what one rule leaves behind must not change what another one says. */
static void test_sharing(void **state) {
  (void)state;
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  bt_error error = {0};
  unsigned differences = 0;
  static bt_eval_options options[MAX_EVALUATIONS];
  assert_int_equal(bt_ruleset_new((const bt_rule *const *)all.rules, all.rule_count, &ruleset, &error), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, &error), BT_OK);
  for (size_t i = 0; i < all.done_count; i++) {
    const evaluation *e = &all.done[i];
    const bt_rule_verdict *verdicts;
    for (size_t r = 0; r < all.rule_count; r++) options[r] = e->options;
    assert_int_equal(bt_evaluator_run(evaluator, e->trace, options, &verdicts, &error), BT_OK);
    if (is_same(e, &verdicts[rule_number(e->rule)])) continue;
    fprintf(stderr, "%s:%u: another verdict among all rules than alone\n", e->file, e->line);
    differences++;
  }
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  assert_int_equal(differences, 0);
}

/* A part of the trace: the spans whose bit is set in `kept`. */
static const bt_trace *part_of(const bt_trace *trace, uint64_t kept, bt_arena *arena) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &trace->id);
  assert_non_null(builder);
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (kept >> i & 1) assert_true(bt_trace_builder_add(builder, &trace->spans[i]));
  return bt_trace_builder_finish(builder);
}

static bt_rule_verdict judge(const bt_rule *rule, const bt_trace *trace, const bt_eval_options *options) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict;
  assert_int_equal(bt_ruleset_new(&rule, 1, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  assert_int_equal(bt_evaluator_run(evaluator, trace, options, &verdict, NULL), BT_OK);
  bt_rule_verdict out = *verdict;
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return out;
}

/* With the indexes that otherwise only large traces have. */
static void test_indexes(void **state) {
  (void)state;
  unsigned differences = 0;
  for (size_t i = 0; i < all.done_count; i++) {
    const evaluation *e = &all.done[i];
    bt_eval_options options = e->options;
    if (options.step_budget || options.text_budget) continue; /* an index takes other steps than a walk */
    options.looks_up_at_once = true;
    bt_rule_verdict said = judge(e->rule, e->trace, &options);
    if (is_same(e, &said)) continue;
    fprintf(stderr, "%s:%u: another verdict with indexes than without\n", e->file, e->line);
    differences++;
  }
  assert_int_equal(differences, 0);
}

/* Whether what was said of a part, or under skew, may be said when the whole says `whole`. */
static bool is_sound(const bt_rule_verdict *said, const evaluation *whole) {
  if (said->exercised != BT_UNKNOWN && said->exercised != whole->exercised) return false;
  return said->verdict == BT_INCONCLUSIVE || said->verdict == whole->verdict;
}

static bool is_plain(const evaluation *e) {
  return !e->options.incomplete && !e->options.clock_skew_ns && !e->options.coarse_clocks_unknown &&
         !e->options.step_budget && !e->options.text_budget && e->trace->span_count <= 20;
}

/* Halves of one id with different parents can join what seemed apart, against the rule that they are siblings (dsl.md
 * §3). */
static bool has_halves(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    for (uint32_t j = 0; j < i; j++)
      if (memcmp(&trace->spans[i].id, &trace->spans[j].id, sizeof(bt_span_id)) == 0) return true;
  return false;
}

static unsigned check_part(const evaluation *e, uint64_t kept) {
  bt_arena arena;
  bt_eval_options options = {.incomplete = true};
  bt_arena_init(&arena, 1 << 24);
  bt_rule_verdict said = judge(e->rule, part_of(e->trace, kept, &arena), &options);
  bool sound = is_sound(&said, e);
  if (!sound)
    fprintf(stderr, "%s:%u: of the spans %llx it is %s, of all %s\n", e->file, e->line, (unsigned long long)kept,
            bt_verdict_name(said.verdict), bt_verdict_name(e->verdict));
  bt_arena_dispose(&arena);
  return !sound;
}

/* Whatever is said of an incomplete trace has to stay true when the missing spans come. */
static void test_parts(void **state) {
  (void)state;
  unsigned wrong = 0;
  size_t tried = 0;
  for (size_t i = 0; i < all.done_count; i++) {
    const evaluation *e = &all.done[i];
    if (!is_plain(e) || has_halves(e->trace)) continue;
    uint64_t everything = ((uint64_t)1 << e->trace->span_count) - 1;
    for (uint32_t a = 0; a < e->trace->span_count; a++)
      for (uint32_t b = 0; b <= a; b++, tried++)
        wrong += check_part(e, everything & ~((uint64_t)1 << a) & ~((uint64_t)1 << b));
    wrong += check_part(e, 0) + check_part(e, everything);
  }
  printf("%zu parts of traces\n", tried);
  assert_true(tried > 1000);
  assert_int_equal(wrong, 0);
}

static bool has_parents(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!bt_span_id_is_zero(&trace->spans[i].parent_id)) return true;
  return false;
}

/* Each span a service of its own, so that all orders are in doubt. */
static const bt_trace *apart(const bt_trace *trace, bt_arena *arena) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &trace->id);
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bt_span span = trace->spans[i];
    bt_resource *resource = bt_arena_alloc(arena, sizeof *resource);
    char *service = bt_arena_alloc(arena, 16);
    assert_true(resource && service);
    snprintf(service, 16, "-%u", i);
    *resource = *span.resource;
    resource->service = bt_str_from(service);
    span.resource = resource;
    assert_true(bt_trace_builder_add(builder, &span));
  }
  return bt_trace_builder_finish(builder);
}

/* The measured order is one of those that the skew leaves open: what is said in spite of it agrees with what is said
 * without it. */
static void test_skew(void **state) {
  (void)state;
  unsigned wrong = 0, tried = 0;
  for (size_t i = 0; i < all.done_count; i++) {
    const evaluation *e = &all.done[i];
    if (!is_plain(e) || has_parents(e->trace)) continue;
    for (int64_t skew_ns = 1; skew_ns <= 1000000000; skew_ns *= 100, tried++) {
      bt_arena arena;
      bt_arena_init(&arena, 1 << 24);
      bt_eval_options exact = {0}, skewed = {.clock_skew_ns = skew_ns};
      const bt_trace *trace = apart(e->trace, &arena);
      bt_rule_verdict without = judge(e->rule, trace, &exact), with = judge(e->rule, trace, &skewed);
      evaluation whole = {.verdict = without.verdict, .exercised = without.exercised};
      if (!is_sound(&with, &whole)) fprintf(stderr, "%s:%u: another verdict with skew\n", e->file, e->line), wrong++;
      bt_arena_dispose(&arena);
    }
  }
  assert_true(tried > 500);
  assert_int_equal(wrong, 0);
}

/* Equal starts that are taken for unknown leave open what hangs on them, and nothing else. */
static void test_ties(void **state) {
  (void)state;
  unsigned wrong = 0, hanging = 0;
  for (size_t i = 0; i < all.done_count; i++) {
    const evaluation *e = &all.done[i];
    bt_eval_options exact = e->options, open = e->options;
    exact.coarse_clocks_unknown = false;
    open.coarse_clocks_unknown = true;
    if (e->options.step_budget || e->options.text_budget) continue;
    bt_rule_verdict without = judge(e->rule, e->trace, &exact), with = judge(e->rule, e->trace, &open);
    evaluation whole = {.verdict = without.verdict, .exercised = without.exercised};
    bool hangs = without.verdict != BT_INCONCLUSIVE && with.verdict != without.verdict;
    bool is_right = is_sound(&with, &whole) && hangs == without.hangs_on_ties;
    if (!is_right) fprintf(stderr, "%s:%u: %s with equal starts\n", e->file, e->line, bt_verdict_name(with.verdict));
    wrong += !is_right;
    hanging += hangs;
  }
  assert_true(hanging > 10);
  assert_int_equal(wrong, 0);
}

static int open_suite(void **state) {
  (void)state;
  bt_arena_init(&all.arena, (size_t)1 << 30);
  return 0;
}

static int close_suite(void **state) {
  (void)state;
  for (size_t i = 0; i < all.rule_count; i++) bt_rule_free(all.rules[i]);
  bt_arena_dispose(&all.arena);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),   cmocka_unit_test(test_sharing),
                                     cmocka_unit_test(test_indexes), cmocka_unit_test(test_parts),
                                     cmocka_unit_test(test_skew),    cmocka_unit_test(test_ties)};
  return cmocka_run_group_tests(tests, open_suite, close_suite);
}
