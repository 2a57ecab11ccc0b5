/* Patterns of texts that read as numbers and booleans, against reading them: every text that is meant is met, and of
 * whole numbers no other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dsl/pattern/pattern.h"
#include "dsl/trace/text_number.h"
#include "tempo/api/traceql_rules.h"
#include "tests/support/random.h"

enum { ROUNDS = 1500, TEXTS = 60, ARENA_BYTES = 1 << 20 };

static const bt_comparison_operator operators[] = {BT_EQUAL, BT_LESS, BT_LESS_EQUAL, BT_GREATER, BT_GREATER_EQUAL};

static bool test_meets(const bt_filter_test *test, bt_str text) {
  bt_pattern *pattern = NULL;
  bt_error error = {0};
  bool meets = false;
  uint64_t cost;
  assert_true(test->is_reading);
  if (test->op == BT_FILTER_EQUAL) return bt_str_equal(test->literal.string, text);
  assert_int_equal(test->op, BT_FILTER_REGEX);
  if (bt_pattern_new(test->literal.string, true, &pattern, &error) != BT_OK ||
      bt_pattern_match(pattern, text, &cost, &meets) != BT_OK)
    fail_msg("%.*s: %s", BT_FMT(test->literal.string), error.message);
  bt_pattern_free(pattern);
  return meets;
}

static bool is_met(const bt_filter *filter, bt_str text) {
  if (filter->kind == BT_FILTER_TEST) return test_meets(&filter->test, text);
  assert_int_equal(filter->kind, BT_FILTER_OR);
  for (uint32_t i = 0; i < filter->item_count; i++)
    if (is_met(filter->items[i], text)) return true;
  return false;
}

static bool holds(const bt_value *left, bt_comparison_operator op, const bt_value *right) {
  int order;
  if (!bt_value_compare_numbers(left, right, &order)) return false;
  if (op == BT_EQUAL) return order == 0;
  if (op == BT_LESS) return order < 0;
  if (op == BT_LESS_EQUAL) return order <= 0;
  if (op == BT_GREATER) return order > 0;
  return order >= 0;
}

static int64_t some_integer(test_random *random) {
  static const int64_t scales[] = {1, 3, 12, 130, 1100, 1000000, INT64_C(3000000000000000), INT64_MAX};
  uint64_t below = (uint64_t)scales[test_random_below(random, 8)];
  uint64_t bits = (uint64_t)test_random_below(random, UINT32_MAX) << 32 | test_random_below(random, UINT32_MAX);
  int64_t made = (int64_t)(bits % below);
  return test_random_below(random, 3) ? made : -made;
}

static bt_value some_literal(test_random *random) {
  int64_t integer = some_integer(random);
  if (test_random_below(random, 2)) return (bt_value){.type = BT_VALUE_INT, .integer = integer};
  static const double parts[] = {0, 0.5, 0.25, 1e-9};
  return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = (double)integer + parts[test_random_below(random, 4)]};
}

/* Near the literal, and written in all ways. */
static bt_str some_text(test_random *random, const bt_value *literal, char *room, size_t size) {
  double number = literal->type == BT_VALUE_INT ? (double)literal->integer : literal->decimal;
  double near = number + (double)((int)test_random_below(random, 5) - 2);
  int length = 0;
  switch (test_random_below(random, 9)) {
  case 0: length = snprintf(room, size, "%.0f", near); break;
  case 1: length = snprintf(room, size, "%.1f", near); break;
  case 2: length = snprintf(room, size, "%.0f.99999999999999999999999999999999", near); break;
  case 3: length = snprintf(room, size, "%.0f.00000000000000000000000000000001", near); break;
  case 4: length = snprintf(room, size, "%.17e", near); break;
  case 5: length = snprintf(room, size, "%.0fE-1", near * 10); break;
  case 6: length = snprintf(room, size, "%.17g", near); break;
  case 7: length = snprintf(room, size, "%lld", (long long)some_integer(random)); break;
  default: length = snprintf(room, size, "%s0.%0*d1", test_random_below(random, 2) ? "-" : "", 340, 0); break;
  }
  return (bt_str){room, (size_t)length};
}

static bool is_plain(bt_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] != '-' && (text.ptr[i] < '0' || text.ptr[i] > '9')) return false;
  return true;
}

static void check_one(test_random *random, size_t *met, size_t *left) {
  bt_arena arena;
  bt_arena_init(&arena, ARENA_BYTES);
  bt_filter_builder builder = {.arena = &arena};
  bt_value literal = some_literal(random), read;
  bt_comparison_operator op = operators[test_random_below(random, 5)];
  const bt_filter *filter = bt_traceql_readings(&builder, BT_FILTER_SPAN, BT_STR("k"), op, &literal);
  assert_false(builder.failed);
  double number = literal.type == BT_VALUE_INT ? (double)literal.integer : literal.decimal;
  for (int i = 0; i < TEXTS; i++) {
    char room[512];
    bt_str text = some_text(random, &literal, room, sizeof room);
    if (!bt_text_number(text, &read)) continue;
    bool is_meant = holds(&read, op, &literal), found = is_met(filter, text);
    if (is_meant && !found) fail_msg("%.*s is missed by operator %d and %.17g", BT_FMT(text), (int)op, number);
    if (!is_meant && found && is_plain(text) && fabs(number) < 1e15 && text.len < 16)
      fail_msg("%.*s is met by operator %d and %.17g", BT_FMT(text), (int)op, number);
    *met += is_meant;
    *left += !found;
  }
  assert_false(is_met(filter, BT_STR("nil")));
  assert_false(is_met(filter, BT_STR("")));
  assert_false(is_met(filter, BT_STR("007")));
  assert_false(is_met(filter, BT_STR("GET")));
  bt_arena_dispose(&arena);
}

static void test_numbers(void **state) {
  test_random random = test_random_start(20261127);
  size_t met = 0, left = 0;
  (void)state;
  for (int i = 0; i < ROUNDS; i++) check_one(&random, &met, &left);
  printf("texts that are meant %zu, that are not met %zu\n", met, left);
  assert_true(met > 10000 && left > 5000);
}

static void test_booleans(void **state) {
  static const struct {
    bt_str text;
    bool is_true, is_false;
  } rows[] = {{{"true", 4}, true, false},
              {{"True", 4}, true, false},
              {{"TRUE", 4}, true, false},
              {{"false", 5}, false, true},
              {{"fALSE", 5}, false, true},
              {{"fal\xc5\xbf"
                "e",
                6},
               false,
               false},
              {{"nil", 3}, false, false},
              {{"", 0}, false, false},
              {{"true ", 5}, false, false}};
  bt_arena arena;
  (void)state;
  bt_arena_init(&arena, ARENA_BYTES);
  bt_filter_builder builder = {.arena = &arena};
  for (int wanted = 0; wanted < 2; wanted++) {
    bt_value literal = {.type = BT_VALUE_BOOL, .boolean = wanted};
    const bt_filter *filter = bt_traceql_readings(&builder, BT_FILTER_SPAN, BT_STR("k"), BT_EQUAL, &literal);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
      assert_int_equal(is_met(filter, rows[i].text), wanted ? rows[i].is_true : rows[i].is_false);
  }
  bt_arena_dispose(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_booleans)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
