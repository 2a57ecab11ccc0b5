/* The file source: formats by content, several files, errors that name the file, and the operations of a source. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "tempo/files/file_source.h"
#include "tests/support/asked.h"
#include "tests/support/case_file.h"
#include "tests/tempo/trace_text.h"
#include "tests/tempo/wire_text.h"

static char folder[] = P_tmpdir "/betrace-files-XXXXXX";

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

typedef struct test_file {
  char path[200];
} test_file;

static test_file write_file(const char *name, bt_str content) {
  test_file file;
  snprintf(file.path, sizeof file.path, "%s/%s", folder, name);
  FILE *out = fopen(file.path, "wb");
  assert_non_null(out);
  assert_int_equal(fwrite(content.ptr, 1, content.len, out), content.len);
  assert_int_equal(fclose(out), 0);
  return file;
}

/* One span: trace and span are numbers below 10. */
static bt_str json_span(char *room, size_t size, int trace, int span, long long start, long long end) {
  int length =
      snprintf(room, size,
               "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0000000000000000000000000000000%d\","
               "\"spanId\":\"000000000000000%d\",\"startTimeUnixNano\":%lld,\"endTimeUnixNano\":%lld}]}]}]}\n",
               trace, span, start, end);
  return (bt_str){room, (size_t)length};
}

static const bt_trace *trace_of(bt_source *source, size_t index) {
  const bt_trace *trace = NULL;
  bt_error error = {.message = ""};
  if (bt_file_source_trace(source, index, &trace, &error) != BT_OK) fail_msg("%s", error.message);
  return trace;
}

static char *source_text(bt_source *source) {
  text_lines lines = {0};
  for (size_t i = 0; i < bt_file_source_trace_count(source); i++) {
    const bt_trace *trace = trace_of(source, i);
    for (uint32_t j = 0; j < trace->span_count; j++) text_lines_add_span(&lines, &trace->id, &trace->spans[j]);
  }
  return text_lines_join(&lines);
}

static char *load(const char *path) {
  bt_source *source;
  bt_error error = {.message = ""};
  if (bt_file_source_open(&path, 1, 0, &source, &error) != BT_OK) fail_msg("%s", error.message);
  char *text = source_text(source);
  bt_source_free(source);
  return text;
}

static void check_same(const char *path, const char *expected) {
  char *text = load(path);
  assert_string_equal(text, expected);
  free(text);
  assert_int_equal(unlink(path), 0);
}

/* gzip members of two halves, as concatenated files are. */
static bt_buffer pack(bt_str content, size_t first) {
  bt_buffer out = {0};
  for (int half = 0; half < 2; half++) {
    bt_str part = half ? (bt_str){content.ptr + first, content.len - first} : (bt_str){content.ptr, first};
    unsigned char packed[4096];
    z_stream stream = {.zalloc = Z_NULL};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)(uintptr_t)part.ptr;
    stream.avail_in = (uInt)part.len;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    bt_buffer_append(&out, (bt_str){(char *)packed, sizeof packed - stream.avail_out});
    deflateEnd(&stream);
  }
  return out;
}

