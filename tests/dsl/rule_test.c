/* What text cases cannot say: limits, deep and long texts, ranges of the checked rule, and how diagnostics are printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "dsl/rule/rule.h"

/* The code of the first error, or "" when the text compiles. */
static void expect_code(bt_str text, const char *code) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(text, &rule, &diagnostics, &error);
  const char *first = "";
  for (size_t i = diagnostics.count; i-- > 0;)
    if (diagnostics.items[i].is_error) first = diagnostics.items[i].code;
  assert_string_equal(first, code);
  assert_int_equal(status, *code ? BT_INVALID : BT_OK);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

/* `count` times `open`, then `inside`, then as many `close`. */
static void expect_nested(const char *open, size_t count, const char *inside, const char *close, const char *code) {
  bt_buffer text = {0};
  for (size_t i = 0; i < count; i++) bt_buffer_append(&text, bt_str_from(open));
  bt_buffer_append(&text, bt_str_from(inside));
  for (size_t i = 0; i < count; i++) bt_buffer_append(&text, bt_str_from(close));
  expect_code(bt_buffer_str(&text), code);
  bt_buffer_dispose(&text);
}

static void test_nesting(void **state) {
  (void)state;
  expect_nested("(", BT_MAX_NESTING, "a", ")", "");
  expect_nested("(", BT_MAX_NESTING + 1, "a", ")", "E003");
  expect_nested("(", 60000, "a", "", "E003");
  expect_nested("not ", BT_MAX_NESTING, "a", "", "");
  expect_nested("not ", BT_MAX_NESTING + 1, "a", "", "E003");
  expect_nested("!", 60000, "a", "", "E003");
  expect_nested("trace.has(", BT_MAX_NESTING, "a", ")", "");
  expect_nested("trace.has(", BT_MAX_NESTING + 1, "a", ")", "E003");
  expect_nested("a.where(", 5000, "k", ")", "E003");
  expect_nested("a.k in [", 5000, "k", "]", "E010");
  expect_nested("when {", 5000, "a", "}", "E010");
  expect_nested("x after (", 5000, "a", ")", "E003");
  expect_nested("{} > {", 9000, "a", "}", "E010");
}

static bool warns_of(const char *key) {
  bt_diagnostics diagnostics;
  bt_buffer text = {0};
  bt_rule *rule = NULL;
  bt_error error = {0};
  bool is_warned = false;
  bt_buffer_printf(&text, "never { a.where(%s == 5) }", key);
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(bt_buffer_str(&text), &rule, &diagnostics, &error), BT_OK);
  for (size_t i = 0; i < diagnostics.count; i++) is_warned |= strcmp(diagnostics.items[i].code, "W002") == 0;
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&text);
  return is_warned;
}

/* What other tools call what a span has: a test of it would never hold. */
static const char *const foreign[] = {
    "span.status_code",
    "span.status.code",
    "span.parent",
    "span.duration_ms",
    "span.durationMs",
    "span.events.name",
    "event.count",
    "span.traceId",
    "traceID",
    "serviceName",
    "service_name",
    "span.service.name",
    "localEndpoint.serviceName",
    "process.serviceName",
    "resource.service",
    "spanName",
    "operationName",
    "span.operation",
    "span.operation.name",
    "resource_name",
    "transaction.name",
    "span.displayName",
    "spanKind",
    "span.type",
    "spanStatus",
    "statusCode",
    "status.code",
    "otel.status_code",
    "statusCodeString",
    "hasError",
    "statusMessage",
    "status.message",
    "status.description",
    "otel.status_description",
    "spanId",
    "parentSpanId",
    "parentId",
    "span.parent.id",
    "durationNano",
    "durationNanos",
    "duration.us",
    "span.duration.us",
    "transaction.duration.us",
    "span.latency",
    "span.startTime",
    "startTimeUnixNano",
    "span.timestamp",
    "timestamp.us",
    "span.endTime",
    "endTimeUnixNano",
    "otel.scope.name",
    "otel.library.name",
    "rootServiceName",
    "rootTraceName",
    "spanCount",
    "event.timestamp",
    "event.timeUnixNano",
    "span.event.name",
    "tags.error",
    "span.meta.k",
    "span.metrics.k",
    "span.labels.k",
    "span.annotations.k",
    "SpanAttributes.k",
    "stringTagMap.k",
    "ResourceAttributes.k",
    "span.resource.k",
    "process.tags.k",
    "events.name",
    "span.logs.k",
    "span.links.k",
    "span.references.k",
    "childCount",
    "nestedSetParent",
    "isRoot",
    "event.outcome",
    "link.count",
};

