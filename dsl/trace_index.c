/* The index of one trace. See trace_index.h. */
#include "dsl/trace_index.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/field.h"

/* Counting sort: symbols[i] of span i, 0 … symbol_count. Spans stay ascending within a symbol. */
static bool sort_by_symbol(bt_trace_index *index, const uint32_t *symbols, uint32_t symbol_count, bt_span_groups *out) {
  uint32_t span_count = index->trace->span_count;
  uint32_t *spans = bt_arena_array(index->arena, span_count, sizeof *spans);
  uint32_t *starts = bt_arena_array(index->arena, (size_t)symbol_count + 3, sizeof *starts);
  if (!spans || !starts) return false;
  uint32_t *next = starts + 1; /* while filling: where the next span of a symbol goes */
  for (uint32_t i = 0; i < span_count; i++) next[symbols[i] + 1]++;
  for (uint32_t s = 0; s <= symbol_count; s++) next[s + 1] += next[s];
  for (uint32_t i = 0; i < span_count; i++) spans[next[symbols[i]]++] = i;
  *out = (bt_span_groups){spans, starts};
  return true;
}

static bool group_by_name(bt_trace_index *index) {
  const bt_trace *trace = index->trace;
  uint32_t *symbols = bt_arena_array(index->arena, trace->span_count, sizeof *symbols);
  if (!symbols) return false;
  for (uint32_t i = 0; i < trace->span_count; i++)
    symbols[i] = bt_symbols_find(&index->ruleset->strings, trace->spans[i].name);
  return sort_by_symbol(index, symbols, index->ruleset->strings.count, &index->by_name);
}

/* Spans of one resource follow one another: each is looked up once. */
static bool group_by_service(bt_trace_index *index) {
  const bt_trace *trace = index->trace;
  uint32_t *symbols = bt_arena_array(index->arena, trace->span_count, sizeof *symbols);
  if (!symbols) return false;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_resource *resource = trace->spans[i].resource;
    if (i > 0 && trace->spans[i - 1].resource == resource)
      symbols[i] = symbols[i - 1];
    else
      symbols[i] = resource->service.ptr ? bt_symbols_find(&index->ruleset->strings, resource->service) : BT_NO_SYMBOL;
  }
  return sort_by_symbol(index, symbols, index->ruleset->strings.count, &index->by_service);
}

/* Arrays get the symbol after the last. What is neither an array nor a string that some rule asks for has BT_NO_SYMBOL.
 */
static bool group_by_value(bt_trace_index *index, const bt_compared_field *field, bt_span_groups *out) {
  const bt_trace *trace = index->trace;
  char id_text[BT_SPAN_ID_HEX + 1];
  uint32_t *symbols = bt_arena_array(index->arena, trace->span_count, sizeof *symbols);
  if (!symbols) return false;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bt_value value = bt_field_value(&trace->spans[i], &field->field, NULL, id_text);
    symbols[i] = BT_NO_SYMBOL;
    if (value.type == BT_VALUE_STRING) symbols[i] = bt_symbols_find(&field->values, value.string);
    if (value.type == BT_VALUE_ARRAY) symbols[i] = field->values.count + 1;
  }
  return sort_by_symbol(index, symbols, field->values.count + 1, out);
}

static bt_span_list group_list(const bt_span_groups *groups, uint32_t symbol) {
  return (bt_span_list){groups->spans + groups->starts[symbol], groups->starts[symbol + 1] - groups->starts[symbol]};
}

bool bt_trace_index_name_group(bt_trace_index *index, uint32_t symbol, bt_span_list *out) {
  if (!index->by_name.starts && !group_by_name(index)) return false;
  *out = group_list(&index->by_name, symbol);
  return true;
}

bool bt_trace_index_service_group(bt_trace_index *index, uint32_t symbol, bt_span_list *out) {
  if (!index->by_service.starts && !group_by_service(index)) return false;
  *out = group_list(&index->by_service, symbol);
  return true;
}

bool bt_trace_index_value_group(bt_trace_index *index, const bt_anchor *anchor, bt_span_list *out,
                                bt_span_list *arrays) {
  const struct bt_ruleset *ruleset = index->ruleset;
  const bt_compared_field *field = &ruleset->fields[anchor->field];
  if (!index->by_value)
    index->by_value = bt_arena_array(index->arena, ruleset->field_keys.count, sizeof *index->by_value);
  if (!index->by_value) return false;
  bt_span_groups *groups = &index->by_value[anchor->field];
  if (!groups->starts && !group_by_value(index, field, groups)) return false;
  *out = group_list(groups, anchor->symbol);
  *arrays = group_list(groups, field->values.count + 1);
  return true;
}

bool bt_trace_index_init(bt_trace_index *index, const struct bt_ruleset *ruleset, bt_arena *arena) {
  *index = (bt_trace_index){.ruleset = ruleset, .arena = arena, .service_count = UINT32_MAX};
  index->members = bt_realloc_array(NULL, ruleset->matcher_count, sizeof *index->members);
  for (uint32_t i = 0; index->members && i < ruleset->matcher_count; i++) index->members[i].run = 0;
  return index->members != NULL;
}

void bt_trace_index_dispose(bt_trace_index *index) {
  free(index->members);
  index->members = NULL;
}

/* Unsets what says of each part that it is there. */
void bt_trace_index_forget(bt_trace_index *index) {
  bt_arena_reset(index->arena);
  index->service_count = UINT32_MAX;
  index->by_name.starts = NULL;
  index->by_service.starts = NULL;
  index->by_value = NULL;
  for (int order = 0; order < BT_SORTED_ORDERS; order++) index->sorted[order] = NULL;
  index->first_parent = NULL;
  index->is_tree_known = false;
  index->id_texts = NULL;
}

