/* Members of a selection by key: what equals something known, or is a child, parent or sibling of a known span, is
 * looked up and not searched for among all that the selection could have. An index is built once looking through has
 * cost as much as building it, so that small traces never have one. It leaves out only spans for which a test or a
 * relation is certainly false, and what is left stays in order: so it changes no verdict and no witness. See
 * evaluation.h. */
#include "dsl/evaluate/evaluation.h"
#include "dsl/evaluate/value_index.h"
#include "dsl/trace/cut_text.h"
#include "dsl/trace/untyped_text.h"

enum { SCANS_BEFORE_INDEX = 8, FEW_SPANS = 256, SPANS_PER_STEP = 4, ORDERS = BT_SORTED_ORDERS + 1 };

/* Of one rule on one trace; all of them cost less than the 50 steps for each span that bt_default_step_budget allows,
 * so that none takes from a rule what it needs to walk. */
enum { MOST_INDEXES = 128 };

/* And what they hold. Beyond it the spans are looked through. */
static const size_t index_max_bytes = (size_t)256 << 20;

typedef struct need { /* what a key asks for now */
  bool is_usable;
  uint32_t hashes[BT_MOST_HASHES], count; /* 0: nothing meets it */
} need;

static bool are_bound(const bt_evaluator *evaluator, bt_binding_set needs) {
  for (int b = 0; needs >> b; b++)
    if ((needs >> b & 1) && evaluator->bound[b] >= BT_UNSEEN_SPAN) return false;
  return true;
}

static need find_value(bt_evaluator *evaluator, const bt_program_key *key) {
  bt_outcome other = bt_evaluate_expression(evaluator, key->other, BT_NO_SPAN, NULL);
  need asks = {.is_usable = other.kind == BT_OUTCOME_VALUE && other.low.type != BT_VALUE_ARRAY};
  if (asks.is_usable) asks.count = bt_value_hashes_to_ask(&other.low, asks.hashes);
  return asks;
}

static need find_need(bt_evaluator *evaluator, const bt_program_key *key) {
  static const unsigned hiding =
      BT_DOUBT_START | BT_DOUBT_END | BT_DOUBT_ATTRIBUTES | BT_DOUBT_PARTS | BT_DOUBT_CUT | BT_DOUBT_TYPE;
  if (!are_bound(evaluator, key->needs)) return (need){.is_usable = false};
  if (key->kind == BT_KEY_EQUAL && evaluator->doubts & hiding)
    return (need){.is_usable = false}; /* it has no list of what may be equal */
  if (key->kind == BT_KEY_EQUAL) return find_value(evaluator, key);
  const bt_span *bound = bt_evaluator_span(evaluator, evaluator->bound[key->binding]);
  const bt_span_id *id = key->kind == BT_KEY_CHILD_OF ? &bound->id : &bound->parent_id;
  need asks = {.is_usable = true};
  if (!bt_span_id_is_zero(id)) asks.hashes[asks.count++] = bt_span_id_hash(id);
  return asks;
}

/* ---- indexes ---- */

/* What is going to be looked through is more than an index costs. It depends on this rule and the trace alone, and not
 * on what other rules have found of a matcher: so all members are asked for, which costs no steps. Where that costs
 * text, an index is built only of what was paid for. */
static bool deserves_index(bt_evaluator *evaluator, const bt_program_selection *selection, const bt_reach *reach,
                           uint32_t in_window) {
  bt_lookup_slot *slot = &evaluator->lookup_slots[selection->slot];
  bool is_first = slot->turn != evaluator->turn, is_whole = reach->order == BT_BY_NUMBER;
  if (is_first) *slot = (bt_lookup_slot){.turn = evaluator->turn};
  if (is_first && !evaluator->looks_up_at_once) return false;
  if (evaluator->is_exhausted || (is_whole && evaluator->ruleset->matchers[selection->matcher].walks_text))
    return false;
  if (evaluator->looks_up_at_once) return true;
  uint32_t count = bt_trace_index_members(&evaluator->index, selection->matcher, &evaluator->work).count;
  slot->to_look_at += is_whole ? count : in_window;
  return evaluator->work.status == BT_OK && slot->to_look_at >= (uint64_t)SCANS_BEFORE_INDEX * count + FEW_SPANS;
}

