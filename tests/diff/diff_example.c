/* Examples and comparisons of random rules, against the naive evaluator and random traces.
 *
 *   diff_example [RULES]
 *
 * Of each rule the examples are judged by the naive evaluator, too. Each is compared with a mutation of it: what is
 * proven of the two must hold on random traces, and no search may find the opposite. In the end it says how many
 * mutations that mean something else were told apart. BETRACE_SEED in the environment replaces the seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dsl/compile.h"
#include "dsl/example/example.h"
#include "dsl/example/goal.h"
#include "tests/diff/random_rule.h"
#include "tests/diff/random_trace.h"
#include "tests/naive/naive.h"
#include "tests/support/slow_build.h"
#include "tests/support/trace_text.h"

enum { DEFAULT_RULES = ROUNDS_OF(700, 80) };
enum { TRACES = 40, MUTANTS = 3, ARENA_BYTES = 64 * 1024 * 1024 };

typedef struct census {
  uint64_t rules, violating, keeping, wide, mutants, kinds[BT_MEANING_NOT_TOLD + 1], proven, missed, wrong;
  double slowest_ms;
} census;

static void stop(const char *what) {
  fprintf(stderr, "diff_example: %s\n", what);
  exit(1);
}

static bt_rule *compile(bt_str text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(text, &rule, &diagnostics, NULL) == BT_NO_MEMORY) stop("no memory");
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- examples ---- */

static void check_example(census *c, const bt_rule *rule, const bt_trace *trace, bool is_violating) {
  bt_family_trace room;
  naive_verdict verdict;
  if (!trace) return;
  bt_family family = bt_example_family(trace, &room);
  naive_evaluate_family(rule, &family, &(bt_eval_options){0}, &verdict);
  bool is_right =
      is_violating ? verdict.verdict == BT_VIOLATED : verdict.verdict == BT_SATISFIED && verdict.exercised == BT_TRUE;
  c->wide += trace->span_count > BT_EXAMPLE_SPANS;
  naive_verdict_dispose(&verdict);
  if (is_right) return;
  printf("--- the naive evaluator does not call it so (%s)\n%.*s\n", is_violating ? "violating" : "keeping",
         BT_FMT(rule->text));
  c->wrong++;
}

static void check_examples(census *c, const bt_rule *rule) {
  bt_examples examples;
  double start = now_ms();
  if (bt_examples_find(rule, &examples, NULL) != BT_OK) stop("no examples");
  double took = now_ms() - start;
  if (took > c->slowest_ms) c->slowest_ms = took;
  c->violating += examples.violating != NULL;
  c->keeping += examples.keeping != NULL;
  check_example(c, rule, examples.violating, true);
  check_example(c, rule, examples.keeping, false);
  bt_examples_dispose(&examples);
}

/* ---- mutations ---- */

static const char *const swaps[][2] = {{" > ", " >= "},
                                       {" < ", " <= "},
                                       {" == ", " != "},
                                       {" and ", " or "},
                                       {" or ", " and "},
                                       {">= ", "> "},
                                       {"<= ", "< "},
                                       {" under ", " child of "},
                                       {" before ", " after "},
                                       {" after ", " before "},
                                       {"not ", ""},
                                       {"1", "2"},
                                       {"2", "1"},
                                       {"5ms", "6ms"},
                                       {"1ms", "2ms"},
                                       {" child of ", " under "},
                                       {"always", "never"},
                                       {"never", "always"},
                                       {"true", "false"},
                                       {"count(", "1 + count("}};

/* One swap where it stands, or (rarely) nothing but the order of two sides; false: this one stands nowhere. */
static bool mutate(test_random *random, bt_str text, bt_buffer *out) {
  const char *const *swap = swaps[test_random_below(random, sizeof swaps / sizeof *swaps)];
  uint64_t skipped = test_random_below(random, 3);
  size_t length = strlen(swap[0]);
  bt_buffer_clear(out);
  for (size_t i = 0; i + length <= text.len; i++) {
    if (memcmp(text.ptr + i, swap[0], length) != 0 || skipped--) continue;
    bt_buffer_append(out, (bt_str){text.ptr, i});
    bt_buffer_append(out, bt_str_from(swap[1]));
    bt_buffer_append(out, (bt_str){text.ptr + i + length, text.len - i - length});
    return true;
  }
  return false;
}

static void complain(census *c, const char *what, const bt_rule *a, const bt_rule *b, const char *trace) {
  printf("--- %s\n%.*s\n%.*s\n%s\n", what, BT_FMT(a->text), BT_FMT(b->text), trace);
  c->wrong++;
}

/* What is proven cannot be found. */
static void search_opposite(census *c, const bt_rule *const *rules, bool is_first) {
  static search s;
  static model found;
  example_goal goal = {
      {is_first ? WANTED_VIOLATED : WANTED_NOT_VIOLATED, is_first ? WANTED_NOT_VIOLATED : WANTED_VIOLATED}};
  memset(&s, 0, sizeof s);
  if (search_open(&s, rules, 2, NULL) != BT_OK) stop("no search");
  if (goal_find(&s, &goal, &found)) complain(c, "a trace was found that is proven not to be", rules[0], rules[1], "");
  search_close(&s);
}

