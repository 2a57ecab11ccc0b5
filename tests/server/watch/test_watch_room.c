/* The watcher where there is little room: full queues and tables, floods, many rules. Nothing is lost, it only waits.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/server/watch/watch_case.h"

static void a_full_queue_loses_nothing(void **state) {
  watch_scene *s = *state;
  s->options.queue_max = 3;
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 40; i++) watch_arrive(s, i, "slow");
  watch_pass(s, 20 * MINUTE_NS);
  for (uint64_t i = 1; i <= 40; i++) watch_assert_sent(s, "slow", i, 1);
}

static void a_full_table_loses_nothing(void **state) {
  watch_scene *s = *state;
  s->options.traces_max = 8;
  watch_start(s);
  watch_round(s);
  for (uint64_t i = 1; i <= 60; i++) {
    watch_arrive(s, i, "slow");
    if (i % 6 == 0) watch_pass(s, MINUTE_NS);
  }
  watch_pass(s, 30 * MINUTE_NS);
  for (uint64_t i = 1; i <= 60; i++) watch_assert_sent(s, "slow", i, 1);
}

enum { FLOOD = 400 };

static size_t count_sent(watch_scene *s) {
  size_t sent = 0;
  for (uint64_t i = 1; i <= FLOOD; i++) sent += watch_sent(s, "slow", i, false) > 0;
  return sent;
}

static void flood(watch_scene *s) {
  for (uint64_t i = 1; i <= FLOOD; i++) {
    watch_arrive(s, i, "slow");
    if (i % 40 == 0) watch_pass(s, 30 * SECOND_NS);
  }
}

static void give_little_room(watch_scene *s, size_t limit) {
  bt_error error = {0};
  assert_int_equal(bt_memory_account_new(limit, &s->options.memory, &error), BT_OK);
  watch_start(s);
  watch_round(s);
}

static void take_room_back(watch_scene *s, size_t limit) {
  assert_in_range(bt_memory_look(s->options.memory).most, limit / 8, limit / 2);
  watch_kill(s);
  assert_int_equal(bt_memory_total(s->options.memory), 0);
  bt_memory_account_free(s->options.memory);
  s->options.memory = NULL;
}

/* More is violated than there is room for: what was sent is forgotten early, which is said, and nothing is lost. */
static void without_room_what_was_sent_gives_way(void **state) {
  watch_scene *s = *state;
  enum { LIMIT = 256 << 10 };
  give_little_room(s, LIMIT);
  flood(s);
  watch_pass(s, 3 * HOUR_NS);
  bt_watch_status after = bt_watcher_look(s->watcher);
  assert_int_equal(count_sent(s), FLOOD);
  assert_true(after.forgotten > 0);
  assert_string_equal(after.message, "");
  assert_int_equal(after.lost_start_ns, after.lost_end_ns);
  assert_true(after.done_ns > s->now_ns - HOUR_NS - 15 * MINUTE_NS);
  take_room_back(s, LIMIT);
}

/* What is not sent yet does not give way: while nobody takes it watch says so and stays where it is, and afterwards all
 * of it is sent. */
static void without_room_it_waits_and_loses_nothing(void **state) {
  watch_scene *s = *state;
  enum { LIMIT = 256 << 10 };
  give_little_room(s, LIMIT);
  s->is_stalled = true;
  flood(s);
  watch_pass(s, 30 * MINUTE_NS);
  bt_watch_status full = bt_watcher_look(s->watcher);
  assert_non_null(strstr(full.message, "results_full: "));
  assert_true(full.failed_rounds > 0 && !full.forgotten);
  assert_true(full.done_ns < s->now_ns - 25 * MINUTE_NS);
  assert_int_equal(count_sent(s), 0);
  s->is_stalled = false;
  watch_pass(s, 4 * HOUR_NS);
  assert_int_equal(count_sent(s), FLOOD);
  assert_string_equal(bt_watcher_look(s->watcher).message, "");
  take_room_back(s, LIMIT);
}

