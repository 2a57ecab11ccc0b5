/* Spans of Jaeger's JSON. See jaeger_json.h. One function an object. A span names its process, which may come behind
 * it. So the first span that names one places its resource, and the process fills it. */
#include "tempo/wire/jaeger_json.h"

#include <math.h>
#include <string.h>

#include "dsl/trace/untyped_text.h"
#include "tempo/wire/json_number.h"
#include "tempo/wire/micro_time.h"
#include "tempo/wire/span_batch.h"
#include "tempo/wire/told_tags.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char trace_id_expected[] = "expected Jaeger's trace id: up to 32 hex digits",
                  span_id_expected[] = "expected Jaeger's span id: up to 16 hex digits";

typedef struct process process;
struct process {
  process *next;
  bt_str id;
  bt_resource resource;
};

typedef struct jaeger_reader {
  bt_json_place *place;
  bt_span_batch *batch;
  process *processes; /* of the trace */
  bt_told_scope scope;
  bool is_stored; /* bt_jaeger_read_stored */
} jaeger_reader;

/* ---- tags ---- */

static void read_number(bt_str digits, bt_str type, bt_value *out) {
  bool is_decimal = bt_str_equal(type, BT_STR("float64"));
  if (!is_decimal && bt_json_to_int64(digits, &out->integer))
    out->type = BT_VALUE_INT;
  else
    out->type = bt_json_to_double(digits, &out->decimal) ? BT_VALUE_DOUBLE : BT_VALUE_OTHER;
}

/* What is no finite number is whole. Of all others nothing is known but that they are there: as a text that was changed
 * (untyped_text.h), since a double that is inexact is one of those next to it. */
static void read_ten_digits(bt_str text, bt_value *out) {
  bool is_infinite = bt_str_equal(text, BT_STR("+Inf")) || bt_str_equal(text, BT_STR("-Inf"));
  double infinite = text.len && text.ptr[0] == '-' ? -INFINITY : INFINITY;
  *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = is_infinite ? infinite : NAN};
  if (!is_infinite && !bt_str_equal(text, BT_STR("NaN")))
    *out = (bt_value){.type = BT_VALUE_STRING, .string = text, .is_inexact = true};
}

/* Some stores write every value as a text, and its type beside it. */
static void read_typed_text(const jaeger_reader *r, bt_str text, bt_str type, bt_value *out) {
  bool is_number = bt_str_equal(type, BT_STR("int64")) || bt_str_equal(type, BT_STR("float64"));
  bool is_true = bt_str_equal(text, BT_STR("true")), is_false = bt_str_equal(text, BT_STR("false"));
  *out = r->is_stored ? bt_untyped_list_or_text(text) : (bt_value){.type = BT_VALUE_STRING, .string = text};
  if (bt_str_equal(type, BT_STR("binary")))
    *out = (bt_value){.type = BT_VALUE_OTHER};
  else if (bt_str_equal(type, BT_STR("bool")) && (is_true || is_false))
    *out = (bt_value){.type = BT_VALUE_BOOL, .boolean = is_true};
  else if (is_number && bt_json_is_number(text))
    read_number(text, type, out);
  if (r->is_stored && bt_str_equal(type, BT_STR("float64"))) read_ten_digits(text, out);
}

/* `value` stands before it, and it was passed over, so that it is JSON. */
static bt_status read_value(jaeger_reader *r, bt_json *value, bt_str type, bt_value *out) {
  bt_str text;
  *out = (bt_value){.type = BT_VALUE_OTHER};
  switch (bt_json_peek(value)) {
  case BT_JSON_STRING:
    if (bt_json_string(value, &text)) read_typed_text(r, text, type, out);
    break;
  case BT_JSON_NUMBER:
    if (bt_json_number(value, &text)) read_number(text, type, out);
    break;
  case BT_JSON_BOOL:
    out->type = BT_VALUE_BOOL;
    bt_json_bool(value, &out->boolean);
    break;
  case BT_JSON_NOTHING:
  case BT_JSON_NULL:
  case BT_JSON_OBJECT:
  case BT_JSON_ARRAY: break; /* Jaeger has no such values */
  }
  return bt_json_status(value, r->place->error);
}

