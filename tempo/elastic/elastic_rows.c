/* Decoding documents. See elastic_rows.h. */
#include "tempo/elastic/elastic_rows.h"

#include <string.h>

#include "dsl/base/time_sum.h"
#include "dsl/trace/untyped_text.h"
#include "tempo/wire/json_number.h"
#include "tempo/wire/span_words.h"
#include "tempo/wire/wall_clock.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
static const char trace_id_expected[] = "expected a trace id of 32 hex digits";
static const char span_id_expected[] = "expected a span id of 16 hex digits";
static const char time_expected[] = "expected a time from 1970 to 2262, as 2026-01-31T12:00:00.123456789Z";

/* ---- times ---- */

static bool take_digits(bt_str *text, size_t count, int64_t *out) {
  if (text->len < count) return false;
  *out = 0;
  for (size_t i = 0; i < count; i++) {
    if (text->ptr[i] < '0' || text->ptr[i] > '9') return false;
    *out = *out * 10 + (text->ptr[i] - '0');
  }
  *text = (bt_str){text->ptr + count, text->len - count};
  return true;
}

static bool take_char(bt_str *text, char wanted) {
  if (!text->len || text->ptr[0] != wanted) return false;
  *text = (bt_str){text->ptr + 1, text->len - 1};
  return true;
}

/* Digits behind the point, up to nine, and the Z. */
static bool take_fraction(bt_str *text, int64_t *ns) {
  *ns = 0;
  if (take_char(text, '.')) {
    int64_t unit = 100000000, digit;
    for (; unit && text->len && text->ptr[0] != 'Z'; unit /= 10) {
      if (!take_digits(text, 1, &digit)) return false;
      *ns += digit * unit;
    }
  }
  return take_char(text, 'Z') && !text->len;
}

static bool parse_time(bt_str text, int64_t *out) {
  int64_t year, month, day, hour, minute, second, ns, seconds;
  bool is_time = take_digits(&text, 4, &year) && take_char(&text, '-') && take_digits(&text, 2, &month) &&
                 take_char(&text, '-') && take_digits(&text, 2, &day) && take_char(&text, 'T') &&
                 take_digits(&text, 2, &hour) && take_char(&text, ':') && take_digits(&text, 2, &minute);
  if (!is_time || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59)
    return false;
  second = 0; /* Java leaves out what is 0 */
  if (take_char(&text, ':') && (!take_digits(&text, 2, &second) || second > 59)) return false;
  seconds = bt_days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
  return take_fraction(&text, &ns) && !__builtin_mul_overflow(seconds, INT64_C(1000000000), out) &&
         !__builtin_add_overflow(*out, ns, out);
}

static bt_status read_time(bt_json_place *place, int64_t *out) {
  bt_str text = BT_STR("");
  bt_status status = bt_json_read_text(place, &text);
  return status != BT_OK || parse_time(text, out) ? status : bt_json_place_stop(place, time_expected);
}

/* "1767225600123.456789" is milliseconds, and nanoseconds without leading zeros. Else it is a date. *is_cut: of no more
 * than milliseconds. */
static bt_status read_timestamp(bt_json_place *place, int64_t *out, bool *is_cut) {
  bt_str text = BT_STR("");
  int64_t ms = 0, ns = 0;
  bool is_number = bt_json_peek(&place->json) == BT_JSON_NUMBER;
  bt_status status = BT_OK;
  if (is_number)
    bt_json_number(&place->json, &text);
  else
    status = bt_json_read_text(place, &text);
  const char *point = text.len ? memchr(text.ptr, '.', text.len) : NULL;
  bt_str whole = {text.ptr, point ? (size_t)(point - text.ptr) : text.len};
  *is_cut = is_number || !point || text.len - whole.len <= 5;
  if (status != BT_OK || parse_time(text, out)) return status;
  *is_cut = is_number || !point;
  bt_str rest = {point ? point + 1 : NULL, point ? text.len - whole.len - 1 : 0};
  bool is_time = whole.len && whole.len <= 13 && rest.len <= 6 && take_digits(&whole, whole.len, &ms) &&
                 (!rest.len || take_digits(&rest, rest.len, &ns)) && !__builtin_mul_overflow(ms, 1000000, out) &&
                 !__builtin_add_overflow(*out, ns, out);
  return is_time ? BT_OK : bt_json_place_stop(place, time_expected);
}

