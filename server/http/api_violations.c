/* GET /v1/violations and POST /v1/violations/query: violations on demand. Nothing is stored; see query/evaluation.h for
 * how pages come about. A question is the same in both forms: the query string is read as a body. See routes.h. */
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/sha256.h"
#include "server/http/store_choice.h"
#include "server/http/question.h"
#include "server/http/routes.h"
#include "server/http/violation_answer.h"
#include "server/query/problem_id.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

static const int64_t SECOND_NS = 1000000000;
static const int64_t HOUR_NS = INT64_C(3600) * 1000000000;

typedef struct asked { /* a question as it was read */
  bt_rule_choice rules;
  bt_question question;
  bt_trace_id trace_id;
  size_t limit;
  int64_t timeout_ns;
  bt_violation_form form;
  bool is_outdated; /* the rules are not those of the cursor any more */
  bool is_unlooked; /* the problem is one of violations that nobody looked at */
} asked;

/* ---- what is asked ---- */

/* Empty is absent, as a form or a dashboard sends what nobody chose; neither a service name nor an id to look for is
 * empty. */
static const char *read_chosen(json_t *body, const char *name, bt_field_errors *errors) {
  const char *chosen = bt_body_text(body, name, errors);
  if (!chosen || chosen[0]) return chosen;
  json_object_del(body, name);
  return NULL;
}

static void read_filters(json_t *body, asked *out, bt_field_errors *errors) {
  const char *trace_id = bt_body_text(body, "trace_id", errors);
  out->question.service = read_chosen(body, "service", errors);
  out->question.problem = read_chosen(body, "problem", errors);
  if (out->question.problem && !bt_problem_id_is_valid(out->question.problem))
    bt_field_errors_add(errors, "problem", "has to be the id of a problem: %d small hexadecimal digits",
                        BT_PROBLEM_ID_HEX);
  if (!trace_id) return;
  out->question.trace_id = &out->trace_id;
  if (!bt_trace_id_parse(bt_str_from(trace_id), &out->trace_id))
    bt_field_errors_add(errors, "trace_id", "has to be 1 to 32 hexadecimal digits");
}

/* A stream may take as long as its reader likes to wait; a document is waited for by a person. */
static void read_pace(const bt_call *call, json_t *body, asked *out, bt_field_errors *errors) {
  out->form = bt_violation_form_of(call);
  bool is_document = out->form == BT_VIOLATIONS_DOCUMENT;
  out->limit = is_document ? PAGE_DEFAULT : 0;
  out->timeout_ns = is_document ? 20 * SECOND_NS : HOUR_NS;
  bt_body_count(body, "limit", is_document ? PAGE_MAX : 100000000, &out->limit, errors);
  bt_body_duration(body, "timeout", is_document ? 300 * SECOND_NS : HOUR_NS, &out->timeout_ns, errors);
}

