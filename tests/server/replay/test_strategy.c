/* How candidates are decided over the scripted source: what is asked, what is read, and that each way gives the same
 * answer. Also what the observer is told of every trace, and what rules that share searches cost together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/strategy.h"
#include "tempo/api/tempo_costs.h"
#include "tests/server/replay/replay_fixture.h"

#define SLOW_NO_RETRY "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")"
#define IN_ORDER      "when { slow as x } always { retry after x }"

enum { TRACES = 900, TOLD_MAX = 6 * TRACES };

typedef struct scene {
  fake_source fake;
  replay_run run;
  bt_trace_verdict told[TOLD_MAX];
  size_t told_count;
} scene;

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  replay_run_init(&s->run);
  *state = s;
  return 0;
}

/* Over a source that cannot be asked for spans before it is known of which traces. */
static int make_scene_by_ids(void **state) {
  (void)make_scene(state);
  ((scene *)*state)->fake.operations.find_spans = NULL;
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  replay_run_dispose(&s->run);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

static bt_status take_verdict(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  scene *s = context;
  (void)error;
  assert_true(s->told_count < TOLD_MAX);
  s->told[s->told_count++] = *verdict;
  return BT_OK;
}

/* With an observer that wants verdicts only. */
static const bt_rule_result *go(scene *s) {
  bt_replay_observer observer = {.context = s, .verdict = take_verdict};
  bt_replay_result_dispose(&s->run.result);
  s->told_count = 0;
  s->run.request.rules = s->run.rules;
  bt_status status = bt_replay_run(&s->fake.source, &s->run.request, &observer, &s->run.result, &s->run.error);
  if (status != BT_OK) fail_msg("%s", s->run.error.message);
  return s->run.result.rules;
}

/* `slow` in two of three; with it `retry` after it (three of four), before it, or not at all; the two in different
 * fragments. */
static void add_shop(scene *s) {
  for (uint64_t i = 0; i < TRACES; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * SECOND_NS;
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "web", at_ns);
    if (i % 3 == 0) continue;
    fake_span_add(trace, "slow", at_ns + 2 * SECOND_NS);
    if (i % 8 == 7) continue;
    fake_span_add(trace, "retry", at_ns + (i % 8 == 5 ? SECOND_NS : 3 * SECOND_NS))->fragment = (int)(i % 2);
  }
}

static bool in_order(uint64_t i) {
  return i % 3 == 0 || (i % 8 != 7 && i % 8 != 5);
}

static void a_projection_decides_order_without_reading(void **state) {
  scene *s = *state;
  add_shop(s);
  replay_run_add(&s->run, "order", IN_ORDER);
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  const bt_rule_result *rule = go(s);
  size_t wrong = 0, read = 0;
  for (uint64_t i = 0; i < TRACES; i++) {
    const fake_trace *trace = fake_find(&s->fake, 1 + i);
    wrong += !in_order(i);
    read += trace->batch_reads;
    assert_int_equal(trace->span_reads, i % 3 != 0);
  }
  assert_int_equal(s->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(rule->strategy, BT_STRATEGY_PROJECTION);
  assert_int_equal(rule->violations_found, wrong);
  assert_int_equal(rule->decided_unread, TRACES * 2 / 3 - wrong);
  assert_int_equal(rule->traces_read, wrong);
  assert_int_equal(read, wrong + 50); /* and the sample of what was not read */
  assert_int_equal(rule->unread_sampled, 50);
  assert_true(rule->evaluated_is_exact && rule->exercised_is_exact);
  assert_int_equal(rule->traces_evaluated, TRACES);
  assert_int_equal(rule->traces_exercised, TRACES * 2 / 3);
}

/* Where nearly all violate, what is left of the answer is not looked at; where few do, each is asked for once. */
static void a_projection_that_decides_little_is_given_up(void **state) {
  enum { MANY = 5000, LOOKED_AT = 500 };
  scene *s = *state;
  for (uint64_t i = 0; i < MANY; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "slow", NOON_NS + (int64_t)i * SECOND_NS / 10);
    fake_span_add(trace, "wait", NOON_NS + (int64_t)(i + 5) * SECOND_NS / 10);
  }
  replay_run_add(&s->run, "order", IN_ORDER);
  unsigned before = 0;
  for (int few_violate = 0; few_violate <= 1; few_violate++) {
    for (uint64_t i = 0; few_violate && i < MANY; i++)
      if (i % 100) fake_find(&s->fake, 1 + i)->spans[1].name = "retry";
    bt_replay_result_dispose(&s->run.result);
    s->run.request.rules = s->run.rules;
    assert_int_equal(bt_replay_run(&s->fake.source, &s->run.request, NULL, &s->run.result, &s->run.error), BT_OK);
    const bt_rule_result *rule = s->run.result.rules;
    unsigned asked = 0;
    for (uint64_t i = 0; i < MANY; i++) asked += fake_find(&s->fake, 1 + i)->span_reads;
    assert_int_equal(s->run.result.outcome, BT_REPLAY_COMPLETED);
    assert_int_equal(rule->strategy, BT_STRATEGY_PROJECTION);
    assert_int_equal(rule->violations_found, few_violate ? MANY / 100 : MANY);
    assert_int_equal(rule->decided_unread, few_violate ? MANY - MANY / 100 : 0);
    if (!few_violate) {
      before = asked;
      assert_in_range(asked, LOOKED_AT, LOOKED_AT + 1);
    } else
      assert_int_equal(asked, before + MANY);
  }
}

