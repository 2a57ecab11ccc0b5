/* Spans of an example in words. See example_text.h. */
#include "dsl/example/example_text.h"

#include <inttypes.h>
#include <string.h>

static void begin_item(size_t start, bt_buffer *out) {
  if (out->len > start) bt_buffer_append(out, BT_STR(", "));
}

static void say_value(const bt_value *value, bt_buffer *out) {
  switch ((int)value->type) {
  case BT_VALUE_STRING: bt_buffer_printf(out, "\"%.*s\"", BT_FMT(value->string)); return;
  case BT_VALUE_BOOL: bt_buffer_printf(out, "%s", value->boolean ? "true" : "false"); return;
  case BT_VALUE_INT: bt_buffer_printf(out, "%" PRId64, value->integer); return;
  case BT_VALUE_DOUBLE: bt_buffer_printf(out, "%.15g", value->decimal); return;
  default: bt_buffer_append(out, BT_STR("…"));
  }
}

static void say_keys(const char *head, const bt_attributes *attributes, size_t start, bt_buffer *out) {
  for (uint32_t i = 0; i < attributes->count; i++) {
    const bt_attribute *item = &attributes->items[i];
    if (strcmp(head, "resource.") == 0 && bt_str_equal(item->key, BT_STR("service.name"))) continue;
    begin_item(start, out);
    bt_buffer_printf(out, "%s%.*s = ", head, BT_FMT(item->key));
    say_value(&item->value, out);
  }
}

static void say_text(const char *name, bt_str text, size_t start, bt_buffer *out) {
  if (!text.len) return;
  begin_item(start, out);
  bt_buffer_printf(out, "%s = \"%.*s\"", name, BT_FMT(text));
}

static void say_number(const char *name, uint32_t number, size_t start, bt_buffer *out) {
  if (!number) return;
  begin_item(start, out);
  bt_buffer_printf(out, "%s = %" PRIu32, name, number);
}

/* Microseconds and finer only where there are some. */
static void say_time(int64_t ns, bt_buffer *out) {
  if (ns % 1000000 == 0)
    bt_buffer_printf(out, "%" PRId64 "ms", ns / 1000000);
  else if (ns % 1000 == 0)
    bt_buffer_printf(out, "%" PRId64 "us", ns / 1000);
  else
    bt_buffer_printf(out, "%" PRId64 "ns", ns);
}

static void say_parts(const bt_span *span, size_t start, bt_buffer *out) {
  for (uint32_t i = 0; i < span->event_count; i++) {
    begin_item(start, out);
    bt_buffer_printf(out, "event \"%.*s\" at ", BT_FMT(span->events[i].name));
    say_time(span->events[i].time_ns - span->start_ns, out);
    say_keys("event.", &span->events[i].attributes, start, out);
  }
  for (uint32_t i = 0; i < span->link_count; i++) {
    char id[BT_SPAN_ID_HEX + 1];
    begin_item(start, out);
    bt_span_id_format(&span->links[i].span_id, id);
    bt_buffer_printf(out, "a link to %s", id);
    say_keys("link.", &span->links[i].attributes, start, out);
  }
}

void bt_example_say_span(const bt_span *span, bt_buffer *out) {
  static const char *const kinds[] = {"", "internal", "server", "client", "producer", "consumer"};
  static const char *const statuses[] = {"", "ok", "error"};
  size_t start = out->len;
  if (span->kind) bt_buffer_printf(out, "kind = %s", kinds[span->kind]);
  if (span->status) begin_item(start, out), bt_buffer_printf(out, "status = %s", statuses[span->status]);
  say_text("status message", span->status_message, start, out);
  say_keys("", &span->attributes, start, out);
  say_keys("resource.", &span->resource->attributes, start, out);
  say_text("scope", span->scope->name, start, out);
  say_text("scope version", span->scope->version, start, out);
  say_keys("scope.", &span->scope->attributes, start, out);
  say_text("trace state", span->trace_state, start, out);
  say_number("flags", span->flags, start, out);
  say_number("dropped attributes", span->dropped_attributes, start, out);
  say_number("dropped events", span->dropped_events, start, out);
  say_number("dropped links", span->dropped_links, start, out);
  say_parts(span, start, out);
}

static const bt_span *parent_of(const bt_trace *trace, const bt_span *span) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!bt_span_id_is_zero(&span->parent_id) && memcmp(&trace->spans[i].id, &span->parent_id, sizeof span->id) == 0)
      return &trace->spans[i];
  return NULL;
}

static void say_line(const bt_trace *trace, const bt_span *span, bt_buffer *out) {
  for (const bt_span *at = parent_of(trace, span); at; at = parent_of(trace, at)) bt_buffer_append(out, BT_STR("  "));
  bt_buffer_printf(out, "%.*s", BT_FMT(span->name));
  if (span->resource->service.len) bt_buffer_printf(out, " of %.*s", BT_FMT(span->resource->service));
  bt_buffer_append(out, BT_STR("  "));
  say_time(span->start_ns - bt_trace_start_ns(trace), out);
  bt_buffer_append(out, BT_STR(" + "));
  say_time(bt_span_duration_ns(span), out);
  bt_buffer_append(out, BT_STR("  "));
  bt_example_say_span(span, out);
  while (out->len && out->ptr[out->len - 1] == ' ') out->ptr[--out->len] = '\0';
  bt_buffer_append_char(out, '\n');
}

/* The children of a span, each with its own behind it; of NULL the roots. */
static void say_children(const bt_trace *trace, const bt_span *parent, bt_buffer *out) {
  enum { SHOWN = 5 };
  uint32_t shown = 0, count = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    if (parent_of(trace, &trace->spans[i]) != parent) continue;
    count++;
    if (trace->span_count > 2 * SHOWN && shown == SHOWN) continue;
    shown++;
    say_line(trace, &trace->spans[i], out);
    say_children(trace, &trace->spans[i], out);
  }
  if (count > shown) bt_buffer_printf(out, "  … and %" PRIu32 " more\n", count - shown);
}

void bt_example_say(const bt_trace *trace, bt_buffer *out) {
  say_children(trace, NULL, out);
}
