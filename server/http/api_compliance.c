/* /v1/compliance and /v1/reports: frameworks, reports of one framework, and reports that take longer than a request.
 * See routes.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/compliance/dsse.h"
#include "server/compliance/frameworks_json.h"
#include "server/compliance/oscal.h"
#include "server/compliance/report_html.h"
#include "server/compliance/framework_map.h"
#include "server/http/answer_parts.h"
#include "server/http/body_fields.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"

enum { FRAMEWORK_MAX = 200 /* bytes of its name */ };

static const int64_t SECOND_NS = 1000000000;
static const char *const unfinished_words[] = {"202", "503", NULL};         /* statuses of what is no report yet */
static const char *const forms[] = {"json", "html", "oscal", "dsse", NULL}; /* in the order of bt_report_form */

/* ---- frameworks ---- */

void bt_api_compliance_frameworks(void *context, bt_call *call) {
  const bt_service *service = context;
  json_t *body = NULL;
  bt_error error = {0};
  if (!bt_call_query_allows(call, (const char *const[]){NULL})) return;
  bt_status status = bt_frameworks_json(service->store, bt_call_tenant(call), &body, &error);
  if (status)
    bt_call_error(call, status, &error);
  else
    bt_call_json(call, 200, body);
}

/* ---- answering a report ---- */

static bool has_ended(const bt_report_view *view) {
  return view->state == BT_REPORT_DONE || view->state == BT_REPORT_FAILED;
}

/* A document for people is shown by browsers: nothing in it may run or load anything. */
static void answer_html(bt_call *call, const json_t *document) {
  bt_buffer page = {0};
  bt_report_html(document, &page);
  bt_call_header_set(call, "content-security-policy",
                     BT_STR("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"));
  if (page.failed)
    bt_call_error(call, BT_NO_MEMORY, &(bt_error){.message = "no memory for the page"});
  else
    bt_call_text(call, 200, "text/html; charset=utf-8", bt_buffer_str(&page));
  bt_buffer_dispose(&page);
}

static bool is_signed_or_refused(const bt_service *service, bt_call *call, bt_report_form form) {
  if (form != BT_REPORT_DSSE || bt_reports_key(service->reports)) return true;
  bt_call_problem(call, 409, "conflict",
                  "Without a key nothing is signed, and a DSSE envelope is a signature: start betrace serve with "
                  "--evidence-key, or ask for another format.");
  return false;
}

/* The report as it is handed out, byte by byte, signed once more for tools that know envelopes. */
static void answer_envelope(const bt_service *service, bt_call *call, const bt_report_view *view) {
  json_t *envelope = NULL;
  bt_error error = {0};
  if (!is_signed_or_refused(service, call, BT_REPORT_DSSE)) return;
  bt_status status = bt_dsse_make(bt_buffer_str(&view->text), bt_reports_key(service->reports), &envelope, &error);
  if (status)
    bt_call_error(call, status, &error);
  else
    bt_call_json(call, 200, envelope);
}

static void answer_form(const bt_service *service, bt_call *call, const bt_report_view *view, bt_report_form form) {
  if (form == BT_REPORT_DSSE) {
    answer_envelope(service, call, view);
    return;
  }
  if (form == BT_REPORT_JSON) {
    bt_call_text(call, 200, "application/json", bt_buffer_str(&view->text));
    return;
  }
  json_t *document = json_loadb(view->text.ptr, view->text.len, 0, NULL), *oscal = NULL;
  bt_error error = {0};
  if (document && form == BT_REPORT_HTML)
    answer_html(call, document);
  else if (document && bt_oscal_json(document, &oscal, &error) == BT_OK)
    bt_call_json(call, 200, oscal);
  else
    bt_call_error(call, BT_NO_MEMORY, &(bt_error){.message = "no memory for the report"});
  json_decref(document);
}

static void set_place(bt_call *call, const char *header, const bt_report_view *view, bt_report_form form) {
  char place[BT_REPORT_ID_BYTES + 40];
  snprintf(place, sizeof place, "/v1/reports/%s?format=%s", view->report_id, forms[form]);
  bt_call_header_set(call, header, bt_str_from(place));
}

