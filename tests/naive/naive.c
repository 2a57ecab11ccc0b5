/* Conditions, choices and the verdict of the naive evaluator. See naive.h; what is asked of one span or of two is in
 * the other files. */
#include "tests/naive/naive.h"

#include <stdlib.h>
#include <string.h>

#include "tests/naive/naive_world.h"
#include "tests/naive/naive_worlds.h"

static bt_truth condition_holds(naive_world *world, const bt_condition *condition);

static const naive_subject no_subject = {.span = NAIVE_FIRST_UNSEEN, .event = NULL, .link = NULL};

/* P has_before Q: there is a Q, and some P starts before every Q. */
static bt_truth order_of_selections(const naive_world *world, const bt_condition *condition) {
  const bt_selection *some = condition->selection, *every = condition->other;
  if (naive_is_open(world, some) || naive_is_open(world, every)) return BT_UNKNOWN;
  bt_truth some_starts = BT_FALSE;
  for (uint32_t i = 0; i < naive_candidate_count(world, some); i++) {
    uint32_t p = naive_candidate(world, some, i);
    bt_truth against_every = BT_TRUE;
    for (uint32_t j = 0; j < naive_candidate_count(world, every); j++) {
      uint32_t q = naive_candidate(world, every, j);
      bt_truth holds = condition->kind == BT_CONDITION_HAS_BEFORE ? naive_is_before(world, p, q, false)
                                                                  : naive_is_after(world, p, q, false);
      against_every = naive_and(against_every, naive_or(naive_not(naive_is_member(world, every, q)), holds));
    }
    some_starts = naive_or(some_starts, naive_and(naive_is_member(world, some, p), against_every));
  }
  return naive_and(naive_some_member(world, every), some_starts);
}

/* The conjuncts from number `from` on. A binding that is no part of the choice: some span of it, with all that follows.
 */
static bt_truth conjuncts_hold(naive_world *world, const bt_condition *const *items, uint32_t count, uint32_t from) {
  if (from == count) return BT_TRUE;
  const bt_condition *item = items[from];
  bool binds = item->kind == BT_CONDITION_EXISTS && item->binding != BT_NO_BINDING &&
               !world->rule->bindings[item->binding].in_choice;
  if (!binds) return naive_and(condition_holds(world, item), conjuncts_hold(world, items, count, from + 1));
  bt_truth some = BT_FALSE;
  for (uint32_t i = 0; i < naive_candidate_count(world, item->selection); i++) {
    uint32_t span = naive_candidate(world, item->selection, i);
    bt_truth member = naive_is_member(world, item->selection, span);
    world->bound[item->binding] = span;
    some = naive_or(some, naive_and(member, conjuncts_hold(world, items, count, from + 1)));
  }
  if (naive_is_open(world, item->selection)) {
    world->bound[item->binding] = NAIVE_FIRST_UNSEEN + (uint32_t)item->binding;
    some = naive_or(some, naive_and(BT_UNKNOWN, conjuncts_hold(world, items, count, from + 1)));
  }
  return some;
}

/* A binding of the choice: is the span that was chosen one of these? */
static bt_truth chosen_is_member(const naive_world *world, const bt_condition *condition) {
  uint32_t chosen = world->bound[condition->binding];
  if (chosen == NAIVE_FIRST_UNSEEN + (uint32_t)condition->binding) return BT_UNKNOWN;
  int base = condition->selection->base_binding;
  if (base != BT_NO_BINDING && world->bound[base] != chosen) return BT_FALSE;
  return naive_is_member(world, condition->selection, chosen);
}

static bt_truth condition_holds(naive_world *world, const bt_condition *condition) {
  bt_truth some = BT_FALSE;
  switch (condition->kind) {
  case BT_CONDITION_TRUE: return BT_TRUE;
  case BT_CONDITION_FALSE: return BT_FALSE;
  case BT_CONDITION_AND: return conjuncts_hold(world, condition->items, condition->item_count, 0);
  case BT_CONDITION_OR:
    for (uint32_t i = 0; i < condition->item_count; i++)
      some = naive_or(some, condition_holds(world, condition->items[i]));
    return some;
  case BT_CONDITION_NOT: return naive_not(condition_holds(world, condition->items[0]));
  case BT_CONDITION_EXISTS:
    if (condition->binding != BT_NO_BINDING && world->rule->bindings[condition->binding].in_choice)
      return chosen_is_member(world, condition);
    return naive_some_member(world, condition->selection);
  case BT_CONDITION_COMPARE: return naive_comparison(world, &condition->comparison, no_subject);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: return order_of_selections(world, condition);
  }
  abort();
}

typedef struct tally { /* over all choices */
  bt_truth violates, when, positives;
  naive_verdict *out;
} tally;

static bool is_negative(const bt_condition *conjunct) {
  return conjunct->kind == BT_CONDITION_NOT;
}

static uint32_t count_negatives(const bt_condition *condition) {
  uint32_t count = 0;
  for (uint32_t i = 0; condition->kind == BT_CONDITION_AND && i < condition->item_count; i++)
    count += is_negative(condition->items[i]);
  return count;
}

