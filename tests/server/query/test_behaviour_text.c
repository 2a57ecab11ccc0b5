/* Behaviours of every kind, in words and as rules that the language takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "server/query/behaviour_text.h"
#include "tests/support/failing_alloc.h"

enum { AMOUNT = 1, REGION, COLOR, RED, GREEN };
static bt_str texts[] = {{"amount", 6}, {"resource.cloud.region", 21}, {"color \"x\"", 9}, {"red", 3}, {"green", 5}};
static bt_mine_attribute values[] = {{.key = COLOR, .text = RED, .hash = 1}, {.key = COLOR, .text = GREEN, .hash = 2}};

/* Two names and five texts; `copy` of the first name is of another service. */
static bt_mine_sample make_sample(void) {
  bt_mine_sample sample = {.name_count = 3, .texts = {.strings = texts, .count = 5}};
  sample.names[0] = (bt_mine_name){BT_STR("shop"), BT_STR("POST /checkout")};
  sample.names[1] = (bt_mine_name){BT_STR("store"), BT_STR("db \"query\"")};
  sample.names[2] = (bt_mine_name){BT_STR("other"), BT_STR("db \"query\"")};
  return sample;
}

static const struct {
  bt_behaviour behaviour;
  const char *words, *dsl; /* the rule where it always was so */
} rows[] = {
    {{.kind = BT_BEHAVE_CHILD, .b = 1},
     "db \"query\" called by POST /checkout (shop)",
     "when { name:\"POST /checkout\" as a }\nalways { name:\"db \\\"query\\\"\".where(span.service == \"store\") child "
     "of a }\n"},
    {{.kind = BT_BEHAVE_PRESENCE, .a = 1, .test = {BT_TEST_LONGER, 0, 1e9, {0}}},
     "POST /checkout with db \"query\" where span.duration > 1s (store)",
     "when { name:\"db \\\"query\\\"\".where(span.service == \"store\" and span.duration > 1s) }\nalways { name:\"POST "
     "/checkout\" }\n"},
    {{.kind = BT_BEHAVE_ABSENCE, .b = 1, .test = {BT_TEST_NOT_ABOVE, AMOUNT, 1000, {0}}}, NULL, NULL},
    {{.kind = BT_BEHAVE_ABSENCE, .b = 1, .test = {.kind = BT_TEST_NO_ERROR}}, NULL, NULL},
    {{.kind = BT_BEHAVE_ABSENCE, .b = 1, .test = {.kind = BT_TEST_LACKS, .key = COLOR}}, NULL, NULL},
    {{.kind = BT_BEHAVE_ABSENCE, .b = 1, .test = {BT_TEST_IS_NOT, COLOR, 0, {.key = COLOR, .text = RED}}}, NULL, NULL},
    {{.kind = BT_BEHAVE_ABSENCE, .b = 1, .test = {.kind = BT_TEST_SHORTER, .bound = 5}}, NULL, NULL},
    {{.kind = BT_BEHAVE_PRESENCE, .b = 1, .test = {.kind = BT_TEST_ERROR}}, NULL, NULL},
    {{.kind = BT_BEHAVE_PRESENCE, .b = 1, .test = {.kind = BT_TEST_HAS, .key = REGION}}, NULL, NULL},
    {{.kind = BT_BEHAVE_PRESENCE, .b = 1, .test = {BT_TEST_IS, COLOR, 0, {.key = COLOR, .text = RED}}}, NULL, NULL},
    {{.kind = BT_BEHAVE_PRESENCE, .b = 1, .test = {BT_TEST_ABOVE, AMOUNT, 0.5, {0}}}, NULL, NULL},
    {{.kind = BT_BEHAVE_ROOT},
     "no trace that begins with POST /checkout (shop)",
     "when { name:\"POST /checkout\" }\nnever { trace.root.name == \"POST /checkout\" }\n"},
    {{.kind = BT_BEHAVE_PARENT, .b = 1}, NULL, NULL},
    {{.kind = BT_BEHAVE_COUNT, .b = 1, .bound = 2},
     "at most 2 db \"query\" in one POST /checkout (shop)",
     "when { name:\"POST /checkout\" as a }\n"
     "always { count(name:\"db \\\"query\\\"\".where(span.service == \"store\") child of a) <= 2 }\n"},
    {{.kind = BT_BEHAVE_ORDER, .b = 1}, NULL, NULL},
    {{.kind = BT_BEHAVE_SAME, .b = 1, .key = COLOR}, NULL, NULL},
    {{.kind = BT_BEHAVE_SAME, .b = 1, .key = REGION}, NULL, NULL},
    {{.kind = BT_BEHAVE_HAS, .key = REGION},
     "resource.cloud.region of POST /checkout is there (shop)",
     "when { name:\"POST /checkout\" as a }\nalways { a.where(exists(resource.attributes[\"cloud.region\"])) }\n"},
    {{.kind = BT_BEHAVE_DOMAIN, .key = COLOR, .values = values, .value_count = 2},
     "color \"x\" of POST /checkout in [red, green] (shop)",
     "when { name:\"POST /checkout\".where(exists(span.attributes[\"color \\\"x\\\"\"])) as a }\n"
     "always { a.where(span.attributes[\"color \\\"x\\\"\"] in [\"red\", \"green\"]) }\n"},
    {{.kind = BT_BEHAVE_VALUE, .key = COLOR, .value = {.key = COLOR, .text = RED}}, NULL, NULL},
    {{.kind = BT_BEHAVE_VALUE, .key = COLOR, .value = {.type = BT_MINE_BOOL, .number = 1}}, NULL, NULL},
    {{.kind = BT_BEHAVE_MOST, .key = AMOUNT, .bound = 1e21}, NULL, NULL},
    {{.kind = BT_BEHAVE_LEAST, .key = AMOUNT, .bound = -0.25}, NULL, NULL},
    {{.kind = BT_BEHAVE_STATUS}, "no error of POST /checkout (shop)", NULL},
    {{.kind = BT_BEHAVE_DURATION, .test = {BT_TEST_IS, COLOR, 0, {.key = COLOR, .text = RED}}, .bound = 3e8},
     NULL,
     NULL},
    {{.kind = BT_BEHAVE_DELAY, .b = 1, .bound = 5e6}, "db \"query\" within 5ms of POST /checkout (shop)", NULL},
};

