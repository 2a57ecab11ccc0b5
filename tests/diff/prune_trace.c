/* Summing up spans. See prune_trace.h. */
#include "tests/diff/prune_trace.h"

#include <stdlib.h>
#include <string.h>

enum { SPANS_MAX = 64, GROUP_MIN = 2, DEPTH_MAX = 2 };

typedef struct node {
  uint32_t parent; /* number, or BT_NO_SPAN */
  uint32_t into;   /* the summary that it went into + 1; 0: none */
  bool is_kept;
} node;

typedef struct summary {
  bt_span span;
  uint32_t first, count; /* first: of its spans, in the order of the trace */
} summary;

typedef struct pruning {
  const bt_trace *trace;
  test_random *random;
  bt_arena *arena;
  node nodes[SPANS_MAX];
  summary summaries[SPANS_MAX];
  uint32_t summary_count, kept_count;
  bool groups_by_kind, keeps_some, loses_events;
} pruning;

static const bt_span *span_at(const pruning *p, uint32_t i) {
  return &p->trace->spans[i];
}

static bool ids_equal(const bt_span_id *a, const bt_span_id *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* False: two spans share an id. */
static bool link_parents(pruning *p) {
  for (uint32_t i = 0; i < p->trace->span_count; i++) {
    p->nodes[i] = (node){.parent = BT_NO_SPAN};
    for (uint32_t j = 0; j < p->trace->span_count; j++) {
      if (j != i && ids_equal(&span_at(p, i)->id, &span_at(p, j)->id)) return false;
      if (!bt_span_id_is_zero(&span_at(p, i)->parent_id) && ids_equal(&span_at(p, i)->parent_id, &span_at(p, j)->id))
        p->nodes[i].parent = j;
    }
  }
  return true;
}

static bool is_gone_or_kept(const pruning *p, uint32_t i) {
  return p->nodes[i].into || p->nodes[i].is_kept;
}

/* In the first round leaves; later those whose children are all gone or kept, but no roots. */
static bool is_eligible(const pruning *p, uint32_t i, unsigned depth) {
  bool has_children = false;
  if (is_gone_or_kept(p, i) || (depth && p->nodes[i].parent == BT_NO_SPAN)) return false;
  for (uint32_t j = 0; j < p->trace->span_count; j++) {
    if (p->nodes[j].parent != i) continue;
    has_children = true;
    if (!is_gone_or_kept(p, j)) return false;
  }
  return depth ? has_children : !has_children;
}

static bool are_alike(const pruning *p, uint32_t a, uint32_t b, unsigned depth) {
  const bt_span *x = span_at(p, a), *y = span_at(p, b);
  uint32_t of_a = p->nodes[a].parent, of_b = p->nodes[b].parent;
  if (!bt_str_equal(x->name, y->name) || x->status != y->status) return false;
  if (p->groups_by_kind && x->kind != y->kind) return false;
  if (depth) return true;
  if (of_a == BT_NO_SPAN || of_b == BT_NO_SPAN) return of_a == of_b;
  return bt_str_equal(span_at(p, of_a)->name, span_at(p, of_b)->name);
}

static bt_attribute mark(const char *key, bool is_true, int64_t count) {
  bt_attribute item = {.key = bt_str_from(key)};
  item.value =
      is_true ? (bt_value){.type = BT_VALUE_BOOL, .boolean = true} : (bt_value){.type = BT_VALUE_INT, .integer = count};
  return item;
}

static bt_attributes with_marks(const pruning *p, bt_attributes before, const bt_attribute *marks, uint32_t count) {
  bt_attribute *items = bt_arena_array(p->arena, before.count + count, sizeof *items);
  if (!items) abort();
  if (before.count) memcpy(items, before.items, before.count * sizeof *items);
  memcpy(items + before.count, marks, count * sizeof *items);
  return (bt_attributes){items, before.count + count, before.dropped};
}

/* The spans of a group into one: attributes of one of them, the times of all. */
static void sum_up(pruning *p, const uint32_t *group, uint32_t count) {
  summary *s = &p->summaries[p->summary_count];
  const bt_span *pattern = span_at(p, group[test_random_below(p->random, count)]);
  *s = (summary){.span = *pattern, .first = group[0], .count = count};
  bt_attribute marks[] = {mark("aggregation.is_summary", true, 0), mark("aggregation.span_count", false, count)};
  s->span.attributes = with_marks(p, pattern->attributes, marks, 2);
  s->span.id = (bt_span_id){{0xEE, (uint8_t)p->summary_count, 1}};
  if (p->loses_events) s->span.event_count = s->span.link_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    const bt_span *one = span_at(p, group[i]);
    if (one->start_ns < s->span.start_ns) s->span.start_ns = one->start_ns;
    if (one->end_ns > s->span.end_ns) s->span.end_ns = one->end_ns;
    p->nodes[group[i]].into = p->summary_count + 1;
  }
  p->summary_count++;
}