/* P and Q of P and Q and not R: of these alone it depends whether a trace exercises a bare condition. */
static bool has_positives_beside_negatives(const bt_condition *condition) {
  uint32_t negatives = count_negatives(condition);
  return negatives > 0 && negatives < condition->item_count;
}

static bt_truth positives_hold(naive_world *world, const bt_condition *condition) {
  bt_truth all = BT_TRUE;
  for (uint32_t i = 0; i < condition->item_count; i++)
    if (!is_negative(condition->items[i])) all = naive_and(all, condition_holds(world, condition->items[i]));
  return all;
}

static void keep_tuple(const naive_world *world, naive_verdict *out) {
  size_t size = out->tuple_size ? out->tuple_size : 1; /* room for one choice without bindings too */
  out->tuples = realloc(out->tuples, (out->choice_total + 1) * size * sizeof *out->tuples);
  if (!out->tuples) abort();
  uint32_t *tuple = out->tuples + out->choice_total * out->tuple_size;
  for (int b = 0; b < world->rule->binding_count; b++)
    if (world->rule->bindings[b].in_choice) *tuple++ = world->bound[b];
  out->choice_total++;
}

static void look_at_choice(naive_world *world, tally *t) {
  const bt_rule *rule = world->rule;
  bt_truth violates, when = BT_TRUE, positives = BT_TRUE;
  if (rule->condition) {
    violates = condition_holds(world, rule->condition);
    if (has_positives_beside_negatives(rule->condition)) positives = positives_hold(world, rule->condition);
  } else {
    if (rule->when) when = condition_holds(world, rule->when);
    bt_truth always = rule->always ? condition_holds(world, rule->always) : BT_TRUE;
    bt_truth never = rule->never ? condition_holds(world, rule->never) : BT_FALSE;
    violates = naive_and(when, naive_or(naive_not(always), never));
  }
  t->violates = naive_or(t->violates, violates);
  t->when = naive_or(t->when, when);
  t->positives = naive_or(t->positives, positives);
  if (violates == BT_TRUE) keep_tuple(world, t->out);
}

/* The conjunct that declares a binding of the choice. */
static const bt_selection *selection_of_binding(const bt_condition *condition, int binding) {
  if (condition->kind == BT_CONDITION_EXISTS && condition->binding == binding) return condition->selection;
  const bt_selection *found = NULL;
  if (condition->kind == BT_CONDITION_AND)
    for (uint32_t i = 0; i < condition->item_count && !found; i++)
      found = selection_of_binding(condition->items[i], binding);
  return found;
}

static void look_at_choices(naive_world *world, tally *t, int binding) {
  const bt_rule *rule = world->rule;
  while (binding < rule->binding_count && !rule->bindings[binding].in_choice) binding++;
  if (binding == rule->binding_count) {
    look_at_choice(world, t);
    return;
  }
  const bt_selection *selection = selection_of_binding(rule->condition ? rule->condition : rule->when, binding);
  if (!selection) abort();
  for (uint32_t i = 0; i < naive_candidate_count(world, selection); i++) {
    world->bound[binding] = naive_candidate(world, selection, i);
    look_at_choices(world, t, binding + 1);
  }
  if (!naive_is_open(world, selection)) return;
  world->bound[binding] = NAIVE_FIRST_UNSEEN + (uint32_t)binding;
  look_at_choices(world, t, binding + 1);
}

typedef struct tuple_order {
  const bt_trace *trace;
  uint32_t size;
} tuple_order;

/* By the start times of all spans of the tuple, those without one last; then by their ids; then by their kinds. */
static int compare_tuples(const void *left, const void *right, void *context) {
  const uint32_t *a = left, *b = right;
  const tuple_order *order = context;
  const bt_span *spans = order->trace->spans;
  for (uint32_t i = 0; i < order->size; i++) {
    int64_t x = spans[a[i]].start_ns, y = spans[b[i]].start_ns;
    if ((x == 0) != (y == 0)) return x == 0 ? 1 : -1;
    if (x != y) return x < y ? -1 : 1;
  }
  for (uint32_t i = 0; i < order->size; i++) {
    int difference = memcmp(spans[a[i]].id.bytes, spans[b[i]].id.bytes, sizeof spans[a[i]].id.bytes);
    if (difference != 0) return difference;
  }
  for (uint32_t i = 0; i < order->size; i++)
    if (spans[a[i]].kind != spans[b[i]].kind) return spans[a[i]].kind < spans[b[i]].kind ? -1 : 1;
  return 0;
}

static void sort_tuples(const bt_trace *trace, naive_verdict *out) {
  tuple_order order = {trace, out->tuple_size};
  if (out->tuple_size > 0 && out->choice_total > 1)
    qsort_r(out->tuples, out->choice_total, out->tuple_size * sizeof *out->tuples, compare_tuples, &order);
}

bool naive_is_exercised_by_all(const bt_rule *rule) {
  return rule->condition && !has_positives_beside_negatives(rule->condition);
}

