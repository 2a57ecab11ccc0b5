/* How fast rules are evaluated: the evaluator against a plain walk over the same checked rules (ast_walk.h), over the
 * same traces, in one run and in turns. The ratios count; absolute times belong to the machine. Both do the same work.
 * For every rule and trace the bench compares verdict, exercised, choices, their witnesses and failed clauses, and a
 * difference ends the program with 1. A second ratio is against a walk that says the verdict alone, which is less than
 * the evaluator says. Hostile rules must end with the verdict next to them, and rules that compare spans of one large
 * trace with one another must be decided. That is asserted, their times are printed. Usage: bench_dsl [--short] [--one
 * SPANS | --large SPANS | --rules SPANS]. --one measures only one rule on one trace of so many spans, --large only
 * rules that compare the spans of such a trace with one another, --rules those on standard input (dsl_rules.h). */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "tests/bench/ast_walk.h"
#include "tests/bench/bench.h"
#include "tests/bench/dsl_hostile.h"
#include "tests/bench/dsl_input.h"
#include "tests/bench/dsl_large.h"
#include "tests/bench/dsl_rules.h"

static const uint64_t seed = 20240;

typedef struct workload {
  size_t rule_count, trace_count;
  bt_rule **rules;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_arena arena; /* of the traces */
  const bt_trace **traces;
  ast_walk *walks; /* of each trace */
} workload;

static void *allocate(size_t count, size_t size) {
  void *room = calloc(count ? count : 1, size);
  if (!room) stop("out of memory");
  return room;
}

/* ---- preparation ---- */

static bt_rule *compile(bt_str text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(text, &rule, &diagnostics, NULL) != BT_OK) {
    fprintf(stderr, "this rule does not compile: %.*s\n", BT_FMT(text));
    exit(1);
  }
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static void make_ruleset(workload *w) {
  if (bt_ruleset_new((const bt_rule *const *)w->rules, w->rule_count, &w->ruleset, NULL) != BT_OK ||
      bt_evaluator_new(w->ruleset, &w->evaluator, NULL) != BT_OK)
    stop("out of memory");
}

static void make_rules(workload *w, dsl_random *random, uint32_t first_shape) {
  bt_buffer text = {0};
  w->rules = allocate(w->rule_count, sizeof *w->rules);
  for (size_t i = 0; i < w->rule_count; i++) {
    dsl_input_rule(random, (first_shape + (uint32_t)i) % DSL_RULE_SHAPES, &text);
    w->rules[i] = compile(bt_buffer_str(&text));
  }
  bt_buffer_dispose(&text);
  make_ruleset(w);
}

static void make_traces(workload *w, dsl_random *random, uint32_t span_count) {
  bt_arena_init(&w->arena, SIZE_MAX);
  w->traces = allocate(w->trace_count, sizeof *w->traces);
  w->walks = allocate(w->trace_count, sizeof *w->walks);
  for (size_t i = 0; i < w->trace_count; i++) {
    w->traces[i] = dsl_input_trace(random, span_count, &w->arena);
    if (!w->traces[i]) stop("out of memory");
    w->walks[i] = (ast_walk){.trace = w->traces[i]};
    w->walks[i].parents = allocate(span_count, sizeof *w->walks[i].parents);
    w->walks[i].sorted = allocate(span_count, sizeof *w->walks[i].sorted);
  }
}

static void free_workload(workload *w) {
  bt_evaluator_free(w->evaluator);
  bt_ruleset_free(w->ruleset);
  for (size_t i = 0; i < w->rule_count; i++) bt_rule_free(w->rules[i]);
  for (size_t i = 0; i < w->trace_count; i++) {
    free(w->walks[i].parents);
    free(w->walks[i].sorted);
  }
  free(w->rules);
  free(w->traces);
  free(w->walks);
  bt_arena_dispose(&w->arena);
}

/* ---- one workload ---- */

static uint64_t verdict_counts[4];

/* Witnesses of the same selector, or the same ones. */
static uint32_t count_like(const bt_witness *witnesses, uint32_t count, const bt_witness *like, bool same_span) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < count; i++) {
    const bt_witness *witness = &witnesses[i];
    bool is_like = witness->binding == like->binding && witness->range.start == like->range.start &&
                   witness->range.end == like->range.end;
    if (is_like && (!same_span || witness->span == like->span)) found++;
  }
  return found;
}

