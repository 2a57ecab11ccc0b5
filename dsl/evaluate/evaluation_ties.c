/* Starts that are one whole millisecond. A service all of whose starts in a trace are whole milliseconds cut them off
 * there, as JavaScript's SDKs do, so that two of its spans seem to start at once. Which of them was first is not known.
 * See evaluation.h and dsl.md §2. */
#include <stdlib.h>

#include "dsl/evaluate/evaluation.h"

static const int64_t MILLISECOND_NS = 1000000;

/* ---- coarse services ---- */

typedef struct start { /* of a span */
  bt_str service;
  uint32_t trace, span;
} start;

static int compare_services(const void *left, const void *right) {
  const start *a = left, *b = right;
  if (a->trace != b->trace) return a->trace < b->trace ? -1 : 1;
  if (!a->service.ptr != !b->service.ptr) return a->service.ptr ? 1 : -1;
  return a->service.ptr ? bt_str_compare(a->service, b->service) : 0;
}

static bool is_whole(int64_t time_ns) {
  return time_ns % MILLISECOND_NS == 0; /* 0 as well, which nobody set */
}

static void mark_service(bt_evaluator *evaluator, const start *starts, uint32_t count) {
  bool is_coarse = true;
  for (uint32_t i = 0; i < count && is_coarse; i++)
    is_coarse = is_whole(bt_evaluator_span(evaluator, starts[i].span)->start_ns);
  for (uint32_t i = 0; i < count; i++) evaluator->is_coarse[starts[i].span] = is_coarse;
  evaluator->has_coarse = evaluator->has_coarse || is_coarse;
}

static void mark_services(bt_evaluator *evaluator, start *starts, uint32_t count) {
  evaluator->has_coarse = false;
  for (uint32_t i = 0; i < count; i++)
    starts[i] = (start){bt_evaluator_span(evaluator, i)->resource->service, bt_evaluator_trace_of(evaluator, i), i};
  qsort(starts, count, sizeof *starts, compare_services);
  for (uint32_t first = 0, end; first < count; first = end) {
    for (end = first + 1; end < count && compare_services(&starts[first], &starts[end]) == 0;) end++;
    mark_service(evaluator, &starts[first], end - first);
  }
}

/* Once for all rules. False: no room. */
static bool find_coarse(bt_evaluator *evaluator) {
  const bt_relatives *relatives = &evaluator->relatives;
  uint32_t count = relatives->family ? relatives->span_count : evaluator->index.trace->span_count;
  if (evaluator->is_coarse) return true;
  start *starts = bt_arena_array(&evaluator->arena, count, sizeof *starts);
  uint8_t *is_coarse = bt_arena_array(&evaluator->arena, count, sizeof *is_coarse);
  if (!starts || !is_coarse) {
    evaluator->work.status = BT_NO_MEMORY;
    return false;
  }
  evaluator->is_coarse = is_coarse;
  mark_services(evaluator, starts, count);
  return true;
}

/* ---- ties ---- */

static bool is_one_millisecond(int64_t a_ns, int64_t b_ns) {
  return a_ns == b_ns && is_whole(a_ns);
}

void bt_evaluator_note_tie(bt_evaluator *evaluator, int64_t a_ns, int64_t b_ns) {
  if (is_one_millisecond(a_ns, b_ns)) evaluator->met_tie = true;
}

bool bt_evaluator_is_tie(bt_evaluator *evaluator, uint32_t a, int64_t a_ns, uint32_t b, int64_t b_ns) {
  if (!is_one_millisecond(a_ns, b_ns)) return false;
  evaluator->met_tie = true;
  if (!evaluator->coarse_clocks_unknown || !find_coarse(evaluator)) return false;
  if (!evaluator->is_coarse[a] || !evaluator->is_coarse[b]) return false;
  evaluator->tied_service = bt_evaluator_span(evaluator, a)->resource->service;
  return true;
}

static bool is_known_time(const bt_outcome *time) {
  return time->kind == BT_OUTCOME_VALUE && time->low.type == BT_VALUE_INT;
}

void bt_evaluator_note_tie_of_some(bt_evaluator *evaluator, const bt_outcome *a, const bt_outcome *b) {
  if (is_known_time(a) && is_known_time(b)) bt_evaluator_note_tie(evaluator, a->low.integer, b->low.integer);
}

/* Of which spans they are is not known, so any coarse service will do. */
bool bt_evaluator_is_tie_of_some(bt_evaluator *evaluator, const bt_outcome *a, const bt_outcome *b) {
  if (!is_known_time(a) || !is_known_time(b) || !is_one_millisecond(a->low.integer, b->low.integer)) return false;
  evaluator->met_tie = true;
  return evaluator->coarse_clocks_unknown && find_coarse(evaluator) && evaluator->has_coarse;
}
