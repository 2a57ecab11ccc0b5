/* See relatives.h. */
#include "dsl/evaluate/relatives.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t max_spans = UINT32_C(1) << 30;

static const bt_span *span_at(const bt_relatives *relatives, uint32_t span) {
  const bt_trace *own = relatives->family->traces[0].trace;
  return span < relatives->own_count ? &own->spans[span] : relatives->others[span - relatives->own_count];
}

static uint32_t trace_of(const bt_relatives *relatives, uint32_t span) {
  return span < relatives->own_count ? 0 : relatives->trace_of[span - relatives->own_count];
}

static bool count_spans(bt_relatives *relatives) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < relatives->family->trace_count; i++) count += relatives->family->traces[i].trace->span_count;
  relatives->own_count = relatives->family->traces[0].trace->span_count;
  relatives->span_count = (uint32_t)count;
  return count <= max_spans;
}

static void number_spans(bt_relatives *relatives) {
  uint32_t next = 0;
  for (uint32_t i = 0; i < relatives->family->trace_count; i++) {
    const bt_trace *trace = relatives->family->traces[i].trace;
    relatives->first_span[i] = next;
    relatives->has_summaries = relatives->has_summaries || trace->pruned;
    relatives->doubts |= trace->doubts;
    if (relatives->family->traces[i].hides_links) relatives->hides_links = relatives->has_gaps = true;
    if (i && !bt_relatives_is_whole(relatives, i)) relatives->has_gaps = true;
    for (uint32_t k = 0; i && k < trace->span_count; k++) {
      relatives->others[next + k - relatives->own_count] = &trace->spans[k];
      relatives->trace_of[next + k - relatives->own_count] = i;
    }
    next += trace->span_count;
  }
}

static int compare_traces(const void *left, const void *right, void *context) {
  const bt_relatives *relatives = context;
  const bt_family_trace *traces = relatives->family->traces;
  const uint32_t *a = left, *b = right;
  return bt_trace_id_compare(&traces[*a].trace->id, &traces[*b].trace->id);
}

bool bt_relatives_start(bt_relatives *relatives, const bt_family *family, bt_arena *arena) {
  *relatives = (bt_relatives){.family = family, .arena = arena};
  if (!family) return true;
  if (!count_spans(relatives)) return false;
  uint32_t other_count = relatives->span_count - relatives->own_count, trace_count = family->trace_count;
  relatives->others = bt_arena_array(arena, other_count, sizeof *relatives->others);
  relatives->trace_of = bt_arena_array(arena, other_count, sizeof *relatives->trace_of);
  relatives->first_span = bt_arena_array(arena, trace_count, sizeof *relatives->first_span);
  relatives->by_id = bt_arena_array(arena, trace_count, sizeof *relatives->by_id);
  if (!relatives->others || !relatives->trace_of || !relatives->first_span || !relatives->by_id) return false;
  number_spans(relatives);
  for (uint32_t i = 0; i < trace_count; i++) relatives->by_id[i] = i;
  qsort_r(relatives->by_id, trace_count, sizeof *relatives->by_id, compare_traces, relatives);
  return true;
}

bool bt_relatives_is_whole(const bt_relatives *relatives, uint32_t trace) {
  const bt_family_trace *member = &relatives->family->traces[trace];
  return !member->is_incomplete && !member->trace->partial && !member->trace->pruned;
}

