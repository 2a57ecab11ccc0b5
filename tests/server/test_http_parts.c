/* The parts of the HTTP server that need no socket: routing, the checks of a request's head, query strings, near misses
 * of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "server/http/client_rates.h"
#include "server/http/guard.h"
#include "server/http/router.h"
#include "server/http/rule_filter.h"

static void handle_nothing(void *service, bt_call *call) {
  (void)service, (void)call;
}

static const bt_route routes[] = {
    {"GET", "/v1/rules", handle_nothing, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"POST", "/v1/rules", handle_nothing, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"POST", "/v1/rules/validate", handle_nothing, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"GET", "/v1/rules/{id}", handle_nothing, BT_ROLE_VIEWER, BT_LANE_MEMORY},
    {"POST", "/v1/rules/{id}/replay", handle_nothing, BT_ROLE_VIEWER, BT_LANE_MEMORY},
};

static void test_router(void **state) {
  static const struct {
    const char *method, *path;
    bt_status status;
    int route; /* −1: none */
    const char *param, *allowed;
  } cases[] = {
      {"GET", "/v1/rules", BT_OK, 0, NULL, NULL},
      {"HEAD", "/v1/rules", BT_OK, 0, NULL, NULL},
      {"POST", "/v1/rules/validate", BT_OK, 2, NULL, NULL},
      {"GET", "/v1/rules/validate", BT_REFUSED, -1, NULL, "POST"},
      {"GET", "/v1/rules/a.b-c", BT_OK, 3, "a.b-c", NULL},
      {"POST", "/v1/rules/x/replay", BT_OK, 4, "x", NULL},
      {"DELETE", "/v1/rules", BT_REFUSED, -1, NULL, "GET, POST"},
      {"GET", "/v1/rules/", BT_NOT_FOUND, -1, NULL, NULL},
      {"GET", "/v1/rules/x/", BT_NOT_FOUND, -1, NULL, NULL},
      {"GET", "/v1//rules", BT_NOT_FOUND, -1, NULL, NULL},
      {"GET", "", BT_NOT_FOUND, -1, NULL, NULL},
      {"GET", "v1/rules", BT_NOT_FOUND, -1, NULL, NULL},
      {"get", "/v1/rules", BT_REFUSED, -1, NULL, "GET, POST"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const bt_route *route = NULL;
    bt_str params[BT_CALL_MAX_PARAMS];
    size_t count = 0;
    bt_buffer allowed = {0};
    bt_status status = bt_router_find(routes, sizeof routes / sizeof routes[0], bt_str_from(cases[i].method),
                                      bt_str_from(cases[i].path), &route, params, &count, &allowed);
    assert_int_equal(status, cases[i].status);
    if (cases[i].route >= 0) assert_ptr_equal(route, &routes[cases[i].route]);
    if (cases[i].param) assert_true(count == 1 && bt_str_equal(params[0], bt_str_from(cases[i].param)));
    if (cases[i].allowed) assert_string_equal(allowed.ptr, cases[i].allowed);
    bt_buffer_dispose(&allowed);
  }
}

