/* The index of trace files: whatever the ids have in common, its traces come out in order of id, each once, with the
 * bounds of all that was added of it, and are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tempo/files/file_index.h"
#include "tests/support/random.h"

enum { TRACES = 3000, ROUNDS = 40, KEPT_MAX = 16 };

/* Random ids whose bytes differ in a part of them only: 64-bit ids have eight zeros in front, counters have more. */
static bt_trace_id make_id(test_random *random, size_t first, size_t end, unsigned values) {
  bt_trace_id id = {{0}};
  for (size_t i = first; i < end; i++) id.bytes[i] = (uint8_t)(test_random_below(random, values));
  return id;
}

static void add(bt_file_index *index, const bt_trace_bounds *bounds) {
  bt_error error = {0};
  bool is_new = false;
  const bt_indexed_unit unit = {.length = 1};
  assert_int_equal(bt_file_index_add_unit(index, &unit, &error), BT_OK);
  assert_int_equal(bt_file_index_add_trace(index, bounds, &is_new, &error), BT_OK);
}

static void check_order(const bt_file_index *index) {
  for (size_t i = 1; i < index->trace_count; i++)
    assert_true(bt_trace_id_compare(&index->traces[i - 1].id, &index->traces[i].id) < 0);
}

static void test_order(void **state) {
  (void)state;
  static bt_trace_bounds added[TRACES];
  test_random random = test_random_start(7);
  for (size_t round = 0; round < ROUNDS; round++) {
    bt_file_index index = {0};
    size_t first = test_random_below(&random, KEPT_MAX), count = 1 + test_random_below(&random, TRACES);
    size_t end = first + 1 + test_random_below(&random, KEPT_MAX - (unsigned)first);
    unsigned values = 2 + test_random_below(&random, 255);
    for (size_t i = 0; i < count; i++) {
      int64_t start_ns = 1 + (int64_t)test_random_below(&random, 1000);
      added[i] = (bt_trace_bounds){make_id(&random, first, end, values), start_ns, start_ns + 5};
      add(&index, &added[i]);
    }
    bt_file_index_finish(&index);
    check_order(&index);
    for (size_t i = 0; i < count; i++) {
      const bt_indexed_trace *found = bt_file_index_find(&index, &added[i].id);
      assert_non_null(found);
      assert_true(found->start_ns <= added[i].start_ns && found->end_ns >= added[i].end_ns);
      assert_memory_equal(&found->id, &added[i].id, sizeof found->id);
    }
    bt_file_index_dispose(&index);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