/* ---- values ---- */

/* What the writer makes a text of. */
static bool may_be_no_text(bt_str text) {
  return !text.len || bt_str_equal(text, BT_STR("NaN")) || bt_str_equal(text, BT_STR("Infinity")) ||
         bt_str_equal(text, BT_STR("-Infinity"));
}

/* Integers are written without a point. */
static bool read_number(bt_json *json, bt_value *out) {
  bt_str digits;
  if (!bt_json_number(json, &digits)) return false;
  bool is_decimal =
      memchr(digits.ptr, '.', digits.len) || memchr(digits.ptr, 'e', digits.len) || memchr(digits.ptr, 'E', digits.len);
  out->type = is_decimal ? BT_VALUE_DOUBLE : BT_VALUE_INT;
  bool is_read = is_decimal ? bt_json_to_double(digits, &out->decimal) : bt_json_to_int64(digits, &out->integer);
  return is_read || bt_json_stop(json, "expected a number of 64 bits");
}

static bt_status read_scalar(bt_json_place *place, bt_value *out) {
  bt_json *json = &place->json;
  *out = (bt_value){.type = BT_VALUE_OTHER};
  switch (bt_json_peek(json)) {
  case BT_JSON_STRING:
    out->type = BT_VALUE_STRING;
    if (bt_json_string(json, &out->string) && may_be_no_text(out->string)) *out = bt_untyped_value(out->string);
    break;
  case BT_JSON_NUMBER: read_number(json, out); break;
  case BT_JSON_BOOL:
    out->type = BT_VALUE_BOOL;
    bt_json_bool(json, &out->boolean);
    break;
  case BT_JSON_NULL:
    bt_json_null(json);
    out->type = BT_VALUE_MISSING;
    break;
  case BT_JSON_OBJECT:
  case BT_JSON_ARRAY:
  case BT_JSON_NOTHING: bt_json_skip(json);
  }
  return bt_json_place_status(place);
}

/* One that has a text of unknown type is inexact: it may have had another element there. */
static bt_status read_list(bt_json_place *place, bt_value *out) {
  bt_status status = BT_OK;
  bool is_inexact = false;
  place->build->values.count = 0;
  bt_json_open_array(&place->json);
  while (status == BT_OK && bt_json_next_item(&place->json)) {
    bt_value item;
    status = read_scalar(place, &item);
    is_inexact = is_inexact || (item.type == BT_VALUE_STRING && item.is_untyped);
    if (item.type == BT_VALUE_STRING) item.is_untyped = false;
    if (status == BT_OK) status = bt_build_add_value(place->build, &item, place->error);
  }
  status = bt_json_place_finish(place, status);
  if (status == BT_OK) status = bt_build_array(place->build, out, place->error);
  if (status == BT_OK && is_inexact && out->type == BT_VALUE_ARRAY) out->is_inexact = true;
  return status;
}

static bt_status read_attributes(bt_json_place *place, bt_attribute_list *list) {
  bt_status status = BT_OK;
  bt_attribute attribute;
  list->count = 0;
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_key(&place->json, &attribute.key)) {
    bool is_list = bt_json_peek(&place->json) == BT_JSON_ARRAY;
    status = is_list ? read_list(place, &attribute.value) : read_scalar(place, &attribute.value);
    if (status == BT_OK) status = bt_build_add(list, &attribute, place->error);
  }
  return bt_json_place_finish(place, status);
}

static bt_status read_count(bt_json_place *place, uint32_t *out) {
  uint64_t count = 0;
  bt_status status = bt_json_read_uint64(place, "expected how many were dropped", &count);
  *out = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
  return status;
}

/* ---- what has attributes: a resource, a scope, an event, a link ---- */