static void test_guard_site(void **state) {
  static const char *const names[] = {"betrace.example", NULL};
  const bt_guard guard = {"10.0.0.5", names};
  static const struct {
    const char *host, *origin, *site;
    int status;
  } cases[] = {
      {"localhost:8080", "", "", 0},
      {"127.0.0.1:8080", "", "", 0},
      {"127.9.9.9", "", "", 0},
      {"[::1]:8080", "", "", 0},
      {"10.0.0.5:8080", "", "", 0},
      {"BeTrace.example", "", "", 0},
      {"evil.example", "", "", 421},
      {"127.0.0.1.evil.example", "", "", 421},
      {"127.evil", "", "", 421},
      {"[::1].evil.example", "", "", 421},
      {"[::1]", "", "", 0},
      {"[::1", "", "", 421},
      {"127.0.0.1:80:evil.example", "", "", 421},
      {"127.0.0.1:80@evil.example", "", "", 421},
      {"localhost:", "", "", 0},
      {"", "", "", 421},
      {"localhost:8080", "http://localhost:8080", "", 0},
      {"localhost:8080", "https://localhost:8080", "same-origin", 0},
      {"localhost:8080", "http://localhost:9090", "", 403},
      {"localhost:8080", "http://evil.example", "", 403},
      {"localhost:8080", "null", "", 403},
      {"localhost:8080", "localhost:8080", "", 403},
      {"localhost:8080", "", "cross-site", 403},
      {"localhost:8080", "", "same-site", 403},
      {"localhost:8080", "", "none", 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bt_guard_refusal refusal = bt_guard_check_site(&guard, bt_str_from(cases[i].host), bt_str_from(cases[i].origin),
                                                   bt_str_from(cases[i].site));
    if (refusal.status != cases[i].status)
      print_error("host \"%s\" origin \"%s\" site \"%s\"\n", cases[i].host, cases[i].origin, cases[i].site);
    assert_int_equal(refusal.status, cases[i].status);
  }
}

static void test_guard_head(void **state) {
  static const struct {
    const char *head;
    int status;
  } cases[] = {
      {"GET / HTTP/1.1\r\nhost: a\r\n\r\n", 0},
      {"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}", 0},
      {"POST / HTTP/1.1\r\nhost: a\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\n{}", 400},
      {"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\nhost: a\ncontent-length: 2\ntransfer-encoding: chunked\n\n", 400},
      {"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n 5\r\n\r\n{}", 400},
      {"GET / HTTP/1.1\r\nx: y\r\n\thost: a\r\n\r\n", 400},
      /* The parser passes over an empty line before the request. */
      {"\r\nPOST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}", 0},
      {"\r\nPOST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n", 400},
      {"\nGET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400},
      {"\r\nGET / HTTP/1.1\r\nx: y\r\n\thost: a\r\n\r\n", 400},
      {"\r\n", 0},
      /* What stands in the body does not count. */
      {"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{\r\n  \r\n}", 0},
      {"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 40\r\n\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal(bt_guard_check_head(bt_str_from(cases[i].head)).status, cases[i].status);
}

static void count_values(void *context, bt_str value) {
  (void)value;
  ++*(int *)context;
}

static void test_query(void **state) {
  (void)state;
  bt_call *call = bt_call_new(1 << 16);
  bt_str value;
  int labels = 0;
  assert_non_null(call);
  call->query = BT_STR("a=1&label=x%3Ay&label=z&empty&plus=a+b&bad=%zz&a=2&%61=3");
  assert_true(bt_call_query(call, "a", &value) && bt_str_equal(value, BT_STR("1")));
  assert_true(bt_call_query(call, "label", &value) && bt_str_equal(value, BT_STR("x:y")));
  assert_true(bt_call_query(call, "empty", &value) && value.len == 0);
  assert_true(bt_call_query(call, "plus", &value) && bt_str_equal(value, BT_STR("a b")));
  assert_true(bt_call_query(call, "bad", &value) && bt_str_equal(value, BT_STR("%zz")));
  assert_false(bt_call_query(call, "nosuch", &value));
  bt_call_query_each(call, "label", count_values, &labels);
  assert_int_equal(labels, 2);
  bt_call_free(call);
}

/* What one would be passed over of is refused, and so is more than anybody needs. */
static void test_queries_that_are_none(void **state) {
  static const char *const names[] = {"q", "dry_run", "label", NULL};
  static const struct {
    const char *query, *says; /* NULL: allowed */
  } cases[] = {
      {"", NULL},
      {"q=1&label=a&label=b&dry_run", NULL},
      {"&&=5&q=1", NULL},
      {"q=1&q=1", "q stands several times"},
      {"dry_run=false&label=a&dry_run=true", "dry_run stands several times"},
      {"q=1&Q=1", "no query parameter \\\"Q\\\""},
      {"%71=1", "no query parameter"},
  };
  bt_buffer many = {0};
  (void)state;
  for (size_t i = 0; i <= sizeof cases / sizeof cases[0]; i++) {
    bool is_many = i == sizeof cases / sizeof cases[0];
    for (int k = 0; is_many && k <= BT_CALL_MAX_PARAMETERS; k++) bt_buffer_append(&many, BT_STR("label=a&"));
    const char *says = is_many ? "may have 1024 parameters; 1025 came" : cases[i].says;
    bt_call *call = bt_call_new(1 << 20);
    assert_non_null(call);
    call->query = is_many ? bt_buffer_str(&many) : bt_str_from(cases[i].query);
    assert_int_equal(bt_call_query_allows(call, names), !says);
    if (says) assert_int_equal(call->status, 400);
    if (says) assert_non_null(strstr(call->answer.ptr, says));
    bt_call_free(call);
  }
  bt_buffer_dispose(&many);
}

/* Asked under every cap: nothing is done by a handler whose query was not read whole, as when `dry_run` stands in it.
 */
static void test_queries_without_room(void **state) {
  static const char *const names[] = {"test", "dry_run", NULL};
  size_t cap = 0;
  (void)state;
  for (bool is_read = false; !is_read; cap++) {
    bt_call *call = bt_call_new(cap);
    bt_str value;
    assert_non_null(call);
    call->query = BT_STR("test=false&dry_run");
    is_read = bt_call_query_allows(call, names);
    if (is_read)
      assert_true(bt_call_query(call, "dry_run", &value) && bt_call_query(call, "test", &value));
    else
      assert_int_equal(call->status, 503);
    bt_call_free(call);
    assert_true(cap < 1 << 16);
  }
  assert_true(cap > 10);
}

/* Asked under every cap: a filter that could not be read is no filter that matches everything. */
static void test_filters_without_room(void **state) {
  size_t cap = 0;
  (void)state;
  for (bool is_read = false; !is_read; cap++) {
    bt_rule_filter filter;
    bt_call *call = bt_call_new(cap);
    assert_non_null(call);
    call->query = BT_STR("q=wanted&label=team%3Aa&severity=high&label=tier");
    is_read = bt_rule_filter_read(call, &filter);
    if (!is_read) {
      assert_int_equal(call->status, 503);
    } else {
      assert_true(bt_str_equal(filter.q, BT_STR("wanted")) && bt_str_equal(filter.severity, BT_STR("high")));
      size_t labels = 0;
      for (const bt_label_filter *label = filter.labels; label; label = label->next) labels++;
      assert_int_equal(labels, 2);
    }
    bt_call_free(call);
    assert_true(cap < 1 << 16);
  }
  assert_true(cap > 30);
}

static void test_nearest(void **state) {
  static const char *const names[] = {"severity", "enabled", "dsl", NULL};
  bt_call *call = bt_call_new(1 << 16);
  (void)state;
  assert_non_null(call);
  call->query = BT_STR("enabled=true&severty=high");
  assert_false(bt_call_query_allows(call, names));
  assert_int_equal(call->status, 400);
  assert_true(bt_str_contains(bt_buffer_str(&call->answer), BT_STR("did you mean \\\"severity\\\"")));
  bt_call_free(call);
}

/* ---- rates of clients ---- */

static uint64_t v4(const char *text) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
  return bt_client_of_address((struct sockaddr *)&address, sizeof address);
}

static uint64_t v6(const char *text) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6};
  assert_int_equal(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
  return bt_client_of_address((struct sockaddr *)&address, sizeof address);
}

static void test_clients(void **state) {
  struct sockaddr none = {.sa_family = AF_UNIX};
  (void)state;
  assert_true(v4("10.0.0.1") != v4("10.0.0.2"));
  assert_true(v4("10.0.0.1") == v6("::ffff:10.0.0.1"));
  assert_true(v6("2001:db8:1:2::1") == v6("2001:db8:1:2:ffff::9"));
  assert_true(v6("2001:db8:1:2::1") != v6("2001:db8:1:3::1"));
  assert_true(bt_client_of_address(&none, sizeof none) == 0);
  assert_true(bt_client_of_token(BT_STR("ci")) != bt_client_of_token(BT_STR("ops")));
}

/* Against the sentence itself: in any span of time no more than its length times the rate, and the burst. */
static void test_rate(void **state) {
  enum { PER_SECOND = 5, BURST = PER_SECOND * BT_CLIENT_BURST_SECONDS };
  const int64_t second = 1000000000, start = 12345 * second;
  bt_client_rates *rates = bt_client_rates_new(PER_SECOND);
  (void)state;
  assert_non_null(rates);
  for (int i = 0; i < BURST; i++) assert_int_equal(bt_client_rates_take(rates, 7, start), 0);
  assert_int_equal(bt_client_rates_take(rates, 7, start), 1);
  assert_int_equal(bt_client_rates_take(rates, 8, start), 0);
  assert_int_equal(bt_client_rates_take(rates, 7, start + second / 5), 0);
  assert_int_equal(bt_client_rates_take(rates, 7, start + second / 5), 1);
  uint32_t taken = 0;
  for (int i = 1; i <= 1000; i++) taken += bt_client_rates_take(rates, 7, start + second + i * second / 100) == 0;
  assert_in_range(taken, 10 * PER_SECOND, 11 * PER_SECOND);
  for (int i = 0; i < BURST; i++) assert_int_equal(bt_client_rates_take(rates, 7, start + 60 * second), 0);
  assert_int_equal(bt_client_rates_take(rates, 7, start + 60 * second), 1);
  bt_client_rates_free(rates);
}

/* One request in a long time is waited for as long as it is said. */
static void test_slow_rate_says_how_long(void **state) {
  const int64_t second = 1000000000;
  bt_client_rates *rates = bt_client_rates_new(1);
  (void)state;
  assert_non_null(rates);
  for (int i = 0; i < BT_CLIENT_BURST_SECONDS; i++) assert_int_equal(bt_client_rates_take(rates, 1, second), 0);
  uint32_t wait_seconds = bt_client_rates_take(rates, 1, second + second / 2);
  assert_int_equal(wait_seconds, 1);
  assert_int_equal(bt_client_rates_take(rates, 1, second + second / 2 + wait_seconds * second), 0);
  bt_client_rates_free(rates);
  assert_int_equal(bt_client_rates_take(NULL, 1, 0), 0);
}

/* Many more clients than are known: each is let in, and one that is limited stays so unless fuller ones are gone. */
static void test_many_clients(void **state) {
  const int64_t second = 1000000000;
  bt_client_rates *rates = bt_client_rates_new(1);
  (void)state;
  assert_non_null(rates);
  while (bt_client_rates_take(rates, 3, second) == 0) continue;
  for (uint64_t i = 0; i < 100000; i++) assert_int_equal(bt_client_rates_take(rates, 1000 + i, second), 0);
  assert_true(bt_client_rates_take(rates, 3, second) > 0);
  bt_client_rates_free(rates);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_router),
      cmocka_unit_test(test_guard_site),
      cmocka_unit_test(test_guard_head),
      cmocka_unit_test(test_query),
      cmocka_unit_test(test_filters_without_room),
      cmocka_unit_test(test_nearest),
      cmocka_unit_test(test_clients),
      cmocka_unit_test(test_rate),
      cmocka_unit_test(test_slow_rate_says_how_long),
      cmocka_unit_test(test_many_clients),
      cmocka_unit_test(test_queries_that_are_none),
      cmocka_unit_test(test_queries_without_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
