/* GET /v1/traces/{trace_id}/verdicts: what every enabled rule says of one trace. It reads the trace once, whole. The
 * answer says why an absence in it may not be proven, and which enabled rules could not be asked. One span is shown
 * with all that the source gave, where somebody asks for it. See routes.h. */
#include <stdlib.h>

#include "server/http/one_trace.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/json/json_values.h"
#include "server/json/linked_json.h"
#include "server/json/span_json.h"
#include "server/json/trace_json.h"

typedef struct question {
  const bt_service *service;
  bt_source *source;
  bt_call *call;
  bool is_said;                     /* which store is asked */
  bt_rule_list list;                /* all rules of the tenant; holds the references */
  const bt_rule_definition **rules; /* the enabled ones */
  const bt_rule **checked;
  size_t count;
  bool shows_spans, has_span_id;
  bt_span_id span_id; /* of the span that is shown whole */
  json_t *answer;
} question;

/* ---- rules ---- */

/* A rule of another store says nothing of a trace of this one, but where somebody asks for it. */
static const char *find_elsewhere(const question *q, const bt_rule_definition *rule) {
  return bt_rule_elsewhere(q->service, bt_call_tenant(q->call), q->source, q->is_said, rule);
}

static bt_status choose_rules(question *q, bt_error *error) {
  bt_status status = bt_rule_store_snapshot(q->service->store, bt_call_tenant(q->call), &q->list, error);
  if (status) return status;
  q->rules = calloc(q->list.count + 1, sizeof *q->rules);
  q->checked = calloc(q->list.count + 1, sizeof *q->checked);
  if (!q->rules || !q->checked) return bt_error_no_memory(error);
  for (size_t i = 0; i < q->list.count; i++) {
    if (!q->list.items[i]->fields.enabled || find_elsewhere(q, q->list.items[i])) continue;
    q->checked[q->count] = q->list.items[i]->rule;
    q->rules[q->count++] = q->list.items[i];
  }
  return BT_OK;
}

static void append_elsewhere(const question *q, json_t *list) {
  for (size_t i = 0; i < q->list.count; i++) {
    const bt_rule_definition *rule = q->list.items[i];
    const char *own = find_elsewhere(q, rule);
    if (rule->fields.enabled && own)
      bt_json_append(list, json_pack("{s:s, s:o}", "rule_id", rule->fields.id, "reason",
                                     json_sprintf("it is of the store %s, and the trace was read in %s: ask with "
                                                  "store=%s",
                                                  own, q->source->store ? q->source->store : BT_OWN_STORE, own)));
  }
}

/* Enabled rules whose text does not compile, or of other stores: without them the list would look complete. */
static bt_status broken_json(const question *q, json_t **out, bt_error *error) {
  bt_rule_list broken = {0};
  *out = NULL;
  bt_status status = bt_rule_store_broken(q->service->store, bt_call_tenant(q->call), &broken, error);
  if (status) return status;
  *out = json_array();
  for (size_t i = 0; i < broken.count; i++) {
    if (!broken.items[i]->fields.enabled) continue;
    bt_json_append(*out, json_pack("{s:s, s:o}", "rule_id", broken.items[i]->fields.id, "reason",
                                   bt_text_json(bt_str_from(broken.items[i]->broken))));
  }
  append_elsewhere(q, *out);
  bt_rule_list_dispose(&broken);
  return BT_OK;
}

/* ---- the trace ---- */

/* Why spans may be missing. */
static json_t *incomplete_json(const question *q, const bt_trace *trace) {
  json_t *reasons = json_array();
  bool is_unsettled = false;
  for (size_t i = 0; i < q->count; i++)
    is_unsettled = is_unsettled || bt_one_trace_is_unsettled(q->service, q->source, q->rules[i], trace);
  if (is_unsettled) bt_json_append(reasons, json_string("unsettled"));
  if (trace->partial) bt_json_append(reasons, json_string("partial"));
  if (trace->pruned) bt_json_append(reasons, json_string("pruned"));
  if (trace->missing_parents) bt_json_append(reasons, json_string("missing_parents"));
  return reasons;
}

static json_t *trace_json(const question *q, const bt_trace *trace) {
  json_t *object = bt_trace_facts_json(trace);
  bt_json_set(object, "incomplete", incomplete_json(q, trace));
  return object;
}

/* ---- verdicts ---- */

static bt_status verdict_json(const question *q, const bt_rule_definition *rule, const bt_trace *trace,
                              const bt_rule_verdict *verdict, json_t **out, bt_error *error) {
  bool is_unsettled = bt_one_trace_is_unsettled(q->service, q->source, rule, trace);
  json_t *judged;
  *out = NULL;
  bt_status status = bt_one_trace_verdict_json(q->call, rule, trace, verdict, is_unsettled, &judged, error);
  if (status) return status;
  *out = json_pack("{s:s, s:o, s:I, s:s, s:b}", "rule_id", rule->fields.id, "rule_name",
                   bt_text_json(bt_str_from(rule->fields.name)), "rule_version", (json_int_t)rule->version, "severity",
                   bt_severity_name(rule->fields.severity), "shadow", (int)rule->fields.shadow);
  bt_json_set_all(*out, judged);
  return BT_OK;
}

