/* Rule files as text cases (cases/rulefile): `yaml |` → `outline |` or `error`. The lines below each begin with "|",
 * which keeps their indentation and empty lines. What a case file cannot hold (NULs, sizes, bytes) is tested here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/rulefile/rulefile.h"
#include "tests/support/case_file.h"

/* The value of a case without the bars, and without the lone bar beside its key. */
static void append_unbarred(bt_buffer *out, const char *value) {
  assert_non_null(value);
  assert_int_equal(value[0], '|');
  for (const char *line = value + 1 + (value[1] == '\n'); *line;) {
    size_t length = strcspn(line, "\n");
    if (length && line[0] == '|')
      bt_buffer_append(out, (bt_str){line + 1, length - 1});
    else if (length)
      fail_msg("a line without a bar: %.*s", (int)length, line);
    if (length) bt_buffer_append_char(out, '\n');
    line += length + (line[length] == '\n');
  }
}

static void show_text(bt_buffer *out, bt_str text) {
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] == '\n')
      bt_buffer_append(out, BT_STR("\\n"));
    else if (text.ptr[i] == '"')
      bt_buffer_append(out, BT_STR("\\\""));
    else
      bt_buffer_append_char(out, text.ptr[i]);
  }
  bt_buffer_append_char(out, '"');
}

static void show_key(bt_buffer *out, const char *key, bt_str text) {
  if (!text.ptr) return;
  bt_buffer_printf(out, " %s=", key);
  show_text(out, text);
}

static void show_duration(bt_buffer *out, const char *key, int64_t ns) {
  char text[64];
  if (ns < 0) return;
  bt_duration_format(ns, text);
  bt_buffer_printf(out, " %s=%s", key, text);
}

static void show_value(bt_buffer *out, const bt_value *value) {
  switch (value->type) {
  case BT_VALUE_MISSING: bt_buffer_append(out, BT_STR("missing")); return;
  case BT_VALUE_OTHER: bt_buffer_append(out, BT_STR("other")); return;
  case BT_VALUE_STRING: show_text(out, value->string); return;
  case BT_VALUE_BOOL: bt_buffer_printf(out, "%s", value->boolean ? "true" : "false"); return;
  case BT_VALUE_INT: bt_buffer_printf(out, "%" PRId64, value->integer); return;
  case BT_VALUE_DOUBLE: bt_buffer_printf(out, "%.17gf", value->decimal); return;
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: fail_msg("no scalar of a rule file is a duration or a time"); return;
  case BT_VALUE_ARRAY: break;
  }
  for (uint32_t i = 0; i < value->array.count; i++) {
    bt_buffer_append_char(out, i ? ',' : '[');
    show_value(out, &value->array.items[i]);
  }
  bt_buffer_append_char(out, ']');
}

static void show_attributes(bt_buffer *out, const char *prefix, bt_attributes attributes) {
  for (uint32_t i = 0; i < attributes.count; i++) {
    bt_buffer_printf(out, " %s%.*s=", prefix, BT_FMT(attributes.items[i].key));
    show_value(out, &attributes.items[i].value);
  }
}

static void show_links(bt_buffer *out, const bt_test_span *span) {
  for (uint32_t i = 0; i < span->link_count; i++) {
    const bt_test_link *link = &span->links[i];
    bt_buffer_printf(out, "      link trace=%.*s span=%.*s", BT_FMT(link->trace), BT_FMT(link->span));
    show_attributes(out, "", link->attributes);
    bt_buffer_append_char(out, '\n');
  }
}

static void show_span(bt_buffer *out, const bt_test_span *span) {
  bt_buffer_printf(out, "    span %.*s", BT_FMT(span->name));
  show_key(out, "id", span->id);
  show_key(out, "parent", span->parent);
  show_key(out, "service", span->service);
  show_duration(out, "at", span->at_ns);
  show_duration(out, "duration", span->duration_ns);
  if (span->kind) bt_buffer_printf(out, " kind=%d", (int)span->kind);
  if (span->status) bt_buffer_printf(out, " status=%d", (int)span->status);
  show_key(out, "status_message", span->status_message);
  show_key(out, "trace_state", span->trace_state);
  const struct {
    const char *name;
    uint32_t number;
  } carried[] = {{"flags", span->flags},
                 {"dropped_attributes", span->dropped_attributes},
                 {"dropped_events", span->dropped_events},
                 {"dropped_links", span->dropped_links}};
  for (size_t i = 0; i < sizeof carried / sizeof *carried; i++)
    if (carried[i].number) bt_buffer_printf(out, " %s=%u", carried[i].name, carried[i].number);
  show_attributes(out, "", span->attributes);
  show_attributes(out, "resource.", span->resource);
  show_key(out, "scope.name", span->scope_name);
  show_key(out, "scope.version", span->scope_version);
  show_attributes(out, "scope.", span->scope_attributes);
  bt_buffer_append_char(out, '\n');
  for (uint32_t i = 0; i < span->event_count; i++) {
    bt_buffer_printf(out, "      event %.*s", BT_FMT(span->events[i].name));
    show_duration(out, "at", span->events[i].at_ns);
    show_attributes(out, "", span->events[i].attributes);
    bt_buffer_append_char(out, '\n');
  }
  show_links(out, span);
}

