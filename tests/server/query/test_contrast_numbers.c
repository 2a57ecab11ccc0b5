/* What a comparison rests on: Fisher's test, Tarone's bound, odds, and the counting of marks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/query/significance.h"
#include "server/query/tally.h"
#include "tests/server/replay/fake_source.h"
#include "tests/support/random.h"

/* ---- the numbers ---- */

static double choose(unsigned n, unsigned k) {
  double ways = 1;
  for (unsigned i = 1; i <= k; i++) ways = ways * (n - k + i) / i;
  return ways;
}

/* Whole numbers below 2^53: exact. */
static double counted_probability(uint32_t n1, uint32_t n2, uint32_t a, uint32_t b) {
  double seen = choose(n1, a) * choose(n2, b), sum = 0;
  for (uint32_t x = 0; x <= n1 && x <= a + b; x++) {
    if (a + b - x > n2) continue;
    double ways = choose(n1, x) * choose(n2, a + b - x);
    if (ways <= seen) sum += ways;
  }
  return sum / choose(n1 + n2, a + b);
}

static void fisher_is_the_share_of_tables(void **state) {
  (void)state;
  static bt_two_samples samples;
  for (uint32_t n1 = 0; n1 <= 12; n1++)
    for (uint32_t n2 = 0; n2 <= 12; n2++) {
      bt_two_samples_init(&samples, n1, n2);
      for (uint32_t a = 0; a <= n1; a++)
        for (uint32_t b = 0; b <= n2; b++)
          assert_true(fabs(bt_fisher_probability(&samples, a, b) - counted_probability(n1, n2, a, b)) < 1e-9);
    }
  /* Fisher's lady, and what R's fisher.test says of a larger table. */
  bt_two_samples_init(&samples, 4, 4);
  assert_true(fabs(bt_fisher_probability(&samples, 3, 1) - 34.0 / 70) < 1e-12);
  assert_true(fabs(bt_fisher_perfect(&samples) - 2.0 / 70) < 1e-12);
  bt_two_samples_init(&samples, 500, 500);
  assert_true(bt_fisher_perfect(&samples) > 0 && bt_fisher_perfect(&samples) < 1e-290);
  assert_true(fabs(bt_fisher_probability(&samples, 250, 250) - 1) < 1e-9);
}