static bool make_places(bt_evaluator *evaluator, bt_lookup_slot *slot) {
  if (slot->indexes) return true;
  slot->indexes = bt_arena_array(&evaluator->rule_arena, (size_t)BT_MAX_LOOKUPS * ORDERS, sizeof *slot->indexes);
  if (!slot->indexes) evaluator->work.status = BT_NO_MEMORY;
  return slot->indexes != NULL;
}

/* NULL: there is none, and there will be none. */
static const bt_value_index *build_index(bt_evaluator *evaluator, const bt_program_selection *selection,
                                         const bt_program_key *key, bt_member_order order) {
  bt_span_list list = bt_trace_index_ordered(&evaluator->index, selection->matcher, order, &evaluator->work);
  if (bt_evaluator_is_cut(evaluator) || evaluator->work.status != BT_OK) return NULL;
  bool is_unfit, is_full = evaluator->rule_arena.total_bytes > index_max_bytes;
  if (is_full || evaluator->index_count == MOST_INDEXES) return NULL;
  evaluator->index_count++;
  if (!bt_evaluator_spend(evaluator, list.count / SPANS_PER_STEP)) return NULL;
  const bt_value_index *index =
      bt_value_index_build(evaluator->index.trace, key, list, &evaluator->rule_arena, &is_unfit);
  if (!index && !is_unfit) evaluator->work.status = BT_NO_MEMORY;
  return index;
}

static const bt_value_index *find_index(bt_evaluator *evaluator, const bt_program_selection *selection,
                                        bt_lookup_slot *slot, const bt_program_key *key, uint32_t number,
                                        bt_member_order order) {
  if (number >= BT_MAX_LOOKUPS || !make_places(evaluator, slot)) return NULL;
  bt_index_place *place = &slot->indexes[number * ORDERS + (uint32_t)order];
  if (!place->was_tried) *place = (bt_index_place){build_index(evaluator, selection, key, order), true};
  return place->index;
}

/* ---- looking up ---- */

typedef struct lookup {
  bt_evaluator *evaluator;
  const bt_program_selection *selection;
  bt_lookup_slot *slot;
  const bt_reach *reach;
  uint32_t number; /* of the next key */
  bool is_found, is_merge;
  bt_span_list best; /* is_merge: no spans, and how many there are at most */
} lookup;

static bool is_best(const lookup *l, uint64_t count) {
  return !l->is_found || count < l->best.count;
}

static void consider_list(lookup *l, bt_span_list list) {
  if (!is_best(l, list.count)) return;
  l->is_found = true;
  l->is_merge = false;
  l->best = list;
}

/* Adds the lists of spans that may meet the key to `found`, none that is empty. False: the key cannot be used. */
static bool find_lists(lookup *l, const bt_program_key *key, bt_merge *found) {
  uint32_t number = l->number++;
  need asks = l->evaluator->work.status == BT_OK ? find_need(l->evaluator, key) : (need){.is_usable = false};
  if (!asks.is_usable || !asks.count) return asks.is_usable;
  const bt_value_index *index = find_index(l->evaluator, l->selection, l->slot, key, number, l->reach->order);
  if (!index) return false;
  for (uint32_t i = 0; i < asks.count; i++) {
    bt_span_list list = bt_window_cut(&l->evaluator->index, bt_value_index_find(index, asks.hashes[i]), l->reach);
    if (list.count) found->lists[found->count++] = list;
  }
  return true;
}

static bool make_merge(lookup *l) {
  if (!l->slot->merge) l->slot->merge = bt_arena_alloc(&l->evaluator->rule_arena, sizeof *l->slot->merge);
  if (!l->slot->merge) l->evaluator->work.status = BT_NO_MEMORY;
  return l->slot->merge != NULL;
}

