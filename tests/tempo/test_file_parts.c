/* The file source on generated files: whatever the format and however traces lie over documents, it gives what is in
 * the file, by each of its three ways of reading. Also what it says of files that are wrong, large, packed, piped or
 * changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "tempo/files/file_source.h"
#include "tests/tempo/otlp_generate.h"

enum { ROUNDS = 60 };

static char path[] = P_tmpdir "/betrace-parts-XXXXXX";

static void write_file(bt_str content) {
  FILE *out = fopen(path, "wb");
  assert_non_null(out);
  assert_int_equal(fwrite(content.ptr, 1, content.len, out), content.len);
  assert_int_equal(fclose(out), 0);
}

static int make_path(void **state) {
  (void)state;
  int descriptor = mkstemp(path);
  return descriptor < 0 ? -1 : close(descriptor);
}

static int remove_path(void **state) {
  (void)state;
  return unlink(path);
}

static bt_source *open_path(void) {
  const char *const paths[] = {path};
  bt_source *source = NULL;
  bt_error error = {.message = ""};
  if (bt_file_source_open(paths, 1, 0, &source, &error) != BT_OK) fail_msg("%s", error.message);
  return source;
}

/* ---- formats ---- */

typedef enum format { ONE_DOCUMENT, DOCUMENTS, ARRAY, PROTOBUF, PREFIXED, FORMATS } format;

/* The request with only one of its resources. */
static Otlp__ExportTraceServiceRequest part_of(const Otlp__ExportTraceServiceRequest *request, size_t resource) {
  Otlp__ExportTraceServiceRequest part = *request;
  part.n_resource_spans = 1;
  part.resource_spans = request->resource_spans + resource;
  return part;
}

static void pack(const Otlp__ExportTraceServiceRequest *request, bool with_length, bt_buffer *out) {
  size_t length = otlp__export_trace_service_request__get_packed_size(request);
  uint8_t *bytes = malloc(length + 1);
  assert_non_null(bytes);
  otlp__export_trace_service_request__pack(request, bytes);
  char prefix[4] = {(char)(length >> 24), (char)(length >> 16), (char)(length >> 8), (char)length};
  if (with_length) bt_buffer_append(out, (bt_str){prefix, sizeof prefix});
  bt_buffer_append(out, (bt_str){(char *)bytes, length});
  free(bytes);
}

static void write_part(generator *g, const Otlp__ExportTraceServiceRequest *part, format kind, bool is_first,
                       bt_buffer *out) {
  static const char *const blanks[] = {"\n", "", " ", "\r\n\r\n", "\t \n"};
  if (kind == PREFIXED) {
    pack(part, true, out);
    return;
  }
  if (kind == ARRAY && !is_first) bt_buffer_append_char(out, ',');
  bt_buffer_append(out, bt_str_from(blanks[generate_number(g, 5)]));
  write_request_json(part, out);
}

static void write_format(generator *g, const Otlp__ExportTraceServiceRequest *request, format kind, bt_buffer *out) {
  if (kind == ONE_DOCUMENT) write_request_json(request, out);
  if (kind == PROTOBUF) pack(request, false, out);
  if (kind == ONE_DOCUMENT || kind == PROTOBUF) return;
  if (kind == ARRAY) bt_buffer_append_char(out, '[');
  for (size_t i = 0; i < request->n_resource_spans; i++) {
    Otlp__ExportTraceServiceRequest part = part_of(request, i);
    write_part(g, &part, kind, i == 0, out);
  }
  if (kind == ARRAY) bt_buffer_append_char(out, ']');
}

/* ---- what a source gives ---- */

typedef struct gathered {
  text_lines lines;
  size_t calls, missing;
  bool *seen; /* by index */
} gathered;

static void add_trace(text_lines *lines, const bt_trace *trace) {
  for (uint32_t j = 0; j < trace->span_count; j++) text_lines_add_span(lines, &trace->id, &trace->spans[j]);
}

static bt_status gather(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  gathered *g = context;
  g->calls++;
  if (g->seen) {
    assert_false(g->seen[read->index]);
    g->seen[read->index] = true;
  }
  if (read->trace)
    add_trace(&g->lines, read->trace);
  else
    g->missing++;
  return BT_OK;
}

