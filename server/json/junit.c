/* JUnit XML. See junit.h. Counts are in front of what they count, so suites are collected in a buffer first. */
#include "server/json/junit.h"

#include "server/json/test_report.h"
#include "server/json/xml.h"

static void append_seconds(bt_buffer *out, int64_t duration_ns) {
  bt_buffer_printf(out, " time=\"%.6f\"", (double)duration_ns / 1e9);
}

static void count_outcome(bt_junit_counts *counts, bt_test_outcome outcome, int64_t duration_ns) {
  counts->tests++;
  counts->failures += outcome == BT_TEST_FAILED;
  counts->errors += outcome == BT_TEST_ERROR;
  counts->duration_ns += duration_ns;
}

static void append_failure(bt_junit *junit, const char *element, bt_str explanation) {
  size_t first = 0;
  while (first < explanation.len && explanation.ptr[first] != '\n') first++;
  bt_buffer_printf(&junit->cases, "      <%s", element);
  bt_xml_attribute(&junit->cases, "message", (bt_str){explanation.ptr, first});
  bt_buffer_append_char(&junit->cases, '>');
  bt_xml_text(&junit->cases, explanation, false);
  bt_buffer_printf(&junit->cases, "</%s>\n", element);
}

bt_status bt_junit_add(bt_junit *junit, const bt_test_result *result, bt_error *error) {
  bt_buffer name = {0}, explanation = {0};
  bt_test_report_name(result, &name);
  bt_status status = bt_test_report_explain(result, &explanation, error);
  count_outcome(&junit->suite, result->outcome, result->duration_ns);
  bt_buffer_append(&junit->cases, BT_STR("    <testcase"));
  bt_xml_attribute(&junit->cases, "classname", result->rule_id);
  bt_xml_attribute(&junit->cases, "name", bt_buffer_str(&name));
  bt_xml_attribute(&junit->cases, "file", bt_str_from(result->file->name));
  bt_buffer_printf(&junit->cases, " line=\"%u\"", result->test->line);
  append_seconds(&junit->cases, result->duration_ns);
  if (result->outcome == BT_TEST_PASSED) {
    bt_buffer_append(&junit->cases, BT_STR("/>\n"));
  } else {
    bt_buffer_append(&junit->cases, BT_STR(">\n"));
    append_failure(junit, result->outcome == BT_TEST_FAILED ? "failure" : "error", bt_buffer_str(&explanation));
    bt_buffer_append(&junit->cases, BT_STR("    </testcase>\n"));
  }
  bt_buffer_dispose(&name);
  bt_buffer_dispose(&explanation);
  return status;
}

void bt_junit_add_broken(bt_junit *junit, bt_str problem) {
  count_outcome(&junit->suite, BT_TEST_ERROR, 0);
  bt_buffer_append(&junit->cases, BT_STR("    <testcase name=\"the rules can be read\">\n"));
  append_failure(junit, "error", problem);
  bt_buffer_append(&junit->cases, BT_STR("    </testcase>\n"));
}

static void append_counts(bt_buffer *out, const bt_junit_counts *counts) {
  bt_buffer_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", counts->tests, counts->failures,
                   counts->errors);
  append_seconds(out, counts->duration_ns);
  bt_buffer_append(out, BT_STR(">\n"));
}

void bt_junit_end_file(bt_junit *junit, const char *file_name) {
  bt_junit_counts *all = &junit->all;
  bt_buffer_append(&junit->suites, BT_STR("  <testsuite"));
  bt_xml_attribute(&junit->suites, "name", bt_str_from(file_name));
  append_counts(&junit->suites, &junit->suite);
  bt_buffer_append(&junit->suites, bt_buffer_str(&junit->cases));
  bt_buffer_append(&junit->suites, BT_STR("  </testsuite>\n"));
  if (junit->cases.failed) junit->suites.failed = true;
  all->tests += junit->suite.tests;
  all->failures += junit->suite.failures;
  all->errors += junit->suite.errors;
  all->duration_ns += junit->suite.duration_ns;
  junit->suite = (bt_junit_counts){0};
  bt_buffer_clear(&junit->cases);
}

bt_status bt_junit_write(const bt_junit *junit, bt_buffer *out, bt_error *error) {
  bt_buffer_append(out, BT_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"betrace\""));
  append_counts(out, &junit->all);
  bt_buffer_append(out, bt_buffer_str(&junit->suites));
  bt_buffer_append(out, BT_STR("</testsuites>\n"));
  return out->failed || junit->suites.failed ? bt_error_no_memory(error) : BT_OK;
}

void bt_junit_dispose(bt_junit *junit) {
  bt_buffer_dispose(&junit->suites);
  bt_buffer_dispose(&junit->cases);
  *junit = (bt_junit){0};
}