/* Before it has begun nobody knows how many parts there are. */
static json_t *parts_json(const bt_measure_progress *so_far) {
  if (!so_far->parts) return json_null();
  return json_pack("{s:I, s:I}", "done", (json_int_t)so_far->parts_done, "total", (json_int_t)so_far->parts);
}

static void answer_under_way(bt_call *call, const bt_report_view *view) {
  char start[40], end[40];
  bt_time_format(view->range.start_ns, start);
  bt_time_format(view->range.end_ns, end);
  bt_call_json(call, 202,
               json_pack("{s:s, s:s, s:s, s:f, s:o, s:I, s:{s:s, s:s}}", "report_id", view->report_id, "status",
                         bt_report_state_name(view->state), "framework", view->framework, "progress",
                         (double)(int)(view->progress * 1000) / 1000, "parts", parts_json(&view->so_far), "queries",
                         (json_int_t)view->so_far.requests, "range", "start", start, "end", end));
}

/* For those who take any success for the report. */
static void answer_not_yet(bt_call *call, const bt_report_view *view) {
  const bt_measure_progress *so_far = &view->so_far;
  char done[80] = "nothing was asked yet";
  if (so_far->parts)
    snprintf(done, sizeof done, "%llu of %llu parts, %llu queries", (unsigned long long)so_far->parts_done,
             (unsigned long long)so_far->parts, (unsigned long long)so_far->requests);
  bt_call_problem(call, 503, "unfinished",
                  "There is no report yet: %s is %s, %d %% (%s). It goes on; ask the same again.", view->report_id,
                  bt_report_state_name(view->state), (int)(view->progress * 100), done);
}

/* How a report is handed out. */
typedef struct report_manner {
  bt_report_form form;
  bool is_again; /* 503 until there is one */
} report_manner;

static void answer_unfinished(bt_call *call, const bt_report_view *view, const report_manner *manner) {
  set_place(call, "location", view, manner->form);
  bt_call_header_set(call, "retry-after", BT_STR("2"));
  if (manner->is_again)
    answer_not_yet(call, view);
  else
    answer_under_way(call, view);
}

static void answer_view(const bt_service *service, bt_call *call, const bt_report_view *view,
                        const report_manner *manner) {
  bt_report_form form = manner->form;
  if (view->state == BT_REPORT_FAILED) {
    bt_call_header_set(call, "retry-after", BT_STR("5"));
    bt_call_problem(call, 503, "report-failed", "The report could not be made: %s", view->message);
  } else if (view->state != BT_REPORT_DONE) {
    answer_unfinished(call, view, manner);
  } else {
    set_place(call, "content-location", view, form);
    bt_call_header_set(call, "betrace-report-span", bt_str_from(view->span_state));
    answer_form(service, call, view, form);
  }
}

/* ---- asking for one ---- */

typedef struct report_options {
  bt_str framework;
  bt_source *source;
  bool is_store_said;
  bt_time_range range;
  bt_str words; /* the range as it was said */
  report_manner manner;
  int64_t timeout_ns;
} report_options;

/* By default less than many proxies give a silent answer, which is 60 s. */
static const int64_t TIMEOUT_NS = 50 * SECOND_NS, TIMEOUT_MOST_NS = 300 * SECOND_NS;

/* A name that is in no catalogue is one that rules may use; it has to have letters or digits to be told from others. */
static bool read_framework(const bt_service *service, bt_call *call, report_options *out) {
  bt_error error = {0};
  bool is_known = false;
  out->framework = call->params[0];
  bt_status status = out->framework.len > FRAMEWORK_MAX ? BT_OK
                                                        : bt_framework_is_known(service->store, bt_call_tenant(call),
                                                                                out->framework, &is_known, &error);
  if (status)
    bt_call_error(call, status, &error);
  else if (!is_known)
    bt_call_problem(call, 404, "not-found",
                    "There is no framework %.*s in the catalogues, and no rule names it; GET /v1/compliance/frameworks "
                    "lists all.",
                    (int)(out->framework.len < 60 ? out->framework.len : 60), out->framework.ptr);
  return !status && is_known;
}

