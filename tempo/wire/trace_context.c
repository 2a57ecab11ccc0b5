/* See trace_context.h. */
#include "tempo/wire/trace_context.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, LENGTH = 55 };

/* Lower case alone, as the specification has it. -1: not hexadecimal. */
static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_bytes(const char *text, uint8_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static bool is_zero(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bytes[i]) return false;
  return true;
}

bool bt_trace_context_parse(bt_str text, bt_trace_context *out) {
  bt_trace_context read = {.is_set = true};
  uint8_t version = 0, flags = 0;
  *out = (bt_trace_context){0};
  if (text.len < LENGTH || text.ptr[TRACE_AT - 1] != '-' || text.ptr[SPAN_AT - 1] != '-' ||
      text.ptr[FLAGS_AT - 1] != '-')
    return false;
  if (!read_bytes(text.ptr, &version, 1) || !read_bytes(text.ptr + TRACE_AT, read.trace_id.bytes, 16) ||
      !read_bytes(text.ptr + SPAN_AT, read.span_id.bytes, 8) || !read_bytes(text.ptr + FLAGS_AT, &flags, 1))
    return false;
  if (version == 0xff || is_zero(read.trace_id.bytes, 16) || is_zero(read.span_id.bytes, 8)) return false;
  if (text.len > LENGTH && (version == 0 || text.ptr[LENGTH] != '-')) return false;
  read.is_kept = flags & 1;
  *out = read;
  return true;
}

static void write_bytes(char *out, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++, out += 2) snprintf(out, 3, "%02x", bytes[i]);
}

void bt_trace_context_line(const bt_trace_context *context, char out[BT_TRACEPARENT_LINE]) {
  char trace[33], span[17];
  write_bytes(trace, context->trace_id.bytes, 16);
  write_bytes(span, context->span_id.bytes, 8);
  snprintf(out, BT_TRACEPARENT_LINE, "traceparent: 00-%s-%s-0%d", trace, span, context->is_kept);
}

bool bt_trace_context_begin(const bt_trace_context *parent, bt_trace_context *out) {
  uint8_t random[24];
  *out = (bt_trace_context){0};
  if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) return false;
  if (is_zero(random, 16) || is_zero(random + 16, 8)) return false;
  *out = *parent;
  if (!parent->is_set) *out = (bt_trace_context){.is_kept = true, .is_set = true};
  if (!parent->is_set) memcpy(out->trace_id.bytes, random, 16);
  memcpy(out->span_id.bytes, random + 16, 8);
  return true;
}
