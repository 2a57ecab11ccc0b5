/* Rates of violations and what a gate says of them, as the command line and the API show it. Each function returns a
 * new value, NULL without memory. Thread: no state. */
#ifndef BT_SERVER_GATE_JSON_H
#define BT_SERVER_GATE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "server/query/gate.h"
#include "server/query/rates.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"

json_t *bt_rate_json(const bt_rate *rate);
/* rates: of each of the `count` rules that of the baseline, then that of the candidate. */
json_t *bt_gate_json(const bt_gate_question *question, const bt_rule_definition *const *rules, size_t count,
                     const bt_rate *rates, const bt_replay_result *result);

#endif
