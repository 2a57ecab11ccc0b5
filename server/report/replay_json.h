/* JSON of violations, coverage and replays as api.md writes them: one place for the HTTP API and the CLI. Thread: no state. */
#ifndef BT_SERVER_REPLAY_JSON_H
#define BT_SERVER_REPLAY_JSON_H

#include <jansson.h>

#include "server/replay/job.h"

/* Each returns a new object, NULL when there is no memory. Text of users that is not UTF-8 is repaired with U+FFFD. */
json_t *bt_violation_json(const bt_rule_definition *definition, const bt_violation *violation);
json_t *bt_coverage_json(const bt_coverage *coverage);
/* The fields of a replay that are about one of its rules, with outcome, coverage and counters. */
json_t *bt_replay_result_json(const bt_replay_result *result, const bt_rule_definition *const *rules, size_t rule);
json_t *bt_job_json(const bt_job_view *view);
json_t *bt_diagnostics_json(const bt_diagnostics *diagnostics, bt_str text);

#endif
