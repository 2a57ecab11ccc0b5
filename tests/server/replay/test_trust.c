/* The arithmetic of trust: how many comparisons a replay still owes, for how long they count, at what rate more are
 * made, what a difference does, and that questions do not know of each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/replay/trust.h"

static const int64_t MINUTE_NS = INT64_C(60000000000), HOUR_NS = 60 * MINUTE_NS;

static bt_trust *make(size_t room) {
  bt_trust *trust = NULL;
  bt_error error = {0};
  assert_int_equal(bt_trust_new(room, &trust, &error), BT_OK);
  return trust;
}

static bt_trust_question question_of(const char *tenant, const char *rest) {
  bt_trust_question question;
  bt_error error = {0};
  bt_str parts[] = {bt_str_from(tenant), bt_str_from(rest)};
  assert_int_equal(bt_trust_question_of(parts, 2, &question, &error), BT_OK);
  return question;
}

static void add(bt_trust *trust, const bt_trust_question *question, int64_t now_ns, uint32_t agreed, uint32_t differed,
                double units) {
  bt_trust_news news = {.compared = agreed + differed, .agreed = agreed, .differed = differed, .units = units};
  bt_trust_add(trust, question, now_ns, &news);
}

static uint64_t wants(bt_trust *trust, const bt_trust_question *question, int64_t now_ns, uint64_t sample) {
  bt_trust_grant grant = bt_trust_look(trust, question, now_ns);
  return bt_trust_wants(&grant, sample);
}

static void what_was_compared_is_not_owed_again(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule");
  (void)state;
  assert_int_equal(wants(trust, &a, 0, 8), 8);
  assert_int_equal(wants(NULL, &a, 0, 8), 8);
  add(trust, &a, 0, 3, 0, 0);
  assert_int_equal(wants(trust, &a, 0, 8), 5);
  add(trust, &a, 0, 5, 0, 0);
  assert_int_equal(wants(trust, &a, 0, 8), 0);
  assert_int_equal(wants(trust, &a, 0, 27), 19); /* a larger sample sees smaller defects: the rest of it is owed */
  add(trust, &a, 0, 60, 0, 0);
  assert_int_equal(wants(trust, &a, 0, 50), 0);
  assert_int_equal(bt_trust_look(trust, &a, 0).compared, BT_TRUST_KEPT);
  bt_trust_free(trust);
}

static void a_comparison_counts_for_a_day(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule");
  (void)state;
  add(trust, &a, 0, 6, 0, 0);
  add(trust, &a, 10 * HOUR_NS, 4, 0, 0);
  bt_trust_grant grant = bt_trust_look(trust, &a, 24 * HOUR_NS);
  assert_int_equal(grant.compared, 10);
  assert_true(grant.oldest_ns == 24 * HOUR_NS && grant.newest_ns == 14 * HOUR_NS);
  grant = bt_trust_look(trust, &a, 24 * HOUR_NS + 1);
  assert_int_equal(grant.compared, 4);
  assert_true(grant.oldest_ns == 14 * HOUR_NS + 1);
  assert_int_equal(wants(trust, &a, 24 * HOUR_NS + 1, 8), 4);
  assert_int_equal(wants(trust, &a, 35 * HOUR_NS, 8), 8);
  bt_trust_free(trust);
}

static void what_a_probe_said_stays_for_an_hour(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule"), b = question_of("other", "rule");
  (void)state;
  assert_false(bt_trust_look(trust, &a, 0).spans.is_known);
  bt_trust_news news = {.spans = {true, true, 120}};
  bt_trust_add(trust, &a, MINUTE_NS, &news);
  add(trust, &a, 30 * MINUTE_NS, 8, 0, 0); /* of a replay that did not probe */
  bt_trust_grant grant = bt_trust_look(trust, &a, MINUTE_NS + HOUR_NS);
  assert_true(grant.spans.is_known && grant.spans.come_first && grant.spans.per_hour > 119);
  assert_false(bt_trust_look(trust, &a, MINUTE_NS + HOUR_NS + 1).spans.is_known);
  assert_false(bt_trust_look(trust, &b, MINUTE_NS).spans.is_known);
  news.spans.come_first = false;
  bt_trust_add(trust, &a, 3 * HOUR_NS, &news);
  grant = bt_trust_look(trust, &a, 3 * HOUR_NS);
  assert_true(grant.spans.is_known && !grant.spans.come_first);
  bt_trust_free(trust);
}

