/* Exhaustive search against a scripted Tempo that cuts its answers at the limit, shuffles them, refuses, breaks off and
 * lies. The property that all of it is about: a trace of the range is found, or a failed window covers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tempo/api/tempo_call.h"
#include "tempo/api/tempo_source.h"
#include "tests/tempo/scripted_tempo.h"

enum { FIRST_S = 1700000000, SPAN_S = 200, HOUR_S = 3600 };
static const int64_t second_ns = 1000000000;

/* --- fixtures --- */

static size_t request_count(void) {
  pthread_mutex_lock(&scripted.mutex);
  size_t count = scripted.requests;
  pthread_mutex_unlock(&scripted.mutex);
  return count;
}

static void answer_with(fault (*choose)(fake_tempo *, int64_t, int64_t)) {
  pthread_mutex_lock(&scripted.mutex);
  scripted.choose = choose;
  pthread_mutex_unlock(&scripted.mutex);
}

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
  bt_found_list found;
  bt_source_account account;
  bt_error error;
} fixture;

static int set_up(void **state) {
  static fixture f;
  f = (fixture){0};
  scripted = (fake_tempo){.random = 1};
  pthread_mutex_init(&scripted.mutex, NULL);
  f.server = fake_server_start(scripted_answer, NULL);
  bt_http_options options = {.concurrency = 2};
  *state = &f;
  return f.server && bt_http_client_new(&options, &f.client, &f.error) == BT_OK ? 0 : -1;
}

static void open_source(fixture *f, uint32_t limit, int64_t timeout_ms) {
  bt_tempo_options options = {
      .url = fake_server_url(f->server), .search_limit = limit, .timeout_ms = timeout_ms, .pause_ms = 5};
  assert_int_equal(bt_tempo_source_new(f->client, &options, &f->source, &f->error), BT_OK);
}

static int tear_down(void **state) {
  fixture *f = *state;
  bt_source_free(f->source);
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  bt_found_list_dispose(&f->found);
  bt_source_account_dispose(&f->account);
  pthread_mutex_destroy(&scripted.mutex);
  return 0;
}

static void add_trace(const char *hex, int64_t start_s, int64_t end_s) {
  fake_trace *trace = &scripted.traces[scripted.count++];
  assert_true(bt_trace_id_parse(bt_str_from(hex), &trace->id));
  trace->start_s = start_s;
  trace->end_s = end_s;
}

static void add_random_traces(size_t count, int64_t start_s, int64_t spread_s, const char *prefix) {
  for (size_t i = 0; i < count; i++) {
    char hex[64];
    snprintf(hex, sizeof hex, "%s%08llx%08zx", prefix, (unsigned long long)scripted_random(), scripted.count);
    int64_t at_s = start_s + (spread_s ? (int64_t)(scripted_random() % (uint64_t)spread_s) : 0);
    add_trace(hex, at_s, at_s + (int64_t)(scripted_random() % 3));
  }
}

/* Half a second in, so that bounds are not whole seconds. */
static bt_search_request request_all(void) {
  return (bt_search_request){
      .filter = BT_STR("{}"),
      .range = {FIRST_S * second_ns + second_ns / 2, (FIRST_S + SPAN_S) * second_ns - second_ns / 2}};
}

static bt_status search(fixture *f) {
  bt_search_request request = request_all();
  return bt_source_search(f->source, &request, &f->found, &f->account, &f->error);
}

static bool is_said_to_be_unread(const fixture *f, const fake_trace *trace) {
  for (size_t i = 0; i < f->account.failed_count; i++) {
    const bt_time_range *range = &f->account.failed[i].range;
    if (trace->start_s * second_ns <= range->end_ns && trace->end_s * second_ns >= range->start_ns) return true;
  }
  return false;
}

/* The property; returns how many were found. */
static size_t check_nothing_is_lost(const fixture *f) {
  size_t found = 0;
  bt_search_request request = request_all();
  for (size_t i = 0; i < scripted.count; i++) {
    const fake_trace *trace = &scripted.traces[i];
    bool is_in_range =
        trace->start_s * second_ns < request.range.end_ns && trace->end_s * second_ns >= request.range.start_ns;
    bool is_found = bt_found_list_get(&f->found, &trace->id) != NULL;
    found += is_found;
    if (is_in_range && !is_found && !is_said_to_be_unread(f, trace))
      fail_msg("trace %zu is neither found nor said to be unread", i);
  }
  assert_int_equal(f->found.count, found); /* none twice, none that there is not */
  for (size_t i = 0; i < f->account.failed_count; i++) {
    assert_true(f->account.failed[i].range.start_ns >= request.range.start_ns);
    assert_true(f->account.failed[i].range.end_ns <= request.range.end_ns);
    assert_true(f->account.failed[i].range.start_ns < f->account.failed[i].range.end_ns);
    assert_true(f->account.failed[i].reason[0]);
    assert_null(strstr(f->account.failed[i].reason, "10.0.0.1"));
  }
  return found;
}

