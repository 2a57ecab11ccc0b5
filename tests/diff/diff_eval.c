/* The differential test of the evaluator: random rules on random traces, the fast evaluator against the naive one.
 *
 *   diff_eval [PAIRS [DIFFERENCES]]
 *
 * PAIRS of a rule and a trace, 100,000 when it is not said (25,000 in a debug or sanitizer build); it ends after 5, or
 * so many, rules with differences. BETRACE_SEED in the environment replaces the seed.
 *
 * Rules come in batches that share a ruleset, so that what they share is tested too, and each is run alone besides,
 * because one rule takes shorter ways than many (no groups of spans), and once more with the indexes that otherwise
 * only large traces have: then the witnesses have to be the same as well. Evaluators go from trace to trace, so that
 * nothing may be left of the one before. In the end a census says what was met, and the test fails when something was
 * not: then it has shown nothing. */
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "tests/diff/random_rule.h"
#include "tests/diff/random_trace.h"
#include "tests/diff/rule_features.h"
#include "tests/diff/verdict_pair.h"
#include "tests/support/own_keys.h"
#include "tests/support/renamed_keys.h"
#include "tests/support/slow_build.h"
#include "tests/support/trace_text.h"

enum { RULES = 8, TRACES = 8, VERDICTS = 4, DEFAULT_DIFFERENCES = 5, ARENA_BYTES = 64 * 1024 * 1024 };
/* Where nothing is optimised, or every access is looked at, a quarter of them: the naive evaluator takes long for spans
 * that are picked from picked ones. make check runs the optimised build. */
enum { DEFAULT_PAIRS = ROUNDS_OF(100000, 25000) };
enum { CENSUS_PAIRS = 20000 }; /* fewer pairs say nothing about the generator */

typedef struct census {
  uint64_t pairs, complete[VERDICTS], incomplete[VERDICTS], pruned[VERDICTS], reasons[BT_REASON_LINKED + 1];
  uint64_t features[RULE_FEATURE_MAX][VERDICTS];
  uint64_t exercised[BT_TRUE + 1], with_skew, hanging_on_ties;
} census;

typedef struct batch {
  bt_buffer rule_texts[RULES], trace_text;
  bt_rule *rules[RULES];
  bool has_differed[RULES]; /* one difference of a rule is enough */
  rule_features features[RULES];
  bt_ruleset *ruleset, *alone[RULES];
  bt_evaluator *evaluator, *alone_evaluators[RULES], *index_evaluators[RULES];
} batch;

static void stop(const char *what) {
  fprintf(stderr, "diff_eval: %s\n", what);
  exit(1);
}

static void print_diagnostics(const bt_diagnostics *diagnostics, bt_str text) {
  bt_buffer out = {0};
  bt_diagnostics_print(diagnostics, text, "rule", &out);
  fprintf(stderr, "%.*s\n", BT_FMT(bt_buffer_str(&out)));
  bt_buffer_dispose(&out);
}

static const char *const keys[] = {"k", "m", "d.e", "ok", "http.status_code"};

/* Every other rule by renamed keys, and every other one by aliases; most of their names are then of several meanings,
 * or of one. */
static bt_rule *compile(bt_str text, test_random *random) {
  renamed_keys renamed;
  own_keys own;
  bt_compile_options options = {.conventions = &renamed.conventions};
  renamed_keys_make(random, keys, sizeof keys / sizeof *keys, test_random_below(random, 2), &renamed);
  own_keys_make(random, keys, sizeof keys / sizeof *keys, &own);
  if (test_random_below(random, 2)) options.semconv = BT_STR("stable");
  if (test_random_below(random, 2)) options.own_names = &own.names;
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile_with(text, &options, &rule, &diagnostics, NULL) != BT_OK) {
    print_diagnostics(&diagnostics, text);
    stop("the generator wrote a rule that the checker refuses");
  }
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static bt_evaluator *make_evaluator(bt_rule *const *rules, size_t count, bt_ruleset **ruleset) {
  bt_evaluator *evaluator = NULL;
  if (bt_ruleset_new((const bt_rule *const *)rules, count, ruleset, NULL) != BT_OK) stop("no ruleset");
  if (bt_evaluator_new(*ruleset, &evaluator, NULL) != BT_OK) stop("no evaluator");
  return evaluator;
}

static void start_batch(batch *b, test_random *random, test_random *of_names) {
  for (int i = 0; i < RULES; i++) {
    bt_buffer_clear(&b->rule_texts[i]);
    random_rule_write(random, &b->rule_texts[i]);
    b->rules[i] = compile(bt_buffer_str(&b->rule_texts[i]), of_names);
    rule_features_find(b->rules[i], &b->features[i]);
    b->has_differed[i] = false;
    b->alone_evaluators[i] = make_evaluator(&b->rules[i], 1, &b->alone[i]);
    if (bt_evaluator_new(b->alone[i], &b->index_evaluators[i], NULL) != BT_OK) stop("no evaluator");
  }
  b->evaluator = make_evaluator(b->rules, RULES, &b->ruleset);
}

