/* What a sampler has to keep, which sees whole traces and decides before anything is stored. A search finds what is
 * there; a sampler can also say that something is not. So the formula has absences, whose filters are under-filters: a
 * trace that violates has no span that they find. Thread: none of its own. */
#ifndef BT_DSL_PLAN_KEPT_H
#define BT_DSL_PLAN_KEPT_H

#include <stdbool.h>

#include "dsl/plan/filter.h"
#include "dsl/plan/formula.h"
#include "dsl/rule/rule.h"

/* It holds of every trace that violates the rule, with absences or without. The builder's dialect says what a test
 * finds, and no more is asked of it than its tests. */
const bt_formula *bt_plan_kept(bt_filter_builder *builder, const bt_rule *rule, bool with_absences);

#endif
