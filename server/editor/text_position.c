/* Bytes ↔ lines and UTF-16 columns. See text_position.h. */
#include "server/editor/text_position.h"

typedef struct reader {
  bt_str text;
  size_t at;
  bt_text_position position;
} reader;

/* Goes over one character; units it takes are added to the column. */
static void measure_character(reader *r, size_t *length, uint32_t *units) {
  uint32_t code_point = 0;
  bt_str rest = {r->text.ptr + r->at, r->text.len - r->at};
  *length = bt_utf8_sequence(rest, &code_point);
  *units = *length && code_point > 0xFFFF ? 2 : 1;
  if (!*length) *length = 1;
}

static void pass_character(reader *r, size_t length, uint32_t units) {
  bool is_break = r->text.ptr[r->at] == '\n';
  r->at += length;
  r->position.line += is_break;
  r->position.column = is_break ? 1 : r->position.column + units;
}

bt_text_position bt_text_position_of(bt_str text, size_t offset) {
  reader r = {text, 0, {1, 1}};
  while (r.at < text.len) {
    size_t length;
    uint32_t units;
    measure_character(&r, &length, &units);
    if (r.at + length > offset) break;
    pass_character(&r, length, units);
  }
  return r.position;
}

bool bt_text_position_offset(bt_str text, bt_text_position position, size_t *offset) {
  reader r = {text, 0, {1, 1}};
  if (!position.line || !position.column) return false;
  while (r.at < text.len && (r.position.line < position.line || r.position.column < position.column)) {
    size_t length;
    uint32_t units;
    measure_character(&r, &length, &units);
    bool is_break = text.ptr[r.at] == '\n';
    if (r.position.line == position.line && (is_break || r.position.column + units > position.column)) break;
    pass_character(&r, length, units);
  }
  *offset = r.at;
  bool is_inside_pair = r.at < text.len && text.ptr[r.at] != '\n' && r.position.column + 1 == position.column;
  return r.position.line == position.line && (r.position.column == position.column || is_inside_pair);
}