static void end_batch(batch *b) {
  bt_evaluator_free(b->evaluator);
  bt_ruleset_free(b->ruleset);
  for (int i = 0; i < RULES; i++) {
    bt_evaluator_free(b->alone_evaluators[i]);
    bt_evaluator_free(b->index_evaluators[i]);
    bt_ruleset_free(b->alone[i]);
    bt_rule_free(b->rules[i]);
  }
}

static void dispose_batch(batch *b) {
  for (int i = 0; i < RULES; i++) bt_buffer_dispose(&b->rule_texts[i]);
  bt_buffer_dispose(&b->trace_text);
}

static bt_eval_options random_options(test_random *random) {
  static const int64_t skews_ns[] = {0, 0, 500000, 2000000, 5000000};
  bt_eval_options options = {.step_budget = UINT64_MAX};
  options.incomplete = test_random_below(random, 3) == 0;
  options.clock_skew_ns = skews_ns[test_random_below(random, 5)];
  return options;
}

static void take_census(census *c, const bt_trace *trace, const bt_rule_verdict *v, const bt_eval_options *options,
                        const rule_features *f) {
  bool is_pruned = trace->pruned && !options->incomplete;
  c->pairs++;
  (options->incomplete ? c->incomplete : is_pruned ? c->pruned : c->complete)[v->verdict]++;
  c->reasons[v->reason]++;
  c->exercised[v->exercised]++;
  if (options->clock_skew_ns > 0) c->with_skew++;
  if (v->hangs_on_ties) c->hanging_on_ties++;
  for (size_t i = 0; i < rule_feature_count(); i++)
    if (f->has[i]) c->features[i][v->verdict]++;
}

static void print_difference(bt_str rule_text, const char *trace_text, const bt_eval_options *options, bt_str answers) {
  printf("rule     %.*s\ntrace\n%soptions %s%s skew=%lldns\n%.*s\n", BT_FMT(rule_text), trace_text,
         options->incomplete ? "incomplete" : "complete", options->coarse_clocks_unknown ? " coarse" : "",
         (long long)options->clock_skew_ns, BT_FMT(answers));
}

/* The whole difference, and what is left of it when all that it does not need is left out. */
static void report(const bt_buffer *rule_text, const bt_buffer *trace_text, const bt_eval_options *options,
                   bt_str answers) {
  bt_buffer rule = {0}, trace = {0}, small = {0};
  bt_eval_options with = *options;
  bt_buffer_append(&rule, bt_buffer_str(rule_text));
  bt_buffer_append(&trace, bt_buffer_str(trace_text));
  printf("--- the evaluators differ\n");
  print_difference(bt_buffer_str(&rule), trace.ptr ? trace.ptr : "", &with, answers);
  if (texts_differ(bt_buffer_str(&rule), trace.ptr ? trace.ptr : "", &with, &small)) {
    minimise_difference(&rule, &trace, &with);
    bt_buffer_clear(&small);
    texts_differ(bt_buffer_str(&rule), trace.ptr ? trace.ptr : "", &with, &small);
    printf("--- minimised\n");
    print_difference(bt_buffer_str(&rule), trace.ptr ? trace.ptr : "", &with, bt_buffer_str(&small));
  } else {
    printf("--- alone, without the other rules of its ruleset, they agree\n");
  }
  bt_buffer_dispose(&rule);
  bt_buffer_dispose(&trace);
  bt_buffer_dispose(&small);
}

static bool witnesses_equal(const bt_choice *a, const bt_choice *b) {
  bool are_equal =
      a->witness_count == b->witness_count && a->failed.start == b->failed.start && a->failed.end == b->failed.end;
  for (uint32_t i = 0; are_equal && i < a->witness_count; i++) {
    const bt_witness *x = &a->witnesses[i], *y = &b->witnesses[i];
    are_equal = x->span == y->span && x->binding == y->binding && x->range.start == y->range.start &&
                x->range.end == y->range.end;
  }
  return are_equal;
}

/* With indexes and without: the same witnesses of the same choices. The verdicts are known to be equal. */
static bool shows_the_same(const bt_rule_verdict *alone, const bt_rule_verdict *indexed, bt_buffer *answers) {
  bool are_equal = alone->choice_count == indexed->choice_count;
  for (uint32_t i = 0; are_equal && i < alone->choice_count; i++)
    are_equal = witnesses_equal(&alone->choices[i], &indexed->choices[i]);
  if (!are_equal) bt_buffer_append(answers, BT_STR("with indexes other witnesses are shown\n"));
  return are_equal;
}

