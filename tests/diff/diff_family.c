/* Random rules that follow links on random families of traces. The fast evaluator must say what the naive one says, of
 * whole families, of those with gaps and of those with hidden links. What is certain of the others must hold for the
 * whole one too: else a missing trace, or a hidden link, was taken for an absent one. That goes for what a plan says is
 * enough to show that linked spans are there (bt_plan_evidence), too. Without the traces whose links do not matter by
 * the plan (bt_plan.linking) the verdict stays the same. So it does where families of the same traces share a kinship.
 *
 *   diff_family [PAIRS]
 *
 * PAIRS of a rule and a family, 40,000 when it is not said. BETRACE_SEED in the environment replaces the seed. In the
 * end a census says what was met, and the test fails where that is too little to have shown anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/evaluate/relatives.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/kinship.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/diff/random_family.h"
#include "tests/naive/naive.h"
#include "tests/support/asked.h"
#include "tests/support/own_keys.h"
#include "tests/support/slow_build.h"
#include "tests/support/traceql_model.h"

enum { EVIDENCE_SPANS = 64, SHARING_PAIRS = 8, KINSHIP_BYTES = 1 << 20 };
enum { FAMILIES = 16, DEFAULT_PAIRS = ROUNDS_OF(40000, 12000), VERDICTS = 4, CENSUS_PAIRS = 10000, DIFFERENCES = 3 };

typedef struct census {
  uint64_t pairs, whole[VERDICTS], gaps[VERDICTS], hidden[VERDICTS], decided_with_gaps, abroad, differences;
  uint64_t shown, decided_by_evidence;
  uint64_t gathered, left_out; /* families by the spans that may matter, traces that are not in them */
  uint64_t violated, resting;  /* of those with gaps: on no link */
  uint64_t rules, named;       /* named: with aliases or names */
  uint64_t shared;             /* families with a kinship whose order is not theirs */
} census;

typedef struct sharing {
  test_random *random;
  bt_evaluator *evaluator, *other;
  const bt_rule *rule;
  const random_family *f;
} sharing;

static void stop(const char *what) {
  fprintf(stderr, "diff_family: %s\n", what);
  exit(1);
}

