/* The two lower floors of a replay: a plan says once what each mode of a request means, and a table of traces joins
 * what several searches found. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/replay/trace_table.h"
#include "tests/server/replay/replay_scene.h"
#include "tests/support/failing_alloc.h"

/* ---- the plan ---- */

static bt_replay_plan plan_of(scene *s) {
  bt_replay_plan plan;
  bt_error error = {0};
  assert_int_equal(bt_replay_plan_make(&s->fake.source, &s->run.request, &plan, &error), BT_OK);
  return plan;
}

static void a_plain_request_does_what_saves_time(void **state) {
  scene *s = *state;
  bt_replay_plan plan = plan_of(s);
  assert_true(plan.filters && plan.is_checked && !plan.is_static);
  assert_false(plan.needs_every_trace);
  assert_true(plan.asks_listing && plan.counts_exercised && !plan.counts_all);
  assert_true(plan.compares_some);
  assert_false(plan.reads_at_random || plan.wants_earliest || plan.sample_is_fixed);
  assert_true(plan.judges_batches);
  assert_int_equal(plan.sample_times, 1);
  assert_int_equal(plan.search_range.start_ns, NOON_NS - plan.window.margin_ns);
  assert_int_equal(plan.spans_range.end_ns, LATER_NS);
  bt_replay_plan_dispose(&plan);
}

static void each_mode_means_what_it_says(void **state) {
  scene *s = *state;
  bt_replay_request plain = s->run.request;
  s->run.request.wants_earliest = true;
  s->run.request.count = BT_COUNT_AT_LEAST;
  bt_replay_plan plan = plan_of(s);
  assert_true(plan.wants_earliest && !plan.compares_some);
  assert_false(plan.asks_listing || plan.counts_exercised);
  bt_replay_plan_dispose(&plan);
  s->run.request = plain;
  s->run.request.count = BT_COUNT_AT_LEAST;
  plan = plan_of(s);
  assert_false(plan.asks_listing);
  bt_replay_plan_dispose(&plan);
  s->run.request = plain;
  s->run.request.random_part = 100;
  s->run.request.count = BT_COUNT_EXACT;
  plan = plan_of(s);
  assert_true(plan.reads_at_random && !plan.compares_some && plan.counts_all);
  bt_replay_plan_dispose(&plan);
  s->run.request = plain;
  s->run.request.most_reads = 10;
  s->run.request.sample_size = 5;
  plan = plan_of(s);
  assert_true(plan.sample_is_fixed && !plan.compares_some);
  bt_replay_plan_dispose(&plan);
}

static void a_rule_on_every_trace_needs_the_listing(void **state) {
  scene *s = *state;
  replay_run_add(&s->run, "all", "not trace.has(span.name == \"retry\")");
  s->run.request.count = BT_COUNT_AT_LEAST;
  bt_replay_plan plan = plan_of(s);
  assert_true(plan.needs_every_trace && plan.asks_listing && plan.counts_all);
  bt_replay_plan_dispose(&plan);
}

static void a_wrong_request_leaves_nothing_behind(void **state) {
  scene *s = *state;
  bt_replay_plan plan;
  bt_error error = {0};
  s->run.request.range.end_ns = s->run.request.range.start_ns;
  assert_int_equal(bt_replay_plan_make(&s->fake.source, &s->run.request, &plan, &error), BT_INVALID);
  assert_int_equal(plan.rule_count, 0);
  bt_replay_plan_dispose(&plan);
}

static void every_allocation_of_a_plan_fails_in_turn(void **state) {
  scene *s = *state;
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_replay_plan plan;
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_replay_plan_make(&s->fake.source, &s->run.request, &plan, &error);
    was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    bt_replay_plan_dispose(&plan);
  }
}

/* ---- the table ---- */

/* Every number of the step, from `first` on. */
static bt_found_list found_of(uint64_t first, uint64_t step, size_t count) {
  bt_found_list list = {0};
  for (size_t i = 0; i < count; i++) {
    uint64_t number = first + i * step;
    bt_found found = {
        .id = fake_id(number), .start_ns = NOON_NS + (int64_t)number, .end_ns = NOON_NS + (int64_t)number + 5};
    assert_true(bt_found_list_add(&list, &found));
  }
  bt_found_list_sort(&list);
  return list;
}

