/* Explanations and prices over the scripted source: the queries of each strategy, estimates from probes, and what is
 * known without a source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/trace_pruned.h"
#include "server/replay/explanation.h"
#include "tests/server/replay/replay_fixture.h"

enum { TRACES = 2400 };

typedef struct scene {
  fake_source fake;
  replay_run run;
  bt_explain_result result;
} scene;

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  replay_run_init(&s->run);
  s->run.request.rules = s->run.rules;
  *state = s;
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  bt_explain_result_dispose(&s->result);
  replay_run_dispose(&s->run);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

static void explain(scene *s, bt_source *source) {
  bt_error error = {0};
  bt_explain_result_dispose(&s->result);
  if (bt_explain_run(source, &s->run.request, &s->result, &error) != BT_OK) fail_msg("%s", error.message);
}

/* Even over the hour: half of the traces are slow, of these nine in ten have a retry. */
static void add_shop(scene *s) {
  for (uint64_t i = 0; i < TRACES; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    int64_t at_ns = NOON_NS + (int64_t)i * (HOUR_NS / TRACES);
    fake_span_add(trace, i % 2 ? "slow" : "web", at_ns);
    if (i % 2 && (i / 2) % 10) fake_span_add(trace, "retry", at_ns + SECOND_NS);
  }
}

static const bt_explain_query *query_of(const bt_explain_rule *rule, bt_explain_use use) {
  for (size_t i = 0; i < rule->query_count; i++)
    if (rule->queries[i].use == use) return &rule->queries[i];
  return NULL;
}

static void assert_near(uint64_t is, uint64_t expected) {
  if (is < expected * 7 / 10 || is > expected * 13 / 10)
    fail_msg("%llu is not near %llu", (unsigned long long)is, (unsigned long long)expected);
}

static void numbers_come_from_probes(void **state) {
  scene *s = *state;
  add_shop(s);
  s->run.request.assumptions.margin_ns = s->run.request.assumptions.lateness_ns = 0;
  replay_run_add(&s->run, "absence", "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")");
  replay_run_add(&s->run, "order", "when { slow as x } always { retry after x }");
  explain(s, &s->fake.source);
  const bt_explain_rule *absence = &s->result.rules[0], *order = &s->result.rules[1];
  assert_true(s->result.is_probed);
  assert_near(s->result.estimated_traces, TRACES);
  assert_true(s->result.requests > 0 && s->result.requests < 60);
  assert_int_equal(absence->chosen, BT_STRATEGY_ID_SETS);
  assert_string_equal(absence->candidates, "{ name = \"slow\" }");
  assert_string_equal(absence->decided_locally, "absence and negation");
  assert_near(query_of(absence, BT_EXPLAIN_SEARCH)->estimated_found, TRACES / 2);
  assert_string_equal(query_of(absence, BT_EXPLAIN_SUBTRACT)->traceql, "{ name = \"retry\" }");
  assert_near(query_of(absence, BT_EXPLAIN_SUBTRACT)->estimated_found, TRACES / 2 * 9 / 10);
  assert_near(absence->options[0].cost.traces_read, TRACES / 2);
  assert_true(absence->options[1].cost.traces_read < TRACES / 10);
  assert_true(absence->rests_on_absence && !absence->reads_by_id);
  assert_int_equal(order->chosen, BT_STRATEGY_PROJECTION);
  assert_non_null(strstr(query_of(order, BT_EXPLAIN_PROJECT)->traceql, "select("));
  assert_false(order->options[1].is_possible);
  assert_non_null(strstr(order->decided_locally, "order and distance in time"));
  assert_true(order->options[2].cost.units < order->options[0].cost.units);
  /* Nothing was read to say so, and the replay does as it says. */
  assert_int_equal(s->fake.traces_read, 0);
  replay_run_go(&s->run, &s->fake);
  for (size_t i = 0; i < 2; i++) assert_int_equal(s->run.result.rules[i].strategy, s->result.rules[i].chosen);
}

static void a_rule_that_tests_attributes_is_not_projected_and_that_is_said(void **state) {
  scene *s = *state;
  add_shop(s);
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  replay_run_add(&s->run, "tags", "when { trace.has(span.name == \"slow\") } never { trace.has(span.tags == \"a\") }");
  explain(s, &s->fake.source);
  const bt_explain_rule *rule = &s->result.rules[0];
  assert_int_equal(rule->chosen, BT_STRATEGY_READ);
  assert_false(rule->options[2].is_possible);
  assert_non_null(strstr(rule->options[2].why_not, "tests attributes"));
  assert_null(query_of(rule, BT_EXPLAIN_PROJECT));
}

