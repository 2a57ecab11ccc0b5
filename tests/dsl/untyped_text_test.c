/* Values of unknown type: which texts are, what they may have been, and which comparisons are still decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "dsl/evaluate/cut_comparison.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/untyped_text.h"

static void texts_that_were_something_else(void **state) {
  static const char *const open[] = {"", "[]", "[\"a\"]", "{}", "{\"a\":1}"};
  static const char *const odd[] = {"NaN", "Infinity", "-Infinity", "json: unsupported value: +Inf"};
  static const char *const read[] = {"5", "-0", "1.5", "1e+21", "true", "False"};
  static const char *const typed[] = {"x", "05", " 5", "[", "{]", "nan", "5 ", "QUJD"};
  (void)state;
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
    bt_value value = bt_untyped_value(bt_str_from(open[i]));
    assert_true(bt_value_is_untyped(&value) && bt_may_be_none(&value) && bt_may_count_otherwise(&value));
  }
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    bt_value value = bt_untyped_value(bt_str_from(odd[i]));
    assert_true(bt_value_is_untyped(&value) && !bt_may_be_none(&value) && bt_may_count_otherwise(&value));
  }
  for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
    bt_value value = bt_untyped_value(bt_str_from(read[i]));
    assert_true(bt_value_is_untyped(&value) && !bt_may_be_none(&value) && !bt_may_count_otherwise(&value));
    assert_int_equal(bt_readings_of(&value).count, 2);
  }
  for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
    bt_value value = bt_untyped_value(bt_str_from(typed[i]));
    assert_false(bt_value_is_untyped(&value));
    assert_int_equal(bt_readings_of(&value).count, 1);
  }
}

/* What JavaScript and Go print of doubles beyond 2^53, and integers that are no such text. */
static void integers_that_are_texts_of_other_doubles(void **state) {
  static const int64_t rounded[] = {1152921504606847000, -1152921504606847000, 9223372036854775000, 100000000000000020};
  static const int64_t exact[] = {0,
                                  5,
                                  -1,
                                  9007199254740992,
                                  9007199254740993,
                                  9007199254740994,
                                  1152921504606846976,
                                  1000000000000000000,
                                  INT64_MAX,
                                  INT64_MIN,
                                  9223372036854775800,
                                  100000000000000010};
  (void)state;
  for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++) assert_true(bt_may_be_rounded(rounded[i]));
  for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) assert_false(bt_may_be_rounded(exact[i]));
  bt_value value = bt_untyped_value(BT_STR("1152921504606847000"));
  assert_int_equal(bt_readings_of(&value).count, 3);
}

/* Nothing is known of it but that it is there. */
static void inexact_values_are_there(void **state) {
  static const bt_value item = {.type = BT_VALUE_INT, .integer = 5};
  static const bt_value values[] = {
      {.type = BT_VALUE_DOUBLE, .decimal = 5, .is_inexact = true},
      {.type = BT_VALUE_STRING, .string = {"5", 1}, .is_inexact = true},
      {.type = BT_VALUE_ARRAY, .array = {&item, 1}, .is_inexact = true},
  };
  bt_comparator comparator = {.op = BT_EQUAL};
  bt_work work = {.text_left = UINT64_MAX};
  (void)state;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    bt_cut_side five_side = {&item, false}, side = {&values[i], true};
    assert_true(bt_value_is_untyped(&values[i]) && bt_may_count_otherwise(&values[i]));
    assert_int_equal(bt_may_be_none(&values[i]), values[i].type == BT_VALUE_ARRAY); /* it may be of mixed types */
    assert_int_equal(bt_cut_meets(&comparator, side, five_side, &work).truth, BT_UNKNOWN);
  }
}

/* 2^60, of which several integers are kept as one double. */
static void a_rounded_number_is_compared_where_it_is_known(void **state) {
  static const bt_value rounded = {.type = BT_VALUE_DOUBLE, .decimal = 1152921504606846976, .is_inexact = true};
  static const struct {
    bt_value other;
    bt_comparison_operator op;
    bt_truth truth;
  } rows[] = {{{.type = BT_VALUE_INT, .integer = 5}, BT_GREATER, BT_TRUE},
              {{.type = BT_VALUE_INT, .integer = 5}, BT_EQUAL, BT_FALSE},
              {{.type = BT_VALUE_INT, .integer = INT64_MAX}, BT_LESS, BT_TRUE},
              {{.type = BT_VALUE_INT, .integer = 1152921504606846977}, BT_EQUAL, BT_UNKNOWN},
              {{.type = BT_VALUE_INT, .integer = 1152921504606846976 + 1000}, BT_EQUAL, BT_FALSE},
              {{.type = BT_VALUE_DOUBLE, .decimal = 1152921504606846976}, BT_GREATER_EQUAL, BT_UNKNOWN},
              {{.type = BT_VALUE_STRING, .string = {"1152921504606846976", 19}}, BT_EQUAL, BT_UNKNOWN},
              {{.type = BT_VALUE_STRING, .string = {"x", 1}}, BT_EQUAL, BT_FALSE},
              {{.type = BT_VALUE_BOOL, .boolean = true}, BT_NOT_EQUAL, BT_TRUE}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_comparator comparator = {.op = rows[i].op};
    bt_work work = {.text_left = UINT64_MAX};
    bt_cut_side side = {&rounded, true}, other = {&rows[i].other, false};
    assert_int_equal(bt_cut_meets(&comparator, side, other, &work).truth, rows[i].truth);
  }
  assert_int_equal(bt_cut_is_there(&rounded).truth, BT_TRUE);
}

