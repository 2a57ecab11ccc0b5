/* What holds never or always whatever the trace. See checker.h. Careful in one direction: only what is certain is said;
 * everything else is open. */
#include <math.h>

#include "dsl/check/checker.h"
#include "dsl/rule/field.h"
#include "dsl/trace/text_number.h"

bool bt_checker_reads_as_number(const bt_expression *expression) {
  bt_value number;
  return expression->kind == BT_EXPRESSION_LITERAL && expression->literal.type == BT_VALUE_STRING &&
         bt_text_number(expression->literal.string, &number);
}

/* Counts are whole numbers from 0, durations are never negative. */
static bool is_count(const bt_expression *expression) {
  if (expression->kind == BT_EXPRESSION_PART_COUNT) return true;
  if (expression->kind == BT_EXPRESSION_AGGREGATE) return bt_aggregate_row(expression->aggregate)->is_count;
  if (expression->kind != BT_EXPRESSION_FIELD) return false;
  bt_field_kind kind = expression->field.kind;
  return kind == BT_FIELD_TRACE_SPAN_COUNT || kind == BT_FIELD_TRACE_SERVICE_COUNT ||
         kind == BT_FIELD_DROPPED_ATTRIBUTES || kind == BT_FIELD_DROPPED_EVENTS || kind == BT_FIELD_DROPPED_LINKS;
}

/* A difference of times can be. */
static bool is_length(const bt_expression *expression) {
  const bt_expression *source = expression->kind == BT_EXPRESSION_AGGREGATE ? expression->left : expression;
  return source && source->kind == BT_EXPRESSION_FIELD && source->type == BT_TYPE_DURATION;
}

/* The value of a number or duration literal, maybe with a minus. */
static bool literal_number(const bt_expression *expression, double *out) {
  if (expression->kind == BT_EXPRESSION_NEGATE && literal_number(expression->left, out)) return *out = -*out, true;
  if (expression->kind != BT_EXPRESSION_LITERAL) return false;
  switch (expression->literal.type) {
  case BT_VALUE_INT: return *out = (double)expression->literal.integer, true;
  case BT_VALUE_DOUBLE: return *out = expression->literal.decimal, true;
  case BT_VALUE_DURATION: return *out = (double)expression->literal.duration_ns, true;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_STRING:
  case BT_VALUE_BOOL:
  case BT_VALUE_TIME:
  case BT_VALUE_ARRAY: return false;
  }
  return false;
}

/* `x op bound` for an x that is never negative, and whole if `whole`. */
static bt_static_truth compare_with_bound(bt_comparison_operator op, double bound, bool whole) {
  bool outside = bound < 0 || (whole && bound != floor(bound));
  switch ((int)op) {
  case BT_EQUAL: return outside ? BT_STATIC_NEVER : BT_STATIC_OPEN;
  case BT_NOT_EQUAL: return outside ? BT_STATIC_ALWAYS : BT_STATIC_OPEN;
  case BT_LESS: return bound <= 0 ? BT_STATIC_NEVER : BT_STATIC_OPEN;
  case BT_LESS_EQUAL: return bound < 0 ? BT_STATIC_NEVER : BT_STATIC_OPEN;
  case BT_GREATER: return bound < 0 ? BT_STATIC_ALWAYS : BT_STATIC_OPEN;
  case BT_GREATER_EQUAL: return bound <= 0 ? BT_STATIC_ALWAYS : BT_STATIC_OPEN;
  default: return BT_STATIC_OPEN;
  }
}

/* A minimum of nothing is missing, so a length "always" holds only where it is a field. */
static bt_static_truth compare_ranges(const bt_comparison *comparison) {
  double bound;
  if (!comparison->right || !literal_number(comparison->right, &bound)) return BT_STATIC_OPEN;
  const bt_expression *left = comparison->left;
  if (is_count(left)) return compare_with_bound(comparison->op, bound, true);
  if (!is_length(left)) return BT_STATIC_OPEN;
  bt_static_truth truth = compare_with_bound(comparison->op, bound, false);
  bool present = left->kind == BT_EXPRESSION_FIELD;
  return truth == BT_STATIC_ALWAYS && !present ? BT_STATIC_OPEN : truth;
}

