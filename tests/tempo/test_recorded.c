/* The recorded answers of a real Tempo: protobuf and JSON of one name must give the same, and what is known of them
 * must be there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/case_file.h"
#include "tests/tempo/trace_text.h"

static char *read_recorded(const char *name, const char *ending, size_t *length) {
  char path[200];
  snprintf(path, sizeof path, "recorded/%s.%s", name, ending);
  char *text = case_read_file(path, length);
  if (!text) fail_msg("%s cannot be read", path);
  return text;
}

static char *decode_trace(const char *name, const char *ending, uint32_t *span_count) {
  size_t length;
  char *body = read_recorded(name, ending, &length);
  bt_error error = {.message = ""};
  bt_span_batch *batch;
  bool partial = true;
  text_lines lines = {0};
  assert_int_equal(bt_span_batch_new(1 << 24, &batch, &error), BT_OK);
  bt_status status =
      bt_tempo_decode_trace((bt_str){body, length}, strcmp(ending, "json") == 0, batch, &partial, &error);
  if (status != BT_OK) fail_msg("%s.%s: %s", name, ending, error.message);
  assert_false(partial);
  assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
  assert_int_equal(bt_span_batch_trace_count(batch), *span_count ? 1 : 0);
  if (*span_count) assert_int_equal(bt_span_batch_trace(batch, 0)->span_count, *span_count);
  text_lines_add_batch(&lines, batch);
  bt_span_batch_free(batch);
  free(body);
  return text_lines_join(&lines);
}

static void check_trace(const char *name, uint32_t span_count, const char *known) {
  char *protobuf = decode_trace(name, "pb", &span_count), *json = decode_trace(name, "json", &span_count);
  assert_string_equal(protobuf, json);
  if (!strstr(protobuf, known)) fail_msg("%s lacks %s", name, known);
  free(protobuf);
  free(json);
}

static void test_traces(void **state) {
  (void)state;
  check_trace("trace-0", 10,
              "0f204e9da560131c6aec3cf45aa0aa91 7f256b44922c5000 under 99620c1f3768a376 \"payment.charge\" kind 3 "
              "status 2 \"card declined\" "
              "1795077864369779995..1795077864873779995 {\"amount\"=10121.84d \"amount.cents\"=1012184 "
              "\"payment.method\"=\"sepa\"} "
              "of \"payment-service\"{\"deployment.environment\"=\"lab\" \"service.name\"=\"payment-service\"} by "
              "\"tempogen\"\"1.0\"{}");
  check_trace("trace-0", 10, "\"tags\"=[\"a\",\"b\"]");
  check_trace("trace-1", 10, "0cdb142e81f88e071bd58e7678aaf055 ");
  check_trace("trace-2", 11, "06e82e4e21269c256baaf88aa29e3a00 ");
}

static void test_not_found_is_an_empty_trace(void **state) {
  (void)state;
  uint32_t none = 0;
  char *text = decode_trace("trace-notfound", "pb", &none);
  assert_string_equal(text, "");
  free(text);
}

typedef struct seen {
  text_lines lines;
  size_t traces, spans;
} seen;

static bt_status add_row(void *context, const bt_search_row *row, bt_error *error) {
  (void)error;
  seen *s = context;
  if (row->span)
    s->spans++;
  else
    s->traces++;
  text_lines_add_row(&s->lines, row);
  return BT_OK;
}

static char *decode_search(const char *name, const char *ending, bool with_spans, size_t traces, size_t spans) {
  size_t length;
  char *body = read_recorded(name, ending, &length);
  bt_error error = {.message = ""};
  bt_search_answer answer;
  seen s = {.traces = 0};
  bt_status status = bt_tempo_decode_search((bt_str){body, length}, strcmp(ending, "json") == 0, with_spans, add_row,
                                            &s, &answer, &error);
  if (status != BT_OK) fail_msg("%s.%s: %s", name, ending, error.message);
  assert_int_equal(answer.trace_count, traces);
  assert_int_equal(s.traces, traces);
  assert_int_equal(s.spans, with_spans ? spans : 0);
  assert_true(answer.inspected_bytes > 0);
  free(body);
  return text_lines_join(&s.lines);
}

static void check_search(const char *name, size_t traces, size_t spans, const char *known) {
  char *protobuf = decode_search(name, "pb", true, traces, spans),
       *json = decode_search(name, "json", true, traces, spans);
  assert_string_equal(protobuf, json);
  if (!strstr(protobuf, known)) fail_msg("%s lacks %s", name, known);
  char *ids = decode_search(name, "pb", false, traces, spans),
       *json_ids = decode_search(name, "json", false, traces, spans);
  assert_string_equal(ids, json_ids);
  free(protobuf);
  free(json);
  free(ids);
  free(json_ids);
}

static void test_searches(void **state) {
  (void)state;
  check_search("search-ids", 40, 41, "\"db.query\"");
  check_search("search-ids", 40, 41,
               "a0ffe3151aa47caed83d3bf040910269 1795079061562920386..1795079064876920386 with 12 spans");
  check_search(
      "search-select", 40, 205,
      "00c7359c45492307962ceeea1a88de94 1795078863024759369..1795078865533759369 22ac859792012df0 \"db.query\" "
      "1795078863374759369+5000000 of 4 {\"db.rows\"=15 \"kind\"=\"client\" \"service.name\"=\"payment-service\" "
      "\"span:parentID\"=\"3944e1674b968480\" \"status\"=\"unset\" \"statusMessage\"=\"\"}\n");
  check_search("search-byspan", 40, 161, "of 1 {\"db.rows\"=15 \"status\"=\"unset\"}\n");
  check_search("search-by-id", 2, 21, "006d72f53f1814cee418d727a1ad7eda ");
  check_search("search-none", 0, 0, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_traces), cmocka_unit_test(test_not_found_is_an_empty_trace),
                                     cmocka_unit_test(test_searches)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