/* Of the same read as the verdicts: another one could show another trace. */
static bt_status add_spans(question *q, const bt_trace *trace, const bt_rule_verdict *verdicts, bt_error *error) {
  json_t *spans = NULL;
  bt_status status = bt_trace_spans_json(trace, q->checked, verdicts, q->count, BT_TRACE_SPANS_SHOWN, &spans, error);
  if (!status) bt_json_set(q->answer, "spans", spans);
  return status;
}

static bt_status add_whole_span(question *q, const bt_trace *trace, bt_error *error) {
  json_t *spans = NULL;
  char hex[BT_SPAN_ID_HEX + 1];
  bt_span_id_format(&q->span_id, hex);
  bt_status status = bt_whole_spans_json(trace, &q->span_id, &spans, error);
  if (!status && !json_array_size(spans))
    status = bt_error_set(error, BT_NOT_FOUND, "The trace has no span %s, as far as the source gives it now.", hex);
  if (status) {
    json_decref(spans);
  } else {
    bt_json_set(q->answer, "whole_spans", spans);
  }
  return status;
}

static bt_status answer_verdicts(question *q, const bt_trace *trace, const bt_rule_verdict *verdicts, bt_error *error) {
  json_t *list = json_array(), *broken = NULL, *item = NULL;
  bt_status status = broken_json(q, &broken, error);
  for (size_t i = 0; i < q->count && !status; i++) {
    status = verdict_json(q, q->rules[i], trace, &verdicts[i], &item, error);
    if (!status) bt_json_append(list, item);
  }
  q->answer = trace_json(q, trace);
  bt_json_set(q->answer, "verdicts", list);
  if (broken) bt_json_set(q->answer, "not_evaluated", broken);
  if (q->shows_spans && !status) status = add_spans(q, trace, verdicts, error);
  if (q->has_span_id && !status) status = add_whole_span(q, trace, error);
  return status;
}

static bt_status take_verdicts(void *context, const bt_trace *trace, const bt_family *family,
                               const bt_rule_verdict *verdicts, bt_error *error) {
  question *q = context;
  json_t *linked = NULL;
  bt_status status = answer_verdicts(q, trace, verdicts, error);
  if (status == BT_OK) status = bt_linked_json(family, &linked, error);
  if (status == BT_OK) bt_json_set(q->answer, "linked", linked);
  return status;
}

static bt_status judge_trace(question *q, const bt_trace_id *id, bt_error *error) {
  bt_one_trace_request request = {q->service, q->source, q->call, q->rules, q->count, NULL, NULL, q->has_span_id};
  return bt_one_trace_judge(&request, id, take_verdicts, q, error);
}

/* False: answered 400 already. */
static bool read_include(bt_call *call, bool *shows_spans) {
  bt_str include;
  if (!bt_call_query(call, "include", &include)) return bt_call_query_whole(call);
  *shows_spans = bt_str_equal(include, BT_STR("spans"));
  if (!*shows_spans)
    bt_call_problem(call, 400, "invalid-parameter", "include has to be spans; \"%.*s\" came.",
                    (int)(include.len < 100 ? include.len : 100), include.ptr);
  return *shows_spans;
}

/* False: answered 400 already. */
static bool read_span_id(question *q) {
  bt_str text;
  if (!bt_call_query(q->call, "span", &text)) return bt_call_query_whole(q->call);
  q->has_span_id = bt_span_id_parse(text, &q->span_id) && !bt_span_id_is_zero(&q->span_id);
  if (!q->has_span_id)
    bt_call_problem(q->call, 400, "invalid-parameter",
                    "span has to be a span id, 1 to 16 hex digits that are not all 0; \"%.*s\" came.",
                    (int)(text.len < 100 ? text.len : 100), text.ptr);
  return q->has_span_id;
}

void bt_api_trace_verdicts(void *context, bt_call *call) {
  static const char *const parameters[] = {"include", "span", "store", NULL};
  question q = {.service = context, .call = call};
  bt_trace_id id;
  bt_error error = {0};
  bt_str said;
  if (!bt_call_query_allows(call, parameters) || !read_include(call, &q.shows_spans) || !read_span_id(&q)) return;
  if (!bt_trace_id_parse(bt_str_from(bt_call_id(call)), &id)) {
    bt_call_problem(call, 400, "invalid-parameter", "A trace id has 1 to 32 hex digits; \"%.100s\" came.",
                    bt_call_id(call));
    return;
  }
  q.is_said = bt_call_query(call, "store", &said);
  if (!(q.source = bt_query_store(context, call, NULL))) return;
  bt_status status = choose_rules(&q, &error);
  if (!status) status = judge_trace(&q, &id, &error);
  if (status) {
    json_decref(q.answer);
    bt_call_error(call, status, &error);
  } else {
    bt_call_json(call, 200, q.answer);
  }
  free(q.rules);
  free(q.checked);
  bt_rule_list_dispose(&q.list);
}
