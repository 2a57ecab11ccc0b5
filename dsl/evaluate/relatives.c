/* See relatives.h. */
#include "dsl/evaluate/relatives.h"

#include <stdlib.h>

static bool count_spans(bt_relatives *relatives) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < relatives->family->trace_count; i++) count += relatives->family->traces[i].trace->span_count;
  relatives->own_count = relatives->family->traces[0].trace->span_count;
  relatives->span_count = (uint32_t)count;
  return count <= BT_KINSHIP_MAX_SPANS;
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
  bt_family_order(family->traces, trace_count, relatives->by_id);
  return true;
}

bool bt_relatives_is_whole(const bt_relatives *relatives, uint32_t trace) {
  const bt_family_trace *member = &relatives->family->traces[trace];
  return !member->is_incomplete && !member->trace->partial && !member->trace->pruned;
}

bool bt_relatives_find_trace(const bt_relatives *relatives, const bt_trace_id *id, uint32_t *trace) {
  const bt_family *family = relatives->family;
  return bt_family_find(family->traces, family->trace_count, relatives->by_id, id, trace);
}

/* ---- ties ---- */

/* From numbers of the kinship to those of the family: the own trace comes first, and those that stood before it move
 * behind it. Of each key they ascend again. */
static void turn_spans(const bt_relatives *relatives, const bt_kin_table *table, uint32_t *to) {
  const uint32_t *from = table->spans;
  uint32_t own_count = relatives->own_count, own_first = relatives->kinship->first_span[relatives->own_place];
  for (uint32_t k = 0; k < table->key_count; k++) {
    uint32_t first = table->keys[k].first, end = table->keys[k + 1].first, own = first, past = first, next = first;
    while (own < end && from[own] < own_first) own++;
    for (past = own; past < end && from[past] - own_first < own_count;) to[next++] = from[past++] - own_first;
    for (uint32_t i = first; i < own; i++) to[next++] = from[i] + own_count;
    for (uint32_t i = past; i < end; i++) to[next++] = from[i];
  }
}

static bool turn_table(const bt_relatives *relatives, const bt_kin_table *table, const uint32_t **out) {
  *out = table->spans;
  if (relatives->own_place == 0) return true;
  uint32_t *turned = bt_arena_bare_array(relatives->arena, table->count, sizeof *turned);
  if (turned) turn_spans(relatives, table, turned);
  return (*out = turned) != NULL;
}

/* Takes the family's kinship where that is of exactly these traces. Otherwise makes one. */
static bool find_kinship(bt_relatives *relatives) {
  const bt_family *family = relatives->family;
  relatives->own_place = 0;
  relatives->kinship = family->kinship;
  if (!bt_kinship_is_of(relatives->kinship, family, &relatives->own_place))
    relatives->kinship = bt_kinship_make(family->traces, family->trace_count, relatives->arena);
  return relatives->kinship != NULL;
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
  if (relatives->has_ties) return true;
  if (!make_walk_room(relatives) || !find_kinship(relatives)) return false;
  const bt_kinship *kinship = relatives->kinship;
  relatives->has_ties = turn_table(relatives, &kinship->ids, &relatives->with_id) &&
                        turn_table(relatives, &kinship->children, &relatives->children) &&
                        turn_table(relatives, &kinship->linkers, &relatives->linkers);
  return relatives->has_ties;
}

/* spans: of the table, turned. */
static bt_span_list find_spans(const bt_relatives *relatives, const bt_kin_table *table, const uint32_t *spans,
                               uint32_t trace, const bt_span_id *id) {
  uint32_t place = trace == 0 ? relatives->own_place : trace <= relatives->own_place ? trace - 1 : trace;
  bool is_there;
  const bt_kin_key *key = &table->keys[bt_kin_table_find(table, place, id, &is_there)];
  return is_there ? (bt_span_list){spans + key->first, key[1].first - key->first} : (bt_span_list){0};
}

bt_span_list bt_relatives_with_id(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id) {
  return find_spans(relatives, &relatives->kinship->ids, relatives->with_id, trace, id);
}

bt_span_list bt_relatives_children(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id) {
  return find_spans(relatives, &relatives->kinship->children, relatives->children, trace, id);
}

bt_span_list bt_relatives_linkers(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id) {
  return find_spans(relatives, &relatives->kinship->linkers, relatives->linkers, trace, id);
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
  if (bt_relatives_is_marked(relatives, span)) return false;
  relatives->mark[span] = relatives->mark_number;
  return true;
}

char (*bt_relatives_id_texts(bt_relatives *relatives, uint32_t span))[BT_SPAN_ID_HEX + 1] {
  uint32_t count = relatives->span_count - relatives->own_count;
  if (!relatives->id_texts) relatives->id_texts = bt_arena_array(relatives->arena, count, sizeof *relatives->id_texts);
  return relatives->id_texts ? relatives->id_texts[span - relatives->own_count] : NULL;
}
