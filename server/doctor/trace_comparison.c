/* Comparing what was read with what was pushed. See trace_comparison.h. */
#include "server/doctor/trace_comparison.h"

#include <inttypes.h>
#include <string.h>

#include "dsl/trace/untyped_text.h"

enum { SHOWN_BYTES = 60 };
static const bt_value nothing = {.type = BT_VALUE_MISSING};

/* ---- values ---- */

/* The start of a text, in whole characters. */
static bt_str shorten_text(bt_str text) {
  size_t length = 0;
  while (length < text.len) {
    size_t next = bt_utf8_sequence((bt_str){text.ptr + length, text.len - length}, NULL);
    if (!next || length + next > SHOWN_BYTES) break;
    length += next;
  }
  return (bt_str){text.ptr, length};
}

static void write_value(const bt_value *value, bt_buffer *out) {
  switch (value->type) {
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER: bt_buffer_append(out, BT_STR("nothing")); return;
  case BT_VALUE_STRING: bt_buffer_printf(out, "\"%.*s\"", BT_FMT(shorten_text(value->string))); return;
  case BT_VALUE_BOOL: bt_buffer_append(out, value->boolean ? BT_STR("true") : BT_STR("false")); return;
  case BT_VALUE_INT:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: bt_buffer_printf(out, "%" PRId64, value->integer); return;
  case BT_VALUE_DOUBLE: bt_buffer_printf(out, "%.17g (a double)", value->decimal); return;
  case BT_VALUE_ARRAY: break;
  }
  bt_buffer_append(out, BT_STR("["));
  for (uint32_t i = 0; i < value->array.count; i++) {
    if (i) bt_buffer_append(out, BT_STR(", "));
    write_value(&value->array.items[i], out);
  }
  bt_buffer_append(out, BT_STR("]"));
}

