/* The table of methods, and the way of one call: message → JSON → HTTP's route → JSON → message. See methods.h. */
#include "server/grpc/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/grpc/betrace/v1/health.pb-c.h"
#include "server/grpc/betrace/v1/rule.pb-c.h"
#include "server/grpc/betrace/v1/span.pb-c.h"
#include "server/grpc/betrace/v1/violation.pb-c.h"
#include "server/grpc/grpc/health/v1/health.pb-c.h"
#include "server/grpc/transcoder.h"
#include "server/http/router.h"
#include "server/http/routes.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"
#include "tempo/wire/url.h"

typedef enum body_form {
  IN_QUERY, /* fields that the path does not take are the query */
  IN_BODY,  /* they are the body */
  RULE,     /* the field `rule` is the body */
  AS_IT_IS  /* the message's bytes are the body */
} body_form;

typedef struct method {
  const char *name;
  const ProtobufCMessageDescriptor *input, *output; /* output NULL: OTLP's answer to an export */
  const char *http_method, *path;                   /* a segment in braces is a field of the message */
  body_form form;
  bool takes_timeout;   /* without one the call's deadline is it */
  bool answers_unready; /* 503 is an answer, too */
} method;

#define RULES      "/betrace.v1.RuleService/"
#define VIOLATIONS "/betrace.v1.ViolationService/"
#define SPANS      "/betrace.v1.SpanService/"
#define HEALTH     "/betrace.v1.HealthService/"
#define OTLP       "/opentelemetry.proto.collector."
#define TYPE(name) &betrace__v1__##name##__descriptor

static const method service_methods[] = {
    {RULES "ListRules", TYPE(list_rules_request), TYPE(list_rules_response), "GET", "/v1/rules", IN_QUERY, 0, 0},
    {RULES "GetRule", TYPE(get_rule_request), TYPE(rule), "GET", "/v1/rules/{id}", IN_QUERY, 0, 0},
    {RULES "CreateRule", TYPE(create_rule_request), TYPE(rule), "POST", "/v1/rules", RULE, 0, 0},
    {RULES "UpdateRule", TYPE(update_rule_request), TYPE(rule), "PUT", "/v1/rules/{id}", RULE, 0, 0},
    {RULES "DeleteRule", TYPE(delete_rule_request), TYPE(empty), "DELETE", "/v1/rules/{id}", IN_QUERY, 0, 0},
    {RULES "EnableRule", TYPE(get_rule_request), TYPE(rule), "POST", "/v1/rules/{id}/enable", IN_BODY, 0, 0},
    {RULES "DisableRule", TYPE(get_rule_request), TYPE(rule), "POST", "/v1/rules/{id}/disable", IN_BODY, 0, 0},
    {RULES "ValidateRule", TYPE(validate_rule_request), TYPE(validate_rule_response), "POST", "/v1/rules/validate",
     IN_BODY, 0, 0},
    {RULES "ReplayRule", TYPE(replay_rule_request), TYPE(replay_rule_response), "POST", "/v1/rules/{id}/replay",
     IN_BODY, 0, 0},
    {RULES "GetReplayStatus", TYPE(get_rule_request), TYPE(replay), "GET", "/v1/rules/{id}/replay/status", IN_QUERY, 0,
     0},
    {VIOLATIONS "QueryViolations", TYPE(query_violations_request), TYPE(query_violations_response), "POST",
     "/v1/violations/query", IN_BODY, true, 0},
    {VIOLATIONS "GetSeries", TYPE(get_series_request), TYPE(get_series_response), "POST", "/v1/violations/series",
     IN_BODY, true, 0},
    {VIOLATIONS "GetFirstViolation", TYPE(get_first_violation_request), TYPE(get_first_violation_response), "GET",
     "/v1/rules/{id}/first-violation", IN_QUERY, true, 0},
    {VIOLATIONS "GetTraceVerdicts", TYPE(get_trace_verdicts_request), TYPE(get_trace_verdicts_response), "GET",
     "/v1/traces/{trace_id}/verdicts", IN_QUERY, 0, 0},
    {SPANS "PushSpans", TYPE(push_spans_request), TYPE(push_spans_response), "POST", "/v1/spans", IN_BODY, 0, 0},
    {OTLP "trace.v1.TraceService/Export", NULL, NULL, "POST", "/v1/spans", AS_IT_IS, 0, 0},
    {SPANS "ExportTraces", TYPE(otlp_traces), TYPE(push_spans_response), "POST", "/v1/spans", AS_IT_IS, 0, 0},
    {HEALTH "Check", TYPE(check_request), TYPE(check_response), "GET", "/v1/health", IN_QUERY, 0, 0},
    {HEALTH "Ready", TYPE(check_request), TYPE(ready_response), "GET", "/v1/ready", IN_QUERY, 0, true},
};

