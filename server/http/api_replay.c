/* Replays over HTTP: start, status, listing, violations, cancel. See routes.h. */
#include <stdlib.h>
#include <string.h>

#include "server/http/routes.h"
#include "server/http/rule_body.h"
#include "server/report/replay_json.h"
#include "server/service.h"
#include "server/time_text.h"
#include "server/clock.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, RULES_MAX = 1000 };

static const int64_t DAY_NS = 86400000000000;

/* ---- reading a request ---- */

/* A time may be a string or a number (unix s, ms, ns). */
static void read_time(json_t *body, const char *name, int64_t now_ns, int64_t *out, bt_field_errors *errors) {
  json_t *value = json_object_get(body, name);
  if (!value || json_is_null(value)) return;
  char digits[32];
  bt_str text = {0};
  if (json_is_string(value)) {
    text = (bt_str){json_string_value(value), json_string_length(value)};
  } else if (json_is_integer(value)) {
    int length = snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
    text = (bt_str){digits, (size_t)length};
  }
  if (!text.ptr || !bt_time_parse(text, now_ns, out))
    bt_field_errors_add(
        errors, name,
        "has to be a time: RFC 3339 as in \"2026-01-11T14:23:17Z\", unix s, ms or ns, \"now\", or \"now-24h\"");
}

static void read_range(const bt_service *service, json_t *body, bt_time_range *range, bt_field_errors *errors) {
  int64_t now = bt_clock_wall_ns();
  range->end_ns = now;
  read_time(body, "end_time", now, &range->end_ns, errors);
  range->start_ns = range->end_ns - DAY_NS;
  read_time(body, "start_time", now, &range->start_ns, errors);
  if (errors->items) return;
  if (range->start_ns >= range->end_ns)
    bt_field_errors_add(errors, "start_time", "has to be before end_time");
  else if (service->max_range_ns && range->end_ns - range->start_ns > service->max_range_ns)
    bt_field_errors_add(errors, "start_time", "makes the range longer than --max-range allows; replay it in parts");
}

static void read_count(json_t *body, bt_count_mode *count, bt_field_errors *errors) {
  json_t *value = json_object_get(body, "count");
  if (!value || json_is_null(value)) return;
  const char *text = json_string_value(value);
  if (text && strcmp(text, "exact") == 0)
    *count = BT_COUNT_EXACT;
  else if (text && strcmp(text, "at_least") == 0)
    *count = BT_COUNT_AT_LEAST;
  else if (!text || strcmp(text, "auto") != 0)
    bt_field_errors_add(errors, "count", "has to be \"auto\", \"exact\" or \"at_least\"");
}

static void read_emit(const bt_service *service, json_t *body, bool can_emit, bool *emit, bt_field_errors *errors) {
  json_t *value = json_object_get(body, "emit");
  *emit = can_emit && service->exporter != NULL;
  if (!value || json_is_null(value)) return;
  if (!json_is_boolean(value))
    bt_field_errors_add(errors, "emit", "has to be true or false");
  else if (json_is_false(value))
    *emit = false;
  else if (!can_emit)
    bt_field_errors_add(errors, "emit", "cannot be true for an ad-hoc rule: only stored rules emit violation spans");
  else if (!service->exporter)
    bt_field_errors_add(errors, "emit",
                        "cannot be true: no OTLP endpoint is set (--otlp or OTEL_EXPORTER_OTLP_ENDPOINT)");
}

static void read_options(const bt_service *service, json_t *body, bool can_emit, bt_job_request *request,
                         bt_field_errors *errors) {
  read_range(service, body, &request->range, errors);
  read_count(body, &request->count, errors);
  read_emit(service, body, can_emit, &request->emit, errors);
}

/* ---- starting ---- */

/* Submits and answers 202; rule_id is named when the replay is of one stored rule. */
static void submit(const bt_service *service, bt_call *call, const bt_job_request *request, const char *rule_id) {
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
  static const char *const names[] = {"start_time", "end_time", "emit", "count", NULL};
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
    read_options(service, body, true, &request, &errors);
    if (!bt_call_refuse_fields(call, &errors)) submit(service, call, &request, definition->fields.id);
    json_decref(body);
  }
  bt_rule_definition_unref(definition);
}