static void check_lines(text_lines *lines, const char *expected) {
  char *text = text_lines_join(lines);
  assert_string_equal(text, expected);
  free(text);
}

static void check_each(bt_source *source, const char *expected) {
  gathered all = {.calls = 0};
  bt_error error = {.message = ""};
  if (bt_file_source_each(source, gather, &all, &error) != BT_OK) fail_msg("%s", error.message);
  assert_int_equal(all.calls, bt_file_source_trace_count(source));
  check_lines(&all.lines, expected);
}

static void check_one_by_one(bt_source *source, const char *expected) {
  text_lines lines = {0};
  for (size_t i = 0; i < bt_file_source_trace_count(source); i++) {
    const bt_trace *trace = NULL;
    bt_error error = {.message = ""};
    if (bt_file_source_trace(source, i, &trace, &error) != BT_OK) fail_msg("%s", error.message);
    add_trace(&lines, trace);
  }
  check_lines(&lines, expected);
}

/* What a search finds, read in another order, with an id that is not there and one asked twice. */
static void check_search_and_read(generator *g, bt_source *source, const char *expected) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {.message = ""};
  bt_search_request search = {.query = bt_query_all(), .range = {INT64_MIN, INT64_MAX}};
  assert_int_equal(bt_source_search(source, &search, &found, &account, &error), BT_OK);
  assert_int_equal(found.count, bt_file_source_trace_count(source));
  size_t count = found.count + 1;
  bt_trace_id *ids = calloc(count, sizeof *ids); /* the last is zero: no trace has it */
  bool *seen = calloc(count, sizeof *seen);
  assert_true(ids && seen);
  for (size_t i = 0; i < found.count; i++) ids[i] = found.items[i].id;
  for (size_t i = 0; i < count; i++) {
    size_t other = generate_number(g, count);
    bt_trace_id id = ids[i];
    ids[i] = ids[other];
    ids[other] = id;
  }
  gathered all = {.seen = seen};
  bt_read_request read = {.ids = ids, .count = count};
  if (bt_source_read(source, &read, gather, &all, &account, &error) != BT_OK) fail_msg("%s", error.message);
  assert_int_equal(all.calls, count);
  assert_int_equal(all.missing, 1);
  check_lines(&all.lines, expected);
  bt_found_list_dispose(&found);
  free(ids);
  free(seen);
}

static void check_file(generator *g, const Otlp__ExportTraceServiceRequest *request, format kind) {
  bt_buffer content = {0};
  text_lines lines = {0};
  write_format(g, request, kind, &content);
  assert_false(content.failed);
  write_file(bt_buffer_str(&content));
  text_lines_add_request(&lines, request);
  char *expected = text_lines_join(&lines);
  bt_source *source = open_path();
  check_each(source, expected);
  check_one_by_one(source, expected);
  check_search_and_read(g, source, expected);
  bt_source_free(source);
  bt_buffer_dispose(&content);
  free(expected);
}

static void gives_what_is_in_the_file(void **state) {
  (void)state;
  generator g = {.state = 7};
  for (int i = 0; i < ROUNDS; i++) {
    bt_arena arena;
    bt_arena_init(&arena, SIZE_MAX);
    g.arena = &arena;
    g.is_plain = i % 2;
    size_t traces =
        1 + generate_number(&g, i % 20 == 19 ? 200 : 15); /* the largest are several windows of the reader */
    check_file(&g, generate_request(&g, traces), (format)(i % FORMATS));
    bt_arena_dispose(&arena);
  }
}

/* ---- a trace that lies over many documents, with its bounds ---- */