/* What exporters of OpenTelemetry call. */
static const method receiver_methods[] = {
    {OTLP "trace.v1.TraceService/Export", NULL, NULL, "POST", "/v1/traces", AS_IT_IS, 0, 0},
    {OTLP "metrics.v1.MetricsService/Export", NULL, NULL, "POST", "/v1/metrics", AS_IT_IS, 0, 0},
    {OTLP "logs.v1.LogsService/Export", NULL, NULL, "POST", "/v1/logs", AS_IT_IS, 0, 0},
};

typedef struct method_table {
  const method *items;
  size_t count;
} method_table;

static const method_table tables[] = {
    [BT_GRPC_SERVICE] = {service_methods, sizeof service_methods / sizeof *service_methods},
    [BT_GRPC_RECEIVER] = {receiver_methods, sizeof receiver_methods / sizeof *receiver_methods}};

static const char STANDARD_HEALTH[] = "/grpc.health.v1.Health/Check";

static const method *find_method(bt_grpc_api api, bt_str name) {
  for (size_t i = 0; i < tables[api].count; i++)
    if (bt_str_equal(name, bt_str_from(tables[api].items[i].name))) return &tables[api].items[i];
  return NULL;
}

/* ---- answers ---- */

static void refuse_call(bt_grpc_answer *answer, int code, const char *text) {
  bt_buffer_clear(&answer->message);
  bt_buffer_clear(&answer->details);
  bt_buffer_append(&answer->details, bt_str_from(text));
  answer->code = code;
}

/* "2:7 E012 message", or "field: message". */
static void write_problem_error(json_t *error, bt_buffer *out) {
  const char *message = json_string_value(json_object_get(error, "message"));
  const char *code = json_string_value(json_object_get(error, "code"));
  const char *field = json_string_value(json_object_get(error, "field"));
  const char *detail = json_string_value(json_object_get(error, "detail"));
  if (field) bt_buffer_printf(out, "\n%s: %s", field, message ? message : detail ? detail : "");
  if (field || !message) return;
  bt_buffer_printf(out, "\n%lld:%lld %s %s", (long long)json_integer_value(json_object_get(error, "line")),
                   (long long)json_integer_value(json_object_get(error, "column")), code ? code : "", message);
}

/* The problem document in words, and itself. */
static void take_problem(bt_grpc_answer *answer, int code, bt_str document) {
  json_t *problem = json_loadb(document.ptr ? document.ptr : "", document.len, 0, NULL), *item;
  const char *detail = json_string_value(json_object_get(problem, "detail"));
  size_t index;
  refuse_call(answer, code, detail ? detail : "The call failed.");
  json_array_foreach(json_object_get(problem, "errors"), index, item) write_problem_error(item, &answer->details);
  if (answer->details.len > BT_GRPC_DETAILS_BYTES) {
    size_t end = BT_GRPC_DETAILS_BYTES;
    while (end && ((unsigned char)answer->details.ptr[end] & 0xC0) == 0x80) end--;
    answer->details.ptr[answer->details.len = end] = 0;
  }
  if (problem && document.len <= BT_GRPC_PROBLEM_BYTES) bt_buffer_append(&answer->problem, document);
  json_decref(problem);
}

static void write_partial_success(const json_t *body, bt_buffer *out) {
  const char *detail = json_string_value(json_object_get(body, "detail"));
  bt_str why = bt_str_from(detail ? detail : "some spans were not accepted");
  bt_buffer partial = {0};
  bt_buffer_append_char(&partial, 1 << 3);
  bt_grpc_write_varint(&partial, (uint64_t)json_integer_value(json_object_get(body, "rejected")));
  bt_buffer_append_char(&partial, 2 << 3 | 2);
  bt_grpc_write_varint(&partial, why.len);
  bt_buffer_append(&partial, why);
  bt_buffer_append_char(out, 1 << 3 | 2);
  bt_grpc_write_varint(out, partial.len);
  bt_buffer_append(out, bt_buffer_str(&partial));
  out->failed = out->failed || partial.failed;
  bt_buffer_dispose(&partial);
}

