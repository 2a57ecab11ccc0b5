/* POST /v1/backtests: when alerts of Prometheus would have fired over a range, as `betrace backtest` tells it. The
 * request waits for the answer, at most `timeout` for counting and as long again for evaluating; steps that were not
 * counted by then are not known. Nothing is stored. See routes.h and server/query/alert_backtest.h. */
#include <string.h>

#include "server/base/clock.h"
#include "server/http/question.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/json/backtest_json.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/query/alert_backtest.h"

enum { BACKTEST_RULES_MAX = 100, FIRINGS_MAX = 1000, PER_WEEK_MAX = 100000, ALERT_BYTES_MAX = 256 << 10 };

static const int64_t SECOND_NS = 1000000000, MINUTE_NS = INT64_C(60) * 1000000000, DAY_NS = INT64_C(86400) * 1000000000;

typedef struct asked {
  bt_source *source;
  bt_rule_choice rules;
  bt_time_range range;
  int64_t step_ns, timeout_ns;
  bt_page_limits limits;
  json_t *body;
} asked;

static void dispose_asked(asked *a) {
  bt_rule_choice_dispose(&a->rules);
  json_decref(a->body);
}

/* ---- what is asked ---- */

/* Comes first. False: answered, there is no memory. */
static bool read_alerts(bt_call *call, json_t *body, bt_alert_rules *rules, bt_field_errors *errors) {
  bt_error error = {0};
  const char *text = bt_body_text(body, "alerts", errors);
  bt_status status = BT_OK;
  if (text && strlen(text) > ALERT_BYTES_MAX)
    status = bt_error_set(&error, BT_LIMIT, "is longer than %d KiB", ALERT_BYTES_MAX >> 10);
  else if (text)
    status = bt_alert_rules_add(rules, bt_str_from(text), "alerts", &error);
  else if (!errors->items)
    status = bt_alert_rules_add_shipped(rules, &error);
  if (status == BT_NO_MEMORY) bt_call_error(call, status, &error);
  if (status && status != BT_NO_MEMORY) bt_field_errors_add(errors, "alerts", "%s", error.message);
  return status != BT_NO_MEMORY;
}

static void read_limits(json_t *body, bt_page_limits *limits, bt_field_errors *errors) {
  const char *night = bt_body_text(body, "night", errors), *zone = bt_body_text(body, "zone", errors);
  size_t per_week = 1;
  bt_body_count(body, "per_week", PER_WEEK_MAX, &per_week, errors);
  *limits = bt_page_limits_usual;
  limits->per_week = (double)per_week;
  if (night && !bt_page_night_parse(bt_str_from(night), limits))
    bt_field_errors_add(errors, "night", "has to be two hours from 0 to 24, as in \"22-7\"");
  if (zone && !bt_page_zone_parse(bt_str_from(zone), limits))
    bt_field_errors_add(errors, "zone", "has to be an offset from UTC, as in \"+02:00\"");
}

static void read_step(json_t *body, int64_t *step_ns, bt_field_errors *errors) {
  bt_body_duration(body, "step", 5 * MINUTE_NS, step_ns, errors);
  if (*step_ns % SECOND_NS) bt_field_errors_add(errors, "step", "has to be whole seconds");
}

/* Which rules: without a word all that are enabled. A broken one is refused: alerts on it would look quiet. False:
 * answered. */
static bool choose_rules(const bt_service *service, bt_call *call, asked *a, bt_field_errors *errors) {
  bool is_said =
      bt_body_value(a->body, "rule_ids") || bt_body_value(a->body, "labels") || bt_body_value(a->body, "dsl");
  if (!is_said) bt_json_set(a->body, "labels", json_object());
  if (!bt_rule_choice_of_replay(service, call, a->body, &a->rules, errors)) return false;
  if (a->rules.count > BACKTEST_RULES_MAX)
    bt_field_errors_add(errors, "rule_ids", "at most %d rules are counted at once, and these are %zu",
                        BACKTEST_RULES_MAX, a->rules.count);
  return true;
}

