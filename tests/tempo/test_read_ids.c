/* The ids of a read in batches: each once, in order, the largest count of each, and how many one question may ask for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tempo/api/batch_ids.h"

enum { MANY = 2000, MOST = 1000 };

static bt_trace_id id_of(uint8_t number) {
  bt_trace_id id = {{0}};
  id.bytes[15] = number;
  return id;
}

static void orders_ids_and_keeps_the_largest_count(void **state) {
  bt_trace_id ids[] = {id_of(9), id_of(3), id_of(9), id_of(1), id_of(9)};
  uint32_t spans[] = {5, 0, 300, 7, 20};
  bt_read_request request = {.ids = ids, .count = 5, .span_counts = spans};
  bt_read_ids read;
  (void)state;
  assert_true(bt_read_ids_init(&read, &request));
  assert_int_equal(read.count, 3);
  static const struct {
    uint8_t id;
    uint32_t spans;
    size_t first, end;
  } expected[] = {{1, 7, 0, 1}, {3, 0, 1, 2}, {9, 300, 2, 5}};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(read.ids[i].bytes[15], expected[i].id);
    assert_int_equal(read.spans[i], expected[i].spans);
    assert_int_equal(read.places[i].first, expected[i].first);
    assert_int_equal(read.places[i].end, expected[i].end);
    assert_int_equal(bt_read_ids_is_large(&read, i), i == 2);
  }
  assert_int_equal(read.order[2], 0); /* of equal ids in the order of the request */
  assert_int_equal(read.order[3], 2);
  assert_int_equal(read.order[4], 4);
  bt_read_ids_move(&read, 2, 0);
  assert_int_equal(read.ids[0].bytes[15], 9);
  assert_int_equal(read.spans[0], 300);
  assert_int_equal(read.places[0].first, 2);
  bt_read_ids_dispose(&read);
}

static size_t fitting(uint32_t spans, size_t count) {
  static bt_trace_id ids[MANY];
  static uint32_t counts[MANY];
  for (size_t i = 0; i < MANY; i++) {
    ids[i].bytes[0] = (uint8_t)(i >> 8);
    ids[i].bytes[1] = (uint8_t)i;
    ids[i].bytes[15] = 1;
    counts[i] = spans;
  }
  bt_read_request request = {.ids = ids, .count = MANY, .span_counts = counts};
  bt_read_ids read;
  assert_true(bt_read_ids_init(&read, &request));
  size_t fit = bt_read_ids_fit(&read, MANY - count, count, MOST);
  bt_read_ids_dispose(&read);
  return fit;
}

/* Small traces, and those of unknown size, as ever; larger ones by what their spans and the squares of them cost. */
static void asks_for_what_tempo_answers_in_seconds(void **state) {
  (void)state;
  assert_int_equal(fitting(0, MANY), MOST);
  assert_int_equal(fitting(1, MANY), MOST);
  assert_int_equal(fitting(25, MANY), MOST);
  assert_int_equal(fitting(25, 300), 300);
  size_t before = MOST;
  for (uint32_t spans = 50; spans < BT_READ_LARGE_FROM; spans += 50) {
    size_t fit = fitting(spans, MANY);
    assert_true(fit < before && fit * spans * spans < 3000000);
    before = fit;
  }
  assert_true(fitting(BT_READ_LARGE_FROM - 1, MANY) > 20);
  assert_int_equal(fitting(100000, MANY), 1);
  assert_int_equal(fitting(UINT32_MAX, MANY), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(orders_ids_and_keeps_the_largest_count),
                                     cmocka_unit_test(asks_for_what_tempo_answers_in_seconds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
