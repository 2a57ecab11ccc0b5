/* The over side of a plan: what must be in a trace for the rule to be violated or exercised. See plan_parts.h, and
 * kept.h.
 * Soundness: every function returns a formula that holds of at least the traces in which the condition has the given
 * truth (for some choice of bound spans). What rests on absence, order, structure or other spans' values adds nothing,
 * and so only ever weakens. An incomplete trace is no exception: what is concluded from it holds of the spans that were
 * seen. */
#include "dsl/plan/dialect.h"
#include "dsl/plan/kept.h"
#include "dsl/plan/plan_parts.h"
#include "dsl/plan/pushdown.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"

typedef struct over_context {
  bt_filter_builder *builder;
  const bt_rule *rule;
  /* What the span of each binding is known to meet, where the binding is visible. Of a span that may be of another
   * trace nothing: it stands for no span here. */
  bt_over_filter bound[BT_MAX_BINDINGS];
  bool keeps; /* for a sampler, which sees a whole trace: what must not be there is part of the formula */
} over_context;

static const bt_formula *over_condition(over_context *context, const bt_condition *condition, bool truth);

static const bt_formula *join_and(over_context *context, const bt_formula *a, const bt_formula *b) {
  return bt_formula_join2(context->builder, BT_OVER_AND, a, b);
}

static bt_over_filter selected_filter(over_context *context, const bt_selection *selection) {
  bt_over_filter filter = bt_pushdown_predicate(context->builder, selection->predicate, false).over;
  if (selection->base_binding == BT_NO_BINDING) return filter;
  return bt_over_filter_and(context->builder, context->bound[selection->base_binding], filter);
}

static const bt_formula *over_exists(over_context *context, const bt_selection *selection, bt_over_filter also);

/* A bound span is there anyway; any other that a relation speaks of has to be. */
static const bt_formula *over_reference(over_context *context, const bt_reference *reference) {
  if (reference->binding != BT_NO_BINDING) return bt_formula_all();
  return over_exists(context, reference->selection, (bt_over_filter){bt_filter_all()});
}

/* What the relations speak of has to be there. A span that is picked from others meets what they meet, and so the
 * selection asks for that itself; what they are related to has to be there, too. */
static const bt_formula *over_relations(over_context *context, const bt_selection *selection) {
  const bt_formula *formula = bt_formula_all();
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    const bt_relation *relation = &selection->relations[i];
    bool is_pick = bt_relation_is_pick(relation->kind);
    formula = join_and(context, formula,
                       is_pick ? over_relations(context, relation->first.selection)
                               : over_reference(context, &relation->first));
    if (relation->kind == BT_BETWEEN) formula = join_and(context, formula, over_reference(context, &relation->second));
  }
  return formula;
}

/* Some span of the selection that also meets `also`. It may lie in another trace, and then only what it is related to
 * has to be in this one. */
static const bt_formula *over_exists(over_context *context, const bt_selection *selection, bt_over_filter also) {
  if (selection->is_foreign) return over_relations(context, selection);
  bt_over_filter filter = bt_over_filter_and(context->builder, selected_filter(context, selection), also);
  return join_and(context, bt_formula_query(context->builder, filter), over_relations(context, selection));
}

static const bt_formula *over_selected(over_context *context, const bt_selection *selection) {
  return over_exists(context, selection, (bt_over_filter){bt_filter_all()});
}

/* No span of the selection. Nothing can be said of an open one. Of a bound span it means that the predicate or a
 * relation fails. */
static const bt_formula *over_selects_nothing(over_context *context, const bt_selection *selection) {
  if (selection->base_binding == BT_NO_BINDING || selection->relation_count || selection->is_foreign)
    return bt_formula_all();
  bt_over_filter fails = bt_pushdown_predicate(context->builder, selection->predicate, true).over;
  if (fails.filter->kind == BT_FILTER_ALL) return bt_formula_all();
  return bt_formula_query(context->builder,
                          bt_over_filter_and(context->builder, context->bound[selection->base_binding], fails));
}

/* ---- comparisons ---- */

bool bt_plan_is_aggregate_test(const bt_comparison *comparison, bt_value *literal) {
  return comparison->left->kind == BT_EXPRESSION_AGGREGATE && comparison->right &&
         bt_pushdown_literal(comparison->right, literal);
}

