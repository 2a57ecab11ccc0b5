/* OTLP files as a trace source. See file_source.h. Everything is decoded at once; texts are kept once each and the file's bytes go. */
#include "tempo/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tempo/gzip.h"
#include "tempo/own_trace.h"
#include "tempo/span_batch.h"

/* Structures of the most wasteful input are some 30 times as large as its bytes; of real traces, about as large. */
enum { PIECE_BYTES = 64 * 1024, MEMORY_FACTOR = 8 };
static const size_t default_max_bytes = (size_t)4 << 30, least_memory_bytes = (size_t)64 << 20;

typedef struct file_source {
  bt_source source; /* first: a bt_source is one of these */
  bt_span_batch *batch;
  const bt_trace **traces; /* by id, without BeTrace's own */
  size_t trace_count;
} file_source;

static const file_source *of(const bt_source *source) {
  return (const file_source *)source;
}

static bt_status add_piece(bt_buffer *out, const char *piece, size_t length, bt_error *error) {
  bt_buffer_append(out, (bt_str){piece, length});
  if (!out->failed) return BT_OK;
  if (length > out->maximum - out->len)
    return bt_error_set(error, BT_LIMIT, "it is larger than the %zu bytes that are still allowed", out->maximum);
  return bt_error_no_memory(error);
}

static bt_status read_all(int descriptor, bt_buffer *out, bt_error *error) {
  char piece[PIECE_BYTES];
  bt_status status = BT_OK;
  while (status == BT_OK) {
    ssize_t length = read(descriptor, piece, sizeof piece);
    if (length == 0) break;
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return bt_error_set(error, BT_IO, "it cannot be read: %s", strerror(errno));
    status = add_piece(out, piece, (size_t)length, error);
  }
  return status;
}

static bt_status read_file(const char *path, bt_buffer *out, bt_error *error) {
  if (strcmp(path, "-") == 0) return read_all(STDIN_FILENO, out, error);
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return bt_error_set(error, BT_IO, "it cannot be opened: %s", strerror(errno));
  bt_status status = read_all(descriptor, out, error);
  close(descriptor);
  return status;
}

static size_t skip_blanks(bt_str text, size_t at) {
  while (at < text.len && text.ptr[at] && strchr(" \t\r\n", text.ptr[at])) at++;
  return at;
}

/* A bracket as the first byte is none of protobuf's. After blanks it may be: protobuf begins with 0x0A, which is a line break to JSON. But no
 * message of this format goes on with a bracket, blanks and then what JSON wants there: that would be a ResourceSpans of 123 bytes that
 * begins with a field which does not exist. */
static bool is_json(bt_str text) {
  size_t at = skip_blanks(text, 0);
  if (at == text.len || (text.ptr[at] != '{' && text.ptr[at] != '[')) return false;
  size_t inside = skip_blanks(text, at + 1);
  if (at == 0 || inside == text.len) return true;
  return strchr(text.ptr[at] == '{' ? "\"}" : "{[]", text.ptr[inside]) != NULL && text.ptr[inside];
}

/* What collectors' file exporters write: protobuf messages, each with its length before it in four bytes, big-endian. A message cannot
 * begin with a zero byte, and a length of less than 16 MiB does. */
static bool is_length_prefixed(bt_str input) {
  return input.len >= 4 && input.ptr[0] == '\0';
}

static bt_status decode_prefixed(bt_str input, bt_span_batch *batch, bt_error *error) {
  bt_status status = BT_OK;
  while (status == BT_OK && input.len) {
    const unsigned char *bytes = (const unsigned char *)input.ptr;
    size_t length = 0;
    for (size_t i = 0; i < 4 && i < input.len; i++) length = length << 8 | bytes[i];
    if (input.len < 4 || length > input.len - 4)
      return bt_error_set(error, BT_INVALID, "the last of the length-prefixed messages is cut off");
    status = bt_otlp_decode_protobuf((bt_str){input.ptr + 4, length}, batch, error);
    input = (bt_str){input.ptr + 4 + length, input.len - 4 - length};
  }
  return status;
}

/* TracesData, or Tempo's answer to a trace by id, which nests one level deeper: read as TracesData it has no spans, and reading one as the
 * other is no error. So a file without any span is taken for neither. */
static bt_status decode_protobuf(bt_str input, bt_span_batch *batch, bt_error *error) {
  uint64_t before = batch->span_count;
  bool partial;
  bt_status status = bt_otlp_decode_protobuf(input, batch, error);
  if (status == BT_OK && batch->span_count == before)
    status = bt_tempo_decode_trace(input, false, batch, &partial, error);
  if (status == BT_OK && batch->span_count == before)
    return bt_error_set(error, BT_INVALID, "no span is in it; expected OTLP JSON or protobuf (TracesData)");
  return status;
}

static bt_status decode_content(bt_str input, bt_span_batch *batch, bt_error *error) {
  if (bt_str_starts_with(input, BT_STR("\xEF\xBB\xBF"))) input = (bt_str){input.ptr + 3, input.len - 3};
  if (skip_blanks(input, 0) == input.len)
    return bt_error_set(error, BT_INVALID, "it is empty; expected OTLP JSON or protobuf");
  if (is_json(input)) return bt_otlp_decode_json_documents(input, batch, error);
  if (is_length_prefixed(input)) return decode_prefixed(input, batch, error);
  if (input.ptr[0] != '\n')
    return bt_error_set(error, BT_INVALID, "it is neither OTLP JSON nor OTLP protobuf (TracesData)");
  return decode_protobuf(input, batch, error);
}

