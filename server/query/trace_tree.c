/* Ordering the spans of a trace for drawing. See trace_tree.h. No recursion: chains of parents may be as long as the
 * trace. */
#include "server/query/trace_tree.h"

#include <stdlib.h>
#include <string.h>

typedef struct sorted_span {
  const bt_trace *trace;
  uint32_t span, parent; /* of the trace; parent BT_NO_SPAN: none */
} sorted_span;

typedef struct building {
  const bt_trace *trace;
  sorted_span *by_id;
  sorted_span *by_parent; /* roots first; siblings by start */
  uint32_t *parents;      /* of each span */
  uint32_t *first_child;  /* of each span and, at span_count, of none: the place in by_parent */
  uint32_t *stack;        /* places in by_parent that wait */
  uint32_t *row_of;       /* of each span; BT_NO_SPAN: not drawn yet */
  bt_tree *tree;
} building;

static int compare_id(const void *a, const void *b) {
  const sorted_span *x = a, *y = b;
  int order = memcmp(x->trace->spans[x->span].id.bytes, y->trace->spans[y->span].id.bytes, sizeof(bt_span_id));
  return order ? order : (x->span > y->span) - (x->span < y->span);
}

/* BT_NO_SPAN is the largest number: roots would come last, so it counts as the first. */
static int compare_parent(const void *a, const void *b) {
  const sorted_span *x = a, *y = b;
  uint32_t x_parent = x->parent + 1, y_parent = y->parent + 1;
  if (x_parent != y_parent) return x_parent < y_parent ? -1 : 1;
  const bt_span *s = &x->trace->spans[x->span], *t = &y->trace->spans[y->span];
  if (s->start_ns != t->start_ns) return s->start_ns < t->start_ns ? -1 : 1;
  return compare_id(a, b);
}

/* The first place in by_id whose id is not below. */
static uint32_t lower_bound(const building *b, const bt_span_id *id) {
  uint32_t low = 0, high = b->trace->span_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (memcmp(b->trace->spans[b->by_id[middle].span].id.bytes, id->bytes, sizeof *id) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static uint32_t find_parent(const building *b, uint32_t span) {
  const bt_span *child = &b->trace->spans[span];
  uint32_t found = BT_NO_SPAN;
  if (bt_span_id_is_zero(&child->parent_id)) return BT_NO_SPAN;
  for (uint32_t at = lower_bound(b, &child->parent_id); at < b->trace->span_count; at++) {
    uint32_t candidate = b->by_id[at].span;
    const bt_span *parent = &b->trace->spans[candidate];
    if (memcmp(parent->id.bytes, child->parent_id.bytes, sizeof(bt_span_id)) != 0) break;
    if (candidate == span) continue;
    if (found == BT_NO_SPAN || bt_str_equal(parent->resource->service, child->resource->service)) found = candidate;
  }
  return found;
}

static void sort_children(building *b) {
  uint32_t count = b->trace->span_count;
  for (uint32_t i = 0; i < count; i++) b->by_id[i] = (sorted_span){b->trace, i, BT_NO_SPAN};
  qsort(b->by_id, count, sizeof *b->by_id, compare_id);
  for (uint32_t i = 0; i < count; i++) {
    b->parents[i] = find_parent(b, i);
    b->by_parent[i] = (sorted_span){b->trace, i, b->parents[i]};
    b->row_of[i] = BT_NO_SPAN;
  }
  qsort(b->by_parent, count, sizeof *b->by_parent, compare_parent);
  for (uint32_t i = 0; i <= count; i++) b->first_child[i] = count;
  for (uint32_t at = count; at-- > 0;) {
    uint32_t parent = b->by_parent[at].parent;
    b->first_child[parent == BT_NO_SPAN ? count : parent] = at;
  }
}

static bool is_sibling(const building *b, uint32_t at, uint32_t parent) {
  return at < b->trace->span_count && b->by_parent[at].parent == parent;
}

/* Draws what hangs under by_parent[at] and itself. */
static void draw_from(building *b, uint32_t at, bool is_in_cycle) {
  uint32_t waiting = 0;
  b->stack[waiting++] = at;
  while (waiting) {
    uint32_t place = b->stack[--waiting], span = b->by_parent[place].span, parent = b->by_parent[place].parent;
    if (b->row_of[span] != BT_NO_SPAN) continue;
    bool is_root = parent == BT_NO_SPAN || (is_in_cycle && place == at);
    bt_tree_row row = {.span = span, .parent = BT_NO_SPAN, .is_last = !is_sibling(b, place + 1, parent)};
    if (is_root) {
      row.is_last = false;
      row.is_in_cycle = is_in_cycle;
      row.misses_parent = parent == BT_NO_SPAN && !bt_span_id_is_zero(&b->trace->spans[span].parent_id) && !is_in_cycle;
      b->tree->roots++;
      b->tree->missing_parents += row.misses_parent;
    } else {
      row.parent = b->row_of[parent];
      row.depth = b->tree->rows[row.parent].depth + 1;
      b->tree->rows[row.parent].child_count++;
    }
    b->row_of[span] = b->tree->count;
    b->tree->rows[b->tree->count++] = row;
    uint32_t child = b->first_child[span], last = child;
    while (is_sibling(b, last, span)) last++;
    while (last > child) b->stack[waiting++] = --last; /* the first child is taken first */
  }
}

/* The place of the earliest span that no root leads to: it is part of a cycle, or hangs under one. */
static bool find_undrawn(const building *b, uint32_t *out) {
  bool is_found = false;
  for (uint32_t at = 0; at < b->trace->span_count; at++) {
    uint32_t span = b->by_parent[at].span;
    if (b->row_of[span] != BT_NO_SPAN) continue;
    if (is_found && b->trace->spans[span].start_ns >= b->trace->spans[b->by_parent[*out].span].start_ns) continue;
    *out = at;
    is_found = true;
  }
  return is_found;
}

static bool allocate_lists(building *b) {
  size_t count = b->trace->span_count;
  b->by_id = calloc(count + 1, sizeof *b->by_id);
  b->by_parent = calloc(count + 1, sizeof *b->by_parent);
  b->parents = calloc(count + 1, sizeof *b->parents);
  b->first_child = calloc(count + 1, sizeof *b->first_child);
  b->stack = calloc(count + 1, sizeof *b->stack);
  b->row_of = calloc(count + 1, sizeof *b->row_of);
  b->tree->rows = calloc(count + 1, sizeof *b->tree->rows);
  return b->by_id && b->by_parent && b->parents && b->first_child && b->stack && b->row_of && b->tree->rows;
}

bt_status bt_tree_new(const bt_trace *trace, bt_tree *out, bt_error *error) {
  building b = {.trace = trace, .tree = out};
  *out = (bt_tree){0};
  bool ok = allocate_lists(&b);
  if (ok) {
    sort_children(&b);
    for (uint32_t at = 0; is_sibling(&b, at, BT_NO_SPAN); at++) draw_from(&b, at, false);
    for (uint32_t at = 0; find_undrawn(&b, &at);) draw_from(&b, at, true);
  }
  free(b.by_id);
  free(b.by_parent);
  free(b.parents);
  free(b.first_child);
  free(b.stack);
  free(b.row_of);
  if (ok) return BT_OK;
  bt_tree_dispose(out);
  return bt_error_no_memory(error);
}

void bt_tree_dispose(bt_tree *tree) {
  free(tree->rows);
  *tree = (bt_tree){0};
}
