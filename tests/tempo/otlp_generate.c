/* Random documents. See otlp_generate.h. */
#include "tests/tempo/otlp_generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t generate_number(generator *g, uint64_t below) {
  g->state ^= g->state << 13, g->state ^= g->state >> 7, g->state ^= g->state << 17;
  return (g->state * 0x2545F4914F6CDD1Du >> 11) % below;
}

static void *make(generator *g, size_t count, size_t size) {
  void *memory = bt_arena_array(g->arena, count, size);
  if (!memory) abort();
  return memory;
}

static char *make_text(generator *g) {
  static const char *const plain[] = {"checkout",  "db.query",   "payment.charge",
                                      "GET /cart", "postgresql", "SELECT * FROM orders WHERE id = $1",
                                      "de",        "eu-west-1"};
  static const char *const odd[] = {
      "",         "é",   "日本語",      "\xF0\x9F\x98\x80", "\"quoted\" \\ back", "line\nbreak\ttab",
      "\x01\x1f", "a/b", "\xEF\xBF\xBD"};
  if (g->is_plain || generate_number(g, 2))
    return (char *)(uintptr_t)plain[generate_number(g, sizeof plain / sizeof *plain)];
  return (char *)(uintptr_t)odd[generate_number(g, sizeof odd / sizeof *odd)];
}

static char *make_key(generator *g) {
  static const char *const keys[] = {"service.name", "http.route",  "db.rows", "amount",
                                     "tags",         "user.region", "k",       "data.classification"};
  return g->is_plain || generate_number(g, 8) ? (char *)(uintptr_t)keys[generate_number(g, sizeof keys / sizeof *keys)]
                                              : make_text(g);
}

static ProtobufCBinaryData make_id(generator *g, size_t length) {
  uint8_t *bytes = make(g, length, 1);
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)generate_number(g, 256);
  bytes[length - 1] |= 1;
  return (ProtobufCBinaryData){length, bytes};
}

static double make_double(generator *g) {
  static const double odd[] = {0.0, -0.0, 1.0, 1e300, 5e-324, 0.1, 9007199254740993.0};
  if (!g->is_plain && generate_number(g, 3) == 0) return odd[generate_number(g, sizeof odd / sizeof *odd)];
  return (double)generate_number(g, 1000000000) / 1024.0;
}

static int64_t make_int(generator *g) {
  static const int64_t odd[] = {0, -1, INT64_MAX, INT64_MIN, 4294967296};
  if (!g->is_plain && generate_number(g, 3) == 0) return odd[generate_number(g, sizeof odd / sizeof *odd)];
  return (int64_t)generate_number(g, 100000);
}

static Otlp__KeyValue **make_attributes(generator *g, size_t *count, size_t most, int depth);

/* Depth is bounded: deep values have their own test. */
static Otlp__AnyValue *make_value(generator *g, int depth) {
  Otlp__AnyValue *value = make(g, 1, sizeof *value);
  otlp__any_value__init(value);
  unsigned choice = (unsigned)generate_number(g, g->is_plain ? 8 : 14);
  if (choice < 4) {
    value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value->string_value = make_text(g);
  } else if (choice < 6) {
    value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    value->int_value = make_int(g);
  } else if (choice == 6) {
    value->value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
    value->double_value = make_double(g);
  } else if (choice == 7) {
    value->value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    value->bool_value = (protobuf_c_boolean)generate_number(g, 2);
  } else if (choice < 11 && depth < 3) {
    value->value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE;
    value->array_value = make(g, 1, sizeof *value->array_value);
    otlp__array_value__init(value->array_value);
    value->array_value->n_values = generate_number(g, 4);
    value->array_value->values = make(g, 4, sizeof *value->array_value->values);
    Otlp__AnyValue *first = make_value(g, depth + 1);
    for (size_t i = 0; i < value->array_value->n_values; i++)
      value->array_value->values[i] = choice == 8 ? make_value(g, depth + 1) : first;
  } else if (choice == 11 && depth < 3) {
    value->value_case = OTLP__ANY_VALUE__VALUE_KVLIST_VALUE;
    value->kvlist_value = make(g, 1, sizeof *value->kvlist_value);
    otlp__key_value_list__init(value->kvlist_value);
    value->kvlist_value->values = make_attributes(g, &value->kvlist_value->n_values, 3, depth + 1);
  } else if (choice == 12) {
    value->value_case = OTLP__ANY_VALUE__VALUE_BYTES_VALUE;
    value->bytes_value = make_id(g, 3);
  }
  return value;
}

static const Otlp__KeyValue *find_key(Otlp__KeyValue *const *list, size_t count, const char *key) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i]->key, key) == 0) return list[i];
  return NULL;
}

