/* RowBinary, ClickHouse's plainest format: values of a row one after another, rows one after another, without names,
 * types or an end. Whoever reads it knows what was asked for. Each read is checked against the end. Thread: values, no
 * state. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_ROW_BINARY_H
#define BT_TEMPO_CLICKHOUSE_ROW_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"

typedef struct bt_row_reader {
  const char *at, *end;
  bool failed; /* it ends within a value; stays so, and values read are empty from then on */
} bt_row_reader;

static inline bool bt_rows_are_left(const bt_row_reader *reader) {
  return !reader->failed && reader->at < reader->end;
}
uint8_t bt_row_byte(bt_row_reader *reader);
int64_t bt_row_int64(bt_row_reader *reader);
double bt_row_double(bt_row_reader *reader);
uint64_t bt_row_number(bt_row_reader *reader); /* of as many bytes as it takes */
bt_str bt_row_text(bt_row_reader *reader);     /* borrowed from what is read */
/* How many elements (of a map: pairs) follow; no more than there are bytes left. */
size_t bt_row_count(bt_row_reader *reader);

#endif