/* Spans that are asked for first find the candidates: then no search is named but the one for pruned traces, and the
 * replay asks none. */
static void spans_that_come_first_are_shown_so(void **state) {
  scene *s = *state;
  add_shop(s);
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  replay_run_add(&s->run, "order", "when { slow as x } always { retry after x }");
  explain(s, &s->fake.source);
  const bt_explain_rule *order = &s->result.rules[0];
  assert_true(order->spans_first);
  assert_string_equal(query_of(order, BT_EXPLAIN_SEARCH)->traceql, "{ span.aggregation.is_summary = true }");
  assert_int_equal(order->queries[0].use, BT_EXPLAIN_PROJECT);
  replay_run_go(&s->run, &s->fake);
  assert_int_equal(s->fake.span_searches, 1);
  s->fake.operations.find_spans = NULL; /* a source that cannot */
  bt_explain_result_dispose(&s->result);
  explain(s, &s->fake.source);
  assert_false(s->result.rules[0].spans_first);
  assert_string_not_equal(query_of(&s->result.rules[0], BT_EXPLAIN_SEARCH)->traceql,
                          "{ span.aggregation.is_summary = true }");
}

static void without_a_source_there_are_queries_and_no_numbers(void **state) {
  scene *s = *state;
  replay_run_add(&s->run, "events", "trace.has(event.name == \"e\")");
  explain(s, NULL);
  assert_false(s->result.is_probed);
  assert_string_equal(s->result.problem, "there is no store to ask");
  assert_true(s->result.rules[0].reads_by_id);
  assert_null(query_of(&s->result.rules[0], BT_EXPLAIN_READ));
  s->fake.fail_filter = "{";
  s->fake.fail_status = BT_UNAVAILABLE;
  explain(s, &s->fake.source);
  assert_false(s->result.is_probed);
  assert_string_equal(s->result.problem, "the source does not answer");
  assert_int_equal(s->fake.log_count, 1);
}

static void wrong_requests_are_refused(void **state) {
  scene *s = *state;
  bt_error error = {0};
  assert_int_equal(bt_explain_run(&s->fake.source, &s->run.request, &s->result, &error), BT_INVALID);
}

/* ---- prices ---- */

static void replays_feed_prices(void **state) {
  scene *s = *state;
  bt_price_table *prices;
  bt_error error = {0};
  assert_int_equal(bt_price_table_new(0, &prices, &error), BT_OK);
  add_shop(s);
  replay_run_add(&s->run, "absence", "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")");
  replay_run_add(&s->run, "other", "trace.has(span.name == \"nowhere\")");
  s->run.request.prices = prices;
  for (int i = 0; i < 2; i++) replay_run_go(&s->run, &s->fake);
  uint64_t requests = 2 * s->run.result.requests;
  explain(s, &s->fake.source);
  const bt_price *first = &s->result.rules[0].price, *second = &s->result.rules[1].price;
  assert_int_equal(first->replays, 2);
  assert_int_equal(first->traces_read, 2 * s->run.result.rules[0].traces_read);
  assert_true(first->bytes_inspected > second->bytes_inspected && second->bytes_inspected > 0);
  assert_in_range(first->requests + second->requests, requests - 4, requests + 4);
  bt_price_table_free(prices);
}

/* Cancelled before anything, in the middle of searches, and of reads: totals are what was asked, and prices add up to
 * them. */
static void a_cancelled_replay_costs_what_was_asked(void **state) {
  scene *s = *state;
  static const size_t after[] = {0, 1, 60};
  bt_error error = {0};
  add_shop(s);
  replay_run_add(&s->run, "absence", "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")");
  replay_run_add(&s->run, "other", "trace.has(span.name == \"nowhere\")");
  for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
    bt_price_table *prices;
    bt_cancel cancel = {.requested = after[i] == 0};
    assert_int_equal(bt_price_table_new(0, &prices, &error), BT_OK);
    s->run.request.prices = prices;
    s->run.request.cancel = s->fake.cancel_after_reads = &cancel;
    s->fake.cancel_after = after[i];
    s->fake.log_count = s->fake.traces_read = 0;
    replay_run_go(&s->run, &s->fake);
    const bt_replay_result *result = &s->run.result;
    assert_int_equal(result->outcome, BT_REPLAY_CANCELLED);
    assert_true(s->fake.log_count > 0 && s->fake.log_count < FAKE_LOG_MAX);
    assert_true(result->requests >= s->fake.log_count);
    assert_true(result->bytes_inspected >= 100 * s->fake.log_count);
    uint64_t requests = 0;
    for (size_t rule = 0; rule < 2; rule++) {
      bt_price_key key = {NULL, s->run.rules[rule]->fields.id, s->run.rules[rule]->condition_hash};
      requests += bt_price_table_get(prices, &key).requests;
    }
    assert_true(requests + 2 >= result->requests && requests <= result->requests + 2);
    bt_price_table_free(prices);
  }
}