/* Bit by bit: 0 is not -0, and a number that is none is itself. */
static bool same_number(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0; /* NOLINT(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
}

static bool same_value(const bt_value *a, const bt_value *b) {
  if (bt_value_is_missing(a) || bt_value_is_missing(b)) return bt_value_is_missing(a) && bt_value_is_missing(b);
  if (a->type != b->type) return false;
  switch (a->type) {
  case BT_VALUE_STRING: return bt_str_equal(a->string, b->string);
  case BT_VALUE_BOOL: return a->boolean == b->boolean;
  case BT_VALUE_DOUBLE:
    return same_number(a->decimal, b->decimal) || (a->decimal != a->decimal && b->decimal != b->decimal);
  case BT_VALUE_ARRAY: break;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_INT:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: return a->integer == b->integer;
  }
  if (a->array.count != b->array.count) return false;
  for (uint32_t i = 0; i < a->array.count; i++)
    if (!same_value(&a->array.items[i], &b->array.items[i])) return false;
  return true;
}

/* An array of one element is that element to every rule; batches give it so, and blocks of vParquet5 by id too. */
static const bt_value *unwrap_single(const bt_value *value) {
  return value->type == BT_VALUE_ARRAY && value->array.count == 1 ? &value->array.items[0] : value;
}

/* ---- one span ---- */

typedef struct comparing {
  const bt_projection *projection;
  bool tells_doubles; /* from integers of the same number */
  bt_buffer *why;
} comparing;

static bool is_number_of(const bt_value *pushed, const bt_value *seen) {
  return pushed->type == BT_VALUE_DOUBLE && seen->type == BT_VALUE_INT && pushed->decimal == (double)seen->integer;
}

/* What a store keeps as a text of unknown type, or rounded, says nothing wrong where it may have been that. */
static bool may_be_value(const comparing *c, const bt_value *pushed, const bt_value *seen) {
  const bt_readings readings = bt_readings_of(seen);
  bool may_be = same_value(pushed, seen) || readings.is_open;
  for (uint32_t i = 0; !may_be && i < readings.count; i++)
    may_be = same_value(pushed, &readings.items[i]) || (!c->tells_doubles && is_number_of(pushed, &readings.items[i]));
  return may_be || (bt_value_is_missing(pushed) && bt_may_be_none(seen));
}

static bool report_difference(const comparing *c, bt_str field, const bt_value *pushed, const bt_value *seen) {
  bt_buffer_printf(c->why, "%.*s was pushed as ", BT_FMT(field));
  write_value(pushed, c->why);
  bt_buffer_append(c->why, BT_STR(" and comes as "));
  write_value(seen, c->why);
  return false;
}

static bool same_text(const comparing *c, const char *field, bt_str pushed, bt_str seen) {
  if (bt_str_equal(pushed, seen)) return true;
  const bt_value a = {.type = BT_VALUE_STRING, .string = pushed}, b = {.type = BT_VALUE_STRING, .string = seen};
  return report_difference(c, bt_str_from(field), &a, &b);
}

static bool same_integer(const comparing *c, const char *field, int64_t pushed, int64_t seen) {
  if (pushed == seen) return true;
  const bt_value a = {.type = BT_VALUE_INT, .integer = pushed}, b = {.type = BT_VALUE_INT, .integer = seen};
  return report_difference(c, bt_str_from(field), &a, &b);
}

static bool same_fields(const comparing *c, const bt_span *pushed, const bt_span *seen) {
  bool has_message = !c->projection || c->projection->status_message;
  if (!same_text(c, "the name", pushed->name, seen->name)) return false;
  if (!same_integer(c, "the start", pushed->start_ns, seen->start_ns)) return false;
  if (!same_integer(c, "the duration", bt_span_duration_ns(pushed), bt_span_duration_ns(seen))) return false;
  if (!same_integer(c, "the status", pushed->status, seen->status)) return false;
  if (has_message && !same_text(c, "the status message", pushed->status_message, seen->status_message)) return false;
  if (memcmp(&pushed->parent_id, &seen->parent_id, sizeof pushed->parent_id) != 0) {
    bt_buffer_append(c->why, BT_STR("another parent"));
    return false;
  }
  return same_text(c, "the service", pushed->resource->service, seen->resource->service);
}

static const bt_value *value_of(const bt_span *span, bt_projected_scope scope, bt_str key) {
  const bt_value *own = bt_attributes_find(&span->attributes, key);
  const bt_value *shared = bt_attributes_find(&span->resource->attributes, key);
  if (scope == BT_PROJECTED_SPAN) return own ? own : &nothing;
  if (scope == BT_PROJECTED_EITHER && own && !bt_value_is_missing(own)) return own;
  return shared ? shared : &nothing;
}

static bool same_projected(const comparing *c, const bt_span *pushed, const bt_span *seen) {
  for (uint32_t i = 0; i < c->projection->attribute_count; i++) {
    const bt_projected *attribute = &c->projection->attributes[i];
    const bt_value *a = unwrap_single(value_of(pushed, attribute->scope, attribute->key));
    const bt_value *b = unwrap_single(value_of(seen, attribute->scope, attribute->key));
    if (!may_be_value(c, a, b)) return report_difference(c, attribute->key, a, b);
  }
  return true;
}

/* All of `pushed`; others that came too are told by their number. */
static bool same_attributes(const comparing *c, const bt_attributes *pushed, const bt_attributes *seen) {
  for (uint32_t i = 0; i < pushed->count; i++) {
    const bt_value *value = bt_attributes_find(seen, pushed->items[i].key);
    const bt_value *a = unwrap_single(&pushed->items[i].value), *b = value ? unwrap_single(value) : &nothing;
    if (!may_be_value(c, a, b)) return report_difference(c, pushed->items[i].key, a, b);
  }
  for (uint32_t i = 0; i < seen->count; i++)
    if (!bt_attributes_find(pushed, seen->items[i].key))
      return report_difference(c, seen->items[i].key, &nothing, &seen->items[i].value);
  return true;
}

static bool same_events(const comparing *c, const bt_span *pushed, const bt_span *seen) {
  if (!same_integer(c, "the number of events", pushed->event_count, seen->event_count)) return false;
  for (uint32_t i = 0; i < pushed->event_count; i++) {
    const bt_event *a = &pushed->events[i], *b = &seen->events[i];
    if (!same_text(c, "the name of an event", a->name, b->name)) return false;
    if (!same_integer(c, "the time of an event", a->time_ns, b->time_ns)) return false;
    if (!same_attributes(c, &a->attributes, &b->attributes)) return false;
  }
  return true;
}

static bool same_id(const comparing *c, const char *what, const char *pushed, const char *seen) {
  return same_text(c, what, bt_str_from(pushed), bt_str_from(seen));
}

static bool same_links(const comparing *c, const bt_span *pushed, const bt_span *seen) {
  if (!same_integer(c, "the number of links", pushed->link_count, seen->link_count)) return false;
  for (uint32_t i = 0; i < pushed->link_count; i++) {
    const bt_link *a = &pushed->links[i], *b = &seen->links[i];
    char trace_a[BT_TRACE_ID_HEX + 1], trace_b[BT_TRACE_ID_HEX + 1], span_a[BT_SPAN_ID_HEX + 1],
        span_b[BT_SPAN_ID_HEX + 1];
    bt_trace_id_format(&a->trace_id, trace_a);
    bt_trace_id_format(&b->trace_id, trace_b);
    bt_span_id_format(&a->span_id, span_a);
    bt_span_id_format(&b->span_id, span_b);
    if (!same_id(c, "the trace id of a link", trace_a, trace_b)) return false;
    if (!same_id(c, "the span id of a link", span_a, span_b)) return false;
    if (!same_attributes(c, &a->attributes, &b->attributes)) return false;
  }
  return true;
}

static bool same_span(const comparing *c, const bt_span *pushed, const bt_span *seen) {
  if (!same_fields(c, pushed, seen)) return false;
  if (c->projection) return same_projected(c, pushed, seen);
  return same_text(c, "the scope's name", pushed->scope->name, seen->scope->name) &&
         same_attributes(c, &pushed->attributes, &seen->attributes) &&
         same_attributes(c, &pushed->resource->attributes, &seen->resource->attributes) &&
         same_events(c, pushed, seen) && same_links(c, pushed, seen);
}

/* ---- the trace ---- */

static const bt_span *find_span(const bt_trace *trace, const bt_span *wanted) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].kind == wanted->kind && memcmp(&trace->spans[i].id, &wanted->id, sizeof wanted->id) == 0)
      return &trace->spans[i];
  return NULL;
}

bool bt_doctor_same_trace(const bt_trace *pushed, const bt_trace *seen, const bt_projection *projection,
                          bool tells_doubles, bt_buffer *why) {
  const comparing c = {projection, tells_doubles, why};
  if (!same_integer(&c, "the number of spans", pushed->span_count, seen->span_count)) return false;
  for (uint32_t i = pushed->span_count; i-- > 0;) { /* the last is what a probe is about */
    const bt_span *span = find_span(seen, &pushed->spans[i]);
    if (span && same_span(&c, &pushed->spans[i], span)) continue;
    if (!span) bt_buffer_append(why, BT_STR("it is not there"));
    bt_buffer_printf(why, " (span \"%.*s\")", BT_FMT(pushed->spans[i].name));
    return false;
  }
  return true;
}
