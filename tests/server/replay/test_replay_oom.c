/* Every allocation of a replay fails in turn: it ends with an error, or with all that it has to find; never with less
 * and "completed". */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "server/replay/explanation.h"
#include "server/replay/first_violation.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"

static void add_traces(fake_source *fake) {
  for (uint64_t i = 0; i < 6; i++) {
    fake_trace *trace = fake_add(fake, 1 + i);
    fake_span_add(trace, "slow", NOON_NS + (int64_t)i * MINUTE_NS);
    if (i % 2) fake_span_add(trace, "retry", NOON_NS + (int64_t)i * MINUTE_NS + SECOND_NS);
  }
  fake_find(fake, 1)->needs_by_id = true;
  fake_span_add(fake_find(fake, 3), "web", NOON_NS + HOUR_NS / 2)->fragment = 1; /* long */
  fake_span_add(fake_add(fake, 9), "betrace.violation", NOON_NS)->service = "betrace";
}

typedef struct scene {
  fake_source fake;
  replay_run run;
} scene;

static scene *make_scene(bool is_file) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  s->fake.promises.filters = !is_file;
  s->fake.promises.is_static = is_file;
  add_traces(&s->fake);
  replay_run_init(&s->run);
  replay_run_add(&s->run, "slow", "when { slow as s } always { retry after s }");
  s->run.request.rules = s->run.rules;
  s->run.request.takes_notes = true;
  return s;
}

static void drop_scene(scene *s) {
  replay_run_dispose(&s->run);
  fake_source_dispose(&s->fake);
  free(s);
}

/* Calls `attempt` with allocation after allocation refused, until none is. It says whether it gave the whole answer; it
 * checks that itself. */
static void refuse_in_turn(scene *s, bool (*attempt)(scene *s)) {
  bool was_refused = true;
  size_t n = 0;
  for (; was_refused; n++) {
    assert_true(n < 3000);
    failing_alloc_after(n);
    bool is_whole = attempt(s);
    was_refused = failing_alloc_stop();
    assert_true(is_whole || was_refused);
  }
  assert_true(n > 30);
}

static bool replays(scene *s) {
  replay_run_go(&s->run, &s->fake);
  bool is_whole = s->run.status == BT_OK && s->run.result.outcome == BT_REPLAY_COMPLETED;
  if (is_whole) assert_int_equal(s->run.result.rules[0].violations_found, 3);
  return is_whole;
}

static void run_all(bool is_file, bt_strategy strategy) {
  scene *s = make_scene(is_file);
  s->run.request.strategy = strategy;
  refuse_in_turn(s, replays);
  drop_scene(s);
}

/* The first violation: right, or an error; never another one and "proven". */
static bool finds_first(scene *s) {
  bt_first_result first;
  bt_status status = bt_first_violation_run(&s->fake.source, &s->run.request, NULL, &first, &s->run.error);
  bool is_whole = status == BT_OK && first.outcome == BT_REPLAY_COMPLETED;
  if (is_whole) assert_true(first.proven && first.violation->time_ns == NOON_NS);
  bt_first_result_dispose(&first);
  return is_whole;
}

static void the_first_violation(void **state) {
  (void)state;
  scene *s = make_scene(false);
  s->run.request.range.start_ns = NOON_NS - 24 * HOUR_NS;
  refuse_in_turn(s, finds_first);
  drop_scene(s);
}

static void over_search(void **state) {
  (void)state;
  run_all(false, BT_STRATEGY_AUTO);
}

static void with_every_strategy(void **state) {
  (void)state;
  run_all(false, BT_STRATEGY_READ);
  run_all(false, BT_STRATEGY_ID_SETS);
  run_all(false, BT_STRATEGY_PROJECTION);
}

static bool explains(scene *s) {
  bt_explain_result result;
  bt_status status = bt_explain_run(&s->fake.source, &s->run.request, &result, &s->run.error);
  if (status == BT_OK) assert_int_equal(result.rules[0].chosen, BT_STRATEGY_READ);
  bool is_whole = status == BT_OK && result.is_probed;
  bt_explain_result_dispose(&result);
  return is_whole;
}

static void an_explanation(void **state) {
  (void)state;
  scene *s = make_scene(false);
  refuse_in_turn(s, explains);
  drop_scene(s);
}

/* A price that there is no memory for is left out. */
static void a_price_table(void **state) {
  (void)state;
  bt_price_table *prices = NULL;
  bt_error error = {0};
  bt_price one = {.replays = 1};
  bt_price_key key = {"t", "rule", "hash"};
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    failing_alloc_after(n);
    bt_status status = bt_price_table_new(4, &prices, &error);
    if (status == BT_OK) bt_price_table_add(prices, &key, &one);
    bt_price price = status == BT_OK ? bt_price_table_get(prices, &key) : (bt_price){0};
    was_refused = failing_alloc_stop();
    assert_true(price.replays == 1 || was_refused);
    bt_price_table_free(prices);
  }
}

/* What there is no memory to keep is compared again. */
static void a_table_of_trust(void **state) {
  (void)state;
  bt_trust *trust = NULL;
  bt_error error = {0};
  bt_trust_question question;
  bt_trust_news news = {.compared = 8, .agreed = 8};
  bt_str part = BT_STR("rule");
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    failing_alloc_after(n);
    bt_status status = bt_trust_new(4, &trust, &error);
    if (status == BT_OK) status = bt_trust_question_of(&part, 1, &question, &error);
    if (status == BT_OK) bt_trust_add(trust, &question, 0, &news);
    bt_trust_grant grant = status == BT_OK ? bt_trust_look(trust, &question, 0) : bt_trust_nothing();
    was_refused = failing_alloc_stop();
    assert_true(grant.compared == 8 || was_refused);
    assert_true(grant.is_calm);
    bt_trust_free(trust);
  }
}

static void with_trust(void **state) {
  (void)state;
  scene *s = make_scene(false);
  assert_int_equal(bt_trust_new(4, &s->run.request.trust, &s->run.error), BT_OK);
  refuse_in_turn(s, replays);
  bt_trust_free(s->run.request.trust);
  drop_scene(s);
}

static void over_files(void **state) {
  (void)state;
  run_all(true, BT_STRATEGY_AUTO);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(over_search),         cmocka_unit_test(over_files),
                                     cmocka_unit_test(with_every_strategy), cmocka_unit_test(an_explanation),
                                     cmocka_unit_test(a_price_table),       cmocka_unit_test(the_first_violation),
                                     cmocka_unit_test(a_table_of_trust),    cmocka_unit_test(with_trust)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
