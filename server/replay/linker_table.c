/* Who links to which trace. See linker_table.h. */
#include "server/replay/linker_table.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/trace/trace_copy.h"

static bt_status add_ties(bt_linker_table *table, uint32_t number, bt_error *error) {
  const bt_trace *trace = &table->linkers[number].trace;
  const bt_link *link;
  bt_link_place place = {0};
  while ((link = bt_spans_next_link(trace->spans, trace->span_count, &place))) {
    bt_link_tie *ties = bt_grow_array(table->ties, table->tie_count, &table->tie_capacity, sizeof *ties);
    if (!ties) return bt_error_no_memory(error);
    table->ties = ties;
    ties[table->tie_count++] = (bt_link_tie){link->trace_id, number};
  }
  return BT_OK;
}

bt_status bt_linker_table_add(bt_linker_table *table, const bt_trace *trace, bt_error *error) {
  size_t bytes = bt_trace_copy_bytes(trace);
  if (bytes > table->most_bytes - table->bytes || table->count == UINT32_MAX)
    return bt_error_set(error, BT_LIMIT, "more spans link than memory holds");
  bt_linker *linkers = bt_grow_array(table->linkers, table->count, &table->capacity, sizeof *linkers);
  if (!linkers) return bt_error_no_memory(error);
  table->linkers = linkers;
  bt_linker *added = &linkers[table->count];
  *added = (bt_linker){.trace = *trace, .room = calloc(1, bytes ? bytes : 1)};
  if (!added->room) return bt_error_no_memory(error);
  added->trace.spans = bt_trace_copy_spans(trace, added->room);
  table->bytes += bytes;
  return add_ties(table, (uint32_t)table->count++, error);
}

static int compare_ties(const void *a, const void *b) {
  const bt_link_tie *x = a, *y = b;
  int order = bt_trace_id_compare(&x->target, &y->target);
  return order ? order : (x->linker > y->linker) - (x->linker < y->linker);
}

void bt_linker_table_sort(bt_linker_table *table) {
  if (table->tie_count > 1) qsort(table->ties, table->tie_count, sizeof *table->ties, compare_ties);
}

size_t bt_linker_table_find(const bt_linker_table *table, const bt_trace_id *target) {
  size_t low = 0, high = table->tie_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (bt_trace_id_compare(&table->ties[middle].target, target) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool bt_linker_table_ties(const bt_linker_table *table, size_t tie, const bt_trace_id *target) {
  return tie < table->tie_count && bt_trace_id_compare(&table->ties[tie].target, target) == 0;
}

static bool put_trace(bt_linker_table *table, const bt_trace *trace, bool is_own, bt_family *family) {
  bt_family_trace *traces = bt_grow_array(table->family, family->trace_count, &table->family_capacity, sizeof *traces);
  if (!traces) return false;
  table->family = traces;
  family->traces = traces;
  traces[family->trace_count++] = (bt_family_trace){
      .trace = trace, .is_incomplete = !is_own, .hides_links = true, .asked_from_ns = 1, .asked_until_ns = 0};
  return true;
}

/* The trace itself is there already, with more of its spans. */
static bt_status put_linkers(bt_linker_table *table, const bt_trace *to, const bt_trace *own, bt_family *family,
                             bt_error *error) {
  for (size_t i = bt_linker_table_find(table, &to->id); bt_linker_table_ties(table, i, &to->id); i++) {
    bt_linker *linker = &table->linkers[table->ties[i].linker];
    bool is_there = linker->asked == table->asked || bt_trace_id_compare(&linker->trace.id, &own->id) == 0;
    if (is_there || family->trace_count > BT_FAMILY_MAX_TRACES) continue;
    linker->asked = table->asked;
    if (!put_trace(table, &linker->trace, false, family)) return bt_error_no_memory(error);
  }
  return BT_OK;
}

bt_status bt_linker_table_family(bt_linker_table *table, const bt_trace *own, bt_family *out, bt_error *error) {
  *out = (bt_family){0};
  table->asked++;
  if (!put_trace(table, own, true, out)) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (uint32_t i = 0; status == BT_OK && i < out->trace_count; i++)
    status = put_linkers(table, out->traces[i].trace, own, out, error);
  return status;
}

size_t bt_linker_table_bytes(const bt_linker_table *table) {
  return table->bytes + table->capacity * sizeof *table->linkers + table->tie_capacity * sizeof *table->ties +
         table->family_capacity * sizeof *table->family;
}

void bt_linker_table_dispose(bt_linker_table *table) {
  for (size_t i = 0; i < table->count; i++) free(table->linkers[i].room);
  free(table->linkers);
  free(table->ties);
  free(table->family);
  *table = (bt_linker_table){.most_bytes = table->most_bytes};
}
