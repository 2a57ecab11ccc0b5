/* Records of one span that do not agree: dsl.md §3 and §2, "copies". Each choice of records is a trace of its own. See
 * naive_worlds.h. */
#include "tests/naive/naive_worlds.h"

#include <stdlib.h>
#include <string.h>

typedef struct answers {
  const bt_rule *rule;
  const bt_eval_options *options;
  bool is_family;
  uint32_t count, of[BT_NOT_APPLICABLE + 1], exercised[BT_TRUE + 1];
  bt_reason reason; /* of those that were given the first */
  naive_verdict first;
} answers;

static bt_trace make_trace(const bt_trace *from, bt_arena *arena) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &from->id);
  if (!builder) abort();
  for (uint32_t i = 0; i < from->span_count; i++)
    if (!bt_trace_builder_add_apart(builder, &from->spans[i])) abort();
  bt_trace trace = *bt_trace_builder_finish(builder);
  trace.partial = from->partial;
  return trace;
}

/* None of its spans has other records. */
static void judge_world(answers *a, const bt_family *family) {
  naive_verdict verdict;
  bt_arena arena;
  bt_arena_init(&arena, SIZE_MAX);
  bt_family_trace *traces = calloc(family->trace_count, sizeof *traces);
  bt_trace *made = calloc(family->trace_count, sizeof *made);
  if (!traces || !made) abort();
  for (uint32_t t = 0; t < family->trace_count; t++) {
    made[t] = make_trace(family->traces[t].trace, &arena);
    traces[t] = family->traces[t];
    traces[t].trace = &made[t];
  }
  if (a->is_family)
    naive_evaluate_family(a->rule, &(bt_family){traces, family->trace_count}, a->options, &verdict);
  else
    naive_evaluate(a->rule, &made[0], a->options, &verdict);
  a->of[verdict.verdict]++;
  a->exercised[verdict.exercised]++;
  if (verdict.reason && (!a->reason || verdict.reason < a->reason)) a->reason = verdict.reason;
  if (a->count++ == 0)
    a->first = verdict;
  else
    naive_verdict_dispose(&verdict);
  free(traces);
  free(made);
  bt_arena_dispose(&arena);
}

static void judge_worlds(answers *a, const bt_family *family);

/* The family with each record of one span. */
static void judge_each(answers *a, const bt_family *family, uint32_t of, uint32_t span) {
  const bt_trace *given = family->traces[of].trace;
  bt_family_trace *traces = calloc(family->trace_count, sizeof *traces);
  bt_span *spans = calloc(given->span_count, sizeof *spans);
  if (!traces || !spans) abort();
  memcpy(traces, family->traces, family->trace_count * sizeof *traces);
  memcpy(spans, given->spans, given->span_count * sizeof *spans);
  bt_trace trace = *given;
  trace.spans = spans;
  traces[of].trace = &trace;
  for (const bt_span *record = &given->spans[span]; record; record = record->other) {
    spans[span] = *record;
    spans[span].other = NULL;
    judge_worlds(a, &(bt_family){traces, family->trace_count});
  }
  free(traces);
  free(spans);
}

static void judge_worlds(answers *a, const bt_family *family) {
  for (uint32_t t = 0; t < family->trace_count; t++)
    for (uint32_t s = 0; s < family->traces[t].trace->span_count; s++)
      if (family->traces[t].trace->spans[s].other) {
        judge_each(a, family, t, s);
        return;
      }
  judge_world(a, family);
}

static void conclude(const answers *a, naive_verdict *out) {
  bool agree = a->of[a->first.verdict] == a->count && a->first.verdict != BT_INCONCLUSIVE;
  *out = a->first;
  out->exercised = a->exercised[BT_TRUE] == a->count    ? BT_TRUE
                   : a->exercised[BT_FALSE] == a->count ? BT_FALSE
                                                        : BT_UNKNOWN;
  if (agree) return;
  naive_verdict_dispose(out);
  out->choice_total = 0;
  out->verdict = BT_INCONCLUSIVE;
  out->reason = a->reason;
  bool differ = a->of[BT_INCONCLUSIVE] < a->count;
  if (differ && (!out->reason || out->reason > BT_REASON_COPIES)) out->reason = BT_REASON_COPIES;
}

bool naive_has_worlds(const bt_family *family) {
  for (uint32_t t = 0; t < family->trace_count; t++)
    for (uint32_t s = 0; s < family->traces[t].trace->span_count; s++)
      if (family->traces[t].trace->spans[s].other) return true;
  return false;
}

/* More than NAIVE_WORLDS_MAX: that many or more. */
static uint64_t count_worlds(const bt_family *family) {
  uint64_t worlds = 1;
  for (uint32_t t = 0; t < family->trace_count; t++) {
    const bt_trace *trace = family->traces[t].trace;
    if (trace->has_more_copies) return UINT64_MAX;
    for (uint32_t s = 0; s < trace->span_count && worlds <= NAIVE_WORLDS_MAX; s++) {
      uint64_t records = 1;
      for (const bt_span *other = trace->spans[s].other; other; other = other->other) records++;
      worlds *= records;
    }
  }
  return worlds;
}

void naive_evaluate_worlds(const bt_rule *rule, const bt_family *family, bool is_family, const bt_eval_options *options,
                           naive_verdict *out) {
  answers a = {.rule = rule, .options = options, .is_family = is_family};
  uint64_t worlds = count_worlds(family);
  bool are_too_many = worlds > NAIVE_WORLDS_MAX;
  bool is_by_all = naive_is_exercised_by_all(rule) || (!rule->condition && !rule->when);
  *out = (naive_verdict){BT_INCONCLUSIVE, BT_REASON_COPIES, .exercised = is_by_all ? BT_TRUE : BT_UNKNOWN};
  if (!are_too_many) {
    judge_worlds(&a, family);
    conclude(&a, out);
  }
  out->worlds = worlds;
}
