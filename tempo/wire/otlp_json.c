/* Spans from OTLP JSON. See otlp_decoder.h. One function an object. Keys may come in any order: a resource and a scope
 * are placed in the arena before they are read, because their spans may come first. */
#include <string.h>

#include "tempo/wire/json_number.h"
#include "tempo/wire/otlp_fields.h"
#include "tempo/wire/otlp_json.h"
#include "tempo/wire/span_batch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct decoder {
  bt_json_place place;
  bt_span_batch *batch;
  const bt_resource *resource; /* of the spans being read */
  const bt_scope *scope;
  bool is_partial; /* "status" says that the trace is not whole */
  bool is_request; /* only names that every OTLP receiver reads: see bt_otlp_decode_json_request */
  bool is_flat;    /* the document has `spans` at its top */
} decoder;

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

/* Exactly `length` bytes, with or without padding, of either alphabet. */
static bool read_base64(bt_str text, uint8_t *out, size_t length) {
  while (text.len && text.ptr[text.len - 1] == '=') text.len--;
  if (text.len != (length * 8 + 5) / 6) return false;
  uint32_t bits = 0, count = 0;
  size_t written = 0;
  for (size_t i = 0; i < text.len; i++) {
    int digit = base64_digit(text.ptr[i]);
    if (digit < 0) return false;
    bits = bits << 6 | (uint32_t)digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    if (written < length) out[written++] = (uint8_t)(bits >> count);
  }
  return true;
}

static bool read_hex(bt_str text, uint8_t *out, size_t length) {
  bt_trace_id trace_id;
  bt_span_id span_id;
  if (length == sizeof trace_id.bytes) {
    if (!bt_trace_id_parse(text, &trace_id)) return false;
    memcpy(out, trace_id.bytes, length);
  } else {
    if (!bt_span_id_parse(text, &span_id)) return false;
    memcpy(out, span_id.bytes, length);
  }
  return true;
}

/* An id as hex (the OTLP way) or base64 (Tempo's): their lengths differ. An empty one is none. */
static bt_status read_id(decoder *d, uint8_t *id, size_t length, const char *expected) {
  bt_str text;
  if (!bt_json_string(&d->place.json, &text)) return bt_json_place_status(&d->place);
  if (text.len == 0) return BT_OK;
  bool is_id = text.len == 2 * length ? read_hex(text, id, length) : read_base64(text, id, length);
  return is_id ? BT_OK : bt_json_place_stop(&d->place, expected);
}

/* An enum: a number, a number in a string, or a name. Numbers that are not known are 0, as in protobuf. */
static bt_status read_enum(decoder *d, const char *const *names, unsigned count, const char *expected, unsigned *out) {
  bt_json *json = &d->place.json;
  bt_str text;
  int64_t number = 0;
  bool is_string = bt_json_peek(json) == BT_JSON_STRING;
  if (is_string ? !bt_json_string(json, &text) : !bt_json_number(json, &text)) return bt_json_place_status(&d->place);
  for (unsigned i = 0; is_string && i < count; i++) {
    if (!bt_str_equal(text, bt_str_from(names[i]))) continue;
    *out = i;
    return BT_OK;
  }
  if ((is_string && !bt_json_is_number(text)) || !bt_json_to_int64(text, &number))
    return bt_json_place_stop(&d->place, expected);
  *out = number >= 0 && number < count ? (unsigned)number : 0;
  return BT_OK;
}

static bt_status read_kind(decoder *d, bt_span *span) {
  static const char *const names[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                      "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
  unsigned kind = 0;
  bt_status status =
      read_enum(d, names, COUNT(names), "expected a span kind: 0 to 5, or SPAN_KIND_SERVER and the like", &kind);
  span->kind = (bt_span_kind)kind;
  return status;
}

static bt_status read_code(decoder *d, bt_span *span) {
  static const char *const names[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
  unsigned code = 0;
  bt_status status =
      read_enum(d, names, COUNT(names), "expected a status code: 0 to 2, or STATUS_CODE_ERROR and the like", &code);
  span->status = (bt_span_status)code;
  return status;
}

static bt_status read_status(decoder *d, bt_span *span) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_STATUS);
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit))
    status = bit == OF_STATUS_CODE ? read_code(d, span) : bt_json_read_text(&d->place, &span->status_message);
  return bt_json_place_finish(&d->place, status);
}