static void the_least_is_the_least(void **state) {
  (void)state;
  static bt_two_samples samples;
  for (uint32_t n1 = 0; n1 <= 9; n1++)
    for (uint32_t n2 = 0; n2 <= 9; n2++) {
      bt_two_samples_init(&samples, n1, n2);
      for (uint32_t total = 0; total <= n1 + n2; total++) {
        double least = 1;
        for (uint32_t a = total > n2 ? total - n2 : 0; a <= n1 && a <= total; a++)
          least = fmin(least, bt_fisher_probability(&samples, a, total - a));
        assert_true(fabs(bt_fisher_least(&samples, total) - least) < 1e-12);
      }
    }
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void tarone_is_its_definition(void **state) {
  (void)state;
  test_random random = test_random_start(11);
  double least[40];
  for (int round = 0; round < 2000; round++) {
    size_t count = test_random_below(&random, 40), wanted = count;
    for (size_t i = 0; i < count; i++) least[i] = pow(10, -(double)test_random_below(&random, 60) / 10);
    qsort(least, count, sizeof *least, compare_doubles);
    for (size_t k = count; k >= 1; k--) {
      size_t able = 0;
      while (able < count && least[able] <= 0.05 / (double)k) able++;
      if (able <= k) wanted = able ? k : 0;
    }
    assert_int_equal(bt_tarone_divisor(least, count, 0.05), wanted);
  }
}

static void odds_ratios(void **state) {
  (void)state;
  static bt_two_samples samples;
  bt_two_samples_init(&samples, 10, 10);
  bt_odds_ratio even = bt_odds_ratio_of(&samples, 5, 5), all = bt_odds_ratio_of(&samples, 10, 0);
  assert_true(fabs(even.value - 1) < 1e-12 && even.low < 1 && even.high > 1);
  assert_true(fabs(all.value - 441) < 1e-9 && all.low > 1 && isfinite(all.high)); /* 10.5 · 10.5 / (0.5 · 0.5) */
  bt_odds_ratio other = bt_odds_ratio_of(&samples, 0, 10);
  assert_true(fabs(other.value * all.value - 1) < 1e-9);
}

/* ---- counting ---- */

static const bt_resource PLAIN = {.service = {"web", 3}};

static bt_trace one_span(bt_span *span, uint64_t number, const bt_attribute *attributes, uint32_t count) {
  *span = (bt_span){.name = BT_STR("work"), .resource = &PLAIN, .attributes = {attributes, count}};
  return (bt_trace){.id = fake_id(number), .spans = span, .span_count = 1};
}

enum { MARK_BYTES = 100 };

static void add_one(bt_tally *tally, int side, const bt_attribute *attributes, uint32_t count) {
  bt_span span;
  bt_error error = {0};
  bt_trace trace = one_span(&span, 1, attributes, count);
  size_t most = bt_tally_bytes(tally, MARK_BYTES) + bt_tally_added_bytes(tally, &trace, MARK_BYTES);
  assert_int_equal(bt_tally_add(tally, &trace, side, NULL, NULL, &error), BT_OK);
  assert_true(bt_tally_bytes(tally, MARK_BYTES) <= most);
}

static const bt_tally_key *key_of(const bt_tally *tally, const char *name) {
  for (size_t i = 0; i < tally->key_count; i++)
    if (bt_str_equal(tally->keys[i].key, bt_str_from(name))) return &tally->keys[i];
  return NULL;
}

static void a_trace_counts_once(void **state) {
  (void)state;
  bt_tally tally;
  bt_error error = {0};
  bt_value items[] = {{.type = BT_VALUE_STRING, .string = BT_STR("a")},
                      {.type = BT_VALUE_STRING, .string = BT_STR("b")},
                      {.type = BT_VALUE_STRING, .string = BT_STR("a")}};
  bt_value list = {.type = BT_VALUE_ARRAY};
  list.array.items = items;
  list.array.count = 3;
  const bt_attribute attributes[] = {{BT_STR("k"), list},
                                     {BT_STR("k"), {.type = BT_VALUE_INT, .integer = 1}},
                                     {BT_STR("k"), {.type = BT_VALUE_STRING, .string = BT_STR("1")}}};
  assert_int_equal(bt_tally_init(&tally, &error), BT_OK);
  add_one(&tally, 0, attributes, 3);
  add_one(&tally, 1, attributes, 2);
  const bt_tally_key *key = key_of(&tally, "k");
  assert_int_equal(key->counts[0], 1);
  assert_int_equal(key->value_count, 4); /* a, b, the number 1 and the text 1 */
  for (size_t i = 0; i < 4; i++) assert_int_equal(key->values[i].counts[0], 1);
  assert_int_equal(key->values[3].counts[1], 0);
  bt_tally_dispose(&tally);
}

enum { MANY_KEYS = 3 * BT_TALLY_KEYS_MAX };

/* Keys without end, values without end, values of any length: what is kept is the same in whatever order it comes. */
static void fill_hostile(bt_tally *tally, bool backwards) {
  static char names[MANY_KEYS][16], text[100000];
  bt_error error = {0};
  assert_int_equal(bt_tally_init(tally, &error), BT_OK);
  memset(text, 'x', sizeof text);
  for (int n = 0; n < MANY_KEYS; n++) {
    int number = backwards ? MANY_KEYS - 1 - n : n;
    snprintf(names[number], sizeof names[number], "key%d", number);
    const bt_attribute attributes[] = {
        {bt_str_from(names[number]), {.type = BT_VALUE_INT, .integer = number}},
        {BT_STR("id"), {.type = BT_VALUE_INT, .integer = number}},
        {BT_STR("long"), {.type = BT_VALUE_STRING, .string = {text, sizeof text - (size_t)number}}},
        {BT_STR("\0\xff\n"), {.type = BT_VALUE_STRING, .string = BT_STR("\xfe\0")}},
        {BT_STR(""), {.type = BT_VALUE_DOUBLE, .decimal = NAN}}};
    add_one(tally, number % 2, attributes, 5);
  }
}

static void hostile_marks_cost_little_and_order_is_nothing(void **state) {
  (void)state;
  bt_tally one, other;
  fill_hostile(&one, false);
  fill_hostile(&other, true);
  assert_true(one.left_out_keys && other.left_out_keys);
  assert_true(one.key_count <= BT_TALLY_KEYS_MAX && one.key_count > BT_TALLY_KEYS_MAX / 4);
  assert_int_equal(one.key_count, other.key_count);
  for (size_t i = 0; i < one.key_count; i++) {
    const bt_tally_key *key = &one.keys[i], *same = NULL;
    for (size_t j = 0; j < other.key_count && !same; j++)
      if (bt_str_equal(other.keys[j].key, key->key) && other.keys[j].kind == key->kind) same = &other.keys[j];
    assert_non_null(same);
    assert_memory_equal(key->counts, same->counts, sizeof key->counts);
    assert_int_equal(key->has_many, same->has_many);
  }
  assert_true(one.arena.total_bytes < (size_t)4 << 20);
  const bt_tally_key *id = key_of(&one, "id");
  if (id) assert_true(id->has_many && bt_tally_key_is_id(id));
  bt_tally_dispose(&one);
  bt_tally_dispose(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fisher_is_the_share_of_tables), cmocka_unit_test(the_least_is_the_least),
      cmocka_unit_test(tarone_is_its_definition),      cmocka_unit_test(odds_ratios),
      cmocka_unit_test(a_trace_counts_once),           cmocka_unit_test(hostile_marks_cost_little_and_order_is_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
