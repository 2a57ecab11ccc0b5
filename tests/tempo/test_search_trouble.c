/* Searches where Tempo stumbles, lags, hangs, is busy or down: what was not read is said, and the rest is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/tempo/scripted_tempo.h"
#include "tests/tempo/search_scene.h"

/* A pattern that meets an array is asked for as any string; where more than is meant does harm it is not. */
static void asks_in_another_way_where_tempo_stumbles(void **state) {
  fixture *f = *state;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  scripted.stumbles_over = "a.*";
  open_source(f, 100, 0); /* so that windows are divided too */
  assert_int_equal(search_pattern(f, true), BT_OK);
  assert_int_equal(check_nothing_is_lost(f), 300);
  assert_true(f->account.was_widened);
  assert_int_equal(f->account.failed_count, 0);
}

static void says_where_tempo_stumbles(void **state) {
  fixture *f = *state;
  static const char *const over[] = {"a.*", "span.k"}; /* what may not be widened, and what wider stumbles too */
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  open_source(f, 1000, 0);
  for (size_t i = 0; i < 2; i++) {
    bt_source_account_dispose(&f->account);
    scripted.stumbles_over = over[i];
    assert_int_equal(search_pattern(f, i == 1), BT_OK);
    assert_int_equal(f->account.failed_count, 1);
    assert_int_equal(f->account.requests, i + 1); /* it is no failure that passes */
    assert_non_null(strstr(f->account.failed[0].reason, "array"));
    assert_int_equal(check_nothing_is_lost(f), 0);
  }
}

static fault every_third(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  static const fault passing[] = {BUSY, DOWN, BROKEN, CUT, HALF_JSON};
  (void)start_s, (void)end_s;
  return tempo->requests % 3 == 0 ? passing[tempo->requests / 3 % 5] : NO_FAULT;
}

static void tries_again_what_passes(void **state) {
  fixture *f = *state;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(every_third);
  open_source(f, 60, 0);
  expect_all(f);
}

static fault down_in_one_place(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo;
  return start_s <= FIRST_S + 50 && end_s >= FIRST_S + 50 && end_s - start_s < 20 ? DOWN : NO_FAULT;
}

