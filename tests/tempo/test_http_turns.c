/* Who of those who ask has a place: exports, tenants, what is urgent, parties that take turns, and a Tempo that has too
 * much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tempo/wire/http_client.h"
#include "tests/tempo/http_client_scene.h"

/* A receiver that is silent, or busy, says nothing about the Tempo that is read from. */
static void an_export_takes_no_place_of_those_who_read(void **state) {
  fixture *f = *state;
  char hang[128], busy[128], echo[128];
  bt_http_request silent = {.method = "POST", .url = url_of(f, "/hang", hang), .kind = BT_HTTP_EXPORT};
  bt_http_request refused = {.method = "POST", .url = url_of(f, "/busy", busy), .kind = BT_HTTP_EXPORT};
  bt_http_request read = {.method = "GET", .url = url_of(f, "/echo", echo), .kind = BT_HTTP_SEARCH};
  bt_http_response responses[3], response;
  bt_http_call *calls[3];
  bt_http_stats stats;
  bt_error error;
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(bt_http_start(f->client, &silent, &responses[i], &calls[i], &error), BT_OK);
  assert_int_equal(bt_http_send(f->client, &refused, &response, &error), BT_OK);
  assert_int_equal(response.status, 429);
  bt_http_response_dispose(&response);
  assert_int_equal(bt_http_send(f->client, &read, &response, &error), BT_OK);
  assert_int_equal(response.status, 200);
  bt_http_response_dispose(&response);
  for (size_t i = 0; i < 3; i++) {
    bt_http_abort(calls[i]);
    assert_int_equal(bt_http_finish(calls[i], &error), BT_CANCELLED);
    bt_http_response_dispose(&responses[i]);
  }
  silent.timeout_ms = 50;
  assert_int_equal(bt_http_send(f->client, &silent, &response, &error), BT_UNAVAILABLE);
  bt_http_response_dispose(&response);
  bt_http_client_stats(f->client, &stats);
  assert_int_equal(stats.allowed, 2);
}

/* Two of one tenant hang and are all that the budget allows. What that tenant asks besides waits for them; what others
 * ask does not, one request each. */
static void what_hangs_for_one_tenant_holds_up_no_other(void **state) {
  fixture *f = *state;
  char hang[128], echo[128];
  bt_http_client *client = NULL;
  const bt_http_options options = {.concurrency = 2, .held_ms = 100};
  bt_http_request hanging = {.method = "GET", .url = url_of(f, "/hang", hang), .kind = BT_HTTP_SEARCH, .tenant = 1};
  bt_http_request asked = {.method = "GET", .url = url_of(f, "/echo", echo), .kind = BT_HTTP_SEARCH, .tenant = 1};
  bt_http_response responses[3], response;
  bt_http_call *calls[3];
  bt_http_stats stats;
  bt_error error;
  assert_int_equal(bt_http_client_new(&options, &client, &error), BT_OK);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(bt_http_start(client, i < 2 ? &hanging : &asked, &responses[i], &calls[i], &error), BT_OK);
  for (uint64_t tenant = 2; tenant < 6; tenant++) {
    asked.tenant = tenant;
    asked.total_ms = 20000; /* a test that hangs says nothing */
    assert_int_equal(bt_http_send(client, &asked, &response, &error), BT_OK);
    assert_int_equal(response.status, 200);
    bt_http_response_dispose(&response);
  }
  bt_http_client_stats(client, &stats);
  assert_int_equal(stats.requests[BT_HTTP_SEARCH][BT_HTTP_OK], 4); /* the third of the first tenant still waits */
  for (size_t i = 0; i < 3; i++) {
    bt_http_abort(calls[i]);
    bt_status status = bt_http_finish(calls[i], &error);
    assert_true(status == BT_CANCELLED || i == 2);
    bt_http_response_dispose(&responses[i]);
  }
  bt_http_client_free(client);
}

