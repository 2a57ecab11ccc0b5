/* Every allocation of ours fails in turn: on the way to a Tempo that is not there, while an answer with spans is read,
 * and while spans are encoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tempo/api/tempo_source.h"
#include "tempo/wire/otlp_export.h"
#include "tests/support/asked.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/fake_http.h"

enum { LONGEST = 400 };
static const int64_t second_ns = 1000000000;

typedef bt_status (*attempt)(bt_http_client *client, bool *is_complete, bt_error *error);

/* Nobody listens at port 1 of loopback: without failures a search ends with its window failed, a read with
 * BT_UNAVAILABLE. */
static bt_status open_source(bt_http_client *client, bt_source **source, bt_error *error) {
  bt_tempo_options options = {
      .url = "http://127.0.0.1:1", .pause_ms = 1, .user = "u", .password = "p", .ca_file = "authorities.pem"};
  return bt_tempo_source_new(client, &options, source, error);
}

static bt_status search(bt_http_client *client, bool *is_complete, bt_error *error) {
  bt_source *source = NULL;
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_search_request request = {.query = asked_name("x"),
                               .range = {second_ns, 500000 * second_ns},
                               .tenant = "t",
                               .rule_id = "r",
                               .max_found = 10};
  bt_status status = open_source(client, &source, error);
  if (status == BT_OK) status = bt_source_search(source, &request, &found, &account, error);
  *is_complete = status == BT_OK && account.failed_count > 0;
  if (status == BT_OK) assert_true(account.failed_count > 0); /* never "nothing there" */
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  bt_source_free(source);
  return status;
}

static bt_status ignore_trace(void *context, const bt_read_trace *read, bt_error *error) {
  (void)context, (void)read, (void)error;
  return BT_OK;
}

/* What goes on before; or nothing does. */
typedef enum begun { NOTHING_BEGUN, BATCHES_BEGUN, BY_ID_BEGUN } begun;

static bt_status read_some(bt_http_client *client, begun what, bool *is_complete, bt_error *error) {
  static const bt_trace_id ids[3] = {{{1}}, {{2}}, {{1}}};
  static const bt_projection projection = {0};
  bt_source *source = NULL;
  bt_source_account account = {0};
  bt_read_request request = {.ids = ids,
                             .count = 3,
                             .range = {second_ns, 500000 * second_ns},
                             .projection = &projection,
                             .by_id = what == BY_ID_BEGUN};
  bt_status status = open_source(client, &source, error);
  bt_ahead_kind kind = what == BY_ID_BEGUN ? BT_AHEAD_BY_ID : BT_AHEAD_BATCHES;
  if (status == BT_OK && what) request.ahead = bt_source_begin(source, (bt_asked){kind, .read = &request}, &account);
  if (status == BT_OK) status = bt_source_read(source, &request, ignore_trace, NULL, &account, error);
  bt_source_drop(request.ahead);
  assert_int_not_equal(status, BT_OK);
  *is_complete = status == BT_UNAVAILABLE;
  bt_source_account_dispose(&account);
  bt_source_free(source);
  return status;
}

static bt_status read_batch(bt_http_client *client, bool *is_complete, bt_error *error) {
  return read_some(client, NOTHING_BEGUN, is_complete, error);
}

static bt_status read_begun_batch(bt_http_client *client, bool *is_complete, bt_error *error) {
  return read_some(client, BATCHES_BEGUN, is_complete, error);
}

static bt_status read_by_id(bt_http_client *client, bool *is_complete, bt_error *error) {
  return read_some(client, BY_ID_BEGUN, is_complete, error);
}

typedef struct seen_spans {
  size_t calls[256]; /* by the first byte of the id */
  size_t total;
} seen_spans;

/* What there was no memory for in the end is read by id: then it has no spans. */
static bt_status see_spans(void *context, const bt_found_spans *spans, bt_error *error) {
  (void)error;
  seen_spans *seen = context;
  assert_true(spans->needs_by_id || (spans->trace && spans->trace->span_count == 1));
  seen->calls[spans->found.id.bytes[0]]++;
  seen->total++;
  return BT_OK;
}

static bool hastens;