enum {
  PART_ATTRIBUTES,
  PART_DROPPED,
  PART_NAME,
  PART_VERSION,
  PART_TIME,
  PART_TRACE,
  PART_SPAN,
  PART_CODE,
  PART_MESSAGE
};
static const bt_json_name part_names[] = {BT_JSON_NAME("attributes", PART_ATTRIBUTES),
                                          BT_JSON_NAME("droppedAttributesCount", PART_DROPPED),
                                          BT_JSON_NAME("dropped_attributes_count", PART_DROPPED),
                                          BT_JSON_NAME("trace_id", PART_TRACE),
                                          BT_JSON_NAME("span_id", PART_SPAN),
                                          BT_JSON_NAME("name", PART_NAME),
                                          BT_JSON_NAME("version", PART_VERSION),
                                          BT_JSON_NAME("time", PART_TIME),
                                          BT_JSON_NAME("traceId", PART_TRACE),
                                          BT_JSON_NAME("spanId", PART_SPAN),
                                          BT_JSON_NAME("code", PART_CODE),
                                          BT_JSON_NAME("message", PART_MESSAGE)};

typedef struct part {
  bt_attributes attributes;
  uint32_t dropped;
  bt_str name, version, message;
  int64_t time_ns, code;
  bt_trace_id trace_id;
  bt_span_id span_id;
} part;

/* A number, or "Error". */
static bt_status read_code(bt_json_place *place, int64_t *out) {
  bt_str text = BT_STR("");
  bt_span_status code;
  if (bt_json_peek(&place->json) != BT_JSON_STRING)
    return bt_json_read_int64(place, "expected the number of a status", out);
  bt_status status = bt_json_read_text(place, &text);
  if (status == BT_OK && !bt_span_status_of(text, &code)) return bt_json_place_stop(place, "expected a status");
  if (status == BT_OK) *out = code;
  return status;
}

static bt_status read_part_member(bt_json_place *place, unsigned bit, bt_attribute_list *list, part *out) {
  switch (bit) {
  case PART_ATTRIBUTES: return read_attributes(place, list);
  case PART_DROPPED: return read_count(place, &out->dropped);
  case PART_NAME: return bt_json_read_text(place, &out->name);
  case PART_VERSION: return bt_json_read_text(place, &out->version);
  case PART_TIME: return read_time(place, &out->time_ns);
  case PART_TRACE: return bt_json_read_trace_id(place, trace_id_expected, &out->trace_id);
  case PART_SPAN: return bt_json_read_span_id(place, span_id_expected, &out->span_id);
  case PART_CODE: return read_code(place, &out->code);
  default: return bt_json_read_text(place, &out->message);
  }
}

/* is_whole: without attributes it has none; else they are not known. */
static bt_status read_part(bt_json_place *place, bt_attribute_list *list, bool is_whole, part *out) {
  uint32_t seen = 0;
  unsigned bit;
  bool has_attributes = false;
  bt_status status = BT_OK;
  *out = (part){.name = BT_STR(""), .version = BT_STR(""), .message = BT_STR("")};
  list->count = 0;
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, part_names, COUNT(part_names), &seen, &bit)) {
    has_attributes = has_attributes || bit == PART_ATTRIBUTES;
    status = read_part_member(place, bit, list, out);
  }
  status = bt_json_place_finish(place, status);
  if (status == BT_OK) status = bt_build_attributes(place->build, list, &out->attributes, place->error);
  out->attributes.dropped = has_attributes || is_whole ? out->dropped : BT_NOT_KEPT;
  return status;
}

static bt_status read_events(bt_json_place *place) {
  bt_build *build = place->build;
  bt_status status = BT_OK;
  part one;
  bt_json_open_array(&place->json);
  while (status == BT_OK && bt_json_next_item(&place->json)) {
    status = read_part(place, &build->event, false, &one);
    bt_event event = {.name = one.name, .time_ns = one.time_ns, .attributes = one.attributes};
    if (status == BT_OK) status = bt_build_add_event(build, &event, place->error);
  }
  return bt_json_place_finish(place, status);
}

static bt_status read_links(bt_json_place *place, bool are_whole) {
  bt_build *build = place->build;
  bt_status status = BT_OK;
  part one;
  bt_json_open_array(&place->json);
  while (status == BT_OK && bt_json_next_item(&place->json)) {
    status = read_part(place, &build->link, are_whole, &one);
    bt_link link = {.trace_id = one.trace_id, .span_id = one.span_id, .attributes = one.attributes};
    if (status == BT_OK) status = bt_build_add_link(build, &link, place->error);
  }
  return bt_json_place_finish(place, status);
}

