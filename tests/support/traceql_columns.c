/* Keys with a column of their own. See traceql_columns.h. */
#include "tests/support/traceql_columns.h"

#include "tests/support/traceql_value.h"

static bool has_column(traceql_columns columns, bt_str key) {
  return columns != TRACEQL_NO_COLUMNS && !bt_str_equal(key, BT_STR("service.name"));
}

bool traceql_column_holds(traceql_columns columns, const bt_value *value) {
  if (columns == TRACEQL_STRING_COLUMNS) return value->type == BT_VALUE_STRING;
  return columns == TRACEQL_INT_COLUMNS && value->type == BT_VALUE_INT;
}

bool traceql_column_hides(traceql_columns columns, bt_str key, const bt_value *stored, const bt_value *asked) {
  return has_column(columns, key) && stored->type == BT_VALUE_ARRAY && traceql_column_holds(columns, asked);
}

bool traceql_column_takes_nothing(traceql_columns columns, bt_str key, const char *op, const bt_value *asked) {
  if (!has_column(columns, key) || !traceql_column_holds(columns, asked)) return false;
  if (columns == TRACEQL_STRING_COLUMNS) return traceql_order_meets(op, bt_str_compare(BT_STR(""), asked->string));
  return traceql_order_meets(op, (0 > asked->integer) - (0 < asked->integer));
}

static bool any_is_lost(traceql_columns columns, bt_attributes attributes) {
  for (uint32_t i = 0; i < attributes.count; i++) {
    const bt_value *value = &attributes.items[i].value;
    bool is_array = value->type == BT_VALUE_ARRAY && value->array.count > 0;
    if (is_array && traceql_column_holds(columns, &value->array.items[0])) return true;
  }
  return false;
}

bool traceql_columns_lose(traceql_columns columns, const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (any_is_lost(columns, trace->spans[i].attributes) || any_is_lost(columns, trace->spans[i].resource->attributes))
      return true;
  return false;
}