/* That it hangs on equal starts is that it would be another one with these unknown. */
static bool hangs_rightly(const bt_rule *rule, const bt_trace *trace, const bt_rule_verdict *said,
                          const naive_verdict *naive, const bt_eval_options *options, bt_buffer *answers) {
  bt_eval_options open = *options;
  naive_verdict other;
  open.coarse_clocks_unknown = true;
  if (options->coarse_clocks_unknown || said->verdict == BT_INCONCLUSIVE || trace->differing_copies) return true;
  naive_evaluate(rule, trace, &open, &other);
  bool hangs = other.verdict != naive->verdict;
  naive_verdict_dispose(&other);
  if (hangs != said->hangs_on_ties)
    bt_buffer_printf(answers, "it %s on equal starts\n", hangs ? "hangs" : "does not hang");
  return hangs == said->hangs_on_ties;
}

/* The verdict among others, the one alone, and the one with indexes, against the naive one. */
static bool rule_differs(batch *b, int rule, const bt_trace *trace, const bt_rule_verdict *among,
                         const bt_eval_options *options, bt_buffer *answers) {
  const bt_rule_verdict *alone = NULL, *indexed = NULL;
  bt_eval_options with_indexes = *options;
  naive_verdict naive;
  with_indexes.looks_up_at_once = true;
  naive_evaluate(b->rules[rule], trace, options, &naive);
  if (bt_evaluator_run(b->alone_evaluators[rule], trace, options, &alone, NULL) != BT_OK)
    stop("the evaluator gave up on a rule alone");
  if (bt_evaluator_run(b->index_evaluators[rule], trace, &with_indexes, &indexed, NULL) != BT_OK)
    stop("the evaluator gave up on a rule with indexes");
  const char *which = NULL;
  if (!verdicts_agree(b->rules[rule], trace, among, &naive, answers))
    which = "among others";
  else if (!verdicts_agree(b->rules[rule], trace, alone, &naive, answers))
    which = "alone";
  else if (!verdicts_agree(b->rules[rule], trace, indexed, &naive, answers) || !shows_the_same(alone, indexed, answers))
    which = "with indexes";
  else if (!hangs_rightly(b->rules[rule], trace, among, &naive, options, answers) ||
           !hangs_rightly(b->rules[rule], trace, indexed, &naive, options, answers))
    which = "in what it hangs on";
  if (which) bt_buffer_printf(answers, "it differs %s", which);
  naive_verdict_dispose(&naive);
  return which != NULL;
}

/* All rules of the batch on one new trace. Returns the number of differences. */
static unsigned run_trace(batch *b, test_random *random, census *c) {
  bt_eval_options options[RULES];
  const bt_rule_verdict *fast = NULL;
  bt_arena arena;
  char message[256];
  unsigned differences = 0;
  bt_buffer_clear(&b->trace_text);
  random_trace_write(random, &b->trace_text);
  bt_arena_init(&arena, ARENA_BYTES);
  const bt_trace *trace = trace_text_read(&arena, b->trace_text.ptr ? b->trace_text.ptr : "", message, sizeof message);
  if (!trace) stop(message);
  for (int i = 0; i < RULES; i++) {
    options[i] = random_options(random);
    options[i].coarse_clocks_unknown = (c->pairs + (uint64_t)i) % 3 == 0;
  }
  if (bt_evaluator_run(b->evaluator, trace, options, &fast, NULL) != BT_OK) stop("the evaluator gave up");
  for (int i = 0; i < RULES; i++) {
    bt_buffer answers = {0};
    take_census(c, trace, &fast[i], &options[i], &b->features[i]);
    if (!b->has_differed[i] && rule_differs(b, i, trace, &fast[i], &options[i], &answers)) {
      b->has_differed[i] = true;
      differences++;
      report(&b->rule_texts[i], &b->trace_text, &options[i], bt_buffer_str(&answers));
    }
    bt_buffer_dispose(&answers);
  }
  bt_arena_dispose(&arena);
  return differences;
}

static void print_row(const char *name, const uint64_t counts[VERDICTS]) {
  printf("%-20s", name);
  for (int v = 0; v < VERDICTS; v++) printf("%16llu", (unsigned long long)counts[v]);
  printf("\n");
}

