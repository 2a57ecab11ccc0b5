/* What follows from a source's promises: for how long late spans are hidden, how far a search goes on for them, by how
 * much a clock is ahead, and for which ids it guesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tempo/wire/promises.h"
#include "tempo/wire/source.h"

#define SECOND_NS INT64_C(1000000000)

static void nothing_promised_hides_nothing(void **state) {
  static const int64_t numbers_ns[] = {0, 1, 900 * SECOND_NS, INT64_MAX};
  const bt_promises none = {.about = {.kind = NULL}};
  const bt_trace_id id = {{0, 1}};
  (void)state;
  for (size_t i = 0; i < sizeof numbers_ns / sizeof *numbers_ns; i++) {
    assert_int_equal(bt_late_hides_ns(&none.late, numbers_ns[i]), 0);
    assert_int_equal(bt_late_reach_ns(&none.late, numbers_ns[i]), 0);
    assert_int_equal(bt_known_clock_ahead_ns(&none.clock, numbers_ns[i]), 0);
  }
  assert_false(bt_promises_guess_linking(&none, &id, NULL));
}

/* In seconds. */
static void late_spans_are_hidden_where_they_lie(void **state) {
  static const struct {
    int64_t in_time[2], apart_from, apart[2]; /* hidden, seen; from: -1: none lies apart */
    int64_t lateness, hidden;
  } rows[] = {
      {{600, 0}, -1, {0, 0}, 0, 600},         {{600, 599}, -1, {0, 0}, 0, 600},
      {{600, 600}, -1, {0, 0}, 0, 0}, /* what is younger is seen at once */
      {{600, 600}, -1, {0, 0}, 1, 600},       {{600, 900}, -1, {0, 0}, 300, 0},
      {{600, 900}, -1, {0, 0}, 301, 600},     {{600, 720}, 120, {900, 0}, 120, 0}, /* it is not later */
      {{600, 720}, 120, {900, 0}, 121, 900},  {{600, 700}, 120, {900, 0}, 120, 600},
      {{600, 700}, 120, {500, 0}, 121, 600}, /* the longer of both: some come as late as lies in time */
      {{600, 720}, 120, {900, 1100}, 200, 0}, {{600, 720}, 120, {900, 1099}, 200, 900},
      {{600, 720}, 0, {900, 0}, 0, 0},        {{600, 720}, 0, {900, 0}, 1, 900},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const bt_late_promise late = {
        .in_time = {rows[i].in_time[0] * SECOND_NS, rows[i].in_time[1] * SECOND_NS},
        .may_lie_apart = rows[i].apart_from >= 0,
        .apart_from_ns = rows[i].apart_from >= 0 ? rows[i].apart_from * SECOND_NS : 0,
        .apart = {rows[i].apart[0] * SECOND_NS, rows[i].apart[1] * SECOND_NS},
    };
    int64_t hidden_ns = bt_late_hides_ns(&late, rows[i].lateness * SECOND_NS);
    if (hidden_ns != rows[i].hidden * SECOND_NS) fail_msg("row %zu: %lld s", i, (long long)(hidden_ns / SECOND_NS));
  }
}

static void what_is_assumed_counts_where_something_comes_late(void **state) {
  bt_late_promise late = {.in_time = {.hidden_ns = 600 * SECOND_NS}};
  (void)state;
  for (int is_assumed = 0; is_assumed < 2; is_assumed++) {
    late.is_assumed = is_assumed;
    assert_int_equal(bt_late_hides_ns(&late, 0), is_assumed ? 0 : 600 * SECOND_NS);
    assert_int_equal(bt_late_hides_ns(&late, 1), 600 * SECOND_NS);
  }
}

static void a_search_goes_on_to_what_lies_apart(void **state) {
  const bt_late_promise late = {.may_lie_apart = true, .apart_from_ns = 120 * SECOND_NS, .apart_by_ns = 40 * SECOND_NS};
  bt_late_promise in_time = late;
  in_time.may_lie_apart = false;
  (void)state;
  assert_int_equal(bt_late_reach_ns(&late, 120 * SECOND_NS), 0);
  assert_int_equal(bt_late_reach_ns(&late, 121 * SECOND_NS), 161 * SECOND_NS);
  assert_int_equal(bt_late_reach_ns(&late, INT64_MAX), INT64_MAX); /* and no farther than time goes */
  assert_int_equal(bt_late_reach_ns(&in_time, 121 * SECOND_NS), 0);
}

/* Of clocks of ours that are so much before the steady one, which is between two and three seconds before the
 * source's. */
static void a_clock_is_ahead_where_that_is_certain(void **state) {
  const bt_clock_bounds near = {true, 2 * SECOND_NS, 3 * SECOND_NS - 1}, far = {true, 59 * SECOND_NS, 60 * SECOND_NS},
                        unknown = {false, 59 * SECOND_NS, 60 * SECOND_NS};
  const struct {
    bt_known_clock clock;
    int64_t lead_s, ahead_s;
  } rows[] = {
      {{near, unknown}, 0, 3},   {{near, unknown}, -1, 0}, /* an old second in what it says */
      {{near, unknown}, 10, 13}, {{near, unknown}, -100, 0}, {{unknown, unknown}, 100, 0}, {{near, far}, 0, 60},
      {{far, near}, 0, 60},      {{unknown, far}, 0, 60},    {{near, far}, -58, 0},        {{near, far}, -57, 3},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t ahead_ns = bt_known_clock_ahead_ns(&rows[i].clock, rows[i].lead_s * SECOND_NS);
    if (ahead_ns != rows[i].ahead_s * SECOND_NS) fail_msg("row %zu: %lld ns", i, (long long)ahead_ns);
  }
}

static bool guess_unknown(const bt_trace_id *id, const bt_trace *trace) {
  return !id->bytes[0] && !trace;
}

static void ids_are_guessed_as_it_says(void **state) {
  const bt_promises promises = {.guesses_linking = guess_unknown};
  const bt_trace_id ids[] = {{{0, 1}}, {{1, 1}}};
  const bt_trace trace = {.id = ids[0]};
  (void)state;
  assert_true(bt_promises_guess_linking(&promises, &ids[0], NULL));
  assert_false(bt_promises_guess_linking(&promises, &ids[0], &trace));
  assert_false(bt_promises_guess_linking(&promises, &ids[1], NULL));
}

static void a_source_that_says_nothing_is_our_own(void **state) {
  static const bt_source_operations operations = {.promise = NULL};
  bt_source source = {&operations, "mine", NULL, false};
  (void)state;
  bt_promises promises = bt_source_known(&source);
  assert_string_equal(promises.about.kind, "mine");
  assert_true(promises.about.is_checked);
  assert_false(promises.filters || promises.projects || promises.is_static || promises.has_copies);
  assert_int_equal(promises.generation, 0);
  assert_memory_equal(&promises.costs, &bt_plain_costs, sizeof promises.costs);
  assert_int_equal(bt_source_clock_ahead_ns(&source), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_promised_hides_nothing),
      cmocka_unit_test(late_spans_are_hidden_where_they_lie),
      cmocka_unit_test(what_is_assumed_counts_where_something_comes_late),
      cmocka_unit_test(a_search_goes_on_to_what_lies_apart),
      cmocka_unit_test(a_clock_is_ahead_where_that_is_certain),
      cmocka_unit_test(ids_are_guessed_as_it_says),
      cmocka_unit_test(a_source_that_says_nothing_is_our_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
