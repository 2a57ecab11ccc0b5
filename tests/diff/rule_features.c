/* The census of a rule. See rule_features.h. Features are numbered in blocks: one for each enumeration of rule.h, then
 * a few shapes. */
#include "tests/diff/rule_features.h"

#include <string.h>

enum {
  CONDITION = 0,
  COMPARISON = CONDITION + BT_CONDITION_HAS_AFTER + 1,
  PREDICATE = COMPARISON + BT_NOT_IN + 1,
  RELATION = PREDICATE + BT_PREDICATE_LINK + 1,
  AGGREGATE = RELATION + BT_LAST_OF + 1,
  EXPRESSION = AGGREGATE + BT_AGGREGATE_COUNT_DISTINCT + 1,
  FIELD = EXPRESSION + BT_EXPRESSION_PART_COUNT + 1,
  SHAPE = FIELD + BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE + 1
};

enum { /* shapes */
       FORM_BARE,
       FORM_WHEN_ALWAYS,
       FORM_WHEN_NEVER,
       FORM_WHEN_BOTH,
       FORM_NO_WHEN,
       CHOICE_OF_ONE,
       CHOICE_OF_MORE,
       NESTED_BINDING,
       BOUND_BASE,
       BOUND_REFERENCE,
       BOUND_FIELD,
       NESTED_REFERENCE,
       POINT_END,
       WITHIN_BOUND,
       AGGREGATE_IN_PREDICATE,
       AGGREGATE_OF_EXPRESSION,
       AGGREGATE_OF_TIMES,
       SEVERAL_NAMES,
       SHAPE_COUNT
};

static const char *const feature_names[] = {
    /* conditions */
    "true", "false", "and", "or", "not", "exists-span", "compare", "has_before", "has_after",
    /* comparisons */
    "==", "!=", "<", "<=", ">", ">=", "contains", "starts_with", "ends_with", "matches", "=~", "!~", "in", "not in",
    /* predicates */
    "where-true", "where-false", "where-and", "where-or", "where-not", "named", "where-compare", "exists(field)",
    "is-true", "event.where", "link.where",
    /* relations */
    "before", "after", "within-of", "between", "under", "above", "child of", "parent of", "sibling of", "linked to",
    "linked from", "downstream of", "first-of", "last-of",
    /* aggregates and expressions */
    "count", "sum", "min", "max", "avg", "count_distinct", "literal", "field", "aggregate", "negate", "+", "-", "*",
    "/", "part-count",
    /* fields */
    "name", "kind", "status", "status_message", "duration", "start", "end", "id", "parent_id", "service",
    "span.trace_id", "flags", "trace_state", "dropped_attributes_count", "dropped_events_count", "dropped_links_count",
    "span-attribute", "resource-attribute", "either-attribute", "scope.name", "scope.version", "scope-attribute",
    "event.name", "event.time", "event-attribute", "link.trace_id", "link.span_id", "link-attribute", "trace.duration",
    "trace.start", "trace.end", "trace.span_count", "trace.service_count", "trace.id", "trace.root.name",
    "trace.root.service", "root-attribute", "root-resource-attribute",
    /* shapes */
    "bare", "when-always", "when-never", "when-always-never", "no-when", "one-binding", "more-bindings",
    "nested-binding", "bound-base", "bound-reference", "bound-field", "nested-reference", "point-end", "within-bound",
    "aggregate-in-where", "aggregate-of-expression", "aggregate-of-times", "several-names"};

_Static_assert(sizeof feature_names / sizeof feature_names[0] == SHAPE + SHAPE_COUNT, "a name for each feature");
_Static_assert((int)SHAPE + (int)SHAPE_COUNT <= RULE_FEATURE_MAX, "room for each feature");

size_t rule_feature_count(void) {
  return SHAPE + SHAPE_COUNT;
}

const char *rule_feature_name(size_t feature) {
  return feature_names[feature];
}

static void visit_selection(const bt_selection *selection, rule_features *f);
static void visit_predicate(const bt_predicate *predicate, rule_features *f);

static void visit_field(const bt_field *field, rule_features *f) {
  f->has[FIELD + (int)field->kind] = true;
  if (field->name_count) f->has[SHAPE + SEVERAL_NAMES] = true;
  if (field->binding != BT_NO_BINDING) f->has[SHAPE + BOUND_FIELD] = true;
}

