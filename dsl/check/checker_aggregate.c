/* count, sum, min, max, avg and count_distinct: what they are about, and the value that is aggregated. See checker.h
 * and dsl.md §5. The value is an expression over a span of the selection: its fields are that span's, and it needs one
 * at least. */
#include "dsl/check/checker.h"
#include "dsl/rule/field.h"
#include "dsl/syntax/diagnostic_codes.h"

static bt_aggregate aggregate_of(bt_ast_function function) {
  switch ((int)function) {
  case BT_FUNCTION_SUM: return BT_AGGREGATE_SUM;
  case BT_FUNCTION_MIN: return BT_AGGREGATE_MIN;
  case BT_FUNCTION_MAX: return BT_AGGREGATE_MAX;
  case BT_FUNCTION_AVG: return BT_AGGREGATE_AVG;
  case BT_FUNCTION_COUNT_DISTINCT: return BT_AGGREGATE_COUNT_DISTINCT;
  default: return BT_AGGREGATE_COUNT;
  }
}

bool bt_gives_unit_of_value(bt_ast_function function) {
  bt_aggregate aggregate = aggregate_of(function);
  return aggregate != BT_AGGREGATE_COUNT && aggregate != BT_AGGREGATE_COUNT_DISTINCT;
}

static bool reads_selected_span(const bt_expression *value) {
  if (!value || value->kind == BT_EXPRESSION_AGGREGATE) return false;
  if (value->kind == BT_EXPRESSION_FIELD)
    return value->field.binding == BT_NO_BINDING && !bt_field_is_of_trace(value->field.kind);
  return reads_selected_span(value->left) || reads_selected_span(value->right);
}

/* Earliest and latest are times; a sum of times is nothing, and a mean of them is hardly meant. */
static bool check_time(bt_checker *checker, bt_aggregate aggregate, const bt_ast *node) {
  bool is_extreme = aggregate == BT_AGGREGATE_MIN || aggregate == BT_AGGREGATE_MAX;
  if (is_extreme) return true;
  bt_checker_report(checker, BT_E_TIME, node->range,
                    "min and max take points in time, sum and avg take numbers and durations, as in span.duration or "
                    "a difference of two times");
  return false;
}

static bool check_value(bt_checker *checker, bt_aggregate aggregate, const bt_ast *node, const bt_expression *value) {
  if (!reads_selected_span(value)) {
    bt_checker_report(checker, BT_E_UNKNOWN, node->range,
                      "expected a value of the spans that are aggregated, as in amount, price * quantity or "
                      "span.duration");
    return false;
  }
  if (aggregate == BT_AGGREGATE_COUNT_DISTINCT) return true;
  if (value->type == BT_TYPE_TIME) return check_time(checker, aggregate, node);
  if (value->type != BT_TYPE_STRING && value->type != BT_TYPE_BOOLEAN) return true;
  bt_checker_report(checker, BT_E_ARITHMETIC, node->range,
                    "an aggregate takes numbers and durations, and this is a string");
  return false;
}

const bt_expression *bt_checker_aggregate(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  bt_aggregate aggregate = aggregate_of(node->function);
  bt_checker_warn_of_spans_counted(checker, node, place);
  const bt_selection *selection = bt_checker_operand(checker, node->items[0]);
  const bt_expression *value = NULL;
  if (aggregate != BT_AGGREGATE_COUNT) {
    bool has_unit = bt_gives_unit_of_value(node->function);
    bt_place inside = {.site = BT_SITE_AGGREGATE, .duration_wanted = has_unit && place->duration_wanted};
    inside.whole = place->whole;
    value = bt_checker_value(checker, node->items[1], &inside);
    if (!value || !check_value(checker, aggregate, node->items[1], value)) return NULL;
  }
  bt_expression *expression = selection ? bt_checker_alloc(checker, 1, sizeof *expression) : NULL;
  if (!expression) return NULL;
  bool has_unit =
      bt_gives_unit_of_value(node->function) && (value->type == BT_TYPE_DURATION || value->type == BT_TYPE_TIME);
  *expression = (bt_expression){.kind = BT_EXPRESSION_AGGREGATE,
                                .type = has_unit ? value->type : BT_TYPE_NUMBER,
                                .range = node->range,
                                .field = {.binding = BT_NO_BINDING},
                                .aggregate = aggregate,
                                .selection = selection,
                                .left = value};
  return expression;
}
