/* Over-formulas: which traces are searched, as filters joined by and, or over whole traces; of a sampler also which are
 * kept, where a span that is not there counts, too. The planner, and who writes what a sampler keeps (kept.h).
 * Simplifying keeps the meaning, except for one thing: or of filters becomes one filter with ||, which finds the same
 * traces. Memory: the builder's arena. Thread: a builder belongs to one thread. */
#ifndef BT_DSL_PLAN_FORMULA_H
#define BT_DSL_PLAN_FORMULA_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/plan/filter.h"
#include "dsl/plan/plan.h"

typedef struct bt_formula {
  bt_over_kind kind;
  bt_over_filter filter; /* QUERY: a trace with a span that the filter finds */
  /* QUERY of a sampler, in place of `filter`: a trace with no span that this finds. */
  bool is_absence;
  bt_under_filter absent;
  const struct bt_formula **items;
  uint32_t item_count;
} bt_formula;

const bt_formula *bt_formula_all(void);
const bt_formula *bt_formula_none(void);
const bt_formula *bt_formula_query(bt_filter_builder *builder, bt_over_filter filter);
/* For kept.h alone: no query of a store says it. */
const bt_formula *bt_formula_absence(bt_filter_builder *builder, bt_under_filter absent);
/* kind: BT_OVER_AND or BT_OVER_OR. */
const bt_formula *bt_formula_join(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *const *items,
                                  uint32_t count);
const bt_formula *bt_formula_join2(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *a,
                                   const bt_formula *b);
/* The formula as the plan gives it: each filter by the queries of the dialect. */
const bt_over *bt_formula_write(bt_filter_builder *builder, const bt_formula *formula);
/* The same of a formula that finds, but for what is asked for safety's sake (filter.h), exactly what is meant: what is
 * surely meant has queries of its own, and the others are surplus. *was_weakened: it still finds more. */
const bt_over *bt_formula_write_counted(bt_filter_builder *builder, const bt_formula *formula, bool *was_weakened);
/* For dialects: with room for items, which are the caller's to set. NULL: no room, and the builder has failed. */
bt_over *bt_over_new(bt_filter_builder *builder, bt_over_kind kind, uint32_t item_count);

#endif
