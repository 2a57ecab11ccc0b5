/* Fixes never change meaning: rules with a mistake (broken_rule.h), every fix that is offered for it, and what comes
 * out against the rule that was meant, on random traces.
 *
 *   fix_property [RULES]
 *
 * RULES broken rules, 10,000 when it is not said. BETRACE_SEED in the environment replaces the seed. A fix is right
 * when the rule that it gives is accepted and has the verdicts of the one that was meant; where it leaves an error, the
 * fix of that one is applied too. In the end every mistake that must have a fix has to have had one. */
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "tests/diff/broken_rule.h"
#include "tests/diff/random_trace.h"
#include "tests/support/trace_text.h"

enum { DEFAULT_RULES = 10000, TRACES = 24, MAX_FIXES = 6, MAX_SHOWN = 40, ARENA_BYTES = 64 * 1024 * 1024 };

typedef struct tally {
  uint64_t rules, fixes, compared, traces, wrong;
  uint64_t *fixes_of; /* by mistake */
  uint64_t *wrong_of;
} tally;

static void stop(const char *what) {
  fprintf(stderr, "fix_property: %s\n", what);
  exit(1);
}

/* NULL: it has errors. The diagnostics are new. */
static bt_rule *compile(bt_str text, bt_diagnostics *diagnostics) {
  bt_rule *rule = NULL;
  bt_diagnostics_init(diagnostics);
  bt_status status = bt_rule_compile(text, &rule, diagnostics, NULL);
  if (status != BT_OK && status != BT_INVALID) stop("no rule and no diagnostics");
  return rule;
}

static const bt_diagnostic *find_fix(const bt_diagnostics *diagnostics, bool of_errors) {
  for (size_t i = 0; i < diagnostics->count; i++)
    if (diagnostics->items[i].has_fix && diagnostics->items[i].is_error >= of_errors) return &diagnostics->items[i];
  return NULL;
}

static void apply(bt_str text, const bt_diagnostic *fix, bt_buffer *out) {
  bt_buffer_clear(out);
  bt_buffer_append(out, (bt_str){text.ptr, fix->fix_range.start});
  bt_buffer_append(out, fix->fix_text);
  bt_buffer_append(out, (bt_str){text.ptr + fix->fix_range.end, text.len - fix->fix_range.end});
}

static bt_verdict evaluate(const bt_rule *rule, const bt_trace *trace) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict = NULL;
  bt_eval_options options = {.step_budget = UINT64_MAX};
  if (bt_ruleset_new(&rule, 1, &ruleset, NULL) != BT_OK || bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK)
    stop("no evaluator");
  if (bt_evaluator_run(evaluator, trace, &options, &verdict, NULL) != BT_OK) stop("the evaluator gave up");
  bt_verdict answer = verdict->verdict;
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return answer;
}

/* Whether both have the same verdicts on random traces; a text that is the same needs none. */
static bool mean_the_same(test_random *random, const bt_rule *a, const bt_rule *b, tally *t) {
  if (bt_str_equal(a->canonical, b->canonical)) return true;
  bt_buffer text = {0};
  bool same = true;
  for (int i = 0; same && i < TRACES; i++) {
    bt_arena arena;
    char message[256];
    bt_buffer_clear(&text);
    random_trace_write(random, &text);
    bt_arena_init(&arena, ARENA_BYTES);
    const bt_trace *trace = trace_text_read(&arena, text.ptr ? text.ptr : "", message, sizeof message);
    if (!trace) stop(message);
    same = evaluate(a, trace) == evaluate(b, trace);
    t->traces++;
    bt_arena_dispose(&arena);
  }
  bt_buffer_dispose(&text);
  return same;
}

/* What is wrong with the rule that the fix gives, or NULL. `text` is that rule, and becomes what further fixes make of
 * it. */