static void test_formats_by_content(void **state) {
  (void)state;
  char *expected = load("recorded/trace-0.json"); /* {"trace": …}, as Tempo answers */
  assert_true(strlen(expected) > 1000);
  size_t length;
  char *answer = case_read_file("recorded/trace-0.pb", &length);
  assert_non_null(answer);
  /* TraceByIDResponse: its first field is the Trace, which has the shape of TracesData. */
  bt_str trace = {answer + 3, (size_t)((unsigned char)answer[1] & 0x7F) + ((size_t)(unsigned char)answer[2] << 7)};
  check_same(write_file("answer.bin", (bt_str){answer, length}).path, expected);
  check_same(write_file("trace.json", trace).path, expected); /* the name says nothing */
  bt_buffer prefixed = {0}, packed = pack(trace, 500);
  char size[4] = {0, 0, (char)(trace.len >> 8), (char)trace.len};
  bt_buffer_append(&prefixed, (bt_str){size, 4});
  bt_buffer_append(&prefixed, trace);
  check_same(write_file("prefixed", bt_buffer_str(&prefixed)).path, expected);
  check_same(write_file("packed", bt_buffer_str(&packed)).path, expected);
  bt_buffer_dispose(&prefixed);
  bt_buffer_dispose(&packed);
  free(answer);
  char *json = case_read_file("recorded/trace-0.json", &length);
  packed = pack((bt_str){json, length}, 1000);
  check_same(write_file("packed", bt_buffer_str(&packed)).path, expected);
  bt_buffer_dispose(&packed);
  bt_buffer marked = {0};
  bt_buffer_printf(&marked, "\xEF\xBB\xBF \n[%s]\n", json);
  check_same(write_file("marked", bt_buffer_str(&marked)).path, expected);
  bt_buffer_dispose(&marked);
  free(json);
  free(expected);
}

/* Numbers of the answer's fields stand for others in TracesData: there this resource would be an attribute without a
 * value, and its spans would be a number. */
static void test_answer_that_is_no_traces_data(void **state) {
  (void)state;
  static const char answer[] = "\x0a\x26\x0a\x24\x0a\x02\x10\x01\x12\x1e\x12\x1c"
                               "\x0a\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\x12\x08\0\0\0\0\0\0\0\x08";
  check_same(
      write_file("answer.bin", (bt_str){answer, sizeof answer - 1}).path,
      "00000000000000000000000000000007 0000000000000008 under - \"\" kind 0 status 0 \"\" 0..0 {} of \"\"{}-1 by "
      "\"\"\"\"{}\n");
}

/* The first bytes of this message are a line break, an opening brace and more blanks, as JSON may begin too. */
static void test_protobuf_that_begins_like_json(void **state) {
  (void)state;
  bt_buffer bytes = {0};
  wire_text_encode("1{ 1{ 1{ 1{\"service.name\"} 2{ 1{\"shop-service\"} } } } 2{ 2{ "
                   "1{x00000000000000000000000000000001} 2{x0000000000000001}"
                   "5{\"a name of 55 bytes, so that it all adds up to 123 bytes\"} } } }",
                   &bytes);
  assert_memory_equal(bytes.ptr, "\n{\n \n\x1e", 6);
  check_same(write_file("tricky", bt_buffer_str(&bytes)).path,
             "00000000000000000000000000000001 0000000000000001 under - \"a name of 55 bytes, so that it all adds up "
             "to 123 bytes\" "
             "kind 0 status 0 \"\" 0..0 {} of \"shop-service\"{\"service.name\"=\"shop-service\"} by \"\"\"\"{}\n");
  bt_buffer_dispose(&bytes);
  check_same(write_file("json", BT_STR("\n{\n \n \"resourceSpans\": []}")).path, "");
  check_same(write_file("json", BT_STR("\n [ ]")).path, "");
}

