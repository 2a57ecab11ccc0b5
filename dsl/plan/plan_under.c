/* The under side of a plan: which single span settles that a trace does not violate. See plan_parts.h.
 * Soundness: every filter here is such that one span that it finds gives the condition the wanted truth for every
 * choice of bound spans, whatever other spans there are or come. So only existence counts (and what existence makes
 * true of counts, minima and maxima); nothing that depends on a binding, on order or on structure does. */
#include "dsl/plan/plan_parts.h"
#include "dsl/plan/pushdown.h"

static bt_under_filter never_settles(void) {
  return (bt_under_filter){bt_filter_none()};
}

static bt_under_filter always_settles(bool does) {
  return (bt_under_filter){does ? bt_filter_all() : bt_filter_none()};
}

/* Spans that certainly belong to the selection. */
static bt_under_filter selected_filter(bt_filter_builder *builder, const bt_selection *selection) {
  if (selection->base_binding != BT_NO_BINDING || selection->relation_count || selection->is_foreign)
    return never_settles();
  return bt_pushdown_predicate(builder, selection->predicate, false).under;
}

static bool complement_operator(bt_comparison_operator op, bt_comparison_operator *out) {
  switch (op) {
  case BT_EQUAL: *out = BT_NOT_EQUAL; return true;
  case BT_NOT_EQUAL: *out = BT_EQUAL; return true;
  case BT_LESS: *out = BT_GREATER_EQUAL; return true;
  case BT_LESS_EQUAL: *out = BT_GREATER; return true;
  case BT_GREATER: *out = BT_LESS_EQUAL; return true;
  case BT_GREATER_EQUAL: *out = BT_LESS; return true;
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

/* Holds of 1 and of everything above. */
static bool holds_from_one_on(bt_comparison_operator op, const bt_value *literal) {
  bool is_upward = op == BT_GREATER || op == BT_GREATER_EQUAL;
  if (op == BT_NOT_EQUAL) return bt_plan_number_meets(1, BT_GREATER, literal);
  return is_upward && bt_plan_number_meets(1, op, literal);
}

/* max(…, span.duration) > 1s is settled by one span above 1 s, min below likewise. Attributes are left out: an array
 * does not count in an aggregate and yet meets a filter. */
static bool settles_by_span(const bt_expression *aggregate, bt_comparison_operator op) {
  const bt_expression *value = aggregate->left;
  if (value->kind != BT_EXPRESSION_FIELD || value->field.kind != BT_FIELD_DURATION) return false;
  const bt_function_row *row = bt_aggregate_row(aggregate->aggregate);
  if (!row->is_one_of_its_values) return false;
  if (row->movement == BT_GROWS) return op == BT_GREATER || op == BT_GREATER_EQUAL;
  return row->movement == BT_SHRINKS && (op == BT_LESS || op == BT_LESS_EQUAL);
}

static bt_under_filter comparison_settles(bt_filter_builder *builder, const bt_comparison *comparison, bool truth) {
  bt_value literal;
  bt_comparison_operator op = comparison->op;
  if (!bt_plan_is_aggregate_test(comparison, &literal) || (!truth && !complement_operator(op, &op)))
    return never_settles();
  const bt_expression *aggregate = comparison->left;
  bt_under_filter selected = selected_filter(builder, aggregate->selection);
  if (aggregate->aggregate == BT_AGGREGATE_COUNT) return holds_from_one_on(op, &literal) ? selected : never_settles();
  if (!settles_by_span(aggregate, op)) return never_settles();
  bt_under_filter beyond = bt_pushdown_test(builder, &aggregate->left->field, op, &literal, false).under;
  return bt_under_filter_and(builder, selected, beyond);
}

/* One span has to settle all that counts; where any item is enough, it may settle any. */
static bt_under_filter items_settle(bt_filter_builder *builder, const bt_condition *condition, bool truth) {
  bool is_and = (condition->kind == BT_CONDITION_AND) == truth;
  bt_under_filter joined = always_settles(is_and);
  for (uint32_t i = 0; i < condition->item_count; i++) {
    bt_under_filter item = bt_plan_settles(builder, condition->items[i], truth);
    joined = is_and ? bt_under_filter_and(builder, joined, item) : bt_under_filter_or(builder, joined, item);
  }
  return joined;
}

bt_under_filter bt_plan_settles(bt_filter_builder *builder, const bt_condition *condition, bool truth) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE: return always_settles(truth);
  case BT_CONDITION_FALSE: return always_settles(!truth);
  case BT_CONDITION_AND:
  case BT_CONDITION_OR: return items_settle(builder, condition, truth);
  case BT_CONDITION_NOT: return bt_plan_settles(builder, condition->items[0], !truth);
  case BT_CONDITION_EXISTS: return truth ? selected_filter(builder, condition->selection) : never_settles();
  case BT_CONDITION_COMPARE: return comparison_settles(builder, &condition->comparison, truth);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: break;
  }
  return never_settles();
}

/* W is false, or A is true and N is false. */
bt_under_filter bt_plan_subtracted(bt_filter_builder *builder, const bt_rule *rule) {
  if (rule->condition) return bt_plan_settles(builder, rule->condition, false);
  bt_under_filter no_when = rule->when ? bt_plan_settles(builder, rule->when, false) : never_settles();
  bt_under_filter kept = rule->always ? bt_plan_settles(builder, rule->always, true) : always_settles(true);
  bt_under_filter not_never = rule->never ? bt_plan_settles(builder, rule->never, false) : always_settles(true);
  return bt_under_filter_or(builder, no_when, bt_under_filter_and(builder, kept, not_never));
}
