/* GET /v1/rules/{id}/first-violation: when did it start. The request waits for the answer, at most `timeout`; then what
 * is certain is answered as not proven. See routes.h. */
#include <time.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/http/store_choice.h"
#include "server/json/replay_json.h"
#include "server/replay/unseen_names.h"

static const int64_t SECOND_NS = 1000000000;
static const int64_t RANGE_NS = INT64_C(30) * 86400 * 1000000000;

typedef struct first_options {
  bt_time_range range;
  int64_t timeout_ns;
  bt_source *source;
} first_options;

static bool read_time(bt_call *call, const char *name, int64_t now_ns, int64_t *out) {
  bt_str text = {0};
  if (!bt_call_query(call, name, &text) || bt_time_parse(text, now_ns, out)) return true;
  bt_call_problem(call, 400, "invalid-parameter",
                  "%s has to be a time: RFC 3339, unix s, ms or ns, now, or now-24h; \"%.*s\" came.", name,
                  BT_FMT(text));
  return false;
}

static bool read_timeout(bt_call *call, int64_t *out) {
  bt_str text = {0};
  if (!bt_call_query(call, "timeout", &text)) return true;
  if (bt_duration_parse(text, out) && *out > 0 && *out <= 60 * SECOND_NS) return true;
  bt_call_problem(call, 400, "invalid-parameter",
                  "timeout has to be a duration of at most 1m, as in 20s; \"%.*s\" came.", BT_FMT(text));
  return false;
}

static bool check_range(const bt_service *service, bt_call *call, const bt_time_range *range) {
  if (range->start_ns >= range->end_ns)
    bt_call_problem(call, 400, "invalid-parameter", "start has to be before end.");
  else if (service->max_range_ns &&
           (uint64_t)range->end_ns - (uint64_t)range->start_ns > (uint64_t)service->max_range_ns)
    bt_call_problem(call, 400, "invalid-parameter",
                    "The range is longer than --max-range allows; ask for it in parts.");
  else
    return true;
  return false;
}

/* False: answered. */
static bool read_options(const bt_service *service, bt_call *call, const bt_rule_definition *rule, first_options *out) {
  static const char *const names[] = {"start", "end", "timeout", "store", NULL};
  int64_t now_ns = bt_clock_wall_ns();
  int64_t length_ns = service->max_range_ns && service->max_range_ns < RANGE_NS ? service->max_range_ns : RANGE_NS;
  *out = (first_options){.range.end_ns = now_ns, .timeout_ns = 20 * SECOND_NS};
  if (!bt_call_query_allows(call, names) || !read_time(call, "end", now_ns, &out->range.end_ns)) return false;
  out->range.start_ns = bt_time_subtract(out->range.end_ns, length_ns);
  return read_time(call, "start", now_ns, &out->range.start_ns) && read_timeout(call, &out->timeout_ns) &&
         check_range(service, call, &out->range) && (out->source = bt_query_store(service, call, rule));
}

static bt_status look_for_first(const bt_service *service, const bt_call *call, const bt_rule_definition *definition,
                                const first_options *options, bt_first_result *result, bt_error *error) {
  bt_work_scope looking;
  bt_replay_request request = {.rules = &definition,
                               .rule_count = 1,
                               .range = options->range,
                               .assumptions = service->assumptions,
                               .tenant = call->tenant,
                               .memory = service->account,
                               .priority = BT_PRIORITY_PEOPLE,
                               .cancel = &looking.cancel,
                               .takes_notes = true};
  bt_error why = {0};
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_work_scope_begin(&looking, call->scope, started_ns + options->timeout_ns);
  bt_status status = bt_first_violation_run(options->source, &request, NULL, result, error);
  if (status == BT_OK) bt_first_explain_idle(options->source, &request, result);
  bt_status unsaid = status ? status : bt_unseen_names_of_first(options->source, &request, result, &why);
  (void)unsaid; /* what was found until then is said */
  bt_metrics_add_evaluation(service->metrics, BT_EVALUATION_FIRST_VIOLATION, bt_clock_monotonic_ns() - started_ns);
  bt_work_scope_end(&looking);
  return status;
}

static void answer_first(const bt_service *service, bt_call *call, const bt_rule_definition *definition,
                         const first_options *options) {
  bt_first_result result = {0};
  bt_error error = {0};
  bt_status status = look_for_first(service, call, definition, options, &result, &error);
  if (status)
    bt_call_error(call, status, &error);
  else
    bt_call_json(call, 200, bt_first_json(definition, &result));
  bt_first_result_dispose(&result);
}

static const bt_rule_definition *find_rule(const bt_service *service, bt_call *call) {
  const bt_rule_definition *definition = NULL;
  bt_error error = {0};
  bt_status status = bt_rule_store_get(service->store, bt_call_tenant(call), bt_call_id(call), &definition, &error);
  if (status) bt_call_error(call, status, &error);
  return definition;
}

void bt_api_rule_first(void *context, bt_call *call) {
  const bt_service *service = context;
  first_options options;
  const bt_rule_definition *definition = find_rule(service, call);
  if (!definition) return;
  if (read_options(service, call, definition, &options)) answer_first(service, call, definition, &options);
  bt_rule_definition_unref(definition);
}
