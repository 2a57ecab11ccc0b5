/* What files hold besides whole spans: documents of other signals, spans without an id, an end that is cut off. All of
 * it is told where the caller tells people, and refused where not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tempo/files/file_source.h"
#include "tempo/wire/utf16.h"

#define SPAN(trace, span)                                                                                              \
  "{\"traceId\":\"0000000000000000000000000000000" trace "\",\"spanId\":\"" span                                       \
  "\",\"name\":\"a\",\"startTimeUnixNano\":10,\"endTimeUnixNano\":20}"
#define SCOPE_SPANS(spans)    "{\"scope\":{\"name\":\"lib\"},\"spans\":[" spans "]}"
#define RESOURCE_SPANS(spans) "{\"scopeSpans\":[" SCOPE_SPANS(spans) "],\"resource\":{" SHOP "}}"
#define DOCUMENT(spans)       "{\"resourceSpans\":[" RESOURCE_SPANS(spans) "]}"
#define SHOP                  "\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]"
#define A                     "000000000000000a"
#define LOGS                  "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"x\"}}]}]}]}"
#define METRICS               "{\"resourceMetrics\":[{}]}"

typedef struct opened {
  char path[64];
  bt_source *source;
  bt_status status;
  bt_error error;
} opened;

static opened open_bytes(bt_str content, bool leaves_out, unsigned jobs) {
  opened o = {.path = P_tmpdir "/betrace-passed-XXXXXX"};
  int descriptor = mkstemp(o.path);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, content.ptr, content.len), content.len);
  close(descriptor);
  const char *path = o.path;
  const bt_file_opening how = {.jobs = jobs, .leaves_out = leaves_out};
  o.status = bt_file_source_open_wide(&path, 1, &how, &o.source, &o.error);
  return o;
}

static void close_it(opened *o) {
  bt_source_free(o->source);
  unlink(o->path);
}

/* Traces by their last digit; '*' behind one that lacks spans; then the sentences without the file's name. */
static void check(bt_str content, const char *expected) {
  for (unsigned jobs = 1; jobs <= 2; jobs++) {
    opened o = open_bytes(content, true, jobs);
    bt_buffer text = {0};
    if (o.status != BT_OK) fail_msg("%s", o.error.message);
    for (size_t i = 0; i < bt_file_source_trace_count(o.source); i++) {
      const bt_trace *trace;
      assert_int_equal(bt_file_source_trace(o.source, i, &trace, &o.error), BT_OK);
      bt_buffer_printf(&text, "%u%s ", trace->id.bytes[15], trace->partial ? "*" : "");
    }
    const bt_file_account *account = bt_file_source_account(o.source);
    for (size_t i = 0; i < account->note_count; i++) {
      bt_buffer sentence = {0};
      bt_file_note_write(&account->notes[i], &sentence);
      bt_buffer_printf(&text, "| %s", sentence.ptr + strlen(o.path) + 2);
      bt_buffer_dispose(&sentence);
    }
    bt_buffer_append_char(&text, '\0');
    assert_string_equal(text.ptr, expected);
    bt_promises promises = bt_source_known(o.source);
    assert_true((promises.lacks != NULL) == (account->gaps.len > 0));
    bt_buffer_dispose(&text);
    close_it(&o);
  }
}

static void check_refused(bt_str content, bool leaves_out, const char *message) {
  opened o = open_bytes(content, leaves_out, 1);
  assert_int_equal(o.status, BT_INVALID);
  if (!strstr(o.error.message, message)) fail_msg("%s", o.error.message);
  close_it(&o);
}

static void test_other_signals(void **state) {
  (void)state;
  static const char all[] = LOGS "\n" DOCUMENT(SPAN("1", A)) "\n" METRICS "\n";
  check(BT_STR(all), "1 | 2 documents hold logs, metrics or profiles, which no rule looks at");
  check(BT_STR("[" LOGS "," DOCUMENT(SPAN("1", A)) "]"),
        "1 | 1 document holds logs, metrics or profiles, which no rule looks at");
  check(BT_STR("{\"resource\":{},\"scopeLogs\":[]}\n" DOCUMENT(SPAN("1", A))),
        "1 | 1 document holds logs, metrics or profiles, which no rule looks at");
  check(BT_STR("{\"resourceProfiles\":[],\"dictionary\":{}}"),
        "| 1 document holds logs, metrics or profiles, which no rule looks at");
  check_refused(BT_STR(all), false, "JSON, line 1, column ");
  check_refused(BT_STR("{\"data\":1}\n"), true, "this is something else");
  check_refused(BT_STR("{\"resource\":{}}\n"), true, "this is something else");
}

