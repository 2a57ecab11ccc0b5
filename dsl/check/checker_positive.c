/* Whether a violation needs a span that some selector names. See checker.h. Where none is needed, no search can narrow
 * the traces down and every one has to be read: the author should know (W004). */
#include <math.h>

#include "dsl/check/checker.h"

/* `span.name == "x"`, and of services likewise. */
static bool compares_name(const bt_comparison *comparison) {
  bool is_name = comparison->left->kind == BT_EXPRESSION_FIELD &&
                 (comparison->left->field.kind == BT_FIELD_NAME || comparison->left->field.kind == BT_FIELD_SERVICE);
  return is_name && comparison->op == BT_EQUAL && comparison->right &&
         comparison->right->kind == BT_EXPRESSION_LITERAL && comparison->right->literal.type == BT_VALUE_STRING;
}

static bool is_when_empty(const bt_comparison *comparison, bool wanted, bool by_name);

/* A predicate that not every span meets; `by_name`: one that only spans of some name or service meet, which every
 * search can ask for. */
static bool restricts_spans(const bt_predicate *predicate, bool by_name) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE:
  case BT_PREDICATE_NOT: return false;
  case BT_PREDICATE_AND:
    for (uint32_t i = 0; i < predicate->item_count; i++)
      if (restricts_spans(predicate->items[i], by_name)) return true;
    return false;
  case BT_PREDICATE_OR:
    for (uint32_t i = 0; i < predicate->item_count; i++)
      if (!restricts_spans(predicate->items[i], by_name)) return false;
    return true;
  case BT_PREDICATE_NAMED: return true;
  case BT_PREDICATE_COMPARE:
    if (predicate->comparison.left->kind == BT_EXPRESSION_PART_COUNT)
      return !by_name && is_when_empty(&predicate->comparison, false, false);
    return !by_name || compares_name(&predicate->comparison);
  case BT_PREDICATE_FALSE:
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE:
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK: return !by_name;
  }
  return false;
}

static bool selects_some(const bt_selection *selection, bool by_name) {
  if (selection->base_binding != BT_NO_BINDING) return false;
  if (!selection->is_foreign && restricts_spans(selection->predicate, by_name)) return true;
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    const bt_relation *relation = &selection->relations[i];
    if (relation->first.selection && selects_some(relation->first.selection, by_name)) return true;
    if (relation->second.selection && selects_some(relation->second.selection, by_name)) return true;
  }
  return false;
}

/* What an expression is when no selector finds anything. */
typedef struct empty_value {
  enum { EMPTY_UNKNOWN, EMPTY_MISSING, EMPTY_NUMBER } kind;
  double number;
} empty_value;

static empty_value literal_value(const bt_value *literal) {
  if (literal->type == BT_VALUE_INT) return (empty_value){EMPTY_NUMBER, (double)literal->integer};
  if (literal->type == BT_VALUE_DOUBLE) return (empty_value){EMPTY_NUMBER, literal->decimal};
  if (literal->type == BT_VALUE_DURATION) return (empty_value){EMPTY_NUMBER, (double)literal->duration_ns};
  return (empty_value){EMPTY_UNKNOWN, 0};
}

static empty_value value_when_empty(const bt_expression *expression, bool by_name);

static empty_value arithmetic_when_empty(const bt_expression *expression, bool by_name) {
  empty_value left = value_when_empty(expression->left, by_name), right = value_when_empty(expression->right, by_name);
  if (left.kind == EMPTY_MISSING || right.kind == EMPTY_MISSING) return (empty_value){EMPTY_MISSING, 0};
  if (left.kind == EMPTY_UNKNOWN || right.kind == EMPTY_UNKNOWN) return (empty_value){EMPTY_UNKNOWN, 0};
  double number = expression->kind == BT_EXPRESSION_ADD        ? left.number + right.number
                  : expression->kind == BT_EXPRESSION_SUBTRACT ? left.number - right.number
                  : expression->kind == BT_EXPRESSION_MULTIPLY ? left.number * right.number
                                                               : left.number / right.number;
  return isfinite(number) ? (empty_value){EMPTY_NUMBER, number} : (empty_value){EMPTY_MISSING, 0};
}

