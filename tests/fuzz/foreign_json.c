/* What holds of every reader of other tools' JSON. See foreign_json.h. */
#include "tests/fuzz/foreign_json.h"

#include <stdlib.h>

#include "tempo/wire/span_batch.h"

static void look_at(const bt_span_batch *batch, const bt_trace_id *only) {
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    if (only && bt_trace_id_compare(&trace->id, only) != 0) abort();
    for (uint32_t j = 0; j < trace->span_count; j++) {
      const bt_span *span = &trace->spans[j];
      if (!span->resource || !span->scope || !bt_utf8_valid(span->name) || !bt_utf8_valid(span->status_message))
        abort();
      for (uint32_t k = 0; k < span->attributes.count; k++)
        if (!bt_utf8_valid(span->attributes.items[k].key)) abort();
    }
  }
}

static void decode(bt_foreign_reader *read, bt_str input, const bt_trace_id *only, bool leaves_out) {
  bt_error error = {0};
  bt_span_batch *batch;
  bt_passed_over passed = {0};
  if (bt_span_batch_new(1 << 22, &batch, &error) != BT_OK) return;
  if (only) bt_span_batch_only(batch, only, 1);
  if (leaves_out) bt_span_batch_leave_out(batch, &passed);
  bt_json_place place = {.build = &batch->build, .error = &error};
  bt_json_init(&place.json, input, &batch->build.arena);
  bt_status status = read(&place, batch);
  if (status != BT_OK && !error.message[0]) abort();
  if (status == BT_OK && bt_span_batch_finish(batch, &error) == BT_OK) look_at(batch, only);
  bt_passed_over_dispose(&passed);
  bt_span_batch_free(batch);
}

int fuzz_foreign_json(bt_foreign_reader *read, const uint8_t *data, size_t size) {
  static const bt_trace_id only = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xA1}};
  bt_str input = {(const char *)data, size};
  decode(read, input, NULL, false);
  decode(read, input, NULL, true);
  decode(read, input, &only, false);
  return 0;
}
