/* Inputs that ask for much: nesting without end, memory out of proportion, texts that all fall into one slot; and every
 * allocation failing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tempo/api/tags_decoder.h"
#include "tempo/files/file_source.h"
#include "tempo/wire/otlp_decoder.h"
#include "tests/support/case_file.h"
#include "tests/support/failing_alloc.h"

static void repeat(bt_buffer *out, const char *text, size_t times) {
  for (size_t i = 0; i < times; i++) bt_buffer_append(out, bt_str_from(text));
}

static bt_span_batch *new_batch(size_t cap_bytes) {
  bt_error error;
  bt_span_batch *batch;
  assert_int_equal(bt_span_batch_new(cap_bytes, &batch, &error), BT_OK);
  return batch;
}

static void test_deep_json(void **state) {
  (void)state;
  static const struct {
    const char *open, *close;
    size_t depth;
    bt_status expected;
  } table[] = {{"[", "]", 512, BT_OK},       {"[", "]", 513, BT_INVALID},       {"[", "", 1000000, BT_INVALID},
               {"{\"a\":", "}", 512, BT_OK}, {"{\"a\":", "}", 513, BT_INVALID}, {"{\"a\":[", "]}", 256, BT_OK}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    bt_buffer text = {0};
    bt_error error = {.message = ""};
    bt_span_batch *batch = new_batch(1 << 20);
    bt_buffer_append(&text, BT_STR("{\"resourceSpans\":[],\"x\":"));
    repeat(&text, table[i].open, table[i].depth);
    if (table[i].open[0] == '{' && table[i].close[0] == '}') bt_buffer_append(&text, BT_STR("1"));
    repeat(&text, table[i].close, table[i].depth);
    bt_buffer_append(&text, BT_STR("}"));
    assert_int_equal(bt_otlp_decode_json(bt_buffer_str(&text), batch, &error), table[i].expected);
    if (table[i].expected != BT_OK) assert_non_null(strstr(error.message, "values are nested deeper than 512"));
    bt_span_batch_free(batch);
    bt_buffer_dispose(&text);
  }
}

/* A value of a resource that holds lists in lists: 20,000 deep, with lengths that are right. */
static void test_deep_protobuf(void **state) {
  (void)state;
  enum { LEVELS = 20000, ROOM = LEVELS * 10 };
  char *bytes = malloc(ROOM);
  assert_non_null(bytes);
  size_t length = 0;
  static const unsigned tags[] = {1 << 3 | 2,
                                  5 << 3 | 2}; /* ArrayValue.values, AnyValue.array_value, in turn from the inside */
  static const unsigned outer[] = {2 << 3 | 2, 1 << 3 | 2, 1 << 3 | 2,
                                   1 << 3 | 2}; /* KeyValue.value, attributes, resource, resourceSpans */
  for (size_t level = 0; level < LEVELS + 4; level++) {
    char varint[10];
    size_t count = 0, rest = length;
    do varint[count++] = (char)((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
    while (rest >>= 7);
    memmove(bytes + ROOM - length - count, varint, count);
    length += count + 1;
    bytes[ROOM - length] = (char)(level < LEVELS ? tags[level % 2] : outer[level - LEVELS]);
  }
  bt_error error = {.message = ""};
  bt_span_batch *batch = new_batch(4096);
  if (bt_otlp_decode_protobuf((bt_str){bytes + ROOM - length, length}, batch, &error) != BT_OK)
    fail_msg("%s", error.message);
  bt_span_batch_free(batch);
  free(bytes);
}

/* Empty attributes cost two bytes each on the wire and 40 in memory: the cap holds. */
static void test_memory_has_a_cap(void **state) {
  (void)state;
  enum { COUNT = 1000000 };
  char *bytes = malloc(2 * COUNT + 12);
  assert_non_null(bytes);
  size_t inner = 2 * COUNT;
  char *resource = bytes + 12;
  for (size_t i = 0; i < COUNT; i++) resource[2 * i] = 1 << 3 | 2, resource[2 * i + 1] = 0;
  /* resourceSpans { resource { attributes… } }, lengths in four bytes each. */
  size_t lengths[] = {inner + 5, inner};
  for (size_t i = 0; i < 2; i++) {
    char *at = bytes + 2 + 5 * i;
    at[0] = 1 << 3 | 2;
    for (size_t j = 0; j < 4; j++) at[1 + j] = (char)((lengths[i] >> (7 * j) & 0x7F) | (j < 3 ? 0x80 : 0));
  }
  bt_str document = {bytes + 2, inner + 10};
  bt_error error = {.message = ""};
  bt_span_batch *batch = new_batch(40 * COUNT + 4096);
  if (bt_otlp_decode_protobuf(document, batch, &error) != BT_OK) fail_msg("%s", error.message);
  bt_span_batch_free(batch);
  batch = new_batch(39 * COUNT);
  assert_int_equal(bt_otlp_decode_protobuf(document, batch, &error), BT_LIMIT);
  bt_span_batch_free(batch);
  free(bytes);
}

static void test_nothing_after_finish(void **state) {
  (void)state;
  bt_error error = {.message = ""};
  bt_span_batch *batch = new_batch(1 << 20);
  assert_int_equal(bt_span_batch_trace_count(batch), 0);
  assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
  assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
  assert_int_equal(bt_otlp_decode_json(BT_STR("{}"), batch, &error), BT_CONFLICT);
  assert_int_equal(bt_otlp_decode_protobuf(BT_STR(""), batch, &error), BT_CONFLICT);
  bt_span_batch_free(batch);
  bt_span_batch_free(NULL);
}

typedef struct work {
  char *protobuf, *json, *search, *search_json;
  size_t protobuf_length, json_length, search_length, search_json_length;
} work;

static bt_status pass(void *context, const bt_search_row *row, bt_error *error) {
  (void)context, (void)row, (void)error;
  return BT_OK;
}

static bt_status decode_traces(const work *w, bt_error *error) {
  bt_span_batch *batch = NULL;
  bool partial;
  bt_status status = bt_span_batch_new(1 << 26, &batch, error);
  if (status == BT_OK)
    status = bt_tempo_decode_trace((bt_str){w->protobuf, w->protobuf_length}, false, batch, &partial, error);
  if (status == BT_OK) status = bt_tempo_decode_trace((bt_str){w->json, w->json_length}, true, batch, &partial, error);
  if (status == BT_OK)
    status =
        bt_otlp_decode_protobuf(BT_STR("\x0a\x07\x0a\x05\x0a\x03\x0a\x01\xff"), batch, error); /* a text to repair */
  if (status == BT_OK)
    status = bt_otlp_decode_json(BT_STR("{\"\\u0041\":1}"), batch, error) == BT_INVALID ? BT_OK : error->status;
  if (status == BT_OK) status = bt_span_batch_finish(batch, error);
  bt_span_batch_free(batch);
  return status;
}

static bt_status decode_others(const work *w, bt_error *error) {
  static const char text[] =
      "{\"data\":[{\"traceID\":\"1\",\"spans\":[{\"traceID\":\"1\",\"spanID\":\"1\",\"operationName\":\"\\u0041\","
      "\"references\":[{\"traceID\":\"2\",\"spanID\":\"1\"}],\"tags\":[{\"key\":\"k\",\"value\":\"\\u0041\"},"
      "{\"key\":\"otel.scope.name\",\"value\":\"x\"}],\"logs\":[{\"fields\":[{\"key\":\"event\",\"value\":\"e\"},"
      "{\"key\":\"a\",\"value\":1}]}],\"processID\":\"p\"}],\"processes\":{\"p\":{\"serviceName\":\"s\"}}}]}\n"
      "[[{\"traceId\":\"1\",\"id\":\"2\",\"name\":\"n\",\"localEndpoint\":{\"serviceName\":\"s\"},\"remoteEndpoint\":"
      "{\"port\":1},\"annotations\":[{\"value\":\"v\"}],\"tags\":{\"a\":\"b\"}},{\"traceId\":\"1\",\"id\":\"2\","
      "\"tags\":{\"a\":\"b\"}},{\"traceId\":\"1\",\"name\":\"n\"}]]\n"
      "{\"resource\":{},\"scopeSpans\":[]}\n{\"resourceLogs\":[]}";
  bt_span_batch *batch = NULL;
  bt_passed_over passed = {0};
  (void)w;
  bt_status status = bt_span_batch_new(1 << 26, &batch, error);
  if (status == BT_OK) bt_span_batch_leave_out(batch, &passed);
  if (status == BT_OK) status = bt_otlp_decode_json_documents(BT_STR(text), batch, error);
  if (status == BT_OK) status = bt_span_batch_finish(batch, error);
  if (status == BT_OK) assert_true(passed.other_signals == 1 && passed.without_id == 1 && passed.fragments == 1);
  bt_passed_over_dispose(&passed);
  bt_span_batch_free(batch);
  return status;
}

static bt_status decode_searches(const work *w, bt_error *error) {
  bt_search_answer answer;
  bt_status status =
      bt_tempo_decode_search((bt_str){w->search, w->search_length}, false, true, pass, NULL, &answer, error);
  if (status != BT_OK) return status;
  return bt_tempo_decode_search((bt_str){w->search_json, w->search_json_length}, true, true, pass, NULL, &answer,
                                error);
}

static bt_status count_trace(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  *(size_t *)context += read->trace->span_count > 0;
  return BT_OK;
}

static bt_status open_files(const work *w, bt_error *error) {
  (void)w;
  const char *paths[] = {"recorded/trace-0.pb", "recorded/trace-1.json"};
  bt_source *source;
  bt_status status = bt_file_source_open(paths, 2, 0, &source, error);
  size_t traces = 0;
  const bt_trace *trace = NULL;
  bt_tag_list tags = {0};
  bt_tag_request request = {.scope = BT_TAG_ANY, .range = {INT64_MIN, INT64_MAX}, .timeout_ms = 60000};
  if (status == BT_OK) status = bt_file_source_each(source, count_trace, &traces, error);
  if (status == BT_OK) status = bt_file_source_trace(source, 0, &trace, error);
  if (status == BT_OK) status = bt_source_tag_names(source, &request, &tags, error);
  bt_tag_list_dispose(&tags);
  bt_source_free(source);
  return status;
}

static bt_status decode_tags(const work *w, bt_error *error) {
  (void)w;
  bt_tag_list list = {0};
  bt_tag_request request = {.scope = BT_TAG_SPAN, .limit = 100};
  bt_arena_init(&list.arena, 1 << 20);
  bt_status status = bt_tags_decode_names(BT_STR("{\"scopes\":[{\"tags\":[\"a\",\"b\\n\"],\"name\":\"span\"}]}"),
                                          &request, 100, &list, error);
  if (status == BT_OK)
    status = bt_tags_decode_values(BT_STR("{\"tagValues\":[{\"type\":\"int\",\"value\":\"1\"}]}"), &request, 100, &list,
                                   error);
  bt_tag_list_dispose(&list);
  return status;
}

/* Until nothing is refused any more, each failure must be told as one. */
static void fail_in_turn(bt_status (*run)(const work *, bt_error *), const work *w) {
  size_t failures = 0;
  for (size_t n = 0;; n++) {
    bt_error error = {.message = ""};
    failing_alloc_after(n);
    bt_status status = run(w, &error);
    if (!failing_alloc_stop()) {
      if (status != BT_OK) fail_msg("%s", error.message);
      break;
    }
    assert_int_equal(status, BT_NO_MEMORY);
    assert_int_equal(error.status, BT_NO_MEMORY);
    failures++;
  }
  assert_true(failures > 2);
}

static void test_failing_allocations(void **state) {
  (void)state;
  work w;
  w.protobuf = case_read_file("recorded/trace-0.pb", &w.protobuf_length);
  w.json = case_read_file("recorded/trace-1.json", &w.json_length);
  w.search = case_read_file("recorded/search-by-id.pb", &w.search_length);
  w.search_json = case_read_file("recorded/search-by-id.json", &w.search_json_length);
  assert_true(w.protobuf && w.json && w.search && w.search_json);
  fail_in_turn(decode_traces, &w);
  fail_in_turn(decode_others, &w);
  fail_in_turn(decode_searches, &w);
  fail_in_turn(open_files, &w);
  fail_in_turn(decode_tags, &w);
  free(w.protobuf);
  free(w.json);
  free(w.search);
  free(w.search_json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_deep_json), cmocka_unit_test(test_deep_protobuf), cmocka_unit_test(test_memory_has_a_cap),
      cmocka_unit_test(test_nothing_after_finish), cmocka_unit_test(test_failing_allocations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
