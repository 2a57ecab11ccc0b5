/* See trace_context.h. */
#include "tempo/wire/trace_context.h"

#include <stdio.h>
#include <sys/random.h>

#include "dsl/base/hex.h"

enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, LENGTH = 55 };

static bool has_upper_case(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (text[i] >= 'A' && text[i] <= 'F') return true;
  return false;
}

/* The specification takes lower case alone. */
bool bt_trace_context_parse(bt_str text, bt_trace_context *out) {
  bt_trace_context read = {.is_set = true};
  uint8_t version = 0, flags = 0;
  *out = (bt_trace_context){0};
  if (text.len < LENGTH || text.ptr[TRACE_AT - 1] != '-' || text.ptr[SPAN_AT - 1] != '-' ||
      text.ptr[FLAGS_AT - 1] != '-' || has_upper_case(text.ptr, LENGTH))
    return false;
  if (!bt_hex_parse((bt_str){text.ptr, 2}, &version, 1) ||
      !bt_trace_id_parse((bt_str){text.ptr + TRACE_AT, BT_TRACE_ID_HEX}, &read.trace_id) ||
      !bt_span_id_parse((bt_str){text.ptr + SPAN_AT, BT_SPAN_ID_HEX}, &read.span_id) ||
      !bt_hex_parse((bt_str){text.ptr + FLAGS_AT, 2}, &flags, 1))
    return false;
  if (version == 0xff || bt_trace_id_is_zero(&read.trace_id) || bt_span_id_is_zero(&read.span_id)) return false;
  if (text.len > LENGTH && (version == 0 || text.ptr[LENGTH] != '-')) return false;
  read.is_kept = flags & 1;
  *out = read;
  return true;
}

void bt_trace_context_line(const bt_trace_context *context, char out[BT_TRACEPARENT_LINE]) {
  char trace[BT_TRACE_ID_HEX + 1], span[BT_SPAN_ID_HEX + 1];
  bt_trace_id_format(&context->trace_id, trace);
  bt_span_id_format(&context->span_id, span);
  snprintf(out, BT_TRACEPARENT_LINE, "traceparent: 00-%s-%s-0%d", trace, span, context->is_kept);
}

bool bt_trace_context_begin(const bt_trace_context *parent, bt_trace_context *out) {
  struct {
    bt_trace_id trace_id;
    bt_span_id span_id;
  } random;
  *out = (bt_trace_context){0};
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) return false;
  if (bt_trace_id_is_zero(&random.trace_id) || bt_span_id_is_zero(&random.span_id)) return false;
  *out = parent->is_set ? *parent : (bt_trace_context){.trace_id = random.trace_id, .is_kept = true, .is_set = true};
  out->span_id = random.span_id;
  return true;
}
