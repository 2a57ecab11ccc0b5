/* The inside of a span batch (otlp_decoder.h): spans in the order in which they came, and their traces, found by id
 * through a hash table. The traces are built in the end, one after the other, because then all that is looked up for
 * one lies together. Thread: one at a time. Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_SPAN_BATCH_H
#define BT_TEMPO_WIRE_SPAN_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/otlp_builder.h"
#include "tempo/wire/otlp_decoder.h"

/* A span as it came. */
typedef struct bt_batch_record {
  bt_span span;
  uint32_t entry; /* of its trace, in order of arrival */
} bt_batch_record;

/* Records in order of arrival: written one after another, whatever traces they belong to. */
typedef struct bt_batch_chunk bt_batch_chunk;
struct bt_batch_chunk {
  bt_batch_chunk *next;
  bt_batch_record *records;
  uint32_t count, capacity;
};

typedef struct bt_batch_entry {
  bt_trace_id id;
  uint64_t document; /* the last one that had spans of it */
  size_t span_count; /* records, copies too */
  uint32_t number;   /* in order of arrival */
  bool is_partial;
} bt_batch_entry;

struct bt_span_batch {
  bt_build build;
  bt_batch_entry *entries; /* in order of arrival, after finish by id */
  size_t count, capacity;
  bt_batch_chunk *first_chunk, *last_chunk;
  bt_table table;                /* of entries, by id */
  size_t last;                   /* entry of the last span: mostly the next one's too */
  uint64_t document, span_count; /* span_count: records, copies too */
  const bt_trace **traces;       /* after finish */
  bt_document_place place;       /* of the next document */
  const bt_trace_id *only;       /* NULL: every trace */
  size_t only_count;
  size_t stopped_at;      /* byte of the file's JSON at which its reader stopped last */
  bt_passed_over *passed; /* NULL: nothing may be left out */
  size_t trace_count;
};

/* A new document begins. BT_CONFLICT after finish: entries are in another order then. */
bt_status bt_span_batch_open(bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* Whether spans of that trace are kept: asked before what costs memory. */
bool bt_span_batch_names(const bt_span_batch *batch, const bt_trace_id *id); /* where there is a list */
static inline bool bt_span_batch_wants(const bt_span_batch *batch, const bt_trace_id *id) {
  return !batch->only || bt_span_batch_names(batch, id);
}
/* Where the next span is put together; it is in the batch once bt_span_batch_take was called. Owned by the batch.
 * BT_LIMIT: too many spans. BT_NO_MEMORY. */
bt_status bt_span_batch_next(bt_span_batch *batch, bt_span **out, bt_error *error) BT_MUST_CHECK;
/* BT_INVALID when the trace or the span has no id (all zero); `byte` is where in the document it stands. Where such
 * spans are left out, it is counted and not taken. BT_LIMIT: too many spans or traces. BT_NO_MEMORY. */
bt_status bt_span_batch_take(bt_span_batch *batch, const bt_trace_id *id, size_t byte, bt_error *error) BT_MUST_CHECK;
/* The same for a span that was put together elsewhere. */
bt_status bt_span_batch_add(bt_span_batch *batch, const bt_trace_id *id, const bt_span *span, size_t byte,
                            bt_error *error) BT_MUST_CHECK;
/* The traces that this document had spans of are not whole. */
void bt_span_batch_mark_partial(bt_span_batch *batch);

/* The two halves of bt_tempo_decode_trace, with its errors. */
bt_status bt_tempo_decode_trace_protobuf(bt_str body, bt_span_batch *batch, bool *partial,
                                         bt_error *error) BT_MUST_CHECK;
bt_status bt_tempo_decode_trace_json(bt_str body, bt_span_batch *batch, bool *partial, bt_error *error) BT_MUST_CHECK;

#endif