static void show_test(bt_buffer *out, const bt_rulefile_test *test) {
  bt_buffer_printf(out, "  test line=%u", test->line);
  show_key(out, "name", test->name);
  for (uint32_t i = 0; i < test->expectation_count; i++)
    bt_buffer_printf(out, " expect%s%.*s=%s", test->expectations[i].rule_id.ptr ? "." : "",
                     BT_FMT(test->expectations[i].rule_id), bt_verdict_name(test->expectations[i].verdict));
  for (uint32_t i = 0; i < test->witness_count; i++)
    bt_buffer_printf(out, " witness.%.*s=%.*s", BT_FMT(test->witnesses[i].binding), BT_FMT(test->witnesses[i].span_id));
  if (test->incomplete) bt_buffer_append(out, BT_STR(" incomplete"));
  show_duration(out, "clock_skew", test->clock_skew_ns);
  show_key(out, "trace_file", test->trace_file);
  bt_buffer_append_char(out, '\n');
  for (uint32_t i = 0; i < test->span_count; i++) show_span(out, &test->spans[i]);
  for (uint32_t o = 0; o < test->other_count; o++) {
    bt_buffer_printf(out, "    other %.*s\n", BT_FMT(test->others[o].name));
    for (uint32_t i = 0; i < test->others[o].span_count; i++) show_span(out, &test->others[o].spans[i]);
  }
}

static void show_rule(bt_buffer *out, const bt_rulefile_rule *rule) {
  const bt_rule_fields *fields = &rule->fields;
  bt_buffer_printf(out, "rule line=%u dsl_at=%u+%u", rule->line, rule->dsl_line, rule->dsl_column);
  show_key(out, "group", rule->group);
  show_key(out, "id", bt_str_from(fields->id));
  show_key(out, "name", bt_str_from(fields->name));
  show_key(out, "description", bt_str_from(fields->description));
  if (fields->has_severity) bt_buffer_printf(out, " severity=%s", bt_severity_name(fields->severity));
  bt_buffer_printf(out, "%s%s%s", fields->enabled ? "" : " disabled", fields->shadow ? " shadow" : "",
                   fields->watch_all ? " watch_all" : "");
  show_duration(out, "settle", fields->settle_ns);
  show_duration(out, "margin", fields->margin_ns);
  show_duration(out, "clock_skew", fields->clock_skew_ns);
  if (fields->require_complete >= 0) bt_buffer_printf(out, " require_complete=%d", fields->require_complete);
  if (fields->budget >= 0) bt_buffer_printf(out, " budget=%lld", (long long)fields->budget);
  if (fields->links_sampled >= 0) bt_buffer_printf(out, " links_sampled=%d", fields->links_sampled);
  if (fields->store) bt_buffer_printf(out, " store=%s", fields->store);
  for (size_t i = 0; i < fields->label_count; i++)
    bt_buffer_printf(out, " label.%s=%s", fields->labels[i].key, fields->labels[i].value);
  for (size_t i = 0; i < fields->annotation_count; i++)
    bt_buffer_printf(out, " annotation.%s=%s", fields->annotations[i].key, fields->annotations[i].value);
  bt_buffer_append(out, BT_STR("\n  dsl "));
  show_text(out, bt_str_from(fields->dsl));
  bt_buffer_append_char(out, '\n');
  for (uint32_t i = 0; i < rule->test_count; i++) show_test(out, &rule->tests[i]);
}

static void run_case(const text_case *c, void *context) {
  bt_buffer yaml = {0}, expected = {0}, got = {0};
  bt_rulefile file;
  bt_error error = {0};
  append_unbarred(&yaml, case_get(c, "yaml"));
  bt_buffer_append(&expected, BT_STR(""));
  bt_buffer_append(&got, BT_STR(""));
  bt_status status = bt_rulefile_parse(bt_buffer_str(&yaml), "f.yaml", &file, &error);
  const char *expected_error = case_get(c, "error");
  if (expected_error) {
    bt_buffer_printf(&expected, "%s", expected_error);
    bt_buffer_printf(&got, "%s", status == BT_INVALID ? error.message : "(no BT_INVALID)");
  } else {
    append_unbarred(&expected, case_get(c, "outline"));
    if (status) bt_buffer_printf(&got, "%s\n", error.message);
    for (size_t i = 0; !status && i < file.rule_count; i++) show_rule(&got, &file.rules[i]);
  }
  if (strcmp(expected.ptr, got.ptr) != 0) {
    print_error("%s:%u: %s\nexpected:\n%s\ngot:\n%s\n", c->file, c->line, c->comment, expected.ptr, got.ptr);
    ++*(int *)context;
  }
  bt_rulefile_dispose(&file);
  bt_buffer_dispose(&yaml);
  bt_buffer_dispose(&expected);
  bt_buffer_dispose(&got);
}

