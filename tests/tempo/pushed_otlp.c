/* See pushed_otlp.h. */
#include "tests/tempo/pushed_otlp.h"

#include "tempo/files/memory_source.h"
#include "tempo/wire/otlp_decoder.h"

bt_status push_otlp(bt_source *source, const char *tenant, bt_str body, bool is_json, uint64_t *span_count,
                    bt_error *error) {
  bt_span_batch *batch = NULL;
  *span_count = 0;
  bt_status status = bt_span_batch_new((size_t)64 << 20, &batch, error);
  if (status == BT_OK)
    status = is_json ? bt_otlp_decode_json(body, batch, error) : bt_otlp_decode_protobuf(body, batch, error);
  if (status == BT_OK) status = bt_span_batch_finish(batch, error);
  if (status == BT_OK) status = bt_memory_source_add(source, tenant, batch, error);
  for (size_t i = 0; status == BT_OK && i < bt_span_batch_trace_count(batch); i++)
    *span_count += bt_span_batch_trace(batch, i)->span_count;
  bt_span_batch_free(batch);
  return status;
}