/* Messages of the Collector's file exporter, with their lengths: a log with its time, a sum with a point, a span. */
#define LOG_MESSAGE    "\0\0\0\x0f\x0a\x0d\x12\x0b\x12\x09\x09\1\2\3\4\5\6\7\1"
#define METRIC_MESSAGE "\0\0\0\x0d\x0a\x0b\x12\x09\x12\x07\x0a\1n\x3a\2\x0a\0"
#define SPAN_MESSAGE                                                                                                   \
  "\0\0\0\x22\x0a\x20\x12\x1e\x12\x1c\x0a\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x12\x08\0\0\0\0\0\0\0\1"
/* A histogram is where a span has an attribute: here with its temporality, and there with key and value. */
#define HISTOGRAM_MESSAGE "\0\0\0\x0f\x0a\x0d\x12\x0b\x12\x09\x0a\1n\x4a\4\x0a\0\x10\2"
#define SHORT_ID_MESSAGE  "\0\0\0\x13\x0a\x11\x12\x0f\x12\x0d\x0a\1n\x4a\x08\x0a\1k\x12\3\x0a\1v"

static void test_other_signals_in_protobuf(void **state) {
  (void)state;
  static const char all[] = LOG_MESSAGE SPAN_MESSAGE METRIC_MESSAGE HISTOGRAM_MESSAGE;
  check((bt_str){all, sizeof all - 1}, "1 | 3 documents hold logs, metrics or profiles, which no rule looks at");
  static const char log_alone[] = LOG_MESSAGE;
  check((bt_str){log_alone, sizeof log_alone - 1},
        "| 1 document holds logs, metrics or profiles, which no rule looks at");
  check((bt_str){log_alone + 4, sizeof log_alone - 5},
        "| 1 document holds logs, metrics or profiles, which no rule looks at");
  check_refused((bt_str){all, sizeof all - 1}, false, "a field has another wire type than its definition");
  static const char mistake[] = SHORT_ID_MESSAGE SPAN_MESSAGE;
  check_refused((bt_str){mistake, sizeof mistake - 1}, true, "a trace id has 1 bytes instead of 16");
}

static void test_what_stands_alone(void **state) {
  (void)state;
  check(BT_STR("{\"result\":" DOCUMENT(SPAN("1", A)) "}"), "1 ");
  check(BT_STR(RESOURCE_SPANS(SPAN("1", A)) "\n" RESOURCE_SPANS(SPAN("2", A)) "\n"), "1 2 ");
  check(BT_STR(SCOPE_SPANS(SPAN("3", A))), "3 ");
  check_refused(BT_STR("{\"spans\":[" SPAN("1", A) "]}"), true, "this has spans and no scope of them");
  check_refused(BT_STR("{\"result\":{\"metric\":[]}}"), true, "expected an object with resourceSpans");
  opened o = open_bytes(BT_STR(RESOURCE_SPANS(SPAN("1", A))), false, 1); /* its resource comes behind its spans */
  const bt_trace *trace;
  assert_int_equal(bt_file_source_trace(o.source, 0, &trace, &o.error), BT_OK);
  assert_true(bt_str_equal(trace->spans[0].resource->service, BT_STR("shop")));
  assert_true(bt_str_equal(trace->spans[0].scope->name, BT_STR("lib")));
  close_it(&o);
}

static void test_spans_without_an_id(void **state) {
  (void)state;
  static const char some[] = DOCUMENT(SPAN("1", A) "," SPAN("2", "")) "\n" DOCUMENT(SPAN("2", A) "," SPAN("0", A));
  check(BT_STR(some), "1 2* | 2 spans have no trace id or no span id, and were left out");
  check(BT_STR(DOCUMENT(SPAN("2", ""))), "| 1 span has no trace id or no span id, and was left out");
  check_refused(BT_STR(some), false, "a span has no span id; every span needs a trace id and a span id");
  /* The same in protobuf: a trace id and nothing else. */
  static const char message[] = "\x0a\x16\x12\x14\x12\x12\x0a\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05";
  check((bt_str){message, sizeof message - 1}, "| 1 span has no trace id or no span id, and was left out");
}

static void test_records_of_zipkin_that_add(void **state) {
  (void)state;
  check(BT_STR("[{\"traceId\":\"1\",\"id\":\"a\",\"name\":\"x\"},{\"traceId\":\"2\",\"id\":\"a\",\"name\":\"x\"},"
               "{\"traceId\":\"1\",\"id\":\"a\",\"annotations\":[{\"timestamp\":1,\"value\":\"finish\"}]}]"),
        "1* 2 | 1 record only adds to a span of Zipkin, and was left out");
}