/* Returns whether some trace is called a violation by one alone. */
static bool try_traces(census *c, test_random *random, const bt_rule *const *rules, const bt_meaning *meaning) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  bt_buffer text = {0};
  bool differ = false;
  char message[256];
  if (bt_ruleset_new(rules, 2, &ruleset, NULL) != BT_OK || bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK)
    stop("no evaluator");
  for (int i = 0; i < TRACES; i++) {
    bt_arena arena;
    const bt_rule_verdict *v = NULL;
    bt_arena_init(&arena, ARENA_BYTES);
    bt_buffer_clear(&text);
    random_trace_write(random, &text);
    const bt_trace *trace = trace_text_read(&arena, text.ptr ? text.ptr : "", message, sizeof message);
    if (!trace || bt_evaluator_run(evaluator, trace, NULL, &v, NULL) != BT_OK) stop("no verdict");
    bool first = v[0].verdict == BT_VIOLATED, second = v[1].verdict == BT_VIOLATED;
    bool first_not = !first && v[0].verdict != BT_INCONCLUSIVE, second_not = !second && v[1].verdict != BT_INCONCLUSIVE;
    differ = differ || (first && second_not) || (second && first_not);
    if ((first && second_not && meaning->first_is_within) || (second && first_not && meaning->second_is_within))
      complain(c, "a random trace contradicts what is proven", rules[0], rules[1], text.ptr);
    bt_arena_dispose(&arena);
  }
  bt_buffer_dispose(&text);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return differ;
}

static void check_pair(census *c, test_random *random, const bt_rule *a, const bt_rule *b) {
  const bt_rule *rules[] = {a, b};
  bt_meaning meaning;
  if (bt_meaning_compare(a, b, &meaning, NULL) != BT_OK) stop("no meaning");
  c->mutants++;
  c->kinds[meaning.kind]++;
  c->proven += meaning.first_is_within || meaning.second_is_within;
  bool differ = try_traces(c, random, rules, &meaning);
  c->missed += differ && meaning.kind == BT_MEANING_NOT_TOLD;
  if (differ && meaning.kind == BT_MEANING_NOT_TOLD && getenv("BETRACE_SHOW"))
    printf("not told apart\n  %.*s\n  %.*s\n", BT_FMT(a->text), BT_FMT(b->text));
  if (meaning.first_is_within) search_opposite(c, rules, true);
  if (meaning.second_is_within) search_opposite(c, rules, false);
  bt_meaning_dispose(&meaning);
}

static void check_rule(census *c, test_random *random, bt_buffer *text, bt_buffer *mutant) {
  bt_buffer_clear(text);
  random_rule_write(random, text);
  bt_rule *rule = compile(bt_buffer_str(text));
  if (!rule) stop("the generator wrote a rule that the checker refuses");
  c->rules++;
  check_examples(c, rule);
  for (int i = 0; i < MUTANTS; i++) {
    bt_rule *other = NULL;
    for (int tries = 0; !other && tries < 20; tries++)
      if (mutate(random, bt_buffer_str(text), mutant)) other = compile(bt_buffer_str(mutant));
    if (other) check_pair(c, random, rule, other);
    bt_rule_free(other);
  }
  bt_rule_free(rule);
}

static bool expect(bool holds, const char *what) {
  if (!holds) printf("too few: %s\n", what);
  return holds;
}

int main(int argc, char **argv) {
  uint64_t rules = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_RULES;
  test_random random = test_random_start(58);
  bt_buffer text = {0}, mutant = {0};
  census c = {0};
  while (c.rules < rules && c.wrong < 5) check_rule(&c, &random, &text, &mutant);
  bt_buffer_dispose(&text);
  bt_buffer_dispose(&mutant);
  uint64_t told = c.kinds[BT_MEANING_STRICTER] + c.kinds[BT_MEANING_LAXER] + c.kinds[BT_MEANING_DIFFERENT];
  printf(
      "%llu rules: %llu have a violating example, %llu a keeping one, %llu examples have more than %d spans; slowest "
      "%.0f ms\n",
      (unsigned long long)c.rules, (unsigned long long)c.violating, (unsigned long long)c.keeping,
      (unsigned long long)c.wide, BT_EXAMPLE_SPANS, c.slowest_ms);
  printf("%llu mutations: %llu told apart, %llu proven equivalent, %llu neither; something is proven of %llu\n",
         (unsigned long long)c.mutants, (unsigned long long)told, (unsigned long long)c.kinds[BT_MEANING_EQUIVALENT],
         (unsigned long long)c.kinds[BT_MEANING_NOT_TOLD], (unsigned long long)c.proven);
  printf("%llu of those neither told apart nor proven differ on a random trace: %.2f %% of %llu known to differ\n",
         (unsigned long long)c.missed, told ? 100.0 * (double)c.missed / (double)(told + c.missed) : 0.0,
         (unsigned long long)(told + c.missed));
  bool is_good = expect(c.violating * 10 >= c.rules * 7, "violating examples");
  is_good &= expect(c.keeping * 10 >= c.rules * 6, "keeping examples");
  is_good &= expect(c.proven * 50 >= c.mutants, "proofs");
  is_good &= expect(told * 20 >= (told + c.missed) * 19, "mutations that were told apart");
  return c.wrong == 0 && is_good ? 0 : 1;
}