static bt_status find_spans_at(bt_source *source, seen_spans *seen, uint64_t expected, bt_error *error) {
  static bt_projected fields[] = {{BT_PROJECTED_SPAN, {"n", 1}}};
  static const bt_projection projection = {.attributes = fields, .attribute_count = 1, .status = true};
  bt_source_account account = {0};
  bt_spans_request request = {.spans.asked = asked_name("x"),
                              .range = {second_ns, 500000 * second_ns},
                              .projection = &projection,
                              .expected = expected,
                              .tenant = "t",
                              .rule_id = "r"};
  bt_ahead *before = bt_source_begin(source, (bt_asked){BT_AHEAD_BEFORE_SPANS, .spans = &request}, &account);
  request.ahead = before;
  if (hastens) request.ahead = bt_source_begin(source, (bt_asked){BT_AHEAD_SPANS, .spans = &request}, &account);
  bt_status status = bt_source_find_spans(source, &request, see_spans, seen, &account, error);
  if (request.ahead != before) bt_source_drop(request.ahead);
  bt_source_drop(before);
  bt_source_account_dispose(&account);
  return status;
}

/* In parts: the stack of them grows too. */
static bt_status find_spans(bt_http_client *client, bool *is_complete, bt_error *error) {
  bt_source *source = NULL;
  seen_spans seen = {.total = 0};
  bt_status status = open_source(client, &source, error);
  if (status == BT_OK) status = find_spans_at(source, &seen, 3000000, error);
  assert_int_not_equal(status, BT_OK); /* never "nothing there" */
  *is_complete = status == BT_UNAVAILABLE;
  bt_source_free(source);
  return status;
}

static bt_status check(bt_http_client *client, bool *is_complete, bt_error *error) {
  bt_source *source = NULL;
  bt_status status = open_source(client, &source, error);
  if (status == BT_OK) status = bt_source_check(source, NULL, error);
  assert_int_not_equal(status, BT_OK);
  *is_complete = status == BT_UNAVAILABLE;
  bt_source_free(source);
  return status;
}

static bt_status export_span(bt_http_client *client, bool *is_complete, bt_error *error) {
  bt_value items[] = {{.type = BT_VALUE_STRING, .string = BT_STR("a")}};
  bt_attribute attributes[] = {{BT_STR("k"), {.type = BT_VALUE_ARRAY, .array = {items, 1}}},
                               {BT_STR("s"), {.type = BT_VALUE_STRING, .string = BT_STR("v")}}};
  bt_link link = {.trace_id = {{1}}, .span_id = {{2}}};
  bt_export_span span = {.trace_id = {{1}},
                         .span_id = {{1}},
                         .parent_id = {{2}},
                         .name = BT_STR("n"),
                         .attributes = attributes,
                         .attribute_count = 2,
                         .links = &link,
                         .link_count = 1};
  bt_export_resource resource = {.attributes = attributes, .attribute_count = 2, .spans = &span, .span_count = 1};
  bt_exporter_options options = {.url = "http://127.0.0.1:1", .headers = "a=b", .tenant = "t", .attempts = 1};
  bt_export_result result;
  bt_status status = bt_otlp_export(client, &options, &resource, 1, NULL, &result, error);
  assert_int_not_equal(status, BT_OK);
  *is_complete = status == BT_UNAVAILABLE;
  return status;
}

static void fail_in_turn(attempt run) {
  bt_http_client *client = NULL;
  bt_error error;
  (void)asked_name("x"); /* made before memory lacks */
  assert_int_equal(bt_http_client_new(NULL, &client, &error), BT_OK);
  bool refused = true;
  size_t n = 0;
  for (; refused && n < LONGEST; n++) {
    bool is_complete = false;
    failing_alloc_after(n);
    bt_status status = run(client, &is_complete, &error);
    refused = failing_alloc_stop();
    if (refused)
      assert_true(status == BT_NO_MEMORY || is_complete);
    else
      assert_true(is_complete);
  }
  assert_true(n > 2 && n < LONGEST);
  bt_http_client_free(client);
}

static void searching(void **state) {
  (void)state;
  fail_in_turn(search);
}

static void reading_batches(void **state) {
  (void)state;
  fail_in_turn(read_batch);
  fail_in_turn(read_begun_batch);
}

static void reading_by_id(void **state) {
  (void)state;
  fail_in_turn(read_by_id);
}

static void finding_spans(void **state) {
  (void)state;
  fail_in_turn(find_spans);
}

enum { GIVEN = 40, SPAN_BYTES = 400, LONGEST_ANSWER = 4000 };
static char given[GIVEN * SPAN_BYTES];

