/* Generated documents: our protobuf decoder must read what protobuf-c reads, and our JSON decoder the same from the
 * same document as JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/case_file.h"
#include "tests/tempo/otlp_generate.h"

enum { DOCUMENTS = 300 };

/* A value is filled member by member, in memory that held something else (main). */
static void assert_are_no_names(const bt_attributes *attributes) {
  for (uint32_t i = 0; i < attributes->count; i++) {
    const bt_value *value = &attributes->items[i].value;
    assert_false(value->type == BT_VALUE_STRING && value->is_name);
  }
}

/* Of spans only: flags of whole traces (orphans) are another matter. */
static char *spans_text(bt_str document, bool is_json) {
  bt_error error = {.message = ""};
  bt_span_batch *batch;
  text_lines lines = {0};
  assert_int_equal(bt_span_batch_new(1 << 26, &batch, &error), BT_OK);
  bt_status status =
      is_json ? bt_otlp_decode_json(document, batch, &error) : bt_otlp_decode_protobuf(document, batch, &error);
  if (status != BT_OK) fail_msg("%s", error.message);
  assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    for (uint32_t j = 0; j < trace->span_count; j++) {
      text_lines_add_span(&lines, &trace->id, &trace->spans[j]);
      assert_are_no_names(&trace->spans[j].attributes);
      assert_are_no_names(&trace->spans[j].resource->attributes);
    }
  }
  bt_span_batch_free(batch);
  return text_lines_join(&lines);
}

static void check_text(char *text, const char *expected) {
  assert_string_equal(text, expected);
  free(text);
}

static void test_spans(void **state) {
  (void)state;
  generator g = {.state = 42};
  for (int i = 0; i < DOCUMENTS; i++) {
    bt_arena arena;
    bt_arena_init(&arena, SIZE_MAX);
    g.arena = &arena;
    Otlp__ExportTraceServiceRequest *request = generate_request(&g, 1 + generate_number(&g, 5));
    size_t length = otlp__export_trace_service_request__get_packed_size(request);
    uint8_t *bytes = malloc(length);
    assert_non_null(bytes);
    otlp__export_trace_service_request__pack(request, bytes);
    Otlp__ExportTraceServiceRequest *read = otlp__export_trace_service_request__unpack(NULL, length, bytes);
    assert_non_null(read);
    text_lines lines = {0};
    text_lines_add_request(&lines, read);
    char *expected = text_lines_join(&lines);
    assert_true(strlen(expected) > 100);
    check_text(spans_text((bt_str){(char *)bytes, length}, false), expected);
    bt_buffer json = {0};
    write_request_json(read, &json);
    check_text(spans_text(bt_buffer_str(&json), true), expected);
    bt_buffer_dispose(&json);
    otlp__export_trace_service_request__free_unpacked(read, NULL);
    free(expected);
    free(bytes);
    bt_arena_dispose(&arena);
  }
}

static uint8_t *pack_request(const Otlp__ExportTraceServiceRequest *request, size_t *length) {
  *length = otlp__export_trace_service_request__get_packed_size(request);
  uint8_t *bytes = malloc(*length + 1);
  assert_non_null(bytes);
  otlp__export_trace_service_request__pack(request, bytes);
  return bytes;
}

/* ---- the same messages as no encoder writes them ---- */

enum { OTHER, REQUEST, RESOURCE_SPANS, RESOURCE, SCOPE_SPANS, SCOPE, SPAN, EVENT, STATUS, KEY_VALUE, ANY_VALUE, ARRAY };

/* What a field of a message holds; OTHER: no message that is rewritten. */
static int kind_inside(int message, unsigned number) {
  static const uint8_t kinds[][16] = {
      [REQUEST] = {[1] = RESOURCE_SPANS}, [RESOURCE_SPANS] = {[1] = RESOURCE, [2] = SCOPE_SPANS},
      [RESOURCE] = {[1] = KEY_VALUE},     [SCOPE_SPANS] = {[1] = SCOPE, [2] = SPAN},
      [SCOPE] = {[3] = KEY_VALUE},        [SPAN] = {[9] = KEY_VALUE, [11] = EVENT, [15] = STATUS},
      [EVENT] = {[3] = KEY_VALUE},        [STATUS] = {[1] = OTHER},
      [KEY_VALUE] = {[2] = ANY_VALUE},    [ANY_VALUE] = {[5] = ARRAY},
      [ARRAY] = {[1] = ANY_VALUE}};
  return message == OTHER || number > 15 ? OTHER : kinds[message][number];
}

