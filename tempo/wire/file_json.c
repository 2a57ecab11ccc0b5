/* JSON of trace files: whose it is, told by its keys, and the reader that it needs (bt_otlp_decode_json_documents).
 * What no reader takes is named where it is known, with what to do. */
#include <string.h>

#include "tempo/wire/jaeger_json.h"
#include "tempo/wire/otlp_json.h"
#include "tempo/wire/span_batch.h"
#include "tempo/wire/zipkin_json.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BIT(key)     (1u << (key))

/* ---- whose it is ---- */

enum {
  KEY_JAEGER_TRACE,
  KEY_SPANS,
  KEY_PROCESSES,
  KEY_DATA,
  KEY_TRACE,
  KEY_ID,
  KEY_TYPE,
  KEY_START,
  KEY_SPAN,
  KEY_SNAKE_TRACE,
  KEY_SNAKE_SPAN,
  KEY_META,
  KEY_SERVICE,
  KEY_CONTEXT,
  KEY_SNAKE_START,
  KEY_EVENTS,
  KEY_TRACES,
  KEY_METRICS,
  KEY_RUN,
  KEY_SEGMENTS,
  KEY_HITS,
  KEY_OBSERVATIONS,
  KEY_GO_CONTEXT,
  KEY_GO_KIND
};
static const bt_json_name kind_names[] = {BT_JSON_NAME("traceID", KEY_JAEGER_TRACE),
                                          BT_JSON_NAME("spans", KEY_SPANS),
                                          BT_JSON_NAME("processes", KEY_PROCESSES),
                                          BT_JSON_NAME("data", KEY_DATA),
                                          BT_JSON_NAME("traceId", KEY_TRACE),
                                          BT_JSON_NAME("id", KEY_ID),
                                          BT_JSON_NAME("type", KEY_TYPE),
                                          BT_JSON_NAME("startTime", KEY_START),
                                          BT_JSON_NAME("spanId", KEY_SPAN),
                                          BT_JSON_NAME("trace_id", KEY_SNAKE_TRACE),
                                          BT_JSON_NAME("span_id", KEY_SNAKE_SPAN),
                                          BT_JSON_NAME("meta", KEY_META),
                                          BT_JSON_NAME("service", KEY_SERVICE),
                                          BT_JSON_NAME("context", KEY_CONTEXT),
                                          BT_JSON_NAME("start_time", KEY_SNAKE_START),
                                          BT_JSON_NAME("traceEvents", KEY_EVENTS),
                                          BT_JSON_NAME("traces", KEY_TRACES),
                                          BT_JSON_NAME("metrics", KEY_METRICS),
                                          BT_JSON_NAME("run_type", KEY_RUN),
                                          BT_JSON_NAME("Segments", KEY_SEGMENTS),
                                          BT_JSON_NAME("hits", KEY_HITS),
                                          BT_JSON_NAME("observations", KEY_OBSERVATIONS),
                                          BT_JSON_NAME("SpanContext", KEY_GO_CONTEXT),
                                          BT_JSON_NAME("SpanKind", KEY_GO_KIND)};

/* Kinds that are known and not read: all of these keys are there. The more exact come first. */
static const struct {
  uint32_t keys;
  const char *sentence;
} unread_kinds[] = {
    {BIT(KEY_EVENTS),
     "this is a Chrome trace (traceEvents): its events belong to no trace, so no rule can look at them"},
    {BIT(KEY_CONTEXT) | BIT(KEY_SNAKE_START),
     "this is what the Python SDK's ConsoleSpanExporter prints: use its OTLP exporter, and betrace listen or the "
     "Collector's file exporter"},
    {BIT(KEY_GO_CONTEXT) | BIT(KEY_GO_KIND),
     "this is what stdouttrace of the Go SDK prints: use its OTLP exporter, and betrace listen or the Collector's file "
     "exporter"},
    {BIT(KEY_RUN), "this is LangSmith's export: send the same spans by OTLP, to betrace listen or a Collector"},
    {BIT(KEY_TRACE) | BIT(KEY_TYPE) | BIT(KEY_START),
     "this is Langfuse's export: send the same spans by OTLP, to betrace listen or a Collector"},
    {BIT(KEY_OBSERVATIONS), "this is Langfuse's export: send the same spans by OTLP, to betrace listen or a Collector"},
    {BIT(KEY_SNAKE_TRACE) | BIT(KEY_SNAKE_SPAN) | BIT(KEY_META),
     "this is Datadog's JSON: send the same spans to a Collector with its Datadog receiver and file exporter"},
    {BIT(KEY_SEGMENTS), "this is AWS X-Ray's JSON: send the same spans to a Collector with its X-Ray receiver and file "
                        "exporter"},
    {BIT(KEY_HITS), "this is an answer of Elasticsearch: download the trace from Jaeger's UI, or send it by OTLP"},
    {BIT(KEY_TRACES) | BIT(KEY_METRICS),
     "this is Tempo's answer to a search, which has no whole traces: use --tempo, or download each trace by its id"},
    {BIT(KEY_TRACE) | BIT(KEY_SPAN), "expected an object with resourceSpans; this is a span of OTLP without anything "
                                     "around it"}};

