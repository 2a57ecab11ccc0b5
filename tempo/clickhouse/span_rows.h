/* Spans as a table has them, from rows into a batch of traces. Texts borrow from the rows. What the table does not keep
 * is marked as not known: types of values (untyped_text.h), attributes of scopes and links, and how much was dropped
 * (BT_NOT_KEPT). Thread: one at a time. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_SPAN_ROWS_H
#define BT_TEMPO_CLICKHOUSE_SPAN_ROWS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "tempo/clickhouse/row_binary.h"
#include "tempo/wire/otlp_builder.h"
#include "tempo/wire/otlp_decoder.h"

typedef struct bt_row_form bt_row_form;

/* What the row before had; most rows have the same. */
typedef struct bt_row_before {
  const void *value; /* NULL: there is none */
  bt_str bytes;      /* that it was read from */
} bt_row_before;

typedef struct bt_span_rows {
  bt_span_batch *batch;
  const bt_row_form *form;
  bt_row_before resource, scope;
  bt_str resource_service;
  bt_status status; /* why a row could not be taken */
  bt_error error;
} bt_span_rows;

/* Adds attributes of a row to a list (row_attributes.h). */
typedef bool (*bt_row_attributes)(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list);

/* How a row is written. Its values come in this order: trace id, span id, parent, trace state, name, kind, service,
 * attributes of the resource, the scope's name, version and attributes, attributes of the span, start, duration,
 * status, its message, flags, whether the rest can be read; times, names and attributes of the events; trace ids, span
 * ids and attributes of the links. */
struct bt_row_form {
  bt_row_attributes resource, span, event;
  bt_row_attributes scope, link; /* NULL: not kept, and not in the row */
  bool has_flags, has_check;     /* else they are not in the row */
};

/* bt_clickhouse_row of a bt_span_rows. False: status and error say why. */
bool bt_span_rows_take(void *context, bt_row_reader *reader);

/* For row_attributes.h: always false; and a text, in UTF-8. */
bool bt_row_stop(bt_span_rows *rows, bt_status status);
bool bt_row_stop_at(bt_span_rows *rows, const char *what, bt_str text);
bool bt_row_take_text(bt_span_rows *rows, bt_row_reader *reader, bt_str *out);

#endif