/* Several lists are walked as one. */
static void consider_merge(lookup *l, const bt_merge *merge) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < merge->count; i++) count += merge->lists[i].count;
  if (count > UINT32_MAX || !is_best(l, count) || !make_merge(l)) return;
  *l->slot->merge = *merge;
  l->best = (bt_span_list){NULL, (uint32_t)count};
  l->is_found = l->is_merge = true;
}

static void try_key(lookup *l, const bt_program_key *key) {
  bool is_any = key->kind == BT_KEY_ANY, can_use = true;
  bt_merge found = {.order = l->reach->order};
  for (uint32_t i = 0; is_any && i < key->alternative_count; i++)
    can_use = find_lists(l, &key->alternatives[i], &found) && can_use;
  if (!is_any) can_use = find_lists(l, key, &found);
  if (!can_use) return;
  if (found.count > 1)
    consider_merge(l, &found);
  else
    consider_list(l, found.count ? found.lists[0] : (bt_span_list){NULL, 0});
}

static bool stands_before(const bt_trace_index *index, bt_member_order order, uint32_t a, uint32_t b) {
  if (order == BT_BY_TREE) return index->tree_place[a] < index->tree_place[b];
  int64_t x = index->trace->spans[a].start_ns, y = index->trace->spans[b].start_ns;
  return order == BT_BY_START && x != y ? x < y : a < b;
}

uint32_t bt_merge_peek(const bt_trace_index *index, const bt_merge *merge) {
  uint32_t first = BT_NO_SPAN;
  for (uint32_t i = 0; i < merge->count; i++) {
    if (merge->lists[i].count == 0) continue;
    uint32_t span = merge->lists[i].spans[0];
    if (first == BT_NO_SPAN || stands_before(index, merge->order, span, first)) first = span;
  }
  return first;
}

void bt_merge_pass(bt_merge *merge, uint32_t span) {
  for (uint32_t i = 0; i < merge->count; i++) {
    bt_span_list *list = &merge->lists[i];
    if (list->count && list->spans[0] == span) *list = (bt_span_list){list->spans + 1, list->count - 1};
  }
}

static bool has_keys(const bt_program_selection *selection, const bt_program_condition *join) {
  bool has = selection->key_count || (join && join->join_key_count);
  for (uint32_t i = 0; join && i < join->joined_count; i++) has = has || join->joined[i]->key_count;
  return has;
}

/* Apart, so that the way to "no" stays short. */
static bool look_up(bt_evaluator *evaluator, const bt_program_selection *selection, const bt_program_condition *join,
                    const bt_reach *reach, bt_span_list *out, bt_merge **merge) {
  bt_lookup_slot *slot = &evaluator->lookup_slots[selection->slot];
  lookup l = {.evaluator = evaluator, .selection = selection, .slot = slot, .reach = reach};
  for (uint32_t i = 0; i < selection->key_count; i++) try_key(&l, &selection->keys[i]);
  for (uint32_t i = 0; join && i < join->join_key_count; i++) try_key(&l, &join->join_keys[i]);
  for (uint32_t i = 0; join && i < join->joined_count; i++)
    for (uint32_t k = 0; k < join->joined[i]->key_count; k++) try_key(&l, &join->joined[i]->keys[k]);
  if (l.is_found) *out = l.best;
  if (l.is_merge) *merge = l.slot->merge;
  return l.is_found;
}

bool bt_lookup_candidates(bt_evaluator *evaluator, const bt_program_selection *selection,
                          const bt_program_condition *join, const bt_reach *reach, uint32_t in_window,
                          bt_span_list *out, bt_merge **merge) {
  if (evaluator->is_pruned || !has_keys(selection, join)) return false;
  return deserves_index(evaluator, selection, reach, in_window) &&
         look_up(evaluator, selection, join, reach, out, merge);
}
