/* One rule on one trace: all choices, the verdict, and the choices that are reported (dsl.md §2). See evaluation.h. */
#include <string.h>

#include "dsl/evaluate/evaluation.h"

typedef struct choice_search {
  bt_evaluator *evaluator;
  const bt_program_condition *const *conjuncts; /* of the trigger */
  uint32_t conjunct_count;
  bt_kleene violation; /* OR over the choices so far */
  bt_kleene exercised; /* the same of `when`, or of the positive conjuncts beside a `not` of a bare condition */
  uint64_t violating_count;
  bool has_open;                                      /* of some choice linked traces could tell whether it violates */
  uint32_t kept[BT_MAX_CHOICES + 1][BT_MAX_BINDINGS]; /* bound spans of the first violating choices, in order */
  uint32_t kept_count;
} choice_search;

typedef int (*span_order)(const bt_span *a, const bt_span *b);

/* A start of 0 is not known, and stands behind those that are. */
static int compare_starts(const bt_span *a, const bt_span *b) {
  if (!a->start_ns != !b->start_ns) return a->start_ns ? -1 : 1;
  return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static int compare_ids(const bt_span *a, const bt_span *b) {
  return memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
}

/* Halves of a call have one id. */
static int compare_kinds(const bt_span *a, const bt_span *b) {
  return (a->kind > b->kind) - (a->kind < b->kind);
}

/* By the first binding of the choice for which they differ. */
static int compare_bound(const choice_search *search, span_order compare, const uint32_t *a, const uint32_t *b) {
  const bt_rule *rule = search->evaluator->program->rule;
  int order = 0;
  for (int i = 0; i < rule->binding_count && !order; i++)
    if (rule->bindings[i].in_choice)
      order = compare(bt_evaluator_span(search->evaluator, a[i]), bt_evaluator_span(search->evaluator, b[i]));
  return order;
}

static bool is_reported_before(const choice_search *search, const uint32_t *a, const uint32_t *b) {
  static const span_order orders[] = {compare_starts, compare_ids, compare_kinds};
  int order = 0;
  for (size_t i = 0; i < sizeof orders / sizeof *orders && !order; i++) order = compare_bound(search, orders[i], a, b);
  return order < 0;
}

/* Keeps the choice that is bound now among the first ones. */
static void keep_choice(choice_search *search) {
  const uint32_t *bound = search->evaluator->bound;
  uint32_t place = search->kept_count;
  while (place > 0 && is_reported_before(search, bound, search->kept[place - 1])) place--;
  if (place == BT_MAX_CHOICES) return;
  memmove(search->kept[place + 1], search->kept[place], (search->kept_count - place) * sizeof search->kept[0]);
  memcpy(search->kept[place], bound, sizeof search->kept[0]);
  if (search->kept_count < BT_MAX_CHOICES) search->kept_count++;
}

/* not always, or never */
static bt_kleene clauses_fail(bt_evaluator *evaluator) {
  const bt_program *program = evaluator->program;
  bt_kleene fails = bt_kleene_from(program->is_bare);
  if (program->always) fails = bt_kleene_not(bt_evaluate_condition(evaluator, program->always));
  if (program->never && fails.truth != BT_TRUE)
    fails = bt_kleene_or(fails, bt_evaluate_condition(evaluator, program->never));
  return fails;
}

static void finish_choice(choice_search *search, bt_kleene trigger, bt_kleene positive) {
  search->exercised = bt_kleene_or(search->exercised, positive);
  if (trigger.truth == BT_FALSE) return;
  bt_kleene violation = bt_kleene_and(trigger, clauses_fail(search->evaluator));
  search->violation = bt_kleene_or(search->violation, violation);
  if (violation.truth == BT_UNKNOWN && (violation.why & BT_WHY_LINKED)) search->has_open = true;
  if (violation.truth != BT_TRUE) return;
  search->violating_count++;
  keep_choice(search);
}

static void search_from(choice_search *search, uint32_t at, bt_kleene trigger, bt_kleene positive);

static void search_spans(choice_search *search, uint32_t at, bt_kleene trigger, bt_kleene positive) {
  bt_evaluator *evaluator = search->evaluator;
  const bt_program_condition *item = search->conjuncts[at];
  uint32_t *bound = &evaluator->bound[item->binding];
  bt_cursor cursor;
  bt_member member;
  bt_cursor_open_joined(&cursor, evaluator, item, true);
  while (bt_cursor_next(&cursor, evaluator, &member)) {
    *bound = member.span;
    search_from(search, at + 1, bt_kleene_and(trigger, member.truth), bt_kleene_and(positive, member.truth));
  }
  bt_kleene unseen = bt_selection_unseen(evaluator, item->selection);
  if (unseen.truth == BT_UNKNOWN) {
    *bound = BT_UNSEEN_SPAN;
    search_from(search, at + 1, bt_kleene_and(trigger, unseen), bt_kleene_and(positive, unseen));
  }
  *bound = BT_NO_SPAN;
}

/* Whether the choices that begin like this one can still tell something. */
static bool is_decided(const choice_search *search, bt_kleene trigger, bt_kleene positive) {
  return trigger.truth == BT_FALSE && (positive.truth == BT_FALSE || search->exercised.truth == BT_TRUE);
}

/* Conjuncts at … under the spans bound so far. `positive` leaves out the negative conjuncts of a bare condition. */
static void search_from(choice_search *search, uint32_t at, bt_kleene trigger, bt_kleene positive) {
  bt_evaluator *evaluator = search->evaluator;
  for (; at < search->conjunct_count; at++) {
    const bt_program_condition *item = search->conjuncts[at];
    if (evaluator->is_exhausted || is_decided(search, trigger, positive)) break;
    if (item->kind == BT_CONDITION_EXISTS && item->binds_choice) {
      search_spans(search, at, trigger, positive);
      return;
    }
    bool is_negative = evaluator->program->is_bare && item->kind == BT_CONDITION_NOT;
    if (is_negative && trigger.truth == BT_FALSE) continue;
    bt_kleene truth = bt_evaluate_condition(evaluator, item);
    trigger = bt_kleene_and(trigger, truth);
    if (!is_negative) positive = bt_kleene_and(positive, truth);
  }
  if (at == search->conjunct_count && !is_decided(search, trigger, positive)) finish_choice(search, trigger, positive);
}

/* Not all of it is set to zero: the room for choices is large beside a rule that is soon decided. */
static void start_search(choice_search *search, bt_evaluator *evaluator) {
  const bt_program_condition *const *trigger = &evaluator->program->trigger;
  search->evaluator = evaluator;
  search->violation = bt_kleene_from(false);
  search->exercised = bt_kleene_from(evaluator->program->is_exercised_by_all);
  search->violating_count = 0;
  search->has_open = false;
  search->kept_count = 0;
  search->conjuncts = NULL;
  search->conjunct_count = 0;
  if (!*trigger) return;
  bool is_conjunction = (*trigger)->kind == BT_CONDITION_AND;
  search->conjuncts = is_conjunction ? (const bt_program_condition *const *)(*trigger)->items : trigger;
  search->conjunct_count = is_conjunction ? (*trigger)->item_count : 1;
}

static bt_reason reason_of(const bt_evaluator *evaluator, bt_kleene truth) {
  if (truth.why & BT_WHY_BUDGET) return BT_REASON_BUDGET;
  if (truth.why & BT_WHY_INCOMPLETE) return evaluator->is_sampled ? BT_REASON_SAMPLED : BT_REASON_INCOMPLETE;
  if (truth.why & BT_WHY_PRUNED) return BT_REASON_PRUNED;
  if (truth.why & BT_WHY_COPIES) return BT_REASON_COPIES;
  if (truth.why & BT_WHY_TIME) return BT_REASON_TIME;
  if (truth.why & BT_WHY_DROPPED) return BT_REASON_DROPPED;
  if (truth.why & BT_WHY_TYPE) return BT_REASON_TYPE;
  return truth.why & BT_WHY_SKEW ? BT_REASON_SKEW : BT_REASON_LINKED;
}

static void set_reason(const choice_search *search, bt_kleene truth, bt_rule_verdict *out) {
  out->reason = reason_of(search->evaluator, truth);
  out->lacks_links = truth.why & BT_WHY_LINKED;
  if (out->reason != BT_REASON_BUDGET) return;
  out->spent = search->evaluator->spent;
  out->spent_in = search->evaluator->spent_in;
}

static void set_verdict(const choice_search *search, bt_rule_verdict *out) {
  bool has_when = search->evaluator->program->rule->when != NULL;
  out->exercised = search->exercised.truth;
  if (search->violation.truth == BT_TRUE) {
    out->verdict = BT_VIOLATED;
  } else if (search->violation.truth == BT_UNKNOWN) {
    out->verdict = BT_INCONCLUSIVE;
    set_reason(search, search->violation, out);
  } else if (!has_when || search->exercised.truth == BT_TRUE) {
    out->verdict = BT_SATISFIED;
  } else if (search->exercised.truth == BT_UNKNOWN) {
    out->verdict = BT_INCONCLUSIVE;
    set_reason(search, search->exercised, out);
  } else {
    out->verdict = BT_NOT_APPLICABLE;
  }
}

static bool report_choices(const choice_search *search, bt_rule_verdict *out) {
  bt_evaluator *evaluator = search->evaluator;
  bt_choice *choices = bt_arena_array(&evaluator->arena, search->kept_count, sizeof *choices);
  if (!choices) return false;
  for (uint32_t i = 0; i < search->kept_count; i++) {
    memcpy(evaluator->bound, search->kept[i], sizeof evaluator->bound);
    if (!bt_evaluate_witnesses(evaluator, &choices[i])) return false;
  }
  out->choices = choices;
  out->choice_count = search->kept_count;
  out->choice_total = search->violating_count;
  out->lacks_links = search->has_open || evaluator->was_family_missed;
  return true;
}

void bt_evaluate_choices(bt_evaluator *evaluator, bt_rule_verdict *out) {
  choice_search search;
  start_search(&search, evaluator);
  search_from(&search, 0, bt_kleene_from(true), bt_kleene_from(true));
  search.violation = bt_evaluator_or_budget(evaluator, search.violation);
  search.exercised = bt_evaluator_or_budget(evaluator, search.exercised);
  set_verdict(&search, out);
  if (out->verdict == BT_VIOLATED && !report_choices(&search, out)) evaluator->work.status = BT_NO_MEMORY;
}
