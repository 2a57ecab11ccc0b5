/* How far a rule follows links into other traces: for who gathers them. Thread: no state. */
#ifndef BT_DSL_EVALUATE_LINK_REACH_H
#define BT_DSL_EVALUATE_LINK_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/evaluate/eval.h"
#include "dsl/rule/rule.h"

/* Never less than what the rule asks for; all of its relations added up, as if each began where another ended. */
typedef struct bt_link_reach {
  uint32_t to, from; /* steps to spans that link here, to spans that are linked to */
  int64_t within_ns; /* so far in time, on either side of a trace's spans */
} bt_link_reach;

bt_link_reach bt_link_reach_of(const bt_rule *rule);
/* What both ask for. */
void bt_link_reach_widen(bt_link_reach *reach, const bt_link_reach *other);
bool bt_link_reach_is_none(const bt_link_reach *reach);
/* Whether traces that links tie to the judged one may decide what its own spans leave open: the verdict or, where that
 * is violated, which choices violate and what shows it. */
bool bt_link_reach_awaits(const bt_link_reach *reach, const bt_rule_verdict *verdict);

#endif
