/* A rule says alone what it says among others: alone the evaluator looks through all spans, in a large ruleset it
 * groups them by name, service and value and asks gates first. Random rules on random traces, complete and not, with
 * skew and small budgets; all that a verdict says has to be equal. BETRACE_SEED in the environment replaces the seed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "dsl/evaluate/program.h"
#include "tests/diff/random_rule.h"
#include "tests/diff/random_trace.h"
#include "tests/support/slow_build.h"
#include "tests/support/trace_text.h"

enum {
  RULES = 48,
  BATCHES = ROUNDS_OF(120, 50),
  TRACES = 6,
  OPTIONS = 6,
  ARENA_BYTES = 64 * 1024 * 1024,
  FEW_COMPARISONS = 2
};

static const bt_eval_options all_options[OPTIONS] = {
    {.incomplete = false}, {.incomplete = true}, {.clock_skew_ns = 1000000},
    {.step_budget = 3},    {.step_budget = 20},  {.incomplete = true, .step_budget = 40},
};

static void stop(const char *what) {
  fprintf(stderr, "diff_sharing: %s\n", what);
  exit(1);
}

/* Every fourth rule asks for a value and no name, so that there are enough of them to group spans by it; random rules
 * hardly do. */
static void write_value_rule(test_random *random, bt_buffer *out) {
  static const char *const keys[] = {"k",           "m",          "span.k",  "resource.m",
                                     "http.method", "span.plain", "cluster", "resource.k8s.pod.name"};
  static const char *const values[] = {"u", "v", "uv", "1", "", "ERROR", "w", "nil"};
  const char *key = keys[test_random_below(random, 8)], *value = values[test_random_below(random, 8)];
  switch (test_random_below(random, 3)) {
  case 0: bt_buffer_printf(out, "trace.has(%s == \"%s\")", key, value); return;
  case 1: bt_buffer_printf(out, "count(%s == \"%s\") > 1", key, value); return;
  default: bt_buffer_printf(out, "not trace.has(%s == \"%s\" and span.duration > 1ms) and a", key, value);
  }
}

typedef struct batch {
  bt_buffer texts[RULES];
  bt_rule *rules[RULES];
  bt_ruleset *alone[RULES], *all;
  bt_evaluator *alone_evaluators[RULES], *all_evaluator;
} batch;

static bt_evaluator *make_evaluator(bt_rule *const *rules, size_t count, bt_ruleset **ruleset) {
  bt_evaluator *evaluator = NULL;
  if (bt_ruleset_new((const bt_rule *const *)rules, count, ruleset, NULL) != BT_OK ||
      bt_evaluator_new(*ruleset, &evaluator, NULL) != BT_OK)
    stop("out of memory");
  return evaluator;
}

static void make_batch(batch *b, test_random *random) {
  *b = (batch){.all = NULL};
  for (size_t i = 0; i < RULES; i++) {
    bt_diagnostics diagnostics;
    bt_diagnostics_init(&diagnostics);
    if (i % 4 == 0)
      write_value_rule(random, &b->texts[i]);
    else
      random_rule_write(random, &b->texts[i]);
    if (bt_rule_compile(bt_buffer_str(&b->texts[i]), &b->rules[i], &diagnostics, NULL) != BT_OK)
      stop("a random rule does not compile");
    bt_diagnostics_dispose(&diagnostics);
    b->alone_evaluators[i] = make_evaluator(&b->rules[i], 1, &b->alone[i]);
  }
  b->all_evaluator = make_evaluator(b->rules, RULES, &b->all);
}

static void dispose_batch(batch *b) {
  bt_evaluator_free(b->all_evaluator);
  bt_ruleset_free(b->all);
  for (size_t i = 0; i < RULES; i++) {
    bt_evaluator_free(b->alone_evaluators[i]);
    bt_ruleset_free(b->alone[i]);
    bt_rule_free(b->rules[i]);
    bt_buffer_dispose(&b->texts[i]);
  }
}