/* One of a group of three or more may be kept beside the summary. */
static void sum_up_some(pruning *p, uint32_t *group, uint32_t count) {
  if (p->keeps_some && count > GROUP_MIN && test_random_below(p->random, 2)) {
    uint32_t kept = test_random_below(p->random, count);
    p->nodes[group[kept]].is_kept = true;
    group[kept] = group[--count];
    p->kept_count++;
  }
  sum_up(p, group, count);
}

static void sum_up_round(pruning *p, unsigned depth) {
  bool is_due[SPANS_MAX];
  for (uint32_t i = 0; i < p->trace->span_count; i++) is_due[i] = is_eligible(p, i, depth);
  for (uint32_t i = 0; i < p->trace->span_count; i++) {
    uint32_t group[SPANS_MAX], count = 0;
    for (uint32_t j = i; is_due[i] && j < p->trace->span_count; j++)
      if (is_due[j] && are_alike(p, i, j, depth)) group[count++] = j;
    for (uint32_t k = 0; k < count; k++) is_due[group[k]] = false;
    if (count >= GROUP_MIN && test_random_below(p->random, 4)) sum_up_some(p, group, count);
  }
}

/* The parent of a summary, and of what is kept: that of the first span of the group, or the summary that it went into.
 */
static bt_span_id parent_after(const pruning *p, uint32_t first) {
  uint32_t parent = p->nodes[first].parent;
  bool is_gone = parent != BT_NO_SPAN && p->nodes[parent].into;
  return is_gone ? p->summaries[p->nodes[parent].into - 1].span.id : span_at(p, first)->parent_id;
}

/* Beside any summary of its likes: versions differ in where they hang it. */
static bt_span kept_span(const pruning *p, uint32_t i) {
  bt_span span = *span_at(p, i);
  bt_attribute marks[] = {mark("aggregation.is_preserved_outlier", true, 0)};
  span.attributes = with_marks(p, span.attributes, marks, 1);
  for (uint32_t s = 0; s < p->summary_count; s++)
    if (bt_str_equal(p->summaries[s].span.name, span.name)) span.parent_id = parent_after(p, p->summaries[s].first);
  return span;
}

static const bt_trace *build(pruning *p) {
  bt_trace_builder *builder = bt_trace_builder_new(p->arena, &p->trace->id);
  bool ok = builder != NULL;
  for (uint32_t i = 0; ok && i < p->trace->span_count; i++) {
    bt_span span = p->nodes[i].is_kept ? kept_span(p, i) : *span_at(p, i);
    if (!p->nodes[i].into) ok = bt_trace_builder_add(builder, &span);
  }
  for (uint32_t s = 0; ok && s < p->summary_count; s++) {
    p->summaries[s].span.parent_id = parent_after(p, p->summaries[s].first);
    ok = bt_trace_builder_add(builder, &p->summaries[s].span);
  }
  if (!ok) abort();
  return bt_trace_builder_finish(builder);
}

const bt_trace *prune_trace(test_random *random, const bt_trace *trace, bt_arena *arena) {
  pruning p = {.trace = trace, .random = random, .arena = arena};
  p.groups_by_kind = test_random_below(random, 2) == 0;
  p.keeps_some = test_random_below(random, 2) == 0;
  p.loses_events = test_random_below(random, 2) == 0;
  if (trace->span_count > SPANS_MAX || trace->pruned || !link_parents(&p)) return NULL;
  for (unsigned depth = 0; depth <= DEPTH_MAX; depth++) sum_up_round(&p, depth);
  return p.summary_count ? build(&p) : NULL;
}
