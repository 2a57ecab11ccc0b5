/* Random rules that follow links on random families of traces. The fast evaluator must say what the naive one says, of
 * whole families, of those with gaps and of those with hidden links. What is certain of the others must hold for the
 * whole one too: else a missing trace, or a hidden link, was taken for an absent one.
 *
 *   diff_family [PAIRS]
 *
 * PAIRS of a rule and a family, 40,000 when it is not said. BETRACE_SEED in the environment replaces the seed. In the
 * end a census says what was met, and the test fails where that is too little to have shown anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/diff/random_family.h"
#include "tests/naive/naive.h"

enum { FAMILIES = 16, DEFAULT_PAIRS = 40000, VERDICTS = 4, CENSUS_PAIRS = 10000, DIFFERENCES = 3 };

typedef struct census {
  uint64_t pairs, whole[VERDICTS], gaps[VERDICTS], hidden[VERDICTS], decided_with_gaps, abroad, differences;
  uint64_t violated, resting; /* of those with gaps: on no link */
} census;

static void stop(const char *what) {
  fprintf(stderr, "diff_family: %s\n", what);
  exit(1);
}

static bt_rule *compile(bt_str text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(text, &rule, &diagnostics, NULL) != BT_OK) {
    bt_buffer out = {0};
    bt_diagnostics_print(&diagnostics, text, "rule", &out);
    fprintf(stderr, "%.*s\n", BT_FMT(bt_buffer_str(&out)));
    stop("the generator wrote a rule that the checker refuses");
  }
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static void print_family(const random_family *f, const bt_family *family, bt_str rule) {
  printf("rule   %.*s\n", BT_FMT(rule));
  for (uint32_t t = 0; t < family->trace_count; t++) {
    const bt_family_trace *member = &family->traces[t];
    char id[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&member->trace->id, id);
    printf("trace %s%s%s asked %lld to %lld, spans", id, member->is_incomplete ? " incomplete" : "",
           member->hides_links ? " hides links" : "", (long long)member->asked_from_ns,
           (long long)member->asked_until_ns);
    for (uint32_t i = 0; i < member->trace->span_count; i++) printf(" %02x", member->trace->spans[i].id.bytes[7]);
    printf("\n");
  }
  for (int t = 0; t < FAMILY_MAX; t++)
    if (f->texts[t].ptr) printf("--- %d\n%s", t, f->texts[t].ptr);
}

/* Of the smallest (largest) number of spans none of which is certain the fast one says nothing, where the naive one
 * still has bounds. */
static bool may_say_less(const bt_rule_verdict *fast, const naive_verdict *naive, bt_str rule) {
  bool has_extreme = strstr(rule.ptr, " min(") || strstr(rule.ptr, " max(");
  return has_extreme && (fast->verdict == BT_INCONCLUSIVE || fast->verdict == naive->verdict) &&
         fast->choice_total <= naive->choice_total;
}

static bool agrees(const bt_rule_verdict *fast, const naive_verdict *naive) {
  return fast->verdict == naive->verdict && fast->exercised == naive->exercised &&
         fast->choice_total == naive->choice_total &&
         (fast->verdict != BT_INCONCLUSIVE || fast->reason != BT_REASON_BUDGET);
}

/* A witness names a span of the trace that it says. */
static bool witnesses_are_there(const bt_family *family, const bt_rule_verdict *verdict, census *c) {
  for (uint32_t i = 0; i < verdict->choice_count; i++)
    for (uint32_t k = 0; k < verdict->choices[i].witness_count; k++) {
      const bt_witness *witness = &verdict->choices[i].witnesses[k];
      if (witness->trace >= family->trace_count) return false;
      if (witness->span >= family->traces[witness->trace].trace->span_count) return false;
      c->abroad += witness->trace > 0;
    }
  return true;
}

/* The verdict of the fast one; both must say the same. */
static bt_rule_verdict judge(bt_evaluator *evaluator, const bt_rule *rule, const random_family *f,
                             const bt_family *family, const bt_eval_options *options, bt_str text, census *c) {
  const bt_rule_verdict *fast = NULL;
  naive_verdict naive;
  if (bt_evaluator_run_family(evaluator, family, options, &fast, NULL) != BT_OK) stop("the evaluator gave up");
  naive_evaluate_family(rule, family, options, &naive);
  bool is_alike = agrees(fast, &naive) || may_say_less(fast, &naive, text);
  if (!is_alike || !witnesses_are_there(family, fast, c)) {
    c->differences++;
    printf("--- differ: fast %s %s total %llu exercised %d, naive %s %s total %llu exercised %d\n",
           bt_verdict_name(fast->verdict), bt_reason_name(fast->reason), (unsigned long long)fast->choice_total,
           (int)fast->exercised, bt_verdict_name(naive.verdict), bt_reason_name(naive.reason),
           (unsigned long long)naive.choice_total, (int)naive.exercised);
    print_family(f, family, text);
  }
  naive_verdict_dispose(&naive);
  return *fast;
}

/* What links_sampled says, and whether a violation rests on no link, is what the naive evaluator says where nobody was
 * asked who links to a trace. */
