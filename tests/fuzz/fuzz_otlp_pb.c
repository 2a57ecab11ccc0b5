/* Arbitrary bytes as OTLP protobuf and as Tempo's trace by id: no crash, no memory beyond the cap, and what is accepted
 * is a sound trace. */
#include <stdint.h>
#include <stdlib.h>

#include "tempo/wire/otlp_decode.h"

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

static void compare_attributes(const bt_attributes *one, const bt_attributes *other) {
  if (one->count != other->count) abort();
  for (uint32_t i = 0; i < one->count; i++) {
    const bt_value *a = &one->items[i].value, *b = &other->items[i].value;
    if (!bt_str_equal(one->items[i].key, other->items[i].key) || a->type != b->type) abort();
    if (a->type == BT_VALUE_STRING && !bt_str_equal(a->string, b->string)) abort();
    if (a->type == BT_VALUE_BOOL && a->boolean != b->boolean) abort();
    if (a->type == BT_VALUE_INT && a->integer != b->integer) abort();
    if (a->type == BT_VALUE_ARRAY && a->array.count != b->array.count) abort();
  }
}

static void compare_spans(const bt_span *one, const bt_span *other) {
  bool is_same = one->start_ns == other->start_ns && one->end_ns == other->end_ns && one->kind == other->kind &&
                 one->event_count == other->event_count && one->link_count == other->link_count &&
                 bt_str_equal(one->name, other->name) && bt_str_equal(one->resource->service, other->resource->service);
  if (!is_same) abort();
  compare_attributes(&one->attributes, &other->attributes);
  compare_attributes(&one->resource->attributes, &other->resource->attributes);
  compare_attributes(&one->scope->attributes, &other->scope->attributes);
  for (uint32_t i = 0; i < one->event_count; i++)
    compare_attributes(&one->events[i].attributes, &other->events[i].attributes);
  for (uint32_t i = 0; i < one->link_count; i++) {
    if (memcmp(&one->links[i].span_id, &other->links[i].span_id, sizeof(bt_span_id)) != 0) abort();
    compare_attributes(&one->links[i].attributes, &other->links[i].attributes);
  }
}

static void compare_batches(const bt_span_batch *one, const bt_span_batch *other) {
  if (bt_span_batch_trace_count(one) != bt_span_batch_trace_count(other)) abort();
  for (size_t i = 0; i < bt_span_batch_trace_count(one); i++) {
    const bt_trace *a = bt_span_batch_trace(one, i), *b = bt_span_batch_trace(other, i);
    if (bt_trace_id_compare(&a->id, &b->id) != 0 || a->span_count != b->span_count) abort();
    for (uint32_t j = 0; j < a->span_count; j++) compare_spans(&a->spans[j], &b->spans[j]);
  }
}

/* NULL: not accepted. */
static bt_span_batch *decode(bt_str input, bool is_answer, bool keeps, bt_status *status) {
  bt_error error;
  bt_span_batch *batch;
  bool partial;
  *status = bt_span_batch_new(1 << 22, &batch, &error);
  if (*status != BT_OK) return NULL;
  if (keeps) bt_span_batch_keep_texts(batch);
  *status = is_answer ? bt_tempo_decode_trace(input, false, batch, &partial, &error)
                      : bt_otlp_decode_protobuf(input, batch, &error);
  if (*status == BT_OK) *status = bt_span_batch_finish(batch, &error);
  if (*status == BT_OK) return batch;
  bt_span_batch_free(batch);
  return NULL;
}

/* Texts that are kept go another way than those that are borrowed: both give the same. */
static void decode_twice(bt_str input, bool is_answer) {
  bt_status status, kept_status;
  bt_span_batch *one = decode(input, is_answer, false, &status), *kept = decode(input, is_answer, true, &kept_status);
  if (one) check_batch(one);
  if (kept) check_batch(kept);
  if (status != kept_status && status != BT_LIMIT && kept_status != BT_LIMIT) abort();
  if (one && kept) compare_batches(one, kept);
  bt_span_batch_free(one);
  bt_span_batch_free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str input = {(const char *)data, size};
  decode_twice(input, false);
  decode_twice(input, true);
  return 0;
}
