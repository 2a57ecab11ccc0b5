/* The table of endpoints, and the handlers. One row a call of docs/openapi.yaml. Thread: handlers run on threads of the
 * pool, in the lane that the row says. */
#ifndef BT_SERVER_HTTP_ROUTES_H
#define BT_SERVER_HTTP_ROUTES_H

#include <stddef.h>

#include "server/http/call.h"
#include "server/http/http_server.h"

extern const bt_route bt_routes[];
extern const size_t bt_route_count;

/* api_health.c */
void bt_api_health(void *service, bt_call *call);
void bt_api_health_v1(void *service, bt_call *call);
void bt_api_ready(void *service, bt_call *call);
/* api_rules.c */
void bt_api_rules_list(void *service, bt_call *call);
void bt_api_rules_create(void *service, bt_call *call);
void bt_api_rule_get(void *service, bt_call *call);
void bt_api_rule_put(void *service, bt_call *call);
void bt_api_rule_delete(void *service, bt_call *call);
void bt_api_rule_enable(void *service, bt_call *call);
void bt_api_rule_disable(void *service, bt_call *call);
void bt_api_rule_versions(void *service, bt_call *call);
/* api_rules_import.c */
void bt_api_rules_import(void *service, bt_call *call);
void bt_api_rules_export(void *service, bt_call *call);
/* api_explain.c */
void bt_api_rule_explain(void *service, bt_call *call);
/* api_editor.c */
void bt_api_dsl_language(void *service, bt_call *call);
void bt_api_dsl_complete(void *service, bt_call *call);
void bt_api_dsl_hover(void *service, bt_call *call);
void bt_api_dsl_format(void *service, bt_call *call);
/* api_validate.c */
void bt_api_rules_validate(void *service, bt_call *call);
/* api_rules_test.c */
void bt_api_rules_test(void *service, bt_call *call);
/* api_replay.c */
void bt_api_rule_replay(void *service, bt_call *call);
void bt_api_rule_replay_status(void *service, bt_call *call);
void bt_api_replays_list(void *service, bt_call *call);
void bt_api_replays_create(void *service, bt_call *call);
void bt_api_replay_get(void *service, bt_call *call);
void bt_api_replay_violations(void *service, bt_call *call);
void bt_api_replay_delete(void *service, bt_call *call);
/* api_replay_events.c */
void bt_api_replay_events(void *service, bt_call *call);
/* api_traces.c */
void bt_api_trace_verdicts(void *service, bt_call *call);
/* api_metrics.c */
void bt_api_metrics(void *service, bt_call *call);
/* api_spans.c */
void bt_api_spans(void *service, bt_call *call);
void bt_api_otlp_traces(void *service, bt_call *call);
void bt_api_zipkin_spans(void *service, bt_call *call);
void bt_api_zipkin_v1(void *service, bt_call *call);
/* api_violations.c */
void bt_api_violations(void *service, bt_call *call);
void bt_api_violations_query(void *service, bt_call *call);
/* api_series.c */
void bt_api_series(void *service, bt_call *call);
void bt_api_series_query(void *service, bt_call *call);
/* api_compliance.c */
void bt_api_compliance_frameworks(void *service, bt_call *call);
void bt_api_compliance_report(void *service, bt_call *call);
void bt_api_report_get(void *service, bt_call *call);
void bt_api_report_delete(void *service, bt_call *call);
/* api_first.c */
void bt_api_rule_first(void *service, bt_call *call);
/* api_contrast.c */
void bt_api_rule_contrast(void *service, bt_call *call);
/* api_suggest.c */
void bt_api_suggestions(void *service, bt_call *call);
/* api_changes.c */
void bt_api_changes(void *service, bt_call *call);
/* api_backtest.c */
void bt_api_backtest(void *service, bt_call *call);
/* api_problems.c */
void bt_api_problems(void *service, bt_call *call);
/* api_gate.c */
void bt_api_gate(void *service, bt_call *call);
/* api_mcp.c */
void bt_api_mcp(void *service, bt_call *call);

#endif