static void says_what_stays_down_and_reads_the_rest(void **state) {
  fixture *f = *state;
  add_random_traces(600, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(down_in_one_place);
  open_source(f, 70, 0);
  assert_int_equal(search(f), BT_OK);
  size_t found = check_nothing_is_lost(f);
  assert_true(found < scripted.count);
  assert_true(found > scripted.count / 2);
  assert_true(f->account.failed_count >= 1);
  assert_non_null(strstr(f->account.failed[0].reason, "503"));
}

static fault broken_in_one_place(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo;
  return start_s <= FIRST_S + 600 && end_s >= FIRST_S + 600 ? BROKEN : NO_FAULT;
}

/* A block that cannot be read fails each question about its time. The others are answered, and what came late in them
 * is found: the parts overlap. */
static void answers_for_what_tempo_can_answer(void **state) {
  enum { LATE_S = 300, UNREAD_S = 900 };
  fixture *f = *state;
  bt_search_request request = request_all();
  for (int64_t at_s = 2; at_s < HOUR_S - LATE_S - 2; at_s++) {
    add_random_traces(1, FIRST_S + at_s, 0, "");
    if (at_s % 3 == 0) scripted.traces[scripted.count - 1].arrived_s = FIRST_S + at_s + at_s % LATE_S;
  }
  answer_with(broken_in_one_place);
  request.range.end_ns = (FIRST_S + HOUR_S) * second_ns;
  request.late_ns = LATE_S * second_ns;
  open_source(f, 0, 0);
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  for (size_t i = 0; i < scripted.count; i++)
    if (scripted.traces[i].start_s >= FIRST_S + UNREAD_S)
      assert_non_null(bt_found_list_get(&f->found, &scripted.traces[i].id));
  assert_true(f->account.failed_count >= 1);
  for (size_t i = 0; i < f->account.failed_count; i++)
    assert_true(f->account.failed[i].range.end_ns <= (FIRST_S + UNREAD_S + 1) * second_ns);
}

static void expect_all_unread(fixture *f, const char *reason) {
  assert_int_equal(search(f), BT_OK);
  assert_int_equal(check_nothing_is_lost(f), 0);
  assert_int_equal(f->found.count, 0);
  assert_int_equal(f->account.failed_count, 1);
  assert_non_null(strstr(f->account.failed[0].reason, reason));
}

static void does_not_divide_what_is_refused_for_its_length(void **state) {
  fixture *f = *state;
  add_random_traces(30, FIRST_S + 2, SPAN_S - 6, "");
  scripted.choose = NULL;
  scripted.longest_query = 1;
  open_source(f, 0, 0);
  expect_all_unread(f, "414");
  assert_int_equal(request_count(), 1); /* no part of it is shorter */
}

static fault always_html(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return HTML;
}

static fault always_down(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return DOWN;
}

static fault always_hang(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return HANG;
}

static fault always_endless(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return ENDLESS;
}

static void refuses_html_at_once(void **state) {
  fixture *f = *state;
  add_random_traces(30, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(always_html);
  open_source(f, 0, 0);
  expect_all_unread(f, "neither JSON nor protobuf");
  assert_int_equal(request_count(), 1);
}

static void does_not_divide_what_has_no_end(void **state) {
  fixture *f = *state;
  answer_with(always_endless);
  open_source(f, 0, 0);
  assert_int_equal(search(f), BT_OK);
  assert_non_null(strstr(f->account.failed[0].reason, "go on past 64 MiB"));
  assert_true(request_count() <= 12);
}

static void gives_up_on_a_tempo_that_is_down(void **state) {
  fixture *f = *state;
  add_random_traces(30, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(always_down);
  open_source(f, 0, 0);
  expect_all_unread(f, "503");
  assert_int_equal(request_count(), 4);
}

static void asks_a_tempo_that_hangs_once(void **state) {
  fixture *f = *state;
  add_random_traces(30, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(always_hang);
  open_source(f, 0, 300);
  expect_all_unread(f, "300 ms");
  assert_int_equal(request_count(), 1);
}

static fault lags_for_a_while(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)start_s, (void)end_s;
  return tempo->requests <= 5 ? LAGS : NO_FAULT;
}

static fault always_lags(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return LAGS;
}

/* Longer than what passes otherwise: four attempts would not have been enough. */
static void waits_for_a_live_store_that_lags(void **state) {
  fixture *f = *state;
  add_random_traces(30, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(lags_for_a_while);
  open_source(f, 0, 0);
  expect_all(f);
  assert_int_equal(request_count(), 6);
}

/* It is named, and who asks next does not wait as long for the same. */
static void says_that_a_live_store_lags(void **state) {
  fixture *f = *state;
  add_random_traces(30, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(always_lags);
  open_source(f, 0, 0);
  expect_all_unread(f, "live store lags");
  assert_non_null(strstr(f->account.failed[0].reason, "try again in a minute"));
  assert_null(strstr(f->account.failed[0].reason, "500"));
  assert_int_equal(request_count(), 6);
  bt_source_account_dispose(&f->account);
  expect_all_unread(f, "live store lags");
  assert_int_equal(request_count(), 6 + 4);
}

static void *cancel_soon(void *context) {
  struct timespec wait = {.tv_nsec = 100000000};
  nanosleep(&wait, NULL);
  atomic_store(&((bt_cancel *)context)->requested, true);
  return NULL;
}

static fault always_busy(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return BUSY;
}

/* Cancelled in a request that hangs, and in the pause before another attempt. */
static void is_cancelled_anywhere(void **state) {
  fixture *f = *state;
  fault (*const places[])(fake_tempo *, int64_t, int64_t) = {always_hang, always_busy};
  open_source(f, 0, 0);
  for (size_t i = 0; i < 2; i++) {
    answer_with(places[i]);
    bt_cancel cancel = {false};
    bt_search_request request = request_all();
    request.cancel = &cancel;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_CANCELLED);
    pthread_join(thread, NULL);
  }
}

static fault at_random(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)start_s, (void)end_s;
  if (scripted_random() % 100 >= tempo->chance) return NO_FAULT;
  static const fault any[] = {DOWN, BROKEN, CUT, HALF_JSON, HTML};
  return any[scripted_random() % (sizeof any / sizeof any[0])];
}

static void loses_nothing_whatever_happens(void **state) {
  fixture *f = *state;
  open_source(f, 40, 0);
  for (unsigned seed = 1; seed <= 12; seed++) {
    scripted.random = seed * 7919;
    scripted.count = 0;
    answer_with(at_random);
    scripted.chance = seed * 4;
    add_random_traces(200, FIRST_S + 2, SPAN_S - 6, "");
    add_random_traces(100, FIRST_S + 33, 0, "");
    assert_int_equal(search(f), BT_OK);
    (void)check_nothing_is_lost(f);
    bt_found_list_dispose(&f->found);
    bt_source_account_dispose(&f->account);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(does_not_divide_what_has_no_end),
      TEST(tries_again_what_passes),
      TEST(says_what_stays_down_and_reads_the_rest),
      TEST(waits_for_a_live_store_that_lags),
      TEST(says_that_a_live_store_lags),
      TEST(answers_for_what_tempo_can_answer),
      TEST(does_not_divide_what_is_refused_for_its_length),
      TEST(refuses_html_at_once),
      TEST(gives_up_on_a_tempo_that_is_down),
      TEST(asks_a_tempo_that_hangs_once),
      TEST(asks_in_another_way_where_tempo_stumbles),
      TEST(says_where_tempo_stumbles),
      TEST(is_cancelled_anywhere),
      TEST(loses_nothing_whatever_happens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
