/* Spans of Zipkin's JSON. See zipkin_json.h. Both halves of a shared span keep its id: they differ in their kinds, and
 * that is how traces have them. */
#include "tempo/wire/zipkin_json.h"

#include "tempo/wire/micro_time.h"
#include "tempo/wire/span_batch.h"
#include "tempo/wire/told_tags.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char trace_id_expected[] = "expected Zipkin's trace id: up to 32 hex digits",
                  span_id_expected[] = "expected Zipkin's span id: up to 16 hex digits";

static const char of_api_v1[] =
    "this is of Zipkin's API v1, where annotations say what a span is: have the tracer send "
    "API v2 (JSON_V2)";

typedef struct zipkin_reader {
  bt_json_place *place;
  bt_span_batch *batch;
  const bt_resource *resource; /* of the span before: mostly the next one's too */
  bt_told_scope scope;
} zipkin_reader;

static bt_status read_kind(zipkin_reader *r, bt_span_kind *out) {
  bt_str text = BT_STR("");
  bt_status status = bt_json_read_text(r->place, &text);
  if (status != BT_OK || bt_told_kind(text, out)) return status;
  return bt_json_place_stop(r->place, "expected Zipkin's kind: CLIENT, SERVER, PRODUCER or CONSUMER");
}

typedef struct endpoint {
  bt_str service, address;
  int64_t port; /* 0: not known */
} endpoint;

static bt_status read_endpoint(zipkin_reader *r, endpoint *out) {
  enum { ENDPOINT_SERVICE, ENDPOINT_V4, ENDPOINT_V6, ENDPOINT_PORT };
  static const bt_json_name names[] = {BT_JSON_NAME("serviceName", ENDPOINT_SERVICE), BT_JSON_NAME("ipv4", ENDPOINT_V4),
                                       BT_JSON_NAME("ipv6", ENDPOINT_V6), BT_JSON_NAME("port", ENDPOINT_PORT)};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, names, COUNT(names), &seen, &bit)) {
    if (bit == ENDPOINT_PORT)
      status = bt_json_read_int64(r->place, "expected a port", &out->port);
    else
      status = bt_json_read_text(r->place, bit == ENDPOINT_SERVICE ? &out->service : &out->address);
  }
  return bt_json_place_finish(r->place, status);
}

static bt_status read_annotation(zipkin_reader *r) {
  enum { ANNOTATION_TIME, ANNOTATION_VALUE, ANNOTATION_ENDPOINT };
  static const bt_json_name names[] = {BT_JSON_NAME("timestamp", ANNOTATION_TIME),
                                       BT_JSON_NAME("value", ANNOTATION_VALUE),
                                       BT_JSON_NAME("endpoint", ANNOTATION_ENDPOINT)};
  bt_event event = {.name = BT_STR("")};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, names, COUNT(names), &seen, &bit)) {
    if (bit == ANNOTATION_ENDPOINT)
      status = bt_json_place_stop(r->place, of_api_v1);
    else
      status = bit == ANNOTATION_TIME ? bt_micro_time_read(r->place, &event.time_ns)
                                      : bt_json_read_text(r->place, &event.name);
  }
  status = bt_json_place_finish(r->place, status);
  if (status == BT_OK) status = bt_told_event(r->place->build, &event, r->place->error);
  return status == BT_OK ? bt_build_add_event(r->place->build, &event, r->place->error) : status;
}

static bt_status read_annotations(zipkin_reader *r) {
  bt_status status = BT_OK;
  bt_json_open_array(&r->place->json);
  while (status == BT_OK && bt_json_next_item(&r->place->json)) status = read_annotation(r);
  return bt_json_place_finish(r->place, status);
}

/* Zipkin has texts alone. OpenTelemetry's SDK for C++ writes values of their types all the same, and lists; of these
 * each counts as dropped. */
static bt_status read_tags(zipkin_reader *r, uint32_t *dropped) {
  bt_json *json = &r->place->json;
  bt_status status = BT_OK;
  bt_attribute tag;
  bt_json_open_object(json);
  while (status == BT_OK && bt_json_next_key(json, &tag.key)) {
    tag.value = (bt_value){.type = BT_VALUE_MISSING};
    if (bt_json_null(json)) continue;
    if (bt_told_value(json, &tag.value))
      status = bt_build_add(&r->place->build->span, &tag, r->place->error);
    else
      *dropped += *dropped < UINT32_MAX;
  }
  return bt_json_place_finish(r->place, status);
}

/* ---- spans ---- */

