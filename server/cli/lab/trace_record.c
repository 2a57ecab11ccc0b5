/* Traces as spans of a test. See trace_record.h. */
#include "server/cli/lab/trace_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/json/json_values.h"
#include "server/json/test_report.h"
#include "server/rulefile/test_run.h"
#include "server/rulefile/yaml_text.h"

/* A rule file says each key once: of two the first. */
static bool is_first(const bt_attributes *attributes, uint32_t index) {
  for (uint32_t i = 0; i < index; i++)
    if (bt_str_equal(attributes->items[i].key, attributes->items[index].key)) return false;
  return true;
}

static void write_carried(bt_redaction *redaction, const bt_span *span, bt_buffer *out) {
  bt_carried_number numbers[BT_CARRIED_NUMBERS];
  bt_buffer state = {0};
  bt_redaction_append_state(redaction, span->trace_state, &state);
  if (state.len) {
    bt_buffer_append(out, BT_STR(", trace_state: "));
    bt_yaml_quote((bt_str){state.ptr, state.len}, out);
  }
  out->failed = out->failed || state.failed;
  bt_buffer_dispose(&state);
  bt_carried_numbers(span, numbers);
  for (size_t i = 0; i < BT_CARRIED_NUMBERS; i++)
    if (numbers[i].number) bt_buffer_printf(out, ", %s: %" PRIu32, numbers[i].yaml, numbers[i].number);
}

/* `, name: {"k": v}` unless nothing of it is kept. */
static void write_attributes(const char *name, bt_redaction *redaction, bt_field_kind kind,
                             const bt_attributes *attributes, bt_buffer *out) {
  bool any = false;
  for (uint32_t i = 0; i < attributes->count; i++) {
    if (!is_first(attributes, i) || !bt_redaction_writes(redaction, kind, attributes, i)) continue;
    if (any)
      bt_buffer_append(out, BT_STR(", "));
    else
      bt_buffer_printf(out, ", %s: {", name);
    any = true;
    bt_yaml_quote(attributes->items[i].key, out);
    bt_buffer_append(out, BT_STR(": "));
    bt_yaml_append_value(&attributes->items[i].value, out);
  }
  if (any) bt_buffer_append_char(out, '}');
}

static void write_duration(const char *name, int64_t ns, bt_buffer *out) {
  char text[64];
  bt_duration_format(ns, text);
  bt_buffer_printf(out, ", %s: %s", name, text);
}

static void write_scope(bt_redaction *redaction, const bt_scope *scope, bt_buffer *out) {
  bt_buffer inner = {0};
  bool keeps_name = redaction->keeps_all || bt_rule_keys_have(redaction->read, BT_FIELD_SCOPE_NAME, (bt_str){0});
  bool keeps_version = redaction->keeps_all || bt_rule_keys_have(redaction->read, BT_FIELD_SCOPE_VERSION, (bt_str){0});
  if (keeps_name && scope->name.len) {
    bt_buffer_append(&inner, BT_STR(", name: "));
    bt_yaml_quote(scope->name, &inner);
  }
  if (keeps_version && scope->version.len) {
    bt_buffer_append(&inner, BT_STR(", version: "));
    bt_yaml_quote(scope->version, &inner);
  }
  write_attributes("attributes", redaction, BT_FIELD_SCOPE_ATTRIBUTE, &scope->attributes, &inner);
  if (inner.len > 2) bt_buffer_printf(out, ", scope: {%s}", inner.ptr + 2);
  out->failed = out->failed || inner.failed;
  bt_buffer_dispose(&inner);
}

static void write_events(bt_redaction *redaction, const bt_span *span, int64_t start_ns, bt_buffer *out) {
  for (uint32_t i = 0; i < span->event_count; i++) {
    const bt_event *event = &span->events[i];
    bt_buffer_append(out, i ? BT_STR(", {name: ") : BT_STR(", events: [{name: "));
    bt_yaml_quote(event->name, out);
    if (event->time_ns >= start_ns) write_duration("at", event->time_ns - start_ns, out);
    write_attributes("attributes", redaction, BT_FIELD_EVENT_ATTRIBUTE, &event->attributes, out);
    bt_buffer_append_char(out, '}');
  }
  if (span->event_count) bt_buffer_append_char(out, ']');
}

void bt_trace_record_name(uint32_t trace, char out[BT_LINKED_NAME_BYTES]) {
  snprintf(out, BT_LINKED_NAME_BYTES, "linked-%" PRIu32, trace);
}

static void write_trace_name(const bt_family *family, const bt_trace_id *id, bt_buffer *out) {
  char name[BT_LINKED_NAME_BYTES] = "own", hex[BT_TRACE_ID_HEX + 1];
  uint32_t number = 0;
  while (number < family->trace_count && bt_trace_id_compare(&family->traces[number].trace->id, id)) number++;
  if (number) bt_trace_record_name(number, name);
  bt_trace_id_format(id, hex);
  bt_buffer_append(out, bt_str_from(number < family->trace_count ? name : hex));
}