/* And keys that people do give. */
static void test_foreign_names(void **state) {
  static const char *const own[] = {"shop.amount",  "span.http.status_code",
                                    "event.reason", "link.reason",
                                    "otel.kind",    "labels.k",
                                    "type",         "latency",
                                    "timestamp",    "resource.k"};
  (void)state;
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
    if (!warns_of(foreign[i])) fail_msg("nothing is said of %s", foreign[i]);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (warns_of(own[i])) fail_msg("something is said of %s", own[i]);
}

static void test_nodes(void **state) {
  (void)state;
  expect_nested("a and ", BT_MAX_NODES - 2, "a", "", "");
  expect_nested("a and ", BT_MAX_NODES, "a", "", "E003");
  expect_nested("a or ", 12000, "a", "", "E003");
  expect_nested("1 + ", 2000, "count(a) > 1", "", "");
  expect_nested("1 - ", 5000, "count(a) > 1", "", "E003");
  expect_nested("a.where(k)", 1, ".where(k)", ".where(k)", "");
}

static void test_text_size(void **state) {
  (void)state;
  bt_buffer text = {0};
  bt_buffer_append(&text, BT_STR("a #"));
  while (text.len < BT_MAX_RULE_BYTES) bt_buffer_append_char(&text, 'x');
  expect_code(bt_buffer_str(&text), "");
  bt_buffer_append_char(&text, 'x');
  expect_code(bt_buffer_str(&text), "E003");
  bt_buffer_dispose(&text);
}

static void test_strange_bytes(void **state) {
  (void)state;
  expect_code((bt_str){NULL, 0}, "E010");
  expect_code((bt_str){"a\0b", 3}, "E001");
  expect_code(BT_STR("a \xff"), "E001");
  expect_code(BT_STR("\"\xc3\x28\""), "E001");
  expect_code((bt_str){"\"a\0b\"", 5}, "");
  expect_code(BT_STR("a\r\nand\tb"), "");
}

/* More mistakes than anyone reads: counted, not kept. */
static void test_many_diagnostics(void **state) {
  (void)state;
  bt_buffer text = {0};
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  for (int i = 0; i < 1000; i++) bt_buffer_append(&text, BT_STR("trace.foo > 1 and "));
  bt_buffer_append_char(&text, 'a');
  assert_int_equal(bt_rule_compile(bt_buffer_str(&text), &rule, &diagnostics, &error), BT_INVALID);
  assert_int_equal(diagnostics.count, BT_MAX_DIAGNOSTICS);
  assert_int_equal(diagnostics.error_count, 1000);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&text);
}

/* Ranges point into the text, so that a page can show the clause that failed. */
static void test_ranges(void **state) {
  (void)state;
  static const char text[] = "when { a as c } always { (b after c) and count(d) > 1 }";
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(BT_STR(text), &rule, &diagnostics, &error), BT_OK);
  assert_string_equal(rule->text.ptr, text);
  assert_ptr_not_equal(rule->text.ptr, text);
  const bt_condition *items[] = {rule->when, rule->always->items[0], rule->always->items[1], rule->always};
  static const char *const expected[] = {"a as c", "b after c", "count(d) > 1", "(b after c) and count(d) > 1"};
  for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
    bt_range range = items[i]->range;
    bt_str written = {text + range.start, range.end - range.start};
    assert_true(bt_str_equal(written, bt_str_from(expected[i])));
  }
  assert_true(rule->bindings[0].in_choice);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static void expect_print(const char *text, const char *expected) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_buffer out = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(bt_str_from(text), &rule, &diagnostics, &error);
  assert_true(status == BT_OK || status == BT_INVALID);
  bt_diagnostics_print(&diagnostics, bt_str_from(text), "rules.yaml", &out);
  assert_string_equal(out.ptr, expected);
  bt_buffer_dispose(&out);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

