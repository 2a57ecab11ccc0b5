/* Marks of what a search showed. See shown_spans.h. The upper half of a span's mark is of the id and never 0, the lower
 * one of the times; 0: they were left out. That of a value has the id in its upper 16 bits, the key in the next ones,
 * and the value in its lower half. */
#include "tempo/wire/shown_spans.h"

#include <string.h>

#include "dsl/base/mix.h"
#include "dsl/evaluate/value_index.h"

enum { HALF_BITS = 16, HALF_MASK = 0xFFFF, VALUE_BITS = 32 };

/* 1 to 65,535. */
static uint32_t half_of(uint64_t number) {
  return (uint32_t)(bt_mix_bits(number) % HALF_MASK) + 1;
}

static uint32_t half_of_id(const bt_span_id *id) {
  uint64_t number;
  memcpy(&number, id->bytes, sizeof number);
  return half_of(number);
}

static uint32_t half_of_times(uint64_t start_ns, uint64_t duration_ns) {
  bool is_ordinary = start_ns && start_ns <= INT64_MAX && duration_ns && duration_ns <= INT64_MAX;
  return is_ordinary ? half_of(start_ns ^ bt_mix_bits(duration_ns)) : 0;
}

static void add_mark(bt_shown *shown, uint32_t mark) {
  for (uint32_t i = 0; mark && i < BT_SHOWN_MAX; i++) {
    uint32_t here = shown->marks[i];
    if (here == mark) return;
    if (here && here < mark) continue;
    shown->marks[i] = mark;
    mark = here; /* goes on to the next place, or out */
  }
}

void bt_shown_add(bt_shown *shown, const bt_span_id *id, uint64_t start_ns, uint64_t duration_ns) {
  if (bt_span_id_is_zero(id)) return;
  add_mark(shown, half_of_id(id) << HALF_BITS | half_of_times(start_ns, duration_ns));
}

static void add_value(bt_shown *shown, uint64_t value) {
  for (uint32_t i = 0; value && i < BT_SHOWN_MAX; i++) {
    uint64_t here = shown->values[i];
    if (here == value) return;
    if (here && here < value) continue;
    shown->values[i] = value;
    value = here;
  }
}

/* Fields of spans and traces that rows show as if they were attributes. Other ones have a colon. */
static bool is_field(bt_str key) {
  static const char *const fields[] = {"name",   "kind",       "status",        "statusMessage", "duration",
                                       "parent", "childCount", "traceDuration", "rootName",      "rootServiceName"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (bt_str_equal(key, bt_str_from(fields[i]))) return true;
  return key.len && memchr(key.ptr, ':', key.len);
}

static uint32_t half_of_key(bt_str key) {
  return half_of(bt_str_hash(key));
}

void bt_shown_add_value(bt_shown *shown, const bt_span_id *id, const bt_attribute *attribute) {
  uint32_t value;
  if (bt_span_id_is_zero(id) || is_field(attribute->key) || !bt_value_hash(&attribute->value, &value)) return;
  add_value(shown, (uint64_t)(half_of_id(id) << HALF_BITS | half_of_key(attribute->key)) << VALUE_BITS | value);
}

void bt_shown_join(bt_shown *into, const bt_shown *from) {
  for (uint32_t i = 0; i < BT_SHOWN_MAX; i++) {
    add_mark(into, from->marks[i]);
    add_value(into, from->values[i]);
  }
}

/* ---- what a read has ---- */

/* Of a client's and a server's span with one id (Zipkin's way) a read by id of a Tempo gives the server's another one,
 * and hangs it under the client's. */
static bool is_server_half(const bt_span *span, uint32_t id_half) {
  return span->kind == BT_KIND_SERVER && half_of_id(&span->parent_id) == id_half;
}

static bool has_mark(const bt_span *span, uint32_t mark, bool any_times) {
  bool has_id = half_of_id(&span->id) == mark >> HALF_BITS;
  uint32_t times = mark & HALF_MASK;
  if (!times || any_times) return has_id;
  bool are_known = span->start_ns > 0 && span->end_ns > span->start_ns;
  uint64_t duration_ns = are_known ? (uint64_t)span->end_ns - (uint64_t)span->start_ns : 0;
  if (half_of_times((uint64_t)span->start_ns, duration_ns) != times) return false;
  return has_id || is_server_half(span, mark >> HALF_BITS);
}

typedef struct found_values {
  uint32_t key, value; /* that are looked for */
  bool has_same, has_other;
} found_values;

static void look_among(const bt_attributes *attributes, found_values *found) {
  for (uint32_t i = 0; i < attributes->count; i++) {
    const bt_attribute *attribute = &attributes->items[i];
    uint32_t value;
    if (half_of_key(attribute->key) != found->key) continue;
    bool is_other = bt_value_hash(&attribute->value, &value) && value != found->value;
    found->has_other = found->has_other || is_other;
    found->has_same = found->has_same || !is_other; /* an array may have it */
  }
}

static void look_at_span(const bt_span *span, found_values *found) {
  look_among(&span->attributes, found);
  look_among(&span->resource->attributes, found);
  look_among(&span->scope->attributes, found);
  for (uint32_t i = 0; i < span->event_count; i++) look_among(&span->events[i].attributes, found);
  for (uint32_t i = 0; i < span->link_count; i++) look_among(&span->links[i].attributes, found);
}

static bool has_another_value(const bt_trace *trace, uint64_t mark) {
  uint32_t name = (uint32_t)(mark >> VALUE_BITS), id = name >> HALF_BITS;
  found_values found = {.key = name & HALF_MASK, .value = (uint32_t)mark};
  for (uint32_t s = 0; s < trace->span_count; s++) {
    const bt_span *span = &trace->spans[s];
    if (half_of_id(&span->id) == id) look_at_span(span, &found);
  }
  return found.has_other && !found.has_same;
}

bool bt_shown_values_are_in(const bt_shown *shown, const bt_trace *trace) {
  for (uint32_t i = 0; !trace->differing_copies && i < BT_SHOWN_MAX && shown->values[i]; i++)
    if (has_another_value(trace, shown->values[i])) return false;
  return true;
}

static bool are_in(const bt_shown *shown, const bt_trace *trace, bool any_times) {
  for (uint32_t i = 0; i < BT_SHOWN_MAX && shown->marks[i]; i++) {
    uint32_t s = 0;
    while (s < trace->span_count && !has_mark(&trace->spans[s], shown->marks[i], any_times)) s++;
    if (s == trace->span_count) return false;
  }
  return true;
}

bool bt_shown_are_in(const bt_shown *shown, const bt_trace *trace) {
  return are_in(shown, trace, trace->differing_copies);
}

bool bt_shown_ids_are_in(const bt_shown *shown, const bt_trace *trace) {
  return are_in(shown, trace, true);
}
