/* Exhaustive search against a scripted Tempo that cuts its answers at the limit, shuffles them, refuses, breaks off and
 * lies. The property that all of it is about: a trace of the range is found, or a failed window covers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tempo/api/tempo_call.h"
#include "tempo/api/tempo_source.h"
#include "tests/support/asked.h"
#include "tests/tempo/scripted_tempo.h"
#include "tests/tempo/search_scene.h"

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

/* Late spans lie in blocks that are dated by their arrival, and a search finds them where it overlaps both: so however
 * the range is divided, each window goes on for as long as they may come late. */
static void finds_what_came_late_in_every_window(void **state) {
  enum { LATE_S = 900 };
  fixture *f = *state;
  for (int64_t at_s = 2; at_s < HOUR_S - LATE_S - 2; at_s++) {
    add_random_traces(1, FIRST_S + at_s, 0, "");
    if (at_s % 3 == 0) scripted.traces[scripted.count - 1].arrived_s = FIRST_S + at_s + at_s % LATE_S;
  }
  bt_search_request request = request_all();
  request.late_ns = LATE_S * second_ns;
  for (int with_slices = 0; with_slices < 2; with_slices++) {
    scripted.longest_s = with_slices ? 1800 : 0;
    request.range.end_ns = (FIRST_S + HOUR_S) * second_ns;
    bt_source_free(f->source);
    f->source = NULL;
    bt_found_list_dispose(&f->found);
    open_source(f, 400, 0);
    assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
    assert_int_equal(f->account.failed_count, 0);
    assert_int_equal(f->found.count, scripted.count);
    assert_true(scripted.full >= 1);
  }
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
  bt_search_request request = {.query = bt_query_all(), .range = {(now_s - 600) * second_ns, now_s * second_ns}};
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

static fault always_full(fake_tempo *tempo, int64_t start_s, int64_t end_s) {
  (void)tempo, (void)start_s, (void)end_s;
  return ALWAYS_FULL;
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
    const char *name, *tenant;
    int64_t hours;
    size_t requests;
  } cases[] = {{"a", NULL, 4, 2}, {"a", NULL, 4, 2}, /* 2,500 traces are many */
               {"a", NULL, 2, 1},                    /* and half of them are few */
               {"b", NULL, 4, 2}, {"a", "t", 4, 2},  {"a", "t", 2, 1}, {"a", NULL, 16, 2}, {"a", NULL, 4, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t before = request_count();
    bt_search_request request = request_all();
    request.query = asked_name(cases[i].name);
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

static bt_ahead *begin_search(fixture *f, const bt_search_request *request, bt_source_account *account) {
  bt_ahead *ahead = bt_source_begin(f->source, (bt_asked){BT_AHEAD_SEARCH, .search = request}, account);
  assert_non_null(ahead);
  return ahead;
}

/* Several at once, of which one finds more than it may, one cannot be asked and one is empty: each is what it is alone.
 */
static void several_at_once_are_what_each_is_alone(void **state) {
  enum { JOBS = 5 };
  fixture *f = *state;
  add_burst();
  open_source(f, 100, 0);
  bt_search_request requests[JOBS];
  bt_found_list together[JOBS] = {{0}}, alone[JOBS] = {{0}};
  bt_source_account accounts[JOBS] = {{0}};
  bt_status statuses[JOBS];
  bt_error why[JOBS] = {{0}};
  for (size_t i = 0; i < JOBS; i++) requests[i] = request_all();
  requests[1].range.end_ns -= 10 * second_ns;
  requests[2].max_found = 250;
  requests[3].tenant = "no\nheader";
  requests[4].range.end_ns = requests[4].range.start_ns;
  for (size_t i = 0; i < JOBS; i++) requests[i].ahead = begin_search(f, &requests[i], &accounts[i]);
  for (size_t i = 0; i < JOBS; i++) {
    statuses[i] = bt_source_search(f->source, &requests[i], &together[i], &accounts[i], &why[i]);
    bt_source_drop(requests[i].ahead);
    requests[i].ahead = NULL;
  }
  for (size_t i = 0; i < JOBS; i++) {
    bt_source_account account = {0};
    bt_status status = bt_source_search(f->source, &requests[i], &alone[i], &account, &f->error);
    assert_int_equal(statuses[i], status);
    if (status != BT_OK) assert_string_equal(why[i].message, f->error.message);
    if (status != BT_LIMIT) assert_int_equal(together[i].count, alone[i].count);
    for (size_t k = 0; status == BT_OK && k < alone[i].count; k++)
      assert_int_equal(bt_trace_id_compare(&together[i].items[k].id, &alone[i].items[k].id), 0);
    assert_int_equal(accounts[i].failed_count, account.failed_count);
    bt_source_account_dispose(&account);
    bt_source_account_dispose(&accounts[i]);
    bt_found_list_dispose(&together[i]);
    bt_found_list_dispose(&alone[i]);
  }
  assert_int_equal(statuses[0], BT_OK);
  assert_int_equal(statuses[2], BT_LIMIT);
  assert_int_equal(statuses[3], BT_INVALID);
}

/* What is dropped was asked, and gives nothing. */
static void lets_go_of_what_is_begun(void **state) {
  fixture *f = *state;
  add_burst();
  open_source(f, 0, 0);
  bt_search_request request = request_all();
  bt_source_drop(begin_search(f, &request, &f->account));
  assert_int_equal(f->found.count, 0);
  assert_int_equal(f->account.requests, 1);
  bt_source_drop(NULL);
  request.ahead = begin_search(f, &request, &f->account);
  for (uint64_t searches = 2; searches <= 3; searches++) { /* what was taken is asked for again */
    bt_found_list_dispose(&f->found);
    assert_int_equal(bt_source_search(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
    assert_int_equal(f->account.requests, searches);
    assert_true(f->found.count > 0);
  }
  bt_source_drop(request.ahead);
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

enum { LINKED = 450 };

static bt_status find_linking(fixture *f, bt_trace_id ids[LINKED]) {
  bt_search_request all = request_all();
  bt_links_request request = {.ids = ids, .count = LINKED, .range = all.range};
  for (size_t i = 0; i < LINKED; i++) ids[i] = (bt_trace_id){{(uint8_t)(1 + i / 100), (uint8_t)(1 + i % 100)}};
  add_random_traces(50, FIRST_S + 2, SPAN_S - 6, "");
  open_source(f, 0, 0);
  return bt_source_find_linking(f->source, &request, &f->found, &f->account, &f->error);
}

static void asks_who_links_in_batches(void **state) {
  fixture *f = *state;
  bt_trace_id ids[LINKED];
  assert_int_equal(find_linking(f, ids), BT_OK);
  assert_int_equal(f->account.failed_count, 0);
  assert_int_equal(check_nothing_is_lost(f), scripted.count);
  assert_int_equal(scripted.link_tests, LINKED);
  assert_int_equal(request_count(), 3);
  assert_int_equal(f->account.requests, 3);
}

/* Each id is asked for once still, and no window is said to be unread. */
static void halves_batches_of_ids_that_are_too_long(void **state) {
  fixture *f = *state;
  bt_trace_id ids[LINKED];
  scripted.longest_query = 3000;
  assert_int_equal(find_linking(f, ids), BT_OK);
  assert_int_equal(f->account.failed_count, 0);
  assert_int_equal(check_nothing_is_lost(f), scripted.count);
  assert_int_equal(scripted.link_tests, LINKED);
}

static void says_that_one_id_is_too_long(void **state) {
  fixture *f = *state;
  bt_trace_id ids[LINKED];
  scripted.longest_query = 20;
  assert_int_equal(find_linking(f, ids), BT_OK);
  assert_int_equal(scripted.link_tests, 0);
  assert_int_equal(f->account.failed_count, 1);
  assert_true(request_count() < 20);
  check_nothing_is_lost(f);
}

/* By ids, by spans, and of all that link: each question asks for the spans of the filter alone. */
static void asks_for_links_of_some_spans(void **state) {
  fixture *f = *state;
  bt_span span = {.id = {{0xa, 1}}};
  const bt_trace known = {.id = {{0, 7}}, .spans = &span, .span_count = 1};
  const bt_trace *traces[][2] = {{NULL, NULL}, {NULL, &known}, {NULL, NULL}};
  const bt_trace_id ids[][2] = {{{{1, 1}}, {{2, 2}}}, {{{1, 1}}, {{0, 7}}}, {{{1, 1}}, {{0, 7}}}};
  open_source(f, 0, 0);
  for (size_t i = 0; i < 3; i++) {
    bt_search_request all = request_all();
    bt_links_request request = {.ids = ids[i],
                                .traces = traces[i],
                                .count = 2,
                                .range = all.range,
                                .query = asked_rule("trace.has(span.kind == consumer)")};
    size_t before = request_count(), narrowed = scripted.narrowed_link_tests;
    assert_int_equal(bt_source_find_linking(f->source, &request, &f->found, &f->account, &f->error), BT_OK);
    assert_true(request_count() > before);
    assert_int_equal(scripted.narrowed_link_tests - narrowed, i == 1 ? 2 : 1);
  }
}

enum { HIDDEN = 7 }; /* of the ids that are asked for: whose first byte is zero, as Tempo 2.8 does not find them */

static bool guesses_linking(bt_source *source, const bt_trace_id *id, const bt_trace *trace) {
  bt_promises promises = bt_source_known(source);
  return bt_promises_guess_linking(&promises, id, trace);
}

static bt_status find_hidden(fixture *f, const bt_trace *known) {
  bt_search_request all = request_all();
  const bt_trace_id ids[] = {{{1, 1}}, {{0, HIDDEN}}, {{2, 2}}};
  const bt_trace *traces[] = {NULL, known, NULL};
  bt_links_request request = {.ids = ids, .traces = traces, .count = 3, .range = all.range};
  add_random_traces(5, FIRST_S + 2, SPAN_S - 6, "");
  open_source(f, 0, 0);
  assert_int_equal(guesses_linking(f->source, &ids[0], NULL), false);
  return bt_source_find_linking(f->source, &request, &f->found, &f->account, &f->error);
}

static void asks_by_spans_for_an_id_that_is_not_found(void **state) {
  fixture *f = *state;
  bt_span spans[] = {{.id = {{0xa, 1}}}, {.id = {{0}}}, {.id = {{0xb, 2}}}};
  const bt_trace known = {.id = {{0, HIDDEN}}, .spans = spans, .span_count = 3};
  assert_int_equal(find_hidden(f, &known), BT_OK);
  assert_false(guesses_linking(f->source, &known.id, &known));
  assert_int_equal(scripted.link_tests, 2);
  assert_int_equal(scripted.link_span_tests, 2);
  assert_int_equal(f->account.requests, 2);
  check_nothing_is_lost(f);
}

/* Where its spans cannot be asked for either: they are not known, or begin so, too, or are many. */
static void asks_for_all_that_link_once(void **state) {
  fixture *f = *state;
  enum { MANY = 101 };
  bt_span hidden[] = {{.id = {{0xa, 1}}}, {.id = {{0, 2}}}}, many[MANY];
  for (int i = 0; i < MANY; i++) many[i] = (bt_span){.id = {{1, (uint8_t)i}}};
  const bt_trace known[] = {{.id = {{0, HIDDEN}}, .spans = hidden, .span_count = 2},
                            {.id = {{0, HIDDEN}}, .spans = many, .span_count = MANY}};
  const bt_trace *which[] = {NULL, &known[0], &known[1]};
  const bt_trace_id id = {{0, HIDDEN}};
  for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
    scripted.link_tests = scripted.any_link_tests = 0;
    assert_int_equal(find_hidden(f, which[i]), BT_OK);
    assert_true(guesses_linking(f->source, &id, which[i]));
    assert_int_equal(scripted.link_tests, 1);
    assert_int_equal(scripted.any_link_tests, 1);
    bt_source_free(f->source);
    f->source = NULL;
  }
  assert_int_equal(scripted.link_span_tests, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(splits_until_nothing_is_cut),
      TEST(cuts_before_it_asks),
      TEST(finds_what_came_late_in_every_window),
      TEST(splits_what_is_too_large),
      TEST(asks_nothing_of_the_future_alone),
      TEST(learns_the_longest_range),
      TEST(gives_up_where_no_range_is_short_enough),
      TEST(learns_the_highest_limit),
      TEST(learns_once_from_what_was_under_way),
      TEST(ends_when_every_answer_is_full),
      TEST(stops_at_the_maximum),
      TEST(a_small_maximum_asks_for_little),
      TEST(what_finds_much_is_asked_in_halves),
      TEST(what_found_little_is_asked_whole_the_next_time),
      TEST(what_failed_teaches_nothing),
      TEST(does_not_split_what_is_full_of_the_same),
      TEST(asks_who_links_in_batches),
      TEST(halves_batches_of_ids_that_are_too_long),
      TEST(says_that_one_id_is_too_long),
      TEST(asks_for_links_of_some_spans),
      TEST(several_at_once_are_what_each_is_alone),
      TEST(lets_go_of_what_is_begun),
      TEST(asks_by_spans_for_an_id_that_is_not_found),
      TEST(asks_for_all_that_link_once),
      TEST(rejects_what_it_cannot_ask),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
