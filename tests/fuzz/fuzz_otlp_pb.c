/* Arbitrary bytes as OTLP protobuf and as Tempo's trace by id: no crash, no memory beyond the cap, and what is accepted
 * is a sound trace. */
#include <stdint.h>
#include <stdlib.h>

#include "tempo/wire/otlp_decoder.h"

/* Touches everything that a trace points to, so that the sanitizer sees what dangles. */
static uint64_t sum_text(bt_str text) {
  uint64_t sum = 0;
  for (size_t i = 0; i < text.len; i++) sum += (unsigned char)text.ptr[i];
  if (!bt_utf8_valid(text)) abort();
  return sum;
}

static uint64_t sum_value(const bt_value *value) {
  if (value->type == BT_VALUE_STRING) return sum_text(value->string);
  uint64_t sum = 0;
  if (value->type == BT_VALUE_ARRAY) {
    if (value->array.count == 0) abort();
    for (uint32_t i = 0; i < value->array.count; i++) {
      const bt_value *item = &value->array.items[i];
      if (item->type != value->array.items[0].type || item->type == BT_VALUE_ARRAY || bt_value_is_missing(item))
        abort();
      if (item->type == BT_VALUE_STRING) sum += sum_text(item->string);
    }
  }
  return sum;
}

static uint64_t sum_attributes(const bt_attributes *attributes) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < attributes->count; i++)
    sum += sum_text(attributes->items[i].key) + sum_value(&attributes->items[i].value);
  return sum;
}

static uint64_t sum_span(const bt_span *span) {
  if (span->start_ns < 0 || span->end_ns < 0 || bt_span_id_is_zero(&span->id)) abort();
  uint64_t sum = sum_text(span->name) + sum_text(span->status_message) + sum_attributes(&span->attributes);
  for (uint32_t i = 0; i < span->event_count; i++)
    sum += sum_text(span->events[i].name) + sum_attributes(&span->events[i].attributes);
  for (uint32_t i = 0; i < span->link_count; i++) sum += sum_attributes(&span->links[i].attributes);
  sum += sum_text(span->resource->service) + sum_attributes(&span->resource->attributes);
  return sum + sum_text(span->scope->name) + sum_text(span->scope->version) + sum_attributes(&span->scope->attributes);
}

static void check_batch(const bt_span_batch *batch) {
  volatile uint64_t sum = 0;
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    if (trace->span_count == 0) abort();
    for (uint32_t j = 0; j < trace->span_count; j++) sum += sum_span(&trace->spans[j]);
  }
  (void)sum;
}

static void decode(bt_str input, bool is_answer) {
  bt_error error;
  bt_span_batch *batch;
  bool partial;
  if (bt_span_batch_new(1 << 22, &batch, &error) != BT_OK) return;
  bt_status status = is_answer ? bt_tempo_decode_trace(input, false, batch, &partial, &error)
                               : bt_otlp_decode_protobuf(input, batch, &error);
  if (status == BT_OK) status = bt_span_batch_finish(batch, &error);
  if (status == BT_OK) check_batch(batch);
  bt_span_batch_free(batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str input = {(const char *)data, size};
  decode(input, false);
  decode(input, true);
  return 0;
}
