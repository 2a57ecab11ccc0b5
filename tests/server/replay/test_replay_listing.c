/* What the listing of all traces is held against: what filters found that it lacks or had not yet, and where a trace
 * belongs then; and what is said of questions that were never asked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "server/replay/questions.h"
#include "tests/server/replay/replay_scene.h"
#include "tests/support/asked.h"

static void add_slow(scene *s, uint64_t number) {
  fake_span_add(fake_add(&s->fake, number), "slow", NOON_NS + MINUTE_NS);
}

static void a_candidate_that_the_listing_lacks_is_named(void **state) {
  scene *s = *state;
  add_slow(s, 1);
  add_slow(s, 2);
  fake_find(&s->fake, 2)->not_listed = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_int_equal(rule->violations_found, 2);
  assert_non_null(strstr(s->run.result.coverage.windows_failed[0].reason, "00000000000000000000000000000002"));
}

/* A trace that became searchable while the questions were asked is no failure: the listing of its time has it. */
static void a_trace_that_arrives_between_the_questions_is_no_failure(void **state) {
  scene *s = *state;
  add_slow(s, 1);
  add_slow(s, 2);
  fake_find(&s->fake, 2)->listed_from = 2;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 2);
  assert_int_equal(rule->traces_evaluated, 2);
  assert_true(rule->evaluated_is_exact);
}

/* A trace of which the listing has the children, after the window, and the filter the root, in it. */
static fake_trace *add_root_that_is_listed_late(scene *s, unsigned listed_from) {
  fake_trace *trace = fake_add(&s->fake, 1);
  fake_span_add(trace, "web", NOON_NS + 61 * MINUTE_NS);
  fake_span_add(trace, "slow", NOON_NS + 59 * MINUTE_NS)->fragment = 1;
  trace->late_fragment = 1;
  trace->late_listed_from = listed_from;
  return trace;
}

static void a_root_that_arrives_between_the_questions_is_judged(void **state) {
  scene *s = *state;
  add_root_that_is_listed_late(s, 2);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 1);
  assert_int_equal(rule->traces_evaluated, 1);
  assert_true(rule->evaluated_is_exact);
  assert_int_equal(s->fake.listings, 2);
}

static void a_root_that_the_listing_lacks_is_judged_and_named(void **state) {
  scene *s = *state;
  add_root_that_is_listed_late(s, 99);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  assert_int_equal(scene_go(s)->violations_found, 1);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed");
  assert_non_null(strstr(s->run.result.coverage.windows_failed[0].reason, "00000000000000000000000000000001"));
}

/* Beside a span at time 0 a row has the bounds of the few spans that it shows. */
static void a_listing_in_doubt_lacks_no_beginning(void **state) {
  scene *s = *state;
  add_root_that_is_listed_late(s, 99)->listed_in_doubt = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  assert_int_equal(scene_go(s)->violations_found, 1);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
}

/* Where the bounds do not tell, the whole trace does: this one lies before the window. */
static void a_trace_without_sure_bounds_is_placed_by_its_spans(void **state) {
  scene *s = *state;
  fake_trace *trace = fake_add(&s->fake, 1);
  fake_span_add(trace, "web", NOON_NS - 2 * MINUTE_NS)->only_by_id = true;
  fake_span_add(trace, "web", NOON_NS + 2 * MINUTE_NS);
  fake_span_add(trace, "slow", NOON_NS + MINUTE_NS)->fragment = 1;
  trace->late_fragment = 1;
  trace->late_listed_from = 99;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  assert_int_equal(scene_go(s)->violations_found, 0);
  assert_int_equal(trace->batch_reads + trace->by_id_reads > 0, 1);
}

/* After the question that found the source gone nothing more is asked, and its reason is theirs. */
static void what_is_skipped_says_why(void **state) {
  scene *s = *state;
  bt_replay_plan plan = {.request = s->run.request, .search_range = s->run.request.range};
  bt_trace_table table = {.plan = &plan};
  bt_replay_account account = {.result = &s->run.result};
  bt_questions questions = {.source = &s->fake.source, .plan = &plan, .table = &table, .account = &account};
  const bt_query queries[] = {bt_query_all(), asked_name("a"), asked_name("b")};
  bt_error error = {0};
  s->fake.fail_filter = "\"a\"";
  s->fake.fail_status = BT_UNAVAILABLE;
  bt_questions_open(&questions);
  for (size_t i = 0, index; i < 3; i++) {
    assert_int_equal(bt_questions_add(&questions, queries[i], true, &index, &error), BT_OK);
    questions.items[index]->is_asked = true;
  }
  assert_int_equal(bt_questions_gather(&questions, &error), BT_OK);
  assert_false(questions.items[1]->is_skipped);
  assert_true(questions.items[2]->is_skipped && questions.items[BT_QUESTION_ALL]->is_skipped);
  assert_true(questions.source_lost);
  assert_string_equal(questions.lost_reason, "the source does not answer");
  assert_int_equal(s->run.result.coverage.windows_failed_count, 1);
  bt_questions_dispose(&questions);
  bt_trace_table_dispose(&table);
}

/* Of more traces than it may have it would say that there are more, as one that is asked for does. */
static void a_listing_that_is_sure_to_exceed_is_not_asked_for(void **state) {
  scene *s = *state;
  for (uint64_t i = 1; i <= 6; i++) add_slow(s, i);
  for (size_t most = 5; most <= 6; most++) {
    bt_replay_plan plan = {.request = s->run.request, .search_range = s->run.request.range};
    bt_trace_table table = {.plan = &plan};
    bt_replay_account account = {.result = &s->run.result};
    bt_questions questions = {.source = &s->fake.source, .plan = &plan, .table = &table, .account = &account};
    const bt_query queries[] = {bt_query_all(), asked_name("slow")};
    bt_error error = {0};
    unsigned before = s->fake.listings;
    bt_questions_open(&questions);
    for (size_t i = 0, index; i < 2; i++) {
      assert_int_equal(bt_questions_add(&questions, queries[i], true, &index, &error), BT_OK);
      questions.items[index]->is_asked = true;
    }
    questions.items[BT_QUESTION_ALL]->max_found = most;
    assert_int_equal(bt_questions_gather(&questions, &error), BT_OK);
    assert_int_equal(s->fake.listings - before, most == 5 ? 0 : 1);
    assert_int_equal(questions.items[BT_QUESTION_ALL]->is_exceeded, most == 5);
    assert_int_equal(table.is_listed, most == 6);
    assert_int_equal(table.count, 6);
    bt_questions_dispose(&questions);
    bt_trace_table_dispose(&table);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(a_candidate_that_the_listing_lacks_is_named),
      SCENE(a_trace_that_arrives_between_the_questions_is_no_failure),
      SCENE(a_root_that_arrives_between_the_questions_is_judged),
      SCENE(a_root_that_the_listing_lacks_is_judged_and_named),
      SCENE(a_listing_in_doubt_lacks_no_beginning),
      SCENE(a_trace_without_sure_bounds_is_placed_by_its_spans),
      SCENE(what_is_skipped_says_why),
      SCENE(a_listing_that_is_sure_to_exceed_is_not_asked_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
