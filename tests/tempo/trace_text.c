/* Traces as text. See trace_text.h. Out of memory ends the test. */
#include "tests/tempo/trace_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void add_line(text_lines *lines, bt_buffer *line) {
  lines->items = realloc(lines->items, (lines->count + 1) * sizeof *lines->items);
  if (!lines->items || line->failed) abort();
  lines->items[lines->count++] = line->ptr;
}

static void write_text(bt_buffer *out, bt_str text) {
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if (c == '"' || c == '\\') bt_buffer_append_char(out, '\\');
    if (c < 0x20 || c >= 0x7F)
      bt_buffer_printf(out, "\\x%02x", c);
    else
      bt_buffer_append_char(out, (char)c);
  }
  bt_buffer_append_char(out, '"');
}

static void write_scalar(bt_buffer *out, const bt_value *value) {
  switch (value->type) {
  case BT_VALUE_MISSING: bt_buffer_append(out, BT_STR("missing")); break;
  case BT_VALUE_OTHER: bt_buffer_append(out, BT_STR("other")); break;
  case BT_VALUE_STRING: write_text(out, value->string); break;
  case BT_VALUE_BOOL: bt_buffer_append(out, value->boolean ? BT_STR("true") : BT_STR("false")); break;
  case BT_VALUE_INT: bt_buffer_printf(out, "%" PRId64, value->integer); break;
  case BT_VALUE_DOUBLE: bt_buffer_printf(out, "%.17gd", value->decimal); break;
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME:
  case BT_VALUE_ARRAY: abort(); /* no decoder gives these here */
  }
}

