/* How long a receiver is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tempo/wire/usual_wait.h"

enum { LONGEST_MS = 30000 };

static void note_many(bt_usual_wait *wait, int count, int64_t took_ms) {
  for (int i = 0; i < count; i++) bt_usual_wait_note_answer(wait, took_ms);
}

static void follows_what_answers_take(void **state) {
  (void)state;
  bt_usual_wait wait = {0};
  int64_t unknown_ms = bt_usual_wait_ms(&wait, 0);
  note_many(&wait, 20, 20);
  int64_t quick_ms = bt_usual_wait_ms(&wait, 0);
  assert_true(quick_ms < unknown_ms && quick_ms >= 10 * 20);
  note_many(&wait, 20, 4000);
  int64_t slow_ms = bt_usual_wait_ms(&wait, 0);
  assert_true(slow_ms > 4000 && slow_ms < LONGEST_MS);
  note_many(&wait, 20, 100000);
  assert_int_equal(bt_usual_wait_ms(&wait, 0), LONGEST_MS);
}

static void answers_that_differ_are_waited_for_longer(void **state) {
  (void)state;
  bt_usual_wait even = {0}, uneven = {0};
  note_many(&even, 40, 2000);
  for (int i = 0; i < 20; i++) {
    note_many(&uneven, 1, 500);
    note_many(&uneven, 1, 3500);
  }
  assert_true(bt_usual_wait_ms(&uneven, 0) > bt_usual_wait_ms(&even, 0));
  assert_true(bt_usual_wait_ms(&uneven, 0) > 3500);
}

static void a_large_request_has_longer(void **state) {
  (void)state;
  bt_usual_wait wait = {0};
  note_many(&wait, 20, 20);
  assert_true(bt_usual_wait_ms(&wait, 10 << 20) > 5 * bt_usual_wait_ms(&wait, 1000));
}

/* The second try waits as long as the first: one request was lost. Then it is taken for a slow receiver. */
static void silence_after_silence_is_waited_for_longer(void **state) {
  (void)state;
  bt_usual_wait wait = {0};
  note_many(&wait, 20, 20);
  int64_t usual_ms = bt_usual_wait_ms(&wait, 0);
  bt_usual_wait_note_silence(&wait, 0, 1000);
  assert_int_equal(bt_usual_wait_ms(&wait, 0), usual_ms);
  bt_usual_wait_note_silence(&wait, 1000, 2000);
  assert_int_equal(bt_usual_wait_ms(&wait, 0), 2 * usual_ms);
  for (int64_t now_ms = 3000; now_ms < 100000; now_ms += 1000) bt_usual_wait_note_silence(&wait, now_ms, now_ms);
  assert_int_equal(bt_usual_wait_ms(&wait, 0), LONGEST_MS);
  bt_usual_wait_note_answer(&wait, 20);
  assert_true(bt_usual_wait_ms(&wait, 0) <= usual_ms + 1);
}

/* Five that hang at once are no receiver that became slower five times. */
static void silences_of_one_moment_count_once(void **state) {
  (void)state;
  bt_usual_wait wait = {0};
  note_many(&wait, 20, 20);
  int64_t usual_ms = bt_usual_wait_ms(&wait, 0);
  for (int i = 0; i < 5; i++) bt_usual_wait_note_silence(&wait, 100 + i, 1100 + i);
  assert_int_equal(bt_usual_wait_ms(&wait, 0), usual_ms);
}

/* From one moment to the next it takes 20 s: after some tries one is waited for, and then every one. */
static void a_receiver_that_becomes_slow_is_learned(void **state) {
  (void)state;
  bt_usual_wait wait = {0};
  int64_t now_ms = 0;
  int tries = 0;
  note_many(&wait, 50, 20);
  for (; bt_usual_wait_ms(&wait, 0) < 20000 && tries < 100; tries++) {
    int64_t sent_ms = now_ms;
    now_ms += bt_usual_wait_ms(&wait, 0);
    bt_usual_wait_note_silence(&wait, sent_ms, now_ms);
  }
  assert_in_range(tries, 2, 8);
  for (int i = 0; i < 20; i++) {
    assert_true(bt_usual_wait_ms(&wait, 0) > 20000);
    bt_usual_wait_note_answer(&wait, 20000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(follows_what_answers_take),         cmocka_unit_test(answers_that_differ_are_waited_for_longer),
      cmocka_unit_test(a_large_request_has_longer),        cmocka_unit_test(silence_after_silence_is_waited_for_longer),
      cmocka_unit_test(silences_of_one_moment_count_once), cmocka_unit_test(a_receiver_that_becomes_slow_is_learned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