static bt_status read_uint32(decoder *d, const char *expected, uint32_t *out) {
  uint64_t count = 0;
  bt_status status = bt_json_read_uint64(&d->place, expected, &count);
  if (status == BT_OK && count > UINT32_MAX) (void)bt_json_stop(&d->place.json, expected);
  *out = (uint32_t)count;
  return status == BT_OK && count > UINT32_MAX ? bt_json_place_status(&d->place) : status;
}

static bt_status read_count(decoder *d, uint32_t *out) {
  return read_uint32(d, "expected how many were dropped: 0 to 4294967295", out);
}

static bt_status read_event(decoder *d) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_EVENT);
  bt_build *build = d->place.build;
  bt_event event = {.name = BT_STR("")};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->event.count = 0;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit)) {
    if (bit == OF_EVENT_TIME)
      status = bt_json_read_time(&d->place, &event.time_ns);
    else if (bit == OF_EVENT_NAME)
      status = bt_json_read_text(&d->place, &event.name);
    else if (bit == OF_EVENT_DROPPED)
      status = read_count(d, &event.attributes.dropped);
    else
      status = bt_json_read_attributes(&d->place, &build->event);
  }
  status = bt_json_place_finish(&d->place, status);
  if (status == BT_OK) status = bt_build_attributes(build, &build->event, &event.attributes, d->place.error);
  return status == BT_OK ? bt_build_add_event(build, &event, d->place.error) : status;
}

static bt_status read_events(decoder *d) {
  bt_status status = BT_OK;
  bt_json_open_array(&d->place.json);
  while (status == BT_OK && bt_json_next_item(&d->place.json)) status = read_event(d);
  return bt_json_place_finish(&d->place, status);
}

static const char trace_id_expected[] = "expected a trace id: 32 hex digits, or base64 of 16 bytes";
static const char span_id_expected[] = "expected a span id: 16 hex digits, or base64 of 8 bytes";

static bt_status read_link(decoder *d) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_LINK);
  bt_build *build = d->place.build;
  bt_link link = {.attributes = {0}};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->link.count = 0;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit)) {
    if (bit == OF_LINK_TRACE_ID)
      status = read_id(d, link.trace_id.bytes, sizeof link.trace_id.bytes, trace_id_expected);
    else if (bit == OF_LINK_SPAN_ID)
      status = read_id(d, link.span_id.bytes, sizeof link.span_id.bytes, span_id_expected);
    else if (bit == OF_LINK_DROPPED)
      status = read_count(d, &link.attributes.dropped);
    else
      status = bt_json_read_attributes(&d->place, &build->link);
  }
  status = bt_json_place_finish(&d->place, status);
  if (status == BT_OK) status = bt_build_attributes(build, &build->link, &link.attributes, d->place.error);
  return status == BT_OK ? bt_build_add_link(build, &link, d->place.error) : status;
}

static bt_status read_links(decoder *d) {
  bt_status status = BT_OK;
  bt_json_open_array(&d->place.json);
  while (status == BT_OK && bt_json_next_item(&d->place.json)) status = read_link(d);
  return bt_json_place_finish(&d->place, status);
}

static const bt_json_name span_names[] = BT_OTLP_NAMES(BT_OTLP_SPAN);

static bt_status read_span_member(decoder *d, unsigned bit, bt_trace_id *trace_id, bt_span *span) {
  switch (bit) {
  case OF_SPAN_TRACE_ID: return read_id(d, trace_id->bytes, sizeof trace_id->bytes, trace_id_expected);
  case OF_SPAN_ID: return read_id(d, span->id.bytes, sizeof span->id.bytes, span_id_expected);
  case OF_SPAN_PARENT: return read_id(d, span->parent_id.bytes, sizeof span->parent_id.bytes, span_id_expected);
  case OF_SPAN_NAME: return bt_json_read_text(&d->place, &span->name);
  case OF_SPAN_KIND: return read_kind(d, span);
  case OF_SPAN_START: return bt_json_read_time(&d->place, &span->start_ns);
  case OF_SPAN_END: return bt_json_read_time(&d->place, &span->end_ns);
  case OF_SPAN_ATTRIBUTES: return bt_json_read_attributes(&d->place, &d->place.build->span);
  case OF_SPAN_EVENTS: return read_events(d);
  case OF_SPAN_LINKS: return read_links(d);
  case OF_SPAN_DROPPED_ATTRIBUTES: return read_count(d, &span->dropped_attributes);
  case OF_SPAN_DROPPED_EVENTS: return read_count(d, &span->dropped_events);
  case OF_SPAN_DROPPED_LINKS: return read_count(d, &span->dropped_links);
  case OF_SPAN_STATE: return bt_json_read_text(&d->place, &span->trace_state);
  case OF_SPAN_FLAGS: return read_uint32(d, "expected flags: 0 to 4294967295", &span->flags);
  default: return read_status(d, span);
  }
}

