/* What two replays say of one rule (server/cli/lab/program_change.h): which verdicts change, and what is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/cli/lab/program_answer.h"
#include "server/cli/lab/program_change.h"

typedef struct replay_says {
  const char *status, *violating;          /* last digits of the ids of traces; upper case: not settled */
  int violations, inconclusive, evaluated; /* violations -1: as many as are listed */
} replay_says;

static void write_violations(const char *violating, bt_buffer *out) {
  for (const char *at = violating; *at; at++) {
    bool is_open = *at >= 'A' && *at <= 'F';
    bt_buffer_printf(out, "%s{\"rule_id\": \"r\", \"trace_id\": \"%031d%c\", \"message\": \"m\", \"provisional\": %s}",
                     at == violating ? "" : ", ", 0, is_open ? *at - 'A' + 'a' : *at, is_open ? "true" : "false");
  }
}

static void read_replay(const replay_says *says, bt_program_answer *out) {
  static const char *const ids[] = {"r"};
  bt_error error;
  bt_buffer text = {0};
  int violations = says->violations < 0 ? (int)strlen(says->violating) : says->violations;
  bt_buffer_printf(&text,
                   "{\"status\": \"%s\", \"reason\": \"partial_data\", \"rules\": [{\"rule_id\": \"r\", "
                   "\"violations_found\": %d, \"inconclusive\": %d, \"traces_evaluated\": %d, "
                   "\"traces_evaluated_kind\": \"exact\", \"traces_exercised\": 5}], \"violations\": [",
                   says->status, violations, says->inconclusive, says->evaluated);
  write_violations(says->violating, &text);
  bt_buffer_append(&text, BT_STR("]}\n"));
  assert_int_equal(bt_program_answer_init(out, ids, 1, &error), BT_OK);
  for (size_t i = 0; i < text.len; i++) bt_program_answer_take_replay(out, (bt_str){text.ptr + i, 1});
  bt_program_answer_end_replay(out);
  assert_int_equal(out->problem.len, 0);
  bt_buffer_dispose(&text);
}

/* "2 +1 -1 u0 | why": verdicts that change, newly and no longer violated, unlisted ones, and what is not known. */
static void check(replay_says before, replay_says after, const char *expected) {
  bt_program_answer answers[2];
  bt_program_change change;
  bt_error error;
  bt_buffer got = {0};
  read_replay(&before, &answers[0]);
  read_replay(&after, &answers[1]);
  bt_two_answers two = {{&answers[0], &answers[1]}, {"old", "new"}, true};
  assert_int_equal(bt_program_change_find(&two, 0, &change, &error), BT_OK);
  bt_buffer_printf(&got, "%d +%zu -%zu u%d | %.*s", (int)bt_program_change_total(&change), change.newly_violated,
                   change.no_longer_violated, (int)change.unlisted, BT_FMT(bt_buffer_str(&change.not_known)));
  assert_string_equal(got.ptr, expected);
  bt_buffer_dispose(&got);
  bt_program_change_dispose(&change);
  bt_program_answer_dispose(&answers[0]);
  bt_program_answer_dispose(&answers[1]);
}

#define DONE(violating, inconclusive) ((replay_says){"completed", violating, -1, inconclusive, 9})
#define OPEN(violating)               ((replay_says){"incomplete", violating, -1, 0, 9})

static void test_completed_replays_say_all(void **state) {
  (void)state;
  check(DONE("", 0), DONE("", 0), "0 +0 -0 u0 | ");
  check(DONE("123", 0), DONE("321", 0), "0 +0 -0 u0 | ");
  check(DONE("12", 0), DONE("23", 0), "2 +1 -1 u0 | ");
}