/* Its type may come behind its value. */
static bt_status read_tag(jaeger_reader *r, bt_attribute_list *list) {
  enum { TAG_KEY, TAG_TYPE, TAG_VALUE };
  static const bt_json_name names[] = {BT_JSON_NAME("key", TAG_KEY), BT_JSON_NAME("type", TAG_TYPE),
                                       BT_JSON_NAME("value", TAG_VALUE)};
  bt_attribute tag = {.key = BT_STR("")};
  bt_str type = BT_STR("");
  bt_json *json = &r->place->json, value = {0};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(json);
  while (status == BT_OK && bt_json_next_known(json, names, COUNT(names), &seen, &bit)) {
    if (bit == TAG_VALUE) {
      value = *json;
      bt_json_skip(json);
    } else {
      status = bt_json_read_text(r->place, bit == TAG_KEY ? &tag.key : &type);
    }
  }
  status = bt_json_place_finish(r->place, status);
  if (status != BT_OK || !value.start) return status;
  status = read_value(r, &value, type, &tag.value);
  return status == BT_OK ? bt_build_add(list, &tag, r->place->error) : status;
}

static bt_status read_tags(jaeger_reader *r, bt_attribute_list *list) {
  bt_status status = BT_OK;
  bt_json_open_array(&r->place->json);
  while (status == BT_OK && bt_json_next_item(&r->place->json)) status = read_tag(r, list);
  return bt_json_place_finish(r->place, status);
}

/* {"http@method": "GET"} */
static bt_status read_tag_object(jaeger_reader *r, bt_attribute_list *list) {
  bt_str key;
  bt_status status = BT_OK;
  bt_json *json = &r->place->json;
  bt_json_open_object(json);
  while (status == BT_OK && bt_json_next_key(json, &key)) {
    bt_attribute tag;
    char *name = bt_arena_duplicate(&r->place->build->arena, key.ptr, key.len);
    if (!name && key.len) return bt_build_no_room(r->place->build, key.len, r->place->error);
    for (size_t i = 0; i < key.len; i++)
      if (name[i] == '@') name[i] = '.';
    tag.key = (bt_str){name, key.len};
    bt_json value = *json;
    bt_json_skip(json);
    status = read_value(r, &value, BT_STR(""), &tag.value);
    if (status == BT_OK) status = bt_build_add(list, &tag, r->place->error);
  }
  return bt_json_place_finish(r->place, status);
}

/* ---- processes ---- */

static bt_status find_process(jaeger_reader *r, bt_str id, process **out) {
  bt_build *build = r->place->build;
  for (*out = r->processes; *out; *out = (*out)->next)
    if (bt_str_equal((*out)->id, id)) return BT_OK;
  process *added = *out = bt_arena_alloc(&build->arena, sizeof *added);
  if (!added) return bt_build_no_room(build, sizeof *added, r->place->error);
  *added = (process){.next = r->processes, .id = id};
  r->processes = added;
  return BT_OK;
}

/* Jaeger makes a text of the service's name, whatever it was, and has words for none. */
static bt_status finish_stored(jaeger_reader *r, bt_str service, bt_resource *resource, bt_status status) {
  bt_build *build = r->place->build;
  bool is_none = bt_str_equal(service, BT_STR("OTLPResourceNoServiceName"));
  const bt_attribute named = {.key = BT_STR("service.name"),
                              .value = bt_untyped_value(is_none || !service.ptr ? BT_STR("") : service)};
  if (status == BT_OK) status = bt_build_add(&build->resource, &named, r->place->error);
  if (status == BT_OK) status = bt_build_attributes(build, &build->resource, &resource->attributes, r->place->error);
  if (status == BT_OK) resource->service = bt_attributes_service(&resource->attributes);
  return status;
}