static bt_status read_span(decoder *d) {
  bt_build *build = d->place.build;
  bt_trace_id trace_id = {{0}};
  bt_span span = {.name = BT_STR(""), .status_message = BT_STR(""), .resource = d->resource, .scope = d->scope};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->span.count = build->events.count = build->links.count = 0;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, span_names, COUNT(span_names), &seen, &bit))
    status = read_span_member(d, bit, &trace_id, &span);
  status = bt_json_place_finish(&d->place, status);
  if (status == BT_OK && !bt_span_batch_wants(d->batch, &trace_id)) return BT_OK;
  if (status == BT_OK) status = bt_build_attributes(build, &build->span, &span.attributes, d->place.error);
  if (status == BT_OK) status = bt_build_events(build, &span, d->place.error);
  if (status == BT_OK) status = bt_build_links(build, &span, d->place.error);
  if (status != BT_OK) return status;
  return bt_span_batch_add(d->batch, &trace_id, &span, (size_t)(d->place.json.at - d->place.json.start),
                           d->place.error);
}

static bt_status read_spans(decoder *d) {
  bt_status status = BT_OK;
  bt_json_open_array(&d->place.json);
  while (status == BT_OK && bt_json_next_item(&d->place.json)) status = read_span(d);
  return bt_json_place_finish(&d->place, status);
}

static bt_status read_scope(decoder *d, bt_scope *scope) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_SCOPE);
  bt_build *build = d->place.build;
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->scope.count = 0;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit)) {
    if (bit == OF_SCOPE_NAME)
      status = bt_json_read_text(&d->place, &scope->name);
    else if (bit == OF_SCOPE_VERSION)
      status = bt_json_read_text(&d->place, &scope->version);
    else if (bit == OF_SCOPE_DROPPED)
      status = read_count(d, &scope->attributes.dropped);
    else
      status = bt_json_read_attributes(&d->place, &build->scope);
  }
  status = bt_json_place_finish(&d->place, status);
  return status == BT_OK ? bt_build_attributes(build, &build->scope, &scope->attributes, d->place.error) : status;
}

/* The names of before 2022 are read too: what is not recognised here would be spans lost in silence. */
static bt_status read_scope_spans(decoder *d) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_SCOPE_SPANS);
  bt_scope *scope = bt_arena_alloc(&d->place.build->arena, sizeof *scope);
  if (!scope) return bt_build_no_room(d->place.build, sizeof *scope, d->place.error);
  *scope = (bt_scope){.name = BT_STR(""), .version = BT_STR("")};
  d->scope = scope;
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit))
    status = bit == OF_SCOPE_SPANS_SCOPE ? read_scope(d, scope) : read_spans(d);
  return bt_json_place_finish(&d->place, status);
}

static bt_status read_scope_spans_list(decoder *d) {
  bt_status status = BT_OK;
  bt_json_open_array(&d->place.json);
  while (status == BT_OK && bt_json_next_item(&d->place.json)) status = read_scope_spans(d);
  return bt_json_place_finish(&d->place, status);
}

static bt_status read_resource(decoder *d, bt_resource *resource) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_RESOURCE);
  bt_build *build = d->place.build;
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->resource.count = 0;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit))
    status = bit == OF_RESOURCE_DROPPED ? read_count(d, &resource->attributes.dropped)
                                        : bt_json_read_attributes(&d->place, &build->resource);
  status = bt_json_place_finish(&d->place, status);
  if (status == BT_OK) status = bt_build_attributes(build, &build->resource, &resource->attributes, d->place.error);
  resource->service = bt_attributes_service(&resource->attributes);
  return status;
}

