/* What protobuf-c trees mean, and how they are written as JSON. See otlp_generate.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tempo/otlp_generate.h"

static void write_string(bt_buffer *out, const char *text) {
  bt_buffer_append_char(out, '"');
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') bt_buffer_append_char(out, '\\');
    if (c < 0x20)
      bt_buffer_printf(out, "\\u%04x", c);
    else
      bt_buffer_append_char(out, (char)c);
  }
  bt_buffer_append_char(out, '"');
}

static void write_hex(bt_buffer *out, ProtobufCBinaryData id) {
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < id.len; i++) bt_buffer_printf(out, "%02x", id.data[i]);
  bt_buffer_append_char(out, '"');
}

static void write_attributes(bt_buffer *out, Otlp__KeyValue **list, size_t count);

static void write_value(bt_buffer *out, const Otlp__AnyValue *value) {
  switch ((int)value->value_case) {
  case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
    bt_buffer_append(out, BT_STR("{\"stringValue\":"));
    write_string(out, value->string_value);
    break;
  case OTLP__ANY_VALUE__VALUE_BOOL_VALUE:
    bt_buffer_printf(out, "{\"boolValue\":%s", value->bool_value ? "true" : "false");
    break;
  case OTLP__ANY_VALUE__VALUE_INT_VALUE:
    bt_buffer_printf(out, "{\"intValue\":\"%" PRId64 "\"", value->int_value);
    break;
  case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE: bt_buffer_printf(out, "{\"doubleValue\":%.17g", value->double_value); break;
  case OTLP__ANY_VALUE__VALUE_BYTES_VALUE: bt_buffer_append(out, BT_STR("{\"bytesValue\":\"AAAA\"")); break;
  case OTLP__ANY_VALUE__VALUE_KVLIST_VALUE:
    bt_buffer_append(out, BT_STR("{\"kvlistValue\":{\"values\":"));
    write_attributes(out, value->kvlist_value->values, value->kvlist_value->n_values);
    bt_buffer_append_char(out, '}');
    break;
  case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
    bt_buffer_append(out, BT_STR("{\"arrayValue\":{\"values\":["));
    for (size_t i = 0; i < value->array_value->n_values; i++) {
      if (i) bt_buffer_append_char(out, ',');
      write_value(out, value->array_value->values[i]);
    }
    bt_buffer_append(out, BT_STR("]}"));
    break;
  default: bt_buffer_append_char(out, '{'); break;
  }
  bt_buffer_append_char(out, '}');
}

static void write_attributes(bt_buffer *out, Otlp__KeyValue **list, size_t count) {
  bt_buffer_append_char(out, '[');
  for (size_t i = 0; i < count; i++) {
    bt_buffer_append(out, i ? BT_STR(",{\"key\":") : BT_STR("{\"key\":"));
    write_string(out, list[i]->key);
    if (list[i]->value) {
      bt_buffer_append(out, BT_STR(",\"value\":"));
      write_value(out, list[i]->value);
    }
    bt_buffer_append_char(out, '}');
  }
  bt_buffer_append_char(out, ']');
}

/* 0 is said by saying nothing. */
static void write_dropped(bt_buffer *out, uint32_t dropped) {
  if (dropped) bt_buffer_printf(out, ",\"droppedAttributesCount\":%" PRIu32, dropped);
}

static void write_events(bt_buffer *out, const Otlp__Span *span) {
  bt_buffer_append(out, BT_STR(",\"events\":["));
  for (size_t i = 0; i < span->n_events; i++) {
    const Otlp__Event *event = span->events[i];
    bt_buffer_printf(out, "%s{\"timeUnixNano\":\"%" PRIu64 "\",\"name\":", i ? "," : "", event->time_unix_nano);
    write_string(out, event->name);
    bt_buffer_append(out, BT_STR(",\"attributes\":"));
    write_attributes(out, event->attributes, event->n_attributes);
    write_dropped(out, event->dropped_attributes_count);
    bt_buffer_append_char(out, '}');
  }
  bt_buffer_append_char(out, ']');
}