static uint64_t take_varint(bt_str *from) {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint8_t byte = (uint8_t)*from->ptr;
    from->ptr++, from->len--;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

/* Up to two bytes longer than it needs to be, where ten are the most (and protobuf-c takes five for a length). */
static void put_varint(generator *g, uint64_t value, bt_buffer *out) {
  unsigned longer = (unsigned)generate_number(g, 3), count = 0;
  for (; value > 0x7F; value >>= 7, count++) bt_buffer_append_char(out, (char)(value | 0x80));
  if (count + longer > 9) longer = 0;
  for (; longer; longer--, value = 0) bt_buffer_append_char(out, (char)(value | 0x80));
  bt_buffer_append_char(out, (char)value);
}

static bt_str take_bytes(bt_str *from, size_t length) {
  bt_str taken = {from->ptr, length};
  assert_true(length <= from->len);
  from->ptr += length, from->len -= length;
  return taken;
}

static void rewrite(generator *g, int message, bt_str from, bt_buffer *out);

/* One field; returns its number. */
static unsigned rewrite_field(generator *g, int message, bt_str *from, bt_buffer *out) {
  uint64_t tag = take_varint(from);
  put_varint(g, tag, out);
  if ((tag & 7) == 0) {
    put_varint(g, take_varint(from), out);
  } else if ((tag & 7) == 1) {
    bt_buffer_append(out, take_bytes(from, 8));
  } else if ((tag & 7) == 5) {
    bt_buffer_append(out, take_bytes(from, 4));
  } else {
    bt_str inside = take_bytes(from, take_varint(from));
    int kind = kind_inside(message, (unsigned)(tag >> 3));
    bt_buffer nested = {0};
    if (kind != OTHER) rewrite(g, kind, inside, &nested);
    bt_str written = kind != OTHER ? bt_buffer_str(&nested) : inside;
    put_varint(g, written.len, out);
    bt_buffer_append(out, written);
    bt_buffer_dispose(&nested);
  }
  return (unsigned)(tag >> 3);
}

/* Fields of one number stay in their order; which number comes first is drawn. */
static void rewrite(generator *g, int message, bt_str from, bt_buffer *out) {
  enum { NUMBERS = 20 };
  bt_buffer fields[NUMBERS] = {0};
  while (from.len) {
    bt_buffer field = {0};
    unsigned number = rewrite_field(g, message, &from, &field);
    assert_true(number < NUMBERS);
    bt_buffer_append(&fields[number], bt_buffer_str(&field));
    bt_buffer_dispose(&field);
  }
  size_t first = generate_number(g, NUMBERS), step = generate_number(g, 2) ? 1 : NUMBERS - 1;
  for (size_t i = 0; i < NUMBERS; i++) {
    bt_buffer *next = &fields[(first + i * step) % NUMBERS];
    assert_false(next->failed);
    if (next->len) bt_buffer_append(out, bt_buffer_str(next));
    bt_buffer_dispose(next);
  }
}

/* Fields in another order, and varints longer than they need to be: what the short ways of the decoder do not take. */
static void test_unusual_encoding(void **state) {
  (void)state;
  generator g = {.state = 47};
  for (int i = 0; i < DOCUMENTS; i++) {
    bt_arena arena;
    bt_arena_init(&arena, SIZE_MAX);
    g.arena = &arena;
    size_t length;
    uint8_t *bytes = pack_request(generate_request(&g, 1 + generate_number(&g, 3)), &length);
    bt_buffer written = {0};
    rewrite(&g, REQUEST, (bt_str){(char *)bytes, length}, &written);
    assert_true(written.len > length);
    Otlp__ExportTraceServiceRequest *read =
        otlp__export_trace_service_request__unpack(NULL, written.len, (uint8_t *)written.ptr);
    assert_non_null(read);
    text_lines lines = {0};
    text_lines_add_request(&lines, read);
    char *expected = text_lines_join(&lines);
    check_text(spans_text(bt_buffer_str(&written), false), expected);
    check_text(spans_text((bt_str){(char *)bytes, length}, false), expected);
    otlp__export_trace_service_request__free_unpacked(read, NULL);
    bt_buffer_dispose(&written);
    free(expected);
    free(bytes);
    bt_arena_dispose(&arena);
  }
}

static bt_status add_row(void *context, const bt_search_row *row, bt_error *error) {
  (void)error;
  text_lines_add_row(context, row);
  return BT_OK;
}

static char *search_text(bt_str body, bool is_json, bool with_spans, const Tempopb__SearchResponse *expected) {
  bt_error error = {.message = ""};
  bt_search_answer answer;
  text_lines lines = {0};
  if (bt_tempo_decode_search(body, is_json, with_spans, add_row, &lines, &answer, &error) != BT_OK)
    fail_msg("%s", error.message);
  assert_int_equal(answer.trace_count, expected->n_traces);
  assert_int_equal(answer.inspected_bytes, expected->metrics->inspected_bytes);
  return text_lines_join(&lines);
}

static void test_searches(void **state) {
  (void)state;
  generator g = {.state = 43};
  for (int i = 0; i < DOCUMENTS; i++) {
    bt_arena arena;
    bt_arena_init(&arena, SIZE_MAX);
    g.arena = &arena;
    Tempopb__SearchResponse *answer = generate_search(&g, generate_number(&g, 8));
    size_t length = tempopb__search_response__get_packed_size(answer);
    uint8_t *bytes = malloc(length + 1);
    assert_non_null(bytes);
    tempopb__search_response__pack(answer, bytes);
    Tempopb__SearchResponse *read = tempopb__search_response__unpack(NULL, length, bytes);
    assert_non_null(read);
    bt_buffer json = {0};
    write_search_json(read, &json);
    for (int with_spans = 0; with_spans < 2; with_spans++) {
      text_lines lines = {0};
      text_lines_add_search(&lines, read, with_spans);
      char *expected = text_lines_join(&lines);
      check_text(search_text((bt_str){(char *)bytes, length}, false, with_spans, read), expected);
      check_text(search_text(bt_buffer_str(&json), true, with_spans, read), expected);
      free(expected);
    }
    bt_buffer_dispose(&json);
    tempopb__search_response__free_unpacked(read, NULL);
    free(bytes);
    bt_arena_dispose(&arena);
  }
}

/* Of an answer to a trace by id as ours reads it. */
static char *answer_text(bt_str body, bool *partial) {
  bt_error error = {.message = ""};
  bt_span_batch *batch;
  text_lines lines = {0};
  assert_int_equal(bt_span_batch_new(1 << 26, &batch, &error), BT_OK);
  if (bt_tempo_decode_trace(body, false, batch, partial, &error) != BT_OK) fail_msg("%s", error.message);
  assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    assert_int_equal(trace->partial, *partial);
    for (uint32_t j = 0; j < trace->span_count; j++) text_lines_add_span(&lines, &trace->id, &trace->spans[j]);
  }
  bt_span_batch_free(batch);
  return text_lines_join(&lines);
}

