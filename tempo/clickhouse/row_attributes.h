/* Attributes as the schemas have them, out of a row. Each adds to a list. Texts borrow from the row. False: the rows
 * say why, or the row ends too early. Thread: one at a time. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_ROW_ATTRIBUTES_H
#define BT_TEMPO_CLICKHOUSE_ROW_ATTRIBUTES_H

#include "tempo/clickhouse/span_rows.h"

/* A map of texts: values are of unknown type. */
bool bt_row_take_texts(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list);
/* SigNoz: maps of texts (lists among them, as JSON), of doubles (integers among them, rounded) and of booleans. */
bool bt_row_take_three_maps(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list);
/* A JSON column: paths with values that say their types (json_column.c). */
bool bt_row_take_json(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list);
/* Jaeger: pairs of booleans, doubles, integers, texts, and bytes, lists and maps by a word before the key. */
bool bt_row_take_five_lists(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list);

#endif
