/* Every allocation of a sampler's policies fails in turn: BT_NO_MEMORY and nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/syntax/diagnostic.h"
#include "server/sampler/kept_share.h"
#include "server/sampler/sampler.h"
#include "tests/support/failing_alloc.h"

static const char *const texts[] = {
    "when { a.where(n > 5 and not (k == \"x\")) } always { b and c } never { d.where(event.name =~ \"x.*\") }",
    "when { a as p } always { b after p }", "never { span(span.start > span.end) }"};
enum { RULES = sizeof texts / sizeof *texts };

static bt_rule_definition *make_rule(const char *text) {
  bt_rule_fields fields;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_rule_definition *rule = NULL;
  bt_rule_fields_init(&fields);
  bt_diagnostics_init(&diagnostics);
  fields.id = strdup("r");
  fields.dsl = strdup(text);
  assert_int_equal(bt_rule_definition_new(&fields, &rule, &diagnostics, &error), BT_OK);
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static bt_status write_all(const bt_rule_definition *const *rules, bt_buffer *yaml) {
  bt_sampler_policies policies[RULES] = {{0}};
  bt_error error = {0};
  bt_status status = bt_sampler_write(rules, RULES, 5, yaml, policies, &error);
  if (!status) assert_int_equal(policies[2].sampled, BT_SAMPLED_ALL);
  for (size_t i = 0; i < RULES; i++) bt_sampler_policies_dispose(&policies[i]);
  return status;
}

static void test_sampler(void **state) {
  const bt_rule_definition *rules[RULES];
  bt_buffer whole = {0};
  (void)state;
  for (size_t i = 0; i < RULES; i++) rules[i] = make_rule(texts[i]);
  assert_int_equal(write_all(rules, &whole), BT_OK);
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_buffer yaml = {0};
    assert_true(n < 20000);
    failing_alloc_after(n);
    bt_status status = write_all(rules, &yaml);
    was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) assert_string_equal(yaml.ptr, whole.ptr);
    if (!was_refused) assert_true(n > 5);
    bt_buffer_dispose(&yaml);
  }
  bt_buffer_dispose(&whole);
  for (size_t i = 0; i < RULES; i++) bt_rule_definition_unref(rules[i]);
}

/* What was written is read back for each trace. */
static void test_shares(void **state) {
  const bt_rule_definition *rules[RULES];
  bt_buffer whole = {0};
  (void)state;
  for (size_t i = 0; i < RULES; i++) rules[i] = make_rule(texts[i]);
  assert_int_equal(write_all(rules, &whole), BT_OK);
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_kept_shares shares = {0};
    bt_error error = {0};
    assert_true(n < 20000);
    failing_alloc_after(n);
    bt_status status = bt_kept_shares_make(&shares, rules, RULES, bt_buffer_str(&whole), &error);
    was_refused = failing_alloc_stop();
    if (!was_refused) assert_int_equal(status, BT_OK);
    if (was_refused) assert_true(status == BT_NO_MEMORY || status == BT_LIMIT);
    if (!was_refused) assert_true(n > 5 && shares.policy_count >= RULES);
    bt_kept_shares_dispose(&shares);
  }
  bt_buffer_dispose(&whole);
  for (size_t i = 0; i < RULES; i++) bt_rule_definition_unref(rules[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sampler), cmocka_unit_test(test_shares)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
