/* Aggregates, as count and sum: what they are about, and the value that is aggregated. See checker.h, functions.h and
 * dsl.md §5. The value is an expression over a span of the selection: its fields are that span's, and it needs one
 * at least. */
#include "dsl/check/checker.h"
#include "dsl/rule/field.h"
#include "dsl/syntax/diagnostic_codes.h"

bool bt_gives_unit_of_value(bt_function function) {
  const bt_function_row *row = bt_function_row_of(function);
  return row->class == BT_AGGREGATES && !row->is_count;
}

static bool reads_selected_span(const bt_expression *value) {
  if (!value || value->kind == BT_EXPRESSION_AGGREGATE) return false;
  if (value->kind == BT_EXPRESSION_FIELD)
    return value->field.binding == BT_NO_BINDING && !bt_field_is_of_trace(value->field.kind);
  return reads_selected_span(value->left) || reads_selected_span(value->right);
}

static bool takes_times(const bt_function_row *row) {
  return row->class == BT_AGGREGATES && row->is_one_of_its_values;
}

static bool takes_lengths(const bt_function_row *row) {
  return row->class == BT_AGGREGATES && !row->is_one_of_its_values && !row->is_count;
}

/* Earliest and latest are times; a sum of times is nothing, and a mean of them is hardly meant. */
static bool check_time(bt_checker *checker, const bt_function_row *row, const bt_ast *node) {
  if (takes_times(row)) return true;
  char of_times[BT_FUNCTION_LIST_BYTES], of_lengths[BT_FUNCTION_LIST_BYTES];
  bt_function_list(takes_times, of_times);
  bt_function_list(takes_lengths, of_lengths);
  bt_checker_report(checker, BT_E_TIME, node->range,
                    "%s take points in time, %s take numbers and durations, as in span.duration or "
                    "a difference of two times",
                    of_times, of_lengths);
  return false;
}

static bool check_value(bt_checker *checker, const bt_function_row *row, const bt_ast *node,
                        const bt_expression *value) {
  if (!reads_selected_span(value)) {
    bt_checker_report(checker, BT_E_UNKNOWN, node->range,
                      "expected a value of the spans that are aggregated, as in amount, price * quantity or "
                      "span.duration");
    return false;
  }
  if (row->is_count) return true;
  if (value->type == BT_TYPE_TIME) return check_time(checker, row, node);
  if (value->type != BT_TYPE_STRING && value->type != BT_TYPE_BOOLEAN) return true;
  bt_checker_report(checker, BT_E_ARITHMETIC, node->range,
                    "an aggregate takes numbers and durations, and this is a string");
  return false;
}

const bt_expression *bt_checker_aggregate(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  const bt_function_row *row = bt_function_row_of(node->function);
  bt_checker_warn_of_spans_counted(checker, node, place);
  const bt_selection *selection = bt_checker_operand(checker, node->items[0]);
  const bt_expression *value = NULL;
  if (row->arguments == 2) {
    bt_place inside = {.site = BT_SITE_AGGREGATE, .duration_wanted = !row->is_count && place->duration_wanted};
    inside.whole = place->whole;
    value = bt_checker_value(checker, node->items[1], &inside);
    if (!value || !check_value(checker, row, node->items[1], value)) return NULL;
  }
  bt_expression *expression = selection ? bt_checker_alloc(checker, 1, sizeof *expression) : NULL;
  if (!expression) return NULL;
  bool has_unit = !row->is_count && (value->type == BT_TYPE_DURATION || value->type == BT_TYPE_TIME);
  *expression = (bt_expression){.kind = BT_EXPRESSION_AGGREGATE,
                                .type = has_unit ? value->type : BT_TYPE_NUMBER,
                                .range = node->range,
                                .field = {.binding = BT_NO_BINDING},
                                .aggregate = row->aggregate,
                                .selection = selection,
                                .left = value};
  return expression;
}
