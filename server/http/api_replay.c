/* Replays over HTTP: start, status, listing, violations, cancel. See routes.h. */
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/http/body_fields.h"
#include "server/http/routes.h"
#include "server/http/rule_choice.h"
#include "server/http/service.h"
#include "server/http/store_choice.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

/* ---- reading a request ---- */

static bt_count_mode read_count(json_t *body, bt_field_errors *errors) {
  static const char *const words[] = {"auto", "exact", "at_least", NULL};
  static const bt_count_mode modes[] = {BT_COUNT_AUTO, BT_COUNT_EXACT, BT_COUNT_AT_LEAST};
  return modes[bt_body_word(body, "count", words, 0, errors)];
}

/* NULL: violation spans can be sent. */
static const char *why_no_spans(const bt_service *service, bool is_stored, const bt_job_request *request) {
  const char *tenant = request->tenant;
  if (request->source != service->source)
    return "cannot be true for a named store: the OTLP endpoint is that of the service's own";
  if (!is_stored) return "cannot be true for an ad-hoc rule: only stored rules emit violation spans";
  if (!service->exporter) return "cannot be true: no OTLP endpoint is set (--otlp or OTEL_EXPORTER_OTLP_ENDPOINT)";
  return strchr(tenant, '|') ? "cannot be true for several tenants together: a span is written for one" : NULL;
}

static void read_emit(const char *why_not, json_t *body, bool *emit, bt_field_errors *errors) {
  json_t *value = bt_body_value(body, "emit");
  *emit = why_not == NULL;
  if (!value) return;
  if (!json_is_boolean(value))
    bt_field_errors_add(errors, "emit", "has to be true or false");
  else if (json_is_false(value))
    *emit = false;
  else if (why_not)
    bt_field_errors_add(errors, "emit", "%s", why_not);
}

static void read_options(const bt_service *service, const bt_call *call, json_t *body, bool is_stored,
                         bt_job_request *request, bt_field_errors *errors) {
  static const bt_range_names range = {"start_time", "end_time", INT64_C(86400) * 1000000000, 0};
  bt_body_range(service, body, &range, bt_clock_wall_ns(), &request->range, errors);
  request->count = read_count(body, errors);
  request->source = bt_body_store(service, call, body, request->rules, request->rule_count, errors);
  read_emit(why_no_spans(service, is_stored, request), body, &request->emit, errors);
}

/* ---- starting ---- */

/* Submits and answers 202; rule_id is named when the replay is of one stored rule. */
static void submit_replay(const bt_service *service, bt_call *call, const bt_job_request *request,
                          const char *rule_id) {
  char replay_id[BT_REPLAY_ID_BYTES];
  bt_error error = {0};
  bt_status status = bt_job_submit(service->jobs, request, replay_id, &error);
  if (status) {
    bt_call_error(call, status, &error);
    return;
  }
  char location[BT_REPLAY_ID_BYTES + 16];
  snprintf(location, sizeof location, "/v1/replays/%s", replay_id);
  bt_call_header_set(call, "location", bt_str_from(location));
  bt_call_json(call, 202,
               json_pack("{s:s, s:s*, s:s}", "replay_id", replay_id, "rule_id", rule_id, "status", "queued"));
}

void bt_api_rule_replay(void *context, bt_call *call) {
  static const char *const names[] = {"start_time", "end_time", "emit", "count", "store", NULL};
  const bt_service *service = context;
  const bt_rule_definition *definition = NULL;
  bt_error error = {0};
  bt_status status = bt_rule_store_get(service->store, bt_call_tenant(call), bt_call_id(call), &definition, &error);
  if (status) {
    bt_call_error(call, status, &error);
    return;
  }
  json_t *body = bt_call_body(call, true);
  if (body) {
    bt_field_errors errors = {0};
    bt_job_request request = {.rules = &definition, .rule_count = 1, .tenant = bt_call_tenant(call)};
    bt_field_errors_unknown(&errors, body, names);
    read_options(service, call, body, true, &request, &errors);
    if (!bt_call_refuse_fields(call, &errors)) submit_replay(service, call, &request, definition->fields.id);
    json_decref(body);
  }
  bt_rule_definition_unref(definition);
}

void bt_api_replays_create(void *context, bt_call *call) {
  static const char *const names[] = {"rule_ids", "labels", "dsl",   "start_time", "end_time",
                                      "emit",     "count",  "store", NULL};
  const bt_service *service = context;
  json_t *body = bt_call_body(call, false);
  if (!body) return;
  bt_field_errors errors = {0};
  bt_rule_choice choice = {0};
  bt_field_errors_unknown(&errors, body, names);
  if (bt_rule_choice_of_replay(service, call, body, &choice, &errors)) {
    bt_job_request request = {.rules = choice.items, .rule_count = choice.count, .tenant = bt_call_tenant(call)};
    read_options(service, call, body, !bt_body_value(body, "dsl"), &request, &errors);
    if (!bt_call_refuse_fields(call, &errors)) submit_replay(service, call, &request, NULL);
  }
  bt_rule_choice_dispose(&choice);
  json_decref(body);
}

/* ---- looking ---- */

static void answer_view(bt_call *call, bt_status status, bt_job_view *view, const bt_error *error) {
  if (status) {
    bt_call_error(call, status, error);
    return;
  }
  bt_call_json(call, 200, bt_job_json(view));
  bt_job_view_dispose(view);
}

