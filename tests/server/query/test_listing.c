/* The order of a listing: windows in every schedule together are the range. Whatever comes window by window is the
 * sorted whole, and no certain item ever moves. Every allocation fails in turn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/query/listing.h"
#include "server/query/schedule.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

#define MARGIN_NS (15 * MINUTE_NS)

/* A violation as bt_violation_new makes it, of a trace of one span. */
static bt_violation *violation_of(const bt_rule_definition *rule, uint64_t number, int64_t time_ns) {
  bt_resource resource = {.service = BT_STR("shop")};
  bt_span span = {.name = BT_STR("slow"), .resource = &resource, .start_ns = time_ns, .end_ns = time_ns + 1};
  bt_trace trace = {.id = fake_id(number), .spans = &span, .span_count = 1};
  bt_rule_verdict verdict = {.verdict = BT_VIOLATED};
  bt_violation *violation = NULL;
  bt_error error = {0};
  if (bt_violation_new(rule, NULL, &trace, &verdict, &violation, &error) != BT_OK) fail_msg("%s", error.message);
  return violation;
}

static void check_schedule(bt_time_range range, bool newest_first, int64_t margin_ns, size_t splits) {
  bt_schedule schedule;
  bt_error error = {0};
  assert_int_equal(bt_schedule_make(range, newest_first, margin_ns, &schedule, &error), BT_OK);
  int64_t reached_ns = newest_first ? range.end_ns : range.start_ns;
  for (size_t n = 0; schedule.count; n++) {
    if (n % 2 == 0 && splits-- > 0) {
      bt_status split = bt_schedule_split(&schedule, newest_first, &error);
      assert_true(split == BT_OK || split == BT_LIMIT);
    }
    bt_time_range rest = bt_schedule_rest(&schedule, newest_first), window = bt_schedule_next(&schedule);
    assert_true(window.start_ns < window.end_ns);
    assert_true((newest_first ? window.end_ns : window.start_ns) == reached_ns);
    assert_true(newest_first ? rest.end_ns == reached_ns && rest.start_ns == range.start_ns
                             : rest.start_ns == reached_ns && rest.end_ns == range.end_ns);
    reached_ns = newest_first ? window.start_ns : window.end_ns;
    bt_schedule_done(&schedule);
  }
  assert_true(reached_ns == (newest_first ? range.start_ns : range.end_ns));
  assert_true(bt_schedule_rest(&schedule, newest_first).end_ns == 0);
  bt_schedule_dispose(&schedule);
}

static void schedules_cover_the_range_once(void **state) {
  (void)state;
  for (int newest_first = 0; newest_first < 2; newest_first++)
    for (size_t splits = 0; splits < 4; splits++) {
      check_schedule((bt_time_range){NOON_NS, NOON_NS + 1}, newest_first, MARGIN_NS, splits);
      check_schedule((bt_time_range){NOON_NS, NOON_NS + HOUR_NS}, newest_first, MARGIN_NS, splits);
      check_schedule((bt_time_range){NOON_NS, NOON_NS + 30 * 24 * HOUR_NS}, newest_first, MARGIN_NS, splits);
      check_schedule((bt_time_range){INT64_MIN, INT64_MAX}, newest_first, 0, splits);
      check_schedule((bt_time_range){INT64_MIN, INT64_MAX}, newest_first, INT64_MAX, splits);
    }
}

/* The first windows are short and all of them together few. */
static void schedules_begin_short_and_stay_few(void **state) {
  (void)state;
  bt_schedule schedule;
  bt_error error;
  assert_int_equal(
      bt_schedule_make((bt_time_range){NOON_NS, NOON_NS + 30 * 24 * HOUR_NS}, true, MARGIN_NS, &schedule, &error),
      BT_OK);
  bt_time_range first = bt_schedule_next(&schedule);
  assert_true(first.end_ns - first.start_ns == HOUR_NS);
  assert_in_range(schedule.count, 8, 11);
  bt_schedule_dispose(&schedule);
}