/* Who says no end means as late as it can be known: the time that has not settled is no part of it then. */
static void end_where_settled(const bt_service *service, bt_source *source, json_t *body, int64_t now_ns,
                              bt_time_range *range) {
  int64_t end_ns = bt_reports_settled_ns(service->reports, source, now_ns);
  if (bt_body_value(body, "end")) return;
  if (!bt_body_value(body, "start")) range->start_ns -= range->end_ns - end_ns;
  if (range->start_ns < end_ns) range->end_ns = end_ns;
}

static void read_manner(json_t *body, report_manner *out, bt_field_errors *errors) {
  out->form = (bt_report_form)bt_body_word(body, "format", forms, BT_REPORT_JSON, errors);
  out->is_again = bt_body_word(body, "unfinished", unfinished_words, 0, errors) != 0;
}

static const char *word_of(json_t *body, const char *name) {
  const char *text = json_string_value(bt_body_value(body, name));
  return text ? text : "";
}

/* In the call's arena. NULL: no memory. */
static bt_str range_words(bt_call *call, json_t *body) {
  const char *start = word_of(body, "start"), *end = word_of(body, "end");
  size_t length = strlen(start) + strlen(end) + 2;
  char *text = bt_arena_alloc(&call->arena, length);
  if (!text) return (bt_str){0};
  snprintf(text, length, "%s\n%s", start, end);
  return bt_str_from(text);
}

/* The one that the question names, else that of the framework's rules where they have one, else the tenant's. False:
 * answered. */
static bool read_store(const bt_service *service, bt_call *call, json_t *body, report_options *out,
                       bt_field_errors *errors) {
  bt_framework_map map = {0};
  bt_rule_choice choice = {0};
  bt_error error = {0};
  bt_status status = bt_framework_map_make(service->store, bt_call_tenant(call), out->framework, &map, &error);
  if (!status && !(choice.items = calloc(map.rule_count + 1, sizeof *choice.items)))
    status = bt_error_no_memory(&error);
  for (size_t i = 0; !status && i < map.rule_count; i++)
    if (map.rules[i]->fields.enabled && !map.rules[i]->broken)
      choice.items[choice.count++] = bt_rule_definition_ref(map.rules[i]);
  out->is_store_said = bt_body_value(body, "store") != NULL;
  if (!status) out->source = bt_question_store(service, call, body, &choice, errors);
  bt_rule_choice_dispose(&choice);
  bt_framework_map_dispose(&map);
  if (status) bt_call_error(call, status, &error);
  return status == BT_OK;
}

/* False: answered. */
static bool read_options(const bt_service *service, bt_call *call, report_options *out) {
  static const char *const names[] = {"start", "end", "format", "timeout", "unfinished", "store", NULL};
  static const bt_range_names range = {"start", "end", INT64_C(86400) * 1000000000, INT64_C(400) * 86400 * 1000000000};
  bt_field_errors errors = {0};
  *out = (report_options){.timeout_ns = TIMEOUT_NS};
  json_t *body = bt_query_body(call, names, NULL, NULL);
  if (!body) return false;
  int64_t now_ns = bt_clock_wall_ns();
  if (!read_framework(service, call, out) || !read_store(service, call, body, out, &errors)) {
    json_decref(body);
    return false;
  }
  bt_body_range(service, body, &range, now_ns, &out->range, &errors);
  if (!errors.items) end_where_settled(service, out->source, body, now_ns, &out->range);
  out->words = range_words(call, body);
  read_manner(body, &out->manner, &errors);
  bt_body_duration(body, "timeout", TIMEOUT_MOST_NS, &out->timeout_ns, &errors);
  json_decref(body);
  if (bt_call_refuse_fields(call, &errors)) return false;
  if (!out->words.ptr) bt_answer_no_room(call);
  return out->words.ptr != NULL;
}

typedef struct wanted_report { /* in the call's arena */
  const bt_service *service;
  char report_id[BT_REPORT_ID_BYTES];
  report_manner manner;
  bool has_form; /* false: the one that was asked for first */
  bool is_asked; /* of the framework, so that the same question finds it again */
  bt_patience patience;
} wanted_report;

