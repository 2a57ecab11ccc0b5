/* One trace and its verdicts. See one_trace.h. */
#include "server/http/one_trace.h"

#include "server/base/clock.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

typedef struct reading {
  bt_one_trace_judge judge;
  void *context;
  bool is_found;
} reading;

static bt_status take_trace(void *context, const bt_read_trace *read, bt_error *error) {
  reading *r = context;
  if (!read->trace) return BT_OK;
  r->is_found = true;
  return r->judge(r->context, read->trace, error);
}

static bt_status not_found(const bt_trace_id *id, bt_error *error) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  return bt_error_set(error, BT_NOT_FOUND,
                      "The source has no trace %s. Check the id and the tenant (X-Scope-OrgID); a trace that was sent "
                      "just now may need some seconds, and one past the source's retention is gone. BeTrace's own "
                      "spans are not shown.",
                      hex);
}

bt_status bt_one_trace_read(const bt_service *service, const bt_call *call, const bt_trace_id *id, const char *rule_id,
                            bt_one_trace_judge judge, void *context, bt_error *error) {
  reading r = {judge, context, false};
  bt_source_account account = {0};
  bt_read_request request = {.ids = id,
                             .count = 1,
                             .range = {0, bt_clock_wall_ns()},
                             .by_id = true,
                             .tenant = call->tenant,
                             .cancel = bt_call_cancel(call),
                             .rule_id = rule_id,
                             .priority = BT_PRIORITY_PEOPLE};
  bt_status status = bt_source_read(service->source, &request, take_trace, &r, &account, error);
  bt_source_account_dispose(&account);
  return status || r.is_found ? status : not_found(id, error);
}

bool bt_one_trace_is_unsettled(const bt_service *service, const bt_rule_definition *rule, const bt_trace *trace) {
  int64_t settle_ns = bt_assumptions_of(&service->assumptions, rule).settle_ns; /* by id nothing is hidden */
  settle_ns += bt_source_clock_ahead_ns(service->source);
  return !service->source->operations->is_static && bt_trace_end_ns(trace) > bt_clock_wall_ns() - settle_ns;
}

bt_eval_options bt_one_trace_options(const bt_service *service, const bt_rule_definition *rule, const bt_trace *trace,
                                     bool is_unsettled) {
  bt_assumptions assumptions = bt_assumptions_of(&service->assumptions, rule);
  bool lacks_parent = assumptions.require_complete && trace->missing_parents;
  return (bt_eval_options){.incomplete = trace->partial || is_unsettled || lacks_parent,
                           .clock_skew_ns = assumptions.clock_skew_ns,
                           .step_budget = assumptions.step_budget,
                           .least_steps = assumptions.least_steps};
}

static json_t *truth_json(bt_truth truth) {
  return truth == BT_UNKNOWN ? json_null() : json_boolean(truth == BT_TRUE);
}

static bt_status violation_json(const bt_call *call, const bt_rule_definition *rule, const bt_trace *trace,
                                const bt_rule_verdict *verdict, bool is_unsettled, json_t **out, bt_error *error) {
  bt_violation *violation = NULL;
  *out = NULL;
  if (verdict->verdict != BT_VIOLATED) return *out = json_null(), BT_OK;
  bt_status status = bt_violation_new(rule, bt_call_tenant(call), trace, verdict, &violation, error);
  if (status) return status;
  violation->confirmed_by_id = true;
  violation->provisional = is_unsettled;
  *out = bt_violation_json(rule, violation);
  bt_violation_free(violation);
  return *out ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_one_trace_verdict_json(const bt_call *call, const bt_rule_definition *rule, const bt_trace *trace,
                                    const bt_rule_verdict *verdict, bool is_unsettled, json_t **out, bt_error *error) {
  json_t *violation;
  *out = NULL;
  bt_status status = violation_json(call, rule, trace, verdict, is_unsettled, &violation, error);
  if (status) return status;
  json_t *reason = verdict->reason ? json_string(bt_reason_name(verdict->reason)) : json_null();
  *out = json_pack("{s:s, s:o, s:o, s:o, s:o}", "verdict", bt_verdict_name(verdict->verdict), "reason", reason, "spent",
                   bt_spent_json(verdict, rule->rule->text), "exercised", truth_json(verdict->exercised), "violation",
                   violation);
  return *out ? BT_OK : bt_error_no_memory(error);
}