static void test_one_trace_in_several_files(void **state) {
  (void)state;
  char room[400];
  test_file first = write_file("first", json_span(room, sizeof room, 1, 1, 10, 20));
  test_file second = write_file("second", json_span(room, sizeof room, 1, 2, 15, 40));
  test_file third = write_file("third", json_span(room, sizeof room, 2, 1, 100, 0)); /* no end */
  const char *paths[] = {third.path, first.path, second.path};
  bt_source *source;
  bt_error error = {.message = ""};
  assert_int_equal(bt_file_source_open(paths, 3, 0, &source, &error), BT_OK);
  assert_int_equal(bt_file_source_trace_count(source), 2);
  assert_int_equal(trace_of(source, 0)->span_count, 2);
  assert_int_equal(trace_of(source, 0)->id.bytes[15], 1);
  bt_promises promises = bt_source_known(source);
  assert_string_equal(promises.about.kind, "files");
  assert_true(promises.about.is_checked && promises.is_static);
  assert_false(promises.filters || promises.projects || promises.has_copies);
  assert_int_equal(bt_source_check(source, NULL, &error), BT_OK);
  static const struct {
    int64_t start, end;
    size_t count;
  } ranges[] = {{0, 10, 0},  {0, 11, 1},  {41, 100, 0},  {40, 100, 1},
                {25, 30, 1}, {0, 101, 2}, {100, 101, 1}, {101, 200, 0}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    bt_found_list found = {0};
    bt_source_account account = {0};
    bt_search_request request = {.query = asked_name("nosuch"), .range = {ranges[i].start, ranges[i].end}};
    assert_int_equal(bt_source_search(source, &request, &found, &account, &error), BT_OK);
    assert_int_equal(found.count, ranges[i].count);
    assert_int_equal(account.failed_count, 0);
    if (ranges[i].count == 2)
      assert_true(found.items[0].start_ns == 10 && found.items[0].end_ns == 40 && found.items[1].end_ns == 100);
    bt_found_list_dispose(&found);
  }
  bt_source_free(source);
  for (int i = 0; i < 3; i++) unlink(paths[i]);
}

static void test_search_stops(void **state) {
  (void)state;
  char room[400];
  bt_buffer both = {0};
  bt_buffer_append(&both, json_span(room, sizeof room, 1, 1, 10, 20));
  bt_buffer_append(&both, json_span(room, sizeof room, 2, 2, 10, 20));
  test_file file = write_file("both", bt_buffer_str(&both));
  bt_buffer_dispose(&both);
  const char *path = file.path;
  bt_source *source;
  bt_error error = {.message = ""};
  assert_int_equal(bt_file_source_open(&path, 1, 0, &source, &error), BT_OK);
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_search_request request = {.range = {0, 100}, .max_found = 2};
  assert_int_equal(bt_source_search(source, &request, &found, &account, &error), BT_OK);
  bt_found_list_dispose(&found);
  request.max_found = 1;
  assert_int_equal(bt_source_search(source, &request, &found, &account, &error), BT_LIMIT);
  bt_found_list_dispose(&found);
  bt_cancel cancel;
  atomic_init(&cancel.requested, true);
  request = (bt_search_request){.range = {0, 100}, .cancel = &cancel};
  assert_int_equal(bt_source_search(source, &request, &found, &account, &error), BT_CANCELLED);
  bt_found_list_dispose(&found);
  bt_source_free(source);
  unlink(path);
}

typedef struct reads {
  uint32_t spans[3];
  bool was_missing[3];
  size_t calls, stop_after;
} reads;

static bt_status note_read(void *context, const bt_read_trace *read, bt_error *error) {
  reads *r = context;
  if (read->trace)
    r->spans[read->index] = read->trace->span_count;
  else
    r->was_missing[read->index] = true;
  assert_false(read->needs_by_id);
  return ++r->calls == r->stop_after ? bt_error_set(error, BT_IO, "enough") : BT_OK;
}

static void test_read(void **state) {
  (void)state;
  const char *paths[] = {"recorded/trace-0.pb", "recorded/trace-2.json"};
  bt_source *source;
  bt_error error = {.message = ""};
  assert_int_equal(bt_file_source_open(paths, 2, 0, &source, &error), BT_OK);
  bt_trace_id ids[3];
  assert_true(bt_trace_id_parse(BT_STR("0f204e9da560131c6aec3cf45aa0aa91"), &ids[0]));
  assert_true(bt_trace_id_parse(BT_STR("1"), &ids[1]));
  assert_true(bt_trace_id_parse(BT_STR("06e82e4e21269c256baaf88aa29e3a00"), &ids[2]));
  bt_read_request request = {.ids = ids, .count = 3};
  bt_source_account account = {0};
  reads r = {.calls = 0};
  assert_int_equal(bt_source_read(source, &request, note_read, &r, &account, &error), BT_OK);
  assert_int_equal(r.calls, 3);
  assert_true(r.spans[0] == 10 && r.was_missing[1] && r.spans[2] == 11);
  r = (reads){.stop_after = 2};
  assert_int_equal(bt_source_read(source, &request, note_read, &r, &account, &error), BT_IO);
  assert_int_equal(r.calls, 2);
  bt_source_free(source);
}

