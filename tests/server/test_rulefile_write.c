/* Rules written as a file and read back are the same rules, whatever is in them; and the file that is written of those
 * is the same file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/rulefile/checked_file.h"
#include "server/rulefile/yaml_writer.h"
#include "server/store/rule_comparison.h"
#include "tests/support/rule_maker.h"

enum { ROUNDS = 300, RULES = 8 };

/* What YAML could take for something else, or a writer forget to quote. */
static const char *const pieces[] = {"a",
                                     "true",
                                     "NO",
                                     "null",
                                     "~",
                                     "12",
                                     "1e5",
                                     "0x1F",
                                     "- a",
                                     "a: b",
                                     " # no",
                                     "&a",
                                     "*a",
                                     "!!str",
                                     "%TAG",
                                     "@x",
                                     "`",
                                     "'",
                                     "\"",
                                     "\\",
                                     "\\n",
                                     "{a}",
                                     "[b]",
                                     ", ",
                                     "|",
                                     ">",
                                     "?",
                                     " ",
                                     "é",
                                     "\xE2\x80\xA8",
                                     "\xC2\x85",
                                     "\xF0\x9F\x98\x80",
                                     "---",
                                     "...",
                                     "<<",
                                     "=",
                                     "\xEF\xBB\xBF",
                                     "2m",
                                     "2026-01-01",
                                     ".inf"};
static const char *const line_pieces[] = {"\n", "\n\n", "\t", "\r", "\r\n", "\x01", "\x7F", "\n ", " \n"};

static const char *pick(maker *m, const char *const *from, size_t count) {
  return from[test_random_below(&m->random, (unsigned)count)];
}

static char *random_text(maker *m, bool one_line) {
  bt_buffer out = {0};
  unsigned length = 1 + test_random_below(&m->random, 6);
  for (unsigned i = 0; i < length; i++) {
    bool is_break = !one_line && test_random_below(&m->random, 3) == 0;
    bt_buffer_append(&out, bt_str_from(is_break ? pick(m, line_pieces, sizeof line_pieces / sizeof line_pieces[0])
                                                : pick(m, pieces, sizeof pieces / sizeof pieces[0])));
  }
  return out.ptr;
}

/* A rule's text, sometimes with odd layout, comments and strings. */
static char *random_dsl(maker *m) {
  bt_buffer out = {0};
  maker_say_rule(m);
  if (test_random_below(&m->random, 4) == 0)
    bt_buffer_append(&out, BT_STR("# a note \xC2\x85 with a break\n\n/* more\n   lines \t */ "));
  if (test_random_below(&m->random, 4) == 0) bt_buffer_append(&out, BT_STR("@SOC2(controls = {CC6_1})  \n"));
  if (test_random_below(&m->random, 6) == 0) bt_buffer_append(&out, BT_STR("@severity(high)\n"));
  bt_buffer_append(&out, bt_buffer_str(&m->text));
  if (test_random_below(&m->random, 3) == 0) bt_buffer_append(&out, BT_STR("  // behind it\r\n\n"));
  return out.ptr;
}

static void add_pairs(maker *m, bt_string_pair **pairs, size_t *count) {
  unsigned wanted = test_random_below(&m->random, 4);
  for (unsigned i = 0; i < wanted; i++) {
    char *key = random_text(m, false), *value = random_text(m, false);
    bool is_there = false;
    for (size_t j = 0; j < *count; j++) is_there |= strcmp((*pairs)[j].key, key) == 0;
    if (!is_there) assert_true(bt_string_pairs_add(pairs, count, bt_str_from(key), bt_str_from(value)));
    free(key);
    free(value);
  }
}

static int64_t random_override(maker *m) {
  static const int64_t some[] = {-1, -1, 0, 1, 999, 1500000000, INT64_C(86400000000000), BT_RULE_MAX_OVERRIDE_NS};
  return some[test_random_below(&m->random, sizeof some / sizeof some[0])];
}

/* NULL: the random fields are not a rule (a name with an odd byte); another try is made. */
static bt_rule_definition *random_definition(maker *m, unsigned number) {
  static const char *const ids[] = {"null", "true", "1e5", "0x10", "12.", "No", "a-b.c_d", "007"};
  bt_rule_fields fields;
  bt_rule_definition *definition = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_buffer id = {0};
  bt_rule_fields_init(&fields);
  bt_buffer_printf(&id, "%s", number < 8 && test_random_below(&m->random, 2) ? ids[number] : "");
  if (!id.len) bt_buffer_printf(&id, "r%u", number);
  fields.id = id.ptr;
  fields.name = random_text(m, true);
  if (test_random_below(&m->random, 2)) fields.description = random_text(m, false);
  fields.dsl = random_dsl(m);
  fields.has_severity = !strstr(fields.dsl, "@severity") && test_random_below(&m->random, 2);
  if (fields.has_severity) fields.severity = (bt_severity)test_random_below(&m->random, 7);
  fields.enabled = test_random_below(&m->random, 2);
  fields.shadow = test_random_below(&m->random, 2);
  fields.watch_all = test_random_below(&m->random, 2);
  fields.settle_ns = random_override(m);
  fields.margin_ns = random_override(m);
  fields.clock_skew_ns = random_override(m);
  fields.require_complete = (int)test_random_below(&m->random, 3) - 1;
  if (test_random_below(&m->random, 2)) fields.budget = 1 + (int64_t)test_random_below(&m->random, 1000000000);
  fields.links_sampled = (int)test_random_below(&m->random, 3) - 1;
  if (test_random_below(&m->random, 2)) fields.store = strdup("archive-2");
  add_pairs(m, &fields.labels, &fields.label_count);
  add_pairs(m, &fields.annotations, &fields.annotation_count);
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_definition_new(&fields, &definition, &diagnostics, &error);
  if (status && !strstr(error.message, "name:")) fail_msg("%s", error.message);
  bt_diagnostics_dispose(&diagnostics);
  return definition;
}