static void write_links(bt_buffer *out, const Otlp__Span *span) {
  bt_buffer_append(out, BT_STR(",\"links\":["));
  for (size_t i = 0; i < span->n_links; i++) {
    const Otlp__Link *link = span->links[i];
    bt_buffer_append(out, i ? BT_STR(",{\"traceId\":") : BT_STR("{\"traceId\":"));
    write_hex(out, link->trace_id);
    bt_buffer_append(out, BT_STR(",\"spanId\":"));
    write_hex(out, link->span_id);
    bt_buffer_append(out, BT_STR(",\"attributes\":"));
    write_attributes(out, link->attributes, link->n_attributes);
    write_dropped(out, link->dropped_attributes_count);
    bt_buffer_append_char(out, '}');
  }
  bt_buffer_append_char(out, ']');
}

static void write_span(bt_buffer *out, const Otlp__Span *span) {
  bt_buffer_append(out, BT_STR("{\"traceId\":"));
  write_hex(out, span->trace_id);
  bt_buffer_append(out, BT_STR(",\"spanId\":"));
  write_hex(out, span->span_id);
  bt_buffer_append(out, BT_STR(",\"parentSpanId\":"));
  write_hex(out, span->parent_span_id);
  bt_buffer_append(out, BT_STR(",\"name\":"));
  write_string(out, span->name);
  bt_buffer_append(out, BT_STR(",\"traceState\":"));
  write_string(out, span->trace_state);
  bt_buffer_printf(out,
                   ",\"flags\":%" PRIu32 ",\"droppedAttributesCount\":%" PRIu32 ",\"droppedEventsCount\":%" PRIu32
                   ",\"droppedLinksCount\":%" PRIu32,
                   span->flags, span->dropped_attributes_count, span->dropped_events_count, span->dropped_links_count);
  bt_buffer_printf(
      out, ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRIu64 "\",\"endTimeUnixNano\":\"%" PRIu64 "\",\"attributes\":",
      (int)span->kind, span->start_time_unix_nano, span->end_time_unix_nano);
  write_attributes(out, span->attributes, span->n_attributes);
  write_events(out, span);
  write_links(out, span);
  if (span->status) {
    bt_buffer_printf(out, ",\"status\":{\"code\":%d,\"message\":", (int)span->status->code);
    write_string(out, span->status->message);
    bt_buffer_append_char(out, '}');
  }
  bt_buffer_append_char(out, '}');
}

static void write_scope_spans(bt_buffer *out, const Otlp__ScopeSpans *spans) {
  bt_buffer_append_char(out, '{');
  if (spans->scope) {
    bt_buffer_append(out, BT_STR("\"scope\":{\"name\":"));
    write_string(out, spans->scope->name);
    bt_buffer_append(out, BT_STR(",\"version\":"));
    write_string(out, spans->scope->version);
    bt_buffer_append(out, BT_STR(",\"attributes\":"));
    write_attributes(out, spans->scope->attributes, spans->scope->n_attributes);
    write_dropped(out, spans->scope->dropped_attributes_count);
    bt_buffer_append(out, BT_STR("},"));
  }
  bt_buffer_append(out, BT_STR("\"spans\":["));
  for (size_t i = 0; i < spans->n_spans; i++) {
    if (i) bt_buffer_append_char(out, ',');
    write_span(out, spans->spans[i]);
  }
  bt_buffer_append(out, BT_STR("]}"));
}

void write_request_json(const Otlp__ExportTraceServiceRequest *request, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("{\"resourceSpans\":["));
  for (size_t i = 0; i < request->n_resource_spans; i++) {
    const Otlp__ResourceSpans *spans = request->resource_spans[i];
    bt_buffer_append(out, i ? BT_STR(",{\"resource\":{\"attributes\":") : BT_STR("{\"resource\":{\"attributes\":"));
    write_attributes(out, spans->resource->attributes, spans->resource->n_attributes);
    write_dropped(out, spans->resource->dropped_attributes_count);
    bt_buffer_append(out, BT_STR("},\"scopeSpans\":["));
    for (size_t j = 0; j < spans->n_scope_spans; j++) write_scope_spans(out, spans->scope_spans[j]);
    bt_buffer_append(out, BT_STR("]}"));
  }
  bt_buffer_append(out, BT_STR("]}"));
  if (out->failed) abort();
}

