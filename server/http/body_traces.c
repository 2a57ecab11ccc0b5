/* Traces of a request's body. See body_traces.h. */
#include "server/http/body_traces.h"

#include <stdlib.h>

#include "dsl/base/text.h"

enum { TRACE_MEMORY_BYTES = 256 * 1024 * 1024 }; /* of each of the two fields */

static bt_status decode_field(const char *field, json_t *document, char **text, bt_span_batch **batch,
                              bt_field_errors *errors, bt_error *error) {
  *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(17));
  bt_status status = *text ? bt_span_batch_new(TRACE_MEMORY_BYTES, batch, error) : bt_error_no_memory(error);
  if (!status) status = bt_otlp_decode_json_documents(bt_str_from(*text), *batch, error);
  if (!status) status = bt_span_batch_finish(*batch, error);
  if (status != BT_INVALID) return status;
  bt_field_errors_add(errors, field, "%s", error->message);
  return BT_OK;
}

static bt_family_trace take_given(const bt_trace *trace) {
  return (bt_family_trace){
      .trace = trace, .is_incomplete = trace->partial, .asked_from_ns = INT64_MIN, .asked_until_ns = INT64_MAX};
}

static void check_others(const bt_body_traces *traces, bt_field_errors *errors) {
  size_t count = bt_span_batch_trace_count(traces->others_batch);
  char own[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&traces->own->id, own);
  if (count > BT_FAMILY_MAX_TRACES)
    bt_field_errors_add(errors, "others", "expected at most %d traces, got %zu", (int)BT_FAMILY_MAX_TRACES, count);
  for (size_t i = 0; i < count; i++) {
    const bt_trace *other = bt_span_batch_trace(traces->others_batch, i);
    if (bt_trace_id_compare(&other->id, &traces->own->id) == 0)
      bt_field_errors_add(errors, "others",
                          "expected spans of other traces, got %u of %s, which is the trace that is judged: put all "
                          "of its spans into trace",
                          (unsigned)other->span_count, own);
  }
}

/* There are no more traces than these: whatever links to one of them is among them. */
static bt_status join_family(bt_body_traces *traces, bt_error *error) {
  size_t count = 1 + bt_span_batch_trace_count(traces->others_batch);
  traces->traces = bt_realloc_array(NULL, count, sizeof *traces->traces);
  if (!traces->traces) return bt_error_no_memory(error);
  traces->traces[0] = take_given(traces->own);
  for (size_t i = 1; i < count; i++) traces->traces[i] = take_given(bt_span_batch_trace(traces->others_batch, i - 1));
  traces->kept = (bt_family){.traces = traces->traces, .trace_count = (uint32_t)count};
  traces->family = &traces->kept;
  return BT_OK;
}

static bt_status read_own(json_t *trace, bt_body_traces *out, bt_field_errors *errors, bt_error *error) {
  bt_status status = decode_field("trace", trace, &out->own_text, &out->own_batch, errors, error);
  if (status || bt_field_errors_any(errors)) return status;
  size_t count = bt_span_batch_trace_count(out->own_batch);
  if (count == 1)
    out->own = bt_span_batch_trace(out->own_batch, 0);
  else
    bt_field_errors_add(errors, "trace", "expected the spans of one trace, got %zu traces%s", count,
                        count ? "; those that are linked to it go into others" : "");
  return BT_OK;
}

static bt_status read_others(json_t *others, bt_body_traces *out, bt_field_errors *errors, bt_error *error) {
  bt_status status = decode_field("others", others, &out->others_text, &out->others_batch, errors, error);
  if (status || bt_field_errors_any(errors)) return status;
  check_others(out, errors);
  return bt_field_errors_any(errors) ? BT_OK : join_family(out, error);
}

bt_status bt_body_traces_read(json_t *trace, json_t *others, bt_body_traces *out, bt_field_errors *errors,
                              bt_error *error) {
  bt_status status = read_own(trace, out, errors, error);
  if (!status && others && !bt_field_errors_any(errors)) status = read_others(others, out, errors, error);
  return status;
}

void bt_body_traces_dispose(bt_body_traces *traces) {
  bt_span_batch_free(traces->own_batch);
  bt_span_batch_free(traces->others_batch);
  free(traces->own_text);
  free(traces->others_text);
  free(traces->traces);
}
