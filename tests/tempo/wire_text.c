/* The notation for protobuf. See wire_text.h. */
#include "tests/tempo/wire_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void stop(const char *at) {
  fprintf(stderr, "a mistake in the notation at: %.40s\n", at);
  exit(1);
}

static void write_varint(bt_buffer *out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bt_buffer_append_char(out, (char)(value | 0x80));
  bt_buffer_append_char(out, (char)value);
}

static void write_fixed(bt_buffer *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) bt_buffer_append_char(out, (char)(value >> (8 * i)));
}

static const char *write_hex(const char *at, bt_buffer *out) {
  while (strspn(at, "0123456789abcdef") >= 2) {
    char pair[3] = {at[0], at[1], '\0'};
    bt_buffer_append_char(out, (char)strtoul(pair, NULL, 16));
    at += 2;
  }
  return at;
}

static const char *write_quoted(const char *at, bt_buffer *out) {
  size_t length = strcspn(at, "\"");
  bt_buffer_append(out, (bt_str){at, length});
  if (at[length] != '"') stop(at);
  return at + length + 1;
}

static const char *write_message(const char *at, bt_buffer *out);

static const char *write_field(const char *at, bt_buffer *out) {
  char *next;
  uint64_t number = strtoull(at, &next, 10);
  if (next == at) stop(at);
  at = next;
  char kind = *at++;
  if (kind == '{') {
    bt_buffer inner = {0};
    at = write_message(at, &inner);
    write_varint(out, number << 3 | 2);
    write_varint(out, inner.len);
    bt_buffer_append(out, bt_buffer_str(&inner));
    bt_buffer_dispose(&inner);
    if (*at != '}') stop(at);
    return at + 1;
  }
  uint64_t value = *at == '-' ? (uint64_t)strtoll(at, &next, 10) : strtoull(at, &next, 10);
  if (next == at) stop(at);
  write_varint(out, number << 3 | (kind == ':' ? 0 : kind == '!' ? 1 : 5));
  if (kind == ':')
    write_varint(out, value);
  else if (kind == '!')
    write_fixed(out, value, 8);
  else if (kind == '?')
    write_fixed(out, value, 4);
  else
    stop(at);
  return next;
}

static const char *write_message(const char *at, bt_buffer *out) {
  for (;;) {
    at += strspn(at, " \t\n");
    if (*at == '\0' || *at == '}') return at;
    if (*at == '"')
      at = write_quoted(at + 1, out);
    else if (*at == 'x')
      at = write_hex(at + 1, out);
    else
      at = write_field(at, out);
  }
}

void wire_text_encode(const char *notation, bt_buffer *out) {
  bt_buffer_append(out, BT_STR(""));
  const char *end = write_message(notation, out);
  if (*end || out->failed) stop(end);
}