static bool is_large(const bt_http_response *response) {
  return bt_str_contains(bt_buffer_str(&response->body), BT_STR("larger"));
}

static uint32_t allowed_after(fixture *f, const bt_http_request *request, int status) {
  bt_http_response response;
  bt_http_stats stats;
  bt_error error;
  assert_int_equal(bt_http_send(f->client, request, &response, &error), BT_OK);
  assert_int_equal(response.status, status);
  bt_http_response_dispose(&response);
  bt_http_client_stats(f->client, &stats);
  return stats.allowed;
}

/* A question that no answer can hold is divided; that does not make Tempo busy. */
static void an_answer_too_large_is_no_busy_server(void **state) {
  fixture *f = *state;
  char large[128], busy[128];
  bt_http_request too_large = {
      .method = "GET", .url = url_of(f, "/large", large), .kind = BT_HTTP_SEARCH, .is_too_large = is_large};
  bt_http_request refused = {
      .method = "GET", .url = url_of(f, "/busy", busy), .kind = BT_HTTP_SEARCH, .is_too_large = is_large};
  assert_int_equal(allowed_after(f, &too_large, 500), 2);
  assert_int_equal(allowed_after(f, &refused, 429), 1);
}

static void a_server_error_halves(void **state) {
  fixture *f = *state;
  char large[128];
  bt_http_request request = {.method = "GET", .url = url_of(f, "/large", large), .kind = BT_HTTP_SEARCH};
  assert_int_equal(allowed_after(f, &request, 500), 1);
}

enum { MANY = 12 };

static void keeps_to_its_budget(void **state) {
  fixture *f = *state;
  char url[128];
  bt_http_request request = {.method = "GET", .url = url_of(f, "/count/a", url)};
  bt_http_response responses[MANY];
  bt_http_call *calls[MANY];
  bt_error error;
  for (size_t i = 0; i < MANY; i++)
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
  for (size_t i = 0; i < MANY; i++) {
    assert_int_equal(bt_http_finish(calls[i], &error), BT_OK);
    bt_http_response_dispose(&responses[i]);
  }
  assert_int_equal(served.most, 2);
}

static void lets_the_more_urgent_go_first(void **state) {
  fixture *f = *state;
  static const struct {
    const char *path;
    bt_priority priority;
  } asked[] = {{"/held/1", BT_PRIORITY_REPLAY},  {"/count/r", BT_PRIORITY_REPLAY}, {"/count/s", BT_PRIORITY_REPLAY},
               {"/count/p", BT_PRIORITY_PEOPLE}, {"/count/w", BT_PRIORITY_WATCH},  {"/count/q", BT_PRIORITY_PEOPLE}};
  enum { ASKED = sizeof asked / sizeof asked[0] };
  char urls[ASKED][128];
  bt_http_response responses[ASKED];
  bt_http_call *calls[ASKED];
  bt_error error;
  for (size_t i = 0; i < ASKED; i++) {
    bt_http_request request = {
        .method = "GET", .url = url_of(f, asked[i].path, urls[i]), .priority = asked[i].priority};
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
    if (i == 0) wait_until_asked(1); /* it is under way before the others queue */
  }
  let_go();
  for (size_t i = 0; i < ASKED; i++) {
    assert_int_equal(bt_http_finish(calls[i], &error), BT_OK);
    bt_http_response_dispose(&responses[i]);
  }
  assert_string_equal(served.order, "1wpqrs");
}

