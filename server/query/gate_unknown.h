/* What a gate's rules do not speak of: the traces of both versions are compared as "what changed" does, and a change
 * counts that no rule speaks of. Thread: the caller's. Times are nanoseconds. */
#ifndef BT_SERVER_QUERY_GATE_UNKNOWN_H
#define BT_SERVER_QUERY_GATE_UNKNOWN_H

#include <stdbool.h>

#include "server/query/changed.h"
#include "server/query/gate.h"
#include "server/replay/replay.h"

typedef struct bt_gate_unknown {
  bt_changed changed; /* bt_changed_dispose */
  /* Of each rule the traces of either version that violate it, sorted. Borrowed. */
  const bt_seen_traces *violated;
  size_t rule_count;
  bt_str service; /* of the sides */
} bt_gate_unknown;

/* Sets the sides: traces of the range in which each version took part, as the rules of the gate tell it. A trace of
 * both is of the candidate. */
void bt_gate_unknown_set_sides(bt_gate_unknown *unknown, const bt_gate_question *question, bt_time_range range);

/* Whether nearly all traces of the candidate that are not as before violate the rule, and nearly none of the baseline
 * that are. What is violated before and after speaks of no change. */
bool bt_gate_unknown_speaks(const bt_gate_unknown *unknown, const bt_change *change, size_t rule);
/* WORSE: something changed that no rule speaks of. UNKNOWN also where traces were not kept: then "as before" would be
 * said of the kept ones alone. */
bt_gate_word bt_gate_unknown_judge(const bt_gate_unknown *unknown);
/* The worse of two. */
bt_gate_word bt_gate_word_join(bt_gate_word a, bt_gate_word b);

#endif