/* ---- a span ---- */

enum {
  SPAN_TRACE,
  SPAN_ID,
  SPAN_PARENT,
  SPAN_STATE,
  SPAN_NAME,
  SPAN_KIND,
  SPAN_START,
  SPAN_END,
  SPAN_TIMESTAMP,
  SPAN_DURATION,
  SPAN_STATUS,
  SPAN_FLAGS,
  SPAN_ATTRIBUTES,
  SPAN_DROPPED_ATTRIBUTES,
  SPAN_EVENTS,
  SPAN_DROPPED_EVENTS,
  SPAN_LINKS,
  SPAN_DROPPED_LINKS,
  SPAN_RESOURCE,
  SPAN_SCOPE
};
static const bt_json_name span_names[] = {BT_JSON_NAME("traceId", SPAN_TRACE),
                                          BT_JSON_NAME("spanId", SPAN_ID),
                                          BT_JSON_NAME("parentSpanId", SPAN_PARENT),
                                          BT_JSON_NAME("traceState", SPAN_STATE),
                                          BT_JSON_NAME("name", SPAN_NAME),
                                          BT_JSON_NAME("kind", SPAN_KIND),
                                          BT_JSON_NAME("startTime", SPAN_START),
                                          BT_JSON_NAME("endTime", SPAN_END),
                                          BT_JSON_NAME("status", SPAN_STATUS),
                                          BT_JSON_NAME("flags", SPAN_FLAGS),
                                          BT_JSON_NAME("attributes", SPAN_ATTRIBUTES),
                                          BT_JSON_NAME("droppedAttributesCount", SPAN_DROPPED_ATTRIBUTES),
                                          BT_JSON_NAME("events", SPAN_EVENTS),
                                          BT_JSON_NAME("droppedEventsCount", SPAN_DROPPED_EVENTS),
                                          BT_JSON_NAME("links", SPAN_LINKS),
                                          BT_JSON_NAME("droppedLinksCount", SPAN_DROPPED_LINKS),
                                          BT_JSON_NAME("resource", SPAN_RESOURCE),
                                          BT_JSON_NAME("scope", SPAN_SCOPE),
                                          BT_JSON_NAME("instrumentationScope", SPAN_SCOPE)};

static const bt_json_name native_names[] = {BT_JSON_NAME("trace_id", SPAN_TRACE),
                                            BT_JSON_NAME("span_id", SPAN_ID),
                                            BT_JSON_NAME("parent_span_id", SPAN_PARENT),
                                            BT_JSON_NAME("trace_state", SPAN_STATE),
                                            BT_JSON_NAME("name", SPAN_NAME),
                                            BT_JSON_NAME("kind", SPAN_KIND),
                                            BT_JSON_NAME("@timestamp", SPAN_TIMESTAMP),
                                            BT_JSON_NAME("duration", SPAN_DURATION),
                                            BT_JSON_NAME("status", SPAN_STATUS),
                                            BT_JSON_NAME("trace_flags", SPAN_FLAGS),
                                            BT_JSON_NAME("attributes", SPAN_ATTRIBUTES),
                                            BT_JSON_NAME("dropped_attributes_count", SPAN_DROPPED_ATTRIBUTES),
                                            BT_JSON_NAME("links", SPAN_LINKS),
                                            BT_JSON_NAME("dropped_links_count", SPAN_DROPPED_LINKS),
                                            BT_JSON_NAME("resource", SPAN_RESOURCE),
                                            BT_JSON_NAME("scope", SPAN_SCOPE)};

/* What a schema's documents have. */
typedef struct document_form {
  const bt_json_name *names;
  size_t count;
  uint32_t wanted;   /* without these it is no span */
  uint32_t is_empty; /* of these what is not there is empty; else it is not known */
  const char *expected;
} document_form;
static const document_form prepper_form = {span_names, COUNT(span_names),
                                           1u << SPAN_TRACE | 1u << SPAN_ID | 1u << SPAN_NAME | 1u << SPAN_KIND |
                                               1u << SPAN_START,
                                           0, "expected a span with traceId, spanId, name, kind and startTime"};