/* A literal text that a number may equal: "503". */
static bool is_quoted_number(const bt_expression *expression, const bt_expression *other) {
  return other->type == BT_TYPE_NUMBER && bt_checker_reads_as_number(expression);
}

/* Two static types that are never equal and have no order with each other. Attributes can be anything. */
static bool types_never_meet(const bt_expression *left, const bt_expression *right) {
  if (is_quoted_number(left, right) || is_quoted_number(right, left)) return false;
  return left->type != right->type && left->type != BT_TYPE_ATTRIBUTE && right->type != BT_TYPE_ATTRIBUTE;
}

static bt_static_truth compare_types(const bt_comparison *comparison) {
  if (comparison->op == BT_IN && comparison->list_count) {
    for (uint32_t i = 0; i < comparison->list_count; i++)
      if (!types_never_meet(comparison->left, comparison->list[i])) return BT_STATIC_OPEN;
    return BT_STATIC_NEVER;
  }
  if (!comparison->right) return BT_STATIC_OPEN;
  bool ordering = bt_operator_is_ordering(comparison->op);
  bool boolean = comparison->left->type == BT_TYPE_BOOLEAN || comparison->right->type == BT_TYPE_BOOLEAN;
  if (ordering && boolean) return BT_STATIC_NEVER;
  bool mixed = types_never_meet(comparison->left, comparison->right);
  return mixed && (ordering || comparison->op == BT_EQUAL) ? BT_STATIC_NEVER : BT_STATIC_OPEN;
}

bt_static_truth bt_static_comparison(const bt_comparison *comparison) {
  if (comparison->op == BT_IN && !comparison->list_count) return BT_STATIC_NEVER;
  bt_static_truth truth = compare_types(comparison);
  return truth == BT_STATIC_OPEN ? compare_ranges(comparison) : truth;
}

const char *bt_static_reason(const bt_comparison *comparison) {
  if (compare_types(comparison) == BT_STATIC_OPEN)
    return is_count(comparison->left) ? "a count is a whole number and never below 0" : "a duration is never below 0";
  bool mixed = comparison->list_count || types_never_meet(comparison->left, comparison->right);
  bool is_flags = comparison->left->kind == BT_EXPRESSION_FIELD && comparison->left->field.kind == BT_FIELD_FLAGS;
  if (mixed && is_flags)
    return "the flags of a span are a number; an attribute of that name is span.attributes[\"flags\"]";
  return mixed ? "values of different types are never equal and have no order" : "true and false have no order";
}

static bt_static_truth negate_truth(bt_static_truth truth) {
  if (truth == BT_STATIC_OPEN) return BT_STATIC_OPEN;
  return truth == BT_STATIC_NEVER ? BT_STATIC_ALWAYS : BT_STATIC_NEVER;
}

/* Kinds of fields that every span has, with one value. */
static bool is_always_present(bt_field_kind kind) {
  return kind == BT_FIELD_NAME || kind == BT_FIELD_KIND || kind == BT_FIELD_STATUS || kind == BT_FIELD_DURATION ||
         kind == BT_FIELD_START || kind == BT_FIELD_END || kind == BT_FIELD_ID;
}

/* `field == "literal"` of a field that has one value only. */
static bool is_equation(const bt_predicate *predicate) {
  if (predicate->kind != BT_PREDICATE_COMPARE || predicate->comparison.op != BT_EQUAL) return false;
  const bt_expression *left = predicate->comparison.left, *right = predicate->comparison.right;
  return left->kind == BT_EXPRESSION_FIELD && left->type == BT_TYPE_STRING && right->kind == BT_EXPRESSION_LITERAL &&
         right->type == BT_TYPE_STRING && !bt_field_is_of_event(left->field.kind) &&
         !bt_field_is_of_link(left->field.kind);
}