/* Of the last replay alone. */
static void what_was_subtracted_from_stays_for_an_hour(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule"), b = question_of("other", "rule");
  bt_trust_news news = {.subtracted_from = 300};
  (void)state;
  bt_trust_add(trust, &a, MINUTE_NS, &news);
  assert_int_equal(bt_trust_look(trust, &a, MINUTE_NS + HOUR_NS).subtracted_from, 300);
  assert_int_equal(bt_trust_look(trust, &a, MINUTE_NS + HOUR_NS + 1).subtracted_from, 0);
  assert_int_equal(bt_trust_look(trust, &b, MINUTE_NS).subtracted_from, 0);
  add(trust, &a, 2 * MINUTE_NS, 8, 0, 0);
  assert_int_equal(bt_trust_look(trust, &a, 2 * MINUTE_NS).subtracted_from, 0);
  bt_trust_free(trust);
}

/* The newest fifty are remembered, also where the ring has gone round. */
static void the_newest_are_remembered(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule");
  (void)state;
  for (int64_t hour = 0; hour < 20; hour++) add(trust, &a, hour * HOUR_NS, 7, 0, 0);
  bt_trust_grant grant = bt_trust_look(trust, &a, 20 * HOUR_NS);
  assert_int_equal(grant.compared, 50);
  assert_true(grant.newest_ns == HOUR_NS && grant.oldest_ns == 8 * HOUR_NS); /* 7 × 7 + 1 */
  bt_trust_free(trust);
}

/* Replays that owe nothing compare one twentieth of what they cost. */
static void further_ones_take_a_share_of_the_cost(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule");
  uint64_t compared = 0;
  (void)state;
  add(trust, &a, 0, 8, 0, 0);
  for (int i = 0; i < 1000; i++) {
    uint64_t due = wants(trust, &a, 0, 8);
    compared += due;
    add(trust, &a, 0, (uint32_t)due, 0, 400);
  }
  assert_in_range(compared, 1000 * 400 / 20 / BT_TRUST_BY_ID_UNITS - 1, 1000 * 400 / 20 / BT_TRUST_BY_ID_UNITS);
  bt_trust_free(trust);
}

/* What is saved has an end, and no replay compares more than a sample without trust has. */
static void a_quiet_time_is_followed_by_no_burst(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule");
  (void)state;
  add(trust, &a, 0, 50, 0, 0);
  for (int i = 0; i < 100; i++) add(trust, &a, 0, 0, 0, 10000);
  assert_int_equal(wants(trust, &a, 0, 50), 8);
  assert_int_equal(wants(trust, &a, 0, 2), 2);
  bt_trust_free(trust);
}

static void questions_do_not_know_of_each_other(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule"), b = question_of("other", "rule"), c = question_of("acme", "rul");
  bt_trust_question d = question_of("acmerule", ""), e = question_of("acme", "rule");
  (void)state;
  add(trust, &a, 0, 8, 0, 0);
  assert_int_equal(wants(trust, &b, 0, 8), 8);
  assert_int_equal(wants(trust, &c, 0, 8), 8);
  assert_int_equal(wants(trust, &d, 0, 8), 8);
  assert_int_equal(wants(trust, &e, 0, 8), 0);
  bt_trust_free(trust);
}

