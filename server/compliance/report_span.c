/* Sending and finding a report's span. See report_span.h. */
#include "server/compliance/report_span.h"

#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/json/json_members.h"
#include "tempo/wire/own_trace.h"

enum { ATTRIBUTES_MAX = 12 };
static const int64_t DURATION_NS = 1000000;

static const json_t *report_of(const json_t *document) {
  return json_object_get(json_array_get(json_object_get(document, "entries"), 0), "body");
}

static bool own_ids(const json_t *document, bt_own_ids *out) {
  const json_t *report = report_of(document);
  return bt_own_record_ids(bt_str_from(bt_json_text_at(report, "tenant")), BT_STR(BT_OWN_REPORT),
                           bt_str_from(bt_json_text_at(report, "report_id")), out);
}

/* ---- sending ---- */

typedef struct span_attributes {
  bt_attribute items[ATTRIBUTES_MAX];
  uint32_t count;
} span_attributes;

static void add_text(span_attributes *to, const char *key, const char *text) {
  if (!text[0]) return;
  to->items[to->count++] = (bt_attribute){bt_str_from(key), {.type = BT_VALUE_STRING, .string = bt_str_from(text)}};
}

static void add_count(span_attributes *to, const char *key, const json_t *number) {
  to->items[to->count++] =
      (bt_attribute){bt_str_from(key), {.type = BT_VALUE_INT, .integer = json_integer_value(number)}};
}

static void fill_attributes(const json_t *document, span_attributes *out) {
  const json_t *report = report_of(document), *evidence = json_object_get(document, "evidence");
  const json_t *entries = json_object_get(document, "entries"), *range = json_object_get(report, "range");
  const json_t *end = json_object_get(json_array_get(entries, json_array_size(entries) - 1), "body");
  const json_t *controls = json_object_get(end, "controls");
  add_text(out, BT_OWN_REPORT_ID, bt_json_text_at(report, "report_id"));
  add_text(out, BT_REPORT_FRAMEWORK, bt_json_text_at(json_object_get(report, "framework"), "name"));
  add_text(out, BT_REPORT_START, bt_json_text_at(range, "start"));
  add_text(out, BT_REPORT_END, bt_json_text_at(range, "end"));
  add_text(out, BT_REPORT_HEAD, bt_json_text_at(evidence, "head"));
  add_text(out, "betrace.report.key_id", bt_json_text_at(evidence, "key_id"));
  add_text(out, BT_REPORT_SIGNATURE, bt_json_text_at(evidence, "signature"));
  add_count(out, BT_REPORT_ENTRIES, json_object_get(end, "entries"));
  add_count(out, BT_REPORT_VIOLATED, json_object_get(controls, "violated"));
  add_count(out, BT_REPORT_PASSED, json_object_get(controls, "pass"));
}

static bt_status send_span(bt_http_client *client, const bt_exporter_options *exporter, const json_t *document,
                           const bt_cancel *cancel, bt_error *error) {
  const char *tenant = bt_json_text_at(report_of(document), "tenant");
  bt_exporter_options options = *exporter;
  span_attributes attributes = {.count = 0};
  bt_own_ids ids;
  if (!own_ids(document, &ids)) return bt_error_no_memory(error);
  if (tenant[0]) options.tenant = tenant;
  fill_attributes(document, &attributes);
  int64_t now_ns = bt_clock_wall_ns();
  bt_export_span span = {.trace_id = ids.trace_id,
                         .span_id = ids.span_id,
                         .name = BT_STR(BT_OWN_REPORT),
                         .kind = BT_KIND_INTERNAL,
                         .start_ns = now_ns,
                         .end_ns = now_ns + DURATION_NS,
                         .attributes = attributes.items,
                         .attribute_count = attributes.count};
  return bt_otlp_export_own(client, &options, &span, "span", cancel, error);
}

static const char *why_not(bt_http_client *client, const bt_exporter_options *exporter, const json_t *document) {
  if (!client || !exporter) return "no OTLP endpoint is set (--otlp or OTEL_EXPORTER_OTLP_ENDPOINT)";
  if (strchr(bt_json_text_at(report_of(document), "tenant"), '|'))
    return "a span is written for one tenant, and this report is of several";
  return NULL;
}

void bt_report_span_send(bt_http_client *client, const bt_exporter_options *exporter, const json_t *document,
                         const bt_cancel *cancel, bt_report_span_result *out) {
  bt_error error = {0};
  const char *reason = why_not(client, exporter, document);
  *out = (bt_report_span_result){.state = "not_sent"};
  if (reason) {
    snprintf(out->message, sizeof out->message, "%s", reason);
    return;
  }
  bt_status status = send_span(client, exporter, document, cancel, &error);
  out->state = status ? "failed" : "sent";
  if (status) snprintf(out->message, sizeof out->message, "%.190s", error.message);
}

/* ---- finding ---- */

typedef struct looking {
  const char *head, *tenant;
  bt_report_span_state state;
} looking;

static bool has_head(const bt_span *span, const char *expected) {
  const bt_value *head = bt_attributes_find(&span->attributes, BT_STR(BT_REPORT_HEAD));
  return head && head->type == BT_VALUE_STRING && bt_str_equal(head->string, bt_str_from(expected));
}

/* Nobody comes to the report's trace id by chance: whatever else lies there was sent to hide the head. */
static bt_status look_at(void *context, const bt_read_trace *read, bt_error *error) {
  looking *l = context;
  (void)error;
  if (!read->trace) return BT_OK;
  bool is_same = bt_trace_is_own(read->trace, bt_str_from(l->tenant));
  for (uint32_t i = 0; i < read->trace->span_count; i++) is_same = is_same && has_head(&read->trace->spans[i], l->head);
  l->state = is_same ? BT_REPORT_SPAN_SAME : BT_REPORT_SPAN_OTHER;
  return BT_OK;
}

bt_status bt_report_span_find(bt_source *source, const json_t *document, bt_report_span_state *out, bt_error *error) {
  looking l = {.head = bt_json_text_at(json_object_get(document, "evidence"), "head"),
               .tenant = bt_json_text_at(report_of(document), "tenant"),
               .state = BT_REPORT_SPAN_GONE};
  bt_source_account account = {0};
  bt_own_ids ids;
  if (!own_ids(document, &ids)) return bt_error_no_memory(error);
  bt_read_request request = {.ids = &ids.trace_id,
                             .count = 1,
                             .range = {0, bt_clock_wall_ns()},
                             .by_id = true,
                             .with_own = true,
                             .tenant = l.tenant[0] ? l.tenant : NULL,
                             .priority = BT_PRIORITY_PEOPLE};
  bt_status status = bt_source_read(source, &request, look_at, &l, &account, error);
  bt_source_account_dispose(&account);
  *out = l.state;
  return status;
}