bool bt_relatives_find_trace(const bt_relatives *relatives, const bt_trace_id *id, uint32_t *trace) {
  uint32_t low = 0, high = relatives->family->trace_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2, number = relatives->by_id[middle];
    int order = bt_trace_id_compare(&relatives->family->traces[number].trace->id, id);
    *trace = number;
    if (order == 0) return true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

/* ---- tables ---- */

static int compare_keys(const bt_tie *a, uint32_t trace, const bt_span_id *id) {
  if (a->trace != trace) return a->trace < trace ? -1 : 1;
  return memcmp(a->id.bytes, id->bytes, sizeof id->bytes);
}

static int compare_ties(const void *left, const void *right) {
  const bt_tie *a = left, *b = right;
  int order = compare_keys(a, b->trace, &b->id);
  return order ? order : (a->span > b->span) - (a->span < b->span);
}

static bool make_table(bt_relatives *relatives, bt_tie_table *table, size_t most) {
  *table = (bt_tie_table){0};
  table->ties = bt_arena_array(relatives->arena, most, sizeof *table->ties);
  table->spans = bt_arena_array(relatives->arena, most, sizeof *table->spans);
  return table->ties && table->spans;
}

/* A span that links twice to another one is one of those that link to it. */
static void sort_table(bt_tie_table *table) {
  uint32_t kept = 0;
  if (table->count > 1) qsort(table->ties, table->count, sizeof *table->ties, compare_ties);
  for (uint32_t i = 0; i < table->count; i++) {
    if (kept && compare_ties(&table->ties[kept - 1], &table->ties[i]) == 0) continue;
    table->ties[kept] = table->ties[i];
    table->spans[kept++] = table->ties[i].span;
  }
  table->count = kept;
}

static void add_tie(bt_tie_table *table, uint32_t trace, const bt_span_id *id, uint32_t span) {
  if (!bt_span_id_is_zero(id)) table->ties[table->count++] = (bt_tie){trace, *id, span};
}

/* A summary's id, parent and links are those of several spans, and so they are nobody's; what was kept beside one may
 * have had another parent. */
static void add_ties(bt_relatives *relatives, uint32_t number) {
  const bt_span *span = span_at(relatives, number);
  uint32_t trace = trace_of(relatives, number), target;
  if (span->pruning == BT_PRUNING_SUMMARY) return;
  add_tie(&relatives->ids, trace, &span->id, number);
  if (span->pruning == BT_PRUNING_NONE) add_tie(&relatives->children, trace, &span->parent_id, number);
  for (uint32_t i = 0; i < span->link_count; i++)
    if (bt_relatives_find_trace(relatives, &span->links[i].trace_id, &target))
      add_tie(&relatives->linkers, target, &span->links[i].span_id, number);
}

static bool make_walk_room(bt_relatives *relatives) {
  relatives->all = bt_arena_array(relatives->arena, relatives->span_count, sizeof *relatives->all);
  relatives->queue = bt_arena_array(relatives->arena, relatives->span_count, sizeof *relatives->queue);
  relatives->mark = bt_arena_array(relatives->arena, relatives->span_count, sizeof *relatives->mark);
  if (!relatives->all || !relatives->queue || !relatives->mark) return false;
  for (uint32_t i = 0; i < relatives->span_count; i++) relatives->all[i] = i;
  return true;
}

bool bt_relatives_find_ties(bt_relatives *relatives) {
  size_t link_count = 0;
  if (relatives->has_tables) return true;
  for (uint32_t i = 0; i < relatives->span_count; i++) link_count += span_at(relatives, i)->link_count;
  if (!make_walk_room(relatives) || !make_table(relatives, &relatives->ids, relatives->span_count) ||
      !make_table(relatives, &relatives->children, relatives->span_count) ||
      !make_table(relatives, &relatives->linkers, link_count))
    return false;
  for (uint32_t i = 0; i < relatives->span_count; i++) add_ties(relatives, i);
  sort_table(&relatives->ids);
  sort_table(&relatives->children);
  sort_table(&relatives->linkers);
  relatives->has_tables = true;
  return true;
}

/* The first tie that does not stand before the key, or where `is_past`, the first that stands behind it. */
static uint32_t find_place(const bt_tie_table *table, uint32_t trace, const bt_span_id *id, bool is_past) {
  uint32_t low = 0, high = table->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = compare_keys(&table->ties[middle], trace, id);
    if (order < 0 || (is_past && order == 0))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bt_span_list find_spans(const bt_tie_table *table, uint32_t trace, const bt_span_id *id) {
  if (bt_span_id_is_zero(id)) return (bt_span_list){0};
  uint32_t first = find_place(table, trace, id, false);
  return (bt_span_list){table->spans + first, find_place(table, trace, id, true) - first};
}

bt_span_list bt_relatives_with_id(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id) {
  return find_spans(&relatives->ids, trace, id);
}

bt_span_list bt_relatives_children(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id) {
  return find_spans(&relatives->children, trace, id);
}

bt_span_list bt_relatives_linkers(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id) {
  return find_spans(&relatives->linkers, trace, id);
}

bt_span_list bt_relatives_of_trace(const bt_relatives *relatives, uint32_t trace) {
  uint32_t count = relatives->family->traces[trace].trace->span_count;
  return (bt_span_list){relatives->all + relatives->first_span[trace], count};
}

void bt_relatives_start_walk(bt_relatives *relatives) {
  if (++relatives->mark_number) return;
  for (uint32_t i = 0; i < relatives->span_count; i++) relatives->mark[i] = 0; /* old marks could be taken for new */
  relatives->mark_number = 1;
}

bool bt_relatives_mark(bt_relatives *relatives, uint32_t span) {
  if (relatives->mark[span] == relatives->mark_number) return false;
  relatives->mark[span] = relatives->mark_number;
  return true;
}

char (*bt_relatives_id_texts(bt_relatives *relatives, uint32_t span))[BT_SPAN_ID_HEX + 1] {
  uint32_t count = relatives->span_count - relatives->own_count;
  if (!relatives->id_texts) relatives->id_texts = bt_arena_array(relatives->arena, count, sizeof *relatives->id_texts);
  return relatives->id_texts ? relatives->id_texts[span - relatives->own_count] : NULL;
}