static void judge_sampled(bt_evaluator *evaluator, const bt_rule *rule, const random_family *f, const bt_family *family,
                          bt_eval_options options, const bt_rule_verdict *normal, bt_str text, census *c) {
  bt_family_trace traces[FAMILY_MAX];
  bt_family unasked = {traces, family->trace_count};
  const bt_rule_verdict *sampled = NULL;
  naive_verdict naive;
  for (uint32_t t = 0; t < family->trace_count; t++) {
    traces[t] = family->traces[t];
    traces[t].asked_from_ns = 1, traces[t].asked_until_ns = 0;
  }
  naive_evaluate_family(rule, &unasked, &options, &naive);
  options.links_sampled = true;
  if (bt_evaluator_run_family(evaluator, family, &options, &sampled, NULL) != BT_OK) stop("the evaluator gave up");
  bool rests = normal->verdict == BT_VIOLATED && naive.verdict != BT_VIOLATED;
  bool is_alike = agrees(sampled, &naive) || may_say_less(sampled, &naive, text);
  c->resting += normal->rests_on_no_link;
  c->violated += normal->verdict == BT_VIOLATED;
  if (!is_alike || sampled->rests_on_no_link || rests != normal->rests_on_no_link) {
    c->differences++;
    printf("--- differ: sampled %s, naive %s without asking; %s, said to rest on no link: %d\n",
           bt_verdict_name(sampled->verdict), bt_verdict_name(naive.verdict), bt_verdict_name(normal->verdict),
           (int)normal->rests_on_no_link);
    print_family(f, family, text);
  }
  naive_verdict_dispose(&naive);
}

static bt_eval_options random_options(test_random *random) {
  bt_eval_options options = {.step_budget = UINT64_MAX};
  if (test_random_below(random, 4) == 0) options.clock_skew_ns = 1000000;
  return options;
}

static void hold_to_whole(const bt_rule_verdict *whole, const bt_rule_verdict *part, const random_family *f,
                          const bt_family *family, bt_str text, census *c) {
  bool is_open = part->verdict == BT_INCONCLUSIVE || whole->verdict == BT_INCONCLUSIVE;
  if (is_open || part->verdict == whole->verdict) return;
  c->differences++;
  printf("--- false: %s of a part, %s of the whole family\n", bt_verdict_name(part->verdict),
         bt_verdict_name(whole->verdict));
  print_family(f, family, text);
}

static void run_pair(test_random *random, bt_evaluator *evaluator, const bt_rule *rule, bt_str text, census *c) {
  random_family f;
  random_family_make(random, &f);
  bt_eval_options options = random_options(random);
  bt_rule_verdict whole = judge(evaluator, rule, &f, &f.family, &options, text, c);
  options.incomplete = f.is_own_incomplete;
  bt_rule_verdict gaps = judge(evaluator, rule, &f, &f.gaps, &options, text, c);
  judge_sampled(evaluator, rule, &f, &f.gaps, options, &gaps, text, c);
  bt_rule_verdict hidden = judge(evaluator, rule, &f, &f.hidden, &options, text, c);
  c->pairs++;
  c->whole[whole.verdict]++;
  c->gaps[gaps.verdict]++;
  c->hidden[hidden.verdict]++;
  c->decided_with_gaps += gaps.verdict != BT_INCONCLUSIVE;
  hold_to_whole(&whole, &gaps, &f, &f.gaps, text, c);
  hold_to_whole(&whole, &hidden, &f, &f.hidden, text, c);
  random_family_dispose(&f);
}

static void run_rule(test_random *random, census *c) {
  bt_buffer text = {0};
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  random_family_rule(random, &text);
  bt_rule *rule = compile(bt_buffer_str(&text));
  if (bt_ruleset_new((const bt_rule *const *)&rule, 1, &ruleset, NULL) != BT_OK) stop("no ruleset");
  if (bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK) stop("no evaluator");
  for (int i = 0; i < FAMILIES && c->differences < DIFFERENCES; i++)
    run_pair(random, evaluator, rule, bt_buffer_str(&text), c);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_rule_free(rule);
  bt_buffer_dispose(&text);
}

static bool census_is_good(const census *c) {
  bool good = c->resting * 20 >= c->violated && (c->violated - c->resting) * 20 >= c->violated;
  good = good && c->abroad * 40 >= c->pairs && c->decided_with_gaps * 4 >= c->pairs;
  for (int v = 0; v < VERDICTS; v++) good = good && c->whole[v] * 50 >= c->pairs && c->gaps[v] * 50 >= c->pairs;
  for (int v = 0; v < VERDICTS; v++) good = good && c->hidden[v] * 50 >= c->pairs;
  if (!good) printf("too few of something, see above\n");
  return good;
}

int main(int argc, char **argv) {
  uint64_t pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_PAIRS;
  if (pairs == 0) stop("expected a number of pairs above 0");
  test_random random = test_random_start(20261123);
  census c = {0};
  while (c.pairs < pairs && c.differences < DIFFERENCES) run_rule(&random, &c);
  for (int v = 0; v < VERDICTS; v++)
    printf("%-16s whole %8llu  with gaps %8llu  with hidden links %8llu\n", bt_verdict_name((bt_verdict)v),
           (unsigned long long)c.whole[v], (unsigned long long)c.gaps[v], (unsigned long long)c.hidden[v]);
  printf("%llu pairs, %llu decided with gaps, %llu witnesses in other traces, %llu of %llu violations rest on no link, "
         "%llu differences\n",
         (unsigned long long)c.pairs, (unsigned long long)c.decided_with_gaps, (unsigned long long)c.abroad,
         (unsigned long long)c.resting, (unsigned long long)c.violated, (unsigned long long)c.differences);
  bool good = c.pairs < CENSUS_PAIRS || census_is_good(&c);
  return c.differences == 0 && good ? 0 : 1;
}