static void test_an_end_that_is_cut_off(void **state) {
  (void)state;
  static const char whole[] = DOCUMENT(SPAN("1", A)) "\n" DOCUMENT(SPAN("2", A)) "\n";
  static const char last[] = DOCUMENT(SPAN("1", "000000000000000b"));
  bt_buffer text = {0};
  for (size_t cut = 1; cut < sizeof last - 1; cut++) {
    char expected[200];
    bool is_named = strstr(last, "01\"") + 3 <= last + cut || strstr(last, "01\"") + 2 <= last + cut;
    bt_buffer_clear(&text);
    bt_buffer_printf(&text, "%s%.*s", whole, (int)cut, last);
    snprintf(expected, sizeof expected,
             "1%s 2 | what begins in line 3 (%zu bytes) is cut off and was left out: is the file still being written?",
             is_named ? "*" : "", cut);
    check(bt_buffer_str(&text), expected);
    check_refused(bt_buffer_str(&text), false, "JSON, line 3");
    check_refused((bt_str){last, cut}, true, "JSON, line 1"); /* nothing before it is whole */
  }
  bt_buffer_dispose(&text);
  check_refused(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"resourceSpans\":[x]}"), true, "JSON, line 2"); /* it ends */
  check_refused(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"resourceSpans\":[\n 7"), true, "JSON, line 3");
  check_refused(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"resourceSpans\":\"x"), true, "JSON, line 2");
  check_refused(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"x\":\"a\n7"), true, "JSON, line 2");
  check(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"x\":\"\xE2\x82"),
        "1 | what begins in line 2 (8 bytes) is cut off and was left out: is the file still being written?");
  check(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"x\":\"\\ud83d\\ude"),
        "1 | what begins in line 2 (16 bytes) is cut off and was left out: is the file still being written?");
  check(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"x\":tru"),
        "1 | what begins in line 2 (8 bytes) is cut off and was left out: is the file still being written?");
  check(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"x\":\"\\u00"),
        "1 | what begins in line 2 (10 bytes) is cut off and was left out: is the file still being written?");
  check_refused(BT_STR(DOCUMENT(SPAN("1", A)) "\n{\"resourceSpans\":[\n" DOCUMENT(SPAN("1", A))), true, "JSON, line 3");
}

static void test_a_message_that_is_cut_off(void **state) {
  (void)state;
  static const char whole[] = "\0\0\0\x22\x0a\x20\x12\x1e\x12\x1c\x0a\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\x12\x08"
                              "\0\0\0\0\0\0\0\x01";
  char twice[2 * sizeof whole];
  size_t length = sizeof whole - 1;
  memcpy(twice, whole, length);
  memcpy(twice + length, whole, length);
  check((bt_str){twice, 2 * length}, "5 ");
  check((bt_str){twice, 2 * length - 1},
        "5* | the last message is cut off and was left out: is the file still being written?");
  check((bt_str){twice, length + 3},
        "5 | the last message is cut off and was left out: is the file still being written?");
  check_refused((bt_str){twice, 2 * length - 1}, false, "the last of the length-prefixed messages is cut off");
  check_refused((bt_str){twice, length - 1}, true, "the last of the length-prefixed messages is cut off");
}

static bt_status append(void *context, bt_str piece, bt_error *error) {
  (void)error;
  bt_buffer_append(context, piece);
  return BT_OK;
}

static void check_utf16(bt_str input, const char *expected) {
  for (size_t step = 1; step <= input.len; step++) {
    bt_utf16 utf16 = {0};
    bt_buffer out = {0};
    for (size_t at = 0; at < input.len; at += step) {
      size_t length = input.len - at < step ? input.len - at : step;
      assert_int_equal(bt_utf16_feed(&utf16, (bt_str){input.ptr + at, length}, append, &out, NULL), BT_OK);
    }
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.ptr, expected, out.len);
    bt_buffer_dispose(&out);
  }
}

static void test_utf16(void **state) {
  (void)state;
  check_utf16(BT_STR("\xFF\xFE{\0\xE4\0\xAC\x20\x3D\xD8\x00\xDE"), "{\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  check_utf16(BT_STR("\xFE\xFF\0{\0\xE4\x20\xAC\xD8\x3D\xDE\0"), "{\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  check_utf16(BT_STR("\xFE\xFF\xDE\0\xD8\x3D\0x"), "\xEF\xBF\xBD\xEF\xBF\xBDx"); /* halves that are alone */
  static const char document[] = DOCUMENT(SPAN("1", A)) "\n" LOGS;
  bt_buffer wide = {0};
  bt_buffer_append(&wide, BT_STR("\xFF\xFE"));
  for (size_t i = 0; i < sizeof document - 1; i++) bt_buffer_append(&wide, (bt_str){(char[]){document[i], 0}, 2});
  check(bt_buffer_str(&wide), "1 | 1 document holds logs, metrics or profiles, which no rule looks at");
  bt_buffer_dispose(&wide);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_other_signals),
      cmocka_unit_test(test_what_stands_alone),
      cmocka_unit_test(test_spans_without_an_id),
      cmocka_unit_test(test_other_signals_in_protobuf),
      cmocka_unit_test(test_records_of_zipkin_that_add),
      cmocka_unit_test(test_an_end_that_is_cut_off),
      cmocka_unit_test(test_a_message_that_is_cut_off),
      cmocka_unit_test(test_utf16),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
