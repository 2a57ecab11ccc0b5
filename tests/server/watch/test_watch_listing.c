/* The watcher of many rules: one search for every trace stands for their filters, and reads look where the traces lie.
 * What is asked is counted, so that one that asks each filter, or reads every trace by id, fails. What is sent is the
 * same as of few rules. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/server/watch/watch_case.h"

enum { OTHERS = 30, KEYED = 90 };

static unsigned by_id_reads(watch_scene *s, uint64_t number) {
  return fake_find(&s->fake, number)->by_id_reads;
}

static void many_rules_ask_one_search_and_no_trace_by_id(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, OTHERS);
  watch_start(s);
  watch_round(s);
  for (uint64_t number = 1; number <= 20; number++) {
    watch_arrive(s, number, "slow");
    if (number != 7) watch_arrive(s, number, "retry");
    watch_arrive(s, number, "other.n3");
    watch_arrive(s, number, "done");
  }
  watch_pass(s, 5 * MINUTE_NS);
  assert_int_equal(fake_searches(&s->fake, "\"other.n3\""), 0);
  assert_int_equal(fake_searches(&s->fake, "\"slow\""), 0);
  assert_true(s->fake.listings > 0);
  for (uint64_t number = 1; number <= 20; number++) {
    watch_assert_sent(s, "slow", number, number == 7);
    assert_int_equal(fake_find(&s->fake, number)->batch_reads, 1);
    assert_true(by_id_reads(s, number) == 0 || number == 7);
  }
}

static void few_rules_ask_their_filters(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, 3);
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 2, "step");
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(fake_searches(&s->fake, "\"slow\"") > 0);
  watch_assert_sent(s, "slow", 1, 1);
  assert_int_equal(fake_find(&s->fake, 2)->batch_reads, 0);
}

/* Every trace would be read by id. */
static void where_copies_differ_filters_are_asked(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, OTHERS);
  s->fake.promises.has_copies = true;
  watch_start(s);
  watch_round(s);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 2, "step");
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "slow", 1, 1);
  assert_int_equal(by_id_reads(s, 2), 0);
}

/* ---- where is read ---- */

enum { CROWD = 700, FIRST_OF_CROWD = 1000, MEMBER = 1001 }; /* a batch of ids has 500 at most */

typedef struct seen_read {
  int64_t longest_ns;
  size_t batches, largest;
  size_t of_member; /* batches that asked for trace MEMBER, and whether the last one was for most of its range */
  bool is_of_most;
  bt_status (*read)(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                    bt_source_account *account, bt_error *error);
} seen_read;
static seen_read seen;

static bt_status look_at_read(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                              bt_source_account *account, bt_error *error) {
  int64_t length_ns = request->range.end_ns - request->range.start_ns;
  bool is_judged = !request->by_id && !request->with_own;
  if (is_judged && length_ns > seen.longest_ns) seen.longest_ns = length_ns;
  seen.batches += is_judged;
  if (is_judged && request->count > seen.largest) seen.largest = request->count;
  const bt_trace_id member = fake_id(MEMBER);
  for (size_t i = 0; is_judged && i < request->count; i++) {
    if (bt_trace_id_compare(&request->ids[i], &member) != 0) continue;
    seen.of_member++;
    seen.is_of_most = request->are_most;
  }
  return seen.read(source, request, sink, context, account, error);
}

static void see_reads(watch_scene *s) {
  seen = (seen_read){.read = s->fake.operations.read};
  s->fake.operations.read = look_at_read;
}

/* One trace a minute. */
static void pass_with_traffic(watch_scene *s, uint64_t first, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    watch_arrive(s, first + i, "slow");
    watch_arrive(s, first + i, "retry");
    watch_pass(s, MINUTE_NS);
  }
}

static void reads_look_where_the_traces_lie(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, OTHERS);
  s->options.sweep_ns = s->options.lookback_ns = 4 * HOUR_NS;
  watch_start(s);
  watch_round(s);
  pass_with_traffic(s, 1, 20); /* margin is 15 minutes: before, watch does not know what lay there */
  see_reads(s);
  pass_with_traffic(s, 100, 20);
  assert_true(seen.batches > 5);
  if (seen.longest_ns >= 5 * MINUTE_NS) fail_msg("%d s", (int)(seen.longest_ns / SECOND_NS));
  assert_int_equal(watch_sent_all(s), 0);
}