void bt_api_rule_replay_status(void *context, bt_call *call) {
  const bt_service *service = context;
  const bt_rule_definition *definition = NULL;
  bt_job_view view = {0};
  bt_error error = {0};
  /* A rule that is not there says so; a rule that was never replayed says that. */
  bt_status status = bt_rule_store_get(service->store, bt_call_tenant(call), bt_call_id(call), &definition, &error);
  bt_rule_definition_unref(definition);
  if (!status) status = bt_job_latest(service->jobs, bt_call_tenant(call), bt_call_id(call), &view, &error);
  answer_view(call, status, &view, &error);
}

void bt_api_replay_get(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_job_view view = {0};
  bt_error error = {0};
  bt_status status = bt_job_get(service->jobs, bt_call_tenant(call), bt_call_id(call), &view, &error);
  answer_view(call, status, &view, &error);
}

/* A number in a cursor; `prefix` is what it has to begin with. */
static bool parse_cursor(bt_str text, char prefix, uint64_t *out) {
  bool valid = text.len > 1 && text.len < 18 && text.ptr[0] == prefix;
  *out = 0;
  for (size_t i = 1; i < text.len && valid; i++) {
    valid = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    *out = *out * 10 + (uint64_t)(text.ptr[i] - '0');
  }
  return valid;
}

static json_t *cursor_json(char prefix, uint64_t number) {
  char text[24];
  snprintf(text, sizeof text, "%c%llu", prefix, (unsigned long long)number);
  return json_string(text);
}

static void refuse_cursor(bt_call *call, bt_str text) {
  bt_call_problem(call, 400, "invalid-parameter", "cursor has to be one that an earlier page gave; \"%.*s\" came.",
                  BT_FMT(text));
}

/* The cursor is the number of the last replay given: it stays right when replays come and go between pages. */
void bt_api_replays_list(void *context, bt_call *call) {
  static const char *const names[] = {"limit", "cursor", NULL};
  const bt_service *service = context;
  bt_job_listing jobs;
  bt_error error = {0};
  size_t limit;
  uint64_t before = 0;
  bt_str cursor = {0};
  if (!bt_call_query_allows(call, names) || !bt_call_limit(call, PAGE_DEFAULT, PAGE_MAX, &limit)) return;
  if (bt_call_query(call, "cursor", &cursor) && cursor.len && !parse_cursor(cursor, 'n', &before)) {
    refuse_cursor(call, cursor);
    return;
  }
  bt_status status = bt_job_list(service->jobs, bt_call_tenant(call), before, limit, &jobs, &error);
  if (status) {
    bt_call_error(call, status, &error);
    return;
  }
  json_t *array = json_array();
  for (size_t i = 0; i < jobs.count; i++) bt_json_append(array, bt_job_json(&jobs.views[i]));
  json_t *next = jobs.goes_on ? cursor_json('n', jobs.views[jobs.count - 1].number) : json_null();
  bt_job_listing_dispose(&jobs);
  bt_call_json(call, 200, json_pack("{s:o, s:o}", "replays", array, "cursor", next));
}

static bt_status append_violation(void *context, const bt_rule_definition *definition, const bt_violation *violation) {
  bt_json_append(context, bt_violation_json(definition, violation));
  return BT_OK;
}

/* A cursor is the order, by time (t) or by arrival (a), and the number of violations given so far: neither list changes
 * what it has given. Whoever begins while the replay runs goes on by arrival, and has a cursor until it has ended. */
typedef struct replay_place {
  bt_job_order order;
  uint64_t first;
} replay_place;

static bool read_place(bt_call *call, replay_place *out) {
  bt_str text = {0};
  *out = (replay_place){BT_JOB_BY_TIME, 0};
  if (!bt_call_query(call, "cursor", &text) || !text.len || parse_cursor(text, 't', &out->first)) return true;
  out->order = BT_JOB_BY_ARRIVAL;
  if (parse_cursor(text, 'a', &out->first)) return true;
  refuse_cursor(call, text);
  return false;
}

void bt_api_replay_violations(void *context, bt_call *call) {
  static const char *const names[] = {"limit", "cursor", NULL};
  const bt_service *service = context;
  bt_error error = {0};
  size_t limit;
  replay_place place;
  bt_job_page page;
  if (!bt_call_query_allows(call, names) || !bt_call_limit(call, PAGE_DEFAULT, PAGE_MAX, &limit) ||
      !read_place(call, &place))
    return;
  json_t *array = json_array();
  bt_status status = bt_job_violations(service->jobs, bt_call_tenant(call), bt_call_id(call), place.order, place.first,
                                       limit, append_violation, array, &page, &error);
  if (status) {
    json_decref(array);
    bt_call_error(call, status, &error);
    return;
  }
  uint64_t next = place.first + json_array_size(array);
  bool goes_on = !page.is_finished || next < page.total;
  json_t *cursor = goes_on ? cursor_json(page.order == BT_JOB_BY_TIME ? 't' : 'a', next) : json_null();
  json_t *total = page.is_finished ? json_integer((json_int_t)page.total) : json_null();
  bt_call_json(call, 200,
               json_pack("{s:o, s:s, s:o, s:o}", "violations", array, "status", bt_job_state_name(page.state),
                         "total_count", total, "cursor", cursor));
}

void bt_api_replay_delete(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  bt_status status = bt_job_cancel(service->jobs, bt_call_tenant(call), bt_call_id(call), &error);
  if (status)
    bt_call_error(call, status, &error);
  else
    bt_call_no_content(call);
}