static void write_set(bt_buffer *out, const Tempopb__SpanSet *set) {
  bt_buffer_append(out, BT_STR("{\"spans\":["));
  for (size_t i = 0; i < set->n_spans; i++) {
    const Tempopb__SearchSpan *span = set->spans[i];
    bt_buffer_printf(out, "%s{\"spanID\":\"%s\",\"name\":", i ? "," : "", span->span_id);
    write_string(out, span->name);
    bt_buffer_printf(out, ",\"startTimeUnixNano\":\"%" PRIu64 "\",\"durationNanos\":\"%" PRIu64 "\",\"attributes\":",
                     span->start_time_unix_nano, span->duration_nanos);
    write_attributes(out, span->attributes, span->n_attributes);
    bt_buffer_append_char(out, '}');
  }
  bt_buffer_printf(out, "],\"matched\":%" PRIu32 ",\"attributes\":", set->matched);
  write_attributes(out, set->attributes, set->n_attributes);
  bt_buffer_append_char(out, '}');
}

static void write_stats(bt_buffer *out, const Tempopb__TraceSearchMetadata *trace) {
  if (!trace->n_service_stats) return;
  bt_buffer_append(out, BT_STR(",\"serviceStats\":{"));
  for (size_t i = 0; i < trace->n_service_stats; i++)
    bt_buffer_printf(out, "%s\"%s\":{\"errorCount\":%" PRIu32 ",\"spanCount\":%" PRIu32 "}", i ? "," : "",
                     trace->service_stats[i]->service, trace->service_stats[i]->stats->error_count,
                     trace->service_stats[i]->stats->span_count);
  bt_buffer_append_char(out, '}');
}

void write_search_json(const Tempopb__SearchResponse *answer, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("{\"traces\":["));
  for (size_t i = 0; i < answer->n_traces; i++) {
    const Tempopb__TraceSearchMetadata *trace = answer->traces[i];
    bt_buffer_printf(out, "%s{\"traceID\":\"%s\",\"startTimeUnixNano\":\"%" PRIu64 "\",\"durationMs\":%" PRIu32,
                     i ? "," : "", trace->trace_id, trace->start_time_unix_nano, trace->duration_ms);
    if (trace->span_set) {
      bt_buffer_append(out, BT_STR(",\"spanSet\":"));
      write_set(out, trace->span_set);
    }
    bt_buffer_append(out, BT_STR(",\"spanSets\":["));
    for (size_t j = 0; j < trace->n_span_sets; j++) {
      if (j) bt_buffer_append_char(out, ',');
      write_set(out, trace->span_sets[j]);
    }
    bt_buffer_append_char(out, ']');
    write_stats(out, trace);
    bt_buffer_append_char(out, '}');
  }
  bt_buffer_printf(out, "],\"metrics\":{\"inspectedBytes\":\"%" PRIu64 "\"}}", answer->metrics->inspected_bytes);
  if (out->failed) abort();
}

static bt_value scalar_of(const Otlp__AnyValue *value) {
  switch ((int)value->value_case) {
  case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
    return (bt_value){.type = BT_VALUE_STRING, .string = bt_str_from(value->string_value)};
  case OTLP__ANY_VALUE__VALUE_BOOL_VALUE: return (bt_value){.type = BT_VALUE_BOOL, .boolean = value->bool_value != 0};
  case OTLP__ANY_VALUE__VALUE_INT_VALUE: return (bt_value){.type = BT_VALUE_INT, .integer = value->int_value};
  case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE: return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = value->double_value};
  case OTLP__ANY_VALUE__VALUE__NOT_SET: return (bt_value){.type = BT_VALUE_MISSING};
  default: return (bt_value){.type = BT_VALUE_OTHER};
  }
}