void bt_trace_index_find_times(bt_trace_index *index) {
  const bt_trace *trace = index->trace;
  if (index->has_times) return;
  index->has_times = true;
  if (trace->span_count == 0 || (trace->doubts & (BT_DOUBT_START | BT_DOUBT_END))) {
    index->start_ns = bt_trace_start_ns(trace);
    index->end_ns = bt_trace_end_ns(trace);
    return;
  }
  int64_t start_ns = trace->spans[0].start_ns, end_ns = trace->spans[0].end_ns; /* every time is known */
  for (uint32_t i = 1; i < trace->span_count; i++) {
    if (trace->spans[i].start_ns < start_ns) start_ns = trace->spans[i].start_ns;
    if (trace->spans[i].end_ns > end_ns) end_ns = trace->spans[i].end_ns;
  }
  index->start_ns = start_ns;
  index->end_ns = end_ns;
}

void bt_trace_index_count_parts(bt_trace_index *index) {
  const bt_trace *trace = index->trace;
  if (index->has_part_counts) return;
  index->has_part_counts = true;
  index->event_count = index->link_count = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    index->event_count += trace->spans[i].event_count;
    index->link_count += trace->spans[i].link_count;
  }
}

static int compare_services(const void *left, const void *right) {
  return bt_str_compare(*(const bt_str *)left, *(const bt_str *)right);
}

/* Sorting, and no hash table, so that nobody can choose names that make this slow. */
bool bt_trace_index_count_services(bt_trace_index *index) {
  if (index->service_count != UINT32_MAX) return true;
  bt_str *services = bt_arena_array(index->arena, index->trace->span_count, sizeof *services);
  if (!services) return false;
  uint32_t count = 0, distinct = 0;
  const bt_resource *last = NULL;
  for (uint32_t i = 0; i < index->trace->span_count; i++) {
    const bt_resource *resource = index->trace->spans[i].resource;
    if (resource != last && resource->service.ptr) services[count++] = resource->service;
    last = resource;
  }
  qsort(services, count, sizeof *services, compare_services);
  for (uint32_t i = 0; i < count; i++)
    if (i == 0 || !bt_str_equal(services[i - 1], services[i])) distinct++;
  index->service_count = distinct;
  return true;
}

/* Spans by id, in an open table. The seed differs between runs, so that nobody can choose ids that fall into one slot.
 */
typedef struct id_table {
  const bt_span *spans;
  uint32_t *slots; /* the first span of an id + 1, or 0; at most half of them are taken */
  uint32_t slot_mask;
  uint64_t seed;
} id_table;

static bool make_id_table(const bt_trace_index *index, id_table *table) {
  uint32_t slot_count = 8;
  if (index->trace->span_count > UINT32_MAX / 8) return false;
  while (slot_count < index->trace->span_count * 2) slot_count *= 2;
  table->spans = index->trace->spans;
  table->slots = bt_arena_array(index->arena, slot_count, sizeof *table->slots);
  table->slot_mask = slot_count - 1;
  table->seed = (uint64_t)(uintptr_t)table->slots * 0x9E3779B97F4A7C15u;
  return table->slots != NULL;
}

/* The slot of the first span with that id, or the free one where it belongs. */
static uint32_t *find_slot(const id_table *table, const bt_span_id *id) {
  uint64_t bits;
  memcpy(&bits, id->bytes, sizeof bits);
  bits ^= table->seed;
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u;
  uint32_t slot = (uint32_t)(bits ^ (bits >> 32)) & table->slot_mask;
  while (table->slots[slot] && memcmp(&table->spans[table->slots[slot] - 1].id, id, sizeof *id) != 0)
    slot = (slot + 1) & table->slot_mask;
  return &table->slots[slot];
}

/* Spans that share an id are chained, each to the next one. `last` is room for the end of each chain, by its first
 * span. */
static void file_spans(const bt_trace_index *index, const id_table *table, uint32_t *last) {
  for (uint32_t i = 0; i < index->trace->span_count; i++) {
    uint32_t *slot = find_slot(table, &table->spans[i].id);
    index->next_half[i] = BT_NO_SPAN;
    if (*slot)
      index->next_half[last[*slot - 1]] = i;
    else
      *slot = i + 1;
    last[*slot - 1] = i;
  }
}

bool bt_trace_index_find_parents(bt_trace_index *index) {
  if (index->first_parent) return true;
  uint32_t count = index->trace->span_count;
  id_table table;
  uint32_t *first_parent = bt_arena_array(index->arena, count, sizeof *first_parent);
  index->next_half = bt_arena_array(index->arena, count, sizeof *index->next_half);
  index->walk_stack = bt_arena_array(index->arena, (size_t)count + 1, sizeof *index->walk_stack);
  index->walk_mark = bt_arena_array(index->arena, count, sizeof *index->walk_mark);
  if (!first_parent || !index->next_half || !index->walk_stack || !index->walk_mark) return false;
  if (!make_id_table(index, &table)) return false;
  file_spans(index, &table, index->walk_stack);
  for (uint32_t i = 0; i < count; i++) {
    const bt_span_id *parent = &index->trace->spans[i].parent_id;
    uint32_t found = bt_span_id_is_zero(parent) ? 0 : *find_slot(&table, parent);
    first_parent[i] = found ? found - 1 : BT_NO_SPAN;
  }
  index->first_parent = first_parent;
  index->walk_number = 0;
  return true;
}

char (*bt_trace_index_id_texts(bt_trace_index *index, uint32_t span))[BT_SPAN_ID_HEX + 1] {
  if (!index->id_texts)
    index->id_texts = bt_arena_array(index->arena, index->trace->span_count, sizeof *index->id_texts);
  return index->id_texts ? index->id_texts[span] : NULL;
}