static void check_error(const char *name, bt_str content, size_t max_bytes, bt_status expected, const char *message) {
  test_file file = write_file(name, content);
  const char *path = file.path;
  bt_source *source;
  bt_error error = {.message = ""};
  char whole[600];
  snprintf(whole, sizeof whole, "%s: %s", file.path, message);
  assert_int_equal(bt_file_source_open(&path, 1, max_bytes, &source, &error), expected);
  assert_string_equal(error.message, whole);
  assert_null(source);
  assert_int_equal(unlink(path), 0);
}

static void test_errors_name_the_file(void **state) {
  (void)state;
  check_error("empty", BT_STR(""), 0, BT_INVALID, "it is empty; expected OTLP JSON or protobuf");
  check_error("blank", BT_STR(" \n\n "), 0, BT_INVALID, "it is empty; expected OTLP JSON or protobuf");
  check_error("text", BT_STR("hello"), 0, BT_INVALID, "it is neither OTLP JSON nor OTLP protobuf (TracesData)");
  check_error("rust", BT_STR("Spans\nResource\n\t ->  service.name=String(Static(\"shop\"))\n"), 0, BT_INVALID,
              "this is what opentelemetry-stdout of the Rust SDK prints: use its OTLP exporter, and betrace listen or "
              "the Collector's file exporter");
  check_error(
      "ruby", BT_STR("#<struct OpenTelemetry::SDK::Trace::SpanData\n name=\"a\",\n"), 0, BT_INVALID,
      "this is what the Ruby SDK's ConsoleSpanExporter prints: use its OTLP exporter, and betrace listen or the "
      "Collector's file exporter");
  check_error("dotnet", BT_STR("Activity.TraceId:            0af7651916cd43dd8448eb211c80319c\n"), 0, BT_INVALID,
              "this is what the .NET SDK's ConsoleExporter prints: use its OTLP exporter, and betrace listen or the "
              "Collector's file exporter");
  check_error(
      "cpp", BT_STR("{\n  name          : fraud-check\n  trace_id      : 09cfbbfa5185f1e9baae6e5bb286821d\n}\n"), 0,
      BT_INVALID,
      "JSON, line 1, column 1: this is what the C++ SDK's OStreamSpanExporter prints: use its OtlpFileExporter, "
      "which writes OTLP JSON");
  check_error("node", BT_STR("{\n  resource: { attributes: { 'service.name': 'shop' } },\n  name: 'a'\n}\n"), 0,
              BT_INVALID,
              "JSON, line 1, column 1: this is what the JavaScript SDK's ConsoleSpanExporter prints: use its OTLP "
              "exporter, and betrace listen or the Collector's file exporter");
  check_error(
      "go", BT_STR("{\"Name\":\"a\",\"SpanContext\":{},\"Parent\":{},\"SpanKind\":1,\"Resource\":[]}\n"), 0, BT_INVALID,
      "JSON, line 1, column 1: this is what stdouttrace of the Go SDK prints: use its OTLP exporter, and betrace "
      "listen or the Collector's file exporter");
  check_error("line", BT_STR("{}\n{\n \"resourceSpans\": x}"), 0, BT_INVALID,
              "JSON, line 3, column 19: expected an array");
  check_error("word", BT_STR("{resourceSpans: []}"), 0, BT_INVALID,
              "JSON, line 1, column 2: expected a key in double quotes");
  check_error("list", BT_STR("[1]"), 0, BT_INVALID, "JSON, line 1, column 2: expected an object");
  check_error("no-spans", BT_STR("\x0a\x00"), 0, BT_INVALID,
              "no span is in it; expected OTLP JSON or protobuf (TracesData)");
  check_error("cut", BT_STR("\x0a\x05x"), 0, BT_INVALID,
              "protobuf, byte 0, in TracesData: a length reaches past the end of its message");
  check_error("prefix", BT_STR("\0\0\0\x05\x0a"), 0, BT_INVALID, "the last of the length-prefixed messages is cut off");
  check_error("prefix", BT_STR("\0\0\0\0\0"), 0, BT_INVALID, "the last of the length-prefixed messages is cut off");
  check_error("large", BT_STR("{}        "), 9, BT_LIMIT, "it is larger than the 9 bytes that are still allowed");
  check_error("gzip", BT_STR("\x1f\x8b\x08"), 0, BT_INVALID, "the gzip data is cut off after 0 unpacked bytes");
  check_error("gzip", BT_STR("\x1f\x8b\x08\x00xxxxxxxxxxxx"), 0, BT_INVALID,
              "the gzip data is damaged after 0 unpacked bytes");
  char zeros[4000] = {0};
  bt_buffer bomb = pack((bt_str){zeros, sizeof zeros}, sizeof zeros);
  check_error("bomb", bt_buffer_str(&bomb), 3999, BT_LIMIT, "unpacked it is larger than the 3999 bytes allowed");
  bt_buffer_dispose(&bomb);
}

