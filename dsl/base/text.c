/* Text slices and the growing buffer. See text.h. */
#include "dsl/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/hidden_characters.h"

bt_str bt_str_from(const char *c_string) {
  return (bt_str){c_string, c_string ? strlen(c_string) : 0};
}

static char lower_character(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool bt_str_equal_nocase(bt_str a, bt_str b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++)
    if (lower_character(a.ptr[i]) != lower_character(b.ptr[i])) return false;
  return true;
}

int bt_str_compare(bt_str a, bt_str b) {
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
  if (order) return order;
  return a.len < b.len ? -1 : a.len > b.len;
}

bool bt_str_starts_with(bt_str s, bt_str prefix) {
  return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool bt_str_ends_with(bt_str s, bt_str suffix) {
  return s.len >= suffix.len && (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

bool bt_str_contains(bt_str s, bt_str part) {
  return part.len == 0 || (s.len >= part.len && memmem(s.ptr, s.len, part.ptr, part.len) != NULL);
}

bt_str bt_str_trim(bt_str s) {
  while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s.ptr++, s.len--;
  while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) s.len--;
  return s;
}

uint64_t bt_str_hash(bt_str s) {
  uint64_t hash = 1469598103934665603u;
  for (size_t i = 0; i < s.len; i++) hash = (hash ^ (unsigned char)s.ptr[i]) * 1099511628211u;
  return hash;
}

/* Makes room for `more` bytes and the NUL behind them. */
static bool reserve_bytes(bt_buffer *buffer, size_t more) {
  if (buffer->failed) return false;
  buffer->failed = true;
  if (more > SIZE_MAX - buffer->len - 1) return false;
  size_t needed = buffer->len + more + 1;
  if (buffer->maximum && needed - 1 > buffer->maximum) return false;
  if (needed > buffer->capacity) {
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < needed) capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    char *grown = realloc(buffer->ptr, capacity);
    if (!grown) return false;
    buffer->ptr = grown;
    buffer->capacity = capacity;
  }
  buffer->failed = false;
  return true;
}

void bt_buffer_append(bt_buffer *buffer, bt_str s) {
  if (!reserve_bytes(buffer, s.len)) return;
  if (s.len) memcpy(buffer->ptr + buffer->len, s.ptr, s.len);
  buffer->len += s.len;
  buffer->ptr[buffer->len] = '\0';
}

void bt_buffer_append_char(bt_buffer *buffer, char c) {
  bt_buffer_append(buffer, (bt_str){&c, 1});
}

void bt_buffer_printf(bt_buffer *buffer, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int length = vsnprintf(NULL, 0, format, list);
  va_end(list);
  if (length < 0 || !reserve_bytes(buffer, (size_t)length)) {
    buffer->failed = true;
    return;
  }
  va_start(list, format);
  vsnprintf(buffer->ptr + buffer->len, (size_t)length + 1, format, list);
  va_end(list);
  buffer->len += (size_t)length;
}

void bt_buffer_clear(bt_buffer *buffer) {
  buffer->len = 0;
  buffer->failed = false;
  if (buffer->ptr) buffer->ptr[0] = '\0';
}

void bt_buffer_dispose(bt_buffer *buffer) {
  free(buffer->ptr);
  *buffer = (bt_buffer){.maximum = buffer->maximum};
}

bt_str bt_buffer_str(const bt_buffer *buffer) {
  return (bt_str){buffer->ptr, buffer->len};
}

static bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

/* Length that the lead byte promises, and the bits that it carries; 0 for a byte that cannot lead. */
static size_t utf8_lead(unsigned char lead, uint32_t *bits) {
  if (lead < 0x80) return *bits = lead, 1;
  if (lead >= 0xC2 && lead <= 0xDF) return *bits = lead & 0x1Fu, 2;
  if (lead >= 0xE0 && lead <= 0xEF) return *bits = lead & 0x0Fu, 3;
  if (lead >= 0xF0 && lead <= 0xF4) return *bits = lead & 0x07u, 4;
  return 0;
}

size_t bt_utf8_sequence(bt_str s, uint32_t *code_point) {
  uint32_t code = 0;
  size_t length = s.len ? utf8_lead((unsigned char)s.ptr[0], &code) : 0;
  if (length == 0 || length > s.len) return 0;
  for (size_t i = 1; i < length; i++) {
    if (!is_continuation((unsigned char)s.ptr[i])) return 0;
    code = (code << 6) | ((unsigned char)s.ptr[i] & 0x3Fu);
  }
  static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
  if (code_point) *code_point = code;
  return length;
}

bool bt_is_obeyed(uint32_t c) {
  size_t low = 0, high = sizeof bt_hidden_characters / sizeof *bt_hidden_characters;
  if (c >= 0x20 && c < 0x7F) return false; /* nearly all that is asked for */
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (c > bt_hidden_characters[middle].last)
      low = middle + 1;
    else
      high = middle;
  }
  return low < sizeof bt_hidden_characters / sizeof *bt_hidden_characters && c >= bt_hidden_characters[low].first;
}

void bt_append_utf16_escape(uint32_t c, bt_buffer *out) {
  if (c <= 0xFFFF)
    bt_buffer_printf(out, "\\u%04x", (unsigned)c);
  else
    bt_buffer_printf(out, "\\u%04x\\u%04x", (unsigned)(0xD800 + ((c - 0x10000) >> 10)),
                     (unsigned)(0xDC00 + ((c - 0x10000) & 0x3FF)));
}

bool bt_utf8_valid(bt_str s) {
  while (s.len) {
    size_t length = bt_utf8_sequence(s, NULL);
    if (!length) return false;
    s.ptr += length;
    s.len -= length;
  }
  return true;
}
