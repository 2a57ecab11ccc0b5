/* OTLP and tempopb, protobuf and JSON, into traces and search results: our own bounds-checked decoders for all that comes from outside.
 * No recursion on input, every read checked against its enclosing message, memory bounded by a constant times the input.
 * Strings of a decoded trace may borrow from the input. Thread: no state. */
#ifndef BT_TEMPO_OTLP_DECODE_H
#define BT_TEMPO_OTLP_DECODE_H

#include "tempo/source.h"

/* The spans of OTLP documents, grouped by trace. new; the caller keeps every input buffer until bt_span_batch_free unless copied. */
typedef struct bt_span_batch bt_span_batch;
bt_status bt_span_batch_new(size_t cap_bytes, bt_span_batch **out, bt_error *error) BT_MUST_CHECK;
void bt_span_batch_free(bt_span_batch *batch);
size_t bt_span_batch_trace_count(const bt_span_batch *batch);
const bt_trace *bt_span_batch_trace(const bt_span_batch *batch,
                                    size_t index); /* in order of id after bt_span_batch_finish */
bt_status bt_span_batch_finish(bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;

/* TracesData / ExportTraceServiceRequest / tempopb.Trace: field 1 resourceSpans. Spans with a trace id that is not 16 bytes or a span id
 * that is not 8, or all zero, are BT_INVALID with the place. */
bt_status bt_otlp_decode_protobuf(bt_str input, bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* OTLP JSON: {"resourceSpans": […]} (also "batches", as Tempo's v1 writes), hex or base64 ids, numbers as strings or numbers, enums as
 * numbers or names. */
bt_status bt_otlp_decode_json(bt_str input, bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;

/* /api/v2/traces/{id}: TraceByIDResponse {trace, metrics, status, message}. *partial: status PARTIAL. An empty trace: batch gets nothing. */
bt_status bt_tempo_decode_trace(bt_str body, bool is_json, bt_span_batch *batch, bool *partial,
                                bt_error *error) BT_MUST_CHECK;

/* One value of a span in a search answer; the key has no scope (Tempo drops it). */
typedef struct bt_search_span {
  bt_span_id id;
  bt_str name;
  int64_t start_ns, duration_ns;
  bt_attributes attributes; /* selected fields, intrinsics among them, as they came */
} bt_search_span;

/* Called for every trace (span NULL, once, first) and every span of every spanset of it. Borrowed until it returns.
 * Returning anything but BT_OK stops with it. */
typedef struct bt_search_row {
  bt_trace_id id;
  int64_t start_ns, end_ns; /* startTimeUnixNano, + durationMs (rounded up by one ms, because Tempo cuts) */
  const bt_search_span *span;
  uint32_t matched; /* of the spanset that the span is in */
} bt_search_row;
typedef bt_status (*bt_search_row_sink)(void *context, const bt_search_row *row, bt_error *error);

typedef struct bt_search_answer {
  size_t trace_count;
  uint64_t inspected_bytes;
} bt_search_answer;

/* tempopb.SearchResponse, protobuf or JSON. Field 6 (spanSet) and "spanSet" are copies of the first set and skipped.
 * with_spans false: the spansets are passed over (ids-only searches). */
bt_status bt_tempo_decode_search(bt_str body, bool is_json, bool with_spans, bt_search_row_sink sink, void *context,
                                 bt_search_answer *answer, bt_error *error) BT_MUST_CHECK;

#endif