static const bt_value five = {.type = BT_VALUE_INT, .integer = 5}, yes = {.type = BT_VALUE_BOOL, .boolean = true};

static bt_kleene meet(const char *left, bt_comparison_operator op, bt_value right) {
  bt_comparator comparator = {.op = op};
  bt_work work = {.text_left = UINT64_MAX};
  bt_value value = bt_untyped_value(bt_str_from(left));
  return bt_cut_meets(&comparator, (bt_cut_side){&value, true}, (bt_cut_side){&right, true}, &work);
}

static bt_value text(const char *text) {
  return (bt_value){.type = BT_VALUE_STRING, .string = bt_str_from(text)};
}

static void comparisons_are_decided_where_all_readings_agree(void **state) {
  const struct {
    const char *left;
    bt_comparison_operator op;
    bt_value right;
    bt_truth truth;
  } rows[] = {
      {"5", BT_EQUAL, five, BT_TRUE},
      {"5", BT_GREATER, five, BT_FALSE},
      {"x", BT_EQUAL, text("x"), BT_TRUE},
      {"5", BT_EQUAL, text("5"), BT_TRUE},
      {"5", BT_EQUAL, text("5.0"), BT_UNKNOWN},
      {"true", BT_EQUAL, yes, BT_TRUE},
      {"9", BT_LESS, text("x"), BT_UNKNOWN},
      {"5", BT_CONTAINS, text("5"), BT_UNKNOWN},
      {"5", BT_CONTAINS, text("6"), BT_FALSE},
      {"", BT_EQUAL, text(""), BT_UNKNOWN},
      {"", BT_NOT_EQUAL, five, BT_UNKNOWN},
      {"NaN", BT_NOT_EQUAL, five, BT_UNKNOWN},
      {"NaN", BT_EQUAL, five, BT_FALSE},
      {"Infinity", BT_GREATER, five, BT_UNKNOWN},
      {"[5]", BT_EQUAL, five, BT_UNKNOWN},
      {"", BT_EQUAL, {.type = BT_VALUE_MISSING}, BT_FALSE},
      {"9", BT_LESS, bt_untyped_value(BT_STR("10")), BT_UNKNOWN},
      {"9", BT_EQUAL, bt_untyped_value(BT_STR("9")), BT_TRUE},
      {"NaN", BT_EQUAL, bt_untyped_value(BT_STR("NaN")), BT_UNKNOWN},
      {"x", BT_LESS, bt_untyped_value(BT_STR("y")), BT_TRUE},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_kleene met = meet(rows[i].left, rows[i].op, rows[i].right);
    if (met.truth != rows[i].truth) fail_msg("row %zu: %d", i, met.truth);
    assert_true(met.truth != BT_UNKNOWN || met.why & BT_WHY_TYPE);
  }
}

static void not_in_asks_whether_it_is_there(void **state) {
  static const struct {
    const char *text;
    bt_truth truth;
  } rows[] = {{"x", BT_TRUE}, {"5", BT_TRUE}, {"", BT_UNKNOWN}, {"NaN", BT_UNKNOWN}, {"[1]", BT_UNKNOWN}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_value value = bt_untyped_value(bt_str_from(rows[i].text));
    assert_int_equal(bt_cut_is_there(&value).truth, rows[i].truth);
  }
}

/* ---- whole rules ---- */

static bt_attribute untyped(const char *key, const char *value) {
  return (bt_attribute){bt_str_from(key), bt_untyped_value(bt_str_from(value))};
}

/* Three spans "s", each with k and n. */
static const bt_trace *make_trace(bt_arena *arena) {
  static const char *const values[3][2] = {{"9", "NaN"}, {"10", "2"}, {"x", ""}};
  static const bt_attribute on_resource = {{"n", 1}, {.type = BT_VALUE_STRING, .string = {"r", 1}}};
  static const bt_resource resource = {.service = {"web", 3}, .attributes = {.items = &on_resource, .count = 1}};
  static const bt_scope scope = {.attributes = {.dropped = BT_NOT_KEPT}};
  bt_trace_id id = {{1}};
  bt_trace_builder *builder = bt_trace_builder_new(arena, &id);
  for (uint8_t i = 0; i < 3; i++) {
    bt_attribute *attributes = bt_arena_array(arena, 2, sizeof *attributes);
    attributes[0] = untyped("k", values[i][0]);
    attributes[1] = untyped("n", values[i][1]);
    bt_span span = {.id = {{(uint8_t)(i + 1)}}, .name = BT_STR("s"), .resource = &resource, .scope = &scope};
    span.start_ns = i + 1, span.end_ns = i + 2;
    span.attributes = (bt_attributes){.items = attributes, .count = 2};
    assert_true(bt_trace_builder_add(builder, &span));
  }
  return bt_trace_builder_finish(builder);
}