/* One party has six waiting, another comes later with one: it does not wait for all six. */
static void parties_of_one_priority_take_turns(void **state) {
  fixture *f = *state;
  static const char names[] = "0abcdex";
  enum { ASKED = sizeof names - 1 };
  static const int first, second;
  char urls[ASKED][128], path[16];
  bt_http_response responses[ASKED];
  bt_http_call *calls[ASKED];
  bt_error error;
  for (size_t i = 0; i < ASKED; i++) {
    snprintf(path, sizeof path, "/%s/%c", i == 0 ? "held" : "count", names[i]);
    bt_http_request request = {
        .method = "GET", .url = url_of(f, path, urls[i]), .party = names[i] == 'x' ? &second : &first};
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
    if (i == 0) wait_until_asked(1); /* it is under way before the others queue */
  }
  let_go();
  for (size_t i = 0; i < ASKED; i++) {
    assert_int_equal(bt_http_finish(calls[i], &error), BT_OK);
    bt_http_response_dispose(&responses[i]);
  }
  assert_string_equal(served.order, "0axbcde");
}

/* Retry-After holds what its party has waiting, and nobody else's. All of them wait behind a slow one when the refusal
 * comes. */
static void a_refused_party_waits_and_others_go_on(void **state) {
  fixture *f = *state;
  static const int refused, other;
  static const struct {
    const char *path;
    const void *party;
  } asked[] = {
      {"/held/0", &other}, {"/busy", &refused}, {"/count/h", &refused}, {"/count/o", &other}, {"/count/n", &other}};
  enum { HELD = 2 };
  enum { ASKED = sizeof asked / sizeof asked[0] };
  char urls[ASKED][128];
  bt_http_response responses[ASKED];
  bt_http_call *calls[ASKED];
  bt_error error;
  for (size_t i = 0; i < ASKED; i++) {
    bt_http_request request = {.method = "GET", .url = url_of(f, asked[i].path, urls[i]), .party = asked[i].party};
    assert_int_equal(bt_http_start(f->client, &request, &responses[i], &calls[i], &error), BT_OK);
  }
  let_go();
  for (size_t i = 0; i < ASKED; i++) {
    if (i != HELD) assert_int_equal(bt_http_finish(calls[i], &error), BT_OK);
  }
  assert_string_equal(served.order, "0on"); /* 'h' waits for the seven seconds that /busy asked for */
  bt_http_abort(calls[HELD]);
  assert_int_equal(bt_http_finish(calls[HELD], &error), BT_CANCELLED);
  for (size_t i = 0; i < ASKED; i++) bt_http_response_dispose(&responses[i]);
}

/* The first hangs in flight, the second waits for the budget and has its own time. */
static void the_time_in_the_queue_counts_where_it_is_asked_to(void **state) {
  fixture *f = *state;
  char url[128];
  bt_http_request hung = {.method = "GET", .url = url_of(f, "/hang", url)};
  bt_http_request waits = {.method = "GET", .url = url, .total_ms = 150};
  bt_http_response responses[2];
  bt_http_call *call;
  bt_error error;
  assert_int_equal(bt_http_start(f->client, &hung, &responses[0], &call, &error), BT_OK);
  assert_int_equal(bt_http_send(f->client, &waits, &responses[1], &error), BT_UNAVAILABLE);
  assert_non_null(strstr(error.message, "150 ms"));
  bt_http_abort(call);
  assert_int_equal(bt_http_finish(call, &error), BT_CANCELLED);
  assert_int_equal(bt_http_send(f->client, &waits, &responses[1], &error), BT_UNAVAILABLE); /* and in flight too */
  for (size_t i = 0; i < 2; i++) bt_http_response_dispose(&responses[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(parties_of_one_priority_take_turns, set_up_one, tear_down),
      cmocka_unit_test_setup_teardown(a_refused_party_waits_and_others_go_on, set_up_one, tear_down),
      cmocka_unit_test_setup_teardown(the_time_in_the_queue_counts_where_it_is_asked_to, set_up_one, tear_down),
      cmocka_unit_test_setup_teardown(an_export_takes_no_place_of_those_who_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_hangs_for_one_tenant_holds_up_no_other, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_too_large_is_no_busy_server, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_server_error_halves, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_to_its_budget, set_up, tear_down),
      cmocka_unit_test_setup_teardown(lets_the_more_urgent_go_first, set_up_one, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