/* *left: bytes that may still be read, over all files. */
static bt_status load_file(const char *path, bt_span_batch *batch, size_t *left, bt_error *error) {
  bt_buffer raw = {.maximum = *left}, unpacked = {.maximum = *left};
  bt_error inner = {.status = BT_OK};
  bt_status status = *left ? read_file(path, &raw, &inner)
                           : bt_error_set(&inner, BT_LIMIT, "the files before it are as large as allowed");
  bt_str content = bt_buffer_str(&raw);
  if (status == BT_OK && bt_gzip_is(content)) {
    status = bt_gzip_unpack(content, &unpacked, &inner);
    content = bt_buffer_str(&unpacked);
  }
  if (status == BT_OK) status = decode_content(content, batch, &inner);
  *left -= content.len;
  bt_buffer_dispose(&raw);
  bt_buffer_dispose(&unpacked);
  if (status != BT_OK)
    bt_error_set(error, status, "%s: %.400s", strcmp(path, "-") == 0 ? "standard input" : path, inner.message);
  return status;
}

static bt_status load_files(file_source *files, const char *const *paths, size_t count, size_t max_bytes,
                            bt_error *error) {
  size_t left = max_bytes ? max_bytes : default_max_bytes;
  size_t memory = left > SIZE_MAX / MEMORY_FACTOR ? SIZE_MAX : left * MEMORY_FACTOR;
  bt_status status = bt_span_batch_new(memory < least_memory_bytes ? least_memory_bytes : memory, &files->batch, error);
  if (status == BT_OK) bt_span_batch_keep_texts(files->batch);
  for (size_t i = 0; status == BT_OK && i < count; i++) status = load_file(paths[i], files->batch, &left, error);
  return status == BT_OK ? bt_span_batch_finish(files->batch, error) : status;
}

/* The traces that are not BeTrace's own; they are in order of id already. */
static bt_status list_traces(file_source *files, bt_error *error) {
  size_t count = bt_span_batch_trace_count(files->batch);
  files->traces = bt_realloc_array(NULL, count, sizeof *files->traces);
  if (!files->traces) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) {
    const bt_trace *trace = bt_span_batch_trace(files->batch, i);
    if (!bt_trace_is_own(trace, BT_STR(""))) files->traces[files->trace_count++] = trace;
  }
  return BT_OK;
}

/* A span may end before it starts, or have no end. */
static bt_found bounds_of(const bt_trace *trace) {
  int64_t end_ns = bt_trace_end_ns(trace), latest_start_ns = bt_trace_latest_start_ns(trace);
  return (bt_found){trace->id, bt_trace_start_ns(trace), end_ns > latest_start_ns ? end_ns : latest_start_ns};
}

static bool is_cancelled(const bt_cancel *cancel) {
  return cancel && atomic_load(&cancel->requested);
}

static bt_status search_files(bt_source *source, const bt_search_request *request, bt_found_list *found,
                              bt_source_account *account, bt_error *error) {
  (void)account;
  const file_source *files = of(source);
  size_t count = 0;
  if (is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
  if (request->range.start_ns >= request->range.end_ns) return BT_OK;
  for (size_t i = 0; i < files->trace_count; i++) {
    if (is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    bt_found bounds = bounds_of(files->traces[i]);
    if (bounds.start_ns >= request->range.end_ns || bounds.end_ns < request->range.start_ns) continue;
    if (request->max_found && count == request->max_found)
      return bt_error_set(error, BT_LIMIT, "more than %zu traces lie in the range; ask for a shorter one",
                          request->max_found);
    if (!bt_found_list_add(found, &bounds)) return bt_error_no_memory(error);
    count++;
  }
  bt_found_list_sort(found);
  return BT_OK;
}

static int compare_with_trace(const void *id, const void *trace) {
  return bt_trace_id_compare(id, &(*(const bt_trace *const *)trace)->id);
}

static const bt_trace *find_trace(const file_source *files, const bt_trace_id *id) {
  if (!files->trace_count) return NULL;
  const bt_trace *const *found =
      bsearch(id, files->traces, files->trace_count, sizeof *files->traces, compare_with_trace);
  return found ? *found : NULL;
}

static bt_status read_files(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                            bt_source_account *account, bt_error *error) {
  (void)account;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < request->count; i++) {
    if (is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    bt_read_trace read = {.index = i, .trace = find_trace(of(source), &request->ids[i])};
    status = sink(context, &read, error);
  }
  return status;
}

static bt_status check_files(bt_source *source, bt_error *error) {
  (void)source;
  (void)error;
  return BT_OK; /* everything was read at the start */
}

static void free_files(bt_source *source) {
  file_source *files = (file_source *)source;
  bt_span_batch_free(files->batch);
  free(files->traces);
  free(files);
}

bt_status bt_file_source_open(const char *const *paths, size_t count, size_t max_bytes, bt_source **out,
                              bt_error *error) {
  static const bt_source_operations operations = {.search = search_files,
                                                  .read = read_files,
                                                  .check = check_files,
                                                  .free = free_files,
                                                  .filters = false,
                                                  .is_static = true};
  *out = NULL;
  file_source *files = calloc(1, sizeof *files);
  if (!files) return bt_error_no_memory(error);
  files->source = (bt_source){.operations = &operations, .name = "files"};
  bt_status status = load_files(files, paths, count, max_bytes, error);
  if (status == BT_OK) status = list_traces(files, error);
  if (status != BT_OK) {
    free_files(&files->source);
    return status;
  }
  *out = &files->source;
  return BT_OK;
}

size_t bt_file_source_trace_count(const bt_source *source) {
  return of(source)->trace_count;
}

const bt_trace *bt_file_source_trace(const bt_source *source, size_t index) {
  return of(source)->traces[index];
}
