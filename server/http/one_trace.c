/* One trace and its verdicts. See one_trace.h. */
#include "server/http/one_trace.h"

#include <stdlib.h>

#include "dsl/trace/keeping.h"
#include "server/base/clock.h"
#include "server/base/eval_limit.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/replay/given_families.h"

static bt_status not_found(const bt_source *source, const bt_trace_id *id, bt_error *error) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  return bt_error_set(error, BT_NOT_FOUND,
                      "The source%s%s has no trace %s. Check the id%s and the tenant (X-Scope-OrgID); a trace that was "
                      "sent just now may need some seconds, and one past the source's retention is gone. BeTrace's own "
                      "spans are not shown.",
                      source->store ? " " : "", source->store ? source->store : "", hex,
                      source->store ? ", the store" : "");
}

bool bt_one_trace_is_unsettled(const bt_service *service, bt_source *source, const bt_rule_definition *rule,
                               const bt_trace *trace) {
  int64_t settle_ns = bt_assumptions_of(&service->assumptions, rule).settle_ns; /* by id nothing is hidden */
  settle_ns += bt_source_clock_ahead_ns(source);
  return !bt_source_known(source).is_static && bt_trace_end_ns(trace) > bt_clock_wall_ns() - settle_ns;
}

bt_eval_options bt_one_trace_options(const bt_service *service, const bt_rule_definition *rule, const bt_trace *trace,
                                     bool is_unsettled) {
  bt_assumptions assumptions = bt_assumptions_of(&service->assumptions, rule);
  bool lacks_parent = assumptions.require_complete && trace->missing_parents;
  bt_eval_options options = bt_assumptions_options(&assumptions);
  options.incomplete = trace->partial || is_unsettled || lacks_parent;
  options.sampled = bt_keeping_may_lack(trace, bt_source_known(service->source).apart_threshold);
  return options;
}

/* ---- the rules, and what links tie to the trace ---- */

typedef struct judging {
  const bt_one_trace_request *request;
  const bt_rule **checked;
  bt_eval_options *options;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_one_trace_judged judged;
  void *context;
  bool is_found, awaits_links;
  bt_given_trace own; /* where it awaits links */
} judging;

static void set_options(judging *j, const bt_trace *trace) {
  const bt_one_trace_request *r = j->request;
  for (size_t i = 0; i < r->count; i++) {
    j->options[i] = bt_one_trace_options(r->service, r->rules[i], trace,
                                         bt_one_trace_is_unsettled(r->service, r->source, r->rules[i], trace));
    if (r->clock_skew_ns) j->options[i].clock_skew_ns = *r->clock_skew_ns;
  }
}

static bt_status open_judging(judging *j, bt_error *error) {
  size_t count = j->request->count;
  j->options = calloc(count + 1, sizeof *j->options);
  j->checked = calloc(count + 1, sizeof *j->checked);
  if (!j->options || !j->checked) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) j->checked[i] = j->request->rules[i]->rule;
  bt_status status = bt_ruleset_new(j->checked, count, &j->ruleset, error);
  return status == BT_OK ? bt_evaluator_new(j->ruleset, &j->evaluator, error) : status;
}

static void close_judging(judging *j) {
  bt_evaluator_free(j->evaluator);
  bt_ruleset_free(j->ruleset);
  free(j->checked);
  free(j->options);
}

/* One that links may decide is judged once it was read with the others. */
static bt_status judge_read(void *context, const bt_read_trace *read, bt_error *error) {
  judging *j = context;
  const bt_one_trace_request *r = j->request;
  bt_eval_limit limit = {.cancel = bt_call_cancel(r->call)};
  const bt_rule_verdict *verdicts = NULL;
  if (!read->trace) return BT_OK;
  j->is_found = true;
  set_options(j, read->trace);
  bt_status status = bt_eval_run_within(&limit, j->evaluator, read->trace, j->options, &verdicts, error);
  if (status != BT_OK) return status;
  j->awaits_links = !r->is_alone && bt_verdicts_await_links(r->rules, verdicts, r->count);
  j->own = bt_given_trace_of(read->trace);
  return j->awaits_links ? BT_OK : j->judged(j->context, read->trace, NULL, verdicts, error);
}

static bt_status read_trace(judging *j, const bt_trace_id *id, bt_error *error) {
  const bt_one_trace_request *r = j->request;
  bt_source_account account = {0};
  bt_read_request request = {.ids = id,
                             .count = 1,
                             .range = {0, bt_clock_wall_ns()},
                             .by_id = true,
                             .tenant = r->call->tenant,
                             .cancel = bt_call_cancel(r->call),
                             .rule_id = r->rule_id,
                             .priority = BT_PRIORITY_PEOPLE};
  bt_status status = bt_source_read(r->source, &request, judge_read, j, &account, error);
  bt_source_account_dispose(&account);
  return status || j->is_found ? status : not_found(r->source, id, error);
}

static bt_status judge_family(void *context, size_t index, const bt_family *family, bt_error *error) {
  judging *j = context;
  (void)index;
  if (!family) return not_found(j->request->source, &j->own.id, error);
  bt_eval_limit limit = {.cancel = bt_call_cancel(j->request->call)};
  const bt_rule_verdict *verdicts = NULL;
  const bt_trace *trace = family->traces[0].trace;
  set_options(j, trace);
  bt_status status = bt_eval_run_family_within(&limit, j->evaluator, family, j->options, &verdicts, error);
  return status == BT_OK ? j->judged(j->context, trace, family, verdicts, error) : status;
}

static bt_status gather_family(judging *j, bt_error *error) {
  const bt_one_trace_request *r = j->request;
  bt_replay_request request = {.rules = r->rules,
                               .rule_count = r->count,
                               .assumptions = r->service->assumptions,
                               .tenant = r->call->tenant,
                               .cancel = bt_call_cancel(r->call),
                               .memory = r->service->account,
                               .priority = BT_PRIORITY_PEOPLE};
  return bt_given_families_gather(r->source, &request, &j->own, 1, judge_family, j, NULL, error);
}

bt_status bt_one_trace_judge(const bt_one_trace_request *request, const bt_trace_id *id, bt_one_trace_judged judged,
                             void *context, bt_error *error) {
  judging j = {.request = request, .judged = judged, .context = context};
  bt_status status = open_judging(&j, error);
  if (status == BT_OK) status = read_trace(&j, id, error);
  if (status == BT_OK && j.awaits_links) status = gather_family(&j, error);
  close_judging(&j);
  return status;
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
