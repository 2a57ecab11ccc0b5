/* Conditions in OTTL, read as ottl_condition.c writes them, and what they come to for a span as BeTrace has it. A store
 * does not keep all that the Collector saw: of what it lacks the answer is unknown. Thread: a set belongs to one thread
 * while it is read; conditions are immutable afterwards. */
#ifndef BT_SERVER_SAMPLER_OTTL_H
#define BT_SERVER_SAMPLER_OTTL_H

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/trace.h"

typedef struct bt_ottl bt_ottl; /* one condition */
typedef struct bt_ottl_set {    /* what conditions are made of; all-zero but for the arena, which is borrowed */
  bt_arena *arena;
  bt_ottl *patterns; /* those that have one */
} bt_ottl_set;

/* *out is owned by the set's arena. BT_INVALID: it has what ottl_condition.c does not write. BT_LIMIT: a pattern is too
 * large. BT_NO_MEMORY. */
bt_status bt_ottl_read(bt_ottl_set *set, bt_str text, const bt_ottl **out, bt_error *error) BT_MUST_CHECK;
void bt_ottl_set_dispose(bt_ottl_set *set);
/* event: NULL for a condition that is asked of spans. */
bt_truth bt_ottl_holds(const bt_ottl *condition, const bt_span *span, const bt_event *event);

#endif
