/* Over-formulas. See formula.h. */
#include "dsl/plan/formula.h"
#include "dsl/plan/dialect.h"

enum { MAX_PAIRWISE = 64, MAX_IMPLIES_STEPS = 1024 };

static const bt_formula every_trace = {.kind = BT_OVER_ALL};
static const bt_formula no_trace = {.kind = BT_OVER_NONE};

const bt_formula *bt_formula_all(void) {
  return &every_trace;
}

const bt_formula *bt_formula_none(void) {
  return &no_trace;
}

const bt_formula *bt_formula_query(bt_filter_builder *builder, bt_over_filter filter) {
  if (filter.filter->kind == BT_FILTER_ALL) return &every_trace;
  if (filter.filter->kind == BT_FILTER_NONE) return &no_trace;
  bt_formula *formula = bt_arena_alloc(builder->arena, sizeof *formula);
  if (!formula) {
    builder->failed = true;
    return &every_trace;
  }
  *formula = (bt_formula){.kind = BT_OVER_QUERY, .filter = filter};
  return formula;
}

const bt_formula *bt_formula_absence(bt_filter_builder *builder, bt_under_filter absent) {
  if (absent.filter->kind == BT_FILTER_NONE) return &every_trace;
  if (absent.filter->kind == BT_FILTER_ALL) return &no_trace; /* a trace has a span */
  bt_formula *formula = bt_arena_alloc(builder->arena, sizeof *formula);
  if (!formula) {
    builder->failed = true;
    return &every_trace;
  }
  *formula = (bt_formula){.kind = BT_OVER_QUERY, .is_absence = true, .absent = absent};
  return formula;
}

/* Where nothing is that b finds, nothing is that a finds, if a finds no more than b. */
static bool implies_query(const bt_formula *a, const bt_formula *b) {
  if (a->is_absence != b->is_absence) return false;
  return a->is_absence ? bt_filter_implies(b->absent.filter, a->absent.filter)
                       : bt_filter_implies(a->filter.filter, b->filter.filter);
}

static bool implies_formula(const bt_formula *a, const bt_formula *b, unsigned *steps);

/* Whether each (or, with `any`, some) item of `of` implies b, or is implied by it when `reversed`. */
static bool items_imply(const bt_formula *of, const bt_formula *b, bool any, bool reversed, unsigned *steps) {
  for (uint32_t i = 0; i < of->item_count; i++) {
    bool holds = reversed ? implies_formula(b, of->items[i], steps) : implies_formula(of->items[i], b, steps);
    if (holds == any) return any;
  }
  return !any;
}

static bool implies_formula(const bt_formula *a, const bt_formula *b, unsigned *steps) {
  if (++*steps > MAX_IMPLIES_STEPS) return false;
  if (a->kind == BT_OVER_NONE || b->kind == BT_OVER_ALL) return true;
  if (a->kind == BT_OVER_ALL || b->kind == BT_OVER_NONE) return false;
  if (b->kind == BT_OVER_AND) return items_imply(b, a, false, true, steps);
  if (a->kind == BT_OVER_OR) return items_imply(a, b, false, false, steps);
  if (b->kind == BT_OVER_OR && items_imply(b, a, true, true, steps)) return true;
  if (a->kind == BT_OVER_AND) return items_imply(a, b, true, false, steps);
  return b->kind == BT_OVER_QUERY && implies_query(a, b);
}

static bool is_superfluous(bt_over_kind kind, const bt_formula *item, const bt_formula *others) {
  unsigned steps = 0;
  return kind == BT_OVER_AND ? implies_formula(others, item, &steps) : implies_formula(item, others, &steps);
}

/* Drops what the others make superfluous: in AND what they imply, in OR what implies one of them. */
static uint32_t drop_superfluous(bt_over_kind kind, const bt_formula **items, uint32_t count) {
  if (count > MAX_PAIRWISE) return count;
  for (uint32_t i = count; i-- > 0 && count > 1;) {
    const bt_formula *item = items[i];
    for (uint32_t j = i + 1; j < count; j++) items[j - 1] = items[j];
    bt_formula others = {.kind = kind, .items = items, .item_count = count - 1};
    if (is_superfluous(kind, item, &others)) {
      count--;
    } else {
      for (uint32_t j = count - 1; j > i; j--) items[j] = items[j - 1];
      items[i] = item;
    }
  }
  return count;
}

