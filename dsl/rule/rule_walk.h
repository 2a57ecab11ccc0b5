/* One walk over a checked rule, for whatever collects: which fields it reads, which spans it speaks of. What has to
 * have an answer from each part (is it true, does it stay so, which filter says it) recurses for itself; see
 * plan_over.c, plan_under.c, plan_stability.c. Thread: no state. */
#ifndef BT_DSL_RULE_RULE_WALK_H
#define BT_DSL_RULE_RULE_WALK_H

#include <stdbool.h>

#include "dsl/rule/rule.h"

/* Of an `or`, of conditions or of tests on a span. */
typedef enum bt_choice_step { BT_CHOICE_BEGINS, BT_CHOICE_NEXT, BT_CHOICE_ENDS } bt_choice_step;

/* Called in the order of the text. Any of them may be NULL. */
typedef struct bt_rule_visitor {
  void (*on_predicate)(void *context, const bt_predicate *predicate);    /* then its parts */
  void (*on_comparison)(void *context, const bt_comparison *comparison); /* of spans and of the trace; then its sides */
  void (*on_relation)(void *context, const bt_relation *relation);       /* then the selections that it refers to */
  void (*on_selection_begins)(void *context, const bt_selection *selection); /* before its parts */
  void (*on_selection)(void *context, const bt_selection *selection);        /* after its parts */
  void (*on_field)(void *context, const bt_field *field); /* read by a comparison, test or aggregate */
  void (*on_choice)(void *context, bt_choice_step step);  /* before, between and after the alternatives */
  void *context;
  bool others_first; /* of has_before and has_after, `other` before `selection`: for what joins them in that order */
} bt_rule_visitor;

/* All conditions of the rule. */
void bt_rule_walk(const bt_rule *rule, const bt_rule_visitor *visitor);
/* NULL: nothing to walk over. */
void bt_condition_walk(const bt_condition *condition, const bt_rule_visitor *visitor);

/* dsl.md §2: there is nothing whose absence would keep a trace from exercising it. A bare condition that is not the
 * positive parts beside a negative one says what must not be, as `never` without `when` does. */
bool bt_rule_is_exercised_by_all(const bt_rule *rule);
/* Spans have to be there for it to hold; of `not x` and `count(x) < 2` they need not. */
bool bt_condition_needs_spans(const bt_condition *condition);

#endif
