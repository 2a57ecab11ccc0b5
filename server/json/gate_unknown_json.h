/* What changed between two versions next to what rules say, as `betrace gate --unknown` shows it. Thread: no state. */
#ifndef BT_SERVER_GATE_UNKNOWN_JSON_H
#define BT_SERVER_GATE_UNKNOWN_JSON_H

#include <jansson.h>

#include "server/query/gate_unknown.h"

/* new: what changed, with the gate's word as `result`, and of each change the ids of the rules that speak of it. NULL:
 * no memory. */
json_t *bt_gate_unknown_json(const bt_gate_unknown *unknown, const bt_rule_definition *const *rules);

#endif
