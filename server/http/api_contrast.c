/* GET /v1/rules/{id}/contrast: what goes along with violating. The request waits for the answer, at most `timeout`, of
 * which finding the traces has six tenths; then what was read is answered, and the status says that the time was over.
 * See routes.h. */
#include "server/base/clock.h"
#include "server/http/body_fields.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/json/contrast_json.h"

enum { SEED_MAX = 1000000000 };

static const int64_t SECOND_NS = 1000000000, DAY_NS = INT64_C(86400) * 1000000000;

typedef struct asked {
  bt_source *source;
  bt_time_range range;
  int64_t timeout_ns;
  size_t sample, limit, seed;
} asked;

/* False: answered. */
static bool read_question(const bt_service *service, bt_call *call, const bt_rule_definition *rule, asked *out) {
  static const char *const names[] = {"start", "end", "limit", "sample", "seed", "timeout", "store", NULL};
  static const bt_range_names range = {"start", "end", DAY_NS, 0};
  bt_field_errors errors = {0};
  *out = (asked){.timeout_ns = 20 * SECOND_NS, .sample = BT_CONTRAST_SAMPLE, .limit = BT_CONTRAST_FINDINGS, .seed = 1};
  json_t *body = bt_query_body(call, names, NULL, NULL);
  if (!body) return false;
  bt_body_range(service, body, &range, bt_clock_wall_ns(), &out->range, &errors);
  out->source = bt_body_store(service, call, body, &rule, 1, &errors);
  bt_body_duration(body, "timeout", 60 * SECOND_NS, &out->timeout_ns, &errors);
  bt_body_count(body, "sample", BT_SAMPLE_SIDE_MAX, &out->sample, &errors);
  bt_body_count(body, "limit", BT_CONTRAST_FINDINGS_MAX, &out->limit, &errors);
  bt_body_count(body, "seed", SEED_MAX, &out->seed, &errors);
  json_decref(body);
  return !bt_call_refuse_fields(call, &errors);
}

static bt_status run_contrast(const bt_service *service, const bt_call *call, const bt_rule_definition *definition,
                              const asked *a, bt_contrast_result *result, bt_rule_words *words, bt_error *error) {
  bt_work_scope finding, reading;
  bt_contrast_request request = {.replay = {.rules = &definition,
                                            .rule_count = 1,
                                            .range = a->range,
                                            .assumptions = service->assumptions,
                                            .tenant = call->tenant,
                                            .sample_seed = a->seed,
                                            .memory = service->account,
                                            .priority = BT_PRIORITY_PEOPLE,
                                            .prices = bt_store_prices(service, a->source),
                                            .cancel = &finding.cancel},
                                 .sample = (uint32_t)a->sample,
                                 .most_findings = a->limit,
                                 .reading_cancel = &reading.cancel};
  int64_t now_ns = bt_clock_monotonic_ns();
  bt_work_scope_begin(&reading, call->scope, now_ns + a->timeout_ns);
  bt_work_scope_begin(&finding, &reading, now_ns + a->timeout_ns / 10 * 6);
  bt_status status = bt_contrast_run(a->source, &request, NULL, result, error);
  bt_metrics_add_evaluation(service->metrics, BT_EVALUATION_CONTRAST, result->duration_ns);
  bt_work_scope_end(&finding);
  request.replay.cancel = &reading.cancel;
  if (!status) bt_contrast_words_find(a->source, &request.replay, result, words);
  bt_work_scope_end(&reading);
  return status;
}

static void answer_contrast(const bt_service *service, bt_call *call, const bt_rule_definition *definition,
                            const asked *a) {
  bt_contrast_result result = {0};
  bt_rule_words words = {0};
  bt_error error = {0};
  bt_status status = run_contrast(service, call, definition, a, &result, &words, &error);
  if (status == BT_LIMIT && result.has_no_room)
    bt_call_busy(call, &error);
  else if (status)
    bt_call_error(call, status, &error);
  else
    bt_call_json(call, 200, bt_contrast_json(definition, &result, &words));
  bt_rule_words_dispose(&words);
  bt_contrast_result_dispose(&result);
}

void bt_api_rule_contrast(void *context, bt_call *call) {
  const bt_service *service = context;
  const bt_rule_definition *definition = NULL;
  bt_error error = {0};
  asked a;
  bt_status status = bt_rule_store_get(service->store, bt_call_tenant(call), bt_call_id(call), &definition, &error);
  if (status)
    bt_call_error(call, status, &error);
  else if (read_question(service, call, definition, &a))
    answer_contrast(service, call, definition, &a);
  bt_rule_definition_unref(definition);
}