bool bt_plan_number_meets(int64_t number, bt_comparison_operator op, const bt_value *literal) {
  bt_value left = {.type = BT_VALUE_INT, .integer = number}, right = *literal;
  int order = 0;
  if (right.type == BT_VALUE_DURATION) right = (bt_value){.type = BT_VALUE_INT, .integer = literal->duration_ns};
  bool comparable = bt_value_compare_numbers(&left, &right, &order);
  if (op == BT_NOT_EQUAL) return !comparable || order != 0;
  if (!comparable) return false;
  if (op == BT_EQUAL) return order == 0;
  if (op == BT_LESS) return order < 0;
  if (op == BT_LESS_EQUAL) return order <= 0;
  if (op == BT_GREATER) return order > 0;
  return op == BT_GREATER_EQUAL && order >= 0;
}

/* The fields of the span under test that a value is made from are all there. */
static bt_over_filter filter_of_value(bt_filter_builder *builder, const bt_expression *value) {
  bt_over_filter all = {bt_filter_all()};
  if (!value || value->kind == BT_EXPRESSION_LITERAL || value->kind == BT_EXPRESSION_AGGREGATE) return all;
  if (value->kind == BT_EXPRESSION_PART_COUNT) return all; /* may be 0 */
  if (value->kind != BT_EXPRESSION_FIELD)
    return bt_over_filter_and(builder, filter_of_value(builder, value->left), filter_of_value(builder, value->right));
  bool is_own = value->field.binding == BT_NO_BINDING && !bt_field_is_of_trace(value->field.kind);
  return is_own ? bt_pushdown_exists(builder, &value->field, false).over : all;
}

/* What some selected span meets when the aggregate was made of at least one: its fields are there; and where a minimum
 * or maximum of one field meets a comparison, the span that it comes from meets it too. */
static bt_over_filter contributing_filter(over_context *context, const bt_expression *aggregate,
                                          const bt_comparison *comparison, const bt_value *literal) {
  const bt_expression *value = aggregate->left;
  if (value && value->kind == BT_EXPRESSION_FIELD && bt_aggregate_row(aggregate->aggregate)->is_one_of_its_values &&
      comparison)
    return bt_pushdown_test(context->builder, &value->field, comparison->op, literal, false).over;
  return filter_of_value(context->builder, value);
}

/* count(…) > 3 and the like: if it would not come out so without any span, there is one. */
static const bt_formula *over_aggregate_test(over_context *context, const bt_comparison *comparison,
                                             const bt_value *literal, bool truth) {
  const bt_expression *aggregate = comparison->left;
  bool of_nothing =
      bt_aggregate_row(aggregate->aggregate)->is_0_of_nothing && bt_plan_number_meets(0, comparison->op, literal);
  if (of_nothing == truth) return bt_formula_all();
  return over_exists(context, aggregate->selection,
                     contributing_filter(context, aggregate, truth ? comparison : NULL, literal));
}

static bool is_count(const bt_expression *expression) {
  return expression && expression->kind == BT_EXPRESSION_AGGREGATE && bt_aggregate_row(expression->aggregate)->is_count;
}

/* count(a) op count(b), and so with count_distinct: the greater one is not 0; of two that differ one is not. */
static const bt_formula *over_counts(over_context *context, const bt_comparison *comparison, bool truth) {
  bool left_is_greater = comparison->op == (truth ? BT_GREATER : BT_LESS_EQUAL);
  bool right_is_greater = comparison->op == (truth ? BT_LESS : BT_GREATER_EQUAL);
  bool differ = comparison->op == (truth ? BT_NOT_EQUAL : BT_EQUAL);
  if (left_is_greater) return over_selected(context, comparison->left->selection);
  if (right_is_greater) return over_selected(context, comparison->right->selection);
  if (!differ) return bt_formula_all();
  return bt_formula_join2(context->builder, BT_OVER_OR, over_selected(context, comparison->left->selection),
                          over_selected(context, comparison->right->selection));
}

/* An aggregate that is missing of nothing: then no comparison holds. */
static const bt_formula *over_aggregates_made(over_context *context, const bt_expression *expression) {
  if (!expression) return bt_formula_all();
  if (expression->kind != BT_EXPRESSION_AGGREGATE)
    return join_and(context, over_aggregates_made(context, expression->left),
                    over_aggregates_made(context, expression->right));
  if (bt_aggregate_row(expression->aggregate)->is_0_of_nothing) return bt_formula_all();
  return over_exists(context, expression->selection, contributing_filter(context, expression, NULL, NULL));
}