/* ExportTraceServiceResponse: empty when everything was taken, a partial success when some was. */
static void take_export(const bt_call *call, bt_grpc_answer *answer) {
  bt_str text = bt_buffer_str(&call->answer);
  int code = bt_problem_rpc_code(call->status);
  json_t *body = code == BT_RPC_OK || !text.len ? NULL : json_loadb(text.ptr, text.len, 0, NULL);
  if (json_integer_value(json_object_get(body, "accepted")) > 0)
    write_partial_success(body, &answer->message);
  else if (code != BT_RPC_OK)
    take_problem(answer, code, text);
  json_decref(body);
}

static void take_answer(const method *m, const bt_call *call, bt_grpc_answer *answer) {
  int code = bt_problem_rpc_code(call->status);
  bt_error error = {0};
  bt_str text = bt_buffer_str(&call->answer);
  if (code == BT_RPC_UNAVAILABLE && m->answers_unready) code = BT_RPC_OK;
  if (code != BT_RPC_OK) {
    take_problem(answer, code, text);
    return;
  }
  json_t *body = text.len ? json_loadb(text.ptr, text.len, 0, NULL) : json_object();
  bt_status status = body ? bt_grpc_from_json(m->output, body, &answer->message, &error)
                          : bt_error_set(&error, BT_INVALID, "the answer is no JSON");
  json_decref(body);
  if (status) refuse_call(answer, status == BT_NO_MEMORY ? BT_RPC_UNAVAILABLE : BT_RPC_INTERNAL, error.message);
}

/* ---- requests ---- */

typedef struct built { /* the HTTP request */
  bt_buffer path, query, body, if_match;
} built;

/* Takes the fields that the path names out of the message. False: one is not there. */
static bool build_path(const char *pattern, json_t *fields, bt_buffer *out) {
  char name[32];
  while (*pattern) {
    size_t plain = strcspn(pattern, "{");
    bt_buffer_append(out, (bt_str){pattern, plain});
    pattern += plain;
    if (!*pattern) break;
    size_t length = strcspn(pattern, "}");
    snprintf(name, sizeof name, "%.*s", (int)length - 1, pattern + 1);
    const char *value = json_string_value(json_object_get(fields, name));
    if (!value || !*value) return false;
    bt_url_encode(out, bt_str_from(value));
    json_object_del(fields, name);
    pattern += length + 1;
  }
  return true;
}

static void add_parameter(bt_buffer *query, const char *name, json_t *value) {
  char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
  bt_buffer_printf(query, "%s%s=", query->len ? "&" : "", name);
  bt_url_encode(query, bt_str_from(text ? text : json_is_string(value) ? json_string_value(value) : ""));
  free(text);
}

static void build_query(json_t *fields, bt_buffer *out) {
  const char *name;
  json_t *value, *item;
  size_t index;
  json_object_foreach(fields, name, value) {
    if (!json_is_array(value)) add_parameter(out, name, value);
    json_array_foreach(value, index, item) add_parameter(out, name, item);
  }
}

static void build_body(json_t *body, bt_buffer *out) {
  char *text = json_dumps(body, JSON_COMPACT);
  if (text)
    bt_buffer_append(out, bt_str_from(text));
  else
    out->failed = true;
  free(text);
}

/* A tenth of the time is kept for the way back. */
static void set_timeout(const method *m, const bt_grpc_request *request, json_t *fields) {
  static const int64_t MINUTE_NS = INT64_C(60000000000), MS = 1000000;
  char text[32];
  if (!m->takes_timeout || request->remaining_ns == INT64_MAX || json_object_get(fields, "timeout")) return;
  int64_t timeout_ns = request->remaining_ns / 10 * 9;
  if (timeout_ns > MINUTE_NS) timeout_ns = MINUTE_NS;
  snprintf(text, sizeof text, "%lldms", (long long)(timeout_ns < MS ? 1 : timeout_ns / MS));
  bt_json_set(fields, "timeout", json_string(text));
}

