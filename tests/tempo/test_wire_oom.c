/* Every allocation of ours fails in turn: on the way to a Tempo that is not there, and while spans are encoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tempo/otlp_export.h"
#include "tempo/tempo_source.h"
#include "tests/support/failing_alloc.h"

enum { LONGEST = 400 };
static const int64_t second_ns = 1000000000;

typedef bt_status (*attempt)(bt_http_client *client, bool *is_complete, bt_error *error);

/* Nobody listens at port 1 of loopback: without failures a search ends with its window failed, a read with BT_UNAVAILABLE. */
static bt_status open_source(bt_http_client *client, bt_source **source, bt_error *error) {
  bt_tempo_options options = {
      .url = "http://127.0.0.1:1", .pause_ms = 1, .user = "u", .password = "p", .ca_file = "authorities.pem"};
  return bt_tempo_source_new(client, &options, source, error);
}

static bt_status search(bt_http_client *client, bool *is_complete, bt_error *error) {
  bt_source *source = NULL;
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_search_request request = {.filter = BT_STR("{ name = \"x\" }"),
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

static bt_status read_some(bt_http_client *client, bool by_id, bool *is_complete, bt_error *error) {
  static const bt_trace_id ids[3] = {{{1}}, {{2}}, {{1}}};
  static const bt_projection projection = {0};
  bt_source *source = NULL;
  bt_source_account account = {0};
  bt_read_request request = {
      .ids = ids, .count = 3, .range = {second_ns, 500000 * second_ns}, .projection = &projection, .by_id = by_id};
  bt_status status = open_source(client, &source, error);
  if (status == BT_OK) status = bt_source_read(source, &request, ignore_trace, NULL, &account, error);
  assert_int_not_equal(status, BT_OK);
  *is_complete = status == BT_UNAVAILABLE;
  bt_source_account_dispose(&account);
  bt_source_free(source);
  return status;
}

static bt_status read_batch(bt_http_client *client, bool *is_complete, bt_error *error) {
  return read_some(client, false, is_complete, error);
}

static bt_status read_by_id(bt_http_client *client, bool *is_complete, bt_error *error) {
  return read_some(client, true, is_complete, error);
}

static bt_status check(bt_http_client *client, bool *is_complete, bt_error *error) {
  bt_source *source = NULL;
  bt_status status = open_source(client, &source, error);
  if (status == BT_OK) status = bt_source_check(source, error);
  assert_int_not_equal(status, BT_OK);
  *is_complete = status == BT_UNAVAILABLE;
  bt_source_free(source);
  return status;
}

static bt_status export_span(bt_http_client *client, bool *is_complete, bt_error *error) {
  bt_value items[] = {{.type = BT_VALUE_STRING, .string = BT_STR("a")}};
  bt_attribute attributes[] = {{BT_STR("k"), {.type = BT_VALUE_ARRAY, .array = {items, 1}}},
                               {BT_STR("s"), {.type = BT_VALUE_STRING, .string = BT_STR("v")}}};
  bt_export_link link = {.trace_id = {{1}}, .span_id = {{2}}};
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
}

static void reading_by_id(void **state) {
  (void)state;
  fail_in_turn(read_by_id);
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
                                     cmocka_unit_test(checking),          cmocka_unit_test(exporting)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