/* A key that stands twice has the same value again: with another one there would be two records. */
static Otlp__KeyValue **make_attributes(generator *g, size_t *count, size_t most, int depth) {
  *count = generate_number(g, most + 1);
  Otlp__KeyValue **list = make(g, most + 1, sizeof *list);
  for (size_t i = 0; i < *count; i++) {
    list[i] = make(g, 1, sizeof **list);
    otlp__key_value__init(list[i]);
    list[i]->key = make_key(g);
    const Otlp__KeyValue *before = find_key(list, i, list[i]->key);
    if (before)
      list[i]->value = before->value;
    else if (g->is_plain || generate_number(g, 16))
      list[i]->value = make_value(g, depth);
  }
  return list;
}

static uint32_t make_dropped(generator *g) {
  return generate_number(g, 8) ? 0 : (uint32_t)generate_number(g, 3);
}

static void make_events(generator *g, Otlp__Span *span) {
  span->n_events = generate_number(g, 4) ? 0 : generate_number(g, 3);
  span->events = make(g, 3, sizeof *span->events);
  for (size_t i = 0; i < span->n_events; i++) {
    Otlp__Event *event = span->events[i] = make(g, 1, sizeof *event);
    otlp__event__init(event);
    event->time_unix_nano = generate_number(g, INT64_MAX);
    event->name = make_text(g);
    event->attributes = make_attributes(g, &event->n_attributes, 3, 0);
    event->dropped_attributes_count = make_dropped(g);
  }
}

static void make_links(generator *g, Otlp__Span *span) {
  span->n_links = generate_number(g, 4) ? 0 : generate_number(g, 3);
  span->links = make(g, 3, sizeof *span->links);
  for (size_t i = 0; i < span->n_links; i++) {
    Otlp__Link *link = span->links[i] = make(g, 1, sizeof *link);
    otlp__link__init(link);
    if (generate_number(g, 8)) link->trace_id = make_id(g, 16);
    if (generate_number(g, 8)) link->span_id = make_id(g, 8);
    link->attributes = make_attributes(g, &link->n_attributes, 3, 0);
    link->dropped_attributes_count = make_dropped(g);
  }
}

static Otlp__Span *make_span(generator *g, ProtobufCBinaryData trace_id) {
  Otlp__Span *span = make(g, 1, sizeof *span);
  otlp__span__init(span);
  span->trace_id = trace_id;
  span->span_id = make_id(g, 8);
  if (generate_number(g, 4)) span->parent_span_id = make_id(g, 8);
  span->name = make_text(g);
  span->trace_state = make_text(g);
  span->flags = (uint32_t)generate_number(g, 1000);
  span->dropped_attributes_count = make_dropped(g);
  span->dropped_events_count = make_dropped(g);
  span->dropped_links_count = make_dropped(g);
  span->kind = (Otlp__SpanKind)generate_number(g, 6);
  span->start_time_unix_nano = 1795077864000000000u + generate_number(g, 1000000000000);
  span->end_time_unix_nano = span->start_time_unix_nano + generate_number(g, 1000000000);
  span->attributes = make_attributes(g, &span->n_attributes, 9, 0);
  make_events(g, span);
  make_links(g, span);
  if (generate_number(g, 2)) {
    span->status = make(g, 1, sizeof *span->status);
    otlp__status__init(span->status);
    span->status->code = (Otlp__StatusCode)generate_number(g, 3);
    span->status->message = make_text(g);
  }
  return span;
}

enum { MOST_SPANS = 12, RESOURCES = 4 };

static Otlp__ResourceSpans *make_resource(generator *g, size_t most_spans) {
  Otlp__ResourceSpans *spans = make(g, 1, sizeof *spans);
  otlp__resource_spans__init(spans);
  spans->resource = make(g, 1, sizeof *spans->resource);
  otlp__resource__init(spans->resource);
  spans->resource->attributes = make_attributes(g, &spans->resource->n_attributes, 5, 0);
  spans->resource->dropped_attributes_count = make_dropped(g);
  Otlp__ScopeSpans *scope = make(g, 1, sizeof *scope);
  otlp__scope_spans__init(scope);
  if (generate_number(g, 4)) {
    scope->scope = make(g, 1, sizeof *scope->scope);
    otlp__instrumentation_scope__init(scope->scope);
    scope->scope->name = make_text(g);
    scope->scope->version = make_text(g);
    scope->scope->attributes = make_attributes(g, &scope->scope->n_attributes, 2, 0);
    scope->scope->dropped_attributes_count = make_dropped(g);
  }
  scope->spans = make(g, most_spans, sizeof *scope->spans);
  spans->n_scope_spans = 1;
  spans->scope_spans = make(g, 1, sizeof *spans->scope_spans);
  spans->scope_spans[0] = scope;
  return spans;
}