static void expect_all(fixture *f) {
  assert_int_equal(search(f), BT_OK);
  assert_int_equal(f->account.failed_count, 0);
  assert_int_equal(check_nothing_is_lost(f), scripted.count);
}

/* --- tests --- */

static bt_status search_pattern(fixture *f, bool may_widen) {
  bt_search_request request = request_all();
  request.filter = BT_STR("{ span.k =~ \"a.*\" }");
  request.may_widen = may_widen;
  return bt_source_search(f->source, &request, &f->found, &f->account, &f->error);
}

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

/* A burst of 1,500 traces in one second, half of them with one beginning of their ids, and ids that are prefixes of
 * each other. */
static void add_burst(void) {
  int64_t burst_s = FIRST_S + 77;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  add_random_traces(700, burst_s, 0, "");
  add_random_traces(700, burst_s, 0, "a1");
  add_random_traces(60, burst_s, 0, "a100");
  static const char *const nested[] = {"1",  "10",  "100",  "1000",  "10000", "10000000",
                                       "a1", "a10", "a100", "a1000", "f",     "ff"};
  for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++) add_trace(nested[i], burst_s, burst_s);
}

static void splits_until_nothing_is_cut(void **state) {
  fixture *f = *state;
  add_burst();
  open_source(f, 100, 0);
  expect_all(f);
  assert_int_equal(f->account.requests, request_count());
  assert_int_equal(f->account.bytes_inspected, 100 * request_count());
}

static void expect_all_of_an_hour(fixture *f) {
  bt_search_request request = request_all();
  request.range.end_ns = (FIRST_S + HOUR_S) * second_ns;
  open_source(f, 100, 0);
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  assert_int_equal(f->account.failed_count, 0);
  assert_int_equal(f->found.count, scripted.count);
}

/* Many times what an answer may hold: the density of what was answered says how to cut the rest, so that few answers
 * are full and thrown away. */
static void cuts_before_it_asks(void **state) {
  for (int64_t at_s = 2; at_s < HOUR_S - 2; at_s++) add_random_traces(1, FIRST_S + at_s, 0, "");
  expect_all_of_an_hour(*state);
  assert_true(scripted.full >= 1 && scripted.full <= 6); /* halves alone: 63 */
  assert_true(request_count() <= 80);
}

static void splits_what_is_too_large(void **state) {
  fixture *f = *state;
  add_burst();
  scripted.largest_rows = 90;
  open_source(f, 0, 0);
  expect_all(f);
}

/* Most of the range is still to come, and the present is dense. From 2.10 on Tempo answers a question about the future
 * as one about the last hour, and refuses one that begins in its second: neither may be asked. */
static void asks_nothing_of_the_future_alone(void **state) {
  fixture *f = *state;
  int64_t now_s = time(NULL);
  scripted.newest_s = now_s;
  add_random_traces(3000, now_s - 600, 590, "");
  add_random_traces(40, now_s - 1, 1, "");
  open_source(f, 100, 0);
  bt_search_request request = {.filter = BT_STR("{}"), .range = {(now_s - 600) * second_ns, now_s * second_ns}};
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  size_t alone = request_count();
  f->found.count = 0;
  request.range.end_ns = (now_s + 3600) * second_ns;
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  assert_int_equal(f->account.failed_count, 0);
  assert_int_equal(f->found.count, 3040);
  assert_true(request_count() - alone <= 2 * alone);
}

static void learns_the_longest_range(void **state) {
  fixture *f = *state;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  scripted.longest_s = 60;
  open_source(f, 0, 0);
  expect_all(f);
  assert_int_equal(request_count(), 1 + 4);
}

/* A proxy that refuses every range in Tempo's words, without a number: a month has 2.6 million slices of a second. They
 * are neither made nor listed. */
static long peak_kib(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

static void gives_up_where_no_range_is_short_enough(void **state) {
  fixture *f = *state;
  long before_kib = peak_kib();
  scripted.names_no_range = true;
  open_source(f, 0, 0);
  bt_search_request request = request_all();
  request.range.end_ns = request.range.start_ns + 30 * 86400 * second_ns;
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  size_t first_requests = request_count();
  bt_source_account_dispose(&f->account);
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error),
                   BT_OK); /* a second is the most */
  assert_true(first_requests < 200 && request_count() < 400);
  assert_true(peak_kib() - before_kib < 32 * 1024);
  assert_in_range(f->account.failed_count, 1, 200);
  int64_t first_ns = INT64_MAX, covered_ns = 0; /* all of it is said to be unread */
  for (size_t i = 0; i < f->account.failed_count; i++) {
    const bt_time_range *range = &f->account.failed[i].range;
    covered_ns += range->end_ns - range->start_ns;
    if (range->start_ns < first_ns) first_ns = range->start_ns;
  }
  assert_true(first_ns == request.range.start_ns);
  assert_true(covered_ns >= request.range.end_ns - request.range.start_ns);
}