/* The spans of one selector may come in another order, and where there are more than are shown, be others of them. */
static bool choices_equal(const bt_choice *choice, const ast_choice *other) {
  const bt_witness *ours = choice->witnesses, *theirs = other->witnesses;
  uint32_t count = choice->witness_count;
  if (count != other->witness_count) return false;
  if (choice->failed.start != other->failed.start || choice->failed.end != other->failed.end) return false;
  if (count && (ours[0].span != theirs[0].span || ours[0].binding != theirs[0].binding)) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t of_selector = count_like(ours, count, &ours[i], false);
    if (count_like(theirs, count, &ours[i], false) != of_selector) return false;
    if (of_selector >= AST_MAX_WITNESSES_OF_SELECTION) continue;
    if (count_like(theirs, count, &ours[i], true) != count_like(ours, count, &ours[i], true)) return false;
  }
  return true;
}

static bool answers_equal(const bt_rule_verdict *verdict, const ast_answer *walked) {
  if (verdict->verdict != walked->verdict || verdict->exercised != walked->exercised ||
      verdict->choice_total != walked->choice_total || verdict->choice_count != walked->choice_count)
    return false;
  for (uint32_t i = 0; i < verdict->choice_count; i++)
    if (!choices_equal(&verdict->choices[i], &walked->choices[i])) return false;
  return true;
}

static void print_answer(const char *of, bt_verdict verdict, bt_truth exercised, uint64_t total) {
  fprintf(stderr, "%s: %s, exercised %d, %llu choices\n", of, bt_verdict_name(verdict), (int)exercised,
          (unsigned long long)total);
}

static ast_answer plain; /* room for one after the other */

static void compare_rule(workload *w, size_t t, size_t i, const bt_rule_verdict *verdict) {
  ast_verdict alone = ast_walk_rule(&w->walks[t], w->rules[i]);
  ast_walk_answer(&w->walks[t], w->rules[i], &plain);
  verdict_counts[plain.verdict]++;
  bool is_same_alone = alone.verdict == plain.verdict && alone.violating == plain.choice_total;
  if (is_same_alone && answers_equal(verdict, &plain)) return;
  print_answer("the evaluator", verdict->verdict, verdict->exercised, verdict->choice_total);
  print_answer("the plain walk", plain.verdict, plain.exercised, plain.choice_total);
  fprintf(stderr, "differ, or their witnesses do, on trace %zu: %.*s\n", t, BT_FMT(w->rules[i]->text));
  exit(1);
}

static void compare_answers(workload *w) {
  for (size_t t = 0; t < w->trace_count; t++) {
    const bt_rule_verdict *verdicts;
    if (bt_evaluator_run(w->evaluator, w->traces[t], NULL, &verdicts, NULL) != BT_OK) stop("the evaluator failed");
    w->walks[t].has_parents = false;
    for (size_t i = 0; i < w->rule_count; i++) compare_rule(w, t, i, &verdicts[i]);
  }
}

/* What the measured shapes do not show: relations that hold, orders, clauses of several parts, bindings outside of the
 * choice. */
static const char *const further_rules[] = {
    "when { trace.has(http.method == \"POST\") } never { trace.has_before(http.status_code == 500, http.status_code == "
    "404) }",
    "when { trace.has(http.status_code == 503) } never { trace.has_after(http.status_code == 500, http.status_code == "
    "404) }",
    "when { cart-service } never { order-service before user-service }",
    "when { cart-service } always { trace.has(http.status_code == 200) and order-service under cart-service }",
    "when { cart-service } never { user-service before search-service as u and (order-service under u or stock-service "
    "before u) }",
    "when { cart-service } never { (order-service as o and user-service after o) or count(stock-service) > 3 }",
    "when { cart-service after user-service as c } always { c.where(http.status_code == 200) }",
    "cart-service child of user-service and not (search-service as s and order-service child of s)",
};

static void compare_further(void) {
  enum { COUNT = sizeof further_rules / sizeof *further_rules };
  dsl_random random = {seed};
  workload w = {.rule_count = COUNT, .trace_count = 64, .rules = allocate(COUNT, sizeof *w.rules)};
  for (size_t i = 0; i < COUNT; i++) w.rules[i] = compile(bt_str_from(further_rules[i]));
  make_ruleset(&w);
  make_traces(&w, &random, 100);
  compare_answers(&w);
  free_workload(&w);
}

