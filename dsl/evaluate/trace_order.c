/* Members of matchers by start and by tree. See trace_index.h. */
#include <stdlib.h>

#include "dsl/evaluate/trace_index.h"

/* A span under what it is sorted by. */
typedef struct keyed_span {
  int64_t key;
  uint32_t span;
} keyed_span;

static int compare_keyed(const void *left, const void *right) {
  const keyed_span *a = left, *b = right;
  if (a->key != b->key) return a->key < b->key ? -1 : 1;
  return (a->span > b->span) - (a->span < b->span);
}

/* ---- the forest ---- */

/* Children in chains: first_child[parent], next_child[child]; roots hang under `count`. */
typedef struct forest {
  uint32_t *first_child, *next_child, *stack;
} forest;

/* False when some span has several parents. */
static bool hang_children(const bt_trace_index *index, forest *f) {
  uint32_t count = index->trace->span_count;
  for (uint32_t i = 0; i <= count; i++) f->first_child[i] = BT_NO_SPAN;
  for (uint32_t i = count; i-- > 0;) {
    uint32_t parent = index->first_parent[i];
    if (parent != BT_NO_SPAN && index->next_half[parent] != BT_NO_SPAN) return false;
    if (parent == BT_NO_SPAN) parent = count;
    f->next_child[i] = f->first_child[parent];
    f->first_child[parent] = i;
  }
  return true;
}

/* Gives out places from the roots downwards. Spans in or below a cycle are not reached: then it is no forest. */
static bool number_spans(bt_trace_index *index, forest *f) {
  uint32_t count = index->trace->span_count, place = 0, depth = 0;
  f->stack[depth++] = count;
  while (depth > 0) {
    uint32_t top = f->stack[depth - 1], child = f->first_child[top];
    if (child == BT_NO_SPAN) {
      if (top != count) index->tree_end[top] = place;
      depth--;
      continue;
    }
    f->first_child[top] = f->next_child[child];
    index->tree_place[child] = place++;
    f->stack[depth++] = child;
  }
  return place == count;
}

bool bt_trace_index_find_tree(bt_trace_index *index) {
  if (index->is_tree_known) return true;
  if (!bt_trace_index_find_parents(index)) return false;
  size_t count = index->trace->span_count;
  forest f;
  f.first_child = bt_arena_array(index->arena, count + 1, sizeof *f.first_child);
  f.next_child = bt_arena_array(index->arena, count + 1, sizeof *f.next_child);
  f.stack = bt_arena_array(index->arena, count + 1, sizeof *f.stack);
  index->tree_place = bt_arena_array(index->arena, count, sizeof *index->tree_place);
  index->tree_end = bt_arena_array(index->arena, count, sizeof *index->tree_end);
  if (!f.first_child || !f.next_child || !f.stack || !index->tree_place || !index->tree_end) return false;
  index->is_forest = hang_children(index, &f) && number_spans(index, &f);
  index->is_tree_known = true;
  return true;
}

/* ---- members in order ---- */

static int64_t key_of(const bt_trace_index *index, bt_member_order order, uint32_t span) {
  return order == BT_BY_TREE ? index->tree_place[span] : index->trace->spans[span].start_ns;
}

/* Spans mostly come in order already. */
static bool is_sorted(const keyed_span *spans, uint32_t count) {
  for (uint32_t i = 1; i < count; i++)
    if (spans[i - 1].key > spans[i].key) return false;
  return true;
}

static bool sort_members(bt_trace_index *index, bt_span_list from, bt_member_order order, uint32_t *to) {
  keyed_span *sorted = bt_arena_array(index->arena, from.count, sizeof *sorted);
  if (!sorted) return false;
  for (uint32_t i = 0; i < from.count; i++)
    sorted[i] = (keyed_span){key_of(index, order, from.spans[i]), from.spans[i]};
  if (!is_sorted(sorted, from.count)) qsort(sorted, from.count, sizeof *sorted, compare_keyed);
  for (uint32_t i = 0; i < from.count; i++) to[i] = sorted[i].span;
  return true;
}

/* Where the sorted list of a matcher is kept; NULL: no room. */
static bt_span_list *sorted_list(bt_trace_index *index, uint32_t matcher, bt_member_order order) {
  bt_span_list **lists = &index->sorted[order == BT_BY_TREE];
  if (!*lists) *lists = bt_arena_array(index->arena, index->ruleset->matcher_count, sizeof **lists);
  return *lists ? &(*lists)[matcher] : NULL;
}

bt_span_list bt_trace_index_ordered(bt_trace_index *index, uint32_t matcher, bt_member_order order, bt_work *work) {
  bt_span_list by_number = bt_trace_index_members(index, matcher, work);
  if (order == BT_BY_NUMBER || work->status != BT_OK) return by_number;
  bt_span_list *list = sorted_list(index, matcher, order);
  if (list && list->spans) return *list;
  uint32_t *spans = bt_arena_array(index->arena, by_number.count, sizeof *spans);
  if (!list || !spans || !sort_members(index, by_number, order, spans)) {
    work->status = BT_NO_MEMORY;
    return by_number;
  }
  *list = (bt_span_list){spans, by_number.count};
  return *list;
}