static bt_status read_resource_spans(decoder *d) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_RESOURCE_SPANS);
  bt_resource *resource = bt_arena_alloc(&d->place.build->arena, sizeof *resource);
  if (!resource) return bt_build_no_room(d->place.build, sizeof *resource, d->place.error);
  d->resource = resource;
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, names, COUNT(names), &seen, &bit)) {
    if (bit == OF_RESOURCE_SPANS_LIBRARIES && d->is_request)
      status = bt_json_place_stop(&d->place, "expected scopeSpans: receivers of OTLP silently ignore the old name");
    else
      status = bit == OF_RESOURCE_SPANS_RESOURCE ? read_resource(d, resource) : read_scope_spans_list(d);
  }
  return bt_json_place_finish(&d->place, status);
}

static bt_status read_resource_spans_list(decoder *d) {
  bt_status status = BT_OK;
  bt_json_open_array(&d->place.json);
  while (status == BT_OK && bt_json_next_item(&d->place.json)) status = read_resource_spans(d);
  return bt_json_place_finish(&d->place, status);
}

enum { DOCUMENT_SPANS, DOCUMENT_TRACE, DOCUMENT_STATUS };
static const bt_json_name document_names[] = {
    BT_JSON_NAME("resourceSpans", DOCUMENT_SPANS), BT_JSON_NAME("batches", DOCUMENT_SPANS),
    BT_JSON_NAME("resource_spans", DOCUMENT_SPANS), BT_JSON_NAME("trace", DOCUMENT_TRACE),
    BT_JSON_NAME("status", DOCUMENT_STATUS)};

/* {"resourceSpans": […]}, the inside of Tempo's "trace" too: an object with keys of another kind only holds something
 * else. */
static bt_status read_trace(decoder *d) {
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, document_names, 3, &seen, &bit))
    status = read_resource_spans_list(d);
  status = bt_json_place_finish(&d->place, status);
  return status == BT_OK && seen == BT_JSON_OTHER_KEYS
             ? bt_json_place_stop(&d->place, "expected an object with resourceSpans")
             : status;
}

/* "status" of a trace by id. Whatever is not COMPLETE is not complete. */
static bt_status read_completeness(decoder *d) {
  bt_json *json = &d->place.json;
  bt_str text;
  bool is_string = bt_json_peek(json) == BT_JSON_STRING;
  if (is_string ? !bt_json_string(json, &text) : !bt_json_number(json, &text)) return bt_json_place_status(&d->place);
  d->is_partial = !bt_str_equal(text, BT_STR("COMPLETE")) && !bt_str_equal(text, BT_STR("0"));
  return BT_OK;
}

static bt_status read_document(decoder *d, uint32_t *seen) {
  unsigned bit;
  bt_status status = bt_span_batch_open(d->batch, d->place.error);
  *seen = 0;
  d->is_partial = false;
  if (status == BT_OK) bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, document_names, COUNT(document_names), seen, &bit)) {
    if (bit == DOCUMENT_SPANS)
      status = read_resource_spans_list(d);
    else
      status = bit == DOCUMENT_TRACE ? read_trace(d) : read_completeness(d);
  }
  status = bt_json_place_finish(&d->place, status);
  if (status == BT_OK && d->is_partial) bt_span_batch_mark_partial(d->batch);
  return status;
}

static bool holds_spans(uint32_t seen) {
  return (seen & (1u << DOCUMENT_SPANS | 1u << DOCUMENT_TRACE)) != 0;
}

static const char something_else[] = "expected an object with resourceSpans; this is something else";

/* A document that is an object of something else, e.g. of metrics, must not pass for one without spans. */
static bt_status read_otlp_document(decoder *d) {
  uint32_t seen;
  bt_status status = read_document(d, &seen);
  return status == BT_OK && seen && !holds_spans(seen) ? bt_json_place_stop(&d->place, something_else) : status;
}

static void start_reading(decoder *d, bt_str input, bt_span_batch *batch, bt_error *error) {
  *d = (decoder){.place = {.build = &batch->build, .error = error}, .batch = batch};
  bt_json_init(&d->place.json, input, &batch->build.arena);
  d->place.json.first_line = batch->place.line;
  d->place.json.first_column = batch->place.column;
}