static const document_form native_form = {
    native_names, COUNT(native_names), 1u << SPAN_TRACE | 1u << SPAN_ID | 1u << SPAN_TIMESTAMP | 1u << SPAN_DURATION,
    1u << SPAN_ATTRIBUTES | 1u << SPAN_LINKS | 1u << SPAN_RESOURCE | 1u << SPAN_SCOPE,
    "expected a span with trace_id, span_id, @timestamp and duration"};

typedef struct span_reader {
  bt_json_place *place;
  bt_trace_id trace_id;
  bt_span span;
  bt_resource resource;
  bt_scope scope;
  uint64_t length_ns;    /* where it has no end */
  bool is_cut, is_whole; /* is_whole: what parts do not have is empty */
} span_reader;

static bt_status read_kind(span_reader *r) {
  bt_str text = BT_STR("");
  bt_status status = bt_json_read_text(r->place, &text);
  if (status != BT_OK || bt_span_kind_of(text, &r->span.kind)) return status;
  return bt_json_place_stop(r->place, "expected a kind of span, as SPAN_KIND_SERVER");
}

static bt_status read_span_status(span_reader *r) {
  part one;
  bt_status status = read_part(r->place, &r->place->build->event, true, &one);
  if (status == BT_OK && (one.code < 0 || one.code > BT_SPAN_STATUS_ERROR))
    return bt_json_place_stop(r->place, "expected a status of 0, 1 or 2");
  r->span.status = (bt_span_status)one.code;
  r->span.status_message = one.message;
  return status;
}

static bt_status read_resource(span_reader *r) {
  part one;
  bt_status status = read_part(r->place, &r->place->build->resource, r->is_whole, &one);
  r->resource.attributes = one.attributes;
  return status;
}

static bt_status read_scope(span_reader *r) {
  part one;
  bt_status status = read_part(r->place, &r->place->build->scope, r->is_whole, &one);
  r->scope = (bt_scope){.name = one.name, .version = one.version, .attributes = one.attributes};
  return status;
}

static bt_status read_flags(span_reader *r) {
  return read_count(r->place, &r->span.flags);
}

static bt_status read_member(span_reader *r, unsigned bit) {
  bt_json_place *place = r->place;
  bt_span *span = &r->span;
  switch (bit) {
  case SPAN_TRACE: return bt_json_read_trace_id(place, trace_id_expected, &r->trace_id);
  case SPAN_ID: return bt_json_read_span_id(place, span_id_expected, &span->id);
  case SPAN_PARENT: return bt_json_read_span_id(place, span_id_expected, &span->parent_id);
  case SPAN_STATE: return bt_json_read_text(place, &span->trace_state);
  case SPAN_NAME: return bt_json_read_text(place, &span->name);
  case SPAN_KIND: return read_kind(r);
  case SPAN_START: return read_time(place, &span->start_ns);
  case SPAN_END: return read_time(place, &span->end_ns);
  case SPAN_TIMESTAMP: return read_timestamp(place, &span->start_ns, &r->is_cut);
  case SPAN_DURATION: return bt_json_read_uint64(place, "expected a duration in nanoseconds", &r->length_ns);
  case SPAN_STATUS: return read_span_status(r);
  case SPAN_FLAGS: return read_flags(r);
  case SPAN_ATTRIBUTES: return read_attributes(place, &place->build->span);
  case SPAN_DROPPED_ATTRIBUTES: return read_count(place, &span->dropped_attributes);
  case SPAN_EVENTS: return read_events(place);
  case SPAN_DROPPED_EVENTS: return read_count(place, &span->dropped_events);
  case SPAN_LINKS: return read_links(place, r->is_whole);
  case SPAN_DROPPED_LINKS: return read_count(place, &span->dropped_links);
  case SPAN_RESOURCE: return read_resource(r);
  default: return read_scope(r);
  }
}

/* Of what is not in the document at all nothing is known. */
static void mark_unkept(span_reader *r, uint32_t told) {
  if (!(told & 1u << SPAN_ATTRIBUTES)) r->span.dropped_attributes = BT_NOT_KEPT;
  if (!(told & 1u << SPAN_EVENTS)) r->span.dropped_events = BT_NOT_KEPT;
  if (!(told & 1u << SPAN_LINKS)) r->span.dropped_links = BT_NOT_KEPT;
  if (!(told & 1u << SPAN_RESOURCE)) r->resource.attributes.dropped = BT_NOT_KEPT;
  if (!(told & 1u << SPAN_SCOPE)) r->scope.attributes.dropped = BT_NOT_KEPT;
}