static const struct rule_row {
  const char *rule;
  bt_verdict verdict;
  bt_reason reason;
} rule_rows[] = {
    {"trace.has(s.where(k == 9))", BT_VIOLATED, BT_REASON_NONE},
    {"trace.has(s.where(k > 10))", BT_SATISFIED, BT_REASON_NONE},
    {"trace.has(s.where(k == \"x\"))", BT_VIOLATED, BT_REASON_NONE},
    {"trace.has(s.where(k matches \"^1\"))", BT_INCONCLUSIVE, BT_REASON_TYPE},
    {"trace.has(s.where(k matches \"^7\"))", BT_SATISFIED, BT_REASON_NONE},
    {"when { s.where(k == 9) as a } never { s.where(k < a.k) }", BT_INCONCLUSIVE, BT_REASON_TYPE},
    {"when { s.where(k == 9) as a } never { s.where(k == a.k and span.id != a.id) }", BT_SATISFIED, BT_REASON_NONE},
    {"not trace.has(s.where(not exists(k)))", BT_VIOLATED, BT_REASON_NONE},
    {"trace.has(s.where(not exists(span.attributes[\"n\"])))", BT_INCONCLUSIVE, BT_REASON_TYPE},
    {"trace.has(s.where(n == \"r\"))", BT_INCONCLUSIVE, BT_REASON_TYPE}, /* the resource's, if its own is none */
    {"trace.has(s.where(n not in [\"q\"] and k == \"x\"))", BT_INCONCLUSIVE, BT_REASON_TYPE},
    {"sum(s, k) == 19", BT_VIOLATED, BT_REASON_NONE},
    {"max(s, n) > 1", BT_VIOLATED, BT_REASON_NONE},
    {"sum(s, n) > 1", BT_INCONCLUSIVE, BT_REASON_TYPE},
    {"count_distinct(s, k) == 3", BT_VIOLATED, BT_REASON_NONE},
    {"count_distinct(s, n) == 3", BT_INCONCLUSIVE, BT_REASON_TYPE},
    {"trace.has(s.where(k * 2 == 20))", BT_VIOLATED, BT_REASON_NONE},
    {"trace.has(s.where(n * 2 > 5))", BT_INCONCLUSIVE, BT_REASON_TYPE},
    {"trace.has(s.where(scope.attributes[\"a\"] == \"b\"))", BT_INCONCLUSIVE, BT_REASON_DROPPED},
    {"trace.has(s.where(span.dropped_attributes_count > 0))", BT_INCONCLUSIVE, BT_REASON_DROPPED},
};

static void check_rule(const bt_trace *trace, const struct rule_row *row) {
  bt_rule *rule = NULL;
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_str_from(row->rule), &rule, &diagnostics, &error) != BT_OK) fail_msg("%s", row->rule);
  const bt_rule *rules[] = {rule};
  assert_int_equal(bt_ruleset_new(rules, 1, &ruleset, &error), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, &error), BT_OK);
  for (int looks_up = 0; looks_up < 2; looks_up++) {
    bt_eval_options options = {.looks_up_at_once = looks_up};
    assert_int_equal(bt_evaluator_run(evaluator, trace, &options, &verdict, &error), BT_OK);
    if (verdict->verdict != row->verdict || verdict->reason != row->reason)
      fail_msg("%s: %s %s", row->rule, bt_verdict_name(verdict->verdict), bt_reason_name(verdict->reason));
  }
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static void rules_are_unknown_where_a_type_could_matter(void **state) {
  bt_arena arena;
  (void)state;
  bt_arena_init(&arena, 1 << 20);
  const bt_trace *trace = make_trace(&arena);
  for (size_t i = 0; i < sizeof rule_rows / sizeof *rule_rows; i++) check_rule(trace, &rule_rows[i]);
  bt_arena_dispose(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(integers_that_are_texts_of_other_doubles),
                                     cmocka_unit_test(inexact_values_are_there),
                                     cmocka_unit_test(a_rounded_number_is_compared_where_it_is_known),
                                     cmocka_unit_test(texts_that_were_something_else),
                                     cmocka_unit_test(comparisons_are_decided_where_all_readings_agree),
                                     cmocka_unit_test(not_in_asks_whether_it_is_there),
                                     cmocka_unit_test(rules_are_unknown_where_a_type_could_matter)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
