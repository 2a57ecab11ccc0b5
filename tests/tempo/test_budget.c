/* The budget of requests in flight, and what Tempo's sentences mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tempo/wire/budget.h"
#include "tempo/wire/tempo_answer.h"

static void note_many(bt_budget *budget, int count, int status, double latency_ms, int64_t now_ms) {
  for (int i = 0; i < count; i++) bt_budget_note(budget, BT_HTTP_SEARCH, status, latency_ms, now_ms, true);
}

static void halves_when_tempo_is_overloaded(void **state) {
  (void)state;
  static const int bad[] = {429, 500, 503, 0};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    bt_budget budget;
    bt_budget_init(&budget, 8, 8);
    assert_int_equal(budget.allowed, 8);
    note_many(&budget, 5, bad[i], 10, 1000); /* one burst */
    assert_int_equal(budget.allowed, 4);
    bt_budget_note(&budget, BT_HTTP_SEARCH, bad[i], 10, 2500, true);
    bt_budget_note(&budget, BT_HTTP_SEARCH, bad[i], 10, 4000, true);
    bt_budget_note(&budget, BT_HTTP_SEARCH, bad[i], 10, 5500, true);
    assert_int_equal(budget.allowed, 1);
  }
}

static void halves_when_latency_triples(void **state) {
  (void)state;
  bt_budget budget;
  bt_budget_init(&budget, 4, 4);
  note_many(&budget, 50, 200, 40, 1000);
  note_many(&budget, 8, 200, 100, 5000);
  assert_int_equal(budget.allowed, 4); /* not yet three times as much */
  note_many(&budget, 7, 200, 400, 9000);
  assert_int_equal(budget.allowed, 4); /* of the last eight one was as quick as ever */
  note_many(&budget, 1, 200, 400, 9000);
  assert_int_equal(budget.allowed, 2);
  note_many(&budget, 1, 200, 400, 10500);
  assert_int_equal(budget.allowed, 1);
  note_many(&budget, 200, 200, 400, 12000);
  assert_int_equal(budget.allowed, 4); /* what lasts is the usual */
  bt_budget_init(&budget, 4, 4);
  note_many(&budget, 50, 200, 2, 1000);
  note_many(&budget, 50, 200, 30, 2000);
  assert_int_equal(budget.allowed, 4); /* milliseconds are noise */
}

/* A replay asks a probe first, then the whole: that one takes long is what was asked. */
static void a_large_question_is_no_busy_tempo(void **state) {
  (void)state;
  bt_budget budget;
  bt_budget_init(&budget, 2, 2);
  bt_budget_note(&budget, BT_HTTP_READ, 200, 80, 1000, true);
  bt_budget_note(&budget, BT_HTTP_READ, 200, 3400, 5000, true);
  bt_budget_note(&budget, BT_HTTP_READ, 200, 3500, 5100, true);
  assert_int_equal(budget.allowed, 2);
  for (int i = 0; i < 100; i++) {
    bt_budget_note(&budget, BT_HTTP_READ, 200, 80, 6000 + i * 2000, true);
    note_many(&budget, 1, 200, 40, 6000 + i * 2000);
    for (int j = 0; j < 6; j++) bt_budget_note(&budget, BT_HTTP_READ, 200, 3400, 7000 + i * 2000, true);
  }
  assert_int_equal(budget.allowed, 2);
}

/* Places that are always taken: a share of what is asked is never answered and ends after the timeout, the rest is
 * quick. */
typedef struct load {
  bt_budget budget;
  int64_t ends_ms[16];
  bool hangs[16];
  uint64_t random;
} load;

static bool is_unlucky(load *l, unsigned percent) {
  l->random = l->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (l->random >> 33) % 100 < percent;
}

/* How many requests might be under way, on average, over the second half of the time. */
static double places_under(unsigned percent, int64_t timeout_ms, int64_t length_ms) {
  enum { QUICK_MS = 20 };
  load l = {.random = 11};
  double sum = 0;
  bt_budget_init(&l.budget, 6, 6);
  for (int64_t now_ms = 1000; now_ms < 1000 + length_ms; now_ms++) {
    uint32_t active = 0;
    for (int i = 0; i < 16; i++) {
      if (!l.ends_ms[i] || l.ends_ms[i] > now_ms) continue;
      bt_budget_note(&l.budget, BT_HTTP_SEARCH, l.hangs[i] ? 0 : 200, l.hangs[i] ? (double)timeout_ms : QUICK_MS,
                     now_ms, true);
      l.ends_ms[i] = 0;
    }
    for (int i = 0; i < 16; i++) active += l.ends_ms[i] != 0;
    for (int i = 0; i < 16 && active < l.budget.allowed; i++) {
      if (l.ends_ms[i]) continue;
      l.hangs[i] = is_unlucky(&l, percent);
      l.ends_ms[i] = now_ms + (l.hangs[i] ? timeout_ms : QUICK_MS);
      active++;
    }
    if (now_ms - 1000 >= length_ms / 2) sum += l.budget.allowed;
  }
  return sum / ((double)length_ms / 2);
}