static bt_status expect_end(decoder *d) {
  return bt_json_at_end(&d->place.json) ? BT_OK : bt_json_place_stop(&d->place, "expected the end of the text");
}

bt_status bt_otlp_decode_json(bt_str input, bt_span_batch *batch, bt_error *error) {
  decoder d;
  start_reading(&d, input, batch, error);
  bt_status status = read_otlp_document(&d);
  return status == BT_OK ? expect_end(&d) : status;
}

/* ---- documents of files: what else is written as one ---- */

enum {
  FILE_SPANS,
  FILE_TRACE,
  FILE_STATUS,
  FILE_RESOURCE,
  FILE_SCOPES,
  FILE_SCOPE,
  FILE_BARE,
  FILE_LOGS,
  FILE_METRICS,
  FILE_PROFILES
};
static const bt_json_name file_names[] = {BT_JSON_NAME("resourceSpans", FILE_SPANS),
                                          BT_JSON_NAME("batches", FILE_SPANS),
                                          BT_JSON_NAME("resource_spans", FILE_SPANS),
                                          BT_JSON_NAME("trace", FILE_TRACE),
                                          BT_JSON_NAME("result", FILE_TRACE),
                                          BT_JSON_NAME("status", FILE_STATUS),
                                          BT_JSON_NAME("resource", FILE_RESOURCE),
                                          BT_JSON_NAME("scopeSpans", FILE_SCOPES),
                                          BT_JSON_NAME("scope_spans", FILE_SCOPES),
                                          BT_JSON_NAME("instrumentationLibrarySpans", FILE_SCOPES),
                                          BT_JSON_NAME("scope", FILE_SCOPE),
                                          BT_JSON_NAME("instrumentationLibrary", FILE_SCOPE),
                                          BT_JSON_NAME("spans", FILE_BARE),
                                          BT_JSON_NAME("resourceLogs", FILE_LOGS),
                                          BT_JSON_NAME("resource_logs", FILE_LOGS),
                                          BT_JSON_NAME("scopeLogs", FILE_LOGS),
                                          BT_JSON_NAME("resourceMetrics", FILE_METRICS),
                                          BT_JSON_NAME("resource_metrics", FILE_METRICS),
                                          BT_JSON_NAME("scopeMetrics", FILE_METRICS),
                                          BT_JSON_NAME("resourceProfiles", FILE_PROFILES),
                                          BT_JSON_NAME("scopeProfiles", FILE_PROFILES)};

/* A ResourceSpans or ScopeSpans without anything around it. */
typedef struct bare_spans {
  bt_resource resource;
  bt_scope scope;
} bare_spans;

static bt_status open_bare(decoder *d, bare_spans **bare) {
  if (*bare) return BT_OK;
  *bare = bt_arena_alloc(&d->place.build->arena, sizeof **bare);
  if (!*bare) return bt_build_no_room(d->place.build, sizeof **bare, d->place.error);
  **bare = (bare_spans){.scope = {.name = BT_STR(""), .version = BT_STR("")}};
  return BT_OK;
}

static bt_status read_bare_member(decoder *d, unsigned bit, bare_spans **bare) {
  bt_status status = open_bare(d, bare);
  if (status != BT_OK) return status;
  d->resource = &(*bare)->resource;
  d->scope = &(*bare)->scope;
  if (bit == FILE_RESOURCE) return read_resource(d, &(*bare)->resource);
  if (bit == FILE_SCOPES) return read_scope_spans_list(d);
  return bit == FILE_SCOPE ? read_scope(d, &(*bare)->scope) : read_spans(d);
}

static bt_status read_file_member(decoder *d, unsigned bit, bare_spans **bare) {
  switch (bit) {
  case FILE_SPANS: return read_resource_spans_list(d);
  case FILE_TRACE: return read_trace(d);
  case FILE_STATUS: return read_completeness(d);
  case FILE_RESOURCE:
  case FILE_SCOPES:
  case FILE_SCOPE:
  case FILE_BARE: return read_bare_member(d, bit, bare);
  default: return bt_json_skip(&d->place.json) ? BT_OK : bt_json_place_status(&d->place);
  }
}

