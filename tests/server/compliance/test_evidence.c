/* Canonical JSON, the catalogues, and the chain: what is refused, and that nothing refused is close to what is taken.
 * Forgeries of whole reports are in tests/http/test_cli_verify_report.py, another implementation of canonical JSON in
 * tests/http/test_oscal.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "server/compliance/catalogue.h"
#include "server/compliance/evidence.h"
#include "server/json/canonical_json.h"

/* ---- canonical JSON ---- */

static void check_canonical(const char *json, const char *expected) {
  bt_buffer out = {0};
  bt_error error = {0};
  json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
  assert_non_null(value);
  bt_status status = bt_canonical_json(value, &out, &error);
  assert_int_equal(status, expected ? BT_OK : BT_INVALID);
  if (expected) assert_string_equal(out.ptr, expected);
  bt_buffer_dispose(&out);
  json_decref(value);
}

static void test_canonical(void **state) {
  (void)state;
  check_canonical("{ \"b\" : [1, true, null ], \"a\":{}, \"A\": -0 }", "{\"A\":0,\"a\":{},\"b\":[1,true,null]}");
  check_canonical("\"a\\u001f\\b\\t\\n\\f\\r\\\"\\\\\\/\\u007f\\u00e9\\ud83d\\ude00\"",
                  "\"a\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\x7f\xC3\xA9\xF0\x9F\x98\x80\"");
  check_canonical("9007199254740991", "9007199254740991");
  check_canonical("-9007199254740991", "-9007199254740991");
  check_canonical("9007199254740992", NULL);
  check_canonical("1.0", NULL);
  check_canonical("1e2", NULL);
  check_canonical("{\"\\u00e9\": 1}", NULL);
}

static void make_nested(int depth, char *out) {
  memset(out, '[', (size_t)depth);
  memset(out + depth, ']', (size_t)depth);
  out[2 * depth] = '\0';
}

static void test_depth(void **state) {
  (void)state;
  char text[256];
  make_nested(65, text); /* the outermost is level 0 */
  check_canonical(text, text);
  make_nested(66, text);
  check_canonical(text, NULL);
}

/* ---- catalogues ---- */

/* The number of the first control that the id means; control_count: none. */
static size_t find_control(const bt_catalogue *catalogue, bt_str id) {
  size_t i = 0;
  while (i < catalogue->control_count && !bt_control_means(catalogue, id, bt_str_from(catalogue->controls[i].id))) i++;
  return i;
}

static void test_catalogues(void **state) {
  (void)state;
  assert_int_equal(bt_catalogue_count, 6);
  for (size_t i = 0; i < bt_catalogue_count; i++) {
    const bt_catalogue *catalogue = &bt_catalogues[i];
    assert_ptr_equal(bt_catalogue_find(bt_str_from(catalogue->name)), catalogue);
    for (size_t k = 0; catalogue->aliases[k]; k++)
      assert_ptr_equal(bt_catalogue_find(bt_str_from(catalogue->aliases[k])), catalogue);
    assert_true(catalogue->control_count > 20);
    for (size_t k = 0; k < catalogue->control_count; k++) /* the first of its meaning: none stands twice */
      assert_int_equal(find_control(catalogue, bt_str_from(catalogue->controls[k].id)), k);
  }
}

static void test_frameworks_mean_the_same(void **state) {
  (void)state;
  assert_true(bt_framework_means(BT_STR("PCI"), BT_STR("pci dss 4.0.1")));
  assert_true(bt_framework_means(BT_STR("ISO/IEC 27001:2022"), BT_STR("iso27001")));
  assert_true(bt_framework_means(BT_STR("In-House"), BT_STR("inhouse")));
  assert_false(bt_framework_means(BT_STR("SOC2"), BT_STR("SOC")));
  assert_false(bt_framework_means(BT_STR("SOC2"), BT_STR("SOC 3")));
  assert_false(bt_framework_means(BT_STR(""), BT_STR("SOC2")));
}

static void check_control(const char *framework, const char *id, const char *expected) {
  const bt_catalogue *catalogue = bt_catalogue_find(bt_str_from(framework));
  size_t at = find_control(catalogue, bt_str_from(id));
  if (expected)
    assert_string_equal(catalogue->controls[at].id, expected);
  else
    assert_int_equal(at, catalogue->control_count);
}

