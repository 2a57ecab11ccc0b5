/* The parts that a plan is put together from. The planner only. Thread: no state. */
#ifndef BT_DSL_PLAN_PLAN_PARTS_H
#define BT_DSL_PLAN_PLAN_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/plan/filter.h"
#include "dsl/plan/formula.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/value.h"

/* plan_over.c: a formula that holds of every trace that violates (exercises) the rule. *is_exact: and of no other
 * settled trace. */
const bt_formula *bt_plan_violating(bt_filter_builder *builder, const bt_rule *rule);
const bt_formula *bt_plan_exercising(bt_filter_builder *builder, const bt_rule *rule, bool *is_exact);

/* plan_under.c: a trace with one span that the filter finds does not violate, whatever else is in it or is still to
 * come. */
bt_under_filter bt_plan_subtracted(bt_filter_builder *builder, const bt_rule *rule);
/* One such span gives the condition this truth, for every choice of bound spans. */
bt_under_filter bt_plan_settles(bt_filter_builder *builder, const bt_condition *condition, bool truth);

/* plan_spans.c: the verdict on a settled trace follows from its spans that the filter finds. False: from no such
 * filter. */
bool bt_plan_spans(bt_filter_builder *builder, const bt_rule *rule, bt_over_filter *out);

/* The same of a rule that follows links, and which spans of other traces may stand in its relations over links: each
 * without its tests of attributes, so that it may find more (bt_plan_evidence). */
bool bt_plan_evidence_spans(bt_filter_builder *builder, const bt_rule *rule, bt_over_filter *own,
                            bt_over_filter *linked);

/* Of a rule whose relations over links are all `linked to`, of open selections: its over-query finds every span whose
 * link may matter, and *fields does so by fields alone; both may be all spans, or none. False: of any other rule. */
bool bt_plan_linking_spans(bt_filter_builder *builder, const bt_rule *rule, bt_over_filter *out,
                           bt_over_filter *fields);

/* plan_evidence.c: spans of linked traces that are there can show that a trace does not violate. True when in doubt. */
bool bt_plan_shows_linked(const bt_rule *rule);

/* plan_stability.c: a violation can be undone by more spans. True when in doubt. */
bool bt_plan_rests_on_absence(const bt_rule *rule);

/* An aggregate alone on the left against a literal alone on the right. */
bool bt_plan_is_aggregate_test(const bt_comparison *comparison, bt_value *literal);
/* Whether `0 op literal` holds, for an aggregate's value (a number, or a duration of 0 ns). */
bool bt_plan_number_meets(int64_t number, bt_comparison_operator op, const bt_value *literal);

#endif