Otlp__ExportTraceServiceRequest *generate_request(generator *g, size_t traces) {
  Otlp__ExportTraceServiceRequest *request = make(g, 1, sizeof *request);
  otlp__export_trace_service_request__init(request);
  request->n_resource_spans = RESOURCES;
  request->resource_spans = make(g, RESOURCES, sizeof *request->resource_spans);
  for (size_t i = 0; i < RESOURCES; i++) request->resource_spans[i] = make_resource(g, traces * MOST_SPANS);
  for (size_t i = 0; i < traces; i++) {
    ProtobufCBinaryData trace_id = make_id(g, 16);
    for (size_t left = 1 + generate_number(g, MOST_SPANS); left; left--) {
      Otlp__ScopeSpans *scope = request->resource_spans[generate_number(g, RESOURCES)]->scope_spans[0];
      scope->spans[scope->n_spans++] = make_span(g, trace_id);
    }
  }
  return request;
}

static char *make_hex(generator *g, size_t length) {
  char *text = make(g, length + 1, 1);
  for (size_t i = 0; i < length; i++) text[i] = "0123456789abcdef"[generate_number(g, 16)];
  text[0] = (char)('1' + generate_number(g, 9));
  return text;
}

static Tempopb__SpanSet *make_set(generator *g) {
  Tempopb__SpanSet *set = make(g, 1, sizeof *set);
  tempopb__span_set__init(set);
  set->matched = (uint32_t)generate_number(g, 200);
  set->attributes = make_attributes(g, &set->n_attributes, 1, 0);
  set->n_spans = generate_number(g, 4);
  set->spans = make(g, 4, sizeof *set->spans);
  for (size_t i = 0; i < set->n_spans; i++) {
    Tempopb__SearchSpan *span = set->spans[i] = make(g, 1, sizeof *span);
    tempopb__search_span__init(span);
    span->span_id = make_hex(g, 16);
    span->name = make_text(g);
    span->start_time_unix_nano = generate_number(g, INT64_MAX);
    span->duration_nanos = generate_number(g, INT64_MAX);
    span->attributes = make_attributes(g, &span->n_attributes, 6, 0);
  }
  return set;
}

static void make_stats(generator *g, Tempopb__TraceSearchMetadata *trace) {
  trace->n_service_stats = generate_number(g, 4);
  trace->service_stats = make(g, 4, sizeof *trace->service_stats);
  for (size_t i = 0; i < trace->n_service_stats; i++) {
    Tempopb__ServiceStatsEntry *entry = trace->service_stats[i] = make(g, 1, sizeof *entry);
    tempopb__service_stats_entry__init(entry);
    entry->service = make_hex(g, 1 + i);
    entry->stats = make(g, 1, sizeof *entry->stats);
    tempopb__service_stats__init(entry->stats);
    entry->stats->span_count = (uint32_t)generate_number(g, 200000);
    entry->stats->error_count = (uint32_t)generate_number(g, 3);
  }
}

Tempopb__SearchResponse *generate_search(generator *g, size_t traces) {
  Tempopb__SearchResponse *answer = make(g, 1, sizeof *answer);
  tempopb__search_response__init(answer);
  answer->metrics = make(g, 1, sizeof *answer->metrics);
  tempopb__search_metrics__init(answer->metrics);
  answer->metrics->inspected_bytes = generate_number(g, INT64_MAX);
  answer->n_traces = traces;
  answer->traces = make(g, traces + 1, sizeof *answer->traces);
  for (size_t i = 0; i < traces; i++) {
    Tempopb__TraceSearchMetadata *trace = answer->traces[i] = make(g, 1, sizeof *trace);
    tempopb__trace_search_metadata__init(trace);
    trace->trace_id = make_hex(g, 20 + generate_number(g, 13));
    trace->root_service_name = make_text(g);
    trace->start_time_unix_nano = generate_number(g, 5) ? generate_number(g, 1795077864000000000u) : 0;
    trace->duration_ms = (uint32_t)generate_number(g, UINT32_MAX);
    trace->n_span_sets = generate_number(g, 4);
    trace->span_sets = make(g, 4, sizeof *trace->span_sets);
    for (size_t j = 0; j < trace->n_span_sets; j++) trace->span_sets[j] = make_set(g);
    if (trace->n_span_sets) trace->span_set = trace->span_sets[0];
    make_stats(g, trace);
  }
  return answer;
}