static bt_status read_process(jaeger_reader *r, bt_resource *resource) {
  enum { PROCESS_SERVICE, PROCESS_TAGS, PROCESS_TAG };
  static const bt_json_name names[] = {BT_JSON_NAME("serviceName", PROCESS_SERVICE), BT_JSON_NAME("tags", PROCESS_TAGS),
                                       BT_JSON_NAME("tag", PROCESS_TAG)};
  bt_build *build = r->place->build;
  bt_attribute service = {.key = BT_STR("service.name"), .value = {.type = BT_VALUE_STRING}};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->resource.count = 0;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, names, COUNT(names), &seen, &bit))
    if (bit == PROCESS_SERVICE)
      status = bt_json_read_text(r->place, &service.value.string);
    else
      status = bit == PROCESS_TAGS ? read_tags(r, &build->resource) : read_tag_object(r, &build->resource);
  status = bt_json_place_finish(r->place, status);
  if (r->is_stored) return finish_stored(r, service.value.string, resource, status);
  if (status == BT_OK && service.value.string.len) status = bt_build_add(&build->resource, &service, r->place->error);
  if (status == BT_OK) status = bt_build_attributes(build, &build->resource, &resource->attributes, r->place->error);
  if (status == BT_OK) resource->service = bt_attributes_service(&resource->attributes);
  return status;
}

static bt_status read_processes(jaeger_reader *r) {
  bt_status status = BT_OK;
  bt_str id;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_key(&r->place->json, &id)) {
    process *named;
    status = find_process(r, id, &named);
    if (status == BT_OK) status = read_process(r, &named->resource);
  }
  return bt_json_place_finish(r->place, status);
}

/* ---- spans ---- */

typedef struct reference {
  bt_str type;
  bt_trace_id trace_id;
  bt_span_id span_id;
} reference;

static bt_status read_reference(jaeger_reader *r, reference *out) {
  enum { REFERENCE_TYPE, REFERENCE_TRACE, REFERENCE_SPAN };
  static const bt_json_name names[] = {BT_JSON_NAME("refType", REFERENCE_TYPE),
                                       BT_JSON_NAME("traceID", REFERENCE_TRACE),
                                       BT_JSON_NAME("spanID", REFERENCE_SPAN)};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  *out = (reference){.type = BT_STR("")};
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, names, COUNT(names), &seen, &bit)) {
    if (bit == REFERENCE_TYPE)
      status = bt_json_read_text(r->place, &out->type);
    else
      status = bit == REFERENCE_TRACE ? bt_json_read_trace_id(r->place, trace_id_expected, &out->trace_id)
                                      : bt_json_read_span_id(r->place, span_id_expected, &out->span_id);
  }
  return bt_json_place_finish(r->place, status);
}

/* All of them are links for now. *children: which of the first 64 say that they are of a parent. */
static bt_status read_references(jaeger_reader *r, uint64_t *children) {
  bt_status status = BT_OK;
  const bt_link_list *links = &r->place->build->links;
  bt_json_open_array(&r->place->json);
  while (status == BT_OK && bt_json_next_item(&r->place->json)) {
    reference one;
    status = read_reference(r, &one);
    if (links->count < 64 && bt_str_equal(one.type, BT_STR("CHILD_OF"))) *children |= UINT64_C(1) << links->count;
    const bt_link link = {.trace_id = one.trace_id, .span_id = one.span_id, .attributes.dropped = BT_NOT_KEPT};
    if (status == BT_OK) status = bt_build_add_link(r->place->build, &link, r->place->error);
  }
  return bt_json_place_finish(r->place, status);
}

static bt_status read_log(jaeger_reader *r) {
  enum { LOG_TIME, LOG_FIELDS };
  static const bt_json_name names[] = {BT_JSON_NAME("timestamp", LOG_TIME), BT_JSON_NAME("fields", LOG_FIELDS)};
  bt_build *build = r->place->build;
  bt_event event = {.name = BT_STR("")};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->event.count = 0;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, names, COUNT(names), &seen, &bit))
    status = bit == LOG_TIME ? bt_micro_time_read(r->place, &event.time_ns) : read_tags(r, &build->event);
  status = bt_json_place_finish(r->place, status);
  for (size_t i = 0; i < build->event.count; i++) { /* a field of that name is the event's, once */
    const bt_attribute *field = &build->event.items[i];
    if (!bt_str_equal(field->key, BT_STR("event")) || field->value.type != BT_VALUE_STRING) continue;
    event.name = field->value.string;
    build->event.items[i] = build->event.items[--build->event.count];
    break;
  }
  if (status == BT_OK) status = bt_build_attributes(build, &build->event, &event.attributes, r->place->error);
  return status == BT_OK ? bt_build_add_event(build, &event, r->place->error) : status;
}

