/* OTLP and tempopb, protobuf and JSON, into traces and search results: our own bounds-checked decoders for all that
 * comes from outside. No recursion on input, every read checked against its enclosing message, memory bounded by a
 * constant times the input. Strings of a decoded trace may borrow from the input. Thread: no state. Errors: BT_INVALID,
 * it is not what was expected, or damaged; BT_LIMIT, it needs more memory than the batch may have, or holds too much;
 * BT_CONFLICT, the batch is finished; BT_NO_MEMORY. */
#ifndef BT_TEMPO_WIRE_OTLP_DECODER_H
#define BT_TEMPO_WIRE_OTLP_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/passed_over.h"
#include "tempo/wire/shown_spans.h"

/* The spans of OTLP documents, grouped by trace. The caller keeps every input buffer until bt_span_batch_free. */
typedef struct bt_span_batch bt_span_batch;
/* new. cap_bytes: of all that is decoded into it. BT_NO_MEMORY alone. */
bt_status bt_span_batch_new(size_t cap_bytes, bt_span_batch **out, bt_error *error) BT_MUST_CHECK;
void bt_span_batch_free(bt_span_batch *batch);
/* Where the next document's first byte stands in what it is a part of: messages count from there. Lines and columns
 * from 0. */
typedef struct bt_document_place {
  uint64_t line, column, byte;
} bt_document_place;
void bt_span_batch_place(bt_span_batch *batch, const bt_document_place *place);
/* From now on only spans of these traces are kept (ids in order, borrowed as long as the batch is filled). */
void bt_span_batch_only(bt_span_batch *batch, const bt_trace_id *ids, size_t count);
/* From now on documents of other signals and spans without an id are passed over and counted there (borrowed as long as
 * the batch is filled). Until then they are BT_INVALID. */
