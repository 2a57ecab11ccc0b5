/* Rule files from anywhere: no crash, no hang, and what comes out keeps what the header promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/rulefile/checked_file.h"
#include "server/rulefile/file_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static void check_text(bt_str text) {
  require(text.len == 0 || text.ptr);
  require(bt_utf8_valid(text) && (text.len == 0 || !memchr(text.ptr, 0, text.len)));
}

static void check_test(const bt_rulefile_test *test) {
  check_text(test->name);
  require((test->span_count > 0) != (test->trace_file.ptr != NULL));
  require(test->expectation_count > 0 && test->clock_skew_ns >= -1);
  for (uint32_t i = 0; i < test->expectation_count; i++) require(test->expectations[i].verdict <= BT_NOT_APPLICABLE);
  for (uint32_t i = 0; i < test->span_count; i++) {
    const bt_test_span *span = &test->spans[i];
    require(span->name.ptr && span->at_ns >= -1 && span->duration_ns >= -1 && span->kind <= BT_KIND_CONSUMER);
    check_text(span->parent);
    for (uint32_t k = 0; k < span->attributes.count; k++) check_text(span->attributes.items[k].key);
  }
}

/* What is formatted stays as it is when it is formatted again. */
static void check_format(bt_str text) {
  bt_buffer once = {0}, twice = {0}, problems = {0};
  bt_error error = {0};
  bt_status status = bt_rulefile_format(text, "fuzz.yaml", &once, &problems, &error);
  require(status == BT_OK || (status == BT_INVALID && error.message[0]));
  if (!status) {
    require(!bt_rulefile_format(bt_buffer_str(&once), "fuzz.yaml", &twice, &problems, &error));
    require(bt_str_equal(bt_buffer_str(&once), bt_buffer_str(&twice)));
  }
  bt_buffer_dispose(&once);
  bt_buffer_dispose(&twice);
  bt_buffer_dispose(&problems);
}

/* A rule has a definition, or something says why it has none. */
static void check_rules(bt_str text) {
  bt_checked_file file;
  bt_error error = {0};
  size_t wrong = 0;
  require(!bt_checked_file_read(text, "fuzz.yaml", NULL, false, &file, &error));
  for (size_t i = 0; i < file.rule_count; i++) {
    const bt_checked_rule *rule = &file.rules[i];
    bt_buffer printed = {0};
    bt_checked_rule_print(&file, rule, &printed);
    require(rule->definition ? rule->diagnostics.error_count == 0 : printed.len > 0);
    wrong += !rule->definition;
    bt_buffer_dispose(&printed);
  }
  require((wrong > 0) == (file.error_count > 0));
  bt_checked_file_dispose(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_rulefile file;
  bt_error error = {0};
  bt_status status = bt_rulefile_parse((bt_str){(const char *)data, size}, "fuzz.yaml", &file, &error);
  require(status == BT_OK || (status == BT_INVALID && error.message[0] && file.rule_count == 0));
  for (size_t i = 0; i < file.rule_count; i++) {
    const bt_rulefile_rule *rule = &file.rules[i];
    require(rule->fields.dsl && (rule->fields.id || rule->fields.name) && rule->line > 0 &&
            rule->dsl_line >= rule->line);
    for (uint32_t k = 0; k < rule->test_count; k++) check_test(&rule->tests[k]);
  }
  bt_rulefile_dispose(&file);
  if (!status) check_rules((bt_str){(const char *)data, size});
  if (!status) check_format((bt_str){(const char *)data, size});
  return 0;
}
