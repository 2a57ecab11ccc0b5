/* GET and POST /v1/gate: is a new version worse than the old one? GET answers 200 with the result, as the web metric of
 * Argo Rollouts reads it. POST, which Flagger's webhooks are, takes the same question and answers 200 for a pass only:
 * what is not known stops a rollout. The request waits for the answer, at most `timeout`; what was not read by then
 * makes the result "unknown". See routes.h and server/query/gate.h. */
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/http/body_fields.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/http/rule_choice.h"
#include "server/json/gate_json.h"
#include "server/json/replay_json.h"
#include "server/query/gate.h"

enum { GATE_RULES_MAX = 50, LEAST_DEFAULT = 50, LEAST_MAX = 1000000000 };

static const int64_t SECOND_NS = 1000000000, HOUR_NS = INT64_C(3600) * 1000000000;

typedef struct asked {
  bt_source *source;
  bt_gate_question question; /* texts: of `body` */
  bt_time_range range;
  int64_t timeout_ns;
  bt_rule_choice rules;
  json_t *body;
} asked;

static void dispose_asked(asked *a) {
  bt_rule_choice_dispose(&a->rules);
  json_decref(a->body);
}

static const char *read_version(json_t *body, const char *name, bt_field_errors *errors) {
  const char *text = bt_body_text(body, name, errors);
  if (!text || !text[0]) bt_field_errors_add(errors, name, "is needed: the version, as spans have it");
  return text ? text : "";
}

static void read_increase(json_t *body, double *out, bt_field_errors *errors) {
  const char *text = bt_body_text(body, "max_increase", errors);
  if (!text) return;
  char *end = NULL;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= 0 && value <= 100))
    bt_field_errors_add(errors, "max_increase", "expected points of percent from 0 to 100");
  else
    *out = value;
}

/* False: answered. The caller disposes in each case. */
static bool read_question(const bt_service *service, bt_call *call, asked *a) {
  static const char *const names[] = {"rule_id",      "by",    "baseline", "candidate", "service", "min_exercised",
                                      "max_increase", "start", "end",      "timeout",   "store",   NULL};
  static const bt_range_names range = {"start", "end", HOUR_NS, 0};
  bt_field_errors errors = {0};
  size_t least = LEAST_DEFAULT;
  *a = (asked){.timeout_ns = 20 * SECOND_NS, .body = bt_query_body(call, names, "rule_id", "rule_ids")};
  if (!a->body) return false;
  const char *by = bt_body_text(a->body, "by", &errors);
  a->question = (bt_gate_question){.by = by && by[0] ? by : "service.version",
                                   .baseline = read_version(a->body, "baseline", &errors),
                                   .candidate = read_version(a->body, "candidate", &errors),
                                   .service = bt_body_text(a->body, "service", &errors)};
  if (a->question.baseline[0] && bt_gate_compares_itself(&a->question))
    bt_field_errors_add(&errors, "candidate",
                        "is the same version as the baseline: compared with itself no version shows a difference");
  bt_body_count(a->body, "min_exercised", LEAST_MAX, &least, &errors);
  a->question.least = least;
  read_increase(a->body, &a->question.max_increase, &errors);
  bt_body_range(service, a->body, &range, bt_clock_wall_ns(), &a->range, &errors);
  bt_body_duration(a->body, "timeout", 60 * SECOND_NS, &a->timeout_ns, &errors);
  if (!bt_rule_choice_of_replay(service, call, a->body, &a->rules, &errors)) return false;
  a->source = bt_body_store(service, call, a->body, a->rules.items, a->rules.count, &errors);
  if (a->rules.count > GATE_RULES_MAX) bt_field_errors_add(&errors, "rule_id", "at most 50 rules are compared at once");
  return !bt_call_refuse_fields(call, &errors);
}