/* What a projection leaves in doubt is read whole. */
static void doubts_are_read(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 5; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "slow", NOON_NS + MINUTE_NS);
    fake_span_add(trace, "retry", NOON_NS + MINUTE_NS + SECOND_NS);
  }
  fake_find(&s->fake, 2)->needs_by_id = true;
  fake_find(&s->fake, 3)->partial = true;
  fake_span_add(fake_find(&s->fake, 4), "slow", NOON_NS + 40 * MINUTE_NS); /* longer than margin */
  fake_span_add(fake_find(&s->fake, 5), "slow", NOON_NS + 3 * MINUTE_NS)->hidden_from = "\"retry\"";
  replay_run_add(&s->run, "order", IN_ORDER);
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  s->run.request.sample_size = 1; /* of what is not read too */
  const bt_rule_result *rule = go(s);
  assert_int_equal(rule->decided_unread, 2);
  assert_int_equal(fake_find(&s->fake, 2)->by_id_reads, 1);
  for (uint64_t i = 3; i <= 4; i++) assert_int_equal(fake_find(&s->fake, i)->batch_reads, 1);
  /* Young traces are not decided so: more spans may come. */
  s->run.request.now_ns = NOON_NS + 10 * MINUTE_NS;
  assert_int_equal(go(s)->decided_unread, 0);
}

/* The spans that a projection shows lack one that is there: the sample of the others finds out. */
static void a_projection_that_lacks_spans_is_found_out(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "slow", NOON_NS + MINUTE_NS);
    fake_span_add(trace, "retry", NOON_NS + MINUTE_NS + SECOND_NS);
  }
  fake_span_add(fake_find(&s->fake, 7), "slow", NOON_NS + 3 * MINUTE_NS)->hidden_from = "\"retry\"";
  replay_run_add(&s->run, "order", IN_ORDER);
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  const bt_rule_result *rule = go(s);
  assert_int_equal(rule->unread_differences, 1);
  assert_int_equal(s->run.result.outcome, BT_REPLAY_INCOMPLETE);
  assert_int_equal(strncmp(s->run.result.reason, "search_differs", 14), 0);
}

static void each_strategy_gives_the_same(void **state) {
  scene *s = *state;
  add_shop(s);
  replay_run_add(&s->run, "order", IN_ORDER);
  replay_run_add(&s->run, "absence", SLOW_NO_RETRY);
  uint64_t found[2] = {0};
  for (bt_strategy strategy = BT_STRATEGY_AUTO; strategy <= BT_STRATEGY_PROJECTION; strategy++) {
    s->run.request.strategy = strategy;
    const bt_rule_result *rules = go(s);
    assert_int_equal(s->run.result.outcome, BT_REPLAY_COMPLETED);
    for (size_t i = 0; i < 2; i++) {
      if (strategy == BT_STRATEGY_AUTO) found[i] = rules[i].violations_found;
      assert_int_equal(rules[i].violations_found, found[i]);
      assert_int_equal(rules[i].traces_exercised, TRACES * 2 / 3);
      assert_int_equal(rules[i].traces_evaluated, TRACES);
    }
  }
  assert_true(found[0] > found[1] && found[1] > 0);
}