static void test_cases(void **state) {
  (void)state;
  int failures = 0;
  assert_true(case_run_folder("cases/rulefile", run_case, &failures) > 60);
  assert_int_equal(failures, 0);
}

static void refuse(bt_str text, const char *expected) {
  bt_rulefile file;
  bt_error error = {0};
  assert_int_equal(bt_rulefile_parse(text, "f.yaml", &file, &error), BT_INVALID);
  if (!strstr(error.message, expected)) fail_msg("expected \"%s\", got \"%s\"", expected, error.message);
  bt_rulefile_dispose(&file);
}

static void test_bytes_that_no_case_can_hold(void **state) {
  (void)state;
  refuse(BT_STR(""), "f.yaml:1:1: expected groups: or rules:, got an empty file");
  refuse(BT_STR("rules: []\n\0hidden: rule"), "f.yaml:2:1: expected UTF-8 text, got a NUL byte");
  refuse(BT_STR("rules:\n- id: \"a\\0b\"\n"), "expected text, got a NUL character in it");
  refuse(BT_STR("rules:\n- name: \xFF\n"), "f.yaml:2:1: expected UTF-8 text, got bytes that are not UTF-8");
  refuse(BT_STR("rules:\n- name: é\x01\n"), "f.yaml:2:10: expected YAML, but control characters are not allowed");
  refuse(BT_STR("\xFF\xFEr\0u\0"), "f.yaml:1:1: expected UTF-8 text");
}

static void test_a_byte_order_mark_is_no_text(void **state) {
  (void)state;
  bt_rulefile file;
  bt_error error = {0};
  if (bt_rulefile_parse(BT_STR("\xEF\xBB\xBFrules: [{id: a, dsl: x and y}]\r\n"), "f.yaml", &file, &error))
    fail_msg("%s", error.message);
  assert_int_equal(file.rule_count, 1);
  assert_string_equal(file.rules[0].fields.dsl, "x and y");
  bt_rulefile_dispose(&file);
}

static void refuse_repeated(const char *head, const char *item, size_t count, const char *expected) {
  bt_buffer text = {0};
  bt_buffer_append(&text, bt_str_from(head));
  for (size_t i = 0; i < count; i++) bt_buffer_append(&text, bt_str_from(item));
  assert_false(text.failed);
  refuse(bt_buffer_str(&text), expected);
  bt_buffer_dispose(&text);
}

static void test_sizes(void **state) {
  (void)state;
  refuse_repeated("rules: ", "[", 1000000, "expected lists and mappings at most 64 deep");
  refuse_repeated("rules: ", "{a: ", 100000, "expected lists and mappings at most 64 deep");
  refuse_repeated("rules: [", "0,", 600000, "expected at most 500000 values in one file");
  refuse_repeated("# ", "xxxxxxxxxxxxxxxx", 700000, "expected at most 10 MiB, got 11200002 bytes");
  bt_buffer text = {0};
  bt_buffer_append(&text, BT_STR("rules:\n- labels:\n"));
  for (int i = 0; i < 4097; i++) bt_buffer_printf(&text, "    k%d: v\n", i);
  refuse(bt_buffer_str(&text), "f.yaml:4099:5: expected at most 4096 keys in one mapping");
  bt_buffer_dispose(&text);
}

/* Every rule that a file gives can be made a definition: the fields are left empty, and the file can still be disposed.
 */
static void test_fields_can_be_taken(void **state) {
  (void)state;
  bt_rulefile file;
  bt_error error = {0};
  bt_diagnostics diagnostics;
  bt_rule_definition *definition = NULL;
  assert_int_equal(
      bt_rulefile_parse(BT_STR("rules:\n- name: Two words\n  severity: HIGH\n  dsl: when { a } always { b }\n"),
                        "f.yaml", &file, &error),
      BT_OK);
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_definition_new(&file.rules[0].fields, &definition, &diagnostics, &error), BT_OK);
  assert_string_equal(definition->fields.id, "two-words");
  assert_int_equal(definition->fields.severity, BT_SEVERITY_HIGH);
  bt_rule_definition_unref(definition);
  bt_diagnostics_dispose(&diagnostics);
  bt_rulefile_dispose(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),
      cmocka_unit_test(test_bytes_that_no_case_can_hold),
      cmocka_unit_test(test_a_byte_order_mark_is_no_text),
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_fields_can_be_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