static bt_status replay_rules(const bt_service *service, const bt_call *call, const asked *a,
                              const bt_rate_rules *rules, bt_replay_result *result, bt_error *error) {
  bt_work_scope scope;
  bt_replay_request request = {.rules = rules->rules,
                               .rule_count = rules->count,
                               .range = a->range,
                               .assumptions = service->assumptions,
                               .count = BT_COUNT_EXACT,
                               .tenant = call->tenant,
                               .sample_seed = 1,
                               .memory = service->account,
                               .priority = BT_PRIORITY_PEOPLE,
                               .prices = bt_store_prices(service, a->source),
                               .cancel = &scope.cancel};
  bt_replay_observer nobody = {0};
  bt_work_scope_begin(&scope, call->scope, bt_clock_monotonic_ns() + a->timeout_ns);
  bt_status status = bt_replay_run(a->source, &request, &nobody, result, error);
  bt_work_scope_end(&scope);
  bt_metrics_add_evaluation(service->metrics, BT_EVALUATION_GATE, result->duration_ns);
  return status;
}

/* With as much time as the replay had: a name that nothing has costs one search. */
static bt_status find_words(const bt_service *service, const bt_call *call, const asked *a, const bt_rate *rates,
                            bt_rule_words *out, bt_error *error) {
  bt_work_scope scope;
  bt_replay_request request = {.rules = a->rules.items,
                               .rule_count = a->rules.count,
                               .range = a->range,
                               .assumptions = service->assumptions,
                               .tenant = call->tenant,
                               .memory = service->account,
                               .priority = BT_PRIORITY_PEOPLE,
                               .cancel = &scope.cancel};
  bt_work_scope_begin(&scope, call->scope, bt_clock_monotonic_ns() + a->timeout_ns);
  bt_status status = bt_gate_words_find(a->source, &request, rates, out, error);
  bt_work_scope_end(&scope);
  return status;
}

static void answer_gate(bt_call *call, const asked *a, const bt_rate *rates, const bt_rule_words *words,
                        const bt_replay_result *result) {
  bool is_webhook = bt_str_equal(call->method, BT_STR("POST"));
  bool passes = bt_gate_judge(&a->question, rates, a->rules.count) == BT_GATE_PASS;
  json_t *json = bt_gate_json(&a->question, a->rules.items, a->rules.count, rates, result);
  if (json) bt_rule_words_set_json(json, words, a->rules.items);
  bt_call_json(call, is_webhook && !passes ? 412 : 200, json);
}

static bool is_checked(bt_source *source, const bt_call *call) {
  const bt_cancel *cancel = call->scope ? &call->scope->cancel : NULL;
  return bt_source_promises(source, BT_PROMISES_OF_VERSION, cancel).about.is_checked;
}

static bt_status measure_rates(const bt_service *service, bt_call *call, const asked *a, bt_error *error) {
  size_t count = 2 * a->rules.count;
  bt_rule_definition **derived = NULL;
  bt_rate_rules rules = {0};
  bt_rule_words words = {0};
  bt_replay_result result = {0};
  bt_rate *rates = calloc(count + 1, sizeof *rates);
  bt_status status = rates ? BT_OK : bt_error_no_memory(error);
  if (!status) status = bt_gate_rules_derive(&a->question, a->rules.items, a->rules.count, &derived, error);
  if (!status)
    status = bt_rate_rules_make((const bt_rule_definition *const *)derived, count, bt_source_dialect(a->source),
                                is_checked(a->source, call), &rules, error);
  if (!status) status = replay_rules(service, call, a, &rules, &result, error);
  for (size_t i = 0; i < count && !status; i++) bt_rate_fill(&rules, &result, i, &rates[i]);
  if (!status) status = find_words(service, call, a, rates, &words, error);
  if (!status) answer_gate(call, a, rates, &words, &result);
  bt_rule_words_dispose(&words);
  bt_replay_result_dispose(&result);
  bt_rate_rules_dispose(&rules);
  bt_gate_rules_free(derived, a->rules.count);
  free(rates);
  return status;
}

void bt_api_gate(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  asked a = {0};
  if (read_question(service, call, &a)) {
    bt_status status = measure_rates(service, call, &a, &error);
    if (status == BT_LIMIT)
      bt_call_busy(call, &error);
    else if (status)
      bt_call_error(call, status, &error);
  }
  dispose_asked(&a);
}