static const char printed_by_node[] =
    "this is what the JavaScript SDK's ConsoleSpanExporter prints: use its OTLP exporter, and betrace listen or the "
    "Collector's file exporter";

static const char printed_by_cpp[] =
    "this is what the C++ SDK's OStreamSpanExporter prints: use its OtlpFileExporter, which writes OTLP JSON";

static bool begins_like_otlp(bt_str key) {
  static const char *const keys[] = {"resourceSpans",   "resource", "resourceLogs",
                                     "resourceMetrics", "batches",  "trace"};
  for (size_t i = 0; i < COUNT(keys); i++)
    if (bt_str_equal(key, bt_str_from(keys[i]))) return true;
  return false;
}

/* An array of Jaeger's traces, or an empty one. */
static bool holds_jaeger(bt_json look) {
  bt_str key;
  if (bt_json_peek(&look) != BT_JSON_ARRAY || !bt_json_open_array(&look)) return false;
  if (!bt_json_next_item(&look)) return !look.problem;
  if (bt_json_peek(&look) != BT_JSON_OBJECT || !bt_json_open_object(&look)) return false;
  while (bt_json_next_key(&look, &key)) {
    if (bt_str_equal(key, BT_STR("traceID"))) return true;
    if (!bt_json_skip(&look)) return false;
  }
  return false;
}

/* What the keys say so far. */
static bt_json_kind kind_of(uint32_t keys, const char **sentence) {
  const uint32_t zipkin = BIT(KEY_TRACE) | BIT(KEY_ID), others = BIT(KEY_TYPE) | BIT(KEY_START) | BIT(KEY_SPAN);
  if ((keys & zipkin) == zipkin && !(keys & others)) return BT_JSON_OF_ZIPKIN;
  if (keys & BIT(KEY_JAEGER_TRACE) && keys & BIT(KEY_SPANS)) return BT_JSON_OF_JAEGER;
  for (size_t i = 0; i < COUNT(unread_kinds); i++)
    if ((keys & unread_kinds[i].keys) == unread_kinds[i].keys)
      return *sentence = unread_kinds[i].sentence, BT_JSON_UNREAD;
  return BT_JSON_OF_OTLP;
}

/* What looks like JSON, but that its keys have no quotes. NULL: nothing that is known. */
static const char *sentence_of_unquoted(const bt_json *at_key) {
  const bt_str rest = {at_key->at, (size_t)(at_key->end - at_key->at)};
  if (bt_str_starts_with(rest, BT_STR("name          : "))) return printed_by_cpp;
  bool is_of_node = bt_str_starts_with(rest, BT_STR("resource: {")) || bt_str_starts_with(rest, BT_STR("traceId: '"));
  return is_of_node ? printed_by_node : NULL;
}

/* Of the object that comes next, which is only looked at. What is no JSON is left to a reader, which says where. */
static bt_json_kind look_at_object(bt_json look, const char **sentence) {
  uint32_t seen = 0;
  unsigned bit;
  bt_str key;
  bt_json first = look;
  if (!bt_json_open_object(&first)) return BT_JSON_OF_OTLP;
  bool has_key = bt_json_next_key(&first, &key);
  if (!has_key && (*sentence = sentence_of_unquoted(&first))) return BT_JSON_UNREAD;
  if (!has_key || begins_like_otlp(key)) return BT_JSON_OF_OTLP;
  bt_json_open_object(&look);
  while (bt_json_next_known(&look, kind_names, COUNT(kind_names), &seen, &bit)) {
    if (bit == KEY_DATA && holds_jaeger(look)) return BT_JSON_OF_JAEGER;
    if (seen & BIT(KEY_JAEGER_TRACE) && seen & BIT(KEY_SPANS)) return BT_JSON_OF_JAEGER;
    bt_json_skip(&look);
  }
  return look.problem ? BT_JSON_OF_OTLP : kind_of(seen, sentence);
}