static empty_value value_when_empty(const bt_expression *expression, bool by_name) {
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: return literal_value(&expression->literal);
  case BT_EXPRESSION_FIELD: return (empty_value){EMPTY_UNKNOWN, 0};
  case BT_EXPRESSION_PART_COUNT: return (empty_value){EMPTY_NUMBER, 0}; /* of a span without events */
  case BT_EXPRESSION_AGGREGATE:
    if (!selects_some(expression->selection, by_name)) return (empty_value){EMPTY_UNKNOWN, 0};
    return (empty_value){bt_aggregate_row(expression->aggregate)->is_0_of_nothing ? EMPTY_NUMBER : EMPTY_MISSING, 0};
  case BT_EXPRESSION_NEGATE: {
    empty_value inner = value_when_empty(expression->left, by_name);
    inner.number = -inner.number;
    return inner;
  }
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE: return arithmetic_when_empty(expression, by_name);
  }
  return (empty_value){EMPTY_UNKNOWN, 0};
}

static bool comparison_holds(bt_comparison_operator op, double left, double right) {
  switch ((int)op) {
  case BT_EQUAL:
  case BT_IN: return !(left < right) && !(left > right);
  case BT_NOT_EQUAL: return left < right || left > right;
  case BT_LESS: return left < right;
  case BT_LESS_EQUAL: return left <= right;
  case BT_GREATER: return left > right;
  case BT_GREATER_EQUAL: return left >= right;
  default: return false;
  }
}

/* The root is a span, so where no span has the attribute the root has not. */
static bool is_of_root(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD && (expression->field.kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE ||
                                                     expression->field.kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE);
}

/* The comparison is certainly `wanted` when no selector finds anything. */
static bool is_when_empty(const bt_comparison *comparison, bool wanted, bool by_name) {
  /* Arithmetic is not searched for. */
  if (by_name && comparison->left->kind != BT_EXPRESSION_AGGREGATE) return false;
  if (is_of_root(comparison->left)) return !wanted;
  empty_value left = value_when_empty(comparison->left, by_name);
  if (left.kind == EMPTY_MISSING) return !wanted;
  if (left.kind == EMPTY_UNKNOWN) return false;
  bool in = !comparison->right, any = false;
  for (uint32_t i = 0; i < (in ? comparison->list_count : 1); i++) {
    empty_value right = value_when_empty(in ? comparison->list[i] : comparison->right, by_name);
    if (right.kind == EMPTY_UNKNOWN) return false;
    any |= right.kind == EMPTY_NUMBER && comparison_holds(in ? BT_IN : comparison->op, left.number, right.number);
  }
  return (comparison->op == BT_NOT_IN ? !any : any) == wanted;
}

/* A condition that can be `wanted` only in traces with a span that some selector names. */
static bool needs_span(const bt_condition *condition, bool wanted, bool by_name) {
  /* AND is true when all are: one that needs a span is enough. It is false when any is: then all must need one. OR is
   * the mirror. */
  bool any_is_enough = condition->kind == (wanted ? BT_CONDITION_AND : BT_CONDITION_OR);
  switch (condition->kind) {
  case BT_CONDITION_TRUE: return !wanted;
  case BT_CONDITION_FALSE: return wanted;
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
    for (uint32_t i = 0; i < condition->item_count; i++)
      if (needs_span(condition->items[i], wanted, by_name) == any_is_enough) return any_is_enough;
    return !any_is_enough;
  case BT_CONDITION_NOT: return needs_span(condition->items[0], !wanted, by_name);
  case BT_CONDITION_EXISTS: return wanted && selects_some(condition->selection, by_name);
  case BT_CONDITION_COMPARE: return is_when_empty(&condition->comparison, !wanted, by_name);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    return wanted && (selects_some(condition->selection, by_name) || selects_some(condition->other, by_name));
  }
  return false;
}

static bool has_selector(const bt_rule *rule, bool by_name) {
  if (rule->condition) return needs_span(rule->condition, true, by_name);
  if (rule->when && needs_span(rule->when, true, by_name)) return true;
  return (!rule->always || needs_span(rule->always, false, by_name)) &&
         (!rule->never || needs_span(rule->never, true, by_name));
}

bool bt_rule_has_positive_selector(const bt_rule *rule) {
  return has_selector(rule, false);
}

bool bt_rule_names_span(const bt_rule *rule) {
  return has_selector(rule, true);
}
