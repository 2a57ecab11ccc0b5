/* Marks of spans that a search showed. See shown_spans.h. The upper half of a mark is of the id and never 0, the lower
 * one of the times; 0: they were left out. */
#include "tempo/wire/shown_spans.h"

#include <string.h>

enum { HALF_BITS = 16, HALF_MASK = 0xFFFF };

static uint64_t mix_bits(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9u;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EBu;
  return number ^ (number >> 31);
}

/* 1 to 65,535. */
static uint32_t half_of(uint64_t number) {
  return (uint32_t)(mix_bits(number) % HALF_MASK) + 1;
}

static uint32_t half_of_id(const bt_span_id *id) {
  uint64_t number;
  memcpy(&number, id->bytes, sizeof number);
  return half_of(number);
}

static uint32_t half_of_times(uint64_t start_ns, uint64_t duration_ns) {
  bool is_ordinary = start_ns && start_ns <= INT64_MAX && duration_ns && duration_ns <= INT64_MAX;
  return is_ordinary ? half_of(start_ns ^ mix_bits(duration_ns)) : 0;
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

void bt_shown_join(bt_shown *into, const bt_shown *from) {
  for (uint32_t i = 0; i < BT_SHOWN_MAX; i++) add_mark(into, from->marks[i]);
}

static bool has_mark(const bt_span *span, uint32_t mark, bool any_times) {
  if (half_of_id(&span->id) != mark >> HALF_BITS) return false;
  uint32_t times = mark & HALF_MASK;
  bool are_known = span->start_ns > 0 && span->end_ns > span->start_ns;
  uint64_t duration_ns = are_known ? (uint64_t)span->end_ns - (uint64_t)span->start_ns : 0;
  return !times || any_times || half_of_times((uint64_t)span->start_ns, duration_ns) == times;
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