static void learns_the_highest_limit(void **state) {
  fixture *f = *state;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  scripted.most_limit = 30;
  open_source(f, 1000, 0);
  expect_all(f);
}

/* Two windows are under way when the first refusal comes: the second one's says the same, and must not count as
 * another. */
static void learns_once_from_what_was_under_way(void **state) {
  fixture *f = *state;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  scripted.longest_s = 60;
  scripted.most_limit = 30;
  open_source(f, 1000, 0);
  expect_all(f);
  const bt_tempo *tempo = (const bt_tempo *)f->source;
  assert_int_equal(atomic_load(&tempo->search_limit), 30);
  assert_int_equal(atomic_load(&tempo->max_range_s), 60);
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

static fault always_full(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return ALWAYS_FULL;
}

static fault always_endless(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return ENDLESS;
}

static void expect_all_unread(fixture *f, const char *reason) {
  assert_int_equal(search(f), BT_OK);
  assert_int_equal(check_nothing_is_lost(f), 0);
  assert_int_equal(f->found.count, 0);
  assert_int_equal(f->account.failed_count, 1);
  assert_non_null(strstr(f->account.failed[0].reason, reason));
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

/* A server whose every answer is full: it ends, and says that all of it is unread. */
static void ends_when_every_answer_is_full(void **state) {
  fixture *f = *state;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(always_full);
  open_source(f, 3, 0);
  assert_int_equal(search(f), BT_OK);
  assert_int_equal(f->found.count, 0);
  assert_int_equal(check_nothing_is_lost(f), 0);
  assert_true(request_count() < 1000);
}

static fault repeated(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return REPEATED;
}

/* Splitting would go on down to the last digit of each id. */
static void does_not_split_what_is_full_of_the_same(void **state) {
  fixture *f = *state;
  add_random_traces(60, FIRST_S + 2, SPAN_S - 6, "");
  answer_with(repeated);
  open_source(f, 100, 0);
  assert_int_equal(search(f), BT_OK);
  assert_int_equal(f->found.count, 0);
  assert_int_equal(check_nothing_is_lost(f), 0);
  assert_int_equal(request_count(), 1);
  assert_non_null(strstr(f->account.failed[0].reason, "twice"));
}

static void stops_at_the_maximum(void **state) {
  fixture *f = *state;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  open_source(f, 50, 0);
  bt_search_request request = request_all();
  request.max_found = 100;
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_LIMIT);
}

/* Whether there is anything is one small answer, however much there is; and exactly the maximum is not above it. */
static void a_small_maximum_asks_for_little(void **state) {
  fixture *f = *state;
  add_random_traces(300, FIRST_S + 2, SPAN_S - 6, "");
  scripted.largest_rows = 2;
  open_source(f, 5000, 0);
  bt_search_request request = request_all();
  request.max_found = 1;
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_LIMIT);
  assert_int_equal(request_count(), 1);
  scripted.largest_rows = 0;
  bt_found_list_dispose(&f->found);
  request.max_found = 300;
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  assert_int_equal(f->found.count, 300);
}

/* Two questions are what a Tempo works at at once. A few traces, or whether there are more than a few, are one
 * question. */