const bt_predicate *bt_static_contradiction(const bt_predicate *conjunction) {
  if (conjunction->kind != BT_PREDICATE_AND) return NULL;
  for (uint32_t i = 0; i < conjunction->item_count; i++) {
    const bt_predicate *a = conjunction->items[i];
    for (uint32_t k = i + 1; is_equation(a) && k < conjunction->item_count; k++) {
      const bt_predicate *b = conjunction->items[k];
      if (!is_equation(b)) continue;
      const bt_field *x = &a->comparison.left->field, *y = &b->comparison.left->field;
      if (x->kind == y->kind && x->binding == y->binding &&
          !bt_str_equal(a->comparison.right->literal.string, b->comparison.right->literal.string))
        return b;
    }
  }
  return NULL;
}

/* AND of truths for `absorbing` NEVER; OR for ALWAYS. */
static bt_static_truth join_truths(bt_static_truth sum, bt_static_truth next, bt_static_truth absorbing) {
  if (sum == absorbing || next == absorbing) return absorbing;
  return sum == BT_STATIC_OPEN || next == BT_STATIC_OPEN ? BT_STATIC_OPEN : sum;
}

static bt_static_truth join_predicates(const bt_predicate *predicate, bt_static_truth absorbing) {
  bt_static_truth truth = negate_truth(absorbing);
  for (uint32_t i = 0; i < predicate->item_count; i++)
    truth = join_truths(truth, bt_static_predicate(predicate->items[i]), absorbing);
  return truth;
}

bt_static_truth bt_static_predicate(const bt_predicate *predicate) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return BT_STATIC_ALWAYS;
  case BT_PREDICATE_FALSE: return BT_STATIC_NEVER;
  case BT_PREDICATE_AND:
    return bt_static_contradiction(predicate) ? BT_STATIC_NEVER : join_predicates(predicate, BT_STATIC_NEVER);
  case BT_PREDICATE_OR: return join_predicates(predicate, BT_STATIC_ALWAYS);
  case BT_PREDICATE_NOT: return negate_truth(bt_static_predicate(predicate->items[0]));
  case BT_PREDICATE_COMPARE: return bt_static_comparison(&predicate->comparison);
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK:
    return bt_static_predicate(predicate->items[0]) == BT_STATIC_NEVER ? BT_STATIC_NEVER : BT_STATIC_OPEN;
  case BT_PREDICATE_EXISTS: return is_always_present(predicate->field.kind) ? BT_STATIC_ALWAYS : BT_STATIC_OPEN;
  case BT_PREDICATE_IS_TRUE:
    return bt_field_type(predicate->field.kind) == BT_TYPE_ATTRIBUTE ? BT_STATIC_OPEN : BT_STATIC_NEVER;
  case BT_PREDICATE_NAMED: return BT_STATIC_OPEN;
  }
  return BT_STATIC_OPEN;
}

static bt_static_truth selection_truth(const bt_selection *selection) {
  bt_static_truth truth = bt_static_predicate(selection->predicate);
  if (truth == BT_STATIC_NEVER) return BT_STATIC_NEVER;
  bool bound = selection->base_binding != BT_NO_BINDING && !selection->relation_count;
  return bound ? truth : BT_STATIC_OPEN;
}

static bt_static_truth join_conditions(const bt_condition *condition, bt_static_truth absorbing) {
  bt_static_truth truth = negate_truth(absorbing);
  for (uint32_t i = 0; i < condition->item_count; i++)
    truth = join_truths(truth, bt_static_condition(condition->items[i]), absorbing);
  return truth;
}

bt_static_truth bt_static_condition(const bt_condition *condition) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE: return BT_STATIC_ALWAYS;
  case BT_CONDITION_FALSE: return BT_STATIC_NEVER;
  case BT_CONDITION_AND: return join_conditions(condition, BT_STATIC_NEVER);
  case BT_CONDITION_OR: return join_conditions(condition, BT_STATIC_ALWAYS);
  case BT_CONDITION_NOT: return negate_truth(bt_static_condition(condition->items[0]));
  case BT_CONDITION_EXISTS: return selection_truth(condition->selection);
  case BT_CONDITION_COMPARE: return bt_static_comparison(&condition->comparison);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    return selection_truth(condition->selection) == BT_STATIC_NEVER ||
                   selection_truth(condition->other) == BT_STATIC_NEVER
               ? BT_STATIC_NEVER
               : BT_STATIC_OPEN;
  }
  return BT_STATIC_OPEN;
}