/* Spans at the top are a ScopeSpans where they have their scope beside them. Without it they may be of any shape. */
static bt_status check_kind(decoder *d, uint32_t seen) {
  const uint32_t whole = 1u << FILE_SPANS | 1u << FILE_TRACE | 1u << FILE_SCOPES;
  const uint32_t others = 1u << FILE_LOGS | 1u << FILE_METRICS | 1u << FILE_PROFILES;
  if (seen & 1u << FILE_BARE && !(seen & 1u << FILE_SCOPE))
    return bt_json_place_stop(&d->place, "expected an object with resourceSpans; this has spans and no scope of them");
  if (!seen || seen & (whole | 1u << FILE_BARE)) return BT_OK;
  if (!(seen & others) || !d->batch->passed) return bt_json_place_stop(&d->place, something_else);
  d->batch->passed->other_signals++;
  return BT_OK;
}

static bt_status read_file_document(decoder *d) {
  uint32_t seen = 0;
  unsigned bit;
  bare_spans *bare = NULL;
  bt_status status = bt_span_batch_open(d->batch, d->place.error);
  d->is_partial = false;
  if (status == BT_OK) bt_json_open_object(&d->place.json);
  while (status == BT_OK && bt_json_next_known(&d->place.json, file_names, COUNT(file_names), &seen, &bit))
    status = read_file_member(d, bit, &bare);
  status = bt_json_place_finish(&d->place, status);
  if (status == BT_OK && d->is_partial) bt_span_batch_mark_partial(d->batch);
  return status == BT_OK ? check_kind(d, seen) : status;
}

bt_status bt_otlp_read_file_document(bt_json_place *place, bt_span_batch *batch) {
  decoder d = {.place = *place, .batch = batch};
  bt_status status = read_file_document(&d);
  place->json = d.place.json;
  return status;
}

enum { REQUEST_SPANS, REQUEST_FLAT, REQUEST_OTHER };
static const bt_json_name request_names[] = {
    BT_JSON_NAME("resourceSpans", REQUEST_SPANS), BT_JSON_NAME("resource_spans", REQUEST_SPANS),
    BT_JSON_NAME("spans", REQUEST_FLAT), BT_JSON_NAME("batches", REQUEST_OTHER), BT_JSON_NAME("trace", REQUEST_OTHER)};

static bt_status read_request_member(decoder *d, unsigned bit) {
  if (bit == REQUEST_SPANS) return read_resource_spans_list(d);
  if (bit == REQUEST_OTHER)
    return bt_json_place_stop(&d->place, "expected resourceSpans: receivers of OTLP silently ignore other names");
  d->is_flat = true;
  return bt_json_skip(&d->place.json) ? BT_OK : bt_json_place_status(&d->place);
}

bt_status bt_otlp_decode_json_request(bt_str input, bt_span_batch *batch, bool *is_flat, bt_error *error) {
  decoder d;
  uint32_t seen = 0;
  unsigned bit;
  start_reading(&d, input, batch, error);
  d.is_request = true;
  bt_status status = bt_span_batch_open(batch, error);
  if (status == BT_OK) bt_json_open_object(&d.place.json);
  while (status == BT_OK && bt_json_next_known(&d.place.json, request_names, COUNT(request_names), &seen, &bit))
    status = read_request_member(&d, bit);
  status = bt_json_place_finish(&d.place, status);
  if (status == BT_OK && d.is_flat && seen & 1u << REQUEST_SPANS)
    status = bt_json_place_stop(&d.place, "expected one of resourceSpans and spans");
  if (status == BT_OK && seen == BT_JSON_OTHER_KEYS)
    status =
        bt_json_place_stop(&d.place, "expected an object with resourceSpans (OTLP) or spans; this is something else");
  *is_flat = d.is_flat;
  return status == BT_OK ? expect_end(&d) : status;
}

bt_status bt_tempo_decode_trace_json(bt_str body, bt_span_batch *batch, bool *partial, bt_error *error) {
  decoder d;
  uint32_t seen;
  start_reading(&d, body, batch, error);
  bt_status status = read_document(&d, &seen);
  *partial = d.is_partial;
  if (status == BT_OK && !holds_spans(seen))
    return bt_json_place_stop(&d.place, "expected an answer with a trace in it, be it an empty one");
  return status == BT_OK ? expect_end(&d) : status;
}
