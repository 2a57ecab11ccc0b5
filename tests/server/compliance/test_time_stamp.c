/* Time stamps that were cut, changed in any byte, or meet no memory. Answers of all kinds come from a real authority in
 * tests/http/test_report_time_stamp.py; here is one answer of it to a query with the nonce 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/compliance/time_stamp.h"
#include "tests/support/failing_alloc.h"

static const char answer_file[] = "fuzz/corpus/time_stamp/answer"; /* tests run in tests/ */
static const char stamped[] = "betrace-report/1\n0000000000000000000000000000000000000000000000000000000000000000\n";

static char answer[4096];
static size_t answer_length;

static int set_up(void **state) {
  FILE *file = fopen(answer_file, "rb");
  (void)state;
  if (!file || fgetc(file) != 1) return 1; /* the first byte is the fuzzer's */
  answer_length = fread(answer, 1, sizeof answer, file);
  fclose(file);
  return answer_length < 500;
}

static bt_status take(bt_str bytes, uint64_t nonce, bt_buffer *token, bt_error *error) {
  bt_time_stamp_query query = {.nonce = nonce, .stamped = bt_str_from(stamped)};
  return bt_time_stamp_take(&query, bytes, token, error);
}

static bt_str whole(void) {
  return (bt_str){answer, answer_length};
}

static void test_it_is_the_answer_to_its_question_alone(void **state) {
  bt_buffer token = {0};
  bt_error error = {0};
  bt_time_stamp stamp;
  (void)state;
  assert_int_equal(take(whole(), 2, &token, &error), BT_INVALID);
  assert_int_equal(token.len, 0);
  assert_int_equal(take(whole(), 1, &token, &error), BT_OK);
  assert_int_equal(bt_time_stamp_check(bt_buffer_str(&token), BT_STR("another text"), NULL, &stamp, &error),
                   BT_INVALID);
  assert_int_equal(bt_time_stamp_check(bt_buffer_str(&token), bt_str_from(stamped), NULL, &stamp, &error), BT_OK);
  assert_string_equal(stamp.by, "CN=corpus stamps,O=BeTrace tests");
  assert_false(stamp.is_checked);
  bt_buffer_dispose(&token);
}

static void test_no_two_queries_are_alike(void **state) {
  bt_time_stamp_query one, other;
  bt_error error = {0};
  (void)state;
  assert_int_equal(bt_time_stamp_query_make(bt_str_from(stamped), &one, &error), BT_OK);
  assert_int_equal(bt_time_stamp_query_make(bt_str_from(stamped), &other, &error), BT_OK);
  assert_true(one.nonce != other.nonce);
  bt_time_stamp_query_dispose(&one);
  bt_time_stamp_query_dispose(&other);
}

static void test_every_cut_is_refused(void **state) {
  (void)state;
  for (size_t length = 0; length < answer_length; length++) {
    bt_buffer token = {0};
    bt_error error = {0};
    assert_int_equal(take((bt_str){answer, length}, 1, &token, &error), BT_INVALID);
    assert_int_equal(token.len, 0);
  }
}

/* What is left of a token whose byte was changed holds for the same text and the same time, or not at all. */
static void test_no_changed_byte_changes_what_it_says(void **state) {
  char changed[sizeof answer];
  size_t refused = 0;
  (void)state;
  for (size_t i = 0; i < answer_length; i++) {
    bt_buffer token = {0};
    bt_error error = {0};
    bt_time_stamp was, is;
    memcpy(changed, answer, answer_length);
    changed[i] ^= 1;
    bt_status status = take((bt_str){changed, answer_length}, 1, &token, &error);
    refused += status != BT_OK;
    if (!status && bt_time_stamp_check(bt_buffer_str(&token), bt_str_from(stamped), NULL, &is, &error) == BT_OK) {
      bt_buffer_clear(&token);
      assert_int_equal(take(whole(), 1, &token, &error), BT_OK);
      assert_int_equal(bt_time_stamp_check(bt_buffer_str(&token), bt_str_from(stamped), NULL, &was, &error), BT_OK);
      assert_true(was.time_ns == is.time_ns);
    }
    bt_buffer_dispose(&token);
  }
  assert_true(refused > answer_length / 3); /* the others are of the certificate, whose issuer nobody asked about */
}

static bt_status ask_and_take(bt_error *error) {
  bt_time_stamp_query query;
  bt_buffer token = {0};
  bt_status status = bt_time_stamp_query_make(bt_str_from(stamped), &query, error);
  if (!status) status = take(whole(), 1, &token, error);
  bt_time_stamp_query_dispose(&query);
  bt_buffer_dispose(&token);
  return status;
}

static void test_each_failure(void **state) {
  bool was_refused = true;
  (void)state;
  for (size_t n = 0; was_refused; n++) {
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = ask_and_take(&error);
    was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_it_is_the_answer_to_its_question_alone), cmocka_unit_test(test_no_two_queries_are_alike),
      cmocka_unit_test(test_every_cut_is_refused), cmocka_unit_test(test_no_changed_byte_changes_what_it_says),
      cmocka_unit_test(test_each_failure)};
  return cmocka_run_group_tests(tests, set_up, NULL);
}
