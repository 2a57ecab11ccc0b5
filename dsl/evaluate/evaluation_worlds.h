/* Traces in which records of one span do not agree (trace.h, differing_copies). A world is the trace with one record of
 * each such span. A verdict follows where it follows in every world; else the rule is inconclusive, reason `copies`.
 * Records that differ in nothing that a rule reads make no worlds for it. Nor do keys that stand twice in a record and
 * that it does not read, where all of them would make too many records.
 * Only eval.c includes this. Thread: one at a time. */
#ifndef BT_DSL_EVALUATE_EVALUATION_WORLDS_H
#define BT_DSL_EVALUATE_EVALUATION_WORLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/evaluate/eval.h"
#include "dsl/evaluate/program.h"
#include "dsl/trace/family.h"

typedef struct bt_worlds bt_worlds;

/* new: of the family, for the rules of a ruleset; both borrowed. NULL: no memory. */
bt_worlds *bt_worlds_new(const bt_family *family, const bt_program *programs, size_t rule_count);
void bt_worlds_free(bt_worlds *worlds);
/* From now on the worlds are those that differ for the rules first to first + count − 1. False: these are too many to
 * look at, and there is none to come; or *status says why. */
bool bt_worlds_choose(bt_worlds *worlds, size_t first, size_t count, bt_status *status);
/* The next world as a family, borrowed until the next call. The family that was given is a world too, and need not be
 * among these. False: there is no more, or *status says why. */
bool bt_worlds_next(bt_worlds *worlds, const bt_family **out, bt_status *status);
/* Takes what the rules that were chosen say in this world; verdicts: of all rules. */
void bt_worlds_take(bt_worlds *worlds, const bt_rule_verdict *verdicts);
/* Takes what all rules say of the family that was given, and makes of it what they say in all worlds that were chosen
 * for them. A rule that had too many is open. What is told of violations names the spans that were given. */
void bt_worlds_conclude(bt_worlds *worlds, bt_rule_verdict *verdicts);

#endif
