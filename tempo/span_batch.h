/* The inside of a span batch (otlp_decode.h): traces under construction, found by id through a hash table.
 * Thread: one at a time. Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_SPAN_BATCH_H
#define BT_TEMPO_SPAN_BATCH_H

#include "tempo/otlp_build.h"
#include "tempo/otlp_decode.h"

typedef struct bt_batch_entry {
  bt_trace_id id;
  bt_trace_builder *builder;
  uint64_t document; /* the last one that had spans of it */
} bt_batch_entry;

struct bt_span_batch {
  bt_build build;
  bt_batch_entry *entries; /* in order of arrival, after finish by id */
  size_t count, capacity;
  uint32_t *slots; /* entry + 1, or 0; open addressing by id; at most half of them are taken */
  size_t slot_count;
  size_t last;                         /* entry of the last span: mostly the next one's too */
  uint64_t document, span_count, seed; /* span_count: records, copies too */
  const bt_trace **traces;             /* after finish */
  bt_document_place place;             /* of the next document */
  const bt_trace_id *only;             /* NULL: every trace */
  size_t only_count;
  size_t trace_count;
};

/* A new document begins. BT_CONFLICT after finish: entries are in another order then. */
bt_status bt_span_batch_open(bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* Whether spans of that trace are kept: asked before what costs memory. */
bool bt_span_batch_wants(const bt_span_batch *batch, const bt_trace_id *id);
/* BT_INVALID when the trace or the span has no id (all zero); `byte` is where in the document it stands. */
bt_status bt_span_batch_add(bt_span_batch *batch, const bt_trace_id *id, const bt_span *span, size_t byte,
                            bt_error *error) BT_MUST_CHECK;
/* The traces that this document had spans of are not whole. */
void bt_span_batch_mark_partial(bt_span_batch *batch);

/* The two halves of bt_tempo_decode_trace. */
bt_status bt_tempo_decode_trace_protobuf(bt_str body, bt_span_batch *batch, bool *partial,
                                         bt_error *error) BT_MUST_CHECK;
bt_status bt_tempo_decode_trace_json(bt_str body, bt_span_batch *batch, bool *partial, bt_error *error) BT_MUST_CHECK;

#endif