static void a_trace_over_many_documents_is_one(void **state) {
  (void)state;
  bt_buffer content = {0};
  enum { SPANS = 50, TRACES = 40 };
  for (int span = 0; span < SPANS; span++)
    for (int trace = 0; trace < TRACES; trace++)
      bt_buffer_printf(&content,
                       "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%032x\",\"spanId\":\"%016x\","
                       "\"startTimeUnixNano\":%d,\"endTimeUnixNano\":%d}]}]}]}\n",
                       trace + 1, span + 1, 1000 + span, 2000 - span);
  write_file(bt_buffer_str(&content));
  bt_buffer_dispose(&content);
  bt_source *source = open_path();
  assert_int_equal(bt_file_source_trace_count(source), TRACES);
  bt_time_range range = bt_file_source_range(source);
  assert_true(range.start_ns == 1000 && range.end_ns == 1000 + SPANS);
  for (size_t i = 0; i < TRACES; i++) {
    const bt_trace *trace = NULL;
    bt_error error;
    assert_int_equal(bt_file_source_trace(source, i, &trace, &error), BT_OK);
    assert_int_equal(trace->span_count, SPANS);
    for (uint32_t s = 0; s < SPANS; s++) assert_int_equal(trace->spans[s].id.bytes[7], s + 1); /* as they came */
  }
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error;
  bt_search_request search = {.range = {1999, 3000}};
  assert_int_equal(bt_source_search(source, &search, &found, &account, &error), BT_OK);
  assert_int_equal(found.count, TRACES);
  assert_true(found.items[0].start_ns == 1000 && found.items[0].end_ns == 2000);
  bt_found_list_dispose(&found);
  bt_source_free(source);
}

/* ---- large, packed, piped ---- */

/* More than is kept in memory: it goes to a temporary file. */
static void fill_large(bt_buffer *content, int traces) {
  char filler[2048];
  memset(filler, 'x', sizeof filler - 1);
  filler[sizeof filler - 1] = '\0';
  for (int i = 0; i < traces; i++)
    bt_buffer_printf(content,
                     "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%032x\",\"spanId\":\"%016x\","
                     "\"name\":\"%s\",\"startTimeUnixNano\":%d,\"endTimeUnixNano\":%d}]}]}]}\n",
                     i + 1, 1, filler, i, i + 1);
}

static size_t write_packed(bt_str content) {
  gzFile out = gzopen(path, "wb1");
  assert_non_null(out);
  assert_int_equal(gzwrite(out, content.ptr, (unsigned)content.len), (int)content.len);
  assert_int_equal(gzclose(out), Z_OK);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  fclose(file);
  return (size_t)size;
}

enum { LARGE = 9000 };

static void check_large(bt_source *source) {
  assert_int_equal(bt_file_source_trace_count(source), LARGE);
  for (size_t i = 0; i < LARGE; i += 997) {
    const bt_trace *trace = NULL;
    bt_error error;
    assert_int_equal(bt_file_source_trace(source, i, &trace, &error), BT_OK);
    assert_int_equal(trace->spans[0].start_ns, i);
    assert_int_equal(trace->spans[0].name.len, 2047);
  }
}

static void packed_content_larger_than_memory_may_be(void **state) {
  (void)state;
  bt_buffer content = {0};
  fill_large(&content, LARGE);
  assert_true(content.len > 17 << 20);
  size_t packed = write_packed(bt_buffer_str(&content));
  bt_source *source = open_path();
  check_large(source);
  bt_source_free(source);
  assert_int_equal(truncate(path, (off_t)packed - 100), 0); /* the end is cut off */
  const char *const paths[] = {path};
  bt_error error;
  assert_int_equal(bt_file_source_open(paths, 1, 0, &source, &error), BT_INVALID);
  assert_non_null(strstr(error.message, "cut off"));
  write_packed(bt_buffer_str(&content));
  assert_int_equal(bt_file_source_open(paths, 1, 1 << 20, &source, &error), BT_LIMIT);
  bt_buffer_dispose(&content);
  const char *before = getenv("TMPDIR");
  char *kept = before ? strdup(before) : NULL;
  setenv("TMPDIR", "/nonexistent-folder", 1);
  bt_status status = bt_file_source_open(paths, 1, 0, &source, &error);
  if (kept)
    setenv("TMPDIR", kept, 1);
  else
    unsetenv("TMPDIR");
  free(kept);
  assert_int_equal(status, BT_IO);
  assert_non_null(strstr(error.message, "TMPDIR"));
}

typedef struct pipe_writer {
  int descriptor;
  bt_str content;
} pipe_writer;