/* A hash of everything that says which violations are meant, so that a cursor goes on with its own question only. */
static bt_status hash_question(json_t *body, uint8_t out[BT_QUESTION_BYTES], bt_error *error) {
  static const char *const others[] = {"start", "end", "limit", "cursor", "timeout", NULL};
  json_t *meant = json_copy(body);
  for (size_t i = 0; meant && others[i]; i++) json_object_del(meant, others[i]);
  char *text = meant ? json_dumps(meant, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  json_decref(meant);
  if (!text) return bt_error_no_memory(error);
  bt_str field = bt_str_from(text);
  bt_sha256 hash;
  bt_status status = bt_sha256_fields(&field, 1, &hash, error);
  if (status == BT_OK) memcpy(out, hash.bytes, BT_QUESTION_BYTES);
  free(text);
  return status;
}

/* Where it begins: what the parameters say. */
static void read_beginning(const bt_service *service, json_t *body, asked *out, bt_field_errors *errors) {
  static const char *const orders[] = {"newest", "oldest", NULL};
  bt_cursor *cursor = &out->question.cursor;
  cursor->now_ns = bt_clock_wall_ns();
  cursor->newest_first = bt_body_word(body, "order", orders, 0, errors) == 0;
  bt_body_range(service, body, &bt_question_range, cursor->now_ns, &cursor->range, errors);
}

static bool is_too_long(const bt_service *service, const bt_time_range *range) {
  int64_t most_ns = bt_question_range.most_ns;
  if (service->max_range_ns && service->max_range_ns < most_ns) most_ns = service->max_range_ns;
  return (uint64_t)range->end_ns - (uint64_t)range->start_ns > (uint64_t)most_ns;
}

static bool is_same_hash(const uint8_t *a, const uint8_t *b, size_t bytes) {
  return memcmp(a, b, bytes) == 0;
}

/* Where it goes on: what the cursor says, which has to be one of this question. */
static bt_status read_cursor(const bt_service *service, bt_str text, const char *tenant, asked *out,
                             bt_field_errors *errors, bt_error *error) {
  bt_cursor cursor;
  bt_error why = {0};
  bt_status status = bt_cursor_read(text, tenant, &cursor, &why);
  if (status == BT_INVALID) {
    bt_field_errors_add(errors, "cursor", "%s", why.message);
    return BT_OK;
  }
  if (status != BT_OK) {
    *error = why;
    return status;
  }
  bt_cursor *asked_for = &out->question.cursor;
  if (!is_same_hash(cursor.question, asked_for->question, BT_QUESTION_BYTES))
    bt_field_errors_add(
        errors, "cursor",
        "belongs to another question: send it with the rules and filters of the page that it came with");
  else if (cursor.now_ns > asked_for->now_ns)
    bt_field_errors_add(errors, "cursor", "comes from the future: the clock of this machine was set back since");
  else if (is_too_long(service, &cursor.range))
    bt_field_errors_add(errors, "cursor", "covers a longer range than is allowed");
  out->is_outdated = !is_same_hash(cursor.rules, asked_for->rules, BT_RULES_HASH_BYTES);
  *asked_for = cursor;
  return BT_OK;
}

/* SSE readers that lost the connection send the id of the last event, which is a cursor. Empty: it begins. */
static bt_str cursor_text(const bt_call *call, json_t *body, bt_violation_form form, bt_field_errors *errors) {
  if (form == BT_VIOLATIONS_EVENTS && call->last_event_id.len) return call->last_event_id;
  const char *text = bt_body_text(body, "cursor", errors);
  return text ? bt_str_from(text) : (bt_str){0};
}

/* BT_OK with errors, or a status of its own. */
static bt_status read_times(const bt_service *service, bt_call *call, json_t *body, asked *out, bt_field_errors *errors,
                            bt_error *error) {
  bt_cursor *cursor = &out->question.cursor;
  bt_str text = cursor_text(call, body, out->form, errors);
  if (text.len) { /* it holds the times; those of the parameters may have moved on since */
    json_object_del(body, "start");
    json_object_del(body, "end");
  }
  read_beginning(service, body, out, errors);
  bt_status status = hash_question(body, cursor->question, error);
  if (status == BT_OK) status = bt_question_hash_rules(out->rules.items, out->rules.count, cursor->rules, error);
  if (status != BT_OK || errors->items || !text.len) return status;
  return read_cursor(service, text, bt_call_tenant(call), out, errors, error);
}

/* Of such violations there is only a number, and this list looks at each: so none of its is of that problem. */
static bt_status find_unlooked(asked *out, bt_error *error) {
  char id[BT_PROBLEM_ID_HEX + 1];
  bt_status status = BT_OK;
  for (size_t i = 0; out->question.problem && i < out->rules.count && status == BT_OK; i++) {
    status = bt_problem_id_of(out->rules.items[i]->fields.id, NULL, id, error);
    if (!status && strcmp(id, out->question.problem) == 0) out->is_unlooked = true;
  }
  return status;
}

/* False: answered. */
static bool read_question(const bt_service *service, bt_call *call, json_t *body, asked *out) {
  bt_field_errors errors = {0};
  bt_error error = {0};
  read_filters(body, out, &errors);
  read_pace(call, body, out, &errors);
  if (!bt_rule_choice_of_question(service, call, body, &out->rules, &errors)) return false;
  out->question.source = bt_question_store(service, call, body, &out->rules, &errors);
  bt_status status = read_times(service, call, body, out, &errors, &error);
  if (status == BT_OK) status = find_unlooked(out, &error);
  if (status != BT_OK) {
    bt_field_errors_drop(&errors);
    bt_call_error(call, status, &error);
    return false;
  }
  return !bt_call_refuse_fields(call, &errors);
}

/* ---- answering ---- */

static void answer_violations(const bt_service *service, bt_call *call, asked *a) {
  char unchecked[BT_QUESTION_UNCHECKED];
  bt_error error = {0};
  bt_look *look = NULL;
  bt_violation_answer_options options = {.form = a->form,
                                         .limit = a->limit,
                                         .timeout_ns = a->timeout_ns,
                                         .tenant = bt_call_tenant(call),
                                         .unchecked = bt_question_unchecked(&a->rules, unchecked),
                                         .cancel = bt_call_cancel(call)};
  a->question.tenant = call->tenant;
  a->question.rules = a->rules.items;
  a->question.rule_count = a->is_outdated ? 0 : a->rules.count;
  if (!a->rules.count && !a->is_outdated) {
    bt_violation_answer_nothing(call, a->question.cursor.range, "no_rules",
                                "no enabled rule is meant by this question, so nothing was evaluated", &options);
    return;
  }
  if (a->is_unlooked) {
    bt_violation_answer_nothing(call, a->question.cursor.range, "problem_not_looked_at",
                                "this problem is the violations of a rule that were only counted, so nothing was "
                                "evaluated; ask by rule_id, which looks at each",
                                &options);
    return;
  }
  bt_status status = bt_look_open(service->evaluations, &a->question, &look, &error);
  if (status == BT_OK)
    bt_violation_answer(call, look, &options);
  else if (status == BT_NOT_FOUND)
    bt_call_problem(call, 409, "cursor-outdated",
                    "The rules of this cursor changed after its page was sent, and the service no longer has that "
                    "evaluation; begin with the first page.");
  else
    bt_question_refuse(call, status, &error);
}

/* Takes the body. */
static void ask_for_violations(const bt_service *service, bt_call *call, json_t *body) {
  asked a = {0};
  if (!body) return;
  if (read_question(service, call, body, &a)) answer_violations(service, call, &a);
  bt_rule_choice_dispose(&a.rules);
  json_decref(body);
}

void bt_api_violations(void *context, bt_call *call) {
  static const char *const names[] = {"rule_id", "severity", "framework", "trace_id", "service", "problem", "start",
                                      "end",     "limit",    "cursor",    "order",    "timeout", "store",   NULL};
  ask_for_violations(context, call, bt_question_of_query(call, names));
}

void bt_api_violations_query(void *context, bt_call *call) {
  static const char *const names[] = {"rule_ids", "labels",  "dsl",   "severity", "framework", "trace_id",
                                      "service",  "problem", "start", "end",      "limit",     "cursor",
                                      "order",    "timeout", "store", NULL};
  ask_for_violations(context, call, bt_question_of_body(call, names));
}
