/* GET /v1/rules/{id}/explain: what a replay of a stored rule over a range would do and cost. It asks the source a few
 * cheap questions, for at most 20 s. Without their answers it still shows the queries, and says that there are no
 * estimates. See routes.h. */
#include <stdio.h>

#include "server/base/clock.h"
#include "server/http/body_fields.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/json/explain_json.h"

static const int64_t DAY_NS = INT64_C(86400) * 1000000000, PROBES_NS = INT64_C(20) * 1000000000;

static bt_status explain_within(bt_source *source, const bt_call *call, bt_replay_request *request,
                                bt_explain_result *result, bt_error *error) {
  bt_work_scope probes;
  bt_work_scope_begin(&probes, call->scope, bt_clock_monotonic_ns() + PROBES_NS);
  request->cancel = &probes.cancel;
  bt_status status = bt_explain_run(source, request, result, error);
  bt_work_scope_end(&probes);
  request->cancel = bt_call_cancel(call);
  if (status != BT_CANCELLED || (call->scope && bt_work_scope_why(call->scope))) return status;
  bt_explain_result_dispose(result);
  status = bt_explain_run(NULL, request, result, error);
  snprintf(result->problem, sizeof result->problem, "the source did not answer the probes within 20 s");
  return status;
}

static void explain_rule(const bt_service *service, bt_call *call, const bt_rule_definition *definition,
                         bt_source *source, const bt_time_range *range) {
  bt_explain_result result = {0};
  bt_error error = {0};
  bt_replay_request request = {.rules = &definition,
                               .rule_count = 1,
                               .range = *range,
                               .now_ns = bt_clock_wall_ns(),
                               .assumptions = service->assumptions,
                               .tenant = call->tenant,
                               .memory = service->account,
                               .priority = BT_PRIORITY_PEOPLE,
                               .prices = bt_store_prices(service, source)};
  bt_status status = explain_within(source, call, &request, &result, &error);
  if (status)
    bt_call_error(call, status, &error);
  else
    bt_call_json(call, 200, bt_explain_json(&result));
  bt_explain_result_dispose(&result);
}

void bt_api_rule_explain(void *context, bt_call *call) {
  static const char *const names[] = {"start", "end", "store", NULL};
  static const bt_range_names range_names = {"start", "end", DAY_NS, 0};
  const bt_service *service = context;
  const bt_rule_definition *definition = NULL;
  bt_field_errors errors = {0};
  bt_time_range range;
  bt_error error = {0};
  json_t *body = bt_query_body(call, names, NULL, NULL);
  if (!body) return;
  bt_status status = bt_rule_store_get(service->store, bt_call_tenant(call), bt_call_id(call), &definition, &error);
  if (status) {
    bt_call_error(call, status, &error);
  } else {
    bt_body_range(service, body, &range_names, bt_clock_wall_ns(), &range, &errors);
    bt_source *source = bt_body_store(service, call, body, &definition, 1, &errors);
    if (!bt_call_refuse_fields(call, &errors)) explain_rule(service, call, definition, source, &range);
  }
  json_decref(body);
  bt_rule_definition_unref(definition);
}
