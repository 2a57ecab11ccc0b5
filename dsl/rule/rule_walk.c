/* Walking over a checked rule. See rule_walk.h. */
#include "dsl/rule/rule_walk.h"

static void walk_selection(const bt_rule_visitor *v, const bt_selection *selection);
static void walk_predicate(const bt_rule_visitor *v, const bt_predicate *predicate);

static void walk_field(const bt_rule_visitor *v, const bt_field *field) {
  if (v->on_field) v->on_field(v->context, field);
}

static void step_choice(const bt_rule_visitor *v, bt_choice_step step) {
  if (v->on_choice) v->on_choice(v->context, step);
}

static void walk_expression(const bt_rule_visitor *v, const bt_expression *expression) {
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: break;
  case BT_EXPRESSION_FIELD: walk_field(v, &expression->field); break;
  case BT_EXPRESSION_AGGREGATE:
    if (expression->left) walk_expression(v, expression->left);
    walk_selection(v, expression->selection);
    break;
  case BT_EXPRESSION_PART_COUNT: walk_predicate(v, expression->part); break;
  case BT_EXPRESSION_NEGATE: walk_expression(v, expression->left); break;
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    walk_expression(v, expression->left);
    walk_expression(v, expression->right);
    break;
  }
}

static void walk_comparison(const bt_rule_visitor *v, const bt_comparison *comparison) {
  if (v->on_comparison) v->on_comparison(v->context, comparison);
  walk_expression(v, comparison->left);
  if (comparison->right) walk_expression(v, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) walk_expression(v, comparison->list[i]);
}

static void walk_predicate(const bt_rule_visitor *v, const bt_predicate *predicate) {
  if (v->on_predicate) v->on_predicate(v->context, predicate);
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE:
  case BT_PREDICATE_FALSE:
  case BT_PREDICATE_NAMED: break;
  case BT_PREDICATE_AND:
  case BT_PREDICATE_OR:
  case BT_PREDICATE_NOT:
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK:
    for (uint32_t i = 0; i < predicate->item_count; i++) {
      if (predicate->kind == BT_PREDICATE_OR) step_choice(v, i ? BT_CHOICE_NEXT : BT_CHOICE_BEGINS);
      walk_predicate(v, predicate->items[i]);
    }
    if (predicate->kind == BT_PREDICATE_OR) step_choice(v, BT_CHOICE_ENDS);
    break;
  case BT_PREDICATE_COMPARE: walk_comparison(v, &predicate->comparison); break;
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: walk_field(v, &predicate->field); break;
  }
}

static void walk_reference(const bt_rule_visitor *v, const bt_reference *reference) {
  if (reference->binding == BT_NO_BINDING) walk_selection(v, reference->selection);
}

static void walk_relation(const bt_rule_visitor *v, const bt_relation *relation) {
  if (v->on_relation) v->on_relation(v->context, relation);
  walk_reference(v, &relation->first);
  if (relation->kind == BT_BETWEEN) walk_reference(v, &relation->second);
}

static void walk_selection(const bt_rule_visitor *v, const bt_selection *selection) {
  if (v->on_selection_begins) v->on_selection_begins(v->context, selection);
  walk_predicate(v, selection->predicate);
  for (uint32_t i = 0; i < selection->relation_count; i++) walk_relation(v, &selection->relations[i]);
  if (v->on_selection) v->on_selection(v->context, selection);
}

static void walk_condition(const bt_rule_visitor *v, const bt_condition *condition) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: break;
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
  case BT_CONDITION_NOT:
    for (uint32_t i = 0; i < condition->item_count; i++) {
      if (condition->kind == BT_CONDITION_OR) step_choice(v, i ? BT_CHOICE_NEXT : BT_CHOICE_BEGINS);
      walk_condition(v, condition->items[i]);
    }
    if (condition->kind == BT_CONDITION_OR) step_choice(v, BT_CHOICE_ENDS);
    break;
  case BT_CONDITION_EXISTS: walk_selection(v, condition->selection); break;
  case BT_CONDITION_COMPARE: walk_comparison(v, &condition->comparison); break;
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    walk_selection(v, v->others_first ? condition->other : condition->selection);
    walk_selection(v, v->others_first ? condition->selection : condition->other);
    break;
  }
}

void bt_condition_walk(const bt_condition *condition, const bt_rule_visitor *visitor) {
  if (condition) walk_condition(visitor, condition);
}

void bt_rule_walk(const bt_rule *rule, const bt_rule_visitor *visitor) {
  bt_condition_walk(rule->when, visitor);
  bt_condition_walk(rule->always, visitor);
  bt_condition_walk(rule->never, visitor);
  bt_condition_walk(rule->condition, visitor);
}

/* ---- what a rule is about ---- */

bool bt_rule_is_exercised_by_all(const bt_rule *rule) {
  const bt_condition *condition = rule->condition;
  if (!condition) return !rule->when;
  bool has_positive = false, has_negative = false;
  for (uint32_t i = 0; condition->kind == BT_CONDITION_AND && i < condition->item_count; i++)
    if (condition->items[i]->kind == BT_CONDITION_NOT)
      has_negative = true;
    else
      has_positive = true;
  return !has_positive || !has_negative;
}

bool bt_condition_needs_spans(const bt_condition *condition) {
  return condition->kind != BT_CONDITION_NOT && condition->kind != BT_CONDITION_COMPARE;
}
