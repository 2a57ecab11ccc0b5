/* Conditions: and, or, not, existence with bindings, comparisons. See evaluation.h. */
#include "dsl/evaluate/evaluation.h"

/* Some span of an EXISTS with `as` for which the rest of the conjunction holds. An open selection has one more
 * candidate: a span that was not seen. */
static bt_kleene exists_with_rest(bt_evaluator *evaluator, const bt_program_condition *conjunction, uint32_t at) {
  const bt_program_condition *item = conjunction->items[at];
  uint32_t *bound = &evaluator->bound[item->binding];
  bt_kleene any = bt_kleene_from(false);
  bt_cursor cursor;
  bt_member member;
  bt_cursor_open_joined(&cursor, evaluator, item, true);
  while (any.truth != BT_TRUE && bt_cursor_next(&cursor, evaluator, &member)) {
    *bound = member.span;
    bt_kleene rest = bt_evaluate_conjunction(evaluator, conjunction, at + 1);
    any = bt_kleene_or(any, bt_kleene_and(member.truth, rest));
  }
  bt_kleene unseen = bt_selection_unseen(evaluator, item->selection);
  if (any.truth != BT_TRUE && unseen.truth == BT_UNKNOWN) {
    *bound = BT_UNSEEN_SPAN;
    bt_kleene rest = bt_evaluate_conjunction(evaluator, conjunction, at + 1);
    any = bt_kleene_or(any, bt_kleene_and(unseen, rest));
  }
  *bound = BT_NO_SPAN;
  return bt_evaluator_or_budget(evaluator, any);
}

static bool binds_span(const bt_program_condition *condition) {
  return condition->kind == BT_CONDITION_EXISTS && condition->binding != BT_NO_BINDING;
}

bt_kleene bt_evaluate_conjunction(bt_evaluator *evaluator, const bt_program_condition *conjunction, uint32_t from) {
  bt_kleene all = bt_kleene_from(true);
  for (uint32_t i = from; i < conjunction->item_count && all.truth != BT_FALSE; i++) {
    const bt_program_condition *item = conjunction->items[i];
    if (binds_span(item)) return bt_kleene_and(all, exists_with_rest(evaluator, conjunction, i));
    all = bt_kleene_and(all, bt_evaluate_condition(evaluator, item));
  }
  return all;
}

static bt_kleene evaluate_disjunction(bt_evaluator *evaluator, const bt_program_condition *condition) {
  bt_kleene any = bt_kleene_from(false);
  for (uint32_t i = 0; i < condition->item_count && any.truth != BT_TRUE; i++)
    any = bt_kleene_or(any, bt_evaluate_condition(evaluator, condition->items[i]));
  return any;
}

static bt_kleene evaluate_anew(bt_evaluator *evaluator, const bt_program_condition *condition) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE: return bt_kleene_from(true);
  case BT_CONDITION_FALSE: return bt_kleene_from(false);
  case BT_CONDITION_AND: return bt_evaluate_conjunction(evaluator, condition, 0);
  case BT_CONDITION_OR: return evaluate_disjunction(evaluator, condition);
  case BT_CONDITION_NOT: return bt_kleene_not(bt_evaluate_condition(evaluator, condition->items[0]));
  case BT_CONDITION_EXISTS: return bt_evaluate_exists(evaluator, condition->selection);
  case BT_CONDITION_COMPARE: return bt_evaluate_comparison(evaluator, &condition->comparison, BT_NO_SPAN, NULL);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: return bt_evaluate_before_all(evaluator, condition);
  }
  return bt_kleene_from(false);
}

bt_kleene bt_evaluate_condition(bt_evaluator *evaluator, const bt_program_condition *condition) {
  if (condition->depends != 0) return evaluate_anew(evaluator, condition);
  bt_truth_slot *slot = &evaluator->truth_slots[condition->slot];
  if (slot->turn == evaluator->turn) return slot->truth;
  bt_kleene truth = evaluate_anew(evaluator, condition);
  if (!evaluator->is_exhausted) *slot = (bt_truth_slot){truth, evaluator->turn};
  return truth;
}