/* That some answers never come says little about how busy Tempo is; that most do not come does. */
static void some_that_hang_leave_most_of_the_budget(void **state) {
  (void)state;
  static const int64_t timeouts_ms[] = {1000, 5000, 30000};
  for (size_t i = 0; i < sizeof timeouts_ms / sizeof timeouts_ms[0]; i++) {
    int64_t timeout_ms = timeouts_ms[i];
    double few = places_under(10, timeout_ms, 400 * timeout_ms), many = places_under(60, timeout_ms, 400 * timeout_ms);
    print_message("timeout %d ms: 10 %% hang: %.1f of 6 places, 60 %%: %.1f\n", (int)timeout_ms, few, many);
    assert_true(few > 3);
    assert_true(many < 2);
  }
}

/* Asked before the budget was halved: they are part of what it was halved for. */
static void what_was_under_way_together_counts_once(void **state) {
  (void)state;
  bt_budget budget;
  bt_budget_init(&budget, 8, 8);
  for (int i = 0; i < 8; i++) bt_budget_note(&budget, BT_HTTP_SEARCH, 0, 30000, 40000 + i * 2000, true);
  assert_int_equal(budget.allowed, 4);
  bt_budget_note(&budget, BT_HTTP_SEARCH, 0, 30000, 40000 + 31000, true);
  assert_int_equal(budget.allowed, 2);
}

/* Too few answers to know what is usual. */
static void compares_with_what_it_has_seen(void **state) {
  (void)state;
  bt_budget budget;
  bt_budget_init(&budget, 4, 4);
  note_many(&budget, 4, 200, 10, 1000);
  note_many(&budget, 11, 200, 400, 3000);
  assert_int_equal(budget.allowed, 4);
}

static void compares_like_with_like(void **state) {
  (void)state;
  bt_budget budget;
  bt_budget_init(&budget, 4, 4);
  note_many(&budget, 50, 200, 40, 1000);
  for (int i = 0; i < 50; i++) bt_budget_note(&budget, BT_HTTP_READ, 200, 900, 5000, true);
  assert_int_equal(budget.allowed, 4);
}

static void recovers_slowly(void **state) {
  (void)state;
  bt_budget budget;
  bt_budget_init(&budget, 4, 4);
  bt_budget_note(&budget, BT_HTTP_SEARCH, 429, 10, 1000, true);
  assert_int_equal(budget.allowed, 2);
  note_many(&budget, 15, 200, 10, 1100);
  assert_int_equal(budget.allowed, 2);
  note_many(&budget, 1, 200, 10, 1200);
  assert_int_equal(budget.allowed, 3);
  note_many(&budget, 100, 400, 10, 1300); /* a refused query says nothing of load */
  assert_int_equal(budget.allowed, 4);
}

static void knows_tempos_sentences(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    bt_tempo_meaning meaning;
  } table[] = {
      {200, "", BT_MEANS_ANSWER},
      {204, "", BT_MEANS_REFUSED},
      {302, "", BT_MEANS_REFUSED},
      {400, "invalid TraceQL query: parse error at line 1, col 2: syntax error: unexpected $end", BT_MEANS_REFUSED},
      {400, "range specified by start and end exceeds 168h0m0s. received start=1 end=2", BT_MEANS_RANGE_TOO_LONG},
      {400, "limit 300000 exceeds max limit 262144", BT_MEANS_LIMIT_TOO_HIGH},
      {400, "TraceQL expression exceeds the configured maximum size of 131072 bytes, reduce …",
       BT_MEANS_QUERY_TOO_LONG},
      {401, "no org id\n", BT_MEANS_REFUSED},
      {404, "", BT_MEANS_REFUSED},
      {408, "", BT_MEANS_PASSING},
      {414, "", BT_MEANS_QUERY_TOO_LONG},
      {431, "", BT_MEANS_QUERY_TOO_LONG},
      {429, "", BT_MEANS_PASSING},
      {500, "response larger than the max (17936214 vs 16777216)", BT_MEANS_TOO_LARGE},
      {500, "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (17 vs 16)",
       BT_MEANS_TOO_LARGE},
      {500, "error querying ingesters", BT_MEANS_PASSING},
      {503, "", BT_MEANS_PASSING},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    bt_http_response response = {.status = table[i].status};
    bt_buffer_append(&response.body, bt_str_from(table[i].body));
    if (bt_tempo_meaning_of(&response) != table[i].meaning) fail_msg("%d %s", table[i].status, table[i].body);
    assert_int_equal(bt_tempo_is_too_large(&response), table[i].meaning == BT_MEANS_TOO_LARGE);
    bt_http_response_dispose(&response);
  }
}

