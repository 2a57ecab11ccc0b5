/* Keys with a column of their own. See traceql_columns.h. */
#include "tests/support/traceql_columns.h"

#include "tests/support/traceql_value.h"

bool traceql_has_column(traceql_columns columns, bt_str key) {
  return columns != TRACEQL_NO_COLUMNS && !bt_str_equal(key, BT_STR("service.name")) &&
         !bt_str_equal(key, BT_STR("betrace.none"));
}

bool traceql_column_holds(traceql_columns columns, const bt_value *value) {
  if (columns == TRACEQL_STRING_COLUMNS) return value->type == BT_VALUE_STRING;
  return columns == TRACEQL_INT_COLUMNS && value->type == BT_VALUE_INT;
}

static bool takes_nothing(const char *op, const bt_value *asked) {
  if (asked->type == BT_VALUE_STRING) return traceql_order_meets(op, bt_str_compare(BT_STR(""), asked->string));
  return traceql_order_meets(op, (0 > asked->integer) - (0 < asked->integer));
}

void traceql_look_at(traceql_look *look, bool of_resource, bt_str key, const char *op, const bt_value *asked) {
  if (of_resource != look->in_resource) return;
  bool has_column = traceql_has_column(look->columns, key);
  if (!asked) {
    look->asks_all = look->asks_all || !has_column;
  } else if (has_column && bt_str_equal(key, look->key)) {
    bool in_column = traceql_column_holds(look->columns, asked);
    look->takes_nothing = look->takes_nothing || (in_column && takes_nothing(op, asked));
    look->asks_beside = look->asks_beside || !in_column;
  }
}