static void *write_pipe(void *context) {
  pipe_writer *writer = context;
  while (writer->content.len) {
    ssize_t written = write(writer->descriptor, writer->content.ptr, writer->content.len);
    if (written <= 0) break;
    writer->content = (bt_str){writer->content.ptr + written, writer->content.len - (size_t)written};
  }
  close(writer->descriptor);
  return NULL;
}

static void a_pipe_is_read_once_and_kept(void **state) {
  (void)state;
  bt_buffer content = {0};
  int ends[2], before = dup(STDIN_FILENO);
  fill_large(&content, LARGE);
  assert_int_equal(pipe(ends), 0);
  assert_true(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
  close(ends[0]);
  pipe_writer writer = {ends[1], bt_buffer_str(&content)};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, write_pipe, &writer), 0);
  const char *const paths[] = {"-"};
  bt_source *source = NULL;
  bt_error error = {.message = ""};
  bt_status status = bt_file_source_open(paths, 1, 0, &source, &error);
  pthread_join(thread, NULL);
  if (before >= 0) dup2(before, STDIN_FILENO), close(before);
  if (status != BT_OK) fail_msg("%s", error.message);
  check_large(source);
  bt_source_free(source);
  bt_buffer_dispose(&content);
}

/* ---- what is wrong ---- */

static void check_error(bt_str content, const char *expected) {
  const char *const paths[] = {path};
  bt_source *source;
  bt_error error = {.message = ""};
  write_file(content);
  assert_int_equal(bt_file_source_open(paths, 1, 0, &source, &error), BT_INVALID);
  assert_null(source);
  assert_true(bt_str_starts_with(bt_str_from(error.message), bt_str_from(path)));
  assert_string_equal(error.message + strlen(path) + 2, expected);
}

/* Places count from the beginning of the file, not of the document. */
static void places_are_those_of_the_file(void **state) {
  (void)state;
  check_error(BT_STR("{}\n {} {\"resourceSpans\":1}"), "JSON, line 2, column 22: expected an array");
  check_error(BT_STR("{}{}x"), "JSON, line 1, column 5: expected an object");
  check_error(BT_STR("\n\n  {\"a\":\"{\\\"\"}\n{\"resourceSpans\":[{]}]}"),
              "JSON, line 3, column 14: expected an object with resourceSpans; this is something else");
  check_error(BT_STR("[{}\n,{}] {"), "JSON, line 2, column 7: expected a key in double quotes");
  /* two empty ResourceSpans, then one whose ScopeSpans reaches past its end */
  check_error((bt_str){"\x0a\x00\x0a\x00\x0a\x03\x12\x05x", 9},
              "protobuf, byte 6, in ResourceSpans: a length reaches past the end of its message");
  check_error((bt_str){"\x0a\x00\x0b", 3}, "protobuf, byte 2, in TracesData: groups are not part of this format");
}

static void a_file_that_changes_is_noticed(void **state) {
  (void)state;
  bt_buffer content = {0};
  fill_large(&content, 100);
  write_file(bt_buffer_str(&content));
  bt_source *source = open_path();
  const bt_trace *trace = NULL;
  bt_error error;
  assert_int_equal(bt_file_source_trace(source, 50, &trace, &error), BT_OK);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  fseek(file, (long)(content.len / 2), SEEK_SET);
  for (int i = 0; i < 10000; i++) fputc('!', file);
  fclose(file);
  assert_int_equal(bt_file_source_trace(source, 50, &trace, &error), BT_IO);
  assert_int_equal(truncate(path, 1000), 0);
  assert_int_equal(bt_file_source_trace(source, 90, &trace, &error), BT_IO);
  gathered all = {.calls = 0};
  assert_int_equal(bt_file_source_each(source, gather, &all, &error), BT_IO);
  assert_true(bt_str_starts_with(bt_str_from(error.message), bt_str_from(path)));
  check_lines(&all.lines, "");
  bt_source_free(source);
  bt_buffer_dispose(&content);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gives_what_is_in_the_file),
                                     cmocka_unit_test(a_trace_over_many_documents_is_one),
                                     cmocka_unit_test(packed_content_larger_than_memory_may_be),
                                     cmocka_unit_test(a_pipe_is_read_once_and_kept),
                                     cmocka_unit_test(places_are_those_of_the_file),
                                     cmocka_unit_test(a_file_that_changes_is_noticed)};
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
