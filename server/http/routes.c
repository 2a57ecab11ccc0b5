/* The table of endpoints. See routes.h. */
#include "server/http/routes.h"

const bt_route bt_routes[] = {
    {"GET", "/health", bt_api_health},
    {"GET", "/v1/health", bt_api_health_v1},
    {"GET", "/ready", bt_api_ready},
    {"GET", "/v1/ready", bt_api_ready},
    {"GET", "/v1/rules", bt_api_rules_list},
    {"POST", "/v1/rules", bt_api_rules_create},
    {"POST", "/v1/rules/validate", bt_api_rules_validate},
    {"POST", "/v1/rules/test", bt_api_rules_test},
    {"GET", "/v1/rules/{id}", bt_api_rule_get},
    {"PUT", "/v1/rules/{id}", bt_api_rule_put},
    {"DELETE", "/v1/rules/{id}", bt_api_rule_delete},
    {"POST", "/v1/rules/{id}/enable", bt_api_rule_enable},
    {"POST", "/v1/rules/{id}/disable", bt_api_rule_disable},
    {"GET", "/v1/rules/{id}/versions", bt_api_rule_versions},
    {"POST", "/v1/rules/{id}/replay", bt_api_rule_replay},
    {"GET", "/v1/rules/{id}/replay/status", bt_api_rule_replay_status},
    {"GET", "/v1/rules/{id}/first-violation", bt_api_rule_first},
    {"GET", "/v1/replays", bt_api_replays_list},
    {"POST", "/v1/replays", bt_api_replays_create},
    {"GET", "/v1/replays/{id}", bt_api_replay_get},
    {"GET", "/v1/replays/{id}/violations", bt_api_replay_violations},
    {"DELETE", "/v1/replays/{id}", bt_api_replay_delete},
};
const size_t bt_route_count = sizeof bt_routes / sizeof bt_routes[0];