static bt_status read_logs(jaeger_reader *r) {
  bt_status status = BT_OK;
  bt_json_open_array(&r->place->json);
  while (status == BT_OK && bt_json_next_item(&r->place->json)) status = read_log(r);
  return bt_json_place_finish(r->place, status);
}

enum {
  SPAN_TRACE,
  SPAN_ID,
  SPAN_PARENT,
  SPAN_NAME,
  SPAN_REFERENCES,
  SPAN_START,
  SPAN_DURATION,
  SPAN_TAGS,
  SPAN_TAG,
  SPAN_LOGS,
  SPAN_PROCESS_ID,
  SPAN_PROCESS
};
static const bt_json_name span_names[] = {BT_JSON_NAME("traceID", SPAN_TRACE),
                                          BT_JSON_NAME("spanID", SPAN_ID),
                                          BT_JSON_NAME("parentSpanID", SPAN_PARENT),
                                          BT_JSON_NAME("operationName", SPAN_NAME),
                                          BT_JSON_NAME("references", SPAN_REFERENCES),
                                          BT_JSON_NAME("startTime", SPAN_START),
                                          BT_JSON_NAME("duration", SPAN_DURATION),
                                          BT_JSON_NAME("tags", SPAN_TAGS),
                                          BT_JSON_NAME("tag", SPAN_TAG),
                                          BT_JSON_NAME("logs", SPAN_LOGS),
                                          BT_JSON_NAME("processID", SPAN_PROCESS_ID),
                                          BT_JSON_NAME("process", SPAN_PROCESS)};

typedef struct jaeger_span {
  bt_trace_id trace_id;
  bt_span span;
  bt_micro_times times;
  process *process;
  uint64_t children; /* among its references */
} jaeger_span;

static bt_status read_own_process(jaeger_reader *r, jaeger_span *s, bool is_named) {
  bt_str id = BT_STR("");
  bt_build *build = r->place->build;
  bt_status status = is_named ? bt_json_read_text(r->place, &id) : BT_OK;
  if (status == BT_OK && is_named) return find_process(r, id, &s->process);
  process *own = status == BT_OK ? bt_arena_alloc(&build->arena, sizeof *own) : NULL;
  if (!own) return status != BT_OK ? status : bt_build_no_room(build, sizeof *own, r->place->error);
  *own = (process){.id = id};
  s->process = own;
  return read_process(r, &own->resource);
}

static bt_status read_span_member(jaeger_reader *r, unsigned bit, jaeger_span *s) {
  switch (bit) {
  case SPAN_TRACE: return bt_json_read_trace_id(r->place, trace_id_expected, &s->trace_id);
  case SPAN_ID: return bt_json_read_span_id(r->place, span_id_expected, &s->span.id);
  case SPAN_PARENT: return bt_json_read_span_id(r->place, span_id_expected, &s->span.parent_id);
  case SPAN_NAME: return bt_json_read_text(r->place, &s->span.name);
  case SPAN_REFERENCES: return read_references(r, &s->children);
  case SPAN_START: return bt_micro_time_read(r->place, &s->times.start_ns);
  case SPAN_DURATION: return bt_micro_duration_read(r->place, &s->times);
  case SPAN_TAGS: return read_tags(r, &r->place->build->span);
  case SPAN_TAG: return read_tag_object(r, &r->place->build->span);
  case SPAN_LOGS: return read_logs(r);
  case SPAN_PROCESS_ID: return read_own_process(r, s, true);
  default: return read_own_process(r, s, false);
  }
}

/* The parent is the first CHILD_OF in the trace, else the first reference in it, as Jaeger's own UI has it. Where it is
 * named beside the references, only one that names it is no link. */
static void choose_parent(jaeger_reader *r, jaeger_span *s) {
  bt_link_list *links = &r->place->build->links;
  size_t chosen = links->count;
  bool is_named = !bt_span_id_is_zero(&s->span.parent_id);
  for (size_t i = 0; i < links->count; i++) {
    if (bt_trace_id_compare(&links->items[i].trace_id, &s->trace_id) != 0) continue;
    if (is_named && r->is_stored && memcmp(&links->items[i].span_id, &s->span.parent_id, sizeof(bt_span_id)) != 0)
      continue;
    bool is_child = i < 64 && s->children >> i & 1;
    if (chosen == links->count || is_child) chosen = i;
    if (is_child) break;
  }
  if (chosen == links->count) return;
  s->span.parent_id = links->items[chosen].span_id;
  for (size_t i = chosen + 1; i < links->count; i++) links->items[i - 1] = links->items[i];
  links->count--;
}

