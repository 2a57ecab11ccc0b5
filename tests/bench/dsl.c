/* How fast rules are evaluated: the evaluator against a plain walk over the same checked rules (ast_walk.h), over the same traces, in one run
 * and in turns. What counts are the ratios; absolute times belong to the machine. Every verdict, and the number of violating choices, is
 * compared: a difference ends the program with 1. The evaluator also finds witnesses, the walk does not. Hostile rules have to end with the
 * verdict that stands beside them; that is asserted, their times are printed. Usage: bench_dsl [--short]. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/ast_walk.h"
#include "tests/bench/dsl_hostile.h"
#include "tests/bench/dsl_input.h"

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

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void stop(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

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

static void make_rules(workload *w, dsl_random *random, uint32_t first_shape) {
  bt_buffer text = {0};
  w->rules = allocate(w->rule_count, sizeof *w->rules);
  for (size_t i = 0; i < w->rule_count; i++) {
    dsl_input_rule(random, (first_shape + (uint32_t)i) % DSL_RULE_SHAPES, &text);
    w->rules[i] = compile(bt_buffer_str(&text));
  }
  bt_buffer_dispose(&text);
  if (bt_ruleset_new((const bt_rule *const *)w->rules, w->rule_count, &w->ruleset, NULL) != BT_OK ||
      bt_evaluator_new(w->ruleset, &w->evaluator, NULL) != BT_OK)
    stop("out of memory");
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

static void compare_verdicts(workload *w) {
  for (size_t t = 0; t < w->trace_count; t++) {
    const bt_rule_verdict *verdicts;
    if (bt_evaluator_run(w->evaluator, w->traces[t], NULL, &verdicts, NULL) != BT_OK) stop("the evaluator failed");
    for (size_t i = 0; i < w->rule_count; i++) {
      ast_verdict plain = ast_walk_rule(&w->walks[t], w->rules[i]);
      verdict_counts[plain.verdict]++;
      if (plain.verdict == verdicts[i].verdict && plain.violating == verdicts[i].choice_total) continue;
      fprintf(stderr, "%s (%llu) and by the plain walk %s (%llu): %.*s\n", bt_verdict_name(verdicts[i].verdict),
              (unsigned long long)verdicts[i].choice_total, bt_verdict_name(plain.verdict),
              (unsigned long long)plain.violating, BT_FMT(w->rules[i]->text));
      exit(1);
    }
  }
}

static void run_evaluator(workload *w) {
  const bt_rule_verdict *verdicts;
  for (size_t t = 0; t < w->trace_count; t++)
    if (bt_evaluator_run(w->evaluator, w->traces[t], NULL, &verdicts, NULL) != BT_OK) stop("the evaluator failed");
}

static void run_walk(workload *w) {
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
  double evaluator, walk; /* seconds for all traces, medians */
  double ratio;           /* median of the rounds' */
} timing;

/* Both in turns, so that noise hits them alike. */
static timing measure(workload *w, size_t rounds, double seconds) {
  double evaluator[MAX_ROUNDS], walk[MAX_ROUNDS], ratio[MAX_ROUNDS];
  size_t repeats = 1, walk_repeats = 1;
  while (seconds_of(run_evaluator, w, repeats) * (double)repeats < seconds) repeats *= 2;
  while (seconds_of(run_walk, w, walk_repeats) * (double)walk_repeats < seconds) walk_repeats *= 2;
  for (size_t i = 0; i < rounds; i++) {
    evaluator[i] = seconds_of(run_evaluator, w, repeats);
    walk[i] = seconds_of(run_walk, w, walk_repeats);
    ratio[i] = walk[i] / evaluator[i];
  }
  qsort(evaluator, rounds, sizeof *evaluator, compare_doubles);
  qsort(walk, rounds, sizeof *walk, compare_doubles);
  qsort(ratio, rounds, sizeof *ratio, compare_doubles);
  return (timing){evaluator[rounds / 2], walk[rounds / 2], ratio[rounds / 2]};
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
  compare_verdicts(&w);
  timing t = measure(&w, is_short ? 5 : 15, 0.05);
  printf("%zu rules x traces of %u spans: evaluator %.3f ms, walk %.3f ms a trace, ratio %.1f (goal %.0f)\n",
         rule_count, span_count, t.evaluator / (double)w.trace_count * 1e3, t.walk / (double)w.trace_count * 1e3,
         t.ratio, goal);
  printf("  verdicts: %llu violated, %llu satisfied, %llu not applicable; memory a trace: %zu KiB of the evaluator, "
         "%zu KiB of the trace\n",
         (unsigned long long)verdict_counts[BT_VIOLATED], (unsigned long long)verdict_counts[BT_SATISFIED],
         (unsigned long long)verdict_counts[BT_NOT_APPLICABLE], evaluator_bytes(&w) / 1024,
         w.arena.total_bytes / w.trace_count / 1024);
  free_workload(&w);
}

/* Each shape of rule by itself; the worst counts. */
static void bench_one(uint32_t span_count, bool is_short) {
  double worst = 0, product_logs = 0;
  uint32_t worst_shape = 0;
  for (uint32_t shape = 0; shape < DSL_RULE_SHAPES; shape++) {
    dsl_random random = {seed + shape};
    workload w = {.rule_count = 1, .trace_count = 16};
    make_rules(&w, &random, shape);
    make_traces(&w, &random, span_count);
    compare_verdicts(&w);
    timing t = measure(&w, is_short ? 5 : 15, is_short ? 0.002 : 0.02);
    product_logs += t.ratio;
    if (1 / t.ratio > worst) worst = 1 / t.ratio, worst_shape = shape;
    if (!is_short) printf("    x %.2f  %.*s\n", 1 / t.ratio, BT_FMT(w.rules[0]->text));
    free_workload(&w);
  }
  printf("1 rule x 1 trace of %u spans: mean ratio %.1f; the worst shape (%u) takes %.2f x the walk (goal: at most 1.2 "
         "x)\n",
         span_count, product_logs / DSL_RULE_SHAPES, worst_shape, worst);
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
  bench_many(1000, 1000, 6, is_short);
  bench_many(100, 100, 4, is_short);
  static const uint32_t sizes[] = {10, 100, 1000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) bench_one(sizes[i], is_short);
  bench_compile(1000, is_short);
  return dsl_hostile_run() ? 0 : 1;
}