static void without_knowing_what_lay_before_reads_look_there(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, OTHERS);
  watch_start(s);
  watch_round(s);
  see_reads(s);
  pass_with_traffic(s, 1, 5);
  assert_true(seen.longest_ns > 15 * MINUTE_NS);
}

static void add_crowd(watch_scene *s) {
  for (uint64_t i = 0; i < CROWD; i++) {
    watch_arrive(s, FIRST_OF_CROWD + i, "slow");
    if (i) watch_arrive(s, FIRST_OF_CROWD + i, "retry");
  }
}

/* Twenty quiet minutes, then many traces at once. */
static void pass_to_crowd(watch_scene *s) {
  watch_add_others(s, OTHERS);
  watch_start(s);
  watch_round(s);
  watch_pass(s, 20 * MINUTE_NS);
  see_reads(s);
  add_crowd(s);
}

static void all_of_a_slice_is_one_read_of_its_range(void **state) {
  watch_scene *s = *state;
  pass_to_crowd(s);
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(seen.largest >= CROWD); /* the read may ask for watch's own trace as well */
  assert_true(seen.of_member == 1 && seen.is_of_most);
  watch_assert_sent(s, "slow", FIRST_OF_CROWD, 1);
  assert_int_equal(watch_sent_all(s), 1);
}

/* The span that came late is of one trace among many that were judged. */
static void one_of_many_is_named(void **state) {
  watch_scene *s = *state;
  pass_to_crowd(s);
  watch_pass(s, 5 * MINUTE_NS);
  watch_arrive(s, MEMBER, "slow");
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(seen.of_member == 2 && !seen.is_of_most);
}

static void few_rules_that_list_nothing_name_what_they_read(void **state) {
  watch_scene *s = *state;
  watch_start(s);
  watch_round(s);
  watch_pass(s, 20 * MINUTE_NS);
  see_reads(s);
  add_crowd(s);
  watch_pass(s, 5 * MINUTE_NS);
  assert_true(seen.largest && seen.largest < CROWD);
  assert_true(seen.of_member && !seen.is_of_most);
}

/* ---- what lies apart ---- */

static void add_panic_rule(watch_scene *s) {
  watch_add_rule(s, "calm", "when { slow as s } never { panic after s }");
}

static void what_comes_minutes_later_is_judged_with_what_came_before(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, OTHERS);
  add_panic_rule(s);
  watch_start(s);
  watch_round(s);
  pass_with_traffic(s, 100, 30);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 1, "retry");
  pass_with_traffic(s, 200, 10);
  watch_assert_sent(s, "calm", 1, 0);
  watch_arrive(s, 1, "panic");
  pass_with_traffic(s, 300, 5);
  watch_assert_sent(s, "calm", 1, 1);
}

static void a_restart_between_them_changes_nothing(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, OTHERS);
  add_panic_rule(s);
  watch_start(s);
  watch_round(s);
  pass_with_traffic(s, 100, 30);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 1, "retry");
  pass_with_traffic(s, 200, 5);
  watch_kill(s);
  watch_start(s);
  pass_with_traffic(s, 250, 5);
  watch_arrive(s, 1, "panic");
  pass_with_traffic(s, 300, 5);
  watch_assert_sent(s, "calm", 1, 1);
}

/* It was forgotten for want of room, and found again: what lay before is not known to be known. */
static void a_table_that_forgot_looks_back(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, OTHERS);
  add_panic_rule(s);
  s->options.traces_max = 28;
  s->options.sweep_ns = s->options.lookback_ns =
      4 * HOUR_NS; /* traces that sweeps find are read with what lay before */
  watch_start(s);
  watch_round(s);
  pass_with_traffic(s, 100, 30);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 1, "retry");
  for (uint64_t i = 0; i < 8; i++) {
    for (uint64_t k = 0; k < 5; k++) watch_arrive(s, 1000 + i * 5 + k, "step");
    watch_pass(s, MINUTE_NS);
  }
  bt_trace_id id = fake_id(1);
  assert_null(bt_watch_table_find(&s->watcher->table, &id));
  watch_arrive(s, 1, "panic");
  watch_pass(s, 6 * MINUTE_NS);
  assert_true(s->watcher->rules->finds_all);
  watch_assert_sent(s, "calm", 1, 1);
}