static void judge(naive_world *world, naive_verdict *out) {
  const bt_rule *rule = world->rule;
  *out = (naive_verdict){.verdict = BT_SATISFIED};
  for (int b = 0; b < rule->binding_count; b++)
    if (rule->bindings[b].in_choice) out->tuple_size++;
  tally t = {.violates = BT_FALSE, .when = BT_FALSE, .positives = BT_FALSE, .out = out};
  look_at_choices(world, &t, 0);
  sort_tuples(world->trace, out);
  if (!rule->when) t.when = BT_TRUE;
  if (t.violates == BT_TRUE)
    out->verdict = BT_VIOLATED;
  else if (t.violates == BT_UNKNOWN || t.when == BT_UNKNOWN)
    out->verdict = BT_INCONCLUSIVE;
  else if (t.when == BT_FALSE)
    out->verdict = BT_NOT_APPLICABLE;
  out->exercised = naive_is_exercised_by_all(rule) ? BT_TRUE : rule->condition ? t.positives : t.when;
}

/* With 0 for a time, what was dropped for missing, and the first of members that stand twice. */
static bool is_decided_with(const naive_world *world, bool zero_times, bool dropped, bool doubled) {
  naive_world other = *world;
  naive_verdict verdict;
  other.takes_zero_times = zero_times;
  other.takes_dropped = dropped;
  other.takes_doubled = doubled;
  judge(&other, &verdict);
  naive_verdict_dispose(&verdict);
  return verdict.verdict != BT_INCONCLUSIVE;
}

/* Skew, where without it all would be certain; on a trace without gaps what is missing is in other traces. Where
 * several play a part that may be another than it should. */
static bt_reason reason_of(const naive_world *world, const bt_eval_options *options) {
  bt_reason missing = options->incomplete      ? BT_REASON_INCOMPLETE
                      : naive_is_pruned(world) ? BT_REASON_PRUNED
                                               : BT_REASON_LINKED;
  if (is_decided_with(world, true, true, true)) {
    if (!is_decided_with(world, true, true, false)) return BT_REASON_COPIES;
    return is_decided_with(world, false, true, true) ? BT_REASON_DROPPED : BT_REASON_TIME;
  }
  if (options->clock_skew_ns <= 0) return missing;
  const bt_eval_options without = {.incomplete = options->incomplete};
  naive_verdict verdict;
  if (world->family)
    naive_evaluate_family(world->rule, world->family, &without, &verdict);
  else
    naive_evaluate(world->rule, world->trace, &without, &verdict);
  naive_verdict_dispose(&verdict);
  return verdict.verdict == BT_INCONCLUSIVE ? missing : BT_REASON_SKEW;
}

static void evaluate(naive_world *world, const bt_eval_options *options, naive_verdict *out) {
  world->incomplete = options->incomplete;
  world->skew_ns = options->clock_skew_ns;
  bt_coarse_clocks said = world->rule->coarse_clocks;
  world->coarse_clocks_unknown = said ? said == BT_CLOCKS_UNKNOWN : options->coarse_clocks_unknown;
  judge(world, out);
  if (out->verdict == BT_INCONCLUSIVE) out->reason = reason_of(world, options);
}

/* All spans in a row, as copies. */
void naive_evaluate_family(const bt_rule *rule, const bt_family *family, const bt_eval_options *options,
                           naive_verdict *out) {
  if (naive_has_worlds(family)) {
    naive_evaluate_worlds(rule, family, true, options, out);
    return;
  }
  uint32_t count = 0, next = 0;
  for (uint32_t t = 0; t < family->trace_count; t++) count += family->traces[t].trace->span_count;
  bt_span *spans = calloc(count + 1, sizeof *spans);
  uint32_t *home = calloc(count + 1, sizeof *home);
  if (!spans || !home) abort();
  for (uint32_t t = 0; t < family->trace_count; t++)
    for (uint32_t i = 0; i < family->traces[t].trace->span_count; i++) {
      spans[next] = family->traces[t].trace->spans[i];
      home[next++] = t;
    }
  naive_world world = {.rule = rule, .trace = family->traces[0].trace, .family = family};
  world.spans = spans;
  world.home = home;
  world.span_count = count;
  evaluate(&world, options, out);
  free(spans);
  free(home);
}

void naive_evaluate(const bt_rule *rule, const bt_trace *trace, const bt_eval_options *options, naive_verdict *out) {
  bt_family_trace alone = {.trace = trace};
  bt_family one = {.traces = &alone, .trace_count = 1};
  if (naive_has_worlds(&one)) {
    naive_evaluate_worlds(rule, &one, false, options, out);
    return;
  }
  uint32_t *home = calloc(trace->span_count + 1, sizeof *home);
  if (!home) abort();
  naive_world world = {.rule = rule, .trace = trace, .spans = trace->spans, .home = home};
  world.span_count = trace->span_count;
  evaluate(&world, options, out);
  free(home);
}

void naive_verdict_dispose(naive_verdict *verdict) {
  free(verdict->tuples);
  verdict->tuples = NULL;
}