static size_t number_of(const bt_trace_table *table, uint64_t trace) {
  bt_trace_id id = fake_id(trace);
  const bt_known *known = bt_trace_table_find(table, &id);
  assert_non_null(known);
  return (size_t)(known - table->traces);
}

enum { TRACES = 200 };

/* Of the even ones first, then of all. */
static bt_status join_twice(bt_trace_table *table, const bt_found_list *even, const bt_found_list *all) {
  bt_error error = {0};
  bt_status status = bt_trace_table_join(table, even, BT_KNOWN_MATCHED, &error);
  return status == BT_OK ? bt_trace_table_join(table, all, BT_KNOWN_LISTED, &error) : status;
}

static void what_searches_found_is_one_table_by_id(void **state) {
  scene *s = *state;
  bt_replay_plan plan = plan_of(s);
  bt_found_list even = found_of(2, 2, TRACES / 2), all = found_of(1, 1, TRACES);
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_trace_table table = {.plan = &plan};
    failing_alloc_after(n);
    bt_status status = join_twice(&table, &even, &all);
    was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) {
      assert_int_equal(table.count, TRACES);
      assert_int_equal(table.word_count, TRACES / 64 + 1);
      for (uint64_t trace = 1; trace <= TRACES; trace++) {
        int flags = trace % 2 ? BT_KNOWN_LISTED : BT_KNOWN_LISTED | BT_KNOWN_MATCHED;
        assert_int_equal(table.traces[number_of(&table, trace)].flags, flags);
      }
      assert_int_equal(n, 2);
    }
    bt_trace_table_dispose(&table);
  }
  bt_found_list_dispose(&even);
  bt_found_list_dispose(&all);
  bt_replay_plan_dispose(&plan);
}

/* The listing alone knows all fragments, so that bounds of it place a trace where those of a filter cannot. */
static void a_place_is_sure_once_it_is_listed(void **state) {
  scene *s = *state;
  bt_replay_plan plan = plan_of(s);
  bt_trace_table table = {.plan = &plan};
  bt_error error = {0};
  bt_found_list one = found_of(1, 1, 1);
  assert_int_equal(bt_trace_table_join(&table, &one, BT_KNOWN_MATCHED, &error), BT_OK);
  assert_int_equal(bt_trace_table_place(&table, &table.traces[0]),
                   BT_PLACE_UNDECIDED); /* its root may lie before noon */
  assert_int_equal(bt_trace_table_join(&table, &one, BT_KNOWN_LISTED, &error), BT_OK);
  table.is_listed = true;
  assert_int_equal(bt_trace_table_place(&table, &table.traces[0]), BT_PLACE_SETTLED);
  int64_t before_ns = NOON_NS - 2 * HOUR_NS;
  bt_span span = {.start_ns = before_ns, .end_ns = before_ns};
  bt_trace whole = {.spans = &span, .span_count = 1};
  assert_int_equal(bt_trace_table_keep_places(&table, &table.traces[0], &whole, &error), BT_OK);
  assert_int_equal(bt_trace_table_place(&table, &table.traces[0]), BT_PLACE_OUTSIDE); /* as the whole trace says */
  bt_found_list_dispose(&one);
  bt_trace_table_dispose(&table);
  bt_replay_plan_dispose(&plan);
}

static int make_scene_with_rule(void **state) {
  int made = scene_make(state);
  scene *s = *state;
  if (!s->run.request.rule_count) replay_run_add(&s->run, "r", SLOW_NO_RETRY);
  return made;
}

#define FLOORS(test) cmocka_unit_test_setup_teardown(test, make_scene_with_rule, scene_drop)

int main(void) {
  const struct CMUnitTest tests[] = {
      FLOORS(a_plain_request_does_what_saves_time),     FLOORS(each_mode_means_what_it_says),
      FLOORS(a_rule_on_every_trace_needs_the_listing),  FLOORS(a_wrong_request_leaves_nothing_behind),
      FLOORS(every_allocation_of_a_plan_fails_in_turn), FLOORS(what_searches_found_is_one_table_by_id),
      FLOORS(a_place_is_sure_once_it_is_listed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