/* Each trace once, with its verdict, its time, and whether it exercised the rule, however it was decided. */
static void every_trace_is_told_once(void **state) {
  scene *s = *state;
  add_shop(s);
  replay_run_add(&s->run, "order", IN_ORDER);
  for (bt_strategy strategy = BT_STRATEGY_AUTO; strategy <= BT_STRATEGY_PROJECTION; strategy++) {
    s->run.request.strategy = strategy;
    const bt_rule_result *rule = go(s);
    bool seen[TRACES] = {false};
    size_t violated = 0, exercised = 0;
    assert_int_equal(s->told_count, TRACES);
    for (size_t i = 0; i < s->told_count; i++) {
      const bt_trace_verdict *told = &s->told[i];
      uint64_t number = (uint64_t)told->trace_id.bytes[14] * 256 + told->trace_id.bytes[15] - 1;
      assert_false(seen[number]);
      seen[number] = true;
      assert_int_equal(told->verdict == BT_VIOLATED, !in_order(number));
      assert_int_equal(told->exercised, number % 3 ? BT_TRUE : BT_FALSE);
      assert_true(told->is_settled && (told->is_read || told->verdict == BT_SATISFIED));
      assert_int_equal(told->time_ns, NOON_NS + (int64_t)number * SECOND_NS);
      assert_int_equal(told->time_latest_ns, told->time_ns);
      if (told->verdict == BT_VIOLATED) assert_int_equal(told->violation_ns, told->time_ns + 2 * SECOND_NS);
      violated += told->verdict == BT_VIOLATED;
      exercised += told->exercised == BT_TRUE;
    }
    assert_int_equal(violated, rule->violations_found);
    assert_int_equal(exercised, rule->traces_exercised);
  }
}

/* Tempo 2.8 finds less by a filter on an attribute when attributes are asked for beside it
 * (tests/facts/facts_arrays.py). */
static void rules_that_test_attributes_are_not_projected(void **state) {
  scene *s = *state;
  add_shop(s);
  replay_run_add(&s->run, "tags", "when { trace.has(span.name == \"slow\") } never { trace.has(span.tags == \"a\") }");
  replay_run_add(&s->run, "order", IN_ORDER);
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  const bt_rule_result *rules = go(s);
  assert_int_equal(rules[0].strategy, BT_STRATEGY_READ);
  assert_int_equal(rules[1].strategy, BT_STRATEGY_PROJECTION);
  s->run.request.strategy = BT_STRATEGY_AUTO;
  assert_int_not_equal(go(s)[0].strategy, BT_STRATEGY_PROJECTION);
}

/* Attributes that are only read, by a filter on names, take nothing from what is found. */
static void rules_that_only_read_attributes_are_projected(void **state) {
  scene *s = *state;
  add_shop(s);
  replay_run_add(&s->run, "same", "when { slow as x } always { retry.where(user == x.user) }");
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  assert_int_equal(go(s)->strategy, BT_STRATEGY_PROJECTION);
}

/* The answer to a filter gives what it tests under the same name (tests/facts/facts_wire.py); the service is the
 * resource's, whoever asks. */
static void rules_that_read_attributes_named_like_fields_are_not_projected(void **state) {
  scene *s = *state;
  static const char *const rules[] = {
      "when { slow as x } always { retry.where(span.attributes[\"status\"] == x.user) }",
      "when { slow as x } always { retry.where(resource.attributes[\"status\"] == x.user) }",
      "when { slow as x } always { retry.where(\"status\" == x.user) }",
      "when { slow as x } always { retry.where(span.attributes[\"service.name\"] == x.user) }"};
  enum { RULES = sizeof rules / sizeof *rules };
  char id[16];
  add_shop(s);
  for (size_t i = 0; i < RULES; i++) {
    snprintf(id, sizeof id, "r%zu", i);
    replay_run_add(&s->run, id, rules[i]);
  }
  replay_run_add(&s->run, "service",
                 "when { slow as x } always { retry.where(resource.attributes[\"service.name\"] == x.user) }");
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  const bt_rule_result *results = go(s);
  for (size_t i = 0; i < RULES; i++) assert_int_equal(results[i].strategy, BT_STRATEGY_READ);
  assert_int_equal(results[RULES].strategy, BT_STRATEGY_PROJECTION);
}

