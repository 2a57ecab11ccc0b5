/* Reading RowBinary. See row_binary.h. */
#include "tempo/clickhouse/row_binary.h"

#include <string.h>

#include "tempo/wire/wire.h"

enum { VARINT_BITS = 63 };

static size_t bytes_left(const bt_row_reader *reader) {
  return reader->failed ? 0 : (size_t)(reader->end - reader->at);
}

uint8_t bt_row_byte(bt_row_reader *reader) {
  if (!bytes_left(reader)) {
    reader->failed = true;
    return 0;
  }
  return (uint8_t)*reader->at++;
}

int64_t bt_row_int64(bt_row_reader *reader) {
  if (bytes_left(reader) < sizeof(int64_t)) {
    reader->failed = true;
    return 0;
  }
  int64_t value = (int64_t)bt_wire_word(reader->at);
  reader->at += sizeof value;
  return value;
}

double bt_row_double(bt_row_reader *reader) {
  int64_t bits = bt_row_int64(reader);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Seven bits a byte, the lowest first. */
uint64_t bt_row_number(bt_row_reader *reader) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < VARINT_BITS; shift += 7) {
    uint8_t byte = bt_row_byte(reader);
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  reader->failed = true;
  return 0;
}

/* Each element takes a byte at least. */
size_t bt_row_count(bt_row_reader *reader) {
  uint64_t count = bt_row_number(reader);
  if (count > bytes_left(reader)) reader->failed = true;
  return reader->failed ? 0 : (size_t)count;
}

bt_str bt_row_text(bt_row_reader *reader) {
  size_t length = bt_row_count(reader);
  bt_str text = {reader->at, length};
  reader->at += length;
  return reader->failed ? BT_STR("") : text;
}