static void test_every_kind_is_said_and_is_a_rule(void **state) {
  (void)state;
  bt_mine_sample sample = make_sample();
  unsigned kinds = 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_buffer words = {0};
    bt_error error = {0};
    kinds |= 1u << rows[i].behaviour.kind;
    bt_behaviour_write(&sample, &rows[i].behaviour, &words);
    if (rows[i].words) assert_string_equal(words.ptr, rows[i].words);
    for (uint32_t kept = 0; kept <= 100; kept += 100) { /* what never was so, and what always was */
      bt_rule_definition *rule = NULL;
      bt_change change = {.behaviour = &rows[i].behaviour, .before = {kept, 100}};
      if (bt_change_rule(&sample, &change, &rule, &error) != BT_OK) fail_msg("%s: %s", words.ptr, error.message);
      assert_non_null(rule);
      if (kept && rows[i].dsl) assert_string_equal(rule->fields.dsl, rows[i].dsl);
      assert_true((strstr(rule->fields.dsl, "never {") != NULL) ==
                  (!kept != (rows[i].behaviour.kind == BT_BEHAVE_ABSENCE || rows[i].behaviour.kind == BT_BEHAVE_ROOT)));
      bt_rule_definition_unref(rule);
    }
    bt_buffer_dispose(&words);
  }
  assert_int_equal(kinds, (1u << BT_BEHAVE_KINDS) - 1);
}

static void test_what_was_so_now_and_then_is_no_rule(void **state) {
  (void)state;
  bt_mine_sample sample = make_sample();
  bt_rule_definition *rule = NULL;
  bt_change change = {.behaviour = &rows[0].behaviour, .before = {40, 100}};
  assert_int_equal(bt_change_rule(&sample, &change, &rule, NULL), BT_OK);
  assert_null(rule);
}

static void test_without_memory(void **state) {
  (void)state;
  bt_mine_sample sample = make_sample();
  bool is_done = false;
  size_t failures = 0;
  for (; !is_done; failures++) {
    bt_rule_definition *rule = NULL;
    bt_change change = {.behaviour = &rows[1].behaviour, .before = {100, 100}};
    failing_alloc_after(failures);
    bt_status status = bt_change_rule(&sample, &change, &rule, NULL);
    is_done = !failing_alloc_stop();
    assert_int_equal(status, is_done ? BT_OK : BT_NO_MEMORY);
    bt_rule_definition_unref(rule);
  }
  assert_true(failures > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_kind_is_said_and_is_a_rule),
      cmocka_unit_test(test_what_was_so_now_and_then_is_no_rule),
      cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