static bool build_request(const method *m, const bt_grpc_request *request, json_t *fields, built *out) {
  json_t *version = json_object_get(fields, "if_version"), *rule = json_object_get(fields, "rule");
  if (version) bt_buffer_printf(&out->if_match, "\"%lld\"", (long long)json_integer_value(version));
  json_object_del(fields, "if_version");
  if (!build_path(m->path, fields, &out->path)) return false;
  set_timeout(m, request, fields);
  switch (m->form) {
  case IN_QUERY: build_query(fields, &out->query); break;
  case IN_BODY: build_body(fields, &out->body); break;
  case RULE:
    if (rule)
      build_body(rule, &out->body);
    else
      bt_buffer_append(&out->body, BT_STR("{}"));
    break;
  case AS_IT_IS: break;
  }
  return true;
}

/* What is known of a call while it runs. */
typedef struct handling {
  const method *method; /* NULL: the standard health check */
  bt_grpc_done done;
  void *context;
} handling;

static void take_standard_health(const bt_call *call, bt_grpc_answer *answer) {
  bool serves = call && call->status == 200;
  bt_buffer_append_char(&answer->message, 1 << 3);
  bt_grpc_write_varint(&answer->message, serves ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
                                                : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
}

static void give_answer(bt_grpc_done done, void *context, bt_grpc_answer *answer) {
  if (answer->message.failed) refuse_call(answer, BT_RPC_UNAVAILABLE, "There is not enough memory for this answer.");
  done(context, answer);
  bt_grpc_answer_dispose(answer);
}

static void take_call(void *context, bt_call *call) {
  handling *h = context;
  bt_grpc_answer answer = {.was_routed = call != NULL};
  bt_json_memory_begin();
  if (!h->method)
    take_standard_health(call, &answer);
  else if (call && !h->method->output)
    take_export(call, &answer);
  else if (call)
    take_answer(h->method, call, &answer);
  if (h->method && (!call || bt_json_memory_failed()))
    refuse_call(&answer, BT_RPC_UNAVAILABLE, "There is not enough memory for this call; try again later.");
  bt_call_free(call);
  give_answer(h->done, h->context, &answer);
  free(h);
}

/* Without memory for it there is no call. */
static void run_http(bt_http_server *http, const handling *h, const bt_local_request *request) {
  handling *kept = request ? malloc(sizeof *kept) : NULL, here = *h;
  if (!kept) {
    bt_grpc_answer answer = {0};
    refuse_call(&answer, BT_RPC_UNAVAILABLE, "There is not enough memory for this call; try again later.");
    give_answer(here.done, here.context, &answer);
    return;
  }
  *kept = here;
  bt_http_server_run(http, request, take_call, kept);
}

static void call_http(bt_http_server *http, const handling *h, const bt_grpc_request *request, const built *b) {
  const method *m = h->method;
  bool as_it_is = m->form == AS_IT_IS;
  bt_local_request local = {.method = bt_str_from(m->http_method),
                            .path = bt_buffer_str(&b->path),
                            .query = bt_buffer_str(&b->query),
                            .body = as_it_is ? request->message : bt_buffer_str(&b->body),
                            .body_type = as_it_is ? BT_STR("application/x-protobuf") : BT_STR("application/json"),
                            .authorization = request->authorization,
                            .tenant = request->tenant,
                            .grafana_user = request->grafana_user,
                            .if_match = bt_buffer_str(&b->if_match),
                            .from = BT_STR("grpc"),
                            .is_counted = true,
                            .scope = request->scope,
                            .lane = bt_grpc_lane(request->api, request->method),
                            .turn = request->turn};
  bool failed = b->path.failed || b->query.failed || b->body.failed || b->if_match.failed || bt_json_memory_failed();
  run_http(http, h, failed ? NULL : &local);
}

static void refuse_message(bt_grpc_answer *answer, bt_status status, const bt_error *error) {
  bool is_large = status == BT_LIMIT;
  refuse_call(answer,
              status == BT_NO_MEMORY ? BT_RPC_UNAVAILABLE
              : is_large             ? BT_RPC_RESOURCE_EXHAUSTED
                                     : BT_RPC_INVALID_ARGUMENT,
              error->message);
}

/* False: it is refused, and was not begun. */
static bool handle_method(bt_http_server *http, const handling *h, const bt_grpc_request *request,
                          bt_grpc_answer *answer) {
  const method *m = h->method;
  json_t *fields = NULL;
  built b = {0};
  bt_error error = {0};
  bt_status status = BT_OK;
  bt_json_memory_begin(); /* a message that lost a field on its way would be another one */
  if (m->form != AS_IT_IS)
    status = bt_grpc_to_json(m->input, request->message, &fields, &error);
  else if (!(fields = json_object()))
    status = bt_error_no_memory(&error);
  bool is_built = !status && build_request(m, request, fields, &b);
  if (status)
    refuse_message(answer, status, &error);
  else if (is_built)
    call_http(http, h, request, &b);
  else
    refuse_call(answer, BT_RPC_INVALID_ARGUMENT, "The message names no id, which this method needs.");
  bt_buffer_dispose(&b.path);
  bt_buffer_dispose(&b.query);
  bt_buffer_dispose(&b.body);
  bt_buffer_dispose(&b.if_match);
  json_decref(fields);
  return is_built;
}

/* ---- grpc.health.v1 ---- */

static bool is_served(bt_grpc_api api, const char *service) {
  size_t length = strlen(service);
  if (!length) return true;
  for (size_t i = 0; i < tables[api].count; i++) {
    const char *name = tables[api].items[i].name + 1;
    if (strncmp(name, service, length) == 0 && name[length] == '/') return true;
  }
  return false;
}

/* Open to everybody, as GET /ready is. False: it is refused. */
static bool handle_standard_health(bt_http_server *http, const handling *h, const bt_grpc_request *request,
                                   bt_grpc_answer *answer) {
  json_t *fields = NULL;
  bt_error error = {0};
  bt_local_request local = {.method = BT_STR("GET"),
                            .path = BT_STR("/ready"),
                            .from = BT_STR("grpc"),
                            .scope = request->scope,
                            .lane = BT_LANE_PROBE,
                            .turn = request->turn};
  bt_status status =
      bt_grpc_to_json(&grpc__health__v1__health_check_request__descriptor, request->message, &fields, &error);
  const char *service = json_string_value(json_object_get(fields, "service"));
  bool is_known = !status && is_served(request->api, service ? service : "");
  if (status)
    refuse_message(answer, status, &error);
  else if (!is_known)
    refuse_call(answer, BT_RPC_NOT_FOUND, "There is no such service here.");
  json_decref(fields);
  if (is_known) run_http(http, h, &local);
  return is_known;
}

/* ---- the way in ---- */

/* As its route over HTTP. What no route takes is answered at once. */
bt_lane bt_grpc_lane(bt_grpc_api api, bt_str name) {
  const method *m = find_method(api, name);
  if (bt_str_equal(name, bt_str_from(STANDARD_HEALTH))) return BT_LANE_PROBE;
  if (api == BT_GRPC_RECEIVER) return BT_LANE_PUSH;
  const bt_route *route = NULL;
  bt_str params[BT_CALL_MAX_PARAMS];
  size_t count = 0;
  bt_buffer allowed = {0};
  bool is_found = m && bt_router_find(bt_routes, bt_route_count, bt_str_from(m->http_method), bt_str_from(m->path),
                                      &route, params, &count, &allowed) == BT_OK;
  bt_buffer_dispose(&allowed);
  if (is_found && route->lane != BT_ON_LOOP) return (bt_lane)route->lane;
  return BT_LANE_MEMORY;
}

void bt_grpc_handle(bt_http_server *http, const bt_grpc_request *request, bt_grpc_done done, void *context) {
  handling h = {find_method(request->api, request->method), done, context};
  bt_grpc_answer answer = {0};
  bool has_begun = false;
  if (request->remaining_ns <= 0)
    refuse_call(&answer, BT_RPC_DEADLINE_EXCEEDED, "The deadline was over before the call began.");
  else if (request->has_repeated)
    refuse_call(&answer, BT_RPC_INVALID_ARGUMENT,
                "authorization, x-scope-orgid and x-grafana-user may stand once each.");
  else if (bt_str_equal(request->method, bt_str_from(STANDARD_HEALTH)))
    has_begun = handle_standard_health(http, &h, request, &answer);
  else if (h.method)
    has_begun = handle_method(http, &h, request, &answer);
  else
    refuse_call(&answer, BT_RPC_UNIMPLEMENTED, "There is no such method; server/grpc/betrace/v1 has them all.");
  if (!has_begun) give_answer(done, context, &answer);
}

void bt_grpc_answer_dispose(bt_grpc_answer *answer) {
  bt_buffer_dispose(&answer->message);
  bt_buffer_dispose(&answer->details);
  bt_buffer_dispose(&answer->problem);
}