static void a_late_span_is_found_by_a_sweep(void **state) {
  watch_scene *s = *state;
  watch_add_others(s, OTHERS);
  add_panic_rule(s);
  watch_start(s);
  watch_round(s);
  pass_with_traffic(s, 100, 30);
  watch_arrive(s, 1, "slow");
  watch_arrive(s, 1, "retry");
  int64_t then_ns = s->now_ns;
  pass_with_traffic(s, 200, 8);
  fake_trace *trace = fake_find(&s->fake, 1);
  fake_span_add(trace, "panic", then_ns + 30 * SECOND_NS)->fragment = 9;
  pass_with_traffic(s, 300, 30);
  watch_assert_sent(s, "calm", 1, 1);
}

/* ---- which rules a read is for ---- */

static void a_rule_of_whole_traces_has_those_that_it_finds_read_by_id(void **state) {
  watch_scene *s = *state;
  static const bt_event events[] = {{.name = {"retry", 5}}, {.name = {"retry", 5}}};
  watch_add_others(s, OTHERS);
  watch_add_rule(s, "retries", "never { work.where(event.count(event.name == \"retry\") > 1) }");
  watch_start(s);
  watch_round(s);
  for (uint64_t number = 1; number <= 4; number++) {
    watch_arrive(s, number, number <= 2 ? "work" : "step");
    fake_span *span = &fake_find(&s->fake, number)->spans[0];
    span->events = events;
    span->event_count = number == 2 ? 2 : 1;
  }
  watch_pass(s, 5 * MINUTE_NS);
  watch_assert_sent(s, "retries", 2, 1);
  assert_int_equal(watch_sent_all(s), 1);
  assert_true(by_id_reads(s, 1) > 0);
  assert_int_equal(by_id_reads(s, 3) + by_id_reads(s, 4), 0);
}

/* So many keys that one read does not give them. Each trace breaks the rule of its own number. */
static void rules_of_more_keys_than_a_read_gives_share_several(void **state) {
  watch_scene *s = *state;
  static char keys[KEYED][16];
  for (size_t i = 0; i < KEYED; i++) {
    char id[32], dsl[80];
    snprintf(keys[i], sizeof keys[i], "key%zu", i);
    snprintf(id, sizeof id, "keyed-%zu", i);
    snprintf(dsl, sizeof dsl, "never { work.where(%s == %zu) }", keys[i], i);
    watch_add_rule(s, id, dsl);
  }
  watch_start(s);
  watch_round(s);
  for (uint64_t number = 1; number <= KEYED; number++) {
    watch_arrive(s, number, "work");
    fake_span *span = &fake_find(&s->fake, number)->spans[0];
    size_t key = (size_t)number - 1;
    int64_t value = (int64_t)key + (number % 3 ? 1000 : 0);
    span->attributes[span->attribute_count++] =
        (bt_attribute){bt_str_from(keys[key]), {.type = BT_VALUE_INT, .integer = value}};
  }
  watch_pass(s, 5 * MINUTE_NS);
  for (uint64_t number = 1; number <= KEYED; number++) {
    char id[32];
    snprintf(id, sizeof id, "keyed-%d", (int)number - 1);
    watch_assert_sent(s, id, number, number % 3 == 0);
    assert_int_equal(by_id_reads(s, number), 0);
    assert_int_equal(fake_find(&s->fake, number)->batch_reads, 2);
  }
  assert_int_equal(watch_sent_all(s), KEYED / 3);
  assert_int_equal(bt_watcher_look(s->watcher).waiting, 0);
}

/* ---- the same as a replay ---- */

enum { TRACES = 42, TRACES_AT_ONCE = 7, RANDOM_RULES = 4, SEEDS = 25 };
static const char *const random_rules[RANDOM_RULES] = {
    "when { slow as s } always { retry after s }", "when { slow as s } never { panic after s }",
    "when { panic } always { count(retry) <= 1 }", "slow and panic and not step"};