static void visit_expression(const bt_expression *expression, bool in_predicate, rule_features *f) {
  if (!expression) return;
  f->has[EXPRESSION + (int)expression->kind] = true;
  if (expression->kind == BT_EXPRESSION_FIELD) visit_field(&expression->field, f);
  if (expression->kind == BT_EXPRESSION_AGGREGATE) {
    f->has[AGGREGATE + (int)expression->aggregate] = true;
    if (in_predicate) f->has[SHAPE + AGGREGATE_IN_PREDICATE] = true;
    if (expression->left && expression->left->kind != BT_EXPRESSION_FIELD)
      f->has[SHAPE + AGGREGATE_OF_EXPRESSION] = true;
    if (expression->type == BT_TYPE_TIME) f->has[SHAPE + AGGREGATE_OF_TIMES] = true;
    visit_selection(expression->selection, f);
  }
  if (expression->kind == BT_EXPRESSION_PART_COUNT) visit_predicate(expression->part, f);
  visit_expression(expression->left, in_predicate, f);
  visit_expression(expression->right, in_predicate, f);
}

static void visit_comparison(const bt_comparison *comparison, bool in_predicate, rule_features *f) {
  f->has[COMPARISON + (int)comparison->op] = true;
  visit_expression(comparison->left, in_predicate, f);
  visit_expression(comparison->right, in_predicate, f);
  for (uint32_t i = 0; i < comparison->list_count; i++) visit_expression(comparison->list[i], in_predicate, f);
}

static void visit_predicate(const bt_predicate *predicate, rule_features *f) {
  f->has[PREDICATE + (int)predicate->kind] = true;
  for (uint32_t i = 0; i < predicate->item_count; i++) visit_predicate(predicate->items[i], f);
  if (predicate->kind == BT_PREDICATE_COMPARE) visit_comparison(&predicate->comparison, true, f);
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE)
    visit_field(&predicate->field, f);
}

static void visit_reference(const bt_reference *reference, rule_features *f) {
  if (reference->binding != BT_NO_BINDING) f->has[SHAPE + BOUND_REFERENCE] = true;
  if (!reference->selection) return;
  if (reference->selection->relation_count) f->has[SHAPE + NESTED_REFERENCE] = true;
  visit_selection(reference->selection, f);
}

static void visit_selection(const bt_selection *selection, rule_features *f) {
  if (selection->base_binding != BT_NO_BINDING) f->has[SHAPE + BOUND_BASE] = true;
  visit_predicate(selection->predicate, f);
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    const bt_relation *relation = &selection->relations[i];
    f->has[RELATION + (int)relation->kind] = true;
    if (relation->first_is_end || relation->second_is_end) f->has[SHAPE + POINT_END] = true;
    if (relation->within_ns >= 0 && relation->kind != BT_WITHIN_OF) f->has[SHAPE + WITHIN_BOUND] = true;
    visit_reference(&relation->first, f);
    if (relation->kind == BT_BETWEEN) visit_reference(&relation->second, f);
  }
}

static void visit_condition(const bt_condition *condition, rule_features *f) {
  if (!condition) return;
  f->has[CONDITION + (int)condition->kind] = true;
  for (uint32_t i = 0; i < condition->item_count; i++) visit_condition(condition->items[i], f);
  if (condition->selection) visit_selection(condition->selection, f);
  if (condition->other) visit_selection(condition->other, f);
  if (condition->kind == BT_CONDITION_COMPARE) visit_comparison(&condition->comparison, false, f);
}

static int form_of(const bt_rule *rule) {
  if (rule->condition) return FORM_BARE;
  if (!rule->when) return FORM_NO_WHEN;
  if (rule->always && rule->never) return FORM_WHEN_BOTH;
  return rule->always ? FORM_WHEN_ALWAYS : FORM_WHEN_NEVER;
}

void rule_features_find(const bt_rule *rule, rule_features *out) {
  memset(out, 0, sizeof *out);
  visit_condition(rule->when, out);
  visit_condition(rule->always, out);
  visit_condition(rule->never, out);
  visit_condition(rule->condition, out);
  int chosen = 0;
  for (int b = 0; b < rule->binding_count; b++)
    if (rule->bindings[b].in_choice) chosen++;
  out->has[SHAPE + form_of(rule)] = true;
  if (chosen == 1) out->has[SHAPE + CHOICE_OF_ONE] = true;
  if (chosen > 1) out->has[SHAPE + CHOICE_OF_MORE] = true;
  if (chosen < rule->binding_count) out->has[SHAPE + NESTED_BINDING] = true;
}
