/* The index of one trace. See trace_index.h. */
#include "dsl/evaluate/trace_index.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/table.h"
#include "dsl/rule/field.h"

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
  index->slack_ns = 0;
  if (trace->span_count == 0 || (trace->doubts & (BT_DOUBT_START | BT_DOUBT_END))) {
    index->start_ns = bt_trace_start_ns(trace);
    index->end_ns = bt_trace_end_ns(trace);
    for (uint32_t i = 0; i < trace->span_count; i++)
      if (trace->spans[i].time_slack_ns > index->slack_ns) index->slack_ns = trace->spans[i].time_slack_ns;
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

/* The first span with that id; BT_NO_SPAN: there is none. */
static uint32_t find_first(const bt_trace_index *index, const bt_table *firsts, const bt_span_id *id, uint64_t hash) {
  bt_table_walk walk = bt_table_find(firsts, hash);
  while (bt_table_next(firsts, &walk))
    if (memcmp(&index->trace->spans[walk.number].id, id, sizeof *id) == 0) return (uint32_t)walk.number;
  return BT_NO_SPAN;
}

/* Spans that share an id are chained, each to the next one. `last` is room for the end of each chain, by its first
 * span. */
static void file_spans(const bt_trace_index *index, bt_table *firsts, uint32_t *last) {
  for (uint32_t i = 0; i < index->trace->span_count; i++) {
    const bt_span_id *id = &index->trace->spans[i].id;
    uint64_t hash = bt_hash_word(id->bytes);
    uint32_t first = find_first(index, firsts, id, hash);
    index->next_half[i] = BT_NO_SPAN;
    if (first != BT_NO_SPAN)
      index->next_half[last[first]] = i;
    else
      bt_table_add(firsts, hash, first = i);
    last[first] = i;
  }
}

bool bt_trace_index_find_parents(bt_trace_index *index) {
  if (index->first_parent) return true;
  uint32_t count = index->trace->span_count;
  bt_table firsts = {0};
  uint32_t *first_parent = bt_arena_array(index->arena, count, sizeof *first_parent);
  index->next_half = bt_arena_array(index->arena, count, sizeof *index->next_half);
  index->walk_stack = bt_arena_array(index->arena, (size_t)count + 1, sizeof *index->walk_stack);
  index->walk_mark = bt_arena_array(index->arena, count, sizeof *index->walk_mark);
  if (!first_parent || !index->next_half || !index->walk_stack || !index->walk_mark) return false;
  if (!bt_table_reserve_in(&firsts, count, index->arena)) return false;
  file_spans(index, &firsts, index->walk_stack);
  for (uint32_t i = 0; i < count; i++) {
    const bt_span_id *parent = &index->trace->spans[i].parent_id;
    uint64_t hash = bt_hash_word(parent->bytes);
    first_parent[i] = bt_span_id_is_zero(parent) ? BT_NO_SPAN : find_first(index, &firsts, parent, hash);
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
