/* Spans as the exporter's table has them, from rows into a batch of traces. Texts borrow from the rows. What the table
 * does not keep is marked as not known: types of values (untyped_text.h), attributes of scopes, flags, and how much was
 * dropped (BT_NOT_KEPT). Thread: one at a time. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_SPAN_ROWS_H
#define BT_TEMPO_CLICKHOUSE_SPAN_ROWS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "tempo/clickhouse/row_binary.h"
#include "tempo/wire/otlp_decoder.h"

/* The columns, in the order in which a row has them. */
#define BT_SPAN_COLUMNS                                                                                                \
  "TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName, "        \
  "ScopeVersion, SpanAttributes, toUnixTimestamp64Nano(Timestamp), toInt64(Duration), StatusCode, StatusMessage, "     \
  "arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`), `Events.Name`, `Events.Attributes`, "                  \
  "`Links.TraceId`, `Links.SpanId`, `Links.Attributes`"

typedef struct bt_span_rows {
  bt_span_batch *batch;
  const bt_resource *resource; /* of the row before; most rows have the same */
  bt_str resource_bytes;
  bt_str resource_service;
  bt_status status; /* why a row could not be taken */
  bt_error error;
} bt_span_rows;

/* bt_clickhouse_row of a bt_span_rows. False: status and error say why. */
bool bt_span_rows_take(void *context, bt_row_reader *reader);

#endif