/* Traces that are seen and not judged yet need room, too. */
static void a_table_without_room_loses_nothing(void **state) {
  watch_scene *s = *state;
  enum { LIMIT = 126 << 10 };
  give_little_room(s, LIMIT);
  flood(s);
  watch_pass(s, 4 * HOUR_NS);
  assert_int_equal(count_sent(s), FLOOD);
  take_room_back(s, LIMIT);
}

/* What is forgotten leaves no hole behind which another one is not found. */
static void a_table_forgets_in_place(void **state) {
  (void)state;
  enum { TRACES = 5000 };
  bt_watch_table table;
  bt_error error = {0};
  bt_watch_table_init(&table, TRACES, NULL);
  for (uint64_t i = 1; i <= TRACES; i++) {
    bt_trace_id id = fake_id(i);
    bt_watched *watched = bt_watch_table_add(&table, &id, &error);
    assert_non_null(watched);
    watched->end_ns = (int64_t)i;
    if (i % 3 == 0) watched->due_ns = 7; /* it waits */
  }
  size_t left = TRACES;
  for (int64_t before_ns = 0; before_ns <= TRACES + 1; before_ns += 477) {
    bt_watch_table_purge(&table, before_ns);
    left = 0;
    for (uint64_t i = 1; i <= TRACES; i++) {
      bt_trace_id id = fake_id(i);
      bool stays = i % 3 == 0 || (int64_t)i >= before_ns;
      assert_int_equal(bt_watch_table_find(&table, &id) != NULL, stays);
      left += stays;
    }
    assert_int_equal(table.count, left);
  }
  size_t wide = table.capacity;
  for (uint64_t i = 300; i <= TRACES; i += 3) {
    bt_trace_id id = fake_id(i);
    bt_watch_table_find(&table, &id)->due_ns = BT_WATCH_NOT_DUE;
  }
  bt_watch_table_purge(&table, INT64_MAX);
  assert_true(table.capacity < wide);
  for (uint64_t i = 3; i < 300; i += 3) {
    bt_trace_id id = fake_id(i);
    assert_non_null(bt_watch_table_find(&table, &id));
  }
  bt_watch_table_dispose(&table);
}

/* Room in the queue is asked for what violates, not for every rule there is: 10,000 of them are more than a tenant's
 * share of it. */
static void ten_thousand_rules_are_watched(void **state) {
  watch_scene *s = *state;
  for (int i = 0; i < 10000; i++) {
    char id[32], dsl[80];
    snprintf(id, sizeof id, "r%05d", i);
    snprintf(dsl, sizeof dsl, i % 4000 ? "when { slow } never { panic }" : "when { slow } always { audit }");
    watch_add_rule(s, id, dsl);
  }
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  for (int i = 0; i < 8; i++) {
    s->now_ns += 30 * SECOND_NS;
    watch_round(s);
  }
  watch_assert_sent(s, "slow", 1, 1);
  watch_assert_sent(s, "r00000", 1, 1);
  watch_assert_sent(s, "r08000", 1, 1);
  assert_int_equal(watch_sent_all(s), 4);
  assert_true(bt_watcher_look(s->watcher).traces_judged >= 1);
}

/* One trace violates more rules than the queue holds: it is sent in parts, each once. */
static void a_trace_may_violate_more_rules_than_the_queue_holds(void **state) {
  watch_scene *s = *state;
  enum { RULES = 1500 };
  for (int i = 0; i < RULES; i++) {
    char id[32];
    snprintf(id, sizeof id, "r%04d", i);
    watch_add_rule(s, id, "when { slow } always { audit }");
  }
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_pass(s, 20 * MINUTE_NS);
  assert_int_equal(watch_sent_all(s), RULES + 1);
  watch_assert_sent(s, "r0000", 1, 1);
  watch_assert_sent(s, "r1499", 1, 1);
  assert_int_equal(s->counted, RULES + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_full_queue_loses_nothing),           CASE(a_full_table_loses_nothing),
      CASE(without_room_what_was_sent_gives_way), CASE(without_room_it_waits_and_loses_nothing),
      CASE(a_table_without_room_loses_nothing),   CASE(a_table_forgets_in_place),
      CASE(ten_thousand_rules_are_watched),       CASE(a_trace_may_violate_more_rules_than_the_queue_holds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
