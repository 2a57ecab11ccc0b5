/* Whether more spans could undo a violation. See plan_parts.h. Each question is "does this condition keep that truth
 * once it has it?", answered with no when in doubt. */
#include "dsl/plan/plan_parts.h"
#include "dsl/rule/field.h"

static bt_movement reverse_movement(bt_movement m) {
  if (m == BT_GROWS) return BT_SHRINKS;
  return m == BT_SHRINKS ? BT_GROWS : m;
}

static bt_movement add_movements(bt_movement a, bt_movement b) {
  if (a == BT_STAYS || a == b) return b;
  return b == BT_STAYS ? a : BT_MOVES;
}

/* Fields of spans do not change. */
static bt_movement field_movement(bt_field_kind kind) {
  if (!bt_field_is_of_trace(kind)) return BT_STAYS;
  if (kind == BT_FIELD_TRACE_START) return BT_SHRINKS;
  bool grows = kind == BT_FIELD_TRACE_DURATION || kind == BT_FIELD_TRACE_END || kind == BT_FIELD_TRACE_SPAN_COUNT ||
               kind == BT_FIELD_TRACE_SERVICE_COUNT;
  return grows ? BT_GROWS : BT_MOVES;
}

static bool is_steady_selection(const bt_selection *selection);
static bool is_steady_predicate(const bt_predicate *predicate);

static bt_movement expression_movement(const bt_expression *expression);

static bt_movement aggregate_movement(const bt_expression *expression) {
  if (!is_steady_selection(expression->selection)) return BT_MOVES;
  if (expression->left && expression_movement(expression->left) != BT_STAYS) return BT_MOVES;
  return bt_aggregate_row(expression->aggregate)->movement;
}

static bt_movement expression_movement(const bt_expression *expression) {
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: return BT_STAYS;
  case BT_EXPRESSION_FIELD: return field_movement(expression->field.kind);
  case BT_EXPRESSION_AGGREGATE: return aggregate_movement(expression);
  case BT_EXPRESSION_PART_COUNT: return is_steady_predicate(expression->part) ? BT_STAYS : BT_MOVES;
  case BT_EXPRESSION_NEGATE: return reverse_movement(expression_movement(expression->left));
  case BT_EXPRESSION_ADD:
    return add_movements(expression_movement(expression->left), expression_movement(expression->right));
  case BT_EXPRESSION_SUBTRACT:
    return add_movements(expression_movement(expression->left),
                         reverse_movement(expression_movement(expression->right)));
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    if (expression_movement(expression->left) == BT_STAYS && expression_movement(expression->right) == BT_STAYS)
      return BT_STAYS;
    break;
  }
  return BT_MOVES;
}

/* What a comparison does as its left side moves against its right one. */
static bt_movement comparison_movement(const bt_comparison *comparison) {
  bt_movement left = expression_movement(comparison->left);
  if (comparison->right) return add_movements(left, reverse_movement(expression_movement(comparison->right)));
  for (uint32_t i = 0; i < comparison->list_count; i++)
    if (expression_movement(comparison->list[i]) != BT_STAYS) return BT_MOVES;
  return left;
}

/* A minimum or maximum comes into being with the first span; arithmetic can overflow once it moves. */
static bool can_be_missing(const bt_expression *expression) {
  if (!expression) return false;
  if (expression->kind == BT_EXPRESSION_AGGREGATE) return !bt_aggregate_row(expression->aggregate)->is_count;
  return expression->kind != BT_EXPRESSION_LITERAL && expression->kind != BT_EXPRESSION_FIELD;
}

static bool comparison_keeps(const bt_comparison *comparison, bool truth) {
  bt_movement moves = comparison_movement(comparison);
  if (moves == BT_STAYS) return true;
  bool is_upward = comparison->op == BT_GREATER || comparison->op == BT_GREATER_EQUAL;
  bool is_downward = comparison->op == BT_LESS || comparison->op == BT_LESS_EQUAL;
  if (!truth && (can_be_missing(comparison->left) || can_be_missing(comparison->right))) return false;
  if (truth) return (is_upward && moves == BT_GROWS) || (is_downward && moves == BT_SHRINKS);
  return (is_upward && moves == BT_SHRINKS) || (is_downward && moves == BT_GROWS);
}

/* Only what a predicate says of the trace could change. */
static bool is_steady_predicate(const bt_predicate *predicate) {
  for (uint32_t i = 0; i < predicate->item_count; i++)
    if (!is_steady_predicate(predicate->items[i])) return false;
  if (predicate->kind == BT_PREDICATE_COMPARE) return comparison_movement(&predicate->comparison) == BT_STAYS;
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE)
    return field_movement(predicate->field.kind) == BT_STAYS;
  return true;
}

static bool is_steady_reference(const bt_reference *reference) {
  return reference->binding != BT_NO_BINDING || is_steady_selection(reference->selection);
}

/* Every span in it stays in it. */
static bool is_steady_selection(const bt_selection *selection) {
  if (selection->is_foreign) return false;
  if (!is_steady_predicate(selection->predicate)) return false;
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    const bt_relation *relation = &selection->relations[i];
    if (bt_relation_is_pick(relation->kind)) return false; /* another one may come in front of it */
    if (!is_steady_reference(&relation->first)) return false;
    if (relation->kind == BT_BETWEEN && !is_steady_reference(&relation->second)) return false;
  }
  return true;
}

/* No span comes into it either. */
static bool is_closed_selection(const bt_selection *selection) {
  return selection->base_binding != BT_NO_BINDING && !selection->relation_count &&
         is_steady_predicate(selection->predicate);
}

static bool condition_keeps(const bt_condition *condition, bool truth) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: return true;
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
    for (uint32_t i = 0; i < condition->item_count; i++)
      if (!condition_keeps(condition->items[i], truth)) return false;
    return true;
  case BT_CONDITION_NOT: return condition_keeps(condition->items[0], !truth);
  case BT_CONDITION_EXISTS:
    return truth ? is_steady_selection(condition->selection) : is_closed_selection(condition->selection);
  case BT_CONDITION_COMPARE: return comparison_keeps(&condition->comparison, truth);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    return is_closed_selection(condition->selection) && is_closed_selection(condition->other);
  }
  return false;
}

bool bt_plan_rests_on_absence(const bt_rule *rule) {
  if (rule->condition) return !condition_keeps(rule->condition, true);
  return (rule->when && !condition_keeps(rule->when, true)) ||
         (rule->always && !condition_keeps(rule->always, false)) ||
         (rule->never && !condition_keeps(rule->never, true));
}