typedef struct rule_choice { /* the rules that a replay is asked for; one reference each */
  const bt_rule_definition **items;
  size_t count;
} rule_choice;

static void dispose_choice(rule_choice *choice) {
  for (size_t i = 0; i < choice->count; i++) bt_rule_definition_unref(choice->items[i]);
  free(choice->items);
}

static bool choose_by_id(const bt_service *service, bt_call *call, json_t *ids, rule_choice *choice,
                         bt_field_errors *errors) {
  size_t index;
  json_t *id;
  bt_error error = {0};
  choice->items = calloc(json_array_size(ids) + 1, sizeof *choice->items);
  if (!choice->items) return false;
  json_array_foreach(ids, index, id) {
    const char *text = json_string_value(id);
    if (text && !bt_rule_store_get(service->store, bt_call_tenant(call), text, &choice->items[choice->count], &error))
      choice->count++;
    else
      bt_field_errors_add(errors, "rule_ids", "%s", text ? error.message : "has to hold strings only");
  }
  return true;
}

static bool has_label(const bt_rule_fields *fields, const char *key, const char *value) {
  for (size_t i = 0; i < fields->label_count; i++)
    if (strcmp(fields->labels[i].key, key) == 0 && value && strcmp(fields->labels[i].value, value) == 0) return true;
  return false;
}

static bool has_labels(const bt_rule_definition *definition, json_t *labels) {
  const char *key;
  json_t *value;
  json_object_foreach(labels, key, value) {
    if (!has_label(&definition->fields, key, json_string_value(value))) return false;
  }
  return definition->fields.enabled;
}

/* Rules that were asked for and cannot be judged: leaving them out would say that they have no violations. */
static bool refuse_broken(const bt_service *service, bt_call *call, json_t *labels, bt_field_errors *errors) {
  bt_rule_list broken = {0};
  bt_error error = {0};
  if (bt_rule_store_broken(service->store, bt_call_tenant(call), &broken, &error)) return false;
  for (size_t i = 0; i < broken.count; i++)
    if (has_labels(broken.items[i], labels))
      bt_field_errors_add(errors, "labels",
                          "the rule \"%s\" has these labels and cannot be replayed: its stored text does not compile",
                          broken.items[i]->fields.id);
  bt_rule_list_dispose(&broken);
  return true;
}

static bool choose_by_label(const bt_service *service, bt_call *call, json_t *labels, rule_choice *choice,
                            bt_field_errors *errors) {
  bt_rule_list list = {0};
  bt_error error = {0};
  if (bt_rule_store_snapshot(service->store, bt_call_tenant(call), &list, &error)) return false;
  choice->items = calloc(list.count + 1, sizeof *choice->items);
  for (size_t i = 0; i < list.count && choice->items; i++)
    if (has_labels(list.items[i], labels)) choice->items[choice->count++] = bt_rule_definition_ref(list.items[i]);
  bt_rule_list_dispose(&list);
  if (!refuse_broken(service, call, labels, errors)) return false;
  if (choice->items && !choice->count && !errors->items)
    bt_field_errors_add(errors, "labels", "no enabled rule has all of these labels");
  return choice->items != NULL;
}

/* Exactly one of rule_ids, labels and dsl says which rules. False: answered. */
static bool choose_rules(const bt_service *service, bt_call *call, json_t *body, rule_choice *choice,
                         bt_field_errors *errors) {
  json_t *ids = json_object_get(body, "rule_ids"), *labels = json_object_get(body, "labels"),
         *dsl = json_object_get(body, "dsl");
  bool ok = true;
  if ((ids != NULL) + (labels != NULL) + (dsl != NULL) != 1) {
    bt_field_errors_add(errors, "rule_ids", "exactly one of rule_ids, labels and dsl has to say which rules to replay");
  } else if (ids && (!json_is_array(ids) || !json_array_size(ids) || json_array_size(ids) > RULES_MAX)) {
    bt_field_errors_add(errors, "rule_ids", "has to be an array of 1 to %d rule ids", RULES_MAX);
  } else if (labels && !json_is_object(labels)) {
    bt_field_errors_add(errors, "labels", "has to be an object of strings");
  } else if (dsl && !json_is_string(dsl)) {
    bt_field_errors_add(errors, "dsl", "has to be a string: a rule's text");
  } else if (ids) {
    ok = choose_by_id(service, call, ids, choice, errors);
  } else if (labels) {
    ok = choose_by_label(service, call, labels, choice, errors);
  } else {
    choice->items = calloc(1, sizeof *choice->items);
    const bt_rule_definition *adhoc = choice->items ? bt_rule_body_adhoc(call, json_string_value(dsl)) : NULL;
    if (adhoc)
      choice->items[choice->count++] = adhoc;
    else
      return false;
  }
  if (!ok) bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
  return ok;
}

