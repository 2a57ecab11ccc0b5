/* POST /v1/rules/test: the verdict of one rule on one trace, given as OTLP JSON (with those that are linked to it) or
 * by its id in the source. See routes.h. */
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/evaluate/data_notes.h"
#include "server/rules/rule_compile.h"
#include "server/base/eval_limit.h"
#include "server/base/time_text.h"
#include "server/http/body_traces.h"
#include "server/http/one_trace.h"
#include "server/http/routes.h"
#include "server/http/rule_body.h"
#include "server/http/store_choice.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

typedef struct rule_test {
  const bt_service *service;
  bt_source *source;
  bt_call *call;
  const bt_rule_definition *definition;
  bool is_adhoc;
  bool is_answered;
  const int64_t *clock_skew_ns; /* NULL: the rule's or the service's; else skew_ns */
  int64_t skew_ns;
} rule_test;

/* ---- the verdict ---- */

/* What the check says about the text: warnings, since a text with errors gets no verdict. */
static json_t *warnings_json(const bt_rule_definition *definition) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_compile_rule(bt_str_from(definition->fields.dsl), false, &rule, &diagnostics, &error);
  if (status) bt_json_memory_lacks(); /* it compiled when it was stored */
  json_t *array = status ? NULL : bt_diagnostics_json(&diagnostics);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return array;
}

/* What the rule's names and comparisons met in these traces, as in a replay. */
static json_t *notes_json(const bt_rule_definition *definition, const bt_trace *trace, const bt_family *family,
                          const bt_rule_verdict *verdict) {
  bt_data_notes *notes = NULL;
  if (bt_data_notes_new(definition->rule, &notes, NULL)) {
    bt_json_memory_lacks();
    return json_array();
  }
  bt_data_notes_are_of_some(notes);
  bt_data_notes_look(notes, trace);
  for (uint32_t i = 1; family && i < family->trace_count; i++) bt_data_notes_look(notes, family->traces[i].trace);
  bt_data_notes_take(notes, verdict);
  json_t *array = bt_data_notes_json(notes);
  bt_data_notes_free(notes);
  return array;
}

static bt_status answer_verdict(rule_test *test, const bt_trace *trace, const bt_family *family,
                                const bt_rule_verdict *verdict, bool is_unsettled, bt_error *error) {
  char trace_id[BT_TRACE_ID_HEX + 1];
  json_t *answer;
  bt_status status =
      bt_one_trace_verdict_json(test->call, test->definition, trace, verdict, is_unsettled, &answer, error);
  if (status) return status;
  bt_trace_id_format(&trace->id, trace_id);
  bt_json_set(answer, "rule_id", test->is_adhoc ? json_null() : json_string(test->definition->fields.id));
  bt_json_set(answer, "trace_id", json_string(trace_id));
  bt_json_set(answer, "diagnostics", warnings_json(test->definition));
  bt_json_set(answer, "notes", notes_json(test->definition, trace, family, verdict));
  bt_call_json(test->call, 200, answer);
  test->is_answered = true;
  return BT_OK;
}

/* Evaluates and answers, with the settings that a replay of this rule would have, but for what the body says. */
static bt_status judge_given(rule_test *test, const bt_body_traces *given, bt_error *error) {
  bt_eval_options options = bt_one_trace_options(test->service, test->definition, given->own, false);
  const bt_rule *rule = test->definition->rule;
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  bt_eval_limit limit = {.cancel = bt_call_cancel(test->call)};
  const bt_rule_verdict *verdict = NULL;
  if (test->clock_skew_ns) options.clock_skew_ns = *test->clock_skew_ns;
  bt_status status = bt_ruleset_new(&rule, 1, &ruleset, error);
  if (!status) status = bt_evaluator_new(ruleset, &evaluator, error);
  if (!status && given->family)
    status = bt_eval_run_family_within(&limit, evaluator, given->family, &options, &verdict, error);
  else if (!status)
    status = bt_eval_run_within(&limit, evaluator, given->own, &options, &verdict, error);
  if (!status) status = answer_verdict(test, given->own, given->family, verdict, false, error);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return status;
}

/* ---- the trace ---- */

/* A trace in the body is as complete as the user says it is: nothing of it is still to come. */
static bt_status judge_body(rule_test *test, json_t *trace, json_t *others, bt_error *error) {
  bt_body_traces given = {0};
  bt_field_errors errors = {0};
  bt_status status = bt_body_traces_read(trace, others, &given, &errors, error);
  if (status)
    bt_field_errors_drop(&errors);
  else if (bt_call_refuse_fields(test->call, &errors))
    test->is_answered = true;
  else
    status = judge_given(test, &given, error);
  bt_body_traces_dispose(&given);
  return status;
}

static bt_status answer_stored(void *context, const bt_trace *trace, const bt_family *family,
                               const bt_rule_verdict *verdicts, bt_error *error) {
  rule_test *test = context;
  return answer_verdict(test, trace, family, verdicts,
                        bt_one_trace_is_unsettled(test->service, test->source, test->definition, trace), error);
}