static bt_status add_span(span_reader *r, bt_span_batch *batch) {
  bt_build *build = r->place->build;
  bt_error *error = r->place->error;
  bt_span *span = &r->span;
  bt_status status = bt_build_attributes(build, &build->span, &span->attributes, error);
  if (status == BT_OK) status = bt_build_events(build, span, error);
  if (status == BT_OK) status = bt_build_links(build, span, error);
  if (status != BT_OK) return status;
  r->resource.service = bt_attributes_service(&r->resource.attributes);
  span->resource = bt_arena_duplicate(&build->arena, &r->resource, sizeof r->resource);
  span->scope = bt_arena_duplicate(&build->arena, &r->scope, sizeof r->scope);
  if (!span->resource || !span->scope) return bt_build_no_room(build, sizeof r->resource, error);
  return bt_span_batch_add(batch, &r->trace_id, span, (size_t)(r->place->json.at - r->place->json.start), error);
}

/* Its end, from a duration. One that is cut has an end that is as far off. */
static void set_end(span_reader *r) {
  bt_span *span = &r->span;
  if (r->length_ns <= INT64_MAX) span->end_ns = bt_time_add(span->start_ns, (int64_t)r->length_ns);
  if (r->is_cut) span->time_slack_ns = 999999;
}

static bt_status read_document(bt_json_place *place, const document_form *form, bt_span_batch *batch) {
  bt_build *build = place->build;
  span_reader r = {.place = place,
                   .span = {.name = BT_STR(""), .status_message = BT_STR(""), .trace_state = BT_STR("")},
                   .scope = {.name = BT_STR(""), .version = BT_STR("")},
                   .is_whole = form->is_empty != 0};
  uint32_t seen = 0, told = 0; /* what is null is not told */
  unsigned bit;
  bt_status status = BT_OK;
  build->span.count = build->events.count = build->links.count = 0;
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, form->names, form->count, &seen, &bit)) {
    told |= 1u << bit;
    status = read_member(&r, bit);
  }
  status = bt_json_place_finish(place, status);
  if (status == BT_OK && (told & form->wanted) != form->wanted) return bt_json_place_stop(place, form->expected);
  mark_unkept(&r, told | form->is_empty);
  if (told & 1u << SPAN_DURATION) set_end(&r);
  return status == BT_OK ? add_span(&r, batch) : status;
}

bt_status bt_data_prepper_read(bt_json_place *place, bt_span_batch *batch) {
  return read_document(place, &prepper_form, batch);
}

bt_status bt_otel_native_read(bt_json_place *place, bt_span_batch *batch) {
  return read_document(place, &native_form, batch);
}

/* ---- a hit ---- */

/* As it stands there. */
static bt_status read_sort(bt_elastic_rows *rows, bt_json_place *place) {
  (void)bt_json_peek(&place->json);
  const char *start = place->json.at;
  bt_json_skip(&place->json);
  bt_buffer_clear(&rows->last_sort);
  bt_buffer_append(&rows->last_sort, (bt_str){start, (size_t)(place->json.at - start)});
  return rows->last_sort.failed ? bt_error_no_memory(place->error) : bt_json_place_status(place);
}

bt_status bt_elastic_rows_take(void *context, bt_json_place *place) {
  static const bt_json_name names[] = {BT_JSON_NAME("_source", 0), BT_JSON_NAME("sort", 1)};
  bt_elastic_rows *rows = context;
  uint32_t seen = 0;
  unsigned bit;
  bool has_source = false;
  bt_status status = BT_OK;
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, names, COUNT(names), &seen, &bit)) {
    has_source = has_source || bit == 0;
    status = bit == 0 ? rows->read(place, rows->batch) : read_sort(rows, place);
  }
  status = bt_json_place_finish(place, status);
  return status == BT_OK && !has_source ? bt_json_place_stop(place, "expected a document with its _source") : status;
}