/* A comparison about the span of one binding, as a filter on that span. */
static const bt_formula *over_bound(over_context *context, const bt_comparison *comparison, int binding, bool truth) {
  bt_over_filter filter = bt_pushdown_comparison(context->builder, comparison, !truth, binding).over;
  if (filter.filter->kind == BT_FILTER_ALL) return bt_formula_all();
  return bt_formula_query(context->builder, bt_over_filter_and(context->builder, context->bound[binding], filter));
}

static bool is_of_root(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD && (expression->field.kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE ||
                                                     expression->field.kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE);
}

/* The root is a span of the trace: some span meets what it meets, and has what it has. */
static const bt_formula *over_root(over_context *context, const bt_comparison *comparison) {
  bt_field names[BT_FIELD_NAMES_MAX];
  bt_expression left = *comparison->left;
  left.field = bt_field_of_root(&comparison->left->field, names);
  bt_comparison of_span = *comparison;
  of_span.left = &left;
  bt_over_filter filter = bt_pushdown_comparison(context->builder, &of_span, false, BT_NO_BINDING).over;
  if (filter.filter->kind == BT_FILTER_ALL) filter = bt_pushdown_exists(context->builder, &left.field, false).over;
  return bt_formula_query(context->builder, filter);
}

static const bt_formula *over_compare(over_context *context, const bt_comparison *comparison, bool truth) {
  bt_value literal;
  const bt_expression *left = comparison->left;
  bool is_list = comparison->op == BT_IN || comparison->op == BT_NOT_IN;
  if (left->kind == BT_EXPRESSION_FIELD && left->field.binding != BT_NO_BINDING) {
    bool is_foreign = context->rule->bindings[left->field.binding].is_foreign;
    return is_foreign ? bt_formula_all() : over_bound(context, comparison, left->field.binding, truth);
  }
  if (!is_list && bt_plan_is_aggregate_test(comparison, &literal))
    return over_aggregate_test(context, comparison, &literal, truth);
  if (!is_list && is_count(left) && is_count(comparison->right)) return over_counts(context, comparison, truth);
  if (!truth) return bt_formula_all();
  if (is_of_root(left)) return over_root(context, comparison);
  const bt_formula *made = over_aggregates_made(context, left);
  return is_list ? made : join_and(context, made, over_aggregates_made(context, comparison->right));
}

/* ---- conditions ---- */

/* In the order as written: bindings are visible to the right. */
static const bt_formula *over_items(over_context *context, const bt_condition *condition, bool truth) {
  bool is_and = (condition->kind == BT_CONDITION_AND) == truth;
  bt_over_kind kind = is_and ? BT_OVER_AND : BT_OVER_OR;
  const bt_formula *joined = is_and ? bt_formula_all() : bt_formula_none();
  for (uint32_t i = 0; i < condition->item_count; i++)
    joined = bt_formula_join2(context->builder, kind, joined, over_condition(context, condition->items[i], truth));
  return joined;
}

/* Of a condition without parts: what has to be there. */
static const bt_formula *over_leaf(over_context *context, const bt_condition *condition, bool truth) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE: return truth ? bt_formula_all() : bt_formula_none();
  case BT_CONDITION_FALSE: return truth ? bt_formula_none() : bt_formula_all();
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
  case BT_CONDITION_NOT: break;
  case BT_CONDITION_EXISTS:
    if (condition->binding != BT_NO_BINDING && !condition->selection->is_foreign)
      context->bound[condition->binding] = selected_filter(context, condition->selection);
    return truth ? over_selected(context, condition->selection) : over_selects_nothing(context, condition->selection);
  case BT_CONDITION_COMPARE: return over_compare(context, &condition->comparison, truth);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    if (!truth) return bt_formula_all();
    return join_and(context, over_selected(context, condition->selection), over_selected(context, condition->other));
  }
  return bt_formula_all();
}