static void run_evaluator(workload *w) {
  const bt_rule_verdict *verdicts;
  for (size_t t = 0; t < w->trace_count; t++)
    if (bt_evaluator_run(w->evaluator, w->traces[t], NULL, &verdicts, NULL) != BT_OK) stop("the evaluator failed");
}

static void run_walk(workload *w) {
  for (size_t t = 0; t < w->trace_count; t++) {
    w->walks[t].has_parents = false;
    for (size_t i = 0; i < w->rule_count; i++) ast_walk_answer(&w->walks[t], w->rules[i], &plain);
  }
}

static void run_verdict_walk(workload *w) {
  uint64_t violating = 0;
  for (size_t t = 0; t < w->trace_count; t++) {
    w->walks[t].has_parents = false;
    for (size_t i = 0; i < w->rule_count; i++) violating += ast_walk_rule(&w->walks[t], w->rules[i]).violating;
  }
  if (violating == UINT64_MAX) stop("so that the walk is not optimised away");
}

static double seconds_of(void (*run)(workload *w), workload *w, size_t repeats) {
  double start = cpu_seconds();
  for (size_t i = 0; i < repeats; i++) run(w);
  return (cpu_seconds() - start) / (double)repeats;
}

static int compare_doubles(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

enum { MAX_ROUNDS = 31 };

typedef struct timing {
  double evaluator, walk;      /* seconds for all traces, medians */
  double ratio, verdict_ratio; /* of the walk with the same answer, of the walk of verdicts, to the evaluator: medians
                                  of the rounds' */
} timing;

static size_t enough_repeats(void (*run)(workload *w), workload *w, double seconds) {
  size_t repeats = 1;
  while (seconds_of(run, w, repeats) * (double)repeats < seconds) repeats *= 2;
  return repeats;
}

static double median(double *values, size_t count) {
  qsort(values, count, sizeof *values, compare_doubles);
  return values[count / 2];
}

/* In turns, so that noise hits all alike. */
static timing measure(workload *w, size_t rounds, double seconds) {
  double evaluator[MAX_ROUNDS], walk[MAX_ROUNDS], ratio[MAX_ROUNDS], verdict_ratio[MAX_ROUNDS];
  size_t repeats = enough_repeats(run_evaluator, w, seconds), walk_repeats = enough_repeats(run_walk, w, seconds);
  for (size_t i = 0; i < rounds; i++) {
    evaluator[i] = seconds_of(run_evaluator, w, repeats);
    walk[i] = seconds_of(run_walk, w, walk_repeats);
    ratio[i] = walk[i] / evaluator[i];
    verdict_ratio[i] = seconds_of(run_verdict_walk, w, walk_repeats) / evaluator[i];
  }
  return (timing){median(evaluator, rounds), median(walk, rounds), median(ratio, rounds),
                  median(verdict_ratio, rounds)};
}

/* Heap that the evaluator holds after a trace. */
static size_t evaluator_bytes(workload *w) {
  bt_evaluator *evaluator;
  const bt_rule_verdict *verdicts;
  struct mallinfo2 before = mallinfo2();
  if (bt_evaluator_new(w->ruleset, &evaluator, NULL) != BT_OK ||
      bt_evaluator_run(evaluator, w->traces[0], NULL, &verdicts, NULL) != BT_OK)
    stop("out of memory");
  struct mallinfo2 after = mallinfo2();
  bt_evaluator_free(evaluator);
  return after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
}

static void bench_many(size_t rule_count, uint32_t span_count, double goal, bool is_short) {
  dsl_random random = {seed};
  workload w = {.rule_count = rule_count, .trace_count = is_short ? 4 : 16};
  make_rules(&w, &random, 0);
  make_traces(&w, &random, span_count);
  memset(verdict_counts, 0, sizeof verdict_counts);
  compare_answers(&w);
  timing t = measure(&w, is_short ? 5 : 15, 0.05);
  printf("%zu rules x traces of %u spans: evaluator %.3f ms, walk %.3f ms a trace, ratio %.1f (goal %.0f; "
         "of the walk of verdicts alone %.1f)\n",
         rule_count, span_count, t.evaluator / (double)w.trace_count * 1e3, t.walk / (double)w.trace_count * 1e3,
         t.ratio, goal, t.verdict_ratio);
  printf("  verdicts: %llu violated, %llu satisfied, %llu not applicable; memory a trace: %zu KiB of the evaluator, "
         "%zu KiB of the trace\n",
         (unsigned long long)verdict_counts[BT_VIOLATED], (unsigned long long)verdict_counts[BT_SATISFIED],
         (unsigned long long)verdict_counts[BT_NOT_APPLICABLE], evaluator_bytes(&w) / 1024,
         w.arena.total_bytes / w.trace_count / 1024);
  free_workload(&w);
}

typedef struct worst {
  double times; /* the walk's */
  uint32_t shape;
} worst;

static void consider_worst(worst *so_far, double ratio, uint32_t shape) {
  if (1 / ratio > so_far->times) *so_far = (worst){1 / ratio, shape};
}

/* Each shape of rule by itself; the worst counts. */
static void bench_one(uint32_t span_count, bool is_short) {
  worst same = {0}, verdicts = {0};
  double sum = 0;
  for (uint32_t shape = 0; shape < DSL_RULE_SHAPES; shape++) {
    dsl_random random = {seed + shape};
    workload w = {.rule_count = 1, .trace_count = 16};
    make_rules(&w, &random, shape);
    make_traces(&w, &random, span_count);
    compare_answers(&w);
    timing t = measure(&w, is_short ? 5 : MAX_ROUNDS, is_short ? 0.002 : 0.005);
    sum += t.ratio;
    consider_worst(&same, t.ratio, shape);
    consider_worst(&verdicts, t.verdict_ratio, shape);
    if (!is_short) printf("    x %.2f (x %.2f)  %.*s\n", 1 / t.ratio, 1 / t.verdict_ratio, BT_FMT(w.rules[0]->text));
    free_workload(&w);
  }
  printf(
      "1 rule x 1 trace of %u spans: mean ratio %.1f; the worst shape (%u) takes %.2f x the walk with the same answer "
      "(goal: at most 1.2 x), the worst (%u) %.2f x the walk of the verdict alone\n",
      span_count, sum / DSL_RULE_SHAPES, same.shape, same.times, verdicts.shape, verdicts.times);
}

/* ---- compiling ---- */

static void bench_compile(size_t rule_count, bool is_short) {
  dsl_random random = {seed};
  bt_buffer *texts = allocate(rule_count, sizeof *texts);
  bt_rule **rules = allocate(rule_count, sizeof *rules);
  double seconds[MAX_ROUNDS];
  size_t rounds = is_short ? 5 : 15;
  for (size_t i = 0; i < rule_count; i++) dsl_input_rule(&random, (uint32_t)i % DSL_RULE_SHAPES, &texts[i]);
  for (size_t round = 0; round < rounds; round++) {
    bt_ruleset *ruleset;
    double start = cpu_seconds();
    for (size_t i = 0; i < rule_count; i++) rules[i] = compile(bt_buffer_str(&texts[i]));
    if (bt_ruleset_new((const bt_rule *const *)rules, rule_count, &ruleset, NULL) != BT_OK) stop("out of memory");
    seconds[round] = cpu_seconds() - start;
    bt_ruleset_free(ruleset);
    for (size_t i = 0; i < rule_count; i++) bt_rule_free(rules[i]);
  }
  qsort(seconds, rounds, sizeof *seconds, compare_doubles);
  printf("compile of %zu rules: %.1f ms (goal 50)\n", rule_count, seconds[rounds / 2] * 1e3);
  for (size_t i = 0; i < rule_count; i++) bt_buffer_dispose(&texts[i]);
  free(texts);
  free(rules);
}

int main(int argc, char **argv) {
  bool is_short = argc > 1 && strcmp(argv[1], "--short") == 0;
  compare_further();
  if (argc > 2 && strcmp(argv[argc - 2], "--one") == 0) {
    bench_one((uint32_t)strtoul(argv[argc - 1], NULL, 10), is_short);
    return 0;
  }
  if (argc > 2 && strcmp(argv[argc - 2], "--large") == 0)
    return dsl_large_run((uint32_t)strtoul(argv[argc - 1], NULL, 10)) ? 0 : 1;
  if (argc > 2 && strcmp(argv[argc - 2], "--rules") == 0)
    return dsl_rules_run((uint32_t)strtoul(argv[argc - 1], NULL, 10)) ? 0 : 1;
  bench_many(1000, 1000, 6, is_short);
  bench_many(100, 100, 4, is_short);
  static const uint32_t sizes[] = {1, 3, 10, 100, 1000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) bench_one(sizes[i], is_short);
  bench_compile(1000, is_short);
  bool are_decided = dsl_large_run(100000);
  return dsl_hostile_run() && are_decided ? 0 : 1;
}
