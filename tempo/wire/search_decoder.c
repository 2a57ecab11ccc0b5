/* Search answers in protobuf: tempopb.SearchResponse. See otlp_decoder.h. Every list of spans comes twice for the first
 * set of a trace: spanSet (6) is read only where a Tempo sends no spanSets (7). */
#include "tempo/wire/otlp_value.h"
#include "tempo/wire/search_rows.h"

typedef struct decoder {
  bt_otlp_place place;
  bt_search_rows *rows;
} decoder;

static bool is_span_field_expected(bt_wire *wire, const bt_wire_field *field) {
  bool is_number = field->number == 3 || field->number == 4;
  return field->number > 5 || bt_wire_expect(wire, field, is_number ? BT_WIRE_VARINT : BT_WIRE_BYTES);
}

static bt_status read_span_field(const decoder *d, const bt_wire_field *field, bt_search_span *span) {
  switch (field->number) {
  case 1: return bt_search_rows_set_span_id(d->rows, field->bytes, &span->id);
  case 2: return bt_build_text(d->place.build, field->bytes, &span->name, d->place.error);
  case 3: return bt_otlp_read_time(&d->place, "the start of a span", field->value, &span->start_ns);
  case 4: span->duration_ns = bt_search_duration(field->value); return BT_OK;
  case 5: return bt_otlp_read_attribute(&d->place, field->bytes, &d->place.build->span);
  default: return BT_OK;
  }
}

static bt_status read_span(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_search_span span = {.name = BT_STR("")};
  bt_status status = BT_OK;
  d->place.build->span.count = 0;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (!is_span_field_expected(&wire, &field)) break;
    status = read_span_field(d, &field, &span);
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "Span of a search answer");
  return status == BT_OK ? bt_search_rows_add(d->rows, &span) : status;
}

/* Nothing that is wrong with its name, id or times makes the answer wrong. */
static bt_status read_shown_span(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  uint64_t times[2] = {0};
  bt_str id = {NULL, 0};
  bt_status status = BT_OK;
  d->place.build->span.count = 0;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number == 2) continue;
    if (!is_span_field_expected(&wire, &field)) break;
    if (field.number == 1)
      id = field.bytes;
    else if (field.number < 5)
      times[field.number - 3] = field.value;
    else if (field.number == 5)
      status = bt_otlp_read_attribute(&d->place, field.bytes, &d->place.build->span);
  }
  bt_search_rows_show_raw(d->rows, id, times[0], times[1]);
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "Span of a search answer") : status;
}

static bt_status read_set(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  uint64_t matched = 0;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number > 2) continue;
    if (!bt_wire_expect(&wire, &field, field.number == 1 ? BT_WIRE_BYTES : BT_WIRE_VARINT)) break;
    if (field.number == 1)
      status = d->rows->with_spans ? read_span(d, field.bytes) : read_shown_span(d, field.bytes);
    else
      matched = field.value;
  }
  bt_search_rows_end_set(d->rows, matched);
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "SpanSet") : status;
}

/* ServiceStats, the value of an entry of the map. */
static bt_status read_stats(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_wire_init(&wire, message);
  while (bt_wire_next(&wire, &field)) {
    if (field.number != 1) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_VARINT)) break;
    bt_search_rows_add_count(d->rows, field.value);
  }
  return bt_otlp_message_end(&d->place, &wire, "ServiceStats");
}

static bt_status read_stats_entry(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number != 2) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    status = read_stats(d, field.bytes);
  }
  return status == BT_OK ? bt_otlp_message_end(&d->place, &wire, "an entry of serviceStats") : status;
}

static bool is_trace_field_expected(bt_wire *wire, const bt_wire_field *field) {
  bool is_number = field->number == 4 || field->number == 5;
  return field->number > 8 || bt_wire_expect(wire, field, is_number ? BT_WIRE_VARINT : BT_WIRE_BYTES);
}

static bt_status read_trace_field(const decoder *d, const bt_wire_field *field, bt_str *first_set) {
  switch (field->number) {
  case 1: return bt_search_rows_set_id(d->rows, field->bytes);
  case 2: bt_search_rows_set_root_service(d->rows, field->bytes); return BT_OK;
  case 4: return bt_otlp_read_time(&d->place, "the start of a trace", field->value, &d->rows->start_ns);
  case 5: d->rows->duration_ms = field->value; return BT_OK;
  case 6: *first_set = field->bytes; return BT_OK;
  case 7: return read_set(d, field->bytes);
  case 8: return read_stats_entry(d, field->bytes);
  default: return BT_OK;
  }
}

static bt_status read_trace(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_str first_set = {NULL, 0};
  bool has_sets = false;
  bt_status status = BT_OK;
  bt_search_rows_begin(d->rows);
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (!is_trace_field_expected(&wire, &field)) break;
    has_sets = has_sets || field.number == 7;
    status = read_trace_field(d, &field, &first_set);
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d->place, &wire, "TraceSearchMetadata");
  bool needs_first = d->rows->with_spans ? d->rows->count == 0 : !has_sets;
  if (status == BT_OK && needs_first && first_set.ptr) status = read_set(d, first_set);
  return status == BT_OK ? bt_search_rows_end(d->rows) : status;
}

static bt_status read_metrics(const decoder *d, bt_str message) {
  bt_wire wire;
  bt_wire_field field;
  bt_wire_init(&wire, message);
  while (bt_wire_next(&wire, &field)) {
    if (field.number != 2) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_VARINT)) break;
    d->rows->answer->inspected_bytes = field.value;
  }
  return bt_otlp_message_end(&d->place, &wire, "SearchMetrics");
}

/* An answer has metrics even when nothing was found: bytes without either field, or no bytes, are no answer that found
 * nothing. */
bt_status bt_search_decode_protobuf(bt_search_rows *rows, bt_str body) {
  decoder d = {.place = {&rows->build, body.ptr, body.ptr ? body.ptr + body.len : NULL, rows->error}, .rows = rows};
  bt_wire wire;
  bt_wire_field field;
  bool is_answer = false;
  bt_status status = BT_OK;
  bt_wire_init(&wire, body);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number > 2) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    is_answer = true;
    status = field.number == 1 ? read_trace(&d, field.bytes) : read_metrics(&d, field.bytes);
  }
  if (status == BT_OK) status = bt_otlp_message_end(&d.place, &wire, "SearchResponse");
  if (status == BT_OK && !is_answer)
    return bt_error_set(rows->error, BT_INVALID,
                        "%zu bytes came instead of a search answer: neither traces nor metrics are in it", body.len);
  return status;
}