/* Fifty rules over five filters: five searches and one look at each trace, not fifty. */
static void many_rules_share_searches_and_reads(void **state) {
  scene *s = *state;
  static const char *const names[] = {"slow", "web", "retry", "bad", "odd"};
  const bt_rule_definition *rules[50];
  char dsl[200], id[16];
  for (uint64_t i = 0; i < 100; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    for (size_t n = 0; n < 2; n++) fake_span_add(trace, names[(i + n) % 5], NOON_NS + (int64_t)i * SECOND_NS);
  }
  for (size_t i = 0; i < 50; i++) {
    snprintf(id, sizeof id, "r%zu", i);
    snprintf(dsl, sizeof dsl, "count(span.name == \"%s\") > %zu", names[i % 5], i / 5);
    rules[i] = rule_of(id, dsl);
  }
  bt_replay_request request = s->run.request;
  request.rules = rules;
  request.rule_count = 50;
  bt_replay_result result;
  assert_int_equal(bt_replay_run(&s->fake.source, &request, NULL, &result, &s->run.error), BT_OK);
  assert_int_equal(result.outcome, BT_REPLAY_COMPLETED);
  for (size_t i = 0; i < 50; i++) assert_int_equal(result.rules[i].violations_found, i < 5 ? 40 : 0);
  assert_int_equal(s->fake.log_count, 5 + 3); /* five filters, the listing, pruned traces, and BeTrace's own */
  for (uint64_t i = 0; i < 100; i++) assert_int_equal(fake_find(&s->fake, 1 + i)->batch_reads, 1);
  bt_replay_result_dispose(&result);
  for (size_t i = 0; i < 50; i++) bt_rule_definition_unref((bt_rule_definition *)(uintptr_t)rules[i]);
}

/* One question finds the candidates and decides them: no search, no list of ids. */
static void spans_may_be_asked_for_first(void **state) {
  scene *s = *state;
  add_shop(s);
  replay_run_add(&s->run, "order", IN_ORDER);
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  const bt_rule_result *rule = go(s);
  size_t wrong = 0;
  for (uint64_t i = 0; i < TRACES; i++) wrong += !in_order(i);
  assert_int_equal(s->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(rule->violations_found, wrong);
  assert_int_equal(rule->decided_unread, TRACES * 2 / 3 - wrong);
  assert_int_equal(rule->traces_read, wrong);
  assert_int_equal(rule->unread_sampled, 50);
  assert_true(rule->evaluated_is_exact && rule->exercised_is_exact);
  assert_int_equal(rule->traces_exercised, TRACES * 2 / 3);
  assert_int_equal(s->fake.span_searches, 1);
  assert_int_equal(s->fake.log_count, 3); /* the listing, pruned traces, and BeTrace's own */
}

/* More than one answer holds, or a failure: the searches are asked as if nothing had been. */
static void what_gives_no_spans_is_searched(void **state) {
  static const bt_status failures[] = {BT_LIMIT, BT_UNAVAILABLE, BT_REFUSED};
  scene *s = *state;
  add_shop(s);
  replay_run_add(&s->run, "order", IN_ORDER);
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  uint64_t found = go(s)->violations_found;
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
    s->fake.fail_spans = failures[i];
    const bt_rule_result *rule = go(s);
    assert_int_equal(s->run.result.outcome, BT_REPLAY_COMPLETED);
    assert_int_equal(rule->strategy, BT_STRATEGY_PROJECTION);
    assert_int_equal(rule->violations_found, found);
    assert_int_equal(rule->decided_unread, TRACES * 2 / 3 - found);
    assert_true(rule->exercised_is_exact);
  }
  s->fake.fail_spans = BT_NO_MEMORY;
  s->run.request.rules = s->run.rules;
  bt_replay_result_dispose(&s->run.result);
  assert_int_equal(bt_replay_run(&s->fake.source, &s->run.request, NULL, &s->run.result, &s->run.error), BT_NO_MEMORY);
}