enum {
  SPAN_TRACE,
  SPAN_ID,
  SPAN_PARENT,
  SPAN_NAME,
  SPAN_KIND,
  SPAN_START,
  SPAN_DURATION,
  SPAN_LOCAL,
  SPAN_REMOTE,
  SPAN_ANNOTATIONS,
  SPAN_TAGS,
  SPAN_V1
};
static const bt_json_name span_names[] = {BT_JSON_NAME("traceId", SPAN_TRACE),
                                          BT_JSON_NAME("id", SPAN_ID),
                                          BT_JSON_NAME("parentId", SPAN_PARENT),
                                          BT_JSON_NAME("name", SPAN_NAME),
                                          BT_JSON_NAME("kind", SPAN_KIND),
                                          BT_JSON_NAME("timestamp", SPAN_START),
                                          BT_JSON_NAME("duration", SPAN_DURATION),
                                          BT_JSON_NAME("localEndpoint", SPAN_LOCAL),
                                          BT_JSON_NAME("remoteEndpoint", SPAN_REMOTE),
                                          BT_JSON_NAME("annotations", SPAN_ANNOTATIONS),
                                          BT_JSON_NAME("tags", SPAN_TAGS),
                                          BT_JSON_NAME("binaryAnnotations", SPAN_V1)};

typedef struct zipkin_span {
  bt_trace_id trace_id;
  bt_span span;
  bt_micro_times times;
  endpoint local, remote;
} zipkin_span;

static bt_status read_span_member(zipkin_reader *r, unsigned bit, zipkin_span *s) {
  switch (bit) {
  case SPAN_TRACE: return bt_json_read_trace_id(r->place, trace_id_expected, &s->trace_id);
  case SPAN_ID: return bt_json_read_span_id(r->place, span_id_expected, &s->span.id);
  case SPAN_PARENT: return bt_json_read_span_id(r->place, span_id_expected, &s->span.parent_id);
  case SPAN_NAME: return bt_json_read_text(r->place, &s->span.name);
  case SPAN_KIND: return read_kind(r, &s->span.kind);
  case SPAN_START: return bt_micro_time_read(r->place, &s->times.start_ns);
  case SPAN_DURATION: return bt_micro_duration_read(r->place, &s->times);
  case SPAN_LOCAL: return read_endpoint(r, &s->local);
  case SPAN_REMOTE: return read_endpoint(r, &s->remote);
  case SPAN_ANNOTATIONS: return read_annotations(r);
  case SPAN_V1: return bt_json_place_stop(r->place, of_api_v1);
  default: return read_tags(r, &s->span.dropped_attributes);
  }
}

static bt_status add_text(zipkin_reader *r, bt_str key, bt_str text) {
  bt_attribute_list *tags = &r->place->build->span;
  for (size_t i = 0; i < tags->count; i++)
    if (bt_str_equal(tags->items[i].key, key)) return BT_OK; /* a tag says it */
  const bt_attribute attribute = {.key = key, .value = {.type = BT_VALUE_STRING, .string = text}};
  return text.len ? bt_build_add(tags, &attribute, r->place->error) : BT_OK;
}

static bt_status add_port(zipkin_reader *r, bt_str key, int64_t port) {
  const bt_attribute attribute = {.key = key, .value = {.type = BT_VALUE_INT, .integer = port}};
  return port ? bt_build_add(&r->place->build->span, &attribute, r->place->error) : BT_OK;
}

/* Under the names that OpenTelemetry's Collector gives them. */
static bt_status add_endpoints(zipkin_reader *r, const zipkin_span *s) {
  bt_status status = add_text(r, BT_STR("net.host.ip"), s->local.address);
  if (status == BT_OK) status = add_port(r, BT_STR("net.host.port"), s->local.port);
  if (status == BT_OK) status = add_text(r, BT_STR("peer.service"), s->remote.service);
  if (status == BT_OK) status = add_text(r, BT_STR("net.peer.ip"), s->remote.address);
  return status == BT_OK ? add_port(r, BT_STR("net.peer.port"), s->remote.port) : status;
}

/* Zipkin has no resources. Its own tracers and some exporters of OpenTelemetry write what they have as tags; others
 * (Java, Rust) write the service's name alone, and not as a tag. An SDK's resource has service.name. */
static uint32_t dropped_of_resource(const bt_attribute_list *tags) {
  bool is_otel = false;
  for (size_t i = 0; i < tags->count; i++) {
    bt_str key = tags->items[i].key;
    bool is_of_resource =
        bt_str_starts_with(key, BT_STR("telemetry.sdk.")) || bt_str_equal(key, BT_STR("service.name"));
    if (is_of_resource) return BT_NOT_APART;
    is_otel = is_otel || bt_str_starts_with(key, BT_STR("otel."));
  }
  return is_otel ? BT_NOT_KEPT : BT_NOT_APART;
}

