/* One replay over the scripted source: what is found, what is subtracted, and what is read how. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/replay/violation.h"
#include "tests/server/replay/replay_scene.h"

static void finds_planted_violations(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 300; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "web", NULL);
  for (uint64_t i = 0; i < 40; i++)
    scene_add(s, 1001 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i < 7 ? NULL : "retry");
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 7);
  assert_int_equal(rule->traces_evaluated, 340);
  assert_true(rule->evaluated_is_exact);
  assert_int_equal(rule->traces_exercised, 40);
  assert_true(rule->exercised_is_exact);
  assert_int_equal(rule->traces_candidate, 40);
  for (uint64_t i = 0; i < 40; i++) assert_int_equal(replay_saw(&s->run, 0, 1001 + i), i < 7);
  assert_true(rule->first_violation.is_set && rule->last_violation.is_set);
  assert_int_equal(rule->first_violation.time_ns, NOON_NS);
  assert_int_equal(rule->last_violation.time_ns, NOON_NS + 6 * SECOND_NS);
  assert_true(s->run.last_progress >= 1);
}

static void subtracts_only_many_candidates(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 600; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 100 ? "retry" : NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  assert_int_equal(rule->violations_found, 6);
  assert_int_equal(rule->traces_evaluated, 600);
  assert_int_equal(rule->traces_exercised, 600);
  assert_int_equal(rule->traces_read, 6);
  assert_int_equal(fake_searches(&s->fake, "\"retry\""), 1);
}

/* A comparison of doubles is searched for twice (tempo/api/traceql.h). What only the second search finds may violate,
 * and need not exercise. */
static void a_search_for_what_is_hidden_counts_nothing(void **state) {
  for (int hides = 0; hides < 2; hides++) {
    scene *s = *state;
    for (uint64_t i = 0; i < 600 && !hides; i++)
      scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 100 ? "retry" : NULL);
    for (uint64_t i = 0; i < s->fake.trace_count && !hides; i++) {
      fake_span *span = &s->fake.traces[i].spans[0];
      span->attributes[span->attribute_count++] =
          (bt_attribute){BT_STR("amount"), {.type = BT_VALUE_DOUBLE, .decimal = 12.5}};
    }
    for (uint64_t i = 0; i < 3 && hides; i++) s->fake.traces[99 + i].spans[0].hidden_from = "|| span.amount > 10.0";
    replay_run_add(&s->run, hides ? "again" : "slow",
                   "trace.has(span.name == \"slow\" and span.amount > 10) and not trace.has(span.name == \"retry\")");
    const bt_rule_result *rule = scene_go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(rule->violations_found, 6);                 /* one of them is hidden from the first search */
    assert_int_equal(rule->traces_exercised, hides ? 598 : 600); /* what was read is known, the other two are not */
    assert_int_equal(rule->exercised_is_exact, !hides);
  }
}

static void what_batches_cannot_give_is_read_by_id(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 3; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_find(&s->fake, 2)->needs_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.sample_size = 1;
  scene_go(s);
  assert_true(replay_seen(&s->run, 0, 2)->confirmed_by_id);
  assert_int_equal(fake_find(&s->fake, 2)->by_id_reads, 1);
  assert_int_equal(s->run.seen_count, 3);
}

/* What searches saw of its size goes with every read, whichever search it was. */
static void what_is_known_to_be_large_is_read_by_id_alone(void **state) {
  for (int forced = 0; forced < 3; forced++) {
    scene *s = *state;
    for (uint64_t i = 0; i < 600 && !forced; i++)
      scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 100 ? "retry" : NULL);
    for (size_t i = 0; i < 600; i++) {
      fake_trace *trace = &s->fake.traces[i];
      while (i % 100 == 0 && trace->span_count < 9) fake_span_add(trace, "work", NOON_NS + (int64_t)i * SECOND_NS);
      trace->counted = i % 100 ? 2 : 9;
      trace->batch_reads = trace->by_id_reads = 0;
    }
    static const char *const names[] = {"auto", "read", "projection"};
    static const bt_strategy strategies[] = {BT_STRATEGY_AUTO, BT_STRATEGY_READ, BT_STRATEGY_PROJECTION};
    s->fake.large_from = 9;
    s->run.request.strategy = strategies[forced];
    replay_run_add(&s->run, names[forced], SLOW_NO_RETRY);
    const bt_rule_result *rule = scene_go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(rule->violations_found, 6);
    for (uint64_t i = 0; i < 600; i += 100) {
      const fake_trace *trace = fake_find(&s->fake, 1 + i);
      assert_int_equal(trace->batch_reads, 0);
      assert_true(trace->by_id_reads >= 1);
      assert_true(replay_seen(&s->run, 0, 1 + i)->confirmed_by_id);
    }
  }
}