/* ---- reading ---- */

static bt_status read_object(bt_json_place *place, bt_span_batch *batch) {
  const char *sentence = NULL;
  switch (look_at_object(place->json, &sentence)) {
  case BT_JSON_OF_OTLP: return bt_otlp_read_file_document(place, batch);
  case BT_JSON_OF_JAEGER: return bt_jaeger_read_document(place, batch);
  case BT_JSON_OF_ZIPKIN: return bt_zipkin_read_document(place, batch);
  case BT_JSON_OF_NOBODY:
  case BT_JSON_UNREAD: break;
  }
  return bt_json_place_stop(place, sentence);
}

/* Of an array by its first object. Zipkin's traces, and Datadog's, are arrays of spans, and a file of them is an array
 * of these. */
static bt_json_kind look_at_array(bt_json look, const char **sentence) {
  bt_json_open_array(&look);
  while (bt_json_next_item(&look)) {
    bt_json inner = look;
    bool is_trace = bt_json_peek(&inner) == BT_JSON_ARRAY;
    if (!is_trace || (bt_json_open_array(&inner) && bt_json_next_item(&inner)))
      return bt_json_peek(&inner) == BT_JSON_OBJECT ? look_at_object(inner, sentence) : BT_JSON_OF_OTLP;
    bt_json_skip(&look);
  }
  return BT_JSON_OF_NOBODY;
}

bt_json_kind bt_otlp_json_kind(bt_str input, const char **sentence) {
  bt_json look;
  bt_arena names; /* of keys with escapes in them */
  bt_arena_init(&names, 1 << 20);
  bt_json_init(&look, input, &names);
  bt_json_kind kind = BT_JSON_OF_OTLP;
  if (bt_json_peek(&look) == BT_JSON_ARRAY)
    kind = look_at_array(look, sentence);
  else if (bt_json_peek(&look) == BT_JSON_OBJECT)
    kind = look_at_object(look, sentence);
  bt_arena_dispose(&names);
  return kind;
}

static bt_status read_document(bt_json_place *place, bt_span_batch *batch) {
  const char *sentence = NULL;
  if (bt_json_peek(&place->json) != BT_JSON_ARRAY) return read_object(place, batch);
  bt_json_kind kind = look_at_array(place->json, &sentence);
  if (kind == BT_JSON_OF_ZIPKIN) return bt_zipkin_read_document(place, batch);
  if (kind == BT_JSON_UNREAD) return bt_json_place_stop(place, sentence);
  bt_status status = BT_OK;
  bt_json_open_array(&place->json);
  while (status == BT_OK && bt_json_next_item(&place->json)) status = read_object(place, batch);
  return bt_json_place_finish(place, status);
}

static void start_reading(bt_json_place *place, bt_str input, bt_span_batch *batch, bt_error *error) {
  *place = (bt_json_place){.build = &batch->build, .error = error};
  bt_json_init(&place->json, input, &batch->build.arena);
  place->json.first_line = batch->place.line;
  place->json.first_column = batch->place.column;
}

bt_status bt_otlp_decode_json_documents(bt_str input, bt_span_batch *batch, bt_error *error) {
  bt_json_place place;
  bt_status status = BT_OK;
  start_reading(&place, input, batch, error);
  while (status == BT_OK && !bt_json_at_end(&place.json)) status = read_document(&place, batch);
  batch->stopped_at = (size_t)(place.json.at - place.json.start);
  return status;
}

bt_status bt_otlp_decode_json_line(bt_str input, bt_span_batch *batch, bt_error *error) {
  bt_json_place place;
  start_reading(&place, input, batch, error);
  bt_status status = read_document(&place, batch);
  batch->stopped_at = (size_t)(place.json.at - place.json.start);
  if (status != BT_OK || bt_json_at_end(&place.json)) return status;
  return bt_json_place_stop(&place, "expected the end of the text");
}