/* A sampler keeps no trace with a span that gives the condition the other truth. */
static const bt_formula *over_condition(over_context *context, const bt_condition *condition, bool truth) {
  if (condition->kind == BT_CONDITION_NOT) return over_condition(context, condition->items[0], !truth);
  if (condition->kind == BT_CONDITION_AND || condition->kind == BT_CONDITION_OR)
    return over_items(context, condition, truth);
  const bt_formula *there = over_leaf(context, condition, truth);
  if (!context->keeps) return there;
  bt_under_filter undone = bt_plan_settles(context->builder, condition, !truth);
  return join_and(context, there, bt_formula_absence(context->builder, undone));
}

static void init_context(over_context *context, bt_filter_builder *builder, const bt_rule *rule) {
  context->builder = builder;
  context->rule = rule;
  context->keeps = false;
  for (int i = 0; i < BT_MAX_BINDINGS; i++) context->bound[i].filter = bt_filter_all();
}

/* W and (not A or N). */
static const bt_formula *over_rule(over_context *context, const bt_rule *rule) {
  if (rule->condition) return over_condition(context, rule->condition, true);
  const bt_formula *when = rule->when ? over_condition(context, rule->when, true) : bt_formula_all();
  const bt_formula *not_always = rule->always ? over_condition(context, rule->always, false) : bt_formula_none();
  const bt_formula *never = rule->never ? over_condition(context, rule->never, true) : bt_formula_none();
  return join_and(context, when, bt_formula_join2(context->builder, BT_OVER_OR, not_always, never));
}

const bt_formula *bt_plan_violating(bt_filter_builder *builder, const bt_rule *rule) {
  over_context context;
  init_context(&context, builder, rule);
  return over_rule(&context, rule);
}

const bt_formula *bt_plan_kept(bt_filter_builder *builder, const bt_rule *rule, bool with_absences) {
  over_context context;
  init_context(&context, builder, rule);
  context.keeps = with_absences;
  return over_rule(&context, rule);
}

/* ---- exercising ---- */

/* The formula of the condition finds, but for its readings, exactly the traces in which it holds: nothing but the
 * existence of spans that can be asked for exactly, each for itself. */
static bool is_exact_condition(bt_filter_builder *builder, const bt_condition *condition) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: return true;
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
    for (uint32_t i = 0; i < condition->item_count; i++)
      if (!is_exact_condition(builder, condition->items[i])) return false;
    return true;
  case BT_CONDITION_EXISTS: {
    const bt_selection *selection = condition->selection;
    bt_filter_pair pair = bt_pushdown_predicate(builder, selection->predicate, false);
    return selection->base_binding == BT_NO_BINDING && !selection->relation_count &&
           bt_filter_equal(builder->dialect->surely(builder, pair.over), pair.under.filter);
  }
  case BT_CONDITION_NOT:
  case BT_CONDITION_COMPARE:
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: break;
  }
  return false;
}

const bt_formula *bt_plan_exercising(bt_filter_builder *builder, const bt_rule *rule, bool *is_exact) {
  over_context context;
  init_context(&context, builder, rule);
  *is_exact = true;
  if (bt_rule_is_exercised_by_all(rule)) return bt_formula_all();
  const bt_condition *whole = rule->condition ? rule->condition : rule->when;
  bool is_and = rule->condition && whole->kind == BT_CONDITION_AND;
  const bt_condition *const *items = is_and ? whole->items : &whole;
  uint32_t count = is_and ? whole->item_count : 1;
  const bt_formula *formula = bt_formula_all();
  for (uint32_t i = 0; i < count; i++) {
    /* Of a bare condition only the positive conjuncts count. */
    if (rule->condition && items[i]->kind == BT_CONDITION_NOT) continue;
    if (!is_exact_condition(builder, items[i])) *is_exact = false;
    formula = join_and(&context, formula, over_condition(&context, items[i], true));
  }
  return formula;
}

/* A trace has to have a span that one of its filters finds to be in it. */
static bool wants_spans(const bt_over *over) {
  if (over->kind == BT_OVER_QUERY) return true;
  if (over->kind != BT_OVER_AND && over->kind != BT_OVER_OR) return false;
  for (uint32_t i = 0; i < over->item_count; i++)
    if (!wants_spans(over->items[i])) return false;
  return true;
}

bool bt_plan_is_found_by_spans(const bt_plan *plan) {
  return wants_spans(plan->violating) && (plan->exercising->kind == BT_OVER_ALL || wants_spans(plan->exercising));
}
