/* The new rule file as text: rules with the findings about them in comments above. See import.h. Thread: no state. */
#include <string.h>

#include "server/base/time_text.h"
#include "server/import/import_parts.h"
#include "server/base/shown_text.h"
#include "server/rulefile/yaml_text.h"

/* ---- tests ---- */

static void write_attributes(const char *name, const bt_attributes *attributes, bt_buffer *out) {
  if (!attributes->count) return;
  bt_buffer_printf(out, ", %s: {", name);
  for (uint32_t i = 0; i < attributes->count; i++) {
    if (i) bt_buffer_append(out, BT_STR(", "));
    bt_yaml_quote(attributes->items[i].key, out);
    bt_buffer_append(out, BT_STR(": "));
    bt_yaml_append_value(&attributes->items[i].value, out);
  }
  bt_buffer_append_char(out, '}');
}

static void write_text(const char *name, bt_str text, bt_buffer *out) {
  if (!text.ptr) return;
  bt_buffer_printf(out, ", %s: ", name);
  bt_yaml_quote(text, out);
}

static void write_time(const char *name, int64_t ns, bt_buffer *out) {
  char text[64];
  if (ns < 0) return;
  bt_duration_format(ns, text);
  bt_buffer_printf(out, ", %s: %s", name, text);
}

static void write_scope(const bt_test_span *span, bt_buffer *out) {
  bt_buffer inner = {0};
  write_text("name", span->scope_name, &inner);
  write_text("version", span->scope_version, &inner);
  write_attributes("attributes", &span->scope_attributes, &inner);
  if (inner.len > 2) bt_buffer_printf(out, ", scope: {%s}", inner.ptr + 2);
  out->failed = out->failed || inner.failed;
  bt_buffer_dispose(&inner);
}

static void write_events(const bt_test_span *span, bt_buffer *out) {
  for (uint32_t i = 0; i < span->event_count; i++) {
    bt_buffer_append(out, i ? BT_STR(", {name: ") : BT_STR(", events: [{name: "));
    bt_yaml_quote(span->events[i].name, out);
    write_time("at", span->events[i].at_ns, out);
    write_attributes("attributes", &span->events[i].attributes, out);
    bt_buffer_append_char(out, '}');
  }
  if (span->event_count) bt_buffer_append_char(out, ']');
}

static void write_links(const bt_test_span *span, bt_buffer *out) {
  for (uint32_t i = 0; i < span->link_count; i++) {
    bt_buffer_append(out, i ? BT_STR(", {trace: ") : BT_STR(", links: [{trace: "));
    bt_yaml_quote(span->links[i].trace, out);
    write_text("span", span->links[i].span, out);
    write_attributes("attributes", &span->links[i].attributes, out);
    bt_buffer_append_char(out, '}');
  }
  if (span->link_count) bt_buffer_append_char(out, ']');
}

static void write_span(const bt_test_span *span, bt_buffer *out) {
  static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  bt_buffer_append(out, BT_STR("    - {span: "));
  bt_yaml_quote(span->name, out);
  write_text("id", span->id, out);
  write_text("parent", span->parent, out);
  write_text("service", span->service, out);
  write_time("at", span->at_ns, out);
  write_time("duration", span->duration_ns, out);
  if (span->kind) bt_buffer_printf(out, ", kind: %s", kinds[span->kind]);
  if (span->status) bt_buffer_printf(out, ", status: %s", span->status == BT_SPAN_STATUS_ERROR ? "error" : "ok");
  write_text("status_message", span->status_message, out);
  write_attributes("attributes", &span->attributes, out);
  write_attributes("resource", &span->resource, out);
  write_scope(span, out);
  write_events(span, out);
  write_links(span, out);
  bt_buffer_append(out, BT_STR("}\n"));
}

void bt_import_write_example(const bt_rulefile_test *example, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("  tests:\n  - name: "));
  bt_yaml_quote(example->name, out);
  bt_buffer_append(out, BT_STR("\n    trace:\n"));
  for (uint32_t i = 0; i < example->span_count; i++) write_span(&example->spans[i], out);
  bt_buffer_append(out, BT_STR("    expect: violated\n"));
}

/* ---- comments ---- */

/* A comment may not hold all that is shown here as it is on a terminal. */
static void append_shown(bt_str text, bt_buffer *out) {
  while (text.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(text, &code);
    if (code != 0xFFFE && code != 0xFFFF) length = bt_shown_append_one(text, true, out);
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

static void write_lines(const char *before, bt_str text, bt_buffer *out) {
  while (text.len) {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t length = end ? (size_t)(end - text.ptr) : text.len;
    bt_buffer_append(out, bt_str_from(before));
    append_shown((bt_str){text.ptr, length}, out);
    bt_buffer_append_char(out, '\n');
    length += end != NULL;
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

static void write_findings(const bt_import_rule *rule, bt_buffer *out) {
  for (const bt_import_finding *finding = rule->findings; finding; finding = finding->next) {
    bt_buffer_printf(out, "# - %sline %u, column %u: ", finding->look ? "LOOK " : "", finding->line, finding->column);
    append_shown(finding->message, out);
    bt_buffer_append_char(out, '\n');
  }
}

static void write_head(const bt_import_rule *rule, bt_buffer *out) {
  static const char *const said[] = {"converted", "converted, look at it", "NOT CONVERTED"};
  bt_buffer_append(out, BT_STR("# "));
  append_shown(rule->file, out);
  bt_buffer_printf(out, ":%u: %s", rule->line, said[rule->result]);
  if (!rule->dsl.ptr && rule->id.len) {
    bt_buffer_append(out, BT_STR(": "));
    append_shown(rule->id, out);
  }
  bt_buffer_append_char(out, '\n');
  write_findings(rule, out);
}

static void write_rule(const bt_import_rule *rule, bt_buffer *out) {
  bt_buffer_append_char(out, '\n');
  write_head(rule, out);
  if (rule->dsl.ptr && rule->is_changed) {
    bt_buffer_append(out, BT_STR("# It was:\n"));
    write_lines("#   ", rule->old_text, out);
  }
  if (rule->leftover.len) {
    bt_buffer_append(out, rule->dsl.ptr ? BT_STR("# Not taken over:\n") : BT_STR("# The rule as it was:\n"));
    write_lines("#   ", rule->leftover, out);
  }
  bt_buffer_append(out, rule->item);
}

bt_status bt_import_write(const bt_import *import, bt_buffer *out, bt_error *error) {
  size_t converted = import->counts[BT_IMPORT_CONVERTED], look = import->counts[BT_IMPORT_LOOK];
  size_t not_converted = import->counts[BT_IMPORT_NOT_CONVERTED];
  bt_buffer_printf(
      out,
      "# Written by betrace import: %zu converted, %zu converted and to be looked at, %zu not converted.\n"
      "# A name selects spans by their name or their service here, and by their name alone in the original.\n",
      converted, look, not_converted);
  bt_buffer_append(out, converted + look ? BT_STR("rules:\n") : BT_STR("rules: []\n"));
  for (const bt_import_rule *rule = import->first; rule; rule = rule->next) write_rule(rule, out);
  return out->failed ? bt_error_no_memory(error) : BT_OK;
}
