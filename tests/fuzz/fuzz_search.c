/* Arbitrary bytes as a search answer: JSON when it begins with j, protobuf otherwise; the byte itself is not part of
 * the answer. */
#include <stdint.h>
#include <stdlib.h>

#include "tempo/wire/otlp_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bt_status check_row(void *context, const bt_search_row *row, bt_error *error) {
  size_t *rows = context;
  if (row->start_ns < 0 || row->end_ns < row->start_ns || (!row->in_doubt && row->end_ns == row->start_ns)) abort();
  if (row->span) { /* its duration may be below zero: a span that ended before it began */
    if (!bt_utf8_valid(row->span->name) || bt_span_id_is_zero(&row->span->id)) abort();
    for (uint32_t i = 0; i < row->span->attributes.count; i++)
      if (!bt_utf8_valid(row->span->attributes.items[i].key)) abort();
  }
  return ++*rows == 1000 ? bt_error_set(error, BT_CANCELLED, "enough") : BT_OK;
}

static size_t decode(bt_str body, bool is_json, bool with_spans) {
  bt_error error;
  bt_search_answer answer;
  size_t rows = 0;
  bt_status status = bt_tempo_decode_search(body, is_json, with_spans, check_row, &rows, &answer, &error);
  if (status == BT_OK && rows < answer.trace_count) abort();
  return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  bt_str body = {(const char *)data + 1, size - 1};
  decode(body, data[0] == 'j', true);
  decode(body, data[0] == 'j', false);
  return 0;
}