static void test_inconclusive_ones_are_counted(void **state) {
  (void)state;
  check(DONE("1", 0), DONE("1", 2), "2 +0 -0 u2 | ");
  check(DONE("12", 0), DONE("1", 2), "2 +0 -1 u1 | ");
  check(DONE("1", 3), DONE("123", 0), "3 +2 -0 u1 | ");
  check(DONE("1", 1), DONE("1", 1),
        "0 +0 -0 u0 | both leave 1 trace open, and a replay does not say which (a file of traces does)");
}

static void test_what_was_not_completed_says_nothing_of_others(void **state) {
  (void)state;
  check(OPEN(""), DONE("", 0), "0 +0 -0 u0 | the replay of old was not completed: partial_data");
  check(DONE("1", 0), OPEN(""),
        "0 +0 -0 u0 | the replay of new was not completed: partial_data; old alone speaks of 1 trace");
  check(OPEN("1"), OPEN("1"),
        "0 +0 -0 u0 | the replay of old was not completed: partial_data; the replay of new was not completed: "
        "partial_data");
  check(DONE("1", 0), OPEN("12"), "1 +1 -0 u0 | the replay of new was not completed: partial_data");
}

static void test_what_was_not_settled_may_have_changed_itself(void **state) {
  (void)state;
  check(DONE("1", 0), DONE("1B", 0), "0 +0 -0 u0 | 1 violation of one program was not settled yet when it looked");
}

static void test_numbers_that_do_not_agree(void **state) {
  (void)state;
  check(DONE("1", 0), (replay_says){"completed", "", -1, 0, 8},
        "0 +0 -0 u0 | old alone speaks of 1 trace; old judged 9 traces and new 8");
  check((replay_says){"completed", "1", 2, 0, 9}, DONE("1", 0), "0 +0 -0 u0 | old counts 2 violations and lists 1");
}

static void test_a_rule_that_is_not_there(void **state) {
  static const char *const ids[] = {"r", "s"};
  static const char text[] = "{\"status\": \"completed\", \"rules\": [], \"violations\": []}";
  bt_program_answer answer;
  bt_program_change change;
  bt_error error;
  (void)state;
  assert_int_equal(bt_program_answer_init(&answer, ids, 2, &error), BT_OK);
  bt_program_answer_take_replay(&answer, BT_STR(text));
  bt_program_answer_end_replay(&answer);
  bt_two_answers two = {{&answer, &answer}, {"old", "new"}, true};
  assert_int_equal(bt_program_change_find(&two, 1, &change, &error), BT_OK);
  assert_string_equal(change.not_known.ptr, "old does not speak of this rule; new does not speak of this rule");
  bt_program_change_dispose(&change);
  bt_program_answer_dispose(&answer);
}

static void test_answers_of_a_replay_that_cannot_be_read(void **state) {
  static const char *const ids[] = {"r"};
  static const char *const texts[] = {
      "",
      "{",
      "[]",
      "{\"status\": \"completed\"}",
      "{\"status\": \"completed\", \"violations\": [], \"rules\": [{\"rule_id\": \"r\"}]}",
      "{\"status\": \"completed\", \"violations\": [], \"rules\": [{\"rule_id\": \"x\"}]}",
      "{\"status\": \"completed\", \"violations\": [{}], \"rules\": []}"};
  bt_error error;
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bt_program_answer answer;
    assert_int_equal(bt_program_answer_init(&answer, ids, 1, &error), BT_OK);
    bt_program_answer_take_replay(&answer, bt_str_from(texts[i]));
    bt_program_answer_end_replay(&answer);
    assert_true(answer.problem.len > 0);
    bt_program_answer_dispose(&answer);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_completed_replays_say_all),
                                     cmocka_unit_test(test_inconclusive_ones_are_counted),
                                     cmocka_unit_test(test_what_was_not_completed_says_nothing_of_others),
                                     cmocka_unit_test(test_what_was_not_settled_may_have_changed_itself),
                                     cmocka_unit_test(test_numbers_that_do_not_agree),
                                     cmocka_unit_test(test_a_rule_that_is_not_there),
                                     cmocka_unit_test(test_answers_of_a_replay_that_cannot_be_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
