/* GET /v1/changes: what traces did before and do no longer, as `betrace changed` tells it. The request waits for the
 * answer, at most `timeout` for reading; where that is over, or the source does not answer, the status is `unknown`.
 * See routes.h and server/query/changed.h. */
#include "server/base/clock.h"
#include "server/http/body_fields.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/json/changed_json.h"
#include "server/query/changed_sides.h"

enum { SEED_MAX = 1000000000 };

static const int64_t SECOND_NS = 1000000000, DAY_NS = INT64_C(86400) * 1000000000;

typedef struct asked {
  bt_source *source;
  bt_time_range range;
  int64_t timeout_ns;
  bt_changed_texts texts; /* of `body` */
  json_t *body;
} asked;

static const char *const side_names[BT_MINE_GROUPS] = {
    [BT_MINE_BASELINE] = "baseline", [BT_MINE_CANDIDATE] = "candidate"};

/* Each text by itself, so that an error has its name. */
static void check_texts(const bt_service *service, const asked *a, bt_field_errors *errors) {
  bt_changed_side sides[BT_MINE_GROUPS];
  for (int g = 0; g < BT_MINE_GROUPS; g++) {
    bt_changed_texts one = {0};
    one.sides[g] = a->texts.sides[g];
    if (!bt_changed_sides_read(&one, a->range, sides))
      bt_field_errors_add(errors, side_names[g],
                          "expected a side: START..END, as now-2d..now-1d, or KEY=VALUE, as service.version=1.4.3");
    else if (service->max_range_ns && sides[g].range.end_ns - sides[g].range.start_ns > service->max_range_ns)
      bt_field_errors_add(errors, side_names[g], "makes the range longer than --max-range allows; ask for it in parts");
  }
  if (!bt_changed_sides_read(&(bt_changed_texts){.around = a->texts.around}, a->range, sides))
    bt_field_errors_add(errors, "around", "expected a time between start and end, as 2026-03-10T06:00:00Z or now-1h");
}

static void read_texts(const bt_service *service, asked *a, bt_field_errors *errors) {
  for (int g = 0; g < BT_MINE_GROUPS; g++) a->texts.sides[g] = bt_body_text(a->body, side_names[g], errors);
  a->texts.around = bt_body_text(a->body, "around", errors);
  bool has_side = a->texts.sides[BT_MINE_BASELINE] || a->texts.sides[BT_MINE_CANDIDATE];
  if (a->texts.around && has_side)
    bt_field_errors_add(errors, "around", "is instead of baseline and candidate: give one or the other");
  else if (!a->texts.around && !a->texts.sides[BT_MINE_CANDIDATE])
    bt_field_errors_add(errors, "around", "is needed, or candidate and mostly baseline: what is compared with what");
  else
    check_texts(service, a, errors);
}

/* False: answered. The caller disposes in each case. */
static bool read_question(const bt_service *service, bt_call *call, asked *a, bt_changed *changed) {
  static const char *const names[] = {"start",  "end",  "around",  "baseline", "candidate",
                                      "sample", "seed", "timeout", "store",    NULL};
  static const bt_range_names range = {"start", "end", DAY_NS, 0};
  bt_field_errors errors = {0};
  size_t seed = 1;
  *a = (asked){.timeout_ns = 20 * SECOND_NS, .body = bt_query_body(call, names, NULL, NULL)};
  if (!a->body) return false;
  bt_body_range(service, a->body, &range, bt_clock_wall_ns(), &a->range, &errors);
  bool has_range = !errors.items;
  a->source = bt_body_store(service, call, a->body, NULL, 0, &errors);
  bt_body_duration(a->body, "timeout", 60 * SECOND_NS, &a->timeout_ns, &errors);
  bt_body_count(a->body, "sample", BT_CHANGED_SAMPLE_MAX, &changed->sample, &errors);
  bt_body_count(a->body, "seed", SEED_MAX, &seed, &errors);
  changed->seed = seed;
  if (has_range) read_texts(service, a, &errors);
  return !bt_call_refuse_fields(call, &errors);
}

static bt_status find_changes(const bt_service *service, const bt_call *call, const asked *a, bt_changed *changed,
                              bt_error *error) {
  bt_work_scope scope;
  bt_replay_request replay = {.assumptions = service->assumptions,
                              .tenant = call->tenant,
                              .memory = service->account,
                              .priority = BT_PRIORITY_PEOPLE,
                              .cancel = &scope.cancel};
  int64_t started_ns = bt_clock_monotonic_ns();
  if (!bt_changed_sides_read(&a->texts, a->range, changed->sides))
    return bt_error_set(error, BT_INVALID, "a time of around, baseline or candidate passed while it was read");
  bt_changed_leave_unsettled(changed, a->source, service->assumptions.settle_ns);
  bt_work_scope_begin(&scope, call->scope, started_ns + a->timeout_ns);
  bt_status status = bt_changed_answer(a->source, &replay, changed, error);
  bt_work_scope_end(&scope);
  bt_metrics_add_evaluation(service->metrics, BT_EVALUATION_CHANGES, bt_clock_monotonic_ns() - started_ns);
  return status;
}

void bt_api_changes(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  asked a = {0};
  bt_changed changed = {.seed = 1, .sample = BT_CHANGED_SAMPLE};
  if (read_question(service, call, &a, &changed)) {
    bt_status status = find_changes(service, call, &a, &changed, &error);
    if (status == BT_LIMIT && changed.has_no_room)
      bt_call_busy(call, &error);
    else if (status)
      bt_call_error(call, status, &error);
    else
      bt_call_json(call, 200, bt_changed_json(&changed));
  }
  bt_changed_dispose(&changed);
  json_decref(a.body);
}
