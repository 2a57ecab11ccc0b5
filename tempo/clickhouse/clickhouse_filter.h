/* Filters in SQL: one condition on one row, which is one span. Texts of a rule, keys among them, are parameters, so
 * that none ever becomes a part of SQL; numbers are written by us. A value of the table may be a text of unknown type
 * (dsl/trace/untyped_text.h). So a condition of an over-query finds each span whose value may be meant. One of an
 * under-query finds those alone that nothing speaks against. What cannot be said is true in the first, and false in the
 * second. Thread: values, no state. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_FILTER_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"
#include "dsl/plan/plan.h"
#include "tempo/clickhouse/clickhouse_layout.h"

/* bt_query.manner */
enum { BT_CLICKHOUSE_OVER = 0, BT_CLICKHOUSE_UNDER = 1 };
enum { BT_CLICKHOUSE_CONDITION_BYTES = 24576 };

typedef struct bt_clickhouse_condition {
  bt_buffer sql;  /* its values are {f0:String}, {f1:String}, … */
  bt_str *values; /* borrowed from the filter */
  size_t count, capacity;
  bool lacks_memory;
} bt_clickhouse_condition;

/* True: all of it is said. What is too long is not. Dispose in every case. */
bool bt_clickhouse_condition_write(const bt_clickhouse_layout *layout, bt_query query, bt_clickhouse_condition *out);
/* The parameter that has this text, as SQL: {f3:String}. It is added where it lacks. */
void bt_clickhouse_condition_name(bt_clickhouse_condition *condition, bt_str text, bt_buffer *sql);
void bt_clickhouse_condition_dispose(bt_clickhouse_condition *condition);
/* The same for people, with its values in their places. Nobody is asked with it. */
void bt_clickhouse_condition_show(const bt_clickhouse_layout *layout, bt_query query, bt_buffer *out);

/* Such a text is compared rightly although the table may hold texts that are no UTF-8, which are read with U+FFFD. */
bool bt_clickhouse_is_plain(bt_str text);
/* And such a key names a path of a JSON column, and nothing else there. */
bool bt_clickhouse_is_path(bt_str key);
/* And a value that equals it was a text and nothing else, whole. */
bool bt_clickhouse_is_sure(bt_str text);

#endif