static bt_status judge_stored(rule_test *test, const bt_trace_id *id, bt_error *error) {
  const char *payer = test->is_adhoc ? NULL : test->definition->fields.id;
  bt_one_trace_request request = {test->service, test->source,        test->call, &test->definition, 1,
                                  payer,         test->clock_skew_ns, false};
  return bt_one_trace_judge(&request, id, answer_stored, test, error);
}

/* ---- the request ---- */

static json_t *find_member(json_t *body, const char *name) {
  json_t *value = json_object_get(body, name);
  return json_is_null(value) ? NULL : value;
}

static void check_trace(json_t *body, bt_trace_id *trace_id, bt_field_errors *errors) {
  json_t *trace = find_member(body, "trace"), *others = find_member(body, "others"),
         *id = find_member(body, "trace_id");
  if (!trace == !id) bt_field_errors_add(errors, "trace", "exactly one of trace and trace_id has to say which trace");
  if (trace && !json_is_object(trace))
    bt_field_errors_add(errors, "trace", "has to be an object: OTLP JSON, as in {\"resourceSpans\": [...]}");
  if (id &&
      !(json_is_string(id) && bt_trace_id_parse((bt_str){json_string_value(id), json_string_length(id)}, trace_id)))
    bt_field_errors_add(errors, "trace_id", "has to be a trace id: 1 to 32 hex digits");
  if (others && !json_is_object(others))
    bt_field_errors_add(errors, "others", "has to be an object: OTLP JSON with the spans of the linked traces");
  if (others && id)
    bt_field_errors_add(
        errors, "others",
        "expected with trace, not with trace_id: what links tie to a trace of the source is read there");
}

static void check_clock_skew(rule_test *test, json_t *body, bt_field_errors *errors) {
  json_t *skew = find_member(body, "clock_skew");
  const char *text = json_string_value(skew);
  if (!skew) return;
  bool is_duration = text && bt_duration_parse(bt_str_from(text), &test->skew_ns);
  if (is_duration && test->skew_ns >= 0 && test->skew_ns <= BT_RULE_MAX_OVERRIDE_NS) {
    test->clock_skew_ns = &test->skew_ns;
    return;
  }
  char *got = json_dumps(skew, JSON_ENCODE_ANY | JSON_COMPACT);
  bt_field_errors_add(errors, "clock_skew",
                      "expected a duration of 0 to 30d with a unit, as in \"500ms\" or \"2m\", got %.40s",
                      got ? got : "something else");
  free(got);
}

static void check_body(rule_test *test, json_t *body, bt_trace_id *trace_id, bt_field_errors *errors) {
  static const char *const names[] = {"dsl", "rule_id", "trace", "others", "trace_id", "clock_skew", "store", NULL};
  json_t *dsl = find_member(body, "dsl"), *rule_id = find_member(body, "rule_id");
  bt_field_errors_unknown(errors, body, names);
  if (!dsl == !rule_id) bt_field_errors_add(errors, "dsl", "exactly one of dsl and rule_id has to say which rule");
  if (dsl && !json_is_string(dsl)) bt_field_errors_add(errors, "dsl", "has to be a string: a rule's text");
  if (rule_id && !json_is_string(rule_id)) bt_field_errors_add(errors, "rule_id", "has to be a string");
  check_trace(body, trace_id, errors);
  check_clock_skew(test, body, errors);
}

/* NULL: answered. */
static const bt_rule_definition *find_rule(const bt_service *service, bt_call *call, json_t *body) {
  json_t *dsl = find_member(body, "dsl");
  if (dsl) return bt_rule_body_adhoc(call, json_string_value(dsl));
  const bt_rule_definition *definition = NULL;
  bt_error error = {0};
  const char *id = json_string_value(find_member(body, "rule_id"));
  bt_status status = bt_rule_store_get(service->store, bt_call_tenant(call), id, &definition, &error);
  if (status) bt_call_error(call, status, &error);
  return definition;
}

static void run_test(rule_test *test, json_t *body, const bt_trace_id *trace_id) {
  bt_error error = {0};
  json_t *trace = find_member(body, "trace");
  bt_status status =
      trace ? judge_body(test, trace, find_member(body, "others"), &error) : judge_stored(test, trace_id, &error);
  if (status && !test->is_answered) bt_call_error(test->call, status, &error);
}

void bt_api_rules_test(void *context, bt_call *call) {
  bt_trace_id trace_id;
  bt_field_errors errors = {0};
  json_t *body = bt_call_body(call, false);
  if (!body) return;
  rule_test test = {.service = context, .call = call, .is_adhoc = find_member(body, "dsl") != NULL};
  check_body(&test, body, &trace_id, &errors);
  if (!bt_call_refuse_fields(call, &errors)) {
    test.definition = find_rule(context, call, body);
    if (test.definition) test.source = bt_body_store(context, call, body, &test.definition, 1, &errors);
    if (test.definition && !bt_call_refuse_fields(call, &errors)) run_test(&test, body, &trace_id);
    bt_rule_definition_unref(test.definition);
  }
  json_decref(body);
}