static void answer_wanted(const wanted_report *wanted, bt_call *call, const bt_report_view *view) {
  report_manner manner = wanted->manner;
  if (!wanted->has_form) manner.form = view->form;
  bool is_promised = wanted->is_asked && manner.is_again && !has_ended(view);
  if (is_promised) bt_reports_promise(wanted->service->reports, bt_call_tenant(call), view->report_id);
  answer_view(wanted->service, call, view, &manner);
}

/* With the report, or where it stands when the time is over. */
static void answer_or_wait(void *context, bt_call *call) {
  wanted_report *wanted = context;
  bt_reports *reports = wanted->service->reports;
  bt_wait *wait = bt_patience_is_over(&wanted->patience) ? NULL : bt_call_wait(call);
  bt_report_view view;
  bt_error error = {0};
  if (bt_call_wait(call)) bt_reports_stop_waiting(reports, bt_call_wait(call));
  bt_status status = bt_reports_get(reports, bt_call_tenant(call), wanted->report_id, wait, &view, &error);
  if (status)
    bt_call_error(call, status, &error);
  else if (wait && !has_ended(&view))
    bt_call_leave(call, wanted->patience.until_ns, answer_or_wait, wanted);
  else
    answer_wanted(wanted, call, &view);
  bt_report_view_dispose(&view);
}

/* wanted: what is asked but for its patience. */
static void wait_for_report(bt_call *call, const wanted_report *asked, const char *report_id, int64_t timeout_ns) {
  wanted_report *wanted = bt_arena_alloc(&call->arena, sizeof *wanted);
  if (!wanted) {
    bt_answer_no_room(call);
    return;
  }
  *wanted = *asked;
  wanted->patience = bt_patience_begin(timeout_ns, bt_call_cancel(call));
  snprintf(wanted->report_id, sizeof wanted->report_id, "%s", report_id);
  answer_or_wait(wanted, call);
}

void bt_api_compliance_report(void *context, bt_call *call) {
  const bt_service *service = context;
  report_options options;
  char report_id[BT_REPORT_ID_BYTES];
  bt_error error = {0};
  if (!read_options(service, call, &options) || !is_signed_or_refused(service, call, options.manner.form)) return;
  bt_report_question question = {.tenant = bt_call_tenant(call),
                                 .user = call->user,
                                 .framework = options.framework,
                                 .source = options.source,
                                 .is_store_said = options.is_store_said,
                                 .range = options.range,
                                 .form = options.manner.form,
                                 .words = options.words,
                                 .is_again = options.manner.is_again};
  bt_status status = bt_reports_submit(service->reports, &question, report_id, &error);
  if (status == BT_LIMIT) {
    bt_call_busy(call, &error);
  } else if (status) {
    bt_call_error(call, status, &error);
  } else {
    wanted_report asked = {.service = service, .manner = options.manner, .has_form = true, .is_asked = true};
    wait_for_report(call, &asked, report_id, options.timeout_ns);
  }
}

/* ---- those under way and done ---- */

void bt_api_report_get(void *context, bt_call *call) {
  static const char *const names[] = {"format", "timeout", "unfinished", NULL};
  wanted_report asked = {.service = context};
  int64_t timeout_ns = 0;
  bt_field_errors errors = {0};
  json_t *body = bt_query_body(call, names, NULL, NULL);
  if (!body) return;
  asked.has_form = bt_body_value(body, "format") != NULL;
  read_manner(body, &asked.manner, &errors);
  bt_body_duration(body, "timeout", TIMEOUT_MOST_NS, &timeout_ns, &errors);
  json_decref(body);
  if (!bt_call_refuse_fields(call, &errors)) wait_for_report(call, &asked, bt_call_id(call), timeout_ns);
}

void bt_api_report_delete(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  bt_status status = bt_reports_delete(service->reports, bt_call_tenant(call), call->is_editor ? NULL : call->user,
                                       bt_call_id(call), &error);
  if (status == BT_REFUSED)
    bt_call_problem(call, 403, "not-yours", "%s", error.message);
  else if (status)
    bt_call_error(call, status, &error);
  else
    bt_call_no_content(call);
}