static void reads_numbers_and_durations(void **state) {
  (void)state;
  bt_str marker = BT_STR("exceeds ");
  assert_true(bt_tempo_duration_s_after(BT_STR("exceeds 168h0m0s. received"), marker) == 168 * 3600);
  assert_true(bt_tempo_duration_s_after(BT_STR("exceeds 1h30m5s."), marker) == 5405);
  assert_true(bt_tempo_duration_s_after(BT_STR("exceeds 30m"), marker) == 1800);
  assert_true(bt_tempo_duration_s_after(BT_STR("exceeds for ever"), marker) == 0);
  assert_true(bt_tempo_duration_s_after(BT_STR("exceeds 9999999999999999999h"), marker) == 0);
  assert_true(bt_tempo_duration_s_after(BT_STR(""), marker) == 0);
  assert_true(bt_tempo_number_after(BT_STR("exceeds 12"), marker) == 12);
  assert_true(bt_tempo_number_after(BT_STR("exceeds -12"), marker) == 0);
  assert_true(bt_tempo_number_after(BT_STR("nothing"), marker) == 0);
}

static void describes_without_addresses(void **state) {
  (void)state;
  char text[200];
  bt_http_response response = {.status = 500, .content_type = "text/plain; charset=utf-8"};
  bt_buffer_append(&response.body, BT_STR("failed to execute f() for 10.0.0.1:9095"));
  bt_tempo_describe(&response, text, sizeof text);
  assert_string_equal(text, "Tempo answered 500");
  response.status = 400;
  bt_buffer_clear(&response.body);
  bt_buffer_append(&response.body, BT_STR("bad query\x1b[31m\nmore"));
  bt_tempo_describe(&response, text, sizeof text);
  assert_string_equal(text, "Tempo answered 400: bad query");
  memcpy(response.content_type, "text/html", sizeof "text/html");
  bt_tempo_describe(&response, text, sizeof text);
  assert_string_equal(text, "Tempo answered 400");
  bt_http_response_dispose(&response);
}

static void knows_json_and_protobuf(void **state) {
  (void)state;
  static const struct {
    const char *type;
    bool is_known, is_json;
  } table[] = {{"application/json", true, true},    {"application/json; charset=utf-8", true, true},
               {"Application/JSON ;x", true, true}, {"application/protobuf", true, false},
               {"text/html", false, false},         {"", false, false},
               {"application/jsonp", false, false}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    bt_http_response response = {.status = 200};
    snprintf(response.content_type, sizeof response.content_type, "%s", table[i].type);
    bool is_json = false;
    assert_int_equal(bt_tempo_content(&response, &is_json), table[i].is_known);
    if (table[i].is_known) assert_int_equal(is_json, table[i].is_json);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(halves_when_tempo_is_overloaded),
                                     cmocka_unit_test(halves_when_latency_triples),
                                     cmocka_unit_test(a_large_question_is_no_busy_tempo),
                                     cmocka_unit_test(some_that_hang_leave_most_of_the_budget),
                                     cmocka_unit_test(what_was_under_way_together_counts_once),
                                     cmocka_unit_test(compares_with_what_it_has_seen),
                                     cmocka_unit_test(compares_like_with_like),
                                     cmocka_unit_test(recovers_slowly),
                                     cmocka_unit_test(knows_tempos_sentences),
                                     cmocka_unit_test(reads_numbers_and_durations),
                                     cmocka_unit_test(describes_without_addresses),
                                     cmocka_unit_test(knows_json_and_protobuf)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
