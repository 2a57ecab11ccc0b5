/* GET /v1/suggestions: rules that the traces of a range keep already. The request waits for the answer, at most
 * `timeout`; what is not certain by then is not suggested, and the status says so. Nothing is stored. See routes.h. */
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/http/body_fields.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/json/suggest_json.h"

enum { SAMPLE_MAX = 5000, LEAST_MAX = 1000000 };

static const int64_t SECOND_NS = 1000000000, HOUR_NS = INT64_C(3600) * 1000000000;

typedef struct asked {
  bt_source *source;
  bt_time_range range;
  int64_t timeout_ns;
  bt_suggest_settings settings;
} asked;

static void read_share(json_t *body, double *out, bt_field_errors *errors) {
  const char *text = bt_body_text(body, "min_share", errors);
  char *rest = NULL;
  if (!text) return;
  double share = strtod(text, &rest);
  if (rest != text && !*rest && share >= 0.5 && share <= 1)
    *out = share;
  else
    bt_field_errors_add(errors, "min_share", "has to be a number from 0.5 to 1");
}

/* False: answered. */
static bool read_question(const bt_service *service, bt_call *call, asked *out) {
  static const char *const names[] = {"start",     "end",     "limit", "sample", "min_traces",
                                      "min_share", "timeout", "store", NULL};
  static const bt_range_names range = {"start", "end", HOUR_NS, 0};
  bt_field_errors errors = {0};
  size_t least = BT_SUGGEST_LEAST;
  *out = (asked){.timeout_ns = 20 * SECOND_NS,
                 .settings = {BT_SUGGEST_SAMPLE, BT_SUGGEST_RULES, BT_SUGGEST_LEAST, BT_SUGGEST_SHARE}};
  json_t *body = bt_query_body(call, names, NULL, NULL);
  if (!body) return false;
  bt_body_range(service, body, &range, bt_clock_wall_ns(), &out->range, &errors);
  out->source = bt_body_store(service, call, body, NULL, 0, &errors);
  bt_body_duration(body, "timeout", 60 * SECOND_NS, &out->timeout_ns, &errors);
  bt_body_count(body, "sample", SAMPLE_MAX, &out->settings.sample, &errors);
  bt_body_count(body, "limit", BT_SUGGEST_RULES_MAX, &out->settings.limit, &errors);
  bt_body_count(body, "min_traces", LEAST_MAX, &least, &errors);
  read_share(body, &out->settings.share, &errors);
  out->settings.least = (uint32_t)least;
  json_decref(body);
  return !bt_call_refuse_fields(call, &errors);
}

void bt_api_suggestions(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_work_scope scope;
  bt_error error = {0};
  asked a;
  if (!read_question(service, call, &a)) return;
  bt_suggest_result result = {.suggestions.settings = a.settings};
  bt_work_scope_begin(&scope, call->scope, bt_clock_monotonic_ns() + a.timeout_ns);
  bt_replay_request replay = {.range = a.range,
                              .assumptions = service->assumptions,
                              .tenant = call->tenant,
                              .sample_seed = 1,
                              .memory = service->account,
                              .priority = BT_PRIORITY_PEOPLE,
                              .cancel = &scope.cancel};
  bt_status status = bt_suggest_run(a.source, &replay, &result, &error);
  bt_work_scope_end(&scope);
  bt_metrics_add_evaluation(service->metrics, BT_EVALUATION_SUGGEST, result.duration_ns);
  if (status == BT_LIMIT && result.suggestions.has_no_room)
    bt_call_busy(call, &error);
  else if (status != BT_OK)
    bt_call_error(call, status, &error);
  else
    bt_call_json(call, 200, bt_suggest_json(&result));
  bt_suggest_result_dispose(&result);
}