static void what_finds_much_is_asked_in_halves(void **state) {
  fixture *f = *state;
  add_random_traces(2500, FIRST_S + 2, SPAN_S - 6, "");
  open_source(f, 5000, 0);
  const struct {
    int64_t seconds;
    uint64_t expected;
    size_t max_found, requests;
  } cases[] = {{SPAN_S, 0, 0, 1},          {SPAN_S, 1999, 0, 1},     {SPAN_S, 2000, 0, 2},
               {SPAN_S, 2000, 5000, 2},    {SPAN_S, 2000, 2500, 1},  {2 * HOUR_S - 1, 0, 0, 1},
               {2 * HOUR_S, 0, 0, 2},      {2 * HOUR_S, 0, 2500, 1}, {2 * HOUR_S, BT_EXPECTS_FEW, 0, 1},
               {15 * 24 * HOUR_S, 0, 0, 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t before = request_count();
    bt_search_request request = request_all();
    request.range.end_ns = (FIRST_S + cases[i].seconds) * second_ns;
    request.expected = cases[i].expected;
    request.max_found = cases[i].max_found;
    assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
    assert_int_equal(request_count() - before, cases[i].requests);
    assert_int_equal(check_nothing_is_lost(f), 2500);
    bt_found_list_dispose(&f->found);
  }
}

/* What a filter found the last time says how it is asked the next time, to its own tenant. */
static void what_found_little_is_asked_whole_the_next_time(void **state) {
  fixture *f = *state;
  add_random_traces(2500, FIRST_S + 2, SPAN_S - 6, "");
  open_source(f, 5000, 0);
  const struct {
    const char *filter, *tenant;
    int64_t hours;
    size_t requests;
  } cases[] = {{"{ name = \"a\" }", NULL, 4, 2},  {"{ name = \"a\" }", NULL, 4, 2}, /* 2,500 traces are many */
               {"{ name = \"a\" }", NULL, 2, 1},                                    /* and half of them are few */
               {"{ name = \"b\" }", NULL, 4, 2},  {"{ name = \"a\" }", "t", 4, 2},  {"{ name = \"a\" }", "t", 2, 1},
               {"{ name = \"a\" }", NULL, 16, 2}, {"{ name = \"a\" }", NULL, 4, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t before = request_count();
    bt_search_request request = request_all();
    request.filter = bt_str_from(cases[i].filter);
    request.tenant = cases[i].tenant;
    request.range.end_ns = (FIRST_S + cases[i].hours * HOUR_S) * second_ns;
    assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
    assert_int_equal(request_count() - before, cases[i].requests);
    assert_int_equal(check_nothing_is_lost(f), 2500);
    bt_found_list_dispose(&f->found);
  }
}

/* A search that failed in part found less than there is. */
static void what_failed_teaches_nothing(void **state) {
  fixture *f = *state;
  open_source(f, 5000, 0);
  bt_search_request request = request_all();
  request.range.end_ns = (FIRST_S + 4 * HOUR_S) * second_ns;
  answer_with(repeated);
  add_random_traces(3900, FIRST_S + 2, SPAN_S - 6, "");
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  assert_true(f->account.failed_count > 0);
  bt_found_list_dispose(&f->found);
  bt_source_account_dispose(&f->account);
  answer_with(NULL);
  size_t before = request_count();
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  assert_true(request_count() - before >= 2);
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

static void rejects_what_it_cannot_ask(void **state) {
  fixture *f = *state;
  open_source(f, 0, 0);
  bt_search_request request = request_all();
  request.tenant = "a\r\nX-Evil: 1";
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_INVALID);
  request = request_all();
  request.range.end_ns = INT64_MAX;
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_INVALID);
  request = request_all();
  request.range.end_ns = request.range.start_ns;
  assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
  assert_int_equal(request_count(), 0);
  const char *urls[] = {"127.0.0.1:3200",        "ftp://127.0.0.1",     "http://u:p@127.0.0.1",
                        "http://127.0.0.1/?x=1", "http://127.0.0.1/#x", ""};
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    bt_tempo_options options = {.url = urls[i]};
    bt_source *source;
    if (bt_tempo_source_new(f->client, &options, &source, &f->error) != BT_INVALID) fail_msg("%s was taken", urls[i]);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(splits_until_nothing_is_cut),
                                     TEST(cuts_before_it_asks),
                                     TEST(splits_what_is_too_large),
                                     TEST(does_not_divide_what_has_no_end),
                                     TEST(asks_nothing_of_the_future_alone),
                                     TEST(learns_the_longest_range),
                                     TEST(gives_up_where_no_range_is_short_enough),
                                     TEST(learns_the_highest_limit),
                                     TEST(learns_once_from_what_was_under_way),
                                     TEST(tries_again_what_passes),
                                     TEST(says_what_stays_down_and_reads_the_rest),
                                     TEST(waits_for_a_live_store_that_lags),
                                     TEST(says_that_a_live_store_lags),
                                     TEST(refuses_html_at_once),
                                     TEST(gives_up_on_a_tempo_that_is_down),
                                     TEST(asks_a_tempo_that_hangs_once),
                                     TEST(ends_when_every_answer_is_full),
                                     TEST(stops_at_the_maximum),
                                     TEST(a_small_maximum_asks_for_little),
                                     TEST(what_finds_much_is_asked_in_halves),
                                     TEST(what_found_little_is_asked_whole_the_next_time),
                                     TEST(what_failed_teaches_nothing),
                                     TEST(does_not_split_what_is_full_of_the_same),
                                     TEST(asks_in_another_way_where_tempo_stumbles),
                                     TEST(says_where_tempo_stumbles),
                                     TEST(is_cancelled_anywhere),
                                     TEST(loses_nothing_whatever_happens),
                                     TEST(rejects_what_it_cannot_ask)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