/* Spans of a few names, of a trace over ten minutes, in fragments, some of them late; the same for the same seed. */
static void play(watch_scene *s, uint64_t seed) {
  static const char *const names[] = {"slow", "retry", "panic", "step"};
  test_random random = {seed * 2862933555777941757u + 3037000493u};
  for (unsigned minute = 0; minute < 10 * TRACES / TRACES_AT_ONCE; minute++) {
    for (int i = 0; i < 2; i++) {
      uint64_t number = 1 + minute / 10 * TRACES_AT_ONCE + test_random_below(&random, TRACES_AT_ONCE);
      fake_trace *trace = fake_find(&s->fake, number);
      if (!trace) trace = fake_add(&s->fake, number);
      if (trace->span_count == FAKE_SPANS_MAX) continue;
      bool is_late = test_random_below(&random, 4) == 0;
      int64_t late_ns = is_late ? (int64_t)test_random_below(&random, 240) * SECOND_NS : 0;
      fake_span *span = fake_span_add(trace, names[test_random_below(&random, 4)], s->now_ns - late_ns);
      span->fragment = (int)trace->span_count;
    }
    if (seed % 3 == 0 && minute == 25) {
      watch_kill(s);
      watch_start(s);
    }
    watch_pass(s, MINUTE_NS);
  }
  watch_pass(s, 3 * HOUR_NS);
}

static void add_random_rules(watch_scene *s, replay_run *run) {
  for (size_t i = 0; i < RANDOM_RULES; i++) {
    char id[16];
    snprintf(id, sizeof id, "r%zu", i);
    watch_add_rule(s, id, random_rules[i]);
    replay_run_add(run, id, random_rules[i]);
  }
}

/* What spans that came later undid was taken back, and what comes again after that stays so. */
static size_t compare_with(watch_scene *s, const replay_run *run, uint64_t seed) {
  size_t violated = 0;
  for (uint64_t number = 1; number <= TRACES; number++)
    for (size_t i = 0; i < RANDOM_RULES; i++) {
      char id[16];
      snprintf(id, sizeof id, "r%zu", i);
      bool is_violated = replay_saw(run, i, number);
      size_t sent = watch_sent(s, id, number, false), back = watch_sent(s, id, number, true);
      bool is_right = is_violated ? sent == 1 : sent == back;
      if (!is_right || sent > 1 || back > sent)
        fail_msg("seed %d, trace %d, %s: %d in a replay, %d sent, %d taken back", (int)seed, (int)number, id,
                 is_violated, (int)sent, (int)back);
      violated += is_violated;
    }
  return violated;
}

static void what_is_sent_is_what_a_replay_finds(void **state) {
  (void)state;
  static replay_run run;
  size_t violated = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    watch_scene *s = watch_scene_new();
    replay_run_init(&run);
    add_random_rules(s, &run);
    watch_add_others(s, seed % 5 ? OTHERS : 0);
    watch_start(s);
    watch_round(s);
    assert_int_equal(s->watcher->rules->finds_all, seed % 5 != 0);
    play(s, seed);
    run.request.range = (bt_time_range){NOON_NS - HOUR_NS, NOON_NS + 3 * HOUR_NS};
    run.request.now_ns = s->now_ns + 48 * HOUR_NS;
    replay_run_go(&run, &s->fake);
    assert_int_equal(run.status, BT_OK);
    violated += compare_with(s, &run, seed);
    replay_run_dispose(&run);
    watch_scene_free(s);
  }
  assert_true(violated > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(many_rules_ask_one_search_and_no_trace_by_id),
      CASE(few_rules_ask_their_filters),
      CASE(where_copies_differ_filters_are_asked),
      CASE(reads_look_where_the_traces_lie),
      CASE(without_knowing_what_lay_before_reads_look_there),
      CASE(all_of_a_slice_is_one_read_of_its_range),
      CASE(one_of_many_is_named),
      CASE(few_rules_that_list_nothing_name_what_they_read),
      CASE(what_comes_minutes_later_is_judged_with_what_came_before),
      CASE(a_restart_between_them_changes_nothing),
      CASE(a_table_that_forgot_looks_back),
      CASE(a_late_span_is_found_by_a_sweep),
      CASE(a_rule_of_whole_traces_has_those_that_it_finds_read_by_id),
      CASE(rules_of_more_keys_than_a_read_gives_share_several),
      cmocka_unit_test(what_is_sent_is_what_a_replay_finds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
