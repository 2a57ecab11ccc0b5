/* The spans that a rule speaks of. See plan_parts.h.
 * Soundness: a rule whose selections ask for fields and times of spans only is decided by the spans that meet one of its predicates. Bound spans are
 * such spans; counts, orders and distances are between such spans; and every other span of the trace is in no selection. So the trace without
 * those others has the same verdict, and is exercised likewise, when no more spans come. What looks at the trace as a whole (its duration,
 * its root, how many spans it has) or at structure (ancestors may be spans that no predicate asks for) is not decided so: then there is no filter.
 * The filter is the union of what every open selection may select, weakened as always. */
#include "dsl/plan_parts.h"
#include "dsl/pushdown.h"

typedef struct spans_context {
  bt_filter_builder *builder;
  const bt_filter *filter; /* so far */
  bool failed;             /* some part needs more than these spans */
} spans_context;

static void visit_selection(spans_context *c, const bt_selection *selection);
static void visit_expression(spans_context *c, const bt_expression *expression);

static void visit_field(spans_context *c, const bt_field *field) {
  switch (field->kind) {
  case BT_FIELD_TRACE_DURATION:
  case BT_FIELD_TRACE_START:
  case BT_FIELD_TRACE_END:
  case BT_FIELD_TRACE_SPAN_COUNT:
  case BT_FIELD_TRACE_SERVICE_COUNT:
  case BT_FIELD_TRACE_ROOT_NAME:
  case BT_FIELD_TRACE_ROOT_SERVICE: c->failed = true; break;
  case BT_FIELD_NAME:
  case BT_FIELD_KIND:
  case BT_FIELD_STATUS:
  case BT_FIELD_STATUS_MESSAGE:
  case BT_FIELD_DURATION:
  case BT_FIELD_START:
  case BT_FIELD_END:
  case BT_FIELD_ID:
  case BT_FIELD_PARENT_ID:
  case BT_FIELD_SERVICE:
  case BT_FIELD_SPAN_ATTRIBUTE:
  case BT_FIELD_RESOURCE_ATTRIBUTE:
  case BT_FIELD_EITHER_ATTRIBUTE:
  case BT_FIELD_SCOPE_NAME:
  case BT_FIELD_SCOPE_VERSION:
  case BT_FIELD_SCOPE_ATTRIBUTE:
  case BT_FIELD_EVENT_NAME:
  case BT_FIELD_EVENT_ATTRIBUTE: break;
  }
}

static void visit_comparison(spans_context *c, const bt_comparison *comparison) {
  visit_expression(c, comparison->left);
  if (comparison->right) visit_expression(c, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) visit_expression(c, comparison->list[i]);
}

static void visit_expression(spans_context *c, const bt_expression *expression) {
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: break;
  case BT_EXPRESSION_FIELD: visit_field(c, &expression->field); break;
  case BT_EXPRESSION_AGGREGATE:
    if (expression->aggregate != BT_AGGREGATE_COUNT) visit_field(c, &expression->field);
    visit_selection(c, expression->selection);
    break;
  case BT_EXPRESSION_NEGATE: visit_expression(c, expression->left); break;
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    visit_expression(c, expression->left);
    visit_expression(c, expression->right);
    break;
  }
}

static void visit_predicate(spans_context *c, const bt_predicate *predicate) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE:
  case BT_PREDICATE_FALSE:
  case BT_PREDICATE_NAMED: break;
  case BT_PREDICATE_AND:
  case BT_PREDICATE_OR:
  case BT_PREDICATE_NOT:
  case BT_PREDICATE_EVENT:
    for (uint32_t i = 0; i < predicate->item_count; i++) visit_predicate(c, predicate->items[i]);
    break;
  case BT_PREDICATE_COMPARE: visit_comparison(c, &predicate->comparison); break;
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: visit_field(c, &predicate->field); break;
  }
}

static void visit_reference(spans_context *c, const bt_reference *reference) {
  if (reference->binding == BT_NO_BINDING) visit_selection(c, reference->selection);
}

static void visit_relation(spans_context *c, const bt_relation *relation) {
  switch (relation->kind) {
  case BT_BEFORE:
  case BT_AFTER:
  case BT_WITHIN_OF: visit_reference(c, &relation->first); break;
  case BT_BETWEEN:
    visit_reference(c, &relation->first);
    visit_reference(c, &relation->second);
    break;
  case BT_UNDER:
  case BT_ABOVE:
  case BT_CHILD_OF:
  case BT_PARENT_OF:
  case BT_SIBLING_OF: c->failed = true; break;
  }
}

/* A closed selection speaks of a bound span, which its own open selection has. */
static void visit_selection(spans_context *c, const bt_selection *selection) {
  visit_predicate(c, selection->predicate);
  for (uint32_t i = 0; i < selection->relation_count; i++) visit_relation(c, &selection->relations[i]);
  if (selection->base_binding != BT_NO_BINDING) return;
  bt_over_filter selected = bt_pushdown_predicate(c->builder, selection->predicate, false).over;
  c->filter = bt_filter_join2(c->builder, BT_FILTER_OR, c->filter, selected.filter);
}

static void visit_condition(spans_context *c, const bt_condition *condition) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: break;
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
  case BT_CONDITION_NOT:
    for (uint32_t i = 0; i < condition->item_count; i++) visit_condition(c, condition->items[i]);
    break;
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    visit_selection(c, condition->other);
    visit_selection(c, condition->selection);
    break;
  case BT_CONDITION_EXISTS: visit_selection(c, condition->selection); break;
  case BT_CONDITION_COMPARE: visit_comparison(c, &condition->comparison); break;
  }
}

bool bt_plan_spans(bt_filter_builder *builder, const bt_rule *rule, bt_over_filter *out) {
  spans_context c = {.builder = builder, .filter = bt_filter_none()};
  const bt_condition *const parts[] = {rule->condition, rule->when, rule->always, rule->never};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i]) visit_condition(&c, parts[i]);
  *out = (bt_over_filter){c.filter};
  return !c.failed && c.filter->kind != BT_FILTER_ALL && c.filter->kind != BT_FILTER_NONE;
}