static void print_census(const census *c) {
  printf("%-20s", "");
  for (int v = 0; v < VERDICTS; v++) printf("%16s", bt_verdict_name((bt_verdict)v));
  printf("\n");
  print_row("complete", c->complete);
  print_row("incomplete", c->incomplete);
  print_row("pruned", c->pruned);
  for (size_t i = 0; i < rule_feature_count(); i++) print_row(rule_feature_name(i), c->features[i]);
  printf("inconclusive by copies %llu, by times %llu, by what was dropped %llu\n",
         (unsigned long long)c->reasons[BT_REASON_COPIES], (unsigned long long)c->reasons[BT_REASON_TIME],
         (unsigned long long)c->reasons[BT_REASON_DROPPED]);
  printf("inconclusive by incompleteness %llu, by pruning %llu, by linked traces %llu, by skew %llu; exercised false "
         "%llu, unknown %llu, true "
         "%llu; with skew "
         "%llu; hanging on equal starts %llu\n",
         (unsigned long long)c->reasons[BT_REASON_INCOMPLETE], (unsigned long long)c->reasons[BT_REASON_PRUNED],
         (unsigned long long)c->reasons[BT_REASON_LINKED], (unsigned long long)c->reasons[BT_REASON_SKEW],
         (unsigned long long)c->exercised[BT_FALSE], (unsigned long long)c->exercised[BT_UNKNOWN],
         (unsigned long long)c->exercised[BT_TRUE], (unsigned long long)c->with_skew,
         (unsigned long long)c->hanging_on_ties);
}

static bool expect(bool holds, const char *what, const char *of) {
  if (!holds) printf("too few: %s %s\n", what, of);
  return holds;
}

/* Its traces are not there, so that it seldom decides. */
static bool is_of_other_traces(const char *feature) {
  return strncmp(feature, "linked", strlen("linked")) == 0 || strncmp(feature, "downstream", strlen("downstream")) == 0;
}

/* Each verdict in a few of a hundred pairs, and each feature in rules that were violated and in rules that were
 * satisfied. */
static bool census_is_good(const census *c) {
  bool good = true;
  for (int v = 0; v < VERDICTS; v++)
    good &= expect((c->complete[v] + c->incomplete[v] + c->pruned[v]) * 100 >= c->pairs * 3, "pairs",
                   bt_verdict_name((bt_verdict)v));
  for (int v = 0; v < VERDICTS; v++)
    good &= expect(c->pruned[v] * 500 >= c->pairs, "on traces with summaries", bt_verdict_name((bt_verdict)v));
  good &= expect(c->reasons[BT_REASON_SKEW] * 1000 >= c->pairs, "inconclusive by", "skew"); /* the last but one */
  good &= expect(c->reasons[BT_REASON_TIME] * 500 >= c->pairs, "inconclusive by", "times");
  good &= expect(c->reasons[BT_REASON_DROPPED] * 500 >= c->pairs, "inconclusive by", "what was dropped");
  good &= expect(c->incomplete[BT_VIOLATED] * 100 >= c->pairs, "violated on", "incomplete traces");
  good &= expect(c->incomplete[BT_SATISFIED] * 500 >= c->pairs, "satisfied on", "incomplete traces");
  good &= expect(c->reasons[BT_REASON_LINKED] * 500 >= c->pairs, "inconclusive by", "linked traces");
  for (size_t i = 0; i < rule_feature_count(); i++) {
    good &= expect(c->features[i][BT_INCONCLUSIVE] >= 10, "inconclusive with", rule_feature_name(i));
    if (is_of_other_traces(rule_feature_name(i))) continue;
    good &= expect(c->features[i][BT_VIOLATED] >= 10, "violated with", rule_feature_name(i));
    good &= expect(c->features[i][BT_SATISFIED] >= 10, "satisfied with", rule_feature_name(i));
  }
  return good;
}

int main(int argc, char **argv) {
  const char *wanted = argc > 1 ? argv[1] : getenv("BETRACE_DIFF_PAIRS");
  uint64_t pairs = wanted ? strtoull(wanted, NULL, 10) : DEFAULT_PAIRS;
  uint64_t most = argc > 2 ? strtoull(argv[2], NULL, 10) : DEFAULT_DIFFERENCES;
  if (pairs == 0) stop("expected a number of pairs above 0");
  test_random random = test_random_start(11), of_names = test_random_start(60);
  static census c;
  static batch b;
  uint64_t differences = 0;
  while (c.pairs < pairs && differences < most) {
    start_batch(&b, &random, &of_names);
    for (int i = 0; i < TRACES && differences < most; i++) differences += run_trace(&b, &random, &c);
    end_batch(&b);
  }
  dispose_batch(&b);
  print_census(&c);
  printf("%llu pairs, %llu differences\n", (unsigned long long)c.pairs, (unsigned long long)differences);
  bool good = c.pairs < CENSUS_PAIRS || census_is_good(&c);
  return differences == 0 && good ? 0 : 1;
}
