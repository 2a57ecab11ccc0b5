/* Spans from documents, as Data Prepper writes them in its standard format, or the Collector in its OTel-native one,
 * into a batch of traces. Values come with their types. An empty text may have been no value, and "NaN" a number: they
 * are of unknown type (untyped_text.h). What a document does not have at all is not known (BT_NOT_KEPT). Thread: one at
 * a time. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_ROWS_H
#define BT_TEMPO_ELASTIC_ELASTIC_ROWS_H

#include "tempo/wire/otlp_json.h"
#include "tempo/wire/span_batch.h"

/* Reads the document of a span, which comes next. BT_INVALID: it is none; BT_LIMIT, BT_NO_MEMORY. */
typedef bt_status (*bt_elastic_document)(bt_json_place *place, bt_span_batch *batch);
bt_status bt_data_prepper_read(bt_json_place *place, bt_span_batch *batch) BT_MUST_CHECK;
/* OTel-native: what is not there is empty. A time that has milliseconds alone was cut. Events are documents of other
 * streams, so nothing is known of those. BT_INVALID, BT_LIMIT, BT_NO_MEMORY as above. */
bt_status bt_otel_native_read(bt_json_place *place, bt_span_batch *batch) BT_MUST_CHECK;

typedef struct bt_elastic_rows {
  bt_span_batch *batch;
  bt_elastic_document read; /* of the schema */
  bt_buffer last_sort;      /* of the last hit, as JSON: where the next page begins; len 0: it has none */
} bt_elastic_rows;

/* bt_elastic_row of a bt_elastic_rows: a hit. BT_INVALID: it is no such document. BT_LIMIT, BT_NO_MEMORY. */
bt_status bt_elastic_rows_take(void *context, bt_json_place *place) BT_MUST_CHECK;

#endif
