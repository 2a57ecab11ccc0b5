/* What a user may say about a rule, what is made of it, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/rules/rule_definition.h"

static const char good[] = "when { pii.read } always { audit.log }";

/* Fields with this id, name (either may be NULL) and text. */
static bt_rule_fields fields_of(const char *id, const char *name, const char *dsl) {
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  if (id) fields.id = strdup(id);
  if (name) fields.name = strdup(name);
  if (dsl) fields.dsl = strdup(dsl);
  return fields;
}

static bt_rule_definition *define(bt_rule_fields fields) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_error error = {0};
  bt_rule_definition *definition = NULL;
  if (bt_rule_definition_new(&fields, &definition, &diagnostics, &error)) fail_msg("%s", error.message);
  assert_null(fields.dsl); /* taken */
  bt_diagnostics_dispose(&diagnostics);
  return definition;
}

static void refuse(bt_rule_fields fields, const char *expected) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_error error = {0};
  bt_rule_definition *definition = NULL;
  assert_int_equal(bt_rule_definition_new(&fields, &definition, &diagnostics, &error), BT_INVALID);
  assert_null(definition);
  assert_null(fields.dsl);
  if (!strstr(error.message, expected)) fail_msg("expected \"%s\", got \"%s\"", expected, error.message);
  bt_diagnostics_dispose(&diagnostics);
}

static char *repeated(char c, size_t count) {
  char *text = malloc(count + 1);
  assert_non_null(text);
  memset(text, c, count);
  text[count] = '\0';
  return text;
}

static void test_defaults(void **state) {
  (void)state;
  bt_rule_definition *definition = define(fields_of("r1", NULL, good));
  assert_string_equal(definition->fields.name, "r1");
  assert_string_equal(definition->fields.description, "");
  assert_int_equal(definition->fields.severity, BT_SEVERITY_MEDIUM);
  assert_true(definition->fields.enabled);
  assert_false(definition->fields.shadow);
  assert_int_equal(definition->fields.settle_ns, -1);
  assert_non_null(definition->rule);
  assert_null(definition->broken);
  assert_int_equal(definition->version, 0);
  assert_int_equal(strlen(definition->condition_hash), BT_CONDITION_HASH_HEX);
  bt_rule_definition *again = bt_rule_definition_ref(definition);
  bt_rule_definition_unref(definition);
  assert_string_equal(again->fields.id, "r1");
  bt_rule_definition_unref(again);
}

static void test_ids_are_made_from_names(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"Fraud check on large orders", "fraud-check-on-large-orders"},
                                        {"  SOC2 CC6.1: PII -- access! ", "soc2-cc6-1-pii-access"},
                                        {"été 2026", "t-2026"},
                                        {"Test", "test-rule"},
                                        {"import", "import-rule"},
                                        {"日本語", "rule-"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_rule_definition *definition = define(fields_of(NULL, rows[i][0], good));
    if (strncmp(definition->fields.id, rows[i][1], strlen(rows[i][1])) != 0)
      fail_msg("%s: got %s", rows[i][0], definition->fields.id);
    assert_true(bt_rule_id_is_valid(bt_str_from(definition->fields.id)));
    bt_rule_definition_unref(definition);
  }
  char *name = repeated('x', 255);
  for (size_t i = 1; i < 255; i += 2) name[i] = ' ';
  bt_rule_definition *definition = define(fields_of(NULL, name, good));
  assert_true(strlen(definition->fields.id) <= BT_RULE_ID_MAX);
  assert_true(bt_rule_id_is_valid(bt_str_from(definition->fields.id)));
  bt_rule_definition_unref(definition);
  free(name);
}

static void test_ids(void **state) {
  (void)state;
  char *longest = repeated('a', 128), *too_long = repeated('a', 129);
  assert_true(bt_rule_id_is_valid(bt_str_from(longest)));
  assert_false(bt_rule_id_is_valid(bt_str_from(too_long)));
  static const char *const fine[] = {"a", "0", "A-b_c.9", "tests"};
  static const char *const wrong[] = {"",  "-a",       ".a",   "_a",     "a b",    "a/b",
                                      "é", "validate", "test", "import", "export", "a\n"};
  for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) assert_true(bt_rule_id_is_valid(bt_str_from(fine[i])));
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) assert_false(bt_rule_id_is_valid(bt_str_from(wrong[i])));
  free(longest);
  free(too_long);
}

