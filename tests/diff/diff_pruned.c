/* Random rules on random traces, before and after pruning. What is certain of a trace with summaries must hold for the
 * whole trace too: a verdict that pruning turns into another certain one is false. The same holds where only a part of
 * the trace has come yet.
 *
 *   diff_pruned [PAIRS]
 *
 * PAIRS of a rule and a trace that was pruned, 60,000 when it is not said. BETRACE_SEED in the environment replaces the
 * seed. In the end a census says how much stayed certain, and the test fails when that is too little to have shown
 * anything. */
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "tests/diff/prune_trace.h"
#include "tests/diff/random_rule.h"
#include "tests/diff/random_trace.h"
#include "tests/support/trace_text.h"

enum { RULES = 16, TRACES = 32, DEFAULT_PAIRS = 60000, VERDICTS = 4, ARENA_BYTES = 64 * 1024 * 1024 };

static uint64_t counts[VERDICTS][VERDICTS]; /* whole, pruned */

static void stop(const char *what) {
  fprintf(stderr, "diff_pruned: %s\n", what);
  exit(1);
}

/* A few parents with many children that are alike: of one name, under parents of one name, and yet of several. */
static void write_alike(test_random *random, bt_buffer *out) {
  static const char *const marks[] = {"", "", " k=1", " m=u", " k=1 m=u"};
  unsigned parents = 2 + test_random_below(random, 3), count = parents + 4 + test_random_below(random, 8);
  for (unsigned i = 0; i < count; i++) {
    bool is_parent = i < parents;
    bt_buffer_printf(out, "%c %s at=%ums%s", 'a' + (char)i,
                     is_parent                      ? "b"
                     : test_random_below(random, 3) ? "a"
                                                    : "c",
                     test_random_below(random, 9), marks[test_random_below(random, 5)]);
    if (test_random_below(random, 3) == 0) bt_buffer_append(out, BT_STR(" service=a"));
    if (!is_parent || (i && test_random_below(random, 2)))
      bt_buffer_printf(out, " parent=%c", 'a' + (char)test_random_below(random, is_parent ? i : parents));
    bt_buffer_append_char(out, '\n');
  }
}

/* Among few names, so that spans are alike and rules are about them. */
static void write_rule(test_random *random, bt_buffer *out) {
  static const char *const names[] = {"a", "b", "c"};
  static const char *const relations[] = {"under", "above", "child of", "parent of", "sibling of"};
  const char *one = names[test_random_below(random, 3)], *other = names[test_random_below(random, 3)];
  unsigned number = test_random_below(random, 4);
  switch (test_random_below(random, 10)) {
  case 0: bt_buffer_printf(out, "count(%s) > %u", one, number); return;
  case 1:
    bt_buffer_printf(out, "when { span(span.name == \"%s\") } never { span(span.name == \"%s\") }", one, other);
    return;
  case 2:
    bt_buffer_printf(out, "when { span(span.name == \"%s\" and exists(m)) as p } %s { span(exists(k)%s) %s p }", one,
                     number % 2 ? "always" : "never", number > 1 ? " and span.name == \"b\"" : "",
                     relations[test_random_below(random, 5)]);
    return;
  case 3: bt_buffer_printf(out, "trace.has_before(span.name == \"%s\", span.name == \"%s\")", one, other); return;
  case 4: bt_buffer_printf(out, "not trace.has(span.name == \"%s\" and span.status == error)", one); return;
  case 5: bt_buffer_printf(out, "count(span.status == ok) >= %u and trace.span_count > %u", number, number + 2); return;
  default: random_rule_write(random, out);
  }
}

typedef struct batch {
  bt_buffer texts[RULES], lines;
  bt_rule *rules[RULES];
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
} batch;

static void start_batch(batch *b, test_random *random) {
  for (int i = 0; i < RULES; i++) {
    bt_diagnostics diagnostics;
    bt_diagnostics_init(&diagnostics);
    write_rule(random, &b->texts[i]);
    if (bt_rule_compile(bt_buffer_str(&b->texts[i]), &b->rules[i], &diagnostics, NULL) != BT_OK)
      stop("a rule does not compile");
    bt_diagnostics_dispose(&diagnostics);
  }
  if (bt_ruleset_new((const bt_rule *const *)b->rules, RULES, &b->ruleset, NULL) != BT_OK ||
      bt_evaluator_new(b->ruleset, &b->evaluator, NULL) != BT_OK)
    stop("out of memory");
}

static void end_batch(batch *b) {
  bt_evaluator_free(b->evaluator);
  bt_ruleset_free(b->ruleset);
  for (int i = 0; i < RULES; i++) {
    bt_rule_free(b->rules[i]);
    bt_buffer_dispose(&b->texts[i]);
  }
  bt_buffer_dispose(&b->lines);
}

