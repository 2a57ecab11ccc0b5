/* Whether spans of linked traces that are there can show that a trace does not violate. See plan_parts.h. Each question
 * is "can more of them give this condition that truth?", answered with yes when in doubt: then they are asked for, and
 * show nothing. */
#include "dsl/plan/plan_parts.h"

static bool counts_linked(const bt_expression *expression) {
  if (!expression) return false;
  bool is_of_linked = expression->kind == BT_EXPRESSION_AGGREGATE && expression->selection->is_foreign;
  return is_of_linked || counts_linked(expression->left) || counts_linked(expression->right);
}

/* A count that stands alone on the left grows. */
static bool comparison_shows(const bt_comparison *comparison, bool truth) {
  bool is_left = counts_linked(comparison->left), is_right = counts_linked(comparison->right);
  bool is_count =
      comparison->left->kind == BT_EXPRESSION_AGGREGATE && bt_aggregate_row(comparison->left->aggregate)->is_count;
  if (!is_left || is_right || !is_count) return is_left || is_right;
  bool is_upward = comparison->op == BT_GREATER || comparison->op == BT_GREATER_EQUAL;
  bool is_downward = comparison->op == BT_LESS || comparison->op == BT_LESS_EQUAL;
  return is_upward ? truth : !is_downward || !truth;
}

static bool condition_shows(const bt_condition *condition, bool truth) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: return false;
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
    for (uint32_t i = 0; i < condition->item_count; i++)
      if (condition_shows(condition->items[i], truth)) return true;
    return false;
  case BT_CONDITION_NOT: return condition_shows(condition->items[0], !truth);
  case BT_CONDITION_EXISTS: return truth && condition->selection->is_foreign;
  case BT_CONDITION_COMPARE: return comparison_shows(&condition->comparison, truth);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: return condition->selection->is_foreign || condition->other->is_foreign;
  }
  return true;
}

bool bt_plan_shows_linked(const bt_rule *rule) {
  if (rule->condition) return condition_shows(rule->condition, false);
  return (rule->when && condition_shows(rule->when, false)) || (rule->always && condition_shows(rule->always, true)) ||
         (rule->never && condition_shows(rule->never, false));
}
