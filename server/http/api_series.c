/* GET and POST /v1/violations/series: counts of violations by steps, for graphs and alerts. See query/series.h and
 * routes.h. */
#include "server/base/clock.h"
#include "server/http/question.h"
#include "server/http/routes.h"
#include "server/http/series_answer.h"
#include "server/http/store_choice.h"

static const int64_t SECOND_NS = 1000000000;
static const int64_t DAY_NS = INT64_C(86400) * 1000000000;
enum { DEFAULT_POINTS = 200 };

typedef struct asked {
  bt_rule_choice rules;
  bt_series_answer_options options;
} asked;

/* A round number that gives a graph of at most DEFAULT_POINTS steps. */
static int64_t default_step(const bt_time_range *range) {
  static const int64_t seconds[] = {1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400};
  enum { COUNT = sizeof seconds / sizeof seconds[0] };
  int64_t length_ns = range->end_ns - range->start_ns;
  size_t i = 0;
  while (i + 1 < COUNT && length_ns / (seconds[i] * SECOND_NS) > DEFAULT_POINTS) i++;
  return seconds[i] * SECOND_NS;
}

static int64_t floor_step(int64_t time_ns, int64_t step_ns) {
  return time_ns / step_ns - (time_ns % step_ns < 0);
}

static void read_steps(json_t *body, asked *out, bt_field_errors *errors) {
  bt_series_question *question = &out->options.question;
  const bt_time_range *range = &out->options.asked;
  question->step_ns = default_step(range);
  bt_body_duration(body, "step", 30 * DAY_NS, &question->step_ns, errors);
  if (errors->items) return;
  if (range->start_ns < INT64_MIN / 2 || range->end_ns > INT64_MAX / 2) {
    bt_field_errors_add(errors, "start", "and end have to lie between the years 1824 and 2116");
    return;
  }
  if (question->step_ns < SECOND_NS) {
    bt_field_errors_add(errors, "step", "has to be at least 1s");
    return;
  }
  question->first_step = floor_step(range->start_ns, question->step_ns);
  question->end_step = floor_step(range->end_ns - 1, question->step_ns) + 1;
  question->whole_end_step = floor_step(range->end_ns, question->step_ns);
  uint64_t points = (uint64_t)(question->end_step - question->first_step);
  if (points > BT_SERIES_MOST_POINTS)
    bt_field_errors_add(errors, "step", "makes %llu points of this range; at most %d: take a longer one",
                        (unsigned long long)points, BT_SERIES_MOST_POINTS);
  else if (out->rules.count && points > BT_SERIES_MOST_CELLS / out->rules.count)
    bt_field_errors_add(errors, "step", "makes %llu points of each of %zu rules; at most %d of all together",
                        (unsigned long long)points, out->rules.count, BT_SERIES_MOST_CELLS);
}

static void read_options(const bt_service *service, const bt_call *call, json_t *body, asked *out,
                         bt_field_errors *errors) {
  static const char *const values[] = {"count", "exercised", "ratio", NULL};
  bt_series_answer_options *options = &out->options;
  options->question.now_ns = bt_clock_wall_ns();
  options->timeout_ns = 20 * SECOND_NS;
  bt_promises promises = bt_source_known(options->question.source);
  options->assumptions = bt_assumptions_over(&service->assumptions, &promises);
  options->source = promises.about;
  options->is_static = promises.is_static;
  options->cancel = bt_call_cancel(call);
  bt_body_range(service, body, &bt_question_range, options->question.now_ns, &options->asked, errors);
  bt_body_duration(body, "timeout", 300 * SECOND_NS, &options->timeout_ns, errors);
  options->value = (bt_series_value)bt_body_word(body, "value", values, BT_SERIES_COUNT, errors);
  options->question.wants_exercised = options->value != BT_SERIES_COUNT;
  if (!errors->items) read_steps(body, out, errors);
}

/* False too where the question does not say. A query string has words for it. */
static bool wants_shadows(json_t *body, bt_field_errors *errors) {
  static const char *const words[] = {"false", "true", NULL};
  json_t *value = bt_body_value(body, "shadow");
  if (json_is_boolean(value)) return json_is_true(value);
  return bt_body_word(body, "shadow", words, 0, errors) == 1;
}

/* Alerts ask for all rules: a shadow rule never alerts, so it takes part only where it is named or asked for. How many
 * were left out. */
static size_t leave_out_shadows(json_t *body, bt_rule_choice *rules) {
  size_t kept = 0, count = rules->count;
  if (bt_body_value(body, "rule_ids") || bt_body_value(body, "dsl")) return 0;
  for (size_t i = 0; i < count; i++) {
    if (!rules->items[i]->fields.shadow)
      rules->items[kept++] = rules->items[i];
    else
      bt_rule_definition_unref(rules->items[i]);
  }
  rules->count = kept;
  return count - kept;
}

static void refuse_no_rule(size_t shadows, bt_field_errors *errors) {
  if (shadows)
    bt_field_errors_add(errors, "rule_ids",
                        "the %zu enabled rule%s that this question means %s in shadow, so nothing could be counted: "
                        "name them, or ask with shadow=true",
                        shadows, shadows == 1 ? "" : "s", shadows == 1 ? "is" : "are");
  else
    bt_field_errors_add(errors, "rule_ids", "no enabled rule is meant by this question, so nothing could be counted");
}

/* False: answered. */
static bool read_question(const bt_service *service, bt_call *call, json_t *body, asked *out) {
  bt_field_errors errors = {0};
  if (!bt_rule_choice_of_question(service, call, body, &out->rules, &errors)) return false;
  out->options.question.source = bt_question_store(service, call, body, &out->rules, &errors);
  size_t shadows = wants_shadows(body, &errors) ? 0 : leave_out_shadows(body, &out->rules);
  read_options(service, call, body, out, &errors);
  if (!errors.items && !out->rules.count) refuse_no_rule(shadows, &errors);
  return !bt_call_refuse_fields(call, &errors);
}

static void answer_series(const bt_service *service, bt_call *call, asked *a) {
  char unchecked[BT_QUESTION_UNCHECKED];
  bt_error error = {0};
  bt_series_ask *ask = NULL;
  a->options.unchecked = bt_question_unchecked(&a->rules, unchecked);
  a->options.question.tenant = call->tenant;
  a->options.losses = bt_source_losses(a->options.question.source, call->tenant, NULL);
  a->options.question.rules = a->rules.items;
  a->options.question.rule_count = a->rules.count;
  bt_status status = bt_series_open(service->series, &a->options.question, &ask, &error);
  if (status == BT_OK)
    bt_series_answer(call, ask, &a->options);
  else
    bt_question_refuse(call, status, &error);
}

/* Takes the body. */
static void ask_for_series(const bt_service *service, bt_call *call, json_t *body) {
  asked a = {0};
  if (!body) return;
  if (read_question(service, call, body, &a)) answer_series(service, call, &a);
  bt_rule_choice_dispose(&a.rules);
  json_decref(body);
}

void bt_api_series(void *context, bt_call *call) {
  static const char *const names[] = {"rule_id", "severity", "framework", "shadow", "start", "end",
                                      "step",    "value",    "timeout",   "store",  NULL};
  ask_for_series(context, call, bt_question_of_query(call, names));
}

void bt_api_series_query(void *context, bt_call *call) {
  static const char *const names[] = {"rule_ids", "labels", "dsl",   "severity", "framework", "shadow", "start",
                                      "end",      "step",   "value", "timeout",  "store",     NULL};
  ask_for_series(context, call, bt_question_of_body(call, names));
}
