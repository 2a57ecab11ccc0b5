/* Search answers in JSON (all that Tempo before 2.9 sends). See otlp_decoder.h. spanSet is a copy of the first of
 * spanSets: it is passed over, and read in the end only where there are no spanSets. */
#include "tempo/wire/json_number.h"
#include "tempo/wire/otlp_json.h"
#include "tempo/wire/search_rows.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct decoder {
  bt_json_place place;
  bt_search_rows *rows;
} decoder;

static bt_status finish_value(const decoder *d, bt_status status) {
  return status == BT_OK ? bt_json_place_status(&d->place) : status;
}

static bt_status read_duration(decoder *d, int64_t *out) {
  uint64_t raw = 0;
  bt_status status = bt_json_read_uint64(&d->place, "expected a duration in nanoseconds", &raw);
  *out = bt_search_duration(raw);
  return status;
}

static bt_status read_span_id(decoder *d, bt_search_span *span) {
  bt_str hex;
  if (!bt_json_string(&d->place.json, &hex)) return bt_json_place_status(&d->place);
  return bt_search_rows_set_span_id(d->rows, hex, &span->id);
}

static bt_status read_span_member(decoder *d, unsigned bit, bt_search_span *span) {
  switch (bit) {
  case 0: return read_span_id(d, span);
  case 1: return bt_json_read_text(&d->place, &span->name);
  case 2: return bt_json_read_time(&d->place, &span->start_ns);
  case 3: return read_duration(d, &span->duration_ns);
  default: return bt_json_read_attributes(&d->place, &d->place.build->span);
  }
}

static bt_status read_span(decoder *d) {
  static const bt_json_name names[] = {BT_JSON_NAME("spanID", 0), BT_JSON_NAME("name", 1),
                                       BT_JSON_NAME("startTimeUnixNano", 2), BT_JSON_NAME("durationNanos", 3),
                                       BT_JSON_NAME("attributes", 4)};
  bt_search_span span = {.name = BT_STR("")};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  d->place.build->span.count = 0;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit))
    status = read_span_member(d, bit, &span);
  status = finish_value(d, status);
  return status == BT_OK ? bt_search_rows_add(d->rows, &span) : status;
}

/* A number that is worth having, and nothing is wrong without it: other stores may write it in another way. *out stays
 * as it is where there is none. */
static bt_status read_if_number(decoder *d, uint64_t *out) {
  bt_json_type type = bt_json_peek(&d->place.json);
  bt_str digits = {NULL, 0};
  uint64_t number;
  if (type == BT_JSON_NUMBER)
    bt_json_number(&d->place.json, &digits);
  else if (type == BT_JSON_STRING)
    bt_json_string(&d->place.json, &digits);
  else
    bt_json_skip(&d->place.json);
  if (digits.len && bt_json_is_number(digits) && bt_json_to_uint64(digits, &number)) *out = number;
  return bt_json_place_status(&d->place);
}

/* Likewise. */
static bt_status read_if_text(decoder *d, bt_str *out) {
  if (bt_json_peek(&d->place.json) == BT_JSON_STRING)
    bt_json_string(&d->place.json, out);
  else
    bt_json_skip(&d->place.json);
  return bt_json_place_status(&d->place);
}

static bt_status read_shown_span(decoder *d) {
  enum { START, DURATION, ID, ATTRIBUTES };
  static const bt_json_name names[] = {BT_JSON_NAME("startTimeUnixNano", START),
                                       BT_JSON_NAME("durationNanos", DURATION), BT_JSON_NAME("spanID", ID),
                                       BT_JSON_NAME("attributes", ATTRIBUTES)};
  uint64_t times[ID] = {0};
  bt_str id = {NULL, 0};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  d->place.build->span.count = 0;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit)) {
    if (bit == ATTRIBUTES)
      status = bt_json_read_attributes(&d->place, &d->place.build->span);
    else
      status = bit == ID ? read_if_text(d, &id) : read_if_number(d, &times[bit]);
  }
  bt_search_rows_show_raw(d->rows, id, times[START], times[DURATION]);
  return finish_value(d, status);
}

static bt_status read_spans(decoder *d) {
  bt_status status = BT_OK;
  bt_json_open_array(&d->place.json);
  while (status == BT_OK && bt_json_next_item(&d->place.json))
    status = d->rows->with_spans ? read_span(d) : read_shown_span(d);
  return finish_value(d, status);
}

static bt_status read_set(decoder *d) {
  static const bt_json_name names[] = {BT_JSON_NAME("spans", 0), BT_JSON_NAME("matched", 1)};
  uint64_t matched = 0;
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit))
    status = bit == 0 ? read_spans(d) : bt_json_read_uint64(&d->place, "expected a number of spans", &matched);
  bt_search_rows_end_set(d->rows, matched);
  return finish_value(d, status);
}

static bt_status read_sets(decoder *d) {
  bt_status status = BT_OK;
  bt_json_open_array(&d->place.json);
  while (status == BT_OK && bt_json_next_item(&d->place.json)) status = read_set(d);
  return finish_value(d, status);
}