/* An array counts as one when it has elements and all are strings, all booleans, all integers or all doubles. */
static bt_value value_of(const Otlp__AnyValue *value) {
  if (!value) return (bt_value){.type = BT_VALUE_MISSING};
  if (value->value_case != OTLP__ANY_VALUE__VALUE_ARRAY_VALUE) return scalar_of(value);
  size_t count = value->array_value->n_values;
  bt_value *items = calloc(count + 1, sizeof *items);
  if (!items) abort();
  bool is_array = count > 0;
  for (size_t i = 0; i < count; i++) {
    items[i] = scalar_of(value->array_value->values[i]);
    is_array = is_array && items[i].type == items[0].type && items[i].type != BT_VALUE_MISSING &&
               items[i].type != BT_VALUE_OTHER;
  }
  if (is_array) return (bt_value){.type = BT_VALUE_ARRAY, .array = {.items = items, .count = (uint32_t)count}};
  free(items);
  return (bt_value){.type = BT_VALUE_OTHER};
}

static bt_attributes attributes_of(Otlp__KeyValue **list, size_t count, uint32_t dropped) {
  bt_attribute *items = calloc(count + 1, sizeof *items);
  if (!items) abort();
  for (size_t i = 0; i < count; i++) items[i] = (bt_attribute){bt_str_from(list[i]->key), value_of(list[i]->value)};
  return (bt_attributes){items, (uint32_t)count, dropped};
}

static void free_attributes(bt_attributes attributes) {
  for (uint32_t i = 0; i < attributes.count; i++)
    if (attributes.items[i].value.type == BT_VALUE_ARRAY)
      free((void *)(uintptr_t)attributes.items[i].value.array.items);
  free((void *)(uintptr_t)attributes.items);
}

static bt_str service_of(const Otlp__Resource *resource) {
  for (size_t i = 0; i < resource->n_attributes; i++) {
    if (strcmp(resource->attributes[i]->key, "service.name") != 0) continue;
    bt_value value = value_of(resource->attributes[i]->value);
    bt_str service = value.type == BT_VALUE_STRING ? value.string : BT_STR("");
    if (value.type == BT_VALUE_ARRAY) free((void *)(uintptr_t)value.array.items);
    return service;
  }
  return BT_STR("");
}

static bt_event event_of(const Otlp__Event *from) {
  return (bt_event){bt_str_from(from->name), (int64_t)from->time_unix_nano,
                    attributes_of(from->attributes, from->n_attributes, from->dropped_attributes_count)};
}

static bt_link link_of(const Otlp__Link *from) {
  bt_link link = {.attributes = attributes_of(from->attributes, from->n_attributes, from->dropped_attributes_count)};
  if (from->trace_id.len) memcpy(link.trace_id.bytes, from->trace_id.data, sizeof link.trace_id.bytes);
  if (from->span_id.len) memcpy(link.span_id.bytes, from->span_id.data, sizeof link.span_id.bytes);
  return link;
}

static void add_span(text_lines *lines, const Otlp__Span *from, const bt_resource *resource, const bt_scope *scope) {
  bt_trace_id trace_id;
  bt_event events[3];
  bt_link links[3];
  bt_span span = {.name = bt_str_from(from->name),
                  .kind = (bt_span_kind)from->kind,
                  .trace_state = bt_str_from(from->trace_state),
                  .flags = from->flags,
                  .dropped_attributes = from->dropped_attributes_count,
                  .dropped_events = from->dropped_events_count,
                  .dropped_links = from->dropped_links_count,
                  .start_ns = (int64_t)from->start_time_unix_nano,
                  .end_ns = (int64_t)from->end_time_unix_nano,
                  .resource = resource,
                  .scope = scope,
                  .events = events,
                  .event_count = (uint32_t)from->n_events,
                  .links = links,
                  .link_count = (uint32_t)from->n_links,
                  .attributes = attributes_of(from->attributes, from->n_attributes, 0)};
  memcpy(trace_id.bytes, from->trace_id.data, 16);
  memcpy(span.id.bytes, from->span_id.data, 8);
  if (from->parent_span_id.len) memcpy(span.parent_id.bytes, from->parent_span_id.data, 8);
  if (from->status)
    span.status = (bt_span_status)from->status->code, span.status_message = bt_str_from(from->status->message);
  for (size_t i = 0; i < from->n_events; i++) events[i] = event_of(from->events[i]);
  for (size_t i = 0; i < from->n_links; i++) links[i] = link_of(from->links[i]);
  text_lines_add_span(lines, &trace_id, &span);
  for (size_t i = 0; i < from->n_events; i++) free_attributes(events[i].attributes);
  for (size_t i = 0; i < from->n_links; i++) free_attributes(links[i].attributes);
  free_attributes(span.attributes);
}

