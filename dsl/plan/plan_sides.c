/* Rules that presence, absence and numbers of spans decide: each condition is a side, which holds where so many spans
 * are there, or are not. See bt_side. Soundness: a side stands for one condition, and a rule has sides only where all
 * of its conditions together have to hold for a violation, each for itself: no bound span is spoken of again, nothing
 * rests on order, structure or values of other spans. So a settled trace of which every side holds violates, and one of
 * which any side does not hold does not. */
#include "dsl/plan/dialect.h"
#include "dsl/plan/plan_parts.h"
#include "dsl/plan/pushdown.h"

typedef struct sides {
  bt_filter_builder *builder;
  bt_plan *plan;
  bool exercises; /* those that are added */
} sides;

/* A side that nothing is sure to meet says nothing. */
static bool add_side(sides *s, const bt_selection *selection, uint32_t least, bool is_absence) {
  bool is_plain =
      selection->base_binding == BT_NO_BINDING && !selection->relation_count && !selection->is_foreign && least;
  if (!is_plain || s->plan->side_count == BT_SIDES_MAX) return false;
  bt_filter_pair pair = bt_pushdown_predicate(s->builder, selection->predicate, false);
  bt_under_query under;
  if (pair.under.filter->kind == BT_FILTER_NONE || pair.over.filter->kind == BT_FILTER_ALL) return false;
  bt_query over = s->builder->dialect->spans(s->builder, pair.over);
  if (!over.filter || s->builder->dialect->under(s->builder, pair.under, &under, 1) != 1) return false;
  s->plan->sides[s->plan->side_count++] = (bt_side){over, under.asked, least, is_absence, s->exercises};
  return true;
}

enum { MOST_COUNTED = 1000000 };

/* A count against a number, as the least that is there or is not. */
static bool add_count(sides *s, const bt_comparison *comparison, bool truth) {
  bt_value literal;
  if (!bt_plan_is_aggregate_test(comparison, &literal)) return false;
  const bt_expression *left = comparison->left;
  if (left->aggregate != BT_AGGREGATE_COUNT || literal.type != BT_VALUE_INT) return false;
  if (literal.integer < 0 || literal.integer > MOST_COUNTED) return false;
  uint32_t number = (uint32_t)literal.integer;
  switch (comparison->op) {
  case BT_GREATER: return add_side(s, left->selection, number + 1, !truth);
  case BT_GREATER_EQUAL: return add_side(s, left->selection, number, !truth);
  case BT_LESS: return add_side(s, left->selection, number, truth);
  case BT_LESS_EQUAL: return add_side(s, left->selection, number + 1, truth);
  case BT_EQUAL: return !number && add_side(s, left->selection, 1, truth);
  case BT_NOT_EQUAL: return !number && add_side(s, left->selection, 1, !truth);
  case BT_CONTAINS:
  case BT_STARTS_WITH:
  case BT_ENDS_WITH:
  case BT_MATCHES:
  case BT_MATCHES_WHOLE:
  case BT_NOT_MATCHES_WHOLE:
  case BT_IN:
  case BT_NOT_IN: break;
  }
  return false;
}

/* The condition has that truth where all that is added holds, and nowhere else. */
static bool add_condition(sides *s, const bt_condition *condition, bool truth) {
  bool all = true;
  switch (condition->kind) {
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
    if ((condition->kind == BT_CONDITION_AND) != truth) return false;
    for (uint32_t i = 0; all && i < condition->item_count; i++) all = add_condition(s, condition->items[i], truth);
    return all;
  case BT_CONDITION_NOT: return add_condition(s, condition->items[0], !truth);
  case BT_CONDITION_EXISTS: return add_side(s, condition->selection, 1, !truth);
  case BT_CONDITION_COMPARE: return add_count(s, &condition->comparison, truth);
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE:
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: break;
  }
  return false;
}

/* Of a bare condition only the positive conjuncts exercise the rule. */
static bool add_bare(sides *s, const bt_condition *condition) {
  bool is_and = condition->kind == BT_CONDITION_AND, all = true;
  const bt_condition *const *items = is_and ? condition->items : &condition;
  uint32_t count = is_and ? condition->item_count : 1;
  for (uint32_t i = 0; all && i < count; i++) {
    s->exercises = items[i]->kind != BT_CONDITION_NOT;
    all = add_condition(s, items[i], true);
  }
  return all;
}

static bool add_rule(sides *s, const bt_rule *rule) {
  if (rule->condition) return add_bare(s, rule->condition);
  if (!rule->when || !rule->always == !rule->never) return false;
  s->exercises = true;
  bool has_when = add_condition(s, rule->when, true);
  s->exercises = false;
  return has_when && (rule->always ? add_condition(s, rule->always, false) : add_condition(s, rule->never, true));
}

void bt_plan_add_sides(bt_filter_builder *builder, const bt_rule *rule, bt_plan *plan) {
  sides s = {.builder = builder, .plan = plan};
  bool wants_spans = false, is_said = plan->violating->kind != BT_OVER_NONE && add_rule(&s, rule);
  for (uint32_t i = 0; i < plan->side_count; i++)
    wants_spans = wants_spans || (plan->sides[i].exercises && !plan->sides[i].is_absence);
  if (!is_said || !wants_spans) plan->side_count = 0;
}
