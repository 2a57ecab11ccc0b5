/* Spans of BeTrace itself: a queue that is full drops and counts, and without memory there is no queue. What is sent is
 * looked at in tests/http/test_own_traces.py. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/telemetry/own_spans.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tests/support/failing_alloc.h"

/* Nothing listens at port 1. */
static const bt_exporter_options nowhere = {.url = "http://127.0.0.1:1"};

static bt_own_span new_span(bool is_kept) {
  return (bt_own_span){.context = {.is_kept = is_kept, .is_set = true},
                       .kind = BT_KIND_SERVER,
                       .method = "GET",
                       .route = "/v1/rules",
                       .status = 200};
}

static void test_full(void **state) {
  (void)state;
  bt_http_client *client = NULL;
  bt_own_spans *spans = NULL;
  bt_error error = {0};
  bt_own_span kept = new_span(true), other = new_span(false);
  assert_int_equal(bt_http_client_new(NULL, &client, &error), BT_OK);
  assert_int_equal(bt_own_spans_new(client, &nowhere, "1", &spans, &error), BT_OK);
  for (int i = 0; i < 200000; i++) bt_own_spans_add(spans, &other);
  assert_int_equal(bt_own_spans_count(spans, BT_OWN_DROPPED), 0);
  for (int i = 0; i < 200000; i++) bt_own_spans_add(spans, &kept);
  assert_true(bt_own_spans_count(spans, BT_OWN_DROPPED) > 0);
  assert_int_equal(bt_own_spans_count(spans, BT_OWN_SENT), 0);
  bt_own_spans_free(spans);
  bt_http_client_free(client);
}

static void test_off(void **state) {
  (void)state;
  bt_own_span span = new_span(true);
  bt_own_spans_add(NULL, &span);
  assert_int_equal(bt_own_spans_count(NULL, BT_OWN_DROPPED), 0);
  bt_own_spans_free(NULL);
}

static void test_no_memory(void **state) {
  (void)state;
  bt_own_spans *spans = NULL;
  bt_error error = {0};
  failing_alloc_after(0);
  bt_status status = bt_own_spans_new(NULL, &nowhere, "1", &spans, &error);
  assert_true(failing_alloc_stop());
  assert_int_equal(status, BT_NO_MEMORY);
  assert_null(spans);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_full), cmocka_unit_test(test_off),
                                     cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