static const char *judge(test_random *random, bt_buffer *text, const bt_rule *right, tally *t) {
  for (int i = 0; i < MAX_FIXES; i++) {
    bt_diagnostics diagnostics;
    bt_rule *rule = compile(bt_buffer_str(text), &diagnostics);
    const bt_diagnostic *next = rule ? NULL : find_fix(&diagnostics, true);
    bool is_right = rule && mean_the_same(random, rule, right, t);
    bool is_accepted = rule != NULL;
    bt_buffer mended = {0};
    if (next) apply(bt_buffer_str(text), next, &mended);
    bt_rule_free(rule);
    bt_diagnostics_dispose(&diagnostics);
    t->compared += is_accepted;
    if (is_accepted) return is_right ? NULL : "another meaning";
    if (!next) return "an error is left, and no fix for it";
    bt_buffer_dispose(text);
    *text = mended;
  }
  return "fixes without an end";
}

static void try_fixes(test_random *random, size_t mistake, bt_str broken, bt_str right_text, const bt_rule *right,
                      tally *t) {
  bt_diagnostics diagnostics;
  bt_rule_free(compile(broken, &diagnostics));
  for (size_t i = 0; i < diagnostics.count; i++) {
    const bt_diagnostic *fix = &diagnostics.items[i];
    if (!fix->has_fix) continue;
    bt_buffer text = {0};
    apply(broken, fix, &text);
    t->fixes++;
    t->fixes_of[mistake]++;
    const char *problem = judge(random, &text, right, t);
    if (problem && ++t->wrong && ++t->wrong_of[mistake] == 1 && t->wrong <= MAX_SHOWN)
      printf("--- %s: %s\nbroken  %.*s\nmeant   %.*s\nfixed   %.*s\n        %s %.*s\n", broken_rule_mistake(mistake),
             problem, BT_FMT(broken), BT_FMT(right_text), BT_FMT(bt_buffer_str(&text)), fix->code,
             BT_FMT(fix->message));
    bt_buffer_dispose(&text);
  }
  bt_diagnostics_dispose(&diagnostics);
}

static void run_one(test_random *random, size_t mistake, tally *t) {
  bt_buffer right = {0}, broken = {0};
  bt_diagnostics diagnostics;
  broken_rule_write(random, mistake, &right, &broken);
  bt_rule *rule = compile(bt_buffer_str(&right), &diagnostics);
  if (!rule) {
    printf("%s\n", right.ptr);
    stop("a right rule that the checker refuses");
  }
  if (broken_rule_has_fix(mistake) && find_fix(&diagnostics, false)) {
    printf("%s: %s\n", right.ptr, find_fix(&diagnostics, false)->code);
    stop("a right rule for which a fix is offered");
  }
  try_fixes(random, mistake, bt_buffer_str(&broken), bt_buffer_str(&right), rule, t);
  t->rules++;
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&right);
  bt_buffer_dispose(&broken);
}

/* Every mistake was met, and those that must have a fix had one. */
static bool census_is_good(const tally *t) {
  bool good = true;
  for (size_t i = 0; i < broken_rule_mistake_count(); i++) {
    if (t->fixes_of[i] || !broken_rule_has_fix(i)) continue;
    printf("no fix was ever offered for %s\n", broken_rule_mistake(i));
    good = false;
  }
  return good;
}

int main(int argc, char **argv) {
  uint64_t rules = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_RULES;
  if (rules == 0) stop("expected a number of rules above 0");
  test_random random = test_random_start(20261122);
  size_t mistakes = broken_rule_mistake_count();
  tally t = {.fixes_of = calloc(mistakes, sizeof *t.fixes_of), .wrong_of = calloc(mistakes, sizeof *t.wrong_of)};
  if (!t.fixes_of || !t.wrong_of) stop("no memory");
  while (t.rules < rules) run_one(&random, (size_t)(t.rules % mistakes), &t);
  size_t mistakes_wrong = 0;
  for (size_t i = 0; i < mistakes; i++) mistakes_wrong += t.wrong_of[i] > 0;
  printf(
      "%llu broken rules of %zu mistakes: %llu fixes, %llu rules after fixes compared, on %llu traces where their text "
      "differs; %llu fixes of %zu mistakes are wrong\n",
      (unsigned long long)t.rules, mistakes, (unsigned long long)t.fixes, (unsigned long long)t.compared,
      (unsigned long long)t.traces, (unsigned long long)t.wrong, mistakes_wrong);
  bool good = t.rules < mistakes * 10 || census_is_good(&t);
  free(t.fixes_of);
  free(t.wrong_of);
  return good && t.wrong == 0 ? 0 : 1;
}