/* In OR all queries become one: a trace with a span that meets either filter is a trace with a span that meets their
 * ||. */
static uint32_t merge_queries(bt_filter_builder *builder, const bt_formula **items, uint32_t count) {
  bt_over_filter merged = {bt_filter_none()};
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind != BT_OVER_QUERY || items[i]->is_absence)
      items[kept++] = items[i];
    else
      merged.filter = bt_filter_join2(builder, BT_FILTER_OR, merged.filter, items[i]->filter.filter);
  }
  if (merged.filter->kind != BT_FILTER_NONE) items[kept++] = bt_formula_query(builder, merged);
  return kept;
}

static uint32_t add_flat(const bt_formula **flat, uint32_t count, bt_over_kind kind, const bt_formula *item) {
  if (item->kind != kind) {
    flat[count++] = item;
    return count;
  }
  for (uint32_t i = 0; i < item->item_count; i++) flat[count++] = item->items[i];
  return count;
}

static const bt_formula *join_flat(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *const *items,
                                   uint32_t count, size_t flat_count) {
  const bt_formula **flat = bt_arena_array(builder->arena, flat_count, sizeof *flat);
  bt_formula *joined = bt_arena_alloc(builder->arena, sizeof *joined);
  if (!flat || !joined) {
    builder->failed = true;
    return &every_trace;
  }
  bt_over_kind neutral = kind == BT_OVER_AND ? BT_OVER_ALL : BT_OVER_NONE;
  uint32_t used = 0;
  for (uint32_t i = 0; i < count; i++)
    if (items[i]->kind != neutral) used = add_flat(flat, used, kind, items[i]);
  if (kind == BT_OVER_OR) used = merge_queries(builder, flat, used);
  used = drop_superfluous(kind, flat, used);
  if (used == 0) return kind == BT_OVER_AND ? &every_trace : &no_trace;
  if (used == 1) return flat[0];
  *joined = (bt_formula){.kind = kind, .items = flat, .item_count = used};
  return joined;
}

const bt_formula *bt_formula_join(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *const *items,
                                  uint32_t count) {
  bt_over_kind absorbing = kind == BT_OVER_AND ? BT_OVER_NONE : BT_OVER_ALL;
  size_t flat_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind == absorbing) return items[i];
    flat_count += items[i]->kind == kind ? items[i]->item_count : 1;
  }
  return join_flat(builder, kind, items, count, flat_count);
}

const bt_formula *bt_formula_join2(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *a,
                                   const bt_formula *b) {
  return bt_formula_join(builder, kind, (const bt_formula *const[]){a, b}, 2);
}

/* ---- as queries ---- */

static const bt_over *ask_formula(bt_filter_builder *builder, const bt_formula *formula, bool counts,
                                  bool *was_weakened) {
  if (formula->kind == BT_OVER_QUERY) return builder->dialect->over(builder, formula->filter, counts, was_weakened);
  bt_over *over = bt_over_new(builder, formula->kind, formula->item_count);
  if (!over) return bt_over_all();
  for (uint32_t i = 0; i < formula->item_count; i++)
    over->items[i] = ask_formula(builder, formula->items[i], counts, was_weakened);
  return over;
}

bt_over *bt_over_new(bt_filter_builder *builder, bt_over_kind kind, uint32_t item_count) {
  bt_over *over = bt_arena_alloc(builder->arena, sizeof *over);
  const bt_over **items = item_count ? bt_arena_array(builder->arena, item_count, sizeof *items) : NULL;
  if (!over || (item_count && !items)) {
    builder->failed = true;
    return NULL;
  }
  *over = (bt_over){.kind = kind, .items = items, .item_count = item_count};
  return over;
}

const bt_over *bt_formula_write(bt_filter_builder *builder, const bt_formula *formula) {
  bool was_weakened = false; /* whoever counts nothing need not know */
  return ask_formula(builder, formula, false, &was_weakened);
}

const bt_over *bt_formula_write_counted(bt_filter_builder *builder, const bt_formula *formula, bool *was_weakened) {
  *was_weakened = false;
  return ask_formula(builder, formula, true, was_weakened);
}