/* What protobuf-c reads of the same bytes: the trace inside has the fields of a request. */
static void check_answer(bt_str body) {
  Tempopb__TraceByIdResponse *read = tempopb__trace_by_id_response__unpack(NULL, body.len, (const uint8_t *)body.ptr);
  assert_non_null(read);
  assert_non_null(read->trace);
  Otlp__ExportTraceServiceRequest request = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
  request.n_resource_spans = read->trace->n_resource_spans;
  request.resource_spans = read->trace->resource_spans;
  text_lines lines = {0};
  text_lines_add_request(&lines, &request);
  char *expected = text_lines_join(&lines);
  bool partial;
  check_text(answer_text(body, &partial), expected);
  assert_int_equal(partial, read->status != TEMPOPB__PARTIAL_STATUS__COMPLETE);
  free(expected);
  tempopb__trace_by_id_response__free_unpacked(read, NULL);
}

static void test_answers_by_id(void **state) {
  (void)state;
  generator g = {.state = 45};
  for (int i = 0; i < DOCUMENTS; i++) {
    bt_arena arena;
    bt_arena_init(&arena, SIZE_MAX);
    g.arena = &arena;
    Otlp__ExportTraceServiceRequest *request = generate_request(&g, generate_number(&g, 3));
    Tempopb__Trace trace = TEMPOPB__TRACE__INIT;
    trace.n_resource_spans = request->n_resource_spans;
    trace.resource_spans = request->resource_spans;
    Tempopb__TraceByIdResponse answer = TEMPOPB__TRACE_BY_ID_RESPONSE__INIT;
    char message[] = "Trace exceeds maximum size";
    answer.trace = &trace;
    answer.status = i % 3 ? TEMPOPB__PARTIAL_STATUS__COMPLETE : TEMPOPB__PARTIAL_STATUS__PARTIAL;
    if (i % 2) answer.message = message;
    size_t length = tempopb__trace_by_id_response__get_packed_size(&answer);
    uint8_t *bytes = malloc(length + 1);
    assert_non_null(bytes);
    tempopb__trace_by_id_response__pack(&answer, bytes);
    check_answer((bt_str){(char *)bytes, length});
    free(bytes);
    bt_arena_dispose(&arena);
  }
}

