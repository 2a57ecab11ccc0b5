/* The protobuf pull reader. See wire.h. */
#include "tempo/wire/wire.h"

enum { MAX_VARINT_BYTES = 10, MAX_FIELD_NUMBER = (1 << 29) - 1 };

static bool stop_with(bt_wire *wire, const char *problem) {
  wire->problem = problem;
  return false;
}

static bool read_long_varint(bt_wire *wire, uint64_t *out) {
  uint64_t value = 0;
  for (unsigned i = 0; i < MAX_VARINT_BYTES; i++) {
    if (wire->at == wire->end) return stop_with(wire, "the message ends inside a varint");
    uint8_t byte = (uint8_t)*wire->at++;
    if (i == MAX_VARINT_BYTES - 1 && byte > 1) return stop_with(wire, "a varint is larger than 64 bits");
    value |= (uint64_t)(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      *out = value;
      return true;
    }
  }
  return stop_with(wire, "a varint is longer than 10 bytes");
}

size_t bt_wire_varint(const char *at, size_t room, uint64_t *out) {
  if (room < 1 + MAX_VARINT_BYTES) return 0;
  uint64_t word = bt_wire_word(at + 1), last = ~word & BT_WIRE_TOPS;
  uint8_t ninth = (uint8_t)at[9];
  if (last) { /* the first of these ends the number */
    *out = bt_wire_join_sevens(word & (last ^ (last - 1)));
    return (unsigned)__builtin_ctzll(last) / 8 + 2;
  }
  *out = bt_wire_join_sevens(word) | (uint64_t)ninth << 56;
  return ninth < 0x80 ? 10 : 0;
}

static inline bool read_varint(bt_wire *wire, uint64_t *out) {
  if (wire->at < wire->end && (uint8_t)*wire->at < 0x80) {
    *out = (uint8_t)*wire->at++;
    return true;
  }
  return read_long_varint(wire, out);
}

static bool read_fixed(bt_wire *wire, unsigned bytes, uint64_t *out) {
  if ((size_t)(wire->end - wire->at) < bytes) return stop_with(wire, "the message ends inside a fixed-size number");
  uint64_t value = 0;
  memcpy(&value, wire->at, bytes);
  value = le64toh(value); /* of four bytes the upper half is zero in the wire's order too */
  wire->at += bytes;
  *out = value;
  return true;
}

static bool read_bytes(bt_wire *wire, bt_str *out) {
  uint64_t length;
  if (!read_varint(wire, &length)) return false;
  if (length > (size_t)(wire->end - wire->at)) return stop_with(wire, "a length reaches past the end of its message");
  *out = (bt_str){wire->at, (size_t)length};
  wire->at += length;
  return true;
}

bool bt_wire_next_slow(bt_wire *wire, bt_wire_field *field) {
  if (wire->problem || wire->at == wire->end) return false;
  wire->field = wire->at;
  uint64_t tag;
  if (!read_varint(wire, &tag)) return false;
  if (tag >> 3 == 0 || tag >> 3 > MAX_FIELD_NUMBER)
    return stop_with(wire, "a field number is not between 1 and 536870911");
  field->tag = (uint32_t)tag;
  field->number = (uint32_t)(tag >> 3);
  field->type = (bt_wire_type)(tag & 7);
  field->value = 0;
  field->bytes = (bt_str){NULL, 0};
  switch (tag & 7) {
  case BT_WIRE_VARINT: return read_varint(wire, &field->value);
  case BT_WIRE_FIXED64: return read_fixed(wire, 8, &field->value);
  case BT_WIRE_BYTES: return read_bytes(wire, &field->bytes);
  case BT_WIRE_FIXED32: return read_fixed(wire, 4, &field->value);
  case 3:
  case 4: return stop_with(wire, "groups are not part of this format");
  default: return stop_with(wire, "a field has a wire type that does not exist");
  }
}