static bt_status find_resource(zipkin_reader *r, bt_str service, uint32_t dropped) {
  bt_build *build = r->place->build;
  const bt_attribute attribute = {.key = BT_STR("service.name"), .value = {.type = BT_VALUE_STRING, .string = service}};
  bool is_same = r->resource && r->resource->attributes.dropped == dropped;
  if (is_same && bt_str_equal(r->resource->service, service)) return BT_OK;
  bt_resource *resource = bt_arena_alloc(&build->arena, sizeof *resource);
  if (!resource) return bt_build_no_room(build, sizeof *resource, r->place->error);
  *resource = (bt_resource){.service = {NULL, 0}, .attributes.dropped = dropped};
  r->resource = resource;
  build->resource.count = 0;
  bt_status status = service.len ? bt_build_add(&build->resource, &attribute, r->place->error) : BT_OK;
  if (status == BT_OK) status = bt_build_attributes(build, &build->resource, &resource->attributes, r->place->error);
  if (status == BT_OK) resource->service = bt_attributes_service(&resource->attributes);
  return status;
}

static bt_status add_span(zipkin_reader *r, zipkin_span *s) {
  bt_build *build = r->place->build;
  bt_error *error = r->place->error;
  bt_span *span = &s->span;
  uint32_t dropped = dropped_of_resource(&build->span);
  bt_status status = bt_told_links_take(build, span, error);
  if (status == BT_OK) status = bt_told_tags_take(build, &r->scope, span, error);
  if (status == BT_OK) status = add_endpoints(r, s);
  if (status == BT_OK) status = find_resource(r, s->local.service, dropped);
  if (status == BT_OK) status = bt_build_attributes(build, &build->span, &span->attributes, error);
  if (status == BT_OK) status = bt_build_events(build, span, error);
  if (status == BT_OK) status = bt_micro_times_set(r->place, &s->times, span);
  if (status != BT_OK) return status;
  span->resource = r->resource;
  return bt_span_batch_add(r->batch, &s->trace_id, span, (size_t)(r->place->json.at - r->place->json.start), error);
}

/* Some tracers report an annotation that comes late in a record of its own, which Zipkin joins to the span of its id.
 */
static bool is_fragment(const bt_build *build, const zipkin_span *s) {
  bool is_known =
      s->span.name.len || s->span.kind || s->times.start_ns || s->times.has_duration || s->local.service.len;
  return !is_known && (build->events.count || build->span.count);
}

static bt_status leave_out_fragment(zipkin_reader *r, const zipkin_span *s) {
  bt_passed_over *passed = r->batch->passed;
  if (!passed) return bt_json_place_stop(r->place, "this only adds to a span of its id: expected spans that are whole");
  passed->fragments++;
  return bt_passed_over_touch(passed, &s->trace_id, r->place->error);
}

static bt_status read_span(zipkin_reader *r) {
  bt_build *build = r->place->build;
  const endpoint nowhere = {.service = BT_STR(""), .address = BT_STR("")};
  zipkin_span s = {.span = {.name = BT_STR(""), .status_message = BT_STR("")}, .local = nowhere, .remote = nowhere};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->span.count = build->events.count = 0;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, span_names, COUNT(span_names), &seen, &bit))
    status = read_span_member(r, bit, &s);
  status = bt_json_place_finish(r->place, status);
  if (status != BT_OK || !bt_span_batch_wants(r->batch, &s.trace_id)) return status;
  return is_fragment(build, &s) ? leave_out_fragment(r, &s) : add_span(r, &s);
}

static bt_status read_spans(zipkin_reader *r) {
  bt_status status = BT_OK;
  bt_json_open_array(&r->place->json);
  while (status == BT_OK && bt_json_next_item(&r->place->json)) status = read_span(r);
  return bt_json_place_finish(r->place, status);
}

bt_status bt_zipkin_read_document(bt_json_place *place, bt_span_batch *batch) {
  zipkin_reader r = {.place = place, .batch = batch};
  bt_status status = bt_span_batch_open(batch, place->error);
  if (status != BT_OK) return status;
  if (bt_json_peek(&place->json) == BT_JSON_OBJECT) return read_span(&r);
  bt_json_open_array(&place->json);
  while (status == BT_OK && bt_json_next_item(&place->json))
    status = bt_json_peek(&place->json) == BT_JSON_ARRAY ? read_spans(&r) : read_span(&r);
  return bt_json_place_finish(place, status);
}