/* Every fourth rule by aliases and names. */
static bt_rule *compile(bt_str text, test_random *random) {
  static const char *const keys[] = {"k", "m"};
  own_keys own;
  bt_compile_options options = {0};
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  own_keys_make(random, keys, sizeof keys / sizeof *keys, &own);
  if (test_random_below(random, 4) == 0) options.own_names = &own.names;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile_with(text, &options, &rule, &diagnostics, NULL) != BT_OK) {
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
  bt_family unasked = {.traces = traces, .trace_count = family->trace_count};
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
  bt_family family = {.traces = traces, .trace_count = 0};
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
  bt_family family = {.traces = traces, .trace_count = 0};
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

/* ---- a kinship that several families share ---- */

static bool choices_equal(const bt_choice *a, const bt_choice *b) {
  if (a->witness_count != b->witness_count || a->failed.start != b->failed.start) return false;
  for (uint32_t i = 0; i < a->witness_count; i++) {
    const bt_witness *x = &a->witnesses[i], *y = &b->witnesses[i];
    if (x->trace != y->trace || x->span != y->span || x->binding != y->binding) return false;
  }
  return true;
}

static bool verdicts_equal(const bt_rule_verdict *a, const bt_rule_verdict *b) {
  bool is_same = a->verdict == b->verdict && a->reason == b->reason && a->exercised == b->exercised &&
                 a->choice_total == b->choice_total && a->choice_count == b->choice_count &&
                 a->rests_on_no_link == b->rests_on_no_link && a->lacks_links == b->lacks_links;
  for (uint32_t i = 0; is_same && i < a->choice_count; i++) is_same = choices_equal(&a->choices[i], &b->choices[i]);
  return is_same;
}

/* All that is said with the kinship is said by another evaluator without it, also where a small budget ends the walk:
 * spans come in one order. */
static void compare_alone(sharing *s, const bt_family *family, bt_eval_options options, bt_str text, census *c) {
  bt_family alone = {.traces = family->traces, .trace_count = family->trace_count};
  const bt_rule_verdict *with, *without;
  if (test_random_below(s->random, 2)) options.step_budget = 1 + test_random_below(s->random, 40);
  if (bt_evaluator_run_family(s->evaluator, family, &options, &with, NULL) != BT_OK ||
      bt_evaluator_run_family(s->other, &alone, &options, &without, NULL) != BT_OK)
    stop("the evaluator gave up");
  if (verdicts_equal(with, without)) return;
  c->differences++;
  printf("--- shared: %s %s total %llu, alone %s %s total %llu, budget %llu\n", bt_verdict_name(with->verdict),
         bt_reason_name(with->reason), (unsigned long long)with->choice_total, bt_verdict_name(without->verdict),
         bt_reason_name(without->reason), (unsigned long long)without->choice_total,
         (unsigned long long)options.step_budget);
  print_family(s->f, family, text);
}

static bool lists_equal(bt_span_list a, bt_span_list b) {
  return a.count == b.count && (!a.count || memcmp(a.spans, b.spans, a.count * sizeof *a.spans) == 0);
}

static void compare_lists(const bt_relatives *a, const bt_relatives *b, uint32_t trace, const bt_span_id *id) {
  if (!lists_equal(bt_relatives_with_id(a, trace, id), bt_relatives_with_id(b, trace, id)) ||
      !lists_equal(bt_relatives_children(a, trace, id), bt_relatives_children(b, trace, id)) ||
      !lists_equal(bt_relatives_linkers(a, trace, id), bt_relatives_linkers(b, trace, id)))
    stop("with a shared kinship other spans are named, or in another order");
}

/* Who names each span and its parent, with the kinship and without, in the same order. */
static void compare_ties(const bt_family *family, bt_arena *arena) {
  bt_family alone = {.traces = family->traces, .trace_count = family->trace_count};
  bt_relatives a, b;
  if (!bt_relatives_start(&a, family, arena) || !bt_relatives_find_ties(&a) || !bt_relatives_start(&b, &alone, arena) ||
      !bt_relatives_find_ties(&b))
    stop("no memory");
  for (uint32_t t = 0; t < family->trace_count; t++)
    for (uint32_t i = 0; i < family->traces[t].trace->span_count; i++) {
      compare_lists(&a, &b, t, &family->traces[t].trace->spans[i].id);
      compare_lists(&a, &b, t, &family->traces[t].trace->spans[i].parent_id);
    }
}

static const bt_kinship *make_kinship(const bt_family_trace *traces, uint32_t count, bt_arena *arena) {
  size_t before = arena->total_bytes;
  const bt_kinship *kinship = bt_kinship_make(traces, count, arena);
  if (!kinship) stop("no memory");
  if (arena->total_bytes - before > bt_kinship_most_bytes(traces, count)) stop("a kinship takes more than it says");
  return kinship;
}

/* The same trace in another copy, whose spans link to nothing. */
static const bt_trace *without_links(const bt_trace *trace, bt_arena *arena) {
  bt_trace *out = bt_arena_duplicate(arena, trace, sizeof *trace);
  bt_span *spans = bt_arena_duplicate(arena, trace->spans, trace->span_count * sizeof *spans);
  if (!out || !spans) stop("no memory");
  for (uint32_t i = 0; i < trace->span_count; i++) spans[i].link_count = 0;
  out->spans = spans;
  return out;
}

/* That of a set that overlaps with the family's, of the same in another order, or of another copy of one trace. */
static const bt_kinship *wrong_kinship(sharing *s, const bt_family *family, uint32_t odd, bt_arena *arena) {
  bt_family_trace turned[FAMILY_MAX];
  uint32_t count = family->trace_count, by = test_random_below(s->random, count);
  bool is_copy = test_random_below(s->random, 2);
  for (uint32_t t = 0; t < count; t++) turned[t] = family->traces[is_copy ? t : (t + by) % count];
  if (is_copy) turned[odd].trace = without_links(turned[odd].trace, arena);
  bool is_part = !is_copy && count > 1 && test_random_below(s->random, 2);
  return make_kinship(turned, is_part ? count - 1 : count, arena);
}

/* Each trace in turn is the own one, and all share a kinship. One of them is offered a wrong one: it must do no harm.
 */
static void judge_shared(sharing *s, const bt_family *family, const bt_eval_options *options, bt_str text, census *c) {
  bt_family_trace traces[FAMILY_MAX];
  uint32_t count = family->trace_count, odd = test_random_below(s->random, count);
  bt_arena arena;
  bt_arena_init(&arena, KINSHIP_BYTES);
  const bt_kinship *of_all = make_kinship(family->traces, count, &arena);
  const bt_kinship *wrong = wrong_kinship(s, family, odd, &arena);
  for (uint32_t own = 0; own < count && c->differences < DIFFERENCES; own++) {
    bt_family one = {.traces = traces, .trace_count = count, .kinship = own == odd ? wrong : of_all};
    traces[0] = family->traces[own];
    for (uint32_t t = 0, next = 1; t < count; t++)
      if (t != own) traces[next++] = family->traces[t];
    judge(s->evaluator, s->rule, s->f, &one, options, text, c);
    compare_alone(s, &one, *options, text, c);
    compare_ties(&one, &arena);
    c->shared += own > 0 && own != odd;
  }
  bt_arena_dispose(&arena);
}

static bt_eval_options random_options(test_random *random) {
  bt_eval_options options = {.step_budget = UINT64_MAX};
  if (test_random_below(random, 4) == 0) options.clock_skew_ns = 1000000;
  return options;
}

static void run_pair(test_random *random, bt_evaluator *evaluator, bt_evaluator *other, const bt_rule *rule,
                     const bt_plan *plan, bt_str text, census *c) {
  random_family f;
  sharing s = {.random = random, .evaluator = evaluator, .other = other, .rule = rule, .f = &f};
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
  if (c->pairs % SHARING_PAIRS == 0) judge_shared(&s, &f.family, &options, text, c);
  if (c->pairs % SHARING_PAIRS == 1) judge_shared(&s, &f.hidden, &options, text, c);
  random_family_dispose(&f);
}

static void run_rule(test_random *random, census *c) {
  bt_buffer text = {0};
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL, *other = NULL;
  bt_plan *plan = NULL;
  random_family_rule(random, &text);
  bt_rule *rule = compile(bt_buffer_str(&text), random);
  c->named += rule->used.name_count + rule->used.alias_count > 0;
  c->rules++;
  if (bt_ruleset_new((const bt_rule *const *)&rule, 1, &ruleset, NULL) != BT_OK) stop("no ruleset");
  if (bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK) stop("no evaluator");
  if (bt_evaluator_new(ruleset, &other, NULL) != BT_OK) stop("no evaluator");
  if (bt_plan_new(rule, bt_traceql_dialect(), &plan, NULL) != BT_OK) stop("no plan");
  for (int i = 0; i < FAMILIES && c->differences < DIFFERENCES; i++)
    run_pair(random, evaluator, other, rule, plan, rule->canonical, c);
  bt_plan_free(plan);
  bt_evaluator_free(evaluator);
  bt_evaluator_free(other);
  bt_ruleset_free(ruleset);
  bt_rule_free(rule);
  bt_buffer_dispose(&text);
}

static bool census_is_good(const census *c) {
  bool good = c->resting * 20 >= c->violated && (c->violated - c->resting) * 20 >= c->violated;
  good = good && c->abroad * 40 >= c->pairs && c->decided_with_gaps * 4 >= c->pairs;
  for (int v = 0; v < VERDICTS; v++) good = good && c->whole[v] * 50 >= c->pairs && c->gaps[v] * 50 >= c->pairs;
  for (int v = 0; v < VERDICTS; v++) good = good && c->hidden[v] * 50 >= c->pairs;
  good = good && c->shared * 10 >= c->pairs && c->named * 8 >= c->rules;
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
         "%llu of %llu satisfied by evidence, %llu traces left out of %llu families, %llu with a shared kinship, "
         "%llu differences\n",
         (unsigned long long)c.pairs, (unsigned long long)c.decided_with_gaps, (unsigned long long)c.abroad,
         (unsigned long long)c.resting, (unsigned long long)c.violated, (unsigned long long)c.decided_by_evidence,
         (unsigned long long)c.shown, (unsigned long long)c.left_out, (unsigned long long)c.gathered,
         (unsigned long long)c.shared, (unsigned long long)c.differences);
  bool good = c.pairs < CENSUS_PAIRS || census_is_good(&c);
  return c.differences == 0 && good ? 0 : 1;
}
