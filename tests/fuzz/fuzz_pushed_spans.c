/* Bodies of POST /v1/spans: those that go on to Tempo as they are, and those in BeTrace's own form. The latter must
 * become a request that our own decoder takes, with as many spans. */
#include <stdlib.h>

#include "server/http/span_body.h"
#include "tempo/wire/otlp_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t NOW_NS = INT64_C(1767000000000000000);

static void check_encoded(const bt_buffer *encoded, size_t spans) {
  bt_span_batch *batch = NULL;
  bt_error error = {0};
  if (bt_span_batch_new(64 << 20, &batch, &error) != BT_OK) abort();
  if (bt_otlp_decode_protobuf(bt_buffer_str(encoded), batch, &error) != BT_OK) abort();
  if (bt_span_batch_span_count(batch) != spans) abort();
  bt_span_batch_free(batch);
}

static void check_flat(bt_str body) {
  json_t *document = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
  bt_field_errors errors = {0};
  bt_error error = {0};
  bt_buffer encoded = {0};
  if (json_is_object(document)) {
    bt_status status = bt_span_body_read(document, NOW_NS, &encoded, &errors, &error);
    if (status == BT_OK)
      check_encoded(&encoded, json_array_size(json_object_get(document, "spans")));
    else if (status == BT_INVALID && !errors.items)
      abort(); /* what is wrong has to be said */
  }
  json_decref(errors.items);
  bt_buffer_dispose(&encoded);
  json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str body = {(const char *)data, size};
  bt_span_batch *batch = NULL;
  bt_error error = {0};
  bool is_flat = false;
  if (bt_span_batch_new(64 << 20, &batch, &error) != BT_OK) return 0;
  if (bt_otlp_decode_json_request(body, batch, &is_flat, &error) == BT_OK && is_flat) check_flat(body);
  bt_span_batch_free(batch);
  return 0;
}