enum { MADE = 400 };
static const char PROBLEM[] = "0123456789abcdef";

typedef struct made {
  uint64_t number;
  int64_t trace_ns, time_ns;
} made;

static void take_window(bt_listing *listing, const bt_rule_definition *rule, const made *all, bt_schedule *schedule) {
  bt_listed_array found = {0};
  bt_error error = {0};
  bt_time_range window = bt_schedule_next(schedule);
  for (size_t i = 0; i < MADE; i++) {
    if (all[i].trace_ns < window.start_ns || all[i].trace_ns >= window.end_ns) continue;
    bt_violation *violation = violation_of(rule, all[i].number, all[i].time_ns);
    assert_int_equal(bt_listed_array_add(&found, window, MARGIN_NS, 0, violation, PROBLEM, &error), BT_OK);
  }
  bt_schedule_done(schedule);
  assert_int_equal(
      bt_listing_take(listing, &found, bt_schedule_rest(schedule, listing->newest_first), MARGIN_NS, &error), BT_OK);
  assert_int_equal(found.count, 0);
}

static void assert_in_order(const bt_listing *listing) {
  for (size_t i = 1; i < listing->count; i++)
    assert_true(
        bt_position_compare(&listing->items[i - 1].position, &listing->items[i].position, listing->newest_first) < 0);
}

static int64_t below(test_random *random, int64_t length_ns) {
  return (int64_t)test_random_below(random, (unsigned)(length_ns / SECOND_NS)) * SECOND_NS;
}

static void check_listing(bool newest_first, test_random *random) {
  bt_rule_definition *rule = rule_of("slow", "trace.has(span.name == \"slow\")");
  bt_listing listing = {.newest_first = newest_first};
  bt_schedule schedule;
  bt_error error = {0};
  bt_time_range range = {NOON_NS, NOON_NS + 24 * HOUR_NS};
  made all[MADE];
  for (size_t i = 0; i < MADE; i++) {
    all[i].number = i + 1;
    all[i].trace_ns = NOON_NS + below(random, 24 * HOUR_NS);
    all[i].time_ns = all[i].trace_ns + below(random, MARGIN_NS);
    if (all[i].number % 50 == 0) all[i].time_ns = NOON_NS + below(random, 30 * HOUR_NS);
  }
  assert_int_equal(bt_schedule_make(range, newest_first, MARGIN_NS, &schedule, &error), BT_OK);
  bt_position certain[MADE];
  size_t certain_count = 0;
  while (schedule.count) {
    take_window(&listing, rule, all, &schedule);
    assert_in_order(&listing);
    for (size_t i = 0; i < certain_count; i++)
      assert_int_equal(bt_position_compare(&certain[i], &listing.items[i].position, newest_first), 0);
    assert_true(listing.certain >= certain_count);
    for (; certain_count < listing.certain; certain_count++)
      certain[certain_count] = listing.items[certain_count].position;
  }
  assert_int_equal(listing.certain, MADE);
  assert_int_equal(listing.total, MADE);
  bt_schedule_dispose(&schedule);
  bt_listing_dispose(&listing);
  bt_rule_definition_unref(rule);
}

static void what_is_certain_never_moves(void **state) {
  (void)state;
  test_random random = test_random_start(20260110);
  for (int i = 0; i < 20; i++) {
    check_listing(true, &random);
    check_listing(false, &random);
  }
}