static void write_given(void) {
  size_t used = (size_t)snprintf(given, sizeof given, "{\"traces\":[");
  for (unsigned i = 0; i < GIVEN; i++)
    used += (size_t)snprintf(given + used, sizeof given - used,
                             "%s{\"traceID\":\"%02x0000000000000000000000000000aa\",\"startTimeUnixNano\":\"5\","
                             "\"durationMs\":1,\"spanSets\":[{"
                             "\"spans\":[{\"spanID\":\"7\",\"name\":\"x\",\"startTimeUnixNano\":\"5\","
                             "\"durationNanos\":\"5\",\"attributes\":[{"
                             "\"key\":\"kind\",\"value\":{\"stringValue\":\"server\"}},{\"key\":\"status\",\"value\":{"
                             "\"stringValue\":\"ok\"}},"
                             "{\"key\":\"n\",\"value\":{\"stringValue\":\"a text\"}}]}],\"matched\":1}]}",
                             i ? "," : "", 0x10 + i * 5);
  used += (size_t)snprintf(given + used, sizeof given - used, "],\"metrics\":{}}");
  assert_true(used < sizeof given);
}

/* Asks for no memory itself. The same answer to every part: what is another part's is left out. No trace has many
 * spans. */
static bool give_all(void *context, const fake_request *request, int socket) {
  static const char none[] = "{\"traces\":[],\"metrics\":{}}";
  (void)context;
  bool kept;
  if (fake_knows_no_lists(request, socket, &kept)) return kept;
  if (strstr(request->target, "count%28%29"))
    return fake_respond(socket, 200, "application/json", "", none, strlen(none));
  return fake_respond(socket, 200, "application/json", "", given, strlen(given));
}

static void expect_each_once(const seen_spans *seen) {
  assert_int_equal(seen->total, GIVEN);
  for (unsigned i = 0; i < GIVEN; i++) assert_int_equal(seen->calls[0x10 + i * 5], 1);
}

/* With allocation number n refused, alone or with all that come after it: each trace once, or an error. */
static bool finds_spans_without(bt_source *source, size_t n, bool is_once) {
  seen_spans seen = {.total = 0};
  bt_error error;
  if (is_once)
    failing_alloc_once(n);
  else
    failing_alloc_after(n);
  bt_status status = find_spans_at(source, &seen, 25000, &error);
  bool refused = failing_alloc_stop();
  if (status == BT_OK) expect_each_once(&seen);
  if (!refused) assert_int_equal(status, BT_OK);
  if (status != BT_OK) assert_true(status == BT_NO_MEMORY || status == BT_LIMIT || status == BT_UNAVAILABLE);
  return refused;
}

static void finding_spans_in_an_answer(void **state) {
  (void)state;
  bt_http_client *client = NULL;
  bt_source *source = NULL;
  bt_error error;
  write_given();
  fake_server *server = fake_server_start(give_all, NULL);
  assert_non_null(server);
  bt_tempo_options options = {.url = fake_server_url(server), .pause_ms = 1};
  assert_int_equal(bt_http_client_new(NULL, &client, &error), BT_OK);
  assert_int_equal(bt_tempo_source_new(client, &options, &source, &error), BT_OK);
  for (int turn = 0; turn < 4; turn++) {
    bool is_once = turn & 1;
    size_t n = 0;
    hastens = turn & 2;
    while (n < LONGEST_ANSWER && finds_spans_without(source, n, is_once)) n++;
    if (n <= 20 || n == LONGEST_ANSWER) fail_msg("%zu allocations", n);
  }
  hastens = false;
  bt_source_free(source);
  bt_http_client_free(client);
  fake_server_stop(server);
}

static void checking(void **state) {
  (void)state;
  fail_in_turn(check);
}

static void exporting(void **state) {
  (void)state;
  fail_in_turn(export_span);
}

static void starting_a_client(void **state) {
  (void)state;
  size_t n = 0;
  for (bool refused = true; refused; n++) {
    bt_http_client *client = NULL;
    bt_error error;
    failing_alloc_after(n);
    bt_status status = bt_http_client_new(NULL, &client, &error);
    refused = failing_alloc_stop();
    assert_int_equal(status, refused ? BT_NO_MEMORY : BT_OK);
    bt_http_client_free(client);
  }
  assert_true(n > 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(starting_a_client), cmocka_unit_test(searching),
                                     cmocka_unit_test(reading_batches),   cmocka_unit_test(reading_by_id),
                                     cmocka_unit_test(checking),          cmocka_unit_test(exporting),
                                     cmocka_unit_test(finding_spans),     cmocka_unit_test(finding_spans_in_an_answer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