static void test_errors_name_the_field(void **state) {
  (void)state;
  refuse(fields_of(NULL, NULL, good), "name: expected a name, or an id, got neither");
  refuse(fields_of("a b", NULL, good), "id: expected a letter or digit");
  refuse(fields_of("a\x01", NULL, good), "got \"a?\"");
  refuse(fields_of("export", NULL, good), "id: expected one that is not reserved");
  refuse(fields_of("a", "", good), "name: expected a text, got \"\"");
  refuse(fields_of("a", "two\nlines", good), "name: expected one line");
  refuse(fields_of("a", "\xFF", good), "name: expected UTF-8");
  refuse(fields_of("a", NULL, NULL), "dsl: expected a rule, got nothing");
  refuse(fields_of("a", NULL, ""), "dsl: line 1, column 1: error[E010]: expected a rule");
  bt_rule_fields fields = fields_of("a", NULL, good);
  fields.name = repeated('n', 257);
  refuse(fields, "name: expected at most 256 bytes, got 257");
  fields = fields_of("a", NULL, good);
  fields.description = repeated('d', 4097);
  refuse(fields, "description: expected at most 4096 bytes, got 4097");
  fields = fields_of("a", NULL, NULL);
  fields.dsl = repeated(' ', 65537);
  refuse(fields, "error[E003]: a rule's text has at most 65536 bytes, and this one has 65537");
  fields = fields_of("a", NULL, good);
  fields.settle_ns = -2;
  refuse(fields, "settle: expected a duration of 0 to 30d, got a negative duration");
  fields = fields_of("a", NULL, good);
  fields.clock_skew_ns = BT_RULE_MAX_OVERRIDE_NS + 1;
  refuse(fields, "clock_skew: expected a duration of 0 to 30d, got 30d1ns");
  fields = fields_of("a", NULL, good);
  fields.require_complete = 2;
  refuse(fields, "require_complete: expected true or false, got 2");
  fields = fields_of("a", "A", good);
  fields.budget = 0;
  refuse(fields, "budget: expected a number of steps from 1 to 1000000000000, got 0");
  fields = fields_of("a", "A", good);
  fields.links_sampled = 2;
  refuse(fields, "links_sampled: expected true or false, got 2");
  fields = fields_of("a", "A", good);
  fields.store = strdup("Archive");
  refuse(fields, "store: expected the name of a store, at most 32 small letters, digits and \"-\", got \"Archive\"");
  fields = fields_of("a", NULL, "when {");
  refuse(fields, "dsl: ");
}

static void test_limits_are_inclusive(void **state) {
  (void)state;
  bt_rule_fields fields = fields_of("a", NULL, good);
  fields.name = repeated('n', 256);
  fields.description = repeated('d', 4096);
  fields.settle_ns = BT_RULE_MAX_OVERRIDE_NS;
  fields.margin_ns = 0;
  bt_rule_definition_unref(define(fields));
}

static void test_labels(void **state) {
  (void)state;
  bt_rule_fields fields = fields_of("a", NULL, good);
  assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, BT_STR("team"), BT_STR("pay")));
  assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, BT_STR("team"), BT_STR("ops")));
  refuse(fields, "labels.team: expected each key once, got it twice");
  fields = fields_of("a", NULL, good);
  assert_true(bt_string_pairs_add(&fields.annotations, &fields.annotation_count, BT_STR(""), BT_STR("x")));
  refuse(fields, "annotations: expected keys that are not empty");
  fields = fields_of("a", NULL, good);
  assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, BT_STR("k"), BT_STR("\xC0")));
  refuse(fields, "labels.k: expected UTF-8");
  fields = fields_of("a", NULL, good);
  for (int i = 0; i < 65; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, bt_str_from(key), BT_STR("v")));
  }
  refuse(fields, "labels: expected at most 64 entries, got 65");
}

static void test_severity(void **state) {
  (void)state;
  bt_severity severity;
  assert_true(bt_severity_parse(BT_STR("CRITICAL"), &severity));
  assert_int_equal(severity, BT_SEVERITY_CRITICAL);
  assert_false(bt_severity_parse(BT_STR("severe"), &severity));
  assert_true(BT_SEVERITY_INFO < BT_SEVERITY_LOW && BT_SEVERITY_LOW < BT_SEVERITY_WARNING &&
              BT_SEVERITY_WARNING < BT_SEVERITY_MEDIUM && BT_SEVERITY_MEDIUM < BT_SEVERITY_HIGH &&
              BT_SEVERITY_HIGH < BT_SEVERITY_ERROR && BT_SEVERITY_ERROR < BT_SEVERITY_CRITICAL);
  bt_rule_definition *definition =
      define(fields_of("a", NULL, "@severity(high) when { pii.read } always { audit.log }"));
  assert_int_equal(definition->fields.severity, BT_SEVERITY_HIGH);
  bt_rule_definition_unref(definition);
  bt_rule_fields fields = fields_of("a", NULL, "@severity(high) when { pii.read } always { audit.log }");
  fields.has_severity = true;
  fields.severity = BT_SEVERITY_HIGH;
  bt_rule_definition_unref(define(fields));
  fields = fields_of("a", NULL, "@severity(high) when { pii.read } always { audit.log }");
  fields.has_severity = true;
  refuse(fields, "severity: expected high as @severity in the text says, got medium");
}

