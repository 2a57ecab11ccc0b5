/* An explanation as JSON, as `GET /v1/rules/{id}/explain` and `betrace explain --json` give it. Thread: no state. */
#ifndef BT_SERVER_EXPLAIN_JSON_H
#define BT_SERVER_EXPLAIN_JSON_H

#include <jansson.h>

#include "server/replay/explanation.h"

/* new: {source, searched {start, end}, probed, problem?, estimated_traces, rules: [{rule_id, …, queries [{use, traceql,
 * estimated_found?}], candidates, decided_locally, several_names [{attribute, keys}], own_names [{name, spans}],
 * reads_by_id, rests_on_absence, strategy, strategies [{strategy, possible, why_not?, cost?}], price}], cost of the
 * probes}. NULL: no memory. */
json_t *bt_explain_json(const bt_explain_result *result);

#endif