static void test_files_that_cannot_be_read(void **state) {
  (void)state;
  bt_source *source;
  bt_error error = {.message = ""};
  const char *missing = "recorded/nosuch", *not_a_file = "recorded";
  assert_int_equal(bt_file_source_open(&missing, 1, 0, &source, &error), BT_IO);
  assert_string_equal(error.message, "recorded/nosuch: it cannot be opened: No such file or directory");
  assert_int_equal(bt_file_source_open(&not_a_file, 1, 0, &source, &error), BT_IO);
  assert_string_equal(error.message, "recorded: it cannot be read: Is a directory");
  /* The maximum counts over all files. */
  const char *two[] = {"recorded/trace-0.pb", "recorded/trace-1.pb"};
  assert_int_equal(bt_file_source_open(two, 2, 1700, &source, &error), BT_LIMIT);
  assert_string_equal(error.message, "recorded/trace-1.pb: it is larger than the 19 bytes that are still allowed");
  assert_int_equal(bt_file_source_open(two, 2, 1681 + 1649, &source, &error), BT_OK);
  bt_source_free(source);
}

static void test_standard_input(void **state) {
  (void)state;
  const char *dash = "-";
  bt_source *source;
  bt_error error = {.message = ""};
  int before = dup(STDIN_FILENO);
  assert_non_null(freopen("recorded/trace-1.json", "rb", stdin));
  assert_int_equal(bt_file_source_open(&dash, 1, 0, &source, &error), BT_OK);
  assert_int_equal(bt_file_source_trace_count(source), 1);
  bt_source_free(source);
  assert_int_equal(bt_file_source_open(&dash, 1, 0, &source, &error), BT_INVALID); /* it is read */
  assert_string_equal(error.message, "standard input: it is empty; expected OTLP JSON or protobuf");
  if (before >= 0) dup2(before, STDIN_FILENO), close(before);
}

static void test_no_files(void **state) {
  (void)state;
  bt_source *source;
  bt_error error = {.message = ""};
  assert_int_equal(bt_file_source_open(NULL, 0, 0, &source, &error), BT_OK);
  assert_int_equal(bt_file_source_trace_count(source), 0);
  bt_source_free(source);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formats_by_content),
      cmocka_unit_test(test_answer_that_is_no_traces_data),
      cmocka_unit_test(test_protobuf_that_begins_like_json),
      cmocka_unit_test(test_one_trace_in_several_files),
      cmocka_unit_test(test_search_stops),
      cmocka_unit_test(test_read),
      cmocka_unit_test(test_errors_name_the_file),
      cmocka_unit_test(test_files_that_cannot_be_read),
      cmocka_unit_test(test_standard_input),
      cmocka_unit_test(test_no_files),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
