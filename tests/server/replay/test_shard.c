/* Shards of a range: they cover it, none overlaps another, and each has nearly the same length, up to the ends of what
 * 64 bits hold. The windows that are looked at for emptiness likewise. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/replay/shard.h"

static const bt_time_range ranges[] = {{0, 1},
                                       {-1, 0},
                                       {7, 10007},
                                       {1767268800000000000, 1767355200000000000},
                                       {1767268800000000001, 1767355199999999998},
                                       {-5000000000, 7777777777},
                                       {INT64_MIN, INT64_MAX},
                                       {INT64_MIN, INT64_MIN + 10000},
                                       {INT64_MAX - 10000, INT64_MAX},
                                       {INT64_MIN, 0},
                                       {-1, INT64_MAX}};
enum { RANGES = sizeof ranges / sizeof *ranges };

static uint64_t length_of(bt_time_range range) {
  return (uint64_t)range.end_ns - (uint64_t)range.start_ns;
}

static void check_parts(bt_time_range whole, uint32_t count) {
  int64_t at_ns = whole.start_ns;
  uint64_t least = length_of(whole) / count;
  for (uint32_t number = 1; number <= count; number++) {
    bt_time_range part = bt_shard_range(whole, (bt_shard){number, count});
    assert_true(part.start_ns == at_ns && part.start_ns < part.end_ns);
    assert_true(length_of(part) - least <= 1);
    at_ns = part.end_ns;
  }
  assert_true(at_ns == whole.end_ns);
}

static void shards_cover_the_range_and_do_not_overlap(void **state) {
  (void)state;
  static const uint32_t counts[] = {1, 2, 3, 7, 16, 365, 9999, BT_SHARDS_MAX};
  for (size_t r = 0; r < RANGES; r++)
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
      bool fits = length_of(ranges[r]) >= counts[c];
      assert_int_equal(bt_shard_fits(ranges[r], counts[c]), fits);
      if (fits) check_parts(ranges[r], counts[c]);
    }
}

static void one_shard_is_the_range(void **state) {
  (void)state;
  for (size_t r = 0; r < RANGES; r++) {
    bt_time_range all = bt_shard_range(ranges[r], (bt_shard){1, 1});
    assert_true(all.start_ns == ranges[r].start_ns && all.end_ns == ranges[r].end_ns);
  }
}

static void no_shard_is_empty(void **state) {
  (void)state;
  assert_false(bt_shard_fits((bt_time_range){5, 5}, 1));
  assert_false(bt_shard_fits((bt_time_range){5, 4}, 1));
  assert_false(bt_shard_fits((bt_time_range){5, 20}, 16));
  assert_true(bt_shard_fits((bt_time_range){5, 21}, 16));
  check_parts((bt_time_range){5, 21}, 16);
}

static void texts_name_a_shard(void **state) {
  (void)state;
  static const char *const right[] = {"1/1", "3/16", "16/16", "10000/10000"};
  static const char *const wrong[] = {"",       "3",       "/16",   "3/",      "0/16",  "17/16",
                                      "03/16",  "3/016",   "+3/16", "3/+1",    "3/16 ", " 3/16",
                                      "3 / 16", "3/10001", "-1/16", "3/16/16", "a/b",   "4294967297/4294967298"};
  bt_shard shard;
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) assert_true(bt_shard_parse(bt_str_from(right[i]), &shard));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(bt_shard_parse(bt_str_from(wrong[i]), &shard));
  assert_true(bt_shard_parse(BT_STR("3/16"), &shard) && shard.number == 3 && shard.count == 16);
}

/* Each time of a window is a time of that window. */
static void windows_cover_the_range(void **state) {
  (void)state;
  for (size_t r = 0; r < RANGES; r++) {
    bt_gap_grid grid = bt_gap_grid_of(ranges[r]);
    int64_t at_ns = ranges[r].start_ns;
    for (size_t i = 0; i < grid.count; i++) {
      bt_time_range window = bt_gap_grid_window(&grid, i);
      assert_true(window.start_ns == at_ns && window.start_ns < window.end_ns);
      assert_int_equal(bt_gap_grid_index(&grid, window.start_ns), i);
      assert_int_equal(bt_gap_grid_index(&grid, window.end_ns - 1), i);
      at_ns = window.end_ns;
    }
    assert_true(at_ns == ranges[r].end_ns);
  }
  assert_int_equal(bt_gap_grid_of((bt_time_range){5, 5}).count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shards_cover_the_range_and_do_not_overlap),
      cmocka_unit_test(one_shard_is_the_range),
      cmocka_unit_test(no_shard_is_empty),
      cmocka_unit_test(texts_name_a_shard),
      cmocka_unit_test(windows_cover_the_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