/* False: answered. The caller disposes in each case. */
static bool read_question(const bt_service *service, bt_call *call, asked *a, bt_alert_rules *alerts) {
  static const char *const names[] = {"alerts",   "rule_ids", "labels", "dsl",     "start", "end", "step",
                                      "per_week", "night",    "zone",   "timeout", "store", NULL};
  static const bt_range_names range = {"start", "end", DAY_NS, 0};
  bt_field_errors errors = {0};
  *a = (asked){.step_ns = MINUTE_NS, .timeout_ns = 20 * SECOND_NS, .body = bt_question_of_body(call, names)};
  if (!a->body) return false;
  if (!read_alerts(call, a->body, alerts, &errors)) {
    bt_field_errors_drop(&errors);
    return false;
  }
  read_limits(a->body, &a->limits, &errors);
  read_step(a->body, &a->step_ns, &errors);
  bt_body_range(service, a->body, &range, bt_clock_wall_ns(), &a->range, &errors);
  bt_body_duration(a->body, "timeout", MINUTE_NS, &a->timeout_ns, &errors);
  if (!choose_rules(service, call, a, &errors)) return false;
  a->source = bt_body_store(service, call, a->body, a->rules.items, a->rules.count, &errors);
  return !bt_call_refuse_fields(call, &errors);
}

/* ---- the answer ---- */

/* Counting has one deadline, and what is done with the counts another. */
static bt_status evaluate_alerts(const bt_service *service, const bt_call *call, const asked *a, bt_alert_backtest *out,
                                 bt_rule_words *words, bt_error *error) {
  bt_work_scope counting, evaluating;
  bt_replay_request request = {.rules = a->rules.items,
                               .rule_count = a->rules.count,
                               .range = a->range,
                               .assumptions = service->assumptions,
                               .tenant = call->tenant,
                               .memory = service->account,
                               .priority = BT_PRIORITY_PEOPLE,
                               .cancel = &counting.cancel};
  int64_t now_ns = bt_clock_monotonic_ns();
  bool has_end = bt_body_value(a->body, "end") != NULL;
  bt_alert_backtest_progress progress = {.cancel = &evaluating.cancel};
  bt_work_scope_begin(&counting, call->scope, now_ns + a->timeout_ns);
  bt_work_scope_begin(&evaluating, call->scope, now_ns + 2 * a->timeout_ns);
  request.range = bt_alert_backtest_range(a->source, &request, has_end, a->step_ns);
  bt_status status = bt_alert_backtest_run(a->source, &request, a->step_ns, &a->limits, &progress, out, error);
  request.cancel = &evaluating.cancel;
  if (!status) status = bt_alert_backtest_words(a->source, &request, out, words, error);
  bt_work_scope_end(&evaluating);
  bt_work_scope_end(&counting);
  bt_metrics_add_evaluation(service->metrics, BT_EVALUATION_BACKTEST, bt_clock_monotonic_ns() - now_ns);
  return status;
}

static void answer_backtest(bt_call *call, const asked *a, const bt_alert_backtest *backtest,
                            const bt_rule_words *words) {
  json_t *json = bt_backtest_json(backtest, FIRINGS_MAX);
  if (json) bt_rule_words_set_json(json, words, a->rules.items);
  bt_call_json(call, 200, json);
}

void bt_api_backtest(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  asked a = {0};
  bt_rule_words words = {0};
  bt_alert_backtest backtest;
  bt_alert_backtest_init(&backtest);
  if (read_question(service, call, &a, &backtest.backtest.rules)) {
    bt_status status = evaluate_alerts(service, call, &a, &backtest, &words, &error);
    if (status)
      bt_question_refuse(call, status, &error);
    else
      answer_backtest(call, &a, &backtest, &words);
  }
  bt_rule_words_dispose(&words);
  bt_alert_backtest_dispose(&backtest);
  dispose_asked(&a);
}