/* Of many traces a part is looked at first: where most have both spans and few violate, spans come first; where one of
 * the two is rare, or all violate, ids do; and of few traces nothing is asked besides. Where the part holds more than
 * a search of it takes, a shorter one says it. */
static void what_comes_first_follows_from_a_part(void **state) {
  enum { MANY = 6000, DENSE = 15000, ODD = 7919 };
  static const struct {
    const char *second; /* in one of `share` traces, and out of order in one of a hundred of these; or in all */
    uint64_t share, traces, without; /* the first ids have no second span */
    bool is_first, is_dense;
  } cases[] = {{"retry", 1, MANY, 0, true, false},
               {"retry", 500, MANY, 0, false, false},
               {"wait", 1, MANY, 0, false, false},
               {"retry", 1, 300, 0, false, false},
               {"retry", 1, DENSE, DENSE / 3, true, true}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    scene *s;
    (void)state;
    (void)make_scene((void **)&s);
    uint64_t wrong = 0, both = 0;
    for (uint64_t i = 0; i < cases[c].traces; i++) {
      int64_t step_ns = cases[c].is_dense ? SECOND_NS / 100 : SECOND_NS / 5;
      int64_t at_ns = NOON_NS + (int64_t)(i * ODD % cases[c].traces) * step_ns;
      fake_trace *trace = fake_add(&s->fake, 1 + i);
      fake_span_add(trace, "slow", at_ns + SECOND_NS);
      if (i % cases[c].share || i < cases[c].without) continue;
      bool is_wrong = both++ % 100 == 50;
      wrong += is_wrong || strcmp(cases[c].second, "retry") != 0;
      fake_span_add(trace, cases[c].second, is_wrong ? at_ns : at_ns + 2 * SECOND_NS);
    }
    replay_run_add(&s->run, "order", "when { slow as a and (retry or wait) } always { retry after a }");
    s->run.request.count = BT_COUNT_AT_LEAST;
    s->run.request.now_ns = NOON_NS + 90 * MINUTE_NS; /* what lies between the range and now is asked too */
    bt_replay_result_dispose(&s->run.result);
    s->run.request.rules = s->run.rules;
    assert_int_equal(bt_replay_run(&s->fake.source, &s->run.request, NULL, &s->run.result, &s->run.error), BT_OK);
    assert_int_equal(s->run.result.outcome, BT_REPLAY_COMPLETED);
    assert_int_equal(s->run.result.rules[0].violations_found, wrong);
    assert_int_equal(s->fake.span_searches, cases[c].is_first ? 2 : cases[c].traces < MANY ? 0 : 1);
    (void)drop_scene((void **)&s);
  }
}

/* So many that spans are asked for first; all are in order but one. */
static void add_many_in_order(scene *s) {
  enum { MANY = 3000 };
  for (uint64_t i = 0; i < MANY; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "slow", NOON_NS + (int64_t)i * SECOND_NS / 5);
    if (i != 10) fake_span_add(trace, "retry", NOON_NS + (int64_t)(i + 5) * SECOND_NS / 5);
  }
}

/* Tempo loses the spans of a trace that a search has shown: then nothing of that answer is believed. */
static void spans_that_lack_what_was_searched_are_not_believed(void **state) {
  scene *s = *state;
  add_many_in_order(s);
  replay_run_add(&s->run, "order", IN_ORDER);
  s->run.request.count = BT_COUNT_AT_LEAST;
  s->run.request.now_ns = NOON_NS + 90 * MINUTE_NS;
  for (int lost = 0; lost <= 1; lost++) {
    if (lost) fake_find(&s->fake, 11)->spans[0].hidden_from = "\"retry\"";
    s->fake.log_count = 0;
    s->run.request.rules = s->run.rules;
    bt_replay_result_dispose(&s->run.result);
    assert_int_equal(bt_replay_run(&s->fake.source, &s->run.request, NULL, &s->run.result, &s->run.error), BT_OK);
    assert_int_equal(s->run.result.outcome, BT_REPLAY_COMPLETED);
    assert_int_equal(s->run.result.rules[0].violations_found, 1);
    assert_int_equal(s->fake.span_searches, 2 * (lost + 1));
    assert_int_equal(fake_searches(&s->fake, "slow"),
                     lost ? 3 : 2); /* to see how many there are, in the part, and all of them */
  }
}