/* Sets are joined over the whole range: the spans of one trace lie in different blocks. */
static void formulas_join_fragments(void **state) {
  scene *s = *state;
  static const char *const pairs[][2] = {{"a", "b"}, {"c", "d"}, {"a", "c"}, {"b", "d"}, {"a", NULL}, {"d", NULL}};
  for (uint64_t i = 0; i < 6; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, pairs[i][0], NOON_NS + MINUTE_NS);
    if (pairs[i][1]) fake_span_add(trace, pairs[i][1], NOON_NS + 5 * MINUTE_NS)->fragment = 1;
  }
  replay_run_add(&s->run, "pairs",
                 "(trace.has(span.name == \"a\") and trace.has(span.name == \"b\")) or "
                 "(trace.has(span.name == \"c\") and trace.has(span.name == \"d\"))");
  const bt_rule_result *rule = scene_go(s);
  assert_int_equal(rule->traces_candidate, 2);
  assert_int_equal(rule->traces_read, 2);
  assert_int_equal(rule->violations_found, 2);
  assert_true(replay_saw(&s->run, 0, 1) && replay_saw(&s->run, 0, 2));
  assert_int_equal(rule->traces_evaluated, 6);
}

static void rules_share_searches_and_reads(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i < 5 ? NULL : "retry");
  replay_run_add(&s->run, "a", SLOW_NO_RETRY);
  replay_run_add(&s->run, "b", SLOW_NO_RETRY);
  replay_run_add(&s->run, "c", "when { slow as x } always { retry after x }");
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  for (size_t r = 0; r < 3; r++) assert_int_equal(s->run.result.rules[r].violations_found, 5);
  assert_int_equal(s->run.seen_count, 15);
  for (uint64_t i = 0; i < 20; i++) assert_int_equal(fake_find(&s->fake, 1 + i)->batch_reads, 1);
  size_t searched = s->fake.log_count;
  for (size_t i = 0; i < searched; i++)
    for (size_t j = i + 1; j < searched; j++) assert_string_not_equal(s->fake.log[i], s->fake.log[j]);
}

static void add_attribute(fake_trace *trace, const char *key, int64_t value) {
  fake_span *span = &trace->spans[trace->span_count - 1];
  span->attributes[span->attribute_count++] =
      (bt_attribute){bt_str_from(key), {.type = BT_VALUE_INT, .integer = value}};
}

/* What one rule needs that batches cannot give takes nothing from the others. */
static void a_rule_that_reads_by_id_does_not_blind_others(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 60; i++) {
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    add_attribute(fake_find(&s->fake, 1 + i), "k", 1);
  }
  replay_run_add(&s->run, "events", "trace.has(span.name == \"other\" and event.name == \"e\")");
  replay_run_add(&s->run, "attribute", "slow.where(k == 1)");
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(s->run.result.rules[1].violations_found, 60);
}

/* More attributes than one batch can ask for: the last rules' traces are read by id. */
static void attributes_that_batches_have_no_room_for_are_read_by_id(void **state) {
  scene *s = *state;
  char texts[3][2048];
  for (int rule = 0; rule < 3; rule++) {
    int length = snprintf(texts[rule], sizeof texts[rule], "slow.where(k%d == 1", rule);
    for (int i = 0; i < 30; i++)
      length += snprintf(texts[rule] + length, sizeof texts[rule] - (size_t)length, " and not exists(r%dk%d)", rule, i);
    snprintf(texts[rule] + length, sizeof texts[rule] - (size_t)length, ")");
    replay_run_add(&s->run, rule == 0 ? "first" : rule == 1 ? "second" : "third", texts[rule]);
  }
  static const char *const keys[] = {"k0", "k1", "k2"};
  for (uint64_t i = 0; i < 90; i++) {
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    add_attribute(fake_find(&s->fake, 1 + i), keys[i % 3], 1);
  }
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  for (size_t rule = 0; rule < 3; rule++) assert_int_equal(s->run.result.rules[rule].violations_found, 30);
}