void bt_span_batch_leave_out(bt_span_batch *batch, bt_passed_over *passed);
/* These traces (ids in order) lack spans: those of them that are in the batch are `partial`. Before finish. */
void bt_span_batch_mark_lacking(bt_span_batch *batch, const bt_trace_id *ids, size_t count);
/* After bt_otlp_decode_json_documents or _line: how many bytes of the input were read before what is wrong, or all. */
size_t bt_span_batch_stopped_at(const bt_span_batch *batch);
/* Puts the traces in order of id. No document can be decoded into the batch afterwards (BT_CONFLICT). */
bt_status bt_span_batch_finish(bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* Spans that came, copies of one span too. */
uint64_t bt_span_batch_span_count(const bt_span_batch *batch);
/* After finish; 0 before. */
size_t bt_span_batch_trace_count(const bt_span_batch *batch);
/* Borrowed as long as the batch and the inputs. */
const bt_trace *bt_span_batch_trace(const bt_span_batch *batch, size_t index);
/* The one with that id, likewise, after finish; NULL: there is none. */
const bt_trace *bt_span_batch_find(const bt_span_batch *batch, const bt_trace_id *id);

/* After an error a batch holds some part of the document: free it. All messages say where in the document (byte, or
 * line and column).
 *
 * TracesData / ExportTraceServiceRequest / tempopb.Trace: field 1 resourceSpans. Spans with a trace id that is not 16
 * bytes or a span id that is not 8, or all zero, are BT_INVALID, and so are times beyond 2^63 − 1 ns. Bytes in texts
 * that are not UTF-8 become U+FFFD one by one (as Tempo's JSON has them); in JSON they are BT_INVALID. Which fields are
 * read is one table for protobuf and JSON (otlp_fields.h); instrumentation_library_spans is one of them. */
bt_status bt_otlp_decode_protobuf(bt_str input, bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* The same of what is going on to another receiver: see bt_otlp_decode_json_request. */
bt_status bt_otlp_decode_protobuf_request(bt_str input, bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* OTLP JSON: {"resourceSpans": […]} (also "batches", as Tempo's v1 writes), hex or base64 ids, numbers as strings or
 * numbers, enums as numbers or names. An object that has only other keys is BT_INVALID; {} is a document without spans.
 */
bt_status bt_otlp_decode_json(bt_str input, bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* An ExportTraceServiceRequest that is going on to another receiver as it is: names that only older or other writers
 * use (`batches`, `instrumentationLibrarySpans`) are BT_INVALID, because that receiver would pass over them and say
 * that it took everything. *is_flat: the object has `spans` at its top instead (the other form of POST /v1/spans); then
 * it is checked JSON and nothing was decoded. */
bt_status bt_otlp_decode_json_request(bt_str input, bt_span_batch *batch, bool *is_flat, bt_error *error) BT_MUST_CHECK;
/* The same for a file: one document, or several one after another (JSON lines), or arrays of them; also Tempo's
 * {"trace": …}, {"result": …} as Jaeger's API v3 has it, and a ResourceSpans or ScopeSpans alone, as exporters that log
 * write them. A document of logs, metrics or profiles is passed over where the batch counts it. */
bt_status bt_otlp_decode_json_documents(bt_str input, bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* The same with one document, or one array, and nothing behind it. */
bt_status bt_otlp_decode_json_line(bt_str input, bt_span_batch *batch, bt_error *error) BT_MUST_CHECK;
/* Whose JSON that is, as far as it can be told by its keys. *sentence: of what is known and not read, its name and what
 * to do. What is no JSON counts as OTLP: its reader says where it is wrong. */
typedef enum bt_json_kind {
  BT_JSON_OF_OTLP,
  BT_JSON_OF_JAEGER,
  BT_JSON_OF_ZIPKIN,
  BT_JSON_OF_NOBODY, /* an array without anything */
  BT_JSON_UNREAD
} bt_json_kind;
bt_json_kind bt_otlp_json_kind(bt_str input, const char **sentence);

/* /api/v2/traces/{id}: TraceByIDResponse {trace, metrics, status, message}. *partial: status PARTIAL; the traces in it
 * are then `partial` too. An empty trace (not found): the batch gets nothing; a body without one is BT_INVALID. */
bt_status bt_tempo_decode_trace(bt_str body, bool is_json, bt_span_batch *batch, bool *partial,
                                bt_error *error) BT_MUST_CHECK;

/* One value of a span in a search answer; the key has no scope (Tempo drops it). */
typedef struct bt_search_span {
  bt_span_id id;
  bt_str name;
  int64_t start_ns, duration_ns; /* duration below 0: it ends before it starts */
  bt_attributes attributes;      /* selected fields, intrinsics among them, as they came */
} bt_search_span;

/* Called for every trace (span NULL, once, first) and every span of every spanset of it. Borrowed until it returns.
 * Returning anything but BT_OK stops with it. */
typedef struct bt_search_row {
  bt_trace_id id;
  /* startTimeUnixNano, + durationMs (rounded up by one ms, because Tempo cuts), and both at least as wide as the spans
   * that the row shows: durationMs is a uint32, which wraps after 49.7 days. */
  int64_t start_ns, end_ns;
  bool in_doubt;       /* it says that it starts at 0: these are bounds of the shown spans; both 0: of none */
  uint32_t span_count; /* serviceStats, added up: see bt_found */
  uint32_t entry;      /* of rootServiceName: see bt_found */
  bt_shown shown;      /* spans that the row shows */
  const bt_search_span *span;
  uint32_t matched; /* of the spanset that the span is in */
} bt_search_row;
typedef bt_status (*bt_search_row_sink)(void *context, const bt_search_row *row, bt_error *error);

typedef struct bt_search_answer {
  size_t trace_count;
  uint64_t inspected_bytes;
} bt_search_answer;

/* tempopb.SearchResponse, protobuf or JSON. Field 6 (spanSet) and "spanSet" are copies of the first set: read only
 * where there are no spansets. with_spans false: of the spans only ids and times are read (ids-only searches).
 * BT_INVALID: not an answer (neither traces nor metrics are in it: an empty body is not "nothing found"), or damaged;
 * rows may have come before it was seen. */
bt_status bt_tempo_decode_search(bt_str body, bool is_json, bool with_spans, bt_search_row_sink sink, void *context,
                                 bt_search_answer *answer, bt_error *error) BT_MUST_CHECK;

#endif