/* Bytes that a real Tempo sent. */
static void test_recorded_answers(void **state) {
  (void)state;
  static const char *const traces[] = {"recorded/trace-0.pb", "recorded/trace-1.pb", "recorded/trace-2.pb",
                                       "recorded/trace-notfound.pb"};
  static const char *const searches[] = {"recorded/search-ids.pb", "recorded/search-select.pb",
                                         "recorded/search-byspan.pb", "recorded/search-by-id.pb",
                                         "recorded/search-none.pb"};
  size_t length;
  for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
    char *body = case_read_file(traces[i], &length);
    assert_non_null(body);
    check_answer((bt_str){body, length});
    free(body);
  }
  for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
    char *body = case_read_file(searches[i], &length);
    assert_non_null(body);
    Tempopb__SearchResponse *read = tempopb__search_response__unpack(NULL, length, (uint8_t *)body);
    assert_non_null(read);
    text_lines lines = {0};
    text_lines_add_search(&lines, read, true);
    char *expected = text_lines_join(&lines);
    check_text(search_text((bt_str){body, length}, false, true, read), expected);
    tempopb__search_response__free_unpacked(read, NULL);
    free(expected);
    free(body);
  }
}

/* Cut anywhere, a document is an error or (between two fields of the outermost message) a shorter document: never a
 * crash, never more. */
static void test_every_prefix(void **state) {
  (void)state;
  generator g = {.state = 44};
  bt_arena arena;
  bt_arena_init(&arena, SIZE_MAX);
  g.arena = &arena;
  Otlp__ExportTraceServiceRequest *request = generate_request(&g, 3);
  bt_buffer json = {0};
  write_request_json(request, &json);
  size_t length = otlp__export_trace_service_request__get_packed_size(request), accepted = 0;
  uint8_t *bytes = malloc(length);
  assert_non_null(bytes);
  otlp__export_trace_service_request__pack(request, bytes);
  for (size_t cut = 0; cut < json.len || cut < length; cut++) {
    bt_error error = {.message = ""};
    bt_span_batch *batch;
    assert_int_equal(bt_span_batch_new(1 << 26, &batch, &error), BT_OK);
    if (cut < json.len) assert_int_equal(bt_otlp_decode_json((bt_str){json.ptr, cut}, batch, &error), BT_INVALID);
    if (cut < length) accepted += bt_otlp_decode_protobuf((bt_str){(char *)bytes, cut}, batch, &error) == BT_OK;
    bt_span_batch_free(batch);
  }
  assert_int_equal(accepted, request->n_resource_spans);
  bt_buffer_dispose(&json);
  free(bytes);
  bt_arena_dispose(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spans),

                                     cmocka_unit_test(test_unusual_encoding),
                                     cmocka_unit_test(test_searches),
                                     cmocka_unit_test(test_every_prefix),
                                     cmocka_unit_test(test_answers_by_id),
                                     cmocka_unit_test(test_recorded_answers)};
  (void)mallopt(M_PERTURB, 0xFE); /* malloc gives memory full of ones, none by chance full of zeros */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