static void expect_controls(const bt_rule_definition *definition, const char *expected) {
  bt_buffer got = {0};
  bt_buffer_append(&got, BT_STR(""));
  for (size_t i = 0; i < definition->control_count; i++)
    bt_buffer_printf(&got, "%s%s:%s", i ? " " : "", definition->controls[i].key, definition->controls[i].value);
  assert_string_equal(got.ptr, expected);
  bt_buffer_dispose(&got);
}

/* Annotations as "key=value;key=value", the text, and the controls that come of them. */
static const char *const control_rows[][3] = {
    {"", "when { pii.read } always { audit.log }", ""},
    {"", "@SOC2(controls = {CC6_1}) when { pii.read } always { audit.log }", "SOC2:CC6.1"},
    {"soc2_control=CC6.1;compliance_framework=SOC2", "when { pii.read } always { audit.log }", "SOC2:CC6.1"},
    {"soc2_control=CC6.1;compliance_framework=SOC2", "@SOC2(controls = {CC6_1}) when { pii.read } always { audit.log }",
     "SOC2:CC6.1"},
    {"compliance_framework=soc 2;soc2_controls=CC6.1, CC7.2,",
     "@SOC2(controls = {CC6_1}) when { pii.read } always { audit.log }", "SOC2:CC6.1 SOC2:CC7.2"},
    {"soc2_control=CC6.1", "when { pii.read } always { audit.log }", "SOC2:CC6.1"},
    {"pci_dss_control=10.2", "when { pii.read } always { audit.log }", "PCI-DSS:10.2"},
    {"compliance_framework=AI Safety, HIPAA", "when { pii.read } always { audit.log }", "AI Safety: HIPAA:"},
    {"compliance_framework=AI Safety;ai_safety_control=3.2", "when { pii.read } always { audit.log }", "AI Safety:3.2"},
    {"access_control=strict;_control=x;runbook_url=http://example.com", "when { pii.read } always { audit.log }", ""},
};

static void add_annotations(bt_rule_fields *fields, const char *text) {
  while (*text) {
    size_t length = strcspn(text, ";"), key = strcspn(text, "=");
    assert_true(bt_string_pairs_add(&fields->annotations, &fields->annotation_count, (bt_str){text, key},
                                    (bt_str){text + key + 1, length - key - 1}));
    text += length + (text[length] == ';');
  }
}

static void test_controls(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof control_rows / sizeof control_rows[0]; i++) {
    bt_rule_fields fields = fields_of("a", NULL, control_rows[i][1]);
    add_annotations(&fields, control_rows[i][0]);
    bt_rule_definition *definition = define(fields);
    expect_controls(definition, control_rows[i][2]);
    bt_rule_definition_unref(definition);
  }
}

typedef struct hash_case {
  const char *name, *dsl;
  int64_t settle_ns, clock_skew_ns;
  int require_complete;
  int64_t budget;
  int links_sampled;
  bool is_same; /* as the plain rule's */
} hash_case;

static void test_condition_hash(void **state) {
  (void)state;
  static const hash_case rows[] = {
      {"plain", good, -1, -1, -1, -1, -1, true},
      {"another name", "@SOC2(controls = {CC6_1}) when { pii.read } always { audit.log }", -1, -1, -1, -1, -1, true},
      {"text", "when { pii.read } never { audit.log }", -1, -1, -1, -1, -1, false},
      {"settle", good, 0, -1, -1, -1, -1, false},
      {"skew", good, -1, 0, -1, -1, -1, false},
      {"complete", good, -1, -1, 0, -1, -1, false},
      {"complete", good, -1, -1, 1, -1, -1, false},
      {"budget", good, -1, -1, -1, 1, -1, false},
      {"budget", good, -1, -1, -1, 2, -1, false},
      {"links", good, -1, -1, -1, -1, 0, false},
      {"links", good, -1, -1, -1, -1, 1, false},
      {"both", good, -1, -1, -1, 1, 1, false}};
  char seen[sizeof rows / sizeof rows[0]][BT_CONDITION_HASH_HEX + 1];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_rule_fields fields = fields_of("a", rows[i].name, rows[i].dsl);
    fields.settle_ns = rows[i].settle_ns;
    fields.clock_skew_ns = rows[i].clock_skew_ns;
    fields.require_complete = rows[i].require_complete;
    fields.budget = rows[i].budget;
    fields.links_sampled = rows[i].links_sampled;
    fields.severity = (bt_severity)(i % 7);
    fields.has_severity = true;
    bt_rule_definition *definition = define(fields);
    memcpy(seen[i], definition->condition_hash, sizeof seen[i]);
    bt_rule_definition_unref(definition);
    for (size_t j = 0; j < i; j++) assert_int_equal(strcmp(seen[i], seen[j]) == 0, rows[i].is_same && rows[j].is_same);
  }
}