static void a_rule_without_positive_part_reads_all(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 50; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, i % 10 ? "audit" : "web", NULL);
  replay_run_add(&s->run, "audit", "not trace.has(span.name == \"audit\")");
  s->run.request.count = BT_COUNT_AT_LEAST;
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 5);
  assert_int_equal(rule->traces_evaluated, 50);
  assert_true(rule->evaluated_is_exact);
}

static void pages_keep_to_the_memory_limit(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 100; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.memory_limit_bytes = 16 * 65536;
  assert_int_equal(scene_go(s)->violations_found, 100);
  assert_int_equal(s->fake.largest_page, 16);
  s->run.request.memory_limit_bytes = 0;
  s->run.request.sample_size = 3;
  s->fake.largest_read = 7;
  assert_int_equal(scene_go(s)->violations_found, 100);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
}

/* What was found finds no room: nobody can say that nothing violates. Afterwards nothing is held. */
static void without_room_it_is_incomplete(void **state) {
  scene *s = *state;
  bt_error error = {0};
  bt_memory_account *account = NULL;
  assert_int_equal(bt_memory_account_new(64 * 1024, &account, &error), BT_OK);
  for (uint64_t i = 0; i < 100; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.memory = account;
  assert_int_equal(scene_go(s)->violations_found, 100);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(bt_memory_total(account), 0);
  assert_true(bt_memory_take(account, BT_MEMORY_REPLAYS, 60 * 1024));
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "results_full: ");
  assert_false(rule->evaluated_is_exact);
  assert_false(s->run.result.coverage.complete);
  assert_true(s->run.result.coverage.windows_failed_count > 0);
  assert_int_equal(bt_memory_look(account).kinds[BT_MEMORY_READS], 0);
  s->run.request.memory = NULL;
  bt_memory_account_free(account);
}

/* A violation span of ours, and one that only has the name. */
static void add_own(scene *s, int64_t at_ns, bool is_real) {
  static char hex[64][BT_TRACE_ID_HEX + 1];
  static size_t used;
  bt_own_ids ids;
  bt_error error;
  bt_trace_id about = fake_id(77 + used);
  fake_trace *trace = fake_add(&s->fake, 0x900 + used);
  fake_span *span = fake_span_add(trace, BT_OWN_VIOLATION, at_ns);
  bt_trace_id_format(&about, hex[used]);
  assert_int_equal(bt_violation_ids_derive(BT_STR(""), BT_STR("slow"), BT_STR("abc"), &about, &ids, &error), BT_OK);
  if (is_real) trace->id = ids.trace_id;
  memcpy(span->id, ids.span_id.bytes, sizeof span->id);
  span->service = BT_OWN_SERVICE;
  span->attributes[0] = (bt_attribute){BT_STR(BT_OWN_RULE_ID), {.type = BT_VALUE_STRING, .string = BT_STR("slow")}};
  span->attributes[1] =
      (bt_attribute){BT_STR(BT_OWN_CONDITION_HASH), {.type = BT_VALUE_STRING, .string = BT_STR("abc")}};
  span->attributes[2] =
      (bt_attribute){BT_STR(BT_OWN_TRACE_ID), {.type = BT_VALUE_STRING, .string = {hex[used], BT_TRACE_ID_HEX}}};
  span->attribute_count = 3;
  used++;
}

static void own_traces_are_neither_judged_nor_counted(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, i < 3 ? "slow" : "audit", NULL);
  for (int i = 0; i < 6; i++) add_own(s, NOON_NS + MINUTE_NS, true);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "audit", "not trace.has(span.name == \"audit\")");
  for (int round = 0; round < 2; round++) {
    s->fake.hide_own = round;
    const bt_rule_result *rules = scene_go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(rules[0].traces_evaluated, 20);
    assert_true(rules[0].evaluated_is_exact);
    assert_int_equal(rules[1].violations_found, 3);
    assert_int_equal(rules[1].traces_evaluated, 20);
  }
  add_own(s, NOON_NS + MINUTE_NS, false); /* the name alone hides nothing */
  const bt_rule_result *rules = scene_go(s);
  assert_int_equal(rules[1].violations_found, 4);
  assert_int_equal(rules[1].traces_evaluated, 21);
}