static void a_difference_begins_anew_everywhere(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule"), b = question_of("other", "rule");
  (void)state;
  add(trust, &a, 0, 30, 0, 0);
  add(trust, &b, 0, 30, 0, 0);
  add(trust, &a, MINUTE_NS, 29, 1, 1000);
  bt_trust_grant grant = bt_trust_look(trust, &a, MINUTE_NS);
  assert_int_equal(grant.compared, 0);
  assert_int_equal(grant.lacking, BT_TRUST_REASSURED);
  assert_false(grant.is_calm);
  grant = bt_trust_look(trust, &b, MINUTE_NS); /* it pays anew, and nothing is known against it */
  assert_int_equal(grant.compared, 0);
  assert_int_equal(grant.lacking, 0);
  assert_true(grant.is_calm);
  bt_trust_free(trust);
}

static void what_agrees_takes_the_doubt(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule");
  (void)state;
  add(trust, &a, 0, 0, 1, 0);
  add(trust, &a, 0, 5, 0, 0);
  assert_int_equal(bt_trust_look(trust, &a, 0).lacking, 3);
  add(trust, &a, 0, 3, 0, 0);
  assert_int_equal(bt_trust_look(trust, &a, 0).lacking, 0);
  assert_false(bt_trust_look(trust, &a, 0).is_calm);
  add(trust, &a, 0, 4, 1, 0); /* once more */
  assert_int_equal(bt_trust_look(trust, &a, 0).lacking, BT_TRUST_REASSURED);
  add(trust, &a, 0, BT_TRUST_CALM, 0, 0);
  assert_int_equal(bt_trust_look(trust, &a, 0).lacking, 0);
  assert_true(bt_trust_look(trust, &a, 0).is_calm);
  bt_trust_free(trust);
}

/* Where there is nothing to compare the doubt ends all the same, and the sample is owed in full. */
static void a_doubt_ends_after_an_hour(void **state) {
  bt_trust *trust = make(0);
  bt_trust_question a = question_of("acme", "rule");
  (void)state;
  add(trust, &a, 0, 8, 0, 0);
  add(trust, &a, 0, 0, 1, 0);
  assert_int_equal(bt_trust_look(trust, &a, HOUR_NS).lacking, BT_TRUST_REASSURED);
  assert_int_equal(bt_trust_look(trust, &a, HOUR_NS + 1).lacking, 0);
  assert_int_equal(wants(trust, &a, HOUR_NS + 1, 8), 8);
  bt_trust_free(trust);
}

static void what_was_added_to_longest_ago_is_forgotten(void **state) {
  bt_trust *trust = make(2);
  bt_trust_question a = question_of("acme", "a"), b = question_of("acme", "b"), c = question_of("acme", "c");
  (void)state;
  add(trust, &a, 0, 8, 0, 0);
  add(trust, &b, 0, 8, 0, 0);
  add(trust, &a, 0, 0, 0, 0);
  add(trust, &c, 0, 8, 0, 0);
  assert_int_equal(wants(trust, &a, 0, 8), 0);
  assert_int_equal(wants(trust, &b, 0, 8), 8);
  assert_int_equal(wants(trust, &c, 0, 8), 0);
  bt_trust_free(trust);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_compared_is_not_owed_again),
      cmocka_unit_test(a_comparison_counts_for_a_day),
      cmocka_unit_test(what_a_probe_said_stays_for_an_hour),
      cmocka_unit_test(what_was_subtracted_from_stays_for_an_hour),
      cmocka_unit_test(the_newest_are_remembered),
      cmocka_unit_test(further_ones_take_a_share_of_the_cost),
      cmocka_unit_test(a_quiet_time_is_followed_by_no_burst),
      cmocka_unit_test(questions_do_not_know_of_each_other),
      cmocka_unit_test(a_difference_begins_anew_everywhere),
      cmocka_unit_test(what_agrees_takes_the_doubt),
      cmocka_unit_test(a_doubt_ends_after_an_hour),
      cmocka_unit_test(what_was_added_to_longest_ago_is_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
