/* Traces in which records of one span do not agree (trace.h, differing_copies). A world is the trace with one record of
 * each such span. A verdict follows where it follows in every world; else the rule is inconclusive, reason `copies`.
 * Only eval.c includes this. Thread: one at a time. */
#ifndef BT_DSL_EVALUATION_WORLDS_H
#define BT_DSL_EVALUATION_WORLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/arena.h"
#include "dsl/eval.h"
#include "dsl/family.h"

typedef struct bt_worlds bt_worlds;

/* new: of the family, borrowed, for so many rules. NULL: no memory. */
bt_worlds *bt_worlds_new(const bt_family *family, size_t rule_count);
void bt_worlds_free(bt_worlds *worlds);
/* Whether they can all be looked at. Where not, no rule is decided. */
bool bt_worlds_are_few(const bt_worlds *worlds);
/* The next world as a family, borrowed until the next call. The last one is the family as it was given, so that what is
 * told of violations names its spans. False: there is no more, or *status says why. */
bool bt_worlds_next(bt_worlds *worlds, const bt_family **out, bt_status *status);
/* What the rules say in this world. */
void bt_worlds_take(bt_worlds *worlds, const bt_rule_verdict *verdicts);
/* Makes of the verdicts in the last world those in all of them. */
void bt_worlds_conclude(const bt_worlds *worlds, bt_rule_verdict *verdicts);

#endif