void bt_api_replays_create(void *context, bt_call *call) {
  static const char *const names[] = {"rule_ids", "labels", "dsl", "start_time", "end_time", "emit", "count", NULL};
  const bt_service *service = context;
  json_t *body = bt_call_body(call, false);
  if (!body) return;
  bt_field_errors errors = {0};
  rule_choice choice = {0};
  bt_field_errors_unknown(&errors, body, names);
  if (choose_rules(service, call, body, &choice, &errors)) {
    bt_job_request request = {.rules = choice.items, .rule_count = choice.count, .tenant = bt_call_tenant(call)};
    read_options(service, body, !json_object_get(body, "dsl"), &request, &errors);
    if (!bt_call_refuse_fields(call, &errors)) submit(service, call, &request, NULL);
  } else {
    json_decref(errors.items);
  }
  dispose_choice(&choice);
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

void bt_api_replays_list(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_job_view *views = NULL;
  size_t count = 0;
  bt_error error = {0};
  bt_status status = bt_job_list(service->jobs, bt_call_tenant(call), &views, &count, &error);
  if (status) {
    bt_call_error(call, status, &error);
    return;
  }
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++) {
    json_array_append_new(array, bt_job_json(&views[i]));
    bt_job_view_dispose(&views[i]);
  }
  free(views);
  bt_call_json(call, 200, json_pack("{s:o}", "replays", array));
}

static bt_status append_violation(void *context, const bt_rule_definition *definition, const bt_violation *violation) {
  json_t *object = bt_violation_json(definition, violation);
  return object && json_array_append_new(context, object) == 0 ? BT_OK : BT_NO_MEMORY;
}

/* The cursor is the number of violations given so far: the list of a finished replay does not change. */
static bool read_cursor(bt_call *call, size_t *first) {
  bt_str text = {0};
  *first = 0;
  if (!bt_call_query(call, "cursor", &text) || !text.len) return true;
  bool valid = text.len < 12;
  for (size_t i = 0; i < text.len && valid; i++) {
    valid = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    *first = *first * 10 + (size_t)(text.ptr[i] - '0');
  }
  if (!valid)
    bt_call_problem(call, 400, "invalid-parameter", "cursor has to be one that an earlier page gave; \"%.*s\" came.",
                    BT_FMT(text));
  return valid;
}

void bt_api_replay_violations(void *context, bt_call *call) {
  static const char *const names[] = {"limit", "cursor", NULL};
  const bt_service *service = context;
  bt_error error = {0};
  size_t limit, first, total = 0;
  if (!bt_call_query_allows(call, names) || !bt_call_limit(call, PAGE_DEFAULT, PAGE_MAX, &limit) ||
      !read_cursor(call, &first))
    return;
  json_t *array = json_array();
  bt_status status = bt_job_violations(service->jobs, bt_call_tenant(call), bt_call_id(call), first, limit,
                                       append_violation, array, &total, &error);
  if (status) {
    json_decref(array);
    bt_call_error(call, status, &error);
    return;
  }
  size_t next = first + json_array_size(array);
  char cursor[24];
  snprintf(cursor, sizeof cursor, "%zu", next);
  json_t *cursor_json = next < total ? json_string(cursor) : json_null();
  bt_call_json(
      call, 200,
      json_pack("{s:o, s:I, s:o}", "violations", array, "total_count", (json_int_t)total, "cursor", cursor_json));
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