/* A rule may count by the very search that finds own traces: the answer is the rule's then. */
static void a_rule_may_ask_what_finds_own_traces(void **state) {
  static const char counts_them[] =
      "when { trace.has(span.service == \"betrace\" and (span.name == \"betrace.violation\" or span.name == "
      "\"betrace.watch\" or span.name == \"betrace.report\")) } never { trace.has(span.service == \"betrace\" and "
      "span.name == \"betrace.watch\") }";
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, i < 3 ? "slow" : "audit", NULL);
  for (int i = 0; i < 6; i++) add_own(s, NOON_NS + MINUTE_NS, i > 0); /* all but one are ours */
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "counts", counts_them);
  const bt_rule_result *rules = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rules[0].violations_found, 3);
  assert_int_equal(rules[0].traces_evaluated, 21);
  assert_int_equal(rules[1].traces_exercised, 1);
  assert_true(rules[1].exercised_is_exact);
}

/* Found by the rule, and by a search of its own, which is made once; also where the rule's search is that very one. */
static void own_traces_that_a_rule_finds_are_left_out(void **state) {
  static const char *const rules[] = {"trace.has(span.name == \"betrace.violation\")",
                                      "trace.has(span.service == \"betrace\" and (span.name == \"betrace.violation\" "
                                      "or span.name == \"betrace.watch\" or "
                                      "span.name == \"betrace.report\"))"};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    scene *s = *state;
    s->run.request.count = BT_COUNT_AT_LEAST;
    if (!i)
      for (int k = 0; k < 6; k++) add_own(s, NOON_NS + MINUTE_NS, k > 0); /* all but one are ours */
    replay_run_add(&s->run, i ? "by-that-search" : "by-name", rules[i]);
    const bt_rule_result *results = scene_go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    for (size_t rule = 0; rule <= i; rule++) assert_int_equal(results[rule].violations_found, 1);
    if (!i) assert_int_equal(fake_searches(&s->fake, "name = \"betrace.watch\""), 1);
  }
}

static void files_are_read_whole(void **state) {
  scene *s = *state;
  s->fake.promises.filters = false;
  s->fake.promises.is_static = true;
  s->run.request.now_ns = NOON_NS + HOUR_NS; /* nothing of a file is unsettled */
  for (uint64_t i = 0; i < 700; i++)
    scene_add(s, 1 + i, NOON_NS - 10 * MINUTE_NS + (int64_t)i * 6 * SECOND_NS, i % 2 ? "web" : "slow",
              i % 4 ? "retry" : NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->traces_evaluated, 600);
  assert_true(rule->evaluated_is_exact && rule->exercised_is_exact);
  assert_int_equal(rule->traces_exercised, 300);
  assert_int_equal(rule->violations_found, 150);
  assert_int_equal(fake_searches(&s->fake, "slow"), 0);
  assert_int_equal(s->run.result.coverage.effective_end_ns, NOON_NS + HOUR_NS);
  assert_int_equal(s->run.result.coverage.unsettled, 0);
  for (size_t i = 0; i < s->run.seen_count; i++) assert_true(s->run.seen[i].confirmed_by_id);
}

/* Either copy may be the right one: such a trace is inconclusive here, and named. */
static void traces_with_differing_copies_are_named(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 30; i++) {
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    fake_trace *trace = fake_find(&s->fake, 1 + i);
    if (i % 15 == 0) memcpy(fake_span_add(trace, "retry", NOON_NS)->id, trace->spans[0].id, 8);
  }
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 28);
  assert_int_equal(rule->inconclusive, 2);
  assert_int_equal(s->run.result.coverage.differing_trace_count, 2);
  assert_memory_equal(&s->run.result.coverage.differing_traces[0], fake_id(1).bytes, 16);
}