static void write_value(bt_buffer *out, const bt_value *value) {
  if (value->type != BT_VALUE_ARRAY) {
    write_scalar(out, value);
    return;
  }
  bt_buffer_append_char(out, '[');
  for (uint32_t i = 0; i < value->array.count; i++) {
    if (i) bt_buffer_append_char(out, ',');
    write_scalar(out, &value->array.items[i]);
  }
  bt_buffer_append_char(out, ']');
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

char *text_lines_join(text_lines *lines) {
  bt_buffer out = {0};
  bt_buffer_append(&out, BT_STR(""));
  if (lines->count) qsort(lines->items, lines->count, sizeof *lines->items, compare_texts);
  for (size_t i = 0; i < lines->count; i++) {
    bt_buffer_append(&out, bt_str_from(lines->items[i]));
    bt_buffer_append_char(&out, '\n');
    free(lines->items[i]);
  }
  free(lines->items);
  *lines = (text_lines){0};
  if (out.failed) abort();
  return out.ptr;
}

static void write_attributes(bt_buffer *out, const bt_attributes *attributes) {
  text_lines pairs = {0};
  for (uint32_t i = 0; i < attributes->count; i++) {
    bt_buffer pair = {0};
    write_text(&pair, attributes->items[i].key);
    bt_buffer_append_char(&pair, '=');
    write_value(&pair, &attributes->items[i].value);
    add_line(&pairs, &pair);
  }
  char *text = text_lines_join(&pairs);
  for (char *c = text; *c; c++)
    if (*c == '\n') *c = c[1] ? ' ' : '\0';
  bt_buffer_printf(out, "{%s}", text);
  if (attributes->dropped) bt_buffer_printf(out, "-%" PRIu32, attributes->dropped);
  free(text);
}

static void write_events(bt_buffer *out, const bt_span *span) {
  for (uint32_t i = 0; i < span->event_count; i++) {
    bt_buffer_printf(out, " event %" PRId64 " ", span->events[i].time_ns);
    write_text(out, span->events[i].name);
    write_attributes(out, &span->events[i].attributes);
  }
}

static void write_links(bt_buffer *out, const bt_span *span) {
  for (uint32_t i = 0; i < span->link_count; i++) {
    char trace_hex[BT_TRACE_ID_HEX + 1], span_hex[BT_SPAN_ID_HEX + 1];
    bt_trace_id_format(&span->links[i].trace_id, trace_hex);
    bt_span_id_format(&span->links[i].span_id, span_hex);
    bt_buffer_printf(out, " link %s %s ", trace_hex, span_hex);
    write_attributes(out, &span->links[i].attributes);
  }
}

/* What most spans of tests do not have. */
static void write_carried(bt_buffer *out, const bt_span *span) {
  if (span->flags) bt_buffer_printf(out, " flags %" PRIu32, span->flags);
  if (span->trace_state.len) bt_buffer_append(out, BT_STR(" state ")), write_text(out, span->trace_state);
  if (span->dropped_attributes || span->dropped_events || span->dropped_links)
    bt_buffer_printf(out, " dropped %" PRIu32 " %" PRIu32 " %" PRIu32, span->dropped_attributes, span->dropped_events,
                     span->dropped_links);
}

void text_lines_add_span(text_lines *lines, const bt_trace_id *trace_id, const bt_span *span) {
  bt_buffer line = {0};
  char trace_hex[BT_TRACE_ID_HEX + 1], hex[BT_SPAN_ID_HEX + 1], parent_hex[BT_SPAN_ID_HEX + 1];
  bt_trace_id_format(trace_id, trace_hex);
  bt_span_id_format(&span->id, hex);
  bt_span_id_format(&span->parent_id, parent_hex);
  bt_buffer_printf(&line, "%s %s under %s ", trace_hex, hex, bt_span_id_is_zero(&span->parent_id) ? "-" : parent_hex);
  write_text(&line, span->name);
  bt_buffer_printf(&line, " kind %d status %d ", (int)span->kind, (int)span->status);
  write_text(&line, span->status_message);
  bt_buffer_printf(&line, " %" PRId64 "..%" PRId64 " ", span->start_ns, span->end_ns);
  write_attributes(&line, &span->attributes);
  write_events(&line, span);
  write_links(&line, span);
  write_carried(&line, span);
  bt_buffer_append(&line, BT_STR(" of "));
  write_text(&line, span->resource->service);
  write_attributes(&line, &span->resource->attributes);
  bt_buffer_append(&line, BT_STR(" by "));
  write_text(&line, span->scope->name);
  write_text(&line, span->scope->version);
  write_attributes(&line, &span->scope->attributes);
  add_line(lines, &line);
}

static void add_flags(text_lines *lines, const bt_trace *trace) {
  bt_buffer line = {0};
  char hex[BT_TRACE_ID_HEX + 1];
  if (!trace->differing_copies && !trace->missing_parents && !trace->partial) return;
  bt_trace_id_format(&trace->id, hex);
  bt_buffer_printf(&line, "%s is%s%s%s", hex, trace->differing_copies ? " differing" : "",
                   trace->missing_parents ? " orphaned" : "", trace->partial ? " partial" : "");
  add_line(lines, &line);
}

void text_lines_add_batch(text_lines *lines, const bt_span_batch *batch) {
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    for (uint32_t j = 0; j < trace->span_count; j++) text_lines_add_span(lines, &trace->id, &trace->spans[j]);
    add_flags(lines, trace);
  }
}

void text_lines_add_row(text_lines *lines, const bt_search_row *row) {
  bt_buffer line = {0};
  char hex[BT_TRACE_ID_HEX + 1], span_hex[BT_SPAN_ID_HEX + 1];
  bt_trace_id_format(&row->id, hex);
  bt_buffer_printf(&line, "%s %" PRId64 "..%" PRId64 "%s", hex, row->start_ns, row->end_ns,
                   row->in_doubt ? " in doubt" : "");
  if (row->span) {
    bt_span_id_format(&row->span->id, span_hex);
    bt_buffer_printf(&line, " %s ", span_hex);
    write_text(&line, row->span->name);
    bt_buffer_printf(&line, " %" PRId64 "+%" PRId64 " of %" PRIu32 " ", row->span->start_ns, row->span->duration_ns,
                     row->matched);
    write_attributes(&line, &row->span->attributes);
  } else if (row->span_count) {
    bt_buffer_printf(&line, " with %" PRIu32 " spans", row->span_count);
  }
  add_line(lines, &line);
}