static void test_controls(void **state) {
  (void)state;
  check_control("soc2", "cc6_1", "CC6.1");
  check_control("soc2", "CC 6.1", "CC6.1");
  check_control("soc2", "CC61", NULL);
  check_control("soc2", "CC6.1.2", NULL);
  check_control("soc2", "C1.1", "C1.1");
  check_control("hipaa", "§164.312(b)", "164.312(b)");
  check_control("hipaa", "164.312.a.1", "164.312(a)(1)");
  check_control("iso 27001", "5.1", "A.5.1");
  check_control("iso 27001", "A.5.1", "A.5.1");
  check_control("iso 27001", "5.11", "A.5.11");
  check_control("iso 27001", "51", NULL);
  check_control("iso 27001", "A.", NULL);
  check_control("gdpr", "article 32", "Art.32");
  check_control("gdpr", "5(1)(f)", "Art.5(1)(f)");
  check_control("gdpr", "", NULL);
  const bt_catalogue *pci = bt_catalogue_find(BT_STR("pci"));
  assert_string_equal(pci->controls[bt_catalogue_parent_at(pci, BT_STR("10.2.1.7"))].id, "10.2.1");
  assert_string_equal(pci->controls[bt_catalogue_parent_at(pci, BT_STR("10.2.9"))].id, "10.2");
  assert_int_equal(bt_catalogue_parent_at(pci, BT_STR("13.1")), pci->control_count);
  assert_int_equal(bt_catalogue_parent_at(pci, BT_STR("10")), pci->control_count);
  assert_false(bt_control_means(NULL, BT_STR("A.5.1"), BT_STR("5.1")));
}

/* ---- the chain ---- */

static json_t *make_report(void) {
  bt_evidence_chain chain;
  bt_error error = {0};
  json_t *document = NULL;
  assert_int_equal(bt_evidence_begin(&chain, &error), BT_OK);
  assert_int_equal(bt_evidence_add(&chain, "report", json_pack("{s:s}", "format", BT_EVIDENCE_FORMAT), &error), BT_OK);
  assert_int_equal(bt_evidence_add(&chain, "rule", json_pack("{s:s}", "rule_id", "r"), &error), BT_OK);
  assert_int_equal(bt_evidence_add(&chain, "end", json_pack("{s:i}", "entries", 3), &error), BT_OK);
  assert_int_equal(bt_evidence_seal(&chain, NULL, &document, &error), BT_OK);
  return document;
}

static void test_chain(void **state) {
  (void)state;
  bt_error error = {0};
  json_t *document = make_report();
  assert_int_equal(bt_evidence_check(document, NULL, &error), BT_OK);
  const json_t *entries = json_object_get(document, "entries");
  assert_int_equal(json_array_size(entries), 3);
  assert_string_equal(json_string_value(json_object_get(json_array_get(entries, 1), "previous")),
                      json_string_value(json_object_get(json_array_get(entries, 0), "hash")));
  /* What the page says: computed with sha256sum. */
  assert_string_equal(json_string_value(json_object_get(json_array_get(entries, 0), "hash")),
                      "8af0b7125f62a293d5bd82182357cfdb9d75408e7c499bc151d1cbaec93b43a3");
  json_decref(document);
}

/* A report of an entry too few with everything else made anew: the last entry counts them. */
static void test_a_chain_that_ends_early(void **state) {
  (void)state;
  bt_evidence_chain chain;
  bt_error error = {0};
  json_t *document = NULL;
  assert_int_equal(bt_evidence_begin(&chain, &error), BT_OK);
  assert_int_equal(bt_evidence_add(&chain, "report", json_object(), &error), BT_OK);
  assert_int_equal(bt_evidence_add(&chain, "end", json_pack("{s:i}", "entries", 3), &error), BT_OK);
  assert_int_equal(bt_evidence_seal(&chain, NULL, &document, &error), BT_OK);
  assert_int_equal(bt_evidence_check(document, NULL, &error), BT_INVALID);
  json_decref(document);
}

static void test_a_value_that_cannot_be_hashed(void **state) {
  (void)state;
  bt_evidence_chain chain;
  bt_error error = {0};
  assert_int_equal(bt_evidence_begin(&chain, &error), BT_OK);
  assert_int_equal(bt_evidence_add(&chain, "report", json_pack("{s:f}", "rate", 0.5), &error), BT_INVALID);
  assert_int_equal(bt_evidence_add(&chain, "report", NULL, &error), BT_NO_MEMORY);
  bt_evidence_dispose(&chain);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_canonical),
                                     cmocka_unit_test(test_depth),
                                     cmocka_unit_test(test_catalogues),
                                     cmocka_unit_test(test_frameworks_mean_the_same),
                                     cmocka_unit_test(test_controls),
                                     cmocka_unit_test(test_chain),
                                     cmocka_unit_test(test_a_chain_that_ends_early),
                                     cmocka_unit_test(test_a_value_that_cannot_be_hashed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