/* What is subtracted and would cost more than it saves is asked in part, and the rest is read. */
static void the_cheapest_is_chosen(void **state) {
  (void)state;
  bt_strategy_facts facts = {
      .costs = &bt_tempo_costs, .candidates = 100, .can_subtract = true, .subtracted_share = 1, .can_project = true};
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_READ); /* few */
  facts.candidates = 10000;
  facts.subtracted_found = facts.projected_found = 10000;
  facts.subtracted_share = 0.9;
  facts.undecided_share = 0.1;
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_ID_SETS);
  facts.subtracted_share = 0.5;
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_PROJECTION);
  facts.searched_found = 20000;
  assert_false(bt_strategy_spans_first(&facts)); /* what can be subtracted is asked by ids */
  facts.can_subtract = false;
  assert_true(bt_strategy_spans_first(&facts));
  facts.projected_found = 100000; /* spans of many that are no candidates */
  assert_false(bt_strategy_spans_first(&facts));
  facts.can_subtract = true;
  facts.can_project = false;
  facts.subtracted_found = 1000000; /* nearly every trace has it */
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_READ);
  facts.reads_by_id = true; /* and reading is dear */
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_ID_SETS);
}

/* The same facts of two sources: where reads by id cost what others do, nothing is worth asking to save them, and where
 * a search costs little, a few reads are worth one. */
static void what_is_cheap_is_for_the_source_to_say(void **state) {
  (void)state;
  bt_source_costs costs = bt_tempo_costs;
  bt_strategy_facts facts = {.costs = &costs,
                             .candidates = 1000,
                             .reads_by_id = true,
                             .can_subtract = true,
                             .subtracted_found = 50000,
                             .subtracted_share = 0.9};
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_ID_SETS);
  costs.by_id = 1;
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_READ);
  facts = (bt_strategy_facts){
      .costs = &costs, .candidates = 300, .can_project = true, .undecided_share = 0.5, .projected_found = 300};
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_READ);
  assert_true(bt_strategy_spent(&costs, 2, 5) == 85);
  facts.costs = &bt_plain_costs;
  assert_int_equal(bt_strategy_cheapest(&facts), BT_STRATEGY_PROJECTION);
  assert_true(bt_strategy_spent(&bt_plain_costs, 2, 5) == 7);
}

#define SCENE(test)  cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)
#define BY_IDS(test) cmocka_unit_test_setup_teardown(test, make_scene_by_ids, drop_scene)

int main(void) {
  const struct CMUnitTest tests[] = {
      BY_IDS(a_projection_decides_order_without_reading),
      BY_IDS(a_projection_that_decides_little_is_given_up),
      BY_IDS(doubts_are_read),
      BY_IDS(a_projection_that_lacks_spans_is_found_out),
      BY_IDS(each_strategy_gives_the_same),
      BY_IDS(every_trace_is_told_once),
      SCENE(spans_may_be_asked_for_first),
      SCENE(what_gives_no_spans_is_searched),
      cmocka_unit_test(what_comes_first_follows_from_a_part),
      SCENE(spans_that_lack_what_was_searched_are_not_believed),
      SCENE(doubts_are_read),
      SCENE(a_projection_that_lacks_spans_is_found_out),
      SCENE(each_strategy_gives_the_same),
      SCENE(every_trace_is_told_once),
      SCENE(rules_that_test_attributes_are_not_projected),
      SCENE(rules_that_only_read_attributes_are_projected),
      SCENE(rules_that_read_attributes_named_like_fields_are_not_projected),
      SCENE(many_rules_share_searches_and_reads),
      cmocka_unit_test(the_cheapest_is_chosen),
      cmocka_unit_test(what_is_cheap_is_for_the_source_to_say),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