/* What a sample showed to be otherwise, by id or by search, counts for its rule. */
static void replays_feed_differences(void **state) {
  scene *s = *state;
  bt_price_table *prices;
  bt_error error = {0};
  assert_int_equal(bt_price_table_new(0, &prices, &error), BT_OK);
  fake_span_add(fake_add(&s->fake, 1), "slow", NOON_NS + 20 * MINUTE_NS);
  fake_span_add(fake_find(&s->fake, 1), "retry", NOON_NS + 21 * MINUTE_NS)->only_by_id = true;
  fake_span_add(fake_add(&s->fake, 2), "odd", NOON_NS + 22 * MINUTE_NS)->hidden_from = "\"odd\"";
  replay_run_add(&s->run, "absence", "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")");
  replay_run_add(&s->run, "odd", "trace.has(span.name == \"odd\")");
  replay_run_add(&s->run, "sound", "trace.has(span.name == \"nowhere\")");
  s->run.request.prices = prices;
  for (int i = 0; i < 2; i++) replay_run_go(&s->run, &s->fake);
  explain(s, &s->fake.source);
  assert_int_equal(s->result.rules[0].price.differences, 2);
  assert_int_equal(s->result.rules[1].price.differences, 2);
  assert_int_equal(s->result.rules[2].price.differences, 0);
  bt_price_table_free(prices);
}

static void old_prices_make_room(void **state) {
  (void)state;
  bt_price_table *prices;
  bt_error error = {0};
  bt_price one = {.replays = 1, .bytes_inspected = 10};
  assert_int_equal(bt_price_table_new(2, &prices, &error), BT_OK);
  bt_price_key a = {NULL, "a", "h"}, b = {"t", "a", "h"}, c = {NULL, "a", "h2"};
  bt_price_table_add(prices, &a, &one);
  bt_price_table_add(prices, &b, &one);
  bt_price_table_add(prices, &a, &one);
  assert_int_equal(bt_price_table_get(prices, &a).bytes_inspected, 20);
  bt_price_table_add(prices, &c, &one); /* b is the oldest */
  assert_int_equal(bt_price_table_get(prices, &b).replays, 0);
  assert_int_equal(bt_price_table_get(prices, &a).replays, 2);
  assert_int_equal(bt_price_table_get(prices, &c).replays, 1);
  bt_price_table_free(prices);
  bt_price_table_free(NULL);
}

static void *add_often(void *context) {
  bt_price one = {.replays = 1};
  bt_price_key key = {NULL, "a", "h"};
  for (int i = 0; i < 1000; i++) bt_price_table_add(context, &key, &one);
  return NULL;
}

static void threads_add_to_one_price(void **state) {
  (void)state;
  bt_price_table *prices;
  bt_error error = {0};
  pthread_t threads[4];
  assert_int_equal(bt_price_table_new(0, &prices, &error), BT_OK);
  for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, add_often, prices), 0);
  for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  assert_int_equal(bt_price_table_get(prices, &(bt_price_key){NULL, "a", "h"}).replays, 4000);
  bt_price_table_free(prices);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(numbers_come_from_probes),
      SCENE(a_rule_that_tests_attributes_is_not_projected_and_that_is_said),
      SCENE(spans_that_come_first_are_shown_so),
      SCENE(without_a_source_there_are_queries_and_no_numbers),
      SCENE(wrong_requests_are_refused),
      SCENE(replays_feed_prices),
      SCENE(a_cancelled_replay_costs_what_was_asked),
      SCENE(replays_feed_differences),
      cmocka_unit_test(old_prices_make_room),
      cmocka_unit_test(threads_add_to_one_price),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
