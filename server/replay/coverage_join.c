/* What adjacent windows say, put together as one. See bt_coverage_join in replay.h. Failures are kept one by one up
 * to a number; after that the last entry stands for all further ones, so that none is dropped. Thread: values, no
 * state. */
#include "server/replay/coverage_join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOINED_FAILED_MAX = 100 };

static bool append(void **items, size_t *count, size_t more, size_t size, const void *from) {
  if (!more) return true;
  char *grown = bt_realloc_array(*items, *count + more, size);
  if (!grown) return false;
  *items = grown;
  memcpy(grown + *count * size, from, more * size);
  *count += more;
  return true;
}

static void widen_last(bt_failed_window *last, const bt_failed_window *more) {
  if (more->range.start_ns < last->range.start_ns) last->range.start_ns = more->range.start_ns;
  if (more->range.end_ns > last->range.end_ns) last->range.end_ns = more->range.end_ns;
  snprintf(last->reason, sizeof last->reason, "more windows or traces could not be read than are named here");
}

static bool join_failed(bt_coverage *into, const bt_coverage *from) {
  size_t room = JOINED_FAILED_MAX - into->windows_failed_count;
  size_t taken = from->windows_failed_count < room ? from->windows_failed_count : room;
  void *items = into->windows_failed;
  bool ok = append(&items, &into->windows_failed_count, taken, sizeof *into->windows_failed, from->windows_failed);
  into->windows_failed = items;
  for (size_t i = taken; ok && i < from->windows_failed_count; i++)
    widen_last(&into->windows_failed[JOINED_FAILED_MAX - 1], &from->windows_failed[i]);
  return ok;
}

/* An empty window that goes on in the next one is one. */
static bool join_empty(bt_coverage *into, const bt_coverage *from) {
  const bt_time_range *first = from->windows_empty;
  size_t count = from->windows_empty_count, last = into->windows_empty_count;
  if (count && last && into->windows_empty[last - 1].end_ns == first->start_ns) {
    into->windows_empty[last - 1].end_ns = first->end_ns;
    first++;
    count--;
  }
  void *items = into->windows_empty;
  bool ok = append(&items, &into->windows_empty_count, count, sizeof *into->windows_empty, first);
  into->windows_empty = items;
  return ok;
}

/* Shrinking that fails leaves more than is needed. */
void bt_coverage_coarsen(bt_coverage *coverage) {
  for (size_t i = 1; i < coverage->windows_failed_count; i++)
    widen_last(&coverage->windows_failed[0], &coverage->windows_failed[i]);
  if (coverage->windows_failed_count) coverage->windows_failed_count = 1;
  bt_failed_window *one = coverage->windows_failed_count
                              ? bt_realloc_array(coverage->windows_failed, 1, sizeof *coverage->windows_failed)
                              : NULL;
  if (one) coverage->windows_failed = one;
  free(coverage->windows_empty);
  free(coverage->long_traces);
  coverage->windows_empty = NULL;
  coverage->windows_empty_count = 0;
  coverage->long_traces = NULL;
}

static size_t named_of(const bt_coverage *coverage) {
  return coverage->long_trace_count < BT_LONG_TRACES_NAMED ? coverage->long_trace_count : BT_LONG_TRACES_NAMED;
}

static bool is_named(const bt_coverage *coverage, const bt_trace_id *id) {
  for (size_t i = 0; i < named_of(coverage); i++)
    if (bt_trace_id_compare(&coverage->long_traces[i], id) == 0) return true;
  return false;
}

/* A long trace may be met in several windows: it is named once. */
static bool join_long(bt_coverage *into, const bt_coverage *from) {
  for (size_t i = 0; i < named_of(from); i++) {
    size_t named = named_of(into);
    if (is_named(into, &from->long_traces[i])) continue;
    if (named < BT_LONG_TRACES_NAMED) {
      void *items = into->long_traces;
      bool ok = append(&items, &named, 1, sizeof *into->long_traces, &from->long_traces[i]);
      into->long_traces = items;
      if (!ok) return false;
    }
    into->long_trace_count++;
  }
  into->long_trace_count += from->long_trace_count - named_of(from);
  return true;
}

void bt_coverage_add_differing(bt_coverage *coverage, const bt_trace_id *id) {
  size_t named = coverage->differing_trace_count;
  if (named > BT_DIFFERING_TRACES_NAMED) named = BT_DIFFERING_TRACES_NAMED;
  for (size_t i = 0; i < named; i++)
    if (bt_trace_id_compare(&coverage->differing_traces[i], id) == 0) return;
  if (named < BT_DIFFERING_TRACES_NAMED) coverage->differing_traces[named] = *id;
  coverage->differing_trace_count++;
}

static void join_differing(bt_coverage *into, const bt_coverage *from) {
  size_t named = from->differing_trace_count;
  if (named > BT_DIFFERING_TRACES_NAMED) named = BT_DIFFERING_TRACES_NAMED;
  for (size_t i = 0; i < named; i++) bt_coverage_add_differing(into, &from->differing_traces[i]);
  into->differing_trace_count += from->differing_trace_count - named;
}

static void join_numbers(bt_coverage *into, const bt_coverage *from) {
  bool is_younger = !into->handover_from_ns || from->handover_from_ns < into->handover_from_ns;
  if (from->handover_from_ns && is_younger) into->handover_from_ns = from->handover_from_ns;
  bool is_earlier = from->has_data_from && (!into->has_data_from || from->data_from_ns < into->data_from_ns);
  if (is_earlier) into->data_from_ns = from->data_from_ns;
  into->has_data_from = into->has_data_from || from->has_data_from;
  into->effective_end_ns = from->effective_end_ns;
  into->unsettled += from->unsettled;
  into->outside += from->outside;
  into->assumptions = from->assumptions;
  bt_source_about_join(&into->source, &from->source);
}

bt_status bt_coverage_join(bt_coverage *into, const bt_coverage *from, bt_error *error) {
  join_numbers(into, from);
  join_differing(into, from);
  bool ok = join_failed(into, from) && join_empty(into, from) && join_long(into, from);
  return ok ? BT_OK : bt_error_no_memory(error);
}

void bt_coverage_dispose(bt_coverage *coverage) {
  free(coverage->windows_empty);
  free(coverage->windows_failed);
  free(coverage->long_traces);
  *coverage = (bt_coverage){0};
}