static bt_status read_trace_id(decoder *d) {
  bt_str hex;
  if (!bt_json_string(&d->place.json, &hex)) return bt_json_place_status(&d->place);
  return bt_search_rows_set_id(d->rows, hex);
}

static bt_status read_count(decoder *d) {
  uint64_t spans = 0;
  bt_status status = read_if_number(d, &spans);
  bt_search_rows_add_count(d->rows, spans);
  return status;
}

/* The value under the name of a service. */
static bt_status read_service(decoder *d) {
  static const bt_json_name names[] = {BT_JSON_NAME("spanCount", 0)};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  if (bt_json_peek(&d->place.json) != BT_JSON_OBJECT) {
    bt_json_skip(&d->place.json);
    return bt_json_place_status(&d->place);
  }
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit))
    status = read_count(d);
  return finish_value(d, status);
}

static bt_status read_service_stats(decoder *d) {
  bt_str service;
  bt_status status = BT_OK;
  if (bt_json_peek(&d->place.json) != BT_JSON_OBJECT) {
    bt_json_skip(&d->place.json);
    return bt_json_place_status(&d->place);
  }
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_key(&d->place.json, &service)) status = read_service(d);
  return finish_value(d, status);
}

static bt_status read_root_service(decoder *d) {
  bt_str service = {NULL, 0};
  bt_status status = read_if_text(d, &service);
  bt_search_rows_set_root_service(d->rows, service);
  return status;
}

enum { TRACE_ID, TRACE_START, TRACE_DURATION, TRACE_SET, TRACE_SETS, TRACE_STATS, TRACE_ROOT };

static bt_status read_trace_member(decoder *d, unsigned bit, bt_json *first_set) {
  switch (bit) {
  case TRACE_ID: return read_trace_id(d);
  case TRACE_START: return bt_json_read_time(&d->place, &d->rows->start_ns);
  case TRACE_DURATION:
    return bt_json_read_uint64(&d->place, "expected a duration in milliseconds", &d->rows->duration_ms);
  case TRACE_SETS: return read_sets(d);
  case TRACE_STATS: return read_service_stats(d);
  case TRACE_ROOT: return read_root_service(d);
  default:
    *first_set = d->place.json;
    bt_json_skip(&d->place.json);
    return bt_json_place_status(&d->place);
  }
}

static bt_status read_first_set(const decoder *d, const bt_json *first_set) {
  decoder inner = *d;
  inner.place.json = *first_set;
  return read_set(&inner);
}

static bt_status read_trace(decoder *d) {
  static const bt_json_name names[] = {
      BT_JSON_NAME("traceID", TRACE_ID),          BT_JSON_NAME("startTimeUnixNano", TRACE_START),
      BT_JSON_NAME("durationMs", TRACE_DURATION), BT_JSON_NAME("spanSet", TRACE_SET),
      BT_JSON_NAME("spanSets", TRACE_SETS),       BT_JSON_NAME("serviceStats", TRACE_STATS),
      BT_JSON_NAME("rootServiceName", TRACE_ROOT)};
  bt_json first_set = {.start = NULL};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_search_rows_begin(d->rows);
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit))
    status = read_trace_member(d, bit, &first_set);
  status = finish_value(d, status);
  bool has_none = d->rows->with_spans ? d->rows->count == 0 : !(seen & 1u << TRACE_SETS);
  if (status == BT_OK && has_none && first_set.start) status = read_first_set(d, &first_set);
  return status == BT_OK ? bt_search_rows_end(d->rows) : status;
}

static bt_status read_traces(decoder *d) {
  bt_status status = BT_OK;
  bt_json_open_array(&d->place.json);
  while (status == BT_OK && bt_json_next_item(&d->place.json)) status = read_trace(d);
  return finish_value(d, status);
}

static bt_status read_metrics(decoder *d) {
  static const bt_json_name names[] = {BT_JSON_NAME("inspectedBytes", 0)};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit))
    status = bt_json_read_uint64(&d->place, "expected a number of bytes", &d->rows->answer->inspected_bytes);
  return finish_value(d, status);
}

/* An object with neither traces nor metrics is something else than an answer that found nothing. */
bt_status bt_search_decode_json(bt_search_rows *rows, bt_str body) {
  static const bt_json_name names[] = {BT_JSON_NAME("traces", 0), BT_JSON_NAME("metrics", 1)};
  decoder d = {.place = {.build = &rows->build, .error = rows->error}, .rows = rows};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_init(&d.place.json, body, &rows->build.arena);
  bt_json_open_object(&d.place.json);
  while (status == BT_OK && bt_json_next_known(&d.place.json, names, COUNT(names), &seen, &bit))
    status = bit == 0 ? read_traces(&d) : read_metrics(&d);
  status = finish_value(&d, status);
  if (status != BT_OK) return status;
  if (!(seen & 3))
    bt_json_stop(&d.place.json, "expected a search answer with traces or metrics");
  else if (!bt_json_at_end(&d.place.json))
    bt_json_stop(&d.place.json, "expected the end of the text");
  return bt_json_place_status(&d.place);
}
