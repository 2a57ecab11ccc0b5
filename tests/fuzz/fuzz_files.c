/* Arbitrary bytes as a trace file: cut into units and decoded one by one it gives what it gives decoded at once, or is
 * refused by both. So it is where a line turns out to be no document. Memory stays within what the input allows, and
 * units lie one after another in the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tempo/files/file_units.h"
#include "tempo/files/unpacking.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const size_t cap_bytes = (size_t)1 << 24;

/* The number of spans, or -1. */
static int64_t finish(bt_span_batch *batch, bt_status status) {
  int64_t count = status == BT_OK ? (int64_t)bt_span_batch_span_count(batch) : -1;
  bt_span_batch_free(batch);
  return count;
}

static int64_t decode_whole(bt_file_format format, bt_str bytes) {
  bt_span_batch *batch;
  bt_error error;
  if (bt_span_batch_new(cap_bytes, &batch, &error) != BT_OK) abort();
  if (bt_str_starts_with(bytes, BT_STR("\xEF\xBB\xBF"))) bytes = (bt_str){bytes.ptr + 3, bytes.len - 3};
  bt_status status = format == BT_FILE_JSON ? bt_otlp_decode_json_documents(bytes, batch, &error)
                                            : bt_otlp_decode_protobuf(bytes, batch, &error);
  return finish(batch, status);
}

static bt_status decode_unit(bt_file_format format, const bt_file_unit *unit, bt_str bytes, int64_t *spans) {
  bt_span_batch *batch;
  bt_error error = {0};
  if (bt_span_batch_new(cap_bytes, &batch, &error) != BT_OK) abort();
  bt_status status = bt_file_unit_decode(format, &unit->place, bytes, batch, &error);
  if (status != BT_OK && !error.message[0]) abort();
  *spans += (int64_t)bt_span_batch_span_count(batch);
  bt_span_batch_free(batch);
  return status;
}

static int64_t decode_units(bt_file_units *units, size_t size) {
  int64_t spans = 0;
  uint64_t before = 0;
  for (;;) {
    bt_file_unit unit;
    bt_str bytes;
    bt_error error;
    bool found;
    bt_status status = bt_file_units_next(units, &unit, &bytes, &found, &error);
    if (status == BT_OK && !found) return spans;
    if (status == BT_OK && (unit.offset < before || unit.offset + unit.length > size || bytes.len != unit.length))
      abort();
    int64_t spans_before = spans;
    if (status == BT_OK) status = decode_unit(unit.is_line ? BT_FILE_JSON_LINE : units->format, &unit, bytes, &spans);
    if (status != BT_OK && found && unit.is_line) {
      spans = spans_before;
      bt_file_units_go_back(units, &unit);
      continue;
    }
    if (status != BT_OK) return -1;
    if (unit.length == 0 && units->format != BT_FILE_PREFIXED) abort(); /* it would never end */
    before = unit.offset + unit.length;
  }
}

/* A file that has the bytes and lies in memory. */
static bt_file_content *content_of(bt_str bytes) {
  char path[64];
  bt_file_content *content = NULL;
  bt_error error;
  int descriptor = memfd_create("traces", MFD_CLOEXEC);
  if (descriptor < 0 || write(descriptor, bytes.ptr, bytes.len) != (ssize_t)bytes.len) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  if (bt_file_content_open(path, 0, &content, &error) != BT_OK) abort();
  close(descriptor);
  return content;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str bytes = {(const char *)data, size};
  if (bt_unpacking_is_needed(bytes)) return 0; /* fuzz_unpacking does */
  bt_file_content *content = content_of(bytes);
  bt_file_units units;
  bt_error error;
  if (bt_file_units_start(&units, content, &error) != BT_OK) abort();
  if (units.format != BT_FILE_EMPTY && units.format != BT_FILE_OTHER) {
    bt_file_format format = units.format;
    int64_t in_units = decode_units(&units, size);
    if (format != BT_FILE_PREFIXED && in_units != decode_whole(format, bytes)) abort();
  }
  bt_file_units_dispose(&units);
  bt_file_content_free(content);
  return 0;
}