static void traces_longer_than_margin_are_listed_once(void **state) {
  (void)state;
  bt_rule_definition *rule = rule_of("slow", "trace.has(span.name == \"slow\")");
  bt_listing listing = {.newest_first = true};
  bt_error error = {0};
  for (int i = 0; i < 2; i++) {
    bt_time_range window = {NOON_NS + (1 - i) * HOUR_NS, NOON_NS + (2 - i) * HOUR_NS};
    bt_listed_array found = {0};
    bt_violation *twice = violation_of(rule, 1, NOON_NS),
                 *once = violation_of(rule, 10 + (uint64_t)i, window.start_ns + 1);
    assert_int_equal(bt_listed_array_add(&found, window, MARGIN_NS, 0, twice, PROBLEM, &error), BT_OK);
    assert_int_equal(bt_listed_array_add(&found, window, MARGIN_NS, 0, once, PROBLEM, &error), BT_OK);
    bt_time_range rest = {NOON_NS - HOUR_NS, window.start_ns};
    assert_int_equal(bt_listing_take(&listing, &found, rest, MARGIN_NS, &error), BT_OK);
  }
  assert_int_equal(listing.total, 3);
  assert_int_equal(listing.count, 3);
  bt_listing_dispose(&listing);
  bt_rule_definition_unref(rule);
}

static void drops_what_was_given(void **state) {
  (void)state;
  bt_rule_definition *rule = rule_of("slow", "trace.has(span.name == \"slow\")");
  bt_listing listing = {0};
  bt_listed_array found = {0};
  bt_error error = {0};
  bt_time_range window = {NOON_NS, NOON_NS + HOUR_NS};
  for (uint64_t i = 0; i < 10; i++)
    assert_int_equal(bt_listed_array_add(&found, window, MARGIN_NS, 0, violation_of(rule, i + 1, NOON_NS + (int64_t)i),
                                         PROBLEM, &error),
                     BT_OK);
  assert_int_equal(bt_listing_take(&listing, &found, (bt_time_range){0, 0}, MARGIN_NS, &error), BT_OK);
  size_t bytes = listing.bytes;
  bt_position third = listing.items[3].position;
  bt_listing_drop(&listing, &third);
  assert_int_equal(listing.count, 6);
  assert_int_equal(listing.certain, 6);
  assert_int_equal(listing.total, 10);
  assert_true(listing.bytes < bytes && listing.has_dropped);
  assert_int_equal(bt_listing_after(&listing, &third), 0);
  for (size_t i = 0; i < listing.count; i++) assert_string_equal(listing.items[i].problem, PROBLEM);
  bt_listing_dispose(&listing);
  assert_int_equal(listing.bytes, 0);
  bt_rule_definition_unref(rule);
}

static void every_allocation_fails_in_turn(void **state) {
  (void)state;
  bt_rule_definition *rule = rule_of("slow", "trace.has(span.name == \"slow\")");
  bt_time_range range = {NOON_NS, NOON_NS + 24 * HOUR_NS};
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_listing listing = {.newest_first = true};
    bt_listed_array found = {0};
    bt_schedule schedule = {0};
    bt_error error = {0};
    bt_violation *violation = violation_of(rule, 1, NOON_NS);
    failing_alloc_after(n);
    bt_status status = bt_schedule_make(range, true, MARGIN_NS, &schedule, &error);
    if (status == BT_OK) status = bt_schedule_split(&schedule, true, &error);
    if (status == BT_OK)
      status = bt_listed_array_add(&found, range, MARGIN_NS, 0, violation, PROBLEM, &error);
    else
      bt_violation_free(violation);
    if (status == BT_OK) status = bt_listing_take(&listing, &found, (bt_time_range){0, 0}, MARGIN_NS, &error);
    was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) assert_true(listing.count == 1 && n >= 4);
    bt_listed_array_dispose(&found);
    bt_listing_dispose(&listing);
    bt_schedule_dispose(&schedule);
  }
  bt_rule_definition_unref(rule);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(schedules_cover_the_range_once), cmocka_unit_test(schedules_begin_short_and_stay_few),
      cmocka_unit_test(what_is_certain_never_moves),    cmocka_unit_test(traces_longer_than_margin_are_listed_once),
      cmocka_unit_test(drops_what_was_given),           cmocka_unit_test(every_allocation_fails_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