/* Each choice of the pruned trace that violates for certain is one of the whole trace. */
static bool is_false(const bt_rule_verdict *whole, const bt_rule_verdict *pruned) {
  bool verdict = pruned->verdict != BT_INCONCLUSIVE && pruned->verdict != whole->verdict;
  bool exercised = pruned->exercised != BT_UNKNOWN && pruned->exercised != whole->exercised;
  return verdict || exercised || (pruned->verdict == BT_VIOLATED && pruned->choice_total > whole->choice_total);
}

static void evaluate(batch *b, const bt_trace *trace, bool is_incomplete, bt_rule_verdict *out) {
  bt_eval_options options[RULES];
  const bt_rule_verdict *verdicts;
  for (int i = 0; i < RULES; i++)
    options[i] = (bt_eval_options){.incomplete = is_incomplete, .step_budget = UINT64_MAX};
  if (bt_evaluator_run(b->evaluator, trace, options, &verdicts, NULL) != BT_OK) stop("the evaluator gave up");
  for (int i = 0; i < RULES; i++) out[i] = verdicts[i];
}

/* Some of its spans: others are still to come, maybe the summaries. */
static const bt_trace *part_of(test_random *random, const bt_trace *trace, bt_arena *arena) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &trace->id);
  bool ok = builder != NULL;
  for (uint32_t i = 0; ok && i < trace->span_count; i++)
    if (test_random_below(random, 4)) ok = bt_trace_builder_add(builder, &trace->spans[i]);
  if (!ok) stop("out of memory");
  return bt_trace_builder_finish(builder);
}

/* False: some rule is answered falsely. */
static bool compare(batch *b, const bt_trace *whole, const bt_trace *pruned, bool is_incomplete) {
  bt_rule_verdict before[RULES], after[RULES];
  evaluate(b, whole, false, before);
  evaluate(b, pruned, is_incomplete, after);
  for (int i = 0; i < RULES; i++) {
    if (!is_incomplete) counts[before[i].verdict][after[i].verdict]++;
    if (!is_false(&before[i], &after[i])) continue;
    printf("rule %s\ntrace\n%swhole: %s, exercised %d, %llu choices; pruned to %u spans: %s, "
           "exercised "
           "%d, %llu choices\n",
           b->texts[i].ptr, b->lines.ptr, bt_verdict_name(before[i].verdict), before[i].exercised,
           (unsigned long long)before[i].choice_total, pruned->span_count, bt_verdict_name(after[i].verdict),
           after[i].exercised, (unsigned long long)after[i].choice_total);
    return false;
  }
  return true;
}

/* The number of pairs; *differs: one of them is false. */
static uint64_t run_batch(test_random *random, bool *differs) {
  batch b = {.evaluator = NULL};
  uint64_t pairs = 0;
  start_batch(&b, random);
  for (int i = 0; i < TRACES && !*differs; i++) {
    bt_arena arena;
    char message[256];
    bt_arena_init(&arena, ARENA_BYTES);
    bt_buffer_clear(&b.lines);
    if (i % 2)
      random_trace_write(random, &b.lines);
    else
      write_alike(random, &b.lines);
    const bt_trace *whole = trace_text_read(&arena, b.lines.ptr, message, sizeof message);
    if (!whole) stop(message);
    /* Who sums spans up has one record of each. */
    const bt_trace *pruned = whole->differing_copies ? NULL : prune_trace(random, whole, &arena);
    if (pruned)
      *differs = !compare(&b, whole, pruned, false) || !compare(&b, whole, part_of(random, pruned, &arena), true);
    pairs += pruned ? RULES : 0;
    bt_arena_dispose(&arena);
  }
  end_batch(&b);
  return pairs;
}

/* Of each verdict some have to stay. */
static bool census_is_good(void) {
  bool good = true;
  for (int v = 0; v < VERDICTS; v++) {
    uint64_t all = 0;
    for (int w = 0; w < VERDICTS; w++) all += counts[v][w];
    printf("%-16s %8llu, of them inconclusive once pruned %8llu\n", bt_verdict_name((bt_verdict)v),
           (unsigned long long)all, (unsigned long long)counts[v][BT_INCONCLUSIVE]);
    if (v != BT_INCONCLUSIVE && counts[v][v] * 20 < all) good = false;
  }
  if (!good) printf("too few verdicts stay certain: this shows nothing\n");
  return good;
}

int main(int argc, char **argv) {
  uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_PAIRS, pairs = 0;
  test_random random = test_random_start(20261121);
  bool differs = false;
  while (pairs < wanted && !differs) pairs += run_batch(&random, &differs);
  printf("%llu pairs\n", (unsigned long long)pairs);
  return !differs && census_is_good() ? 0 : 1;
}
