/* GET /v1/problems: the violations of a range as problems, as `betrace replay --group` tells them. The request waits
 * for the answer, at most `timeout` for reading; what was not read by then is not known, and the answer says so.
 * Nothing is stored. See routes.h and server/query/problems.h. */
#include "server/base/clock.h"
#include "server/http/question.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/json/json_values.h"
#include "server/json/problems_json.h"
#include "server/query/problems.h"
#include "server/replay/idle_rules.h"
#include "server/replay/unseen_names.h"

enum { PROBLEMS_DEFAULT = 100, PROBLEMS_MAX = 1000 };

static const int64_t SECOND_NS = 1000000000;

typedef struct asked {
  bt_source *source;
  bt_rule_choice rules;
  bt_time_range range;
  int64_t timeout_ns;
  size_t steps;
  bt_problems_wish wish; /* its id is of `body` */
  json_t *body;
} asked;

static void dispose_asked(asked *a) {
  bt_rule_choice_dispose(&a->rules);
  json_decref(a->body);
}

/* False: answered. The caller disposes in each case. */
static bool read_question(const bt_service *service, bt_call *call, asked *a) {
  static const char *const names[] = {"rule_id", "severity", "framework", "id",    "start", "end",
                                      "steps",   "limit",    "timeout",   "store", NULL};
  bt_field_errors errors = {0};
  *a = (asked){.timeout_ns = 20 * SECOND_NS,
               .steps = BT_PROBLEM_STEPS,
               .wish = {.most = PROBLEMS_DEFAULT, .has_links = true},
               .body = bt_question_of_query(call, names)};
  if (!a->body || !bt_rule_choice_of_question(service, call, a->body, &a->rules, &errors)) return false;
  a->source = bt_question_store(service, call, a->body, &a->rules, &errors);
  a->wish.id = bt_body_text(a->body, "id", &errors);
  bt_body_range(service, a->body, &bt_question_range, bt_clock_wall_ns(), &a->range, &errors);
  bt_body_duration(a->body, "timeout", 60 * SECOND_NS, &a->timeout_ns, &errors);
  bt_body_count(a->body, "steps", BT_PROBLEM_STEPS_MAX, &a->steps, &errors);
  bt_body_count(a->body, "limit", PROBLEMS_MAX, &a->wish.most, &errors);
  if (!errors.items && !a->rules.count)
    bt_field_errors_add(&errors, "rule_id", "no enabled rule is meant by this question, so nothing could be counted");
  return !bt_call_refuse_fields(call, &errors);
}

/* As the list of violations shows what is visible now. */
static bt_replay_request request_of(const bt_service *service, const bt_call *call, const asked *a,
                                    const bt_cancel *cancel) {
  return (bt_replay_request){.rules = a->rules.items,
                             .rule_count = a->rules.count,
                             .range = a->range,
                             .now_ns = bt_clock_wall_ns(),
                             .assumptions = service->assumptions,
                             .tenant = call->tenant,
                             .memory_limit_bytes = bt_memory_limit(service->account),
                             .memory = service->account,
                             .priority = BT_PRIORITY_PEOPLE,
                             .most_listed = BT_MOST_LISTED,
                             .takes_notes = true,
                             .is_live = true,
                             .cancel = cancel};
}

/* What was not read in time, and rules that cannot be evaluated, make the answer incomplete; so does a range that shows
 * nothing, and no trace at an end. */
static void conclude_answer(const asked *a, bt_replay_result *result) {
  char unchecked[BT_QUESTION_UNCHECKED];
  if (result->outcome == BT_REPLAY_CANCELLED)
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE,
                              "timeout: the time was over before all of the range was read; give a longer timeout, or "
                              "ask for a shorter range");
  bt_replay_leave_open(result);
  bt_replay_hold_range(result);
  if (result->outcome == BT_REPLAY_COMPLETED && bt_question_unchecked(&a->rules, unchecked))
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, "%s", unchecked);
  if (result->outcome != BT_REPLAY_COMPLETED) result->coverage.complete = false;
}

static bt_status find_problems(const bt_service *service, const bt_call *call, const asked *a, bt_problems *problems,
                               bt_error *error) {
  bt_work_scope scope;
  bt_error why = {0};
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_replay_request request = request_of(service, call, a, &scope.cancel);
  bt_work_scope_begin(&scope, call->scope, started_ns + a->timeout_ns);
  bt_status status = bt_problems_find(a->source, &request, a->steps, NULL, problems, error);
  if (!status) bt_replay_explain_idle(a->source, &request, &problems->result);
  bt_status unsaid = status ? status : bt_unseen_names_of_replay(a->source, &request, &problems->result, &why);
  (void)unsaid; /* what was found until then is said */
  if (!status) conclude_answer(a, &problems->result);
  bt_work_scope_end(&scope);
  bt_metrics_add_evaluation(service->metrics, BT_EVALUATION_PROBLEMS, bt_clock_monotonic_ns() - started_ns);
  return status;
}

void bt_api_problems(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  asked a = {0};
  bt_problems problems = {0};
  if (read_question(service, call, &a)) {
    bt_status status = find_problems(service, call, &a, &problems, &error);
    if (status)
      bt_question_refuse(call, status, &error);
    else
      bt_call_json(call, 200, bt_problems_json(&problems, a.rules.items, &a.wish));
  }
  bt_problems_dispose(&problems);
  dispose_asked(&a);
}