static void expect_same(const bt_rule_definition *written, const bt_checked_rule *read, bt_str file) {
  bool is_same = false;
  bt_error error = {0};
  if (!read->definition) fail_msg("%.*s\n%.*s", BT_FMT(read->problem), BT_FMT(file));
  assert_int_equal(bt_rule_definition_same(written, read->definition, &is_same, &error), BT_OK);
  if (!is_same) fail_msg("rule %s came back as another one:\n%.*s", written->fields.id, BT_FMT(file));
  assert_string_equal(written->condition_hash, read->definition->condition_hash);
  assert_int_equal(written->control_count, read->definition->control_count);
}

/* Writes, reads back, compares, and writes what was read. */
static void expect_round_trip(const bt_rule_definition **rules, size_t count) {
  bt_buffer once = {0}, twice = {0};
  bt_checked_file file;
  bt_error error = {0};
  const bt_rule_definition *again[RULES];
  assert_int_equal(bt_rulefile_write(rules, count, &once, &error), BT_OK);
  if (bt_checked_file_read(bt_buffer_str(&once), "x.yaml", NULL, false, &file, &error))
    fail_msg("%s\n%s", error.message, once.ptr);
  assert_int_equal(file.rule_count, count);
  for (size_t i = 0; i < count; i++) {
    expect_same(rules[i], &file.rules[i], bt_buffer_str(&once));
    again[i] = file.rules[i].definition;
  }
  assert_int_equal(bt_rulefile_write(again, count, &twice, &error), BT_OK);
  assert_string_equal(once.ptr, twice.ptr);
  bt_checked_file_dispose(&file);
  bt_buffer_dispose(&once);
  bt_buffer_dispose(&twice);
}

static void test_what_is_written_is_read_back(void **state) {
  (void)state;
  maker m = {.random = test_random_start(20261120)};
  for (unsigned round = 0; round < ROUNDS; round++) {
    const bt_rule_definition *rules[RULES];
    size_t count = 0;
    for (unsigned i = 0; i < RULES; i++) {
      rules[count] = random_definition(&m, i);
      count += rules[count] != NULL;
    }
    assert_true(count > 0);
    expect_round_trip(rules, count);
    for (size_t i = 0; i < count; i++) bt_rule_definition_unref(rules[i]);
  }
  bt_buffer_dispose(&m.text);
}

static void test_no_rules(void **state) {
  (void)state;
  bt_buffer out = {0};
  bt_error error = {0};
  assert_int_equal(bt_rulefile_write(NULL, 0, &out, &error), BT_OK);
  assert_string_equal(out.ptr, "rules: []\n");
  bt_buffer_dispose(&out);
  expect_round_trip(NULL, 0);
}

static void test_what_it_looks_like(void **state) {
  (void)state;
  bt_rule_fields fields;
  bt_rule_definition *rule = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_buffer out = {0};
  bt_rule_fields_init(&fields);
  fields.id = strdup("fraud");
  fields.name = strdup("Fraud check: large orders");
  fields.dsl = strdup("when{checkout.where(amount>1000)}\n  always{fraud-check} # why");
  fields.severity = BT_SEVERITY_HIGH;
  fields.has_severity = true;
  fields.settle_ns = INT64_C(120000000000);
  assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, BT_STR("tier"), BT_STR("1")));
  assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, BT_STR("team"), BT_STR("pay")));
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_definition_new(&fields, &rule, &diagnostics, &error), BT_OK);
  const bt_rule_definition *rules[] = {rule};
  assert_int_equal(bt_rulefile_write(rules, 1, &out, &error), BT_OK);
  assert_string_equal(out.ptr, "rules:\n"
                               "- id: fraud\n"
                               "  name: \"Fraud check: large orders\"\n"
                               "  severity: high\n"
                               "  labels:\n"
                               "    team: pay\n"
                               "    tier: \"1\"\n"
                               "  settle: 2m\n"
                               "  dsl: |\n"
                               "    when { checkout.where(amount > 1000) }\n"
                               "    always { fraud-check } # why\n");
  bt_buffer_dispose(&out);
  bt_rule_definition_unref(rule);
  bt_diagnostics_dispose(&diagnostics);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_written_is_read_back),
                                     cmocka_unit_test(test_no_rules), cmocka_unit_test(test_what_it_looks_like)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