static bt_status add_span(jaeger_reader *r, jaeger_span *s) {
  bt_build *build = r->place->build;
  bt_error *error = r->place->error;
  bt_span *span = &s->span;
  bt_status status = s->process ? BT_OK : find_process(r, BT_STR(""), &s->process);
  if (status == BT_OK && !bt_span_batch_wants(r->batch, &s->trace_id)) return BT_OK;
  if (status == BT_OK) status = bt_told_tags_take(build, &r->scope, span, error);
  if (status == BT_OK) status = bt_build_attributes(build, &build->span, &span->attributes, error);
  if (status == BT_OK) status = bt_build_events(build, span, error);
  if (status == BT_OK) status = bt_build_links(build, span, error);
  if (status == BT_OK) status = bt_micro_times_set(r->place, &s->times, span);
  if (status != BT_OK) return status;
  span->resource = &s->process->resource;
  if (r->is_stored) { /* a start that was cut, and a duration */
    span->time_slack_ns = 2 * 999;
    span->duration_slack_ns = 999;
  }
  return bt_span_batch_add(r->batch, &s->trace_id, span, (size_t)(r->place->json.at - r->place->json.start), error);
}

static bt_status read_span(jaeger_reader *r) {
  bt_build *build = r->place->build;
  jaeger_span s = {.span = {.name = BT_STR(""), .status_message = BT_STR("")}};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  build->span.count = build->events.count = build->links.count = 0;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, span_names, COUNT(span_names), &seen, &bit))
    status = read_span_member(r, bit, &s);
  status = bt_json_place_finish(r->place, status);
  if (status != BT_OK) return status;
  choose_parent(r, &s);
  return add_span(r, &s);
}

static bt_status read_spans(jaeger_reader *r) {
  bt_status status = BT_OK;
  bt_json_open_array(&r->place->json);
  while (status == BT_OK && bt_json_next_item(&r->place->json)) status = read_span(r);
  return bt_json_place_finish(r->place, status);
}

/* ---- documents ---- */

enum { TRACE_SPANS, TRACE_PROCESSES, TRACE_DATA };
static const bt_json_name document_names[] = {
    BT_JSON_NAME("spans", TRACE_SPANS), BT_JSON_NAME("processes", TRACE_PROCESSES), BT_JSON_NAME("data", TRACE_DATA)};

static bt_status read_trace(jaeger_reader *r) {
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  r->processes = NULL;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, document_names, 2, &seen, &bit))
    status = bit == TRACE_SPANS ? read_spans(r) : read_processes(r);
  status = bt_json_place_finish(r->place, status);
  return status == BT_OK && !(seen & 1u << TRACE_SPANS)
             ? bt_json_place_stop(r->place, "expected a trace of Jaeger, with its spans")
             : status;
}

static bt_status read_traces(jaeger_reader *r) {
  bt_status status = BT_OK;
  bt_json_open_array(&r->place->json);
  while (status == BT_OK && bt_json_next_item(&r->place->json)) status = read_trace(r);
  return bt_json_place_finish(r->place, status);
}

bt_status bt_jaeger_read_document(bt_json_place *place, bt_span_batch *batch) {
  jaeger_reader r = {.place = place, .batch = batch};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = bt_span_batch_open(batch, place->error);
  if (status == BT_OK) bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, document_names, COUNT(document_names), &seen, &bit)) {
    if (bit == TRACE_DATA)
      status = read_traces(&r);
    else
      status = bit == TRACE_SPANS ? read_spans(&r) : read_processes(&r);
  }
  return bt_json_place_finish(place, status);
}

bt_status bt_jaeger_read_stored(bt_json_place *place, bt_span_batch *batch) {
  jaeger_reader r = {.place = place, .batch = batch, .is_stored = true};
  return read_span(&r);
}
