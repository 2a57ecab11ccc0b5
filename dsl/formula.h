/* Over-formulas: which traces are searched, as filters joined by and, or over whole traces. The planner only.
 * Simplifying keeps the meaning, except for one thing: or of filters becomes one filter with ||, which finds the same
 * traces. Memory: the builder's arena. Thread: a builder belongs to one thread. */
#ifndef BT_DSL_FORMULA_H
#define BT_DSL_FORMULA_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/filter.h"
#include "dsl/plan.h"

typedef struct bt_formula {
  bt_over_kind kind;
  bt_over_filter filter; /* QUERY: a trace with a span that the filter finds */
  const struct bt_formula **items;
  uint32_t item_count;
} bt_formula;

const bt_formula *bt_formula_all(void);
const bt_formula *bt_formula_none(void);
const bt_formula *bt_formula_query(bt_filter_builder *builder, bt_over_filter filter);
/* kind: BT_OVER_AND or BT_OVER_OR. */
const bt_formula *bt_formula_join(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *const *items,
                                  uint32_t count);
const bt_formula *bt_formula_join2(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *a,
                                   const bt_formula *b);
/* The formula as the plan gives it, filters as text. A filter that is too long for one query is split or weakened.
 * Attributes of one span or resource are asked about one by one (bt_filter_suits_tempo), and their and is one of
 * traces: weaker too. */
const bt_over *bt_formula_write(bt_filter_builder *builder, const bt_formula *formula);
/* The same of a formula that finds, but for its readings (filter.h), exactly what is meant: filters without their
 * readings are queries of their own, and those with them are surplus. *was_weakened: it still finds more. */
const bt_over *bt_formula_write_counted(bt_filter_builder *builder, const bt_formula *formula, bool *was_weakened);

#endif