static bt_rule_definition *restore(const char *dsl, const char *condition_hash) {
  bt_rule_record record = {
      .version = 7, .created_at_ns = 1, .updated_at_ns = 2, .updated_by = "ann", .condition_hash = condition_hash};
  bt_error error = {0};
  bt_rule_fields fields = fields_of("a", "A", dsl);
  bt_rule_definition *definition = NULL;
  assert_int_equal(bt_rule_definition_restore(&fields, &record, &definition, &error), BT_OK);
  assert_int_equal(definition->version, 7);
  assert_string_equal(definition->updated_by, "ann");
  assert_int_equal(definition->rule == NULL, definition->broken != NULL);
  return definition;
}

static void test_restore_keeps_what_does_not_compile(void **state) {
  (void)state;
  bt_rule_definition *fine = restore(good, NULL), *same = restore(good, fine->condition_hash);
  assert_null(same->broken);
  assert_string_equal(same->condition_hash, fine->condition_hash);
  bt_rule_definition *broken = restore("bad {", fine->condition_hash);
  assert_non_null(strstr(broken->broken, "dsl: "));
  assert_string_equal(broken->condition_hash, fine->condition_hash);
  bt_rule_definition_unref(fine);
  bt_rule_definition_unref(same);
  bt_rule_definition_unref(broken);
}

/* The text compiles, but it is another condition than the one that was stored: nobody must take its verdicts for the
 * stored one's. */
static void test_restore_does_not_take_another_condition(void **state) {
  (void)state;
  static const char hash[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  bt_rule_definition *other = restore(good, hash);
  assert_non_null(other->broken);
  assert_non_null(strstr(other->broken, "does not mean what it meant"));
  assert_string_equal(other->condition_hash, hash);
  assert_false(other->is_damaged);
  bt_rule_definition_unref(other);
}

/* What its file says, and the rule uses, goes into its text, and means there what it meant beside it. */
static void test_names_of_the_file(void **state) {
  (void)state;
  const bt_str tool[] = {BT_STR("tool"), BT_STR("a key")}, other[] = {BT_STR("other"), BT_STR("b")};
  const bt_alias aliases[] = {{tool, 2}, {other, 2}};
  const bt_own_name words[] = {{BT_STR("mail"), BT_STR("span(tool==\"mail\")")}, {BT_STR("no"), BT_STR("mail")}};
  const bt_own_names names = {aliases, 2, words, 2};
  static const char text[] = "@alias(tool, \"a key\")\n@name(mail = `span(tool == \"mail\")`)\nmail";
  bt_rule_fields fields = fields_of("r", NULL, "mail"), copy;
  assert_int_equal(bt_shared_names_new(&names, &fields.own_names, NULL), BT_OK);
  assert_int_equal(bt_rule_fields_copy(&fields, &copy, NULL), BT_OK);
  bt_rule_fields_dispose(&fields);
  bt_rule_definition *beside = define(copy), *inside = define(fields_of("r", NULL, text));
  bt_rule_definition *without = define(fields_of("r", NULL, "mail"));
  assert_string_equal(beside->fields.dsl, text);
  assert_null(beside->fields.own_names);
  assert_int_equal(beside->control_count, 0);
  assert_string_equal(beside->condition_hash, inside->condition_hash);
  assert_string_not_equal(beside->condition_hash, without->condition_hash);
  bt_rule_definition_unref(beside);
  bt_rule_definition_unref(inside);
  bt_rule_definition_unref(without);
}

static void test_copies_are_independent(void **state) {
  (void)state;
  bt_rule_fields fields = fields_of("a", "A", good), copy;
  add_annotations(&fields, "x=1;y=2");
  fields.shadow = true;
  assert_int_equal(bt_rule_fields_copy(&fields, &copy, NULL), BT_OK);
  bt_rule_fields_dispose(&fields);
  assert_string_equal(copy.name, "A");
  assert_null(copy.description);
  assert_true(copy.shadow);
  assert_int_equal(copy.annotation_count, 2);
  assert_string_equal(copy.annotations[1].value, "2");
  bt_rule_fields_dispose(&copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_ids_are_made_from_names),
      cmocka_unit_test(test_ids),
      cmocka_unit_test(test_errors_name_the_field),
      cmocka_unit_test(test_limits_are_inclusive),
      cmocka_unit_test(test_labels),
      cmocka_unit_test(test_severity),
      cmocka_unit_test(test_controls),
      cmocka_unit_test(test_condition_hash),
      cmocka_unit_test(test_restore_keeps_what_does_not_compile),
      cmocka_unit_test(test_restore_does_not_take_another_condition),
      cmocka_unit_test(test_names_of_the_file),
      cmocka_unit_test(test_copies_are_independent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