static void incomplete_traces_do_not_conclude_absence(void **state) {
  scene *s = *state;
  scene_add(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  fake_find(&s->fake, 1)->partial = true;
  scene_add(s, 2, NOON_NS + MINUTE_NS, "slow", NULL);
  fake_find(&s->fake, 2)->spans[0].orphan = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  assert_int_equal(rule->inconclusive, 1);
  assert_true(replay_saw(&s->run, 0, 2));
  s->run.request.assumptions.require_complete = true;
  rule = scene_go(s);
  assert_int_equal(rule->inconclusive, 2);
  assert_int_equal(s->run.seen_count, 0);
}

/* By id is believed: a span that was pushed twice is counted twice until its block is complete. */
static void what_a_batch_lacks_is_read_by_id(void **state) {
  scene *s = *state;
  scene_add(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  fake_find(&s->fake, 1)->counted = 2;
  fake_trace *trace = fake_add(&s->fake, 2);
  fake_span_add(trace, "slow", NOON_NS + MINUTE_NS);
  fake_span_add(trace, "retry", NOON_NS + MINUTE_NS + SECOND_NS)->only_by_id = true;
  trace->counted = 2;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  assert_int_equal(rule->violations_found, 1);
  assert_true(replay_seen(&s->run, 0, 1)->confirmed_by_id);
  assert_int_equal(fake_find(&s->fake, 1)->by_id_reads, 1);
  assert_int_equal(fake_find(&s->fake, 2)->by_id_reads, 1);
}

/* Of copies a batch gives what one ingester has: here it lacks what violates, and there what would not. */
static void young_traces_of_copies_are_read_by_id(void **state) {
  scene *s = *state;
  s->run.request.now_ns = NOON_NS + HOUR_NS + 10 * MINUTE_NS;
  for (uint64_t id = 1; id <= 2; id++) {
    fake_trace *trace = fake_add(&s->fake, id);
    fake_span_add(trace, "slow", NOON_NS + (id == 1 ? 50 : 1) * MINUTE_NS);
    fake_span_add(trace, "pii", NOON_NS + (id == 1 ? 50 : 1) * MINUTE_NS)->only_by_id = true;
  }
  replay_run_add(&s->run, "pii", "when { slow } never { pii }");
  scene_go(s);
  assert_int_equal(s->run.seen_count, 0); /* as one Tempo shows it: not handed over yet */
  s->fake.promises.has_copies = true;
  s->run.request.strategy = BT_STRATEGY_AUTO;
  scene_go(s);
  assert_true(replay_saw(&s->run, 0, 1));
  assert_false(replay_saw(&s->run, 0, 2)); /* handed over long ago: a batch has all there is */
  static const bt_strategy strategies[] = {BT_STRATEGY_READ, BT_STRATEGY_PROJECTION};
  for (size_t i = 0; i < 2; i++) {
    s->run.request.strategy = strategies[i];
    scene_go(s);
    assert_true(replay_saw(&s->run, 0, 1));
  }
}

static bool knows_its_configuration;

static void ask_for_configuration(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel,
                                  bt_promises *out) {
  knows_its_configuration = knows_its_configuration || (cancel && wanted == BT_PROMISES_ALL);
  *out = ((fake_source *)source)->promises;
  out->has_copies = !knows_its_configuration;
}

/* Also the first replay of a process, which asks for it, reads the young of a source without copies in batches. */
static void whether_there_are_copies_is_asked_first(void **state) {
  scene *s = *state;
  bt_cancel cancel = {false};
  knows_its_configuration = false;
  s->run.request.cancel = &cancel;
  s->fake.operations.promise = ask_for_configuration;
  s->run.request.now_ns = NOON_NS + HOUR_NS + 10 * MINUTE_NS;
  fake_span_add(fake_add(&s->fake, 1), "slow", NOON_NS + 50 * MINUTE_NS);
  replay_run_add(&s->run, "slow", "when { slow } never { pii }");
  scene_go(s);
  assert_true(knows_its_configuration);
  assert_int_equal(fake_find(&s->fake, 1)->by_id_reads, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(finds_planted_violations),
      SCENE(subtracts_only_many_candidates),
      SCENE(a_search_for_what_is_hidden_counts_nothing),
      SCENE(what_batches_cannot_give_is_read_by_id),
      SCENE(what_is_known_to_be_large_is_read_by_id_alone),
      SCENE(formulas_join_fragments),
      SCENE(rules_share_searches_and_reads),
      SCENE(a_rule_that_reads_by_id_does_not_blind_others),
      SCENE(attributes_that_batches_have_no_room_for_are_read_by_id),
      SCENE(a_rule_without_positive_part_reads_all),
      SCENE(pages_keep_to_the_memory_limit),
      SCENE(without_room_it_is_incomplete),
      SCENE(own_traces_are_neither_judged_nor_counted),
      SCENE(a_rule_may_ask_what_finds_own_traces),
      SCENE(own_traces_that_a_rule_finds_are_left_out),
      SCENE(files_are_read_whole),
      SCENE(traces_with_differing_copies_are_named),
      SCENE(incomplete_traces_do_not_conclude_absence),
      SCENE(what_a_batch_lacks_is_read_by_id),
      SCENE(young_traces_of_copies_are_read_by_id),
      SCENE(whether_there_are_copies_is_asked_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
