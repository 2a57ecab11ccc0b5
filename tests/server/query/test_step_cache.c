/* The cache of counts against a plain model: what was put last is what is got, the longest unused go first, nothing
 * outlives its time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/query/step_cache.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

enum { SERIES = 5, STEPS = 60, MOST = 100, ROUNDS = 20000 };

typedef struct model_cell {
  bool is_there;
  int64_t until_ns;
  uint64_t violations, used;
} model_cell;

static bt_step_count count_of(uint64_t violations) {
  return (bt_step_count){.violations = violations, .is_read = true};
}

static bt_step_cache *cache_of(size_t most) {
  bt_step_cache *cache = NULL;
  bt_error error = {0};
  if (bt_step_cache_new(most, NULL, &cache, &error) != BT_OK) fail_msg("%s", error.message);
  return cache;
}

static size_t count_cells(model_cell cells[SERIES][STEPS]) {
  size_t count = 0;
  for (size_t i = 0; i < SERIES; i++)
    for (size_t k = 0; k < STEPS; k++) count += cells[i][k].is_there;
  return count;
}

/* How many of the first steps of a series are kept. Each is used by it. */
static size_t count_kept(bt_step_cache *cache, uint64_t series, int64_t steps) {
  size_t count = 0;
  bt_step_count got;
  for (int64_t i = 0; i < steps; i++) count += bt_step_cache_get(cache, series, i, 0, &got);
  return count;
}

static void drop_oldest(model_cell cells[SERIES][STEPS]) {
  model_cell *oldest = NULL;
  for (size_t i = 0; i < SERIES; i++)
    for (size_t k = 0; k < STEPS; k++)
      if (cells[i][k].is_there && (!oldest || cells[i][k].used < oldest->used)) oldest = &cells[i][k];
  oldest->is_there = false;
}

static void is_like_its_model(void **state) {
  (void)state;
  static model_cell cells[SERIES][STEPS];
  test_random random = test_random_start(77);
  bt_step_cache *cache = cache_of(MOST);
  for (uint64_t round = 1; round <= ROUNDS; round++) {
    unsigned series = test_random_below(&random, SERIES), step = test_random_below(&random, STEPS);
    int64_t now_ns = (int64_t)round;
    model_cell *cell = &cells[series][step];
    bt_step_count got;
    if (test_random_below(&random, 2)) {
      if (!cell->is_there && count_cells(cells) == MOST) drop_oldest(cells);
      *cell = (model_cell){true, now_ns + 500, round, round};
      bt_step_count count = count_of(round);
      bt_step_cache_put(cache, series + 1, (int64_t)step - 30, cell->until_ns, &count);
    } else {
      bool is_there = cell->is_there && cell->until_ns > now_ns;
      assert_int_equal(bt_step_cache_get(cache, series + 1, (int64_t)step - 30, now_ns, &got), is_there);
      if (is_there) {
        assert_int_equal(got.violations, cell->violations);
        cell->used = round;
      }
    }
  }
  assert_int_equal(count_cells(cells), MOST);
  size_t kept = 0;
  for (uint64_t i = 0; i < SERIES; i++)
    for (int64_t k = 0; k < STEPS; k++) {
      bt_step_count got;
      bool is_kept = bt_step_cache_get(cache, i + 1, k - 30, 0, &got);
      assert_int_equal(is_kept, cells[i][k].is_there);
      kept += is_kept;
    }
  assert_int_equal(kept, MOST);
  bt_step_cache_free(cache);
}

static void many_cells(void **state) {
  (void)state;
  bt_step_cache *cache = cache_of(50000);
  for (int64_t i = 0; i < 60000; i++) {
    bt_step_count count = count_of((uint64_t)i);
    bt_step_cache_put(cache, (uint64_t)i % 7, i, INT64_MAX, &count);
  }
  for (int64_t i = 0; i < 60000; i++) {
    bt_step_count got;
    assert_int_equal(bt_step_cache_get(cache, (uint64_t)i % 7, i, 0, &got), i >= 10000);
    if (i >= 10000) assert_int_equal(got.violations, i);
  }
  bt_step_cache_free(cache);
}

/* Without room the longest unused go early: what is got is right, and nothing is held that was not asked for. */
static void without_room_it_stays_small(void **state) {
  (void)state;
  enum { LIMIT = 16 << 10, PUT = 2000 };
  bt_memory_account *account = NULL;
  bt_step_cache *cache = NULL;
  bt_error error = {0};
  assert_int_equal(bt_memory_account_new(LIMIT, &account, &error), BT_OK);
  assert_int_equal(bt_step_cache_new(PUT, account, &cache, &error), BT_OK);
  for (int64_t i = 0; i < PUT; i++) {
    bt_step_count count = count_of((uint64_t)i), got;
    bt_step_cache_put(cache, 1, i, INT64_MAX, &count);
    assert_true(bt_step_cache_get(cache, 1, i, 0, &got));
    assert_int_equal(got.violations, i);
  }
  assert_in_range(count_kept(cache, 1, PUT), 16, PUT / 2);
  assert_in_range(bt_memory_total(account), LIMIT / 4, LIMIT);
  bt_step_cache_free(cache);
  assert_int_equal(bt_memory_total(account), 0);
  assert_int_equal(bt_step_cache_new(PUT, account, &cache, &error), BT_OK);
  assert_true(bt_memory_take(account, BT_MEMORY_READS, LIMIT));
  bt_step_count count = count_of(7), got;
  bt_step_cache_put(cache, 1, 1, INT64_MAX, &count);
  assert_false(bt_step_cache_get(cache, 1, 1, 0, &got));
  bt_step_cache_free(cache);
  bt_memory_account_free(account);
}

/* Without memory a count is not kept, or the chains get longer; what was kept stays right. */
static void every_allocation_fails_in_turn(void **state) {
  (void)state;
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_step_cache *cache = NULL;
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_step_cache_new(1000, NULL, &cache, &error);
    for (int64_t i = 0; status == BT_OK && i < 600; i++) {
      bt_step_count count = count_of((uint64_t)i), got;
      bt_step_cache_put(cache, 1, i, INT64_MAX, &count);
      if (bt_step_cache_get(cache, 1, i, 0, &got)) assert_int_equal(got.violations, i);
    }
    was_refused = failing_alloc_stop();
    if (status == BT_NO_MEMORY) assert_true(was_refused && !cache);
    if (!was_refused) assert_true(count_kept(cache, 1, 600) == 600 && n > 3);
    bt_step_cache_free(cache);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_like_its_model),
      cmocka_unit_test(many_cells),
      cmocka_unit_test(without_room_it_stays_small),
      cmocka_unit_test(every_allocation_fails_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
