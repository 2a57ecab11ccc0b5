/* Random rules that follow links on random families of traces. The fast evaluator must say what the naive one says, of
 * whole families, of those with gaps and of those with hidden links. What is certain of the others must hold for the
 * whole one too: else a missing trace, or a hidden link, was taken for an absent one. That goes for what a plan says is
 * enough to show that linked spans are there (bt_plan_evidence), too. Without the traces whose links do not matter by
 * the plan (bt_plan.linking) the verdict stays the same.
 *
 *   diff_family [PAIRS]
 *
 * PAIRS of a rule and a family, 40,000 when it is not said. BETRACE_SEED in the environment replaces the seed. In the
 * end a census says what was met, and the test fails where that is too little to have shown anything. */
#include <stdio.h>
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/plan/plan.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/diff/random_family.h"
#include "tests/naive/naive.h"
#include "tests/support/asked.h"
#include "tests/support/slow_build.h"
#include "tests/support/traceql_model.h"

enum { EVIDENCE_SPANS = 64 };
enum { FAMILIES = 16, DEFAULT_PAIRS = ROUNDS_OF(40000, 12000), VERDICTS = 4, CENSUS_PAIRS = 10000, DIFFERENCES = 3 };

typedef struct census {
  uint64_t pairs, whole[VERDICTS], gaps[VERDICTS], hidden[VERDICTS], decided_with_gaps, abroad, differences;
  uint64_t shown, decided_by_evidence;
  uint64_t gathered, left_out; /* families by the spans that may matter, traces that are not in them */
  uint64_t violated, resting;  /* of those with gaps: on no link */
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

/* Where there are more than 64 possible families, they need not be looked at. */
static bool agrees(const bt_rule_verdict *fast, const naive_verdict *naive) {
  bool is_open = fast->verdict == BT_INCONCLUSIVE && fast->reason == BT_REASON_COPIES;
  if (naive->worlds > NAIVE_WORLDS_MAX || (naive->worlds > 64 && is_open)) return true;
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
  bool is_alike = agrees(fast, &naive);
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
  bool is_alike = agrees(sampled, &naive);
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

static void hold_to_whole(const bt_rule_verdict *whole, const bt_rule_verdict *part, const random_family *f,
                          const bt_family *family, bt_str text, census *c) {
  bool is_open = part->verdict == BT_INCONCLUSIVE || whole->verdict == BT_INCONCLUSIVE;
  if (is_open || part->verdict == whole->verdict) return;
  c->differences++;
  printf("--- false: %s of a part, %s of the whole family\n", bt_verdict_name(part->verdict),
         bt_verdict_name(whole->verdict));
  print_family(f, family, text);
}

/* A trace as a projection gives it: some of its spans, without links or with the last. */
typedef struct shown_trace {
  bt_trace trace;
  bt_span spans[EVIDENCE_SPANS];
} shown_trace;

static void show_own(const bt_trace *whole, bt_str filter, shown_trace *out) {
  out->trace = *whole;
  out->trace.spans = out->spans;
  out->trace.span_count = 0;
  for (uint32_t i = 0; i < whole->span_count; i++) {
    bt_trace alone = *whole;
    alone.spans = &whole->spans[i];
    alone.span_count = 1;
    if (!traceql_finds(filter, &alone, TRACEQL_NUMBERS_APART)) continue;
    out->spans[out->trace.span_count] = whole->spans[i];
    out->spans[out->trace.span_count++].link_count = 0;
  }
}

static void show_linked(test_random *random, const bt_trace *whole, shown_trace *out) {
  out->trace = *whole;
  out->trace.spans = out->spans;
  out->trace.span_count = 0;
  for (uint32_t i = 0; i < whole->span_count; i++) {
    const bt_span *span = &whole->spans[i];
    if (!span->link_count || test_random_below(random, 16) == 0) continue;
    bt_span *shown = &out->spans[out->trace.span_count++];
    *shown = *span;
    shown->links = &span->links[span->link_count - 1];
    shown->link_count = 1;
  }
}

/* Those of the own spans that the filter finds, and most spans of the others that link. */
static bt_family evidence_of(test_random *random, const random_family *f, bt_str filter, shown_trace *shown,
                             bt_family_trace *traces) {
  bt_family family = {traces, 0};
  for (uint32_t t = 0; t < f->family.trace_count; t++) {
    shown_trace *to = &shown[family.trace_count];
    const bt_trace *whole = f->whole[t].trace;
    if (whole->span_count > EVIDENCE_SPANS) stop("there are more spans than the test has room for");
    if (t)
      show_linked(random, whole, to);
    else
      show_own(whole, filter, to);
    traces[family.trace_count++] =
        (bt_family_trace){.trace = &to->trace, .is_incomplete = t > 0, .hides_links = true, .asked_from_ns = 1};
  }
  return family;
}

/* What these show is what the whole family says. */
static void judge_evidence(test_random *random, bt_evaluator *evaluator, const bt_plan *plan, const random_family *f,
                           bt_eval_options options, const bt_rule_verdict *whole, bt_str text, census *c) {
  shown_trace shown_traces[FAMILY_MAX];
  bt_family_trace traces[FAMILY_MAX];
  const bt_rule_verdict *shown = NULL;
  if (!plan->evidence.own.asked.filter) return;
  bt_family family = evidence_of(random, f, asked_text(plan->evidence.own.asked), shown_traces, traces);
  options.incomplete = false;
  if (bt_evaluator_run_family(evaluator, &family, &options, &shown, NULL) != BT_OK) stop("the evaluator gave up");
  c->shown++;
  c->decided_by_evidence += shown->verdict == BT_SATISFIED;
  hold_to_whole(whole, shown, f, &family, text, c);
}

static bool may_matter(const bt_trace *trace, bt_str filter) {
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bt_trace alone = *trace;
    alone.spans = &trace->spans[i];
    alone.span_count = 1;
    if (trace->spans[i].link_count && traceql_finds(filter, &alone, TRACEQL_NUMBERS_APART)) return true;
  }
  return false;
}

/* Spans that were summed up, or of which a Tempo has one record of several. */
static bool is_whole_nowhere(const random_family *f) {
  for (uint32_t t = 0; t < f->family.trace_count; t++)
    if (f->whole[t].trace->pruned || f->whole[t].trace->differing_copies) return true;
  return false;
}

/* What is gathered by the plan is judged as if all were there. Where spans were summed up, or have several records,
 * nobody gathers so. */
static void judge_gathered(bt_evaluator *evaluator, const bt_plan *plan, const random_family *f,
                           const bt_eval_options *options, const bt_rule_verdict *whole, bt_str text, census *c) {
  bt_family_trace traces[FAMILY_MAX];
  bt_family family = {traces, 0};
  const bt_rule_verdict *of = NULL;
  if (!plan->linking.filter || is_whole_nowhere(f)) return;
  for (uint32_t t = 0; t < f->family.trace_count; t++)
    if (!t || may_matter(f->whole[t].trace, asked_text(plan->linking))) traces[family.trace_count++] = f->whole[t];
  if (bt_evaluator_run_family(evaluator, &family, options, &of, NULL) != BT_OK) stop("the evaluator gave up");
  c->gathered++;
  c->left_out += f->family.trace_count - family.trace_count;
  bool is_same = of->verdict == whole->verdict && of->exercised == whole->exercised &&
                 of->rests_on_no_link == whole->rests_on_no_link && of->choice_total == whole->choice_total;
  if (is_same) return;
  c->differences++;
  printf("--- gathered: %s, %s of the whole family\n", bt_verdict_name(of->verdict), bt_verdict_name(whole->verdict));
  print_family(f, &family, text);
}

static bt_eval_options random_options(test_random *random) {
  bt_eval_options options = {.step_budget = UINT64_MAX};
  if (test_random_below(random, 4) == 0) options.clock_skew_ns = 1000000;
  return options;
}

static void run_pair(test_random *random, bt_evaluator *evaluator, const bt_rule *rule, const bt_plan *plan,
                     bt_str text, census *c) {
  random_family f;
  random_family_make(random, &f);
  bt_eval_options options = random_options(random);
  bt_rule_verdict whole = judge(evaluator, rule, &f, &f.family, &options, text, c);
  judge_gathered(evaluator, plan, &f, &options, &whole, text, c);
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
  judge_evidence(random, evaluator, plan, &f, options, &whole, text, c);
  random_family_dispose(&f);
}

static void run_rule(test_random *random, census *c) {
  bt_buffer text = {0};
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  bt_plan *plan = NULL;
  random_family_rule(random, &text);
  bt_rule *rule = compile(bt_buffer_str(&text));
  if (bt_ruleset_new((const bt_rule *const *)&rule, 1, &ruleset, NULL) != BT_OK) stop("no ruleset");
  if (bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK) stop("no evaluator");
  if (bt_plan_new(rule, bt_traceql_dialect(), &plan, NULL) != BT_OK) stop("no plan");
  for (int i = 0; i < FAMILIES && c->differences < DIFFERENCES; i++)
    run_pair(random, evaluator, rule, plan, bt_buffer_str(&text), c);
  bt_plan_free(plan);
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
  good = good && c->gathered * 20 >= c->pairs && c->left_out * 4 >= c->gathered;
  good = good && c->shown * 20 >= c->pairs && c->decided_by_evidence * 200 >= c->shown;
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
         "%llu of %llu satisfied by evidence, %llu traces left out of %llu families, %llu differences\n",
         (unsigned long long)c.pairs, (unsigned long long)c.decided_with_gaps, (unsigned long long)c.abroad,
         (unsigned long long)c.resting, (unsigned long long)c.violated, (unsigned long long)c.decided_by_evidence,
         (unsigned long long)c.shown, (unsigned long long)c.left_out, (unsigned long long)c.gathered,
         (unsigned long long)c.differences);
  bool good = c.pairs < CENSUS_PAIRS || census_is_good(&c);
  return c.differences == 0 && good ? 0 : 1;
}