/* Of a long line what stands around the place: 200 columns, with a mark where it is cut. */
static void test_print_long_line(void **state) {
  (void)state;
  bt_buffer text = {0}, out = {0};
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  for (int i = 0; i < 300; i++) bt_buffer_append(&text, BT_STR("\"\xc3\xa9\" and "));
  bt_buffer_append(&text, BT_STR("trace.spancount > 5"));
  for (int i = 0; i < 300; i++) bt_buffer_append(&text, BT_STR(" and b"));
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(bt_buffer_str(&text), &rule, &diagnostics, NULL), BT_INVALID);
  bt_diagnostics_print(&diagnostics, bt_buffer_str(&text), "r", &out);
  const char *line = strchr(out.ptr, '\n') + 1, *carets = strchr(line, '\n') + 1;
  size_t columns = 0, place = 0;
  for (const char *at = line + 2; *at != '\n'; at++) {
    if (strncmp(at, "trace.spancount", 15) == 0) place = columns;
    columns += ((unsigned char)*at & 0xC0) != 0x80;
  }
  assert_int_equal(columns, 200);
  assert_int_equal(strncmp(line, "  …", 5), 0);
  assert_int_equal(strncmp(carets - 4, "…\n", 4), 0);
  assert_int_equal(strspn(carets, " "), 2 + place);
  bt_buffer_dispose(&text);
  bt_buffer_dispose(&out);
  bt_diagnostics_dispose(&diagnostics);
}

static void test_print(void **state) {
  (void)state;
  /* Columns count characters, and a tab stays a tab under the line. */
  expect_print("\"\xc3\xa9\" and\ttrace.spancount > 5",
               "rules.yaml:1:9: error[E025]: unknown field trace.spancount: did you mean trace.span_count?\n"
               "  \"\xc3\xa9\" and\ttrace.spancount > 5\n"
               "         \t^~~~~~~~~~~~~~~\n"
               "  fix: write `trace.span_count`\n");
  /* The end of the text is shown behind its last word. */
  expect_print("a and\n\n", "rules.yaml:1:6: error[E010]: expected a condition or a value, but the text ends\n"
                            "  a and\n"
                            "       ^\n");
}

/* A rule with `count` alternatives `k =~ <pattern>`, each with another number behind the pattern where they differ. */
static bt_buffer text_of_patterns(const char *pattern, int count, bool they_differ) {
  bt_buffer text = {0};
  bt_buffer_append(&text, BT_STR("a.where("));
  for (int i = 0; i < count; i++)
    bt_buffer_printf(&text, "%sk =~ `%s%d`", i ? " or " : "", pattern, they_differ ? i : 0);
  bt_buffer_append(&text, BT_STR(")"));
  return text;
}

static bt_status compile_patterns(const char *pattern, int count, bool they_differ, size_t *bytes, size_t *errors) {
  bt_buffer text = text_of_patterns(pattern, count, they_differ);
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(bt_buffer_str(&text), &rule, &diagnostics, &error);
  *bytes = rule ? bt_rule_bytes(rule) : 0;
  *errors = diagnostics.error_count;
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&text);
  return status;
}

/* 300 regexes of 30,000 instructions each took 13 s and 141 MB. Their bytes bound both: compiling stops with the first
 * that does not fit. */
static void test_patterns_have_a_budget(void **state) {
  (void)state;
  size_t bytes, errors, of_one;
  assert_int_equal(compile_patterns("\\pL{50}", 300, true, &bytes, &errors), BT_INVALID);
  assert_int_equal(errors, 1);
  assert_int_equal(compile_patterns("\\pL{50}", 1, true, &of_one, &errors), BT_OK);
  assert_in_range(of_one, BT_MAX_PATTERN_BYTES / 4, BT_MAX_PATTERN_BYTES);
  assert_int_equal(compile_patterns("\\pL{50}", 300, false, &bytes, &errors), BT_OK);
  assert_in_range(bytes, of_one, of_one + of_one / 2); /* equal texts share one program */
  assert_int_equal(compile_patterns("(error|warn).*x", 300, true, &bytes, &errors), BT_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_patterns_have_a_budget),
      cmocka_unit_test(test_nesting),
      cmocka_unit_test(test_foreign_names),
      cmocka_unit_test(test_nodes),
      cmocka_unit_test(test_text_size),
      cmocka_unit_test(test_strange_bytes),
      cmocka_unit_test(test_ranges),
      cmocka_unit_test(test_print),
      cmocka_unit_test(test_print_long_line),
      cmocka_unit_test(test_many_diagnostics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