static void write_links(bt_redaction *redaction, const bt_family *family, const bt_span *span, bt_buffer *out) {
  for (uint32_t i = 0; i < span->link_count; i++) {
    const bt_link *link = &span->links[i];
    char span_id[BT_SPAN_ID_HEX + 1];
    bt_span_id_format(&link->span_id, span_id);
    bt_buffer_append(out, i ? BT_STR(", {trace: \"") : BT_STR(", links: [{trace: \""));
    write_trace_name(family, &link->trace_id, out);
    bt_buffer_printf(out, "\", span: \"%s\"", span_id);
    write_attributes("attributes", redaction, BT_FIELD_LINK_ATTRIBUTE, &link->attributes, out);
    bt_buffer_append_char(out, '}');
  }
  if (span->link_count) bt_buffer_append_char(out, ']');
}

static const char *kind_name(bt_span_kind kind) {
  static const char *const names[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  return (unsigned)kind < sizeof names / sizeof names[0] ? names[kind] : "unspecified";
}

static int64_t start_of(const bt_family *family, bool keeps_fractions) {
  int64_t start_ns = INT64_MAX;
  for (uint32_t i = 0; i < family->trace_count; i++) {
    int64_t own_ns = bt_trace_start_ns(family->traces[i].trace);
    if (own_ns && own_ns < start_ns) start_ns = own_ns;
  }
  if (start_ns == INT64_MAX) return 0;
  return keeps_fractions ? start_ns - start_ns % 1000000 : start_ns;
}

static void write_span(const bt_family *family, const bt_span *span, bt_redaction *redaction, bt_buffer *out) {
  int64_t origin_ns = start_of(family, redaction->keeps_fractions);
  char id[BT_SPAN_ID_HEX + 1], parent[BT_SPAN_ID_HEX + 1];
  bt_span_id_format(&span->id, id);
  bt_span_id_format(&span->parent_id, parent);
  bt_buffer_append(out, BT_STR("{span: "));
  bt_yaml_quote(span->name, out);
  bt_buffer_printf(out, ", id: \"%s\", parent: \"%s\"", id, bt_span_id_is_zero(&span->parent_id) ? "" : parent);
  if (span->resource->service.len) {
    bt_buffer_append(out, BT_STR(", service: "));
    bt_yaml_quote(span->resource->service, out);
  }
  write_duration("at", span->start_ns ? span->start_ns - origin_ns : 0, out); /* 0: nobody set it */
  write_duration("duration", bt_span_duration_ns(span), out);
  if (span->kind) bt_buffer_printf(out, ", kind: %s", kind_name(span->kind));
  if (span->status) bt_buffer_printf(out, ", status: %s", span->status == BT_SPAN_STATUS_ERROR ? "error" : "ok");
  if (bt_redaction_keeps_message(redaction, span)) {
    bt_buffer_append(out, BT_STR(", status_message: "));
    bt_yaml_quote(span->status_message, out);
  }
  write_carried(redaction, span, out);
  write_attributes("attributes", redaction, BT_FIELD_SPAN_ATTRIBUTE, &span->attributes, out);
  write_attributes("resource", redaction, BT_FIELD_RESOURCE_ATTRIBUTE, &span->resource->attributes, out);
  write_scope(redaction, span->scope, out);
  write_events(redaction, span, origin_ns, out);
  write_links(redaction, family, span, out);
  bt_buffer_append_char(out, '}');
}

static bool has_half(const bt_trace *trace, uint32_t index) {
  for (uint32_t i = 0; i < index; i++)
    if (memcmp(&trace->spans[i].id, &trace->spans[index].id, sizeof(bt_span_id)) == 0) return true;
  return false;
}

void bt_trace_record_yaml(const bt_family *family, uint32_t number, bt_redaction *redaction, unsigned indent,
                          bool *has_halves, bt_buffer *out) {
  const bt_trace *trace = family->traces[number].trace;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    if (!*has_halves) *has_halves = has_half(trace, i);
    bt_buffer_printf(out, "%*s- ", (int)indent, "");
    write_span(family, &trace->spans[i], redaction, out);
    bt_buffer_append_char(out, '\n');
  }
}

/* ---- is it true? ---- */

typedef struct verification {
  size_t passed;
  bt_buffer why; /* of the first that does not pass */
} verification;

static bt_status take_result(void *context, const bt_test_result *result, bt_error *error) {
  verification *v = context;
  if (result->outcome == BT_TEST_PASSED) return v->passed++, BT_OK;
  return v->why.len ? BT_OK : bt_test_report_explain(result, &v->why, error);
}

bt_status bt_recorded_verify(bt_str text, size_t tests, bt_error *error) {
  bt_checked_file file = {0};
  verification v = {0};
  bt_status status = bt_checked_file_read(text, "<recorded>", NULL, false, &file, error);
  if (!status) status = bt_tests_run(&file, "", take_result, &v, error);
  if (!status && v.passed != tests)
    status =
        bt_error_set(error, BT_REFUSED,
                     "what was recorded does not give the verdict of the trace, so nothing is printed: keep more of it "
                     "(--keep KEY, --keep-all), or record it with --as fixture. %.200s",
                     v.why.ptr ? v.why.ptr : "");
  bt_buffer_dispose(&v.why);
  bt_checked_file_dispose(&file);
  return status;
}