static bool ranges_equal(bt_range a, bt_range b) {
  return a.start == b.start && a.end == b.end;
}

static bool choices_equal(const bt_choice *a, const bt_choice *b) {
  if (a->witness_count != b->witness_count || !ranges_equal(a->failed, b->failed)) return false;
  for (uint32_t i = 0; i < a->witness_count; i++) {
    const bt_witness *x = &a->witnesses[i], *y = &b->witnesses[i];
    if (x->span != y->span || x->binding != y->binding || !ranges_equal(x->range, y->range)) return false;
  }
  return true;
}

static bool verdicts_equal(const bt_rule_verdict *a, const bt_rule_verdict *b) {
  if (a->verdict != b->verdict || a->reason != b->reason || a->exercised != b->exercised) return false;
  if (a->choice_total != b->choice_total || a->choice_count != b->choice_count) return false;
  for (uint32_t i = 0; i < a->choice_count; i++)
    if (!choices_equal(&a->choices[i], &b->choices[i])) return false;
  return true;
}

static uint64_t verdict_counts[BT_NOT_APPLICABLE + 1];

static void compare(batch *b, const bt_trace *trace, const char *lines, const bt_eval_options *options) {
  bt_eval_options repeated[RULES];
  const bt_rule_verdict *among, *alone;
  for (size_t i = 0; i < RULES; i++) repeated[i] = *options;
  if (bt_evaluator_run(b->all_evaluator, trace, repeated, &among, NULL) != BT_OK) stop("the evaluator failed");
  for (size_t i = 0; i < RULES; i++) {
    if (bt_evaluator_run(b->alone_evaluators[i], trace, options, &alone, NULL) != BT_OK) stop("the evaluator failed");
    verdict_counts[alone->verdict]++;
    if (verdicts_equal(alone, &among[i])) continue;
    fprintf(stderr, "alone %s (%llu), among others %s (%llu); incomplete %d, skew %lld, budget %llu\n%s\n%s\n",
            bt_verdict_name(alone->verdict), (unsigned long long)alone->choice_total, bt_verdict_name(among[i].verdict),
            (unsigned long long)among[i].choice_total, options->incomplete, (long long)options->clock_skew_ns,
            (unsigned long long)options->step_budget, b->texts[i].ptr, lines);
    exit(1);
  }
}

static void compare_on_trace(batch *b, test_random *random) {
  bt_arena arena;
  bt_buffer lines = {0};
  char message[256] = "";
  bt_arena_init(&arena, ARENA_BYTES);
  random_trace_write(random, &lines);
  const bt_trace *trace = trace_text_read(&arena, lines.ptr, message, sizeof message);
  if (!trace) stop(message);
  for (size_t i = 0; i < OPTIONS; i++) compare(b, trace, lines.ptr, &all_options[i]);
  bt_buffer_dispose(&lines);
  bt_arena_dispose(&arena);
}

/* Whether the batch makes the evaluator group spans by the value of an attribute. */
static bool groups_by_value(const batch *b) {
  for (uint32_t i = 0; i < b->all->field_keys.count; i++)
    if (b->all->fields[i].matcher_count > FEW_COMPARISONS) return true;
  return false;
}

int main(void) {
  unsigned with_values = 0;
  test_random random = test_random_start(7);
  for (int i = 0; i < BATCHES; i++) {
    batch b;
    make_batch(&b, &random);
    with_values += groups_by_value(&b);
    for (int t = 0; t < TRACES; t++) compare_on_trace(&b, &random);
    dispose_batch(&b);
  }
  printf("%d rules; grouped by value in %u of %d batches\n", RULES * BATCHES, with_values, BATCHES);
  for (int i = 0; i <= BT_NOT_APPLICABLE; i++) {
    printf("%s %llu\n", bt_verdict_name((bt_verdict)i), (unsigned long long)verdict_counts[i]);
    if (verdict_counts[i] == 0) stop("a verdict never came up");
  }
  if (with_values < BATCHES / 2) stop("spans were hardly ever grouped by value");
  return 0;
}