void text_lines_add_request(text_lines *lines, const Otlp__ExportTraceServiceRequest *request) {
  for (size_t i = 0; i < request->n_resource_spans; i++) {
    const Otlp__Resource *from = request->resource_spans[i]->resource;
    bt_resource resource = {service_of(from),
                            attributes_of(from->attributes, from->n_attributes, from->dropped_attributes_count)};
    for (size_t j = 0; j < request->resource_spans[i]->n_scope_spans; j++) {
      const Otlp__ScopeSpans *spans = request->resource_spans[i]->scope_spans[j];
      bt_scope scope = {.name = BT_STR("")};
      if (spans->scope)
        scope = (bt_scope){bt_str_from(spans->scope->name), bt_str_from(spans->scope->version),
                           attributes_of(spans->scope->attributes, spans->scope->n_attributes,
                                         spans->scope->dropped_attributes_count)};
      for (size_t k = 0; k < spans->n_spans; k++) add_span(lines, spans->spans[k], &resource, &scope);
      free_attributes(scope.attributes);
    }
    free_attributes(resource.attributes);
  }
}

static void widen(bt_search_row *row, const Tempopb__SearchSpan *shown) {
  int64_t start_ns = (int64_t)shown->start_time_unix_nano, end_ns = start_ns;
  if (!start_ns) return;
  if (shown->duration_nanos <= INT64_MAX) end_ns += (int64_t)shown->duration_nanos;
  if (!row->start_ns || start_ns < row->start_ns) row->start_ns = start_ns;
  if (end_ns > row->end_ns) row->end_ns = end_ns;
}

/* As wide as what the row shows; of that alone where it says no start. */
static void set_bounds(bt_search_row *row, const Tempopb__TraceSearchMetadata *trace) {
  row->start_ns = (int64_t)trace->start_time_unix_nano;
  row->in_doubt = !row->start_ns;
  if (!row->in_doubt) row->end_ns = row->start_ns + ((int64_t)trace->duration_ms + 1) * 1000000;
  for (size_t j = 0; j < trace->n_span_sets; j++)
    for (size_t k = 0; k < trace->span_sets[j]->n_spans; k++) widen(row, trace->span_sets[j]->spans[k]);
}

void text_lines_add_search(text_lines *lines, const Tempopb__SearchResponse *answer, bool with_spans) {
  for (size_t i = 0; i < answer->n_traces; i++) {
    const Tempopb__TraceSearchMetadata *trace = answer->traces[i];
    bt_search_row row = {.span = NULL};
    set_bounds(&row, trace);
    for (size_t j = 0; j < trace->n_service_stats; j++) row.span_count += trace->service_stats[j]->stats->span_count;
    if (!bt_trace_id_parse(bt_str_from(trace->trace_id), &row.id)) abort();
    text_lines_add_row(lines, &row);
    for (size_t j = 0; with_spans && j < trace->n_span_sets; j++) {
      for (size_t k = 0; k < trace->span_sets[j]->n_spans; k++) {
        const Tempopb__SearchSpan *from = trace->span_sets[j]->spans[k];
        bt_search_span span = {.name = bt_str_from(from->name),
                               .start_ns = (int64_t)from->start_time_unix_nano,
                               .duration_ns = (int64_t)from->duration_nanos,
                               .attributes = attributes_of(from->attributes, from->n_attributes, 0)};
        if (!bt_span_id_parse(bt_str_from(from->span_id), &span.id)) abort();
        row.span = &span;
        row.matched = trace->span_sets[j]->matched;
        text_lines_add_row(lines, &row);
        free_attributes(span.attributes);
      }
    }
  }
}
