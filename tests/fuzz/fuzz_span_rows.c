/* Arbitrary bytes as rows of spans in ClickHouse, in the form of the schema that the first byte picks: they are read or
 * refused, and every text of a span is UTF-8. */
#include <stdint.h>
#include <stdlib.h>

#include "tempo/clickhouse/clickhouse_layout.h"
#include "tempo/clickhouse/span_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_value(const bt_value *value) {
  if (value->type == BT_VALUE_STRING && !bt_utf8_valid(value->string)) abort();
  if (value->type != BT_VALUE_ARRAY) return;
  if (!value->array.count) abort();
  for (uint32_t i = 0; i < value->array.count; i++) look_at_value(&value->array.items[i]);
}

static void look_at_attributes(const bt_attributes *attributes) {
  for (uint32_t i = 0; i < attributes->count; i++) {
    if (!bt_utf8_valid(attributes->items[i].key)) abort();
    look_at_value(&attributes->items[i].value);
  }
}

static void look_at_span(const bt_span *span) {
  if (!span->resource || !span->scope || !bt_utf8_valid(span->name) || !bt_utf8_valid(span->status_message)) abort();
  look_at_attributes(&span->attributes);
  look_at_attributes(&span->resource->attributes);
  look_at_attributes(&span->scope->attributes);
  for (uint32_t i = 0; i < span->event_count; i++) look_at_attributes(&span->events[i].attributes);
  for (uint32_t i = 0; i < span->link_count; i++) look_at_attributes(&span->links[i].attributes);
}

static void look_at(const bt_span_batch *batch) {
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    for (uint32_t k = 0; k < trace->span_count; k++) look_at_span(&trace->spans[k]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_error error = {0};
  bt_span_batch *batch;
  if (!size || bt_span_batch_new(1 << 22, &batch, &error) != BT_OK) return 0;
  const char *bytes = (const char *)data;
  bt_row_reader reader = {bytes + 1, bytes + size, false};
  bt_span_rows rows = {.batch = batch, .form = bt_clickhouse_layouts[data[0] % BT_CLICKHOUSE_LAYOUTS].form};
  while (bt_rows_are_left(&reader) && bt_span_rows_take(&rows, &reader)) continue;
  if (rows.status != BT_OK && !rows.error.message[0]) abort();
  if (rows.status == BT_OK && !reader.failed && bt_span_batch_finish(batch, &error) == BT_OK) look_at(batch);
  bt_span_batch_free(batch);
  return 0;
}
